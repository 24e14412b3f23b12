"""The Admin Portal as pages that a person uses: log-in, devices, the form, the list of events.

Pages are made by the server and need no script. What was asked for comes in; a page, a file or the way to
another page goes out.
"""

from __future__ import annotations

from importlib.resources import files

from intercom_hil.emulator.administration import Administration
from intercom_hil.emulator.agent_link import AgentRefusedError
from intercom_hil.emulator.event_log import FORMATS, EventLog
from intercom_hil.emulator.form import ADMINISTRATOR, DEVICE_ID, DEVICE_NAME
from intercom_hil.emulator.form_reading import Errors, RefusedError
from intercom_hil.emulator.http_server import Answer, Request
from intercom_hil.emulator.page_rules import PageRules
from intercom_hil.emulator.pages.event_pages import Filter, exported, listed
from intercom_hil.emulator.pages.filled import Filled
from intercom_hil.emulator.pages.markup import (
    HEADERS,
    facts,
    html_answer,
    notice,
    page,
    safe,
    sent_to,
    table,
)
from intercom_hil.emulator.pages.posted import Posted, PostedError, read_posted
from intercom_hil.emulator.pages.sessions import (
    LOGIN_COOKIE,
    SESSION_COOKIE,
    Session,
    Sessions,
    from_elsewhere,
    same,
)
from intercom_hil.emulator.pages.sip_fields import BY_NAME
from intercom_hil.emulator.pages.sip_form import SipForm, warning_texts
from intercom_hil.emulator.registration_state import RegistrationState

_DEVICE = f"/devices/{DEVICE_ID}"
_MODIFY = f"{_DEVICE}/modify"
_ASSETS = {"/style.css": "text/css; charset=utf-8", "/icon.svg": "image/svg+xml"}
_METHODS = {
    "/": ("GET",),
    "/login": ("GET", "POST"),
    "/logout": ("POST",),
    "/devices": ("GET",),
    _DEVICE: ("GET",),
    _MODIFY: ("GET", "POST"),
    "/events": ("GET",),
    "/events/export": ("GET",),
}
_COOKIE = "; Path=/; HttpOnly; SameSite=Strict"
_NOT_SET = '<span class="quiet">not set</span>'


class Pages:
    """The pages of one device's portal."""

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
        self._sessions = Sessions()

    async def answer(self, request: Request) -> Answer:
        """Answer a request for a page."""
        method = "GET" if request.method == "HEAD" else request.method
        session = self._sessions.find(request.headers)
        if request.path in _ASSETS and method == "GET":
            body = (files(__name__) / request.path[1:]).read_bytes()
            return Answer(200, body, _ASSETS[request.path], HEADERS)
        methods = _METHODS.get(request.path)
        if methods is None:
            return _problem(404, "There is no such page", "The address may be mistyped.", session)
        if method not in methods:
            answer = _problem(405, "That cannot be done here", f"{method} is not for this page.", session)
            return html_answer(answer.body.decode(), 405, (("Allow", ", ".join(methods)),))
        posted = Posted([])
        if method == "POST":
            if from_elsewhere(request.headers):
                return _not_ours(session)
            try:
                posted = read_posted(request.headers.get("content-type", ""), request.body)
            except PostedError as problem:
                return _problem(400, "That is no form", f"The request cannot be read: {problem}.", session)
        if request.path == "/login":
            return self._log_in(request, posted) if method == "POST" else self._login_page(request)
        if session is None:
            return sent_to("/login")
        if method == "POST" and not same(posted.text("token"), session.token):
            return _not_ours(session)
        return await self._inside(request, method, posted, session)

    async def _inside(self, request: Request, method: str, posted: Posted, session: Session) -> Answer:
        match request.path:
            case "/logout":
                self._sessions.close(request.headers)
                return sent_to("/login", ("Set-Cookie", f"{SESSION_COOKIE}={_COOKIE}; Max-Age=0"))
            case "/devices":
                return page("Devices", self._devices(), session, current="/devices")
            case "/events":
                events = self._rules.events(self._log.newest_first)
                wanted = Filter.of_query(request.query)
                return page("Security Events", listed(events, wanted), session, current="/events")
            case "/events/export":
                return self._export(request, session)
        if request.path == _DEVICE:
            return page(DEVICE_NAME, self._device(session), session, current="/devices")
        if request.path != _MODIFY:
            return sent_to("/devices")
        if not self._rules.lets_in(self._administration.form.may_submit(session.role)):
            why = f"Only the role {ADMINISTRATOR} can change the SIP configuration."
            return _problem(403, "You are not allowed to do this", why, session)
        return await self._submitted(posted, session) if method == "POST" else self._form(session)

    # --- log-in -----------------------------------------------------------------------------------

    def _login_page(self, request: Request, account: str = "", problem: str = "") -> Answer:
        cookie, token = self._sessions.login_ticket(request.headers)
        if not problem and f"{SESSION_COOKIE}=" in request.headers.get("cookie", ""):
            problem = "" if self._sessions.find(request.headers) else "Your session has ended. Log in again."
        said = notice("problem", problem) if problem else ""
        main = f"""<div class="card login"><h1>Log in</h1>{said}
<form method="post" action="/login"><input type="hidden" name="token" value="{safe(token)}">
<div class="field"><label for="account">Account</label>
<input type="text" id="account" name="account" value="{safe(account)}" required autocomplete="username"
 autocapitalize="off" spellcheck="false"></div>
<div class="field"><label for="password">Password</label>
<input type="password" id="password" name="password" required autocomplete="current-password"></div>
<p><button class="main">Log in</button></p></form></div>"""
        answer = page("Log in", main, None, status=401 if account else 200)
        return html_answer(
            answer.body.decode(), answer.status, (("Set-Cookie", f"{LOGIN_COOKIE}={cookie}{_COOKIE}"),)
        )

    def _log_in(self, request: Request, posted: Posted) -> Answer:
        if not self._sessions.may_log_in(request.headers, posted.text("token")):
            return _not_ours(None)
        account, password = posted.text("account") or "", posted.text("password") or ""
        role = self._administration.role_of(account, password)
        if role is None:
            return self._login_page(request, account or "?", "Unknown account or wrong password.")
        self._sessions.close(request.headers)
        name = self._sessions.open(account, role)
        return sent_to("/devices", ("Set-Cookie", f"{SESSION_COOKIE}={name}{_COOKIE}"))

    # --- the device -------------------------------------------------------------------------------

    @property
    def _state(self) -> str:
        settings = self._administration.settings
        if settings is None:
            return "Not configured"
        return self._registration.text if settings.enabled else "SIP off"

    def _state_html(self) -> str:
        kind = "good" if self._state == "Registered" else "bad" if ":" in self._state else "idle"
        return f'<span class="state {kind}">{safe(self._state)}</span>'

    def _devices(self) -> str:
        settings = self._administration.settings
        extension = safe(settings.extension) if settings else _NOT_SET
        row = (f'<a href="{_DEVICE}">{safe(DEVICE_NAME)}</a>', self._state_html(), extension)
        return f"<h1>Devices</h1>{table('Devices', ('Device', 'State', 'SIP Extension'), [row])}"

    def _device(self, session: Session) -> str:
        settings = self._administration.settings
        rows = {"State": self._state_html(), "Identifier": f"<code>{safe(DEVICE_ID)}</code>"}
        warnings = ""
        if settings is not None:
            proxy = settings.proxy
            given = {
                "SIP Server": f"{settings.server_address}:{settings.server_port}",
                "Transport Protocol": settings.transport.value,
                "Encryption": settings.encryption.value,
                "SIP Extension": settings.extension,
                "Display Name": settings.display_name,
                "Call number": settings.call_number,
                "Further numbers": ", ".join(settings.further_numbers),
                "Call Timeout": f"{settings.call_timeout} s",
                "Video Calls": settings.video_calls.value,
                "Allow Incoming Calls": "On" if settings.allow_incoming else "Off",
                "Permitted SIP URLs": ", ".join(settings.permitted_callers),
                "Proxy": f"{proxy.address}:{proxy.port}" if proxy else "",
            }
            rows |= {name: safe(text) or _NOT_SET for name, text in given.items()}
            said = warning_texts(self._warnings(), self._rules)
            warnings = "".join(f'<p class="notice warning">{safe(text)}</p>' for text in said)
        return f"""<div class="headed"><h1>{safe(DEVICE_NAME)}</h1>{self._settings_menu(session)}</div>
{warnings}<div class="card">{facts(rows)}</div>
<p><a href="/events">Security Events</a> of this device</p>"""

    def _settings_menu(self, session: Session) -> str:
        if not self._rules.shows_way_in(self._administration.form.may_submit(session.role)):
            return ""
        return f"""<details class="drop"><summary>Settings</summary>
<ul><li><a href="{_MODIFY}">Modify</a></li></ul></details>"""

    # --- the form ---------------------------------------------------------------------------------

    def _form(self, session: Session) -> Answer:
        name, draft = session.draft(None)
        filled = Filled.of_settings(self._administration.settings)
        filled.draft = draft
        filled.lists["permitted_callers"] = filled.lists["permitted_callers"] or [""]
        form = SipForm(filled, self._administration.settings, self._rules, warnings=self._warnings())
        return self._form_page(form, session, name)

    def _form_page(self, form: SipForm, session: Session, draft: str, status: int = 200) -> Answer:
        title = f"{'Error: ' if form.errors else ''}Modify {DEVICE_NAME}"
        way = f'<a href="/devices">Devices</a> › <a href="{_DEVICE}">{safe(DEVICE_NAME)}</a>'
        main = f"""<p class="way">{way}</p>
<h1>Modify {safe(DEVICE_NAME)}</h1>{form.html(_MODIFY, session.token, draft)}"""
        return page(title, main, session, current="/devices", status=status)

    async def _submitted(self, posted: Posted, session: Session) -> Answer:
        administration = self._administration
        name, draft = session.draft(posted.text("draft"))
        filled = Filled.of_posted(posted, draft)
        form = SipForm(filled, administration.settings, self._rules, expanded=True)
        errors = filled.take_upload(posted, administration.form)
        verb, _, place = (posted.text("action") or "submit").partition(" ")
        if verb != "submit":
            form.errors, form.focus = self._rules.errors(errors), self._resized(filled, verb, place)
            return self._form_page(form, session, name, 422 if errors else 200)
        filled.without_blanks()
        data = self._rules.submitted(filled.submitted(administration.settings), administration.settings)
        try:
            if errors:
                administration.form.read(data, administration.settings)
                raise RefusedError(errors)
            await administration.change(data)
        except RefusedError as refused:
            return self._refused(
                form, session, name, [*errors, *(e for e in refused.errors if e not in errors)]
            )
        except AgentRefusedError as problem:
            wrong = {"field": "", "message": f"SIP could not be set up: {problem}"}
            return self._refused(form, session, name, [wrong], 500)
        session.drafts.pop(name, None)
        session.notices.append(("done", "The settings are in force."))
        return sent_to(_DEVICE)

    def _refused(
        self, form: SipForm, session: Session, draft: str, errors: Errors, status: int = 422
    ) -> Answer:
        order = [*BY_NAME]
        errors = sorted(self._rules.errors(errors), key=lambda one: _place(order, one["field"]))
        form.errors = errors
        form.in_force = self._administration.settings
        form.filled.lists["permitted_callers"] = form.filled.lists["permitted_callers"] or [""]
        return self._form_page(form, session, draft, status)

    def _resized(self, filled: Filled, verb: str, place: str) -> str:
        """Add a text box to a list, or take one out; return the id of the one to go on with."""
        name, _, number = place.partition(" ")
        entries = filled.lists.get(name)
        if entries is None:
            return ""
        if verb == "add" and self._rules.adds_field():
            entries.append("")
            return f"{name}-{len(entries) - 1}"
        if verb == "remove" and number.isascii() and number.isdecimal() and len(number) < 5:
            del entries[int(number) : int(number) + 1]
            return f"{name}-{len(entries) - 1}"
        return ""

    def _warnings(self) -> list[str]:
        settings = self._administration.settings
        return self._rules.warnings(self._administration.form.warnings(settings) if settings else [])

    # --- events -----------------------------------------------------------------------------------

    def _export(self, request: Request, session: Session) -> Answer:
        pairs = dict(part.partition("=")[::2] for part in request.query.split("&"))
        form = pairs.get("format", "csv")
        if form not in FORMATS:
            why = f"The list is exported as {' or '.join(FORMATS)}."
            return _problem(400, "There is no such format", why, session)
        events = self._rules.events(self._log.newest_first)
        return exported(Filter.of_query(request.query).apply(events), form)


def _place(order: list[str], name: str) -> int:
    base = name if name in order else name.rpartition(".")[0]
    return order.index(base) if base in order else -1


def _problem(status: int, title: str, text: str, session: Session | None) -> Answer:
    main = f"""<div class="card"><h1>{safe(title)}</h1><p>{safe(text)}</p>
<p><a href="/devices">To the devices</a></p></div>"""
    return page(title, main, session, status=status)


def _not_ours(session: Session | None) -> Answer:
    text = "The form was sent by another page, or is too old. Open it again and submit it."
    return _problem(403, "Nothing was changed", text, session)
