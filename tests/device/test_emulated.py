"""The emulated intercom as a box: switched on, met from outside, switched off, and ending by itself."""

import asyncio
import os
import select
import signal
import sys
import time

import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.intercom import Intercom
from intercom_hil.device.portal import Account, Portal
from intercom_hil.device.speaker import Speaker
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.instruments import Button, SerialConsole
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline import Pattern, Timeline
from intercom_hil.timeline.pattern import Condition
from tests.device.sip_stack import NEEDS_SIP_STACK

ADDRESS = "127.0.45.30"


def device(folder, **options):
    return EmulatedDevice(state=folder / "device", address=ADDRESS, **options)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def ends(pidfd):
    """Whether a process ends within three seconds."""
    ended, _, _ = await asyncio.to_thread(select.select, [pidfd], [], [], 3)
    os.close(pidfd)
    return bool(ended)


def intercom(ready, timeline, lost):
    return Intercom(
        address=ADDRESS,
        append=timeline.append,
        portal=Portal(ready.portal, Account("admin", "admin-secret")),
        button=Button(Relay(Board(ready.relay), "0"), append=timeline.append),
        console=SerialConsole(ready.console),
        speaker=Speaker(ready.speaker, append=timeline.append),
        device_lost=lost,
    )


async def sees(timeline, kind, **fields):
    pattern = Pattern(kind=kind, text=kind, fields={n: Condition(contains=v) for n, v in fields.items()})
    found = await timeline.wait(pattern, within=5)
    assert found, [str(o) for o in timeline]
    return found[0]


async def test_bad_arguments_are_a_bench_error_that_repeats_what_the_emulator_said(tmp_path):
    with pytest.raises(
        BenchError, match=r"emulator\.log: .* ended at once \(exit status 2\): .*no-such-fault"
    ):
        await device(tmp_path, faults=["no-such-fault"]).start()


async def test_a_device_that_is_not_ready_in_time_is_stopped(tmp_path):
    box = device(tmp_path)
    with pytest.raises(BenchError, match=r"not ready within 0\.01 s"):
        await box.start(within=0.01)
    await box.stop()
    ready = await box.start()
    await box.stop()
    assert gone(ready.pid)
    assert gone(ready.agent_pid)
    assert not box.lost.done()


async def test_a_killed_device_is_lost_with_all_its_processes_and_can_be_started_again(tmp_path):
    box = device(tmp_path)
    ready = await box.start()
    agent = os.pidfd_open(ready.agent_pid)
    os.kill(ready.pid, signal.SIGKILL)
    assert "killed by signal 9" in await asyncio.wait_for(box.lost, 2)
    assert await ends(agent)
    await box.stop()
    await box.start()
    assert not box.lost.done()
    await box.stop()
    await box.stop()


@NEEDS_SIP_STACK
async def test_an_emulated_intercom_is_configured_pressed_read_and_heard_like_any(tmp_path):
    box, timeline = device(tmp_path), Timeline()
    ready = await box.start()
    door = intercom(ready, timeline, box.lost)
    try:
        await door.open()
        door.begin(tmp_path)
        settings = SipSettings(
            server_address="127.0.45.31",  # nobody there: every call fails
            auth_username="door",
            auth_password="secret-word",
            extension="3000",
            call_number="3400",
            call_timeout=2,
        )
        assert (await door.configure(settings)).accepted
        pressed = await door.press_button()
        initiated = await sees(timeline, "event", name="outgoing_call_initiated")
        assert 0 <= initiated.time - pressed < 0.5
        assert initiated.content.screen_name == "Dialing"
        assert abs(initiated.content.device_time - initiated.time) < 0.5
        failure = await sees(timeline, "event", name="outgoing_call_failure")
        assert failure.content.failure
        await sees(timeline, "event", name="outgoing_call_contact_failure")
        await timeline.wait(
            Pattern(kind="speaker", text="sound", fields={"level_dbov": Condition(at_least=-40)}), within=5
        )
        assert any(o.content.kind == "speaker" and o.content.level_dbov > -40 for o in timeline)
        assert not any(o.content.kind == "lost" for o in timeline)
        status, body = await door.portal.submit_raw(settings.model_dump(mode="json") | {"extension": "a b"})
        assert (status, body["errors"][0]["field"]) == (422, "extension")
        await door.end()
    finally:
        await door.close()
        await box.stop()
    assert b"outgoing_call_initiated" in (tmp_path / "console.log").read_bytes()


async def test_a_device_that_dies_is_blamed_although_its_ptys_go_first(tmp_path):
    box, timeline = device(tmp_path), Timeline()
    ready = await box.start()
    door = intercom(ready, timeline, box.lost)
    await door.open()
    door.begin(tmp_path)
    os.kill(ready.pid, signal.SIGKILL)
    killed = time.monotonic()
    assert isinstance(await asyncio.wait_for(door.lost, 3), DeviceCrashed)
    assert time.monotonic() - killed < 1
    await door.close()
    await box.stop()


@NEEDS_SIP_STACK
async def test_a_dead_sip_agent_is_a_restart_that_the_device_is_blamed_for(tmp_path):
    box, timeline = device(tmp_path), Timeline()
    ready = await box.start()
    door = intercom(ready, timeline, box.lost)
    await door.open()
    door.begin(tmp_path)
    os.kill(ready.agent_pid, signal.SIGKILL)
    lost = await sees(timeline, "lost")
    assert (lost.content.instrument, lost.content.blame) == ("device", "device")
    await door.close()
    await box.stop()


PARENT = """
import asyncio, pathlib, sys
from intercom_hil.device.emulated import EmulatedDevice

async def main():
    ready = await EmulatedDevice(state=pathlib.Path(sys.argv[1]), address=sys.argv[2]).start()
    print(ready.pid, ready.agent_pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@NEEDS_SIP_STACK
async def test_a_device_does_not_outlive_a_killed_bench(tmp_path):
    bench = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "device"), ADDRESS, stdout=asyncio.subprocess.PIPE
    )
    pids = [int(pid) for pid in (await asyncio.wait_for(bench.stdout.readline(), 15)).split()]
    assert len(pids) == 2
    processes = [os.pidfd_open(pid) for pid in pids]
    bench.kill()
    await bench.wait()
    for process in processes:
        assert await ends(process)
