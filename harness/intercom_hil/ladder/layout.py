"""Lays a ladder out: dated entries become shapes with coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from intercom_hil.ladder.axis import Axis
from intercom_hil.ladder.drawing import (
    HEAD_HEIGHT,
    Ladder,
    PlacedArrow,
    PlacedBand,
    PlacedDot,
    PlacedMark,
    PlacedSpan,
)
from intercom_hil.ladder.lanes import PANEL_OVERHANG, arrange, room_for
from intercom_hil.ladder.shapes import JUDGED, MEDIA, PANEL, Arrow, Band, Dot, Mark, Span, Story
from intercom_hil.run_folder.fields import relative, shorten

MAX_ENTRIES = 700
"""Entries drawn in one ladder; beyond that a drawing explains nothing any more."""

_ARROW_HEIGHT = 21.0
_MARK_HEIGHT = 16.0
_BAND_HEIGHT = 28.0
_TICK_HEIGHT = 13.0
_BAR_STEP = 9.0
_BAR_COLUMNS = 7
_MIN_BAR = 5.0
_DOT_HEIGHT = 5.0
_DOT_REMARKS = 12


@dataclass(frozen=True, slots=True)
class _Entry:
    time: float
    order: int
    place: Callable[[], None]


def lay_out(story: Story, start: float, prefix: str) -> Ladder:
    """Place every entry of a story.

    Args:
        story: the entries.
        start: the time that the axis counts from, seconds since the epoch.
        prefix: what element ids begin with, unique in the document.
    """
    return _Layout(story, start, prefix).run()


class _Layout:
    """One drawing in the making: entries are placed in order of time, then bars are hung between them."""

    def __init__(self, story: Story, start: float, prefix: str) -> None:
        used: dict[str, int] = {}
        for lane, text in [
            *((mark.lane, mark.text) for mark in story.marks),
            *((MEDIA, span.text) for span in story.spans),
        ]:
            used[lane] = max(used.get(lane, 0), len(text))
        self._story, self._start, self._prefix = story, start, prefix
        self._lanes = arrange(story.parties, used)
        self._segments = max(1, len(self._lanes.parties) - 1)
        self._axis = Axis(top=HEAD_HEIGHT + 28)
        self._ladder = Ladder(self._lanes)
        self._bar_tops: list[tuple[Span, float]] = []
        self._remarks: dict[tuple[float, int], list[str]] = {}
        self._last_tick = 0.0

    def run(self) -> Ladder:
        """Return the finished drawing."""
        story, ladder = self._story, self._ladder
        entries = [
            *(_Entry(span.start, 0, partial(self._span, span)) for span in story.spans),
            *(_Entry(arrow.time, 1, partial(self._arrow, arrow)) for arrow in story.arrows),
            *(_Entry(mark.time, 2, partial(self._mark, mark)) for mark in story.marks),
            *(_Entry(span.end, 3, partial(self._moment, span.end)) for span in story.spans),
            *(_Entry(band.time, 4, partial(self._band, band)) for band in story.bands),
        ]
        entries.sort(key=lambda entry: (entry.time, entry.order))
        for entry in entries[:MAX_ENTRIES]:
            entry.place()
        ladder.left_out = max(0, len(entries) - MAX_ENTRIES)
        ladder.height = self._axis.bottom + 30
        ladder.cuts = [(cut.y, _length(cut.seconds)) for cut in self._axis.cuts]
        ladder.remarks = self._in_words()
        self._hang_bars()
        if entries:
            for dot in story.dots:
                self._dot(dot, entries[0].time, entries[:MAX_ENTRIES][-1].time)
        ladder.dots = [
            PlacedDot(x, row * _DOT_HEIGHT, "\n".join(lines[:_DOT_REMARKS]))
            for (x, row), lines in self._remarks.items()
        ]
        return ladder

    def _in_words(self) -> list[str]:
        story = self._story
        said = [(arrow.time, arrow.title) for arrow in story.arrows]
        said += [(mark.time, mark.title) for mark in story.marks]
        said += [(dot.time, dot.title) for dot in story.dots]
        said += [(band.time, band.title) for band in story.bands]
        said += [(span.start, span.title) for span in story.spans]
        return [title for _, title in sorted(said)[:MAX_ENTRIES]]

    def _anchor(self, seqs: tuple[int, ...]) -> str:
        known = [seq for seq in seqs if seq >= 0 and seq not in self._ladder.anchors]
        if not known:
            return ""
        anchor = f"{self._prefix}o{known[0]}"
        self._ladder.anchors.update(dict.fromkeys(known, anchor))
        return anchor

    def _tick(self, time: float, y: float) -> None:
        text = relative(time, self._start)
        said = self._ladder.ticks[-1][1] if self._ladder.ticks else ""
        if y - self._last_tick >= _TICK_HEIGHT and text != said:
            self._ladder.ticks.append((round(y, 1), text))
            self._last_tick = y

    def _moment(self, time: float) -> None:
        self._axis.place(time)

    def _arrow(self, arrow: Arrow) -> None:
        source, target = self._lanes.index(arrow.source), self._lanes.index(arrow.target)
        left, right = min(source, target), max(source, target)
        spans = range(left, right) if left != right else range(min(left, self._segments - 1), left + 1)
        y = self._axis.place(arrow.time, [f"segment {number}" for number in spans], _ARROW_HEIGHT)
        x1 = self._lanes.parties[source].x
        x2 = self._lanes.parties[target].x if source != target else x1 + 36.0
        room = room_for(abs(x2 - x1) - 22)
        label = f"{arrow.label} (again)" if arrow.again else arrow.label
        note = arrow.note if len(label) + len(arrow.note) + 2 <= room else ""
        placed = PlacedArrow(arrow, self._anchor(arrow.seqs), x1, x2, round(y, 1), shorten(label, room), note)
        self._ladder.arrows.append(placed)
        self._tick(arrow.time, y)

    def _mark(self, mark: Mark) -> None:
        y = self._axis.place(mark.time, self._everything() if mark.rule else [mark.lane], _MARK_HEIGHT)
        lane = self._lanes.sides[mark.lane]
        room = room_for(lane.width)
        x = lane.x
        if mark.lane == PANEL:
            x = lane.x + lane.width + PANEL_OVERHANG
            room = room_for(lane.width + PANEL_OVERHANG - 12)
        elif mark.lane == MEDIA:
            x = self._media_text_x()
            room = room_for(lane.x + lane.width - x - 6)
        elif mark.lane == JUDGED:
            x, room = lane.x + 8, room_for(lane.width - 8)
        text = shorten(mark.text, room)
        self._ladder.marks.append(PlacedMark(mark, self._anchor(mark.seqs), round(x, 1), round(y, 1), text))
        self._tick(mark.time, y)

    def _span(self, span: Span) -> None:
        y = self._axis.place(span.start, [MEDIA], _MARK_HEIGHT)
        self._bar_tops.append((span, y))
        self._tick(span.start, y)

    def _band(self, band: Band) -> None:
        y = self._axis.place(band.time, self._everything(), _BAND_HEIGHT)
        room = room_for(self._lanes.width - self._ladder.left - 30)
        anchor = self._anchor(band.seqs)
        self._ladder.bands.append(PlacedBand(anchor, round(y, 1), shorten(band.text, room), band.title))
        self._tick(band.time, y)

    def _everything(self) -> list[str]:
        return [*(f"segment {number}" for number in range(self._segments)), *self._lanes.sides]

    def _media_text_x(self) -> float:
        return self._lanes.bars_x + _BAR_STEP * _BAR_COLUMNS + 4

    def _hang_bars(self) -> None:
        """Give each flow the first column that is free over its whole length."""
        ends = [float("-inf")] * _BAR_COLUMNS
        for span, top in self._bar_tops:
            bottom = max(self._axis.height_of(span.end), top + _MIN_BAR)
            free = [column for column, end in enumerate(ends) if end < top - 2]
            column = free[0] if free else _BAR_COLUMNS - 1
            ends[column] = max(ends[column], bottom)
            heard = []
            for begin, end in span.heard:
                y1 = min(max(self._axis.height_of(begin), top), bottom)
                y2 = min(max(self._axis.height_of(end), y1), bottom)
                heard.append((round(y1, 1), round(max(y2 - y1, 1.0), 1)))
            lane = self._lanes.sides[MEDIA]
            room = room_for(lane.x + lane.width - self._media_text_x() - 6)
            self._ladder.spans.append(
                PlacedSpan(
                    span=span,
                    anchor=self._anchor(span.seqs),
                    x=self._lanes.bars_x + column * _BAR_STEP,
                    y1=round(top, 1),
                    y2=round(bottom, 1),
                    heard=tuple(heard),
                    text_x=self._media_text_x(),
                    text=shorten(span.text, room),
                )
            )

    def _dot(self, dot: Dot, first: float, last: float) -> None:
        y = self._axis.height_of(min(max(dot.time, first), last))
        key = (self._lanes.x(dot.party), round(y / _DOT_HEIGHT))
        self._remarks.setdefault(key, []).append(dot.title)


def _length(idle: float) -> str:
    return f"{idle:.1f} s" if idle < 100 else f"{idle:.0f} s"
