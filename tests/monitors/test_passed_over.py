"""No contact of a press is left out, unless the log says that it could not be called."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.passed_over import passed_over
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, DeviceEvent
from tests.judge.story import START, Story

LATER = START + 60
LIST = ("1", "2", "3", "sip:4@elsewhere")


def story(*entries, press=True, then=()):
    """A press, and what came after it: a number with a status, or a failure in the log by itself."""
    told = Story()
    settings = {"call_number": LIST[0], "further_numbers": list(LIST[1:]), "call_timeout": 1}
    told.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), told._time())
    if press:
        told.press()
    for number, entry in enumerate(entries):
        told.at(number + 1)
        if entry == "exhausted":
            told.event("outgoing_call_contact_failure")
        elif entry == "failure":
            told.event("outgoing_call_failure")
        else:
            _called(told, *entry, call=f"c{number}")
    for change in then:
        told.timeline.append(Witness.PORTAL, Configured(settings=change, accepted=True), told._time())
    return told


def _called(told, number, status, *, call):
    uri = number if ":" in number else f"sip:{number}@pbx"
    told.sip("INVITE", "device", "pbx", call=call, to_tag="", profile="RTP/AVP", uri=uri)
    answer = "RTP/AVP" if status == 200 else None
    told.sip("INVITE", "pbx", "device", status=status, call=call, profile=answer)
    told.sip("ACK", "device", "pbx", call=call)
    if status != 200:
        told.event("outgoing_call_failure")


def rows(told, settled=LATER):
    logged = [o for o in told.timeline if isinstance(o.content, DeviceEvent)]
    return {finding.requirement for finding in passed_over(told.timeline, logged, settled)}


@pytest.mark.parametrize(
    "entries",
    [
        [("1", 486), ("3", 200)],
        [("1", 486), ("2", 486), "exhausted"],
        [("1", 486), ("sip:4@elsewhere", 404), "exhausted"],
    ],
)
def test_a_contact_that_was_left_out(entries):
    assert rows(story(*entries)) == {"OUT-02"}


@pytest.mark.parametrize(
    "entries",
    [
        [("1", 486), ("2", 200)],
        [("1", 486), "failure", ("3", 200)],
        [("1", 486), ("2", 486), ("3", 486), ("sip:4@elsewhere", 486), "exhausted"],
        [("1", 486), ("2", 486), ("3", 486), "exhausted"],  # nobody was called elsewhere
        [("1", 488), ("1", 486), ("2", 200)],
        [("1", 486)],
        ["failure", "failure", ("3", 200)],
        [("3", 200)],  # whose log has no failures at all
        [("3", 486), "exhausted"],  # out of turn, which is another rule's affair
    ],
)
def test_nobody_was_left_out_as_far_as_can_be_known(entries):
    found = rows(story(*entries))
    assert found == set() or entries[0] == ("3", 486)


def test_it_can_be_asked_for_by_its_name():
    told = story(("1", 486), ("3", 200))
    found = monitor(told.timeline, LATER, LATER, {"passed over"})
    assert {judgement.requirement for judgement in found} == {"OUT-02"}


def test_nothing_is_said_where_the_list_has_changed_or_no_press_was_seen():
    left_out = [("1", 486), ("3", 200)]
    assert rows(story(*left_out, then=[{"call_number": "9"}])) == set()
    assert rows(story(*left_out, press=False)) == set()


def test_the_log_has_its_time():
    told = story(("1", 486), ("3", 486))
    assert rows(told, settled=START + 2.2) == set()
    assert rows(told) == {"OUT-02"}
