"""As much of a web server as five small portals have in common: requests, answers, who is logged in."""

import argparse
import base64
import email.policy
import html
import json
import secrets
import threading
from contextlib import suppress
from datetime import UTC, datetime
from email.parser import BytesParser
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

HERE = Path(__file__).parent


class Event(NamedTuple):
    """What the device logged: when (UTC), what its screen says, the event's name, and what more there is."""

    at: datetime
    screen: str
    name: str
    details: str = ""


class Reply(NamedTuple):
    """An answer to a request."""

    body: str | bytes = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "text/html; charset=utf-8"


def see_other(path, *headers):
    """Return an answer that leads to another page."""
    return Reply("", 303, (("Location", path), *headers))


def as_json(data, status=200, *headers):
    """Return an answer to a script."""
    return Reply(json.dumps(data), status, headers, "application/json")


def page(name, **values):
    """Return a file beside this one with its $names filled in; what is filled in is HTML already."""
    return Template((HERE / name).read_text(encoding="utf-8")).safe_substitute(values)


def escaped(text):
    """Return a text as it goes into a page."""
    return html.escape(str(text))


class Request:
    """A request, taken apart: its path, query, form, files and cookies."""

    def __init__(self, method, target, headers, body, charset):
        parts = urlsplit(target)
        self.method, self.path, self.headers, self.body = method, parts.path, headers, body
        self.query = dict(parse_qsl(parts.query))
        self.cookies = {name: one.value for name, one in SimpleCookie(headers.get("Cookie", "")).items()}
        self.form, self.files = {}, {}
        kind = headers.get_content_type()
        if kind == "application/x-www-form-urlencoded":
            self.form = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding=charset))
        elif kind == "multipart/form-data":
            head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
            whole = BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
            for part in whole.iter_parts():
                name = part.get_param("name", header="content-disposition")
                content = part.get_payload(decode=True)
                if (filename := part.get_filename()) is not None:
                    self.files[name] = (filename, content)
                else:
                    self.form[name] = content.decode(charset)

    @property
    def json(self):
        """The body of a script's request."""
        return json.loads(self.body or b"{}")


class Portal:
    """A portal that is served while the context lasts, at a port of its own.

    Attributes:
        kept: the settings in force, in the portal's own words.
        log: what the device logged, the oldest first.
        submissions: how often settings were sent, taken or not.
    """

    account, password = "admin", "admin-secret"
    charset = "utf-8"
    first = MappingProxyType({})
    """What is set when the device comes out of its box."""

    def __init__(self, address="127.0.0.1", port=0):
        self.kept, self.log, self.submissions = dict(self.first), [], 0
        self._sessions, self._lock = set(), threading.Lock()
        self._refuse_once = False
        self._server = ThreadingHTTPServer((address, port), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = "http://{}:{}".format(*self._server.server_address[:2])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def happens(self, name, screen, details="", at=None):
        """Log an event."""
        self.log.append(Event(at or datetime.now(UTC), screen, name, details))

    def expire(self):
        """Forget who is logged in."""
        self._sessions.clear()
        self._refuse_once = True

    def answer(self, request):
        """Return the answer to a request: the portal itself."""
        raise NotImplementedError

    # -- who is logged in --

    def knows(self, account, password):
        return (account, password) == (self.account, self.password)

    def begin_session(self, cookie):
        """Return the header that logs a browser in."""
        token = secrets.token_hex(16)
        self._sessions.add(token)
        return "Set-Cookie", f"{cookie}={token}; HttpOnly; SameSite=Strict; Path=/"

    def in_session(self, request, cookie):
        return request.cookies.get(cookie) in self._sessions

    def by_basic(self, request, realm):
        """Return None for who gives account and password with the request (RFC 7617), else the answer."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        account, _, password = base64.b64decode(given).decode().partition(":")
        if scheme == "Basic" and self.knows(account, password) and not self._refuse_once:
            return None
        self._refuse_once = False
        return Reply("<h1>401</h1>", 401, (("WWW-Authenticate", f'Basic realm="{realm}"'),))

    # -- serving --

    def _handler(portal):  # noqa: N805  (the handler has a self of its own)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.command, self.path, self.headers, body, portal.charset)
                with portal._lock:
                    reply = portal.answer(request)
                body = reply.body.encode(portal.charset) if isinstance(reply.body, str) else reply.body
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        return Handler


def look_at(portal):
    """Serve a portal until Ctrl-C, for a person to look at."""
    options = argparse.ArgumentParser()
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8080)
    given = options.parse_args()
    with portal(given.address, given.port) as served:
        served.happens("outgoing_call_initiated", "Dialing", "to 3400")
        served.happens("outgoing_call_failure", "Call Failed", "486 Busy Here")
        print(f"{served.url}  {served.account} / {served.password}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
