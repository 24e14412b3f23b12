"""Putting a finished report into a run directory: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def put(folder: Path, name: str, data: bytes | Iterable[bytes]) -> Path:
    """Write a file beside its final place and move it there, so that no reader meets half a report.

    Args:
        folder: the run directory.
        name: the file's name.
        data: what it holds, whole or piece by piece.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = folder / name
    unfinished = folder / f".{name}.unfinished"
    try:
        with unfinished.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
