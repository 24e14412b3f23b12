"""The GPIO adapter on a kernel that simulates GPIO chips, in a virtual machine made for it.

Where no such machine can be had this is skipped, visibly; with INTERCOM_HIL_REQUIRE_GPIO=1 that is a failure.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from guest import Guest, NoGuestError

ROOT = Path(__file__).parents[2]
WITHIN = 420.0  # s; 60 to 120 is usual, on emulated processors
SUITES = (
    ("tests/gpio/on_gpio_sim.py", ""),
    ("tests/gpio/on_uhid.py", ""),
    ("tests/contracts/test_output_contract.py", "gpio-sim or looped or hid"),
    ("tests/contracts/test_input_contract.py", "gpio-sim or looped"),
)


@pytest.fixture(scope="module")
def guest(request):
    """The virtual machine, made if need be."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    try:
        return Guest.ready(reporter.write_line)
    except NoGuestError as problem:
        if os.environ.get("INTERCOM_HIL_REQUIRE_GPIO") == "1":
            pytest.fail(f"GPIO must be tried here, but {problem}")
        pytest.skip(f"GPIO is not tried here: {problem}")


def test_a_command_s_exit_status_comes_back(guest, tmp_path):
    assert guest.run(["/bin/sh", "-c", "exit 77"], cwd=ROOT, out=tmp_path, within=WITHIN).status == 77


def test_a_guest_that_hangs_is_ended(guest, tmp_path):
    outcome = guest.run(["/bin/sh", "-c", "sleep 600"], cwd=ROOT, out=tmp_path, within=3.0)
    assert outcome.status is None


def test_gpio_lines_and_hid_relays_keep_their_contracts_in_a_kernel_that_has_them(guest, tmp_path):
    chosen = " or ".join(["on_gpio_sim", "on_uhid", *{words for _, words in SUITES if words}])
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-rs", "--tb=short", "-p", "no:cacheprovider", "-s"),
        *("--confcutdir", "tests/contracts", "--junitxml", "/run/out/junit.xml", "-k", chosen),
        *(suite for suite, _ in SUITES),
    ]
    environment = ["env", "INTERCOM_HIL_GPIO_GUEST=1"]
    outcome = guest.run([*environment, *command], cwd=ROOT, out=tmp_path, within=WITHIN)
    print(outcome.said)
    assert outcome.status == 0, outcome.said[-6000:]

    cases = list(ElementTree.parse(tmp_path / "junit.xml").iter("testcase"))
    played = [case for case in cases if case.find("skipped") is None]
    names = " ".join(case.get("name", "") for case in played)
    assert len(played) >= 80
    assert all(rig in names for rig in ("[gpio-sim]", "[rts-looped]", "[cts-looped]", "[hid-relay]"))
