"""How fast a clock runs, by the times at which packets come: late ones, pauses, and clocks that are wrong."""

import pytest

from intercom_hil.media.pace import Pace

RATE, STEP = 8000, 0.02


def ratio(*parts):
    """The pace of a flow. A part: how long packets come, how far apart, and the silence before them (s)."""
    pace, time, timestamp = Pace(), 1000.0, 2**32 - 4000
    for seconds, apart, silence in parts:
        time += silence
        for _ in range(round(seconds / apart)):
            pace.take(timestamp & 0xFFFFFFFF, RATE, time)
            time, timestamp = time + apart, timestamp + round(STEP * RATE)
    return pace.ratio, pace.seconds


def test_a_clock_that_keeps_time_and_those_that_do_not():
    assert ratio((2.0, STEP, 0.0))[0] == pytest.approx(1.0)
    assert ratio((2.0, STEP / 1.5, 0.0))[0] == pytest.approx(1.5)
    assert ratio((2.0, STEP * 1.5, 0.0))[0] == pytest.approx(1 / 1.5)


def test_two_packets_that_were_held_up_say_nothing_of_a_clock():
    assert ratio((0.001, 0.0005, 0.0))[0] is None


@pytest.mark.parametrize("held_up", [0.4, 0.7, 1.3, 3.0])
@pytest.mark.parametrize("apart", [STEP / 20, STEP / 1.7])
def test_what_was_held_up_and_comes_after_faster_is_no_fast_clock(held_up, apart):
    lag = held_up / (STEP / apart - 1)  # for so long it comes faster
    found, _ = ratio((1.0, STEP, 0.0), (lag, apart, held_up), (3.0, STEP, 0.0))
    assert found == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("times", [1.0, 1.5])
def test_pictures_that_are_sent_in_another_order_than_they_were_taken_keep_their_clock(times):
    """RFC 3550 §5.1: a picture that others are told by goes before them, with a timestamp above theirs."""
    pace, frame = Pace(), 90_000 // 25
    for sent, place in enumerate((0, *(first + back for first in range(0, 60, 3) for back in (3, 1, 2)))):
        for packet in range(4):
            pace.take((2**32 - 9000 + place * frame) & 0xFFFFFFFF, 90_000, (sent + packet / 50) / 25 / times)
    assert pace.ratio == pytest.approx(times, abs=0.05)


def test_a_wrong_clock_is_seen_before_a_silence_and_long_after_it():
    assert ratio((2.0, STEP / 1.5, 0.0), (1.0, STEP / 1.5, 1.0))[0] == pytest.approx(1.5, abs=0.05)
    assert ratio((0.1, STEP / 1.5, 0.0), (9.0, STEP / 1.5, 1.0))[0] == pytest.approx(1.5, abs=0.05)
    found, seconds = ratio((0.1, STEP / 1.5, 0.0), (2.0, STEP / 1.5, 1.0))
    assert seconds < 0.2, found
