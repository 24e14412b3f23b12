"""What the verbs of a scenario judge: already seen, in order, recorded."""

import pytest

from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.judgement import judged
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import DeviceEvent
from intercom_hil.timeline.vocabulary import event

DIALING, FAILED, EXHAUSTED = (
    event(kind)
    for kind in (events.OUTGOING_INITIATED, events.OUTGOING_FAILURE, events.OUTGOING_CONTACTS_EXHAUSTED)
)


def told(*names):
    """A timeline on which events come a second apart, and its judge."""
    timeline = Timeline()
    timeline.opened -= len(names)
    for second, name in enumerate(names):
        timeline.append(Witness.CONSOLE, DeviceEvent(name=name, screen_name=name), timeline.opened + second)
    return Judge(timeline)


async def test_what_has_been_seen_is_called_so():
    judge = told("outgoing_call_initiated", "outgoing_call_initiated")
    first = await judge.already_seen("EVT-01", DIALING)
    assert first.seq == 0
    assert judge.judgements[0].expected == "event outgoing_call_initiated, already seen"


async def test_what_was_seen_before_does_not_count():
    judge = told("outgoing_call_initiated", "outgoing_call_failure")
    with pytest.raises(ExpectationFailed):
        await judge.already_seen("EVT-01", DIALING, after=judge.timeline[1].time)


async def test_the_first_of_each_has_to_come_in_order():
    judge = told("outgoing_call_initiated", "outgoing_call_failure", "outgoing_call_initiated")
    await judge.in_order("EVT-12", [DIALING, FAILED])
    assert judge.judgements[0].expected == f"{DIALING}, then {FAILED}"
    with pytest.raises(ExpectationFailed):
        await judge.in_order("EVT-12", [FAILED, DIALING])
    assert [j.verdict for j in judge.judgements] == [Verdict.PASS, Verdict.FAIL]
    assert judge.judgements[1].observations == (0, 1)


async def test_one_that_never_came_is_no_order():
    judge = told("outgoing_call_initiated", "outgoing_call_failure")
    with pytest.raises(ExpectationFailed) as failed:
        await judge.in_order("EVT-12", [DIALING, FAILED, EXHAUSTED])
    assert f"never {EXHAUSTED}" in failed.value.judgement.seen


async def test_an_order_is_judged_again_the_same():
    judge = told("outgoing_call_failure", "outgoing_call_initiated")
    with pytest.raises(ExpectationFailed):
        await judge.in_order("EVT-12", [DIALING, FAILED])
    (before,) = judge.judgements
    stored = type(before).model_validate_json(before.model_dump_json())
    timeline = judge.timeline
    assert judged("EVT-12", before.expected, stored.rule, timeline, timeline.opened) == before


async def test_what_is_recorded_is_called_so():
    judge = told("outgoing_call_initiated")
    judge.at_end("OUT-10", DIALING, at_least=0)
    await judge.conclude(0)
    assert judge.judgements[0].expected == "event outgoing_call_initiated, recorded"
