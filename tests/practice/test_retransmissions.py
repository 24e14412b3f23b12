"""What comes again though answered (SIP-13, SIP-16), and what does not though nothing comes back (SIP-17)."""

import pytest

from intercom_hil.practice.practice import practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import BenchLate, Configured, OutputChanged
from intercom_hil.timeline.sip_content import sip_content
from tests.practice.test_practice import (
    BYE,
    BYE_OK,
    CALLED,
    CANCEL,
    CONTACT,
    DEVICE,
    INVITE,
    LATER,
    OK,
    PBX,
    REGISTER,
    REQUEST,
    RINGING,
    START,
    headers,
    name_of,
)

REGISTERED = f"< SIP/2.0 200 OK\n{headers('1 REGISTER', 'r1', call='r')}"
CANCEL_OK = f"< SIP/2.0 200 OK\n{headers('1 CANCEL', '1')}"
REFUSED = f"< SIP/2.0 480 Gone\n{headers('1 INVITE', '1', tags=('a', 'b'))}"
NEXT = (
    f"> INVITE sip:guard@192.0.2.10 SIP/2.0\n"
    f"{headers('1 INVITE', 'n', call='n', more=f'{REQUEST}{chr(10)}{CONTACT}')}"
)


def at(*script, transport="UDP", port=5060):
    """A timeline of messages at these times (s)."""
    timeline = Timeline()
    timeline.opened = START
    for seconds, text in script:
        ours = text.startswith(">")
        head, _, body = text[1:].lstrip().partition("\n\n")
        lines = [*head.split("\n"), *(["Content-Type: application/sdp"] if body else [])]
        payload = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
        ends = ((DEVICE[0], port), PBX) if ours else (PBX, (DEVICE[0], port))
        timeline.append(Witness.WIRE, sip_content(payload, *ends, transport, name_of), START + seconds)
    return timeline


def of(row, timeline):
    """The verdicts on one row."""
    return {finding.verdict for finding in practice(timeline, LATER) if finding.requirement == row}


@pytest.mark.parametrize(
    ("request_", "response"),
    [(BYE, BYE_OK), (CANCEL, CANCEL_OK), (REGISTER, REGISTERED), (INVITE, RINGING), (INVITE, OK)],
    ids=["BYE", "CANCEL", "REGISTER", "INVITE that rings", "INVITE"],
)
@pytest.mark.parametrize("copies", [(0.5, 1.5), (0.6, 0.75)])
def test_two_copies_of_what_is_answered_are_too_many(request_, response, copies):
    script = [(0, request_), (0.02, response)]
    for again in copies:
        script += [(again, request_), (again + 0.002, response)]
    assert of("SIP-16", at(*script)) == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("copies", "verdict"),
    [
        ((0.5, 1.5), Verdict.FAIL),
        ((0.5,), Verdict.PASS),  # one ACK may get lost
        ((0.1, 0.2), Verdict.PASS),  # they cross it
    ],
)
def test_a_2xx_is_sent_again_until_it_is_acknowledged(copies, verdict):
    invite, taken, ack = CALLED[:3]
    script = [(0, invite), (0.01, taken), (0.15, ack)]
    for again in copies:
        script += [(again, taken), (again + 0.05, ack)]
    assert of("SIP-13", at(*sorted(script, key=lambda entry: entry[0]))) == {verdict}


def test_one_response_may_get_lost():
    script = [(0, BYE), (0.02, BYE_OK), (0.5, BYE), (0.52, BYE_OK)]
    assert of("SIP-16", at(*script)) <= {Verdict.PASS}


def test_copies_may_cross_the_response():
    script = [(0, BYE), (0.1, BYE), (0.3, BYE), (0.65, BYE_OK), (0.7, BYE), (0.72, BYE_OK)]
    assert of("SIP-16", at(*script)) <= {Verdict.PASS}


def test_a_provisional_response_ends_no_copies_but_those_of_an_invite():
    trying = f"< SIP/2.0 100 Trying\n{headers('2 BYE', '3', tags=('a', 'b'))}"
    script = [(0, BYE), (0.1, trying), (0.5, BYE), (1.5, BYE), (3.5, BYE), (3.6, BYE_OK)]
    assert of("SIP-16", at(*script)) <= {Verdict.PASS}


def test_a_device_of_a_bench_that_is_late_reads_a_response_late():
    script = [(0, BYE), (0.02, BYE_OK), (0.5, BYE), (0.52, BYE_OK), (1.5, BYE), (1.52, BYE_OK)]
    timeline = at(*script)
    late = BenchLate(begun=START, length=0.6, late=0.55, causes={"event loop": 0.55})
    timeline.append(Witness.LATENESS, late, START + 0.6)
    assert of("SIP-16", timeline) == {Verdict.PASS}


def test_over_a_connection_no_response_gets_lost():
    script = [(0, BYE), (0.02, BYE_OK), (0.5, BYE), (0.52, BYE_OK)]
    assert of("SIP-16", at(*script, transport="TCP")) == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("request_", "response"),
    [(INVITE, REFUSED), (REGISTER, REGISTERED), (BYE, BYE_OK)],
    ids=["INVITE", "REGISTER", "BYE"],
)
def test_what_nothing_comes_back_to_is_sent_again(request_, response):
    once = [(0, request_), (4, response)]
    assert of("SIP-17", at(*once)) == {Verdict.FAIL}
    assert of("SIP-17", at(once[0], (2.5, request_), once[1])) == {Verdict.PASS}


def test_what_is_answered_in_time_need_not_be_sent_again():
    assert of("SIP-17", at((0, BYE), (2.9, BYE_OK))) == set()


def test_of_what_nobody_was_there_to_hear_nothing_is_known():
    assert of("SIP-17", at((0, INVITE), (8, BYE), (8.1, BYE_OK))) == set()


@pytest.mark.parametrize(
    "between",
    [Configured(settings={}, accepted=True), OutputChanged(name="button", active=True, confirmed=True)],
)
def test_settings_and_presses_end_what_a_device_waits_for(between):
    timeline = at((0, INVITE), (4, REFUSED))
    timeline.append(Witness.BENCH, between, START + 1)
    assert of("SIP-17", timeline) == set()


def test_the_release_of_the_button_ends_nothing():
    timeline = at((0, INVITE), (4, REFUSED))
    timeline.append(Witness.BUTTON, OutputChanged(name="button", active=False, confirmed=True), START + 0.2)
    assert of("SIP-17", timeline) == {Verdict.FAIL}


def test_the_next_contact_ends_what_a_device_waits_for():
    assert of("SIP-17", at((0, INVITE), (2, NEXT), (4, REFUSED))) == set()


def test_over_a_connection_nothing_is_sent_again():
    script = [(0, REGISTER), (0.5, REGISTER), (0.6, REGISTERED)]
    assert of("SIP-17", at(*script)) == set()
    assert of("SIP-17", at(*script, transport="TLS")) == {Verdict.FAIL}
    assert of("SIP-17", at(*script[::2], transport="TLS")) == {Verdict.PASS}


def test_on_another_connection_a_request_may_come_again():
    timeline = at((0, REGISTER), transport="TCP")
    again = at((0.5, REGISTER), (0.6, REGISTERED), transport="TCP", port=5999)
    for observation in again:
        timeline.append(Witness.WIRE, observation.content, observation.time)
    assert of("SIP-17", timeline) == {Verdict.PASS}


@pytest.mark.parametrize(("transport", "rows"), [("UDP", set()), ("TCP", {Verdict.FAIL})])
def test_what_a_connection_does_not_take_may_go_over_udp(transport, rows):
    """RFC 3261 §18.1.1: a request that was too large is retried so, from the port that the device has."""
    story = Timeline()
    for observation in at((0, INVITE), (1, INVITE), (1.5, OK), transport="TCP"):
        content = observation.content
        if observation.time == START + 1:
            content = content.model_copy(update={"transport": transport})
        story.append(observation.witness, content, observation.time)
    assert of("SIP-17", story) & {Verdict.FAIL} == rows
