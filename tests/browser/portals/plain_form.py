"""Ringline DP-20: one long form that the server makes, log-in by Basic, refusals as a list at the top.

Values are spelt its own way: On and Off, minutes:seconds, encryption as a number, per cent with a sign. Fixed
fields for further contacts, a text area for who may call. Events are a table, the newest first.
"""

import re
from types import MappingProxyType

from tests.browser.portals.small_web import Portal, Reply, escaped, look_at, page

MENU = (("/", "Status"), ("/network", "Network"), ("/intercom", "Intercom"), ("/log", "Event log"))
CONTACTS = 3
LOGIN = re.compile(r"[A-Za-z0-9]{1,32}")
DIALLED = re.compile(r"[A-Za-z0-9]{1,32}|sips?:[A-Za-z0-9]+@[A-Za-z0-9.-]+(:\d+)?")
HOST = re.compile(r"(?=.*[A-Za-z]|\d+\.\d+\.\d+\.\d+$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def on_off(text):
    return None if text in ("On", "Off") else "say On or Off"


def clock(least, most):
    """Check a time in minutes and seconds, within a range in seconds."""

    def check(text):
        found = re.fullmatch(r"(\d{1,4}):([0-5]\d)", text)
        if not found:
            return "needs the form mm:ss"
        seconds = int(found[1]) * 60 + int(found[2])
        return None if least <= seconds <= most else f"must be between {least} and {most} seconds"

    return check


def percent(text):
    found = re.fullmatch(r"(\d{1,3}) ?%", text)
    return None if found and int(found[1]) <= 100 else "must be between 0 % and 100 %"


def port(text):
    return None if text.isdecimal() and 0 < int(text) < 65536 else "must be between 1 and 65535"


def fits(pattern, told, *, may_be_empty=False):
    def check(text):
        return None if pattern.fullmatch(text) or (may_be_empty and not text) else told

    return check


def each_line(text):
    for line in filter(None, text.splitlines()):
        if not DIALLED.fullmatch(line):
            return f"{line!r} cannot be dialled"
    return None


def one_of(*choices):
    return lambda text: None if text in choices else "is not one of the choices"


def text(most):
    return lambda given: (
        None if given.isprintable() and len(given) <= most else "has characters that will not do"
    )


FIGURES = "may have letters and figures only"
NUMBER = fits(DIALLED, "cannot be dialled")
MAYBE_NUMBER = fits(DIALLED, "cannot be dialled", may_be_empty=True)
NAME = fits(LOGIN, FIGURES)
MEDIA = "Media protection (0 none, 1 preferred, 2 required)"
FIELDS = (
    ("Calls", "voip", "VoIP service", ("On", "Off"), on_off),
    ("Calls", "dial1", "Button dials", "text", NUMBER),
    *(("Calls", f"dial{n}", f"then dials ({n})", "text", MAYBE_NUMBER) for n in range(2, 2 + CONTACTS)),
    ("Calls", "ring", "Ring for (mm:ss)", "text", clock(1, 600)),
    ("Calls", "camera", "Camera stream", ("None", "When calling", "When called", "Always"), None),
    ("Calls", "auto", "Answer automatically", ("On", "Off"), on_off),
    ("Calls", "callers", "May call in (one on each line)", "area", each_line),
    ("Sound", "talk", "Talk level", "text", percent),
    ("Sound", "listen", "Listen level", "text", percent),
    ("Account", "shown", "Name shown", "text", text(64)),
    ("Account", "user", "User ID", "text", NAME),
    ("Account", "login", "Login", "text", NAME),
    ("Account", "secret", "Passphrase", "password", text(64)),
    ("Registrar", "proto", "Protocol", ("udp", "tcp", "tls"), None),
    ("Registrar", "host", "Host", "text", fits(HOST, "is no host")),
    ("Registrar", "port", "Port", "text", port),
    ("Registrar", "alive", "Keep-alive every (mm:ss)", "text", clock(5, 86400)),
    ("Registrar", "srtp", MEDIA, "text", one_of("0", "1", "2")),
    ("Registrar", "root", "Root certificate", "file", None),
    ("Outbound proxy", "phost", "Host", "text", fits(HOST, "is no host", may_be_empty=True)),
    ("Outbound proxy", "pport", "Port", "text", lambda given: port(given) if given else None),
    ("Outbound proxy", "plogin", "Login", "text", fits(LOGIN, FIGURES, may_be_empty=True)),
    ("Outbound proxy", "psecret", "Passphrase", "password", text(64)),
)
"""Section, name, label, kind or choices, and what checks a value, of each field in order."""


class PlainForm(Portal):
    """The portal of a Ringline DP-20."""

    account, password = "installer", "ring-a-ding"
    first = MappingProxyType(
        dict.fromkeys((name for _, name, *_ in FIELDS), "")
        | {"voip": "Off", "ring": "0:30", "camera": "None", "auto": "Off", "talk": "50 %", "listen": "50 %"}
        | {"proto": "udp", "port": "5060", "alive": "60:00", "srtp": "0"}
    )

    def answer(self, request):
        if (refused := self.by_basic(request, "DP-20")) is not None:
            return refused
        if request.path == "/intercom":
            return self._intercom(request)
        contents = {"/": self._status, "/network": self._network, "/log": self._events}
        if request.path == "/style.css":
            return Reply(page("plain_form.css"), kind="text/css")
        if request.path not in contents:
            return Reply("<h1>404 Not Found</h1>", 404)
        return self._page(request.path, contents[request.path]())

    def _page(self, path, content):
        links = (f'<a href="{to}"{" class=here" if to == path else ""}>{name}</a>' for to, name in MENU)
        return Reply(
            "<!doctype html><html lang=en><meta charset=utf-8><title>DP-20</title>"
            '<meta name=viewport content="width=device-width"><link rel=stylesheet href=/style.css>'
            f"<header><b>Ringline</b> DP-20 <small>Front gate</small></header><nav>{''.join(links)}</nav>"
            f"<main>{content}</main></html>"
        )

    def _status(self):
        return f"<h1>Status</h1><p>VoIP service: {self.kept['voip']}<p>Firmware 4.11.2"

    def _network(self):
        return "<h1>Network</h1><p>DHCP, 192.0.2.40 / 24"

    def _intercom(self, request):
        if request.method != "POST":
            return self._page(request.path, self._form(self.kept))
        self.submissions += 1
        given = {**self.kept, **{name: value.replace("\r\n", "\n") for name, value in request.form.items()}}
        for name in ("secret", "psecret"):  # left empty: as it was
            given[name] = given[name] or self.kept[name]
        if not given["phost"]:
            given["psecret"] = ""
        wrong = [self._wrong(section, label, check, given[name]) for section, name, label, _, check in FIELDS]
        filename, content = request.files.get("root", ("", b""))
        if filename and not filename.lower().endswith((".pem", ".cer", ".crt")):
            wrong.append("Registrar, Root certificate: only .pem, .cer, .crt files")
        elif filename:
            given["root"] = content.decode("ascii", "replace")
        if wrong := list(filter(None, wrong)):
            items = "".join(f"<li>{escaped(one)}" for one in wrong)
            box = f"<div class=bad role=alert><b>The settings were not applied.</b><ul>{items}</ul></div>"
            return self._page(request.path, box + self._form(given))
        self.kept = given
        return self._page(request.path, "<p class=good role=status>Settings applied.</p>" + self._form(given))

    @staticmethod
    def _wrong(section, label, check, value):
        told = check(value) if check else None
        return f"{section}, {label}: {told}" if told else None

    def _form(self, values):
        parts, at = [], ""
        for section, name, label, kind, _ in FIELDS:
            if section != at:
                parts.append(f"{'</fieldset>' if at else ''}<fieldset><legend>{section}</legend>")
                at = section
            parts.append(f"<label for={name}>{label}</label>{self._control(name, kind, values[name])}")
        return (
            "<h1>Intercom</h1><form method=post enctype=multipart/form-data autocomplete=off>"
            f"{''.join(parts)}</fieldset><p class=buttons><button>Apply</button></p></form>"
        )

    @staticmethod
    def _control(name, kind, value):
        if isinstance(kind, tuple):
            options = (f"<option{' selected' if one == value else ''}>{one}</option>" for one in kind)
            return f"<select id={name} name={name}>{''.join(options)}</select>"
        if kind == "area":
            return f"<textarea id={name} name={name} rows=4>\n{escaped(value)}</textarea>"
        if kind == "password":
            hint = "unchanged" if value else ""
            return f'<input id={name} name={name} type=password placeholder="{hint}">'
        if kind == "file":
            return f"<input id={name} name={name} type=file>"
        return f'<input id={name} name={name} value="{escaped(value)}">'

    def _events(self):
        rows = "".join(
            f"<tr><td>{one.at:%d/%m/%Y %H:%M:%S}.{one.at.microsecond // 1000:03}<td>{escaped(one.name)}"
            f"<td>{escaped(one.screen)}<td>{escaped(one.details)}"
            for one in reversed(self.log)
        )
        head = "<tr><th>When (UTC)<th>Code<th>On the display<th>Remarks"
        return f"<h1>Event log</h1><table class=log><thead>{head}</thead><tbody>{rows}</tbody></table>"


if __name__ == "__main__":
    look_at(PlainForm)
