"""Captured frames to UDP datagrams and TCP segments, over every link type a bench meets.

A frame and its LINKTYPE_ number give a ``Datagram``, a ``Segment`` or None. VLAN tags, MPLS labels and PPP
over Ethernet are passed over, fragments of IPv4 and IPv6 put together, IPv6 extension headers passed over,
tunnels (IP in IP, GRE, PPTP, ERSPAN, over UDP) looked into. Checksums are not looked at: with offloading, a
capture on the sending host has none.
"""

from __future__ import annotations

import ipaddress
import struct
from collections import OrderedDict
from typing import NamedTuple

from intercom_hil.wire.error import WireError
from intercom_hil.wire.udp_tunnels import carried

ETHERNET, NULL, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
CISCO_HDLC, NETFILTER_LOG, PACKET_TAP = 104, 239, 258
PPP, PPP_HDLC, PPP_ETHER, PPP_WITH_DIRECTION = 9, 50, 51, 204
WIRELESS, WIRELESS_RADIOTAP = 105, 127
_RAW_OF_SYSTEMS = (12, 14)
"""What DLT_RAW is on some systems: written into files by tools that do not translate it to LINKTYPE_RAW."""
_PPP_TYPES = (PPP, PPP_HDLC, PPP_ETHER, PPP_WITH_DIRECTION)
_LINK_TYPES = (
    *(ETHERNET, NULL, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2),
    *(*_PPP_TYPES, *_RAW_OF_SYSTEMS),
    *(WIRELESS, WIRELESS_RADIOTAP),
    *(CISCO_HDLC, NETFILTER_LOG, PACKET_TAP),
)
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)  # IEEE 802.1Q, 802.1ad, and the latter before it had a number
_ETHERTYPE_PPPOE = 0x8864  # the session stage (RFC 2516 §4)
_ETHERTYPES_MPLS = (0x8847, 0x8848)  # RFC 5332 §3
_LONGEST_LENGTH = 1500
"""An EtherType below that is a length: a frame with an LLC header (IEEE 802.3)."""
_SNAP = b"\xaa\xaa\x03\0\0\0"  # LLC and SNAP, before an EtherType (RFC 1042)
_PPP_ALL_STATIONS = b"\xff\x03"  # address and control of PPP in HDLC-like framing (RFC 1662 §3.1)
_PPP_IP = {0x0021: 4, 0x0057: 6}
"""PPP's number of a protocol to the version of IP (RFC 1332, RFC 5072)."""
_TCP, _UDP = 6, 17
_IP_IN_IP, _GRE = (4, 41), 47
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = (0, 43, _FRAGMENT, _AUTHENTICATION, 60, 135, 139, 140)
"""IPv6 extension headers that another header follows (IANA, RFC 7045)."""
_ETHERTYPE_BRIDGED, _ETHERTYPE_ERSPAN, _ETHERTYPE_ERSPAN_3 = 0x6558, 0x88BE, 0x22EB
_ETHERTYPE_PPP = 0x880B
_NETFILTER_PAYLOAD = 9
"""The attribute of a netfilter log that is the packet (LINKTYPE_NFLOG)."""
_SLL_GROUP = (1, 2)
"""Packet types of a Linux cooked capture: broadcast and multicast."""
_MULTICAST = frozenset(str(number) for number in range(224, 240))
_DATA, _PROTECTED, _MORE_WIRELESS = 0x08, 0x40, 0x04
"""Of a wireless frame's control field: data of version 0; its content is encrypted; it is a fragment."""
_QUALITY, _WITHOUT_DATA, _SEVERAL = 0x8, 0x4, 0x80
"""Subtypes of data frames (QoS, no data), and the flag of an aggregate (A-MSDU)."""
_DEEPEST = 4
"""IP packets inside one another that are looked into."""
_MAX_EXTENSIONS = 16
_MAX_PACKET = 65_535
_MORE_FRAGMENTS = 0x2000
_PORTS = struct.Struct("!HH")
_MAX_FRAGMENTED = 64
"""Datagrams that may be incomplete at one time; the oldest is given up beyond that."""
_MAX_FRAGMENTS = 128
"""Fragments of one datagram: 64 KiB in pieces of 512 bytes."""

FIN, SYN, RST = 0x01, 0x02, 0x04

Address = tuple[str, int]


class LinkError(WireError):
    """A frame of a link type that is not known here."""


class Datagram(NamedTuple):
    """One UDP datagram; ``to_group`` says whether it was broadcast or multicast."""

    source: Address
    destination: Address
    payload: bytes
    to_group: bool = False


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
        if link_type not in _LINK_TYPES:
            raise LinkError(f"unknown link type {link_type}")
        self._link_type = link_type
        self._fragments: OrderedDict[bytes, dict[int, tuple[bytes, bool]]] = OrderedDict()

    def dissect(self, frame: bytes) -> Datagram | Segment | None:
        """Return the datagram or segment in a frame, or the one that it completes; None for all else.

        Frames cut short, and frames of other protocols, are None. A fragment alone never is a datagram.
        """
        at = network_offset(frame, self._link_type)
        packet = None if at is None else self._ip(frame, at, _DEEPEST)
        if isinstance(packet, Datagram) and self._is_to_group(frame, packet.destination[0]):
            return packet._replace(to_group=True)
        return packet

    def _is_to_group(self, frame: bytes, host: str) -> bool:
        """Whether a frame goes to more than one host: by its link layer, and by its address."""
        if self._link_type == ETHERNET:
            return bool(frame[0] & 1) or is_group(host)
        if self._link_type == LINUX_SLL:
            return frame[1] in _SLL_GROUP or is_group(host)
        if self._link_type == LINUX_SLL2:
            return frame[10] in _SLL_GROUP or is_group(host)
        return is_group(host) or host.endswith(".255")  # the usual broadcast address, where no link says

    def _ip(self, frame: bytes, at: int, depth: int) -> Datagram | Segment | None:
        if at >= len(frame) or not depth:
            return None
        version = frame[at] >> 4
        if version == 4:
            return self._ipv4(frame, at, depth)
        return self._ipv6(frame, at, depth) if version == 6 else None

    def _ipv4(self, frame: bytes, at: int, depth: int) -> Datagram | Segment | None:
        header_size = (frame[at] & 0x0F) * 4
        if header_size < 20 or len(frame) < at + header_size:
            return None
        total = int.from_bytes(frame[at + 2 : at + 4], "big")
        # A segment that the sending host has yet to cut (TSO) is captured with a length of zero.
        end = at + total if total >= header_size else len(frame)
        if end > len(frame):
            return None
        protocol = frame[at + 9]
        a, b, c, d, e, f, g, h = frame[at + 12 : at + 20]
        hosts = f"{a}.{b}.{c}.{d}", f"{e}.{f}.{g}.{h}"
        flags_and_offset = int.from_bytes(frame[at + 6 : at + 8], "big")
        if not flags_and_offset & 0x3FFF:
            return self._upper(protocol, hosts, frame, at + header_size, end, depth)
        key = frame[at + 4 : at + 6] + frame[at + 9 : at + 10] + frame[at + 12 : at + 20]
        offset, more = (flags_and_offset & 0x1FFF) * 8, bool(flags_and_offset & _MORE_FRAGMENTS)
        whole = self._join(key, offset, more, frame[at + header_size : end])
        return None if whole is None else self._upper(protocol, hosts, whole, 0, len(whole), depth)

    def _ipv6(self, frame: bytes, at: int, depth: int) -> Datagram | Segment | None:
        """Read a packet with its extension headers (RFC 8200 §4); fragments are put together (§4.5)."""
        end = at + 40 + int.from_bytes(frame[at + 4 : at + 6], "big")
        if len(frame) < at + 40 or end > len(frame):
            return None
        addresses = frame[at + 8 : at + 40]
        hosts = str(ipaddress.IPv6Address(addresses[:16])), str(ipaddress.IPv6Address(addresses[16:]))
        protocol, at = frame[at + 6], at + 40
        for _ in range(_MAX_EXTENSIONS):
            if protocol not in _EXTENSIONS:
                return self._upper(protocol, hosts, frame, at, end, depth)
            if at + 8 > end:
                return None
            following, word = frame[at], int.from_bytes(frame[at + 2 : at + 4], "big")
            if protocol == _FRAGMENT and word & 0xFFF9:
                key = addresses + frame[at + 4 : at + 8]
                whole = self._join(key, word & 0xFFF8, bool(word & 1), frame[at + 8 : end])
                if whole is None:
                    return None
                frame, at, end = whole, 0, len(whole)
            elif protocol == _FRAGMENT:
                at += 8
            else:
                at += (frame[at + 1] + 2) * 4 if protocol == _AUTHENTICATION else (frame[at + 1] + 1) * 8
            protocol = following
        return None

    def _upper(
        self, protocol: int, hosts: tuple[str, str], frame: bytes, at: int, end: int, depth: int
    ) -> Datagram | Segment | None:
        if protocol in (_TCP, _UDP):
            packet = _transport(protocol, hosts, frame, at, end)
            return self._tunnelled(packet, depth) if isinstance(packet, Datagram) else packet
        if protocol in _IP_IN_IP:
            return self._ip(frame[at:end], 0, depth - 1)
        return self._gre(frame[at:end], depth) if protocol == _GRE else None

    def _tunnelled(self, outer: Datagram, depth: int) -> Datagram | Segment | None:
        """Return what a datagram carries; itself where it is of no tunnel, or carries no IP packet."""
        found = carried(outer.destination[1], outer.payload)
        if found is None:
            return outer
        at = network_offset(found.data, ETHERNET) if found.is_frame else 0
        if at is None or at >= len(found.data) or found.data[at] >> 4 not in (4, 6):
            return outer
        return self._ip(found.data, at, depth - 1)

    def _gre(self, packet: bytes, depth: int) -> Datagram | Segment | None:
        """Read what a GRE packet carries (RFC 2784, RFC 2890): IP, or Ethernet frames, also as ERSPAN."""
        if len(packet) < 4:
            return None
        flags, kind = packet[0], int.from_bytes(packet[2:4], "big")
        if packet[1] & 0x07:
            return self._pptp(packet, depth) if packet[1] & 0x07 == 1 and kind == _ETHERTYPE_PPP else None
        at = 4 + 4 * (bool(flags & 0x80) + bool(flags & 0x20) + bool(flags & 0x10))
        if kind in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6):
            return self._ip(packet, at, depth - 1)
        if kind not in (_ETHERTYPE_BRIDGED, _ETHERTYPE_ERSPAN, _ETHERTYPE_ERSPAN_3):
            return None
        if kind == _ETHERTYPE_ERSPAN:
            at += 8 if flags & 0x10 else 0  # type I has no header of its own
        elif kind == _ETHERTYPE_ERSPAN_3:
            at += 20 if (packet[at + 11 : at + 12] or b"\0")[0] & 1 else 12
        inner = packet[at:]
        network = network_offset(inner, ETHERNET)
        return None if network is None else self._ip(inner, network, depth - 1)

    def _pptp(self, packet: bytes, depth: int) -> Datagram | Segment | None:
        """Read the PPP frame in a GRE packet of version 1 (RFC 2637 §4.1)."""
        at = 8 + 4 * (bool(packet[0] & 0x10) + bool(packet[1] & 0x80))
        inner = packet[at:]
        network = _within_ppp(inner, 0, PPP) if inner else None
        return None if network is None else self._ip(inner, network, depth - 1)

    def _join(self, key: bytes, offset: int, more: bool, data: bytes) -> bytes | None:
        """Keep a fragment (RFC 791 §3.2, RFC 8200 §4.5); return the whole content once none is missing.

        Args:
            key: what the fragments of one packet have in common.
            offset: where its data begin, in bytes.
            more: whether another one follows.
            data: its data.
        """
        if offset + len(data) > _MAX_PACKET:
            return None
        pieces = self._fragments.setdefault(key, {})
        self._fragments.move_to_end(key)
        if len(self._fragments) > _MAX_FRAGMENTED:
            self._fragments.popitem(last=False)
        pieces[offset] = data, more
        if len(pieces) > _MAX_FRAGMENTS:
            del self._fragments[key]
            return None
        whole = bytearray()
        for start in sorted(pieces):
            content, more_follow = pieces[start]
            if start != len(whole):
                return None
            whole += content
            if not more_follow:
                del self._fragments[key]
                return bytes(whole)
        return None


def is_group(host: str) -> bool:
    """Return whether an address is one of many hosts: multicast (RFC 5771, RFC 4291 §2.7), or broadcast."""
    if ":" in host:
        return host.startswith("ff")
    first = host.partition(".")[0]
    return first in _MULTICAST or host == "255.255.255.255"


def network_offset(frame: bytes, link_type: int) -> int | None:
    """Return where the IP packet in a frame begins, or None for other protocols."""
    if link_type in (WIRELESS, WIRELESS_RADIOTAP):
        return _within_wireless(frame, link_type)
    if link_type in _PPP_TYPES:
        return _within_pppoe(frame, 0) if link_type == PPP_ETHER else _within_ppp(frame, 0, link_type)
    if link_type == NETFILTER_LOG:
        return _in_netfilter_log(frame)
    if link_type == PACKET_TAP:
        return _behind_tap(frame)
    if link_type == ETHERNET:
        at, kind = 14, int.from_bytes(frame[12:14], "big")
    elif link_type == CISCO_HDLC:
        at, kind = 4, int.from_bytes(frame[2:4], "big")
    elif link_type == LINUX_SLL:
        at, kind = 16, int.from_bytes(frame[14:16], "big")
    elif link_type == LINUX_SLL2:
        at, kind = 20, int.from_bytes(frame[0:2], "big")
    else:
        return 4 if link_type in (NULL, LOOP) else 0
    while kind in _VLAN_TAGS:
        at, kind = at + 4, int.from_bytes(frame[at + 2 : at + 4], "big")
    if kind <= _LONGEST_LENGTH and frame[at : at + len(_SNAP)] == _SNAP:
        at, kind = at + 8, int.from_bytes(frame[at + 6 : at + 8], "big")
    if kind == _ETHERTYPE_PPPOE:
        return _within_pppoe(frame, at)
    if kind in _ETHERTYPES_MPLS:
        return _below_labels(frame, at)
    return at if kind in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None


def _within_wireless(frame: bytes, link_type: int) -> int | None:
    """Return where the IP packet of a wireless frame begins (IEEE 802.11-2020 §9.2, §9.3.2): data, in clear.

    None of encrypted ones, of fragments, and of several subframes in one.
    """
    at = int.from_bytes(frame[2:4], "little") if link_type == WIRELESS_RADIOTAP else 0
    padded = link_type == WIRELESS_RADIOTAP and _radiotap_pads(frame)
    control = frame[at : at + 2]
    if len(control) < 2 or control[0] & 0x0F != _DATA or control[1] & (_PROTECTED | _MORE_WIRELESS):
        return None
    subtype, header = control[0] >> 4, 24 + (6 if control[1] & 3 == 3 else 0)
    if subtype & _WITHOUT_DATA or (frame[at + 22 : at + 23] or b"\1")[0] & 0x0F:
        return None
    if subtype & _QUALITY:
        if (frame[at + header : at + header + 1] or b"\x80")[0] & _SEVERAL:
            return None
        header += 2 + (4 if control[1] & 0x80 else 0)
    at += header + (-header % 4 if padded else 0)
    kind = int.from_bytes(frame[at + 6 : at + 8], "big")
    ip = frame[at : at + len(_SNAP)] == _SNAP and kind in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6)
    return at + 8 if ip else None


def _radiotap_pads(frame: bytes) -> bool:
    """Whether the header of the frame is padded to four bytes: a flag of the radiotap header."""
    present = int.from_bytes(frame[4:8], "little")
    at, more = 8, present
    while more & 0x80000000 and at + 4 <= len(frame):
        more, at = int.from_bytes(frame[at : at + 4], "little"), at + 4
    at = -(-at // 8) * 8 + 8 if present & 1 else at  # the time that the frame came, aligned
    return bool(present & 2 and (frame[at : at + 1] or b"\0")[0] & 0x20)


def _in_netfilter_log(frame: bytes) -> int | None:
    """Return where the packet of a netfilter log begins: attributes, of which one is the packet."""
    at = 4
    while at + 4 <= len(frame):
        size, kind = struct.unpack_from("<HH", frame, at)  # in the byte order of the host: all of today's
        if kind == _NETFILTER_PAYLOAD:
            return at + 4
        at += max(4, size + -size % 4)
    return None


def _behind_tap(frame: bytes) -> int | None:
    """Return where the packet behind a PKTAP header of macOS begins: its length, and the link type behind."""
    if len(frame) < 12:
        return None
    length, _, link_type = struct.unpack_from("<III", frame)
    if length < 12 or link_type == PACKET_TAP or link_type not in _LINK_TYPES:
        return None
    at = network_offset(frame[length:], link_type)
    return None if at is None else length + at


def _within_pppoe(frame: bytes, at: int) -> int | None:
    """Return where the IP packet of a PPPoE session packet begins (RFC 2516 §4): version, type, code 0."""
    return _within_ppp(frame, at + 6, PPP) if frame[at : at + 2] == b"\x11\0" else None


def _within_ppp(frame: bytes, at: int, link_type: int) -> int | None:
    """Return where the IP packet of a PPP frame begins.

    Address and control, and the zero that a protocol's number begins with, may be left out (RFC 1661 §6).
    """
    at += 1 if link_type == PPP_WITH_DIRECTION else 0
    at += 2 if frame[at : at + 2] == _PPP_ALL_STATIONS else 0
    size = 1 if frame[at : at + 1] and frame[at] & 1 else 2
    version = _PPP_IP.get(int.from_bytes(frame[at : at + size], "big"))
    at += size
    return at if version is not None and at < len(frame) and frame[at] >> 4 == version else None


def _below_labels(frame: bytes, at: int) -> int | None:
    """Return where the IP packet under MPLS labels begins (RFC 3032 §2.1): after the bottom of the stack."""
    while at + 4 < len(frame):
        at += 4
        if frame[at - 2] & 1:
            return at if frame[at] >> 4 in (4, 6) else None
    return None


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
