"""Pictures of a run, as a page can show them: of the video that a scenario saw, and of the device.

A picture is taken into the page, so that it stays one file; one that is too large for that, or is neither PNG
nor JPEG, stays where it is and is only linked.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

LARGEST = 60_000
"""Bytes of one picture that is taken into a page."""
MOST = 16
"""Pictures of one scenario that are taken into a page."""
LARGEST_PHOTO = 400_000
"""Bytes of the picture of a device that is taken into a page."""
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""What the file of a picture begins with, and its media type."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture: what it is called, and its bytes as a ``data:`` URI."""

    name: str
    uri: str


def read_still(name: str, file: Path, largest: int = LARGEST) -> Still | None:
    """Return a picture, PNG or JPEG, or None when it cannot be shown."""
    try:
        if not file.is_file() or file.stat().st_size > largest:
            return None
        data = file.read_bytes()
    except OSError:
        return None
    kind = next((kind for first, kind in _KINDS.items() if data.startswith(first)), None)
    return Still(name, f"data:{kind};base64,{base64.b64encode(data).decode()}") if kind else None
