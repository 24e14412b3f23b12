"""The device's console: log lines out, nothing in. Each line is written in one piece."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from intercom_hil.emulator.speech import KEYED, Entry, Speech
from intercom_hil.emulator.terminal import Pty, Terminal


class Console:
    """Writes the device's log to its serial line, and to whatever ``also`` takes it."""

    def __init__(
        self,
        link: Path,
        clock: Callable[[], float] = time.time,
        also: Callable[[bytes], None] = lambda piece: None,
        speech: Speech = KEYED,
        given: Pty | None = None,
    ) -> None:
        self._clock = clock
        self._also = also
        self._speech = speech
        self._terminal = Terminal(link, received=lambda ignored: None, given=given)
        self.path = self._terminal.path
        self.close = self._terminal.close

    def write(self, entry: Entry, at: float | None = None) -> None:
        """Write what the logic wants written, dated ``at`` (seconds since the epoch; now if not given)."""
        line = self._speech(self._clock() if at is None else at, entry)
        piece = line.encode("utf-8", "backslashreplace") + b"\r\n"
        self._terminal.write(piece)
        self._also(piece)
