"""The stable names of serial ports: what udev calls the ports that are there, and the advice that follows.

A number such as ``/dev/ttyUSB0`` goes to whichever cable is found first; the links in ``/dev/serial/by-id``
carry maker, product and serial number, and ``by-path`` the socket that the cable is in.
"""

from __future__ import annotations

import grp
import os
import re
from contextlib import suppress
from pathlib import Path

_BY_ID = Path("/dev/serial/by-id")
_PROCESSES = Path("/proc")
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


def remedy_for_permission(port: str) -> str:
    """Return what to do about a port that this user may not open."""
    try:
        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    if group == "root":  # to be in that group would be too much
        return f"have udev give {port} to a group such as dialout, and your user that group"
    return f"add your user to the group {group} (sudo usermod -aG {group} $USER), and log in anew"


def remedy_for_use(port: str, processes: Path = _PROCESSES) -> str:
    """Return what to do about a port that another program has, with the programs that have it.

    Those of other users cannot be seen without root.
    """
    users = []
    for link in processes.glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.path.samefile(link, port) and link.parent.parent.name != str(os.getpid()):
                name = (link.parent.parent / "comm").read_text(encoding="utf-8", errors="replace").strip()
                users.append(f"{name} (process {link.parent.parent.name})")
    if not users:
        return f"close the other program that has the port open (sudo fuser -v {port} names it)"
    return f"close the other program that has the port open: {', '.join(dict.fromkeys(users))}"


def port_identity(port: str) -> str:
    """Return the one name of a port that has several in /dev, or one for each protocol of its server."""
    remote = _REMOTE.match(port)
    if remote:
        return f"serial port {remote[1]}"
    return f"serial port {port if _NO_PATH.match(port) else os.path.realpath(port)}"
