"""The device's Admin Portal: configuration as JSON over HTTP/1.1 (CFG-01..22), and pages for people.

The JSON interface is here, below ``/api/``; all else is a page. The pages are loaded when the first one is
asked for: a bench that uses the interface alone does not wait for them.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from intercom_hil.emulator.administration import Administration
from intercom_hil.emulator.agent_link import AgentRefusedError
from intercom_hil.emulator.event_log import FORMATS, EventLog
from intercom_hil.emulator.form import ADMINISTRATOR, DEVICE_ID, DEVICE_NAME
from intercom_hil.emulator.form_reading import RefusedError
from intercom_hil.emulator.http_server import Answer, HttpServer, Request, json_answer

if TYPE_CHECKING:
    from intercom_hil.emulator.page_rules import PageRules
    from intercom_hil.emulator.pages import Pages
    from intercom_hil.emulator.registration_state import RegistrationState

_MOST_SESSIONS = 100


class Portal:
    """The portal of one device with one SIP configuration. ``start``, then ``close``."""

    def __init__(
        self,
        administration: Administration,
        log: EventLog,
        registration: RegistrationState,
        rules: PageRules,
    ) -> None:
        self._administration = administration
        self._log = log
        self._registration = registration
        self._rules = rules
        self._roles: dict[str, str] = {}
        self._pages: Pages | None = None
        self._server = HttpServer(self._answer)

    async def start(self, address: str, port: int) -> None:
        """Listen; nothing happens when it does. Raises OSError when address or port cannot be had."""
        await self._server.start(address, port)

    def close(self) -> None:
        """Stop listening; may be called again."""
        self._server.close()

    async def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/api/"):
            return await self._answer_json(request)
        if self._pages is None:
            from intercom_hil.emulator.pages import Pages

            self._pages = Pages(self._administration, self._log, self._registration, self._rules)
        return await self._pages.answer(request)

    async def _answer_json(self, request: Request) -> Answer:
        method, path, form = request.method, request.path, self._administration.form
        if (method, path) == ("POST", "/api/login"):
            return self._login(request.body)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        role = self._roles.get(token) if kind.lower() == "bearer" else None
        if not form.may_enter(role):
            return json_answer(401, {"error": "log in first: POST /api/login"})
        if (method, path) == ("GET", "/api/devices"):
            return json_answer(200, [{"id": DEVICE_ID, "name": DEVICE_NAME}])
        if path == f"/api/devices/{DEVICE_ID}/events":
            return self._export(method, parse_qs(request.query).get("format", ["json"])[0])
        resource = f"/api/devices/{DEVICE_ID}/sip"
        uploads = path == f"{resource}/ca-certificate"
        if path != resource and not uploads:
            return json_answer(404, {"error": f"no such resource: {path}"})
        if method == "GET" and not uploads:
            settings = self._administration.settings
            return json_answer(200, settings.shown() if settings else {})
        if method != "PUT":
            return json_answer(405, {"error": f"{method} is not for this resource"})
        if not form.may_submit(role or ""):
            return json_answer(
                403, {"error": f"only the role {ADMINISTRATOR} may change the SIP configuration"}
            )
        if uploads:
            return self._upload(parse_qs(request.query).get("filename", [""])[0], request.body)
        return await self._configure(request.body)

    def _export(self, method: str, form: str) -> Answer:
        """Give the event log as a file."""
        if method != "GET":
            return json_answer(405, {"error": f"{method} is not for this resource"})
        if form not in FORMATS:
            return json_answer(400, {"error": f"the log is exported as {' or '.join(FORMATS)}"})
        return Answer(200, self._log.export(form), FORMATS[form])

    def _login(self, body: bytes) -> Answer:
        claim = _json_object(body)
        if claim is None:
            return json_answer(400, {"error": "the body is no JSON object"})
        role = self._administration.role_of(str(claim.get("account")), str(claim.get("password", "")))
        if role is None:
            return json_answer(401, {"error": "unknown account or wrong password"})
        if len(self._roles) >= _MOST_SESSIONS:
            self._roles.pop(next(iter(self._roles)))
        token = secrets.token_urlsafe(24)
        self._roles[token] = role
        return json_answer(200, {"token": token, "role": role})

    async def _configure(self, body: bytes) -> Answer:
        form = _json_object(body)
        if form is None:
            return json_answer(400, {"error": "the body is no JSON object"})
        try:
            warnings = await self._administration.change(form)
        except RefusedError as problem:
            return json_answer(422, {"errors": problem.errors})
        except AgentRefusedError as problem:
            return json_answer(500, {"error": f"SIP could not be set up: {problem}"})
        return json_answer(200, {"applied": True, "warnings": warnings})

    def _upload(self, filename: str, content: bytes) -> Answer:
        """Give an uploaded certificate back as the PEM text that the form's ca_certificate takes (CFG-07)."""
        try:
            certificate = self._administration.form.certificate(filename, content)
        except RefusedError as problem:
            return json_answer(422, {"errors": problem.errors})
        return json_answer(200, {"ca_certificate": certificate})


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
