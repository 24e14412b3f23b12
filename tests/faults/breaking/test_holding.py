"""Scenarios in which a run is killed. Played by test_killed_run.py, not by hand."""

import asyncio
import os

from intercom_hil.scenario import scenario
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline.vocabulary import DEVICE, PBX, answer, registered, request, tone

HELD = 50.0
"""Seconds for which the button would be held."""


@scenario("REG-01")
async def test_1_the_device_registers(bench):
    """There is a device."""
    await bench.configure()
    await bench.expect("REG-01", registered(), within=5)


@scenario("OUT-01")
async def test_2_the_button_is_held_in_mid_call(bench):
    """A visitor leans on the button, and says so in a file once the call is up."""
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number)
    async with asyncio.TaskGroup() as group:
        group.create_task(bench.intercom.press_button(hold=HELD))
        up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=5)
        await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=3, after=up.time)
        os.close(os.open(os.environ["HELD"], os.O_CREAT))
        await bench.expect("OUT-01", request("BYE", sender=DEVICE), within=HELD)
