"""A report that is issued anew has a number of its own, says what changed and why, and the old one stays."""

import json

import pytest

from intercom_hil.cli import _render
from intercom_hil.errors import BenchError
from intercom_hil.evidence.issues import Amendment, Issue, changes
from intercom_hil.evidence.records import Evidence, ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.run_folder.run import read_run
from intercom_hil.run_folder.schema import misfits
from intercom_hil.seal import Change
from intercom_hil.seal.verifying import UNTOUCHED, verify
from intercom_hil.spec.verdict import Verdict
from tests.structure.source_tree import ROOT

EMULATED = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path):
    run = RunFolder.create(tmp_path / "runs", "lab-2")
    run.issues = [Issue.first()]
    run.scenario_folder("test_x.test_y")
    run.add(
        ScenarioRecord(
            id="test_x.test_y",
            title="y",
            verdict=Verdict.FAIL,
            requirements={"OUT-03": Verdict.FAIL},
            started=1.0,
            duration_s=2.0,
            protocol_wait_s=1.0,
            asked=("OUT-03",),
            evidence=Evidence(folder="scenarios/test_x.test_y"),
        )
    )
    run.write(interrupted=False)
    return run.path


@pytest.fixture
def bench(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(EMULATED + '\n[customer]\nname = "Acme"\n\n[report]\nnumber = "DL-7"\n')
    return path


def stored(folder):
    return json.loads((folder / "run.json").read_text())


def test_rendered_again_it_is_the_same_issue_byte_for_byte(run):
    _render(run)
    first = (run / "report.html").read_bytes(), (run / "run.json").read_bytes()
    _render(run)
    assert ((run / "report.html").read_bytes(), (run / "run.json").read_bytes()) == first
    assert not (run / "issues").exists()


@pytest.mark.parametrize("sealed", [False, True])
def test_another_issue_says_what_changed_and_why_and_the_old_one_stays(run, bench, sealed):
    _render(run, ["html", "junit", "csv"])
    if sealed:
        with Change.begin(run, "run") as change:
            change.finish()
    old = {
        name: (run / name).read_bytes() for name in ("report.html", "junit.xml", "results.csv", "run.json")
    }
    _render(run, reason="the customer's name was missing", bench=bench)
    assert {name: (run / "issues" / "1" / name).read_bytes() for name in old} == old
    data = stored(run)
    assert list(misfits(data)) == []
    first, second = data["issues"]
    assert (first["number"], second["number"]) == (1, 2)
    assert second["reason"] == "the customer's name was missing"
    assert second["changes"] == ["customer.name nothing, now 'Acme'", "report.number nothing, now 'DL-7'"]
    page = (run / "report.html").read_text()
    assert "DL-7, issue 2" in page
    assert "takes the place of issue 1: the customer&#39;s name was missing" in page
    assert "DL-7, issue 2" in (run / "results.csv").read_text()  # what lay there is issued anew, too
    if sealed:
        assert verify(run).status == UNTOUCHED
    _render(run, reason="once more")
    assert [issue.number for issue in read_run(run).issues] == [1, 2, 3]
    assert b"issue 2" in (run / "issues" / "2" / "report.html").read_bytes()


def test_an_issue_that_came_to_nothing_leaves_nothing_behind(run):
    before = sorted(path.name for path in run.iterdir())
    Amendment.begin(run).drop()
    assert sorted(path.name for path in run.iterdir()) == before


def test_a_run_of_an_older_version_is_its_first_issue(run):
    data = stored(run)
    del data["issues"]
    (run / "run.json").write_text(json.dumps(data))
    assert Amendment.begin(run).finish("a new name").number == 2
    assert [one["number"] for one in stored(run)["issues"]] == [1, 2]


def test_what_is_no_run_gets_no_issue(tmp_path):
    with pytest.raises(BenchError):
        Amendment.begin(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(BenchError):
        Amendment.begin(tmp_path)


def test_verdicts_that_changed_are_named_and_many_are_counted():
    before = {"verdict": "fail", "requirements": {"OUT-03": {"verdict": "fail"}}, "scenarios": [1]}
    after = {
        "verdict": "pass",
        "mode": {"kind": "conformance"},
        "requirements": {f"OUT-{n:02}": {"verdict": "pass"} for n in range(1, 31)},
        "scenarios": [1, 2],
    }
    found = list(changes(before, after))
    assert found[:3] == [
        "verdict fail, now pass",
        "mode not recorded, now conformance",
        "1 scenarios, now 2",
    ]
    assert "OUT-03 fail, now pass" in found
    assert found[-1] == "and 10 more"
