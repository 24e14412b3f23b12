"""Console and relay board, met by independent serial programs on real ptys."""

import asyncio

import numato_gpio
import serial
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intercom_hil.emulator.console import Console
from intercom_hil.emulator.relay_board import RelayBoard
from intercom_hil.emulator.speech import KEYED
from intercom_hil.emulator.vocabulary import Show, WriteEvent, WriteLine

OUTPUT = getattr(numato_gpio, "Direction", numato_gpio).OUT
"""Plain numbers in the newest release for Python 3.14, an enumeration in later ones."""


async def read_until(port, text, within=3.0):
    data = b""
    async with asyncio.timeout(within):
        while text not in data:
            data += await asyncio.to_thread(port.read, 4096)
    return data


async def ask(port, command):
    port.write(command.encode() + b"\r")
    return await read_until(port, b">")


async def test_what_was_written_before_anybody_listened_can_still_be_read(tmp_path):
    console = Console(tmp_path / "console", clock=lambda: 1.5)
    console.write(WriteLine("boot", (("model", "EMU-1"),)))
    console.write(WriteEvent("outgoing_call_failure", "Call Failed", 'busy: "quoted" \\ done'))
    await asyncio.sleep(0.12)  # long enough that a line without a listener would have been looked at

    with serial.Serial(str(tmp_path / "console"), timeout=0.05) as port:
        data = await read_until(port, b"done")
        console.write(Show("Incoming call answered"))
        data += await read_until(port, b"answered")

    stamp = b"1970-01-01T00:00:01.500000Z "
    assert data.split(b"\r\n")[:3] == [
        stamp + b"boot model=EMU-1",
        stamp + rb'event name=outgoing_call_failure screen="Call Failed" details="busy: \"quoted\" \\ done"',
        stamp + b'screen text="Incoming call answered"',
    ]
    console.close()
    assert not (tmp_path / "console").exists()


async def test_a_console_that_nobody_reads_never_blocks_and_a_second_listener_gets_the_rest(tmp_path):
    console = Console(tmp_path / "console")
    with serial.Serial(str(tmp_path / "console"), timeout=0.05) as port:
        await asyncio.sleep(0.15)  # the listener is noticed, and then reads nothing
        for number in range(5_000):
            console.write(WriteLine("log", (("text", f"line {number}"),)))
        data = await read_until(port, b"line 4999")
    lines = data.split(b"\r\n")
    assert len(lines) >= 1_900
    assert all(line.endswith(b'"') for line in lines[-1_900:-1])

    await asyncio.sleep(0.1)  # the listener is noticed to be gone
    console.write(WriteLine("log", (("text", "afterwards"),)))
    with serial.Serial(str(tmp_path / "console"), timeout=0.05) as port:
        assert b"afterwards" in await read_until(port, b"afterwards")
    console.close()


@given(st.text(), st.floats(0, 4e9))
def test_a_line_is_one_line_whatever_its_values_hold(text, at):
    line = KEYED(at, WriteLine("log", (("text", text),)))
    assert len(line.splitlines()) == 1
    assert line.endswith('"')


async def test_the_relay_board_answers_as_the_vendors_does(tmp_path):
    moved = []
    board = RelayBoard(tmp_path / "relay", lambda channel, closed: moved.append((channel, closed)))
    with serial.Serial(str(tmp_path / "relay"), timeout=0.05) as port:
        assert await ask(port, "ver") == b"ver\n\rA0M1.01\n\r>"
        assert await ask(port, "id get") == b"id get\n\r00000000\n\r>"
        assert await ask(port, "relay read 0") == b"relay read 0\n\roff\n\r>"
        assert await ask(port, "relay on 0") == b"relay on 0\n\r>"
        assert await ask(port, "relay on 0") == b"relay on 0\n\r>"
        assert await ask(port, "relay read 0") == b"relay read 0\n\ron\n\r>"
        assert await ask(port, "relay readall") == b"relay readall\n\r01\n\r>"
        assert await ask(port, "relay writeall 2") == b"relay writeall 2\n\r>"
        assert await ask(port, "reset") == b"reset\n\r>"
        assert b"error" in await ask(port, "relay on 7")
        assert b"error" in await ask(port, "format c")
    assert moved == [(0, True), (0, False), (1, True), (1, False)]
    board.close()


async def test_an_independent_client_of_such_boards_is_content(tmp_path):
    board = RelayBoard(tmp_path / "relay", lambda channel, closed: None)

    def use():
        client = numato_gpio.NumatoUsbGpio(str(tmp_path / "relay"))
        client.id = 7
        client.setup(3, direction=OUTPUT)
        client.write(3, value=1)
        outcome = (client.ver, getattr(client, "spec", client).ports, client.read(3), client.read(4))
        client.cleanup()
        return outcome

    assert await asyncio.wait_for(asyncio.to_thread(use), 10) == ("A0M1.01", 8, 1, 0)
    board.close()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
async def test_rubbish_on_the_relay_line_presses_nothing(tmp_path, rubbish):
    moved = []
    board = RelayBoard(tmp_path / "relay", lambda channel, closed: moved.append(channel))
    board._received(rubbish + b"\r")
    board.close()
    assert not moved or b"re" in rubbish


async def test_the_console_has_a_stable_name_and_can_be_closed_twice(tmp_path):
    console = Console(tmp_path / "console")
    assert str((tmp_path / "console").readlink()) == console.path
    console.close()
    console.close()
