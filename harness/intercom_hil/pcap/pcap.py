"""Classic pcap files read as a stream: whole frames from bytes in any portions.

Both byte orders and both time resolutions (micro- and nanoseconds) are read, and records with the interface,
as a patched libpcap writes them. Format: draft-ietf-opsawg-pcap, section 4 and 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from intercom_hil.wire.error import WireError

_PLAIN, _WITH_INTERFACE = 16, 24
"""Bytes of a record's header: times and sizes, and behind them interface, protocol and packet type."""
_ORDERS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6, _PLAIN),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6, _PLAIN),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9, _PLAIN),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9, _PLAIN),
    b"\x34\xcd\xb2\xa1": ("<", 1e-6, _WITH_INTERFACE),
    b"\xa1\xb2\xcd\x34": (">", 1e-6, _WITH_INTERFACE),
}
_FILE_HEADER_SIZE = 24
MAX_FRAME_BYTES = 262_144
"""The largest frame that capture tools write; a longer one means the stream is not what it says."""


class PcapError(WireError):
    """Bytes that are no pcap stream."""


class Frame(NamedTuple):
    """One captured frame. ``time`` is seconds since the epoch, ``size`` its bytes on the wire."""

    time: float
    data: bytes
    size: int


def read_pcap(data: bytes) -> Iterator[tuple[int, Frame]]:
    """Yield the packets of a whole pcap file, each with its link type (LINKTYPE_ value).

    A file that breaks off ends with its last whole record.

    Raises:
        PcapError: no pcap file header, or, after the packets before it, a record of an impossible length.
    """
    if data and data[:4] not in _ORDERS:
        raise PcapError("no pcap stream", data[:64])
    reader = PcapReader()
    reader.feed(data[:_FILE_HEADER_SIZE])
    at = _FILE_HEADER_SIZE
    while at + reader.header_size <= len(data):
        end = at + reader.header_size + reader.captured(data, at)
        for frame in reader.feed(data[at:end]):  # record by record: those before a damaged one are whole
            yield reader.link_type or 0, frame
        at = end


class PcapReader:
    """Reads one stream.

    Attributes:
        link_type: a LINKTYPE_ value; None until the file header is in.
        header_size: bytes before the packet of each record, once the file header is in.
    """

    def __init__(self) -> None:
        self.header_size = _PLAIN
        self._buffer = bytearray()
        self._record = struct.Struct("")
        self._resolution = 0.0
        self.link_type: int | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes; return the frames that they complete.

        Raises:
            PcapError: no pcap file header, or a record of an impossible length. The reader is then useless.
        """
        self._buffer += data
        if self.link_type is None:
            if len(self._buffer) < _FILE_HEADER_SIZE:
                return []
            self._read_header(bytes(self._buffer[:_FILE_HEADER_SIZE]))
            del self._buffer[:_FILE_HEADER_SIZE]
        frames: list[Frame] = []
        at = 0
        while at + self.header_size <= len(self._buffer):
            seconds, fraction, captured, size = self._record.unpack_from(self._buffer, at)
            if captured > MAX_FRAME_BYTES:
                raise PcapError(f"pcap record of {captured} bytes", bytes(self._buffer[at : at + 64]))
            end = at + self.header_size + captured
            if end > len(self._buffer):
                break
            frame = bytes(self._buffer[at + self.header_size : end])
            frames.append(Frame(seconds + fraction * self._resolution, frame, size))
            at = end
        del self._buffer[:at]
        return frames

    def captured(self, data: bytes, at: int) -> int:
        """Return how many captured bytes the record has whose header is at a place of these bytes."""
        return int(self._record.unpack_from(data, at)[2])

    def _read_header(self, header: bytes) -> None:
        order, self._resolution, self.header_size = _ORDERS.get(header[:4], ("", 0.0, _PLAIN))
        if not order:
            raise PcapError("no pcap stream", header)
        self._record = struct.Struct(f"{order}IIII")
        self.link_type = int(struct.unpack_from(f"{order}I", header, 20)[0]) & 0xFFFF
