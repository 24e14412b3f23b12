"""The device's Admin Portal: configuration as JSON over HTTP/1.1 (CFG-01..22).

Bounded in size and time; whatever it is sent, the answer is a status and a JSON body, never a broken
connection without one as long as the request could be read at all.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import h11

from intercom_hil.emulator.agent_link import AgentRefusedError
from intercom_hil.emulator.event_log import FORMATS, EventLog
from intercom_hil.emulator.form import ADMINISTRATOR, DEVICE_ID, DEVICE_NAME, Form
from intercom_hil.emulator.form_reading import RefusedError
from intercom_hil.emulator.settings import SipSettings

ACCOUNTS = {"admin": ("admin-secret", ADMINISTRATOR), "viewer": ("viewer-secret", "Viewer")}
"""Factory defaults: account to password and role."""
_LARGEST_BODY = 256 * 1024
_REQUEST_WITHIN = 10.0
_MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Any
    kind: str = "application/json"


class Portal:
    """The portal of one device with one SIP configuration."""

    def __init__(self, submit: Callable[[SipSettings], Awaitable[None]], form: Form, log: EventLog) -> None:
        self._submit = submit
        self._form = form
        self._log = log
        self._settings: SipSettings | None = None
        self._roles: dict[str, str] = {}
        self._server: asyncio.Server | None = None
        self._one_at_a_time = asyncio.Lock()

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
                    request, body = await _read_request(connection, reader)
                if request is None:
                    break
                answer = await self._answer(request, body)
                await _write_answer(connection, writer, answer)
                if connection.our_state is not h11.DONE or self._server is None:
                    break
                connection.start_next_cycle()
        except h11.RemoteProtocolError as problem:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                status = problem.error_status_hint or 400
                await _write_answer(connection, writer, _Answer(status, {"error": str(problem)}))
        except (TimeoutError, ConnectionError):
            return  # a client that stalls or leaves needs no answer
        finally:
            writer.close()

    async def _answer(self, request: h11.Request, body: bytes) -> _Answer:
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        method = request.method.decode("ascii")
        if (method, path) == ("POST", "/api/login"):
            return self._login(body)
        headers = dict(request.headers)
        kind, _, token = headers.get(b"authorization", b"").decode("ascii", "replace").partition(" ")
        role = self._roles.get(token) if kind.lower() == "bearer" else None
        if not self._form.may_enter(role):
            return _Answer(401, {"error": "log in first: POST /api/login"})
        if (method, path) == ("GET", "/api/devices"):
            return _Answer(200, [{"id": DEVICE_ID, "name": DEVICE_NAME}])
        if path == f"/api/devices/{DEVICE_ID}/events":
            return self._export(method, parse_qs(query).get("format", ["json"])[0])
        resource = f"/api/devices/{DEVICE_ID}/sip"
        uploads = path == f"{resource}/ca-certificate"
        if path != resource and not uploads:
            return _Answer(404, {"error": f"no such resource: {path}"})
        if method == "GET" and not uploads:
            return _Answer(200, self._settings.shown() if self._settings else {})
        if method != "PUT":
            return _Answer(405, {"error": f"{method} is not for this resource"})
        if not self._form.may_submit(role or ""):
            return _Answer(403, {"error": f"only the role {ADMINISTRATOR} may change the SIP configuration"})
        if uploads:
            return self._upload(parse_qs(query).get("filename", [""])[0], body)
        return await self._configure(body)

    def _export(self, method: str, form: str) -> _Answer:
        """Give the event log as a file."""
        if method != "GET":
            return _Answer(405, {"error": f"{method} is not for this resource"})
        if form not in FORMATS:
            return _Answer(400, {"error": f"the log is exported as {' or '.join(FORMATS)}"})
        return _Answer(200, self._log.export(form), FORMATS[form])

    def _login(self, body: bytes) -> _Answer:
        claim = _json_object(body)
        if claim is None:
            return _Answer(400, {"error": "the body is no JSON object"})
        password, role = ACCOUNTS.get(str(claim.get("account")), ("", ""))
        given = str(claim.get("password", ""))
        if not role or not secrets.compare_digest(given.encode(), password.encode()):
            return _Answer(401, {"error": "unknown account or wrong password"})
        if len(self._roles) >= _MOST_SESSIONS:
            self._roles.pop(next(iter(self._roles)))
        token = secrets.token_urlsafe(24)
        self._roles[token] = role
        return _Answer(200, {"token": token, "role": role})

    async def _configure(self, body: bytes) -> _Answer:
        form = _json_object(body)
        if form is None:
            return _Answer(400, {"error": "the body is no JSON object"})
        async with self._one_at_a_time:
            try:
                return await self._take(form)
            except AgentRefusedError as problem:
                return _Answer(500, {"error": f"SIP could not be set up: {problem}"})

    async def _take(self, form: dict[str, Any]) -> _Answer:
        try:
            settings = self._form.read(form, self._settings)
        except RefusedError as problem:
            left_over = self._form.left_over(form, problem, self._settings)
            if left_over is not None:
                await self._put_in_force(left_over)
            return _Answer(422, {"errors": problem.errors})
        await self._put_in_force(settings)
        return _Answer(200, {"applied": True, "warnings": self._form.warnings(settings)})

    async def _put_in_force(self, settings: SipSettings) -> None:
        await self._submit(settings)
        self._settings = settings

    def _upload(self, filename: str, content: bytes) -> _Answer:
        """Give an uploaded certificate back as the PEM text that the form's ca_certificate takes (CFG-07)."""
        try:
            return _Answer(200, {"ca_certificate": self._form.certificate(filename, content)})
        except RefusedError as problem:
            return _Answer(422, {"errors": problem.errors})


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


async def _read_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[h11.Request | None, bytes]:
    """Read one request with its body; None when the client has left."""
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LARGEST_BODY:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage):
            return request, bytes(body)
        else:
            return None, b""


async def _write_answer(connection: h11.Connection, writer: asyncio.StreamWriter, answer: _Answer) -> None:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    headers = [("Content-Type", answer.kind), ("Content-Length", str(len(body)))]
    response = h11.Response(status_code=answer.status, headers=headers)
    for event in (response, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()
