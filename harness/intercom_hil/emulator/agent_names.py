"""The device's own name service: a hosts file in, names resolved by it wherever the SIP stack asks.

The stack asks the C library, whose hosts file is the machine's and not the device's. So the stack's import
of ``getaddrinfo`` is led past this table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

from intercom_hil.emulator.stack_imports import redirect

_GETADDRINFO = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p
)


def read_hosts(path: Path | None) -> dict[str, str]:
    """Read a file of lines ``address name ...``, ``#`` for remarks; nothing where there is no file."""
    names: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path is not None else ():
        address, *given = line.partition("#")[0].split() or [""]
        names |= {name.lower(): address for name in given}
    return names


def resolve_by(names: Mapping[str, str], library: Path) -> None:
    """Have a loaded library resolve these names as said, and all others as it did.

    Raises:
        OSError: the library is not loaded, or asks for names in some other way.
    """
    real = _GETADDRINFO(("getaddrinfo", ctypes.CDLL(None)))

    def lookup(node: bytes | None, service: bytes | None, hints: int, result: int) -> int:
        known = names.get(node.decode("ascii", "replace").lower()) if node else None
        return int(real(known.encode() if known else node, service, hints, result))

    redirect(library, "getaddrinfo", _GETADDRINFO(lookup))
