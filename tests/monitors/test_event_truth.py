"""What the log says of single calls is true: when, why, and that nothing failed that did not."""

import pytest

from intercom_hil.monitors.event_truth import event_truth
from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, DeviceEvent
from tests.judge.story import START, Story

LATER = START + 60
OFF, NOT_PERMITTED = "incoming calls off", "caller not permitted"


def rows(story):
    logged = [o for o in story.timeline if isinstance(o.content, DeviceEvent)]
    return {finding.requirement for finding in event_truth(story.timeline, logged, LATER)}


@pytest.mark.parametrize(
    ("lasts", "logged_at", "found"),
    [(10, 11, {"EVT-02"}), (10, 3, set()), (10, 9, set()), (2, 3, set())],
)
def test_an_established_call_is_logged_while_it_is_up(lasts, logged_at, found):
    story = Story().placed()
    if logged_at < lasts:
        story.at(logged_at).event("outgoing_call_established").at(lasts).bye("pbx")
    else:
        story.at(lasts).bye("pbx").at(logged_at).event("outgoing_call_established")
    assert rows(story) == found


@pytest.mark.parametrize("witness", [Witness.EVENT_LOG, Witness.PORTAL_PAGE])
def test_a_log_that_is_read_later_does_not_say_when_it_was_written(witness):
    story = Story().placed().at(10).bye("pbx").at(30).event("outgoing_call_established", witness=witness)
    assert rows(story) == set()


@pytest.mark.parametrize(
    ("settings", "caller", "reason", "found"),
    [
        ({"allow_incoming": True}, "sip:7@pbx", OFF, {"EVT-13"}),
        ({"allow_incoming": True}, "sip:7@pbx", NOT_PERMITTED, set()),
        ({"allow_incoming": False}, "sip:1@pbx", NOT_PERMITTED, {"EVT-13"}),
        ({"allow_incoming": False}, "sip:1@pbx", OFF, set()),
        ({"allow_incoming": False}, "sip:7@pbx", NOT_PERMITTED, set()),
        ({"allow_incoming": False}, "sip:7@pbx", OFF, set()),
        ({"allow_incoming": True}, "sip:7@pbx", "", set()),
        ({}, "sip:7@pbx", OFF, set()),
        ({"allow_incoming": True, "enabled": False}, "sip:7@pbx", OFF, set()),
    ],
)
def test_a_rejection_has_a_reason_that_there_was(settings, caller, reason, found):
    story = Story()
    content = Configured(settings={"permitted_callers": ["1"], **settings}, accepted=True)
    story.timeline.append(Witness.PORTAL, content, story._time())
    story.sip("INVITE", "pbx", "device", to_tag="", caller=caller, profile="RTP/AVP")
    story.sip("INVITE", "device", "pbx", status=403, caller=caller)
    story.event("incoming_call_rejected", failure=reason)
    assert rows(story) == found


def ended(*events, heard_until=5.0, by="pbx", ours_until=None, witness=Witness.CONSOLE):
    story = Story().taken().event("incoming_call_received").at(5).bye(by, call="c2")
    flow = {"flow": "f", "source": "1", "destination": "2", "sender": "pbx", "receiver": "device"}
    times = {"first": START, "last": START + heard_until, "packets": 100, "lost": 0, "jitter_ms": 0.0}
    kind = {"media": "audio", "payload_type": 8, "ssrc": 1, "protection": "plain", "call_id": "c2"}
    story.timeline.append(Witness.WIRE, MediaEnded(**flow, **times, **kind), story._time())
    if ours_until is not None:
        flow |= {"sender": "device", "receiver": "pbx"}
        times["last"] = START + ours_until
        story.timeline.append(Witness.WIRE, MediaEnded(**flow, **times, **kind), story._time())
    for name in events:
        story.event(name, witness=witness)
    return rows(story)


def test_a_call_that_was_hung_up_has_not_failed():
    both = ("incoming_call_remote_hangup", "incoming_call_failure")
    assert ended(*both) == {"EVT-11"}
    assert ended(*both[::-1]) == {"EVT-11"}
    assert ended(*both, heard_until=2.0) == set()  # it may have failed before
    assert ended(*both, heard_until=2.0, ours_until=5.0) == set()  # by the device: that it sent says nothing
    assert ended(*both, by="device") == set()
    assert ended(*both, witness=Witness.EVENT_LOG) == set()  # which does not say when
    assert ended("incoming_call_remote_hangup") == ended("incoming_call_failure") == set()
