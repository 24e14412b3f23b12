"""Tunnels over UDP, by which clouds, switches and mobile networks mirror and carry packets: what is in them.

VXLAN (RFC 7348), GENEVE (RFC 8926), GTP-U (3GPP TS 29.281) and TZSP, each on its own port.
"""

from __future__ import annotations

from typing import NamedTuple

GENEVE, GTP_U, TZSP, VXLAN = 6081, 2152, 37008, 4789
"""The port that a tunnel's packets go to (IANA; TZSP has none of its own and is known by this one)."""
_HEADER = 8
_VNI_THERE, _VXLAN_NAMES_PROTOCOL, _VXLAN_ETHERNET = 0x08, 0x04, 3
_GENEVE_OPTIONS, _GENEVE_VERSION = 0x3F, 0xC0
_BRIDGED = b"\x65\x58"
_GTP_VERSION, _GTP_MORE, _GTP_PACKET, _GTP_EXTENDED = 0x30, 0x07, 0xFF, 0x04
_TZSP_RECEIVED, _TZSP_ETHERNET, _TZSP_PADDING, _TZSP_END = b"\x01\x00", b"\x00\x01", 0, 1


class Carried(NamedTuple):
    """What a tunnel's packet carries: bytes, and whether they are an Ethernet frame, or an IP packet."""

    data: bytes
    is_frame: bool


def carried(port: int, packet: bytes) -> Carried | None:
    """Return what a UDP datagram to a port carries, or None where it is not of the tunnel of that port."""
    if len(packet) <= _HEADER:
        return None
    if port == VXLAN:
        return _of_vxlan(packet)
    if port == GENEVE:
        ethernet = not packet[0] & _GENEVE_VERSION and packet[2:4] == _BRIDGED
        return Carried(packet[_HEADER + 4 * (packet[0] & _GENEVE_OPTIONS) :], True) if ethernet else None
    if port == GTP_U:
        return _of_gtp(packet)
    return _of_tzsp(packet) if port == TZSP else None


def _of_vxlan(packet: bytes) -> Carried | None:
    """Read a packet; a generic one says what it carries (draft-ietf-nvo3-vxlan-gpe): IPv4, IPv6, Ethernet."""
    names = packet[0] == _VNI_THERE | _VXLAN_NAMES_PROTOCOL
    kind = packet[3] if names else _VXLAN_ETHERNET
    if packet[0] & ~_VXLAN_NAMES_PROTOCOL != _VNI_THERE or any(packet[1:3]) or packet[7]:
        return None
    if (packet[3] and not names) or not 0 < kind <= _VXLAN_ETHERNET:
        return None
    return Carried(packet[_HEADER:], kind == _VXLAN_ETHERNET)


def _of_gtp(packet: bytes) -> Carried | None:
    """Read a G-PDU: sequence number and extension headers may come before the packet (§5.1, §5.2)."""
    long_enough = _HEADER + int.from_bytes(packet[2:4], "big") <= len(packet)
    if packet[0] & 0xF0 != _GTP_VERSION or packet[1] != _GTP_PACKET or not long_enough:
        return None
    at = _HEADER + (4 if packet[0] & _GTP_MORE else 0)
    following = packet[at - 1] if packet[0] & _GTP_EXTENDED and len(packet) >= at else 0
    while following and at < len(packet) and packet[at]:
        at += 4 * packet[at]
        following = packet[at - 1] if at <= len(packet) else 0
    return Carried(packet[at:], False)


def _of_tzsp(packet: bytes) -> Carried | None:
    if packet[:2] != _TZSP_RECEIVED or packet[2:4] != _TZSP_ETHERNET:
        return None
    at = 4
    while at < len(packet) and packet[at] != _TZSP_END:
        at += 1 if packet[at] == _TZSP_PADDING else 2 + (packet[at + 1] if at + 1 < len(packet) else 0)
    return Carried(packet[at + 1 :], True)
