"""What tests need that start the emulated intercom beside themselves, with the Python that they run on."""

import pytest

from intercom_hil.device.emulator_container import runs_here

NEEDS_SIP_STACK = pytest.mark.skipif(
    not runs_here(),
    reason="the emulated intercom's SIP stack is not for this Python; test_emulator_container.py "
    "and the compliance run meet it in its container",
)
