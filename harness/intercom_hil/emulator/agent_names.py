"""The device's own name service: a hosts file in, names resolved by it wherever the SIP stack asks.

The stack asks the C library, whose hosts file is the machine's and not the device's. So the stack's import
of ``getaddrinfo`` (its slot in the global offset table, ELF and System V AMD64 ABI) is led past this table.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

_JUMP_SLOT = 7
"""R_X86_64_JUMP_SLOT."""
_RELA, _DYNSYM = 4, 11
"""Section types SHT_RELA and SHT_DYNSYM."""
_GETADDRINFO = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p
)
_kept: list[object] = []
"""What the stack points at must never be collected."""


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

    callback = _GETADDRINFO(lookup)
    _kept.append(callback)
    base = _base_of(library)
    slots = list(_slots(library.read_bytes(), b"getaddrinfo"))
    if not slots:
        raise OSError(f"{library.name} does not resolve names with getaddrinfo")
    for offset in slots:
        slot = ctypes.c_void_p.from_address(base + offset)
        slot.value = ctypes.cast(callback, ctypes.c_void_p).value


def _base_of(library: Path) -> int:
    with Path("/proc/self/maps").open(encoding="utf-8") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            mapped = Path(fields[5].strip()) if len(fields) == 6 else None
            if mapped is not None and mapped == library.resolve() and int(fields[2], 16) == 0:
                return int(fields[0].partition("-")[0], 16)
    raise OSError(f"{library.name} is not loaded")


def _slots(elf: bytes, wanted: bytes) -> Iterator[int]:
    """Yield where, from the library's base, the addresses of an imported function are kept."""
    (at,) = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, at + size * n) for n in range(count)]
    for _, kind, _, _, offset, length, link, _, _, _ in sections:
        if kind != _RELA or sections[link][1] != _DYNSYM:
            continue
        symbols, strings = sections[link], sections[sections[link][6]]
        for entry in range(offset, offset + length, 24):
            slot, info = struct.unpack_from("<QQ", elf, entry)
            if info & 0xFFFFFFFF != _JUMP_SLOT:
                continue
            (name,) = struct.unpack_from("<I", elf, symbols[4] + 24 * (info >> 32))
            begin = strings[4] + name
            if elf[begin : elf.index(b"\0", begin)] == wanted:
                yield slot
