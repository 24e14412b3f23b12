"""tcpdump, run in a supervised place: captured frames come out of it one by one, and the number it lost.

It writes a pcap stream into a FIFO in a folder that bench and place see at the same path; the event loop
reads it as it comes. When the bench is slow the FIFO fills, then tcpdump's kernel buffer: only then are
packets lost, and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.lateness import stretched
from intercom_hil.pcap.pcap import Frame, PcapReader
from intercom_hil.processes.process_host import ProcessHost, RunningProcess
from intercom_hil.wire.error import WireError

START_WITHIN = 10.0
"""Seconds that tcpdump may take until it captures."""

COUNT_WITHIN = 2.0
"""Seconds that tcpdump may take to say how many packets were lost."""

STOP_WITHIN = 2.0
"""Seconds that tcpdump may take to end after TERM, and after KILL."""

KERNEL_BUFFER_KIB = 16_384
"""All of it is taken at once, and stays so: four times as much would be a quarter of a resting bench."""
SNAP_BYTES = 32_000
"""Captured bytes of a frame; no SIP message on a bench is longer. In immediate mode the kernel buffer
has slots of one size, rounded up to a power of two: these fit 32 KiB, and there are five hundred. (The usual
``-s 0`` with 8 MiB gives 64, which a short stall of tcpdump overflows.)"""
_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_DROPPED = re.compile(r"(\d+) packets? dropped by kernel")


class Sniffer:
    """One tcpdump on one interface.

    Attributes:
        lost: resolves with the reason when it breaks down without having been asked to stop.
    """

    def __init__(
        self,
        *,
        place: ProcessHost,
        folder: Path,
        interface: str,
        capture_filter: str,
        on_frame: Callable[[Frame], None],
    ) -> None:
        """Prepare; nothing runs before ``start``. To be made on the running event loop.

        Args:
            place: where tcpdump runs; it needs the capabilities NET_RAW and NET_ADMIN there.
            folder: holds the FIFO.
            interface: the network interface.
            capture_filter: in the language of pcap-filter(7); empty captures all.
            on_frame: called with every frame, on the event loop.
        """
        self._place, self._folder, self._interface = place, folder, interface
        self._filter, self._on_frame = capture_filter, on_frame
        self._fifo = folder / f"{interface}.fifo"
        self._descriptor: int | None = None
        self._process: RunningProcess | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reader = PcapReader()
        self._count: asyncio.Future[int] | None = None
        self._said: deque[str] = deque(maxlen=10)
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()

    @property
    def link_type(self) -> int:
        """The LINKTYPE_ of the frames. Raises RuntimeError before it has started."""
        if self._reader.link_type is None:
            raise RuntimeError("the capture has not started")
        return self._reader.link_type

    async def start(self) -> None:
        """Start capturing; returns when tcpdump listens.

        Raises:
            BenchError: it cannot be started, or refuses the interface or the filter.
        """
        self._open_fifo()
        argv = ["tcpdump", "-i", self._interface, "-n", "-U", "--immediate-mode"]
        argv += ["-s", str(SNAP_BYTES), "-B", str(KERNEL_BUFFER_KIB), "-Z", "root", "-w", str(self._fifo)]
        argv += [self._filter] if self._filter else []
        name = f"tcpdump-{self._interface}"
        self._process = await self._place.start(name, argv, cwd=self._folder, on_line=self._line)
        self._watch = asyncio.create_task(self._watch_process(self._process), name=name)
        await self._first(self._ready, START_WITHIN, "tcpdump does not capture")

    async def stop(self) -> None:
        """End tcpdump. Idempotent."""
        process, self._process = self._process, None
        self._stop_reading()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if process is not None:
            # A lost place has ended its programs already.
            with contextlib.suppress(BenchError):
                await _end(process)
        self._fifo.unlink(missing_ok=True)

    async def dropped(self) -> int:
        """Return how many packets were lost since it started; tcpdump says so on SIGUSR1.

        Raises:
            BenchError: it does not say, and is lost then.
        """
        if self._process is None:
            raise BenchError("the capture does not run", self._interface)
        self._count = asyncio.get_running_loop().create_future()
        self._process.signal(signal.SIGUSR1)
        try:
            await self._first(self._count, COUNT_WITHIN, "tcpdump does not count lost packets")
        except BenchError as problem:
            self.lose(problem.what)
            raise
        return self._count.result()

    def lose(self, reason: str) -> None:
        """Give the capture up, for a reason that ``lost`` passes on."""
        self._stop_reading()
        if self._process is not None and not self.lost.done():
            self.lost.set_result(reason)

    def _open_fifo(self) -> None:
        try:
            self._fifo.unlink(missing_ok=True)
            os.mkfifo(self._fifo)
            self._descriptor = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as problem:
            where = str(self._fifo)
            raise BenchError(f"the capture's FIFO cannot be made: {problem.strerror}", where) from problem
        # The usual 64 KiB will do where a larger pipe is not allowed.
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable)

    def _stop_reading(self) -> None:
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _readable(self) -> None:
        if self._descriptor is None:
            return
        try:
            data = os.read(self._descriptor, _READ_BYTES)
            if not data:
                self.lose(f"tcpdump closed its output{self._last_words()}")
                return
            frames = self._reader.feed(data)
        except BlockingIOError:
            return
        except (WireError, OSError) as problem:
            self.lose(str(problem))
            return
        if not self._ready.done() and self._reader.link_type is not None:
            self._ready.set_result(None)
        try:
            for frame in frames:
                self._on_frame(frame)
        except Exception as problem:
            # Whoever's fault it is: a witness that stumbled must not go on as if it had seen everything.
            self.lose(f"decoding failed: {problem!r}")
            raise

    def _line(self, stream: str, text: str, at: float) -> None:
        self._said.append(text)
        match = _DROPPED.search(text)
        if match and self._count is not None and not self._count.done():
            self._count.set_result(int(match[1]))

    async def _first(
        self, awaited: asyncio.Future[None] | asyncio.Future[int], within: float, problem: str
    ) -> None:
        with contextlib.suppress(TimeoutError):
            async with stretched(within):
                await asyncio.wait((awaited, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            if self.lost.done():
                problem = f"the capture is lost: {self.lost.result()}"
            else:
                problem = f"{problem} within {within:g} s{self._last_words()}"
            raise BenchError(problem, f"interface {self._interface}")

    async def _watch_process(self, process: RunningProcess) -> None:
        try:
            end = str(await process.wait())
        except BenchError as problem:
            end = str(problem)
        self.lose(f"tcpdump ended ({end}){self._last_words()}")

    def _last_words(self) -> str:
        return f"; it said: {' / '.join(self._said)}" if self._said else ""


async def _end(process: RunningProcess) -> None:
    process.signal(signal.SIGTERM)
    try:
        await process.wait(STOP_WITHIN)
    except TimeoutError:
        process.signal(signal.SIGKILL)
        await process.wait(STOP_WITHIN)
