"""What fails a requirement is told once: a monitor does not repeat what the scenario has found."""

from story import START, Story

from intercom_hil.evidence.run import write_lines
from intercom_hil.judge.judgement import judged, without_repeats
from intercom_hil.judge.rules import Absent
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.replay import judge_scenario_again
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline.vocabulary import event

LATER = START + 60


def screens_wrong():
    story = Story().press().event("outgoing_call_initiated", screen="Calling").placed()
    return story.event("outgoing_call_established", screen="Talking")


def test_what_fails_for_the_same_observation_is_told_once(tmp_path):
    timeline = screens_wrong().timeline
    never = Absent(pattern=event(events.OUTGOING_INITIATED), after=START, until=LATER)
    own = judged("EVT-01", "never that", never, timeline, START)
    found = monitor(timeline, LATER, LATER)
    kept = without_repeats(found, [own])
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} == {"EVT-01", "EVT-02"}
    assert {j.requirement for j in kept if j.verdict is Verdict.FAIL} == {"EVT-02"}
    timeline.store(tmp_path / "timeline.jsonl")
    for stored in ([own, *kept], [own, *found]):
        write_lines(tmp_path / "judgements.jsonl", (j.model_dump_json() for j in stored))
        assert judge_scenario_again(tmp_path) == [], "runs stored before, too"


def test_another_cause_is_told_and_so_is_whatever_passed():
    timeline = screens_wrong().timeline
    other = Absent(pattern=event(events.OUTGOING_ESTABLISHED), after=START, until=LATER)
    own = judged("EVT-01", "never that", other, timeline, START)
    found = monitor(timeline, LATER, LATER)
    assert without_repeats(found, [own]) == found
