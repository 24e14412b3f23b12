"""The emulated intercom's terminal server, met by the stock RFC 2217 client of pyserial."""

import asyncio
import socket

import pytest
import serial

from intercom_hil.emulator.serial_server import SerialServer

ADDRESS = "127.0.45.2"


@pytest.fixture
async def served():
    with socket.create_server((ADDRESS, 0)) as free:
        port = free.getsockname()[1]
    presses = asyncio.Queue()
    server = SerialServer(presses.put_nowait)
    await server.start(ADDRESS, port)
    yield server, f"rfc2217://{ADDRESS}:{port}", presses
    server.close()


def client(url):
    port = serial.serial_for_url(url, do_not_open=True, timeout=0.05)
    port.rts = port.dtr = False
    port.open()
    return port


async def rts(port, active):
    await asyncio.to_thread(setattr, port, "rts", active)


async def told(presses):
    return await asyncio.wait_for(presses.get(), 3)


async def test_lines_come_through_whole_and_rts_presses_the_button(served):
    server, url, presses = served
    port = await asyncio.to_thread(client, url)
    server.write(b"an IAC \xff in a line\r\n")
    data = b""
    async with asyncio.timeout(3):
        while not data.endswith(b"\r\n"):
            data += await asyncio.to_thread(port.read, 100)
    assert data == b"an IAC \xff in a line\r\n"
    await rts(port, True)
    assert await told(presses) is True
    await rts(port, False)
    assert await told(presses) is False
    await asyncio.to_thread(port.close)


async def test_a_client_that_goes_while_it_presses_lets_the_button_go(served):
    _, url, presses = served
    port = await asyncio.to_thread(client, url)
    await rts(port, True)
    assert await told(presses) is True
    await asyncio.to_thread(port.close)
    assert await told(presses) is False


async def test_there_is_one_client_at_a_time_and_the_next_may_come(served):
    server, url, _ = served
    first = await asyncio.to_thread(client, url)
    host, _, number = url.removeprefix("rfc2217://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    assert await reader.read() == b""
    writer.close()
    await asyncio.to_thread(first.close)
    second = await asyncio.to_thread(client, url)
    server.write(b"hello\r\n")
    assert await asyncio.to_thread(second.read, 7) == b"hello\r\n"
    await asyncio.to_thread(second.close)


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfa\x2c" + bytes(range(256)) * 40 + b"\xff\xf0", b"\xff\xfa\x2c\x01\xff\xf0", b"\xff\xfa"],
    ids=["all-bytes", "no-speed-given", "cut-off"],
)
async def test_garbage_from_the_network_does_no_harm(served, garbage):
    server, url, presses = served
    host, _, number = url.removeprefix("rfc2217://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    writer.write(garbage)
    writer.write_eof()
    async with asyncio.timeout(3):
        await reader.read()
    writer.close()
    port = await asyncio.to_thread(client, url)
    server.write(b"still here\r\n")
    assert await asyncio.to_thread(port.read, 12) == b"still here\r\n"
    await asyncio.to_thread(port.close)
    assert presses.empty()
