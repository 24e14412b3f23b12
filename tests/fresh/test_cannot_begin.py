"""What cannot begin says so once, before the first scenario, with status 2; also with several benches."""

import os
import subprocess
import sys

import pytest

from intercom_hil.locations import DEFAULT_BENCH
from tests.structure.source_tree import ROOT

SAYS = "Cannot connect to the daemon"


@pytest.fixture
def bench(tmp_path):
    """A bench file that wants an engine of which only the client is there."""
    path = tmp_path / "bench.toml"
    path.write_text(DEFAULT_BENCH.read_text().replace('kind = "auto"', 'kind = "docker"'))
    client = tmp_path / "bin" / "docker"
    client.parent.mkdir()
    client.write_text(f"#!/bin/sh\necho '{SAYS}' >&2; exit 1\n")
    client.chmod(0o755)
    return path


def started(bench, *argv):
    """Run a command where that client is found first, and return its exit status and what it said."""
    env = {**os.environ, "PATH": f"{bench.parent / 'bin'}:{os.environ['PATH']}"}
    runs = ["--runs", str(bench.parent / "runs")]
    done = subprocess.run(
        [sys.executable, "-m", *argv, "--bench", str(bench), *runs],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


def test_the_command_says_so_before_pytest_begins(bench):
    status, said = started(bench, "intercom_hil.cli", "run")
    assert status == 2
    assert said.count(SAYS) == 1
    assert "Remedy: install docker and start its daemon" in said
    assert "collected" not in said
    assert not (bench.parent / "runs").exists()


@pytest.mark.parametrize("several", [[], ["-n", "2"]], ids=["one", "two"])
def test_so_does_pytest_by_itself_with_no_scenario_in_error(bench, several):
    status, said = started(bench, "pytest", "scenarios", *several)
    assert status == 2
    assert said.count(SAYS) == 1
    for word in ("ERROR", "Traceback", "failed", "crashed", "requirements"):
        assert word not in said
