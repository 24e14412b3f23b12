"""Devices that nobody here wrote are judged as their captures, read by hand, say (``*_truth.toml``).

They stand on a network of their own (``fixtures/devices/stand.py``), which takes root to make.
"""

import os
import shutil
import sys
import tomllib

import pytest

from intercom_hil.processes.engine import apt_install
from tests.faults.lane import ROOT, run_scenarios

DEVICES = ROOT / "fixtures" / "devices"
NEEDED = {"baresip": "baresip", "twinkle-console": "twinkle-console", "ip": "iproute2"}
"""Programs, and the packages that have them."""
ONE_FAMILY = "INC"


@pytest.fixture(scope="module", autouse=True)
def installed():
    """Have what a device needs, or skip where that takes root."""
    if os.geteuid() != 0:
        pytest.skip("a network of its own for the device needs root")
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
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


@pytest.mark.parametrize("device", ["baresip", "twinkle"])
@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(("--requirement", ONE_FAMILY), id=ONE_FAMILY),
        pytest.param((), id="all", marks=pytest.mark.nightly),
    ],
)
def test_every_verdict_is_the_one_that_the_capture_deserves(tmp_path, device, chosen):
    stand = [sys.executable, str(DEVICES / "stand.py"), device, "--"]
    run = run_scenarios(tmp_path, 0, *chosen, bench=DEVICES / f"{device}.toml", through=stand)
    assert run.record, run.output
    assert disagreements(truth(device), run.record, all_played=not chosen) == [], run.told()
