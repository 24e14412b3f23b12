"""Flows of a device at the bounds of RTP-01 to RTP-04, RTP-07 and KEY-03: the words, and what shows it."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaEnded, MediaHeard, MediaStarted, VideoSeen
from intercom_hil.timeline.observation import BenchLate
from tests.practice.test_practice import (
    AGAIN,
    ANSWER,
    BYE,
    BYE_OK,
    CALL,
    CALLED,
    CONTACT,
    INVITE,
    LATER,
    OFFER,
    START,
    described,
    taken,
    told,
)

UP = START + 2
"""When the call is up: its ACK."""
ENDED = {
    "flow": "f",
    "source": "192.0.2.30:4000",
    "destination": "192.0.2.1:4000",
    "sender": "device",
    "receiver": "pbx",
    "media": "audio",
    "payload_type": 8,
    "ssrc": 1,
    "protection": "plain",
    "call_id": "c",
    "first": UP,
    "last": UP + 1,
    "packets": 100,
    "lost": 0,
    "jitter_ms": 0.1,
}
THEIRS = {"sender": "pbx", "receiver": "device", "source": "192.0.2.1:4000", "destination": "192.0.2.30:4000"}


def ended(**changes):
    return MediaEnded(**(ENDED | changes))


def started(**changes):
    fields = {name: ENDED[name] for name in set(MediaStarted.model_fields) - {"kind"}}
    return MediaStarted(**(fields | changes))


def heard(**changes):
    usual = {"flow": "f", "sender": "device", "receiver": "pbx", "protection": "plain", "duration": 0.25}
    return MediaHeard(**(usual | {"level_dbov": -20.0, "call_id": "c"} | changes))


def found(row, story, *media):
    """What is found on a row: problem, or how often it looked, and the numbers of what shows it.

    Media are contents with their times, or flows that are dated by their end; they count from 10 on.
    """
    timeline = told(*story)
    numbers = {o.seq: number for number, o in enumerate(timeline)}
    for number, one in enumerate(media, 10):
        content, at = one if isinstance(one, tuple) else (one, one.last)
        numbers[timeline.append(Witness.WIRE, content, at).seq] = number
    lines = []
    for one in practice(timeline, LATER):
        if one.requirement == row:
            problem = one.seen.partition(f": {one.observations[0]}")[0]
            assert problem.startswith("looked at") == (one.verdict is Verdict.PASS)
            lines.append((problem, [numbers[o.seq] for o in one.observations]))
    return lines


ONCE, TWICE = ("looked at 1 times", [10]), ("looked at 2 times", [10])


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        ({"malformed": 19}, []),
        ({"malformed": 20}, [("20 packets with impossible padding", [10])]),
        ({"reused": 19}, []),
        ({"reused": 20}, [("sequence numbers of earlier packets, 20 times", [10])]),
        ({"steps": 19}, []),
        ({"steps": 20}, [ONCE]),
        ({"steps": 15, "leaps": 5}, [ONCE]),
        ({"leaps": 20}, [("sequence numbers that leap, 20 times", [10])]),
        ({"leaps": 19}, []),
        ({"steps": 20, "leaps": 10}, [ONCE]),
        ({"steps": 20, "leaps": 11}, [("sequence numbers that leap, 11 times", [10])]),
        ({"steps": 20, "odd_timestamps": 10}, [ONCE]),
        (
            {"steps": 20, "odd_timestamps": 11},
            [("timestamps that do not rise with the sound (11 of 20 packets)", [10])],
        ),
        ({"steps": 21, "odd_markers": 19}, [ONCE]),
        ({"steps": 40, "odd_markers": 20}, [ONCE]),
        (
            {"steps": 39, "odd_markers": 20},
            [("markers on packets that begin no talkspurt (20 of 39)", [10])],
        ),
        ({"steps": 20, "malformed": 20}, [("20 packets with impossible padding", [10])]),
        ({"pace": 1.0, "paced_for": 0.59}, []),
        ({"pace": 1.0, "paced_for": 0.6}, [ONCE]),
        ({"pace": 1.0, "paced_for": 0.6, "packets": 19}, []),
        ({"pace": 1.0, "paced_for": 0.6, "packets": 20}, [ONCE]),
        ({"pace": 0.4, "paced_for": 0.6}, [ONCE]),
        (
            {"pace": 0.39, "paced_for": 0.6},
            [("a clock of audio that runs 0.39 times as fast as described", [10])],
        ),
        ({"pace": 1.19, "paced_for": 3.0}, [ONCE]),
        (
            {"pace": 1.21, "paced_for": 3.0},
            [("a clock of audio that runs 1.21 times as fast as described", [10])],
        ),
        ({"steps": 20, "pace": 1.0, "paced_for": 1.0}, [TWICE]),
        ({"steps": 20, "sender": "pbx"}, []),
        ({"steps": 20, "call_id": "another"}, []),
    ],
)
def test_how_a_flow_counts(changes, lines):
    assert found("RTP-03", CALL[:3], ended(**changes)) == lines


@pytest.mark.parametrize(("late", "judged"), [(0.49, True), (0.5, False)])
def test_a_bench_that_was_late_for_half_of_a_flow_does_not_say_how_fast_it_was(late, judged):
    held_up = BenchLate(begun=UP, length=1.0, late=late)
    lines = found("RTP-03", CALL[:3], ended(pace=3.0, paced_for=1.0), (held_up, UP + 1))
    assert bool(lines) == judged


def test_each_agreement_allows_one_source_more():
    """A description in a response or in an ACK is one, an offer in a request is none."""
    late = (
        INVITE.partition("\n\n")[0],
        CALL[1].replace(ANSWER, OFFER),
        f"{CALL[2]}\n\n{ANSWER}",
    )
    for story, most in ((CALL[:3], 5), (late, 6)):
        assert found("RTP-03", story, *sources(most, packets=11)) == []
        assert len(found("RTP-03", story, *sources(most + 1, packets=11))) == 1


def sources(count, **changes):
    return [ended(ssrc=number, **changes) for number in range(1, count + 1)]


def test_one_source_after_another():
    """Five that send ten packets each are too many, or five more than there were agreements."""
    brief, whole = sources(5, packets=10), sources(6, packets=11)
    assert found("RTP-03", CALL[:3], *brief) == [
        ("5 sources (SSRC) where there is one", [10, 11, 12, 13, 14])
    ]
    assert found("RTP-03", CALL[:3], *brief[:4]) == []
    assert found("RTP-03", CALL[:3], *whole[:5]) == []
    assert found("RTP-03", CALL[:3], *whole) == [
        ("6 sources (SSRC) where there is one", [10, 11, 12, 13, 14, 15])
    ]
    both = [*whole[:1], *(one.model_copy(update={"ssrc": 20 + one.ssrc}) for one in brief)]
    assert found("RTP-03", CALL[:3], *both) == [("6 sources (SSRC) where there is one", [11, 12, 13, 14, 15])]


@pytest.mark.parametrize("field", ["source", "destination", "media", "call_id"])
def test_what_goes_from_elsewhere_to_elsewhere_or_of_another_kind_is_another_flow(field):
    other = {"source": "192.0.2.30:4002", "destination": "192.0.2.1:4002", "media": "video", "call_id": "d"}
    story = (*CALL[:3], *(text.replace("Call-ID: c", "Call-ID: d") for text in CALL[:3]))
    split = [*sources(3, packets=9), *sources(4, packets=9, **{field: other[field]})[2:]]
    assert [line for line in found("RTP-03", story, *split) if "sources" in line[0]] == []
    together = [*sources(3, packets=9), *sources(5, packets=9)[3:]]
    assert len(found("RTP-03", story, *together)) == 1


def test_reports_go_to_the_port_above_that_of_the_media():
    problem = [("reports of audio to another port than the one above that of the media", [10])]
    assert found("RTP-04", CALL[:3], ended(stray_reports=1)) == problem
    assert found("RTP-04", CALL[:3], ended(stray_reports=0)) == []
    for line in ("a=rtcp:4003", "a=rtcp-mux", "a=candidate:1", "a=ice-ufrag:x"):
        answered = CALL[1].replace(ANSWER, f"{ANSWER}{line}\r\n")
        assert found("RTP-04", (INVITE, answered, CALL[2]), ended(stray_reports=1)) == []
        own = INVITE.replace(OFFER, f"{OFFER}{line}\r\n")
        assert found("RTP-04", (own, *CALL[1:3]), ended(stray_reports=1)) == problem


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"sender_reports": 1}, [ONCE]),
        ({"receiver_reports": 1}, [ONCE]),
        ({"sender_reports": 0, "receiver_reports": 0}, []),
        ({"sender_reports": 1, "clear_reports": 1}, [("reports of audio in clear", [10])]),
        ({"sender_reports": 1, "clear_reports": 1, "protection": "plain"}, []),
        ({"clear_reports": 1}, []),
        ({"sender_reports": 1, "clear_reports": 1, "plain": 50, "rejected": 50}, []),
        (
            {"sender_reports": 1, "clear_reports": 1, "plain": 1, "rejected": 1, "authenticated": 49},
            [("reports of audio in clear", [10])],
        ),
    ],
)
def test_the_reports_of_a_secured_call(changes, lines):
    assert found("KEY-03", CALL[:3], ended(**({"protection": "srtp"} | changes))) == lines


LASTING = {"last": UP + 10, "packets": 50, "sender_reports": 0}
NONE = "no sender report of audio in 10 s"


@pytest.mark.parametrize(
    ("changes", "others", "lines"),
    [
        ({}, {"sender_reports": 1}, [(NONE, [10])]),
        ({}, {"receiver_reports": 1}, [(NONE, [10])]),
        ({}, {"sender_reports": 0, "receiver_reports": 0}, []),
        ({}, {"sender_reports": 1, "sender": "device"}, []),
        ({"sender_reports": 1}, {"sender_reports": 1}, [ONCE]),
        ({"receiver_reports": 3}, {"sender_reports": 1}, [(f"{NONE} (3 receiver reports)", [10])]),
        ({"sender_reports": None}, {"sender_reports": 1}, []),
        ({"last": UP + 9.9}, {"sender_reports": 1}, []),
        ({"packets": 49}, {"sender_reports": 1}, []),
    ],
)
def test_who_sends_for_ten_seconds_has_reported(changes, others, lines):
    theirs = ended(**(THEIRS | others))
    assert found("RTP-04", CALL[:3], ended(**(LASTING | changes)), theirs) == lines


@pytest.mark.parametrize(("bits", "problems"), [(399, 0), (400, 1)])
def test_with_four_hundred_bits_a_second_there_is_enough_for_reports(bits, problems):
    answered = CALL[1].replace(ANSWER, f"{ANSWER}b=RS:{bits}\r\n")
    lines = found("RTP-04", (INVITE, answered, CALL[2]), ended(**LASTING), ended(**THEIRS, sender_reports=1))
    assert len(lines) == problems


STOPPED = UP - 1
"""When a call that is taken gets its answer."""


@pytest.mark.parametrize(
    ("at", "sound", "numbers"),
    [
        (STOPPED + 0.75, {}, []),  # begun half a second after the answer
        (STOPPED + 0.76, {}, [10]),
        (STOPPED + 2, {}, [10]),
        (STOPPED + 2, {"sender": "pbx"}, []),
        (STOPPED + 2, {"call_id": "d"}, []),
    ],
)
@pytest.mark.parametrize("line", ["a=recvonly", "a=inactive"])
def test_who_said_that_it_sends_nothing_sends_nothing(line, at, sound, numbers):
    story = taken(described("a=sendonly"), described(line))[:3]
    lines = found("RTP-07", story, (heard(**sound), at))
    assert lines == ([("media against its direction", numbers)] if numbers else [])


@pytest.mark.parametrize(
    ("offer", "answer", "broken"),
    [
        (described(), described().replace("audio 4000", "audio 0"), True),
        (described(), described("a=sendonly"), False),
        (described(), described("a=recvonly") + "m=audio 4002 RTP/AVP 8\r\n", False),
    ],
)
def test_what_is_said_of_the_direction(offer, answer, broken):
    assert bool(found("RTP-07", taken(offer, answer)[:3], (heard(), STOPPED + 2))) == broken


@pytest.mark.parametrize(
    ("line", "broken"), [("a=recvonly", False), ("a=sendonly", False), ("a=inactive", True), ("", False)]
)
def test_of_the_other_sides_answer_only_inactive_forbids_to_send(line, broken):
    answered = CALL[1].replace(ANSWER, ANSWER + (f"{line}\r\n" if line else ""))
    assert bool(found("RTP-07", (INVITE, answered, CALL[2]), (heard(), UP + 2))) == broken


@pytest.mark.parametrize("closed", ["a=inactive", ""])
@pytest.mark.parametrize("first", [True, False])
def test_each_of_two_that_took_a_call_has_its_own_direction(closed, first):
    """RFC 3261 §13.2.2.4: the device ends one of the two dialogs, and the sound is that of the other."""
    none = described(closed) if closed else described().replace("audio 4000", "audio 0")
    other = CALL[1].replace("tag=b", "tag=d")
    answers = (CALL[1], other.replace(ANSWER, none)) if first else (CALL[1].replace(ANSWER, none), other)
    story = (INVITE, *answers)
    assert found("RTP-07", story, (heard(), UP + 2)) == []
    one_left = BYE if first else BYE.replace("tag=b", "tag=d")
    assert found("RTP-07", (*story, one_left), (heard(), START + 3.75)) == []
    assert found("RTP-07", (*story, one_left), (heard(), START + 3.76)) != []


def test_sound_and_pictures_have_directions_of_their_own():
    picture = VideoSeen(
        flow="v", sender="device", receiver="pbx", protection="plain", frames=9, duration=0.5, call_id="c"
    )
    video = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    story = taken(described() + video, described() + f"{video}a=recvonly\r\n")[:3]
    assert found("RTP-07", story, (heard(), UP + 2)) == []
    assert found("RTP-07", story, (picture, UP + 2)) == [("media against its direction", [10])]


def test_a_direction_holds_until_the_next_request_that_may_change_it():
    held = taken(described("a=sendonly"), described("a=recvonly"))[:3]
    resumed = CALLED[0].replace(OFFER, described()).replace("CSeq: 1", "CSeq: 2").replace("bK1", "bK8")
    for method in ("INVITE", "UPDATE"):
        story = (*held, resumed.replace("INVITE", method))
        assert found("RTP-07", story, (heard(), START + 3)) == []
        assert found("RTP-07", story, (heard(), START + 2.99)) == [("media against its direction", [10])]
    other = resumed.replace("Call-ID: c", "Call-ID: d")
    assert found("RTP-07", (*held, other), (heard(), START + 9)) == [("media against its direction", [10])]
    assert found("RTP-07", (*held, resumed.replace("INVITE", "INFO")), (heard(), START + 9)) != []


def test_what_an_update_agrees_on_holds_as_well():
    asked, answered, _ = RENEGOTIATED
    held = (text.replace("INVITE", "UPDATE") for text in (asked, f"{answered}a=inactive\r\n"))
    story = (*CALL[:3], *held)
    assert found("RTP-07", story, (heard(payload_type=0), START + 6)) == [
        ("media against its direction", [10])
    ]
    info = (text.replace("UPDATE", "INFO") for text in story)
    assert found("RTP-07", tuple(info), (heard(payload_type=0), START + 6)) == []


HUNG_UP = START + 3
OVER = "audio goes on when its call is over"


@pytest.mark.parametrize(
    ("last", "lines"),
    [(HUNG_UP + 0.5, [("looked at 1 times", [10])]), (HUNG_UP + 0.51, [(OVER, [10, 3])])],
)
def test_media_stops_within_half_a_second_of_the_bye(last, lines):
    assert found("RTP-01", CALL, ended(last=last)) == lines


def test_the_end_of_a_call_is_what_shows_that_the_device_knew_of_it():
    """Its own BYE, or its 2xx to one; a BYE that it refuses, or one outside of a dialog, ends nothing."""
    late = ended(last=LATER)
    assert found("RTP-01", CALLED, late) == [(OVER, [10, 4])]
    refused = CALLED[4].replace("200 OK", "481 No")
    assert found("RTP-01", (*CALLED[:4], refused), late) == []
    assert found("RTP-01", CALLED[:4], late) == []
    untagged = BYE.replace("To: <sip:desk@x>;tag=b", "To: <sip:desk@x>")
    assert found("RTP-01", (*CALL[:3], untagged), late) == []
    assert found("RTP-01", (*CALL[:3], BYE, BYE_OK, BYE), late) == [(OVER, [10, 3])]
    assert found("RTP-01", (*CALL[:4], CALL[1]), late) == [(OVER, [10, 3])]


ANEW = "media begins anew when its call is over"


@pytest.mark.parametrize(
    ("first", "changes", "lines"),
    [
        (HUNG_UP + 0.5, {}, []),
        (HUNG_UP + 0.51, {}, [(ANEW, [11, 3])]),
        (HUNG_UP + 9, {"source": "192.0.2.30:4002"}, []),
        (HUNG_UP + 9, {"destination": "192.0.2.1:4002"}, []),
        (HUNG_UP + 9, {"sender": "pbx"}, []),
    ],
)
def test_media_that_begins_anew(first, changes, lines):
    stray = ended(**({"call_id": "", "first": first, "last": first + 1} | changes))
    assert found("RTP-01", CALL, (started(), UP), stray) == lines


def test_of_another_call_that_has_begun_media_may_be():
    other = INVITE.replace("Call-ID: c", "Call-ID: d")
    stray = ended(call_id="", first=HUNG_UP + 4, last=HUNG_UP + 5)
    assert found("RTP-01", (*CALL, other), (started(), UP), stray) == []
    at_its_end = ended(call_id="", first=HUNG_UP + 1, last=START + 5)
    assert found("RTP-01", (*CALL, other), (started(), UP), at_its_end) == [(ANEW, [11, 3])]


UNLISTED = "payload type 96 of audio, which nobody listed"


@pytest.mark.parametrize(
    ("flow", "lines"),
    [
        (ended(), [ONCE]),
        (ended(payload_type=96), [(UNLISTED, [10])]),
        (ended(payload_types=(8, 96)), [(UNLISTED, [10])]),
        (ended(payload_types=(8, 8)), [ONCE]),
        (ended(payload_type=96, media="video"), []),
        (ended(payload_type=96, sender="pbx"), []),
        ((started(payload_type=96), UP), [(UNLISTED, [10])]),
        ((started(), UP), [ONCE]),
    ],
)
def test_a_payload_type_that_nobody_listed(flow, lines):
    assert found("RTP-02", CALL[:3], flow) == lines


RENEGOTIATED = (f"{AGAIN[0]}\n\n{OFFER}", f"{AGAIN[1]}\n\n{ANSWER.replace('SAVP 8', 'SAVP 0')}", AGAIN[2])
"""The device asks anew, and the other side lists another codec than before (at START + 4)."""
NO_MORE = "payload type 8 of audio, which is agreed on no more"


@pytest.mark.parametrize(
    ("at", "sound", "lines"),
    [
        (START + 5.25, {"payload_type": 8}, []),  # begun one second after the answer
        (START + 5.26, {"payload_type": 8}, [(NO_MORE, [10, 4])]),
        (START + 6, {"payload_type": 0}, [ONCE]),
        (START + 6, {"payload_type": None}, []),
        (START + 6, {"payload_type": 8, "sender": "pbx"}, []),
        (START + 6, {"payload_type": 8, "call_id": "d"}, []),
    ],
)
def test_a_payload_type_that_is_agreed_on_no_more(at, sound, lines):
    assert found("RTP-02", (*CALL[:3], *RENEGOTIATED), (heard(**sound), at)) == lines


def test_a_call_is_negotiated_anew_by_update_as_well():
    story = (*CALL[:3], *(text.replace("INVITE", "UPDATE") for text in RENEGOTIATED[:2]))
    assert found("RTP-02", story, (heard(payload_type=8), START + 6)) == [(NO_MORE, [10, 4])]
    info = (*CALL[:3], *(text.replace("INVITE", "INFO") for text in RENEGOTIATED[:2]))
    assert found("RTP-02", info, (heard(payload_type=8), START + 6)) == []


def test_of_two_negotiations_at_once_the_later_answer_counts():
    asked, answered, _ = RENEGOTIATED
    other = asked.replace("INVITE", "UPDATE").replace("CSeq: 2", "CSeq: 3").replace("bK5", "bK50")
    back = AGAIN[1].replace("INVITE", "UPDATE").replace("CSeq: 2", "CSeq: 3").replace("bK5", "bK50")
    story = (*CALL[:3], asked, other, answered, f"{back}\n\n{ANSWER}")
    assert found("RTP-02", story, (heard(payload_type=8), START + 9)) == [ONCE]


def test_a_call_that_a_second_station_takes_goes_on():
    again_ok = CALL[1].replace("tag=b", "tag=d")
    later = ended(last=LATER)
    assert found("RTP-01", (*CALL[:3], BYE, again_ok), later) == []
    assert found("RTP-01", (*CALL[:3], BYE, again_ok.replace("200 OK", "299 Odd")), later) == []
    assert found("RTP-01", (*CALL[:3], BYE, again_ok.replace("200 OK", "300 There")), later) != []


def test_what_was_agreed_on_holds_until_it_is_asked_for_anew():
    back = RENEGOTIATED[0].replace("CSeq: 2", "CSeq: 3").replace("bK5", "bK50")
    silence = AGAIN[2].replace("ACK", "INFO").replace("bK6", "bK60")
    story = (*CALL[:3], *RENEGOTIATED, silence, back)
    assert found("RTP-02", story, (heard(payload_type=8), START + 7)) == []
    assert found("RTP-02", story, (heard(payload_type=8), START + 6.9)) == [(NO_MORE, [10, 4])]
    other = back.replace("Call-ID: c", "Call-ID: d")
    story = (*CALL[:3], *RENEGOTIATED, silence, other)
    assert found("RTP-02", story, (heard(payload_type=8), START + 9)) == [(NO_MORE, [10, 4])]


def test_the_other_side_lists_in_its_offer_what_the_device_takes():
    asked = (
        CALLED[0]
        .replace("CSeq: 1", "CSeq: 2")
        .replace("bK1", "bK9")
        .replace("To: <sip:desk@x>", "To: <sip:desk@x>;tag=b")
    )
    taken_anew = CALLED[1].replace("CSeq: 1", "CSeq: 2").replace("bK1", "bK9")
    assert CONTACT in asked
    story = (*CALLED[:3], asked.replace("SAVP 8", "SAVP 8 0"), taken_anew.replace("SAVP 8", "SAVP 0"))
    assert found("RTP-02", story, (heard(payload_type=8), START + 6)) == [ONCE]
    late_offer = asked.partition("\n\n")[0]
    acked = CALLED[2].replace("CSeq: 1", "CSeq: 2").replace("bK2", "bK10") + "\n\n"
    story = (*CALLED[:3], late_offer, taken_anew, acked + ANSWER.replace("SAVP 8", "SAVP 0"))
    assert found("RTP-02", story, (heard(payload_type=0), START + 7)) == [ONCE]
    assert found("RTP-02", story, (heard(payload_type=8), START + 7)) == [(NO_MORE, [10, 5])]
