"""A run whose evidence cannot be written ends at once, with one message, and keeps what it has."""

import json

import pytest

from tests.faults.lane import eventually, left_of, run_scenarios

LANE = 97
SCENARIOS = "tests/faults/breaking/test_breaking_evidence.py"


def played(folder, way):
    """Play a scenario, one whose evidence goes in some way, and what there would be afterwards."""
    chosen = f"test_1 or test_2_the_evidence_goes[{way}] or test_3"
    return run_scenarios(folder, LANE, "--as-written", "-k", chosen, scenarios=SCENARIOS)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("full_disk", "No space left on device"),
        pytest.param("full_disk_for_all", "No space left on device", marks=pytest.mark.nightly),
        pytest.param("no_scenario_folder", "No such file", marks=pytest.mark.nightly),
    ],
)
def test_a_scenario_that_cannot_be_kept_is_an_error_on_record_and_the_last(tmp_path, way, told):
    run = played(tmp_path, way)
    assert run.status == 2, run.output
    assert "Traceback" not in run.output
    assert told in run.output
    assert "--resume" in run.output
    kept, lost = run.record["scenarios"]
    assert (kept["verdict"], lost["verdict"]) == ("pass", "error"), run.told()
    assert lost["requirements"]["REG-01"] == "error"
    assert any(told in problem for problem in lost["problems"]), lost["problems"]
    assert run.record["interrupted"]
    assert len(run.record["unplayed"]) == 1
    for name in ("timeline", "judgements", "capture"):
        assert (run.folder / kept["evidence"][name]).stat().st_size
    assert (
        json.loads((run.folder / kept["evidence"]["folder"] / "record.json").read_text())["verdict"] == "pass"
    )
    assert "interrupted" in (run.folder / "report.html").read_text()
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)


def test_a_run_whose_folder_is_removed_ends_with_one_message(tmp_path):
    run = played(tmp_path, "no_run_folder")
    assert run.status == 2, run.output
    assert "Traceback" not in run.output
    assert "the run folder was removed in mid-run" in run.output
    assert "verdict error" in run.output
    assert not run.folder.exists()
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)


@pytest.mark.nightly
def test_so_it_is_where_several_processes_share_the_run(tmp_path):
    chosen = "test_1 or test_2_the_evidence_goes[full_disk_for_all]"
    run = run_scenarios(tmp_path, LANE, "-n", "2", "-k", chosen, scenarios=SCENARIOS)
    assert run.status == 2, run.output
    assert "Traceback" not in run.output
    verdicts = {scenario["id"].partition(".")[2]: scenario["verdict"] for scenario in run.record["scenarios"]}
    assert verdicts["test_2_the_evidence_goes[full_disk_for_all]"] == "error", run.output
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)
