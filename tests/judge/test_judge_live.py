"""The judge on a living timeline: what it waits for, what it books, and that it can be judged again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from story import START, Story

from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.evidence.run import write_lines
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.judgement import judged
from intercom_hil.judge.rules import Absent, Measured, Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.replay import judge_scenario_again
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness, now
from intercom_hil.timeline.observation import DeviceEvent, Note
from intercom_hil.timeline.vocabulary import answer, event, final_answer, invite, refusal, request

DIALING = DeviceEvent(name="outgoing_call_initiated", screen_name="Dialing")


async def test_an_expectation_is_met_by_what_has_been_seen_already():
    timeline = Timeline()
    timeline.append(Witness.CONSOLE, DIALING)
    judge = Judge(timeline)
    await judge.expect("EVT-01", event(events.OUTGOING_INITIATED), within=0)
    assert [j.verdict for j in judge.judgements] == [Verdict.PASS]
    assert judge.judgements[0].witnesses == ("console",)


async def test_an_expectation_waits_for_the_observation_and_no_longer():
    timeline = Timeline()
    judge = Judge(timeline)
    asyncio.get_running_loop().call_later(0.05, timeline.append, Witness.CONSOLE, DIALING)
    begun = now()
    await judge.expect("EVT-01", event(events.OUTGOING_INITIATED), within=10)
    assert now() - begun < 5
    assert 0 < timeline.protocol_wait() <= now() - begun


async def test_a_failed_expectation_says_what_was_expected_and_what_was_there_instead():
    timeline = Timeline()
    timeline.append(Witness.CONSOLE, DIALING)
    judge = Judge(timeline)
    with pytest.raises(ExpectationFailed) as failure:
        await judge.expect("EVT-02", event(events.OUTGOING_ESTABLISHED), within=0.01)
    text = str(failure.value)
    assert "EVT-02" in text
    assert "outgoing_call_established within 0.01 s" in text
    assert "outgoing_call_initiated" in text
    assert judge.judgements[0].verdict is Verdict.FAIL


async def test_what_must_never_happen_fails_at_once():
    timeline = Timeline()
    judge = Judge(timeline)
    asyncio.get_running_loop().call_later(0.02, timeline.append, Witness.CONSOLE, DIALING)
    begun = now()
    with pytest.raises(ExpectationFailed):
        await judge.never("EVT-11", event(events.OUTGOING_INITIATED), during=10)
    assert now() - begun < 5


async def test_a_missing_precondition_is_inconclusive_and_nobody_is_blamed():
    judge = Judge(Timeline())
    with pytest.raises(Inconclusive, match="precondition not met: INVITE"):
        await judge.require(invite(), within=0.01)
    assert judge.judgements == []


async def test_a_lost_bench_ends_every_wait():
    timeline = Timeline()
    judge = Judge(timeline)
    asyncio.get_running_loop().call_later(0.02, timeline.raise_alarm, BenchError("the cable is out"))
    with pytest.raises(BenchError, match="cable"):
        await judge.expect("OUT-01", invite(), within=10)
    with pytest.raises(BenchError, match="cable"):
        await judge.require(invite(), within=10)


async def test_what_is_declared_for_the_end_is_counted_at_the_end():
    timeline = Timeline()
    judge = Judge(timeline)
    judge.at_end("EVT-01", event(events.OUTGOING_INITIATED))
    judge.at_end("EVT-02", event(events.OUTGOING_ESTABLISHED), at_least=0, at_most=0)
    judge.at_end("EVT-03", event(events.OUTGOING_FAILURE), provided=event(events.OUTGOING_REMOTE_HANGUP))
    asyncio.get_running_loop().call_later(0.02, timeline.append, Witness.CONSOLE, DIALING)
    await judge.conclude(grace=5)
    assert [(j.requirement, j.verdict.value) for j in judge.judgements] == [
        ("EVT-01", "pass"),
        ("EVT-02", "pass"),
    ]


async def test_an_unset_measurement_fails_and_a_gap_is_only_observed():
    judge = Judge(Timeline(), gaps=frozenset({"OUT-09"}))
    with pytest.raises(ExpectationFailed, match="was not measured"):
        judge.measure("OUT-03", "ring time", None, "s", high=2)
    judge.measure("OUT-09", "rings", 3, "", high=2)
    assert [j.verdict for j in judge.judgements] == [Verdict.FAIL, Verdict.OBSERVED]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_measurement_passes_exactly_within_its_limits(value, low, high):
    rule = Measured(name="x", unit="s", value=value, low=low, high=high)
    assert (rule.evaluate(Timeline(), 0).verdict is Verdict.PASS) == (low <= value <= high)


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(0, 100), st.floats(0, 100))
def test_occurs_and_absent_are_opposites(times, after, until):
    timeline = Timeline()
    for time in times:
        timeline.append(Witness.CONSOLE, DIALING, time)
    timeline.append(Witness.BENCH, Note(text="something else"), 50)
    pattern = event(events.OUTGOING_INITIATED)
    seen = Occurs(pattern=pattern, after=after, until=until).evaluate(timeline, 0)
    absent = Absent(pattern=pattern, after=after, until=until).evaluate(timeline, 0)
    assert (seen.verdict is Verdict.PASS) == (absent.verdict is Verdict.FAIL)


def test_a_challenge_is_no_final_answer():
    story = Story().placed(status=401)
    challenged = story.timeline[1]
    assert not final_answer().matches(challenged)
    assert not refusal().matches(challenged)
    assert not answer().matches(challenged)
    assert invite(sender="device").matches(story.timeline[0])
    assert not request("BYE").matches(story.timeline[0])


async def test_a_stored_scenario_is_judged_again_with_the_same_verdicts(tmp_path):
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    judge = Judge(story.timeline)
    await judge.expect("OUT-01", invite(sender="device"), within=0)
    with pytest.raises(ExpectationFailed):
        await judge.never("EVT-02", event(events.OUTGOING_ESTABLISHED), during=0)
    judge.judgements += monitor(story.timeline, START + 100, START + 100)
    story.timeline.store(tmp_path / "timeline.jsonl")
    write_lines(tmp_path / "judgements.jsonl", (j.model_dump_json() for j in judge.judgements))
    assert judge_scenario_again(tmp_path) == []

    lines = (tmp_path / "timeline.jsonl").read_text().splitlines()
    kept = [line for line in lines if "outgoing_call_established" not in line]
    (tmp_path / "timeline.jsonl").write_text("\n".join(kept))
    assert any("EVT-02: was fail, is pass" in difference for difference in judge_scenario_again(tmp_path))


def test_evidence_that_is_no_evidence_is_one_clear_message(tmp_path):
    (tmp_path / "timeline.jsonl").write_text("not json\n")
    (tmp_path / "judgements.jsonl").write_text("")
    with pytest.raises(BenchError, match="cannot be read"):
        judge_scenario_again(tmp_path)


class Late:
    """A witness that delivers what it saw only when it is waited for, as a capture under load does."""

    def __init__(self, timeline, content=DIALING):
        self.timeline, self.content, self.asked, self.seen_at = timeline, content, [], now()

    async def catch_up(self, kinds):
        self.asked.append(set(kinds))
        if len(self.asked) == 1:
            await asyncio.sleep(0.01)
            self.timeline.append(Witness.CONSOLE, self.content, self.seen_at)
            self.timeline.append(Witness.CONSOLE, self.content, now())


def late_judge():
    timeline = Timeline()
    late = Late(timeline)
    return Judge(timeline, catch_up=late.catch_up), late


def agrees_with_itself(judge):
    for judgement in judge.judgements:
        again = judged(judgement.requirement, "", judgement.rule, judge.timeline, judge.timeline.opened)
        assert (again.verdict, again.observations) == (judgement.verdict, judgement.observations)


async def test_what_was_seen_in_time_and_delivered_late_was_not_absent():
    judge, _ = late_judge()
    with pytest.raises(ExpectationFailed):
        await judge.never("EVT-11", event(events.OUTGOING_INITIATED), during=0.01)
    agrees_with_itself(judge)


async def test_what_was_seen_in_time_and_delivered_late_meets_an_expectation():
    judge, late = late_judge()
    found = await judge.expect("EVT-01", event(events.OUTGOING_INITIATED), within=0.01)
    assert found.time == late.seen_at
    agrees_with_itself(judge)


async def test_what_was_seen_in_time_and_delivered_late_meets_a_precondition():
    judge, late = late_judge()
    assert (await judge.require(event(events.OUTGOING_INITIATED), within=0.01)).time == late.seen_at


async def test_what_comes_while_the_witnesses_catch_up_is_after_the_end():
    judge, late = late_judge()
    late.seen_at = now() + 3600
    await judge.never("EVT-11", event(events.OUTGOING_INITIATED), during=0.01)
    assert [len(j.observations) for j in judge.judgements] == [0]
    agrees_with_itself(judge)


async def test_what_is_counted_at_the_end_is_counted_when_the_witnesses_have_caught_up():
    judge, late = late_judge()
    judge.at_end("EVT-01", event(events.OUTGOING_INITIATED), at_least=0, at_most=0)
    with_cause = event(events.OUTGOING_ESTABLISHED)
    judge.at_end("EVT-02", with_cause, provided=event(events.OUTGOING_INITIATED))
    await judge.conclude(grace=0.0)
    assert [j.verdict.value for j in judge.judgements] == ["fail", "fail"]
    assert late.asked == [{"event"}]
    agrees_with_itself(judge)


async def test_nobody_waits_for_witnesses_when_everything_has_been_seen():
    judge, late = late_judge()
    judge.timeline.append(Witness.CONSOLE, DIALING)
    await judge.expect("EVT-01", event(events.OUTGOING_INITIATED), within=0)
    assert late.asked == []
