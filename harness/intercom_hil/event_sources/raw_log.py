"""The raw log of one source: every byte that came, in a file of the scenario's own, bounded.

A file that cannot be written loses the source: evidence must not be missing
without a word.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from intercom_hil.errors import BenchError
from intercom_hil.timeline.arrivals import Arrivals
from intercom_hil.timeline.timeline import now

MOST_BYTES = 16 << 20
"""Bytes kept of one scenario; a device that says more is noted, and the rest is not kept."""
_CUT = b"\n[the rest of this scenario is not kept]\n"


class RawLog:
    """Where a source keeps what came. ``lost`` is resolved when it cannot be kept."""

    def __init__(self, lost: asyncio.Future[str]) -> None:
        self.lost = lost
        self._file: BinaryIO | None = None
        self._arrivals: Arrivals | None = None
        self._room = 0

    def begin(self, path: Path) -> None:
        """Write to ``path`` from now on, and beside it when what came. Raises BenchError."""
        self.close()
        try:
            self._file = path.open("ab", buffering=0)
            self._arrivals = Arrivals(path)
        except OSError as problem:
            raise BenchError(
                f"the raw log cannot be written ({problem.strerror})", str(path), "check the run folder"
            ) from problem
        self._room = MOST_BYTES

    def write(self, data: bytes, at: float | None = None) -> None:
        """Keep what came, and when (seconds since the epoch; now if not given)."""
        if self._file is None or self._arrivals is None or self._room <= 0 or not data:
            return
        self._room -= len(data)
        kept = data if self._room > 0 else data[: self._room] + _CUT
        try:
            self._file.write(kept)
            self._arrivals.note(now() if at is None else at, len(kept))
        except OSError as problem:
            self.close()
            if not self.lost.done():
                self.lost.set_result(f"its raw log cannot be written: {problem.strerror}")

    def close(self) -> None:
        """Keep no more."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._arrivals is not None:
            self._arrivals.close()
            self._arrivals = None
