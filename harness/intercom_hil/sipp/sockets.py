"""Which ports are bound: the kernel's tables of sockets, read without sending a packet.

SIPp answers from the moment its socket is bound, and a probe would show up in a capture.
"""

from __future__ import annotations

import socket
from pathlib import Path

_TABLES = Path("/proc/net")
_ANY = "00000000"
_LISTENING = "0A"


def is_bound(address: str, port: int, *, stream: bool = False) -> bool:
    """Return whether a socket of this network namespace has that IPv4 address and port.

    Args:
        address: the IPv4 address.
        port: the port.
        stream: whether to look for a listening TCP socket instead of a UDP one.

    Raises:
        OSError: the address is no IPv4 address, or the kernel shows no table.
    """
    return _key(address, port) in _bound(stream)


def is_taken(address: str, port: int, *, stream: bool = False) -> bool:
    """Return whether binding there would fail: the address has the port, or all addresses do.

    Raises:
        OSError: as for `is_bound`.
    """
    return not {_key(address, port), f"{_ANY}:{port:04X}"}.isdisjoint(_bound(stream))


def free_port(address: str, *, stream: bool = False, besides: int = 0) -> int:
    """Return a port of an IPv4 address that nobody has bound at this moment, and another than ``besides``.

    Raises:
        OSError: the address is not this machine's.
    """
    kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
    while True:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
        if port != besides:
            return port


def _bound(stream: bool) -> set[str]:
    rows = (line.split() for line in (_TABLES / ("tcp" if stream else "udp")).read_text().splitlines()[1:])
    return {row[1] for row in rows if not stream or row[3] == _LISTENING}


def _key(address: str, port: int) -> str:
    # The kernel prints the address as one number in the machine's byte order: little-endian here.
    return f"{socket.inet_aton(address)[::-1].hex().upper()}:{port:04X}"
