"""A stored run judged again by rules that have grown since: what it did not know is not held against it."""

import json

from intercom_hil.evidence.run import write_lines
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.replay import judge_run_again
from intercom_hil.spec.catalogue import CATALOGUE
from tests.judge.story import START, Story


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
