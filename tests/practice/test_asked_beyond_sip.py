"""What a request asks for beyond SIP (SIP-09, SIP-18), Call-IDs of two calls (SIP-02), lost ACKs (SIP-17)."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import BenchLate, Configured
from tests.practice.test_practice import (
    CALL,
    CALLED,
    GIVEN_UP,
    GONE,
    LATER,
    START,
    again,
    headers,
    told,
)
from tests.practice.test_retransmissions import at, of

TAKEN, ACK = CALLED[1], CALLED[2]
REFUSED = f"> SIP/2.0 {{}}\n{headers('1 INVITE', '1', tags=('a', 'b'))}"


def asking(header):
    """An INVITE to the device, with one header more."""
    return CALLED[0].replace("\n\n", f"\n{header}\n\n", 1)


def found(row, *story):
    return {finding.verdict for finding in practice(told(*story), LATER) if finding.requirement == row}


def problems(row, *story):
    return [
        finding.seen.partition(":")[0]
        for finding in practice(told(*story), LATER)
        if (finding.requirement, finding.verdict) == (row, Verdict.FAIL)
    ]


def saying(text, header):
    """A message with one header more."""
    return text.replace("\n\n", f"\n{header}\n\n", 1) if "\n\n" in text else f"{text}\n{header}"


REQUIRED = "Require: nobody-has-this"
UNSUPPORTED = saying(REFUSED.format("420 Bad Extension"), "Unsupported: nobody-has-this")


def test_what_nobody_has_and_a_call_requires_is_not_passed_over():
    assert problems("SIP-09", asking(REQUIRED), TAKEN, ACK) == [
        "200 to INVITE, which requires nobody-has-this"
    ]


@pytest.mark.parametrize(
    "answer",
    [UNSUPPORTED, REFUSED.format("403 No"), REFUSED.format("486 Busy")],
    ids=["420", "the caller is not permitted", "busy"],
)
def test_a_call_that_requires_what_nobody_has_may_be_refused_for_any_reason(answer):
    assert found("SIP-09", asking(REQUIRED), answer) == {Verdict.PASS}


@pytest.mark.parametrize("named", ["", "Unsupported: timer"], ids=["nothing", "something else"])
def test_a_420_names_what_is_not_supported(named):
    answer = REFUSED.format("420 Bad Extension")
    told_ = saying(answer, named) if named else answer
    assert problems("SIP-09", asking(REQUIRED), told_) == ["420 that does not say what is not supported"]


@pytest.mark.parametrize("name", ["timer", "100rel", "Replaces, timer"])
def test_what_is_registered_a_device_may_have(name):
    assert found("SIP-09", asking(f"Require: {name}"), TAKEN, ACK) == set()


def test_what_a_device_says_to_support_it_has():
    own = saying(TAKEN, "Supported: timer, Nobody-Has-This")
    assert found("SIP-09", asking(REQUIRED), own, ACK) == set()


NOBODY = "Replaces: gone@192.0.2.7;to-tag=x;from-tag=y"
SUPPORTS = saying(TAKEN, "Supported: replaces")


def test_who_supports_replaces_takes_no_call_in_place_of_one_that_is_not_there():
    story = asking(NOBODY), SUPPORTS, ACK
    assert problems("SIP-18", *story) == ["200 to an INVITE in place of a call that is not there"]
    refused = saying(REFUSED.format("481 Gone"), "Supported: replaces")
    assert found("SIP-18", asking(NOBODY), refused) == {Verdict.PASS}


def test_who_does_not_know_replaces_passes_it_over():
    assert found("SIP-18", asking(NOBODY), TAKEN, ACK) == set()


def test_of_a_call_that_was_seen_and_of_half_a_name_nothing_is_said():
    assert found("SIP-18", asking(NOBODY.replace("gone@192.0.2.7", "c")), SUPPORTS, ACK) <= {Verdict.PASS}
    assert found("SIP-18", asking("Replaces: gone@192.0.2.7;to-tag=x"), SUPPORTS, ACK) == set()


def next_call(tag="n", number=5, party="desk"):
    """A second call of the device, with the Call-ID of the first."""
    return tuple(
        again(text, number, f"n{tag}").replace("tag=a", f"tag={tag}").replace("sip:desk@", f"sip:{party}@")
        for text in CALL[:3]
    )


SECOND = "the Call-ID of another call"


def test_a_call_id_is_of_one_call():
    assert problems("SIP-02", *CALL, *next_call()) == [SECOND]
    assert problems("SIP-02", *GIVEN_UP, *next_call(party="guard")) == [SECOND]


def test_who_was_refused_may_try_again_with_the_same_call_id():
    """RFC 3261 §8.1.3.5: with credentials, another offer, or where a redirection leads to."""
    assert found("SIP-02", *GIVEN_UP, *next_call()) == {Verdict.PASS}
    redirected = GONE.replace("487 Gone", "302 Moved"), GIVEN_UP[4]
    assert found("SIP-02", CALL[0], *redirected, *next_call(party="guard")) == {Verdict.PASS}
    assert found("SIP-02", CALL[0], *CALL) == {Verdict.PASS}


def test_an_invite_that_crosses_its_answer_is_no_further_call():
    tried_again = next_call()
    assert found("SIP-02", *GIVEN_UP, *tried_again, tried_again[0]) == {Verdict.PASS}


LOST = (0, CALLED[0]), (0.1, TAKEN)


def test_an_answer_whose_ack_is_lost_is_sent_again():
    assert of("SIP-17", at(*LOST, (3.4, ACK))) == {Verdict.FAIL}
    assert of("SIP-17", at(*LOST, (2.9, TAKEN), (3.4, ACK))) <= {Verdict.PASS}


@pytest.mark.parametrize(
    "story",
    [
        (*LOST, (3.0, ACK)),
        LOST,
        (*LOST, (2.0, CALLED[3]), (2.1, CALLED[4]), (3.4, ACK)),
    ],
    ids=["in time", "nobody was there", "hung up"],
)
def test_an_answer_need_not_be_sent_again(story):
    assert Verdict.FAIL not in of("SIP-17", at(*story))


def test_new_settings_and_a_late_bench_excuse_an_answer_that_is_not_sent_again():
    timeline = at(*LOST, (3.4, ACK))
    timeline.append(Witness.BENCH, Configured(settings={}, accepted=True), START + 1)
    assert of("SIP-17", timeline) == set()
    timeline = at(*LOST, (3.4, ACK))
    late = BenchLate(begun=START, length=3.4, late=3.3, causes={"event loop": 3.3})
    timeline.append(Witness.LATENESS, late, START + 3.4)
    assert Verdict.FAIL not in of("SIP-17", timeline)


@pytest.mark.parametrize(("row", "place"), [("SIP-06", 2), ("SIP-07", 4)])
def test_a_cancel_and_the_ack_of_a_refusal_have_the_via_of_their_invite(row, place):
    """RFC 3261 §9.1, §17.1.1.3: the topmost one, sent-by included."""
    story = [*GIVEN_UP]
    story[place] = story[place].replace("UDP 192.0.2.30", "UDP 192.0.2.31")
    assert problems(row, *story) == ["another Via than its INVITE has"]


@pytest.mark.parametrize(("row", "place"), [("SIP-06", 2), ("SIP-07", 4)])
@pytest.mark.parametrize("other", ["UDP 192.0.2.30:5060", "UDP 192.0.2.30 ;keep;x=1", "udp 192.0.2.30"])
def test_a_via_is_known_by_its_branch_and_sent_by_however_it_is_written(row, place, other):
    """RFC 3261 §17.2.3: other parameters, and a port that is the usual one, make it no other Via."""
    story = [*GIVEN_UP]
    story[place] = story[place].replace("UDP 192.0.2.30", other)
    assert problems(row, *story) == []
