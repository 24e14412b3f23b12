"""A run that did not play what it was to play, or was asked for a part only, says so wherever it is read."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from lane import ROOT, SOON, altered, eventually, left_of, run_scenarios, write_bench

LANE = 18
REGISTERS = ("-k", "test_the_device_registers")


@pytest.mark.parametrize("apart", [0.05, 1.0])
def test_a_run_that_is_interrupted_twice_says_that_it_was_interrupted(tmp_path, apart):
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "--bench", str(write_bench(tmp_path, LANE))]
    with subprocess.Popen(
        [*command, "--runs", str(runs), "--requirement", "INC"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        record = runs / "latest" / "run.json"
        assert eventually(lambda: record.exists() and len(json.loads(record.read_text())["scenarios"]) >= 1)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(apart)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=SOON)
    assert eventually(lambda: not left_of(LANE)), left_of(LANE)
    kept = json.loads(record.read_text())
    assert kept["interrupted"]
    assert len(kept["unplayed"]) > 1
    report = (record.parent / "report.html").read_text()
    assert "the run was interrupted" in report
    assert "every scenario" not in report
    assert altered(record.parent) == []


def test_an_interrupted_run_on_copies_of_a_bench_is_gone_on_with_on_one(tmp_path):
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "--bench", str(write_bench(tmp_path, LANE))]
    with subprocess.Popen(
        [*command, "--runs", str(runs), "-n", "2", "--requirement", "ENC-11"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert eventually(lambda: any(runs.glob("*/scenarios/*/record.json")))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=2 * SOON)
    begun = (runs / "latest").resolve() / "run.json"
    left_out = json.loads(begun.read_text())
    assert left_out["interrupted"], output
    assert altered(begun.parent) == []
    again = run_scenarios(tmp_path, LANE, "--resume", str(begun.parent))
    assert again.status == 0, again.output
    assert altered(begun.parent) == []
    assert [file.name[5:8] for file in sorted(begun.parent.glob("seals/*.json"))] == [
        "run",
        "rep",
        "res",
        "rep",
    ]
    record = json.loads(begun.read_text())
    assert not record["interrupted"]
    assert record["unplayed"] == []
    played = [scenario["id"] for scenario in record["scenarios"]]
    assert {scenario["id"] for scenario in left_out["scenarios"]} < set(played)
    assert len(played) == len(set(played))
    assert record["requirements"]["ENC-11"]["verdict"] == "pass"


def test_a_run_that_is_refused_leaves_latest_at_the_one_before(tmp_path):
    begun = run_scenarios(tmp_path, LANE, *REGISTERS)
    assert begun.status == 0, begun.output
    latest = os.readlink(tmp_path / "runs" / "latest")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((f"127.0.{LANE}.10", 5060))
        refused = run_scenarios(tmp_path, LANE, *REGISTERS)
    assert refused.status == 2, refused.output
    assert "in use by another program" in refused.output
    assert os.readlink(tmp_path / "runs" / "latest") == latest
    (not_begun,) = [run for run in (tmp_path / "runs").iterdir() if run.name not in (latest, "latest")]
    assert '<error type="error" message="The run did not begin: ' in (not_begun / "junit.xml").read_text()
    assert "in use by another program" in json.loads((not_begun / "run.json").read_text())["stopped_by"]


def test_a_part_of_the_scenarios_is_called_a_part(tmp_path):
    run = run_scenarios(tmp_path, LANE, *REGISTERS)
    assert run.record["selection"] == "-k test_the_device_registers"
    report = (run.folder / "report.html").read_text()
    assert "every scenario of a part passed" in report
    assert "asked for a part of the scenarios only: -k test_the_device_registers" in report
    assert altered(run.folder) == []
    assert 'name="selection"' in (run.folder / "junit.xml").read_text()


def test_a_run_that_stops_at_the_first_failure_says_what_it_did_not_play(tmp_path):
    run = run_scenarios(tmp_path, LANE, "--requirement", "OUT-03", "--fault", "button-dead", "-x")
    assert run.status == 1, run.output
    assert run.record["interrupted"]
    assert len(run.record["scenarios"]) == 1
    assert run.record["unplayed"]
