"""HEP3 (EEP) packets: SIP messages as the PBX mirrors them, decrypted.

One UDP payload from the PBX is one ``HepPacket``. Layout: "The EEP/HEP3 encapsulation
protocol", revision 12: the magic ``HEP3``, a 16-bit total length, then chunks of vendor id, type id, length
(each 16 bits, the length counting its own 6-byte header) and value. Chunks of other vendors are skipped.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from intercom_hil.wire.error import WireError

MAGIC = b"HEP3"
_HEADER = struct.Struct("!HHH")
_IPV4, _IPV6 = 2, 10
_CHUNK_FAMILY, _CHUNK_PROTOCOL = 0x0001, 0x0002
_CHUNK_SOURCE4, _CHUNK_DESTINATION4, _CHUNK_SOURCE6, _CHUNK_DESTINATION6 = 0x0003, 0x0004, 0x0005, 0x0006
_CHUNK_SOURCE_PORT, _CHUNK_DESTINATION_PORT = 0x0007, 0x0008
_CHUNK_SECONDS, _CHUNK_MICROSECONDS = 0x0009, 0x000A
_CHUNK_PAYLOAD, _CHUNK_CORRELATION = 0x000F, 0x0011
_SIZES = {
    _CHUNK_FAMILY: 1,
    _CHUNK_PROTOCOL: 1,
    _CHUNK_SOURCE4: 4,
    _CHUNK_DESTINATION4: 4,
    _CHUNK_SOURCE6: 16,
    _CHUNK_DESTINATION6: 16,
    _CHUNK_SOURCE_PORT: 2,
    _CHUNK_DESTINATION_PORT: 2,
    _CHUNK_SECONDS: 4,
    _CHUNK_MICROSECONDS: 4,
}


class HepError(WireError):
    """Bytes that are no HEP3 packet, or one without addresses, ports, time or payload."""


@dataclass(frozen=True)
class HepPacket:
    """One mirrored message.

    Attributes:
        source: address and port the message came from.
        destination: address and port it went to.
        protocol: IP protocol number of the original (6 TCP and TLS, 17 UDP).
        payload: the message itself.
        time: seconds since the epoch, as the sender of the mirror dated it.
        correlation_id: the Call-ID, where the sender gives it; empty otherwise.
    """

    source: tuple[str, int]
    destination: tuple[str, int]
    protocol: int
    payload: bytes
    time: float
    correlation_id: str = ""

    def __bytes__(self) -> bytes:
        """Serialise to one UDP payload. Raises ValueError for addresses that are none or of two families."""
        source, destination = ipaddress.ip_address(self.source[0]), ipaddress.ip_address(self.destination[0])
        if source.version != destination.version:
            raise ValueError(f"addresses of two families: {source}, {destination}")
        is4 = source.version == 4
        microseconds = round(self.time * 1e6)
        chunks = [
            (_CHUNK_FAMILY, bytes([_IPV4 if is4 else _IPV6])),
            (_CHUNK_PROTOCOL, bytes([self.protocol])),
            (_CHUNK_SOURCE4 if is4 else _CHUNK_SOURCE6, source.packed),
            (_CHUNK_DESTINATION4 if is4 else _CHUNK_DESTINATION6, destination.packed),
            (_CHUNK_SOURCE_PORT, struct.pack("!H", self.source[1])),
            (_CHUNK_DESTINATION_PORT, struct.pack("!H", self.destination[1])),
            (_CHUNK_SECONDS, struct.pack("!I", microseconds // 1_000_000)),
            (_CHUNK_MICROSECONDS, struct.pack("!I", microseconds % 1_000_000)),
            (_CHUNK_PAYLOAD, self.payload),
        ]
        if self.correlation_id:
            chunks.append((_CHUNK_CORRELATION, self.correlation_id.encode()))
        body = b"".join(_HEADER.pack(0, kind, 6 + len(value)) + value for kind, value in chunks)
        return MAGIC + struct.pack("!H", 6 + len(body)) + body


def parse(data: bytes) -> HepPacket:
    """Read one HEP3 packet.

    Args:
        data: the payload of one UDP datagram.

    Raises:
        HepError: the bytes are no HEP3 packet, or lack what a mirrored SIP message needs.
    """
    if data[:4] != MAGIC or len(data) < 6:
        raise HepError("no HEP3 packet", data)
    total = int.from_bytes(data[4:6], "big")
    if total > len(data):
        raise HepError(f"HEP3 packet cut short: {len(data)} of {total} bytes", data)
    chunks = _chunks(data, total)
    source = _address(chunks, _CHUNK_SOURCE4, _CHUNK_SOURCE6, _CHUNK_SOURCE_PORT, data)
    destination = _address(chunks, _CHUNK_DESTINATION4, _CHUNK_DESTINATION6, _CHUNK_DESTINATION_PORT, data)
    for kind, name in ((_CHUNK_SECONDS, "time"), (_CHUNK_PAYLOAD, "payload"), (_CHUNK_PROTOCOL, "protocol")):
        if kind not in chunks:
            raise HepError(f"HEP3 packet without {name}", data)
    fraction = int.from_bytes(chunks.get(_CHUNK_MICROSECONDS, b""), "big") / 1e6
    return HepPacket(
        source=source,
        destination=destination,
        protocol=chunks[_CHUNK_PROTOCOL][0],
        payload=chunks[_CHUNK_PAYLOAD],
        time=int.from_bytes(chunks[_CHUNK_SECONDS], "big") + fraction,
        correlation_id=chunks.get(_CHUNK_CORRELATION, b"").decode("utf-8", "backslashreplace"),
    )


def _chunks(data: bytes, total: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 6
    while at + 6 <= total:
        vendor, kind, length = _HEADER.unpack_from(data, at)
        if length < 6 or at + length > total:
            raise HepError(f"HEP3 chunk {kind:#06x} overruns the packet", data[at:])
        value = data[at + 6 : at + length]
        if vendor == 0:
            if len(value) != _SIZES.get(kind, len(value)):
                raise HepError(f"HEP3 chunk {kind:#06x} of {len(value)} bytes", data[at:])
            found[kind] = value
        at += length
    return found


def _address(chunks: dict[int, bytes], v4: int, v6: int, port: int, data: bytes) -> tuple[str, int]:
    packed = chunks.get(v4) or chunks.get(v6)
    if packed is None or port not in chunks:
        raise HepError("HEP3 packet without addresses", data)
    return str(ipaddress.ip_address(packed)), int.from_bytes(chunks[port], "big")
