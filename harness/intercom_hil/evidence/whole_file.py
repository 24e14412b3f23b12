"""Storing a file of a run in one step."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, data: str | bytes) -> None:
    """Store text or bytes so that no reader meets half of it, not even where the writer is killed meanwhile.

    Raises:
        OSError: it cannot be written; what was there before is there still.
    """
    part = path.with_name(f".{path.name}.part")  # hidden: no pattern that finds the file finds this
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
