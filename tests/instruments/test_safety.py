"""A pressed button is released however its process ends, or when the next one starts."""

import asyncio
import os
import signal
import sys

import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.errors import BenchError
from intercom_hil.instruments import opened
from tests.contracts.serial_peers import NumatoBoard, PtyPeer

PRESSING = """
import asyncio, signal, sys
from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.instruments import opened

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

async def press(port, end):
    relay = Relay(Board(port), "0")
    async with opened(relay):
        await relay.set(True)
        print("pressed", flush=True)
        if end == "exit":
            sys.exit(3)
        if end == "exception":
            raise ZeroDivisionError
        await asyncio.Event().wait()

asyncio.run(press(*sys.argv[1:]))
"""


@pytest.fixture
def peer():
    peer = PtyPeer(NumatoBoard()).start()
    yield peer
    peer.unplug()


async def press(peer, end=""):
    """Start a process that presses, and return it once it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PRESSING, peer.url, end),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.stdout.readline() == b"pressed\n"
    return process


async def ended(process):
    async with asyncio.timeout(10):
        return await process.wait()


@pytest.mark.parametrize(("end", "status"), [("exit", 3), ("exception", 1)])
async def test_the_end_of_the_process_releases_the_button(peer, end, status):
    process = await press(peer, end)
    assert await ended(process) == status
    assert peer.answer.changes[-2:] == [(0, True), (0, False)]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)]
)
async def test_a_signal_releases_the_button(peer, number, status):
    process = await press(peer)
    assert peer.answer.relays[0]
    process.send_signal(number)
    assert await ended(process) == status
    assert not peer.answer.relays[0]


async def test_what_a_killed_process_leaves_pressed_the_next_one_releases(peer):
    process = await press(peer)
    process.kill()
    await ended(process)
    assert peer.answer.relays[0]
    async with opened(Relay(Board(peer.url), "0")):
        assert not peer.answer.relays[0]


async def test_the_others_are_closed_when_one_cannot_be(peer):
    other = PtyPeer(NumatoBoard()).start()
    first, second = Relay(Board(peer.url), "0"), Relay(Board(other.url), "0")

    async def use():
        async with opened(first, second):
            await first.set(True)
            other.answer.noise = lambda reply: reply.replace(b"\roff", b"\ron")

    with pytest.raises(BenchError, match="does not read off"):
        await use()
    assert not peer.answer.relays[0]
    other.unplug()


async def test_the_others_are_closed_when_one_cannot_be_opened(peer):
    first = Relay(Board(peer.url), "0")

    async def use():
        async with opened(first, Relay(Board("/dev/no-such-board"), "0")):
            pytest.fail("it cannot be there")

    with pytest.raises(BenchError, match="cannot be opened"):
        await use()
    assert peer.answer.changes[-1] == (0, False)
    with pytest.raises(BenchError, match="not open"):
        await first.set(True)


async def test_signal_handlers_are_put_back(peer):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    async with opened(Relay(Board(peer.url), "0")):
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


async def test_a_signal_while_closing_does_not_cut_the_closing_off(peer):
    relay = Relay(Board(peer.url), "0")

    async def use():
        async with opened(relay):
            await relay.set(True)
            peer.answer.noise = kill

    def kill(reply):
        peer.answer.noise = None
        os.kill(os.getpid(), signal.SIGTERM)
        return reply

    with pytest.raises(SystemExit, match="143"):
        await use()
    assert not peer.answer.relays[0]
