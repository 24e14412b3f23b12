"""Devices that nobody here wrote are judged as their captures, read by hand, say (``*_truth.toml``).

They stand on a network of their own (``fixtures/devices/stand.py``), which takes root to make.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from intercom_hil.processes.engine import apt_install
from tests.faults.lane import ROOT, run_scenarios

DEVICES = ROOT / "fixtures" / "devices"
NEEDED = {"ip": "iproute2"}
"""Programs that each device needs, and the packages that have them."""
PROGRAMS = {
    "baresip": {"baresip": "baresip"},
    "linphone": {"linphone-daemon": "linphone-cli", "pulseaudio": "pulseaudio"},
    "twinkle": {"twinkle-console": "twinkle-console"},
}
"""Those of each."""
ONE_FAMILY = "INC"


def install(device):
    """Have what a device needs, or skip where that takes root."""
    if os.geteuid() != 0:
        pytest.skip("a network of its own for the device needs root")
    needed = NEEDED | PROGRAMS[device]
    missing = [package for program, package in needed.items() if shutil.which(program) is None]
    if missing:
        apt_install(missing, print)


def truth(device):
    """Return the rows of a device's table by scenario."""
    rows = tomllib.loads((ROOT / "tests" / "foreign" / f"{device}_truth.toml").read_text())["row"]
    return {row["scenario"]: row for row in rows}


def disagreements(rows, record, *, all_played):
    """Compare a run with the table; return a line for each row that the bench judges otherwise."""
    played = {scenario["id"]: scenario for scenario in record["scenarios"]}
    lines = []
    for name, row in rows.items():
        if name not in played:
            lines += [f"{name}: not played"] if all_played else []
            continue
        failed = {j["requirement"] for j in played[name]["judgements"] if j["verdict"] == "fail"}
        found = (played[name]["verdict"], failed)
        if found != (row["verdict"], set(row.get("fails", ()))):
            lines.append(
                f"{name}: {row['does']} (frames {row['frames']}): deserves {row['verdict']}, got {found}"
            )
    return lines


def test_every_row_is_of_a_scenario_that_there_is():
    """Else a row that nobody compares any more would be found out at night."""
    words = [sys.executable, "-m", "pytest", "scenarios", "--collect-only", "-q", "-p", "no:hypothesispytest"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    there = {re.sub(r"^scenarios/(\w+)\.py::", r"\1.", line) for line in listed}
    assert [f"{device}: {name}" for device in PROGRAMS for name in truth(device) if name not in there] == []


@pytest.mark.parametrize(
    ("device", "chosen"),
    [
        pytest.param("baresip", ("--requirement", ONE_FAMILY), id=f"{ONE_FAMILY}-baresip"),
        pytest.param("twinkle", ("--requirement", ONE_FAMILY), id=f"{ONE_FAMILY}-twinkle"),
        *(pytest.param(d, (), id=f"all-{d}", marks=pytest.mark.nightly) for d in PROGRAMS),
    ],
)
def test_every_verdict_is_the_one_that_the_capture_deserves(tmp_path, device, chosen):
    install(device)
    stand = [sys.executable, str(DEVICES / "stand.py"), device, "--"]
    run = run_scenarios(tmp_path, 0, *chosen, bench=DEVICES / f"{device}.toml", through=stand)
    assert run.record, run.output
    assert disagreements(truth(device), run.record, all_played=not chosen) == [], run.told()
