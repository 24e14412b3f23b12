"""A device's console on a serial line: bytes in, complete dated lines out, and every byte in a raw log.

What may come in is anything at all: boot noise at another speed, half characters, no line ends for
megabytes. What goes out is text that can be stored and shown.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import BinaryIO

from intercom_hil.errors import BenchError
from intercom_hil.instruments.protocols import OnLine
from intercom_hil.instruments.serial_line import SerialLine

LONGEST_LINE = 4096  # bytes kept of one line; the raw log keeps them all
_LINE_ENDS = re.compile(rb"[\r\n]+")


class SerialConsole:
    r"""Console over any serial line that pyserial opens (``intercom_hil.instruments.serial_line``).

    A line ends at CR, LF or any run of them, so CRLF and LFCR are one end and empty lines are none; nothing
    is handed on before its end has come. UTF-8 is expected; a byte that is not is shown as ``\xNN``. A line
    longer than the bound is handed on cut, and says by how much. Its time is when its end was read. A line
    that was cut off by the loss of the cable is in the raw log only.

    Attributes:
        url: where the console is.
        can_return: whether opening it again can help once it is lost: not where its raw log failed.
    """

    def __init__(
        self,
        url: str,
        *,
        baudrate: int = 115_200,
        longest_line: int = LONGEST_LINE,
        line: SerialLine | None = None,
    ) -> None:
        """Describe the console.

        Args:
            url: device path or pyserial URL.
            baudrate: the line's speed.
            longest_line: bytes of one line that are handed on.
            line: the line at that URL, where something else hangs on its modem lines.
        """
        self.url = url
        self.can_return = True
        self._line = line or SerialLine(url)
        self._line.baudrate = baudrate
        self._line.on_bytes = self._received
        self._framer = LineFramer(longest_line)
        self._on_line: OnLine | None = None
        self._log: BinaryIO | None = None

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the cable is out or the raw log cannot be written."""
        return self._line.lost

    def listen(self, on_line: OnLine) -> None:
        """Give every line from now on to ``on_line``, in place of who listened before."""
        self._on_line = on_line

    async def open(self) -> None:
        """Open the line. Raises BenchError."""
        if not self._line.is_open:
            self._framer.forget()
            self.can_return = True
        await self._line.acquire(self)

    async def close(self) -> None:
        """Close the line and the raw log."""
        await self._line.release(self)
        self._close_log()

    def begin(self, log: Path) -> None:
        """Append every byte from now on to the file ``log``, made if need be.

        Raises:
            BenchError: the file cannot be written.
        """
        self._close_log()
        try:
            self._log = log.open("ab", buffering=0)
        except OSError as problem:
            raise BenchError(
                f"the console log cannot be written ({problem.strerror})", str(log), "check the run folder"
            ) from problem

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _received(self, data: bytes, at: float) -> None:
        if self._log is not None:
            try:
                self._log.write(data)
            except OSError as problem:
                self._close_log()
                self.can_return = False
                self._line.fail(f"its raw log cannot be written: {problem.strerror}")
        for line in self._framer.feed(data):
            if self._on_line is not None:
                self._on_line(line, at)


class LineFramer:
    """Bytes in any portions to complete lines of bounded length; the portions do not change the lines."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held = bytearray()
        self._cut = 0

    def feed(self, data: bytes) -> list[str]:
        """Take bytes and return the lines that they complete, decoded, empty ones left out."""
        *ended, rest = _LINE_ENDS.split(data)
        lines = []
        for part in ended:
            self._hold(part)
            if self._held:
                lines.append(self._release())
        self._hold(rest)
        return lines

    def forget(self) -> None:
        """Drop the line that has begun."""
        self._held.clear()
        self._cut = 0

    def _hold(self, part: bytes) -> None:
        room = self._longest - len(self._held)
        self._held += part[:room]
        self._cut += max(0, len(part) - room)

    def _release(self) -> str:
        text = self._held.decode("utf-8", "backslashreplace")
        if self._cut:
            text += f"…[+{self._cut} bytes]"
        self.forget()
        return text
