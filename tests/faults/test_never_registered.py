"""A device that never registers is one finding (REG-01), whatever else would have followed from that."""

import pytest
from lane import run_scenarios

FOLLOWING = (
    "scenarios/test_proxy.py::test_the_proxy_is_looked_for_at_its_own_address_and_port",
    "scenarios/test_settings.py::test_the_server_is_found_by_address_and_by_name",
)
"""Scenarios that configure the device, and would judge its first REGISTER."""


@pytest.mark.nightly
def test_a_device_that_never_registers_is_one_finding(tmp_path):
    first = "scenarios/test_registration.py::test_the_device_registers_its_extension_with_its_credentials"
    run = run_scenarios(
        tmp_path, 61, *FOLLOWING, "--fault", "never-registers", "--as-written", scenarios=first
    )
    assert run.record, run.output
    assert run.failed == {"REG-01"}, run.told()
    others = [s for s in run.record["scenarios"] if "test_registration" not in s["id"]]
    assert others
    assert all("has not registered in this run (REG-01)" in s["problems"][0] for s in others), others
