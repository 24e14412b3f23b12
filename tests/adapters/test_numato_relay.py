"""The relay board: firmware variants, interruptions and trouble."""

import asyncio
import random
import re
import time

import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.errors import BenchError
from tests.contracts.serial_peers import NumatoBoard, PtyPeer


@pytest.fixture
def peer():
    peer = PtyPeer(NumatoBoard()).start()
    yield peer
    peer.unplug()


@pytest.fixture
async def relay(peer):
    relay = Relay(Board(peer.url), "0")
    await relay.open()
    yield relay
    peer.answer.noise = None
    await relay.close()


@pytest.mark.parametrize("eol", [b"\n\r", b"\r\n", b"\n", b"\r", b"\r\r\n"])
async def test_line_ends_do_not_matter(eol):
    peer = PtyPeer(NumatoBoard(eol=eol)).start()
    relay = Relay(Board(peer.url), "A")
    await relay.open()
    assert await relay.set(True)
    assert peer.answer.relays[10]
    await relay.close()
    peer.unplug()


async def test_letter_case_does_not_matter(peer, relay):
    peer.answer.noise = bytes.upper
    assert await relay.set(True)


async def test_notifications_anywhere_in_a_reply_do_not_matter(peer, relay):
    chance = random.Random(1)

    def interrupt(reply):
        lines = re.split(rb"(?<=\r)", reply)
        lines.insert(chance.randrange(len(lines)), b"# 00000001 00000000 0000FFFF\n\r")
        return b"".join(lines)

    peer.answer.noise = interrupt
    for number in range(20):
        assert await relay.set(bool(number % 2))


async def test_a_reply_in_pieces_is_one_reply(peer, relay):
    def slowly(reply):
        for byte in reply[:-1]:
            peer._write(bytes([byte]))
        return reply[-1:]

    peer.answer.noise = slowly
    assert await relay.set(True)


@pytest.mark.parametrize("body", [b"error", b"1", b"on off", b"\xff\xfe", b"relay 0 on"])
async def test_an_unexpected_body_is_a_bench_error_that_shows_it(peer, relay, body):
    peer.answer.noise = lambda reply: reply.replace(b">", body + b"\n\r>")
    with pytest.raises(BenchError, match=r"the relay board answered '.+' where nothing but a prompt"):
        await relay.set(True)


async def test_a_relay_that_does_not_follow_is_a_bench_error(peer, relay):
    peer.answer.noise = lambda reply: reply.replace(b"\ron", b"\roff")
    with pytest.raises(BenchError, match="relay 0 was switched on but does not read on"):
        await relay.set(True)


async def test_a_silent_board_is_a_bench_error_within_the_reply_time(peer, relay):
    peer.answer.noise = lambda reply: b""
    begun = time.monotonic()
    with pytest.raises(BenchError, match=r"no reply to 'relay on 0' within 1 s"):
        await relay.set(True)
    assert time.monotonic() - begun < 1.5


async def test_a_reply_that_comes_too_late_is_not_taken_for_the_next(peer, relay):
    late = []
    peer.answer.noise = lambda reply: late.append(reply) or b""
    with pytest.raises(BenchError):
        await relay.set(True)
    peer.answer.noise = lambda reply: late.pop(0) + reply if late else reply
    assert await relay.set(False)
    assert not peer.answer.relays[0]


async def test_endless_chatter_ends_in_a_bench_error(peer, relay):
    peer.answer.noise = lambda reply: b"#" * 3000 + b">" * 100 + b"relay rel"
    with pytest.raises(BenchError, match="no reply"):
        await relay.set(True)


async def test_two_channels_share_one_board_until_the_last_is_closed(peer):
    board = Board(peer.url)
    button, lamp = Relay(board, "0"), Relay(board, "1")
    await asyncio.gather(button.open(), lamp.open())
    await asyncio.gather(button.set(True), lamp.set(True))
    await button.close()
    assert peer.answer.relays[:2] == [False, True]
    assert await lamp.set(False)
    await lamp.close()


async def test_a_command_given_up_half_way_does_not_spoil_the_next(peer, relay):
    peer.answer.noise = lambda reply: b""
    setting = asyncio.create_task(relay.set(True))
    assert await asyncio.to_thread(peer.answer.closed.wait, 3)
    setting.cancel()
    await asyncio.gather(setting, return_exceptions=True)
    peer.answer.noise = None
    assert await relay.set(True)


@pytest.mark.parametrize("channel", ["", "a", "W", "00", "0\r", "é"])
async def test_a_channel_that_no_board_has_is_refused(channel):
    with pytest.raises(BenchError, match="no relay channel"):
        Relay(Board("/dev/null"), channel)
