"""Sockets beside the SIP stack's own: media ports for what it cannot do, and duplicates of those it has.

Bound sockets that never block, or None where none can be had.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path


def media_socket(address: str, ports: tuple[int, int]) -> socket.socket | None:
    """Return a datagram socket at a free even port; None when every one is taken.

    Args:
        address: the device's.
        ports: the first and last port of its media; they are tried from the last one down, as the stack
            tries them from the first one up.
    """
    first, last = ports
    for port in range(last - last % 2, first, -2):
        candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        candidate.setblocking(False)
        try:
            candidate.bind((address, port))
        except OSError:
            candidate.close()
            continue
        return candidate
    return None


def duplicate_of_bound_socket(address: tuple[str, int]) -> socket.socket | None:
    """Return a duplicate of this process's datagram socket at an address, that the stack keeps to itself."""
    for entry in Path("/proc/self/fd").iterdir():
        if not entry.is_symlink() or not os.readlink(entry).startswith("socket:"):
            continue
        candidate = socket.socket(fileno=os.dup(int(entry.name)))
        datagram = candidate.family == socket.AF_INET and candidate.type == socket.SOCK_DGRAM
        if datagram and candidate.getsockname() == address:
            return candidate
        candidate.close()
    return None
