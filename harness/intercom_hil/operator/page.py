"""The page for the person at the bench, as HTTP: who sees what, what is shown, what is taken.

Its address contains a random token. With it the page shows the question that stands and takes answers; where
it shows a run, too, that can be told to stop. Without the token there is the run to look at, and no more, or
nothing at all. What a browser claims counts for nothing by itself: the page is only there under an address of
its own (a name that another site has point here is refused), and what is sent to it from another site's page
is refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import parse_qs

from intercom_hil.operator.desk import Desk, as_json
from intercom_hil.serving.http import HttpServer, Limits, Request, Response
from intercom_hil.serving.listener import Listener
from intercom_hil.timeline.timeline import now

LARGEST_ANSWER = 24 * 1024 * 1024
"""Bytes of an answer with its photos."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POLL = 20.0
"""Seconds for which a request for the state stands while nothing changes."""
_GATHER = 0.25
"""Seconds for which changes of a run are gathered before they are shown."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]@/\s]+))(?::\d{1,5})?")
_MARKERS = re.compile(r"NONCE|ACTS|<!--(?:TITLE|REFRESH|RUN)-->|/\*STYLE\*/")
_REFRESH = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
_NO_TOKEN = b"The address of this page has a token in it; the bench prints it.\n"


class RunView(Protocol):
    """What a page shows beside its questions: the run that goes on."""

    style: str

    def sections(self, *, acts: bool, asked: str) -> str:
        """Return the run as HTML, every text in it escaped.

        Args:
            acts: whether it is for somebody who may stop it.
            asked: the title of the question that stands; empty without one.
        """

    def stop(self) -> None:
        """Have the run end after the scenarios that play now."""


class Page:
    """The page. Must be made and used inside a running event loop.

    Attributes:
        token: what its address has to contain for more than looking.
        desk: the questions.
        visited: when it was asked for last (s since the epoch).
    """

    def __init__(
        self, addresses: Sequence[str], *, bench: str = "", run: RunView | None = None, token: str = ""
    ) -> None:
        """Describe the page.

        Args:
            addresses: the IP addresses that it is reached at.
            bench: what it calls the bench.
            run: the run, where it is to be seen.
            token: what its address contains; made up by default.
        """
        self.token = token or new_token()
        self.desk = Desk(self.changed)
        self._addresses = frozenset(ipaddress.ip_address(address) for address in addresses)
        self._bench, self._run = bench, run
        self.visited = 0.0
        self._version = 0
        self._change = asyncio.Event()

    def listener(self) -> Listener:
        """Return what listens for the page; it does not yet."""
        limits = Limits(body=LARGEST_ANSWER)  # a photo over a slow wireless network has its time
        server = HttpServer(
            respond=self._respond,
            limits=limits,
            headers=_HEADERS,
            known=lambda request: self._has_token(request.path)[0],
        )
        return server.listener()

    def changed(self) -> None:
        """Take note that there is something new to show."""
        self._version += 1
        self._change.set()
        self._change = asyncio.Event()

    def _has_token(self, path: str) -> tuple[bool, str]:
        """Return whether a path begins with the token, and what is behind it."""
        token, slash, rest = path.removeprefix("/").partition("/")
        return bool(slash) and secrets.compare_digest(
            token.encode("utf-8", "replace"), self.token.encode()
        ), rest

    async def _respond(self, request: Request) -> Response:
        if not self._is_ours(request.headers.get("host", "")):
            return Response(421, b"This page is not to be found under that name; use its IP address.\n")
        self.visited = now()
        acts, path = self._has_token(request.path)
        if not acts and (self._run is None or request.path not in ("/", "/state")):
            return Response(404, _NO_TOKEN)
        if not acts:
            path = request.path.removeprefix("/")
        method = request.method
        if method == "GET" and path == "":
            return self._page(acts)
        if method == "GET" and path == "state":
            return await self._state(request, acts)
        if method == "GET" and path == "file" and acts:
            return self.desk.file(request)
        if method != "POST" or not acts:
            return Response(404, b"There is no such page.\n")
        if _is_foreign(request):
            return Response(403, b"This was sent from another site's page.\n")
        if path == "answer":
            return self.desk.take(request)
        if path == "stop" and self._run is not None:
            self._run.stop()
            self.changed()
            return Response(303, b"The run stops.\n", headers={"Location": "./"})
        return Response(404, b"There is no such page.\n")

    def _is_ours(self, host: str) -> bool:
        """Whether a request's Host is an address of the page (RFC 9112 §3.2).

        No name counts but that of the machine itself: where any other points is up to whoever owns it.
        """
        found = _HOST.fullmatch(host.strip())
        name = (found[1] or found[2]).lower() if found else ""
        local = any(address.is_loopback for address in self._addresses)
        if name == "localhost":
            return local
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address in self._addresses or (local and address.is_loopback)

    def _page(self, acts: bool) -> Response:
        template = files("intercom_hil.operator").joinpath("page.html").read_text(encoding="utf-8")
        nonce, run = secrets.token_urlsafe(16), self._run
        filled = {
            "NONCE": nonce,
            "ACTS": "yes" if acts else "no",
            "<!--TITLE-->": escape(f"Bench {self._bench}" if self._bench else "Operator"),
            "<!--REFRESH-->": _REFRESH if run else "",
            "<!--RUN-->": run.sections(acts=acts, asked=self.desk.title) if run else "",
            "/*STYLE*/": run.style if run else "",
        }
        # In one go: what a device has called itself is no place to fill in.
        body = _MARKERS.sub(lambda marker: filled[marker[0]], template)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
            f"img-src blob:; base-uri 'none'; form-action '{'self' if run else 'none'}'; "
            "frame-ancestors 'none'"
        )
        headers = {"Content-Security-Policy": policy}
        if run:  # a form without a script sends where it comes from only so
            headers["Referrer-Policy"] = "same-origin"
        return Response(200, body.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)

    async def _state(self, request: Request, acts: bool) -> Response:
        """Return what stands; who may act and knows that already waits a while for something new."""
        if acts and parse_qs(request.query).get("known", [""])[0] == str(self._version):
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await self._change.wait()
            if self._run is not None:
                await asyncio.sleep(_GATHER)
        state: dict[str, Any] = {
            "version": self._version,
            "bench": self._bench,
            "now": now(),
            "question": self.desk.shown() if acts else None,
            "ended": self.desk.ended if acts else [],
        }
        if self._run is not None:
            state["run"] = self._run.sections(acts=acts, asked=self.desk.title)
        return as_json(200, state)


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def url(address: str, port: int, token: str = "") -> str:
    """Return the page's address; without a token it is there to be looked at."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/{token}/" if token else f"http://{host}:{port}/"


def _is_foreign(request: Request) -> bool:
    """Whether a browser says that a request comes from another site's page (RFC 6454 §7, Fetch Metadata)."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    return site != "same-origin" or origin not in (None, f"http://{request.headers.get('host', '')}")
