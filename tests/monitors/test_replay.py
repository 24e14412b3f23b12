"""A stored run judged again by rules that have grown since: what it did not know is not held against it."""

import json

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.run import write_lines
from intercom_hil.judge.judgement import judged
from intercom_hil.judge.rules import Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.replay import judge_run_again, judge_scenario_again
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.events import OUTGOING_ESTABLISHED
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline.vocabulary import event
from tests.judge.story import START, Story


def stored(folder, story, judgements, name="one"):
    own = folder / "scenarios" / name
    own.mkdir(parents=True)
    story.timeline.store(own / "timeline.jsonl")
    write_lines(own / "judgements.jsonl", (judgement.model_dump_json() for judgement in judgements))
    return own


def called():
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    return story, monitor(story.timeline, START + 100, START + 100)


def test_what_differs_is_told_scenario_by_scenario(tmp_path):
    story, found = called()
    broken = {"verdict": Verdict.FAIL}
    changed = [one.model_copy(update=broken) if one.requirement == "EVT-12" else one for one in found]
    stored(tmp_path, story, found, "a")
    stored(tmp_path, story, changed, "b")
    said = []
    assert judge_run_again(tmp_path, said.append) == 1
    assert said == [
        "same    a",
        "differs b",
        "    monitors: found EVT-12 fail, now find EVT-12 pass",
    ]


def test_what_is_there_more_or_less_is_named(tmp_path):
    story, found = called()
    rows = [one for one in found if one.requirement != "EVT-12"]
    assert judge_scenario_again(stored(tmp_path, story, rows)) == [
        "monitors: found nothing more, now find EVT-12 pass"
    ]


def test_an_expectation_is_judged_again_by_its_rule(tmp_path):
    story, _ = called()
    logs = Occurs(pattern=event(OUTGOING_ESTABLISHED), after=START, until=START + 100)
    fitting = judged("EVT-02", "", logs, story.timeline, START)
    assert fitting.verdict is Verdict.PASS
    kinds = {
        Verdict.PASS: [],
        Verdict.FAIL: ["EVT-02: was fail, is pass"],
        Verdict.NOT_APPLICABLE: [],
    }
    for verdict, differences in kinds.items():
        one = fitting.model_copy(update={"verdict": verdict})
        folder = stored(tmp_path, story, [one], verdict.value)
        assert judge_scenario_again(folder) == differences
    changed = fitting.model_copy(update={"verdict": Verdict.FAIL})
    aside = [fitting.model_copy(update={"verdict": Verdict.NOT_APPLICABLE}), *called()[1]]
    after_others = stored(tmp_path, story, [*aside, changed], "after others")
    assert "EVT-02: was fail, is pass" in judge_scenario_again(after_others)


def test_a_folder_without_evidence(tmp_path):
    with pytest.raises(BenchError, match="no judgements are stored here"):
        judge_run_again(tmp_path, print)
    story, found = called()
    folder = stored(tmp_path, story, found)
    (folder / "timeline.jsonl").unlink()
    with pytest.raises(BenchError, match="one"):
        judge_run_again(tmp_path, print)


def test_rows_that_came_later_are_not_compared(tmp_path):
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    found = monitor(story.timeline, START + 100, START + 100)
    known = [judgement for judgement in found if judgement.requirement in CATALOGUE]
    assert 0 < len(known) < len(found), "good practice came later"
    folder = tmp_path / "scenarios" / "one"
    folder.mkdir(parents=True)
    story.timeline.store(folder / "timeline.jsonl")
    write_lines(folder / "judgements.jsonl", (judgement.model_dump_json() for judgement in known))
    said = []

    assert judge_run_again(tmp_path, said.append) == 1, "nothing says what the run knew"
    (tmp_path / "run.json").write_text(json.dumps({"requirements": {row: {} for row in CATALOGUE}}))
    assert judge_run_again(tmp_path, said.append) == 0, said
    (tmp_path / "run.json").write_text(json.dumps({"requirements": {found[0].requirement: {}, "SIP-01": {}}}))
    assert judge_run_again(tmp_path, said.append) == 1, "it knew a row that it did not judge"
