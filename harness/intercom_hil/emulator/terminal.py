"""The device's end of a serial line: a raw pseudo-terminal with a stable name, and writing that never blocks.

In come the bytes of whoever opened the other end; out go whole pieces, kept in a bounded backlog while
nobody listens. A listener counts as there once its end has been open for a moment: serial programs flush
what they find right after opening, and would flush the boot banner with it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import select
import termios
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY = 0.05
"""Seconds between looks for a listener while there is none."""
_MOST_PIECES = 2_000
_CHUNK = 4_096
_LOCAL_MODES = 3
"""Place of the local mode flags in what ``tcgetattr`` returns (termios(3))."""


class Terminal:
    """One pseudo-terminal. ``received`` is called with what comes in."""

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        self._received = received
        self._backlog: deque[bytes] = deque(maxlen=_MOST_PIECES)
        self._loop = asyncio.get_running_loop()
        self._master, other_end = pty.openpty()
        self.path = os.ttyname(other_end)
        os.close(other_end)
        os.set_blocking(self._master, False)
        self._listened = False
        self._writing = False
        self._look: asyncio.TimerHandle | None = None
        self._link = link
        link.unlink(missing_ok=True)
        link.symlink_to(self.path)
        self._look_for_listener()

    def write(self, piece: bytes) -> None:
        """Send one piece; it waits when nobody listens, and the oldest goes when too many wait."""
        self._backlog.append(piece)
        if self._listened and not self._writing:
            self._flush()

    def close(self) -> None:
        """Take the line away; may be called again."""
        if self._master < 0:
            return
        if self._look is not None:
            self._look.cancel()
        self._stop_watching()
        os.close(self._master)
        self._master = -1
        self._link.unlink(missing_ok=True)

    def _look_for_listener(self, seen_before: bool = False) -> None:
        poll = select.poll()
        poll.register(self._master, select.POLLHUP)
        present = not poll.poll(0)
        if present and seen_before:
            self._look = None
            self._listened = True
            self._loop.add_reader(self._master, self._readable)
            self._flush()
            return
        if present:
            self._make_raw()
        self._look = self._loop.call_later(_LOOK_EVERY, self._look_for_listener, present)

    def _make_raw(self) -> None:
        """Set raw mode afresh: the kernel forgets it whenever the last listener leaves."""
        other_end = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        try:
            if termios.tcgetattr(other_end)[_LOCAL_MODES] & (termios.ICANON | termios.ECHO):
                tty.setraw(other_end, termios.TCSANOW)
        finally:
            os.close(other_end)

    def _readable(self) -> None:
        try:
            received = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            self._stop_watching()
            self._look_for_listener()
            return
        self._received(received)

    def _flush(self) -> None:
        while self._backlog:
            piece = self._backlog[0]
            try:
                written = os.write(self._master, piece)
            except BlockingIOError:
                written = 0
            if written < len(piece):
                self._backlog[0] = piece[written:]
                self._wait_for_room(True)
                return
            self._backlog.popleft()
        self._wait_for_room(False)

    def _wait_for_room(self, wait: bool) -> None:
        if wait and not self._writing:
            self._loop.add_writer(self._master, self._flush)
        elif self._writing and not wait:
            self._loop.remove_writer(self._master)
        self._writing = wait

    def _stop_watching(self) -> None:
        self._wait_for_room(False)
        self._loop.remove_reader(self._master)
        self._listened = False
