"""SIP over a stream (RFC 3261 §18.3): bytes of one direction of a TCP connection to whole messages."""

from __future__ import annotations

import re

from intercom_hil.wire.sip import SipError

MAX_HEADER_BYTES = 65_536
MAX_BODY_BYTES = 1_048_576
_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class SipFramer:
    """Cuts messages by Content-Length, which a stream must have; keep-alives (RFC 5626 §3.5.1) vanish."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes in the order of the stream."""
        self._buffer += data

    @property
    def rest(self) -> bytes:
        """What was fed and belongs to no whole message yet."""
        return bytes(self._buffer)

    def next_message(self) -> bytes | None:
        """Return the next whole message, or None until more bytes come.

        Raises:
            SipError: the stream cannot be cut any more: no Content-Length, no end of headers within
                ``MAX_HEADER_BYTES``, or an impossible length. What was buffered is dropped.
        """
        while self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise self._broken("no end of headers in a stream")
            return None
        match = _CONTENT_LENGTH.search(self._buffer, 0, end)
        if match is None:
            raise self._broken("no Content-Length in a stream")
        digits = match[1].strip()
        if not digits.isdigit() or len(digits) > 9 or int(digits) > MAX_BODY_BYTES:
            raise self._broken("impossible Content-Length in a stream")
        size = end + 4 + int(digits)
        if len(self._buffer) < size:
            return None
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        return message

    def _broken(self, problem: str) -> SipError:
        data = bytes(self._buffer[:4096])
        self._buffer.clear()
        return SipError(problem, data)
