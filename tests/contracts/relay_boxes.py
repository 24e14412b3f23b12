"""Firmware of relays that people own, for tests: an LCUS board, a Shelly and a Tasmota box on real HTTP."""

import base64
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS = "127.0.45.6"


class LcusBoard:
    """Bytes of frames in, bytes of replies out, in any portions. ``tells`` is how it tells its states."""

    def __init__(self, tells="none", channels=4):
        self.tells = tells
        self.relays = [False] * channels
        self.changes = []
        self.stuck = False
        self._held = b""

    def __call__(self, data):
        self._held += data
        reply = b""
        while self._held:
            if self._held[0] == 0xFF:
                self._held = self._held[1:]
                if self.tells == "text":
                    reply += b"".join(
                        b"CH%d: %s\r\n" % (n, b"ON" if on else b"OFF") for n, on in enumerate(self.relays, 1)
                    )
            elif self._held[0] != 0xA0:
                self._held = self._held[1:]
            elif len(self._held) < 4:
                break
            else:
                frame, self._held = self._held[:4], self._held[4:]
                reply += self._frame(*frame)
        return reply

    def catch_up(self, peer):
        """Wait until the board has done what it was sent: it does one thing after the other."""
        last, wanted = len(self.relays), not self.relays[-1]
        deadline = time.monotonic() + 20
        peer.write_as_client(bytes((0xA0, last, wanted, (0xA0 + last + wanted) % 256)))
        while self.relays[-1] is not wanted and peer.plugged:
            assert time.monotonic() < deadline, "the board has not heard what it was sent"
            time.sleep(0.001)

    def _frame(self, start, channel, order, checksum):
        if checksum != (start + channel + order) % 256 or not 1 <= channel <= len(self.relays):
            return b""
        if order in (0, 1):
            if not self.stuck:
                self.relays[channel - 1] = bool(order)
                self.changes.append((channel, bool(order)))
            return b""
        if order == 5 and self.tells == "frame":
            on = self.relays[channel - 1]
            return bytes((start, channel, on, (start + channel + on) % 256))
        return b""


class HttpBox:
    """A box on HTTP. A subclass answers a path and its query with a status and JSON, or with bytes."""

    def __init__(self, password=""):
        self.on = False
        self.changes = []
        self.stuck = False
        self.password = password
        self.override = None
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, reply, fields = box.served(self.path, self.headers.get("Authorization", ""))
                body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        self.url = f"http://{ADDRESS}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def served(self, path, authorization):
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        refused = self.refused(path, query, authorization)
        if refused is not None:
            return 401, b"", refused
        if self.override is not None:
            return *self.override, {}
        return *self.answer(parts.path, query), {}

    def refused(self, path, query, authorization):
        """Return the fields of a 401, None where the request may pass."""

    def switch(self, on):
        if not self.stuck:
            self.on = on
            self.changes.append(on)


class ShellyFirst(HttpBox):
    """The first generation, with Basic authentication where it has a password."""

    def refused(self, path, query, authorization):
        wanted = "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()
        return (
            {"WWW-Authenticate": 'Basic realm="shelly"'}
            if self.password and authorization != wanted
            else None
        )

    def answer(self, path, query):
        if path != "/relay/1":
            return 404, b"Not Found"
        if "turn" in query:
            self.switch(query["turn"] == "on")
        return 200, {"ison": self.on, "has_timer": False, "source": "http"}


class ShellySecond(HttpBox):
    """The second generation, with Digest authentication (RFC 7616, SHA-256) where it has a password."""

    def refused(self, path, query, authorization):
        if not self.password:
            return None
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization))
        first = self._hash(f"admin:shelly:{self.password}")
        second = self._hash(f"GET:{path}")
        wanted = self._hash(f"{first}:7:{fields.get('nc')}:{fields.get('cnonce')}:auth:{second}")
        challenge = 'Digest qop="auth", realm="shelly", nonce="7", algorithm=SHA-256'
        return None if fields.get("response") == wanted else {"WWW-Authenticate": challenge}

    @staticmethod
    def _hash(text):
        return hashlib.sha256(text.encode()).hexdigest()

    def answer(self, path, query):
        if query.get("id") != "1":
            return 500, {"code": -105, "message": "Argument 'id', value 9 not found!"}
        if path == "/rpc/Switch.Set":
            before = self.on
            self.switch(query["on"] == "true")
            return 200, {"was_on": before}
        return 200, {"id": 1, "source": "HTTP_in", "output": self.on}


class Tasmota(HttpBox):
    """Tasmota: the account goes along in the query."""

    def answer(self, path, query):
        if self.password and (query.get("user"), query.get("password")) != ("admin", self.password):
            return 200, {"WARNING": "Need user=<username>&password=<password>"}
        name, _, value = query.get("cmnd", "").partition(" ")
        if path != "/cm" or name.upper() != "POWER1":
            return 200, {"Command": "Unknown"}
        if value:
            self.switch(value.upper() == "ON")
        return 200, {"POWER": "ON" if self.on else "OFF"}
