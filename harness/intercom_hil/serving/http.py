"""A small HTTP/1.1 server (RFC 9112) of whole requests and responses, bounded in size and time.

Whatever it is sent, the answer is a status, or a closed connection where not even a request could be read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import h11

from intercom_hil.serving.listener import Listener, peer_of

_ANSWER_WITHIN = 90.0  # s
_LARGEST_HEAD = 16 * 1024
_CHUNK = 65_536
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_METHOD = re.compile(rb"[\r\n]*[A-Z]{1,16}(?: |\Z)")
_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) +([^\r\n]*?)(?: +(HTTP/1\.[01]))? *\r?\Z")
_ABSOLUTE = re.compile(rb"\Ahttps?://[^/?]*/?", re.IGNORECASE)
_HOST = re.compile(rb"\nhost *:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request: names of headers in lower case; ``source`` is the client's IP address."""

    source: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server puts up with.

    Attributes:
        body: bytes of a request's body.
        within: seconds that a request may take, and that a connection may be kept without one.
        connections: how many at a time; a further one is closed.
    """

    body: int
    within: float = 60.0
    connections: int = 64


def _plainly(source: str, why: str, status: int) -> Response:
    del source
    return Response(status, f"{why}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServer:
    """Listens, and answers every request with what ``respond`` returns; that must not raise.

    Must be used inside a running event loop.

    Attributes:
        respond: what answers a request.
        limits: what is put up with.
        headers: of every response.
        heard: is given every byte that comes, as it comes.
        unreadable: what answers that which is no request, given the client's address, what is wrong and the
            status (400, 413, 431).
        lenient: whether small faults of a request's head are mended, as ``mended`` does.
        known: whether a request comes from somebody who may be here. Where that is asked, such a connection
            is kept, and when there are too many the oldest of the others is closed for a new one.
    """

    respond: Respond
    limits: Limits
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: Callable[[bytes], None] = lambda data: None
    unreadable: Callable[[str, str, int], Response] = _plainly
    lenient: bool = False
    known: Callable[[Request], bool] | None = None

    def listener(self) -> Listener:
        """Return what listens for it; it does not yet."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._talk(reader, writer, listener)

        makes_room = self.known is not None
        listener = Listener(talk, most=self.limits.connections, makes_room=makes_room)
        return listener

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
        write = partial(self._write, connection, writer)
        try:
            while True:
                async with asyncio.timeout(self.limits.within):
                    request = await self._read(connection, reader, writer)
                if request is None:
                    return
                if self.known is not None and self.known(request):
                    listener.keep()
                async with asyncio.timeout(_ANSWER_WITHIN):
                    await write(await self.respond(request), head_only=request.method == "HEAD")
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except h11.RemoteProtocolError as problem:
            answer = self.unreadable(peer_of(writer), str(problem), problem.error_status_hint or 400)
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                async with asyncio.timeout(_ANSWER_WITHIN):
                    await write(answer)

    async def _read(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Request | None:
        """Read one request with its body; None when the client has left."""
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    writer.write(connection.send(go_on) or b"")
                data = await reader.read(_CHUNK)
                self.heard(data)
                if self.lenient and head is None and connection.trailing_data == (b"", False):
                    data = await self._with_whole_head(data, reader)
                connection.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self.limits.body:
                    raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _request(peer_of(writer), head, bytes(body))
            else:
                return None

    async def _with_whole_head(self, data: bytes, reader: asyncio.StreamReader) -> bytes:
        """Return what has come of a request, its head whole and mended; as it is when it has none."""
        while _METHOD.match(data) and len(data) <= _LARGEST_HEAD:
            if end := _HEAD_ENDS.search(data):
                return mended(data[: end.end()]) + data[end.end() :]
            more = await reader.read(_CHUNK)
            self.heard(more)
            if not more:
                break
            data += more
        return data

    async def _write(
        self,
        connection: h11.Connection,
        writer: asyncio.StreamWriter,
        response: Response,
        *,
        head_only: bool = False,
    ) -> None:
        content = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        headers = {**self.headers, **({} if response.status == 204 else content), **response.headers}
        head = h11.Response(status_code=response.status, headers=list(headers.items()))
        for event in (head, h11.Data(data=b"" if head_only else response.body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()


def mended(head: bytes) -> bytes:
    """Return the head of a request with what small devices leave out or do not encode.

    A target with blanks or other bytes that it may not have is percent-encoded (RFC 3986 §2.1), a version is
    1.0 where there is none, and a missing Host (RFC 9112 §3.2) is added.
    """
    line, _, fields = head.lstrip(b"\r\n").partition(b"\n")
    found = _REQUEST_LINE.match(line)
    if found is None:
        return head
    target = re.sub(rb"[^!-~]", lambda byte: b"%%%02X" % byte[0][0], found[2].strip())
    target = _ABSOLUTE.sub(b"/", target)
    host = b"" if _HOST.search(b"\n" + fields) else b"Host: bench\r\n"
    return b"%s %s %s\r\n%s%s" % (found[1], target, found[3] or b"HTTP/1.0", host, fields)


def _request(source: str, head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("ascii", "replace").partition("?")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Request(source, head.method.decode("latin-1"), path, query, headers, body)
