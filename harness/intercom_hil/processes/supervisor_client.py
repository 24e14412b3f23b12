"""The bench's end of the leash: one supervised place, and the programs running in it.

It connects to a supervisor's socket; its programs are `Process` objects that can be signalled and awaited,
whose lines can be read. When the place is lost (its container killed), `Supervised.lost` says so at once and
every wait for one of its programs ends. One that hangs (its container paused) is lost when it has not given a
sign of life for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched, watch_process

OnLine = Callable[[str, str, float], None]
"""What is called for each line a program writes: stream (``stdout``, ``stderr``, ``log``), text, time."""

LONGEST_MESSAGE = 1 << 20
"""Bytes: the longest line the supervisor passes on, with every character escaped, and some room."""
POLL = 0.005
"""Seconds between looks for a socket that is not there yet."""
BEAT = 1.0
"""Seconds between two signs of life that a place is asked for."""
HANGS_AFTER = 5.0
"""Seconds without the one that it was asked for after which a place is lost; 1 ms is usual."""
_CREDENTIALS = struct.Struct("3i")
"""``struct ucred``: numbers of process, user and group."""


@dataclass(frozen=True)
class Exit:
    """How a program ended: exit status or signal number, and when (seconds since the epoch)."""

    status: int | None
    signal: int | None
    time: float

    def __str__(self) -> str:
        return f"exit status {self.status}" if self.signal is None else f"signal {_signal_name(self.signal)}"


class Process:
    """A program running in a supervised place.

    Attributes:
        name: its id there, and the stem of its ``.out`` and ``.err`` files.
        pid: its process number as the place counts.
        started: when it was started, seconds since the epoch.
    """

    def __init__(self, place: Supervised, name: str, pid: int, started: float) -> None:
        self._place = place
        self._end: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.name, self.pid, self.started = name, pid, started

    @property
    def exit(self) -> Exit | None:
        """How it ended, or None while it runs (or if its place was lost)."""
        return self._end.result() if self._end.done() and not self._end.exception() else None

    def signal(self, number: int) -> None:
        """Send a signal to the program (not to its children); nothing happens once it has ended."""
        if not self._end.done():
            self._place._send(command="signal", id=self.name, signal=int(number))

    async def wait(self, within: float | None = None) -> Exit:
        """Wait until the program has ended and every line it wrote has been passed on.

        Args:
            within: bound in seconds; None waits as long as it runs.

        Raises:
            TimeoutError: it still runs.
            BenchError: its place was lost.
        """
        async with stretched(within):
            return await asyncio.shield(self._end)


class Supervised:
    """One place with a supervisor in it. Make one with `connect`.

    Attributes:
        lost: resolves with the reason when the place goes away without having been asked to.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        where: str,
        ordered: str | None = None,
    ) -> None:
        self._reader, self._writer, self._where = reader, writer, where
        self._ordered = ordered
        self._of_ordered: list[dict[str, object]] = []
        self._starting: dict[str, tuple[asyncio.Future[Process], OnLine | None]] = {}
        self._running: dict[str, tuple[Process, OnLine | None]] = {}
        self._closing = False
        self._pings: deque[asyncio.Future[None]] = deque()
        self._hangs = ""
        self._unwatch = watch_process(peer) if (peer := _peer(writer)) else _nothing
        self._reading = asyncio.create_task(self._read(), name=f"supervised {where}")
        self._beating = asyncio.create_task(self._beat(), name=f"heartbeat of {where}")
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, socket_path: Path, *, within: float = 10.0) -> Supervised:
        """Connect to the supervisor that listens, or is about to listen, on a socket.

        Args:
            socket_path: the socket, at the path at which supervisor and bench both see it.
            within: bound in seconds.

        Raises:
            BenchError: nobody listened there in time.
        """
        try:
            async with stretched(within):
                while True:
                    with contextlib.suppress(FileNotFoundError, ConnectionError):
                        return await cls._connect_once(socket_path)
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise BenchError(
                f"no supervisor answered within {within:g} s",
                str(socket_path),
                "look at the container's log; it must have python3 and see this folder at the same path",
            ) from None

    @classmethod
    async def adopt(cls, connection: socket.socket, where: str, *, within: float = 10.0) -> Supervised:
        """Take over a connection to a supervisor that is about to serve it.

        Args:
            connection: a unix socket; it belongs to the result from now on.
            where: what the supervisor says on standard error, for whoever reads an error.
            within: bound in seconds.

        Raises:
            BenchError: the supervisor ended, or did not answer in time.
        """
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_MESSAGE)
        try:
            async with stretched(within):
                greeting = await reader.readline()
        except (TimeoutError, OSError):
            greeting = b""
        except BaseException:
            writer.close()
            raise
        if not greeting:
            writer.close()
            raise BenchError("the supervisor does not answer", where, "see what it says there")
        return cls(reader, writer, where)

    @classmethod
    async def take_over(cls, connection: socket.socket, where: str, ordered: str) -> Supervised:
        """Take over a connection on which a program has been ordered (`order_ahead`); `start` hands it out.

        Args:
            connection: it belongs to the result from now on.
            where: the supervisor's socket.
            ordered: the program's id.
        """
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_MESSAGE)
        return cls(reader, writer, where, ordered)

    @classmethod
    async def _connect_once(cls, socket_path: Path) -> Supervised:
        with _short(socket_path) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=LONGEST_MESSAGE)
        # A socket about to be closed still accepts; only a greeting proves that somebody serves.
        if not await reader.readline():
            writer.close()
            raise ConnectionResetError
        return cls(reader, writer, str(socket_path))

    async def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        on_line: OnLine | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a program.

        Its standard output and error go to ``NAME.out`` and ``NAME.err`` in ``cwd`` (appended), and, line by
        line, to ``on_line``; so does what it writes to ``/dev/fd/3`` (stream ``log``).

        Args:
            name: unique among the running programs; letters, digits, dot, dash and underscore. A program
                that has been ordered ahead under this name, of the same arguments, is the one.
            argv: program and arguments, as the place sees them.
            cwd: working directory, as the place sees it.
            on_line: called with stream, text and time for every line, on the event loop.
            env: variables to set on top of the place's own.

        Raises:
            BenchError: the program cannot be started, or the place is lost.
        """
        if name in self._starting or name in self._running:
            raise BenchError(f"program {name} is running already", self._where)
        coming: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._starting[name] = coming, on_line
        try:
            if name == self._ordered:
                self._hand_out()
            else:
                self._send(**_start(name, argv, cwd, env, forward=on_line is not None))
            return await coming
        finally:
            self._starting.pop(name, None)

    async def sign_of_life(self, within: float = HANGS_AFTER) -> None:
        """Ask the place for a sign of life; one that gives none is lost.

        Args:
            within: bound in seconds.

        Raises:
            BenchError: none came in time, or the place is lost.
        """
        self._send(command="ping")
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pings.append(answered)
        try:
            async with stretched(within):
                await asyncio.shield(answered)
        except TimeoutError:
            self._hangs = (
                f"no sign of life for {within:g} s: its supervisor is stopped, or its container paused"
            )
            self._reading.cancel()
            raise BenchError(self._hangs, self._where, "see what stopped it") from None

    async def close(self) -> None:
        """End every program and the supervisor, and wait for it (at most about 2 s). Idempotent."""
        self._closing = True
        with contextlib.suppress(BenchError):
            self._send(command="shutdown")
        try:
            async with stretched(5.0):
                await asyncio.wait({self._reading})
        except TimeoutError:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        finally:
            self._beating.cancel()
            self._writer.transport.abort()  # what it has not read by now it need not
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _beat(self) -> None:
        with contextlib.suppress(BenchError):
            while True:
                await asyncio.sleep(BEAT)
                await self.sign_of_life()

    def _hand_out(self) -> None:
        """Take in what has come of the program that was ordered ahead. Raises BenchError: it is lost."""
        self._ordered, events = None, self._of_ordered
        self._of_ordered = []
        for event in events:
            self._take(event)
        if self._reading.done():
            raise self._gone()

    def _gone(self) -> BenchError:
        return BenchError("the place is lost", self._where, "see why it ended: killed, out of memory?")

    def _send(self, **command: object) -> None:
        if self._reading.done():
            raise self._gone()
        self._writer.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        problem = "the supervisor's connection was closed"
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"the supervisor's connection failed: {error!r}"
        finally:
            self._unwatch()
            self._give_up(self._hangs or problem)

    def _take(self, event: dict[str, object]) -> None:
        name = str(event.get("id", ""))
        if "id" in event and name == self._ordered:
            self._of_ordered.append(event)
            return
        match event["event"]:
            case "pong" if self._pings:
                answered = self._pings.popleft()
                if not answered.done():
                    answered.set_result(None)
            case "started" if name in self._starting:
                coming, on_line = self._starting.pop(name)
                process = Process(self, name, _int(event["pid"]), _float(event["time"]))
                self._running[name] = process, on_line
                if coming.done():  # whoever asked for it has gone: it must not run unowned
                    process.signal(signal.SIGKILL)
                else:
                    coming.set_result(process)
            case "refused" if name in self._starting:
                coming, _ = self._starting.pop(name)
                if not coming.done():
                    coming.set_exception(BenchError(f"cannot start {name}: {event['problem']}", self._where))
            case "line" if name in self._running:
                self._pass_on(name, event)
            case "exited" if name in self._running:
                process, _ = self._running.pop(name)
                status, number = event["status"], event["signal"]
                process._end.set_result(
                    Exit(
                        None if status is None else _int(status),
                        None if number is None else _int(number),
                        _float(event["time"]),
                    )
                )

    def _pass_on(self, name: str, event: dict[str, object]) -> None:
        on_line = self._running[name][1]
        if on_line is None:
            return
        try:
            on_line(str(event["stream"]), str(event["text"]), _float(event["time"]))
        except Exception as error:  # one listener's fault must not silence every other program
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"listener to {name} failed", "exception": error}
            )

    def _give_up(self, problem: str) -> None:
        lost = BenchError(problem, self._where, "see why it ended: killed, out of memory?")
        waiting: list[asyncio.Future[Process] | asyncio.Future[Exit] | asyncio.Future[None]] = [
            c for c, _ in self._starting.values()
        ]
        waiting += self._pings
        waiting += [process._end for process, _ in self._running.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(lost)
                future.exception()  # seen: nobody need be waiting for it
        self._running.clear()
        if not self._closing and not self.lost.done():
            self.lost.set_result(problem)


def order_ahead(socket_path: Path, name: str, argv: Sequence[str], cwd: Path, within: float) -> socket.socket:
    """Order a program of a supervisor that listens, or is about to; it blocks, and needs no event loop.

    Returns:
        The connection, for `Supervised.take_over`. When it is closed, the program ends.

    Raises:
        BenchError: nobody listened there in time.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        try:
            with _short(socket_path) as address:
                connection.settimeout(within)
                connection.connect(address)
            greeting = b""
            while not greeting.endswith(b"\n") and (more := connection.recv(1)):
                greeting += more
            if greeting.endswith(b"\n"):
                order = _start(name, argv, cwd, None, forward=True)
                connection.sendall(json.dumps(order).encode() + b"\n")
                return connection
        except OSError:
            pass  # it does not listen yet
        connection.close()
        time.sleep(POLL)
    raise BenchError(f"no supervisor answered within {within:g} s", str(socket_path))


def _start(
    name: str, argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None, *, forward: bool
) -> dict[str, object]:
    return {
        "command": "start",
        "id": name,
        "argv": list(argv),
        "cwd": str(cwd),
        "env": dict(env or {}),
        "forward": forward,
    }


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield an address of the socket that fits into the 108 bytes there are, however deep the path."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _int(value: object) -> int:
    if isinstance(value, int):
        return value
    raise TypeError(f"a number was expected, not {value!r}")


def _float(value: object) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"a time was expected, not {value!r}")


def _peer(writer: asyncio.StreamWriter) -> int:
    """Return the number that the supervisor's process has here (SO_PEERCRED in unix(7)); 0 if it has none."""
    connection: socket.socket = writer.get_extra_info("socket")
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return 0
    pid: int = _CREDENTIALS.unpack(data)[0]
    return pid


def _nothing() -> None:
    pass
