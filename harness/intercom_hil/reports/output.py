"""Putting a finished report into a run directory: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def put(folder: Path, name: str, data: bytes) -> Path:
    """Write a file beside its final place and move it there, so that no reader meets half a report.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = folder / name
    unfinished = folder / f".{name}.unfinished"
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
