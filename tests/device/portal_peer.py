"""A portal as the bench meets one: a real HTTP server with accounts, tokens and a settings form."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import ValidationError

from intercom_hil.spec.settings import SipSettings

ACCOUNTS = {"admin": ("admin-secret", "Account Administrator"), "viewer": ("viewer-secret", "Viewer")}


class PortalPeer:
    """The server. ``override`` answers in place of the portal: (status, body bytes) per ``METHOD path``."""

    def __init__(self, address="127.0.45.2", port=0):
        self.tokens = {}
        self.requests = []
        self.settings = None
        self.override = {}
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, reply = peer.answer(f"{self.command} {self.path}", body, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.url = f"http://{address}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, body, headers):
        self.requests.append(request)
        if request in self.override:
            return self.override[request]
        status, reply = self.decide(request, body, headers.get("Authorization", ""))
        return status, json.dumps(reply).encode()

    def decide(self, request, body, authorization):
        if request == "POST /api/login":
            login = json.loads(body)
            password, role = ACCOUNTS.get(login["account"], (None, None))
            if password != login["password"]:
                return 401, {"error": "wrong account or password"}
            token = secrets.token_hex(8)
            self.tokens[f"Bearer {token}"] = role
            return 200, {"token": token, "role": role}
        role = self.tokens.get(authorization)
        if role is None:
            return 401, {"error": "log in first"}
        if request == "GET /api/devices":
            return 200, [{"id": "door", "name": "Front door"}, {"id": "gate", "name": "Gate"}]
        if request.startswith("PUT /api/devices/door/sip"):
            if role != "Account Administrator":
                return 403, {"error": "not allowed"}
            return self.submit(body)
        return 404, {"error": "no such thing"}

    def submit(self, body):
        try:
            settings = SipSettings.model_validate_json(body)
        except ValidationError as problem:
            errors = [{"field": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in problem.errors()]
            return 422, {"errors": errors}
        self.settings = settings
        short = settings.polling_interval < 30
        return 200, {
            "applied": True,
            "warnings": ["polling_interval: at least 30 s is advised"] if short else [],
        }
