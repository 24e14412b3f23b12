"""More stories of what a device may do and may not, near the bounds of each rule: see `findings.toml`."""

from base64 import b64encode

from tests.practice.test_lawful_habits import TLS_CONTACT
from tests.practice.test_practice import (
    ACK,
    AGAIN,
    ANSWER,
    BYE,
    BYE_LATER,
    BYE_OK,
    CALL,
    CALLED,
    CANCEL,
    CHALLENGE,
    CONTACT,
    CROSSED,
    CROSSED_OK,
    DESK,
    GIVEN_UP,
    INFO,
    INVITE,
    KEY,
    OFFER,
    OK,
    PRACK,
    REGISTER,
    REINVITE,
    REQUEST,
    RINGING,
    ROUTED,
    SUITES,
    UNPROVEN,
    UPDATE,
    UPDATE_OK,
    again,
    described,
    headers,
    keys_answered,
    placed,
    proven,
    retagged,
    rung,
    taken,
)
from tests.practice.test_practice_problems import PROXIES, hanging_up, recorded

OWN_BYE = hanging_up(()).replace("\nRoute: ", "")
"""The device hangs up on who called it."""
ELSEWHERE = "sip:desk@192.0.2.11"
GONE_TO = BYE.replace("sip:desk@192.0.2.10", ELSEWHERE)
KNOWS_NONE = f"> SIP/2.0 200 OK\n{headers('5 INFO', '9', tags=('b', 'a'))}"


def status(text, line):
    """A response with another status."""
    return text.replace(text.split("\n")[0][2:], f"SIP/2.0 {line}")


def theirs(method, *, contact=ELSEWHERE, number=7):
    """A request of the other side within a call that the device has placed, with a Contact."""
    more = f"{REQUEST}\nContact: <{contact}>"
    return f"< {method} sip:door@192.0.2.30 SIP/2.0\n" + headers(
        f"{number} {method}", f"t{number}", tags=("b", "a"), more=more
    )


def without(text, name):
    return "\n".join(line for line in text.split("\n") if not line.startswith(f"{name}:"))


def twice(text, name):
    lines = text.split("\n")
    return "\n".join(part for line in lines for part in ([line] * (2 if line.startswith(f"{name}:") else 1)))


def key_of(*numbers):
    """A master key, sixteen bytes, and a salt, fourteen: these in turn."""
    return b64encode(bytes(numbers[n % len(numbers)] for n in range(30))).decode()


def offered(key, call="c", *, to="desk", tag="a"):
    """A call that is placed with a key, and answered."""
    invite = placed(call, tag, to=to).replace(KEY[::-1], key)
    ok = f"< SIP/2.0 200 OK\n{headers('1 INVITE', call, tags=(tag, 'b'), call=call, more=DESK)}"
    return invite, f"{ok}\n\n{described()}"


def moved_with(line):
    answer = f"< SIP/2.0 {line}\n{headers('1 INVITE', 'c1', tags=('a', 'b'), call='c1')}"
    return placed("c1", "a"), answer, placed("c2", "a", to="other")


def unacked(line):
    return INVITE, status(OK, line)


def of_version(text, version, *, session=1):
    return text.replace("o=- 1 1", f"o=- {session} {version}")


def anew(version, *, session=1, sections=""):
    """A call that the device changes: its second offer."""
    asked = f"{AGAIN[0]}\n\n{of_version(OFFER, version, session=session)}{sections}"
    return *CALL[:3], asked, f"{AGAIN[1]}\n\n{ANSWER}", AGAIN[2]


def offers_anew(method, answer_line, answer, offer=OFFER):
    """The other side offers anew in a call that the device has taken."""
    tags = {"tags": ("a", "b"), "more": f"{REQUEST}\n{CONTACT}"}
    asked = f"< {method} sip:door@192.0.2.30 SIP/2.0\n{headers(f'4 {method}', 'o4', **tags)}\n\n{offer}"
    said = f"> SIP/2.0 {answer_line}\n{headers(f'4 {method}', 'o4', **tags)}"
    return *CALLED[:3], asked, f"{said}\n\n{answer}" if answer else said


ONE_KEY = offered(key_of(*range(30)))
OTHER = {"call": "d", "to": "other", "tag": "e"}
AV = described() + "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
STORIES = {
    # Dialogs
    "a CSeq of zero that stays": tuple(
        text.replace("CSeq: 1 ", "CSeq: 0 ").replace("CSeq: 2 ", "CSeq: 0 ") for text in CALL
    ),
    "a CSeq of one that stays": (*CALL[:3], BYE.replace("CSeq: 2", "CSeq: 1")),
    "a CSeq that falls": (*CALL[:3], BYE_LATER.replace("BYE", "INFO"), BYE.replace("bK3", "bK33")),
    "a second BYE": (*CALL[:3], BYE, BYE_LATER, BYE_OK),
    "a second BYE when the first was redirected": (*CALL[:4], status(BYE_OK, "300 There"), BYE_LATER),
    "a second BYE when the first was taken": (*CALL[:4], status(BYE_OK, "299 Odd"), BYE_LATER),
    "a second BYE when another was refused": (
        *CALL[:4],
        status(BYE_OK, "401 No").replace("BYE", "INFO"),
        BYE_LATER,
    ),
    "a CSeq that rises from zero": (
        *(text.replace("CSeq: 1 ", "CSeq: 0 ") for text in CALL[:3]),
        *(text.replace("CSeq: 2 ", "CSeq: 1 ") for text in CALL[3:]),
    ),
    "an early dialog by a proxy": (INVITE, f"{RINGING}\n{ROUTED}", f"{PRACK}\nRoute: <sip:192.0.2.77;lr>"),
    "an early dialog past the proxy": (INVITE, f"{RINGING}\n{ROUTED}", PRACK),
    "a BYE to somebody else": (*CALL[:3], GONE_TO),
    "a BYE with a route of its own": (*CALL[:3], f"{BYE}\nRoute: <sip:192.0.2.77;lr>"),
    "an ACK to somebody else": (INVITE, OK, ACK.replace("desk@192.0.2.10", "desk@192.0.2.11")),
    "an INFO with tags of no dialog": (*CALL[:3], retagged(BYE, "z").replace("BYE", "INFO")),
    "a CANCEL with the tags of no dialog": (
        *GIVEN_UP[:2],
        f"{CANCEL.replace('<sip:desk@x>', '<sip:desk@x>;tag=z')}",
    ),
    **{
        f"the other side moves by {method}": (*CALL[:3], theirs(method), GONE_TO)
        for method in ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "INFO")
    },
    "the other side moves in its answer": (
        *CALL[:3],
        AGAIN[0],
        AGAIN[1].replace("10>", "11>"),
        AGAIN[2],
        again(GONE_TO, 3, "3"),
    ),
    "the device hangs up on its caller": (*CALLED[:3], OWN_BYE),
    "the device hangs up on somebody else": (*CALLED[:3], OWN_BYE.replace("door@192", "other@192")),
    "a dialog that begins with the ringing": (CALLED[0], status(CALLED[1], "180 Ringing"), OWN_BYE),
    "a dialog that begins with 101": (INVITE, status(RINGING, "101 Dialog"), retagged(PRACK, "z")),
    "no dialog that begins with 100": (INVITE, status(RINGING, "100 Trying"), retagged(PRACK, "z")),
    "no dialog that begins with 300": (INVITE, status(RINGING, "300 There"), retagged(PRACK, "z")),
    "a route of proxies, in their order": (*recorded(CALLED)[:3], hanging_up(PROXIES)),
    "a route of proxies, turned round by who calls": (
        recorded(CALL)[0],
        recorded(CALL)[1],
        *(f"{text}\nRoute: {', '.join(PROXIES[::-1])}" for text in CALL[2:4]),
    ),
    "a route of proxies, not turned round by who calls": (
        recorded(CALL)[0],
        recorded(CALL)[1],
        *(f"{text}\nRoute: {', '.join(PROXIES)}" for text in CALL[2:4]),
    ),
    "a route of a strict router": (
        INVITE,
        OK.replace(DESK, f"{DESK}\nRecord-Route: <sip:192.0.2.77>"),
        *(text.replace("desk@192.0.2.10", "192.0.2.77") for text in CALL[2:4]),
    ),
    "a route that the final answer has not": (
        INVITE,
        f"{RINGING}\n{ROUTED}",
        OK,
        f"{ACK}\nRoute: <sip:192.0.2.77;lr>",
    ),
    "a call over TLS to the port of UDP": (INVITE, OK.replace(DESK, TLS_CONTACT), *CALL[2:4]),
    # The form of messages
    "a BYE that is answered with another tag": (
        *CALL[:3],
        CROSSED,
        retagged(CROSSED_OK, "b").replace("tag=a", "tag=y"),
    ),
    "a request that nobody saw is answered": (KNOWS_NONE,),
    **{
        f"{name} twice": (*CALL[:3], twice(BYE, name))
        for name in ("From", "To", "Call-ID", "CSeq", "Max-Forwards")
    },
    "a request without a branch": (*CALL[:3], BYE.replace(";branch=z9hG4bK3", "")),
    "two requests without a branch": tuple(
        text.replace(f";branch=z9hG4bK{number}", "") for number, text in zip("1123", CALL[:4], strict=True)
    ),
    "an INFO with the branch of the INVITE": (*CALL[:3], again(BYE.replace("BYE", "INFO"), 2, "1")),
    "two Contacts in a 2xx": (
        CALLED[0],
        CALLED[1].replace("Contact:", "Contact: <sip:a@192.0.2.30>,"),
        *CALLED[2:],
    ),
    "a Contact by SIPS in a 2xx": (
        CALLED[0],
        CALLED[1].replace("Contact: <sip:", "Contact: <SIPS:"),
        *CALLED[2:],
    ),
    "no Contact in a 299": (CALLED[0], without(status(CALLED[1], "299 Odd"), "Contact"), *CALLED[2:]),
    "no Contact in a 300": (CALLED[0], without(status(CALLED[1], "300 There"), "Contact"), *CALLED[2:]),
    "no Contact in a 183": (CALLED[0], without(status(CALLED[1], "183 So far"), "Contact"), *CALLED[2:]),
    "another Record-Route in a 299": (recorded(CALLED)[0], status(CALLED[1], "299 Odd"), *CALLED[2:]),
    "another Record-Route in a 300": (recorded(CALLED)[0], status(CALLED[1], "300 There"), *CALLED[2:]),
    "another Record-Route within a dialog": (
        *CALLED[:3],
        *offers_anew("INVITE", "200 OK", ANSWER)[3:4],
        *(
            text.replace("CSeq: 4", f"{ROUTED}\nCSeq: 4")
            for text in offers_anew("INVITE", "200 OK", ANSWER)[4:]
        ),
    ),
    "the From tag of another call": (placed("c1", "a"), placed("c2", "a", to="other")),
    **{
        f"the From tag of a call that was answered with {line}": moved_with(line)
        for line in ("299 Odd", "300 There", "302 There", "399 There", "400 Bad")
    },
    "the To tag of another call": (*rung("c1", "m", "x"), *rung("c2", "m", "y")),
    **{
        f"the To tag of another call in a {line}": (
            *rung("c1", "m", "x"),
            *(status(text, line) if text.startswith(">") else text for text in rung("c2", "m", "y")),
        )
        for line in ("100 Trying", "101 Dialog")
    },
    "a CANCEL of the second INVITE": (
        INVITE,
        UNPROVEN,
        again(INVITE, 2, "n2"),
        again(CANCEL, 2, "n2"),
    ),
    "a CANCEL of nothing": (CANCEL,),
    "a CANCEL of another branch after two INVITEs": (
        INVITE,
        UNPROVEN,
        again(INVITE, 2, "n2"),
        again(CANCEL, 2, "n9"),
    ),
    # Offers and answers
    "an UPDATE that is answered without an answer": offers_anew("UPDATE", "200 OK", ""),
    "an UPDATE that is answered": offers_anew("UPDATE", "200 OK", ANSWER),
    "an UPDATE that is answered with another profile": offers_anew("UPDATE", "200 OK", described()),
    "an UPDATE that is refused": offers_anew("UPDATE", "488 No", ""),
    "an INVITE that is redirected without an answer": offers_anew("INVITE", "300 There", ""),
    "an INVITE that is answered with 299 and no answer": offers_anew("INVITE", "299 Odd", ""),
    "an INFO with a description": offers_anew("INFO", "200 OK", ""),
    **{
        f"{line or 'sendrecv'} in answer to {offer}": taken(
            described(f"a={offer}"), described(*([f"a={line}"] if line else []))
        )
        for offer, line in (
            ("sendonly", "sendonly"),
            ("sendonly", "inactive"),
            ("recvonly", "recvonly"),
            ("recvonly", "sendonly"),
            ("recvonly", "inactive"),
            ("recvonly", ""),
            ("inactive", "inactive"),
            ("inactive", "sendonly"),
            ("sendrecv", "sendonly"),
        )
    },
    "keys of another tag": keys_answered(9),
    "keys of another suite": taken(
        described(f"a=crypto:1 {SUITES[0]} inline:{KEY}", profile="RTP/SAVP"),
        described(f"a=crypto:1 {SUITES[1]} inline:{KEY[::-1]}", profile="RTP/SAVP"),
    ),
    "the second of two sections is refused": taken(AV, AV.replace("video 4002", "video 0")),
    "the first of two sections is refused, the second wrong": taken(
        AV, AV.replace("audio 4000", "audio 0").replace("video 4002 RTP/AVP", "video 4002 RTP/SAVP")
    ),
    "two sections with two faults": taken(AV, AV.replace("RTP/AVP", "RTP/SAVP")),
    "an answer with a codec by another name": taken(
        described("a=rtpmap:96 opus/48000/2", formats="96"), described("a=rtpmap:97 L16/8000", formats="97")
    ),
    "an answer with one of two codecs": taken(described(formats="0 8"), described(formats="8")),
    "an answer with a number for a codec that has one": taken(
        described(formats="8"), described("a=rtpmap:98 pcma/8000/1", formats="98")
    ),
    # Versions of descriptions
    "a new version": anew(2),
    "the same description again": anew(1),
    "the same version of another description": anew(1, sections="a=ptime:20\r\n"),
    "an earlier version": anew(0),
    "another session": anew(1, session=2),
    "a section more": anew(2, sections="m=text 0 RTP/AVP 98\r\n"),
    "a section fewer": (
        f"{INVITE}m=text 0 RTP/AVP 98\r\n",
        OK,
        ACK,
        f"{AGAIN[0]}\n\n{of_version(OFFER, 2)}",
    ),
    "a section fewer in an UPDATE": (
        f"{INVITE}m=text 0 RTP/AVP 98\r\n",
        OK,
        ACK,
        of_version(UPDATE, 2),
    ),
    "an earlier version after a refusal": (
        *CALL[:3],
        UPDATE,
        status(UPDATE_OK, "300 No"),
        again(of_version(UPDATE, 0), 3, "u3"),
    ),
    "an earlier version after 299": (
        *CALL[:3],
        UPDATE,
        status(UPDATE_OK, "299 Odd"),
        again(of_version(UPDATE, 0), 3, "u3"),
    ),
    "an earlier version in another call": (*CALL[:3], of_version(placed("c9", "q"), 0)),
    "an origin that is none": (
        *CALL[:3],
        f"{AGAIN[0]}\n\n{OFFER.replace('o=- 1 1 IN IP4 192.0.2.1', 'o=- 1 1')}",
    ),
    "a version that is no number": (*CALL[:3], f"{AGAIN[0]}\n\n{of_version(OFFER, 'x')}"),
    "a description in answer to OPTIONS": (
        *CALL[:3],
        f"{INFO.replace('INFO', 'OPTIONS')}",
        KNOWS_NONE.replace("INFO", "OPTIONS") + f"\n\n{of_version(OFFER, 0)}",
    ),
    # Transactions
    **{
        f"not acknowledged: {line}": unacked(line)
        for line in ("199 Odd", "200 OK", "299 Odd", "300 There", "699 No")
    },
    "an ACK with another number": (INVITE, OK, ACK.replace("CSeq: 1", "CSeq: 2")),
    "an ACK in another call": (INVITE, OK, ACK.replace("Call-ID: c", "Call-ID: d")),
    "a redirection with an ACK of its dialog": (INVITE, status(OK, "300 There"), ACK),
    "a method that is not allowed": (*CALLED[:3], INFO, status(KNOWS_NONE, "405 No")),
    "a BYE of no dialog that is taken": (
        *CALL[:3],
        CROSSED.replace("tag=b", "tag=z"),
        status(CROSSED_OK, "299 Odd").replace("tag=b", "tag=z"),
    ),
    "a BYE of no dialog that is redirected": (
        *CALL[:3],
        CROSSED.replace("tag=b", "tag=z"),
        status(CROSSED_OK, "300 There").replace("tag=b", "tag=z"),
    ),
    "a BYE of no dialog that is being thought about": (
        *CALL[:3],
        CROSSED.replace("tag=b", "tag=z"),
        status(CROSSED_OK, "199 Wait").replace("tag=b", "tag=z"),
    ),
    "an INFO of no dialog": (
        *CALL[:3],
        CROSSED.replace("tag=b", "tag=z").replace("BYE", "INFO"),
        CROSSED_OK.replace("tag=b", "tag=z").replace("BYE", "INFO"),
    ),
    "an answer after the last word": (*CALLED[:2], status(CALLED[1], "299 Odd"), *CALLED[2:]),
    "an answer after 199": (CALLED[0], status(CALLED[1], "199 Odd"), *CALLED[1:]),
    # Registrations
    "a REGISTER at another server": (REGISTER, REGISTER),
    "a REGISTER with a lower number": (
        again(REGISTER, 5, "r5"),
        again(REGISTER, 4, "r4"),
        again(REGISTER, 4, "r6"),
    ),
    "credentials for a challenge of its own": (
        status(CHALLENGE, "401 No").replace("<", ">", 1),
        proven(2, "00000001", "SHA-256"),
    ),
    "credentials for a challenge in another status": (
        status(CHALLENGE, "403 No"),
        proven(2, "00000001", "SHA-256"),
    ),
    # Keys
    "a key of five different bytes": offered(key_of(*range(5))),
    "a key of six different bytes": offered(key_of(*range(6))),
    "a key with half of another one": (*ONE_KEY, *offered(key_of(*range(8), *range(50, 72)), **OTHER)),
    "a key with less than half of another one": (
        *ONE_KEY,
        *offered(key_of(*range(7), *range(50, 73)), **OTHER),
    ),
    "the key of another call": (*ONE_KEY, *offered(key_of(*range(30)), **OTHER)),
    "the key of another call that nobody took": (*ONE_KEY[:1], *offered(key_of(*range(30)), **OTHER)),
    "a key of two calls that somebody took, after one that nobody did": (
        *ONE_KEY[:1],
        *offered(key_of(*range(30)), **OTHER),
        *offered(key_of(*range(30)), "e", to="third", tag="f"),
    ),
    "the key of the other side": keys_answered(1, KEY),
    "who comes back with another offer": (*CALL[:3], REINVITE, f"{ACK}\n\n{OFFER}"),
}
