"""The package in one environment with other tools of its trade: what each asks for fits, and pytest plays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.extension.test_door_lab import LAB, clone
from tests.structure.source_tree import ROOT

OTHERS = ("pytest-embedded", "allure-pytest", "jumpstarter-testing")
_INSTALL_WITHIN = 900.0  # s
_PLAY_WITHIN = 300.0  # s


def said(*command, cwd=ROOT, within=_INSTALL_WITHIN):
    """Return what a command says; one that fails fails the test, with all that it said."""
    ours = ("PYTHONPATH", "PIP_CONSTRAINT")
    environment = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("PYTEST")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.nightly
def test_the_wheel_fits_beside_other_tools_and_plays(tmp_path):
    said(sys.executable, "-m", "venv", tmp_path / "environment")
    python = tmp_path / "environment" / "bin" / "python"
    said(python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path / "wheels", ROOT)
    (wheel,) = Path(tmp_path / "wheels").glob("*.whl")
    said(python, "-m", "pip", "install", "-q", wheel, LAB, *OTHERS)
    assert "No broken requirements found" in said(python, "-m", "pip", "check")
    repository = clone(tmp_path / "repository")
    told = said(python, "-m", "pytest", "--bench", "bench.toml", cwd=repository, within=_PLAY_WITHIN)
    assert "House rules: 1 pass" in told
