"""Good practice: each rule finds what breaks it, and nothing in a device that keeps to the RFCs."""

import re

import pytest

from intercom_hil.judge.judgement import folded
from intercom_hil.monitors.monitors import monitor
from intercom_hil.practice.practice import practice
from intercom_hil.practice.secrets import KeyMemory
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.spec.good_practice import GOOD_PRACTICE
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, ConsoleLine
from intercom_hil.timeline.sip_content import sip_content
from tests.judge.story import media_started

START = 1000.0
LATER = START + 60
DEVICE, PBX = ("192.0.2.30", 5060), ("192.0.2.10", 5060)
KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8\r\n"
    f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
)
OFFER, ANSWER = SDP.replace(KEY, KEY[::-1]), SDP


def name_of(host, port):
    return "device" if host == DEVICE[0] else "pbx"


def told(*script, also=(), transport="UDP"):
    """A timeline of messages, each a second after the one before: ``>`` by the device, ``<`` to it."""
    timeline = Timeline()
    timeline.opened = START
    for second, text in enumerate(script):
        ours = text.startswith(">")
        head, _, body = text[1:].lstrip().partition("\n\n")
        lines = [line.strip() for line in head.strip().split("\n")]
        if body:
            lines.append("Content-Type: application/sdp")
        payload = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
        ends = (DEVICE, PBX) if ours else (PBX, DEVICE)
        timeline.append(Witness.WIRE, sip_content(payload, *ends, transport, name_of), START + second)
    for content in also:
        timeline.append(Witness.CONSOLE, content, START + 5)
    return timeline


def failed(timeline):
    return {finding.requirement for finding in practice(timeline, LATER) if finding.verdict is Verdict.FAIL}


def headers(cseq, branch, *, tags=("a", ""), call="c", more=""):
    mine, theirs = tags
    return (
        f"Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK{branch}\nFrom: <sip:door@x>;tag={mine}\n"
        f"To: <sip:desk@x>{f';tag={theirs}' if theirs else ''}\nCall-ID: {call}\nCSeq: {cseq}"
        + (f"\n{more}" if more else "")
    )


REQUEST = "Max-Forwards: 70"
CONTACT = "Contact: <sip:door@192.0.2.30>"
INVITE_HEADERS = headers("1 INVITE", "1", more=f"{REQUEST}\n{CONTACT}")
INVITE = f"> INVITE sip:desk@192.0.2.10 SIP/2.0\n{INVITE_HEADERS}\n\n{OFFER}"
DESK = "Contact: <sip:desk@192.0.2.10>"
OK = f"< SIP/2.0 200 OK\n{headers('1 INVITE', '1', tags=('a', 'b'), more=DESK)}\n\n{ANSWER}"
ACK = f"> ACK sip:desk@192.0.2.10 SIP/2.0\n{headers('1 ACK', '2', tags=('a', 'b'), more=REQUEST)}"
BYE = f"> BYE sip:desk@192.0.2.10 SIP/2.0\n{headers('2 BYE', '3', tags=('a', 'b'), more=REQUEST)}"
BYE_OK = f"< SIP/2.0 200 OK\n{headers('2 BYE', '3', tags=('a', 'b'))}"
CALL = (INVITE, OK, ACK, BYE, BYE_OK)
RINGING = f"< SIP/2.0 180 Ringing\n{headers('1 INVITE', '1', tags=('a', 'b'))}"
CANCEL = f"> CANCEL sip:desk@192.0.2.10 SIP/2.0\n{headers('1 CANCEL', '1', more=REQUEST)}"
GONE = f"< SIP/2.0 487 Gone\n{headers('1 INVITE', '1', tags=('a', 'b'))}"
GONE_ACK = f"> ACK sip:desk@192.0.2.10 SIP/2.0\n{headers('1 ACK', '1', tags=('a', 'b'), more=REQUEST)}"
GIVEN_UP = (INVITE, RINGING, CANCEL, GONE, GONE_ACK)
CALLED = tuple(
    text.replace(text[0], "<>"[text[0] == "<"], 1).replace("192.0.2.10", "192.0.2.30") for text in CALL
)
"""The same call the other way round: the device is called, and hung up on."""
INFO = f"< INFO sip:door@192.0.2.30 SIP/2.0\n{headers('5 INFO', '9', tags=('b', 'a'), more=REQUEST)}"
REGISTER = f"> REGISTER sip:x SIP/2.0\n{headers('1 REGISTER', 'r1', call='r', more=REQUEST)}"
CHALLENGE = (
    f"< SIP/2.0 401 No\n{headers('1 REGISTER', 'r1', call='r')}\n"
    'WWW-Authenticate: Digest realm="x", nonce="n", qop="auth"'
)
PROOF = 'Authorization: Digest realm="x", nonce="n", qop=auth, nc={nc}, cnonce="k", algorithm={algorithm}'


def proven(cseq, nc, algorithm="MD5"):
    more = f"{REQUEST}\n{PROOF.format(nc=nc, algorithm=algorithm)}"
    return f"> REGISTER sip:x SIP/2.0\n{headers(f'{cseq} REGISTER', f'r{cseq}', call='r', more=more)}"


def described(*lines, profile="RTP/AVP", formats="8"):
    """A session description of one audio section."""
    return SDP.partition("m=")[0] + "\r\n".join([f"m=audio 4000 {profile} {formats}", *lines, ""])


def taken(offer, answer):
    """A call that the device takes: its answer to that offer."""
    return CALLED[0].replace(OFFER, offer), CALLED[1].replace(ANSWER, answer), *CALLED[2:]


POTENTIAL = (
    "a=tcap:1 RTP/SAVP",
    f"a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
    "a=pcfg:1 t=1 a=1",
)
CHOSEN = (f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY[::-1]}", "a=acfg:1 t=1 a=1")
FORK = tuple(text.replace("tag=b", "tag=d").replace("branch=z9hG4bK", "branch=z9hG4bKd") for text in CALL[2:])
"""What belongs to the second of two stations that both answered an INVITE (RFC 3261 §13.2.2.4)."""
TWO_CHALLENGES = (
    CHALLENGE.replace('qop="auth"', 'qop="auth", algorithm=SHA-256')
    + '\nWWW-Authenticate: Digest realm="x", nonce="n", qop="auth", algorithm=MD5'
)
ROUTE = "Route: <sip:192.0.2.77;lr>"
WITHIN = {"tags": ("a", "b"), "more": REQUEST}
AGAIN = (
    f"> INVITE sip:desk@192.0.2.10 SIP/2.0\n{headers('2 INVITE', '5', **WITHIN)}\n{CONTACT}",
    f"< SIP/2.0 200 OK\n{headers('2 INVITE', '5', tags=('a', 'b'), more=DESK)}",
    f"> ACK sip:desk@192.0.2.10 SIP/2.0\n{headers('2 ACK', '6', **WITHIN)}",
)
"""A re-INVITE and what answers it; the route set stays as it was (RFC 3261 §12.2)."""
ROUTED = "Record-Route: <sip:192.0.2.77;lr>"

RINGING_OURS = CALLED[1].replace("200 OK", "183 Session Progress")
BYE_LATER = BYE.replace("CSeq: 2", "CSeq: 3").replace("z9hG4bK3", "z9hG4bK4")
SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
FIRST, SECOND = proven(2, "00000001"), proven(3, "00000002")

LAWFUL = {
    "placed": CALL,
    "both of two stations": (INVITE, OK, ACK, OK.replace("tag=b", "tag=d"), *FORK, BYE, BYE_OK),
    "a number of its own for a format": taken(
        described("a=rtpmap:96 opus/48000/2", formats="96"),
        described("a=rtpmap:107 OPUS/48000/2", formats="107"),
    ),
    "an answer that takes a potential configuration": taken(
        described(*POTENTIAL), described(*CHOSEN, profile="RTP/SAVP")
    ),
    "the stronger of two algorithms": (REGISTER, TWO_CHALLENGES, proven(2, "00000001", "SHA-256")),
    "the other of two algorithms": (REGISTER, TWO_CHALLENGES, proven(2, "00000001")),
    "asked anew, no route in its answer": (
        INVITE,
        f"{OK.partition(chr(10) * 2)[0]}\n{ROUTED}\n\n{ANSWER}",
        f"{ACK}\n{ROUTE}",
        *(f"{text}\n{ROUTE}" for text in AGAIN[:1]),
        AGAIN[1],
        *(f"{text}\n{ROUTE}" for text in (AGAIN[2], BYE.replace("CSeq: 2", "CSeq: 3"))),
    ),
    "a route of early responses only": (INVITE, f"{RINGING}\n{ROUTED}", *CALL[1:]),
    "taken": CALLED,
    "given up": GIVEN_UP,
    "registered": (REGISTER, CHALLENGE, proven(2, "00000001"), proven(3, "00000002")),
    "an earlier one sent again": tuple(
        text.replace("BYE", "INFO") for text in (*CALL[:3], BYE, BYE_LATER, BYE, BYE_OK)
    ),
    "hung up with credentials": (*CALL[:3], BYE, BYE_OK.replace("200 OK", "401 No"), BYE_LATER),
    "an earlier registration sent again": (REGISTER, CHALLENGE, FIRST, SECOND, FIRST),
    "an answer that crosses its ACK": (CALLED[0], *CALLED[1:2] * 3, CALLED[2], CALLED[1], *CALLED[3:]),
    "a hold that is answered": taken(described("a=sendonly"), described("a=recvonly")),
    "an old hold": taken(
        described().replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0"), described("a=sendrecv")
    ),
    "the second of two keys": taken(
        described(*(f"a=crypto:{n} {s} inline:{KEY}" for n, s in enumerate(SUITES, 1)), profile="RTP/SAVP"),
        described(f"a=crypto:2 {SUITES[1]} inline:{KEY[::-1]}", profile="RTP/SAVP"),
    ),
    "sent again": (INVITE, INVITE, OK, OK, ACK, ACK, BYE, BYE, BYE_OK),
}


@pytest.mark.parametrize("name", LAWFUL)
def test_a_device_that_keeps_to_the_rfcs_breaks_nothing(name):
    assert failed(told(*LAWFUL[name])) == set()


REGISTERING = REGISTER.replace("z9hG4bKr1", "z9hG4bKr0").replace(REQUEST, f"{REQUEST}\n{CONTACT}")
GRANTED = (
    f"< SIP/2.0 200 OK\n{headers('1 REGISTER', 'r0', call='r')}\nContact: <sip:door@192.0.2.30>;expires={{}}"
)
RANG = f"> SIP/2.0 180 Ringing\n{headers('1 INVITE', '1', tags=('a', 'b'))}"
BROKEN = {
    "SIP-01": (INVITE, OK, ACK.replace("ACK sip", "ACK  sip"), BYE),
    "SIP-02": (INVITE, OK, ACK, BYE.replace(f"\n{REQUEST}", "")),
    "SIP-03": (*CALLED[:4], CALLED[4].replace("From: <sip:door@x>;tag=a", "From: <sip:door@x>;tag=z")),
    "SIP-04": (INVITE.replace(CONTACT, f"{CONTACT}\n{CONTACT}"), *CALL[1:]),
    "SIP-05": (*CALL[:3], BYE.replace("tag=b", "tag=z")),
    "SIP-06": (*GIVEN_UP[:2], CANCEL.replace("tag=a", "tag=z"), *GIVEN_UP[3:]),
    "SIP-07": (INVITE, OK, BYE, BYE_OK),
    "SIP-08": (*CALL[:4], BYE_OK.replace("200 OK", "481 Unknown")),
    "SIP-09": (*CALLED[:3], INFO, *("<" + CALLED[3][1:],) * 2, *(CALLED[4],) * 4),
    "SIP-10": (REGISTER, CHALLENGE, proven(1, "00000001").replace("z9hG4bKr1", "z9hG4bKr2")),
    "SIP-11": (REGISTER, CHALLENGE, proven(2, "00000001"), proven(3, "00000001")),
    "SIP-15": (REGISTERING, GRANTED.format(3)),
    "SIP-16": (*CALLED[:2], RANG, *CALLED[2:]),
    "SIP-12": (CALLED[0], CALLED[1] + "m=text 0 RTP/AVP 98\r\n", *CALLED[2:]),
}


@pytest.mark.parametrize("row", BROKEN)
def test_what_breaks_a_rule_is_found_on_its_row_alone(row):
    assert failed(told(*BROKEN[row])) == {row}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (lambda bye: bye.replace("CSeq: 2", "CSeq: 1"), "SIP-05"),
        (lambda bye: bye.replace("sip:desk@192.0.2.10", "sip:nobody@192.0.2.10"), "SIP-05"),
        (lambda bye: bye.replace(REQUEST, f"{REQUEST}\nRoute: <sip:192.0.2.77;lr>"), "SIP-05"),
        (lambda bye: bye.replace("z9hG4bK3", "three"), "SIP-02"),
    ],
)
def test_a_request_within_a_dialog_that_is_not_as_it_should_be(change, row):
    assert failed(told(*CALL[:3], change(BYE))) == {row}


def retagged(text, tag):
    return text.replace("tag=b", f"tag={tag}")


def again(text, cseq, branch):
    """A request, or a response to it, as a transaction of its own."""
    return re.sub(
        r"CSeq: \d+", f"CSeq: {cseq}", re.sub(r"branch=z9hG4bK\w+", f"branch=z9hG4bK{branch}", text)
    )


def elsewhere(text):
    """A request or a response of another dialog."""
    return text.replace("Call-ID: r", "Call-ID: q").replace("branch=z9hG4bK", "branch=z9hG4bKq")


VIA = "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1;rport;alias"
"""Of a call that is taken: in the INVITE, and as a device may give it back."""
ROUTE = "<sip:192.0.2.10;lr;ftag=a>"
PRACK = f"> PRACK sip:desk@192.0.2.10 SIP/2.0\n{headers('2 PRACK', 'p', tags=('a', 'b'), more=REQUEST)}"
PRACK_OK = f"< SIP/2.0 200 OK\n{headers('2 PRACK', 'p', tags=('a', 'b'))}"
UPDATE = (
    f"> UPDATE sip:desk@192.0.2.10 SIP/2.0\n"
    f"{headers('2 UPDATE', 'u', tags=('a', 'b'), more=REQUEST)}\n{CONTACT}\n\n{OFFER}"
)
UPDATE_OK = f"< SIP/2.0 200 OK\n{headers('2 UPDATE', 'u', tags=('a', 'b'), more=DESK)}\n\n{ANSWER}"
UNPROVEN = f"< SIP/2.0 401 No\n{headers('1 INVITE', '1', tags=('a', 'u'))}"
REINVITE = (
    again(INVITE, 5, "i5")
    .replace("> INVITE", "< INVITE")
    .replace(INVITE_HEADERS.split("\n")[1], "From: <sip:desk@x>;tag=b")
    .replace("To: <sip:desk@x>", "To: <sip:door@x>;tag=a")
)
MOVED = "Contact: <sip:elsewhere@192.0.2.11:5070>"
CROSSED = f"< BYE sip:door@192.0.2.30 SIP/2.0\n{headers('7 BYE', '77', tags=('b', 'a'), more=REQUEST)}"
CROSSED_OK = f"> SIP/2.0 200 OK\n{headers('7 BYE', '77', tags=('b', 'a'))}"
ALLOWED = {
    "Via parameters in another order": (
        CALLED[0].replace("Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1", VIA),
        CALLED[1].replace(
            "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1",
            "Via: SIP / 2.0 / UDP 192.0.2.30 ;received=192.0.2.10;ALIAS;rport=5060 ; branch=z9hG4bK1",
        ),
        *CALLED[2:],
    ),
    "two challenges of one nonce (RFC 8760)": (
        REGISTER,
        CHALLENGE
        + ', algorithm=SHA-256\nWWW-Authenticate: Digest realm="x", nonce="n", qop="auth", algorithm=MD5',
        proven(2, "00000001", "SHA-256"),
    ),
    "a forked call": (INVITE, RINGING, retagged(RINGING, "c"), *(retagged(text, "c") for text in CALL[1:])),
    "a forked call, each early dialog with an offer of its own (RFC 3311)": (
        INVITE,
        *(retagged(RINGING, tag) for tag in "cde"),
        *(
            retagged(again(text, 2, tag), tag).replace("- 1 1", f"- 1 {version}").replace("4000", port)
            for tag, version, port in (("c", 3, "4000"), ("d", 2, "4000"), ("e", 2, "4002"))
            for text in (UPDATE, UPDATE_OK)
        ),
        *CALL[1:],
    ),
    "what it is able to, asked for within a call (RFC 3261 §11.2)": (
        *CALLED[:3],
        INFO.replace("INFO", "OPTIONS")
        .replace("tag=b", "tag=x")
        .replace("tag=a", "tag=b")
        .replace("tag=x", "tag=a"),
        "> SIP/2.0 200 OK\n"
        + headers("5 OPTIONS", "9", tags=("a", "b"))
        + "\n\n"
        + described().replace("- 1 1", "x 7 0"),
        *CALLED[3:],
    ),
    "a provisional response acknowledged (RFC 3262)": (
        INVITE,
        RINGING.replace("180", "183"),
        PRACK,
        PRACK_OK,
        OK,
        ACK,
        again(BYE, 3, "3"),
        again(BYE_OK, 3, "3"),
    ),
    "an INVITE with credentials": (
        INVITE,
        UNPROVEN,
        retagged(GONE_ACK, "u"),
        *(again(text, 2, "n2") for text in (INVITE, OK)),
        again(ACK, 2, "n3"),
        again(BYE, 3, "n4"),
        again(BYE_OK, 3, "n4"),
    ),
    "a CANCEL that crosses the 200": (INVITE, RINGING, CANCEL, OK, ACK, BYE, BYE_OK),
    "a BYE that crosses a BYE": (
        *CALL[:4],
        CROSSED,
        BYE_OK.replace("200 OK", "481 Gone"),
        CROSSED_OK,
    ),
    "a route": (
        INVITE,
        OK.replace(DESK, f"{DESK}\nRecord-Route: {ROUTE}"),
        *(text.replace(REQUEST, f"{REQUEST}\nRoute: <sip:192.0.2.10:5060;ftag=a;lr>") for text in (ACK, BYE)),
        BYE_OK,
    ),
    "a Contact spelt otherwise": (
        INVITE,
        OK.replace("<sip:desk@192.0.2.10>", '"D" <sip:%64esk@192.0.2.10:5060;transport=UDP>;expires=60'),
        *CALL[2:],
    ),
    "the other side moves": (
        *CALL[:3],
        REINVITE.replace(CONTACT, MOVED),
        BYE.replace("sip:desk@192.0.2.10", "sip:elsewhere@192.0.2.11:5070"),
        BYE_OK,
    ),
    "a digest without qop (RFC 2069)": (
        REGISTER,
        CHALLENGE.replace(', qop="auth"', ""),
        proven(2, "1").replace(" qop=auth, nc=1,", ""),
    ),
    "two dialogs, each with a count of its own for a nonce that was given to both": (
        REGISTER,
        CHALLENGE,
        proven(2, "00000001"),
        *(elsewhere(text) for text in (REGISTER, CHALLENGE, proven(2, "00000001"))),
        proven(3, "00000002"),
        elsewhere(proven(3, "00000002")),
    ),
    "every REGISTER with a Call-ID of its own": (
        REGISTER,
        again(REGISTER, 1, "q").replace("Call-ID: r", "Call-ID: q"),
    ),
    "a CANCEL spelt otherwise": (
        *GIVEN_UP[:2],
        CANCEL.replace("From: <sip:door@x>", 'f: "Door" <sip:do%6Fr@X>').replace("Call-ID", "i"),
        *GIVEN_UP[3:],
    ),
    "keep-alive": (*CALL[:3], again(BYE, 2, "o").replace("BYE", "OPTIONS"), again(BYE, 3, "3"), BYE_OK),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_rfcs_leave_free_breaks_nothing(name):
    assert failed(told(*ALLOWED[name])) == set()


REGISTERED = (REGISTERING, GRANTED)


@pytest.mark.parametrize(
    ("seconds", "further", "rows"),
    [
        (3, (proven(2, "1"),), set()),
        (600, (), set()),
        (0, (), set()),
        (3, (REGISTERED[0],), {"SIP-15"}),  # the same one, sent again
        (3, (*CALL[:1],), {"SIP-15"}),
    ],
)
def test_a_registration_is_renewed_before_it_ends(seconds, further, rows):
    asked, answer = REGISTERED
    assert failed(told(asked, answer.format(seconds), *further)) == rows


def test_a_registration_over_a_connection_may_have_none_to_be_renewed_on():
    asked, answer = REGISTERED
    assert failed(told(asked, answer.format(5), transport="TCP")) == set()


def test_new_settings_end_what_a_registration_is_owed():
    asked, answer = REGISTERED
    configured = Configured(settings={}, accepted=True)
    assert failed(told(asked, answer.format(5), also=[configured])) == set()


@pytest.mark.parametrize(
    "story",
    [
        (*CALLED[:2], CALLED[1].replace("200 OK", "486 Busy"), *CALLED[2:]),
        (*CALL[:5], BYE, BYE),
        (INVITE, RINGING, INVITE, INVITE, *CALL[1:]),
    ],
)
def test_nothing_follows_a_final_response(story):
    assert "SIP-16" in failed(told(*story))


@pytest.mark.parametrize(
    "story",
    [(*CALL[:5], BYE), (*CALLED[:2], CALLED[1], *CALLED[2:]), (INVITE, RINGING, INVITE, *CALL[1:])],
)
def test_one_copy_may_be_on_its_way_and_a_final_response_may_be_repeated(story):
    assert "SIP-16" not in failed(told(*story))


@pytest.mark.parametrize(
    ("more", "rows"), [("Allow: INVITE", set()), ("Subject: x", {"SIP-09"}), ("Allow: INFO, BYE", {"SIP-09"})]
)
def test_who_does_not_know_a_method_says_which_it_knows(more, rows):
    refused = f"> SIP/2.0 405 No\n{headers('5 INFO', '9', tags=('b', 'a'), more=more)}"
    assert failed(told(*CALLED[:3], INFO, refused, *CALLED[3:])) == rows


def test_another_algorithm_than_was_offered():
    assert failed(told(REGISTER, CHALLENGE, proven(2, "00000001", "SHA-256"))) == {"SIP-11"}


def test_a_challenge_with_an_old_nonce_begins_its_count_anew():
    again = CHALLENGE.replace("z9hG4bKr1", "z9hG4bKr3").replace("1 REGISTER", "3 REGISTER")
    story = (REGISTER, CHALLENGE, proven(2, "00000001"), again, proven(4, "00000001"))
    assert failed(told(*story)) == set()


def ended(last, call="c"):
    return MediaEnded(
        flow="f",
        source="1",
        destination="2",
        sender="device",
        receiver="pbx",
        media="audio",
        payload_type=8,
        ssrc=1,
        protection="plain",
        call_id=call,
        first=START,
        last=last,
        packets=9,
        lost=0,
        jitter_ms=0,
    )


@pytest.mark.parametrize(("late", "rows"), [(0.4, set()), (0.6, {"RTP-01"})])
def test_media_ends_half_a_second_after_its_call(late, rows):
    assert failed(told(*CALL, also=[ended(START + 3 + late)])) == rows


@pytest.mark.parametrize(("number", "rows"), [(8, set()), (96, {"RTP-02"})])
def test_media_has_a_payload_type_that_was_listed(number, rows):
    assert failed(told(*CALL, also=[media_started("c", payload_type=number)])) == rows


def test_a_payload_type_is_one_of_the_receivers():
    taken = (CALL[0].replace("RTP/SAVP 8", "RTP/SAVP 97 8"), *CALL[1:])
    assert failed(told(*taken, also=[media_started("c", payload_type=97)])) == {"RTP-02"}
    theirs = (taken[0], CALL[1].replace("RTP/SAVP 8", "RTP/SAVP 97"), *CALL[2:])
    assert failed(told(*theirs, also=[media_started("c", payload_type=97)])) == set()


@pytest.mark.parametrize(
    ("later", "place", "rows"), [(4, "2", {"RTP-01"}), (3.2, "2", set()), (4, "recorder", set())]
)
def test_media_does_not_begin_anew_when_its_call_is_over(later, place, rows):
    flow = media_started("c", source="1", destination="2")
    stray = ended(START + later + 1, call="").model_copy(
        update={"first": START + later, "destination": place, "ssrc": 2}
    )
    assert failed(told(*CALL, also=[flow, stray])) == rows


def test_a_key_serves_one_call():
    other = INVITE.replace("Call-ID: c", "Call-ID: d").replace("z9hG4bK1", "z9hG4bK8")
    assert failed(told(*CALL, other)) == {"KEY-01"}


def test_a_key_does_not_resemble_another():
    other = INVITE.replace("Call-ID: c", "Call-ID: d").replace("z9hG4bK1", "z9hG4bK8")
    own = KEY[::-1]
    assert failed(told(*CALL, other.replace(own, own[:-8] + "AAAAAAAA"))) == {"KEY-01"}
    assert failed(told(*CALL, other.replace(own, own.swapcase()))) == set()


def test_a_key_of_an_earlier_scenario_is_told_with_both_calls():
    memory = KeyMemory()
    assert memory.take(told(*CALL), "first") == []
    later = told(*(text.replace("Call-ID: c", "Call-ID: d") for text in CALL))
    for content in memory.take(later, "second"):
        later.append(Witness.BENCH, content)
    (finding,) = [f for f in practice(later, LATER) if f.requirement == "KEY-01"]
    assert finding.verdict is Verdict.FAIL
    assert re.search(r"the call c in first.*INVITE", finding.seen)


@pytest.mark.parametrize(
    ("line", "rows"),
    [("all is well", set()), ("pw=correct-horse!", {"KEY-02"}), (f"k={KEY[::-1]}", {"KEY-02"})],
)
def test_secrets_stand_in_no_line(line, rows):
    configured = Configured(settings={}, accepted=True, secrets=(Fingerprint.of("correct-horse"),))
    assert failed(told(*CALL, also=[configured, ConsoleLine(text=line)])) == rows


def test_good_practice_fails_no_scenario():
    judgements = monitor(told(*BROKEN["SIP-02"]), LATER, LATER)
    outcome = folded([j for j in judgements if j.requirement in GOOD_PRACTICE], Verdict.PASS, ())
    assert outcome.requirements["SIP-02"] is Verdict.FAIL
    assert outcome.verdict is Verdict.PASS


def test_a_rule_that_compares_has_nothing_to_say_of_the_first():
    def passed(*script):
        found = practice(told(*script), LATER)
        return {finding.requirement for finding in found if finding.verdict is Verdict.PASS}

    assert {"SIP-10", "SIP-14"} & passed(REGISTER, *CALL) == set()
    assert "SIP-10" in passed(REGISTER, CHALLENGE, proven(2, "1"))
    assert "SIP-14" in passed(
        INVITE, OK, ACK, again(INVITE, 2, "5").replace("To: <sip:desk@x>", "To: <sip:desk@x>;tag=b")
    )


def test_an_early_dialog_goes_on_from_the_description_of_its_invite():
    updates = (UPDATE.replace("- 1 1", "- 1 0"), UPDATE.replace("4000", "4002"))
    for update in updates:
        assert failed(told(INVITE, RINGING, update, UPDATE_OK, *CALL[1:3], BYE_LATER)) == {"SIP-14"}


def test_a_word_that_goes_both_ways_keeps_a_way_open_and_another_is_no_message():
    def unread(*ways):
        timeline = told(*CALL)
        for ends in ways:
            timeline.append(Witness.WIRE, sip_content(b"hello", *ends, "UDP", name_of), START + 9)
        return failed(timeline)

    assert unread((DEVICE, PBX), (PBX, DEVICE)) == set()
    assert unread((DEVICE, PBX)) == {"SIP-01"}


def test_who_goes_on_in_a_call_has_had_the_response_and_owes_its_ack():
    def broken(*script):
        found = practice(told(*script), START + 2.5)
        return {finding.requirement for finding in found if finding.verdict is Verdict.FAIL} & {"SIP-07"}

    assert broken(INVITE, OK, BYE, BYE_OK) == {"SIP-07"}
    assert broken(INVITE, UNPROVEN, again(INVITE, 2, "n2")) == {"SIP-07"}
    assert broken(INVITE, OK) == set()
    assert broken(INVITE, UNPROVEN, INVITE) == set()  # it may have been lost on the way
    assert broken(INVITE, BYE, OK) == set()


def test_a_2xx_that_begins_a_dialog_has_the_route_that_the_invite_recorded():
    asked, answered, *rest = CALLED
    recorded = "Record-Route: <sip:192.0.2.77;lr;ftag=1>, <sip:192.0.2.78;lr>"
    asked = asked.replace(CONTACT, f"{CONTACT}\n{recorded}")
    assert "SIP-03" in failed(told(asked, answered, *rest))
    spelt = "Record-Route: <sip:192.0.2.77:5060;ftag=1;lr>\nRecord-Route: <sip:192.0.2.78;lr>"
    for line in (recorded, spelt):
        kept = answered.replace("CSeq: 1", f"{line}\nCSeq: 1")
        assert "SIP-03" not in failed(told(asked, kept, *rest))


def keys_answered(tag, key=KEY[::-1]):
    offer = described(f"a=crypto:1 {SUITES[0]} inline:{KEY}", profile="RTP/SAVP")
    return taken(offer, described(f"a=crypto:{tag} {SUITES[0]} inline:{key}", profile="RTP/SAVP"))


CHANGED = SDP.replace("m=audio 4000", "m=audio 4002")


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ((*CALLED[:3], CALLED[1], CALLED[1], *CALLED[3:]), {"SIP-13"}),
        (taken(described("a=sendonly"), described("a=sendrecv")), {"SIP-12"}),
        ((*CALL[:3], BYE, BYE_LATER, BYE_OK), {"SIP-05"}),
        (taken(described("a=inactive"), described("a=recvonly")), {"SIP-12"}),
        (keys_answered(1), set()),
        (keys_answered(9), {"SIP-12"}),
        (keys_answered(1, KEY), {"KEY-01"}),
        ((CALLED[0], RINGING_OURS, CALLED[1], *CALLED[2:]), set()),
        ((CALLED[0], RINGING_OURS.replace(ANSWER, CHANGED), CALLED[1], *CALLED[2:]), {"SIP-14"}),
        (
            (CALLED[0], RINGING_OURS.replace(ANSWER, CHANGED.replace("- 1 1", "- 1 0")), *CALLED[1:]),
            set(),
        ),
        (
            (CALLED[0], RINGING_OURS.replace(ANSWER, CHANGED.replace("- 1 1", "- 1 2")), *CALLED[1:]),
            {"SIP-14"},
        ),
        (
            (CALLED[0], RINGING_OURS.replace(ANSWER, CHANGED.replace("- 1 1", "- 2 1")), *CALLED[1:]),
            {"SIP-14"},
        ),
        ((CALLED[0], CALLED[1].replace(ANSWER, ""), *CALLED[2:]), {"SIP-12"}),
        ((CALLED[0], RINGING_OURS, CALLED[1].replace(ANSWER, ""), *CALLED[2:]), set()),  # RFC 3262 §5
        (keys_answered(1, "QUFB" * 10), {"KEY-01"}),
    ],
)
def test_what_answers_and_descriptions_may_not_be(script, rows):
    assert failed(told(*script)) == rows


def test_an_offer_has_the_sections_of_the_one_before_and_an_answer_those_of_its_offer():
    """Who is offered one section in a session that had two answers with one (RFC 3264 §6, §8)."""
    begun = (f"{INVITE}m=application 0 UDP/BFCP *\r\n", OK, ACK)
    later = OFFER.replace("- 1 1", "- 1 2")
    asked, answered, acknowledged = AGAIN
    fewer = (f"{asked}\n\n{later}", f"{answered}\n\n{ANSWER}", acknowledged)
    assert later != OFFER
    assert "SIP-14" in failed(told(*begun, *fewer))
    offered_fewer = (asked, f"{answered}\n\n{ANSWER}", f"{acknowledged}\n\n{later}")
    assert "SIP-14" not in failed(told(*begun, *offered_fewer))


@pytest.mark.parametrize(
    ("to", "rows"),
    [(PBX, set()), (("192.0.2.10", 5999), {"SIP-05"}), (("192.0.2.77", 5060), {"SIP-05"})],
)
def test_a_request_within_a_dialog_goes_to_where_somebody_is(to, rows):
    timeline = told(*CALL[:2])
    head = ACK[1:].lstrip().replace("\n", "\r\n")
    ack = f"{head}\r\nContent-Length: 0\r\n\r\n".encode()
    timeline.append(Witness.WIRE, sip_content(ack, DEVICE, to, "UDP", name_of), START + 2)
    assert failed(timeline) == rows


def test_the_branch_of_another_request():
    assert failed(told(*CALL[:3], again(BYE, 2, "1"), again(BYE_OK, 2, "1"))) == {"SIP-02"}


def bye_from(tag, status, *, call="c", to="b"):
    """A call of the device, and a BYE with this tag, which the device answers."""
    ours, theirs = ("a", "b"), (tag, to)
    return told(
        f"> INVITE sip:desk@192.0.2.10 SIP/2.0\n{headers('1 INVITE', 1, more=CONTACT)}\n\n{OFFER}",
        f"< SIP/2.0 200 OK\n{headers('1 INVITE', 1, tags=ours, more=DESK)}\n\n{ANSWER}",
        f"> ACK sip:desk@192.0.2.10 SIP/2.0\n{headers('1 ACK', 2, tags=ours)}",
        f"< BYE sip:door@192.0.2.30 SIP/2.0\n{headers('7 BYE', 'x', tags=theirs, call=call)}",
        f"> SIP/2.0 {status} Said\n{headers('7 BYE', 'x', tags=theirs, call=call)}",
    )


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        (bye_from("b", 200, to="a"), set()),
        (bye_from("z", 481, to="a"), set()),
        (bye_from("z", 200, to="a"), {"SIP-18"}),
        (bye_from("b", 200, to="z"), {"SIP-18"}),
        (bye_from("b", 200, to="a", call="other"), {"SIP-18"}),
        (bye_from("y", 200, to="z", call="other"), set()),  # of a call from before, perhaps
    ],
)
def test_only_who_is_in_a_call_ends_it(said, rows):
    assert failed(said) & {"SIP-18"} == rows


def placed(call, tag, *, to="desk"):
    own = headers("1 INVITE", call, tags=(tag, ""), call=call, more=f"{REQUEST}\n{CONTACT}")
    return f"> INVITE sip:{to}@192.0.2.10 SIP/2.0\n{own}\n\n{OFFER}"


def rung(call, tag, theirs):
    """Somebody calls, and the device says that it rings."""
    tags = theirs, ""
    invite = headers("1 INVITE", f"x{call}", tags=tags, call=call, more=REQUEST)
    return (
        f"< INVITE sip:door@192.0.2.30 SIP/2.0\n{invite}\n\n{OFFER}",
        f"> SIP/2.0 180 Ringing\n{headers('1 INVITE', f'x{call}', tags=(theirs, tag), call=call)}",
    )


MOVED = f"< SIP/2.0 302 Moved\n{headers('1 INVITE', 'c1', tags=('a', 'b'), call='c1')}"


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ((placed("c1", "a"), placed("c2", "b", to="other")), set()),
        ((placed("c1", "a"), placed("c2", "a", to="other")), {"SIP-02"}),
        ((placed("c1", "a"), placed("c2", "a")), set()),  # the same party again
        ((placed("c1", "a"), MOVED, placed("c2", "a", to="other")), set()),
        ((*rung("c1", "m", "x"), *rung("c2", "n", "y")), set()),
        ((*rung("c1", "m", "x"), *rung("c2", "m", "y")), {"SIP-03"}),
    ],
)
def test_a_tag_is_of_one_call(script, rows):
    assert failed(told(*script)) & {"SIP-02", "SIP-03"} == rows


@pytest.mark.parametrize(
    ("uri", "method", "rows"),
    [
        ("sip:x", "REGISTER", set()),
        ("sip:X:5060;transport=udp", "REGISTER", set()),
        ("sip:y", "REGISTER", {"SIP-11"}),
        ("sip:d@x", "REGISTER", {"SIP-11"}),
        ("", "REGISTER", set()),
        ("sip:y", "ACK", set()),
    ],
)
def test_credentials_are_for_the_request_that_they_are_in(uri, method, rows):
    proof = PROOF.format(nc="00000001", algorithm="MD5") + (f', uri="{uri}"' if uri else "")
    own = headers(f"2 {method}", "r2", call="r", more=f"{REQUEST}\n{proof}")
    asked = f"> {method} sip:x SIP/2.0\n{own}"
    assert failed(told(REGISTER, CHALLENGE, asked)) & {"SIP-11"} == rows
