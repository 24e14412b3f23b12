"""Offers and answers over the life of calls: re-INVITE, refusals, late offers, ports used again."""

from tests.capture.wire_story import DEVICE, PBX, Talk, Wire, key, protector, sdp

SAVP = "RTP/SAVP"
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
