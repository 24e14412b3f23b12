"""A stretch of a ladder: what fits on a page of paper, under the same heads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from intercom_hil.ladder.drawing import HEAD_HEIGHT, Ladder, PlacedSpan
from intercom_hil.ladder.shapes import JUDGED

_AFTER = 70.0
"""How much of what followed a failure is shown."""
_EDGE = 26.0
_Placed = TypeVar("_Placed", bound=object)


def window(ladder: Ladder, height: float, worst: str = "", about: str = "") -> Ladder:
    """Return the stretch of a ladder that is at most so high, and ends soon after what was judged.

    Args:
        ladder: the whole drawing.
        height: of the stretch, heads included.
        worst: the style of the judgement that it is about; it ends at the bottom without one.
        about: that judgement's requirement; the first judgement of this style counts without one.
    """
    if ladder.height <= height:
        return ladder
    marks = [placed for placed in ladder.marks if placed.mark.lane == JUDGED and placed.mark.style == worst]
    if about:
        marks = [one for one in marks if any(item.requirement == about for item in one.mark.about)]
    bottom = min([ladder.height, *(placed.y + _AFTER for placed in marks[:1])])
    top = max(bottom - (height - HEAD_HEIGHT - _EDGE), HEAD_HEIGHT + _EDGE)
    bottom = top + height - HEAD_HEIGHT - _EDGE
    down = HEAD_HEIGHT + _EDGE - top

    def shown(y: float) -> bool:
        return top <= y <= bottom - _EDGE / 2

    def moved(placed: Iterable[_Placed]) -> list[_Placed]:
        found = ((one, getattr(one, "y")) for one in placed)  # noqa: B009  (all of them have one)
        return [replace(one, y=round(y + down, 1)) for one, y in found if shown(y)]  # type: ignore[type-var]

    return replace(
        ladder,
        height=height,
        ticks=[(round(y + down, 1), text) for y, text in ladder.ticks if shown(y)],
        cuts=[(y + down, text) for y, text in ladder.cuts if shown(y)],
        arrows=moved(ladder.arrows),
        marks=moved(ladder.marks),
        spans=[_clipped(one, top, bottom, down) for one in ladder.spans if one.y1 < bottom and one.y2 > top],
        dots=moved(ladder.dots),
        bands=moved(ladder.bands),
    )


def _clipped(span: PlacedSpan, top: float, bottom: float, down: float) -> PlacedSpan:
    heard = [(max(y, top), min(y + height, bottom)) for y, height in span.heard]
    return replace(
        span,
        y1=max(span.y1, top) + down,
        y2=min(span.y2, bottom) + down,
        heard=tuple((y + down, end - y) for y, end in heard if end > y),
    )
