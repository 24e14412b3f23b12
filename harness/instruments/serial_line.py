"""One open serial line, local or remote: bytes in both directions, and word of it when the cable is gone.

What may come in: whatever ``serial.serial_for_url`` understands (``/dev/ttyUSB0``, a pty, ``socket://host:port``,
``rfc2217://host:port``). What goes out: chunks of bytes with the time they were read. A line with a file
descriptor is watched by the event loop; one without (RFC 2217, whose telnet layer lives in a thread of
pyserial) has a reader thread. Neither costs processor time while nothing comes.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import socket
import stat
import threading
import warnings
from collections.abc import Callable

import serial

from harness.timeline.errors import BenchError
from harness.timeline.timeline import now

OnBytes = Callable[[bytes, float], None]

_CHUNK = 4096  # bytes per read
_THREAD_WAKES_EVERY = 0.5  # s: the longest a reader thread takes to notice that its line was closed or lost

_REMEDIES = {
    errno.ENOENT: "plug the cable in, or correct the path; names in /dev/serial/by-id do not change",
    errno.EACCES: "let your user use serial ports, for instance by adding it to the group dialout",
    errno.EAGAIN: "close the other program that has the port open",
    errno.EBUSY: "close the other program that has the port open",
}


class SerialLine:
    """A serial line, opened for this process alone where the system can promise that.

    A pty has no modem lines (ioctl gives ENOTTY, which pyserial tolerates on opening). RTS and DTR are left
    as opening sets them. Must be made inside a running event loop.

    Attributes:
        url: where the line is.
        lost: resolves with the reason when the line is gone without having been closed.
    """

    def __init__(self, url: str, *, baudrate: int, on_bytes: OnBytes) -> None:
        self.url = url
        self._baudrate = baudrate
        self._on_bytes = on_bytes
        self._port: serial.Serial | None = None
        self._fd: int | None = None
        self._reader: threading.Thread | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        """Whether bytes can pass."""
        return self._port is not None and not self.lost.done()

    async def open(self) -> None:
        """Open the line, anew if it was lost; nothing happens when it is open.

        Raises:
            BenchError: it cannot be opened, or another program has it.
        """
        if self.is_open:
            return
        await self.close()
        if self.lost.done():
            self.lost = self._loop.create_future()
        try:
            with warnings.catch_warnings():  # pyserial 3.5 names threads the old way
                warnings.simplefilter("ignore", DeprecationWarning)
                port = serial.serial_for_url(
                    self.url,
                    baudrate=self._baudrate,
                    timeout=_THREAD_WAKES_EVERY,
                    exclusive=True,
                    do_not_open=True,
                )
                await asyncio.to_thread(port.open)
        except (OSError, ValueError, NotImplementedError) as problem:
            number = problem.errno if isinstance(problem, OSError) else None
            remedy = _REMEDIES.get(number or 0, "check the port's address in the bench file, and the cable")
            raise BenchError(f"the serial port cannot be opened ({problem})", self.url, remedy) from problem
        self._port = port
        self._start_reading(port)

    async def close(self) -> None:
        """Close the line; nothing happens when it is closed. ``lost`` keeps what it says."""
        port, self._port = self._port, None
        if port is None:
            return
        self._stop_watching()
        # pyserial rests 0.3 s after closing a remote line
        await asyncio.to_thread(port.close)
        if self._reader is not None:
            await asyncio.to_thread(self._reader.join, 2 * _THREAD_WAKES_EVERY)
            self._reader = None

    async def write(self, data: bytes) -> None:
        """Send a short command.

        Raises:
            BenchError: the line is closed or gone, or takes no more bytes.
        """
        port = self._port
        if port is None or self.lost.done():
            reason = self.lost.result() if self.lost.done() else "it is not open"
            raise BenchError(f"the serial port cannot be written ({reason})", self.url, "check the cable")
        try:
            if self._fd is None:
                await asyncio.to_thread(port.write, data)
            elif os.write(self._fd, data) != len(data):
                raise BlockingIOError(errno.EAGAIN, "the other end takes no more bytes")
        except OSError as problem:
            raise BenchError(
                f"the serial port cannot be written ({problem})",
                self.url,
                "check the cable, power-cycle the box",
            ) from problem

    def _start_reading(self, port: serial.Serial) -> None:
        try:
            self._fd = port.fileno()
        except io.UnsupportedOperation:
            self._fd = None
            self._reader = threading.Thread(
                target=self._read_in_thread, args=(port,), name=self.url, daemon=True
            )
            self._reader.start()
            return
        if stat.S_ISSOCK(os.fstat(self._fd).st_mode):
            _keep_alive(self._fd)
        os.set_blocking(self._fd, False)
        self._loop.add_reader(self._fd, self._read_ready, self._fd)

    def _stop_watching(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._fd = None

    def _read_ready(self, fd: int) -> None:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as problem:
            self._lose(str(problem))
            return
        if data:
            self._on_bytes(data, now())
        else:
            self._lose("the other end closed it")

    def _read_in_thread(self, port: serial.Serial) -> None:
        while self._port is port:
            try:
                data = port.read(min(_CHUNK, port.in_waiting) or 1)
            except (OSError, TypeError, AttributeError) as problem:  # the last two: closed under a read
                self._from_thread(self._lose, str(problem))
                return
            if data:
                self._from_thread(self._deliver, data, now())

    def _from_thread(self, call: Callable[..., None], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    def _deliver(self, data: bytes, at: float) -> None:
        if self._port is not None:
            self._on_bytes(data, at)

    def _lose(self, reason: str) -> None:
        self._stop_watching()
        if self._port is not None and not self.lost.done():
            self.lost.set_result(reason)

    def fail(self, reason: str) -> None:
        """Give the line up: who reads it cannot go on."""
        self._lose(reason)


def _keep_alive(fd: int) -> None:
    """Let TCP notice within 3 s that a terminal server went without a word (RFC 1122 §4.2.3.6)."""
    with socket.socket(fileno=os.dup(fd)) as view:
        if view.family in (socket.AF_INET, socket.AF_INET6):
            view.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                (socket.TCP_KEEPIDLE, 1),
                (socket.TCP_KEEPINTVL, 1),
                (socket.TCP_KEEPCNT, 2),
            ):
                view.setsockopt(socket.IPPROTO_TCP, option, value)
