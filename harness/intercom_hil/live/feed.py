"""How a process of a run reports to the live page: what plays, what is seen, what came of it.

Loaded where a page is wanted only. It sends and does not wait: what does not get through is left out.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from intercom_hil.timeline.observation import MediaLine, Observation

STOP = b"s"
"""What the page sends to have the run stop."""
LARGEST_LINE = 64 * 1024
_MOST_LEFT = 1024 * 1024
"""Bytes that may wait because the page is busy."""
_LONGEST = 300
_FIELDS: dict[str, tuple[str, ...]] = {
    "sip": (
        *("source", "destination", "sender", "receiver", "transport", "method", "status", "reason"),
        *("request_uri", "call_id", "cseq", "branch", "to_tag"),
    ),
    "malformed_sip": ("source", "destination", "sender", "receiver", "problem"),
    "tls": ("connection", "sender", "receiver", "stage", "version", "suite", "server_name", "received"),
    "media_started": (
        *("flow", "source", "destination", "sender", "receiver", "media", "payload_type", "ssrc"),
        "protection",
    ),
    "media_ended": (
        *("flow", "source", "destination", "sender", "receiver", "media", "payload_type", "ssrc"),
        *("protection", "first", "last", "packets", "lost", "jitter_ms"),
        *("authenticated", "rejected", "plain"),
    ),
    "event": ("name", "screen_name", "details", "failure"),
    "screen": ("text",),
    "output": ("name", "active", "confirmed"),
    "input": ("name", "active"),
    "configured": ("accepted", "message"),
    "lost": ("instrument", "problem", "blame"),
    "asked": ("number", "text"),
    "answered": ("number", "way", "by", "choice"),
    "note": ("text",),
}
"""What the page shows, by kind: fields that no secret is in. Others come by hundreds, and are left out."""
_OF_MEDIA_LINES = ("media", "port", "profile", "direction", "crypto_suites")


class Feed:
    """A connection to the page.

    Attributes:
        path: the page's socket.
        lane: what this process is called; empty where there is one.
    """

    def __init__(self, path: str, lane: str = "") -> None:
        """Connect; a page that is not there is left alone."""
        self.path, self.lane = path, lane
        self._left = b""
        self._stop = False
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
            self._socket.setblocking(False)
        except OSError:
            self._drop()
        self.send("lane")

    def send(self, what: str, **fields: Any) -> None:
        """Report something. Never waits, never raises.

        Args:
            what: what it is, as ``Board`` knows it.
            fields: what there is to say about it, as JSON has it.
        """
        if self._socket is None:
            return
        self._flush()
        line = json.dumps({"what": what, "lane": self.lane, **fields}, default=str).encode() + b"\n"
        if len(self._left) + len(line) <= _MOST_LEFT and len(line) <= LARGEST_LINE:
            self._left += line
            self._flush()

    def seen(self, observation: Observation) -> None:
        """Report an observation, if the page shows its kind."""
        if self._socket is not None and (said := noted(observation)) is not None:
            self.send("seen", **said)

    @property
    def stop_asked(self) -> bool:
        """Whether somebody has asked the run to stop."""
        if self._socket is not None and not self._stop:
            try:
                said = self._socket.recv(16)
                self._stop = STOP in said
                if not said:
                    self._drop()
            except BlockingIOError:
                pass
            except OSError:
                self._drop()
        return self._stop

    def close(self) -> None:
        """Report no more. Idempotent."""
        self._flush()
        self._drop()

    def _flush(self) -> None:
        try:
            while self._left and self._socket is not None:
                self._left = self._left[self._socket.send(self._left) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""


def noted(observation: Observation) -> dict[str, Any] | None:
    """Return what the page shows of an observation; None of a kind that it does not show."""
    content = observation.content
    names = _FIELDS.get(content.kind)
    if names is None:
        return None
    kept: dict[str, Any] = {"kind": content.kind}
    for name in names:
        value = getattr(content, name)
        kept[name] = value[:_LONGEST] if isinstance(value, str) else value
    if content.kind == "sip":
        kept["media"] = [_of_line(line) for line in content.media]
    return {
        "seq": observation.seq,
        "time": observation.time,
        "witness": observation.witness.value,
        "text": str(content)[:_LONGEST],
        "content": kept,
    }


def _of_line(line: MediaLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _OF_MEDIA_LINES}
