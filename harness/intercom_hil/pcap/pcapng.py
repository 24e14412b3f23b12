"""pcapng files: written so that Wireshark opens them, and read as other tools write them.

Written here and not with scapy's ``RawPcapNgWriter`` because that one has no interface statistics block,
where the number of lost packets belongs, and takes longer to import than a bench should take to start.
Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from intercom_hil.pcap.pcap import Frame
from intercom_hil.wire.error import WireError

_SECTION, _INTERFACE, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 5, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_COMMENT, _OPTION_IF_NAME, _OPTION_APPLICATION, _OPTION_IF_FILTER = 1, 2, 4, 11
_OPTION_RECEIVED, _OPTION_DROPPED = 4, 5
_OPTIONS_LOST = (_OPTION_DROPPED, 7)
"""What the interface dropped, and what the operating system did (isb_ifdrop, isb_osdrop)."""
_REDACTED = b"A secret is replaced by a mark of the same length; the checksums are those of before."
_OBSOLETE_PACKET, _SIMPLE_PACKET = 2, 3
_OPTION_RESOLUTION, _OPTION_OFFSET = 9, 14
_SNAP_LENGTH = 262_144
_PACKET_HEADER = struct.Struct("<IIIIIII")


class PcapngWriter:
    """One section with one interface; times in microseconds."""

    def __init__(
        self, path: Path, *, link_type: int, interface: str, application: str, capture_filter: str = ""
    ) -> None:
        """Create the file (an existing one is replaced) and write its header.

        Raises:
            OSError: the file cannot be created.
        """
        self._file = path.open("wb", 65_536)
        section = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1)
        self._block(_SECTION, section, [(_OPTION_APPLICATION, application.encode())])
        options = [(_OPTION_IF_NAME, interface.encode())]
        if capture_filter:
            options.append((_OPTION_IF_FILTER, b"\0" + capture_filter.encode()))
        self._block(_INTERFACE, struct.pack("<HHI", link_type, 0, _SNAP_LENGTH), options)

    def write(self, frame: Frame, *, redacted: bool = False) -> int:
        """Add one frame; a reader sees beside it where it is not as it came. Return where its bytes lie."""
        captured = len(frame.data)
        padding = -captured % 4
        options = _written([(_OPTION_COMMENT, _REDACTED)]) if redacted else b""
        length = 32 + captured + padding + len(options)
        microseconds = round(frame.time * 1e6)
        header = _PACKET_HEADER.pack(
            _PACKET, length, 0, microseconds >> 32, microseconds & 0xFFFFFFFF, captured, frame.size
        )
        place = self._file.tell() + len(header)
        self._file.write(header + frame.data + bytes(padding) + options + struct.pack("<I", length))
        return place

    def write_statistics(self, *, time: float, received: int, dropped: int | None) -> None:
        """Say how many packets came in and how many were lost; None means that nobody knows."""
        microseconds = round(time * 1e6)
        body = struct.pack("<III", 0, microseconds >> 32, microseconds & 0xFFFFFFFF)
        options = [(_OPTION_RECEIVED, struct.pack("<Q", received))]
        if dropped is None:
            options.append((_OPTION_COMMENT, b"The number of lost packets is not known."))
        else:
            options.append((_OPTION_DROPPED, struct.pack("<Q", dropped)))
        self._block(_STATISTICS, body, options)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file. Idempotent."""
        self._file.close()

    def _block(self, kind: int, body: bytes, options: list[tuple[int, bytes]]) -> None:
        body += _written(options)
        length = struct.pack("<I", 12 + len(body))
        self._file.write(struct.pack("<I", kind) + length + body + length)


def _written(options: list[tuple[int, bytes]]) -> bytes:
    written = [
        struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options
    ]
    return b"".join(written) + struct.pack("<HH", 0, 0)


class PcapngError(WireError):
    """Bytes that are no pcapng file."""


class _Interface(NamedTuple):
    link_type: int
    resolution: float
    offset: int


def is_pcapng(data: bytes) -> bool:
    """Return whether bytes begin as a pcapng file does."""
    return data[:4] == _SECTION.to_bytes(4, "big")


def read_pcapng(data: bytes, numbers: list[int] | None = None) -> Iterator[tuple[int, Frame]]:
    """Yield the packets of a pcapng file, of any tool, each with its link type (LINKTYPE_ value).

    A file that breaks off ends with its last whole block. A packet whose interface is not described is left
    out, and one without a time is dated 0.

    Args:
        data: the file.
        numbers: takes for each packet the number of its interface, counted through all sections.

    Raises:
        PcapngError: it does not begin with a section header, or a block has an impossible length.
    """
    interfaces: list[_Interface] = []
    before = 0
    for kind, body, order in _blocks(data):
        if kind == _SECTION:
            before, interfaces = before + len(interfaces), []
        elif kind == _INTERFACE and len(body) >= 8:
            interfaces.append(_interface(body, order))
        elif kind in (_PACKET, _OBSOLETE_PACKET, _SIMPLE_PACKET):
            packet = _packet(kind, body, order, interfaces)
            if packet is not None:
                if numbers is not None:
                    numbers.append(before + packet[0])
                yield packet[1:]


def lost_packets(data: bytes) -> int:
    """Return how many packets the tool that wrote a pcapng file says it lost: by interface, at the end.

    Bytes that are no pcapng file, or damaged, say nothing beyond what was read of them.
    """
    return sum(max(counts) for counts in _statistics(data, _OPTIONS_LOST))


def received_packets(data: bytes) -> int | None:
    """Return how many packets the tool says came in, those that it lost included; None if it does not say."""
    found = [max(counts) for counts in _statistics(data, (_OPTION_RECEIVED,))]
    return sum(found) if found else None


def _statistics(data: bytes, codes: tuple[int, ...]) -> list[list[int]]:
    """Return the counts of some options of the last statistics of each interface that have any."""
    found: dict[tuple[int, int], list[int]] = {}
    section = 0
    try:
        for kind, body, order in _blocks(data):
            section += kind == _SECTION
            if kind == _STATISTICS and len(body) >= 12:
                interface = struct.unpack_from(f"{order}I", body)[0]
                found[section, interface] = [
                    struct.unpack(f"{order}Q", value)[0]
                    for code, value in _options(body, 12, order)
                    if code in codes and len(value) == 8
                ]
    except PcapngError:
        pass
    return [counts for counts in found.values() if counts]


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Yield each whole block: its type, its body, and the byte order of its section."""
    if not is_pcapng(data):
        raise PcapngError("no pcapng file", data[:64])
    at, order = 0, "<"
    while at + 12 <= len(data):
        if is_pcapng(data[at : at + 4]):
            magic = data[at + 8 : at + 12]
            order = "<" if magic == _BYTE_ORDER_MAGIC.to_bytes(4, "little") else ">"
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if length < 12 or length % 4:
            raise PcapngError(f"pcapng block of {length} bytes", data[at : at + 64])
        if at + length > len(data):
            return
        yield kind, data[at + 8 : at + length - 4], order
        at += length


def _options(body: bytes, at: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield the options of a block from a place of its body on."""
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        if code == 0:
            return
        yield code, body[at + 4 : at + 4 + size]
        at += 4 + size + (-size % 4)


def _interface(body: bytes, order: str) -> _Interface:
    link_type = int(struct.unpack_from(f"{order}H", body)[0])
    resolution, offset = 1e-6, 0
    for code, value in _options(body, 8, order):
        if code == _OPTION_RESOLUTION and len(value) == 1:
            exponent = value[0] & 0x7F
            resolution = 2.0**-exponent if value[0] & 0x80 else 10.0**-exponent
        elif code == _OPTION_OFFSET and len(value) == 8:
            offset = int(struct.unpack(f"{order}q", value)[0])
    return _Interface(link_type, resolution, offset)


def _packet(
    kind: int, body: bytes, order: str, interfaces: list[_Interface]
) -> tuple[int, int, Frame] | None:
    """Return the number of its interface, the type of that, and the packet."""
    header = {_PACKET: "IIIII", _OBSOLETE_PACKET: "HHIIII", _SIMPLE_PACKET: "I"}[kind]
    begun = struct.calcsize(order + header)
    if len(body) < begun:
        return None
    said = struct.unpack_from(order + header, body)
    number = 0 if kind == _SIMPLE_PACKET else said[0]
    if number >= len(interfaces):
        return None
    interface, time = interfaces[number], 0.0
    if kind == _SIMPLE_PACKET:
        captured = size = said[0]
    else:
        high, low, captured, size = said[-4:]
        time = interface.offset + ((high << 32) | low) * interface.resolution
    return number, interface.link_type, Frame(time, body[begun : begun + captured], size)
