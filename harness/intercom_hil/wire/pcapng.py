"""pcapng files: frames come in, a file that Wireshark opens goes out.

Written here and not with scapy's ``RawPcapNgWriter`` because that one has no interface statistics block,
where the number of lost packets belongs, and takes longer to import than a bench should take to start.
Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from pathlib import Path

from intercom_hil.wire.pcap import Frame

_SECTION, _INTERFACE, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 5, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_COMMENT, _OPTION_IF_NAME, _OPTION_APPLICATION, _OPTION_IF_FILTER = 1, 2, 4, 11
_OPTION_RECEIVED, _OPTION_DROPPED = 4, 5
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

    def write(self, frame: Frame) -> None:
        """Add one frame."""
        captured = len(frame.data)
        padding = -captured % 4
        length = 32 + captured + padding
        microseconds = round(frame.time * 1e6)
        header = _PACKET_HEADER.pack(
            _PACKET, length, 0, microseconds >> 32, microseconds & 0xFFFFFFFF, captured, frame.size
        )
        self._file.write(header + frame.data + bytes(padding) + struct.pack("<I", length))

    def write_statistics(self, *, time: float, received: int, dropped: int | None) -> None:
        """Say how many packets came in and how many were lost; None means that nobody could tell."""
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
        for code, value in options:
            body += struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
        body += struct.pack("<HH", 0, 0)
        length = struct.pack("<I", 12 + len(body))
        self._file.write(struct.pack("<I", kind) + length + body + length)
