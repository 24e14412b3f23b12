"""Runs on several benches, from outside: every scenario has its verdict, whatever becomes of a bench."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from a_lab import ALab
from a_run import ROOT, Started, written

FIRST, SECOND = 78, 79
"""The lanes of the two benches."""


@pytest.fixture
def run(tmp_path):
    """Starts runs, and ends those that are left."""
    with contextlib.ExitStack() as runs:

        def start(*arguments):
            started = Started(tmp_path, *arguments)
            runs.callback(started.close)
            return started

        yield start


def workers(run):
    """The processes with a bench each: those that pytest-xdist has started."""
    pid = run.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_two_benches_share_a_run_and_every_scenario_names_its_bench(tmp_path, run):
    for lane in (FIRST, SECOND):
        written(tmp_path, lane)
    output, (record,) = run("--bench", str(tmp_path), "--requirement", "REG").ended()
    assert record["verdict"] == "pass", output
    assert record["name"] == f"lane {FIRST}, lane {SECOND}"
    assert {scenario["bench"] for scenario in record["scenarios"]} == {f"lane {FIRST}", f"lane {SECOND}"}
    assert set(record["environment"]["benches"]) == {f"lane {FIRST}", f"lane {SECOND}"}


def test_with_each_every_bench_plays_everything_and_has_a_report(tmp_path, run):
    benches = [word for lane in (FIRST, SECOND) for word in ("--bench", str(written(tmp_path, lane)))]
    started = run(*benches, "--each", "--requirement", "REG-01")
    output, records = started.ended()
    assert [record["name"] for record in records] == [f"lane {FIRST}", f"lane {SECOND}"], output
    for record in records:
        assert record["verdict"] == "pass"
        assert {scenario["bench"] for scenario in record["scenarios"]} == {record["name"]}
    assert len(list(started.runs.glob("*/latest/report.html"))) == 2


def test_a_bench_whose_process_dies_costs_one_scenario_an_error(tmp_path, run):
    benches = [word for lane in (FIRST, SECOND) for word in ("--bench", str(written(tmp_path, lane)))]
    started = run(*benches, "--requirement", "REG")
    started.until(lambda: len(started.filed()) >= 1)
    os.kill(workers(started)[0], signal.SIGKILL)
    output, (record,) = started.ended()
    verdicts = [scenario["verdict"] for scenario in record["scenarios"]]
    assert verdicts.count("error") == 1, output
    assert set(verdicts) == {"pass", "error"}
    (lost,) = (scenario for scenario in record["scenarios"] if scenario["verdict"] == "error")
    assert lost["problems"] == ["the process that played it died"]
    assert lost["requirements"]
    assert set(lost["requirements"].values()) == {"error"}
    assert len(verdicts) == len({scenario["id"] for scenario in record["scenarios"]}) >= 9
    assert started.process.returncode == 1


def test_a_bench_that_cannot_be_started_leaves_the_run_to_the_other(tmp_path, run):
    benches = [word for lane in (FIRST, SECOND) for word in ("--bench", str(written(tmp_path, lane)))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((f"127.0.{SECOND}.10", 5060))
        started = run(*benches, "--requirement", "REG", "-k", "stranger")
        output, (record,) = started.ended()
    assert started.process.returncode == 0, output
    assert [scenario["bench"] for scenario in record["scenarios"]] == [f"lane {FIRST}"] * 3
    assert {scenario["verdict"] for scenario in record["scenarios"]} == {"pass"}
    assert record["unplayed"] == []
    assert output.count("is in use by another program") == 1
    assert "a bench cannot be started, the others play on: pbx.sip_port" in output
    assert "ERROR" not in output


def test_a_bench_that_loses_its_place_hands_its_scenarios_to_the_other(tmp_path, run, labgrid_client):
    lab = ALab(tmp_path, f"127.0.{FIRST}.40:20408")
    try:
        lab.start_coordinator()
        serial = f"127.0.{FIRST}.30:4001"
        lab.start_exporter("lab", console=serial, button=serial)
        lab.make_place("door", "lab")
        first, second = written(tmp_path, FIRST, "emulated-labgrid"), written(tmp_path, SECOND)
        started = run("--bench", str(first), "--bench", str(second), "--requirement", "REG")
        started.until(lambda: started.filed(f"lane {FIRST}"))
        lab.kill("lab")
        output, (record,) = started.ended()
        verdicts = {s["verdict"]: s for s in record["scenarios"]}
        assert set(verdicts) == {"pass", "error"}, output
        errors = [s for s in record["scenarios"] if s["verdict"] == "error"]
        assert {s["bench"] for s in errors} == {f"lane {FIRST}"}
        assert len(errors) <= 3
        # In the middle of a scenario the loss is told, between two that the bench cannot be healed.
        assert all("exporter" in " ".join(scenario["problems"]) for scenario in errors), errors
        assert len(record["scenarios"]) >= 9
        assert lab.acquired("door") == "None"
    finally:
        lab.stop()


def test_the_place_is_given_back_when_a_run_is_interrupted(tmp_path, run, labgrid_client):
    lab = ALab(tmp_path, f"127.0.{FIRST}.40:20408")
    try:
        lab.start_coordinator()
        serial = f"127.0.{FIRST}.30:4001"
        lab.start_exporter("lab", console=serial, button=serial)
        lab.make_place("door", "lab")
        bench = str(written(tmp_path, FIRST, "emulated-labgrid"))
        started = run("--bench", bench, "--requirement", "REG")
        started.until(lambda: len(started.filed()) >= 1)
        assert lab.acquired("door") != "None"
        check = subprocess.run(
            [sys.executable, "-m", "intercom_hil.cli", "bench", "check", "--bench", bench],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert check.returncode == 2
        assert (
            f"in use by the run on bench 'lane {FIRST}', process {started.process.pid}, since" in check.stdout
        )
        started.process.send_signal(signal.SIGTERM)
        output, (record,) = started.ended()
        assert record["interrupted"], output
        assert {scenario["verdict"] for scenario in record["scenarios"]} == {"pass"}
        assert lab.acquired("door") == "None"
        assert lab.done("reservations") == ""

        killed = run("--bench", bench, "--requirement", "REG")
        killed.until(lambda: len(killed.filed()) > len(record["scenarios"]))
        killed.process.kill()
        killed.process.wait()
        assert lab.acquired("door") != "None"
        output, records = run("--bench", bench, "--requirement", "REG-01").ended()
        assert records[-1]["verdict"] == "pass", output
        assert lab.acquired("door") == "None"
    finally:
        lab.stop()
