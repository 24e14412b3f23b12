"""A checkout on fresh machines, and the wheel alone in an empty folder: the same verdicts everywhere.

Each machine is a bare Debian root, made here; that takes minutes, and the machine's network and mmdebstrap.
``HIL_FRESH=whole`` plays all scenarios where otherwise one requirement stands for them.
"""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from tests.fresh.bare_root import CHECKOUT, USER, BareRoot
from tests.fresh.test_ci_files import commands

WHOLE = os.environ.get("HIL_FRESH") == "whole"
SELECTION = [] if WHOLE else ["--requirement", "OUT-01"]
LONGEST = 3600.0  # s
REMEDY = re.compile(r"[Rr]emedy: as root: (.*)$", re.MULTILINE)
AS_ROOT = re.compile(r"as root.*, type:\n.*?  (.*)$", re.MULTILINE | re.IGNORECASE)

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="roots are made by root, with mmdebstrap"
    ),
]


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(request, tmp_path_factory):
    root = BareRoot.make(request.param, tmp_path_factory.mktemp(request.param) / "root")
    yield root
    shutil.rmtree(root.folder)


def typed(machine, said):
    """Type, as root, what a message says is to be typed."""
    found = REMEDY.search(said) or AS_ROOT.search(said)
    assert found, said
    done = machine.run("sh", "-c", found[1], within=LONGEST)
    assert done.returncode == 0, done.stdout


def verdicts(machine, home, folder):
    """Return verdicts by requirement and by scenario of a finished run, and assert that it is a pass."""
    record = json.loads((machine.folder / home / folder / "reports/runs/latest/run.json").read_text())
    assert record["verdict"] == "pass"
    scenarios = {scenario["id"]: scenario["verdict"] for scenario in record["scenarios"]}
    return {name: row["verdict"] for name, row in record["requirements"].items()}, scenarios


def test_a_user_without_rights_is_told_what_to_type_and_that_suffices(machine):
    """First, while nothing is installed. No message is seen again once it was obeyed."""
    said = set()
    for _ in range(3):
        done = machine.run("./hil", "run", *SELECTION, user=USER, cwd=CHECKOUT, within=LONGEST)
        if done.returncode != 2:
            break
        assert "Traceback" not in done.stdout
        message = done.stdout.strip().splitlines()[-1]
        assert message not in said
        said.add(message)
        typed(machine, done.stdout)
    assert done.returncode == 0, done.stdout
    assert len(said) == 2, "one message for Python's virtual environments, one for the container engine"
    assert "warning" not in done.stdout
    verdicts(machine, f"home/{USER}", CHECKOUT)


def test_root_needs_nothing_but_the_command(machine):
    done = machine.run("./hil", "run", *SELECTION, cwd=CHECKOUT, within=LONGEST)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line for line in lines if re.search(r": \d+ s,", line)] == []
    assert "warning" not in done.stdout
    verdicts(machine, "root", CHECKOUT)


def test_the_wheel_alone_gives_the_same_verdicts_as_the_checkout(machine):
    """Debian 12 has Python 3.11, Debian 13 has 3.13."""
    steps = (
        f"{CHECKOUT}/.tox/hil/bin/pip wheel --quiet --no-deps --wheel-dir built ./{CHECKOUT}",
        "python3 -m venv alone && alone/bin/pip install --quiet built/*.whl",
        "mkdir empty",
    )
    made = machine.run("sh", "-c", " && ".join(steps), within=LONGEST)
    assert made.returncode == 0, made.stdout
    done = machine.run("../alone/bin/intercom-hil", "run", *SELECTION, cwd="empty", within=LONGEST)
    assert done.returncode == 0, done.stdout
    assert verdicts(machine, "root", "empty") == verdicts(machine, "root", CHECKOUT)


@pytest.mark.parametrize("environment", ["lint", "types", "unit", "faults", "compliance"])
def test_the_bench_passes_its_own_tests(machine, environment):
    """All that ``./hil test`` does; an environment of tox each, for a failure to name its own."""
    done = machine.run("./hil", "test", "-e", environment, cwd=CHECKOUT, within=LONGEST)
    assert done.returncode == 0, done.stdout[-20_000:]


def test_the_newest_python_will_do(tmp_path):
    """Debian's next release has Python 3.14, for which the emulated intercom's SIP stack is not made."""
    machine = BareRoot.make("sid", tmp_path / "root")
    done = machine.run("./hil", "run", *SELECTION, cwd=CHECKOUT, within=LONGEST)
    assert done.returncode == 0, done.stdout
    verdicts(machine, "root", CHECKOUT)


def test_the_commands_for_gitlab_work_on_a_bare_machine(machine):
    """Debian 13 is the image that the file names; the commands are good for 12 as well."""
    done = machine.run("sh", "-ec", "\n".join(commands("gitlab-ci.yml")), cwd=CHECKOUT, within=LONGEST)
    assert done.returncode == 0, done.stdout
    assert (machine.folder / "root" / CHECKOUT / "reports/runs/latest/junit.xml").exists()
