"""Captured frames to UDP datagrams and TCP segments, over every link type a bench meets.

A frame and its LINKTYPE_ number come in; a ``Datagram``, a ``Segment`` or None goes out. Ordinary frames take
a short path of a few unpacked structures; fragments are put together. What is rare (IPv6 extension headers,
tunnels) goes through scapy, which is imported only then. Checksums are not looked at: with offloading, a
capture on the sending host has none.
"""

from __future__ import annotations

import ipaddress
import struct
from collections import OrderedDict
from typing import NamedTuple

from intercom_hil.wire.error import WireError

ETHERNET, NULL, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6, _VLAN_TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8)
_TCP, _UDP = 6, 17
_TUNNELS = (4, 41, 47)
_MORE_FRAGMENTS = 0x2000
_PORTS = struct.Struct("!HH")
_MAX_FRAGMENTED = 64
"""Datagrams that may be incomplete at one time; the oldest is given up beyond that."""
_MAX_FRAGMENTS = 64
"""Fragments of one datagram: 64 KiB in pieces of 1 KiB."""

FIN, SYN, RST = 0x01, 0x02, 0x04

Address = tuple[str, int]


class LinkError(WireError):
    """A frame of a link type that is not known here."""


class Datagram(NamedTuple):
    """One UDP datagram."""

    source: Address
    destination: Address
    payload: bytes


class Segment(NamedTuple):
    """One TCP segment; ``flags`` as in RFC 9293 §3.1."""

    source: Address
    destination: Address
    sequence: int
    flags: int
    payload: bytes


class Dissector:
    """Takes the frames of one link type in order; remembers fragments until their datagram is whole."""

    def __init__(self, link_type: int) -> None:
        """Raises LinkError for a link type that is not known here."""
        if link_type not in (ETHERNET, NULL, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2):
            raise LinkError(f"unknown link type {link_type}")
        self._link_type = link_type
        self._fragments: OrderedDict[bytes, dict[int, tuple[bytes, bool]]] = OrderedDict()

    def dissect(self, frame: bytes) -> Datagram | Segment | None:
        """Return the datagram or segment in a frame, or the one that it completes; None for all else.

        Frames cut short, and frames of other protocols, are None.
        """
        at = self._network_offset(frame)
        if at is None or at >= len(frame):
            return None
        version = frame[at] >> 4
        if version == 4:
            return self._ipv4(frame, at)
        return _ipv6(frame, at) if version == 6 else None

    def _network_offset(self, frame: bytes) -> int | None:
        if self._link_type == ETHERNET:
            at, kind = 14, int.from_bytes(frame[12:14], "big")
            while kind in _VLAN_TAGS:
                at, kind = at + 4, int.from_bytes(frame[at + 2 : at + 4], "big")
        elif self._link_type == LINUX_SLL:
            at, kind = 16, int.from_bytes(frame[14:16], "big")
        elif self._link_type == LINUX_SLL2:
            at, kind = 20, int.from_bytes(frame[0:2], "big")
        else:
            return 4 if self._link_type in (NULL, LOOP) else 0
        return at if kind in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None

    def _ipv4(self, frame: bytes, at: int) -> Datagram | Segment | None:
        header_size = (frame[at] & 0x0F) * 4
        if header_size < 20 or len(frame) < at + header_size:
            return None
        total = int.from_bytes(frame[at + 2 : at + 4], "big")
        # A segment that the sending host has yet to cut (TSO) is captured with a length of zero.
        end = at + total if total >= header_size else len(frame)
        if end > len(frame):
            return None
        protocol = frame[at + 9]
        if protocol not in (_TCP, _UDP):
            return _by_scapy(frame[at:end]) if protocol in _TUNNELS else None
        a, b, c, d, e, f, g, h = frame[at + 12 : at + 20]
        hosts = f"{a}.{b}.{c}.{d}", f"{e}.{f}.{g}.{h}"
        flags_and_offset = int.from_bytes(frame[at + 6 : at + 8], "big")
        if not flags_and_offset & 0x3FFF:
            return _transport(protocol, hosts, frame, at + header_size, end)
        key = frame[at + 4 : at + 6] + frame[at + 9 : at + 10] + frame[at + 12 : at + 20]
        whole = self._join(key, flags_and_offset, frame[at + header_size : end])
        return None if whole is None else _transport(protocol, hosts, whole, 0, len(whole))

    def _join(self, key: bytes, flags_and_offset: int, data: bytes) -> bytes | None:
        """Keep a fragment (RFC 791 §3.2); return the whole content once none is missing."""
        offset = (flags_and_offset & 0x1FFF) * 8
        pieces = self._fragments.setdefault(key, {})
        self._fragments.move_to_end(key)
        if len(self._fragments) > _MAX_FRAGMENTED:
            self._fragments.popitem(last=False)
        pieces[offset] = data, bool(flags_and_offset & _MORE_FRAGMENTS)
        if len(pieces) > _MAX_FRAGMENTS:
            del self._fragments[key]
            return None
        whole = bytearray()
        for start in sorted(pieces):
            content, more = pieces[start]
            if start != len(whole):
                return None
            whole += content
            if not more:
                del self._fragments[key]
                return bytes(whole)
        return None


def _ipv6(frame: bytes, at: int) -> Datagram | Segment | None:
    end = at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
    if len(frame) < at + 40 or end > len(frame):
        return None
    protocol = frame[at + 6]
    if protocol not in (_TCP, _UDP):
        return _by_scapy(frame[at:end])
    hosts = tuple(str(ipaddress.IPv6Address(frame[at + o : at + o + 16])) for o in (8, 24))
    return _transport(protocol, (hosts[0], hosts[1]), frame, at + 40, end)


def _transport(
    protocol: int, hosts: tuple[str, str], frame: bytes, at: int, end: int
) -> Datagram | Segment | None:
    if end - at < (8 if protocol == _UDP else 20):
        return None
    ports = _PORTS.unpack_from(frame, at)
    source, destination = (hosts[0], ports[0]), (hosts[1], ports[1])
    if protocol == _UDP:
        size = int.from_bytes(frame[at + 4 : at + 6], "big")
        if size and not 8 <= size <= end - at:
            return None
        return Datagram(source, destination, frame[at + 8 : at + size if size else end])
    offset = (frame[at + 12] >> 4) * 4
    if offset < 20 or at + offset > end:
        return None
    sequence = int.from_bytes(frame[at + 4 : at + 8], "big")
    return Segment(source, destination, sequence, frame[at + 13], frame[at + offset : end])


def _by_scapy(packet: bytes) -> Datagram | Segment | None:
    """Find the innermost UDP or TCP of a tunnelled or extended packet."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6

    layers = (IPv6 if packet[0] >> 4 == 6 else IP)(packet)
    layer = layers.getlayer(UDP) or layers.getlayer(TCP)
    network = layer.underlayer if layer else None
    while network is not None and not isinstance(network, IP | IPv6):
        network = network.underlayer
    if layer is None or network is None:
        return None
    source, destination = (str(network.src), int(layer.sport)), (str(network.dst), int(layer.dport))
    payload = bytes(layer.payload)
    if isinstance(layer, UDP):
        return Datagram(source, destination, payload)
    return Segment(source, destination, int(layer.seq), int(layer.flags), payload)
