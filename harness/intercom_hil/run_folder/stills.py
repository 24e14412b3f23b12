"""Pictures of the video that a scenario saw: PNG files of its evidence, as a page can show them.

A picture is taken into the page, so that it stays one file; one that is too large for that, or is no PNG,
stays where it is and is only linked.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

LARGEST = 60_000
"""Bytes of one picture that is taken into a page."""
MOST = 16
"""Pictures of one scenario that are taken into a page."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Still:
    """One picture: what it is called, and its bytes as a ``data:`` URI."""

    name: str
    uri: str


def read_still(name: str, file: Path) -> Still | None:
    """Return a picture, or None when it cannot be shown."""
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return None
        data = file.read_bytes()
    except OSError:
        return None
    if not data.startswith(_SIGNATURE):
        return None
    return Still(name, f"data:image/png;base64,{base64.b64encode(data).decode()}")
