"""Switching on and off, and what happens when things go wrong."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import wave
from pathlib import Path

from emulator_process import DEVICE, ROOT, Intercom


async def run(*arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "intercom_hil.emulator",
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode, out.decode(), err.decode()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


async def gone(pid, within=5.0):
    """Wait until a process that is no child of ours is gone; a pidfd tells."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(watch, over.set)
    try:
        await asyncio.wait_for(over.wait(), within)
    finally:
        loop.remove_reader(watch)
        os.close(watch)


async def test_it_is_ready_within_a_second_and_says_where_its_ends_are(start, state):
    begun = time.monotonic()
    intercom = await start()
    assert time.monotonic() - begun < 1.5
    ready = intercom.ready
    assert ready["portal"] == f"http://{DEVICE}:8080"
    assert ready["pid"] == intercom.process.pid
    assert os.readlink(state / "console") == ready["console"]
    assert os.readlink(state / "relay") == ready["relay"]
    with wave.open(ready["speaker"]) as speaker:
        assert (speaker.getframerate(), speaker.getsampwidth(), speaker.getnchannels()) == (16_000, 2, 1)
    assert await intercom.stop() == 0
    assert not alive(ready["agent_pid"])
    assert sorted(path.name for path in state.iterdir()) == ["agent.log", "microphone.wav", "speaker.wav"]


async def test_the_leash_ends_it_with_its_parent(state):
    intercom = await Intercom.start(state)
    intercom.process.stdin.close()
    assert await asyncio.wait_for(intercom.process.wait(), 5) == 0
    await gone(intercom.ready["agent_pid"])
    await intercom.stop()


async def test_a_killed_device_takes_its_agent_along(state):
    intercom = await Intercom.start(state)
    intercom.process.kill()
    await intercom.process.wait()
    await gone(intercom.ready["agent_pid"])
    await intercom.stop()


async def test_what_keeps_it_from_starting_is_said_in_one_line(tmp_path):
    place = ["--state", str(tmp_path), "--address", DEVICE]
    with socket.create_server((DEVICE, 8080)):
        status, _, said = await run(*place)
        assert (status, len(said.splitlines())) == (2, 1)
        assert "8080" in said
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((DEVICE, 5060))
        status, _, said = await run(*place)
        assert (status, len(said.splitlines())) == (2, 1)
        assert "5060" in said
    for wrong in (
        [*place, "--fault", "no-such-fault"],
        [*place, "--rtp-ports", "5-4"],
        [*place, "--sip-port", "70000"],
        ["--state", str(tmp_path), "--address", "door.example"],
        ["--address", DEVICE],
        ["--state", "/proc/nowhere", "--address", DEVICE],
        [*place, "--hosts", str(tmp_path / "no-hosts")],
    ):
        status, _, said = await run(*wrong)
        assert (status, len(said.splitlines())) == (2, 1), wrong


async def test_the_faults_can_be_listed(tmp_path):
    status, listed, _ = await run("--list-faults")
    assert status == 0
    assert any(line.startswith("button-dead ") and "OUT-01" in line for line in listed.splitlines())


async def test_a_dead_agent_is_a_reboot_after_which_it_registers_again(start, state, peer):
    intercom = await start()
    await intercom.configure()
    mark = len(intercom.console.data)
    os.kill(json.loads((state / "ready.json").read_text())["agent_pid"], signal.SIGABRT)
    await intercom.console.expect(r"(?s)sip agent died: signal 6.* boot model.*sip registered", after=mark)
    assert alive(json.loads((state / "ready.json").read_text())["agent_pid"])


async def test_the_fault_that_crashes_on_a_call_does(start, peer):
    peer.answers = {"3400": [200]}
    intercom = await start("--fault", "crashes-on-call")
    await intercom.configure()
    await intercom.press()
    await intercom.console.expect(r"(?s)outgoing_call_established.*sip agent died.* boot .*sip registered")


async def test_switched_off_it_leaves_the_server_and_the_port(start, peer):
    intercom = await start()
    await intercom.configure()
    assert (await intercom.submit(enabled=False)).status_code == 200
    await peer.sees(lambda m: m.method == "REGISTER" and m["Expires"] == "0" and m["Authorization"])
    await intercom.console.expect('sip unregistered reason="switched off"')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((DEVICE, 5060))


async def test_settings_that_come_while_a_registration_is_on_its_way_are_taken_and_registered(start, peer):
    intercom = await start()
    await intercom.configure()
    peer.undecided = True
    for mode in ("RTP with Optional SRTP (Fallback Mode)", "SRTP-only", ""):
        answer = await intercom.submit(encryption=mode)
        assert answer.status_code == 200, answer.text
        await peer.sees(lambda m: m.method == "REGISTER" and 'nonce="n2"' in m["Authorization"])
    mark = len(intercom.console.data)
    peer.undecided = False
    await intercom.console.expect("sip registered", after=mark)
