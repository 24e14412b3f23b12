"""The device's end of a serial line: a raw pseudo-terminal with a stable name, and writing that never blocks.

What is written are whole pieces, kept in a bounded backlog while nobody listens. A listener counts as there
once its end has been open for a moment: serial programs flush what they find right after opening, and would
flush the boot banner with it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import select
import socket
import termios
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_LOOK_EVERY = 0.05
"""Seconds between looks for a listener while there is none."""
_MOST_PIECES = 2_000
_CHUNK = 4_096
_GIVEN_WITHIN = 5.0  # s
_LOCAL_MODES = 3
"""Place of the local mode flags in what ``tcgetattr`` returns (termios(3))."""


class Pty(NamedTuple):
    """A pseudo-terminal: the descriptor of the device's end, and the name of the other one."""

    master: int
    path: str


def open_pty() -> Pty:
    """Make a pseudo-terminal. Raises OSError."""
    master, other_end = pty.openpty()
    path = os.ttyname(other_end)
    os.close(other_end)
    return Pty(master, path)


def given_ptys(listening: Path, count: int) -> list[Pty]:
    """Take pseudo-terminals over from whoever listens on a unix socket (``SCM_RIGHTS``, unix(7)).

    Those made in a container can be opened in it only; its starter gives it some of the machine's.

    Raises:
        OSError: nobody listens there, or it gives too few.
    """
    folder = os.open(listening.parent, os.O_PATH | os.O_DIRECTORY)  # the path may be longer than an address
    try:
        with socket.socket(socket.AF_UNIX) as giver:
            giver.settimeout(_GIVEN_WITHIN)
            giver.connect(f"/proc/self/fd/{folder}/{listening.name}")
            names, masters, _, _ = socket.recv_fds(giver, _CHUNK, count)
    finally:
        os.close(folder)
    if len(masters) < count:
        raise OSError(
            errno.EPROTO, f"{count} pseudo-terminals expected, {len(masters)} given", str(listening)
        )
    return [Pty(*pair) for pair in zip(masters, names.decode().split(), strict=True)]


class Terminal:
    """One pseudo-terminal. ``received`` is called with what comes in."""

    def __init__(self, link: Path, received: Callable[[bytes], None], given: Pty | None = None) -> None:
        self._received = received
        self._backlog: deque[bytes] = deque(maxlen=_MOST_PIECES)
        self._loop = asyncio.get_running_loop()
        self._master, self.path = given or open_pty()
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
        # Both ends have the modes in common, and the name of the other one may lead elsewhere in a container.
        if termios.tcgetattr(self._master)[_LOCAL_MODES] & (termios.ICANON | termios.ECHO):
            tty.setraw(self._master, termios.TCSANOW)

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
