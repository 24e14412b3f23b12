"""Reading the texts that SIPp leaves: its message log and its error log.

The readers are total: what is not understood, or not there, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_ENTRY = re.compile(
    rb"-{20,} (?P<time>\S+)\r?\n"
    rb"(?P<transport>[A-Z]+) message (?P<direction>sent|received) \[(?P<length>\d{1,7})\] bytes:\r?\n\r?\n"
)
_VIA = re.compile(rb"^(?:via|v)[ \t]*:[ \t]*SIP/2\.0/\w+[ \t]+([^;,\s]+)", re.IGNORECASE | re.MULTILINE)
_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d[T\t ][0-9:.]+Z?(?:[+-]\d\d:?\d\d)?\s*(?:\d+\.\d+)?:?\s*(.+)")
"""A line that begins an error; those without a time belong to a message that is quoted."""
_TAIL_LINES = 8


@dataclass(frozen=True)
class TracedMessage:
    """One SIP message of a message log.

    Attributes:
        time: seconds since the epoch.
        sent: whether SIPp sent it.
        transport: UDP, TCP or TLS.
        payload: its bytes.
        peer: address and port at the other end, as far as the message says: its topmost Via, or that of
            the call's last request from there. None if unknown.
    """

    time: float
    sent: bool
    transport: str
    payload: bytes
    peer: tuple[str, int] | None


def read_messages(path: Path) -> Iterator[TracedMessage]:
    """Yield the messages of a ``-trace_msg -rfc3339`` file in the order in which they were written."""
    data = path.read_bytes() if path.exists() else b""
    peers: dict[bytes, tuple[str, int]] = {}
    position = 0
    while entry := _ENTRY.search(data, position):
        position = entry.end() + int(entry["length"])
        payload = data[entry.end() : position]
        try:
            time = datetime.fromisoformat(entry["time"].decode()).timestamp()
        except ValueError:
            continue
        sent = entry["direction"] == b"sent"
        is_response = payload.startswith(b"SIP/2.0 ")
        call_id = _first(_CALL_ID, payload)
        if sent == is_response and (via := _address(_first(_VIA, payload))):  # the Via is the peer's
            peers[call_id] = via
        yield TracedMessage(time, sent, entry["transport"].decode(), payload, peers.get(call_id))


def read_problem(path: Path, harmless: Sequence[str] = ()) -> str:
    """Return the last errors of an error log (``-trace_err``), the first line of each; empty without any.

    Args:
        path: the file.
        harmless: parts of messages that are no problem to whoever wrote the scenario.
    """
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [stamped[1] for line in lines if (stamped := _STAMPED.match(line))]
    return "; ".join([line for line in errors if not any(part in line for part in harmless)][-_TAIL_LINES:])


def _first(pattern: re.Pattern[bytes], payload: bytes) -> bytes:
    match = pattern.search(payload)
    return match[1] if match else b""


def _address(sent_by: bytes) -> tuple[str, int] | None:
    host, _, port = sent_by.decode("latin-1").partition(":")
    if not host:
        return None
    return host, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 5060
