"""The machine's wall clock, watched: observations are dated by it, and one that is set in mid-scenario lies.

Bounds in time go by the monotonic clock, which is never set. What was seen when, and in which order, goes by
the wall clock, because all witnesses share it, also those in containers and in the kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST_STEP = 0.1
"""Seconds that make a step; a clock that is slewed is some ms off between two looks."""
_LONGEST_LOOK = 0.01
"""Seconds that reading both clocks may take; a look during which others had the processor says nothing."""


class WallClock:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, on_step: Callable[[float], None]) -> None:
        """Watch; ``on_step`` is called with the seconds by which the clock was set, forward or back."""
        self._on_step = on_step
        self._offset: float | None = None

    def begin(self) -> None:
        """Forget what was before."""
        self._offset = None
        self.look()

    def look(self) -> None:
        """Compare the clocks with how they stood at the last look."""
        before = time.monotonic()
        wall = time.time()
        after = time.monotonic()
        if after - before > _LONGEST_LOOK:
            return
        offset, self._offset = self._offset, wall - before
        if offset is not None and abs(self._offset - offset) >= LEAST_STEP:
            self._on_step(self._offset - offset)
