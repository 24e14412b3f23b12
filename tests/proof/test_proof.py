"""The proof's own parts: its tables, what it makes of a run, what it does when started again."""

import json
import shutil
import signal
import subprocess
import sys

import pytest

from fixtures.devices.draws import asked
from intercom_hil.emulator.faults import FAULTS
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.good_practice import GOOD_PRACTICE
from tests.faults.lane import ROOT, SOON, left_of
from tests.proof import entries
from tests.proof.__main__ import ENDS_WITHIN, LANES, REPORTS, chosen, played_before
from tests.proof.entries import BENCH_FAULT, FAMILY, FAULT, ROWS, VARIANT, WHOLE, Entry
from tests.proof.playing import ERROR, FALSE, INCONCLUSIVE, MISSED, RIGHT, WRONG_ROW, judged
from tests.proof.summary import write
from tests.proof.variants import VARIANTS

FAMILIES = {row.partition("-")[0] for row in CATALOGUE}
BROKEN = Entry(FAULT, "no-cancel-at-timeout", ROWS, ("OUT-03",), ("OUT-03",))
OF_TWO_ROWS = Entry(FAULT, "both", ROWS, ("OUT-03", "OUT-04"), ("OUT",))
LAWFUL = Entry(VARIANT, "early-media", FAMILY, (), ("INC",))


def names(every, kind, against=None):
    return [one.name for one in every if one.kind == kind and against in (None, one.against)]


def scenario(number, verdict, *failed):
    """A scenario as run.json has it, which ends after so many seconds."""
    judgements = [
        {"requirement": row, "verdict": "fail", "expected": "a CANCEL", "seen": "none"} for row in failed
    ]
    return {
        "id": f"s{number}",
        "started": 100.0,
        "duration_s": number,
        "verdict": verdict,
        "judgements": judgements,
    }


def run_with(*scenarios, unseen=()):
    """The record of a run, with the rows that were inconclusive."""
    rows = dict.fromkeys(unseen, "inconclusive")
    rows |= {judgement["requirement"]: "fail" for one in scenarios for judgement in one["judgements"]}
    requirements = {row: {"verdict": verdict} for row, verdict in rows.items()}
    return {"started": 90.0, "requirements": requirements, "scenarios": list(scenarios)}


def proof(*arguments):
    """Start the proof as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.proof", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_is_as_large_as_was_promised():
    every = entries.complete()
    assert len({one.id for one in every}) == len(every)
    assert len(set(names(every, VARIANT))) == len(VARIANTS) >= 40
    assert len(names(every, FAULT, WHOLE)) == 40
    assert len(names(every, BENCH_FAULT)) >= 30
    assert len(names(every, VARIANT, WHOLE)) == len(VARIANTS)
    assert not set(names(every, FAULT, WHOLE)) & set(names(every, FAULT, FAMILY))


def test_a_sample_covers_every_row_that_a_fault_breaks():
    covered = {row for one in entries.sample() for row in one.expected}
    assert covered == {row for make in FAULTS.values() for row in make().breaks}
    assert {one.kind for one in entries.sample()} == {FAULT, VARIANT, BENCH_FAULT}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_names_its_source_and_can_be_asked_for(variant):
    assert variant.source == "page" or variant.source.startswith("RFC ")
    assert set(variant.families) <= FAMILIES
    if variant.fixed:
        assert asked(variant.draw)[2] == {"folds names": False} | variant.fixed
    else:
        assert variant.emulated


@pytest.mark.parametrize(
    ("text", "says"), [("4,mki=x", "mki=x: it can be"), ("4,mkl=b''", "no choice mkl"), ("x", "invalid")]
)
def test_what_the_drawn_device_cannot_be_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        asked(text)


@pytest.mark.parametrize(
    ("entry", "scenarios", "verdict"),
    [
        (BROKEN, [scenario(1, "pass"), scenario(2, "fail", "OUT-03")], RIGHT),
        (BROKEN, [scenario(1, "pass")], MISSED),
        (BROKEN, [scenario(1, "fail", "OUT-04")], WRONG_ROW),
        (BROKEN, [scenario(1, "fail", "OUT-03", "OUT-04")], WRONG_ROW),
        (BROKEN, [scenario(1, "error"), scenario(2, "fail", "OUT-03")], ERROR),
        (BROKEN, [], ERROR),
        (LAWFUL, [scenario(1, "pass"), scenario(2, "inconclusive")], RIGHT),
        (LAWFUL, [scenario(1, "fail", "INC-02")], FALSE),
        (LAWFUL, [scenario(1, "error"), scenario(2, "fail", "INC-02")], FALSE),
        (LAWFUL, [scenario(1, "error")], ERROR),
        (LAWFUL, [], ERROR),
    ],
)
def test_what_a_run_comes_to(entry, scenarios, verdict):
    assert judged(entry, run_with(*scenarios))["verdict"] == verdict


@pytest.mark.parametrize(
    ("failed", "unseen", "verdict"),
    [
        ([], ["OUT-03", "OUT-04"], INCONCLUSIVE),
        (["OUT-03"], ["OUT-04"], INCONCLUSIVE),
        (["OUT-03"], [], WRONG_ROW),
        ([], ["OUT-04"], MISSED),
        ([], ["OUT-05"], MISSED),
        (["OUT-05"], ["OUT-03", "OUT-04"], WRONG_ROW),
        (["OUT-03", "OUT-04"], ["OUT-05"], RIGHT),
    ],
)
def test_a_row_at_which_the_bench_could_not_look_is_not_missed(failed, unseen, verdict):
    run = run_with(scenario(1, "pass"), scenario(2, "fail", *failed), unseen=unseen)
    assert judged(OF_TWO_ROWS, run)["verdict"] == verdict


def test_the_time_to_detection_is_that_of_the_first_scenario_that_fails_on_the_row():
    run = run_with(
        scenario(9, "fail", "OUT-03"), scenario(3, "fail", "OUT-04"), scenario(5, "fail", "OUT-03")
    )
    came = judged(BROKEN, run)
    assert (came["scenario"], came["seconds"]) == ("s5", 15.0)
    assert came["message"] == "OUT-03: expected a CANCEL; none"


def test_the_figures_count_a_fault_once_and_what_was_not_played_as_such(tmp_path):
    asked_for = [
        BROKEN,
        Entry(FAULT, BROKEN.name, WHOLE, BROKEN.expected),
        Entry(FAULT, "other", ROWS),
        LAWFUL,
    ]
    row = min(GOOD_PRACTICE)
    played = [
        line(asked_for[0], run_with(scenario(1, "fail", "OUT-03"))),
        line(asked_for[1], run_with(scenario(1, "fail", "OUT-03", row))),
        line(LAWFUL, run_with(scenario(1, "fail", "INC-02"))),
        {"commit": "c", "at": 0.0, "verdict": RIGHT, "leftovers": ["one"], "id": "b", "took_s": 1}
        | vars(Entry(BENCH_FAULT, "b", "its test")),
    ]
    found = write(tmp_path, played, asked_for)
    faults = {"total": 2, "played": 1, "caught": 1, "on_the_right_row": 0}
    assert faults.items() <= found["faults"].items()
    assert (found["variants"]["false_accusations"], found["bench_faults"]["leftovers"]) == (1, 1)
    assert found["mutants"] == {"killed": None}
    assert json.loads((tmp_path / "proof.json").read_text())["faults"] == found["faults"]
    assert found["not_played"] == {"faults": ["other"], "variants": [], "bench_faults": []}
    assert found["faults"]["median_seconds_to_detection"] == 11.0
    page = (tmp_path / "proof.html").read_text()
    assert "<p>1 faults: other." in page
    assert '<td class="hit" title="OUT-03">' in page
    assert f'<td class="more" title="{row}">' in page


def line(entry, run):
    """A line of entries.jsonl."""
    return {
        "id": entry.id,
        **vars(entry),
        **judged(entry, run),
        "commit": "c",
        "at": 0.0,
        "took_s": 1.0,
    }


def test_the_share_of_killed_mutants_is_that_of_those_tried(tmp_path):
    record = {"commit": "c", "mutants": 100, "tried": 20, "killed": 19, "killed_of_tried": 0.95}
    (tmp_path / "mutants.json").write_text(json.dumps(record))
    (tmp_path / "now").mkdir()
    found = write(tmp_path / "now", [], [LAWFUL])
    assert found["mutants"] == {"killed": 0.95, "tried": 20, "total": 100, "commit": "c"}
    assert (found["variants"]["total"], found["variants"]["played"]) == (1, 0)


def test_what_was_played_at_another_commit_counts_if_it_may(tmp_path):
    lines = [
        {"id": "here", "commit": "b", "verdict": MISSED},
        {"id": "there", "commit": "a", "verdict": RIGHT},
        {"id": "nowhere", "commit": "b", "verdict": ERROR},
        {"id": "unseen", "commit": "b", "verdict": INCONCLUSIVE},
    ]
    (tmp_path / "entries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert played_before(tmp_path, "b", any_commit=False, again=False) == {"here"}
    assert played_before(tmp_path, "b", any_commit=True, again=False) == {"here", "there"}
    assert played_before(tmp_path, "b", any_commit=True, again=True) == {"there"}


def test_parts_are_the_whole_and_share_nothing():
    parts = [chosen(size="quick", only=[VARIANT], text="", part=f"{k}/3") for k in (1, 2, 3)]
    every = [one for one in entries.quick() if one.kind == VARIANT]
    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in every)


@pytest.mark.nightly
def test_ctrl_c_leaves_nothing_and_what_was_played_is_not_played_again():
    name = "of-its-test"
    shutil.rmtree(REPORTS / name, ignore_errors=True)
    asked_for = ("--quick", "-k", "fault missing-event", "--name", name)
    playing = proof(*asked_for)
    said = ""
    for text in playing.stdout:
        said += text
        if text.startswith("[1/"):
            break
    playing.send_signal(signal.SIGINT)
    rest, _ = playing.communicate(timeout=ENDS_WITHIN + SOON)
    assert playing.returncode == 2, said + rest
    assert "Traceback" not in rest
    assert not any(left_of(lane) for lane in LANES)
    again = proof(*asked_for, "--minutes", "0")
    assert ", 1 of them played before" in again.communicate(timeout=SOON)[0]
    shutil.rmtree(REPORTS / name)
