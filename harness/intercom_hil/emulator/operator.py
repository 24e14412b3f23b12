"""The person at the emulated intercom: types a sheet into the Admin Portal, reports what that said.

A program that reads one question as JSON on standard input and writes the answer as JSON on standard output.
This is a person's part: a browser's requests to the portal, nothing that a person could not do.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
from typing import Any
from urllib.parse import quote, urlsplit

ACCOUNTS = {"administrator": ("admin", "admin-secret"), "viewer": ("viewer", "viewer-secret")}
"""The factory's accounts; the role nobody has none."""
FORM = "/api/devices/door/sip"
_WITHIN = 10.0


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """Do what a question asks at the emulated device's portal, and return the answer."""
    portal = urlsplit(question.get("portal") or f"http://{question['address']}:8080")
    browser = _Browser(portal.hostname or "", portal.port or 80, question.get("role") or "administrator")
    try:
        if question["about"] == "certificate":
            ((name, content),) = question["files"].items()
            return _shown(*browser.put(_certificate(name), base64.b64decode(content)), question)
        form = {field["name"]: field["value"] for field in question["fields"]}
        return _shown(*browser.put(FORM, json.dumps(form).encode()), question)
    except OSError as problem:
        return {"choice": "gone", "text": str(problem)}


class _Browser:
    """Somebody at the portal, logged in as far as the role allows."""

    def __init__(self, host: str, port: int, role: str) -> None:
        self._server = (host, port)
        self._account = ACCOUNTS.get(role)

    def put(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Submit something; return the status and the portal's answer. Raises OSError."""
        headers = {"Content-Type": "application/json"}
        if self._account is not None:
            name, password = self._account
            login = json.dumps({"account": name, "password": password}).encode()
            _, answer = self._send("POST", "/api/login", login, headers)
            headers["Authorization"] = f"Bearer {answer.get('token', '')}"
        return self._send("PUT", path, body, headers)

    def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(*self._server, timeout=_WITHIN)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (http.client.HTTPException, ValueError) as problem:
            raise ConnectionError(str(problem)) from problem
        finally:
            connection.close()
        return response.status, answer if isinstance(answer, dict) else {}


def _certificate(name: str) -> str:
    return f"{FORM}/ca-certificate?filename={quote(name)}"


def _shown(status: int, answer: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """Say what the portal's page shows."""
    if status == 200:
        return {"choice": "accepted", "text": "; ".join(answer.get("warnings", []))}
    errors = answer.get("errors", [])
    known = {field["name"] for field in question["fields"]} | {"form"}
    named = [str(error.get("field", "")).partition(".")[0] for error in errors]
    text = "; ".join(f"{error.get('field')}: {error.get('message')}" for error in errors)
    return {
        "choice": "refused",
        "text": (text or f"{status} {answer.get('error', '')}")[:2000],
        "fields": [name for name in dict.fromkeys(named) if name in known],
    }


def main() -> None:
    """Answer the question on standard input."""
    json.dump(answered(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
