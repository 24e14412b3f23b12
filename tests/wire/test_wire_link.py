"""Frames of every link type to datagrams and segments; scapy builds them, so two codes agree."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment6
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1Q, Dot3, Ether, Loopback
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.layers.vxlan import VXLAN

from intercom_hil.wire import link
from intercom_hil.wire.link import Datagram, Dissector, LinkError, Segment

A, B = "127.0.43.1", "127.0.43.2"
PAYLOAD = b"OPTIONS sip:a SIP/2.0\r\n"
EXPECTED = Datagram((A, 5060), (B, 5070), PAYLOAD)


def ip(payload=PAYLOAD, **fields):
    return IP(src=A, dst=B, **fields) / UDP(sport=5060, dport=5070) / payload


def ether(packet):
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        (link.ETHERNET, ether(ip())),
        (link.ETHERNET, ether(Dot1Q(vlan=7) / ip())),
        (link.ETHERNET, ether(Dot1Q(type=0x88A8) / Dot1Q(vlan=7) / ip())),
        (link.ETHERNET, ether(Dot1Q(type=0x9100) / Dot1Q(vlan=7) / ip())),
        (link.ETHERNET, ether(Dot1Q(type=0x9200) / Dot1Q(vlan=7) / ip())),
        (link.ETHERNET, ether(PPPoE(sessionid=7) / PPP() / ip())),
        (link.ETHERNET, ether(Dot1Q(vlan=7) / PPPoE(sessionid=7) / PPP() / ip())),
        (link.LINUX_SLL, bytes(CookedLinux(proto=0x8864) / PPPoE() / PPP() / ip())),
        (link.LINUX_SLL2, bytes(CookedLinuxV2(proto=0x8864) / PPPoE() / PPP() / ip())),
        (link.PPP, bytes(PPP() / ip())),
        (link.PPP, b"\x21" + bytes(ip())),
        (link.PPP_HDLC, bytes(HDLC() / PPP() / ip())),
        (link.PPP_ETHER, bytes(PPPoE() / PPP() / ip())),
        (link.PPP_WITH_DIRECTION, b"\x01" + bytes(HDLC() / PPP() / ip())),
        (link.ETHERNET, ether(MPLS(label=16, s=0) / MPLS(label=17, s=1) / ip())),
        (
            link.ETHERNET,
            bytes(
                Dot3(dst="02:00:00:00:00:02") / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800) / ip()
            ),
        ),
        (link.ETHERNET, ether(ip(options=[IPOption(b"\x94\x04\x00\x00")]))),
        (link.ETHERNET, ether(ip()) + bytes(9)),
        (link.LINUX_SLL, bytes(CookedLinux(proto=0x0800) / ip())),
        (link.LINUX_SLL2, bytes(CookedLinuxV2(proto=0x0800) / ip())),
        (link.LINUX_SLL, bytes(CookedLinux(proto=0x8100) / Dot1Q(vlan=7) / ip())),
        (link.LINUX_SLL2, bytes(CookedLinuxV2(proto=0x8100) / Dot1Q(vlan=7) / ip())),
        (link.NULL, bytes(Loopback(type=2) / ip())),
        (link.RAW, bytes(ip())),
        (12, bytes(ip())),
        (14, bytes(ip())),
        (link.IPV4, bytes(ip())),
        (link.RAW, bytes(IP(src="10.0.0.1", dst="10.0.0.2") / GRE() / ip())),
        (link.CISCO_HDLC, b"\x0f\0\x08\0" + bytes(ip())),
        (link.NETFILTER_LOG, b"\x02\0\0\x1f\x05\0\x0a\0a\0\0\0" + b"\x39\0\x09\0" + bytes(ip())),
        (link.PACKET_TAP, struct.pack("<III", 108, 1, 1) + bytes(96) + ether(ip())),
        (link.PACKET_TAP, struct.pack("<III", 108, 1, 0) + bytes(96) + b"\x02\0\0\0" + bytes(ip())),
    ],
)
def test_a_datagram_is_found_on_every_link(link_type, frame):
    assert Dissector(link_type).dissect(frame) == EXPECTED


@pytest.mark.parametrize(
    "frame",
    [
        ether(PPPoE(code=0x09) / ip()),  # discovery
        ether(PPPoE() / PPP(proto=0xC021) / b"\x09\x01\0\x08\0\0\0\0"),  # the link's own echo
        ether(PPPoE() / PPP(proto=0x0057) / ip()),
        ether(PPPoE())[:20],
        ether(PPPoE() / PPP())[:21],
        ether(MPLS(label=16, s=0) / ip()),
        bytes(Dot3() / LLC(dsap=0x42, ssap=0x42, ctrl=3) / bytes(40)),
    ],
)
def test_what_carries_no_ip_is_nothing(frame):
    assert Dissector(link.ETHERNET).dissect(frame) is None


def test_a_segment_is_found_with_its_sequence_number_and_flags():
    tcp = TCP(sport=5060, dport=5070, seq=4000000000, flags="PA", options=[("Timestamp", (1, 2))])
    segment = Dissector(link.ETHERNET).dissect(ether(IP(src=A, dst=B) / tcp / PAYLOAD))
    assert segment == Segment((A, 5060), (B, 5070), 4000000000, 0x18, PAYLOAD)


def test_ipv6_is_read_with_and_without_extension_headers():
    udp = UDP(sport=5060, dport=5070) / PAYLOAD
    expected = Datagram(("2001:db8::1", 5060), ("::1", 5070), PAYLOAD)
    for packet in (
        IPv6(src="2001:db8::1", dst="::1") / udp,
        IPv6(src="2001:db8::1", dst="::1") / IPv6ExtHdrHopByHop() / udp,
    ):
        assert Dissector(link.ETHERNET).dissect(ether(packet)) == expected


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_fragments_are_put_together_in_any_order(order):
    payload = bytes(range(256)) * 20
    pieces = fragment(ip(payload, id=7), fragsize=1400)
    pieces = pieces if order == "forwards" else pieces[::-1]
    dissector = Dissector(link.ETHERNET)
    found = [dissector.dissect(ether(piece)) for piece in pieces]
    assert found[:-1] == [None] * (len(pieces) - 1)
    assert found[-1] == Datagram((A, 5060), (B, 5070), payload)


C, D = "2001:db8::1", "2001:db8::2"


def ip6(payload, number):
    packet = IPv6(src=C, dst=D) / IPv6ExtHdrFragment(id=number) / UDP(sport=5060, dport=5070) / payload
    return fragment6(packet, 1280)


@pytest.mark.parametrize("order", ["forwards", "backwards"])
@pytest.mark.parametrize("link_type", [link.ETHERNET, link.RAW, link.LINUX_SLL2])
def test_ipv6_fragments_are_put_together_and_a_first_one_is_no_datagram(order, link_type):
    payload = bytes(range(256)) * 12
    pieces = ip6(payload, 9)[:: 1 if order == "forwards" else -1]
    dissector = Dissector(link_type)
    wrap = {
        link.ETHERNET: ether,
        link.RAW: bytes,
        link.LINUX_SLL2: lambda p: bytes(CookedLinuxV2(proto=0x86DD) / p),
    }
    found = [dissector.dissect(wrap[link_type](piece)) for piece in pieces]
    assert found[:-1] == [None] * (len(pieces) - 1)
    assert found[-1] == Datagram((C, 5060), (D, 5070), payload)


def test_ipv6_fragments_of_two_datagrams_do_not_mix_and_one_piece_alone_is_whole():
    one, two = (ip6(fill * 3000, number) for number, fill in ((1, b"a"), (2, b"b")))
    dissector = Dissector(link.RAW)
    found = [dissector.dissect(bytes(piece)) for piece in (one[0], two[0], one[1], two[2], one[2])]
    assert found == [None, None, None, None, Datagram((C, 5060), (D, 5070), b"a" * 3000)]
    atomic = IPv6(src=C, dst=D) / IPv6ExtHdrFragment(id=3) / UDP(sport=5060, dport=5070) / PAYLOAD
    assert dissector.dissect(bytes(atomic)) == Datagram((C, 5060), (D, 5070), PAYLOAD)


def over_udp(port):
    return IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=40000, dport=port)


@pytest.mark.parametrize("port", [2152, 4789, 6081, 37008])
def test_what_goes_to_the_port_of_a_tunnel_and_is_none_is_what_it_is(port):
    for payload in (
        b"",
        PAYLOAD,
        b"\x08" + bytes(30),
        bytes.fromhex("01000001"),
        b"\x30\xff\0\x10" + bytes(20),
    ):
        found = Dissector(link.RAW).dissect(bytes(over_udp(port) / payload))
        assert found == Datagram(("10.0.0.1", 40000), ("10.0.0.2", port), payload)


@pytest.mark.parametrize(
    "outer",
    [
        IP(src="10.0.0.1", dst="10.0.0.2"),
        IP(src="10.0.0.1", dst="10.0.0.2") / GRE(),
        IP(src="10.0.0.1", dst="10.0.0.2") / GRE(key_present=1, key=5, seqnum_present=1, sequence_number=1),
        IP(src="10.0.0.1", dst="10.0.0.2") / GRE(proto=0x6558) / Ether(),
        IPv6(src="::1", dst="::2"),
        IPv6(src="::1", dst="::2") / IPv6ExtHdrDestOpt() / GRE(),
        over_udp(4789) / VXLAN(vni=7, flags="Instance", NextProtocol=0) / Ether(),
        over_udp(4789) / VXLAN(vni=7) / Ether(),
        over_udp(6081) / GENEVE(vni=7, proto=0x6558) / Ether(),
        over_udp(6081) / GENEVE(vni=7, proto=0x6558, optionlen=2, options=bytes(8)) / Ether(),
        over_udp(2152) / GTP_U_Header(teid=7),
        over_udp(2152) / GTP_U_Header(teid=7, S=1, seq=3),
        over_udp(2152) / GTP_U_Header(teid=7, E=1) / GTPPDUSessionContainer(type=0),
        over_udp(37008) / b"\x01\0\0\x01\x0a\x01\x99\0\x01" / Ether(),
        IP(src="10.0.0.1", dst="10.0.0.2") / GRE(proto=0x22EB, seqnum_present=1) / bytes(12) / Ether(),
        IP(src="10.0.0.1", dst="10.0.0.2") / GRE(proto=0x22EB) / (bytes(11) + b"\x01" + bytes(8)) / Ether(),
    ],
)
def test_tunnels_are_looked_into_and_fragments_in_them_put_together(outer):
    assert Dissector(link.RAW).dissect(bytes(outer / ip())) == EXPECTED
    dissector = Dissector(link.RAW)
    pieces = fragment(ip(b"x" * 3000, id=7), fragsize=1400)
    found = [dissector.dissect(bytes(outer / piece)) for piece in pieces]
    assert found == [None, None, Datagram((A, 5060), (B, 5070), b"x" * 3000)]


def test_packets_inside_packets_without_end_are_given_up():
    packet = ip()
    for _ in range(50):
        packet = IP(src=A, dst=B, proto=4) / packet
    assert Dissector(link.RAW).dissect(bytes(packet)) is None
    chain = b"\0\0" + bytes(6)
    endless = IPv6(nh=0) / (chain * 100)
    assert Dissector(link.RAW).dissect(bytes(endless)) is None


@pytest.mark.parametrize(
    ("link_type", "frame", "to_group"),
    [
        (link.ETHERNET, ether(ip()), False),
        (link.ETHERNET, bytes(Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / ip()), True),
        (link.ETHERNET, bytes(Ether(dst="01:00:5e:00:00:fb") / ip()), True),
        (link.RAW, bytes(IP(src=A, dst="224.0.0.252") / UDP() / PAYLOAD), True),
        (link.RAW, bytes(IP(src=A, dst="255.255.255.255") / UDP() / PAYLOAD), True),
        (link.RAW, bytes(IP(src=A, dst="192.0.2.255") / UDP() / PAYLOAD), True),
        (link.RAW, bytes(IPv6(src=C, dst="ff02::fb") / UDP() / PAYLOAD), True),
        (link.RAW, bytes(IPv6(src=C, dst=D) / UDP() / PAYLOAD), False),
        (link.LINUX_SLL, bytes(CookedLinux(pkttype=1, proto=0x0800) / ip()), True),
        (link.LINUX_SLL2, bytes(CookedLinuxV2(pkttype=0, proto=0x0800) / ip()), False),
    ],
)
def test_what_goes_to_many_is_told_from_what_goes_to_one(link_type, frame, to_group):
    assert Dissector(link_type).dissect(frame).to_group is to_group


def test_fragments_of_two_datagrams_do_not_mix_and_a_missing_one_is_not_made_up():
    one, two = (
        fragment(ip(fill * 3000, id=number), fragsize=1400) for number, fill in ((1, b"a"), (2, b"b"))
    )
    dissector = Dissector(link.RAW)
    found = [dissector.dissect(bytes(piece)) for piece in (one[0], two[0], one[1], two[2], one[2])]
    assert found == [None, None, None, None, Datagram((A, 5060), (B, 5070), b"a" * 3000)]


def test_endless_fragments_are_forgotten():
    dissector = Dissector(link.RAW)
    for number in range(200):
        assert dissector.dissect(bytes(IP(src=A, dst=B, id=number, flags="MF", proto=17) / bytes(64))) is None
    for offset in range(200):
        assert (
            dissector.dissect(bytes(IP(src=A, dst=B, id=1, frag=offset + 1, flags="MF", proto=17) / bytes(8)))
            is None
        )


def test_other_protocols_are_none():
    for packet in (IP(src=A, dst=B) / ICMP() / PAYLOAD, Ether(type=0x0806) / bytes(28)):
        assert Dissector(link.ETHERNET).dissect(ether(packet)) is None


def test_an_unknown_link_type_is_refused():
    with pytest.raises(LinkError, match="147"):
        Dissector(147)


FRAMES = [ether(ip()), ether(IP(src=A, dst=B) / TCP() / PAYLOAD), ether(IPv6() / UDP() / PAYLOAD)]


@given(frame=st.sampled_from(FRAMES), size=st.integers(0, 80))
def test_a_frame_cut_anywhere_gives_nothing(frame, size):
    assert Dissector(link.ETHERNET).dissect(frame[: min(size, len(frame) - 1)]) is None


LINKS = st.sampled_from([link.ETHERNET, link.NULL, link.RAW, link.LINUX_SLL, link.LINUX_SLL2])


@given(link_type=LINKS, data=st.binary(max_size=120))
def test_any_bytes_give_a_packet_or_nothing(link_type, data):
    assert isinstance(Dissector(link_type).dissect(data), Datagram | Segment | None)


@given(frame=st.sampled_from(FRAMES), at=st.integers(0, 70), value=st.integers(0, 255))
def test_any_one_wrong_byte_gives_a_packet_or_nothing(frame, at, value):
    data = bytearray(frame)
    data[min(at, len(data) - 1)] = value
    assert isinstance(Dissector(link.ETHERNET).dissect(bytes(data)), Datagram | Segment | None)
