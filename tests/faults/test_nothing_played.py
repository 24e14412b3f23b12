"""A run that comes to nothing before its first scenario: what had begun to open is gone when it has ended."""

import os
import signal
import subprocess
import sys

import pytest
from lane import ROOT, SOON, eventually, write_bench

from intercom_hil.processes.image import ready_engine
from intercom_hil.processes.owner_labels import OWNER

LANE = 19
NO_SUCH = ["scenarios/test_registration.py", "-k", "no_such_scenario"]
BROKEN = "raise ValueError('it cannot be collected')"
WAITING = """
import pathlib, signal

pathlib.Path(__file__).with_name("collecting").touch()
signal.pause()
"""


@pytest.fixture(scope="module")
def engine():
    return ready_engine(lambda _: None)[0]


def begin(folder, *arguments, bench=None):
    """Begin a run whose working folder and run folder are in a folder."""
    (folder / "working").mkdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", *map(str, arguments)]
    return subprocess.Popen(
        [*command, "--bench", str(bench or write_bench(folder, LANE)), "--runs", str(folder / "runs")],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder / "working")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left(folder, run, engine):
    """What is left of a run that has ended."""
    containers = [c.name for c in engine.containers() if c.labels[OWNER].startswith(f"{run.pid}:")]
    return [*containers, *(folder / "working").iterdir(), *(folder / "runs").glob("*")]


def test_a_selection_without_a_scenario(tmp_path, engine):
    with begin(tmp_path, *NO_SUCH) as run:
        output, _ = run.communicate(timeout=2 * SOON)
    assert run.returncode == 5, output
    assert left(tmp_path, run, engine) == []


def test_a_bench_file_that_is_none(tmp_path, engine):
    bench = write_bench(tmp_path, LANE)
    bench.write_text(bench.read_text().replace("[pbx]", "[pbxes]"))
    with begin(tmp_path, *NO_SUCH[:1], bench=bench) as run:
        output, _ = run.communicate(timeout=2 * SOON)
    assert run.returncode == 2, output
    assert "pbxes" in output
    assert left(tmp_path, run, engine) == []


def test_a_file_that_cannot_be_collected(tmp_path, engine):
    (tmp_path / "test_broken.py").write_text(BROKEN)
    with begin(tmp_path, tmp_path / "test_broken.py") as run:
        output, _ = run.communicate(timeout=2 * SOON)
    assert run.returncode == 2, output
    assert "it cannot be collected" in output
    assert left(tmp_path, run, engine) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_run_that_is_interrupted_while_it_collects(tmp_path, engine, number):
    (tmp_path / "test_waiting.py").write_text(WAITING)
    with begin(tmp_path, tmp_path / "test_waiting.py") as run:
        assert eventually((tmp_path / "collecting").exists)
        run.send_signal(number)
        output, _ = run.communicate(timeout=2 * SOON)
    assert run.returncode == 2, output
    assert left(tmp_path, run, engine) == []


@pytest.mark.parametrize("option", ["--collect-only", "--help", "--fixtures"])
def test_what_plays_nothing_begins_nothing(tmp_path, option):
    with begin(tmp_path, option, *NO_SUCH[:1]) as run:
        output, _ = run.communicate(timeout=2 * SOON)
    assert run.returncode == 0, output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("module", ["typer", "pytest"], ids=["the-command", "the-run"])
def test_ctrl_c_while_something_is_being_loaded(tmp_path, module):
    """Loading takes as long as the machine needs; here it does not end, where it has come to a module."""
    (tmp_path / f"{module}.py").write_text(WAITING)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "intercom_hil", "run", "--bench", str(write_bench(tmp_path, LANE))]
    with subprocess.Popen(
        [*command, "--runs", str(tmp_path / "runs")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert eventually((tmp_path / "collecting").exists)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=SOON)
    assert "Traceback" not in said
    assert run.returncode == -signal.SIGINT
