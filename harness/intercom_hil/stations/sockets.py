"""Who listens: the kernel's table of UDP sockets, asked without sending a packet.

A station answers from the moment its socket is bound; a probe would show up in the capture.
"""

from __future__ import annotations

import socket
from pathlib import Path

_TABLE = Path("/proc/net/udp")
_ANY = "00000000"


def is_bound(address: str, port: int) -> bool:
    """Return whether a UDP socket of this network namespace has that IPv4 address and port.

    Raises:
        OSError: the address is no IPv4 address, or the kernel shows no table.
    """
    return _key(address, port) in _bound()


def is_taken(address: str, port: int) -> bool:
    """Return whether binding there would fail: the address has the port, or all addresses do.

    Raises:
        OSError: as for `is_bound`.
    """
    return not {_key(address, port), f"{_ANY}:{port:04X}"}.isdisjoint(_bound())


def _bound() -> set[str]:
    return {line.split(maxsplit=2)[1] for line in _TABLE.read_text().splitlines()[1:]}


def _key(address: str, port: int) -> str:
    # The kernel prints the address as one number in the machine's byte order: little-endian here.
    return f"{socket.inet_aton(address)[::-1].hex().upper()}:{port:04X}"
