"""The firmware of a Numato-style board with relays and GPIO lines, for tests: commands in, replies out."""

import re
import threading
from collections.abc import Callable

_CHANNELS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


class NumatoBoard:
    """Bytes of commands in, bytes of replies out.

    ``noise`` is called with each reply and may change it on its way, as firmwares and noise do. ``say`` sends
    what is no reply; a board that has it and ``notifies`` tells changes of its inputs when asked to.
    """

    def __init__(
        self, channels: int = 16, *, eol: bytes = b"\n\r", noise=None, lines: int = 16, notifies: bool = True
    ) -> None:
        self.relays = [False] * channels
        self.changes: list[tuple[int, bool]] = []
        self.closed = threading.Event()  # some relay was switched on
        self.eol = eol
        self.noise = noise
        self.say: Callable[[bytes], None] | None = None
        self.lines = lines
        self.mask = self.inputs = (1 << lines) - 1
        self.latches = self.pulled = 0
        self.stuck = 0  # lines that read low whatever drives them
        self.notifying = False
        self._notifies = notifies
        self._command = bytearray()

    @property
    def levels(self) -> int:
        """What is on the wires: outputs as driven, inputs as pulled from outside."""
        return ((self.latches & ~self.inputs) | (self.pulled & self.inputs)) & ~self.stuck

    def pull(self, line: int, up: bool) -> None:
        """Change a wire from outside."""
        before = self.levels
        self.pulled = (self.pulled & ~(1 << line)) | up << line
        if self.notifying and self.levels != before:
            told = " ".join(self._hex(value) for value in (self.levels, before, self.inputs))
            self.say(b"# " + told.encode() + self.eol)

    def __call__(self, data: bytes) -> bytes:
        out = b""
        for byte in data:
            if byte != 0x0D:
                self._command.append(byte)
                continue
            command = bytes(self._command)
            self._command.clear()
            value = self._value(command.decode("ascii", "replace"))
            reply = command + self.eol + (value.encode() + self.eol if value else b"") + b">"
            out += self.noise(reply) if self.noise else reply
        return out

    def _value(self, command: str) -> str:
        match command.split():
            case ["relay", "read", channel] if channel in _CHANNELS:
                return "on" if self.relays[int(channel, 32)] else "off"
            case ["relay", ("on" | "off") as state, channel] if channel in _CHANNELS:
                self._switch(int(channel, 32), state == "on")
            case ["id", "get"]:
                return "00000007"
            case ["ver"]:
                return "A0M10.01"
            case ["gpio", "readall"]:
                return self._hex(self.levels)
            case ["gpio", ("iomask" | "iodir" | "writeall") as register, bits] if self._fits(bits):
                self._write(register, int(bits, 16))
            case ["gpio", "notify", word] if self._notifies:
                self.notifying = {"on": True, "off": False}.get(word, self.notifying)
                return f"gpio notify {'enabled' if self.notifying else 'disabled'}"
        return ""

    def _switch(self, number: int, on: bool) -> None:
        self.relays[number] = on
        self.changes.append((number, on))
        if on:
            self.closed.set()

    def _write(self, register: str, bits: int) -> None:
        if register == "iomask":
            self.mask = bits
        elif register == "iodir":
            self.inputs = (self.inputs & ~self.mask) | (bits & self.mask)
        else:
            before, self.latches = self.latches, (self.latches & ~self.mask) | (bits & self.mask)
            for line in range(self.lines):
                if (before ^ self.latches) >> line & 1:
                    self.changes.append((line, bool(self.latches >> line & 1)))

    def _fits(self, bits: str) -> bool:
        return bool(re.fullmatch(r"[0-9A-Fa-f]+", bits)) and len(bits) == self.lines // 4

    def _hex(self, value: int) -> str:
        return f"{value:0{self.lines // 4}X}"
