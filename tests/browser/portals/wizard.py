"""Gatekeeper: a set-up assistant of two pages, with Next and Finish; refusals are beside their fields.

What page 1 has is checked by Next, the rest by Finish; only Finish puts anything in force. Further contacts
are one text area, with commas between them; who may call has a table of eight rows. Log-in by a form. Events
come in pages, the newest last.
"""

import re
import secrets
from types import MappingProxyType

from tests.browser.portals.small_web import Portal, Reply, escaped, look_at, page, see_other

COOKIE = "gk_session"
ROWS = 8
BATCH = 10
"""Events on a page of the journal."""
CHOICES = {
    "transport": {"1": "UDP", "2": "TCP", "3": "TLS (encrypted)"},
    "srtp": {"never": "Never", "offer": "When the other side can", "only": "Always, or no call"},
    "video": {"0": "No video", "1": "Outgoing calls", "2": "Incoming calls", "3": "All calls"},
    "incoming": {"y": "Yes", "n": "No"},
}
PAGES = {
    "1": (
        ("sip", "Use the telephone", "check"),
        ("server", "Telephone server", "text"),
        ("port", "Port of the server", "text"),
        ("transport", "Way to the server", "select"),
        ("cacert", "Certificate of its authority", "file"),
        ("check", "Check the line every … seconds", "text"),
        ("ext", "Our extension", "text"),
        ("authname", "Name to log on with", "text"),
        ("authpass", "Password to log on with", "password"),
        ("name", "Name that others see", "text"),
        ("relay", "Session border controller", "text"),
        ("relayport", "Its port", "text"),
        ("relayname", "Its user", "text"),
        ("relaypass", "Its password", "password"),
    ),
    "2": (
        ("call", "The bell calls", "text"),
        ("next", "If nobody picks up, then", "area"),
        ("patience", "Seconds to wait for each", "text"),
        ("incoming", "Take calls?", "radio"),
        ("callers", "From these only", "rows"),
        ("srtp", "Encrypt the conversation", "radio"),
        ("video", "Video", "radio"),
        ("mic", "Microphone, 0 to 100", "text"),
        ("spk", "Loudspeaker, 0 to 100", "text"),
    ),
}
"""The fields of each page: name, label, and how it is filled in."""
PASSWORDS = ("authpass", "relaypass")


def comma_separated(text):
    return [one.strip() for one in re.split(r"[,\n]", text) if one.strip()]


def wrong_peer(text):
    return not re.fullmatch(r"(sip:)?[A-Za-z0-9]+(@[A-Za-z0-9.-]+(:\d{1,5})?)?", text)


def wrong_host(text):
    if re.fullmatch(r"[\d.]*", text):
        return not re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", text)
    return not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text)


def outside(text, least, most):
    return not (text.isdecimal() and least <= int(text) <= most)


def faults_of_page_1(given):
    """Yield the fields of page 1 that are wrong, each with what is said of it."""
    if wrong_host(given["server"]):
        yield "server", "Please give an address or a name."
    if outside(given["port"], 1, 65535):
        yield "port", "A port is a number from 1 to 65535."
    if outside(given["check"], 1, 86400):
        yield "check", "Please give 1 to 86400 seconds."
    for name in ("ext", "authname"):
        if not re.fullmatch("[A-Za-z0-9]+", given[name]):
            yield name, "Only letters and numbers, please."
    if not given["authpass"]:
        yield "authpass", "Please give a password."
    if given["relay"] and wrong_host(given["relay"]):
        yield "relay", "Please give an address or a name."
    if given["relayname"] and not re.fullmatch("[A-Za-z0-9]+", given["relayname"]):
        yield "relayname", "Only letters and numbers, please."
    if given["relay"] and outside(given["relayport"], 1, 65535):
        yield "relayport", "A port is a number from 1 to 65535."
    if given["cacert"] and "-----BEGIN" not in given["cacert"]:
        yield "cacert", "This is not a certificate in PEM form."


def faults_of_page_2(given):
    """Yield the fields of page 2 that are wrong."""
    if wrong_peer(given["call"]):
        yield "call", "This cannot be called."
    if any(map(wrong_peer, comma_separated(given["next"]))):
        yield "next", "One of these cannot be called."
    if any(wrong_peer(one) for one in given["callers"] if one):
        yield "callers", "One of these is no caller."
    if outside(given["patience"], 1, 600):
        yield "patience", "Please give 1 to 600 seconds."
    for name in ("mic", "spk"):
        if outside(given[name], 0, 100):
            yield name, "From 0 to 100, please."


class Wizard(Portal):
    """The portal of a Gatekeeper."""

    account, password = "keeper", "open-sesame"
    first = MappingProxyType(
        {name: "" for fields in PAGES.values() for name, *_ in fields}
        | {"sip": False, "port": "5060", "transport": "1", "check": "3600", "patience": "30", "incoming": "y"}
        | {"srtp": "never", "video": "0", "mic": "50", "spk": "50", "callers": ()}
    )

    def __init__(self, *place, **places):
        super().__init__(*place, **places)
        self._draft, self._token = None, secrets.token_hex(8)

    def answer(self, request):
        if request.path == "/login":
            return self._log_in(request)
        if not self.in_session(request, COOKIE):
            return see_other("/login?next=" + request.path)
        if request.path == "/assistant":
            return see_other("/assistant/1")
        if request.path == "/assistant/done":
            return self._page("Done", "<p class=done>All set. The new settings are active.</p>")
        if (number := request.path.removeprefix("/assistant/")) in PAGES:
            return self._assistant(request, number)
        if request.path == "/journal":
            return self._journal(int(request.query.get("page", 1)))
        if request.path != "/":
            return Reply("<h1>There is no such page</h1>", 404)
        return self._page("Welcome", "<p>The gate is closed. The line is quiet.</p>")

    def _log_in(self, request):
        wrong = ""
        if request.method == "POST":
            if self.knows(request.form.get("who"), request.form.get("pass")):
                return see_other("/", self.begin_session(COOKIE))
            wrong = "<p class=err>We do not know you by that name and password.</p>"
        return Reply(page("wizard_login.html", wrong=wrong))

    def _page(self, title, content):
        return Reply(page("wizard.html", title=title, content=content))

    def _assistant(self, request, number):
        if request.method == "GET":
            if number == "1" or self._draft is None:
                self._draft = dict(self.kept)
            return self._form(number, {})
        if request.form.get("token") != self._token:
            return Reply("<h1>Please begin again</h1>", 403)
        self._draft = dict(self.kept) if self._draft is None else self._draft
        self._take(request, number)
        faults_of = faults_of_page_1 if number == "1" else faults_of_page_2
        if "back" in request.form:
            return self._form("1", {})
        if wrong := dict(faults_of(self._draft)):
            self.submissions += number == "2"
            return self._form(number, wrong)
        if number == "1":
            return see_other("/assistant/2")
        self.submissions += 1
        self.kept, self._draft = self._draft, None
        return see_other("/assistant/done")

    def _take(self, request, number):
        for name, _, kind in PAGES[number]:
            if kind == "check":
                self._draft[name] = name in request.form
            elif kind == "rows":
                rows = (request.form.get(f"{name}{row}", "").strip() for row in range(ROWS))
                self._draft[name] = tuple(filter(None, rows))
            elif kind == "file":
                if request.files.get(name, ("", b""))[0]:
                    self._draft[name] = request.files[name][1].decode("ascii", "replace")
            else:
                given = request.form.get(name, "").replace("\r\n", "\n")
                self._draft[name] = given or (self.kept[name] if kind == "password" else "")
        if number == "1" and not self._draft["relay"]:
            self._draft |= {"relayport": "", "relayname": "", "relaypass": ""}

    def _form(self, number, wrong):
        fields = "".join(
            self._field(name, label, kind, wrong.get(name, "")) for name, label, kind in PAGES[number]
        )
        on = (
            "<button>Next</button>"
            if number == "1"
            else "<button name=back value=1>Back</button><button>Finish</button>"
        )
        steps = "".join(
            f"<li{' class=at aria-current=step' if at == number else ''}>{name}"
            for at, name in (("1", "The line"), ("2", "The door"))
        )
        return self._page(
            "Assistant",
            f"<ol class=steps>{steps}</ol>"
            f"<form method=post action=/assistant/{number} enctype=multipart/form-data>"
            f"<input type=hidden name=token value={self._token}>{fields}<p class=on>{on}</p></form>",
        )

    def _field(self, name, label, kind, wrong):
        value = self._draft[name]
        err = f"<p class=err id={name}-err>{wrong}</p>" if wrong else ""
        described = f" aria-describedby={name}-err" if wrong else ""
        if kind == "check":
            ticked = " checked" if value else ""
            return f"<div class=f><label><input type=checkbox name={name}{ticked}> {label}</label></div>"
        if kind == "radio":
            inputs = "".join(
                f"<label><input type=radio name={name} value={one}{mark}> {text}</label>"
                for one, text in CHOICES[name].items()
                for mark in (" checked" if one == value else "",)
            )
            return f"<fieldset class=f><legend>{label}</legend>{inputs}{err}</fieldset>"
        if kind == "rows":
            rows = "".join(
                f"<tr><td>{row + 1}<td><input name={name}{row} aria-label='{label} {row + 1}' "
                f'value="{escaped(value[row] if row < len(value) else "")}">'
                for row in range(ROWS)
            )
            return f"<fieldset class=f><legend>{label}</legend><table>{rows}</table>{err}</fieldset>"
        if kind == "select":
            options = "".join(
                f"<option value={one}{' selected' if one == value else ''}>{text}"
                for one, text in CHOICES[name].items()
            )
            control = f"<select id={name} name={name}>{options}</select>"
        elif kind == "area":
            control = f"<textarea id={name} name={name} rows=2{described}>\n{escaped(value)}</textarea>"
        elif kind in ("password", "file"):
            control = f"<input id={name} name={name} type={kind}{described}>"
        else:
            control = f'<input id={name} name={name} value="{escaped(value)}"{described}>'
        return f"<div class=f><label for={name}>{label}</label>{control}{err}</div>"

    def _journal(self, number):
        last = max(1, -(-len(self.log) // BATCH))
        rows = "".join(
            f"<tr><td>{one.at:%b %d, %Y %I:%M:%S %p}<td>{escaped(one.screen)}<td>{escaped(one.details)}"
            f"<td class=code>{escaped(one.name)}"
            for one in self.log[(number - 1) * BATCH : number * BATCH]
        )
        links = " ".join(
            f"<b>{at}</b>" if at == number else f"<a href='/journal?page={at}'>{at}</a>"
            for at in range(1, last + 1)
        )
        older = f"<a rel=next href='/journal?page={number + 1}'>Later</a>" if number < last else ""
        head = "<tr><th>When<th>Message<th>Remark<th>Code"
        return self._page(
            "Journal", f"<table class=journal>{head}{rows}</table><p class=pages>{links} {older}</p>"
        )


if __name__ == "__main__":
    look_at(Wizard)
