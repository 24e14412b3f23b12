"""Vestibule: the settings are in a modal dialog with tabs, are saved by XHR, and a toast tells how it went.

The toast goes away by itself. Volumes are sliders, the transport is a row of buttons, further contacts come
by a plus icon, who may call is a text area. Log-in by a form. Events are a list, the newest last, with a
button for earlier ones.
"""

import re
from types import MappingProxyType

from tests.browser.portals.small_web import Portal, Reply, as_json, look_at, page, see_other

COOKIE = "vsid"
BATCH = 15
"""Events that are shown, and that the button adds."""
LABELS = {
    "server.host": "Host name or address",
    "server.port": "Port",
    "server.expires": "Check-in interval",
    "server.trust": "CA bundle",
    "identity.extension": "Extension",
    "identity.user": "User name",
    "identity.secret": "Secret",
    "identity.name": "Caller name",
    "calls.first": "First contact",
    "calls.next": "Next contact",
    "calls.wait": "Wait",
    "calls.allowed": "Allowed callers",
    "proxy.host": "Outbound proxy",
    "proxy.port": "Proxy port",
    "proxy.user": "Proxy user name",
    "proxy.secret": "Proxy secret",
}
SECRETS = ("identity.secret", "proxy.secret")


def is_party(text):
    return bool(re.fullmatch(r"[A-Za-z0-9]+|sip:[A-Za-z0-9]+@[A-Za-z0-9.-]+(:[0-9]{1,5})?", text))


def is_host(text):
    if text.replace(".", "").isdecimal():
        return bool(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", text))
    return bool(re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text))


def is_within(text, least, most):
    return str(text).isdecimal() and least <= int(text) <= most


def first_fault(given):
    """Return the name of the first value that is wrong, and why; this portal tells of no further one."""
    word = re.compile("[A-Za-z0-9]+")
    checks = (
        ("server.host", is_host(given["server.host"]), "is neither a name nor an address"),
        ("server.port", is_within(given["server.port"], 1, 65535), "must be 1–65535"),
        ("server.expires", is_within(given["server.expires"], 1, 86400), "must be 1–86400 s"),
        ("server.trust", given["server.trust"][:10] in ("", "-----BEGIN"), "is no PEM file"),
        ("identity.extension", word.fullmatch(given["identity.extension"]), "takes letters and digits"),
        ("identity.user", word.fullmatch(given["identity.user"]), "takes letters and digits"),
        ("identity.secret", given["identity.secret"], "is missing"),
        ("calls.first", is_party(given["calls.first"]), "cannot be called"),
        ("calls.next", all(map(is_party, given["calls.next"])), "cannot be called"),
        ("calls.wait", is_within(given["calls.wait"], 1, 600), "must be 1–600 s"),
        ("calls.allowed", all(map(is_party, given["calls.allowed"])), "has a line that is no caller"),
    )
    proxy = (
        ("proxy.host", is_host(given["proxy.host"]), "is neither a name nor an address"),
        ("proxy.port", is_within(given["proxy.port"], 1, 65535), "must be 1–65535"),
        ("proxy.user", word.fullmatch(given["proxy.user"]), "takes letters and digits"),
    )
    checks += proxy if given["proxy.host"] else ()
    return next(((name, told) for name, good, told in checks if not good), None)


class Dialog(Portal):
    """The portal of a Vestibule."""

    account, password = "facility", "correct-horse"
    first = MappingProxyType(
        dict.fromkeys(LABELS, "")
        | {"enabled": False, "server.port": "5060", "server.expires": "3600", "server.transport": "udp"}
        | {"calls.next": [], "calls.allowed": [], "calls.wait": "30", "calls.incoming": True}
        | {"calls.video": "off", "calls.srtp": "0", "audio.mic": "50", "audio.speaker": "50"}
    )

    def answer(self, request):
        if request.path == "/signin":
            return self._sign_in(request)
        if not self.in_session(request, COOKIE):
            if request.path.startswith("/api/"):
                return as_json({"toast": "Please sign in again"}, 401)
            return see_other("/signin")
        if request.path == "/api/settings" and request.method == "POST":
            return self._save(request.json)
        if request.path == "/api/settings":
            return as_json({**self.kept, **dict.fromkeys(SECRETS, "")})
        if request.path == "/api/events":
            return as_json(self._events(int(request.query.get("count", BATCH))))
        pages = {"/": "dialog_home.html", "/door": "dialog_door.html", "/events": "dialog_events.html"}
        if request.path not in pages:
            return Reply("Not found", 404)
        return Reply(page("dialog.html", content=page(pages[request.path])))

    def _sign_in(self, request):
        wrong = ""
        if request.method == "POST":
            if self.knows(request.form.get("user"), request.form.get("pw")):
                return see_other("/", self.begin_session(COOKIE))
            wrong = "User name or password is wrong."
        return Reply(page("dialog.html", content=page("dialog_signin.html", wrong=wrong)))

    def _save(self, sent):
        self.submissions += 1
        given = {**self.kept, **{name: sent[name] for name in self.kept if name in sent}}
        for name in SECRETS:  # left empty: as it was
            given[name] = given[name] or self.kept[name]
        if wrong := first_fault(given):
            name, told = wrong
            return as_json(
                {"toast": f"Not saved. {LABELS[name]} {told}.", "tab": name.partition(".")[0]}, 400
            )
        if not given["proxy.host"]:
            given |= {name: "" for name in given if name.startswith("proxy.")}
        self.kept = given
        return as_json({"toast": "Saved"})

    def _events(self, count):
        shown = [
            {"t": int(one.at.timestamp() * 1000), "s": one.screen, "n": one.name, "d": one.details}
            for one in self.log[-count:]
        ]
        return {"events": shown, "earlier": len(self.log) > count}


if __name__ == "__main__":
    look_at(Dialog)
