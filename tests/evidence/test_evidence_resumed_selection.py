"""A run that goes on plays the scenarios it was begun with: the selection is kept with it."""

import re
import subprocess
import sys

import pytest

from intercom_hil.evidence.basis import BASIS, Basis, Selection
from intercom_hil.evidence.run import RunFolder
from intercom_hil.locations import DEFAULT_BENCH, PACKAGE, SCENARIOS
from tests.structure.source_tree import ROOT

REQUIREMENT = ("--requirement", "OUT-03")
FILE = ("scenarios/test_tls.py", "-k", "certificate")


def collected(*options):
    """Return exit status, the scenarios that a run would play, and all that is said."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--bench", str(DEFAULT_BENCH)]
    command += options if any(option.endswith(".py") for option in options) else [str(SCENARIOS), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, re.findall(r"^scenarios/\S+::.*$", done.stdout, re.M), done.stdout + done.stderr


@pytest.fixture(params=[REQUIREMENT, FILE], ids=["requirement", "file and keyword"])
def begun(request, tmp_path):
    """A run that was begun with a selection and interrupted; its options, and what it was to play."""
    run = RunFolder.create(tmp_path, "emulated")
    kept = {
        REQUIREMENT: Selection(requirements=("OUT-03",)),
        FILE: Selection(keywords="certificate", files=("test_tls.py",)),
    }[request.param]
    Basis.of(DEFAULT_BENCH, (), (PACKAGE, SCENARIOS), kept).store(run.path)
    return run.path, request.param, collected(*request.param)[1]


def test_it_goes_on_with_the_scenarios_it_was_begun_with(begun):
    path, options, wanted = begun
    assert 1 < len(wanted) < 50
    for again in ((), options):
        status, found, said = collected("--resume", str(path), *again)
        assert (status, found) == (0, wanted), said


def test_another_selection_is_refused(begun):
    path, _, _ = begun
    status, found, said = collected("--resume", str(path), "--requirement", "INC")
    assert (status, found) == (2, []), said
    assert "cannot go on with --requirement INC" in said
    assert f"Remedy: intercom-hil run --bench {DEFAULT_BENCH} --resume {path}" in said


def test_a_run_from_before_selections_were_kept_goes_on_with_everything(begun):
    path, _, _ = begun
    kept = Basis.load(path)
    (path / BASIS).write_text(kept.model_dump_json(exclude={"selection"}))
    assert Basis.load(path).selection == Selection()
    assert len(collected("--resume", str(path))[1]) > 100
