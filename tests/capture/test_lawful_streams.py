"""Streams as other stacks send them: several sections on one port, and what keeps a way open under SRTP."""

import struct

import pytest

from intercom_hil.media.rtp import build_rtp
from intercom_hil.timeline.observation import MalformedSip, SipMessageSeen
from tests.capture.wire_story import DEVICE, PBX, SIP_DEVICE, SIP_PBX, Talk, Wire, key, protector, sdp, sip

SYN, FIN, RST, ACK = 0x02, 0x01, 0x04, 0x10
SAVP = "RTP/SAVP"
STUN_SERVER = ("127.0.43.99", 3478)


def bundled(*ports, group=True):
    """A description of sound and picture, on the same port or on two."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.43.30", "s=-", f"c=IN IP4 {ports[0][0]}", "t=0 0"]
    lines += ["a=group:BUNDLE 0 1"] if group else []
    lines += [f"m=audio {ports[0][1]} RTP/AVP 8", "a=mid:0"]
    lines += [f"m=video {ports[-1][1]} RTP/AVP 96", "a=mid:1", "a=rtpmap:96 H264/90000"]
    return "".join(f"{line}\r\n" for line in lines).encode()


@pytest.mark.parametrize("offered", [(DEVICE,), (DEVICE, (DEVICE[0], DEVICE[1] + 2))])
def test_a_packet_on_a_port_of_several_sections_is_of_the_one_that_lists_its_type(offered):
    """RFC 9143 §9.2. An offer may have a port for each section; what is agreed on is one for all."""
    wire = Wire()
    wire.call(bundled(*offered), bundled(PBX))
    wire.talk(Talk(DEVICE, PBX, ssrc=1), 10)
    wire.talk(Talk(DEVICE, PBX, ssrc=2), 10, payload=b"\x65" * 40, payload_type=96)
    assert [(s.media, s.payload_type) for s in wire.started] == [("audio", 8), ("video", 96)]


def test_an_empty_packet_that_keeps_a_way_open_is_no_media_in_clear():
    """RFC 6263 §4.6: of a payload type that nobody listed, and with nothing in it to be protected."""
    wire, device = Wire(), key(1)
    wire.call(sdp(DEVICE, profile=SAVP, crypto=[device]), sdp(PBX, profile=SAVP, crypto=[key(2)]))
    talk = Talk(DEVICE, PBX, protect=protector(device))
    wire.talk(talk, 10)
    empty = build_rtp(b"", payload_type=119, sequence=7, timestamp=0, ssrc=7)
    wire.udp(DEVICE, PBX, empty, after=0.02)
    wire.talk(talk, 10)
    (account,) = wire.ended()
    assert (account.packets, account.authenticated, account.rejected, account.plain) == (20, 20, 0, 0)
    assert account.payload_types == (8,)


def test_one_with_something_in_it_is_rejected_as_before():
    wire, device = Wire(), key(1)
    wire.call(sdp(DEVICE, profile=SAVP, crypto=[device]), sdp(PBX, profile=SAVP, crypto=[key(2)]))
    talk = Talk(DEVICE, PBX, protect=protector(device))
    wire.talk(talk, 10)
    wire.udp(DEVICE, PBX, build_rtp(b"\x55" * 20, payload_type=119, sequence=7, timestamp=0, ssrc=7))
    (account,) = wire.ended()
    assert account.rejected == 1


def test_of_a_stream_that_nobody_can_open_size_shows_what_is_empty():
    wire = Wire()
    wire.call(sdp(DEVICE, profile=SAVP, crypto=[key(1)]), sdp(PBX, profile=SAVP))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 10, payload=bytes(range(170)))
    wire.talk(talk, 1, payload=bytes(range(10)), payload_type=119)
    wire.talk(talk, 10, payload=bytes(range(170)))
    (account,) = wire.ended()
    assert account.payload_types == (8,)
    assert account.unproved


@pytest.mark.parametrize(("kind", "unread"), [(0x0001, 0), (0x0101, 0), (0x4142, 1)])
def test_stun_without_its_cookie_is_no_sip(kind, unread):
    """RFC 3489: a device finds out its public address from its SIP port."""
    wire = Wire()
    wire.udp(("127.0.43.30", 5060), STUN_SERVER, struct.pack("!HH16s", kind, 8, b"t" * 16) + bytes(8))
    wire.udp(("127.0.43.30", 5060), SIP_PBX, b"no SIP at all, and too long for a word")
    assert len(wire.said(MalformedSip)) == 1 + unread


def test_a_request_that_comes_with_the_first_segment_is_read_whole():
    """RFC 7413: a client that has been here before sends at once."""
    wire = Wire()
    asked = sip("OPTIONS sip:101@127.0.43.10 SIP/2.0", cseq=(1, "OPTIONS"))
    wire.tcp(("127.0.43.30", 40000), SIP_PBX, asked[:60], sequence=1000, flags=0x02)
    wire.tcp(("127.0.43.30", 40000), SIP_PBX, asked[60:], sequence=1061)
    (message,) = wire.said(SipMessageSeen)
    assert (message.method, message.deviations) == ("OPTIONS", ())


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("flag", [FIN | ACK, RST])
def test_the_end_of_a_message_may_be_lost_to_the_capture_before_the_stream_ends(lost, flag):
    """Where bytes are missing before its end nobody knows that the message had none."""
    wire, asked = Wire(), sip("OPTIONS sip:101@127.0.43.10 SIP/2.0", cseq=(1, "OPTIONS"))
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 0, SYN)
    wire.tcp(SIP_DEVICE, SIP_PBX, asked[:60], 1)
    wire.tcp(SIP_DEVICE, SIP_PBX, b"", 1 + (len(asked) if lost else 60), flag)
    assert len(wire.said(MalformedSip)) == (not lost)
