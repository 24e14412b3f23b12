"""What may be asked of a source of events while the bench runs, whatever its way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol


class EventSource(Protocol):
    """Receives what a device tells of itself, and puts it on the timeline.

    Attributes:
        name: what messages and its raw log are called after; unique on its bench.
    """

    name: str

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when it can receive no more while it should be open."""

    async def open(self) -> None:
        """Receive from now on. Raises BenchError."""

    async def close(self) -> None:
        """Receive no more. Idempotent."""

    def begin(self, folder: Path) -> None:
        """Begin a scenario; raw bytes go into the folder. Raises BenchError."""

    def end(self) -> None:
        """End the scenario: what the device does from now on is not held against it."""
