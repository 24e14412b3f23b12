"""SIP over a stream (RFC 3261 §18.3): bytes of one direction of a TCP connection to whole messages."""

from __future__ import annotations

from intercom_hil.wire.sip import HEAD_END, Message, SipError

MAX_HEADER_BYTES = 65_536
MAX_BODY_BYTES = 1_048_576
_LONGEST_HEAD_END = 6
"""Bytes of the longest end of headers; one may have begun in what was searched already."""


class SipFramer:
    """Cuts messages by Content-Length, which a stream must have; keep-alives (RFC 5626 §3.5.1) vanish.

    The work is linear in the bytes, however small the pieces are that they come in.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._size: int | None = None

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
            SipError: the stream cannot be cut any more: no end of headers within ``MAX_HEADER_BYTES``, no
                Content-Length where there is a body, or an impossible length. What was buffered is dropped.
        """
        if self._size is None:
            self._size = self._measure()
        if self._size is None or len(self._buffer) < self._size:
            return None
        message = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._searched, self._size = 0, None
        return message

    def _measure(self) -> int | None:
        """Return the bytes of the message that has begun, or None until its headers are whole."""
        if not self._searched:
            self._drop_keep_alives()
        end = HEAD_END.search(self._buffer, max(0, self._searched - _LONGEST_HEAD_END))
        # A line end of several bytes may have come in part: CR, or CR CR, before its LF.
        if end is None or not self._buffer[end.end() - 1 :].strip(b"\r"):
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise self._broken("no end of headers in a stream")
            self._searched = len(self._buffer)
            return None
        try:
            head = Message.parse(bytes(self._buffer[: end.end()]), stream=True)
        except SipError as problem:
            raise self._broken(problem.problem) from None
        lengths = head.content_lengths
        if not lengths and head.header("Content-Type") is None:
            return end.end()
        length = lengths[0] if lengths else None
        if length is None or length > MAX_BODY_BYTES:
            what = "impossible" if lengths else "no"
            raise self._broken(f"{what} Content-Length in a stream")
        return end.end() + length

    def _drop_keep_alives(self) -> None:
        size = 0
        while size < len(self._buffer) and self._buffer[size] in b"\r\n\0":
            size += 1
        del self._buffer[:size]

    def _broken(self, problem: str) -> SipError:
        data = bytes(self._buffer[:4096])
        self._buffer.clear()
        self._searched, self._size = 0, None
        return SipError(problem, data)
