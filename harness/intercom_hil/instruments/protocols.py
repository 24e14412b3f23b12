"""What may be asked of an instrument: four small protocols that every adapter and every scenario meet at.

An instrument is opened and closed any number of times; both are idempotent. A cable that is pulled, or a
box that stops answering, resolves ``lost`` with the reason. Failures are ``BenchError``: an
instrument belongs to the bench.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from intercom_hil.timeline.observation import UnreadableLine

OnLine = Callable[[str, float], None]
"""Takes one complete console line and the time its end arrived (seconds since the epoch)."""

OnFragment = Callable[[UnreadableLine, float], None]
"""Takes what came of a line that is not whole, and when that was known (seconds since the epoch)."""

OnEdge = Callable[[bool, float], None]
"""Takes the new state of an input and the time of the edge (seconds since the epoch)."""


class Instrument(Protocol):
    """What all instruments have in common."""

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the instrument is gone while it should be open."""

    async def open(self) -> None:
        """Connect. Raises BenchError."""

    async def close(self) -> None:
        """Disconnect, leaving a safe state behind."""


class Console(Instrument, Protocol):
    """A device's console: complete lines, each with the time it arrived."""

    def listen(self, on_line: OnLine, on_fragment: OnFragment | None = None) -> None:
        """Give lines to ``on_line``, what is no whole line to ``on_fragment``, in place of who listened."""

    def begin(self, log: Path) -> None:
        """Append raw bytes to the file ``log`` from now on. Raises BenchError."""


class Output(Instrument, Protocol):
    """One thing that can be switched: a relay, a GPIO or modem line. Opening and closing switch it off."""

    async def set(self, active: bool) -> bool:
        """Switch it, and return whether the instrument read the new state back. Raises BenchError."""

    async def read(self) -> bool | None:
        """Return the state that the hardware shows, None where it cannot be read. Raises BenchError."""


class Input(Instrument, Protocol):
    """One thing that can be sensed: a door strike, a lamp."""

    def listen(self, on_edge: OnEdge) -> None:
        """Give every change of state from now on to ``on_edge``, in place of who listened before."""

    async def read(self) -> bool:
        """Return the state now. Raises BenchError."""


class Power(Instrument, Protocol):
    """The device's supply."""

    async def set(self, on: bool) -> bool:
        """Switch the supply, and return whether the instrument confirmed it. Raises BenchError."""
