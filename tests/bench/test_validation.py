"""Who refuses a wrong setting: the device, or a program of the lab's that says nothing of the device."""

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.catalogue import CATALOGUE
from tests.bench.test_relative_paths import BENCH

BY_COMMAND = 'configurator = "command"'
DECLARED = "[device.capabilities]\nvalidation = "


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ((), True),
        (("[device.capabilities]", f"{DECLARED}true"), False),
        (("[device.capabilities]", f"{DECLARED}false"), True),
        ((BY_COMMAND, '[device.portal]\nurl = "http://192.0.2.30"\naccount = "a"\npassword = "b"\n'), False),
    ],
    ids=["by a command", "the device checks all the same", "declared", "by the portal"],
)
def test_what_a_command_refuses_is_not_what_the_device_refuses(tmp_path, change, lacks):
    text = BENCH
    if change and change[0] == BY_COMMAND:
        text = BENCH.replace(BY_COMMAND, "").replace(
            "[device.capabilities]", f"{change[1]}[device.capabilities]", 1
        )
    elif change:
        text = BENCH.replace(*change, 1)
    path = tmp_path / "bench.toml"
    path.write_text(text)
    assert load(path).device.capabilities.lacks(Capability.VALIDATION) is lacks


def test_the_row_about_bad_values_is_about_devices_that_check():
    assert CATALOGUE["CFG-22"].capability is Capability.VALIDATION
