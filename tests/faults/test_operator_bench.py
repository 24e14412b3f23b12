"""The emulated intercom configured by an emulated person; and a run that goes on after it was killed."""

import json
import os
import signal
import subprocess
import sys
import time

from lane import ROOT, run_scenarios

LANE = 75
BENCH = ROOT / "fixtures" / "benches" / "emulated-operator.toml"
SOON = 60.0


def bench_on_lane(folder):
    """Write the operator's bench file for a lane, with its answers file beside it, and return its path."""
    path = folder / BENCH.name
    path.write_text(BENCH.read_text().replace("127.0.0.", f"127.0.{LANE}."))
    (folder / "answers").mkdir(exist_ok=True)
    answers = BENCH.parent / "answers" / "emulated-person.toml"
    (folder / "answers" / answers.name).write_text(answers.read_text())
    return path


def answers_kept(run):
    return [json.loads(path.read_text()) for path in sorted(run.folder.glob("scenarios/*/operator/*.json"))]


def test_a_person_may_configure_the_device(tmp_path):
    chosen = [word for name in ("CFG-02", "CFG-13", "INC-02") for word in ("--requirement", name)]
    run = run_scenarios(tmp_path, LANE, *chosen, bench=bench_on_lane(tmp_path))
    assert (run.status, run.record["verdict"]) == (0, "pass"), run.told()
    kept = answers_kept(run)
    assert {answer["by"] for answer in kept} == {"emulated person"}
    assert {answer["answer"]["choice"] for answer in kept} == {"accepted", "refused"}
    assert any("of " in answer["progress"] and "remain" in answer["progress"] for answer in kept)
    assert max(len(answer["fields"]) for answer in kept[1:]) < len(kept[0]["fields"])


def test_where_nobody_answers_nothing_is_found_out(tmp_path):
    bench = bench_on_lane(tmp_path)
    bench.write_text(bench.read_text().replace("answers = ", "# "))
    run = run_scenarios(tmp_path, LANE, "--requirement", "INC-02", bench=bench)
    assert (run.status, run.record["verdict"]) == (1, "inconclusive"), run.told()


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    bench, runs = bench_on_lane(tmp_path), tmp_path / "runs"
    chosen = ("--requirement", "OUT-06", "--requirement", "CFG-13")
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "-p", "no:hypothesispytest"]
    command += ["--bench", str(bench), "--runs", str(runs), *chosen]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as begun:
        deadline = time.monotonic() + SOON
        while not list(runs.glob("latest/scenarios/*/record.json")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(begun.pid, signal.SIGKILL)
    folder = (runs / "latest").resolve()
    before = {path.parent.name: path.stat().st_mtime for path in folder.glob("scenarios/*/record.json")}

    run = run_scenarios(tmp_path, LANE, *chosen, "--resume", str(folder), bench=bench)

    assert (run.status, run.record["verdict"]) == (0, "pass"), run.told()
    assert run.folder.resolve() == folder
    assert not run.record["interrupted"]
    assert len(run.record["scenarios"]) > len(before)
    for name, at in before.items():
        assert (folder / "scenarios" / name / "record.json").stat().st_mtime == at

    bench.write_text(bench.read_text() + "# changed\n")
    refused = run_scenarios(tmp_path, LANE, *chosen, "--resume", str(folder), bench=bench)
    assert refused.status == 2
    assert "the bench file changed since" in refused.output
