"""Portero Cloud: one page whose form a script makes, of controls that are none of HTML's own.

Switches and drop-downs are ``div``s with roles, further contacts and callers come by a plus icon, a refused
value has a red border and a title, and no text anywhere. The log-in is a form that a script sends. Events are
a list that grows when it is scrolled.
"""

import re
from types import MappingProxyType

from tests.browser.portals.small_web import Portal, Reply, as_json, look_at, page

COOKIE = "portero"
BATCH = 20
"""Events that one scrolling brings."""
PEER = re.compile(r"[A-Za-z0-9]+|sip:[A-Za-z0-9]+@[A-Za-z0-9.:-]+")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
WORD = re.compile(r"[A-Za-z0-9]+")


def wrong_host(text):
    numbers = re.fullmatch(r"[\d.]+", text)
    address = re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", text)
    return not HOST.fullmatch(text) or (numbers and not address)


def faults(given):
    """Return what is wrong, by the name of the value."""
    found = {}

    def number(name, least, most):
        value = given[name]
        if not isinstance(value, int) or not least <= value <= most:
            found[name] = f"{least} to {most}"

    number("port", 1, 65535)
    number("refresh", 1, 86400)
    number("ringTime", 1, 600)
    number("mic", 0, 100)
    number("speaker", 0, 100)
    for name in ("user", "number"):
        if not WORD.fullmatch(given[name]):
            found[name] = "Only letters and digits"
    if wrong_host(given["host"]):
        found["host"] = "This is not a server name"
    if not given["pass"]:
        found["pass"] = "Cannot be empty"
    if not PEER.fullmatch(given["target"]):
        found["target"] = "Not a number or address"
    for name in ("fallback", "callers"):
        found |= {
            f"{name}.{n}": "Not a number or address"
            for n, one in enumerate(given[name])
            if not PEER.fullmatch(one)
        }
    if given["gatewayOn"]:
        number("gatewayPort", 1, 65535)
        if wrong_host(given["gatewayHost"]):
            found["gatewayHost"] = "This is not a server name"
        if not WORD.fullmatch(given["gatewayUser"]):
            found["gatewayUser"] = "Only letters and digits"
    if given["ca"] and "BEGIN CERTIFICATE" not in given["ca"]:
        found["ca"] = "Not a certificate"
    return found


class SinglePage(Portal):
    """The portal of the Portero Cloud."""

    account, password = "owner@example.com", "casa-1234"
    first = MappingProxyType(
        {
            "sip": False,
            "host": "",
            "port": 5060,
            "refresh": 3600,
            "net": "UDP",
            "ca": "",
            "media": "open",
            "user": "",
            "pass": "",
            "title": "",
            "number": "",
            "target": "",
            "fallback": [],
            "callers": [],
            "mic": 50,
            "speaker": 50,
            "ringTime": 30,
            "video": "never",
            "inbound": True,
            "gatewayOn": False,
            "gatewayHost": "",
            "gatewayPort": 443,
            "gatewayUser": "",
            "gatewayPass": "",
        }
    )
    _secrets = ("pass", "gatewayPass")

    def answer(self, request):
        if request.path == "/":
            return Reply(page("single_page.html"))
        if (request.method, request.path) == ("POST", "/rest/session"):
            if not self.knows(request.json.get("mail"), request.json.get("password")):
                return as_json({"error": "Wrong e-mail or password"}, 403)
            return as_json({}, 200, self.begin_session(COOKIE))
        if not self.in_session(request, COOKIE):
            return as_json({"error": "session"}, 401)
        if request.path == "/rest/activity":
            return as_json(self._activity(int(request.query.get("after", 0))))
        if request.path != "/rest/intercom":
            return as_json({"error": "no such thing"}, 404)
        return self._take(request.json) if request.method == "PUT" else as_json(self._shown())

    def _shown(self):
        return {**self.kept, **dict.fromkeys(self._secrets, "")}

    def _take(self, sent):
        self.submissions += 1
        given = {**self.kept, **{name: sent[name] for name in self.kept if name in sent}}
        for name in self._secrets:  # left empty: as it was
            given[name] = given[name] or self.kept[name]
        if wrong := faults(given):
            return as_json({"invalid": wrong}, 422)
        if not given["gatewayOn"]:
            given |= {name: self.first[name] for name in given if name.startswith("gateway")}
        self.kept = given
        return as_json(self._shown())

    def _activity(self, after):
        newest_first = self.log[::-1][after : after + BATCH]
        items = [
            {
                "at": one.at.isoformat(timespec="milliseconds"),
                "title": one.screen,
                "code": one.name,
                "more": one.details,
            }
            for one in newest_first
        ]
        return {"items": items, "more": after + BATCH < len(self.log)}


if __name__ == "__main__":
    look_at(SinglePage)
