"""The stable names of serial ports: what udev calls the ports that are there, and the advice that follows.

A number such as ``/dev/ttyUSB0`` goes to whichever cable is found first; the links in ``/dev/serial/by-id``
carry maker, product and serial number, and ``by-path`` the socket that the cable is in.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_BY_ID = Path("/dev/serial/by-id")
_REMOTE = re.compile(r"^[a-z0-9+]+://([^/?#]*)")
_NO_PATH = re.compile(r"^[a-z]+:(?!//)")  # labgrid:NAME: a place says later where it is


def stable_names(folder: Path = _BY_ID) -> list[Path]:
    """Return the stable names of the serial ports that are there now, in order; none if there is no udev."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def stable_name_of(port: str, folder: Path = _BY_ID) -> Path | None:
    """Return the stable name of a port that is given by another name, None if it has none or is stable."""
    path = Path(port)
    if path.is_relative_to(folder) or not path.exists():
        return None
    return next((name for name in stable_names(folder) if name.resolve() == path.resolve()), None)


def remedy_for_absence(folder: Path = _BY_ID) -> str:
    """Return what to do about a port that is not there, with the names of those that are."""
    there = ", ".join(map(str, stable_names(folder)))
    found = f"there are {there}" if there else "none is plugged in that has a name there"
    return f"plug the cable in, or correct the path; names in {folder} do not change: {found}"


def port_identity(port: str) -> str:
    """Return the one name of a port that has several in /dev, or one for each protocol of its server."""
    remote = _REMOTE.match(port)
    if remote:
        return f"serial port {remote[1]}"
    return f"serial port {port if _NO_PATH.match(port) else os.path.realpath(port)}"
