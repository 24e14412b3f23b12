"""H.264 in RTP (RFC 6184): payloads of one flow in, whole access units out, as a decoder takes them.

The two packetisation modes that calls use are read, single NAL unit and non-interleaved (§6.2, §6.3): single
units, STAP-A and FU-A. Nothing is decoded here; what a network lost is missing, never made up.
"""

from __future__ import annotations

from typing import NamedTuple

from intercom_hil.wire.error import WireError

ENCODING = "H264/90000"
"""The one encoding name and clock rate (RFC 6184 §8.2.1)."""
LARGEST_UNIT = 4_000_000
"""Bytes of one access unit beyond which it is none: far more than level 5.2 allows for one picture."""

START_CODE = b"\0\0\0\1"
IDR_SLICE, STAP_A, FU_A = 5, 24, 28
_LAST_SINGLE = 23


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
