"""What the SIP stack's library imports from the C library, led past functions of ours.

The library's slot for an imported function is in its global offset table (ELF, System V AMD64 ABI).
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_JUMP_SLOT = 7
"""R_X86_64_JUMP_SLOT."""
_RELA, _DYNSYM = 4, 11
"""Section types SHT_RELA and SHT_DYNSYM."""
_kept: list[object] = []
"""What the stack points at must never be collected."""


def stack_library() -> Path:
    """Return the file of the SIP stack, which is loaded."""
    stack = sys.modules.get("pjsua2._pjsua2") or sys.modules["_pjsua2"]
    return Path(stack.__file__ or "")


def redirect(library: Path, name: str, function: Any) -> None:
    """Have a loaded library call a function of ours (a ctypes callback) where it imports one of that name.

    Raises:
        OSError: the library is not loaded, or does not import it.
    """
    _kept.append(function)
    base = _base_of(library)
    slots = list(_slots(library.read_bytes(), name.encode()))
    if not slots:
        raise OSError(f"{library.name} does not import {name}")
    for offset in slots:
        slot = ctypes.c_void_p.from_address(base + offset)
        slot.value = ctypes.cast(function, ctypes.c_void_p).value


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
