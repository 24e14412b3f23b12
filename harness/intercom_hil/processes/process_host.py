"""Where native programs run: started, signalled and awaited, and all ended when this process does.

`ProcessHost` and `RunningProcess` are what those name who have programs run. A host is made of a container or
of processes of this machine, in which a supervisor holds everything that it started on a leash.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from intercom_hil.errors import BenchError, joined
from intercom_hil.processes import supervisor
from intercom_hil.processes.engine import ROLE, Engine
from intercom_hil.processes.supervisor_client import Exit, OnLine, Supervised, order_ahead

SUPERVISOR = Path(supervisor.__file__)
START_WITHIN = 30.0
"""Seconds until the supervisor must have answered; 0.1 to 0.4 is usual, a loaded machine takes longer."""


class RunningProcess(Protocol):
    """A program that was started."""

    def signal(self, number: int) -> None:
        """Send a signal to the program (not to its children); nothing happens once it has ended.

        Raises:
            BenchError: its host is lost.
        """

    async def wait(self, within: float | None = None) -> Exit:
        """Wait until the program has ended and every line it wrote has been passed on.

        Args:
            within: bound in seconds; None waits as long as it runs.

        Raises:
            TimeoutError: it still runs.
            BenchError: its host is lost.
        """


class ProcessHost(Protocol):
    """What programs are started on."""

    async def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        on_line: OnLine | None = None,
        env: Mapping[str, str] | None = None,
    ) -> RunningProcess:
        """Start a program; `Supervised.start` says how.

        Raises:
            BenchError: the program cannot be started, or the host is lost.
        """


class SupervisedHost(ABC):
    """One host with a supervisor in it, opened and removed as one.

    Attributes:
        role: what it is to the bench.
        name: its own, a new one at each start.
    """

    def __init__(self, role: str) -> None:
        self.role = role
        self.name = ""
        self._begun = False
        self._supervised: Supervised | None = None

    def begin(self) -> None:
        """Begin to open the place: at once, and without an event loop. `start` goes on from there."""
        # A name of its own each time: the last one may still be being cleared up.
        self.name = f"intercom-hil-{self.role}-{secrets.token_hex(4)}"
        self._begun = True

    async def start(self) -> Supervised:
        """Open the place and return the way to run programs in it. Raises BenchError."""
        if not self._begun:
            self.begin()
        self._begun = False
        try:
            self._supervised = await self._open()
        except BaseException:
            await self.stop()
            raise
        return self._supervised

    async def stop(self) -> None:
        """End everything in it and remove it. Idempotent."""
        supervised, self._supervised = self._supervised, None
        if supervised is not None:
            await supervised.close()
        if self.name:
            await self._remove()

    @property
    def is_open(self) -> bool:
        """Whether it is started, and was not lost since."""
        return self._supervised is not None and not self._supervised.lost.done()

    @property
    def supervised(self) -> Supervised:
        """The way to run programs in it.

        Raises:
            BenchError: it is not started.
        """
        if self._supervised is None:
            raise BenchError("the place is not started", self.role, "start it first")
        return self._supervised

    @abstractmethod
    async def kill(self) -> None:
        """Kill everything in it as a power cut would."""

    @abstractmethod
    async def _open(self) -> Supervised:
        """Start the supervisor and connect to it. Raises BenchError; what was begun is removed then."""

    @abstractmethod
    async def _remove(self) -> None:
        """Remove what is left of it, in whatever state it is. Idempotent."""


class ContainerProcessHost(SupervisedHost):
    """One container with a supervisor as its first process."""

    def __init__(
        self,
        engine: Engine,
        image: str,
        role: str,
        *,
        mounts: Sequence[Path],
        read_only: Sequence[Path] = (),
        cap_add: Sequence[str] = (),
    ) -> None:
        """Describe the place; ``mounts`` are seen inside at the same paths, the first holds its socket."""
        super().__init__(role)
        self._engine, self._image = engine, image
        self._mounts, self._read_only = tuple(mounts), tuple(read_only)
        self._cap_add = tuple(cap_add)
        self._socket = self._mounts[0] / f"{role}.sock"
        self._running: Future[str] | None = None
        self._ordered: tuple[str, Future[socket.socket]] | None = None

    def begin(self) -> None:
        """Have the engine start the container, in a thread."""
        super().begin()
        self._ordered = None
        self._socket.unlink(missing_ok=True)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)
        self._running = thread.submit(
            self._engine.run_detached,
            self.name,
            ["python3", "-I", "-S", str(SUPERVISOR), str(self._socket)],
            image=self._image,
            mounts=self._mounts,
            read_only=(*self._read_only, SUPERVISOR),
            labels={ROLE: self.role},
            cap_add=self._cap_add,
        )
        thread.shutdown(wait=False)

    def order(self, name: str, argv: Sequence[str], cwd: Path) -> None:
        """Have a program started in the container that was begun; `Supervised.start` hands it out.

        Args:
            name: its id.
            argv: program and arguments.
            cwd: working directory.
        """
        running = self._running
        assert running is not None

        def ordered() -> socket.socket:
            running.result()
            return order_ahead(self._socket, name, argv, cwd, START_WITHIN)

        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)
        self._ordered = name, thread.submit(ordered)
        thread.shutdown(wait=False)

    def until_begun(self) -> None:
        """Block until the container that was begun runs, and what was ordered of it has been.

        Raises:
            BenchError: the engine refused, or the supervisor in it does not answer.
        """
        assert self._running is not None
        self._running.result()
        if self._ordered is not None:
            self._ordered[1].result()

    def abandon(self) -> None:
        """Block until a container that was begun is gone again. Raises BenchError."""
        self._begun, running = False, self._running
        ordered, self._ordered = self._ordered, None
        if running is None:
            return
        with suppress(BenchError):
            running.result()
            if ordered is not None:  # first: it would look in vain for a supervisor that is gone already
                ordered[1].result().close()
        self._engine.remove(self.name)

    async def kill(self) -> None:
        """Kill the container as a power cut would."""
        await asyncio.to_thread(self._engine.kill, self.name)

    async def _open(self) -> Supervised:
        ordered, self._ordered = self._ordered, None
        if ordered is not None:
            name, coming = ordered
            connection = await asyncio.to_thread(coming.result)
            return await Supervised.take_over(connection, str(self._socket), name)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread(self.until_begun))
                connecting = group.create_task(Supervised.connect(self._socket, within=START_WITHIN))
        except BaseExceptionGroup as problems:
            raise joined(problems.exceptions) from None
        return connecting.result()

    async def _remove(self) -> None:
        await asyncio.to_thread(self._engine.remove, self.name)
