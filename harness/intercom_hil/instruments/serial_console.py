"""A device's console on a serial line: complete, dated lines, and every byte in a raw log.

The line may carry anything at all: boot noise at another speed, half characters, no line ends for megabytes.
The lines are text that can be stored and shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intercom_hil.errors import BenchError
from intercom_hil.instruments.protocols import OnFragment, OnLine
from intercom_hil.instruments.serial_line import SerialLine
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.timeline.arrivals import Arrivals
from intercom_hil.timeline.observation import UnreadableLine
from intercom_hil.timeline.timeline import now

LONGEST_LINE = 4096  # bytes kept of one line; the raw log keeps them all
_LINE_ENDS = re.compile(rb"[\r\n\v\f]+")


class SerialConsole:
    r"""Console over any serial line that pyserial opens (``intercom_hil.instruments.serial_line``).

    A line ends at CR, LF, VT, FF or any run of them, so CRLF and LFCR are one end and empty lines are none;
    nothing is handed on before its end has come. UTF-8 is expected; a byte that is not is shown as ``\xNN``.
    NUL, of which a line that is switched on makes many, is no part of a line. A line's time is when its end
    was read. What has no end within the bound, or was cut off by the loss of the cable, is handed on as a
    fragment.

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
        self._on_fragment: OnFragment | None = None
        self._begun = 0.0
        self._watched: asyncio.Future[str] | None = None
        self._log: BinaryIO | None = None
        self._arrivals: Arrivals | None = None

    @classmethod
    def on(cls, ports: SharedPorts, url: str, *, baudrate: int = 115_200) -> SerialConsole:
        """Return the console at a port; it shares the line with its modem lines. Raises BenchError."""
        return cls(url, baudrate=baudrate, line=ports.at(url, SerialLine, SerialLine))

    def set_line(self, *, dtr: bool | None = None, rts: bool | None = None, exclusive: bool = True) -> None:
        """Say how the line is opened from the next time on.

        Args:
            dtr: whether DTR is active meanwhile; active when not given. Some devices stand still, or are held
                in reset, by the one or the other.
            rts: likewise RTS.
            exclusive: whether no other program may open the port.

        Raises:
            BenchError: the modem line is an output that needs another level.
        """
        self._line.exclusive = exclusive
        if dtr is not None:
            self._line.hold("dtr", dtr)
        if rts is not None:
            self._line.hold("rts", rts)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the cable is out or the raw log cannot be written."""
        return self._line.lost

    def listen(self, on_line: OnLine, on_fragment: OnFragment | None = None) -> None:
        """Give lines to ``on_line``, what is no whole line to ``on_fragment``, in place of who listened."""
        self._on_line = on_line
        self._on_fragment = on_fragment

    async def open(self) -> None:
        """Open the line. Raises BenchError."""
        if not self._line.is_open:
            self._framer.forget()
            self.can_return = True
            if self._arrivals is not None:
                with contextlib.suppress(OSError):  # the log itself will say so
                    self._arrivals.began_anew(now())
        await self._line.acquire(self)
        if self._watched is not self.lost:
            self._watched = self.lost
            self.lost.add_done_callback(self._broke_off)

    async def close(self) -> None:
        """Close the line and the raw log."""
        await self._line.release(self)
        self._close_log()

    def begin(self, log: Path) -> None:
        """Append every byte from now on to the file ``log``, made if need be, and its time beside it.

        Raises:
            BenchError: the file cannot be written.
        """
        self._close_log()
        try:
            self._log = log.open("ab", buffering=0)
            self._arrivals = Arrivals(log)
        except OSError as problem:
            raise BenchError(
                f"the console log cannot be written ({problem.strerror})", str(log), "check the run folder"
            ) from problem

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._arrivals is not None:
            self._arrivals.close()
            self._arrivals = None

    def _received(self, data: bytes, at: float) -> None:
        if self._log is not None and self._arrivals is not None:
            try:
                self._log.write(data)
                self._arrivals.note(at, len(data))
            except OSError as problem:
                self._close_log()
                self.can_return = False
                self._line.fail(f"its raw log cannot be written: {problem.strerror}")
        begun = self._begun if self._framer.holds else at
        for line in self._framer.feed(data):
            self._hand_on(line, begun, at)
            begun = at
        self._begun = begun

    def _hand_on(self, line: str | Fragment, begun: float, at: float) -> None:
        if isinstance(line, Fragment):
            if self._on_fragment is not None:
                content = UnreadableLine(
                    text=line.text, reason=line.reason, size=line.size, since=begun, ended=line.ended
                )
                self._on_fragment(content, at)
        elif self._on_line is not None:
            self._on_line(line, at)

    def _broke_off(self, lost: asyncio.Future[str]) -> None:
        if not lost.cancelled() and self._framer.holds:
            self._hand_on(self._framer.broken_off(), self._begun, now())


@dataclass(frozen=True, slots=True)
class Fragment:
    """What came of a line that is not whole.

    ``size`` counts its bytes where ``text`` has not all of them; ``ended`` says whether it is over.
    """

    text: str
    reason: str
    size: int | None = None
    ended: bool = True


class LineFramer:
    """Bytes in any portions to complete lines of bounded length; the portions do not change the lines."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held = bytearray()
        self._dropped = 0

    @property
    def holds(self) -> bool:
        """Whether a line has begun."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[str | Fragment]:
        """Take bytes and return the lines that they complete, decoded, empty ones left out.

        A line beyond the bound is a fragment when that is seen, and another, with its size, when it ends.
        """
        *ended, rest = _LINE_ENDS.split(data.replace(b"\0", b""))
        lines: list[str | Fragment] = []
        for part in ended:
            lines += self._hold(part)
            if self._held:
                lines.append(self._release())
        lines += self._hold(rest)
        return lines

    def broken_off(self) -> Fragment:
        """Return what there is of the line that has begun, and drop it."""
        fragment = Fragment(self._text(), "a line was cut off", self._size())
        self.forget()
        return fragment

    def forget(self) -> None:
        """Drop the line that has begun."""
        self._held.clear()
        self._dropped = 0

    def _hold(self, part: bytes) -> list[str | Fragment]:
        room = self._longest - len(self._held)
        self._held += part[:room]
        beyond = max(0, len(part) - room)
        begins, self._dropped = beyond and not self._dropped, self._dropped + beyond
        if not begins:
            return []
        reason = f"no line ends within {self._longest} bytes"
        return [Fragment(self._text(), reason, self._longest, ended=False)]

    def _release(self) -> str | Fragment:
        size = self._size()
        text = self._text()
        self.forget()
        return text if size is None else Fragment(text, f"{size} bytes cannot be read as a line", size)

    def _size(self) -> int | None:
        return len(self._held) + self._dropped if self._dropped else None

    def _text(self) -> str:
        return self._held.decode("utf-8", "backslashreplace")
