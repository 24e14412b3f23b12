"""A run that is killed, as by ``kill -9``, in any phase: ``bench check`` puts right what it left, and tells.

The device is outside the run, and so is its relay board: what was switched on stays on.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from lane import ROOT, SOON, eventually, left_of, run_scenarios, sockets
from outside_device import device_outside, physical_bench

from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.owner_labels import OWNER

LANE = 81
LOOK_EVERY = 0.003
"""Seconds between two looks for a phase; the shortest, the start of a container, takes some 0.1."""
SCENARIOS = "tests/faults/breaking/test_holding.py"
ONE, BOTH = ("-k", "test_1"), ()


@pytest.fixture(scope="module")
def engine():
    return ready_engine(lambda _: None)[0]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The bench file of a device that is there all the time."""
    folder = tmp_path_factory.mktemp("outside")
    with device_outside(folder, LANE) as ready:
        yield physical_bench(folder, LANE, ready)


def children(pid):
    """The command lines of a process's children."""
    numbers = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            numbers.update(thread.read_text().split())
        except OSError:
            continue
    for number in numbers:
        try:
            yield Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def asks_the_engine_to(words):
    """The phase in which the run has the engine do something."""
    return lambda run, folder: any(words in command for command in children(run.pid))


def scenarios_of(folder):
    """How many scenarios have been played."""
    try:
        return len(json.loads((folder / "runs" / "latest" / "run.json").read_text())["scenarios"])
    except FileNotFoundError:
        return 0


def a_station_listens(run, folder):
    """The phase in which a station waits for a call."""
    return f"127.0.{LANE}.21:5070" in sockets()


PHASES = {
    "the containers are started": (asks_the_engine_to(" run --detach "), ONE),
    "the device is configured": (lambda run, folder: any(folder.glob("runs/latest/scenarios/*")), ONE),
    "a station listens": (a_station_listens, ("-k", "test_2")),
    "the button is held in mid-call": (lambda run, folder: (folder / "held").exists(), ("-k", "test_2")),
    "one scenario is over": (lambda run, folder: scenarios_of(folder) == 1, BOTH),
    "the report is written": (lambda run, folder: (folder / "runs/latest/junit.xml").exists(), ONE),
    "the containers are removed": (asks_the_engine_to(" rm --force "), ONE),
}
"""What tells each phase from outside, and the scenarios to play for it."""


NOW = ("the containers are started", "the device is configured", "the button is held in mid-call")
"""The phases that are not left for the night."""


def killed(folder, bench, phase):
    """Start a run, kill it in a phase, and return its process number."""
    seen, which = PHASES[phase]
    command = [sys.executable, "-m", "pytest", SCENARIOS, "-q", "--as-written", "-p", "no:hypothesispytest"]
    command += ["--bench", str(bench), "--runs", str(folder / "runs"), *which]
    log = folder / "run.log"
    with log.open("wb") as output:
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "HELD": str(folder / "held")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 2 * SOON
            while not seen(run, folder):
                assert run.poll() is None, f"it ended before {phase}: {log.read_text()}"
                assert time.monotonic() < deadline, f"never seen: {phase}: {log.read_text()}"
                time.sleep(LOOK_EVERY)
        finally:
            run.kill()
            run.wait()
    return run.pid


def checked(bench):
    """Check the bench's parts; return the exit status and what was said."""
    command = [
        sys.executable,
        "-m",
        "intercom_hil.cli",
        "bench",
        "check",
        "--parts-only",
        "--bench",
        str(bench),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "phase", [pytest.param(name, marks=() if name in NOW else pytest.mark.nightly) for name in PHASES]
)
def test_after_a_kill_the_check_finds_a_bench_that_is_whole(tmp_path, bench, engine, phase):
    pid = killed(tmp_path, bench, phase)
    status, said = checked(bench)
    assert status == 0, said
    assert "Traceback" not in said
    left = f"folder {tempfile.gettempdir()}/intercom-hil-{pid}-"
    assert (left in said) == (phase != "the report is written"), said  # the bench is gone by then
    assert ("was left closed, and has been opened" in said) == ("held" in phase), said
    assert not [c for c in engine.containers() if c.labels[OWNER].startswith(f"{pid}:")]
    assert not list(Path(tempfile.gettempdir()).glob(f"intercom-hil-{pid}-*"))
    assert eventually(lambda: not left_of(LANE, device_too=False)), left_of(LANE, device_too=False)


def test_what_was_killed_does_not_keep_the_next_run_from_a_pass(tmp_path, bench):
    killed(tmp_path, bench, "the button is held in mid-call")
    again = run_scenarios(tmp_path / "again", LANE, *ONE, scenarios=SCENARIOS, bench=bench)
    assert again.status == 0, again.output
    assert [scenario["verdict"] for scenario in again.record["scenarios"]] == ["pass"]
