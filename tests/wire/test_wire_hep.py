"""HEP3 packets, as the PBX mirrors its signalling."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.hep import HepError, HepPacket, parse

PACKET = HepPacket(
    ("127.0.0.30", 5060), ("127.0.0.10", 5061), 6, b"OPTIONS sip:a SIP/2.0\r\n\r\n", 1.25, "id-1"
)


@given(
    source=st.ip_addresses(v=4).map(str),
    destination=st.ip_addresses(v=4).map(str),
    port=st.integers(0, 65535),
    protocol=st.sampled_from([6, 17]),
    payload=st.binary(max_size=100),
    microseconds=st.integers(0, 2**32 * 1_000_000 - 1_000_000),
    correlation=st.text(max_size=20),
)
def test_a_packet_reads_back(source, destination, port, protocol, payload, microseconds, correlation):
    packet = HepPacket(
        (source, port), (destination, 5060), protocol, payload, microseconds / 1e6, correlation
    )
    read = parse(bytes(packet))
    assert read.time == pytest.approx(packet.time, abs=2e-6)
    assert (read.source, read.destination, read.protocol) == (packet.source, packet.destination, protocol)
    assert (read.payload, read.correlation_id) == (payload, correlation)


def test_ipv6_addresses_are_read():
    packet = HepPacket(("2001:db8::1", 5060), ("::1", 5061), 17, b"x", 1.0)
    assert parse(bytes(packet)) == packet


def test_chunks_of_other_vendors_and_unknown_types_are_skipped():
    data = bytes(PACKET)
    extra = struct.pack("!HHH", 77, 1, 8) + b"zz" + struct.pack("!HHH", 0, 0x00FF, 6)
    grown = b"HEP3" + struct.pack("!H", len(data) + len(extra)) + data[6:] + extra
    assert parse(grown) == PACKET


@pytest.mark.parametrize("size", range(len(bytes(PACKET))))
def test_a_packet_cut_short_is_refused(size):
    with pytest.raises(HepError):
        parse(bytes(PACKET)[:size])


def test_addresses_of_two_families_are_not_written():
    with pytest.raises(ValueError, match="two families"):
        bytes(HepPacket(("::1", 1), ("127.0.0.1", 1), 17, b"", 0.0))


@given(
    st.binary(max_size=120).map(lambda tail: b"HEP3" + struct.pack("!H", 6 + len(tail)) + tail) | st.binary()
)
def test_any_bytes_are_a_packet_or_a_hep_error(data):
    try:
        parse(data)
    except HepError:
        return


@given(st.integers(0, len(bytes(PACKET)) - 1), st.integers(0, 255))
def test_any_one_wrong_byte_gives_a_packet_or_a_hep_error(at, value):
    data = bytearray(bytes(PACKET))
    data[at] = value
    try:
        parse(bytes(data))
    except HepError:
        return
