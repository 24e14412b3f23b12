"""The time axis of a ladder: each time gets a height; idle stretches are cut short.

Time runs downwards and is never reversed: what is drawn lower happened no earlier. Distances are to scale
only between ``MIN_STEP`` and ``MAX_STEP``; a longer wait is drawn as a cut that states its length. An entry
that would touch its predecessor in the same lane moves down, and everything later moves with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

UNITS_PER_SECOND = 40.0
MAX_STEP = 40.0
SAME_MOMENT = 0.02
"""Entries no further apart than this many seconds may share a line, unless their lanes forbid it."""

MIN_STEP = 14.0
"""The distance between two moments: room for the time of each."""

CUT_FROM = 1.0
"""Idle seconds from which on the axis is cut."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of time left out: where it is drawn, and how many seconds it stands for."""

    y: float
    seconds: float


@dataclass(slots=True)
class Axis:
    """Places entries one after the other; ask for heights only after the last of them."""

    top: float
    cuts: list[Cut] = field(default_factory=list)
    _points: list[tuple[float, float]] = field(default_factory=list)
    _floors: dict[str, float] = field(default_factory=dict)

    def place(self, time: float, lanes: Sequence[str] = (), height: float = 0.0) -> float:
        """Return the height of an entry that must not overlap earlier ones of its lanes.

        Args:
            time: when it happened; no earlier than that of the entry placed before.
            lanes: the lanes it occupies; none for a mere moment on the axis.
            height: how far below the entry before it must lie in those lanes.
        """
        y = self.top
        if self._points:
            last_time, last_y = self._points[-1]
            idle = time - last_time
            step = min(max(idle * UNITS_PER_SECOND, MIN_STEP), MAX_STEP) if idle > SAME_MOMENT else 0.0
            if idle >= CUT_FROM:
                self.cuts.append(Cut(last_y + MAX_STEP / 2, idle))
                step = MAX_STEP + 12
            y = last_y + step
        for lane in lanes:
            y = max(y, self._floors.get(lane, 0.0) + height)
        for lane in lanes:
            self._floors[lane] = y
        self._points.append((time, y))
        return y

    @property
    def bottom(self) -> float:
        """The height of the last entry."""
        return self._points[-1][1] if self._points else self.top

    def height_of(self, time: float) -> float:
        """Return where a moment lies, between the entries around it."""
        at = bisect_left(self._points, (time, float("-inf")))
        if at == len(self._points):
            return self.bottom
        after_time, after = self._points[at]
        if at == 0 or after_time == time:
            return after
        before_time, before = self._points[at - 1]
        return before + (after - before) * (time - before_time) / (after_time - before_time)
