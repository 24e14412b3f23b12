"""Scenarios whose remote station dies or hangs in mid-call. Played by test_broken_bench.py, not by hand."""

import os
import signal
from pathlib import Path

from intercom_hil.judge.vocabulary import DEVICE, PBX, answer, request, tone
from intercom_hil.scenario import scenario
from intercom_hil.stations.behaviours import answers
from tests.faults.breaking.test_breaking import told


def sipp_at(address):
    """Return the ids of the SIPp processes that are at an address."""
    commands = {int(name): told(int(name)) for name in os.listdir("/proc") if name.isdecimal()}
    return [
        n for n, words in commands.items() if words and Path(words[0]).name == "sipp" and address in words
    ]


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
