"""What is said of media: found by SDP, authenticated packet by packet, measured, counted."""

import os
import random

import pytest

from intercom_hil.capture.media import HELD_SECONDS, MAX_FLOWS, PROBATION
from intercom_hil.capture.sound import is_readable_sound
from intercom_hil.media.g711 import encode_alaw, encode_ulaw
from intercom_hil.media.rtp import build_rtp
from intercom_hil.timeline.observation import SipMessageSeen
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
    protector,
    sdp,
    sip,
    tone,
)

SAVP = "RTP/SAVP"


def secure_call(wire, device=None, pbx=None, **kwargs):
    device, pbx = device or key(1), pbx or key(2)
    wire.call(sdp(DEVICE, profile=SAVP, crypto=[device]), sdp(PBX, profile=SAVP, crypto=[pbx]), **kwargs)
    return device, pbx


def test_a_plain_call_is_heard_both_ways_and_accounted_for():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, hz=440), 25)
    wire.talk(Talk(PBX, DEVICE, ssrc=2, hz=1000), 25)
    assert [(s.sender, s.receiver, s.media, s.protection, s.call_id) for s in wire.started] == [
        ("device", "pbx", "audio", "plain", "call-1"),
        ("pbx", "device", "audio", "plain", "call-1"),
    ]
    assert [round(h.tone_hz) for h in wire.heard] == [440, 440, 1000, 1000]
    assert wire.heard[0].level_dbov == pytest.approx(-15.26, abs=0.1)
    assert wire.heard[0].duration == 0.2
    up, down = wire.ended()
    assert (up.packets, up.lost, up.payload_type, up.ssrc) == (25, 0, 8, 1)
    assert (up.authenticated, up.rejected, up.plain) == (0, 0, 0)
    assert up.jitter_ms < 0.1
    assert down.source == "127.0.43.10:12000"
    assert [round(h.tone_hz) for h in wire.heard] == [440, 440, 1000, 1000, 440, 1000]


def test_sound_is_told_with_the_packet_that_completes_its_window():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 9)
    assert wire.heard == []
    wire.talk(talk, 1)
    (observation,) = [o for o in wire.timeline if o.content.kind == "media_heard"]
    assert observation.time == wire.now


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])
def test_every_packet_of_a_secure_call_is_authenticated_and_heard(suite):
    wire = Wire()
    device, pbx = secure_call(wire, key(1, suite), key(2, suite))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, hz=440, protect=protector(device)), 25)
    wire.talk(Talk(PBX, DEVICE, ssrc=2, hz=1000, protect=protector(pbx)), 25)
    assert {s.protection for s in wire.started} == {"srtp"}
    assert [round(h.tone_hz) for h in wire.heard] == [440, 440, 1000, 1000]
    assert [(e.packets, e.authenticated, e.rejected, e.plain) for e in wire.ended()] == [(25, 25, 0, 0)] * 2


def test_srtp_is_also_agreed_by_crypto_lines_under_the_plain_profile():
    wire = Wire()
    wire.call(sdp(DEVICE, crypto=[key(1)]), sdp(PBX, crypto=[key(2)]))
    wire.talk(Talk(DEVICE, PBX, protect=protector(key(1))), 10)
    (ended,) = wire.ended()
    assert (ended.protection, ended.authenticated) == ("srtp", 10)


def test_an_offer_of_crypto_that_is_not_taken_up_gives_plain_media():
    wire = Wire()
    wire.call(sdp(DEVICE, crypto=[key(1)]), sdp(PBX))
    wire.talk(Talk(DEVICE, PBX), 10)
    assert [s.protection for s in wire.started] == ["plain"]


def test_the_answer_picks_the_offered_key_by_its_tag():
    offered = [key(1, tag=1), key(3, "AES_CM_128_HMAC_SHA1_32", tag=2), key(5, tag=3)]
    wire = Wire()
    wire.call(sdp(DEVICE, profile=SAVP, crypto=offered), sdp(PBX, profile=SAVP, crypto=[key(2, tag=3)]))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(5))), 10)
    wire.talk(Talk(DEVICE, PBX, ssrc=2, protect=protector(key(1))), 10)
    right, wrong = wire.ended()
    assert (right.authenticated, right.rejected) == (10, 0)
    assert (wrong.authenticated, wrong.rejected, wrong.plain) == (0, 10, 0)


def test_a_party_that_sends_under_the_other_partys_key_is_rejected():
    wire = Wire()
    _, pbx = secure_call(wire)
    wire.talk(Talk(DEVICE, PBX, protect=protector(pbx)), 10)
    (ended,) = wire.ended()
    assert (ended.authenticated, ended.rejected, ended.plain) == (0, 10, 0)
    assert wire.heard == []


def test_clear_sound_in_a_secure_call_is_counted_and_heard_as_plain():
    wire = Wire()
    device, _ = secure_call(wire)
    wire.talk(Talk(DEVICE, PBX, ssrc=1, hz=440, protect=protector(device)), 10)
    wire.talk(Talk(DEVICE, PBX, ssrc=2, hz=880), 10)
    assert [(round(h.tone_hz), h.protection) for h in wire.heard] == [(440, "srtp"), (880, "plain")]
    _, leak = wire.ended()
    assert (leak.protection, leak.authenticated, leak.rejected, leak.plain) == ("srtp", 0, 10, 10)


def test_one_clear_packet_among_secure_ones_does_not_go_unseen():
    wire = Wire()
    device, _ = secure_call(wire)
    talk = Talk(DEVICE, PBX, protect=protector(device))
    wire.talk(talk, 10)
    talk.protect = None
    wire.talk(talk, 1)
    talk.protect = protector(device)
    wire.talk(talk, 10)
    (ended,) = wire.ended()
    assert (ended.packets, ended.authenticated, ended.rejected, ended.plain) == (21, 20, 1, 1)


def test_a_clear_telephone_event_in_a_secure_call_is_plain():
    wire = Wire()
    device, _ = secure_call(wire)
    wire.talk(Talk(DEVICE, PBX, ssrc=1), 1, payload=bytes([5, 10, 0, 160]), payload_type=101)
    wire.talk(Talk(DEVICE, PBX, ssrc=2, protect=protector(device)), 1, payload=b"\5\n\0\0", payload_type=101)
    clear, secure = wire.ended()
    assert (clear.rejected, clear.plain) == (1, 1)
    assert (secure.authenticated, secure.rejected) == (1, 0)


def test_a_repeated_packet_is_judged_as_it_was_the_first_time():
    wire = Wire()
    device, _ = secure_call(wire)
    good = Talk(DEVICE, PBX, ssrc=1, protect=protector(device)).next()
    bad = Talk(DEVICE, PBX, ssrc=2, protect=protector(key(9))).next()
    for packet in (good, good, bad, bad):
        wire.udp(DEVICE, PBX, packet)
    first, second = wire.ended()
    assert (first.packets, first.authenticated, first.rejected, first.lost) == (2, 2, 0, 0)
    assert (second.packets, second.authenticated, second.rejected) == (2, 0, 2)


def test_a_suite_that_cannot_be_judged_is_neither_authenticated_nor_rejected():
    wire = Wire()
    secure_call(wire, key(1, "F8_128_HMAC_SHA1_80"), key(2, "F8_128_HMAC_SHA1_80"))
    wire.talk(Talk(DEVICE, PBX, protect=protector(key(1))), 10)
    (ended,) = wire.ended()
    assert (ended.protection, ended.packets, ended.authenticated, ended.rejected) == ("srtp", 10, 0, 0)


def test_packets_before_the_answer_are_held_and_judged_under_it():
    wire = Wire()
    wire.invite(sdp(DEVICE, profile=SAVP, crypto=[key(1)]))
    wire.talk(Talk(PBX, DEVICE, protect=protector(key(2))), 20)
    assert wire.started == []
    wire.answer(sdp(PBX, profile=SAVP, crypto=[key(2)]))
    assert [s.protection for s in wire.started] == ["srtp"]
    first = next(o for o in wire.timeline if o.content.kind == "media_started")
    assert first.time < wire.now - 0.3
    assert len(wire.heard) == 2
    assert [(e.authenticated, e.rejected) for e in wire.ended()] == [(20, 0)]


def test_media_without_any_agreement_is_of_unknown_protection():
    wire = Wire()
    wire.talk(Talk(DEVICE, PBX), int(HELD_SECONDS / 0.02) + 5)
    assert [(s.protection, s.media, s.call_id) for s in wire.started] == [("unknown", "audio", "")]
    assert wire.heard
    assert [(e.protection, e.packets) for e in wire.ended()] == [("unknown", 105)]


def test_a_short_burst_that_nobody_agreed_on_is_told_once_no_answer_can_come_any_more():
    wire = Wire()
    wire.invite(sdp(DEVICE))
    wire.talk(Talk(DEVICE, PBX), 10)
    assert not wire.started
    wire.decoder.media.settle()
    assert [content.protection for content in wire.started] == ["unknown"]
    (account,) = wire.ended()
    assert account.packets == 10


def test_an_agreement_learnt_late_opens_a_new_account():
    wire = Wire()
    talk = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(talk, 110)
    secure_call(wire)
    wire.talk(talk, 20)
    unknown, secure = wire.ended()
    assert (unknown.protection, unknown.packets) == ("unknown", 110)
    assert (secure.protection, secure.packets, secure.authenticated) == ("srtp", 20, 20)


@pytest.mark.parametrize(("packets", "accounts"), [(PROBATION - 1, 0), (PROBATION, 1)])
def test_few_stray_datagrams_are_no_flow(packets, accounts):
    wire = Wire()
    wire.talk(Talk(("127.0.43.99", 1), ("127.0.43.98", 2)), packets)
    assert len(wire.ended()) == accounts


LAN = ("192.0.2.99", 137)


def chatter(number):
    """Return datagrams that begin as RTP does, by the protocols that LANs are full of."""
    netbios = b"\x80\x12\x29\x10\0\1\0\0\0\0\0\0 EJFDEBFCAA\0\0\x20\0\1"
    llmnr = b"\x9b\x01\0\0\0\1\0\0\0\0\0\0\4door\0\0\1\0\1"
    bacnet = b"\x81\x0b\0\x0c\x01\x20\xff\xff\0\xff\x10\x08"
    counting = b"\x80\x08" + number.to_bytes(2, "big") + bytes(4) + b"\0\0\0\7" + bytes(40)
    return {"netbios": netbios, "llmnr": llmnr, "bacnet": bacnet, "counting": counting}


@pytest.mark.parametrize(
    ("protocol", "to"),
    [
        ("netbios", "192.0.2.255"),
        ("netbios", "192.0.2.10"),
        ("llmnr", "224.0.0.252"),
        ("llmnr", "192.0.2.10"),
        ("bacnet", "255.255.255.255"),
        ("bacnet", "192.0.2.10"),
        ("counting", "239.255.255.250"),
    ],
)
def test_the_chatter_of_a_lan_is_no_media(protocol, to):
    wire = Wire()
    for number in range(40):
        wire.udp(LAN, (to, 137), chatter(number)[protocol], after=0.1)
    assert wire.ended() == []
    assert len(wire.timeline) == 0


def test_multicast_that_an_sdp_names_is_media():
    group = ("239.1.2.3", 4000)
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(group))
    wire.talk(Talk(DEVICE, group), 10)
    assert [(e.protection, e.packets) for e in wire.ended()] == [("plain", 10)]


def test_media_to_a_port_that_nobody_named_is_found_though_packets_are_lost_and_late():
    wire = Wire()
    talk = Talk(DEVICE, ("192.0.2.66", 9))
    packets = [talk.next() for _ in range(20)]
    packets[5], packets[6] = packets[6], packets[5]
    for packet in packets[:8] + packets[11:]:
        wire.udp(DEVICE, ("192.0.2.66", 9), packet, after=0.02)
    assert [(e.protection, e.packets, e.lost) for e in wire.ended()] == [("unknown", 17, 3)]


def test_random_datagrams_do_not_push_out_a_stream():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 10)
    for _ in range(MAX_FLOWS + 50):
        wire.udp(LAN, PBX, b"\x80\x08" + os.urandom(40), after=0.0001)
    wire.talk(talk, 10)
    assert [e.packets for e in wire.ended() if e.sender == "device"] == [20]


def test_a_single_packet_to_an_address_that_was_only_offered_is_accounted_for():
    wire = Wire()
    wire.invite(sdp(DEVICE, profile=SAVP, crypto=[key(1)]))
    wire.answer(b"", status="488 Not Acceptable Here")
    wire.talk(Talk(DEVICE, PBX), 1)
    assert [(e.protection, e.packets) for e in wire.ended()] == [("unknown", 1)]


def test_losses_and_reordering_and_roll_over_are_counted_as_the_rfc_says():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX, sequence=65530)
    wire.talk(talk, 10)
    talk.skip(3)
    late, early = talk.next(), talk.next()
    wire.udp(DEVICE, PBX, early)
    wire.udp(DEVICE, PBX, late)
    (ended,) = wire.ended()
    assert (ended.packets, ended.lost) == (12, 3)
    assert ended.jitter_ms > 1


def test_jitter_is_that_of_the_rfc():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    for number in range(400):
        wire.udp(DEVICE, PBX, talk.next(), after=0.015 if number % 2 else 0.025)
    assert wire.ended()[0].jitter_ms == pytest.approx(5.0, abs=0.1)


def test_a_pause_does_not_share_a_window_with_what_follows():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX, hz=440)
    wire.talk(talk, 5)
    talk.skip(100)
    talk.hz = 880
    wire.talk(talk, 10)
    assert [(round(h.tone_hz), h.duration) for h in wire.heard] == [(440, 0.1), (880, 0.2)]


def test_video_is_followed_but_not_listened_to():
    wire = Wire()
    wire.call(sdp(DEVICE, media="video", payload_types=(97,)), sdp(PBX, media="video", payload_types=(97,)))
    wire.talk(Talk(DEVICE, PBX), 20, payload=os.urandom(900), payload_type=97)
    assert [s.media for s in wire.started] == ["video"]
    assert wire.heard == []
    assert wire.ended()[0].packets == 20


def bye(wire):
    wire.to_pbx("BYE sip:101@127.0.43.10 SIP/2.0", cseq=(2, "BYE"), tags=("f1", "t1"))


def begin_another_scenario(wire):
    wire.decoder.end()
    return len(wire.timeline)


def seen_since(wire, begun):
    return [(o.content.kind, getattr(o.content, "text", "")) for o in list(wire.timeline)[begun:]]


def test_media_of_a_call_that_an_earlier_scenario_left_up_is_counted_and_no_more():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 50)
    begun = begin_another_scenario(wire)
    wire.talk(talk, 200)
    assert seen_since(wire, begun) == []
    begun = begin_another_scenario(wire)
    told = "not on this timeline: 200 packets of media of earlier scenarios' calls"
    wire.talk(talk, 10)
    assert seen_since(wire, begun - 1) == [("note", told)]


@pytest.mark.parametrize("seconds", [0.1, 0.6])
def test_media_that_goes_on_after_its_bye_is_soon_held_against_whoever_sends_it(seconds):
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 50)
    bye(wire)
    begun = begin_another_scenario(wire)
    wire.talk(talk, round(seconds / 0.02))
    wire.decoder.media.settle()
    kinds = {kind for kind, _ in seen_since(wire, begun)}
    assert ("media_started" in kinds) == (seconds > 0.5)


@pytest.mark.parametrize("paused", [True, False])
def test_a_flow_that_is_agreed_on_anew_or_broke_off_is_of_the_scenario_that_meets_it(paused):
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 50)
    begun = begin_another_scenario(wire)
    if paused:
        wire.now += 1.0
    else:
        wire.talk(talk, 5)
        wire.call(sdp(DEVICE), sdp(PBX), call_id="call-2")
    wire.talk(talk, 10)
    assert "media_started" in {kind for kind, _ in seen_since(wire, begun)}


def test_messages_that_another_witness_read_serve_as_well_as_those_on_the_wire():
    wire = Wire()
    talk = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(talk, 5)
    offer = sip("INVITE sip:101@127.0.43.10 SIP/2.0", body=sdp(DEVICE, profile=SAVP, crypto=[key(1)]))
    answer = sip("SIP/2.0 200 OK", body=sdp(PBX, profile=SAVP, crypto=[key(2)]), tags=("f1", "t1"))
    for data in (offer, answer, offer, answer):
        seen = sip_content(data, SIP_DEVICE, SIP_PBX, "TLS", name_of)
        assert isinstance(seen, SipMessageSeen)
        assert wire.decoder.media.learn(seen, wire.now) == ""
    assert [s.protection for s in wire.started] == ["srtp"]
    assert [(e.authenticated, e.rejected) for e in wire.ended()] == [(5, 0)]


@pytest.mark.parametrize("encode", [encode_alaw, encode_ulaw])
@pytest.mark.parametrize("seconds", [0.01, 0.02, 0.03])
def test_sound_is_told_from_ciphertext(encode, seconds):
    for hz, amplitude in ((440, 8000), (1234.5, 30000), (997, 100)):
        assert is_readable_sound(encode(tone(hz, seconds, amplitude=amplitude)))
    assert is_readable_sound(encode(tone(440, seconds, amplitude=0)))
    size = int(seconds * 8000)
    chance = random.Random(size)  # of 80 bytes 2.6 in a million are taken for sound: not these
    assert not any(is_readable_sound(chance.randbytes(size)) for _ in range(2000))
    assert not is_readable_sound(encode(tone(440, seconds)) + bytes(10))
    assert not is_readable_sound(b"")


def test_rtcp_and_stun_beside_the_media_are_passed_over():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    before = len(wire.timeline)
    for payload in (
        b"\x80\xc8" + bytes(26),
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        b"\x16\xfe\xff" + bytes(20),
    ):
        wire.udp(DEVICE, PBX, payload)
    wire.decoder.end()
    assert len(wire.timeline) == before


def test_broken_rtp_is_not_counted():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    wire.udp(DEVICE, PBX, b"\x9f\x08" + bytes(10))
    wire.udp(DEVICE, PBX, build_rtp(b"", payload_type=8, sequence=1, timestamp=0, ssrc=0))
    assert [e.packets for e in wire.ended()] == [1]


@pytest.mark.parametrize("secure", [False, True])
def test_an_empty_packet_of_a_type_that_nobody_listed_keeps_a_way_open_and_is_no_media(secure):
    wire = Wire()
    if secure:
        device, _ = secure_call(wire)
        talk = Talk(DEVICE, PBX, ssrc=1, protect=protector(device))
    else:
        wire.call(sdp(DEVICE), sdp(PBX))
        talk = Talk(DEVICE, PBX, ssrc=1)
    wire.talk(talk, 2, payload=b"", payload_type=77)
    assert wire.started == []
    wire.talk(talk, 20)
    wire.talk(talk, 1, payload=b"", payload_type=77)
    wire.talk(talk, 1)
    (started,), (ended,) = wire.started, wire.ended()
    assert (started.payload_type, ended.payload_types, ended.lost, ended.rejected) == (8, (8,), 0, 0)
    assert ended.packets == 22


def test_a_type_that_nobody_listed_and_that_carries_something_is_media():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    wire.talk(Talk(DEVICE, PBX, ssrc=1), 1, payload=b"x", payload_type=77)
    assert [ended.payload_types for ended in wire.ended()] == [(77,)]
