"""What the folders of runs and of scenarios are called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

OWNER_ONLY = 0o700
"""The mode of a run folder: what is in it is for the eyes of its owner."""


def new_stamp() -> str:
    """Return the name of a run folder made now: UTC, readable, in order."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def fresh_stamp(parents: Sequence[Path]) -> str:
    """Make a folder of the same new name in each of these, and return the name: no other run has it.

    Raises:
        OSError: a folder cannot be made.
    """
    for parent in parents:
        parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        stamp = new_stamp() if number == 1 else f"{new_stamp()}.{number}"
        made: list[Path] = []
        try:
            for parent in parents:
                (parent / stamp).mkdir(mode=OWNER_ONLY)
                made.append(parent / stamp)
        except FileExistsError:
            for path in made:
                path.rmdir()
            continue
        return stamp
    raise OSError("a thousand runs began in this second")


def folder_name(identity: str) -> str:
    """Return a name as a folder can have it."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in identity)[:150]
