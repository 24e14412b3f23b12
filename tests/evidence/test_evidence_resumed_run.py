"""A run that goes on after an interruption: what stands, what is played again, and what refuses to go on."""

import contextlib
import json
import resource

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.basis import BASIS, Basis
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.resumed import SUPERSEDED, ResumedRun
from intercom_hil.evidence.run import RECORD, RunFolder
from intercom_hil.spec.verdict import Verdict

PASSED, FAILED, OPEN, CUT, NEW = "t.passed", "t.failed", "t.open", "t.cut", "t.new"


def played(run, identity, verdict, attempts=1):
    """File a scenario as it is filed after having been played."""
    folder = run.scenario_folder(identity, attempts)
    (folder / "timeline.jsonl").write_text(f"{verdict}\n")
    run.add(
        ScenarioRecord(
            id=identity,
            title=identity,
            verdict=verdict,
            requirements={"OUT-01": verdict},
            started=float(len(run.scenarios)),
            duration_s=1.0,
            protocol_wait_s=0.0,
            attempts=attempts,
            problems=[f"was {verdict}"],
            evidence=run.evidence(folder),
        )
    )


@pytest.fixture
def interrupted(tmp_path):
    run = RunFolder.create(tmp_path, "lab-2")
    played(run, PASSED, Verdict.PASS)
    played(run, FAILED, Verdict.FAIL)
    played(run, OPEN, Verdict.INCONCLUSIVE)
    (run.scenario_folder(CUT) / "console.log").write_text("half a lin")
    return run.path


def records(path):
    return {s["id"]: s for s in json.loads((path / "run.json").read_text())["scenarios"]}


def test_verdicts_that_stand_are_not_asked_for_again(interrupted):
    run = ResumedRun.resume(interrupted)
    judged = {identity: run.judged(identity) for identity in (PASSED, FAILED, OPEN, CUT, NEW)}
    assert judged == {PASSED: True, FAILED: True, OPEN: False, CUT: False, NEW: False}


@contextlib.contextmanager
def files_end_after(size):
    """Have no file of this process grow beyond some bytes: what is written is cut there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_record_that_was_cut_short_is_none(interrupted):
    """As where the run is killed while it writes one."""
    run = ResumedRun.resume(interrupted)
    with files_end_after(200):
        played(run, NEW, Verdict.PASS)
    with files_end_after(200), pytest.raises(OSError, match="File too large"):
        RunFolder(interrupted, "lab-2").describe({"bench": "lab-2", "said": "x" * 200}, worker="gw0")
    again = ResumedRun.resume(interrupted)
    assert not again.judged(NEW)
    assert {scenario.id for scenario in again.scenarios} == {PASSED, FAILED, OPEN}


def test_what_is_played_again_is_a_further_attempt(interrupted):
    run = ResumedRun.resume(interrupted)
    for identity in (OPEN, CUT, NEW):
        played(run, identity, Verdict.PASS)
    run.write(interrupted=False)

    found = records(interrupted)
    assert {identity: s["verdict"] for identity, s in found.items()} == {
        PASSED: "pass",
        FAILED: "fail",
        OPEN: "pass",
        CUT: "pass",
        NEW: "pass",
    }
    assert [found[name]["attempts"] for name in (PASSED, OPEN, CUT, NEW)] == [1, 2, 2, 1]
    assert [(e["verdict"], e["problems"]) for e in found[OPEN]["earlier"]] == [
        ("inconclusive", ["was inconclusive"])
    ]
    (cut,) = found[CUT]["earlier"]
    assert (cut["verdict"], cut["problems"]) == ("error", ["the run was interrupted"])
    assert (interrupted / cut["evidence"]["console"]).read_text() == "half a lin"
    assert (interrupted / found[OPEN]["evidence"]["timeline"]).read_text() == "pass\n"
    assert (interrupted / found[OPEN]["earlier"][0]["evidence"]["folder"] / SUPERSEDED).exists()
    assert json.loads((interrupted / "run.json").read_text())["interrupted"] is False


def test_a_run_may_be_interrupted_again_and_again(interrupted):
    for verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS):
        played(ResumedRun.resume(interrupted), OPEN, verdict)
    again = RunFolder.gather(interrupted, "lab-2")
    (found,) = (s for s in again.scenarios if s.id == OPEN)
    assert found.attempts == 4
    assert [e.verdict for e in found.earlier] == [Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.INCONCLUSIVE]
    assert len(list(interrupted.glob(f"scenarios/{OPEN}*/{RECORD}"))) == 1


def test_attempts_of_one_playing_are_counted_on(interrupted):
    run = ResumedRun.resume(interrupted)
    run.scenario_folder(OPEN, 1)
    played(run, OPEN, Verdict.PASS, attempts=2)
    (found,) = (s for s in run.scenarios if s.id == OPEN)
    assert (found.attempts, found.evidence.folder) == (3, f"scenarios/{OPEN}.attempt-3")


def test_no_run_folder_is_none_to_go_on_with(tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        ResumedRun.resume(tmp_path)


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "harness").mkdir(parents=True)
    (root / "harness" / "a.py").write_text("one")
    (root / "bench.toml").write_text("[bench]")
    return root


def basis(root, faults=()):
    return Basis.of(root / "bench.toml", faults, (root / "harness",))


def test_a_run_rests_on_bench_file_faults_and_code(repository, tmp_path):
    kept = basis(repository)
    kept.store(tmp_path)
    assert Basis.load(tmp_path) == kept
    assert kept.differences(basis(repository)) == []
    assert kept.differences(basis(repository, ("deaf",))) == ["the faults on the command line"]
    (repository / "bench.toml").write_text("[other]")
    assert kept.differences(basis(repository)) == ["the bench file"]
    (repository / "harness" / "b.py").write_text("two")
    assert "the bench's or the scenarios' code" in kept.differences(basis(repository))


def test_a_device_that_has_not_told_its_name_differs_from_none(repository):
    kept, named = basis(repository), basis(repository).model_copy(update={"device": "EMU-1/1.0"})
    assert kept.differences(named) == []
    assert named.differences(named.model_copy(update={"device": "EMU-1/1.1"})) == [
        "what the device calls itself (User-Agent)"
    ]


@pytest.mark.parametrize("content", [None, "", "{}", '{"bench": 3}'])
def test_a_run_that_did_not_keep_its_basis_cannot_go_on(tmp_path, content):
    if content is not None:
        (tmp_path / BASIS).write_text(content)
    with pytest.raises(BenchError, match="rests on"):
        Basis.load(tmp_path)
