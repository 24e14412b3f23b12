"""A client of one HTTP/1.1 server (RFC 9112) that answers at once: small requests, connections kept open.

It leaves out what the PBX's REST interface does not need (redirects, cookies, compression, TLS), and takes a
fraction of the processor time of a general client.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field

import h11

_CHUNK = 65536
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
"""Methods that may be sent again (RFC 9110 §9.2.2)."""


class NoAnswerError(Exception):
    """No answer came: nobody listens, the connection was lost, or what came is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with its whole body."""

    status: int
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class HttpClient:
    """Sends requests, several at a time if need be, each on a connection of its own."""

    def __init__(self, address: str, port: int, user: str, secret: str) -> None:
        """Describe the server; nothing is connected before the first request.

        Args:
            address: the server's.
            port: where it listens.
            user: for Basic authentication (RFC 7617).
            secret: as ``user``.
        """
        self._at = address, port
        credentials = b64encode(f"{user}:{secret}".encode()).decode()
        self._headers = [("Host", f"{address}:{port}"), ("Authorization", f"Basic {credentials}")]
        self._idle: list[_Connection] = []

    async def request(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Send a request and return its answer.

        Args:
            method: in capitals.
            path: with the query, percent-encoded.
            body: JSON, or nothing.

        Raises:
            NoAnswerError: none came. It is not bounded in time: whoever asks is.
        """
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._on(connection, method, path, body)
            except NoAnswerError:
                # The server may have closed a connection that was idle just as the request left for it.
                if connection.heard or method not in _IDEMPOTENT:
                    raise
        try:
            reader, writer = await asyncio.open_connection(*self._at)
        except OSError as problem:
            raise NoAnswerError(f"no connection: {problem.strerror or problem}") from None
        return await self._on(_Connection(reader, writer), method, path, body)

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def _on(self, connection: _Connection, method: str, path: str, body: bytes) -> Answer:
        headers = [*self._headers]
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        try:
            answer = await connection.ask(h11.Request(method=method, target=path, headers=headers), body)
        except (OSError, h11.ProtocolError) as problem:
            connection.close()
            raise NoAnswerError(str(problem) or repr(problem)) from None
        except BaseException:
            connection.close()
            raise
        if connection.may_go_on():
            self._idle.append(connection)
        else:
            connection.close()
        return answer


class _Connection:
    """One connection.

    Attributes:
        heard: whether anything has come of an answer to the request that was sent last.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = h11.Connection(h11.CLIENT)
        self.heard = False

    async def ask(self, head: h11.Request, body: bytes) -> Answer:
        """Send a request and read the answer. Raises OSError or h11.ProtocolError."""
        self.heard = False
        protocol = self._protocol
        sent = [protocol.send(head), protocol.send(h11.Data(data=body)) if body else b""]
        self._writer.write(b"".join(part or b"" for part in (*sent, protocol.send(h11.EndOfMessage()))))
        status, content = 0, bytearray()
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(_CHUNK)
                self.heard |= bool(data)
                protocol.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, bytes(content))
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection was closed")

    def may_go_on(self) -> bool:
        """Make ready for the next request; return whether there can be one."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return True

    def close(self) -> None:
        """Close it."""
        self._writer.close()
