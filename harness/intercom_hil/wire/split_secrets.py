"""Secrets that are split between packets: half in one TCP segment or IP fragment, half in the next.

Each packet has been seen to by itself when it was written. When the scenario's file is complete, what was
sent in pieces is put together, and the marks are written into the file in the place of each piece.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from intercom_hil.wire.link import network_offset

_TCP, _FRAGMENT_EXTENSION = 6, 44
_MOST_BYTES = 16 << 20
"""Bytes of one stream or datagram that are put together."""
_AROUND = 1 << 31
"""Sequence numbers of TCP begin anew at twice that (RFC 9293 §3.4)."""


class _Piece(NamedTuple):
    place: int
    """Where it begins among what was sent."""
    offset: int
    """Where it lies in the file."""
    size: int


class SplitSecrets:
    """Remembers where the pieces lie in one capture file."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, list[_Piece]] = {}

    def take(self, frame: bytes, link_type: int, offset: int) -> None:
        """Take note of a frame that was written.

        Args:
            frame: its bytes.
            link_type: LINKTYPE_ number.
            offset: where they lie in the file.
        """
        at = network_offset(frame, link_type)
        if at is None or len(frame) < at + 20:
            return
        version = frame[at] >> 4
        if version == 4:
            begin, end = at + (frame[at] & 0xF) * 4, at + int.from_bytes(frame[at + 2 : at + 4], "big")
            fragment = int.from_bytes(frame[at + 6 : at + 8], "big")
            ends, kind = frame[at + 12 : at + 20], frame[at + 9]
            if fragment & 0x3FFF:
                key = b"4" + ends + frame[at + 4 : at + 6] + bytes([kind])
                self._add(key, (fragment & 0x1FFF) * 8, begin, end, frame, offset)
                return
        elif version == 6:
            begin, end = at + 40, at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
            ends, kind = frame[at + 8 : at + 40], frame[at + 6]
            if kind == _FRAGMENT_EXTENSION and len(frame) >= begin + 8:
                key = b"6" + ends + frame[begin + 4 : begin + 8]
                place = int.from_bytes(frame[begin + 2 : begin + 4], "big") & 0xFFF8
                self._add(key, place, begin + 8, end, frame, offset)
                return
        else:
            return
        if kind == _TCP and len(frame) >= begin + 20:
            key = b"t" + ends + frame[begin : begin + 4]
            sequence = int.from_bytes(frame[begin + 4 : begin + 8], "big")
            self._add(key, sequence, begin + (frame[begin + 12] >> 4) * 4, end, frame, offset)

    def _add(self, key: bytes, place: int, begin: int, end: int, frame: bytes, offset: int) -> None:
        size = min(end, len(frame)) - begin
        if size > 0:
            self._pieces.setdefault(key, []).append(_Piece(place, offset + begin, size))

    def replace(self, path: Path, redacted: Callable[[bytes], bytes]) -> None:
        """Put what belongs together together, and marks in the place of the secrets in it.

        Args:
            path: the capture file; it is complete.
            redacted: returns bytes without secrets, of the same length; the same object where there are none.

        Raises:
            OSError: the file cannot be read or written.
        """
        several = [pieces for pieces in self._pieces.values() if len(pieces) > 1]
        if not several:
            return
        descriptor = os.open(path, os.O_RDWR)
        try:
            for pieces in several:
                _replace(descriptor, pieces, redacted)
        finally:
            os.close(descriptor)


def _replace(descriptor: int, pieces: list[_Piece], redacted: Callable[[bytes], bytes]) -> None:
    first = pieces[0].place
    in_order = sorted(
        (((piece.place - first + _AROUND) % (2 * _AROUND), piece) for piece in pieces),
        key=lambda item: item[0],
    )
    for _, run in groupby(_runs(in_order), key=lambda item: item[0]):
        placed = [(place, piece) for _, place, piece in run]
        begin = placed[0][0]
        size = max(place + piece.size for place, piece in placed) - begin
        if len(placed) < 2 or size > _MOST_BYTES:
            continue
        whole = bytearray(size)
        for place, piece in reversed(placed):
            data = os.pread(descriptor, piece.size, piece.offset)
            whole[place - begin : place - begin + len(data)] = data
        sent = bytes(whole)
        kept = redacted(sent)
        if kept is sent:
            continue
        for place, piece in placed:
            there = slice(place - begin, place - begin + piece.size)
            if sent[there] != kept[there] and os.pread(descriptor, piece.size, piece.offset) == sent[there]:
                os.pwrite(descriptor, kept[there], piece.offset)


def _runs(in_order: list[tuple[int, _Piece]]) -> list[tuple[int, int, _Piece]]:
    """Number the runs of pieces between which nothing is missing."""
    found, number, reached = [], 0, None
    for place, piece in in_order:
        number += reached is not None and place > reached
        reached = max(reached or 0, place + piece.size)
        found.append((number, place, piece))
    return found
