"""Commands of the user's, run to their end: without a shell, bounded in time and in what they may print."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from intercom_hil.lateness import stretched

MOST_PRINTED = 1_048_576
"""Bytes that a command may print; one that prints more is broken, and ended."""
LINGERS = 2.0
"""Seconds for which a command's output is still read when it has ended and a child of it keeps it open."""
_REAPED = 5.0  # s that the kernel may take to end a process that was killed


class GivenUp(Exception):  # noqa: N818  (it says what happened)
    """A command was ended, for what ``why`` says; ``printed`` is what it had printed."""

    def __init__(self, why: str, printed: bytes) -> None:
        super().__init__(why)
        self.why, self.printed = why, printed


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: its status (negative: by which signal) and what it printed."""

    status: int
    output: bytes
    errors: bytes


async def run_command(
    words: Sequence[str], *, within: float, standard_input: bytes | None = None, folder: Path | None = None
) -> Finished:
    """Run a command to its end; one that is given up is ended with its children.

    Children that have left its process group and keep its output open are not waited for.

    Args:
        words: program and arguments.
        within: how long it may take (s).
        standard_input: what it reads on its standard input; nothing when not given.
        folder: where it runs; here when not given.

    Raises:
        OSError: it cannot be run.
        GivenUp: it did not end in time, or printed too much.
    """
    loop = asyncio.get_running_loop()
    transport, run = await loop.subprocess_exec(
        _Run,
        *words,
        stdin=DEVNULL if standard_input is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=folder,
        start_new_session=True,
    )
    left_over = True
    try:
        if standard_input is not None:
            pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
            pipe.write(standard_input)
            pipe.close()
        try:
            async with stretched(within):
                await asyncio.wait((run.exited, run.flooded), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise GivenUp(f"did not end within {within:g} s", run.all_printed) from None
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGERS):
                await asyncio.wait((run.closed, run.flooded), return_when=asyncio.FIRST_COMPLETED)
                left_over = not run.closed.done()
        if run.flooded.done():
            raise GivenUp(f"printed more than {MOST_PRINTED} bytes", run.all_printed)
    finally:
        if left_over:
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            await asyncio.wait((run.exited,), timeout=_REAPED)
        transport.close()
    return Finished(transport.get_returncode() or 0, bytes(run.printed[1]), bytes(run.printed[2]))


class _Run(asyncio.SubprocessProtocol):
    """Collects what one process prints.

    Attributes:
        printed: by file descriptor.
        exited: resolves when the process has ended.
        closed: resolves when its output is at an end, too.
        flooded: resolves when it has printed too much.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.printed = {1: bytearray(), 2: bytearray()}
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.flooded: asyncio.Future[None] = loop.create_future()

    @property
    def all_printed(self) -> bytes:
        """Output, then errors."""
        return bytes(self.printed[1] + self.printed[2])

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what was printed, up to the bound."""
        kept = self.printed[fd]
        kept += data[: MOST_PRINTED - len(kept)]
        if len(kept) >= MOST_PRINTED and not self.flooded.done():
            self.flooded.set_result(None)

    def process_exited(self) -> None:
        """Note that the process has ended."""
        self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that process and output are at an end."""
        self.closed.set_result(None)
