"""What is one call, and what came of it."""

import pytest

from intercom_hil.judge.calls import calls
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from tests.judge.story import START, Story


def refused_and_offered_anew(call):
    story = Story().press()
    story.sip("INVITE", "device", "pbx", call="c", to_tag="", profile="RTP/SAVP", keys=True)
    story.sip("INVITE", "pbx", "device", status=488, call="c")
    story.sip("INVITE", "device", "pbx", call=call, cseq=2, to_tag="", profile="RTP/AVP")
    story.sip("ACK", "device", "pbx", call="c")
    story.sip("INVITE", "pbx", "device", status=488, call="c")
    story.sip("INVITE", "pbx", "device", status=200, call=call, cseq=2, profile="RTP/AVP")
    story.sip("ACK", "device", "pbx", call=call, cseq=2)
    story.sip("BYE", "pbx", "device", call=call, cseq=1)
    story.sip("BYE", "device", "pbx", call=call, cseq=1, status=200)
    return calls(story.timeline)


def summary(call):
    return call.status, call.established, call.bye_by_remote, len(call.messages)


def test_an_offer_that_is_tried_otherwise_is_another_call_with_the_same_call_id_or_another():
    """RFC 3261 §8.1.3.5: the new request SHOULD have the Call-ID of the previous one."""
    for call in ("c", "d"):
        first, second = refused_and_offered_anew(call)
        assert summary(first) == (488, False, False, 4)
        assert summary(second) == (200, True, True, 5)


def test_a_challenge_belongs_to_the_call_that_it_delays():
    story = Story().sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP")
    story.sip("INVITE", "pbx", "device", status=401)
    story.sip("ACK", "device", "pbx")
    story.sip("INVITE", "device", "pbx", cseq=2, to_tag="", profile="RTP/AVP")
    story.sip("INVITE", "pbx", "device", status=486, cseq=2)
    (call,) = calls(story.timeline)
    assert summary(call) == (486, False, False, 5)


def test_an_invite_that_is_sent_again_is_the_same_call():
    story = Story()
    for _ in range(3):
        story.sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP")
    story.sip("INVITE", "pbx", "device", status=486).sip("INVITE", "device", "pbx", to_tag="")
    assert [summary(call) for call in calls(story.timeline)] == [(486, False, False, 5)]


def test_a_call_that_two_have_taken_goes_on_while_one_of_them_is_left():
    """RFC 3261 §13.2.2.4: a device acknowledges both, and ends one of the two at once."""
    story = Story().sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP")
    for tag in "ab":
        story.sip("INVITE", "pbx", "device", status=200, to_tag=tag, profile="RTP/AVP")
        story.sip("ACK", "device", "pbx", to_tag=tag)
    story.sip("BYE", "device", "pbx", to_tag="a", cseq=2)
    (call,) = calls(story.timeline)
    assert (call.established, call.bye, call.over) == (True, None, float("inf"))
    story.sip("BYE", "device", "pbx", to_tag="b", cseq=2)
    (call,) = calls(story.timeline)
    assert call.bye is not None
    assert call.bye_by_device


def come_by_two_ways(*answers):
    """A call that a proxy has forked: both branches lead to the device. Its answers: status and branch."""
    story = Story()
    for branch in ("first", "second"):
        story.sip("INVITE", "pbx", "device", to_tag="", profile="RTP/AVP", branch=branch)
    for status, branch in answers:
        profile = "RTP/AVP" if status < 300 else None
        story.sip("INVITE", "device", "pbx", status=status, branch=branch, profile=profile)
    story.sip("ACK", "pbx", "device", branch="first")
    return story


@pytest.mark.parametrize("second", [482, 486])
def test_an_invite_that_comes_by_two_ways_is_taken_once(second):
    """RFC 3261 §8.2.2.2: a merged request is refused with 482, whatever comes of the other."""
    story = come_by_two_ways((second, "second"), (200, "first"))
    (call,) = calls(story.timeline)
    assert (call.established, call.status) == ((True, 200) if second == 482 else (False, 486))


def test_an_invite_that_is_turned_down_for_a_loop_is_turned_down():
    (call,) = calls(come_by_two_ways((482, "first")).timeline)
    assert (call.status, call.refused) == (482, True)


def test_the_log_of_a_call_that_came_by_two_ways_has_its_cause():
    story = come_by_two_ways((482, "second"), (200, "first")).event("incoming_call_received")
    story.bye("pbx").event("incoming_call_remote_hangup")
    found = monitor(story.timeline, START + 60, START + 60, only=["agreement"])
    assert {judgement.requirement for judgement in found if judgement.verdict is Verdict.FAIL} == set()


def tried_at_two_servers(first, *, then=200, branch="second", placed=True):
    """A call that one server answers with a status, and that is made again, under a branch."""
    ends = ("device", "pbx") if placed else ("pbx", "device")
    story = Story().press().event("outgoing_call_initiated")
    for status, name in ((first, "first"), (then, branch)):
        story.sip("INVITE", *ends, to_tag="", profile="RTP/AVP", branch=name)
        profile = "RTP/AVP" if status < 300 else None
        story.sip("INVITE", *ends[::-1], status=status, profile=profile, branch=name)
        story.sip("ACK", *ends, branch=name)
    return story


def test_the_next_server_is_tried_with_the_same_number():
    """RFC 3263 §4.3: after 503 the same request, but for its branch, goes to the next server."""
    story = tried_at_two_servers(503).event("outgoing_call_established")
    assert [summary(call)[:2] for call in calls(story.timeline)] == [(503, False), (200, True)]
    late = tried_at_two_servers(503, then=180)
    late.sip("INVITE", "pbx", "device", status=503, branch="first")
    assert [call.status for call in calls(late.timeline)] == [503, 0], "the 503 comes once more"
    found = monitor(story.timeline, START + 60, START + 60, only=["agreement"])
    assert {judgement.requirement for judgement in found if judgement.verdict is Verdict.FAIL} == set()


@pytest.mark.parametrize(
    "story",
    [
        tried_at_two_servers(486),
        tried_at_two_servers(503, branch="first"),
        tried_at_two_servers(503, placed=False),
    ],
)
def test_no_other_status_and_no_copy_is_another_try(story):
    (call,) = calls(story.timeline)
    assert (call.accepted, call.established) == (False, False)
