"""Scenarios whose bench or device breaks in the cleaning up. Played by test_broken_bench.py, not by hand."""

import asyncio
import os
import signal

from intercom_hil.judge.vocabulary import DEVICE, invite, tone
from intercom_hil.scenario import scenario
from tests.faults.breaking.test_breaking import in_call, processes

KILLED = []
"""Tasks that end something: they are kept, so that they come to their own end."""


def when_stations_end(assembly, act):
    """Do something as soon as a station has ended, which is in the cleaning up."""

    def heed(observation):
        if observation.content.kind == "station_ended":
            ignore()
            act()

    ignore = assembly.timeline.listen(heed)


@scenario("OUT-05")
async def test_1_the_devices_sip_agent_is_killed(bench, intercom_assembly):
    """What ends before the record is closed is of this scenario, though its own part passed."""
    await in_call(bench)
    (agent,) = processes("intercom_hil.emulator.agent", os.getpid())
    when_stations_end(intercom_assembly, lambda: os.kill(agent, signal.SIGKILL))
    await bench.expect("OUT-05", tone(bench.microphone_tone, sender=DEVICE), within=3)


@scenario("OUT-05")
async def test_2_the_stations_and_the_capture_are_killed(bench, intercom_assembly):
    """Evidence that is lost before the record is closed is lost."""
    await in_call(bench)
    running, kill = asyncio.get_running_loop(), intercom_assembly.places["peers"].kill
    when_stations_end(intercom_assembly, lambda: KILLED.append(running.create_task(kill())))
    await bench.expect("OUT-05", tone(bench.microphone_tone, sender=DEVICE), within=3)


@scenario("OUT-01")
async def test_3_the_bench_is_whole_again(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)
