"""One open serial line, local or remote: bytes in both directions, and a report when the cable is gone.

A port is whatever ``serial.serial_for_url`` understands (``/dev/ttyUSB0``, a pty, ``socket://host:port``,
``rfc2217://host:port``). Bytes are given in chunks with the time they were read. A line with a file
descriptor is watched by the event loop; one without (RFC 2217, whose telnet layer lives in a thread of
pyserial) has a reader thread. Neither costs processor time while nothing comes. A console and what hangs on
the modem lines of its cable share one line.
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
from typing import ClassVar, Literal, TypeVar

import serial

from intercom_hil.errors import BenchError
from intercom_hil.instruments.serial_names import remedy_for_absence, remedy_for_permission, remedy_for_use
from intercom_hil.timeline.timeline import now

OnBytes = Callable[[bytes, float], None]
_Result = TypeVar("_Result")

_CHUNK = 4096  # bytes per read
_THREAD_WAKES_EVERY = 0.5  # s: the longest a reader thread takes to notice that its line was closed or lost

_BUSY = (errno.EAGAIN, errno.EBUSY)


class SerialLine:
    """A serial line, opened for this process alone where the system can promise that.

    A pty has no modem lines (ioctl gives ENOTTY, which pyserial tolerates on opening). RTS and DTR are active
    while it is open, as terminals have them, unless ``hold`` asks for another level. Must be made inside a
    running event loop.

    Attributes:
        url: where the line is.
        baudrate: its speed from the next opening on.
        on_bytes: takes what comes; None drops it.
        exclusive: whether no other program may open the port meanwhile, from the next opening on.
        lost: resolves with the reason when the line is gone without having been closed.
    """

    noun: ClassVar[str] = "a serial cable"

    def __init__(self, url: str, *, baudrate: int = 9600, on_bytes: OnBytes | None = None) -> None:
        self.url = url
        self.baudrate = baudrate
        self.on_bytes = on_bytes
        self.exclusive = True
        self._users: set[object] = set()
        self._levels: dict[Literal["rts", "dtr"], bool] = {}
        self._opening = asyncio.Lock()
        self._calling = asyncio.Lock()
        self._port: serial.Serial | None = None
        self._fd: int | None = None
        self._reader: threading.Thread | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        """Whether bytes can pass."""
        return self._port is not None and not self.lost.done()

    def hold(self, name: Literal["rts", "dtr"], active: bool) -> None:
        """Have a modem line active or inactive from the next opening on.

        Linux makes both active for the moment that it takes to open a local port, whatever is asked for.

        Raises:
            BenchError: somebody else needs the other level.
        """
        if self._levels.setdefault(name, active) is not active:
            raise BenchError(
                f"{name.upper()} is an output, and is to be active all the time as well",
                self.url,
                f"leave {name} out of [device.console], or wire the output elsewhere",
            )

    async def acquire(self, user: object) -> None:
        """Open the line for ``user``, anew if it was lost; nothing happens when it is open.

        Raises:
            BenchError: it cannot be opened, or another program has it.
        """
        async with self._opening:
            if not self.is_open:
                await self._open()
            self._users.add(user)

    async def release(self, user: object) -> None:
        """Close the line when ``user`` was the last to use it. ``lost`` keeps what it says."""
        async with self._opening:
            self._users.discard(user)
            if not self._users:
                await self._close()

    async def _open(self) -> None:
        await self._close()
        if self.lost.done():
            self.lost = self._loop.create_future()
        try:
            try:
                port = await self._opened(self.url)
            except (OSError, ValueError) as problem:
                if not self._lacks_modem_lines(problem):
                    raise
                port = await self._opened(_without_control(self.url))
        except (OSError, ValueError, NotImplementedError) as problem:
            remedy = await asyncio.to_thread(_remedy, problem, self.url)
            raise BenchError(f"the serial port cannot be opened ({problem})", self.url, remedy) from problem
        self._port = port
        self._start_reading(port)

    async def _opened(self, url: str) -> serial.Serial:
        with warnings.catch_warnings():  # pyserial 3.5 names threads the old way
            warnings.simplefilter("ignore", DeprecationWarning)
            port = serial.serial_for_url(
                url,
                baudrate=self.baudrate,
                timeout=_THREAD_WAKES_EVERY,
                exclusive=self.exclusive,
                do_not_open=True,
            )
            for name, active in self._levels.items():
                setattr(port, name, active)
            await asyncio.to_thread(port.open)
        return port

    def _lacks_modem_lines(self, problem: Exception) -> bool:
        """Whether a terminal server did not confirm the modem lines of a port from which nobody needs them.

        A server whose port is a pty has none, and some confirm nothing (RFC 2217 §3, SET-CONTROL).
        """
        return self.url.startswith("rfc2217:") and not self._levels and "option 'control'" in str(problem)

    async def _close(self) -> None:
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
        port = self._there("written")
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

    async def call(self, operation: Callable[[serial.Serial], _Result]) -> _Result:
        """Do something with the port itself that may block for a while, one thing at a time, in order.

        Raises:
            BenchError: the line is closed or gone, or the port refuses.
        """
        async with self._calling:
            running = asyncio.ensure_future(asyncio.to_thread(operation, self._there("used")))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait({running})  # else the next operation could overtake it
                raise
            except (
                OSError,
                ValueError,
                TypeError,
                AttributeError,
            ) as problem:  # the last two: gone meanwhile
                raise BenchError(
                    f"the serial port cannot be used ({problem})", self.url, "check the cable and the port"
                ) from problem

    def _there(self, how: str) -> serial.Serial:
        if self._port is None or self.lost.done():
            reason = self.lost.result() if self.lost.done() else "it is not open"
            raise BenchError(f"the serial port cannot be {how} ({reason})", self.url, "check the cable")
        return self._port

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
            self._deliver(data, now())
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
        if self._port is not None and self.on_bytes is not None:
            self.on_bytes(data, at)

    def _lose(self, reason: str) -> None:
        self._stop_watching()
        if self._port is not None and not self.lost.done():
            self.lost.set_result(reason)

    def fail(self, reason: str) -> None:
        """Give the line up: who reads it cannot go on."""
        self._lose(reason)


def _without_control(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}ign_set_control"


def _remedy(problem: Exception, url: str) -> str:
    number = problem.errno if isinstance(problem, OSError) else None
    if number == errno.ENOENT:
        return remedy_for_absence()
    if number in (errno.EACCES, errno.EPERM):
        return remedy_for_permission(url)
    if number in _BUSY:
        return remedy_for_use(url)
    if "option 'control'" in str(problem):
        return "the server confirms no modem lines: wire what needs RTS or DTR elsewhere"
    return "check the port's address in the bench file, and the cable"


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
