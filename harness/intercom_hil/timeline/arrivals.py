"""When the bytes of a raw log arrived: a text file beside it, a line for each portion.

A line has the time (seconds since the epoch) and the number of bytes that came then. So the log itself stays
as it came, and can be read, and its lines can be dated anew. A secret that is replaced in the log later keeps
its length, and so do the portions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".times"


class Arrivals:
    """Writes the times of one raw log."""

    def __init__(self, log: Path) -> None:
        """Write beside a log; what it has already stays. Raises OSError."""
        self._file: BinaryIO = log.with_suffix(SUFFIX).open("ab", buffering=0)

    def note(self, at: float, size: int) -> None:
        """Note when (seconds since the epoch) how many bytes came. Raises OSError."""
        self._file.write(b"%.6f %d\n" % (at, size))

    def began_anew(self, at: float) -> None:
        """Note that the line was opened again, so that what had begun is not gone on with. Raises OSError."""
        self.note(at, 0)

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def portions(log: Path) -> Iterator[tuple[float, bytes]]:
    """Yield the portions of a raw log with the times at which they came; nothing where no times were kept.

    A portion without a byte says that what had begun is not gone on with.

    Raises:
        OSError: a file cannot be read.
        ValueError: the times are none, or are not those of this log.
    """
    times = log.with_suffix(SUFFIX)
    if not times.exists():
        return
    data, at, before = log.read_bytes(), 0, 0.0
    *lines, rest = times.read_bytes().split(b"\n")
    if rest:  # each line is written at once
        raise ValueError(f"there is something behind line {len(lines)} that is no line")
    for number, line in enumerate(lines, start=1):
        try:
            time, size = float(line.partition(b" ")[0]), int(line.partition(b" ")[2])
        except ValueError:
            raise ValueError(f"line {number} is no time and size") from None
        if size < 0 or not before <= time + _BACK:
            raise ValueError(f"line {number} does not follow those before it")
        before = time
        yield time, data[at : at + size]
        at += size
    if at != len(data):
        raise ValueError(f"they are of {at} bytes, and {log.name} has {len(data)}")


_BACK = 3600.0
"""Seconds by which a clock that is set may go back."""
