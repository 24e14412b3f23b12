"""RTP and RTCP headers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.media.rtp import (
    GOODBYE,
    RECEIVER_REPORT,
    SENDER_REPORT,
    RtpError,
    build_rtp,
    is_rtcp,
    is_rtp,
    parse_rtcp,
    parse_rtp,
)


@given(
    payload=st.binary(max_size=200),
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    marker=st.booleans(),
)
def test_a_packet_reads_back(payload, payload_type, sequence, timestamp, ssrc, marker):
    data = build_rtp(
        payload, payload_type=payload_type, sequence=sequence, timestamp=timestamp, ssrc=ssrc, marker=marker
    )
    read = parse_rtp(data)
    assert (read.payload_type, read.marker, read.sequence) == (payload_type, marker, sequence)
    assert (read.timestamp, read.ssrc, read.payload, read.header_size) == (timestamp, ssrc, payload, 12)
    assert is_rtp(data)
    assert not is_rtcp(data)


def test_sources_extension_and_padding_are_not_payload():
    head = struct.pack("!BBHIIII", 0xB2, 0x88, 1, 2, 3, 4, 5)
    extension = struct.pack("!HHI", 0xBEDE, 1, 99)
    read = parse_rtp(head + extension + b"voice" + b"\0\0\3")
    assert (read.csrcs, read.header_size, read.payload, read.marker) == ((4, 5), 28, b"voice", True)
    assert parse_rtp(head + extension + b"voice" + b"\0\0\3", encrypted=True).payload == b"voice\0\0\3"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x80" + bytes(10),
        b"\x8f" + bytes(11),
        b"\x90" + bytes(11),
        b"\x90" + bytes(13) + b"\xff\xff",
        b"\xa0" + bytes(11) + b"\x05ab\x00",
        b"\xa0" + bytes(11) + b"\x09",
    ],
)
def test_what_is_no_rtp_is_refused(data):
    with pytest.raises(RtpError):
        parse_rtp(data)


def test_a_compound_packet_is_read_with_its_reports():
    block = struct.pack("!IIIIII", 7, 0x40FFFFFE, 0x0001FFFF, 80, 0, 0)
    sender = struct.pack("!BBHI", 0x81, SENDER_REPORT, 12, 5) + bytes(20) + block
    receiver = struct.pack("!BBHI", 0x81, RECEIVER_REPORT, 7, 6) + block
    goodbye = struct.pack("!BBHI", 0x81, GOODBYE, 1, 5)
    packets = parse_rtcp(sender + receiver + goodbye)
    assert [p.packet_type for p in packets] == [SENDER_REPORT, RECEIVER_REPORT, GOODBYE]
    (report,) = packets[0].reports
    assert (report.ssrc, report.fraction_lost, report.cumulative_lost) == (7, 0.25, -2)
    assert (report.highest_sequence, report.jitter) == (0x0001FFFF, 80)
    assert is_rtcp(sender)
    assert not is_rtp(sender)


@given(st.binary(max_size=120) | st.binary(max_size=60).map(lambda tail: b"\x81\xc8\x00\x01" + tail))
def test_any_bytes_are_packets_or_an_rtp_error(data):
    for parse in (parse_rtp, parse_rtcp):
        try:
            parse(data)
        except RtpError:
            continue
