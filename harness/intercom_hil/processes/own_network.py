"""A network of the bench's own, with nothing in it but loopback, for a user who is not root.

Rootless containers share the machine's network, in which they may not capture. In a network that belongs to
the user's own namespaces they may. ``python -m intercom_hil.processes.own_network PROGRAM ARGUMENT...``, run
in the user's namespaces, makes it and goes on to the program.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Sequence

from intercom_hil.processes.engine import Engine

_CLONE_NEWNET = 0x40000000
"""unshare(2)."""
_SIOCSIFFLAGS = 0x8914
_UP_AND_RUNNING = 0x1 | 0x40
"""netdevice(7): IFF_UP, IFF_RUNNING."""


def in_own_network(engine: Engine, argv: Sequence[str]) -> list[str]:
    """Return the command that runs a command in a network of its own, with this user as root of it.

    Args:
        engine: rootless podman, in whose namespaces it is to run.
        argv: program, as a whole path, and arguments.
    """
    return [str(engine.client), "unshare", sys.executable, "-m", __name__, *argv]


def main(argv: list[str]) -> None:
    """Make the network, and become the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        sys.exit(f"intercom-hil: no network of its own can be made: {os.strerror(ctypes.get_errno())}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(sys.argv[1:])
