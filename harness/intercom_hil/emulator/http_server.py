"""HTTP/1.1 as the Admin Portal speaks it, for its JSON interface and for its pages.

Bounded in size and time; whatever a client sends, the answer is a status, never a broken connection without
one as long as the request could be read at all. A client that stalls is dropped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h11

LARGEST_BODY = 256 * 1024
"""Octets of a request's body."""
_REQUEST_WITHIN = 10.0
_ANSWER_WITHIN = 10.0
"""Seconds that a client may take to send a request, and to take in its answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was read whole; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; length and type need no header of their own."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(status: int, value: Any) -> Answer:
    """Return an answer whose body is JSON."""
    return Answer(status, json.dumps(value).encode())


class HttpServer:
    """Serves one address and port, with one function that answers whatever is asked."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen; nothing happens when it does. Raises OSError when address or port cannot be had."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, address, port)

    def close(self) -> None:
        """Stop listening; may be called again."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16 * 1024)
        try:
            while True:
                async with asyncio.timeout(_REQUEST_WITHIN):
                    request = await _read_request(connection, reader)
                if request is None:
                    break
                answer = await self._answer(request)
                await _write_answer(connection, writer, answer, request.method != "HEAD")
                if connection.our_state is not h11.DONE or self._server is None:
                    break
                connection.start_next_cycle()
        except h11.RemoteProtocolError as problem:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                status = problem.error_status_hint or 400
                await _write_answer(connection, writer, json_answer(status, {"error": str(problem)}))
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            return  # a client that stalls or leaves needs no answer, nor does a device that is switched off
        finally:
            writer.close()


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """Read one request with its body; None when the client has left."""
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            request = event
            if not event.http_version.startswith(b"1."):
                raise h11.RemoteProtocolError("it is not HTTP/1", error_status_hint=400)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            path, _, query = request.target.decode("ascii", "replace").partition("?")
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
            return Request(request.method.decode("ascii"), path, query, headers, bytes(body))
        else:
            return None


async def _write_answer(
    connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, with_body: bool = True
) -> None:
    headers = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.body))), *answer.headers]
    response = h11.Response(status_code=answer.status, headers=headers)
    body = (h11.Data(data=answer.body),) if with_body else ()  # RFC 9110 §9.3.2: none for HEAD
    for event in (response, *body, h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    async with asyncio.timeout(_ANSWER_WITHIN):
        await writer.drain()
