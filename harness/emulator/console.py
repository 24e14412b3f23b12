"""The device's console: log lines out, nothing in.

A line is its time, its words, and fields as ``name=value``; values that are no plain word are quoted, with
backslash escapes. Each line is written in one piece.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness.emulator.terminal import Terminal
from harness.emulator.vocabulary import Show, WriteEvent, WriteLine

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")
_ALWAYS_QUOTED = frozenset({"screen", "details", "text", "reason"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def format_line(at: float, words: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return one console line without its line end; ``at`` in seconds since the epoch."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return " ".join([stamp, words, *(f"{name}={_value(name, value)}" for name, value in fields)])


def _value(name: str, value: str) -> str:
    clean = _CONTROL.sub(lambda found: f"?{ord(found[0]):02x}?", value)
    if name not in _ALWAYS_QUOTED and _PLAIN.fullmatch(clean):
        return clean
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Console:
    """Writes the device's log to its serial line, and to whatever ``also`` takes it."""

    def __init__(
        self,
        link: Path,
        clock: Callable[[], float] = time.time,
        also: Callable[[bytes], None] = lambda piece: None,
    ) -> None:
        self._clock = clock
        self._also = also
        self._terminal = Terminal(link, received=lambda ignored: None)
        self.path = self._terminal.path
        self.close = self._terminal.close

    def write(self, entry: WriteEvent | Show | WriteLine) -> None:
        """Write what the logic wants written."""
        fields: tuple[tuple[str, str], ...]
        match entry:
            case WriteEvent():
                fields = (("name", entry.name), ("screen", entry.screen_name), ("details", entry.details))
                words = "event"
            case Show():
                words, fields = "screen", (("text", entry.text),)
            case WriteLine():
                words, fields = entry.words, entry.fields
        line = format_line(self._clock(), words, fields)
        piece = line.encode("utf-8", "backslashreplace") + b"\r\n"
        self._terminal.write(piece)
        self._also(piece)
