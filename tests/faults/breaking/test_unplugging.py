"""Scenarios that pull the console's cable in mid-call. Played by test_broken_bench.py, not by hand."""

import os
import signal

from test_breaking import in_call

from intercom_hil.scenario import scenario
from intercom_hil.timeline.vocabulary import DEVICE, invite, request


@scenario("OUT-05")
async def test_1_the_console_is_unplugged_in_mid_call(bench):
    """A cable that comes loose is the bench's fault."""
    await in_call(bench)
    os.kill(int(os.environ["CONSOLE_SERVER"]), signal.SIGUSR1)
    await bench.expect("OUT-05", request("BYE", sender=DEVICE), within=30)


@scenario("OUT-01")
async def test_2_the_bench_is_whole_again_after_the_console(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)
