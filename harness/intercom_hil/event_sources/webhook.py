"""The webhook: the device's events as HTTP requests (RFC 9110), as door phones send them to an "action URL".

Anybody may connect; only what the device itself requests is read. Bounded in size, number and time; whatever
comes, a webhook goes on receiving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.raw_log import RawLog
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.event_sources.source_kinds import Listening, LiveSourceOptions, SourceContext
from intercom_hil.event_sources.text_bytes import text_of
from intercom_hil.event_sources.webhook_body import events_of
from intercom_hil.kinds import Wizard, no_ipv6
from intercom_hil.layouts.layout import Layout, Reading
from intercom_hil.layouts.options import PathInJson
from intercom_hil.serving.http import HttpServer, Limits, Request, Response
from intercom_hil.spec.settings import Host, Port
from intercom_hil.timeline.observation import UnreadableLine, WebhookSeen, Witness
from intercom_hil.timeline.timeline import Append, now

LARGEST_BODY = 1 << 20
"""Bytes of one request's body; door phones add a picture."""
MOST_CONNECTIONS = 16
"""Connections at a time; a further one is closed."""
IDLE = 30.0
"""Seconds that a request may take, and that a connection may be kept without one."""
_SHOWN = 2_000  # characters of a body that go onto the timeline
_ALL = SourceRole()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH"})
_PATH = "/[!-~]{0,200}"
_BODIES = {
    200: b"ok\n",
    400: b"there is no event in it\n",
    403: b"only the device under test may tell events here\n",
    404: b"events are told at another path\n",
    405: b"events are told by GET, HEAD, POST, PUT or PATCH\n",
    413: b"the body is too large\n",
}


class WebhookReceiver:
    """Receives one device's events over HTTP/1.1. Must be made inside a running event loop.

    A request is one event, or, with a list in its body, several in their order. It is answered with 200 when
    everything in it was understood, with 400 when something in it means nothing; what could be read counts.

    Attributes:
        name: what messages and its raw log are called after.
        lost: resolves with the reason when it can receive no more.
        language: how it is read, and what it is judged by, as data.
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
        role: SourceRole = _ALL,
        events_at: str = "",
    ) -> None:
        """Describe the webhook.

        Args:
            name: its name, such as ``webhook``.
            address: the IP address it listens on.
            port: the port it listens on.
            path: the path that the device requests; what stands below it belongs to the event.
            sender: the IP address of the device; others are refused.
            layout: where things stand in a request; it has fields.
            append: puts observations on the current scenario's timeline.
            role: what this source is judged by.
            events_at: the dotted path of the list of events, where the body is not the event or list itself.
        """
        self.name = name
        self._address, self._port, self._path = address, port, path
        self._sender, self._layout, self._events_at = sender, layout, events_at
        self.language = language(layout, role)
        self._publisher = EventPublisher(name, Witness.WEBHOOK, append=append, role=role)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._raw = RawLog(self.lost)
        server = HttpServer(
            respond=self._respond,
            limits=Limits(body=LARGEST_BODY, within=IDLE, connections=MOST_CONNECTIONS),
            heard=self._raw.write,
            unreadable=self._unreadable,
            lenient=True,
        )
        self._listener = server.listener()

    async def open(self) -> None:
        """Listen. Raises BenchError when the port cannot be had."""
        if self._listener.is_open:
            return
        if self.lost.done():
            self.lost = self._raw.lost = asyncio.get_running_loop().create_future()
        self._publisher.opened()
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
        self._publisher.begin()

    def _unreadable(self, source: str, why: str, status: int) -> Response:
        answered = status if status in _BODIES else 400
        seen = WebhookSeen(status=answered, text=_shown(f"no HTTP: {why}"))
        damage = [UnreadableLine(text="", reason=f"a request is no HTTP: {why}")]
        self._publisher.publish(Reading((seen, *(damage if source == self._sender else ()))), now())
        return Response(answered, _BODIES[answered])

    async def _respond(self, request: Request) -> Response:
        """Take what a request reports, and answer it."""
        at = now()
        if request.source != self._sender:
            status = 403
        elif not f"{request.path}/".startswith(f"{self._path.rstrip('/')}/"):
            status = 404
        elif request.method not in _METHODS:
            status = 405
        else:
            status = self._events(request, at)
            return Response(status, _BODIES[status])
        said = f"{request.method} {request.path} from {request.source}"
        self._publisher.say(WebhookSeen(status=status, text=_shown(said)), at)
        return Response(status, _BODIES[status])

    def _events(self, request: Request, at: float) -> int:
        events, problem = events_of(
            request.path,
            request.query,
            request.headers.get("content-type", ""),
            request.body,
            self._events_at,
        )
        readings = [self._layout.meaning_of(event) for event in events]
        understood = all(reading.contents or reading.boot for reading in readings)
        status = 200 if understood else 400
        target = f"{request.path}?{request.query}" if request.query else request.path
        said = text_of(request.body) or f"{request.method} {target}"
        self._publisher.say(WebhookSeen(status=status, text=_shown(said)), at)
        for reading in readings:
            self._publisher.publish(reading, at)
        if problem and not understood:
            damage = UnreadableLine(text=_shown(said)[:300], reason=f"a request's body: {problem}")
            self._publisher.publish(Reading((damage,)), at)
        return status


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == " " else "·" for c in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}…"


class WebhookOptions(LiveSourceOptions):
    """The device tells its events by HTTP requests to the bench."""

    label: ClassVar[str] = "as HTTP requests to the bench"
    witness: ClassVar[Witness] = Witness.WEBHOOK
    needs_fields: ClassVar[bool] = True
    kind: Literal["webhook"]
    port: Port
    address: Annotated[Host, AfterValidator(no_ipv6)] | None = Field(
        default=None, description="where the bench listens; its own when not given"
    )
    path: Annotated[str, Field(pattern=f"^{_PATH}$")] = "/events"
    layout: str = Field(default="json-lines", description="a layout with fields")
    events_at: PathInJson = ""

    def listens(self) -> Iterator[Listening]:
        """Yield its port."""
        yield Listening("tcp", self.port, self.address)

    def make(self, name: str, context: SourceContext) -> WebhookReceiver:
        """Return the receiver, not yet open."""
        return WebhookReceiver(
            name,
            address=self.address or context.bench,
            port=self.port,
            path=self.path,
            sender=context.device,
            layout=context.layout,
            append=context.append,
            role=context.role,
            events_at=self.events_at,
        )

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for port and path."""
        port = wizard.number("Port on which the bench listens", 8099, least=1, most=65_535)
        return {"port": port, "path": wizard.text("Path", "/events", pattern=_PATH)}
