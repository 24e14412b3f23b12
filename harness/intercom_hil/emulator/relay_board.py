r"""A USB relay board with two relays, as the vendor's firmware speaks: ``echo \n\r [value \n\r] >``.

A command ends with ``\r`` and is answered with echo and reply. Relay 0 is wired to the intercom's button. The
board also has the eight GPIO lines of its family, wired to nothing: inputs read low.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from intercom_hil.emulator.terminal import Pty, Terminal

_CHANNELS = 2
_LONGEST_COMMAND = 64
_EOL = b"\n\r"
_BYTE = re.compile(r"[0-9A-Fa-f]{1,2}")
_ALL_LINES = 0xFF


class RelayBoard:
    """The board. ``changed`` is called with a channel and its new state when a relay moves."""

    def __init__(self, link: Path, changed: Callable[[int, bool], None], given: Pty | None = None) -> None:
        self._changed = changed
        self._closed = [False] * _CHANNELS
        self._id = "00000000"
        self._mask = self._inputs = _ALL_LINES
        self._levels = 0
        self._command = bytearray()
        self._terminal = Terminal(link, self._received, given)
        self.path = self._terminal.path
        self.close = self._terminal.close

    def _received(self, data: bytes) -> None:
        for byte in data:
            if byte == ord("\r"):
                self._answer(self._command.decode("ascii", "replace"))
                self._command.clear()
            elif byte != ord("\n") and len(self._command) < _LONGEST_COMMAND:
                self._command.append(byte)

    def _answer(self, command: str) -> None:
        value = self._execute(command.strip())
        echo = command.encode("ascii", "replace") + _EOL
        self._terminal.write(echo + (value.encode() + _EOL if value else b"") + b">")

    def _execute(self, command: str) -> str:
        """Carry a command out and return the value to print, if any."""
        words = command.split()
        match words:
            case []:
                return ""
            case ["ver"]:
                return "A0M1.01"
            case ["id", "get"]:
                return self._id
            case ["id", "set", value] if len(value) == 8:
                self._id = value
            case ["relay", "read", channel] if (number := _channel(channel)) is not None:
                return "on" if self._closed[number] else "off"
            case ["relay", ("on" | "off") as state, channel] if (number := _channel(channel)) is not None:
                self._set(number, state == "on")
            case ["relay", "readall"]:
                return f"{sum(on << number for number, on in enumerate(self._closed)):02X}"
            case ["relay", "writeall", bits] if _BYTE.fullmatch(bits):
                for number in range(_CHANNELS):
                    self._set(number, bool(int(bits, 16) >> number & 1))
            case ["gpio", "readall"]:
                return f"{self._levels & ~self._inputs:02X}"
            case ["gpio", "read", line] if re.fullmatch(r"[0-7]", line):
                return str((self._levels & ~self._inputs) >> int(line) & 1)
            case ["gpio", ("writeall" | "iodir" | "iomask") as register, bits] if _BYTE.fullmatch(bits):
                self._write_lines(register, int(bits, 16))
            case ["reset"]:
                for number in range(_CHANNELS):
                    self._set(number, False)
            case _:
                return "error: unknown command"
        return ""

    def _write_lines(self, register: str, bits: int) -> None:
        """Set a GPIO register; a line whose mask bit is 0 keeps its level and direction."""
        if register == "iomask":
            self._mask = bits
        elif register == "iodir":
            self._inputs = (self._inputs & ~self._mask) | (bits & self._mask)
        else:
            self._levels = (self._levels & ~self._mask) | (bits & self._mask)

    def _set(self, number: int, closed: bool) -> None:
        if self._closed[number] is not closed:
            self._closed[number] = closed
            self._changed(number, closed)


def _channel(text: str) -> int | None:
    return int(text) if text in ("0", "1") else None
