"""A small HTTP/1.1 server (RFC 9112): whole requests in, whole responses out, bounded in size and time.

Whatever comes in, the answer is a status, or a closed connection where not even a request could be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import h11

_REQUEST_WITHIN = 60.0  # s: a photo over a slow wireless network
_ANSWER_WITHIN = 90.0  # s
_MOST_CONNECTIONS = 64
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request: names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Listens, and answers every request with what ``respond`` returns; that must not raise.

    Must be made and used inside a running event loop.
    """

    def __init__(self, respond: Respond, *, largest: int) -> None:
        """Make a server that does not listen yet; ``largest`` is how many bytes a request's body may have."""
        self._respond = respond
        self._largest = largest
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def open(self, address: str, port: int) -> None:
        """Listen on an IP address and a TCP port. Raises OSError when they cannot be had."""
        self._server = await asyncio.start_server(self._talk, address, port)

    async def close(self) -> None:
        """Listen no more and end what is said; nothing happens when closed."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        if len(self._talks) >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._talks.add(talk)
        try:
            await _talk(self._respond, reader, writer, self._largest)
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            return  # a client that stalls or leaves needs no answer, nor does one when all is over
        finally:
            self._talks.discard(talk)
            writer.close()


async def _talk(
    respond: Respond, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int
) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16 * 1024)
    try:
        while True:
            async with asyncio.timeout(_REQUEST_WITHIN):
                request = await _read(connection, reader, writer, largest)
            if request is None:
                return
            async with asyncio.timeout(_ANSWER_WITHIN):
                await _write(connection, writer, await respond(request), head_only=request.method == "HEAD")
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except h11.RemoteProtocolError as problem:
        if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            status = problem.error_status_hint or 400
            await _write(connection, writer, Response(status, f"{problem}\n".encode()))


async def _read(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int
) -> Request | None:
    """Read one request with its body; None when the client has left."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > largest:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("ascii", "replace").partition("?")
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode("latin-1"), path, query, headers, bytes(body))
        else:
            return None


async def _write(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    response: Response,
    *,
    head_only: bool = False,
) -> None:
    headers = {
        **_HEADERS,
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        **response.headers,
    }
    head = h11.Response(status_code=response.status, headers=list(headers.items()))
    for event in (head, h11.Data(data=b"" if head_only else response.body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()
