"""A lawful request that the bench's own PBX cannot read is not held against the device."""

import pytest
from story import START

from intercom_hil.judge.rules import InOrder, Measured, Occurs
from intercom_hil.judge.unanswered import ignored
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline import vocabulary as said
from intercom_hil.timeline.observation import Configured, StationSaid
from intercom_hil.timeline.sip_content import sip_content

HOSTS = {"192.0.2.21": "3410", "192.0.2.30": "device", "192.0.2.10": "pbx", "192.0.2.11": "proxy"}
DESK = ("192.0.2.21", 5070)
DEVICE, PBX, PROXY = ("192.0.2.30", 5060), ("192.0.2.10", 5060), ("192.0.2.11", 5060)
HEAD = (
    "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1\r\nFrom: Front\r\n Door <sip:1@a>;tag=x\r\n"
    "To: <sip:1@a>\r\nCall-ID: c\r\n"
)


def configured_timeline(transport="UDP"):
    timeline = Timeline()
    settings = {"transport": transport, "server_port": 5060, "call_number": "sip:3410@192.0.2.21:5070"}
    timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    return timeline


def sent_twice(*before):
    """A REGISTER at 1 s and again at 1.5 s, which nobody answers, after others by these transports."""
    timeline = configured_timeline()
    script = [(0.5, transport) for transport in before] + [(1.0, "UDP"), (1.5, "UDP")]
    for time, transport in script:
        data = f"REGISTER sip:192.0.2.10 SIP/2.0\r\n{HEAD}CSeq: 1 REGISTER\r\n\r\n".encode()
        content = sip_content(data, DEVICE, PBX, transport, lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + time)
    return timeline


def outcome(*, at=1.0, answered=False, version="SIP/2.0", until=4.0, transport="UDP"):
    timeline = configured_timeline(transport)

    def add(start, source, destination, time):
        data = f"{start}\r\n{HEAD}CSeq: 1 REGISTER\r\n\r\n".encode()
        content = sip_content(data, source, destination, "UDP", lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + time)

    for time in (at, at + 0.5):
        add(f"REGISTER sip:192.0.2.10 {version}", DEVICE, PBX, time)
    if answered:
        add("SIP/2.0 401 Unauthorized", PBX, DEVICE, at + 0.6)
    rule = Occurs(pattern=said.registered(), after=START, until=START + until)
    return rule.evaluate(timeline, START)


def test_what_a_readable_request_without_an_answer_was_to_bring_about_is_left_open():
    found = outcome()
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "not answered by the bench" in found.seen
    assert found.observations == (1,)


@pytest.mark.parametrize(
    "otherwise",
    [{"answered": True}, {"version": "sip/2.0"}, {"at": 3.5}, {"transport": "TLS"}],
    ids=[
        "it was answered",
        "it departs from the grammar",
        "there was no time to answer it",
        "another transport",
    ],
)
def test_otherwise_it_is_the_devices(otherwise):
    assert outcome(**otherwise).verdict is Verdict.FAIL


@pytest.mark.parametrize(("again", "verdict"), [(True, Verdict.INCONCLUSIVE), (False, Verdict.FAIL)])
def test_one_first_sent_during_an_outage_and_again_after_it_is_left_open(again, verdict):
    since = START + (1.2 if again else 1.7)
    rule = Occurs(pattern=said.registered(), after=since, until=START + 5)
    assert rule.evaluate(sent_twice(), START).verdict is verdict


@pytest.mark.parametrize(
    ("value", "unit", "verdict"),
    [
        (2.5, "s", Verdict.INCONCLUSIVE),
        (1.0, "s", Verdict.FAIL),
        (2.5, "dBov", Verdict.FAIL),
    ],
)
def test_a_time_in_which_a_request_was_left_unanswered_may_be_too_long(value, unit, verdict):
    """A REGISTER at 1 s that nobody answers; what is measured ends at 3 s, or began after the request."""
    timeline = sent_twice()
    end = timeline.append(Witness.STATION, StationSaid(station="3410", text="EV x"), START + 3.0)
    rule = Measured(name="time", unit=unit, value=value, high=0.5, observations=(end.seq,))
    assert rule.evaluate(timeline, START).verdict is verdict
    early = Measured(name="time", unit=unit, value=value, low=5.0, observations=(end.seq,))
    assert early.evaluate(timeline, START).verdict is Verdict.FAIL


def test_one_that_went_elsewhere_before_it_hides_nothing():
    (found,) = ignored(sent_twice("TLS"), START, START + 4)
    assert found.time == START + 1.0


@pytest.mark.parametrize(("since", "verdict"), [(0.0, Verdict.INCONCLUSIVE), (1.7, Verdict.FAIL)])
def test_what_never_came_in_an_order_may_be_for_a_request_left_unanswered(since, verdict):
    patterns = (said.registration(), said.registered())
    rule = InOrder(patterns=patterns, after=START + since, until=START + 4)
    assert rule.evaluate(sent_twice(), START).verdict is verdict


def by_proxy(*relayed):
    """Judge whether the device showed the server its credentials behind a proxy that passed on an INVITE."""
    timeline = Timeline()
    settings = {"transport": "UDP", "proxy": {"address": PROXY[0], "port": PROXY[1]}}
    timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    invite, trying = "INVITE sip:1@192.0.2.10 SIP/2.0", "SIP/2.0 100 Trying"
    for start, source, destination in ((invite, DEVICE, PROXY), (trying, PROXY, DEVICE), *relayed):
        data = f"{start}\r\n{HEAD}CSeq: 1 INVITE\r\n\r\n".encode()
        content = sip_content(data, source, destination, "UDP", lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + 1)
    shown = said.with_credentials(said.invite(sender=said.DEVICE), "Authorization", username="1")
    return Occurs(pattern=shown, after=START, until=START + 4).evaluate(timeline, START).verdict


def test_a_request_that_the_pbx_does_not_answer_behind_the_proxy_is_left_open():
    passed_on = ("INVITE sip:1@192.0.2.10 SIP/2.0", PROXY, PBX)
    assert by_proxy(passed_on) is Verdict.INCONCLUSIVE


def test_one_that_was_challenged_behind_the_proxy_is_the_devices():
    passed_on = ("INVITE sip:1@192.0.2.10 SIP/2.0", PROXY, PBX)
    assert by_proxy(passed_on, ("SIP/2.0 401 Unauthorized", PBX, PROXY)) is Verdict.FAIL
    assert by_proxy() is Verdict.FAIL


def called(*, said=(), answer=None, dialled="sip:3410@192.0.2.21:5070", numbers=(1,)):
    timeline = configured_timeline()
    for number in numbers:
        data = f"INVITE {dialled} SIP/2.0\r\n{HEAD}CSeq: {number} INVITE\r\n\r\n".encode()
        content = sip_content(data, DEVICE, DESK, "UDP", lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + 1)
    for text in said:
        timeline.append(Witness.STATION, StationSaid(station="3410", text=text), START + 1.1)
    if answer:
        content = sip_content(answer, DESK, DEVICE, "UDP", lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + 1.2)
    heard = said_sound()
    return Occurs(pattern=heard, after=START, until=START + 4).evaluate(timeline, START).verdict


def said_sound():
    return said.sound(sender="device", receiver="3410", protection="plain")


def test_a_station_that_could_not_read_a_call_leaves_open_what_was_to_come_of_it():
    assert called() is Verdict.INCONCLUSIVE


def test_a_call_that_goes_elsewhere_than_the_settings_say_is_the_devices():
    assert called(dialled="sip:3410@192.0.2.21:5060") is Verdict.FAIL
    assert called(dialled="sip:3410@192.0.2.21") is Verdict.FAIL


def test_a_station_that_read_the_call_and_means_to_ignore_it_leaves_the_rest_to_the_device():
    assert called(said=["EV INVITE callid=c profile=RTP/AVP from=x"]) is Verdict.FAIL


@pytest.mark.parametrize(("arrived", "verdict"), [(1, Verdict.INCONCLUSIVE), (2, Verdict.FAIL)])
def test_a_call_tried_otherwise_with_the_same_call_id_has_to_arrive_as_well(arrived, verdict):
    said = ["EV INVITE callid=c profile=RTP/AVP from=x", "EV REFUSED callid=c status=488"] * arrived
    assert called(said=said, numbers=(1, 2, 2)) is verdict


def test_an_answer_of_a_station_that_nobody_can_read_is_no_answer():
    arrived = ["EV INVITE callid=c profile=RTP/AVP from=x"]
    assert called(said=arrived, answer=b"SIP/2.0 488 No\r\nTo: <sip:1@a>\r\n\r\n") is Verdict.INCONCLUSIVE


def taken(
    *,
    branch="z9hG4bK1",
    version="SIP/2.0",
    acknowledged=False,
    contact="Contact: <sip:2@192.0.2.30>\r\n",
    within="",
    status="200 OK",
):
    """Judge what was to come of a call that the device took, and that its caller left unacknowledged.

    ``within`` is the tag of the dialog in which the caller sent the INVITE, as a new offer.
    """
    timeline = configured_timeline()
    who = "From: <sip:3410@a>;tag=x\r\nTo: <sip:1@a>{tag}\r\nCall-ID: c\r\n"

    def add(start, source, destination, time, tag="", via="z9hG4bK1", more="", method="INVITE"):
        head = f"{start}\r\nVia: SIP/2.0/UDP 192.0.2.21;branch={via}\r\n{who.format(tag=tag)}{more}"
        data = f"{head}CSeq: 1 {method}\r\n\r\n".encode()
        content = sip_content(data, source, destination, "UDP", lambda host, _: HOSTS[host])
        timeline.append(Witness.WIRE, content, START + time)

    add("INVITE sip:1@192.0.2.30 SIP/2.0", DESK, DEVICE, 1, tag=within)
    for time in (1.1, 1.6):
        add(f"{version} {status}", DEVICE, DESK, time, tag=";tag=y", via=branch, more=contact)
    if acknowledged:
        add("ACK sip:2@192.0.2.30 SIP/2.0", DESK, DEVICE, 1.7, tag=";tag=y", via="z9hG4bK2", method="ACK")
    return Occurs(pattern=said_sound(), after=START, until=START + 4).evaluate(timeline, START).verdict


@pytest.mark.parametrize("within", ["", ";tag=y"])
def test_a_readable_answer_that_the_caller_does_not_acknowledge_leaves_open_what_was_to_come_of_it(within):
    assert taken(within=within) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("status", ["300 Choices", "486 Busy"])
def test_a_refusal_needs_no_contact_to_be_acknowledged(status):
    assert taken(status=status, contact="") is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "otherwise",
    [{"acknowledged": True}, {"branch": "z9hG4bK7"}, {"version": "sip/2.0"}, {"contact": ""}],
    ids=["it was acknowledged", "it answers no request", "it departs from the grammar", "it has no Contact"],
)
def test_an_answer_that_is_not_as_it_must_be_is_the_devices(otherwise):
    assert taken(**otherwise) is Verdict.FAIL


PLACES = HOSTS | {"192.0.2.22": "3411", "192.0.2.11": "proxy"}


def left_open(method, uri, destination):
    """Whether a request that nobody answered, sent to a place, is held against nobody."""
    timeline = Timeline()
    further = ["sip:3411@192.0.2.22", "sip:9@192.0.2.99", "sip:8@192.0.2.11", "?"]
    settings = {"transport": "UDP", "server_port": 5060, "call_number": "sip:3410@192.0.2.21:5070"}
    settings["further_numbers"] = further
    timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    data = f"{method} {uri} SIP/2.0\r\n{HEAD}CSeq: 1 {method}\r\n\r\n".encode()
    content = sip_content(data, DEVICE, destination, "UDP", lambda host, _: PLACES.get(host, host))
    timeline.append(Witness.WIRE, content, START + 1)
    return bool(ignored(timeline, START, START + 9))


@pytest.mark.parametrize(
    ("method", "uri", "destination", "open_"),
    [
        ("REGISTER", "sip:192.0.2.10", PBX, True),
        ("REGISTER", "sip:192.0.2.10", ("192.0.2.10", 5061), False),
        ("OPTIONS", "sip:192.0.2.22", ("192.0.2.22", 5060), False),
        ("ACK", "sip:192.0.2.10", PBX, False),
        ("INVITE", "sip:3410@192.0.2.21:5070", DESK, True),
        ("INVITE", "sip:3411@192.0.2.22", ("192.0.2.22", 5060), True),
        ("INVITE", "sip:3411@192.0.2.22", ("192.0.2.22", 5061), False),
        ("INVITE", "sip:3412@192.0.2.21:5070", DESK, False),
        ("INVITE", "3410", DESK, False),
        ("BYE", "sip:3410@192.0.2.21:5070", DESK, False),
        ("INVITE", "sip:9@192.0.2.99", ("192.0.2.99", 5060), False),  # a host that is no party of the bench
        ("INVITE", "sip:8@192.0.2.11", ("192.0.2.11", 5060), False),
    ],
)
def test_a_request_is_held_against_nobody_where_the_settings_send_it(method, uri, destination, open_):
    assert left_open(method, uri, destination) is open_


@pytest.mark.parametrize(
    ("source", "data", "counts"),
    [
        (PBX, b"SIP/2.0 200 OK\r\n\r\n", True),
        (DESK, b"SIP/2.0 200 OK\r\n\r\n", True),
        (("192.0.2.11", 5060), b"SIP/2.0 200 OK\r\n\r\n", False),
        (PBX, b"OPTIONS sip:a SIP/2.0\r\n\r\n", False),
    ],
)
def test_an_answer_that_nobody_can_read_counts_from_the_bench_s_parties(source, data, counts):
    timeline = Timeline()
    content = sip_content(data, source, DEVICE, "UDP", lambda host, _: PLACES[host])
    timeline.append(Witness.WIRE, content, START + 1)
    assert [o.seq for o in ignored(timeline, START + 1, START + 1)] == ([0] if counts else [])
    assert ignored(timeline, START + 1.1, START + 2) == ignored(timeline, START, START + 0.9) == []
