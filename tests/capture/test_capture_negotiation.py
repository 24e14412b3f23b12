"""Offers and answers over the life of calls: re-INVITE, refusals, late offers, ports used again."""

import base64
import os

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.wire.sdp import Crypto
from tests.capture.wire_story import DEVICE, PBX, Talk, Wire, key, protector, sdp
from tests.wire.srtp_sender import protect as protect_by_the_letter

SAVP = "RTP/SAVP"
OTHER_PORT = (DEVICE[0], DEVICE[1] + 2)
REINVITE = {"cseq": (2, "INVITE"), "tags": ("f1", "t1")}


def secure(address, fill):
    return sdp(address, profile=SAVP, crypto=[key(fill)])


def accounts(wire):
    return [(e.protection, e.packets, e.authenticated, e.rejected) for e in wire.ended()]


def test_a_new_agreement_with_the_same_keys_continues_the_account():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    talk = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(talk, 10)
    wire.call(secure(DEVICE, 1) + b"a=sendonly\r\n", secure(PBX, 2) + b"a=recvonly\r\n", **REINVITE)
    wire.talk(talk, 10)
    assert accounts(wire) == [("srtp", 20, 20, 0)]


def test_new_keys_open_a_new_account_and_packets_under_way_belong_to_the_old_one():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    old, new = (Talk(DEVICE, PBX, protect=protector(key(fill))) for fill in (1, 5))
    wire.talk(old, 10)
    wire.call(secure(DEVICE, 5), secure(PBX, 6), **REINVITE)
    wire.talk(old, 3)
    new.skip(13)
    wire.talk(new, 10)
    assert accounts(wire) == [("srtp", 13, 13, 0), ("srtp", 10, 10, 0)]


def test_the_old_key_is_rejected_once_the_change_is_over():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    old = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(old, 10)
    wire.call(secure(DEVICE, 5), secure(PBX, 6), **REINVITE)
    wire.talk(old, 40)
    (_, before, _, _), (_, after, authenticated, rejected) = accounts(wire)
    assert before + after == 50
    assert authenticated == 0
    assert rejected == after > 10


def test_the_old_key_is_no_clear_media_where_clear_media_is_what_was_agreed_next():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    talk = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(talk, 10)
    wire.call(secure(DEVICE, 1), sdp(PBX), **REINVITE)
    wire.talk(talk, 40)
    talk.protect = None
    wire.talk(talk, 10)
    assert accounts(wire) == [("srtp", 50, 50, 0), ("plain", 10, 0, 0)]


def test_plain_media_made_secure_is_followed():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    talk = Talk(DEVICE, PBX)
    wire.talk(talk, 10)
    wire.call(secure(DEVICE, 1), secure(PBX, 2), **REINVITE)
    wire.talk(talk, 2)
    talk.protect = protector(key(1))
    wire.talk(talk, 10)
    assert accounts(wire) == [("plain", 12, 0, 0), ("srtp", 10, 10, 0)]


def test_a_refused_re_invite_changes_nothing():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    talk = Talk(DEVICE, PBX, protect=protector(key(1)))
    wire.talk(talk, 10)
    wire.invite(sdp(DEVICE), **REINVITE)
    wire.answer(sdp(PBX), status="183 Session Progress", **REINVITE)
    wire.answer(b"", status="488 Not Acceptable Here", **REINVITE)
    wire.talk(talk, 10)
    assert accounts(wire) == [("srtp", 20, 20, 0)]


def test_a_retry_after_a_refusal_is_judged_by_what_the_retry_agreed():
    wire = Wire()
    wire.invite(secure(DEVICE, 1))
    wire.answer(b"", status="488 Not Acceptable Here")
    wire.call(sdp(DEVICE), sdp(PBX), cseq=(2, "INVITE"))
    wire.talk(Talk(DEVICE, PBX), 10)
    assert accounts(wire) == [("plain", 10, 0, 0)]


def test_an_offer_in_the_answer_is_answered_in_the_ack():
    wire = Wire()
    wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", tags=("p", ""))
    wire.to_pbx("SIP/2.0 200 OK", body=secure(DEVICE, 1), tags=("p", "d"))
    wire.to_device("ACK sip:100@127.0.43.30 SIP/2.0", body=secure(PBX, 2), tags=("p", "d"), cseq=(1, "ACK"))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(1))), 10)
    wire.talk(Talk(PBX, DEVICE, ssrc=2, protect=protector(key(2))), 10)
    assert accounts(wire) == [("srtp", 10, 10, 0)] * 2


@pytest.mark.parametrize("in_a_call", [False, True])
def test_an_offer_in_a_reliable_response_is_answered_in_its_prack(in_a_call):
    """RFC 3262 §5. What comes in the next PRACK, if anything, is a new offer."""
    wire = Wire()
    if in_a_call:
        wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", body=secure(PBX, 7), tags=("p", ""))
        wire.to_pbx("SIP/2.0 200 OK", body=secure(DEVICE, 8), tags=("p", "d"))
    wire.to_device("INVITE sip:100@127.0.43.30 SIP/2.0", tags=("p", "d" * in_a_call), cseq=(2, "INVITE"))
    wire.to_pbx("SIP/2.0 183 Progress", body=secure(DEVICE, 1), tags=("p", "d"), cseq=(2, "INVITE"))
    prack = {"tags": ("p", "d"), "cseq": (3, "PRACK")}
    wire.to_device("PRACK sip:100@127.0.43.30 SIP/2.0", body=secure(PBX, 2), **prack)
    wire.to_pbx("SIP/2.0 200 OK", **prack)
    wire.to_pbx("SIP/2.0 200 OK", tags=("p", "d"), cseq=(2, "INVITE"))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(1))), 40)
    wire.talk(Talk(PBX, DEVICE, ssrc=2, protect=protector(key(2))), 10)
    again = prack | {"cseq": (4, "PRACK")}
    wire.to_device("PRACK sip:100@127.0.43.30 SIP/2.0", body=secure(PBX, 4), **again)
    wire.to_pbx("SIP/2.0 200 OK", body=secure(DEVICE, 3), **again)
    wire.talk(Talk(DEVICE, PBX, ssrc=3, protect=protector(key(3))), 10)
    wire.talk(Talk(DEVICE, PBX, ssrc=4, protect=protector(key(5))), 10)
    assert accounts(wire) == [*(("srtp", n, n, 0) for n in (40, 10, 10)), ("srtp", 10, 0, 10)]


def test_an_update_negotiates_too():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    update = {"cseq": (2, "UPDATE"), "tags": ("f1", "t1")}
    wire.to_pbx("UPDATE sip:101@127.0.43.10 SIP/2.0", body=secure(DEVICE, 1), **update)
    wire.to_device("SIP/2.0 200 OK", body=secure(PBX, 2), **update)
    wire.talk(Talk(DEVICE, PBX, protect=protector(key(1))), 10)
    assert accounts(wire) == [("srtp", 10, 10, 0)]


def test_early_media_is_judged_by_the_provisional_answer():
    wire = Wire()
    wire.invite(sdp(DEVICE))
    wire.answer(sdp(PBX), status="183 Session Progress")
    wire.talk(Talk(PBX, DEVICE), 10)
    assert [(s.protection, s.receiver) for s in wire.started] == [("plain", "device")]


def test_a_port_used_again_belongs_to_the_call_that_named_it_last():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    wire.talk(Talk(PBX, DEVICE, ssrc=1, protect=protector(key(2))), 10)
    second = {"call_id": "call-2", "tags": ("f2", "")}
    wire.invite(secure(DEVICE, 3), **second)
    wire.talk(Talk(("127.0.43.10", 12002), DEVICE, ssrc=2, protect=protector(key(4))), 10)
    wire.answer(secure(("127.0.43.10", 12002), 4), call_id="call-2", tags=("f2", "t2"))
    ended = wire.ended()
    assert [(e.call_id, e.authenticated, e.rejected) for e in ended] == [("call-1", 10, 0), ("call-2", 10, 0)]


def test_media_may_come_from_a_port_that_an_earlier_call_had_named():
    wire = Wire()
    wire.call(sdp(OTHER_PORT), sdp(PBX))
    wire.to_pbx("BYE sip:x SIP/2.0", cseq=(2, "BYE"), tags=("f1", "t1"))
    second = {"call_id": "call-2"}
    wire.invite(secure(DEVICE, 3), tags=("f2", ""), **second)
    wire.answer(secure(PBX, 4), tags=("f2", "t2"), **second)
    wire.talk(Talk(OTHER_PORT, PBX, protect=protector(key(3))), 10)
    assert [(e.call_id, e.authenticated) for e in wire.ended()] == [("call-2", 10)]


def test_media_to_a_port_just_offered_waits_for_the_answer_of_that_call():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    second_port = (PBX[0], PBX[1] + 2)
    offered = "INVITE sip:100@127.0.43.30 SIP/2.0"
    wire.to_device(offered, body=secure(second_port, 7), call_id="call-2", tags=("f2", ""))
    talk = Talk(DEVICE, second_port, protect=protector(key(9)))
    wire.talk(talk, 3)
    wire.to_pbx("SIP/2.0 200 OK", body=secure(DEVICE, 9), call_id="call-2", tags=("f2", "t2"))
    wire.talk(talk, 3)
    assert accounts(wire) == [("srtp", 6, 6, 0)]


def test_media_that_outruns_its_offer_is_not_taken_for_that_of_a_call_that_is_over():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    over = Talk(DEVICE, PBX, ssrc=1, protect=protector(key(1)))
    wire.talk(over, 5)
    wire.to_pbx("BYE sip:101@127.0.43.10 SIP/2.0", cseq=(2, "BYE"), tags=("f1", "t1"))
    wire.talk(over, 2)
    second_port = (PBX[0], PBX[1] + 2)
    talk = Talk(DEVICE, second_port, protect=protector(key(9)))
    wire.talk(talk, 3)
    offered = "INVITE sip:100@127.0.43.30 SIP/2.0"
    wire.to_device(offered, body=secure(second_port, 7), call_id="call-2", tags=("f2", ""))
    wire.to_pbx("SIP/2.0 200 OK", body=secure(DEVICE, 9), call_id="call-2", tags=("f2", "t2"))
    wire.talk(talk, 3)
    assert accounts(wire) == [("srtp", 7, 7, 0), ("srtp", 6, 6, 0)]


def test_one_stream_number_over_two_calls_on_the_same_ports_makes_two_accounts():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(1))), 10)
    wire.call(secure(DEVICE, 3), secure(PBX, 4), call_id="call-2")
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(3))), 10)
    ended = wire.ended()
    assert [(e.call_id, e.authenticated, e.rejected) for e in ended] == [("call-1", 10, 0), ("call-2", 10, 0)]


def test_a_section_that_the_answer_refuses_agrees_nothing():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(("127.0.43.10", 0)))
    wire.talk(Talk(DEVICE, PBX), 10)
    assert accounts(wire) == [("unknown", 10, 0, 0)]


def unproved(offer, answer, packets=10, protect=None):
    """Return the one account of the device's media under an offer and an answer."""
    wire = Wire()
    wire.call(offer, answer)
    wire.talk(Talk(DEVICE, PBX, protect=protect or protector(key(1))), packets)
    (ended,) = wire.ended()
    assert (ended.protection, ended.packets) == ("srtp", packets)
    return ended


SHORT = "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"


@pytest.mark.parametrize(
    ("offered", "answered", "reason"),
    [
        ([key(1)], [], "no suite was agreed"),
        ([key(1)], [SHORT], "key of the answer is unusable: 3 bytes of key"),
        ([SHORT], [key(2)], "key of the offer is unusable: 3 bytes of key"),
        ([key(1)], [key(2, "AES_CM_128_HMAC_SHA1_32")], "was answered, and not offered"),
        ([f"{key(1)} UNAUTHENTICATED_SRTP"], [key(2)], "UNAUTHENTICATED_SRTP"),
    ],
)
def test_where_no_key_was_agreed_nothing_is_proved_and_the_reason_is_told(offered, answered, reason):
    account = unproved(sdp(DEVICE, profile=SAVP, crypto=offered), sdp(PBX, profile=SAVP, crypto=answered))
    assert (account.authenticated, account.rejected, account.plain) == (0, 0, 0)
    assert reason in account.unproved


@pytest.mark.parametrize("profile", ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/AVP"])
def test_dtls_srtp_is_told_as_such_and_clear_media_under_it_all_the_same(profile):
    offer, answer = (sdp(party, profile=profile) + b"a=fingerprint:sha-256 AA\r\n" for party in (DEVICE, PBX))
    account = unproved(offer, answer)
    assert "DTLS-SRTP" in account.unproved
    assert (account.authenticated, account.rejected) == (0, 0)
    clear = unproved(offer, answer, protect=bytes)
    assert (clear.rejected, clear.plain) == (10, 10)


def test_the_partys_own_key_is_enough_to_judge_what_it_sends():
    account = unproved(sdp(DEVICE, profile=SAVP, crypto=[key(1)]), sdp(PBX, profile=SAVP, crypto=[key(2)]))
    assert (account.authenticated, account.unproved) == (10, "")


def test_of_several_lines_and_several_keys_in_one_the_right_ones_are_tried():
    second = str(key(7)).split()[2]
    lines = [key(3, "AES_CM_128_HMAC_SHA1_32"), f"2 AES_CM_128_HMAC_SHA1_80 {second}|2^31|1:1;"]
    lines[1] += f"{str(key(1)).split()[2]}|2^31|2:1"
    answer = sdp(PBX, profile=SAVP, crypto=[key(2, tag=2)])
    account = unproved(sdp(DEVICE, profile=SAVP, crypto=lines), answer)
    assert (account.authenticated, account.rejected) == (10, 0)


def test_what_is_agreed_not_to_be_encrypted_is_authenticated_and_told():
    unencrypted = f"{key(1)} UNENCRYPTED_SRTP"
    account = unproved(
        sdp(DEVICE, profile=SAVP, crypto=[unencrypted]),
        sdp(PBX, profile=SAVP, crypto=[key(2)]),
        protect=bytes,
    )
    assert (account.authenticated, account.rejected, account.plain) == (0, 10, 10)
    assert "not to encrypt" in account.unproved


@pytest.mark.parametrize(
    ("payload_type", "frame"),
    [(9, bytes(160)), (3, os.urandom(33)), (18, os.urandom(20))],
    ids=["G722", "GSM", "G729"],
)
def test_clear_media_of_other_encodings_under_a_key_is_told_as_plain(payload_type, frame):
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    wire.talk(Talk(DEVICE, PBX, protect=bytes), 10, payload=frame, payload_type=payload_type)
    wire.talk(
        Talk(DEVICE, PBX, ssrc=8, protect=protector(key(1))), 10, payload=frame, payload_type=payload_type
    )
    assert [(e.rejected, e.authenticated) for e in wire.ended()] == [(10, 0), (0, 10)]
    expected = 0 if payload_type == 18 else 10  # 20 bytes of G.729 with a tag of 10 are as long as 30 without
    assert wire.ended()[0].plain == expected


def test_a_sender_that_begins_a_new_stream_is_judged_from_its_first_packet():
    wire = Wire()
    wire.call(secure(DEVICE, 1), secure(PBX, 2))
    protect = protector(key(1))
    for ssrc, sequence in ((1, 65530), (2, 3)):
        wire.talk(Talk(DEVICE, PBX, ssrc=ssrc, sequence=sequence, protect=protect), 20)
    assert accounts(wire) == [("srtp", 20, 20, 0)] * 2


def test_an_older_suite_name_is_the_suite_that_it_means():
    material = base64.b64encode(bytes(range(46))).decode()
    crypto = Crypto.parse(f"1 AES_256_CM_HMAC_SHA1_80 inline:{material}")
    older = [f"1 AES_CM_256_HMAC_SHA1_80 inline:{material}"]
    account = unproved(
        sdp(DEVICE, profile=SAVP, crypto=older),
        sdp(PBX, profile=SAVP, crypto=older),
        protect=lambda packet: protect_by_the_letter(crypto, packet),
    )
    assert (account.authenticated, account.rejected, account.unproved) == (10, 0, "")


def negotiating(address, *fills, at_session_level=False):
    """Offer RTP/AVP, and RTP/SAVP with keys as a potential configuration (RFC 5939 §3)."""
    acap = [f"a=acap:{n} crypto:{key(fill)}" for n, fill in enumerate(fills, 7)]
    lines = ["a=tcap:1 RTP/SAVP", *acap, "a=pcfg:1 t=1 a=7"]
    plain = sdp(address)
    if at_session_level:
        head, media = plain.split(b"m=audio", 1)
        more = "".join(f"{line}\r\n" for line in lines[:-1]).encode()
        return head + more + b"m=audio" + media + f"{lines[-1]}\r\n".encode()
    return plain + "".join(f"{line}\r\n" for line in lines).encode()


@pytest.mark.parametrize("at_session_level", [False, True])
@pytest.mark.parametrize("named", [b"a=acfg:1 t=1 a=7\r\n", b""])
def test_an_answer_takes_up_a_potential_configuration(at_session_level, named):
    wire = Wire()
    wire.call(negotiating(DEVICE, 1, at_session_level=at_session_level), secure(PBX, 2) + named)
    wire.talk(Talk(DEVICE, PBX, ssrc=1, protect=protector(key(1))), 10)
    wire.talk(Talk(PBX, DEVICE, ssrc=2, protect=protector(key(2))), 10)
    assert accounts(wire) == [("srtp", 10, 10, 0)] * 2


def test_an_answer_leaves_a_potential_configuration():
    wire = Wire()
    wire.call(negotiating(DEVICE, 1), sdp(PBX))
    wire.talk(Talk(DEVICE, PBX), 10)
    assert accounts(wire) == [("plain", 10, 0, 0)]


def test_a_packet_that_is_not_under_the_key_of_the_potential_configuration_is_rejected():
    wire = Wire()
    wire.call(negotiating(DEVICE, 1), secure(PBX, 2) + b"a=acfg:1 t=1 a=7\r\n")
    wire.talk(Talk(DEVICE, PBX, protect=protector(key(3))), 10)
    assert accounts(wire) == [("srtp", 10, 0, 10)]


def of_ports(description, ports):
    return description.replace(b" RTP/", b"/%d RTP/" % ports)


def beside(address, ports):
    return address[0], address[1] + ports


@pytest.mark.parametrize(
    ("ports", "away", "known"), [(2, 2, True), (3, 4, True), (2, 1, False), (2, 4, False)]
)
def test_a_section_of_several_ports_has_a_stream_at_each_second_one(ports, away, known):
    """RFC 4566 §5.14: ``m=audio 49170/2`` is RTP at 49170 and 49172, and its reports above each."""
    wire = Wire()
    wire.call(of_ports(secure(DEVICE, 1), ports), of_ports(secure(PBX, 2), ports))
    wire.talk(Talk(DEVICE, PBX, protect=protector(key(1))), 10)
    further = Talk(beside(DEVICE, away), beside(PBX, away), ssrc=9, protect=protector(key(1)))
    wire.talk(further, 10)
    authenticated = [one.packets for one in wire.ended() if one.call_id and one.authenticated == one.packets]
    assert authenticated == ([10, 10] if known else [10])


@pytest.mark.parametrize(("ports", "broken"), [("/2", False), ("", True)])
def test_media_to_the_second_port_of_a_section_goes_where_it_is_wanted(ports, broken):
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX).replace(b"audio 12000", b"audio 12000" + ports.encode()))
    wire.talk(Talk(DEVICE, beside(PBX, 2)), 20)
    wire.ended()
    found = practice(wire.timeline, wire.now + 60)
    assert ("RTP-08" in {one.requirement for one in found if one.verdict is Verdict.FAIL}) is broken
