"""A station dies or hangs in a call; the device dies after one. Played by test_broken_bench.py."""

import os
import signal
from pathlib import Path

import pytest

from intercom_hil.scenario import scenario
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline.pattern import Condition, Pattern
from intercom_hil.timeline.vocabulary import DEVICE, PBX, answer, invite, request, tone
from tests.faults.breaking.test_breaking import processes, told
from tests.faults.lane import in_our_network


def sipp_at(address):
    """Return the ids of the SIPp processes that are at an address of this network."""
    here = [int(name) for name in os.listdir("/proc") if name.isdecimal() and in_our_network(name)]
    commands = {pid: told(pid) for pid in here}
    return [
        n for n, words in commands.items() if words and Path(words[0]).name == "sipp" and address in words
    ]


async def pressed(bench):
    """Have the button pressed, and a call placed."""
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number)
    await bench.intercom.press_button()
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)


async def hurt_in_call(bench, number):
    """Bring a placed call up, and send the SIPp that answered it a signal."""
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number)
    await bench.intercom.press_button()
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=3)
    await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=3, after=up.time)
    (pid,) = sipp_at(desk.address)
    os.kill(pid, number)


@scenario("OUT-07")
async def test_1_the_station_is_killed(bench):
    """A station that dies is the bench's fault: what it would have done is nobody's to wait for."""
    await hurt_in_call(bench, signal.SIGKILL)
    await bench.expect("OUT-07", request("BYE", receiver=DEVICE), within=2)


@scenario("OUT-07")
async def test_2_the_station_is_stopped(bench):
    """So is one that hangs, though only its end tells of it; the bench was whole again before."""
    await hurt_in_call(bench, signal.SIGSTOP)
    await bench.expect("OUT-07", request("BYE", receiver=DEVICE), within=0.5)


@pytest.fixture
def crash_afterwards(intercom_loop, intercom_assembly):
    """Kill the device's SIP agent when the scenario is over, and let the bench read that it starts again."""
    yield
    (agent,) = processes("intercom_hil.emulator.agent", intercom_assembly.file.device.address)
    os.kill(agent, signal.SIGKILL)
    boot = Pattern(kind="console_line", text="a start", fields={"text": Condition(regex=".* boot .*")})
    assert intercom_loop.run(intercom_assembly.timeline.wait(boot, within=10))


@scenario("OUT-01")
@pytest.mark.usefixtures("crash_afterwards")
async def test_3_the_device_restarts_when_this_is_over(bench):
    """What the device does between two scenarios is not of the one before."""
    await pressed(bench)


@scenario("OUT-01")
async def test_4_that_the_device_restarted_before_is_noted(bench):
    """It is held against nobody, and on record."""
    await pressed(bench)
