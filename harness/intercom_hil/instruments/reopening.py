"""A console whose cable may go for a while: the line is opened again when it is back, and both are reported.

For cables that are unplugged in the course of a run, such as that of a device whose own USB socket is its
console. It gives the lines of a SerialConsole, and reports each loss and each return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from intercom_hil.errors import BenchError
from intercom_hil.instruments.protocols import OnFragment, OnLine
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.timeline.timeline import now

LOOK_EVERY = 0.1
"""Seconds between two tries to open the line again."""

OnLink = Callable[[bool, str, float], None]
"""Takes whether the line is there, why it went (empty at its return), and when (seconds since the epoch)."""


class ReopeningConsole:
    """Console that survives the loss of its line, for a bounded time. What was said meanwhile is not known.

    The raw log goes on in the same file. ``lost`` resolves only when the line stays away, or when its raw
    log cannot be written. Must be made inside a running event loop.

    Attributes:
        console: the console itself.
        lost: resolves with the reason when it is lost for good.
    """

    def __init__(self, console: SerialConsole, *, within: float, on_link: OnLink) -> None:
        """Describe the console.

        Args:
            console: the console; it is opened and closed through this one only.
            within: how long it may be away, in seconds.
            on_link: called at each loss and each return.
        """
        self.console = console
        self._within = within
        self._on_link = on_link
        self._watch: asyncio.Task[None] | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def listen(self, on_line: OnLine, on_fragment: OnFragment | None = None) -> None:
        """Give lines to ``on_line``, what is no whole line to ``on_fragment``, in place of who listened."""
        self.console.listen(on_line, on_fragment)

    def begin(self, log: Path) -> None:
        """Append every byte from now on to the file ``log``. Raises BenchError."""
        self.console.begin(log)

    async def open(self) -> None:
        """Open the line; that it is not there at the first opening is an error. Raises BenchError."""
        if self._watch is not None and not self._watch.done():
            return
        if self.lost.done():
            self.lost = asyncio.get_running_loop().create_future()
        await self.console.open()
        self._watch = asyncio.create_task(self._keep_open())

    async def close(self) -> None:
        """Close the line and the raw log, and wait for its return no longer."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        await self.console.close()

    async def _keep_open(self) -> None:
        while True:
            reason = await asyncio.shield(self.console.lost)
            self._on_link(False, reason, now())
            if not (self.console.can_return and await self._is_back()):
                self.lost.set_result(reason)
                return
            self._on_link(True, "", now())

    async def _is_back(self) -> bool:
        deadline = monotonic() + self._within
        while monotonic() < deadline:
            try:
                await self.console.open()
            except BenchError:
                await asyncio.sleep(LOOK_EVERY)
            else:
                return True
        return False
