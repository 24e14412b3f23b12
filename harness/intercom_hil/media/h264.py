"""H.264 in RTP (RFC 6184): payloads of one flow in, whole access units out, as a decoder takes them.

The two packetisation modes that calls use are read, single NAL unit and non-interleaved (§6.2, §6.3): single
units, STAP-A and FU-A. Nothing is decoded here; what a network lost is missing, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from intercom_hil.wire.error import WireError

ENCODING = "H264/90000"
"""The one encoding name and clock rate (RFC 6184 §8.2.1)."""
LARGEST_UNIT = 4_000_000
"""Bytes of one access unit beyond which it is none: far more than level 5.2 allows for one picture."""

START_CODE = b"\0\0\0\1"
IDR_SLICE, STAP_A, FU_A = 5, 24, 28
_LAST_SINGLE = 23
MOST_MACROBLOCKS = 36_864
"""Macroblocks of one picture at level 5.2 (ITU-T H.264, table A-1): 4096 by 2304."""
MOST_BUFFERED_MACROBLOCKS = 184_320
"""Macroblocks that a decoder must keep for reference at level 5.2 (table A-1)."""
_MACROBLOCK = 16
_PARAMETERS = re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67]")
_WITH_CHROMA_FORMAT = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_LONGEST_PARAMETERS = 1024


class H264Error(WireError):
    """An RTP payload that is no H.264 of these packetisation modes."""


class AccessUnit(NamedTuple):
    """One coded picture.

    Attributes:
        timestamp: of its packets, in 1/90000 s.
        data: its NAL units as a byte stream (ITU-T H.264 annex B).
        key: whether it holds a slice from which decoding can begin.
        whole: whether no packet between its first and its last was lost.
    """

    timestamp: int
    data: bytes
    key: bool
    whole: bool


class Depacketiser:
    """Puts the access units of one flow together. Packets come in the order of their sequence numbers."""

    def __init__(self) -> None:
        self._next_sequence: int | None = None
        self._fragment: bytearray | None = None
        self._start(None)

    def take(self, payload: bytes, *, sequence: int, timestamp: int, marker: bool) -> list[AccessUnit]:
        """Take the payload of one packet; return what is complete with it: none, one or two units.

        A unit is complete with its marker bit, or where another timestamp begins (RFC 6184 §5.1).

        Raises:
            H264Error: the payload is unreadable; the unit it belongs to will not be whole.
        """
        complete = []
        lost = self._next_sequence is not None and sequence != self._next_sequence
        self._next_sequence = (sequence + 1) & 0xFFFF
        if self._timestamp is not None and timestamp != self._timestamp:
            complete += self._finish()
        if self._timestamp is None:
            self._start(timestamp)
        if lost:
            self._whole, self._fragment = False, None
        try:
            self._read(payload)
        except H264Error:
            self._whole, self._fragment = False, None
            raise
        if marker:
            complete += self._finish()
        return complete

    def _start(self, timestamp: int | None) -> None:
        self._timestamp = timestamp
        self._data = bytearray()
        self._key, self._whole = False, True

    def _finish(self) -> list[AccessUnit]:
        if self._fragment is not None:
            self._whole, self._fragment = False, None
        timestamp = self._timestamp
        units = []
        if timestamp is not None and self._data:
            units.append(AccessUnit(timestamp, bytes(self._data), self._key, self._whole))
        self._start(None)
        return units

    def _read(self, payload: bytes) -> None:
        if not payload:
            raise H264Error("empty H.264 payload")
        kind = payload[0] & 0x1F
        if kind == FU_A:
            self._read_fragment(payload)
            return
        if self._fragment is not None:
            self._whole, self._fragment = False, None
        if 1 <= kind <= _LAST_SINGLE:
            self._add(payload)
        elif kind == STAP_A:
            for unit in _aggregated(payload):
                self._add(unit)
        else:
            raise H264Error(f"NAL unit type {kind} in a non-interleaved flow", payload)

    def _read_fragment(self, payload: bytes) -> None:
        """Read a FU-A (§5.8): indicator, header with start and end bit, a part of one NAL unit."""
        if len(payload) < 3:
            raise H264Error("FU-A cut short", payload)
        first, last, kind = payload[1] & 0x80, payload[1] & 0x40, payload[1] & 0x1F
        if not 1 <= kind <= _LAST_SINGLE or (first and last):
            raise H264Error("impossible FU-A header", payload)
        if first:
            self._whole &= self._fragment is None
            self._fragment = bytearray((payload[0] & 0xE0 | kind,))
        elif self._fragment is None:
            self._whole = False
            return
        self._fragment += payload[2:]
        if len(self._fragment) + len(self._data) > LARGEST_UNIT:
            raise H264Error(f"an access unit of more than {LARGEST_UNIT} bytes", payload)
        if last:
            unit, self._fragment = bytes(self._fragment), None
            self._add(unit)

    def _add(self, unit: bytes) -> None:
        if len(self._data) + len(unit) > LARGEST_UNIT:
            raise H264Error(f"an access unit of more than {LARGEST_UNIT} bytes", unit)
        self._data += START_CODE + unit
        self._key |= unit[0] & 0x1F == IDR_SLICE


def _aggregated(payload: bytes) -> list[bytes]:
    """Return the NAL units of a STAP-A (§5.7.1): each behind its size in two bytes."""
    units, at = [], 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        if not size or len(unit) < size or not 1 <= unit[0] & 0x1F <= _LAST_SINGLE:
            raise H264Error("impossible STAP-A", payload)
        units.append(unit)
        at += 2 + size
    if not units:
        raise H264Error("empty STAP-A", payload)
    return units


class SequenceParameters(NamedTuple):
    """What a sequence parameter set (ITU-T H.264 §7.3.2.1.1) asks for, in macroblocks and pictures."""

    width: int
    height: int
    references: int

    @property
    def within_limits(self) -> bool:
        """Whether a decoder of level 5.2 would take it."""
        size = self.width * self.height
        return 0 < size <= MOST_MACROBLOCKS and size * self.references <= MOST_BUFFERED_MACROBLOCKS


def sequence_parameters(stream: bytes) -> Iterator[SequenceParameters]:
    """Yield what each sequence parameter set in a byte stream (annex B) asks for, wherever one may begin.

    Raises:
        H264Error: one cannot be read.
    """
    for found in _PARAMETERS.finditer(stream):
        yield _parameters(stream[found.end() : found.end() + _LONGEST_PARAMETERS])


def _parameters(data: bytes) -> SequenceParameters:
    bits = _Bits(data.replace(b"\0\0\3", b"\0\0"))
    profile = bits.take(8)
    bits.take(16)
    bits.exponential()
    if profile in _WITH_CHROMA_FORMAT:
        chroma = bits.exponential()
        bits.take(1 if chroma == 3 else 0)
        bits.exponential()
        bits.exponential()
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    bits.pass_scaling_list(16 if number < 6 else 64)
    bits.exponential()
    order = bits.exponential()
    if order == 0:
        bits.exponential()
    elif order == 1:
        bits.take(1)
        bits.exponential()
        bits.exponential()
        for _ in range(bits.exponential()):
            bits.exponential()
    references = bits.exponential()
    bits.take(1)
    width, height = bits.exponential() + 1, bits.exponential() + 1
    frames_only = bits.take(1)
    return SequenceParameters(width, height * (2 - frames_only), references)


class _Bits:
    """Reads bits, the first one first (ITU-T H.264 §7.2, §9.1)."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise H264Error("sequence parameters cut short")
        self._left -= count
        return self._number >> self._left & ((1 << count) - 1)

    def exponential(self) -> int:
        """Read ue(v); for se(v) only its length matters here."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise H264Error("impossible sequence parameters")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.exponential()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def pass_scaling_list(self, size: int) -> None:
        last = following = 8
        for _ in range(size):
            if following:
                following = (last + self.signed()) % 256
            last = following or last
