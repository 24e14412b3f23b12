"""The equipment that a bench finds under its ports: USB identities, sound card, clock; for reports.

What a laboratory's records say of it (calibration) stands in the bench file. This is what is really plugged
in, so that the one can be held against the other.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from serial.tools import list_ports

_ASOUND = Path("/proc/asound")
_CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_UNSYNCHRONISED = 5
"""What adjtimex(2) returns of a clock that nobody disciplines: TIME_ERROR."""
_PORTS = ("console", "button", "power", "inputs")


def equipment_of(device: Mapping[str, Any]) -> dict[str, str]:
    """Return what is plugged in, in words, by what the bench has it for; nothing of what has no identity.

    Args:
        device: the table ``[device]`` of the bench file, as plain data.
    """
    ports = {port.device: port for port in list_ports.comports(include_links=True)}
    found = {}
    for use in _PORTS:
        for name, path in _paths(device.get(use), use):
            port = ports.get(path) or ports.get(os.path.realpath(path))
            if port is not None and port.vid is not None:
                serial = f", serial number {port.serial_number}" if port.serial_number else ""
                product = f" ({port.product})" if port.product else ""
                found[name] = f"USB {port.vid:04x}:{port.pid:04x}{serial}{product}"
    table = device.get("sound_card")
    if isinstance(table, Mapping) and (card := sound_card(str(table.get("card")))):
        found["sound_card"] = card
    return found | {"clock": clock()}


def _paths(table: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the device files that a table names, each with what it is for."""
    for key, value in table.items() if isinstance(table, Mapping) else ():
        if isinstance(value, str) and value.startswith("/dev/"):
            yield name, value
        else:
            yield from _paths(value, f"{name}.{key}")


def sound_card(alsa_name: str, folder: Path = _ASOUND) -> str:
    """Return which sound card an ALSA name stands for: its name, and its USB id where it has one."""
    named = re.search(r"(?:card=|hw:(?!card=))(?P<card>\w+)", alsa_name, re.IGNORECASE)
    name = named["card"] if named else "0"
    card = folder / (f"card{name}" if name.isdigit() else name)
    texts = [_text(card / name) for name in ("id", "usbid")]
    return ", USB ".join(text for text in texts if text)


def clock(source: Path = _CLOCK_SOURCE) -> str:
    """Return what the system's clock rests on, and whether anybody disciplines it (adjtimex(2))."""
    ticks = _text(source) or "unknown source"
    state, most = _adjtimex()
    if state is None:
        return ticks
    if state == _UNSYNCHRONISED:
        return f"{ticks}, not synchronised"
    return f"{ticks}, synchronised, at most {most / 1e6:.3g} s wrong"


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``; the kernel fills in the whole, which is no longer than the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def _adjtimex() -> tuple[int | None, int]:
    """Return the state of the clock and its greatest error (µs); no state where it cannot be asked."""
    try:
        state = _Timex()  # modes = 0: nothing is changed
        result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        return None, 0
    return (result, int(state.maxerror)) if result >= 0 else (None, 0)


def _text(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return ""
