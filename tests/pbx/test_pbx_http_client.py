"""The client of the PBX's REST interface, against servers that behave as servers may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from intercom_hil.pbx.http_client import HttpClient, NoAnswerError

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def server(
    *answers: bytes, then_close: bool = False
) -> AsyncIterator[tuple[HttpClient, list[list[bytes]]]]:
    """Answer the requests of each connection in turn; yield a client, and what each connection was asked."""
    asked: list[list[bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        asked.append(mine)
        try:
            for answer in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                mine.append(head + await reader.readexactly(int(length or b"0")))
                writer.write(answer)
                await writer.drain()
            if not then_close:
                await reader.read()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    client = HttpClient("127.0.0.1", listening.sockets[0].getsockname()[1], "bench", "pass:word")
    try:
        yield client, asked
    finally:
        await client.close()
        listening.close()


async def test_requests_one_after_another_go_over_one_connection_with_their_credentials():
    async with server(YES, b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", YES) as (
        client,
        asked,
    ):
        answers = [
            await client.request("GET", "/ari/channels"),
            await client.request("DELETE", "/ari/channels/1"),
            await client.request("PUT", "/ari/object", b'{"a": 1}'),
        ]
        assert [(a.status, a.text) for a in answers] == [(200, "{}"), (404, "none"), (200, "{}")]
        (connection,) = asked
        assert connection[0].startswith(b"GET /ari/channels HTTP/1.1\r\n")
        assert b"authorization: basic ymvuy2g6cgfzczp3b3jk\r\n" in connection[0].lower()
        assert connection[2].endswith(b'\r\n\r\n{"a": 1}')


async def test_requests_at_the_same_time_go_over_connections_of_their_own():
    async with server(YES) as (client, asked):
        answers = await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(5)))
        assert [answer.status for answer in answers] == [200] * 5
        assert len(asked) == 5


async def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced():
    async with server(YES, then_close=True) as (client, asked):
        for _ in range(3):
            assert (await client.request("GET", "/")).status == 200
        assert len(asked) == 3


async def test_an_answer_in_chunks_or_up_to_the_end_of_the_connection_is_read_whole():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    until_closed = b"HTTP/1.0 200 OK\r\n\r\nto the end"
    async with server(chunked, until_closed, then_close=True) as (client, _):
        assert (await client.request("GET", "/")).text == "abcde"
        assert (await client.request("GET", "/")).text == "to the end"


@pytest.mark.parametrize("answer", [b"", b"no HTTP at all\r\n\r\n", YES[:20], YES[:-1]], ids=repr)
async def test_what_is_no_answer_is_reported_and_not_asked_for_again(answer):
    async with server(answer, then_close=True) as (client, asked):
        with pytest.raises(NoAnswerError):
            await client.request("GET", "/")
        assert len(asked) == 1


async def test_nobody_who_listens_is_no_answer():
    async with server() as (client, _):
        pass
    with pytest.raises(NoAnswerError):
        await client.request("GET", "/")


async def test_after_an_answer_that_did_not_come_in_time_the_next_request_gets_its_own():
    async with server(YES, b"", YES) as (client, asked):
        assert (await client.request("GET", "/first")).status == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.request("GET", "/unanswered")
        assert (await client.request("GET", "/second")).status == 200
        assert [len(requests) for requests in asked] == [2, 1]
