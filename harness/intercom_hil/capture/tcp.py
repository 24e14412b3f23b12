"""TCP streams put together again: segments in, SIP messages out, one stream per direction.

Only streams that carry SIP in the clear are followed: those that open with a SIP start line, or, on a SIP
port, with anything that is neither a TLS record (RFC 8446 §5.1) nor HTTP. A stream whose beginning was not
captured is taken up at the first segment that opens with a start line. A connection that begins with HTTP is
none of SIP's own, whatever follows: a WebSocket has SIP in frames (RFC 7118), which are not read.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator

from intercom_hil.wire.link import FIN, RST, SYN, Address, Segment
from intercom_hil.wire.sip import SipError, looks_like_sip
from intercom_hil.wire.sip_stream import SipFramer

MAX_STREAMS = 256
"""Streams followed at one time; the one that was silent longest is given up beyond that."""

MAX_EARLY_SEGMENTS = 64
"""Segments that wait for an earlier one; beyond that the earlier one was lost to the capture."""

_HTTP = re.compile(rb"(?:[A-Z]+ [^ \r\n]+ )?HTTP/[0-9]")
_TLS_RECORD_TYPES = (20, 21, 22, 23)
_HALF = 0x80000000


class _Stream:
    def __init__(self, next_sequence: int, *, from_its_beginning: bool) -> None:
        self.next_sequence = next_sequence
        self.early: dict[int, bytes] = {}
        self.at_beginning = from_its_beginning
        self.is_http = False
        self.restart()

    def restart(self) -> None:
        """Look for a start line again."""
        self.framer = SipFramer()
        self.in_step = False


class TcpSip:
    """All TCP streams of one capture."""

    def __init__(self, sip_ports: frozenset[int]) -> None:
        self._sip_ports = sip_ports
        self._streams: OrderedDict[tuple[Address, Address], _Stream] = OrderedDict()

    def take(self, segment: Segment) -> Iterator[bytes | SipError]:
        """Yield the messages that a segment completes; an error where the stream stops being SIP.

        After an error the stream is taken up again at its next segment that opens with a start line.
        """
        key = (segment.source, segment.destination)
        if segment.flags & SYN:
            # What comes with it (RFC 7413) has the numbers behind its own.
            segment = segment._replace(sequence=(segment.sequence + 1) & 0xFFFFFFFF)
            self._streams[key] = _Stream(segment.sequence, from_its_beginning=True)
            if (before := self._streams.get((segment.destination, segment.source))) is not None:
                before.is_http = False
        stream = self._streams.get(key)
        if segment.payload and not segment.flags & RST:
            if stream is None:
                stream = self._streams[key] = _Stream(segment.sequence, from_its_beginning=False)
            self._streams.move_to_end(key)
            for payload in _in_order(stream, segment):
                yield from self._frame(stream, key, payload)
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        if stream is not None and (segment.flags & RST or (segment.flags & FIN and not stream.early)):
            self._streams.pop(key, None)
            whole = stream.next_sequence == (segment.sequence + len(segment.payload)) & 0xFFFFFFFF
            if whole and stream.in_step and stream.framer.rest:  # else its end was lost to the capture
                yield SipError("a stream that ends inside a message", stream.framer.rest)

    def _frame(
        self, stream: _Stream, key: tuple[Address, Address], payload: bytes
    ) -> Iterator[bytes | SipError]:
        if not stream.in_step:
            opening = payload.lstrip(b"\r\n\0")
            other = self._streams.get((key[1], key[0]))
            stream.is_http |= _HTTP.match(opening) is not None or (other is not None and other.is_http)
            if not opening or stream.is_http:
                return
            sip_port = key[0][1] in self._sip_ports or key[1][1] in self._sip_ports
            unproved = stream.at_beginning and sip_port and opening[0] not in _TLS_RECORD_TYPES
            stream.at_beginning = False
            if not unproved and not looks_like_sip(opening):
                return
            stream.in_step = True
        stream.framer.feed(payload)
        try:
            while (message := stream.framer.next_message()) is not None:
                yield message
        except SipError as problem:
            stream.restart()
            yield problem


def _in_order(stream: _Stream, segment: Segment) -> Iterator[bytes]:
    """Yield the new bytes of the stream that are now in order."""
    ahead = (segment.sequence - stream.next_sequence) & 0xFFFFFFFF
    if 0 < ahead < _HALF:
        if len(segment.payload) > len(stream.early.get(segment.sequence, b"")):
            stream.early[segment.sequence] = segment.payload
        if len(stream.early) <= MAX_EARLY_SEGMENTS:
            return
        # The gap was lost to the capture: go on behind it.
        stream.next_sequence = min(stream.early, key=lambda s: (s - stream.next_sequence) & 0xFFFFFFFF)
        stream.restart()
    else:
        yield from _advance(stream, segment.sequence, segment.payload)
    while stream.early:
        due = [s for s in stream.early if not 0 < ((s - stream.next_sequence) & 0xFFFFFFFF) < _HALF]
        if not due:
            return
        for sequence in due:
            yield from _advance(stream, sequence, stream.early.pop(sequence))


def _advance(stream: _Stream, sequence: int, payload: bytes) -> Iterator[bytes]:
    old = (stream.next_sequence - sequence) & 0xFFFFFFFF
    if old < len(payload):
        stream.next_sequence = (sequence + len(payload)) & 0xFFFFFFFF
        yield payload[old:]
