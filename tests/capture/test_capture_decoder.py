"""Frames to observations: SIP on UDP and TCP, what is ignored, and whatever else a network may bring."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_hil.pcap.pcap import Frame
from intercom_hil.timeline.observation import MalformedSip, SipMessageSeen
from intercom_hil.timeline.sip_content import sip_content
from tests.capture.wire_story import (
    DEVICE,
    PBX,
    SIP_DEVICE,
    SIP_PBX,
    Talk,
    Wire,
    key,
    name_of,
    sdp,
    sip,
    tcp_frame,
    udp_frame,
)

SYN, FIN, RST, ACK = 0x02, 0x01, 0x04, 0x10
INVITE = "INVITE sip:101@127.0.43.10 SIP/2.0"


def test_a_message_is_told_with_parties_parts_and_time():
    wire = Wire()
    wire.invite(sdp(DEVICE, profile="RTP/SAVP", crypto=[key(1)]))
    (observation,) = wire.timeline
    seen = observation.content
    assert isinstance(seen, SipMessageSeen)
    assert observation.time == wire.now
    assert (seen.sender, seen.receiver, seen.transport) == ("device", "pbx", "UDP")
    assert (seen.source, seen.destination) == ("127.0.43.30:5060", "127.0.43.10:5060")
    assert (seen.method, seen.status, seen.cseq, seen.call_id) == ("INVITE", None, 1, "call-1")
    assert (seen.from_uri, seen.from_tag, seen.to_tag) == ("sip:100@127.0.43.10", "f1", "")
    assert seen.branch == "z9hG4bK1"
    (media,) = seen.media
    assert (media.address, media.port, media.profile) == (*DEVICE, "RTP/SAVP")
    assert (media.payload_types, media.crypto_suites) == ((8, 0, 101), ("AES_CM_128_HMAC_SHA1_80",))
    assert seen.raw.encode() == sip(INVITE, body=sdp(DEVICE, profile="RTP/SAVP", crypto=[key(1)]))


def test_sip_is_recognised_on_other_ports_and_other_things_there_are_not_sip():
    wire = Wire()
    wire.udp(("127.0.43.5", 9000), ("127.0.43.6", 9001), sip(INVITE))
    wire.udp(("127.0.43.5", 9000), ("127.0.43.6", 9001), b"hello")
    assert [o.content.kind for o in wire.timeline] == ["sip"]


@pytest.mark.parametrize("keep_alive", [b"", b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0", b"jaK\0", b"\xff\xff"])
def test_keep_alives_are_passed_over(keep_alive):
    wire = Wire()
    wire.udp(SIP_DEVICE, SIP_PBX, keep_alive)
    assert len(wire.timeline) == 0


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"garbage", "no SIP start line"),
        (b"INVITE sip:a SIP/2.0\r\n", "no headers"),
        (b"OPTIONS sip:a SIP/2.0\r\nFrom: <sip:a@b>\r\n\r\n", "no Via header"),
        (sip(INVITE).replace(b"CSeq: 1 INVITE", b"CSeq: x"), "CSeq"),
    ],
)
def test_what_is_no_message_on_a_sip_port_is_told_with_its_bytes(data, problem):
    wire = Wire()
    wire.udp(SIP_DEVICE, SIP_PBX, data)
    (content,) = wire.said(MalformedSip)
    assert problem in content.problem
    assert bytes.fromhex(content.raw_hex) == data
    assert (content.sender, content.receiver) == ("device", "pbx")


@pytest.mark.parametrize(
    ("data", "deviation"),
    [
        (sip(INVITE).replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"), "CSeq names BYE"),
        (sip(INVITE).replace(b"<sip:100@127.0.43.10>", b"<sip:100@127.0.43.10"), "angle bracket"),
        (sip(INVITE, body=sdp(DEVICE))[:-2], "Content-Length says"),
    ],
)
def test_what_departs_from_the_grammar_is_read_and_noted(data, deviation):
    wire = Wire()
    wire.udp(SIP_DEVICE, SIP_PBX, data)
    (seen,) = wire.said(SipMessageSeen)
    assert (seen.method, seen.call_id, seen.from_tag, seen.data) == ("INVITE", "call-1", "f1", data)
    assert deviation in "; ".join(seen.deviations)
    assert not wire.said(MalformedSip)


def test_a_message_with_an_unusable_body_is_told_and_the_body_complained_of():
    wire = Wire()
    wire.invite(b"v=1\r\n")
    seen, malformed = (o.content for o in wire.timeline)
    assert isinstance(seen, SipMessageSeen)
    assert seen.media == ()
    assert "SDP body" in malformed.problem


def test_text_that_is_no_utf_8_can_be_stored_all_the_same():
    data = sip(INVITE).replace(b"From: <", b'From: "T\xfcr" <')
    seen = sip_content(data, SIP_DEVICE, SIP_PBX, "UDP", name_of)
    assert isinstance(seen, SipMessageSeen)
    assert seen.from_display == "T\\xfcr"
    assert SipMessageSeen.model_validate_json(seen.model_dump_json()) == seen


STREAM = b"".join(sip(INVITE, body=sdp(DEVICE), call_id=f"c{i}") for i in range(3))


def _pieces(first, cuts):
    pieces, at = [], 0
    for cut in [*cuts, len(STREAM)]:
        if at < len(STREAM):
            pieces.append((first + at, STREAM[at : at + cut]))
            at += cut
    return pieces


CUTS = st.lists(st.integers(1, 400), max_size=20)


@given(CUTS, CUTS, st.randoms(use_true_random=False), st.booleans())
@settings(deadline=None)
def test_a_tcp_stream_gives_its_messages_however_it_is_cut_mixed_and_repeated(cuts, others, random, wrapped):
    wire = Wire()
    first = 0xFFFFFF00 if wrapped else 1000
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", first - 1, SYN)
    pieces = _pieces(first, cuts)
    again = _pieces(first, others)  # what is sent again may be cut otherwise (RFC 9293 §3.10.7.4)
    pieces += random.sample(again, len(again) // 2)
    random.shuffle(pieces)
    for sequence, piece in pieces:
        wire.tcp(SIP_DEVICE, SIP_PBX, piece, sequence)
    assert [seen.call_id for seen in wire.said(SipMessageSeen)] == ["c0", "c1", "c2"]
    assert {seen.transport for seen in wire.said(SipMessageSeen)} == {"TCP"}
    assert wire.said(MalformedSip) == []


def test_what_came_early_is_not_lost_to_a_shorter_repetition():
    wire = Wire()
    message = sip(INVITE)
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 999, SYN)
    for begun, ended in ((100, None), (100, 110), (0, 100)):
        wire.tcp(SIP_DEVICE, SIP_PBX, message[begun:ended], 1000 + begun)
    assert len(wire.said(SipMessageSeen)) == 1


def test_a_stream_whose_beginning_was_missed_is_taken_up_at_a_start_line():
    wire = Wire()
    wire.tcp(SIP_DEVICE, SIP_PBX, b"a=rest of a body\r\n", 5000)
    wire.tcp(SIP_DEVICE, SIP_PBX, sip(INVITE), 5018)
    assert [o.content.kind for o in wire.timeline] == ["sip"]


def test_a_stream_goes_on_behind_a_gap_that_is_never_filled():
    wire = Wire()
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)
    message = sip(INVITE)
    for number in range(70):
        wire.tcp(SIP_DEVICE, SIP_PBX, message, 1000 + number * len(message))
    assert len(wire.said(SipMessageSeen)) == 70
    assert wire.said(MalformedSip) == []


def test_tls_and_other_protocols_on_tcp_are_passed_over():
    wire = Wire()
    for opening, port in ((b"\x16\x03\x01\x02\x00\x01", 5060), (b"GET / HTTP/1.1\r\n\r\n", 8088)):
        wire.tcp(("127.0.43.5", 40000), ("127.0.43.10", port), b"", 0, SYN)
        wire.tcp(("127.0.43.5", 40000), ("127.0.43.10", port), opening, 1)
        wire.tcp(("127.0.43.5", 40000), ("127.0.43.10", port), bytes(200), 1 + len(opening))
        wire.tcp(("127.0.43.5", 40000), ("127.0.43.10", port), b"", 201 + len(opening), FIN | ACK)
    assert len(wire.timeline) == 0


def test_sip_in_the_frames_of_a_websocket_is_not_read_as_a_stream_of_its_own():
    """RFC 7118: the handshake is HTTP, also on a SIP port; a frame may come in several segments."""
    wire = Wire()
    asked = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    head, message = b"\x81\x7e\x02\x00", sip(INVITE)
    for source, destination, opening in ((SIP_DEVICE, SIP_PBX, asked), (SIP_PBX, SIP_DEVICE, agreed)):
        wire.tcp(source, destination, b"", 0, SYN)
        wire.tcp(source, destination, opening, 1)
        wire.tcp(source, destination, head, 1 + len(opening))
        wire.tcp(source, destination, message, 5 + len(opening))
    assert len(wire.timeline) == 0


def test_the_answer_to_http_is_no_sip_either():
    wire = Wire()
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)
    wire.tcp(SIP_PBX, SIP_DEVICE, b"", 0, SYN)
    wire.tcp(SIP_DEVICE, SIP_PBX, b"GET / HTTP/1.1\r\n\r\n", 1)
    wire.tcp(SIP_PBX, SIP_DEVICE, b"SIP/2.0 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n", 1)
    assert len(wire.timeline) == 0
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)  # the same ports, anew
    wire.tcp(SIP_DEVICE, SIP_PBX, sip(INVITE), 1)
    assert [o.content.kind for o in wire.timeline] == ["sip"]


def test_garbage_on_a_sip_stream_is_told_once_and_the_stream_taken_up_again():
    wire = Wire()
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)
    wire.tcp(SIP_DEVICE, SIP_PBX, b"hello there\r\n\r\n", 1)
    wire.tcp(SIP_DEVICE, SIP_PBX, sip(INVITE), 16)
    assert [o.content.kind for o in wire.timeline] == ["malformed_sip", "sip"]


@pytest.mark.parametrize("flag", [FIN | ACK, RST])
def test_a_stream_that_ends_inside_a_message_is_told(flag):
    wire = Wire()
    data = sip(INVITE)[:-10]
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)
    wire.tcp(SIP_DEVICE, SIP_PBX, data, 1)
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 1 + len(data), flag)
    (content,) = wire.said(MalformedSip)
    assert "ends inside a message" in content.problem


SEEDS = [
    sip(INVITE, body=sdp(DEVICE, profile="RTP/SAVP", crypto=[key(1)])),
    sip("SIP/2.0 200 OK", body=sdp(PBX), tags=("f1", "t1")),
    Talk(DEVICE, PBX).next(),
]
ENDPOINTS = st.sampled_from([(SIP_DEVICE, SIP_PBX), (DEVICE, PBX), (PBX, DEVICE)])


@st.composite
def payloads(draw):
    data = bytearray(draw(st.sampled_from(SEEDS) | st.binary(max_size=200)))
    for at, value in draw(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6)):
        if at < len(data):
            data[at] = value
    return bytes(data[: draw(st.integers(0, 700))])


@given(
    st.lists(
        st.tuples(
            ENDPOINTS, payloads(), st.booleans(), st.integers(0, 2000), st.sampled_from([SYN, FIN, RST, ACK])
        ),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_hostile_traffic_never_raises_and_is_storable(packets):
    wire = Wire()
    for (source, destination), payload, over_tcp, sequence, flags in packets:
        build = (
            tcp_frame(source, destination, payload, sequence, flags)
            if over_tcp
            else udp_frame(source, destination, payload)
        )
        wire.now += 0.3
        wire.decoder.frame(Frame(wire.now, build, len(build)))
    wire.decoder.end()
    for observation in wire.timeline:
        observation.model_dump_json()


@given(st.lists(st.binary(max_size=120), max_size=10))
def test_hostile_frames_never_raise(frames):
    wire = Wire()
    for frame in frames:
        wire.decoder.frame(Frame(wire.now, b"\x45" + frame, len(frame)))
    wire.decoder.end()
