"""A look, before the PBX starts, whether it will be able to listen on its ports.

Asterisk starts without a transport whose port is taken, and only its log would say so.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterable
from typing import Literal

from intercom_hil.errors import BenchError

RELEASE_WITHIN = 1.0
"""Seconds for which a port may be taken still: that long an earlier PBX that was killed may take to die."""
POLL = 0.02

Listening = tuple[Literal["tcp", "udp"], int]


async def check_free(address: str, ports: Iterable[Listening]) -> None:
    """Bind each port of an address and let go of it again.

    Raises:
        BenchError: one stays taken, or the address is not this machine's.
    """
    deadline = time.monotonic() + RELEASE_WITHIN
    for protocol, port in ports:
        while problem := _problem(address, protocol, port):
            if problem.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                where = f"{address}:{port}/{protocol}"
                remedy = "free it (`sudo ss -lnptu` shows who has it), or choose another in the bench file"
                raise BenchError(f"the PBX cannot listen: {problem.strerror}", where, remedy)
            await asyncio.sleep(POLL)


def _problem(address: str, protocol: Literal["tcp", "udp"], port: int) -> OSError | None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
        if protocol == "tcp":  # a connection of an earlier run that still lingers takes nothing
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as problem:
            return problem
    return None
