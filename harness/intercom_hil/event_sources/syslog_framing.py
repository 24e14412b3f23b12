"""Syslog over a stream: bytes in any portions to whole messages (RFC 6587, RFC 5425 §4.3).

Octet counting (``MSG-LEN SP MSG``) and newline framing are distinguished message by message, as RFC 6587 §3.4
allows: a message before which a number and a blank stand is counted, for its own first character is ``<``.
"""

from __future__ import annotations

import re

LONGEST_MESSAGE = 65_536
"""Bytes of one message; RFC 5425 §4.3.1 has receivers take 8192."""
_COUNT = re.compile(rb"([1-9][0-9]{0,9}) <")
_PERHAPS_COUNT = re.compile(rb"[1-9][0-9]{0,9} ?\Z")
_ENDS = re.compile(rb"[\n\0]")


class FramingError(ValueError):
    """A stream of which nobody can say where its next message begins."""

    def __init__(self, what: str, data: bytes) -> None:
        self.data = data[:64]
        super().__init__(f"{what}: {self.data!r}")


class SyslogFramer:
    """One stream. What is held is bounded by the longest message."""

    def __init__(self, longest: int = LONGEST_MESSAGE) -> None:
        self._longest = longest
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the messages that they complete, empty ones left out.

        A message that ends with a newline and is too long is cut.

        Raises:
            FramingError: a count beyond the bound; the stream is of no more use.
        """
        self._held += data
        messages = []
        while self._held:
            message = self._counted() if self._is_counted() else self._ended()
            if message is None:
                break
            if message:
                messages.append(message)
        return messages

    def rest(self) -> bytes:
        """Return what a stream that has ended left without an end: the last message may lack one."""
        rest, self._held = bytes(self._held), bytearray()
        return b"" if self._skipping or _COUNT.match(rest) or _PERHAPS_COUNT.match(rest) else rest

    def _is_counted(self) -> bool:
        """Whether what is held begins with a count, or may do so once more of it has come."""
        begin = bytes(self._held[:12])
        return not self._skipping and bool(_COUNT.match(begin) or _PERHAPS_COUNT.match(begin))

    def _counted(self) -> bytes | None:
        count = _COUNT.match(bytes(self._held[:12]))
        if count is None:
            return None
        if int(count[1]) > self._longest:
            raise FramingError(f"an octet count is beyond {self._longest}", bytes(self._held))
        begin = len(count[1]) + 1
        end = begin + int(count[1])
        if len(self._held) < end:
            return None
        message = bytes(self._held[begin:end])
        del self._held[:end]
        return message

    def _ended(self) -> bytes | None:
        found = _ENDS.search(self._held)
        if found is None:
            if len(self._held) <= self._longest:
                return None
            message = b"" if self._skipping else bytes(self._held[: self._longest])
            self._held.clear()
            self._skipping = True
            return message
        message = b"" if self._skipping else bytes(self._held[: found.start()])[: self._longest]
        del self._held[: found.end()]
        self._skipping = False
        return message.rstrip(b"\r")
