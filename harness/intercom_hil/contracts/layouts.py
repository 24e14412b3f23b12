"""What every layout does: it reads the lines of its device, and finds no events in others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from intercom_hil.layouts import Layout
from intercom_hil.spec.events import EVENTS
from intercom_hil.timeline.observation import ConsoleLine, DeviceEvent, UnreadableLine

_ROUND = {
    "colours": ("\x1b[1;31m", "\x1b[0m"),
    "screen cleared": ("\x1b[2J\x1b[H", ""),
    "byte order mark": ("\ufeff", ""),
    "NULs": ("\0\0", "\0"),
    "blanks": ("  ", " "),
}
_LONG = 8192  # characters: twice the longest line that the bench takes from a console
_WITHIN = 2.0  # s: an expression that comes to no end is given up after a tenth of that
_FOREIGN = ("[   12.345678] usb 1-1: new device", "login: ", "\ufffd\ufffd", "{", "", '"', "\\", "[]", "null")


@dataclass(frozen=True)
class Sample:
    """One line that a device wrote, and what it says.

    Attributes:
        line: the line, without its end.
        event: the name of the event that it reports; empty where it reports none.
        screen: what the event says that the screen shows.
        failure: the kind of failure (EVT-13) that its details show.
        device_time: when the device says that it was, in seconds since the epoch; None: not looked at.
    """

    line: str
    event: str = ""
    screen: str = ""
    failure: str = ""
    device_time: float | None = None


class LayoutContract:
    """The tests of a layout. Derive, and return from ``layout`` a ``Layout``, from ``samples`` its lines.

    The lines should be recorded from a real device: one at least of each kind, and of each event that it has.
    """

    def test_each_sample_says_what_it_should(self, layout: Layout, samples: Sequence[Sample]) -> None:
        """Each sample says what it should."""
        assert [sample for sample in samples if sample.event], "a sample of an event, at the least"
        for sample in samples:
            events = _events(layout, sample.line)
            assert [event.name for event in events] == ([sample.event] if sample.event else []), sample.line
            for event in events:
                assert event.screen_name == sample.screen, sample.line
                assert event.failure == sample.failure, sample.line
                if sample.device_time is not None:
                    assert event.device_time == pytest.approx(sample.device_time, abs=0.001), sample.line

    def test_its_events_are_named_as_the_specification_names_them(
        self, layout: Layout, samples: Sequence[Sample]
    ) -> None:
        """Its events are named as the specification names them."""
        named = {event.name for sample in samples for event in _events(layout, sample.line)}
        assert named & EVENTS.keys(), f"none of {sorted(named)} is an event of the specification"

    def test_a_line_is_kept_as_it_is(self, layout: Layout, samples: Sequence[Sample]) -> None:
        """A line is kept as it is."""
        for sample in samples:
            first, *_ = layout.read(sample.line).contents
            assert first == ConsoleLine(text=sample.line)

    @pytest.mark.parametrize("what", _ROUND)
    def test_what_a_terminal_would_not_show_hides_nothing(
        self, layout: Layout, samples: Sequence[Sample], what: str
    ) -> None:
        """What a terminal would not show hides nothing."""
        before, after = _ROUND[what]
        for sample in samples:
            assert _events(layout, before + sample.line + after) == _events(layout, sample.line)

    def test_half_a_line_is_no_other_event(self, layout: Layout, samples: Sequence[Sample]) -> None:
        """Half a line is no other event."""
        for sample in samples:
            for end in range(len(sample.line)):
                names = {event.name for event in _events(layout, sample.line[:end])}
                assert not names & (EVENTS.keys() - {sample.event}), sample.line[:end]

    def test_what_is_no_line_of_the_device_is_no_event(self, layout: Layout) -> None:
        """What is no line of the device is no event."""
        for line in _FOREIGN:
            assert _events(layout, line) == [], line

    def test_no_line_is_too_long_to_be_read(self, layout: Layout, samples: Sequence[Sample]) -> None:
        """No line is too long to be read."""
        for sample in samples:
            for line in (sample.line * (_LONG // len(sample.line) + 1), sample.line + " " * _LONG):
                begun = time.process_time()
                contents = layout.read(line[:_LONG]).contents
                assert time.process_time() - begun < _WITHIN, f"{sample.line} again and again"
                slow = [c for c in contents if isinstance(c, UnreadableLine) and "expression" in c.reason]
                assert not slow, f"{sample.line}: {slow[0].reason}"


def _events(layout: Layout, line: str) -> list[DeviceEvent]:
    return [content for content in layout.read(line).contents if isinstance(content, DeviceEvent)]
