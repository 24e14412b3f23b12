"""The person at a web page that the bench serves while it runs: on a phone in front of the device, say.

The page's address contains the run's random token. It shows the question that stands, its files and how the
last ones ended, and takes answers; without the token there is nothing to see.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, quote

from pydantic import ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.operator.prompter import Asked
from intercom_hil.operator.question import LARGEST_FILE, MOST_FILES, Answer, Attachment, Question
from intercom_hil.operator.sheet import CERTIFICATE, entered
from intercom_hil.serving.http import HttpServer, Limits, Request, Response
from intercom_hil.timeline.operator_content import OperatorAnswered
from intercom_hil.timeline.timeline import now

LARGEST_ANSWER = 24 * 1024 * 1024
"""Bytes of an answer with its photos."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POLL = 20.0
"""Seconds for which a request for the state stands while nothing changes."""
_MOST_REMEMBERED = 20
_LONGEST_NAME = 80


class WebPage:
    """Way over a web page. Must be made and used inside a running event loop.

    Attributes:
        name: what the record calls it.
        url: the page's address, with the token that opens it.
    """

    name = "web page"

    def __init__(self, address: str, port: int, *, bench: str = "") -> None:
        """Describe the page.

        Args:
            address: the IP address to listen on, and on no other.
            port: the TCP port.
            bench: what the page calls the bench.
        """
        self._address = (address, port)
        self._bench = bench
        self._token = secrets.token_urlsafe(24)
        limits = Limits(body=LARGEST_ANSWER)  # a photo over a slow wireless network has its time
        self._server = HttpServer(respond=self._respond, limits=limits, headers=_HEADERS).listener()
        self._asked: Asked | None = None
        self._answer: asyncio.Future[tuple[Answer, str]] | None = None
        self._ended: deque[dict[str, Any]] = deque(maxlen=_MOST_REMEMBERED)
        self._version = 0
        self._changed = asyncio.Event()
        host = f"[{address}]" if ":" in address else address
        self.url = f"http://{host}:{port}/{self._token}/"

    async def open(self) -> None:
        """Listen. Raises BenchError when the address or port cannot be had."""
        if self._server.is_open:
            return
        address, port = self._address
        try:
            await self._server.open(address, port)
        except OSError as problem:
            raise BenchError(
                f"the operator's page cannot listen on {address} port {port} ({problem.strerror})",
                "device.operator.web",
                "name an address of this computer and a free port",
            ) from problem

    async def close(self) -> None:
        """Listen no more; nothing happens when closed."""
        await self._server.close()

    def can(self, question: Question) -> bool:
        """Return whether the page is there."""
        return self._server.is_open

    async def ask(self, asked: Asked) -> tuple[Answer, str]:
        """Show the question until somebody answers it."""
        self._asked = asked
        self._answer = asyncio.get_running_loop().create_future()
        self._notify_change()
        try:
            return await self._answer
        finally:
            self._asked = self._answer = None
            self._notify_change()

    def ended(self, asked: Asked, outcome: OperatorAnswered) -> None:
        """Show how a question ended, and now what was expected."""
        ending = outcome.model_dump(include={"number", "way", "by", "choice", "expected"})
        self._ended.appendleft({**ending, "title": asked.question.title})
        self._notify_change()

    def _notify_change(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def _respond(self, request: Request) -> Response:
        token, _, path = request.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            return Response(404, b"The address of this page has a token in it; the bench prints it.\n")
        routes: Mapping[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", ""): self._page,
            ("GET", "state"): self._state,
            ("GET", "file"): self._file,
            ("POST", "answer"): self._take,
        }
        route = routes.get((request.method, path))
        return await route(request) if route else Response(404, b"There is no such page.\n")

    async def _page(self, request: Request) -> Response:
        html = files("intercom_hil.operator").joinpath("page.html").read_bytes()
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        body = html.replace(b"NONCE", nonce.encode())
        return Response(200, body, "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    async def _state(self, request: Request) -> Response:
        """Return what stands; where the page knows that already, wait a while for something new."""
        known = _first(request.query, "known")
        if known == str(self._version):
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await self._changed.wait()
        state: dict[str, Any] = {
            "version": self._version,
            "bench": self._bench,
            "now": now(),
            "question": None,
            "ended": list(self._ended),
        }
        if self._asked is not None:
            question = self._asked.question
            shown = question.shown()
            for field, data in zip(question.fields, shown["fields"], strict=True):
                data["words"] = entered(field)
                data["copy"] = (
                    field.value if isinstance(field.value, str) and field.name != CERTIFICATE else ""
                )
                del data["value"]
            state["question"] = {**shown, "number": self._asked.number, "until": self._asked.until}
        return _json(200, state)

    async def _file(self, request: Request) -> Response:
        asked = self._asked
        try:
            if asked is None or _first(request.query, "question") != str(asked.number):
                raise LookupError
            file = asked.question.files[int(_first(request.query, "place"))]
        except (LookupError, ValueError):
            return Response(404, b"This file belongs to a question that is over.\n")
        disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
        headers = {"Content-Disposition": disposition}
        return Response(200, file.content, "application/octet-stream", headers)

    async def _take(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _json(415, {"problem": "an answer is JSON"})
        asked, waiting = self._asked, self._answer
        try:
            said = json.loads(request.body)
            if not isinstance(said, dict):
                raise ValueError("an answer is a JSON object")
            if (
                asked is None
                or waiting is None
                or waiting.done()
                or said.pop("question", None) != asked.number
            ):
                return _json(
                    409, {"problem": "this question is over: somebody has answered it, or time was up"}
                )
            by = str(said.pop("by", ""))[:_LONGEST_NAME]
            answer = Answer.model_validate({**said, "attachments": _attachments(said.pop("attachments", []))})
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            return _json(422, {"problem": f"{field}: {first['msg']}"})
        except (ValueError, RecursionError) as problem:
            return _json(422, {"problem": str(problem)[:200]})
        if not answer.fits(asked.question):
            return _json(422, {"problem": "this is no answer to this question"})
        waiting.set_result((answer, _in_one_line(by)))
        return _json(200, {"problem": ""})


def _attachments(given: object) -> list[Attachment]:
    """Read photos and files. Raises ValueError that says what is wrong."""
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise ValueError(f"at most {MOST_FILES} photos and files")
    attached = []
    for one in given:
        if not isinstance(one, dict):
            raise ValueError("a photo or file is an object with name and content")
        try:
            content = base64.b64decode(str(one.get("content", "")), validate=True)
        except binascii.Error as problem:
            raise ValueError("a photo's or file's content is Base64") from problem
        if len(content) > LARGEST_FILE:
            raise ValueError(f"a photo or file is at most {LARGEST_FILE // 1024 // 1024} MB")
        attached.append(Attachment(name=str(one.get("name", ""))[-200:], content=content))
    return attached


def _in_one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()


def _first(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _json(status: int, data: object) -> Response:
    return Response(status, json.dumps(data).encode("ascii"), "application/json")
