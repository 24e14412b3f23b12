"""The board's GPIO lines: an independent client on the same firmware, interruptions, and trouble."""

import asyncio
import random
import threading

import numato_gpio
import pytest
from pydantic import TypeAdapter

from intercom_hil.contracts.inputs import Edges
from intercom_hil.errors import BenchError
from intercom_hil.instruments import AnyInput, AnyOutput, SharedPorts, opened
from tests.contracts.serial_peers import NumatoBoard, PtyPeer

OUTPUT = getattr(numato_gpio, "Direction", numato_gpio).OUT
"""Plain numbers in the newest release for Python 3.14, an enumeration in later ones."""


class Wired:
    """A board on a pty, and instruments on its lines."""

    def __init__(self, **options):
        self.board = NumatoBoard(**options)
        self.peer = PtyPeer(self.board).start()
        self.board.say = self.peer.send
        self._ports = SharedPorts()

    def output(self, line, **options):
        table = {"kind": "numato-gpio", "port": self.peer.url, "line": line, **options}
        return TypeAdapter(AnyOutput).validate_python(table).make(self._ports, name="output")

    def input(self, line, **options):
        table = {"kind": "numato-gpio", "port": self.peer.url, "line": line, **options}
        return TypeAdapter(AnyInput).validate_python(table).make(self._ports, name="input")

    def relay(self, channel):
        table = {"kind": "numato-relay", "port": self.peer.url, "channel": channel}
        return TypeAdapter(AnyOutput).validate_python(table).make(self._ports, name="output")


@pytest.fixture
async def wired():
    wired = Wired()
    yield wired
    wired.peer.unplug()


@pytest.mark.parametrize("lines", [8, 64])
async def test_an_independent_client_is_satisfied_by_the_firmware_we_are_tested_against(lines):
    wired = Wired(lines=lines)
    client = await asyncio.to_thread(numato_gpio.NumatoUsbGpio, wired.peer.url)

    def use():
        client.setup(3, direction=OUTPUT)
        client.write(3, value=1)
        assert wired.board.levels >> 3 & 1
        assert client.read(3) == 1
        wired.board.pull(5, up=True)
        assert client.read(5) == 1
        client.cleanup()

    await asyncio.to_thread(use)
    wired.peer.unplug()


async def test_an_independent_client_understands_the_notifications_we_are_tested_against(wired):
    seen, happened = [], threading.Event()

    def note(port, level):
        seen.append((port, level))
        happened.set()

    def use():
        client = numato_gpio.NumatoUsbGpio(wired.peer.url)
        client.notify = True
        client.add_event_detect(5, note)
        wired.board.pull(5, up=True)
        assert happened.wait(3)
        client.cleanup()

    await asyncio.to_thread(use)
    assert seen == [(5, True)]


async def test_only_the_line_that_is_asked_for_is_touched(wired):
    wired.board.inputs = 0xFFF0
    wired.board.latches = 0b0110
    output = wired.output(4)
    async with opened(output):
        await output.set(True)
        assert wired.board.inputs == 0xFFE0
        assert wired.board.latches == 0b1_0110


async def test_a_line_becomes_an_output_only_once_it_is_inactive(wired):
    wired.board.latches = 1 << 4
    states = []

    def note(reply):
        states.append((wired.board.inputs >> 4 & 1, wired.board.latches >> 4 & 1))
        return reply

    wired.board.noise = note
    async with opened(wired.output(4)):
        assert (0, 1) not in states
        assert states[-1] == (0, 0)


async def test_notifications_in_the_middle_of_replies_are_edges_and_no_part_of_the_replies(wired):
    chance, edges = random.Random(1), Edges()
    level = False

    def interrupt(reply):
        nonlocal level
        level = not level
        told = f"# {level << 5:04X} {(not level) << 5:04X} FFFF\n\r".encode()
        at = chance.randrange(len(reply))
        return reply[:at] + told + reply[at:]

    strike, button = wired.input(5), wired.relay(0)
    strike.listen(edges)
    async with opened(strike, button):
        wired.board.noise = interrupt
        for number in range(20):
            await button.set(bool(number % 2))
        wired.board.noise = None
        seen = await edges.first(40)
    assert seen[:40] == [True, False] * 20


async def test_a_notification_in_pieces_is_one_edge(wired):
    edges, strike = Edges(), wired.input(5)
    strike.listen(edges)
    async with opened(strike):
        begun, rest = b"# 0020 00", b"00 FFFF\n\r"
        wired.peer.send(begun)
        wired.board.noise = lambda reply: rest + reply  # a command is given before it is complete
        assert await strike.read() is False
        wired.board.noise = None
        assert await edges.first(1) == [True]


async def test_two_inputs_see_their_own_edges(wired):
    first, second = Edges(), Edges()
    strike, lamp = wired.input(5), wired.input(6, active_low=True)
    strike.listen(first)
    lamp.listen(second)
    async with opened(strike, lamp):
        wired.board.pull(6, up=True)
        wired.board.pull(5, up=True)
        assert await first.first(1) == [True]
        assert await second.first(1) == [False]
        assert wired.board.notifying
    assert not wired.board.notifying


async def test_a_line_that_is_shorted_is_a_bench_error(wired):
    wired.board.stuck = 1 << 4
    output = wired.output(4)
    async with opened(output):
        with pytest.raises(BenchError, match=r"line 4 was set high but does not read high.*short circuit"):
            await output.set(True)


async def test_a_line_that_the_board_lacks_is_a_bench_error(wired):
    for instrument in (wired.output(16), wired.input(16)):
        with pytest.raises(BenchError, match=r"no GPIO line 16.*use 0 to 15"):
            await instrument.open()


async def test_a_board_without_gpio_is_a_bench_error(wired):
    wired.board.noise = lambda reply: reply.replace(b"0000", b"unknown command")
    with pytest.raises(BenchError, match="'unknown command' where the levels of all lines"):
        await wired.output(4).open()


async def test_a_board_that_stops_answering_while_it_is_asked_is_lost():
    wired = Wired(lines=8, notifies=False)
    strike = wired.input(5)
    await strike.open()
    wired.board.noise = lambda reply: b""
    async with asyncio.timeout(3):
        assert "no reply to 'gpio readall'" in await strike.lost
    await strike.close()
    wired.peer.unplug()


async def test_relays_and_lines_share_a_board_until_the_last_is_closed(wired):
    button, lamp = wired.relay(0), wired.output(2)
    await asyncio.gather(button.open(), lamp.open())
    await asyncio.gather(button.set(True), lamp.set(True))
    await button.close()
    assert wired.board.levels >> 2 & 1
    assert not wired.board.relays[0]
    await lamp.close()
    assert not wired.board.levels >> 2 & 1
