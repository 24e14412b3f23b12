"""What every Output does, on every kind of serial line."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from harness.instruments import Board, Output, Relay
from harness.timeline.errors import BenchError


@asynccontextmanager
async def opened(peer, channel="3"):
    output: Output = Relay(Board(peer.url), channel)
    await output.open()
    try:
        yield output
    finally:
        await output.close()


async def test_it_switches_and_confirms(board_peer):
    async with opened(board_peer) as output:
        assert await output.set(True) is True
        assert board_peer.answer.relays[3]
        assert await output.set(False) is True
        assert not board_peer.answer.relays[3]


async def test_opening_and_closing_leave_it_off(board_peer):
    board_peer.answer.relays[3] = True
    async with opened(board_peer) as output:
        assert not board_peer.answer.relays[3]
        await output.set(True)
    assert not board_peer.answer.relays[3]


async def test_opening_and_closing_twice_is_opening_and_closing_once(board_peer):
    output: Output = Relay(Board(board_peer.url), "0")
    await output.close()
    await output.open()
    await output.set(True)
    await output.open()
    assert board_peer.answer.relays[0], "opening what is open does not release a pressed button"
    await output.close()
    await output.close()
    assert not output.lost.done()
    await output.open()
    assert await output.set(True)
    await output.close()


async def test_a_closed_output_refuses(board_peer):
    output: Output = Relay(Board(board_peer.url), "0")
    with pytest.raises(BenchError, match="not open"):
        await output.set(True)


async def test_an_unplugged_cable_is_noticed_and_named(board_peer):
    async with opened(board_peer) as output:
        await asyncio.to_thread(board_peer.unplug)
        async with asyncio.timeout(1):
            assert await output.lost
        with pytest.raises(BenchError, match=board_peer.url):
            await output.set(True)


async def test_commands_given_at_once_are_sent_one_by_one(board_peer):
    async with opened(board_peer) as output:
        await asyncio.gather(*(output.set(bool(n % 2)) for n in range(8)))
        assert board_peer.answer.changes[-8:] == [(3, bool(n % 2)) for n in range(8)]
