"""What is one call, and what came of it."""

import pytest

from intercom_hil.judge.calls import calls
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, MediaLine
from tests.judge.story import START, Story
from tests.practice.test_practice import ANSWER, CALL, OFFER, described, told


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


SUITE = "AES_CM_128_HMAC_SHA1_80"


def audio(*formats, profile="RTP/AVP", port=4000, keys=False):
    suites = (SUITE,) if keys else ()
    given = {"profile": profile, "payload_types": formats, "crypto_suites": suites}
    return (MediaLine(media="audio", address="127.0.0.1", port=port, **given),)


def answered(offer, *answers, placed=True):
    """A call with that offer; each answer has a status and a media section, and is sent reliably or not."""
    ends = ("device", "pbx") if placed else ("pbx", "device")
    story = Story().press().event("outgoing_call_initiated").sip("INVITE", *ends, to_tag="", media=offer)
    for status, media, *raw in answers:
        story.sip("INVITE", *ends[::-1], status=status, media=media, raw="".join(raw))
    return story.sip("ACK", *ends)


RELIABLE = "SIP/2.0 183 Session Progress\r\nRequire: 100rel\r\nRSeq: 1\r\n\r\n"
SECURE = audio(8, profile="RTP/SAVP", keys=True)


@pytest.mark.parametrize(
    ("offer", "answers", "established"),
    [
        (SECURE, [(183, SECURE, RELIABLE), (200, ())], True),
        (SECURE, [(183, audio(8), RELIABLE), (200, ())], False),
        (SECURE, [(183, SECURE), (200, ())], False),  # it binds nobody (RFC 3261 §13.2.1)
        (SECURE, [(183, SECURE), (200, SECURE)], True),
        (audio(8), [(183, audio(8, port=0), RELIABLE), (200, ())], False),
    ],
)
def test_the_answer_may_have_come_in_a_reliable_provisional_response(offer, answers, established):
    """RFC 3262 §5: then the 2xx has none."""
    (call,) = calls(answered(offer, *answers).timeline)
    assert call.established is established


@pytest.mark.parametrize(
    ("formats", "established"),
    [((8,), True), ((0, 18), True), ((18,), False), ((), True)],
)
def test_an_answer_without_a_codec_of_the_offer_makes_no_call(formats, established):
    """RFC 3264 §6.1: one of the offer's is the least; a device ends such a call, and logs what it will."""
    offer = audio(0, 8)
    story = answered(offer, (200, audio(*formats))).bye("device")
    (call,) = calls(story.timeline)
    assert (call.answered, call.established) == (True, established)
    for event in ("outgoing_call_established", "outgoing_call_failure"):
        told = answered(offer, (200, audio(*formats))).bye("device").event(event)
        found = monitor(told.timeline, START + 60, START + 60)
        broken = {one.requirement for one in found if one.verdict is Verdict.FAIL}
        assert {row for row in broken if row.startswith("EVT")} == (
            {"EVT-02", "EVT-11"} if established and event.endswith("failure") else set()
        )


def test_a_device_that_answers_with_no_codec_of_the_offer_has_taken_the_call():
    (call,) = calls(answered(audio(8), (200, audio(18)), placed=False).timeline)
    assert call.established


@pytest.mark.parametrize(
    ("formats", "established"),
    [("8 101", True), ("18 101", False), ("101", True), ("97", True), ("98", False), ("99", True)],
)
def test_a_codec_is_known_by_its_name_and_digits_are_none(formats, established):
    names = (
        "101 telephone-event/8000",
        "96 opus/48000/2",
        "97 PCMA/8000/1",
        "98 iLBC/8000",
        "99 OPUS/48000/2",
    )
    lines = [f"a=rtpmap:{name}" for name in names if name.split()[0] in formats]
    offer = described("a=rtpmap:96 opus/48000/2", "a=rtpmap:101 telephone-event/8000", formats="8 96 101")
    invite, ok, *rest = CALL
    answer = described(*lines, formats=formats)
    (call,) = calls(told(invite.replace(OFFER, offer), ok.replace(ANSWER, answer), *rest))
    assert call.established is established


@pytest.mark.parametrize(
    ("answer", "raw", "established"),
    [
        (audio(8), "", True),
        (audio(18), "", False),
        (audio(8, port=0), "", False),
        ((), RELIABLE, True),  # it was in the PRACK
    ],
)
def test_a_caller_who_offers_nothing_answers_in_its_ack(answer, raw, established):
    """RFC 3261 §13.2.1: with a codec of the offer's, too; else the device ends the call."""
    story = Story().sip("INVITE", "pbx", "device", to_tag="")
    if raw:
        story.sip("INVITE", "device", "pbx", status=183, media=audio(0, 8), raw=raw)
    story.sip("INVITE", "device", "pbx", status=200, media=() if raw else audio(0, 8))
    story.sip("ACK", "pbx", "device", media=answer)
    (call,) = calls(story.timeline)
    assert (call.answered, call.established) == (True, established)


def test_a_body_that_the_other_side_does_not_take_is_sent_otherwise():
    """RFC 3261 §21.4.13: after 415 to a multipart body the same offer goes out in a plain one."""
    told = Story()
    settings = {"call_number": "1", "further_numbers": ["2"], "call_timeout": 9, "encryption": "SRTP-only"}
    told.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), told._time())
    told.press().event("outgoing_call_initiated")
    for number, status in ((1, 415), (2, 200)):
        told.sip("INVITE", "device", "pbx", cseq=number, to_tag="", media=SECURE, uri="sip:1@pbx")
        media = SECURE if status == 200 else ()
        told.sip("INVITE", "pbx", "device", cseq=number, status=status, media=media)
        told.sip("ACK", "device", "pbx", cseq=number)
    told.event("outgoing_call_established")
    found = monitor(told.timeline, START + 60, START + 60)
    broken = {one.requirement for one in found if one.verdict is Verdict.FAIL}
    assert {row for row in broken if row[:3] in ("ENC", "OUT", "EVT")} == set()
