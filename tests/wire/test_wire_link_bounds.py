"""Frames taken apart byte by byte: where each header ends, what is too short, and how much is remembered."""

import struct

import pytest
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import GRE, CookedLinux, CookedLinuxV2, Ether
from scapy.layers.ppp import PPP, PPPoE

from intercom_hil.wire import link
from intercom_hil.wire.link import Datagram, Dissector, Segment, is_group

A, B, C, D = "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"
EXPECTED, EXPECTED6 = (Datagram((a, 5060), (b, 5070), b"hello") for a, b in ((A, B), (C, D)))
UDP_DATA = bytes(UDP(sport=5060, dport=5070, len=13, chksum=0)) + b"hello"
TCP_DATA = struct.pack("!HHIIBBHHH", 5060, 5070, 9, 0, 0x50, 0x12, 0, 0, 0) + b"hello"


def ip4(payload=UDP_DATA, protocol=17, *, total=None, header=b"", identity=0, offset=0, more=False):
    words = 5 + len(header) // 4
    size = 4 * words + len(payload) if total is None else total
    fragment = offset // 8 | (0x2000 if more else 0)
    begun = struct.pack("!BBHHHBBH", 0x40 | words, 0, size, identity, fragment, 64, protocol, 0)
    return begun + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + header + payload


def ip6(payload=UDP_DATA, following=17, *, size=None):
    length = len(payload) if size is None else size
    addresses = bytes.fromhex("20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02")
    return struct.pack("!IHBB", 0x60000000, length, following, 64) + addresses + payload


def raw(packet):
    return Dissector(link.RAW).dissect(packet)


def test_the_packets_made_here_are_what_another_code_makes():
    other = IP(src=A, dst=B, id=0, chksum=0) / UDP(sport=5060, dport=5070, chksum=0) / b"hello"
    assert ip4() == bytes(other)
    assert ip6() == bytes(IPv6(src=C, dst=D) / UDP(sport=5060, dport=5070, chksum=0) / b"hello")


def test_an_ipv4_packet_is_as_long_as_it_says():
    assert raw(ip4()) == EXPECTED
    assert raw(ip4() + b"padding") == EXPECTED
    assert raw(ip4(header=bytes(40))) == EXPECTED
    assert raw(ip4()[:-1]) is None
    assert raw(b"\x44" + ip4()[1:]) is None, "a header of 16 bytes"
    assert raw(b"\x4f" + ip4()[1:]) is None, "a header longer than the frame"
    assert raw(ip4(total=0)) == EXPECTED, "what the sending host has yet to cut"
    assert raw(ip4(total=19)) == EXPECTED
    assert raw(ip4(b"", total=20)) is None
    assert raw(ip4(total=20)) is None, "nothing but a header"
    assert raw(b"\x55" + ip4()[1:]) is None, "no version of IP"
    assert raw(b"\x70" + ip6()[1:]) is None
    assert raw(b"") is None


def test_an_ipv6_packet_is_as_long_as_it_says():
    assert raw(ip6()) == EXPECTED6
    assert raw(ip6() + b"padding") == EXPECTED6
    assert raw(ip6()[:-1]) is None
    assert raw(ip6(size=14)) is None
    assert raw(ip6()[:40]) is None
    for size in range(1, 40):
        assert raw(ip6(b"", size=0)[:size]) is None
    assert raw(ip6(b"x" * 300, size=300)) is None


def extension(following, size, payload, protocol=0):
    """An extension header of so many bytes, by its own way of counting."""
    count = size // 4 - 2 if protocol == 51 else size // 8 - 1
    return bytes([following, count]) + bytes(size - 2) + payload


@pytest.mark.parametrize("protocol", [0, 43, 51, 60, 135, 139, 140])
@pytest.mark.parametrize("size", [8, 16, 24])
def test_extension_headers_are_passed_over(protocol, size):
    assert raw(ip6(extension(17, size, UDP_DATA, protocol), protocol)) == EXPECTED6
    two = extension(60, size, extension(17, 8, UDP_DATA), protocol)
    assert raw(ip6(two, protocol)) == EXPECTED6
    assert raw(ip6(extension(59, size, UDP_DATA, protocol), protocol)) is None


def test_extension_headers_are_passed_over_up_to_a_number():
    def chain(count):
        data = UDP_DATA
        for place in range(count):
            data = extension(0 if place else 17, 8, data)
        return ip6(data, 0)

    assert raw(chain(15)) == EXPECTED6
    assert raw(chain(16)) is None
    assert raw(ip6(extension(17, 8, b""), 0)) is None
    assert raw(ip6(bytes(7), 0)) is None
    assert raw(ip6(bytes([17, 0]) + bytes(6), 60)) is None


def fragment6(payload, offset, *, more, identity=1, following=17):
    return ip6(struct.pack("!BBHI", following, 0, offset | more, identity) + payload, 44)


def test_ipv6_fragments_are_told_by_their_number():
    whole = UDP_DATA[:8] + b"hello___" + b"abcdefgh"
    whole = whole[:4] + struct.pack("!H", len(whole)) + whole[6:]
    dissector = Dissector(link.RAW)
    assert raw(fragment6(UDP_DATA, 0, more=False)) == EXPECTED6, "one that is whole"
    assert dissector.dissect(fragment6(whole[:16], 0, more=True)) is None
    for other in (0x01000001, 0x00010001, 0x00000101, 2):
        assert dissector.dissect(fragment6(whole[16:], 16, more=False, identity=other)) is None
    found = dissector.dissect(fragment6(whole[16:], 16, more=False))
    assert found == Datagram((C, 5060), (D, 5070), b"hello___abcdefgh")
    assert dissector.dissect(fragment6(whole[16:], 16, more=False)) is None, (
        "it is forgotten when it is whole"
    )
    inner = Dissector(link.RAW)
    assert inner.dissect(fragment6(extension(17, 8, whole)[:16], 0, more=True, following=60)) is None
    rest = extension(17, 8, whole)[16:]
    assert inner.dissect(fragment6(rest, 16, more=False, following=60)) == found


def test_ipv4_fragments_are_told_by_number_protocol_and_hosts():
    data = UDP_DATA[:4] + struct.pack("!HH", 24, 0) + b"0123456789abcdef"
    dissector = Dissector(link.RAW)
    assert dissector.dissect(ip4(data[:16], identity=7, more=True)) is None
    assert dissector.dissect(ip4(data[16:], identity=8, offset=16)) is None
    assert dissector.dissect(ip4(data[16:], identity=0x0107, offset=16)) is None
    assert dissector.dissect(ip4(data[16:], 6, identity=7, offset=16)) is None
    swapped = bytearray(ip4(data[16:], identity=7, offset=16))
    swapped[19] = 9
    assert dissector.dissect(bytes(swapped)) is None
    assert dissector.dissect(ip4(data[16:], identity=7, offset=16)) == Datagram(
        (A, 5060), (B, 5070), data[8:]
    )


def pieces(number, count=2, size=8):
    """A datagram of some fragments with a number."""
    data = UDP_DATA[:4] + struct.pack("!HH", count * size, 0) + bytes(count * size - 8)
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    return [
        ip4(part, identity=number, offset=place * size, more=place < count - 1)
        for place, part in enumerate(cut)
    ]


def test_so_many_datagrams_may_be_incomplete():
    for others, whole in ((63, True), (64, False)):
        dissector = Dissector(link.RAW)
        first, last = pieces(1)
        dissector.dissect(first)
        for number in range(others):
            dissector.dissect(pieces(100 + number)[0])
        assert bool(dissector.dissect(last)) is whole, others
    dissector = Dissector(link.RAW)
    first, middle, last = pieces(1, 3)
    dissector.dissect(first)
    for number in range(60):
        dissector.dissect(pieces(100 + number)[0])
    dissector.dissect(middle)  # the one that has been added to last is the youngest
    for number in range(60):
        dissector.dissect(pieces(200 + number)[0])
    assert dissector.dissect(last) is not None


def test_a_datagram_may_have_so_many_fragments_and_bytes():
    for count, whole in ((128, True), (129, False)):
        dissector = Dissector(link.RAW)
        found = [dissector.dissect(piece) for piece in pieces(1, count)]
        assert bool(found[-1]) is whole
    for size, kept in ((7, True), (8, False)):
        dissector = Dissector(link.RAW)
        dissector.dissect(ip4(bytes(size), identity=1, offset=65_528))
        assert bool(dissector._fragments) is kept


@pytest.mark.parametrize(
    ("length", "size", "payload"),
    [
        (13, 13, b"hello"),
        (0, 13, b"hello"),  # a length of zero: to the end of the packet (RFC 768, RFC 2675)
        (12, 13, b"hell"),
        (8, 8, b""),
        (8, 13, b""),
        (7, 13, None),
        (14, 13, None),
        (13, 12, None),
        (0, 7, None),
    ],
)
def test_a_datagram_is_as_long_as_it_says(length, size, payload):
    data = (UDP_DATA[:4] + struct.pack("!HH", length, 0) + b"hello")[:size]
    expected = None if payload is None else Datagram((A, 5060), (B, 5070), payload)
    assert raw(ip4(data)) == expected
    assert raw(ip4(data, total=20 + size) + b"more") == expected


@pytest.mark.parametrize(
    ("words", "size", "payload"),
    [
        (5, 25, b"hello"),
        (5, 20, b""),
        (6, 25, b"o"),
        (6, 24, b""),
        (4, 25, None),
        (5, 19, None),
        (7, 25, None),
    ],
)
def test_a_segment_begins_after_its_header(words, size, payload):
    data = (TCP_DATA[:12] + bytes([words << 4]) + TCP_DATA[13:])[:size]
    expected = None if payload is None else Segment((A, 5060), (B, 5070), 9, 0x12, payload)
    assert raw(ip4(data, 6)) == expected
    assert raw(ip4(data, 6, total=20 + size) + b"more") == expected


def test_two_codes_agree_on_a_segment():
    tcp = TCP(sport=5060, dport=5070, seq=0x01020304, flags="SA", options=[("MSS", 1460)])
    assert raw(bytes(IP(src=A, dst=B) / tcp / b"x")) == Segment((A, 5060), (B, 5070), 0x01020304, 0x12, b"x")


def gre(flags, kind, more=b"", *, version=0):
    return struct.pack("!BBH", flags, version, kind) + more


ETHER = b"\x02" + bytes(11) + b"\x08\0"


@pytest.mark.parametrize(
    ("packet", "found"),
    [
        (gre(0, 0x0800, ip4()), EXPECTED),
        (gre(0, 0x86DD, ip6()), EXPECTED6),
        (gre(0x80, 0x0800, bytes(4) + ip4()), EXPECTED),
        (gre(0x20, 0x0800, bytes(4) + ip4()), EXPECTED),
        (gre(0x10, 0x0800, bytes(4) + ip4()), EXPECTED),
        (gre(0xB0, 0x0800, bytes(12) + ip4()), EXPECTED),
        (gre(0x01, 0x0800, ip4()), EXPECTED),
        (gre(0x40, 0x0800, ip4()), EXPECTED),
        (gre(0, 0x0800, ip4(), version=0x08), EXPECTED),
        (gre(0, 0x0800, ip4(), version=1), None),
        (gre(0, 0x0800, ip4(), version=4), None),
        (gre(0, 0x6558, ETHER + ip4()), EXPECTED),
        (gre(0x10, 0x6558, bytes(4) + ETHER + ip4()), EXPECTED),
        (gre(0, 0x88BE, ETHER + ip4()), EXPECTED),  # ERSPAN type I has no header of its own
        (gre(0x10, 0x88BE, bytes(4) + bytes(8) + ETHER + ip4()), EXPECTED),
        (gre(0x11, 0x88BE, bytes(4) + bytes(8) + ETHER + ip4()), EXPECTED),
        (gre(0x01, 0x88BE, ETHER + ip4()), EXPECTED),
        (gre(0, 0x6558, ETHER[:12] + b"\x08\x06" + ip4()), None),
        (gre(0x30, 0x880B, bytes(8) + b"\xff\x03\0\x21" + ip4(), version=1), EXPECTED),
        (gre(0x30, 0x880B, bytes(12) + b"\0\x21" + ip4(), version=0x81), EXPECTED),
        (gre(0x20, 0x880B, bytes(4) + b"\x21" + ip4(), version=1), EXPECTED),
        (gre(0x20, 0x880B, bytes(4), version=1), None),
        (gre(0x20, 0x880B, bytes(4) + b"\x21" + ip4()), None),
        (gre(0, 0x0806, ip4()), None),
        (gre(0, 0x0800), None),
        (b"\0\0\x08", None),
        (b"", None),
    ],
)
def test_what_a_gre_packet_carries(packet, found):
    assert raw(ip4(packet, 47)) == found
    if found == EXPECTED and packet[2:4] == b"\x08\0" and packet[:2] == b"\0\0":
        assert packet == bytes(GRE(proto=0x0800)) + ip4()


@pytest.mark.parametrize(
    "wrap",
    [lambda p: ip4(p, 4), lambda p: ip4(gre(0, 0x0800, p), 47), lambda p: ip4(gre(0, 0x6558, ETHER + p), 47)],
)
def test_packets_are_looked_into_to_a_depth(wrap):
    packet, found = ip4(), []
    for _ in range(5):
        found.append(raw(packet))
        packet = wrap(packet)
    assert found == [EXPECTED] * 4 + [None]


def test_ipv6_inside_of_ipv4_and_the_other_way_round():
    assert raw(ip4(ip6(), 41)) == EXPECTED6
    assert raw(ip6(ip4(), 4)) == EXPECTED
    assert raw(ip4(ip4() + b"behind", 4)) == EXPECTED
    assert raw(ip4(b"", 4)) is None


def on(link_type, frame):
    return Dissector(link_type).dissect(frame)


@pytest.mark.parametrize(
    ("link_type", "frame", "found"),
    [
        (link.PPP, b"\0\x21" + ip4(), EXPECTED),
        (link.PPP, b"\x21" + ip4(), EXPECTED),
        (link.PPP, b"\xff\3\0\x21" + ip4(), EXPECTED),
        (link.PPP_HDLC, b"\xff\3\x21" + ip4(), EXPECTED),
        (link.PPP, b"\0\x57" + ip6(), EXPECTED6),
        (link.PPP, b"\0\x57" + ip4(), None),
        (link.PPP, b"\0\x21" + ip6(), None),
        (link.PPP, b"\0\x23" + ip4(), None),
        (link.PPP, b"\0\x21", None),
        (link.PPP, b"\x21", None),
        (link.PPP, b"", None),
        (link.PPP_WITH_DIRECTION, b"\0\xff\3\0\x21" + ip4(), EXPECTED),
        (link.PPP_WITH_DIRECTION, b"\1\x21" + ip4(), EXPECTED),
        (link.PPP_WITH_DIRECTION, b"\x21" + ip4(), None),
        (link.PPP_ETHER, b"\x11\0\0\1\0\x2b\0\x21" + ip4(), EXPECTED),
        (link.PPP_ETHER, b"\x11\0\0\1\0\x2b\x21" + ip4(), EXPECTED),
        (link.PPP_ETHER, b"\x11\1\0\1\0\x2b\0\x21" + ip4(), None),
        (link.PPP_ETHER, b"\x12\0\0\1\0\x2b\0\x21" + ip4(), None),
        (link.PPP_ETHER, b"\x11\0\0\1\0\x2b\1\0\x21" + ip4(), None),
        (link.NULL, b"\2\0\0\0" + ip4(), EXPECTED),
        (link.LOOP, b"\0\0\0\2" + ip4(), EXPECTED),
        (link.IPV4, ip4(), EXPECTED),
        (link.IPV6, ip6(), EXPECTED6),
        (12, ip4(), EXPECTED),
        (14, ip4(), EXPECTED),
        (link.ETHERNET, bytes(12) + b"\x86\xdd" + ip6(), EXPECTED6),
        (link.ETHERNET, bytes(12) + b"\x08\x06" + ip4(), None),
        (link.ETHERNET, bytes(12) + b"\0\x2b\xaa\xaa\3\0\0\0\x08\0" + ip4(), EXPECTED),
        (link.ETHERNET, bytes(12) + b"\x05\xdc\xaa\xaa\3\0\0\0\x08\0" + ip4(), EXPECTED),
        (link.ETHERNET, bytes(12) + b"\x05\xdd\xaa\xaa\3\0\0\0\x08\0" + ip4(), None),
        (link.ETHERNET, bytes(12) + b"\0\x2b\xaa\xaa\3\0\0\1\x08\0" + ip4(), None),
        (link.ETHERNET, bytes(12) + b"\x81\0\0\7\0\x2b\xaa\xaa\3\0\0\0\x86\xdd" + ip6(), EXPECTED6),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\1\x40" + ip4(), EXPECTED),
        (link.ETHERNET, bytes(12) + b"\x88\x48\0\1\1\x40" + ip6(), EXPECTED6),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\0\x40\0\2\0\x40\0\3\1\x40" + ip4(), EXPECTED),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\1\x40\x55" + ip4()[1:], None),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\0\x40" + bytes(60), None),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\1\x40", None),
        (link.ETHERNET, bytes(12) + b"\x88\x47\0\1\1", None),
        (link.ETHERNET, bytes(12) + b"\x88\x64\x11\0\0\1\0\x2b\0\x21" + ip4(), EXPECTED),
        (link.LINUX_SLL, bytes(14) + b"\x08\0" + ip4(), EXPECTED),
        (link.LINUX_SLL, bytes(14) + b"\x08\1" + ip4(), None),
        (link.LINUX_SLL2, b"\x08\0" + bytes(18) + ip4(), EXPECTED),
        (link.LINUX_SLL2, b"\x08\1" + bytes(18) + ip4(), None),
    ],
)
def test_where_the_packet_begins_on_each_link(link_type, frame, found):
    assert on(link_type, frame) == found


def test_the_frames_made_here_are_what_another_code_makes():
    assert bytes(MPLS(label=16, s=1, ttl=64)) + ip4() == b"\0\1\1\x40" + ip4()
    assert bytes(PPPoE(sessionid=1, len=0x2B) / PPP())[:8] == b"\x11\0\0\1\0\x2b\0\x21"
    assert bytes(IPv6ExtHdrFragment(nh=17, offset=2, m=1, id=1)) == fragment6(b"", 16, more=True)[40:]
    assert len(bytes(CookedLinux())) == 16
    assert len(bytes(CookedLinuxV2())) == 20
    assert bytes(Ether(dst="02:00:00:00:00:00", src="00:00:00:00:00:00", type=0x0800)) == ETHER


GROUP = ip4()[:16] + bytes([224, 0, 0, 1]) + ip4()[20:]
LAST = ip4()[:16] + bytes([10, 0, 0, 255]) + ip4()[20:]


@pytest.mark.parametrize(
    ("link_type", "frame", "to_group"),
    [
        (link.ETHERNET, ETHER + ip4(), False),
        (link.ETHERNET, b"\x03" + ETHER[1:] + ip4(), True),
        (link.ETHERNET, ETHER + GROUP, True),
        (link.ETHERNET, ETHER + LAST, False),  # the link says that it is one host
        *(
            (link.LINUX_SLL, bytes([0, kind]) + bytes(12) + b"\x08\0" + ip4(), kind in (1, 2))
            for kind in range(5)
        ),
        (link.LINUX_SLL, bytes(14) + b"\x08\0" + GROUP, True),
        (link.LINUX_SLL, bytes(14) + b"\x08\0" + LAST, False),
        *(
            (link.LINUX_SLL2, b"\x08\0" + bytes(8) + bytes([kind]) + bytes(9) + ip4(), kind in (1, 2))
            for kind in range(5)
        ),
        (link.LINUX_SLL2, b"\x08\0" + bytes(18) + GROUP, True),
        (link.LINUX_SLL2, b"\x08\0" + bytes(18) + LAST, False),
        (link.RAW, ip4(), False),
        (link.RAW, GROUP, True),
        (link.RAW, LAST, True),
    ],
)
def test_whether_a_datagram_goes_to_one_host_or_many(link_type, frame, to_group):
    assert on(link_type, frame).to_group is to_group


def test_the_addresses_of_many_hosts():
    many = ("224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1")
    one = ("223.0.0.1", "240.0.0.1", "22.4.0.0", "255.255.255.254", "fe80::1", "2001:db8::ff")
    assert [is_group(host) for host in many] == [True] * 5
    assert [is_group(host) for host in one] == [False] * 6
