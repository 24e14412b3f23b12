"""Where SIPp runs: anything that can start a program, signal it and wait for its end.

The bench runs SIPp in a container, under a supervisor; `LocalHost` runs it on this machine with nothing more
than asyncio.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intercom_hil.sipp.options import LOG_STREAM

OnLine = Callable[[str, str, float], None]
"""Called for each line: stream (``stdout``, ``stderr``, ``log``), text, time (seconds since the epoch)."""


class Ended(Protocol):
    """How a program ended: exit status or number of a signal, and when (seconds since the epoch)."""

    @property
    def status(self) -> int | None:
        """The exit status, if it had one."""

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""

    @property
    def time(self) -> float:
        """When."""


class RunningProcess(Protocol):
    """A program that was started."""

    @property
    def pid(self) -> int:
        """Its process number, as the program itself knows it."""

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens once it has ended."""

    async def wait(self) -> Ended:
        """Wait until it has ended and its last line was passed on."""


class SippHost(Protocol):
    """What starts programs."""

    async def start(
        self, name: str, argv: Sequence[str], *, cwd: Path, on_line: OnLine | None = None
    ) -> RunningProcess:
        """Start a program in a working folder.

        What it writes to standard output and error goes to ``NAME.out`` and ``NAME.err`` in that folder; what
        it writes to ``/dev/fd/3`` goes to ``on_line``, line by line, as stream ``log``.

        Raises:
            Exception: the host's own, when the program cannot be started.
        """


@dataclass(frozen=True)
class LocalEnd:
    """How a program of this machine ended."""

    status: int | None
    signal: int | None
    time: float


class LocalProcess:
    """A program of this machine."""

    def __init__(self, process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
        self._process, self._reading = process, reading
        self._end: LocalEnd | None = None

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens once it has ended."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def wait(self) -> LocalEnd:
        """Wait until it has ended and its last line was passed on."""
        code = await self._process.wait()
        await asyncio.shield(self._reading)
        if self._end is None:
            status, signal = (code, None) if code >= 0 else (None, -code)
            self._end = LocalEnd(status, signal, time.time())
        return self._end


class LocalHost:
    """This machine, by way of asyncio. A program outlives a Python that is killed; its lifetime ends it."""

    async def start(
        self, name: str, argv: Sequence[str], *, cwd: Path, on_line: OnLine | None = None
    ) -> LocalProcess:
        """Start a program.

        Raises:
            OSError: it cannot be started.
        """
        reading, writing = os.pipe()
        try:
            with (cwd / f"{name}.out").open("ab") as output, (cwd / f"{name}.err").open("ab") as errors:
                process = await asyncio.create_subprocess_exec(
                    # The descriptor keeps its number in the program, and that need not be 3.
                    *(f"/dev/fd/{writing}" if text == str(LOG_STREAM) else text for text in argv),
                    cwd=cwd,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    pass_fds=(writing,),
                    start_new_session=True,  # an interrupt at the terminal reaches this process, not SIPp
                )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return LocalProcess(
            process, asyncio.create_task(_read_lines(reading, on_line), name=f"log of {name}")
        )


async def _read_lines(descriptor: int, on_line: OnLine | None) -> None:
    lines = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        while line := await lines.readline():
            if on_line is not None:
                on_line("log", line.decode("utf-8", "replace").rstrip("\r\n"), time.time())
    finally:
        transport.close()
