"""RTP and RTCP headers (RFC 3550), and distinguishing the two on one port (RFC 5761).

It parses the payload of one UDP datagram into header fields and payload. SRTP packets (RFC 3711) have the
same clear header, so their headers can be read before they are decrypted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from intercom_hil.wire.error import WireError

VERSION = 2
_FIXED = struct.Struct("!BBHII")
_RTCP = struct.Struct("!BBHI")
_SENDER_INFO = struct.Struct("!IIIII")
_REPORT_BLOCK = struct.Struct("!IIIIII")

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE, APPLICATION = 200, 201, 202, 203, 204


class RtpError(WireError):
    """Bytes that are no RTP or RTCP packet."""


class RtpPacket(NamedTuple):
    """One RTP packet (RFC 3550 §5.1). ``payload`` is without padding; ``header_size`` is in bytes."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    csrcs: tuple[int, ...]
    header_size: int
    payload: bytes


@dataclass(frozen=True)
class ReportBlock:
    """What a receiver says of one source (RFC 3550 §6.4.1). ``jitter`` is in timestamp units."""

    ssrc: int
    fraction_lost: float
    cumulative_lost: int
    highest_sequence: int
    jitter: int


@dataclass(frozen=True)
class RtcpPacket:
    """One packet of a compound (RFC 3550 §6). ``count`` is the five-bit count or subtype field."""

    packet_type: int
    count: int
    ssrc: int
    body: bytes
    reports: tuple[ReportBlock, ...] = ()


def is_rtcp(data: bytes) -> bool:
    """Return whether a version 2 packet is RTCP: packet types 192 to 223 (RFC 5761 §4)."""
    return len(data) >= 8 and data[0] >> 6 == VERSION and 192 <= data[1] <= 223


def is_rtp(data: bytes) -> bool:
    """Return whether the bytes can be RTP (or SRTP): version 2, long enough, and not RTCP. Cheap."""
    return len(data) >= 12 and data[0] >> 6 == VERSION and not 192 <= data[1] <= 223


def parse_rtp(data: bytes, *, encrypted: bool = False) -> RtpPacket:
    """Read one RTP packet.

    Args:
        data: the payload of one datagram.
        encrypted: whether the payload is still SRTP, in which padding cannot be seen (RFC 3711 §3.1).

    Raises:
        RtpError: wrong version, or shorter than its own header, extension or padding.
    """
    if len(data) < 12 or data[0] >> 6 != VERSION:
        raise RtpError("no RTP packet", data)
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    count = first & 0x0F
    size = 12 + 4 * count
    if first & 0x10 and len(data) >= size + 4:
        size += 4 + 4 * int.from_bytes(data[size + 2 : size + 4], "big")
    elif first & 0x10:
        raise RtpError("RTP header extension cut short", data)
    if len(data) < size:
        raise RtpError("RTP header cut short", data)
    padding = data[-1] if first & 0x20 and not encrypted else 0
    if first & 0x20 and not encrypted and not 1 <= padding <= len(data) - size:
        raise RtpError("impossible RTP padding", data)
    csrcs = struct.unpack_from(f"!{count}I", data, 12) if count else ()
    payload = data[size : len(data) - padding]
    return RtpPacket(second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, csrcs, size, payload)


def build_rtp(
    payload: bytes, *, payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool = False
) -> bytes:
    """Return one RTP packet without padding, extension or contributing sources."""
    second = payload_type & 0x7F | (0x80 if marker else 0)
    head = _FIXED.pack(VERSION << 6, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
    return head + payload


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """Read a compound RTCP packet, or one reduced-size packet (RFC 5506).

    Raises:
        RtpError: wrong version, no RTCP packet type, or a length that overruns the datagram.
    """
    return list(_rtcp_packets(data))


def _rtcp_packets(data: bytes) -> Iterator[RtcpPacket]:
    at = 0
    while at < len(data) or at == 0:
        if len(data) - at < 8:
            raise RtpError("RTCP packet cut short", data)
        first, packet_type, words, ssrc = _RTCP.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != VERSION or not 192 <= packet_type <= 223 or words < 1 or end > len(data):
            raise RtpError("no RTCP packet", data)
        body = data[at + 8 : end]
        count = first & 0x1F
        skip = {SENDER_REPORT: _SENDER_INFO.size, RECEIVER_REPORT: 0}.get(packet_type)
        reports = () if skip is None else _reports(body[skip:], count)
        yield RtcpPacket(packet_type, count, ssrc, body, reports)
        at = end


def _reports(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    if len(data) < count * _REPORT_BLOCK.size:
        raise RtpError("RTCP report blocks cut short", data)
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, _, _ = _REPORT_BLOCK.unpack_from(data, index * _REPORT_BLOCK.size)
        lost = loss & 0xFFFFFF
        lost -= 0x1000000 if lost & 0x800000 else 0
        blocks.append(ReportBlock(ssrc, (loss >> 24) / 256, lost, highest, jitter))
    return tuple(blocks)
