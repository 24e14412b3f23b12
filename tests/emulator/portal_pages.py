"""The emulated portal's pages met as a browser meets them, without one: requests, cookies, forms."""

import asyncio
import http.client
import re
import secrets
import socket
import threading
from html.parser import HTMLParser
from urllib.parse import urlencode

from intercom_hil.emulator.administration import Administration
from intercom_hil.emulator.event_log import EventLog
from intercom_hil.emulator.faults import wrap_form, wrap_pages
from intercom_hil.emulator.form import Form
from intercom_hil.emulator.portal import Portal
from intercom_hil.emulator.registration_state import RegistrationState
from intercom_hil.emulator.vocabulary import WriteEvent, WriteLine

ADDRESS = "127.0.41.2"
MODIFY = "/devices/door/modify"
GOOD = {
    "enabled": "on",
    "server_address": "10.0.0.5",
    "server_port": "5060",
    "polling_interval": "3600",
    "transport": "UDP",
    "encryption": "",
    "auth_username": "3401",
    "auth_password": "dummy-secret",
    "display_name": "Front Door",
    "extension": "3401",
    "call_number": "3400",
    "microphone_volume": "50",
    "speaker_volume": "60",
    "call_timeout": "30",
    "video_calls": "Both",
    "allow_incoming": "on",
    "proxy.username": "",
    "proxy.address": "",
    "proxy.port": "",
}
"""A form as a browser sends it."""


class ServedPortal:
    """The portal at an address, in a thread; what is submitted is taken as it is."""

    def __init__(self, *faults):
        self.log, self.registration, self.in_force = EventLog(), RegistrationState(), []
        self.administration = Administration(self._submit, wrap_form(Form(), faults))
        self._portal = Portal(self.administration, self.log, self.registration, wrap_pages(faults))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    async def _submit(self, settings):
        self.in_force.append(settings)
        self.registration.write(WriteLine("config applied"), 0.0)

    def __enter__(self):
        self._thread.start()
        with socket.create_server((ADDRESS, 0)) as free:
            self.port = free.getsockname()[1]
        asyncio.run_coroutine_threadsafe(self._portal.start(ADDRESS, self.port), self._loop).result(30)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _end(self):
        self._portal.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    @property
    def url(self):
        return f"http://{ADDRESS}:{self.port}"

    def happens(self, name, screen, details="", at=1_800_000_000.0):
        self.log.write(WriteEvent(name, screen, details), at)


class Page(HTMLParser):
    """A page that came back: its fields, labels and texts."""

    VOID = frozenset({"meta", "link", "input", "img", "wbr"})

    def __init__(self, status, headers, body):
        super().__init__()
        self.status, self.headers, self.body = status, headers, body
        self.inputs, self.labels, self.ids, self.legends, self.links = [], {}, {}, [], {}
        self.scripts = 0
        self._open, self._texts = [], []
        self.feed(body.decode() if "html" in headers.get("content-type", "") else "")
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute twice: {attrs}"
        self.scripts += tag == "script" or any(name.startswith("on") or name == "style" for name in given)
        if "id" in given:
            assert given["id"] not in self.ids, f"an id twice: {given['id']}"
            self.ids[given["id"]] = given
        if tag in ("input", "select", "button"):
            self.inputs.append({"tag": tag, **given})
        if tag == "option" and "selected" in given:
            self.inputs[-1]["value"] = given["value"]
        if tag not in self.VOID:
            self._open.append((tag, given))
            self._texts.append("")

    def handle_endtag(self, tag):
        opened, given = self._open.pop()
        assert opened == tag, f"</{tag}> ends <{opened}>"
        text = " ".join(self._texts.pop().split())
        if tag == "label":
            self.labels[given["for"]] = text
        elif tag == "legend":
            self.legends.append(text)
        elif tag == "a":
            self.links[text] = given["href"]
        if "id" in given:
            self.ids[given["id"]]["text"] = text
        if self._texts:
            self._texts[-1] += f" {text} "
        else:
            self.text = text

    def handle_data(self, data):
        if self._texts:
            self._texts[-1] += data

    def value(self, name):
        """Return what stands in a field."""
        return next(one.get("value", "") for one in self.inputs if one.get("name") == name)

    def checked(self, name):
        return any("checked" in one for one in self.inputs if one.get("name") == name)

    def values(self, name):
        return [one.get("value", "") for one in self.inputs if one.get("name") == name]

    def beside(self, ident):
        """Return the texts that describe a field."""
        described = self.ids[ident].get("aria-describedby", "").split()
        return " ".join(self.ids[one]["text"] for one in described)


class Visitor:
    """Somebody who uses the pages, with the cookies that he was given."""

    def __init__(self, address, port):
        self._address, self.cookies = (address, port), {}

    def send(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        try:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            given = dict(headers) | ({"Cookie": cookie} if cookie else {})
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            for text in answer.headers.get_all("Set-Cookie", ()):
                assert "; HttpOnly; SameSite=Strict" in text
                name, _, value = text.partition(";")[0].partition("=")
                self.cookies[name] = value
            return Page(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        finally:
            connection.close()

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, fields, headers=()):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(fields), kind | dict(headers))

    def follow(self, page):
        assert page.status == 303, page.body
        return self.get(page.headers["location"])

    def log_in(self, account="admin", password="admin-secret"):
        token = self.get("/login").value("token")
        return self.post("/login", {"token": token, "account": account, "password": password})

    def form(self):
        return self.get(MODIFY)

    def submit(self, fields=(), files=(), action="submit", page=None):
        """Fill in and send the form as a browser does; a value of None leaves the field out."""
        page = page or self.form()
        sent = [("token", page.value("token")), ("draft", page.value("draft"))]
        for name, value in {**GOOD, **dict(fields)}.items():
            values = value if isinstance(value, list) else [value]
            sent += [(name, one) for one in values if one is not None]
        return self.send("POST", MODIFY, *multipart([*sent, ("action", action)], files))


def multipart(fields, files=()):
    """Return the body and the headers of a form with files (RFC 7578)."""
    boundary = f"----form{secrets.token_hex(8)}"
    parts = [(f'name="{name}"', value.encode()) for name, value in fields]
    for name, filename, content in files:
        written = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")  # as browsers do
        parts.append((f'name="{name}"; filename="{written}"', content))
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
        % (boundary.encode(), head.encode(), content)
        for head, content in parts
    )
    return body + f"--{boundary}--\r\n".encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def tags_of(body):
    """Return the start tags of a page, which show whether a text became markup."""
    return re.findall(rb"<[a-zA-Z][^>]*>", body)
