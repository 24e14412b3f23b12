"""What lateness excuses, over timelines told by hand, and what it does not."""

import asyncio

import numpy as np
import pytest
from story import START, Story

from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.lateness import Waited, late_between
from intercom_hil.judge.rules import Absent, InOrder, Measured, Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import BenchLate, DeviceEvent, SpeakerHeard
from intercom_hil.timeline.vocabulary import event, invite, speaker_tone

FAIL, INCONCLUSIVE, PASS = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS
DIALING = DeviceEvent(name="outgoing_call_initiated", screen_name="Dialing")
INITIATED = event(events.OUTGOING_INITIATED)


def late(timeline, begun, ended, seconds):
    """Between these times (s since the start) the bench was late for so long."""
    content = BenchLate(
        begun=START + begun, length=ended - begun, late=seconds, causes={"event loop": seconds}
    )
    timeline.append(Witness.LATENESS, content, START + ended)


def told(*contents):
    timeline = Timeline()
    timeline.opened = START
    for witness, content, at in contents:
        timeline.append(witness, content, START + at)
    return timeline


def test_lateness_is_counted_as_far_as_it_lies_between_two_times():
    timeline = told()
    late(timeline, 1, 2, 0.5)
    late(timeline, 4, 5, 0.9)
    assert late_between(timeline, START, START + 10) == pytest.approx(1.4)
    assert late_between(timeline, START + 1.9, START + 3) == pytest.approx(0.1)
    assert late_between(timeline, START + 2, START + 4) == 0


@pytest.mark.parametrize(
    ("seconds", "lasted", "verdict"),
    [
        (0.1, 2.0, FAIL),  # less than a tenth of the bound
        (0.8, 2.0, INCONCLUSIVE),
        (0.8, 2.8, FAIL),  # the time was given back
        (2.4, 3.0, INCONCLUSIVE),
    ],
)
def test_a_wait_that_ran_out_counts_if_it_was_a_fair_chance(seconds, lasted, verdict):
    timeline = told()
    late(timeline, 0.1, 2.6, seconds)
    wait = Waited(begun=START, bound=2.0, lasted=lasted)
    rule = Occurs(pattern=INITIATED, after=START, until=START + lasted, wait=wait)
    outcome = rule.evaluate(timeline, START)
    assert outcome.verdict is verdict
    assert (f"the bench was {seconds:.1f} s late" in outcome.seen) == (verdict is INCONCLUSIVE)


def test_lateness_excuses_no_event_too_many():
    timeline = told((Witness.CONSOLE, DIALING, 1), (Witness.CONSOLE, DIALING, 2))
    late(timeline, 0, 3, 2.9)
    wait = Waited(begun=START, bound=1.0, lasted=3.0)
    rule = Occurs(pattern=INITIATED, after=START, until=START + 3, at_most=1, wait=wait)
    assert rule.evaluate(timeline, START).verdict is FAIL


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.4, PASS), (1.9, INCONCLUSIVE), (0.2, INCONCLUSIVE), (4.0, FAIL)]
)
def test_a_time_is_as_good_as_the_bench_was_punctual(value, verdict):
    timeline = told((Witness.CONSOLE, DIALING, 2), (Witness.CONSOLE, DIALING, 2 + value))
    late(timeline, 2.0, 2.2, 0.2)
    late(timeline, 1.5, 2.0, 0.4)
    rule = Measured(name="ring time", unit="s", value=value, low=0.5, high=1.5, observations=(0, 1))
    assert rule.evaluate(timeline, START).verdict is verdict


@pytest.mark.parametrize(
    ("begun", "ended", "share", "verdict"),
    [
        (0.0, 9.0, 0.25, FAIL),  # a machine that is busy all the time, and gives the device its turn
        (2.0, 5.5, 1.0, FAIL),  # the timer ran meanwhile
        (6.5, 7.5, 1.0, INCONCLUSIVE),  # it was due, and the device had no turn
        (6.7, 7.5, 1.0, FAIL),  # it was due before, and the device had its turn
        (0.9, 2.0, 1.0, INCONCLUSIVE),  # what set it off came late
    ],
)
def test_a_timer_between_two_messages_runs_on_while_the_bench_is_late(begun, ended, share, verdict):
    """From the first message, at 1 s, on: 6.5 s, of which one is too much."""
    story = Story().at(1).sip("INVITE", "device", "pbx").at(7.5).sip("CANCEL", "device", "pbx")
    for quarter in np.arange(begun, ended - 0.01, 0.25):
        over = min(ended, quarter + 0.25)
        late(story.timeline, quarter, over, share * (over - quarter))
    rule = Measured(name="ring time", unit="s", value=6.5, low=4.5, high=5.5, observations=(0, 1))
    assert rule.evaluate(story.timeline, START).verdict is verdict


@pytest.mark.parametrize(
    ("begun", "ended", "verdict"),
    [
        (2.1, 5.0, FAIL),  # nothing comes before its time because the bench is late
        (0.9, 2.0, INCONCLUSIVE),  # the timer may have been set off before the first message shows it
        (1.5, 2.0, FAIL),  # not by that much
    ],
)
def test_a_timer_runs_out_no_sooner_because_the_bench_is_late(begun, ended, verdict):
    """From the first message, at 2 s, on: 3 s, which is one too few."""
    story = Story().at(2).sip("INVITE", "device", "pbx").at(5).sip("CANCEL", "device", "pbx")
    late(story.timeline, begun, ended, ended - begun)
    rule = Measured(name="ring time", unit="s", value=3, low=4, high=5, observations=(0, 1))
    assert rule.evaluate(story.timeline, START).verdict is verdict


def test_what_must_not_be_on_the_wire_is_no_matter_of_lateness():
    story = Story().placed()
    late(story.timeline, -1, 1, 1.9)
    rule = Absent(pattern=invite(sender="device"), after=START, until=START + 5)
    assert rule.evaluate(story.timeline, START).verdict is FAIL


@pytest.mark.parametrize(("at", "verdict"), [(2.3, INCONCLUSIVE), (4.9, FAIL)])
def test_what_the_bench_dated_late_may_have_been_there_before(at, verdict):
    timeline = told((Witness.CONSOLE, DIALING, at))
    late(timeline, 1.6, 2.3, 0.6)
    rule = Absent(pattern=INITIATED, after=START + 2, until=START + 5)
    assert rule.evaluate(timeline, START).verdict is verdict


def test_a_sound_with_gaps_is_another_sound():
    heard = SpeakerHeard(level_dbov=-20, tone_hz=700, duration=0.2)
    timeline = told((Witness.SPEAKER, heard, 3))
    rule = Absent(pattern=speaker_tone(700), after=START, until=START + 5)
    assert rule.evaluate(timeline, START).verdict is FAIL
    late(timeline, 2.2, 2.9, 0.2)
    assert rule.evaluate(timeline, START).verdict is FAIL
    late(timeline, 2.2, 2.9, 0.4)
    assert rule.evaluate(timeline, START).verdict is INCONCLUSIVE


def test_an_order_that_lateness_can_have_turned_is_not_found_out():
    story = Story().at(2).event("outgoing_call_initiated").at(2.2).press()
    pressed = story.timeline[1]
    patterns = (
        event(events.OUTGOING_INITIATED).model_copy(update={"kind": "output", "fields": {}}),
        INITIATED,
    )
    rule = InOrder(patterns=patterns, after=START, until=START + 5)
    assert pressed.witness is Witness.BUTTON
    assert rule.evaluate(story.timeline, START).verdict is FAIL
    late(story.timeline, 1.5, 2.1, 0.5)
    assert rule.evaluate(story.timeline, START).verdict is INCONCLUSIVE


@pytest.mark.parametrize(("seconds", "verdict"), [(0.0, FAIL), (0.8, INCONCLUSIVE)])
def test_what_is_missing_from_the_log_of_a_late_bench_is_not_found_out(seconds, verdict):
    story = Story().press().event("outgoing_call_initiated").placed()
    late(story.timeline, 10, 11, seconds)
    found = monitor(story.timeline, START + 10, START + 11)
    (missing,) = [j for j in found if j.requirement == "EVT-02"]
    assert missing.verdict is verdict


async def test_a_device_that_is_late_on_a_bench_in_time_fails():
    judge = Judge(Timeline())
    asyncio.get_running_loop().call_later(0.5, judge.timeline.append, Witness.CONSOLE, DIALING)
    with pytest.raises(ExpectationFailed):
        await judge.expect("EVT-01", INITIATED, within=0.1)
