"""A supervised container: started, connected to, and removed, as one thing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path

from harness.bench import supervisor
from harness.bench.engine import ROLE, Engine
from harness.bench.supervised import Supervised
from harness.timeline.errors import BenchError


class Place:
    """One container with a supervisor as its first process. It ends when this process does.

    Attributes:
        role: what it is to the bench.
        name: the container's name, a new one at each start.
    """

    def __init__(
        self, engine: Engine, image: str, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()
    ) -> None:
        """Describe the place; ``mounts`` are seen inside at the same paths, the first holds its socket."""
        self.role = role
        self.name = ""
        self._engine, self._image = engine, image
        self._mounts = tuple(mounts)
        self._cap_add = tuple(cap_add)
        self._supervised: Supervised | None = None

    async def start(self) -> Supervised:
        """Start the container and return the way to run programs in it. Raises BenchError."""
        # A name of its own each time: the engine may still be clearing up after the last.
        self.name = f"intercom-hil-{self.role}-{secrets.token_hex(4)}"
        script = Path(supervisor.__file__)
        socket = self._mounts[0] / f"{self.role}.sock"
        socket.unlink(missing_ok=True)
        running = asyncio.to_thread(
            self._engine.run_detached,
            self.name,
            ["python3", "-I", "-S", str(script), str(socket)],
            image=self._image,
            mounts=(*self._mounts, script),
            labels={ROLE: self.role},
            cap_add=self._cap_add,
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(running)
                connecting = group.create_task(Supervised.connect(socket, within=30.0))
        except* BenchError as problems:
            await self.stop()
            raise problems.exceptions[0] from None
        except* BaseException:
            await self.stop()
            raise
        self._supervised = connecting.result()
        return self._supervised

    async def stop(self) -> None:
        """End everything in it and remove it. Idempotent."""
        supervised, self._supervised = self._supervised, None
        if supervised is not None:
            await supervised.close()
        if self.name:
            await asyncio.to_thread(self._engine.remove, self.name)

    @property
    def supervised(self) -> Supervised:
        """The way to run programs in it.

        Raises:
            BenchError: it is not started.
        """
        if self._supervised is None:
            raise BenchError("the place is not started", self.role, "start it first")
        return self._supervised

    async def kill(self) -> None:
        """Kill the container as a power cut would."""
        await asyncio.to_thread(self._engine.kill, self.name)
