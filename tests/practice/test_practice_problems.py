"""What good practice says of a device that breaks it: the row, the problem in words, and the messages."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from tests.practice.test_practice import (
    ACK,
    BYE,
    CALL,
    CALLED,
    CANCEL,
    CHALLENGE,
    CONTACT,
    GIVEN_UP,
    GONE_ACK,
    INFO,
    INVITE,
    LATER,
    OK,
    REGISTER,
    REQUEST,
    RINGING,
    SDP,
    again,
    headers,
    proven,
    told,
)

ANSWERED = CALLED[1]
VIDEO = "m=video 4002 RTP/SAVP 96\r\n"


def taken(change):
    """A call that is taken, its 200 changed."""
    return (CALLED[0], change(ANSWERED), *CALLED[2:])


def given_up(change):
    """A call that is given up, its CANCEL changed."""
    return (*GIVEN_UP[:2], change(CANCEL), *GIVEN_UP[3:])


def hung_up(change):
    """A call that is placed, its BYE changed."""
    return (*CALL[:3], change(BYE))


PROXIES = ("<sip:192.0.2.77;lr>", "<sip:192.0.2.78;lr>")


def recorded(call):
    """A call whose INVITE and 2xx have the proxies that it came by."""
    line = f"Record-Route: {', '.join(PROXIES)}"
    return tuple(text.replace("CSeq: 1 INVITE", f"{line}\nCSeq: 1 INVITE") for text in call)


def hanging_up(route):
    """The device's own BYE of a call that it took."""
    more = f"{REQUEST}\nRoute: {', '.join(route)}"
    return f"> BYE sip:door@192.0.2.30 SIP/2.0\n{headers('7 BYE', '8', tags=('b', 'a'), more=more)}"


GONE = GIVEN_UP[3]
REFUSED = f"> SIP/2.0 405 No\n{headers('5 INFO', '9', tags=('b', 'a'))}\nAllow: {{}}"
RING = f"> SIP/2.0 180 Ringing\n{headers('1 INVITE', '1', tags=('a', 'c'))}"
TRYING = f"> SIP/2.0 100 Trying\n{headers('1 INVITE', '1')}"
PROBLEMS = {
    "no Max-Forwards": (
        hung_up(lambda t: t.replace(f"\n{REQUEST}", "")),
        "SIP-02",
        "Max-Forwards 0 times",
        [3],
    ),
    "two Max-Forwards": (
        hung_up(lambda t: t.replace(REQUEST, f"{REQUEST}\n{REQUEST}")),
        "SIP-02",
        "Max-Forwards 2 times",
        [3],
    ),
    "no From tag": (
        (REGISTER.replace(";tag=a", ""),),
        "SIP-02",
        "From without a tag",
        [0],
    ),
    "a branch of RFC 2543": (
        hung_up(lambda t: t.replace("z9hG4bK3", "3")),
        "SIP-02",
        "a branch that does not begin with z9hG4bK",
        [3],
    ),
    "another Via": (
        taken(lambda t: t.replace("192.0.2.30;branch", "192.0.2.31;branch")),
        "SIP-03",
        "other Via fields than in the request",
        [1, 0],
    ),
    "another parameter of Via": (
        taken(lambda t: t.replace(";branch=z9hG4bK1", ";branch=z9hG4bK1;keep")),
        "SIP-03",
        "other Via fields than in the request",
        [1, 0],
    ),
    "another From tag": (
        taken(lambda t: t.replace("tag=a", "tag=z")),
        "SIP-03",
        "another From than in the request",
        [1, 0],
    ),
    "another From": (
        taken(lambda t: t.replace("sip:door@x", "sip:door@y")),
        "SIP-03",
        "another From than in the request",
        [1, 0],
    ),
    "no To tag": (taken(lambda t: t.replace(";tag=b", "")), "SIP-03", "To without a tag", [1]),
    "a To tag that changes": (
        (CALLED[0], RING, *CALLED[1:]),
        "SIP-03",
        "two To tags in responses to one request",
        [2],
    ),
    "no route of the proxies in a 2xx": (
        recorded(CALLED)[:1] + CALLED[1:],
        "SIP-03",
        "other Record-Route fields than in the request",
        [1, 0],
    ),
    "a route in the order of the other side": (
        (*recorded(CALLED)[:3], hanging_up(PROXIES[::-1])),
        "SIP-05",
        "BYE with another route set than the dialog's",
        [3],
    ),
    "no Contact in an INVITE": (
        (INVITE.replace(CONTACT, "Subject: x"), *CALL[1:]),
        "SIP-04",
        "0 Contacts",
        [0],
    ),
    "no Contact in a 2xx": (
        taken(lambda t: t.replace("Contact", "X-Contact")),
        "SIP-04",
        "0 Contacts",
        [1],
    ),
    "a Contact that is no SIP URI": (
        (INVITE.replace("<sip:door@192.0.2.30>", "<mailto:door@x>"), *CALL[1:]),
        "SIP-04",
        "0 Contacts",
        [0],
    ),
    "a CANCEL of another branch": (
        given_up(lambda t: t.replace("z9hG4bK1", "z9hG4bK7")),
        "SIP-06",
        "another branch than its INVITE has",
        [2, 0],
    ),
    "a CANCEL of another number": (
        given_up(lambda t: t.replace("1 CANCEL", "2 CANCEL")),
        "SIP-06",
        "another CSeq number than its INVITE has",
        [2, 0],
    ),
    "a CANCEL of another place": (
        given_up(lambda t: t.replace("CANCEL sip:desk@192.0.2.10", "CANCEL sip:192.0.2.10")),
        "SIP-06",
        "another Request-URI than its INVITE has",
        [2, 0],
    ),
    "a CANCEL of another caller": (
        given_up(lambda t: t.replace("tag=a", "tag=z")),
        "SIP-06",
        "another From than its INVITE has",
        [2, 0],
    ),
    "a CANCEL with a To tag": (
        given_up(lambda t: t.replace("To: <sip:desk@x>", "To: <sip:desk@x>;tag=b")),
        "SIP-06",
        "another To than its INVITE has",
        [2, 0],
    ),
    "a CANCEL before anything has come back": (
        (INVITE, CANCEL, RINGING, *GIVEN_UP[3:]),
        "SIP-06",
        "a CANCEL before anything came back to its INVITE",
        [1, 0],
    ),
    "a CANCEL by another route": (
        given_up(lambda t: t.replace(REQUEST, f"{REQUEST}\nRoute: {PROXIES[0]}")),
        "SIP-06",
        "another route than its INVITE has",
        [2, 0],
    ),
    "an ACK of a refusal with the To of the INVITE": (
        (*GIVEN_UP[:4], GONE_ACK.replace(";tag=b", "")),
        "SIP-07",
        "an ACK with another To tag than the refusal has",
        [3],
    ),
    "an ACK of a refusal for another place": (
        (*GIVEN_UP[:4], GONE_ACK.replace("ACK sip:desk@", "ACK sip:")),
        "SIP-07",
        "an ACK with another Request-URI, or From tag, than its INVITE has",
        [3],
    ),
    "an ACK of a refusal without the route of the INVITE": (
        (INVITE.replace(REQUEST, f"{REQUEST}\nRoute: {PROXIES[0]}"), GONE, GONE_ACK),
        "SIP-07",
        "another route than its INVITE has",
        [1],
    ),
    "a response with another number": (
        (CALLED[0], RING.replace("1 INVITE", "2 INVITE").replace("tag=c", "tag=b"), *CALLED[1:]),
        "SIP-03",
        "CSeq or Call-ID of no request with its branch",
        [1],
    ),
    "a method that is allowed, and refused for itself": (
        (*CALLED[:3], INFO, REFUSED.format("INVITE, INFO"), *CALLED[3:]),
        "SIP-09",
        "405 to INFO, which it allows",
        [4],
    ),
    "a registration of a user": (
        (REGISTER.replace("REGISTER sip:x", "REGISTER sip:door@x"),),
        "SIP-10",
        "a REGISTER for sip:door@x, and not for a domain",
        [0],
    ),
    "a registration of an address at the device": (
        (REGISTER.replace("To: <sip:desk@x>", "To: <sip:door@192.0.2.30>"),),
        "SIP-10",
        "a REGISTER of sip:door@192.0.2.30, an address at itself",
        [0],
    ),
    "no qop": (
        (REGISTER, CHALLENGE, proven(2, "00000001").replace("qop=auth, nc=00000001, ", "")),
        "SIP-11",
        "no qop, though it was offered",
        [2],
    ),
    "a qop without a nonce of the device's own": (
        (REGISTER, CHALLENGE, proven(2, "00000001").replace('cnonce="k", ', "")),
        "SIP-11",
        "a qop without nonce count and nonce of its own",
        [2],
    ),
    "no opaque": (
        (REGISTER, f'{CHALLENGE}, opaque="o"', proven(2, "00000001")),
        "SIP-11",
        "another opaque than in the challenge",
        [2],
    ),
    "an opaque of its own": (
        (
            REGISTER,
            f'{CHALLENGE}, opaque="o"',
            proven(2, "00000001").replace('cnonce="k"', 'cnonce="k", opaque="p"'),
        ),
        "SIP-11",
        "another opaque than in the challenge",
        [2],
    ),
    "a 2xx that is not acknowledged": ((INVITE, OK), "SIP-07", "200 without its ACK", [1]),
    "an ACK in another dialog": (
        (INVITE, OK, ACK.replace("tag=b", "tag=z"), *CALL[3:]),
        "SIP-07",
        "200 without its ACK",
        [1],
    ),
    "an ACK of another transaction": (
        (*GIVEN_UP[:4], GIVEN_UP[4].replace("z9hG4bK1", "z9hG4bK5")),
        "SIP-07",
        "487 without its ACK",
        [3],
    ),
    "a CSeq that stays": (
        (REGISTER, CHALLENGE, proven(1, "00000001").replace("z9hG4bKr1", "z9hG4bKr2")),
        "SIP-10",
        "a CSeq that does not rise",
        [2],
    ),
    "another algorithm": (
        (REGISTER, CHALLENGE, proven(2, "00000001", "SHA-256")),
        "SIP-11",
        "algorithm SHA-256 where MD5 was offered",
        [2],
    ),
    "another qop": (
        (REGISTER, CHALLENGE, proven(2, "00000001").replace("qop=auth", "qop=auth-int")),
        "SIP-11",
        "qop auth-int where auth was offered",
        [2],
    ),
    "a qop where none was offered": (
        (REGISTER, CHALLENGE.replace(', qop="auth"', ""), proven(2, "00000001")),
        "SIP-11",
        "qop auth where none was offered",
        [2],
    ),
    "a nonce count that is no number": (
        (REGISTER, CHALLENGE, proven(2, "0000000g")),
        "SIP-11",
        "a nonce count that does not rise",
        [2],
    ),
    "a section too many": (
        taken(lambda t: t + VIDEO),
        "SIP-12",
        "other media sections than the offer has",
        [1, 0],
    ),
    "sections out of order": (
        (CALLED[0] + VIDEO, ANSWERED.replace("m=audio", f"{VIDEO.strip()}\r\nm=audio"), *CALLED[2:]),
        "SIP-12",
        "other media sections than the offer has",
        [1, 0],
    ),
    "another profile": (
        taken(lambda t: t.replace("RTP/SAVP", "RTP/AVP")),
        "SIP-12",
        "RTP/AVP in answer to RTP/SAVP",
        [1, 0],
    ),
    "another codec": (
        taken(lambda t: t.replace("RTP/SAVP 8", "RTP/SAVP 0")),
        "SIP-12",
        "no format of the audio that was offered",
        [1, 0],
    ),
    "what was not offered": (
        (CALLED[0].replace("m=audio 4000", "m=audio 0"), *CALLED[1:]),
        "SIP-12",
        "audio taken that was not offered",
        [1, 0],
    ),
}


def failures(timeline):
    return [f for f in practice(timeline, LATER) if f.verdict is Verdict.FAIL]


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_problem_in_words_and_the_messages_that_show_it(name):
    script, row, problem, indices = PROBLEMS[name]
    timeline = told(*script)
    seen = list(timeline)
    found = [f for f in failures(timeline) if f.requirement == row]
    assert [f.seen for f in found] == [
        f"{problem}: {seen[indices[0]]}" + (" (and 1 more)" if len(indices) > 1 else "")
    ]
    assert [seen.index(o) for o in found[0].observations] == indices


def test_a_call_that_was_taken_has_the_route_of_its_invite_in_its_order():
    """Of a dialog that the other side began the route is not turned round (RFC 3261 §12.1.1)."""
    assert failures(told(*recorded(CALLED)[:3], hanging_up(PROXIES))) == []


def test_of_several_protections_any_may_be_taken():
    choice = CHALLENGE.replace('qop="auth"', 'qop="auth-int, auth"')
    assert failures(told(REGISTER, choice, proven(2, "00000001"))) == []


def test_what_a_provisional_response_of_the_server_leaves_open():
    assert failures(told(CALLED[0], TRYING, *CALLED[1:])) == []


def test_a_section_that_is_refused_may_say_anything():
    refused = VIDEO.replace("4002 RTP/SAVP 96", "0 RTP/AVP 31")
    assert failures(told(CALLED[0] + VIDEO, ANSWERED + refused, *CALLED[2:])) == []


def test_a_passing_row_says_how_much_it_looked_at():
    (found,) = [f for f in practice(told(*CALL), LATER) if f.requirement == "SIP-02"]
    assert (found.verdict, found.seen) == (Verdict.PASS, "looked at 3 times")


def test_the_same_problem_again_is_one_finding():
    twice = [again(REGISTER, n, f"r{n}").replace(f"\n{REQUEST}", "") for n in (1, 2, 3)]
    (found,) = failures(told(*twice))
    assert found.seen.endswith("(and 2 more)")
    assert len(found.observations) == 3


def test_ten_problems_with_a_row_are_enough():
    """A device can make up as many as it sends messages."""
    many = [
        again(REGISTER, n, f"r{n}").replace(REQUEST, "\n".join([REQUEST] * (n + 1))) for n in range(1, 13)
    ]
    assert len(failures(told(*many))) == 10


def test_the_answer_is_judged_against_its_own_offer():
    assert SDP in ANSWERED
    reoffer = again(CALLED[0], 2, "x").replace("RTP/SAVP 8", "RTP/SAVP 0")
    reanswer = again(ANSWERED, 2, "x").replace("RTP/SAVP 8", "RTP/SAVP 0")
    story = (CALLED[0], ANSWERED, again(reoffer, 2, "x"), reanswer)
    assert [f for f in failures(told(*story)) if f.requirement == "SIP-12"] == []
