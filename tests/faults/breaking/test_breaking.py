"""Scenarios that break their own bench or device in mid-call. Played by test_broken_bench.py, not by hand."""

import os
import signal
from pathlib import Path

from intercom_hil.scenario import scenario
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline.vocabulary import DEVICE, PBX, answer, invite, request, tone
from tests.faults.lane import in_our_network


async def in_call(bench):
    """Bring a placed call up, and return once the device is heard."""
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number)
    await bench.intercom.press_button()
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=3)
    await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=3, after=up.time)


def processes(module, address):
    """Return the ids of the processes that run a module for the device at an address of this network."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() not in command or not in_our_network(folder.name):
            continue
        if any(address in told(pid) for pid in ancestors(int(folder.name))):
            found.append(int(folder.name))
    return found


def told(pid):
    """Return the arguments of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def ancestors(pid):
    """Return the ids of a process's ancestors, itself included."""
    line = [pid]
    while line[-1] > 1:
        try:
            stat = Path(f"/proc/{line[-1]}/stat").read_text()
        except OSError:
            break
        line.append(int(stat.rpartition(")")[2].split()[1]))
    return line


@scenario("OUT-05")
async def test_1_the_pbx_is_killed_in_mid_call(bench, intercom_assembly):
    """A PBX that dies is the bench's fault."""
    await in_call(bench)
    await intercom_assembly.places["pbx"].kill()
    await bench.expect("OUT-05", request("BYE", sender=DEVICE), within=30)


@scenario("OUT-01")
async def test_2_the_bench_is_whole_again_after_the_pbx(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)


@scenario("OUT-05")
async def test_3_the_stations_and_the_capture_are_killed_in_mid_call(bench, intercom_assembly):
    """A container that dies is the bench's fault."""
    await in_call(bench)
    await intercom_assembly.places["peers"].kill()
    await bench.expect("OUT-05", request("BYE", sender=DEVICE), within=30)


@scenario("OUT-01")
async def test_4_the_bench_is_whole_again_after_the_stations(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)


@scenario("OUT-06")
async def test_5_the_devices_sip_agent_is_killed_in_mid_call(bench, intercom_assembly):
    """A device that crashes has failed."""
    await in_call(bench)
    (agent,) = processes("intercom_hil.emulator.agent", intercom_assembly.file.device.address)
    os.kill(agent, signal.SIGKILL)
    await bench.expect("OUT-06", request("BYE", sender=DEVICE), within=30)


@scenario("OUT-01")
async def test_6_the_bench_is_whole_again_after_the_crash(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)


@scenario("OUT-06")
async def test_7_the_whole_device_dies_in_mid_call(bench, intercom_assembly):
    """A device that goes away has failed."""
    await in_call(bench)
    (device,) = processes("intercom_hil.emulator", intercom_assembly.file.device.address)
    os.kill(device, signal.SIGKILL)
    await bench.expect("OUT-06", request("BYE", sender=DEVICE), within=30)


@scenario("OUT-01")
async def test_8_the_bench_is_whole_again_after_the_death(bench):
    """The next scenario finds a healed bench."""
    await in_call(bench)
    await bench.expect("OUT-01", invite(sender=DEVICE), within=3)
