"""A device whose SIP is on stays registered, and one that is refused leaves the server in peace."""

import pytest

from intercom_hil.registrations.registering import (
    hammering,
    kept_registered,
    not_asked_again,
    polled,
    polled_too_often,
)
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, InstrumentLost, SipMessageSeen
from tests.judge.story import START, Story

LATER = START + 60


def configured(story, **settings):
    content = Configured(settings=settings, accepted=True)
    story.timeline.append(Witness.PORTAL, content, story._time())
    return story


def registers(story, cseq, *, lasting=60, listed=True, transport="UDP", flow="", of="sip:d@s"):
    """The device sends a REGISTER, and gets its answer."""
    own = f';+sip.instance="<urn:uuid:0>";reg-id={flow}' if flow else ""
    contact = f"Contact: <sip:d@127.0.0.30>;expires={lasting}{own}\r\n"
    common = (
        "Via: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bK{0}\r\nFrom: <sip:d@s>;tag=1\r\nTo: <sip:d@s>;tag=2\r\n"
    )
    common = common.format(cseq) + f"Call-ID: r{flow}\r\nCSeq: {cseq} REGISTER\r\n"
    for status, contacts in ((None, contact), (200, contact if listed else "")):
        first = "SIP/2.0 200 OK" if status else "REGISTER sip:s SIP/2.0"
        ends = {"sender": "pbx", "receiver": "device"} if status else {"sender": "device", "receiver": "pbx"}
        content = SipMessageSeen(
            source="127.0.0.1:1",
            destination="127.0.0.1:2",
            transport=transport,
            method="REGISTER",
            status=status,
            call_id=f"r{flow}",
            cseq=cseq,
            branch=f"z9hG4bK{cseq}",
            from_uri="sip:d@s",
            to_uri=of,
            raw=f"{first}\r\n{common}{contacts}Content-Length: 0\r\n\r\n",
            **ends,
        )
        story.timeline.append(Witness.WIRE, content, story._time())
    return story


def begun():
    return registers(configured(Story(), enabled=True), 1)


def taken_back(story, at=5):
    return registers(story.at(at), 2, lasting=0, listed=False)


def rows(story, settled=LATER):
    return {finding.requirement for finding in kept_registered(story.timeline, settled)}


def test_a_registration_that_is_taken_back_for_no_reason():
    assert rows(begun()) == set()
    assert rows(taken_back(begun())) == {"REG-01"}


def test_a_scenario_goes_on_while_it_may_yet_be_asked_for_again():
    assert [o.content.status for o, _ in not_asked_again(taken_back(begun()).timeline)] == [200]
    assert list(not_asked_again(registers(taken_back(begun()).at(6), 3).timeline)) == []
    assert list(not_asked_again(begun().timeline)) == []


def test_it_may_begin_afresh():
    assert rows(registers(taken_back(begun()).at(6), 3)) == set()
    assert rows(registers(taken_back(begun()).at(30), 3)) == {"REG-01"}


def test_nothing_is_said_where_there_may_be_a_reason():
    assert rows(taken_back(configured(Story(), enabled=True))) == set()  # not registered yet
    assert rows(taken_back(configured(begun().at(4), enabled=False))) == set()
    assert rows(taken_back(configured(begun().at(4), enabled=True))) == set()
    assert rows(configured(taken_back(begun()), enabled=True)) == set()
    assert rows(taken_back(begun()), settled=START + 6) == set()
    restarted = taken_back(begun())
    lost = InstrumentLost(instrument="device", problem="it restarted", blame="device")
    restarted.timeline.append(Witness.BENCH, lost, restarted._time())
    assert rows(restarted) == set()


def test_another_contact_that_is_still_there():
    assert rows(registers(begun().at(5), 2, lasting=0, listed=True)) == set()


def tries(story, count, *, each=0.2, status=403, credentials=True):
    """The device tries to register so many times, and is refused."""
    begun = story.clock
    shown = 'Authorization: Digest username="d", realm="s", nonce="n", uri="sip:s", response="0"\r\n'
    for number in range(1, count + 1):
        story.at(begun + number * each)
        common = f"Via: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bK{number}\r\nFrom: <sip:d@s>;tag=1\r\n"
        common += f"To: <sip:d@s>\r\nCall-ID: r\r\nCSeq: {number} REGISTER\r\n"
        for first, sender, receiver, more in (
            ("REGISTER sip:s SIP/2.0", "device", "pbx", shown if credentials else ""),
            (f"SIP/2.0 {status} No", "pbx", "device", ""),
        ):
            content = SipMessageSeen(
                source="127.0.0.1:1",
                destination="127.0.0.1:2",
                transport="UDP",
                method="REGISTER",
                status=status if sender == "pbx" else None,
                call_id="r",
                cseq=number,
                from_uri="sip:d@s",
                to_uri="sip:d@s",
                sender=sender,
                receiver=receiver,
                raw=f"{first}\r\n{common}{more}Content-Length: 0\r\n\r\n",
            )
            story.timeline.append(Witness.WIRE, content, story._time())
    return {finding.requirement for finding in hammering(story.timeline)}


@pytest.mark.parametrize("status", [401, 403, 407])
def test_who_is_refused_leaves_the_server_in_peace(status):
    assert tries(Story(), 10, status=status) == {"REG-02"}
    assert tries(Story(), 5, status=status) == set()
    assert tries(Story(), 10, status=status, each=1) == set()
    refused = {"REG-02"} if status == 403 else set()  # a challenge asks for credentials
    assert tries(Story(), 10, status=status, credentials=False) == refused


@pytest.mark.parametrize("status", [404, 500, 503, 603])
def test_a_server_that_is_overloaded_is_not_asked_time_after_time(status):
    for credentials in (True, False):
        assert tries(Story(), 10, status=status, credentials=credentials) == {"REG-02"}
        assert tries(Story(), 5, status=status, credentials=credentials) == set()
        assert tries(Story(), 10, status=status, credentials=credentials, each=1) == set()


def test_a_server_that_takes_the_next_one_is_not_hammered():
    story = Story()
    tries(story, 5, status=503)
    assert tries(registers(story, 9), 5, status=503) == set()


def polls(*times, interval=5, transport="UDP", settled=LATER, **settings):
    """The device asks at these times after its settings."""
    story = configured(Story(), enabled=True, polling_interval=interval, **settings)
    for number, at in enumerate(times, 1):
        registers(story.at(at), number, transport=transport)
    return {finding.requirement for finding in polled(story.timeline, settled)}


def test_a_check_is_followed_by_the_next_one():
    assert polls(*range(0, 60, 5)) == set()
    assert polls(0, 5, 10) == {"REG-03"}
    assert polls(0, 5, 14, 23) == {"REG-03"}  # 5 s, a tenth, 0.5 s, and 3 s: within 9 s
    assert polls(0, 5, 14, settled=START + 22) == set()
    assert polls(0, 5, 14.3, settled=START + 22) == {"REG-03"}


def test_of_checks_nothing_is_said_where_there_may_be_a_reason():
    assert polls(0, interval=3600) == set()
    assert polls(0, transport="TCP") == set()
    assert polls() == set()
    off = configured(registers(configured(Story(), enabled=True, polling_interval=5), 1), enabled=False)
    assert list(polled(off.timeline, LATER)) == []
    unanswered = registers(configured(Story(), enabled=True, polling_interval=5), 1)
    unanswered.at(5).sip("REGISTER", "device", "pbx", call="r", cseq=2, to_tag="")
    assert list(polled(unanswered.timeline, LATER)) == []
    lost = InstrumentLost(instrument="device", problem="it restarted", blame="device")
    restarted = registers(configured(Story(), enabled=True, polling_interval=5), 1)
    restarted.timeline.append(Witness.BENCH, lost, restarted._time())
    assert list(polled(restarted.timeline, LATER)) == []
    left = taken_back(registers(configured(Story(), enabled=True, polling_interval=5), 1))
    assert {f.observations[0].time for f in polled(left.timeline, LATER)} == {START + 0.03}


def test_a_check_before_the_polling_interval_is_known_is_passed_by():
    story = registers(configured(Story(), enabled=True), 1)
    assert list(polled(story.timeline, LATER)) == []
    registers(configured(story.at(10), enabled=True, polling_interval=5).at(30), 2)
    assert [f.observations[0].time for f in polled(story.timeline, LATER)] == [START + 30.02]


def test_new_settings_are_tried_at_once():
    story = Story()
    tries(story, 5)
    assert tries(configured(story, enabled=True), 5) == set()


def renews(gap, *, interval=3600, lasting=3600, transport="UDP", between=None):
    """The device registers, and again after so many seconds."""
    story = registers(configured(Story(), enabled=True, polling_interval=interval), 1, lasting=lasting)
    if between is not None:
        between(story.at(gap / 2))
    registers(story.at(gap), 2, lasting=lasting, transport=transport)
    return {finding.requirement for finding in polled_too_often(story.timeline)}


def test_a_registration_is_not_renewed_long_before_it_ends():
    assert renews(60) == {"CFG-05"}
    assert renews(890) == {"CFG-05"}
    assert renews(910) == set()
    assert renews(3600) == set()
    assert renews(4) == set()  # to say where it is


def test_what_was_granted_counts_as_well():
    assert renews(60, lasting=120) == set()
    assert renews(25, lasting=120) == {"CFG-05"}
    assert renews(25, interval=60) == set()


def test_of_a_polling_interval_that_is_not_known_nothing_is_said():
    for story in (Story(), configured(Story(), enabled=True)):
        registers(registers(story, 1).at(10), 2)
        assert list(polled_too_often(story.timeline)) == []


def test_there_may_be_a_reason_to_renew_it_soon():
    assert renews(60, transport="TCP") == set()
    assert renews(60, between=lambda story: configured(story, enabled=True)) == set()
    assert renews(60, between=lambda story: story.placed(status=503)) == set()
    assert renews(60, between=lambda story: story.placed(status=401)) == {"CFG-05"}
    assert renews(60, between=lambda story: story.taken(status=486)) == {"CFG-05"}
    lost = InstrumentLost(instrument="device", problem="it restarted", blame="device")
    restarts = lambda story: story.timeline.append(Witness.BENCH, lost, story._time())  # noqa: E731
    assert renews(60, between=restarts) == set()


def test_each_flow_has_its_own_interval():
    """RFC 5626 §4.2: two flows of one device, by two ways, are renewed apart. So are two addresses."""
    for second in ({"flow": "2"}, {"of": "sip:other@s"}):
        first = {"flow": "1"} if "flow" in second else {}
        story = configured(Story(), enabled=True, polling_interval=3600)
        for second_of_story, which in ((0, first), (600, second), (3000, first), (3600, second)):
            registers(story.at(second_of_story), int(second_of_story / 600) + 1, lasting=3600, **which)
        assert list(polled_too_often(story.timeline)) == []
        registers(story.at(3700), 9, lasting=3600, **second)
        (found,) = polled_too_often(story.timeline)
        assert [o.time for o in found.observations] == [START + 3600.02, START + 3700.01]
