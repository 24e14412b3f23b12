"""A part of the bench breaks, in one way in each scenario. Played by test_broken_parts.py, not by hand.

Each way to break is met by two scenarios: the one in which it happens, and one that finds out what it left.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from intercom_hil.scenario import Settings, scenario
from intercom_hil.stations.behaviours import answers
from intercom_hil.timeline.pattern import Condition, Pattern
from intercom_hil.timeline.vocabulary import DEVICE, PBX, answer, invite, request, tone
from tests.faults.breaking.test_breaking import processes

BOOT = Pattern(kind="console_line", text="a start", fields={"text": Condition(regex=".* boot .*")})


def engine(assembly, *words):
    """Have the container engine do something."""
    client = assembly.host.engine
    done = subprocess.run(
        [str(client.client), *words],
        env=client.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def supervisor(assembly, part):
    """Return the id of the process that holds the programs of a part."""
    return int(engine(assembly, "inspect", "--format", "{{.State.Pid}}", assembly.places[part].name))


def program(assembly, part, name):
    """Return the ids of the running programs of that name in a part."""
    of = supervisor(assembly, part)
    found = []
    for pid in Path(f"/proc/{of}/task/{of}/children").read_text().split():
        with contextlib.suppress(OSError):  # one that has just ended
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                found.append(int(pid))
    return found


def sends(number, part, name=""):
    """Send a signal to the programs of that name in a part, or to their supervisor."""

    def hurt(assembly):
        found = program(assembly, part, name) if name else [supervisor(assembly, part)]
        assert found, f"no {name} runs in {part}"
        for pid in found:
            os.kill(pid, number)

    return hurt


def asks_engine(verb, part):
    """Have the engine do something to the container of a part."""
    return lambda assembly: engine(assembly, verb, assembly.places[part].name)


def device(number, module):
    """Send a signal to a process of the emulated device."""

    def hurt(assembly):
        for pid in processes(module, assembly.file.device.address):
            os.kill(pid, number)

    return hurt


KILL, STOP = signal.SIGKILL, signal.SIGSTOP
WAYS = {
    "asterisk-killed": sends(KILL, "pbx", "asterisk"),
    "asterisk-stopped": sends(STOP, "pbx", "asterisk"),
    "pbx-supervisor-killed": sends(KILL, "pbx"),
    "pbx-supervisor-stopped": sends(STOP, "pbx"),
    "pbx-container-killed": asks_engine("kill", "pbx"),
    "pbx-container-paused": asks_engine("pause", "pbx"),
    "tcpdump-killed": sends(KILL, "peers", "tcpdump"),
    "tcpdump-stopped": sends(STOP, "peers", "tcpdump"),
    "sipp-killed": sends(KILL, "peers", "sipp"),
    "sipp-stopped": sends(STOP, "peers", "sipp"),
    "stations-supervisor-killed": sends(KILL, "peers"),
    "stations-supervisor-stopped": sends(STOP, "peers"),
    "stations-container-killed": asks_engine("kill", "peers"),
    "stations-container-paused": asks_engine("pause", "peers"),
    "device-agent-killed": device(KILL, "intercom_hil.emulator.agent"),
    "device-killed": device(KILL, "intercom_hil.emulator"),
    "device-agent-stopped": device(STOP, "intercom_hil.emulator.agent"),
    "device-stopped": device(STOP, "intercom_hil.emulator"),
}
"""How something breaks."""
PROXY = {
    "proxy-killed": sends(KILL, "proxy", "kamailio"),
    "proxy-stopped": sends(STOP, "proxy", "kamailio"),
    "proxy-supervisor-stopped": sends(STOP, "proxy"),
    "proxy-container-paused": asks_engine("pause", "proxy"),
}
OF_STATIONS = {"sipp-killed", "sipp-stopped"}


TALK = 1.0
"""Seconds for which the station that answers talks; then it hangs up."""


async def in_call(bench):
    """Bring a placed call up, and return once the device is heard."""
    (desk,) = await bench.stations(answers(hang_up_after=TALK))
    await bench.configure(call_number=desk.number)
    await bench.intercom.press_button()
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=3)
    await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=3, after=up.time)


async def hung_up(bench):
    """Have the call end as the station wants it: what is broken keeps that from being seen."""
    await bench.expect("OUT-07", request("BYE", receiver=DEVICE), within=TALK + 2)


def both(ways):
    """Return each way with the two scenarios that meet it, in their order."""
    return pytest.mark.parametrize(
        ("way", "then"),
        [pytest.param(way, then, id=f"{way}-{then}") for way in ways for then in ("broken", "after")],
    )


@both(WAYS)
@scenario("OUT-07")
async def test_in_call(bench, intercom_assembly, way, then):
    """What breaks in mid-call is an error or, if it is the device, a failure."""
    await in_call(bench)
    if then == "broken":
        WAYS[way](intercom_assembly)
    await hung_up(bench)


@both(WAYS)
@scenario("OUT-07")
async def test_in_the_cleaning_up(bench, intercom_assembly, way, then):
    """What breaks before the record is closed decides the verdict."""
    await in_call(bench)
    if way not in OF_STATIONS:
        await hung_up(bench)
    else:
        await bench.expect("OUT-07", invite(sender=DEVICE), within=3)
    if then == "broken":
        clear = intercom_assembly.clear_pbx

        async def hurt_and_clear():
            intercom_assembly.clear_pbx = clear
            WAYS[way](intercom_assembly)
            await until_started_again(way, intercom_assembly)
            await clear()

        intercom_assembly.clear_pbx = hurt_and_clear


async def until_started_again(way, assembly):
    """Wait until a device whose SIP agent was killed reports that it has started: else nobody sees it."""
    if way == "device-agent-killed":
        assert await assembly.timeline.wait(BOOT, within=10)


@pytest.fixture
def hurt_afterwards(intercom_loop, intercom_assembly, way, then):
    """Break something when the scenario is over."""
    yield
    if then == "broken":
        WAYS[way](intercom_assembly)
        intercom_loop.run(until_started_again(way, intercom_assembly))


@both([way for way in WAYS if way not in OF_STATIONS])
@scenario("OUT-07")
@pytest.mark.usefixtures("hurt_afterwards")
async def test_between(bench, way, then):
    """What breaks between two scenarios is of neither."""
    await in_call(bench)
    await hung_up(bench)


@both(PROXY)
@scenario("PRX-01", settings=lambda at: Settings(proxy=at.proxy_settings))
async def test_at_the_proxy(bench, intercom_assembly, way, then):
    """So it is with what only some scenarios need."""
    await bench.proxy()
    (desk,) = await bench.stations(answers(hang_up_after=TALK))
    await bench.configure(call_number=desk.number)
    if then == "broken":
        PROXY[way](intercom_assembly)
    pressed = await bench.intercom.press_button()
    await bench.expect("PRX-01", answer(sender="proxy", receiver=DEVICE), within=3, after=pressed)


@pytest.mark.parametrize("then", ["broken", "after"])
@scenario("OUT-07")
async def test_the_clock_is_set(bench, then):
    """When what was seen is not known, if the clock by which it is dated was set meanwhile."""
    await in_call(bench)
    right = time.time
    if then == "broken":
        time.time = lambda: right() + 3600.0
    try:
        await hung_up(bench)
    finally:
        time.time = right
