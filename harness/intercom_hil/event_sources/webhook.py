"""The webhook: the device's events as HTTP requests with JSON in them (RFC 9110, RFC 8259).

Connections come in, from anybody; observations by the witness *webhook* go out, for the device's own requests
only. Bounded in size, number and time; whatever comes, a webhook goes on receiving.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.console_layout import Layout
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.raw_log import RawLog
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.event_sources.webhook_body import events_in
from intercom_hil.serving.http import HttpServer, Limits, Request, Response
from intercom_hil.timeline.observation import WebhookSeen, Witness
from intercom_hil.timeline.timeline import Append, now

LARGEST_BODY = 65_536
"""Bytes of one request's body."""
MOST_CONNECTIONS = 16
"""Connections at a time; a further one is closed."""
IDLE = 30.0
"""Seconds that a request may take, and that a connection may be kept without one."""
_SHOWN = 2_000  # characters of a body that go onto the timeline
_ALL = SourceRole()
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
        duties: SourceRole = _ALL,
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
        self._teller = EventPublisher(name, Witness.WEBHOOK, append=append, duties=duties)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._raw = RawLog(self.lost)
        server = HttpServer(
            respond=self._respond,
            limits=Limits(body=LARGEST_BODY, within=IDLE, connections=MOST_CONNECTIONS),
            heard=self._raw.write,
            unreadable=self._unreadable,
        )
        self._listener = server.listener()

    async def open(self) -> None:
        """Listen. Raises BenchError when the port cannot be had."""
        if self._listener.is_open:
            return
        if self.lost.done():
            self.lost = self._raw.lost = asyncio.get_running_loop().create_future()
        self._teller.opened()
        try:
            await self._listener.open(self._address, self._port)
        except OSError as problem:
            raise BenchError(
                f"the webhook cannot listen ({problem.strerror or problem})",
                f"http://{self._address}:{self._port}{self._path}",
                "free the port, give this machine the address, or take a port from 1024 on",
            ) from problem

    async def close(self) -> None:
        """End every connection, and listen no more. Idempotent."""
        await self._listener.close()
        self._raw.close()

    def begin(self, folder: Path) -> None:
        """Begin a scenario: every request goes into ``<name>.log``, as it came."""
        self._raw.begin(folder / f"{self.name}.log")
        self._teller.begin()

    def end(self) -> None:
        """End the scenario."""
        self._teller.end()

    def _unreadable(self, why: str, status: int) -> Response:
        told = status if status in _TOLD else 400
        self._teller.say(WebhookSeen(status=told, text=_shown(f"no HTTP: {why}")), now())
        return Response(told, _TOLD[told])

    async def _respond(self, request: Request) -> Response:
        """Take what a request tells, and answer it."""
        at = now()
        if request.source != self._sender:
            status = 403
        elif request.path != self._path:
            status = 404
        elif request.method not in ("POST", "PUT"):
            status = 405
        else:
            status = self._events(request.body, at)
            return Response(status, _TOLD[status])
        said = f"{request.method} {request.path} from {request.source}"
        self._teller.say(WebhookSeen(status=status, text=_shown(said)), at)
        return Response(status, _TOLD[status])

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


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == " " else "·" for c in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}…"
