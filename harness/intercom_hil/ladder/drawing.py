"""A finished ladder as data: shapes with coordinates, which a template only has to write down.

Coordinates are SVG user units with y downwards. Nothing here is markup, so nothing here can be injected.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from intercom_hil.ladder.lanes import Lane, Lanes
from intercom_hil.ladder.shapes import Arrow, Mark, Span

HEAD_HEIGHT = 34.0
"""The height of the row of lane names at the top."""


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """An arrow from x1 to x2 at y; ``label`` and ``note`` are cut to the room there is."""

    arrow: Arrow
    anchor: str
    x1: float
    x2: float
    y: float
    label: str
    note: str

    @property
    def middle(self) -> float:
        """Where the label is centred."""
        return (self.x1 + self.x2) / 2

    @property
    def is_cut(self) -> bool:
        """Whether there was no room for the whole label."""
        return self.label.endswith("…")

    @property
    def classes(self) -> str:
        """Its style, and what is peculiar to it, as classes of a style sheet."""
        more = " again" * self.arrow.again + " secondhand" * self.arrow.secondhand
        return self.arrow.style + more

    def is_bare(self, targets: Collection[str]) -> bool:
        """Whether nothing leads to it, and all of it can be read: those of one style are drawn as one."""
        return self.anchor not in targets and not self.is_cut

    @property
    def tip(self) -> float:
        """The x direction from the tip back along the shaft: +1 or -1."""
        return -1.0 if self.x2 >= self.x1 else 1.0


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A text at x, y in a side lane."""

    mark: Mark
    anchor: str
    x: float
    y: float
    text: str

    @property
    def is_cut(self) -> bool:
        """Whether there was no room for the whole text."""
        return self.text != self.mark.text


@dataclass(frozen=True, slots=True)
class PlacedSpan:
    """A media bar at x from y1 to y2; ``heard`` are pairs of y and height; its text stands at text_x, y1."""

    span: Span
    anchor: str
    x: float
    y1: float
    y2: float
    heard: tuple[tuple[float, float], ...]
    text_x: float
    text: str

    @property
    def is_cut(self) -> bool:
        """Whether there was no room for the whole text."""
        return self.text != self.span.text


@dataclass(frozen=True, slots=True)
class PlacedDot:
    """What a party said, on its lifeline; several remarks at one place share a dot."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class PlacedBand:
    """A loss, drawn across all lanes at y."""

    anchor: str
    y: float
    text: str
    title: str


@dataclass(slots=True)
class Ladder:
    """A whole drawing.

    ``anchors`` maps observation numbers to element ids. ``remarks`` are all that is shown on hover, by time.
    """

    lanes: Lanes
    height: float = 0.0
    ticks: list[tuple[float, str]] = field(default_factory=list)
    cuts: list[tuple[float, str]] = field(default_factory=list)
    arrows: list[PlacedArrow] = field(default_factory=list)
    marks: list[PlacedMark] = field(default_factory=list)
    spans: list[PlacedSpan] = field(default_factory=list)
    dots: list[PlacedDot] = field(default_factory=list)
    bands: list[PlacedBand] = field(default_factory=list)
    anchors: dict[int, str] = field(default_factory=dict)
    left_out: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def width(self) -> float:
        """The width of the drawing."""
        return self.lanes.width

    @property
    def left(self) -> float:
        """Where the time column ends."""
        return 60.0

    @property
    def foot(self) -> float:
        """Where lifelines end."""
        return self.height - 8

    @property
    def width_step(self) -> int:
        """The width rounded up to a multiple of 20, for the stylesheet's classes."""
        return -(-int(self.width) // 20) * 20

    @property
    def columns(self) -> list[Lane]:
        """The lanes beside the parties, from left to right."""
        return list(self.lanes.sides.values())

    def bare_arrows(self, targets: Collection[str]) -> list[PlacedArrow]:
        """Return the arrows to which none of the targets, which are ids of elements, belongs."""
        return [placed for placed in self.arrows if placed.is_bare(targets)]

    @property
    def marks_by_lane(self) -> dict[str, list[PlacedMark]]:
        """The marks of each lane beside the parties; those of one lane have one x."""
        found: dict[str, list[PlacedMark]] = {}
        for placed in self.marks:
            found.setdefault(placed.mark.lane, []).append(placed)
        return found

    @property
    def cut_short(self) -> list[str]:
        """What of the drawing has no room for its text, in full; the judgements are in a table anyhow."""
        found = [placed.arrow.title for placed in self.arrows if placed.is_cut]
        found += [p.mark.title for p in self.marks if p.is_cut and not p.mark.about]
        return found + [placed.span.title for placed in self.spans if placed.is_cut]

    @property
    def styles(self) -> set[str]:
        """The styles in use, for a legend that explains only what is there."""
        found = {placed.arrow.style for placed in self.arrows} | {placed.span.style for placed in self.spans}
        if any(placed.arrow.secondhand for placed in self.arrows):
            found.add("secondhand")
        if any(placed.heard for placed in self.spans):
            found.add("sounding")
        return found
