"""A port that the bench listens at: so many connections and no more, and none that outlives it."""

import asyncio

import pytest

from intercom_hil.serving.http import HttpServer, Limits, Response
from intercom_hil.serving.listener import Listener, peer_of

ADDRESS = "127.0.47.9"
SOON = 5


async def test_a_connection_too_many_is_closed_and_a_place_is_free_once_another_has_left():
    async def talk(reader, writer):
        writer.write(peer_of(writer).encode())
        await reader.read()

    listener = Listener(talk, most=2)
    await listener.open("127.0.0.1", 0)

    async def visit():
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        return await reader.read(100), reader, writer

    async with asyncio.timeout(SOON):
        inside = [await visit(), await visit()]
        assert [welcome for welcome, _, _ in inside] == [b"127.0.0.1", b"127.0.0.1"]
        assert (await visit())[0] == b""
        inside[0][2].close()
        while not (await visit())[0]:
            pass  # the place is free a moment after its guest has gone
        await listener.close()
        assert await inside[1][1].read() == b""


async def test_where_room_is_made_the_oldest_that_is_not_kept_gives_way():
    async def talk(reader, writer):
        if await reader.read(1) == b"k":
            listener.keep()
        writer.write(b".")
        await reader.read()

    listener = Listener(talk, most=2, makes_room=True)
    await listener.open(ADDRESS, 0)

    async def visit(said):
        reader, writer = await asyncio.open_connection(ADDRESS, listener.port)
        writer.write(said)
        return reader, writer, await answer(reader)

    async with asyncio.timeout(60):
        kept, stranger, newcomer = await visit(b"k"), await visit(b"x"), await visit(b"k")
        assert [said for _, _, said in (kept, stranger, newcomer)] == [b"."] * 3
        assert await answer(stranger[0]) == b""
        assert (await visit(b"x"))[2] == b""  # both places are kept
        for _, writer, _ in (kept, stranger, newcomer):
            writer.close()
        await listener.close()


async def answer(reader):
    """What comes next; nothing when the connection was closed."""
    try:
        return await reader.read(1)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("trouble", [TimeoutError, ConnectionResetError])
async def test_a_client_that_stalls_or_leaves_ends_nothing_else(trouble):
    async def talk(reader, writer):
        if await reader.read(1) == b"!":
            raise trouble
        writer.write(b"well")

    listener = Listener(talk, most=2)
    await listener.open(ADDRESS, 0)
    for said, answer in ((b"!", b""), (b".", b"well")):
        reader, writer = await asyncio.open_connection(ADDRESS, listener.port)
        writer.write(said)
        async with asyncio.timeout(SOON):
            try:
                assert await reader.read() == answer
            except ConnectionResetError:
                assert answer == b""
    await listener.close()


async def test_closing_does_not_wait_for_a_client_that_does_not_read():
    stuck = asyncio.Event()

    async def talk(reader, writer):
        writer.write(bytes(64 << 20))
        stuck.set()
        await writer.drain()

    listener = Listener(talk, most=1)
    await listener.open(ADDRESS, 0)
    assert listener.is_open
    _, writer = await asyncio.open_connection(ADDRESS, listener.port)
    async with asyncio.timeout(SOON):
        await stuck.wait()
        await listener.close()
        await listener.close()
    assert not listener.is_open
    writer.close()


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        (b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", b"200", b"GET /a b from 127.0.0.1"),
        (b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", b"200", b""),
        (
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n0123456789a",
            b"413",
            b"the body is too large\n",
        ),
        (b"nonsense\r\n\r\n", b"400", None),
    ],
)
async def test_every_request_is_answered_and_what_is_none_as_well(asked, status, body):
    heard = bytearray()

    async def respond(request):
        return Response(
            200, f"{request.method} {request.path} {request.query} from {request.source}".encode()
        )

    server = HttpServer(respond=respond, limits=Limits(body=10), headers={"X-Door": "1"}, heard=heard.extend)
    listener = server.listener()
    await listener.open("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(asked)
    writer.write_eof()
    async with asyncio.timeout(SOON):
        head, _, told = (await reader.read()).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert b"X-Door: 1" in head or b"x-door: 1" in head
    assert body is None or told == body
    assert bytes(heard) == asked
    writer.close()
    await listener.close()
