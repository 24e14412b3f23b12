"""What is heard in a call at the bounds of RTP-05 (echo) and RTP-06 (overdriven)."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaHeard
from intercom_hil.timeline.observation import Declared
from tests.practice.test_practice import CALL, LATER, START, told

MICROPHONE, DESK = 440.0, 1000.0


def window(*, ours=True, hz=MICROPHONE, level=-20.0, also=None, also_level=None):
    ends = ("device", "pbx") if ours else ("pbx", "device")
    return MediaHeard(
        flow="f",
        sender=ends[0],
        receiver=ends[1],
        protection="srtp",
        level_dbov=level,
        tone_hz=hz,
        also_hz=also,
        also_dbov=also_level,
        duration=0.25,
        call_id="c",
    )


def theirs(count=3, *, hz=DESK, level=-10.0):
    return [window(ours=False, hz=hz, level=level)] * count


def found(row, *windows, microphone=MICROPHONE):
    """Problems, or how often it was looked at, and the numbers of the windows that show it."""
    timeline = told(*CALL[:3])
    if microphone is not None:
        declared = Declared(has=(), lacks=(), microphone_tone=microphone)
        timeline.append(Witness.BENCH, declared, START)
    numbers = {}
    for number, content in enumerate(windows):
        at = START + 3 + number / 4
        numbers[timeline.append(Witness.WIRE, content, at).seq] = number
    return [
        (one.seen.partition(f": {one.observations[0]}")[0], [numbers[o.seq] for o in one.observations])
        for one in practice(timeline, LATER)
        if one.requirement == row
    ]


ECHO = "the 1000 Hz of the other side come back"


def echoes(count, *, level=-29.0, hz=DESK):
    return [window(also=hz, also_level=level)] * count


@pytest.mark.parametrize(
    ("windows", "lines"),
    [
        ([*theirs(), *echoes(3)], [(ECHO, [3, 4, 5])]),
        ([*theirs(), *echoes(2), window()], [("looked at 1 times", [3])]),
        ([*theirs(), *echoes(3, level=-30.0)], [("looked at 1 times", [3])]),
        ([*theirs(), *echoes(3, level=-29.9)], [(ECHO, [3, 4, 5])]),
        ([*theirs(), *echoes(3, level=None)], [("looked at 1 times", [3])]),
        ([*theirs(), *echoes(3, hz=1300.0)], [("looked at 1 times", [3])]),
        ([*theirs(), *[window(hz=DESK, level=-29.0)] * 3], [(ECHO, [3, 4, 5])]),
        ([*theirs(), window(), *[window(hz=DESK, level=-29.0)] * 3, window()], [(ECHO, [4, 5, 6])]),
        ([*theirs(), *[window(hz=DESK, level=-30.0)] * 3], [("looked at 1 times", [3])]),
        ([*theirs(2), *echoes(3)], []),
        ([*theirs(3, hz=None), *echoes(3)], []),
        ([*theirs(), *echoes(2)], []),
        ([*theirs(hz=MICROPHONE), *[window()] * 3], []),
        ([*theirs(hz=2 * MICROPHONE), *echoes(3, hz=2 * MICROPHONE)], []),
        ([*theirs(hz=8 * MICROPHONE), *echoes(3, hz=8 * MICROPHONE)], []),
        (
            [*theirs(hz=9 * MICROPHONE), *echoes(3, hz=9 * MICROPHONE)],
            [("the 3960 Hz of the other side come back", [3, 4, 5])],
        ),
        ([*theirs(2), *theirs(1, level=-40.0), *echoes(3)], [(ECHO, [3, 4, 5])]),
        ([*theirs(1), *theirs(2, level=-40.0), *echoes(3)], [(ECHO, [3, 4, 5])]),
        ([*theirs(2), *theirs(1, hz=3000.0), *echoes(3)], [(ECHO, [3, 4, 5])]),
    ],
)
def test_what_the_other_side_hears_of_itself(windows, lines):
    assert found("RTP-05", *windows) == lines


LOUD = "the tone is cut off at full scale"


@pytest.mark.parametrize(
    ("windows", "lines"),
    [
        ([window(level=-1.7)] * 3, [(LOUD, [0, 1, 2])]),
        ([window(level=-1.8)] * 3, [("looked at 1 times", [0])]),
        ([window(level=-1.7)] * 2, []),
        ([window(), *[window(level=-1.7)] * 2], [("looked at 1 times", [0])]),
        ([window(), *[window(level=-1.7)] * 3], [(LOUD, [1, 2, 3])]),
        ([window(hz=DESK, level=-1.7)] * 3, []),
        ([window(ours=False, level=-1.7)] * 3, []),
    ],
)
def test_a_tone_that_is_louder_than_a_sine_can_be(windows, lines):
    assert found("RTP-06", *windows) == lines


def test_without_a_tone_at_the_microphone_nothing_is_known_of_either():
    for row in ("RTP-05", "RTP-06"):
        assert found(row, *theirs(), *echoes(3, level=0.0), microphone=None) == []
