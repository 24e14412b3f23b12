"""Messages of a device at the bounds of the rules on transactions, registrations and secrets."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.device_content import ScreenText, SyslogSeen, UnreadableLine, WebhookSeen
from intercom_hil.timeline.observation import (
    BenchLate,
    Configured,
    ConsoleLine,
    DeviceEvent,
    EventCopy,
    InstrumentLost,
    OutputChanged,
)
from intercom_hil.timeline.sip_content import sip_content
from tests.practice.more_stories import anew
from tests.practice.test_practice import (
    ACK,
    BYE,
    BYE_LATER,
    BYE_OK,
    CALL,
    CALLED,
    CANCEL,
    CHALLENGE,
    CONTACT,
    DEVICE,
    GIVEN_UP,
    GONE,
    GRANTED,
    INFO,
    INVITE,
    KEY,
    LATER,
    OFFER,
    OK,
    PBX,
    REGISTER,
    REGISTERING,
    REQUEST,
    RINGING,
    START,
    again,
    headers,
    name_of,
    proven,
    told,
)
from tests.practice.test_retransmissions import NEXT, REFUSED, REGISTERED, at


def found(row, timeline, settled=LATER):
    """What is found on a row: its problem, or how often it looked, and the numbers of what shows it."""
    seen = list(timeline)
    return [
        (one.seen.partition(f": {one.observations[0]}")[0], [seen.index(o) for o in one.observations])
        for one in practice(timeline, settled)
        if one.requirement == row
    ]


def looked(times, first):
    return [(f"looked at {times} times", [first])]


UNACKED = [("200 without its ACK", [1])]


@pytest.mark.parametrize(
    ("settled", "lines"), [(START + 3, UNACKED), (START + 2.99, []), (START + 3.01, UNACKED)]
)
def test_an_ack_has_two_seconds_before_the_scenario_ends(settled, lines):
    assert found("SIP-07", at((0, INVITE), (1, OK)), settled) == lines


@pytest.mark.parametrize(("later", "lines"), [(1.1, []), (1.11, UNACKED)])
def test_who_goes_on_a_tenth_of_a_second_later_has_had_the_response(later, lines):
    assert found("SIP-07", at((0, INVITE), (1, OK), (later, BYE)), START + 2) == lines


@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        (BYE, UNACKED),
        (BYE.replace("tag=b", "tag=z"), []),  # of another dialog
        (BYE.replace("CSeq: 2", "CSeq: 1"), []),  # of before
        (BYE.replace("BYE", "INFO"), []),  # of an early dialog, perhaps
        (BYE.replace("Call-ID: c", "Call-ID: d"), []),
        (again(INVITE, 2, "9").replace("To: <sip:desk@x>", "To: <sip:desk@x>;tag=b"), UNACKED),
    ],
)
def test_what_comes_only_after_a_final_response(request_, lines):
    assert found("SIP-07", at((0, INVITE), (1, OK), (1.5, request_)), START + 2) == lines


@pytest.mark.parametrize(
    ("status", "looks"), [("180 Ringing", []), ("199 Gone", []), ("299 Odd", looked(1, 1))]
)
def test_a_final_response_is_one_of_two_hundred_at_least(status, looks):
    response = OK.replace("200 OK", status)
    assert found("SIP-07", told(INVITE, response, ACK)) == looks


def test_a_refusal_has_the_ack_of_its_transaction_and_a_2xx_that_of_its_dialog():
    refused = GIVEN_UP[3].replace("487 Gone", "300 Several")
    assert found("SIP-07", told(INVITE, refused, GIVEN_UP[4])) == looked(2, 1)
    assert found("SIP-07", told(INVITE, refused, ACK)) == [("300 without its ACK", [1])]
    assert found("SIP-07", told(INVITE, OK, ACK.replace("CSeq: 1", "CSeq: 2"))) == UNACKED
    assert found("SIP-07", told(INVITE, OK, f"<{ACK[1:]}")) == UNACKED
    assert found("SIP-07", told(INVITE, ACK, OK)) == looked(1, 2)


def said(status, method="BYE"):
    return BYE_OK.replace("200 OK", status).replace("2 BYE", f"2 {method}")


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ((*CALL[:4], said("400 Bad")), [("400 to BYE", [4])]),
        ((*CALL[:4], said("481 Unknown")), [("481 to BYE", [4])]),
        ((*CALL[:4], said("403 No")), looked(1, 4)),
        ((*CALL[:4], said("180 Wait")), []),
        ((*CALL[:4], said("200 OK")), looked(1, 4)),
        ((*CALL[:3], said("481 Unknown")), []),  # nobody asked
        ((*CALL[:4], said("481 Unknown").replace("CSeq: 2", "CSeq: 3")), []),
        ((*CALL[:3], BYE.replace("BYE", "NOTIFY"), said("481 Gone", "NOTIFY")), looked(1, 4)),
        ((*CALL[:3], BYE.replace("BYE", "NOTIFY"), said("400 Bad", "NOTIFY")), [("400 to NOTIFY", [4])]),
        ((INVITE, RINGING, CANCEL, said("481 No", "CANCEL").replace("2 C", "1 C")), [("481 to CANCEL", [3])]),
        (
            (INVITE, RINGING, CANCEL, GONE, said("481 No", "CANCEL").replace("2 C", "1 C")),
            looked(1, 4),
        ),
        (
            (INVITE, RINGING, CANCEL, RINGING, said("481 No", "CANCEL").replace("2 C", "1 C")),
            [("481 to CANCEL", [4])],
        ),
        ((*CALL[:3], BYE_LATER, BYE, said("500 Trouble")), [("500 to BYE", [5])]),
        ((*CALL[:4], BYE, said("500 Trouble")), looked(1, 5)),
        ((REGISTER, REGISTERED.replace("200 OK", "400 Bad")), []),  # of no dialog
    ],
)
def test_who_understands_what_the_device_asks(script, lines):
    assert found("SIP-08", told(*script)) == lines


def test_who_has_hung_up_need_not_understand_anything():
    theirs = f"< BYE sip:door@192.0.2.30 SIP/2.0\n{headers('9 BYE', 'x', tags=('b', 'a'), more=REQUEST)}"
    assert found("SIP-08", told(*CALL[:4], theirs, said("481 Gone"))) == looked(1, 5)
    info = theirs.replace("BYE", "INFO")
    assert found("SIP-08", told(*CALL[:4], info, said("481 Gone"))) == [("481 to BYE", [5])]


SILENT = [("INFO without an answer", [3])]
ANSWERS = [f"> SIP/2.0 200 OK\n{headers('6 INFO', '99', tags=('b', 'a'))}"]


def asked(when, *, settled=LATER, answer=9.0, info=INFO):
    """A call that is taken, a request in it, and an answer of the device to something else."""
    ask = f"< INFO sip:door@192.0.2.30 SIP/2.0\n{headers('6 INFO', '99', tags=('b', 'a'), more=REQUEST)}"
    script = [*((second / 10, text) for second, text in enumerate(CALLED[:3])), (when, info)]
    return found("SIP-09", at(*script, (answer, ask), (answer, ANSWERS[0])), settled)


def test_a_request_gets_its_answer_within_two_seconds():
    assert asked(1.0, settled=START + 3.0) == SILENT
    assert asked(1.0, settled=START + 2.99) == []
    assert asked(1.0, answer=1.31) == SILENT
    assert asked(1.0, answer=1.29) == []
    assert asked(1.0, info=INFO.replace("INFO", "ACK")) == []
    assert asked(1.0, info=INFO.replace(";branch=z9hG4bK9", "")) == []


def test_what_nothing_is_said_of_hides_no_request_that_comes_later():
    bare = INFO.replace(";branch=z9hG4bK9", "").replace("CSeq: 5", "CSeq: 4")
    script = [*((second / 10, text) for second, text in enumerate(CALLED[:3])), (0.5, bare), (1, INFO)]
    last = (9, CALLED[1].replace("200 OK", "200 Again"))
    assert found("SIP-09", at(*script, last)) == [("INFO without an answer", [4])]
    stranger = sip_content(
        f"{INFO[1:].lstrip()}\n\n".replace("\n", "\r\n").replace("Call-ID: c", "Call-ID: z").encode(),
        ("192.0.2.66", 5060),
        DEVICE,
        "UDP",
        lambda host, port: "device" if host == DEVICE[0] else host,
    )
    timeline = at(*script[:3])
    timeline.append(Witness.WIRE, stranger, START + 0.5)
    for observation in at((1, INFO), last):
        timeline.append(observation.witness, observation.content, observation.time)
    assert found("SIP-09", timeline) == [("INFO without an answer", [4])]


def test_a_number_is_low_in_its_own_dialog_alone():
    """A 500 for one that does not rise is deserved (RFC 3261 §12.2.2)."""
    failure = said("500 Trouble")
    other = BYE_LATER.replace("tag=b", "tag=d")
    assert found("SIP-08", told(*CALL[:3], other, BYE, failure)) == looked(1, 5)
    assert found("SIP-08", told(*CALL[:3], BYE_LATER, BYE, failure)) == [("500 to BYE", [5])]


def test_whom_the_device_does_not_know_it_may_leave_without_an_answer():
    other = INFO.replace("Call-ID: c", "Call-ID: z")
    assert asked(1.0, info=other) == SILENT  # the PBX is known


@pytest.mark.parametrize(
    ("status", "lines"), [("180 Wait", SILENT), ("199 Wait", SILENT), ("200 OK", looked(2, 3))]
)
def test_only_a_final_response_answers(status, lines):
    own = f"> SIP/2.0 {status}\n{headers('5 INFO', '9', tags=('b', 'a'))}"
    assert found("SIP-09", told(*CALLED[:3], INFO, own, *CALLED[3:])) == lines


OTHER_WORD = [("180 after 200", [3, 1])]


@pytest.mark.parametrize(("seconds", "lines"), [(0.1, looked(1, 1)), (0.11, OTHER_WORD)])
def test_a_message_may_be_on_its_way_when_the_last_word_is_sent(seconds, lines):
    rings = CALLED[1].replace("200 OK", "180 Ringing")
    story = at((-1, CALLED[0]), (0, CALLED[1]), (0, CALLED[2]), (seconds, rings))
    assert found("SIP-16", story) == lines


@pytest.mark.parametrize(
    ("first", "second", "lines"),
    [
        ("200 OK", "200 OK", looked(2, 1)),
        ("180 Ringing", "200 OK", looked(1, 2)),
        ("486 Busy", "200 OK", [("200 after 486", [2, 1])]),
    ],
)
def test_a_final_response_is_the_last_word(first, second, lines):
    words = [CALLED[1].replace("200 OK", status) for status in (first, second)]
    assert found("SIP-16", told(CALLED[0], *words)) == lines


def test_of_requests_without_a_branch_nothing_is_known():
    bare = [text.replace(";branch=z9hG4bK1", "") for text in (CALLED[0], CALLED[1])]
    other = bare[1].replace("200 OK", "486 Busy")
    assert found("SIP-16", told(*bare, other)) == []


REPEATED = [("200 repeated 2 times although acknowledged", [2, 3])]


@pytest.mark.parametrize(
    ("copies", "lines"),
    [((0.31, 0.5), REPEATED), ((0.3, 0.5), looked(2, 2)), ((0.3, 0.31, 0.5), [(REPEATED[0][0], [2, 4])])],
)
def test_copies_of_a_2xx_after_its_ack(copies, lines):
    script = [(0, CALLED[0]), (0.1, CALLED[1]), (0.2, CALLED[2]), *((one, CALLED[1]) for one in copies)]
    assert found("SIP-13", at(*script)) == lines


def test_an_ack_that_went_elsewhere_does_not_count_over_udp():
    script = [(0, CALLED[0]), (0.1, CALLED[1]), (0.2, CALLED[2]), (0.5, CALLED[1]), (0.9, CALLED[1])]
    for transport, looks in (("UDP", []), ("TCP", REPEATED)):
        timeline = at(*script[:2], transport=transport)
        for observation in at(*script[2:3], transport=transport, port=5999):
            timeline.append(observation.witness, observation.content, observation.time)
        for observation in at(*script[3:], transport=transport):
            timeline.append(observation.witness, observation.content, observation.time)
        assert found("SIP-13", timeline) == looks


def test_an_answer_of_another_status_is_no_copy_of_it():
    other = CALLED[1].replace("200 OK", "202 Accepted")
    assert found("SIP-13", told(*CALLED[:3], other, other)) == looked(1, 2)


TWICE = "sent again although 200 had come"


@pytest.mark.parametrize(
    ("transport", "copies", "lines"),
    [
        ("UDP", (0.7,), looked(1, 2)),
        ("UDP", (0.7, 1.7), [(f"BYE {TWICE}", [3, 1])]),
        ("UDP", (0.7, 1.7, 2.7), [(f"BYE {TWICE}", [3, 1])]),
        ("UDP", (0.6,), []),
        ("TCP", (0.6,), []),
        ("TCP", (0.61,), [(f"BYE {TWICE}", [2, 1])]),
    ],
)
def test_copies_of_what_was_answered(transport, copies, lines):
    script = [(0, BYE), (0.5, BYE_OK), *((one, BYE) for one in copies)]
    problems = found("SIP-16", at(*script, transport=transport))
    assert [(problem, shows[:2]) for problem, shows in problems] == lines


ONCE = "INVITE sent once, though nothing came back for 3 s"


@pytest.mark.parametrize(("answered", "lines"), [(3.0, []), (3.01, [(ONCE, [0, 1])])])
def test_a_request_that_nothing_comes_back_to(answered, lines):
    assert found("SIP-17", at((0, INVITE), (answered, REFUSED))) == lines


def test_a_request_without_a_branch_hides_no_other():
    bare = BYE.replace(";branch=z9hG4bK3", "")
    assert found("SIP-17", at((-1, bare), (0, INVITE), (4, REFUSED))) == [(ONCE, [1, 2])]
    copies = [(0, BYE), (0.5, BYE_OK), (0.7, BYE), (1.7, BYE)]
    assert found("SIP-16", at((-1, bare), *copies))[0][0] == f"BYE {TWICE}"
    assert found("SIP-16", at((-1, CALLED[0].replace(";branch=z9hG4bK1", "")), *copies))[0][1][:2] == [4, 2]


def test_a_copy_that_comes_with_the_answer_is_none_before_it():
    assert found("SIP-17", at((0, INVITE), (4, INVITE), (4, REFUSED))) == [(ONCE, [0, 2])]
    assert found("SIP-17", at((0, INVITE), (3.99, INVITE), (4, REFUSED))) == looked(1, 0)


@pytest.mark.parametrize(("late", "lines"), [(1.9, [(ONCE, [0, 1])]), (2.0, [])])
def test_a_bench_that_was_late_for_half_of_the_time_says_nothing(late, lines):
    timeline = at((0, INVITE), (4, REFUSED))
    timeline.append(Witness.LATENESS, BenchLate(begun=START, length=3.0, late=late), START + 3)
    assert found("SIP-17", timeline) == lines


@pytest.mark.parametrize(("seconds", "excused"), [(0.0, False), (0.01, True), (2.99, True), (3.0, False)])
@pytest.mark.parametrize(
    "content",
    [
        Configured(settings={}, accepted=True),
        OutputChanged(name="button", active=True, confirmed=True),
        OutputChanged(name="power", active=False, confirmed=True),
    ],
)
def test_what_intervenes_does_so_while_it_is_waited_for(seconds, excused, content):
    timeline = at((0, INVITE), (4, REFUSED))
    timeline.append(Witness.BENCH, content, START + seconds)
    assert (found("SIP-17", timeline) == []) == excused


@pytest.mark.parametrize(("seconds", "excused"), [(0.01, True), (2.99, True), (3.0, False)])
def test_another_call_ends_what_is_waited_for(seconds, excused):
    assert (found("SIP-17", at((0, INVITE), (seconds, NEXT), (4, REFUSED))) == []) == excused
    other = NEXT.replace("INVITE", "OPTIONS")
    assert found("SIP-17", at((0, INVITE), (seconds, other), (4, REFUSED))) != []


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [(0.1, looked(1, 0)), (0.11, [("REGISTER sent again over TLS", [0, 1])])],
)
def test_a_copy_over_a_connection(seconds, lines):
    script = [(0, REGISTER), (seconds, REGISTER), (0.6, REGISTERED)]
    assert found("SIP-17", at(*script, transport="TLS")) == lines


RENEWED_TOO_LATE = [("not renewed within the 3 s that were granted", [1])]
RENEWAL = again(REGISTERING, 2, "r2")


@pytest.mark.parametrize(
    ("script", "settled", "lines"),
    [
        ((), START + 5, RENEWED_TOO_LATE),
        ((), START + 4.99, []),
        (((5.0, RENEWAL),), LATER, looked(1, 1)),
        (((5.01, RENEWAL),), LATER, RENEWED_TOO_LATE),
        (((0.0, RENEWAL),), LATER, RENEWED_TOO_LATE),
        (((0.01, RENEWAL),), LATER, looked(1, 1)),
        (((1.0, again(REGISTERING, 1, "r2").replace("ID: r", "ID: q")),), LATER, looked(1, 1)),
    ],
)
def test_a_registration_has_two_seconds_beyond_what_was_granted(script, settled, lines):
    timeline = at((-0.5, REGISTERING), (0, GRANTED.format(3)), *script)
    assert found("SIP-15", timeline, settled) == lines


@pytest.mark.parametrize(("seconds", "excused"), [(0.0, False), (0.01, True), (5.0, True), (5.01, False)])
@pytest.mark.parametrize(
    "content",
    [Configured(settings={}, accepted=True), InstrumentLost(instrument="d", problem="", blame="device")],
)
def test_what_ends_what_a_registration_is_owed(seconds, excused, content):
    timeline = at((-0.5, REGISTERING), (0, GRANTED.format(3)))
    timeline.append(Witness.BENCH, content, START + seconds)
    assert found("SIP-15", timeline) == ([] if excused else RENEWED_TOO_LATE)


@pytest.mark.parametrize(
    ("seconds", "answered", "lines"),
    [
        (1, False, []),
        (1, True, RENEWED_TOO_LATE),
        (4.01, False, RENEWED_TOO_LATE),
        (-0.1, False, [("not renewed within the 3 s that were granted", [2])]),
    ],
)
def test_a_device_may_wait_for_an_answer_that_the_bench_does_not_give(seconds, answered, lines):
    asked = again(REGISTERING, 2, "s").replace("REGISTER", "SUBSCRIBE").replace("ID: r", "ID: s")
    settings = {"transport": "UDP", "server_port": 5060}
    script = [(-0.5, REGISTERING), (0, GRANTED.format(3)), (seconds, asked)]
    if answered:
        reply = GRANTED.format(0).replace("1 REGISTER", "2 SUBSCRIBE").replace("ID: r", "ID: s")
        script.append((seconds + 0.1, reply.replace("200 OK", "489 Bad Event")))
    timeline = at(*sorted(script))
    timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START - 1)
    assert found("SIP-15", timeline) == lines


def test_a_bench_that_was_late_gives_a_registration_more_time():
    timeline = at((-0.5, REGISTERING), (0, GRANTED.format(3)), (5.9, RENEWAL))
    assert found("SIP-15", timeline) == RENEWED_TOO_LATE
    timeline.append(Witness.LATENESS, BenchLate(begun=START + 1, length=1, late=1.0), START + 2)
    assert found("SIP-15", timeline) == looked(1, 1)


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (GRANTED.format(3).replace("200 OK", "202 OK"), []),
        (GRANTED.format(3).replace(";expires=3", ""), []),
        (GRANTED.format(3).replace(";expires=3", "\nExpires: 3"), RENEWED_TOO_LATE),
        (
            f"{GRANTED.format(3)}, <sip:door@192.0.2.31>;expires=7",
            [("not renewed within the 7 s that were granted", [1])],
        ),
        (GRANTED.format(3).replace("1 REGISTER", "2 REGISTER"), []),
        (GRANTED.format(3).replace("Call-ID: r", "Call-ID: q"), []),
    ],
)
def test_for_how_long_a_server_has_registered_the_device(answer, lines):
    assert found("SIP-15", at((-0.5, REGISTERING), (0, answer))) == lines


def test_a_registration_that_is_taken_back_is_owed_nothing():
    back = REGISTERING.replace(CONTACT, f"{CONTACT}\nExpires: 0")
    assert found("SIP-15", at((-0.5, back), (0, GRANTED.format(3)))) == []


COUNTS = "a nonce count that does not rise"


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        (("1",), []),
        (("0",), [1]),
        (("7",), []),  # of an earlier scenario, perhaps
        (("1", "2", "3"), []),
        (("1", "3"), []),
        (("1", "1"), [2]),
        (("2", "1"), []),
        (("5", "4"), [2]),
        (("123456789",), [1]),
        (("12345678",), []),
        (("aB",), []),
        (("g",), [1]),
    ],
)
def test_a_nonce_count_rises(counts, broken):
    requests = [proven(number, count) for number, count in enumerate(counts, 2)]
    lines = found("SIP-11", told(REGISTER, CHALLENGE, *requests))
    assert [line for line in lines if line[0] == COUNTS] == (
        [(COUNTS, [1 + b for b in broken])] if broken else []
    )


@pytest.mark.parametrize(
    ("call", "challenged", "broken"), [("q", False, []), ("r", False, [[1]]), ("q", True, [[3]])]
)
def test_a_nonce_of_before_may_have_been_given_more_than_once(call, challenged, broken):
    other = proven(3, "2").replace("Call-ID: r", f"Call-ID: {call}")
    script = [proven(2, "2"), other]
    story = told(REGISTER, CHALLENGE, *script) if challenged else told(*script)
    assert [numbers for line, numbers in found("SIP-11", story) if line == COUNTS] == broken


@pytest.mark.parametrize(
    ("counts", "apart", "broken"),
    [
        (("1", "3", "2", "4"), 0.1, []),
        (("4", "3", "5"), 0.1, []),
        (("1", "3", "2"), 0.6, [3]),
        (("1", "3", "3"), 0.1, [3]),
        (("1", "3", "2", "2"), 0.1, [4]),
        (("1", "2", "3", "0"), 0.1, [4]),
    ],
)
def test_requests_under_way_at_once_may_overtake_each_other(counts, apart, broken):
    """Each count is used once (RFC 7616 §3.4); two requests, by two connections, come in either order."""
    requests = [(2 + n * apart, proven(n + 2, count)) for n, count in enumerate(counts)]
    lines = found("SIP-11", at((0, REGISTER), (1, CHALLENGE), *requests))
    assert [line for line in lines if line[0] == COUNTS] == (
        [(COUNTS, [1 + b for b in broken])] if broken else []
    )


@pytest.mark.parametrize(("times", "broken"), [(1, [[6]]), (2, [])])
def test_a_nonce_that_a_server_names_as_the_next_begins_a_count(times, broken):
    """RFC 7616 §3.5; a server that makes its nonces from the clock names the same one to two requests."""
    taken = REGISTERED + '\nAuthentication-Info: nextnonce="n2"'
    both = [again(taken, 2 + n, f"r{2 + n}") for n in range(times)]
    shown = [proven(4 + n, "1").replace('nonce="n"', 'nonce="n2"') for n in range(2)]
    story = told(REGISTER, CHALLENGE, proven(2, "1"), proven(3, "2"), *both, *shown)
    assert [numbers for line, numbers in found("SIP-11", story) if line == COUNTS] == broken


def test_credentials_that_are_no_digest_are_judged_elsewhere():
    shown = f"{REQUEST}\nAuthorization: Basic abc"
    basic = f"> REGISTER sip:x SIP/2.0\n{headers('2 REGISTER', 'r2', call='r', more=shown)}"
    assert found("SIP-11", told(REGISTER, CHALLENGE, basic, proven(3, "1"))) == looked(2, 3)


def test_a_proxys_challenge_is_answered_in_a_header_of_its_own():
    proxys = CHALLENGE.replace("401", "407").replace("WWW-Authenticate", "Proxy-Authenticate")
    own = proven(2, "1").replace("Authorization", "Proxy-Authorization")
    assert found("SIP-11", told(REGISTER, proxys, own)) == looked(2, 2)
    assert found("SIP-11", told(REGISTER, proxys, proven(2, "1"))) == looked(1, 2)
    other = own.replace("algorithm=MD5", "algorithm=SHA-256")
    assert found("SIP-11", told(REGISTER, proxys, other)) == [
        ("algorithm SHA-256 where MD5 was offered", [2])
    ]


def test_two_algorithms_and_two_protections_that_were_offered_are_both_named():
    two = f"{CHALLENGE}, algorithm=SHA-256" + CHALLENGE[CHALLENGE.index("\nWWW") :].replace(
        "auth", "auth-int", 1
    )
    other = proven(2, "1", "AKAv1-MD5").replace("qop=auth", "qop=other")
    problems = [problem for problem, _ in found("SIP-11", told(REGISTER, two, other))]
    assert "algorithm AKAV1-MD5 where SHA-256 or MD5 was offered" in problems
    assert any(problem.startswith("qop other where auth or auth") for problem in problems)


def test_credentials_name_what_they_are_for():
    proof = proven(2, "1") + ', uri="sip:y"'
    assert found("SIP-11", told(REGISTER, CHALLENGE, proof)) == [
        ("credentials for sip:y in a request to sip:x", [2])
    ]


PASSWORD = "correct-horse"
PLAIN = [("a password in clear", [5])]
KEY_IN_CLEAR = [("a media key in clear", [5])]


@pytest.mark.parametrize(
    "content",
    [
        lambda text: ConsoleLine(text=text),
        lambda text: UnreadableLine(text=text, reason="x"),
        lambda text: SyslogSeen(text=text),
        lambda text: WebhookSeen(status=200, text=text),
        lambda text: ScreenText(text=text),
        lambda text: DeviceEvent(name="x", details=text),
        lambda text: EventCopy(source="portal", name="x", details=text),
        lambda text: Configured(settings={}, accepted=False, message=text),
    ],
)
def test_whatever_a_device_says_of_itself_holds_no_secret(content):
    own = KEY[::-1]
    for said, lines in ((PASSWORD, PLAIN), (own, KEY_IN_CLEAR), ("all is well", looked(1, 5)), ("", [])):
        timeline = told(*CALL)
        timeline.append(Witness.CONSOLE, content(said), START + 6)
        secret = Configured(settings={}, accepted=True, secrets=(Fingerprint.of(PASSWORD),))
        timeline.append(Witness.PORTAL, secret, START + 7)
        assert found("KEY-02", timeline) == lines


def test_the_same_secret_again_is_one_finding():
    timeline = told(*CALL)
    for second in (6, 7, 8):
        timeline.append(Witness.CONSOLE, ConsoleLine(text=KEY[::-1]), START + second)
    assert found("KEY-02", timeline) == [("a media key in clear", [5, 6, 7])]
    assert [f.verdict for f in practice(timeline, LATER) if f.requirement == "KEY-02"] == [Verdict.FAIL]


def test_bytes_of_the_device_that_are_no_message():
    """Those of another side are none of its doing."""
    for ends, lines in (((DEVICE, PBX), [("no SIP", [5])]), ((PBX, DEVICE), looked(3, 0))):
        timeline = told(*CALL)
        content = sip_content(b"BYE sip:a@b\r\n", *ends, "UDP", name_of)
        timeline.append(Witness.WIRE, content.model_copy(update={"problem": "no SIP"}), START + 9)
        assert found("SIP-01", timeline) == lines


@pytest.mark.parametrize(
    ("to", "transport", "broken"),
    [
        (PBX, "UDP", False),
        (("192.0.2.99", 5060), "UDP", True),
        (("192.0.2.10", 5062), "UDP", True),
        (("192.0.2.99", 5060), "TCP", False),
    ],
)
def test_a_request_within_a_dialog_to_an_address_of_nobody(to, transport, broken):
    timeline = told(*CALL[:3], transport=transport)
    head = BYE[1:].lstrip().replace("\n", "\r\n")
    bye = f"{head}\r\nContent-Length: 0\r\n\r\n".encode()
    timeline.append(Witness.WIRE, sip_content(bye, DEVICE, to, transport, name_of), START + 3)
    assert found("SIP-05", timeline) == ([("BYE to an address of nobody", [3])] if broken else looked(2, 2))


@pytest.mark.parametrize(
    ("route", "broken"),
    [
        ("<sip:192.0.2.99;lr>", False),
        ("<sip:192.0.2.98;lr>", True),
        ("<sip:192.0.2.98;lr>, <sip:192.0.2.99;lr>", True),  # the next one is the first
        ("<sip:gate.example;lr>", False),
        ("<sip:192.0.2.98;lr;maddr=192.0.2.99>", False),
    ],
)
def test_a_request_goes_where_the_first_of_its_route_leads_to(route, broken):
    ok = OK.replace("CSeq: 1", f"Record-Route: {', '.join(reversed(route.split(', ')))}\nCSeq: 1")
    timeline = told(INVITE, ok)
    head = f"{ACK[1:].lstrip()}\nRoute: {route}".replace("\n", "\r\n")
    ack = f"{head}\r\nContent-Length: 0\r\n\r\n".encode()
    content = sip_content(ack, DEVICE, ("192.0.2.99", 5060), "UDP", name_of)
    timeline.append(Witness.WIRE, content, START + 2)
    assert found("SIP-05", timeline) == ([("ACK to an address of nobody", [2])] if broken else looked(1, 2))


OPTIONS = f"< OPTIONS sip:door@192.0.2.30 SIP/2.0\n{headers('9 OPTIONS', 'o9', call='o', more=REQUEST)}"
ABLE = f"> SIP/2.0 200 OK\n{headers('9 OPTIONS', 'o9', tags=('a', 'z'), call='o')}\n\n{OFFER}"
OTHER_CALL = INVITE.replace("Call-ID: c", "Call-ID: d").replace("z9hG4bK1", "z9hG4bKd")


@pytest.mark.parametrize(
    "before",
    [
        (OPTIONS, ABLE),
        (OTHER_CALL.replace("o=- 1 1 IN IP4 192.0.2.1", "o=- 1 1 IN IP4"),),
        (OTHER_CALL.replace("m=audio 4000", "m=audio x"),),
    ],
    ids=["what it is able to", "an origin that is cut short", "a description that cannot be read"],
)
def test_what_is_no_version_of_a_session_hides_none_that_falls(before):
    problem = "the version 0 after 1"
    assert [text for text, _ in found("SIP-14", told(*before, *anew(0)))] == [problem]


def test_a_request_that_can_have_no_answer_hides_none_without_one():
    nameless = OPTIONS.replace(";branch=z9hG4bKo9", "")
    unanswered = (*CALLED[:3], INFO, *("<" + CALLED[3][1:],) * 2, *(CALLED[4],) * 4)
    assert [text for text, _ in found("SIP-09", told(nameless, *unanswered))] == ["INFO without an answer"]
    timeline = Timeline()
    for number, one in enumerate(told(*CALLED[:3], OPTIONS, *unanswered[3:])):
        timeline.append(one.witness, one.content, one.time)
        if number == 3:  # new settings, just then
            timeline.append(Witness.PORTAL, Configured(settings={}, accepted=True), one.time)
    assert [text for text, _ in found("SIP-09", timeline)] == ["INFO without an answer"]


def test_of_two_from_tags_in_a_request_either_may_be_the_first_in_the_response():
    asked, answer = (
        CALLED[n].replace(";tag=a", tags, 1) for n, tags in ((0, ";tag=a;tag=q"), (1, ";tag=q;tag=a"))
    )
    assert [line for line, _ in found("SIP-03", told(asked, answer)) if "From" in str(line)] == []
    elsewhere = told(CALLED[0], answer)
    assert [line for line, _ in found("SIP-03", elsewhere) if "From" in str(line)] != []
