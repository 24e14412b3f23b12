"""Habits of SIP stacks that the RFCs allow and that look like faults: good practice says nothing of them.

Beside each stands the fault that it must not be mistaken for, which is found as before.
"""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.timing import Timing
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, Declared
from intercom_hil.timeline.sip_content import sip_content
from tests.practice.test_practice import (
    ACK,
    BYE,
    BYE_OK,
    CALL,
    CALLED,
    CHALLENGE,
    CONTACT,
    DEVICE,
    FORK,
    GIVEN_UP,
    GONE,
    GONE_ACK,
    GRANTED,
    INFO,
    INVITE,
    OK,
    PBX,
    PRACK,
    PRACK_OK,
    REGISTER,
    REGISTERING,
    REQUEST,
    RINGING,
    START,
    SUITES,
    UPDATE,
    UPDATE_OK,
    again,
    described,
    failed,
    headers,
    name_of,
    proven,
    taken,
    told,
)

AT_ITSELF = REGISTERING.replace("To: <sip:desk@x>", "To: <sip:door@192.0.2.30>")


def test_an_address_that_a_registrar_grants_is_of_its_domain():
    answer = GRANTED.format(60).replace("To: <sip:desk@x>", "To: <sip:door@192.0.2.30>")
    assert "SIP-10" not in failed(told(AT_ITSELF, answer))
    refused = answer.replace("200 OK", "404 Not Found")
    assert "SIP-10" in failed(told(AT_ITSELF, refused))


NEXT = ("192.0.2.11", 5060)
"""The next of the servers that a name stands for."""


NAMED = tuple(text.replace("desk@192.0.2.10", "desk@desk.example") for text in CALL)


def elsewhere(timeline, number, *, transport="UDP"):
    """A timeline on which one message went to the next server, or by another transport."""
    other = Timeline()
    other.opened = timeline.opened
    for observation in timeline:
        content = observation.content
        if observation.seq == number:
            place = f"{NEXT[0]}:{NEXT[1]}" if transport == "UDP" else content.destination
            content = content.model_copy(update={"destination": place, "transport": transport})
        other.append(observation.witness, content, observation.time)
    return other


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize(
    ("story", "row"),
    [
        ((*NAMED[:4], again(NAMED[3], 2, "next"), again(BYE_OK, 2, "next")), "SIP-05"),
        ((REGISTER, CHALLENGE, proven(2, "1"), again(proven(2, "1"), 2, "next")), "SIP-10"),
    ],
)
def test_the_next_server_is_tried_with_the_same_request(story, row, transport):
    """RFC 3263 §4.3: it is identical but for its branch, which makes it another transaction."""
    number = len(story) - (2 if row == "SIP-05" else 1)
    assert failed(elsewhere(told(*story), number, transport=transport)) == set()
    assert row in failed(told(*story)), "to the same server it is one that does not count on"


TLS_CONTACT = "Contact: <sip:desk@192.0.2.10;transport=TLS>"
ELSEWHERE = "Contact: <sip:desk@192.0.2.10;maddr=192.0.2.99>"
SUBSCRIBE = (
    f"> SUBSCRIBE sip:desk@192.0.2.10 SIP/2.0\n{headers('5 SUBSCRIBE', 's', tags=('a', 'b'), more=REQUEST)}"
)
NO_SUCH = f"< SIP/2.0 481 Gone\n{headers('5 SUBSCRIBE', 's', tags=('a', 'b'))}"
FAILED = BYE_OK.replace("200 OK", "500 Server Internal Error")
SEVERAL_KEYS = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^20|1:4;inline:{}|2^20|2:4"
KEYS = ("WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj")
BUNDLED = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=bundle-only\r\n"
KEPT = "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1"
PRACK_LOST = PRACK_OK.replace("200 OK", "481 Gone")
BUSY_NOW = GONE.replace("487 Gone", "486 Busy")
REFUSED_BY_WORD = f"{GONE.replace('487 Gone', '488 No')}\n\n{described()}"
OFFERED_KEY = INVITE.partition("inline:")[2].strip()
ANEW = tuple(
    text.replace("Call-ID: c", "Call-ID: e")
    .replace("z9hG4bK", "z9hG4bKe")
    .replace(KEYS[0][:16], KEYS[1][:16])
    for text in CALL
)
"""Another call under the key that was offered in the first one."""
COPIED = f"{OK.partition(chr(10) * 2)[0]}\n\n{INVITE.partition(chr(10) * 2)[2]}"
"""The other side takes over the key that it was offered."""
ASKS = INFO.replace("INFO", "INVITE").replace(REQUEST, f"{REQUEST}\nContact: <sip:desk@192.0.2.10>")
ABLE = described().replace("- 1 1", "- 0 0")
UNABLE = f"> SIP/2.0 488 No\n{headers('5 INVITE', '9', tags=('b', 'a'))}\n\n{ABLE}"
NO_ACK = ASKS.replace("INVITE", "ACK").partition("\nContact")[0]
FETCH = f"> REGISTER sip:x SIP/2.0\n{headers('1 REGISTER', 'r0', call='r', more=REQUEST)}"
HABITS = {
    "a transport in capital letters, and the port that goes with it": (
        INVITE,
        OK.replace("Contact: <sip:desk@192.0.2.10>", TLS_CONTACT),
        *(
            text.replace("sip:desk@192.0.2.10", "sip:desk@192.0.2.10:5061;transport=tls")
            for text in CALL[2:4]
        ),
        BYE_OK,
    ),
    "a subscription that the other side has forgotten (RFC 6665 §4.1.2.2)": (*CALL[:3], SUBSCRIBE, NO_SUCH),
    "an error of the other side's own (RFC 3261 §21.5.1)": (*CALL[:4], FAILED),
    "several keys in one line of an answer (RFC 4568 §6.1)": taken(
        described(SEVERAL_KEYS.format(*KEYS), profile="RTP/SAVP"),
        described(SEVERAL_KEYS.format(KEYS[0][::-1], KEYS[1][::-1]), profile="RTP/SAVP"),
    ),
    "a section that has the port of another one (RFC 9143 §6)": taken(
        described() + BUNDLED,
        described() + BUNDLED.replace("video 0", "video 4000").replace("a=bundle-only\r\n", ""),
    ),
    "a new offer whose description before was refused in an UPDATE (RFC 3261 §14.1)": (
        *CALL[:3],
        again(UPDATE, 2, "u2").replace("- 1 1", "- 1 2"),
        again(UPDATE_OK, 2, "u2").replace("200 OK", "488 No").partition("\n\n")[0],
        again(UPDATE, 3, "u3").replace("- 1 1", "- 1 2").replace("4000", "4002"),
        again(UPDATE_OK, 3, "u3"),
        again(BYE, 4, "u4"),
        again(BYE_OK, 4, "u4"),
    ),
    "the other side is able to say how it keeps its way open (RFC 6223 §4.4)": (
        CALLED[0].replace(KEPT, f"{KEPT};keep"),
        CALLED[1].replace(KEPT, f"{KEPT};keep=30"),
        *CALLED[2:],
    ),
    "an answer that says how much more may come (RFC 7339 §4)": (
        CALLED[0].replace(KEPT, f'{KEPT};oc;oc-algo="loss"'),
        CALLED[1].replace(KEPT, f'{KEPT};oc=20;oc-algo="loss";oc-validity=500;oc-seq=1.1'),
        *CALLED[2:],
    ),
    "a PRACK that crosses the refusal (RFC 3262 §3)": (
        INVITE,
        RINGING.replace("180", "183"),
        PRACK,
        BUSY_NOW,
        PRACK_LOST,
        GONE_ACK,
    ),
    "a PRACK to one side that crosses the answer of another (RFC 3261 §13.2.2.4)": (
        INVITE,
        RINGING.replace("180", "183").replace("tag=b", "tag=d"),
        PRACK.replace("tag=b", "tag=d"),
        OK,
        ACK,
        PRACK_LOST.replace("tag=b", "tag=d"),
        again(BYE, 3, "3"),
        again(BYE_OK, 3, "3"),
    ),
    "a key that was refused with what the other side is able to (RFC 3261 §21.4.26)": (
        INVITE,
        REFUSED_BY_WORD,
        GONE_ACK,
        *ANEW,
    ),
    "a key that the other side takes over, offered again in the same call": (
        INVITE,
        COPIED,
        ACK,
        UPDATE,
        UPDATE_OK,
        again(BYE, 3, "3"),
        again(BYE_OK, 3, "3"),
    ),
    "an INVITE that comes by two ways (RFC 3261 §8.2.2.2)": (
        CALLED[0].replace(CONTACT, f"{CONTACT}\nRecord-Route: <sip:192.0.2.10;lr>"),
        again(CALLED[0], 1, "w").replace(CONTACT, f"{CONTACT}\nRecord-Route: <sip:192.0.2.77;lr>"),
        again(CALLED[1], 1, "w").partition("\nContact")[0].replace("200 OK", "482 Merged"),
        CALLED[1].replace("Contact:", "Record-Route: <sip:192.0.2.10;lr>\nContact:"),
        CALLED[2],
        f"> BYE sip:door@192.0.2.30 SIP/2.0\n{headers('9 BYE', '9', tags=('b', 'a'), more=REQUEST)}\n"
        "Route: <sip:192.0.2.10;lr>",
        f"< SIP/2.0 200 OK\n{headers('9 BYE', '9', tags=('b', 'a'))}",
    ),
    "an IPv6 address in another spelling (RFC 5954)": (
        INVITE,
        OK.replace("desk@192.0.2.10>", "desk@[2001:DB8:0::1]>"),
        *(text.replace("sip:desk@192.0.2.10", "sip:desk@[2001:db8::1]:5060") for text in CALL[2:4]),
        BYE_OK,
    ),
    "a refusal that says what the device is able to (RFC 3261 §21.4.26)": (
        *CALL[:3],
        ASKS,
        UNABLE,
        NO_ACK,
        again(f"{ASKS}\n\n{described()}", 6, "10"),
        f"> SIP/2.0 200 OK\n{headers('6 INVITE', '10', tags=('b', 'a'), more=CONTACT)}\n\n"
        + described().replace("- 1 1", "- 1 2"),
        again(NO_ACK, 6, "11"),
    ),
    "a registration of an address of the domain, at a registrar with a name of its own (RFC 3261 §10.2)": (
        REGISTER.replace("REGISTER sip:x", "REGISTER sip:registrar.x"),
    ),
    "a registration at a server that is reached by its address": (
        REGISTER.replace("REGISTER sip:x", "REGISTER sip:192.0.2.10"),
    ),
    "a server of before, that offers no qop and has no opaque (RFC 2069)": (
        REGISTER,
        CHALLENGE.replace(', qop="auth"', ""),
        proven(2, "1").replace('qop=auth, nc=1, cnonce="k", ', ""),
    ),
    "a server that offers nothing but what few know (RFC 7616 §3.4)": (
        REGISTER,
        CHALLENGE.replace('qop="auth"', 'qop="auth-int"'),
        proven(2, "1").replace('qop=auth, nc=1, cnonce="k", ', ""),
    ),
    "what is opaque, as it came (RFC 7616 §3.4)": (
        REGISTER,
        f'{CHALLENGE}, opaque="o"',
        proven(2, "1").replace('cnonce="k"', 'cnonce="k", opaque="o"'),
    ),
    "what is opaque, of an earlier challenge with the same nonce (RFC 7616 §3.3)": (
        REGISTER,
        f'{CHALLENGE}, opaque="o"',
        proven(2, "00000002").replace('cnonce="k"', 'cnonce="k", opaque="of-before"'),
    ),
    "a CANCEL once there is a sign of life (RFC 3261 §9.1)": (
        INVITE,
        RINGING.replace("180 Ringing", "100 Trying").replace(";tag=b", ""),
        *GIVEN_UP[2:],
    ),
    "a refusal that comes again, and is acknowledged again (RFC 3261 §17.1.1.2)": (
        *GIVEN_UP,
        *GIVEN_UP[3:],
    ),
    "a method that is not supported, and those that are": (
        *CALLED[:3],
        INFO,
        f"> SIP/2.0 405 No\n{headers('5 INFO', '9', tags=('b', 'a'))}\nAllow: INVITE, ACK, BYE",
        *CALLED[3:],
    ),
    "a branch that another side has as well": (
        *CALLED,
        again(CALLED[0], 3, "1").replace("ID: c", "ID: d").replace("- 1 1", "- 2 1"),
        again(CALLED[1], 3, "1")
        .replace("ID: c", "ID: d")
        .replace("- 1 1", "- 2 1")
        .replace("tag=b", "tag=e")
        .replace(KEYS[0], KEYS[1]),
    ),
    "who only asks who is registered renews nothing (RFC 3261 §10.2.3)": (FETCH, GRANTED.format(3)),
}


@pytest.mark.parametrize("name", HABITS)
def test_a_habit_that_the_rfcs_allow_breaks_nothing(name):
    assert failed(told(*HABITS[name])) == set()


@pytest.mark.parametrize(
    ("story", "row"),
    [
        ((INVITE, OK.replace("@192.0.2.10>", "@192.0.2.10:5070;transport=TLS>"), *CALL[2:]), "SIP-05"),
        ((*CALL[:4], BYE_OK.replace("200 OK", "481 Gone")), "SIP-08"),
        ((*CALL[:3], again(BYE, 1, "3"), again(FAILED, 1, "3")), "SIP-08"),
        (
            taken(
                described(*(f"a=crypto:{n} {s} inline:{KEYS[0]}" for n, s in enumerate(SUITES, 1))),
                described(*(f"a=crypto:{n} {s} inline:{KEYS[1]}" for n, s in enumerate(SUITES, 1))),
            ),
            "SIP-12",
        ),
        (
            taken(
                described() + BUNDLED.replace("a=bundle-only\r\n", ""),
                described() + BUNDLED.replace("video 0", "video 4000"),
            ),
            "SIP-12",
        ),
        (
            (
                CALLED[0].replace(KEPT, f"{KEPT};keep;x=1"),
                CALLED[1].replace(KEPT, f"{KEPT};keep=30;x=2"),
                *CALLED[2:],
            ),
            "SIP-03",
        ),
        (
            (
                INVITE,
                OK.replace("desk@192.0.2.10>", "desk@[2001:db8::1]>"),
                *(text.replace("sip:desk@192.0.2.10", "sip:desk@[2001:db8::2]") for text in CALL[2:4]),
                BYE_OK,
            ),
            "SIP-05",
        ),
        ((INVITE, RINGING.replace("180", "183"), PRACK, PRACK_LOST, BUSY_NOW, GONE_ACK), "SIP-08"),
        ((INVITE, RINGING.replace("180", "183"), BUSY_NOW, GONE_ACK, PRACK, PRACK_LOST), "SIP-08"),
        ((INVITE, RINGING, OK, ACK, PRACK, PRACK_LOST), "SIP-08"),
        ((INVITE, REFUSED_BY_WORD.replace("488 No", "183 Ringing"), *CALL[1:], *ANEW), "KEY-01"),
        (
            (CALLED[0], CALLED[1].partition("\n\n")[0] + "\n\n" + CALLED[0].partition("\n\n")[2], CALLED[2]),
            "KEY-01",
        ),
        (
            (
                *CALL[:3],
                ASKS,
                f"> SIP/2.0 200 OK\n{headers('5 INVITE', '9', tags=('b', 'a'), more=CONTACT)}\n\n{ABLE}",
                again(NO_ACK, 5, "11"),
            ),
            "SIP-14",
        ),
        ((FETCH.replace(REQUEST, f"{REQUEST}\n{CONTACT}"), GRANTED.format(3)), "SIP-15"),
    ],
)
def test_the_fault_beside_it_is_found_as_before(story, row):
    assert row in failed(told(*story))


STRANGER = ("192.0.2.66", 5060)


def asked_by(end, *, answered=False):
    """A call of the device, in which somebody asks it what it can, and gets an answer or none."""
    timeline = told(*CALLED)
    options = (
        INFO.replace("INFO", "OPTIONS")
        .replace(";tag=a", "")
        .replace("tag=b", "tag=q")
        .replace("ID: c", "ID: o")
    )
    lines = options[1:].strip().split("\n")
    payload = "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()
    said = [(payload, (end, DEVICE))]
    if answered:
        ok = payload.replace(lines[0].encode(), b"SIP/2.0 200 OK").replace(
            b"To: <sip:desk@x>", b"To: <sip:desk@x>;tag=o"
        )
        said.append((ok, (DEVICE, end)))
        said.append(
            (payload.replace(b"z9hG4bK9", b"z9hG4bK99").replace(b"CSeq: 5", b"CSeq: 6"), (end, DEVICE))
        )
    for place, (data, ends) in enumerate(said):
        content = sip_content(data, *ends, "UDP", lambda host, port: "device" if host == DEVICE[0] else host)
        timeline.append(Witness.WIRE, content, START + 1 + place / 10)
    return timeline


@pytest.mark.parametrize(("number", "row"), [(2, "SIP-06"), (4, "SIP-07")])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_cancel_and_the_ack_of_a_refusal_go_where_the_invite_went(number, row, transport):
    """RFC 3261 §9.1 and §17.1.1.2: to the same address and port, by the same transport."""
    assert failed(told(*GIVEN_UP)) == set()
    assert row in failed(elsewhere(told(*GIVEN_UP), number, transport=transport))


def test_of_what_only_the_pbx_could_read_it_is_not_known_what_came_first():
    timeline, read = told(INVITE, GIVEN_UP[2], *GIVEN_UP[1:2], *GIVEN_UP[3:]), Timeline()
    read.opened = timeline.opened
    for observation in timeline:
        read.append(Witness.PBX, observation.content, observation.time)
    assert failed(timeline) == {"SIP-06"}
    assert failed(read) == set()


def test_a_stranger_may_get_no_answer_at_all():
    assert failed(asked_by(STRANGER)) == set()


def test_whom_the_device_answers_now_and_then_gets_an_answer_each_time():
    assert failed(asked_by(STRANGER, answered=True)) == {"SIP-09"}


@pytest.mark.parametrize(
    ("first", "then", "asked", "rows"),
    [
        (5060, 5099, 5060, set()),
        (5060, 5060, 5060, {"SIP-09"}),
        (5060, 5099, 5099, {"SIP-09"}),
    ],
)
def test_nobody_is_any_more_where_a_device_has_been(first, then, asked, rows):
    """It begins anew from another port, and the server asks at both places until the registration ends."""
    contact = "Contact: <sip:door@192.0.2.30:{}>"
    timeline = Timeline()
    timeline.opened = START
    options = (
        INFO.replace("INFO", "OPTIONS")
        .replace(";tag=a", "")
        .replace("tag=b", "tag={0}")
        .replace("bK9", "bK9{0}")
    )
    answer = f"SIP/2.0 200 OK\n{headers('5 OPTIONS', '9y', tags=('y', 'o'))}"
    said = [
        (first, True, f"{REGISTER[2:]}\n{contact.format(first)}"),
        (then, True, f"{again(REGISTER, 2, 'r2')[2:]}\n{contact.format(then)}"),
        (asked, False, options[2:].format("x")),
        (then, False, options[2:].format("y")),
        (then, True, answer),
    ]
    for second, (port, ours, text) in enumerate(said):
        ends = ((DEVICE[0], port), PBX) if ours else (PBX, (DEVICE[0], port))
        payload = "\r\n".join([*text.split("\n"), "Content-Length: 0", "", ""]).encode()
        timeline.append(Witness.WIRE, sip_content(payload, *ends, "UDP", name_of), START + second)
    assert failed(timeline) == rows


@pytest.mark.parametrize(("apply", "rows"), [(0.0, {"SIP-09"}), (0.5, {"SIP-09"}), (5.0, set())])
def test_a_device_that_restarts_for_new_settings_answers_when_they_are_in_force(apply, rows):
    """It is asked two seconds after they were submitted, and is there again later."""
    later = again(INFO, 6, "10")
    told_later = f"> SIP/2.0 200 OK\n{headers('6 INFO', '10', tags=('b', 'a'))}"
    story = told(*CALL[:3], INFO, later, told_later)
    timeline = Timeline()
    timeline.opened = story.opened
    timeline.append(Witness.BENCH, Declared(has=(), lacks=(), timing=Timing(apply=apply)), START)
    for observation in story:
        if observation.time == START + 2:
            timeline.append(Witness.PORTAL, Configured(settings={}, accepted=True), START + 1.5)
        timeline.append(observation.witness, observation.content, observation.time)
    assert failed(timeline) == rows


def test_an_answer_may_take_its_time_when_the_scenario_ends():
    story = told(*CALLED[:3], INFO, CALLED[3], CALLED[4])
    soon = [f for f in practice(story, START + 4.5) if f.verdict is Verdict.FAIL]
    assert soon == []
    assert "SIP-09" in failed(story)


def flow(last, *, call_id="c", payload_types=(8,), media="audio", reports=None, seconds=1.0, sender="device"):
    return MediaEnded(
        flow=f"{sender}{media}{last}",
        source="192.0.2.30:4000" if sender == "device" else "192.0.2.10:4000",
        destination="192.0.2.1:4000",
        sender=sender,
        receiver="pbx",
        media=media,
        payload_type=payload_types[0],
        ssrc=1,
        protection="plain",
        call_id=call_id,
        first=last - seconds,
        last=last,
        packets=500,
        lost=0,
        jitter_ms=0.1,
        payload_types=payload_types,
        sender_reports=reports,
        receiver_reports=0 if reports is not None else None,
    )


def with_flows(timeline, *flows):
    for content in flows:
        timeline.append(Witness.WIRE, content, content.last)
    return timeline


BOTH = (INVITE, OK, ACK, OK.replace("tag=b", "tag=d"), *FORK, BYE, BYE_OK)
"""Two stations answer; the device ends the call of the second at once, that of the first later."""


def test_media_goes_on_while_one_of_two_who_answered_is_left():
    ended = [place for place, text in enumerate(BOTH) if text.startswith("> BYE")]
    assert len(ended) == 2
    until = START + ended[1]
    assert failed(with_flows(told(*BOTH), flow(until))) == set()
    assert failed(with_flows(told(*BOTH), flow(until + 2))) == {"RTP-01"}


BUNDLE = "a=group:BUNDLE 0 1\r\n"


@pytest.mark.parametrize(("group", "rows"), [(BUNDLE, set()), ("", {"RTP-02"})])
def test_what_shares_a_port_is_of_a_type_that_any_section_lists(group, rows):
    both = described() + "m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    offer = both.replace("m=audio", group + "m=audio", 1)
    story = taken(offer, offer)
    assert failed(with_flows(told(*story[:3]), flow(START + 3, payload_types=(8, 96)))) == rows


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("b=RS:0", set()),
        ("b=RS:200", set()),
        ("a=rtcp-fb:* trr-int 20000", set()),
        ("b=RS:4000", {"RTP-04"}),
        ("", {"RTP-04"}),
    ],
)
def test_who_may_report_more_rarely_does(line, rows):
    story = taken(described(*([line] if line else [])), described())
    flows = flow(START + 20, reports=0, seconds=15.0), flow(START + 20, sender="pbx", reports=3, seconds=15.0)
    assert failed(with_flows(told(*story[:3]), *flows)) == rows


def with_words(*words):
    """A call, and datagrams on the SIP port that are no SIP: (by the device?, what is in it)."""
    timeline = told(*CALL)
    for place, (ours, word) in enumerate(words):
        ends = (DEVICE, PBX) if ours else (PBX, DEVICE)
        timeline.append(Witness.WIRE, sip_content(word, *ends, "UDP", name_of), START + 10 + place)
    return timeline


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ([(True, b"KeepAlive")] * 3, set()),
        ([(True, b"KeepAlive"), (False, b"KeepAlive")], set()),
        ([(True, b"KeepAlive")], {"SIP-01"}),
        ([(True, b"BYE sip:a@b\r\n")] * 3, {"SIP-01"}),
        ([(True, b"a word that is too long to be one")] * 3, {"SIP-01"}),
    ],
)
def test_a_word_that_a_maker_keeps_its_way_open_by_is_no_broken_message(words, rows):
    assert failed(with_words(*words)) == rows


BUSY = f"< SIP/2.0 407 Who\n{headers('1 INVITE', '1', tags=('a', 'b'))}"
NO_MORE = f"> ACK sip:desk@192.0.2.10 SIP/2.0\n{headers('1 ACK', '1', tags=('a', 'b'), more=REQUEST)}"


@pytest.mark.parametrize(("first", "rows"), [((INVITE, BUSY, NO_MORE), set()), (CALL, {"KEY-01"})])
def test_a_key_that_was_offered_in_vain_may_be_offered_in_the_next_call(first, rows):
    anew = [text.replace("Call-ID: c", "Call-ID: e").replace("z9hG4bK", "z9hG4bKe") for text in CALL]
    anew[1] = anew[1].replace("WVNfX19zZW1jdGwg", "d0RmdmcmVCspeEc3")
    assert failed(told(*first, *anew)) == rows
