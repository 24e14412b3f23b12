"""The manager interface's client against a peer that says what the test tells it to."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.pbx.ami import Ami, parse_block

ADDRESS, PORT = "127.0.42.40", 5038


@contextlib.asynccontextmanager
async def peer(answer):
    """A manager that answers each action with what ``answer`` makes of it; None closes the connection."""

    async def serve(reader, writer):
        writer.write(b"Asterisk Call Manager/1\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                said = answer(parse_block(await reader.readuntil(b"\r\n\r\n")))
                if said is None:
                    break
                writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, ADDRESS, PORT)
    try:
        yield
    finally:
        server.close()


def agree(action, *, before=b""):
    return before + f"Response: Success\r\nActionID: {action['ActionID']}\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def client():
    events, lost = [], []
    ami = await Ami.connect(ADDRESS, PORT, "bench", "hush", on_event=events.append, on_lost=lost.append)
    ami.events, ami.lost = events, lost
    try:
        yield ami
    finally:
        await ami.close()


async def test_answers_come_back_in_order_and_events_apart():
    noise = b"Event: Challenge\r\nA: b\r\n\r\nnonsense\r\n\r\nResponse: Success\r\nActionID: 77\r\n\r\n"
    async with peer(lambda action: agree(action, before=noise)), client() as ami:
        blocks = await ami.act([{"Action": "Ping"}, {"Action": "Pong"}])
        assert [b["ActionID"] for b in blocks] == ["2", "3"]
        assert ami.events[0] == {"Event": "Challenge", "A": "b"}
        assert ami.lost == []


async def test_a_refusal_quotes_the_pbx_and_keeps_the_secret():
    def refuse(action):
        return f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: No way\r\n\r\n".encode()

    async with peer(refuse):
        with pytest.raises(BenchError, match="No way") as refusal:
            async with client():
                pass
    assert "hush" not in str(refusal.value)


async def test_nobody_there_is_an_error_that_names_the_address():
    with pytest.raises(BenchError, match=rf"ami://{ADDRESS}:{PORT}"):
        async with client():
            pass


async def test_a_closed_connection_is_told_and_ends_what_waits():
    async with (
        peer(lambda action: agree(action) if action["Action"] == "Login" else None),
        client() as ami,
    ):
        with pytest.raises(BenchError, match="closed the connection"):
            await ami.act([{"Action": "Ping"}])
        assert ami.lost == ["the PBX closed the connection"]
        with pytest.raises(BenchError, match="is closed"):
            await ami.act([{"Action": "Ping"}])


async def test_a_block_without_end_is_a_failed_connection():
    def answer(action):
        return agree(action) if action["Action"] == "Login" else b"x" * (3 << 20)

    async with peer(answer), client() as ami:
        with pytest.raises(BenchError, match="connection failed"):
            await ami.act([{"Action": "Ping"}])
        assert "failed" in ami.lost[0]


@pytest.mark.parametrize("value", ["a\r\nAction: Command", "a\nb", "a\0"])
async def test_a_value_that_would_smuggle_an_action_is_not_sent(value):
    async with peer(agree), client() as ami:
        with pytest.raises(BenchError, match="line break"):
            await ami.act([{"Action": "Setvar", "Value": value}])


async def test_closing_from_here_is_no_loss():
    async with peer(agree), client() as ami:
        await ami.close()
        assert ami.lost == []


@given(st.binary())
def test_no_block_raises(data):
    assert all(isinstance(value, str) for value in parse_block(data).values())
