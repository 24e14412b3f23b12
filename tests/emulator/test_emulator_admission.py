"""Who may call, and what is read from an INVITE to decide it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.emulator.addresses import full_address, read_address, user_of
from intercom_hil.emulator.admission import refusal
from intercom_hil.emulator.form_reading import read_settings
from intercom_hil.emulator.invite import read_invite, read_offer
from intercom_hil.emulator.vocabulary import Incoming, Offer

PBX, STATION, STRANGER = "127.0.0.10", "127.0.0.21", "127.0.0.66"
RESOLVED = {PBX: frozenset({PBX}), STATION: frozenset({STATION}), "pbx.example": frozenset({PBX})}


def settings(**changes):
    base = {"server_address": PBX, "auth_username": "a", "auth_password": "b", "extension": "1001"}
    return read_settings({**base, "call_number": "3400", **changes})


def admitted(caller, source, *entries, request="sip:1001@127.0.0.30", **changes):
    call = Incoming("in-1", caller, "3400", request, source, Offer.PLAIN)
    return refusal(call, settings(permitted_callers=entries, **changes), RESOLVED)


@pytest.mark.parametrize(
    ("caller", "source", "entry"),
    [
        ("sip:3400@127.0.0.10", PBX, "3400"),
        ("sip:3400@127.0.0.10", PBX, "sip:3400@127.0.0.10"),
        ("sip:3400@127.0.0.10:5060", PBX, "sip:3400@127.0.0.10"),
        ("sip:3400@127.0.0.10", PBX, "sip:3400@127.0.0.10:5060"),
        ("sip:%33400@127.0.0.10", PBX, "3400"),
        ("SIP:3400@127.0.0.10;transport=tcp", PBX, "3400"),
        ("sip:3400@elsewhere.example", PBX, "sip:3400@ELSEWHERE.example"),
        ("sip:3400@127.0.0.21", STATION, "sip:3400@127.0.0.21"),
    ],
)
def test_a_permitted_caller_gets_in(caller, source, entry):
    assert admitted(caller, source, "9999", entry) is None


@pytest.mark.parametrize(
    ("caller", "source", "entry"),
    [
        ("sip:3401@127.0.0.10", PBX, "3400"),
        ("sip:abc@127.0.0.10", PBX, "ABC"),
        ("sip:3400@elsewhere.example", PBX, "3400"),
        ("sip:3400@127.0.0.21", STATION, "3400"),
        ("sip:3400@127.0.0.21", STATION, "sip:3400@127.0.0.10"),
        ("sip:3400@127.0.0.10", STRANGER, "3400"),
        ("sip:3400@127.0.0.10", STRANGER, "sip:3400@127.0.0.10"),
        ("sip:3400@127.0.0.21", STRANGER, "sip:3400@127.0.0.21"),
        ("sip:3400@127.0.0.21:5070", STATION, "sip:3400@127.0.0.21"),
        ("sips:3400@127.0.0.10", PBX, "3400"),
        ("tel:3400", PBX, "3400"),
        ("sip:3400%40127.0.0.10@evil.example", PBX, "3400"),
        ("sip:%2533400@127.0.0.10", PBX, "3400"),
        ("sip:3400;x=y@127.0.0.10", PBX, "3400"),
        ("sip:3400@127.0.0.10;user=phone", PBX, "3400"),
        ("sip:9999@127.0.0.10;x=sip:3400@127.0.0.10", PBX, "3400"),
        ("sip:127.0.0.10", PBX, "3400"),
        ("", PBX, "3400"),
    ],
)
def test_anybody_else_is_refused_with_403(caller, source, entry):
    outcome = admitted(caller, source, entry)
    assert (outcome.status, outcome.details) == (403, f"caller not permitted: {caller}")


def test_the_servers_name_and_its_address_are_one_host():
    entry = "sip:3400@pbx.example"
    assert admitted("sip:3400@127.0.0.10", PBX, entry, server_address="pbx.example") is None
    assert admitted("sip:3400@PBX.example", PBX, "3400", server_address="pbx.example") is None


def test_an_empty_list_admits_everybody_and_other_rules_come_first():
    assert admitted("sip:3400@127.0.0.66", STRANGER) is None
    assert admitted("sip:3400@127.0.0.10", PBX, "3400", request="sip:1002@127.0.0.30").status == 404
    off = admitted("sip:3499@127.0.0.10", PBX, "3400", allow_incoming=False)
    assert (off.status, off.details) == (603, "incoming calls off: sip:3499@127.0.0.10")


@given(st.text())
def test_no_text_upsets_the_readers_of_addresses(text):
    for uri in (text, f"sip:{text}", f"sip:3400@{text}", f"sip:{text}@host"):
        read_address(uri)
        user_of(uri)
        read_invite(f"INVITE {uri} SIP/2.0\r\nFrom: {uri}\r\n\r\n{uri}")
        admitted(uri, PBX, "3400")
        assert full_address(uri, "server", 5060)


@given(st.binary(max_size=500))
def test_no_bytes_upset_the_reader_of_invites(data):
    invite = read_invite(data.decode("utf-8", "replace"))
    assert isinstance(invite.offer, Offer)


def test_an_invite_is_read_for_caller_and_offer():
    text = 'INVITE sip:1001@h SIP/2.0\r\nf: "Al \\"3400\\" <sip:3400@p>"\r\n <sip:9@evil;x=y>;tag=1\r\n\r\n'
    keys = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\n"
    invite = read_invite(f"{text}v=0\r\nm=audio 4000 RTP/AVP 8\r\n{keys}m=video 0 RTP/SAVP 9\r\n")
    assert invite.caller == "sip:9@evil;x=y"
    assert invite.display == 'Al "3400" <sip:3400@p>'
    assert invite.request_uri == "sip:1001@h"
    assert invite.offer is Offer.OPTIONAL
    assert read_invite("INVITE x SIP/2.0\r\nFrom: <sip:a@b>\r\nFrom: <sip:c@d>\r\n\r\n").caller == ""


@pytest.mark.parametrize(
    ("sdp", "offer"),
    [
        ("", Offer.ABSENT),
        ("m=video 1 RTP/AVP 96\r\n", Offer.ABSENT),
        ("m=audio 1 RTP/AVP 8\r\n", Offer.PLAIN),
        (
            "m=audio 1 RTP/AVP 8\r\nm=video 2 RTP/AVP 96\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\n",
            Offer.PLAIN,
        ),
        ("m=audio 1 RTP/SAVPF 8\r\n", Offer.KEYLESS),
        ("m=audio 1 RTP/SAVPF 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\n", Offer.SECURE),
    ],
)
def test_an_offer_is_told_by_its_audio_line(sdp, offer):
    assert read_offer(sdp) is offer
