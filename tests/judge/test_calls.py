"""What is one call, and what came of it."""

from intercom_hil.judge.calls import calls
from tests.judge.story import Story


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
