"""The webhook: the device's events as HTTP requests with JSON in them (RFC 9110, RFC 8259).

Connections come in, from anybody; observations by the witness *webhook* go out, for the device's own requests
only. Bounded in size, number and time; whatever comes, a webhook goes on receiving.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import h11

from harness.device.console_layout import Layout
from harness.device.event_sources.duties import Duties
from harness.device.event_sources.raw_log import RawLog
from harness.device.event_sources.teller import Teller
from harness.device.event_sources.webhook_body import events_in
from harness.timeline.errors import BenchError
from harness.timeline.observation import WebhookSeen, Witness
from harness.timeline.timeline import Append, now

LARGEST_BODY = 65_536
"""Bytes of one request's body."""
LARGEST_HEAD = 16_384
"""Bytes of one request's line and header fields."""
MOST_CONNECTIONS = 16
"""Connections at a time; a further one is closed."""
IDLE = 30.0
"""Seconds that a request may take, and that a connection may be kept without one."""
_SHOWN = 2_000  # characters of a body that go onto the timeline
_ALL = Duties()
_TOLD = {
    204: b"",
    400: b"the body is not JSON with events in it\n",
    403: b"only the device under test may tell events here\n",
    404: b"events are told at another path\n",
    405: b"events are told by POST or PUT\n",
    413: b"the body is too large\n",
}


class WebhookReceiver:
    """Receives one device's events over HTTP/1.1. Must be made inside a running event loop.

    A request is one event, a JSON array several, in its order. It is answered with 204 when everything in it
    was understood, with 400 when it is no JSON or has an entry that tells nothing; what could be read counts.

    Attributes:
        name: what messages and its raw log are called after.
        lost: resolves with the reason when it can receive no more.
    """

    def __init__(
        self,
        name: str,
        *,
        address: str,
        port: int,
        path: str,
        sender: str,
        layout: Layout,
        append: Append,
        duties: Duties = _ALL,
        events_at: str = "",
    ) -> None:
        """Describe the webhook.

        Args:
            name: its name, such as ``webhook``.
            address: the IP address it listens on.
            port: the port it listens on.
            path: the path that the device posts to.
            sender: the IP address of the device; others are refused.
            layout: where things stand in an event; it has fields.
            append: puts observations on the current scenario's timeline.
            duties: what this source is judged by.
            events_at: the dotted path of the list of events, where the body is not the event or list itself.
        """
        self.name = name
        self._address, self._port, self._path = address, port, path
        self._sender, self._layout, self._events_at = sender, layout, events_at
        self._teller = Teller(name, Witness.WEBHOOK, append=append, duties=duties)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._raw = RawLog(self.lost)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. Raises BenchError when the port cannot be had."""
        if self._server is not None:
            return
        if self.lost.done():
            self.lost = self._raw.lost = asyncio.get_running_loop().create_future()
        self._teller.opened()
        try:
            self._server = await asyncio.start_server(self._accept, self._address, self._port)
        except OSError as problem:
            raise BenchError(
                f"the webhook cannot listen ({problem.strerror or problem})",
                f"http://{self._address}:{self._port}{self._path}",
                "free the port, give this machine the address, or take a port from 1024 on",
            ) from problem

    async def close(self) -> None:
        """End every connection, and listen no more. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._raw.close()

    def begin(self, folder: Path) -> None:
        """Begin a scenario: every request goes into ``<name>.log``, as it came."""
        self._raw.begin(folder / f"{self.name}.log")
        self._teller.begin()

    def end(self) -> None:
        """End the scenario."""
        self._teller.end()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (TimeoutError, OSError, asyncio.CancelledError):
            return  # who stalls, leaves, or is left needs no answer
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = str((writer.get_extra_info("peername") or ("",))[0])
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    request, body = await self._request(connection, reader, writer)
                if request is None:
                    return
                status = self._answer(request, body, source)
                await _respond(connection, writer, status)
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except h11.RemoteProtocolError as problem:
            status = 413 if problem.error_status_hint == 413 else 400
            self._teller.say(WebhookSeen(status=status, text=_shown(f"no HTTP: {problem}")), now())
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await _respond(connection, writer, status)

    async def _request(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[h11.Request | None, bytes]:
        """Read one request with its body; None when the client has left."""
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    writer.write(connection.send(go_on) or b"")
                data = await reader.read(LARGEST_HEAD)
                self._raw.write(data)
                connection.receive_data(data)
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > LARGEST_BODY:
                    raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage):
                return request, bytes(body)
            else:
                return None, b""

    def _answer(self, request: h11.Request, body: bytes, source: str) -> int:
        """Take what a request tells, and return the status it is answered with."""
        at = now()
        path = request.target.decode("ascii", "replace").partition("?")[0]
        if source != self._sender:
            status = 403
        elif path != self._path:
            status = 404
        elif request.method not in (b"POST", b"PUT"):
            status = 405
        else:
            return self._events(body, at)
        said = f"{request.method.decode('ascii', 'replace')} {path} from {source}"
        self._teller.say(WebhookSeen(status=status, text=_shown(said)), at)
        return status

    def _events(self, body: bytes, at: float) -> int:
        try:
            told = events_in(json.loads(body.decode("utf-8")), self._events_at)
        except (ValueError, RecursionError):
            told = None
        readings = [self._layout.meaning_of(event) for event in told or ()]
        understood = told is not None and all(reading.contents or reading.boot for reading in readings)
        status = 204 if understood else 400
        self._teller.say(
            WebhookSeen(status=status, text=_shown(body.decode("utf-8", "backslashreplace"))), at
        )
        for reading in readings:
            self._teller.tell(reading, at)
        return status


async def _respond(connection: h11.Connection, writer: asyncio.StreamWriter, status: int) -> None:
    body = _TOLD[status]
    headers = [("Content-Length", str(len(body))), ("Content-Type", "text/plain")] if body else []
    response = h11.Response(status_code=status, headers=headers)
    for event in (response, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    async with asyncio.timeout(IDLE):
        await writer.drain()


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == " " else "·" for c in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}…"
