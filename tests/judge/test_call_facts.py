"""What is known of a call from its messages: its sides, its answer and protection, and when it ended."""

import pytest

from intercom_hil.judge.calls import calls, free_at
from intercom_hil.judge.messages import messages
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import MediaLine
from tests.judge.story import START, Story

SUITE, OTHER = "AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"


def line(media="audio", port=4000, profile="RTP/AVP", *suites):
    return MediaLine(media=media, address="127.0.0.1", port=port, profile=profile, crypto_suites=suites)


PLAIN, SECURE, MIXED = line(), line("audio", 4000, "RTP/SAVP", SUITE), line("audio", 4000, "RTP/AVP", SUITE)


def placed(offer=(PLAIN,), answer=(PLAIN,), *, status=200, ack=True):
    """The device calls 3410, who answers after a second; the ACK comes a second later."""
    story = Story().at(1).sip("INVITE", "device", "3410", to_tag="", media=offer)
    story.at(2).sip("INVITE", "3410", "device", status=status, media=answer)
    return story.at(3).sip("ACK", "device", "3410") if ack else story


def taken(offer=(PLAIN,), answer=(PLAIN,), *, status=200, ack=True):
    story = Story().at(1).sip("INVITE", "3410", "device", to_tag="", media=offer)
    story.at(2).sip("INVITE", "device", "3410", status=status, media=answer)
    return story.at(3).sip("ACK", "3410", "device") if ack else story


def only(story, **options):
    (call,) = calls(story.timeline, **options)
    return call


@pytest.mark.parametrize(("story", "is_placed"), [(placed, True), (taken, False)])
def test_a_call_has_two_sides(story, is_placed):
    call = only(story())
    assert (call.call_id, call.placed, call.peer) == ("c1", is_placed, "3410")
    assert (call.invite.seq, call.final.seq, call.acked) == (0, 1, True)
    assert (call.status, call.accepted, call.answered, call.established) == (200, True, True, True)
    assert (call.refused, call.over, call.observations) == (False, float("inf"), (0, 1))
    assert [o.seq for o in call.messages] == [0, 1, 2]
    assert (call.cancel, call.bye, call.bye_by_device, call.bye_by_remote) == (None, None, False, False)


def test_calls_of_others_are_none_of_the_devices():
    story = Story().sip("INVITE", "3410", "pbx", to_tag="").placed(status=486)
    assert [call.call_id for call in calls(story.timeline)] == ["c1"]
    assert only(story).invite.seq == 1
    (call,) = calls(Story().sip("INVITE", "3410", "pbx", to_tag="").timeline, device="3410")
    assert (call.placed, call.peer) == (True, "pbx")
    assert calls(Story().sip("INVITE", "device", "pbx", to_tag="x").timeline) == []
    assert calls(Story().sip("BYE", "device", "pbx").sip("OPTIONS", "device", "pbx").timeline) == []


def test_a_call_is_what_it_was_at_a_time():
    story = placed().at(4).bye("3410")
    assert only(story).bye is not None
    assert only(story, until=START + 3.5).bye is None
    assert only(story, until=START + 2.5).acked is False
    assert only(story, until=START + 1.5).status == 0
    assert calls(story.timeline, until=START + 0.5) == []


@pytest.mark.parametrize(
    ("status", "accepted", "refused"),
    [
        (200, True, False),
        (299, True, False),
        (300, False, False),
        (302, False, False),
        (400, False, True),
        (404, False, True),
        (486, False, True),
        (487, False, False),
        (603, False, True),
    ],
)
def test_a_status_accepts_refuses_or_neither(status, accepted, refused):
    call = only(placed(status=status))
    assert (call.status, call.accepted, call.answered, call.refused) == (status, accepted, accepted, refused)
    assert call.over == (float("inf") if accepted else call.final.time)
    assert call.established is accepted


@pytest.mark.parametrize("status", [100, 180, 199, 401, 407])
def test_progress_and_challenges_decide_nothing(status):
    call = only(placed(status=status))
    assert (call.final, call.status, call.acked, call.established) == (None, 0, False, False)
    assert call.over == float("inf")


def test_the_first_final_answer_counts():
    story = placed(status=486)
    story.at(4).sip("INVITE", "3410", "device", status=200, media=(PLAIN,))
    assert only(story).status == 486


@pytest.mark.parametrize(
    ("offer", "answer", "only_srtp", "with_srtp", "established"),
    [
        ((PLAIN,), (PLAIN,), False, False, True),
        ((SECURE,), (SECURE,), True, True, True),
        ((SECURE,), (PLAIN,), True, False, False),
        ((SECURE,), (line("audio", 4000, "RTP/SAVP", OTHER),), True, False, False),
        ((SECURE,), (line("audio", 0, "RTP/SAVP", SUITE),), True, False, False),
        ((MIXED,), (MIXED,), False, True, True),
        ((MIXED,), (PLAIN,), False, False, True),
        ((SECURE, PLAIN), (PLAIN,), False, False, True),  # audio in clear is offered beside it
        ((SECURE, line("audio", 0)), (SECURE,), True, True, True),  # port 0 is no offer
        ((SECURE, line("video")), (SECURE,), True, True, True),
        ((line("audio", 0, "RTP/SAVP", SUITE),), (PLAIN,), False, False, True),
        ((line("audio", 0, "RTP/SAVP", SUITE),), (SECURE,), False, False, True),
        ((line("video", 4000, "RTP/SAVP", SUITE),), (PLAIN,), False, False, True),
        ((), (PLAIN,), False, False, True),
    ],
)
def test_a_call_comes_up_with_the_protection_that_its_caller_insists_on(
    offer, answer, only_srtp, with_srtp, established
):
    for story in (placed, taken):
        call = only(story(offer, answer))
        assert call.offers_only_srtp is only_srtp
        assert call.answered_with_srtp is with_srtp
        assert call.established is established


@pytest.mark.parametrize(
    ("answer", "without_audio"),
    [
        ((PLAIN,), False),
        ((line("audio", 0),), True),
        ((line("audio", 0), line("video")), True),
        ((line("audio", 0), PLAIN), False),
        ((line("video", 0),), False),
        ((), False),
    ],
)
def test_an_answer_without_audio_makes_no_call(answer, without_audio):
    call = only(placed(answer=answer))
    assert (call.answered_without_audio, call.established) == (without_audio, not without_audio)
    assert call.answered


def test_only_the_callers_ack_of_a_final_answer_acknowledges():
    story = placed(ack=False)
    assert only(story).established is False
    assert only(story.sip("ACK", "3410", "device")).acked is False
    assert only(story.sip("ACK", "device", "3410")).acked is True
    before = Story().sip("INVITE", "device", "pbx", to_tag="").sip("ACK", "device", "pbx")
    assert only(before.sip("INVITE", "pbx", "device", status=200)).acked is False
    assert only(taken(ack=False).sip("ACK", "device", "3410")).acked is False
    assert only(placed().sip("ACK", "device", "3410")).acked is True


@pytest.mark.parametrize(
    ("cancelled", "final", "answered", "refused"),
    [
        (2.5, 200, True, False),  # the answer came first
        (1.5, 200, False, False),
        (1.5, 486, False, False),
        (2.5, 486, False, True),
    ],
)
def test_an_answer_that_crosses_a_cancel_makes_no_call(cancelled, final, answered, refused):
    story = Story().at(1).sip("INVITE", "device", "pbx", to_tag="")
    order = sorted([(cancelled, "CANCEL"), (2, "final")])
    for at, what in order:
        if what == "CANCEL":
            story.at(at).sip("CANCEL", "device", "pbx", to_tag="")
        else:
            story.at(at).sip("INVITE", "pbx", "device", status=final)
    call = only(story)
    assert (call.answered, call.refused) == (answered, refused)
    assert call.accepted is (final == 200)
    assert call.cancel.time == START + cancelled + 0.01


def test_the_first_cancel_and_the_first_bye_count():
    story = Story().at(1).sip("INVITE", "device", "pbx", to_tag="")
    story.at(2).sip("CANCEL", "device", "pbx", to_tag="").at(3).sip("CANCEL", "device", "pbx", to_tag="")
    assert only(story).cancel.seq == 1
    story = placed().at(4).sip("BYE", "3410", "device", cseq=2).at(5).sip("BYE", "3410", "device", cseq=2)
    assert only(story).bye.seq == 3


@pytest.mark.parametrize("story", [placed, taken])
def test_who_hangs_up_is_who_sends_the_first_bye(story):
    by_device = only(story().at(4).bye("device"))
    assert (by_device.bye_by_device, by_device.bye_by_remote, by_device.over) == (
        True,
        False,
        by_device.bye.time,
    )
    by_remote = only(story().at(4).bye("3410"))
    assert (by_remote.bye_by_device, by_remote.bye_by_remote) == (False, True)
    assert by_remote.observations == (0, 1, 3)
    crossing = story().at(4).sip("BYE", "device", "3410", cseq=2).sip("BYE", "3410", "device", cseq=2)
    assert (only(crossing).bye_by_device, only(crossing).bye_by_remote) == (True, True)
    crossing = story().at(4).sip("BYE", "3410", "device", cseq=2).sip("BYE", "device", "3410", cseq=2)
    assert (only(crossing).bye_by_device, only(crossing).bye_by_remote) == (False, True)


def test_an_answer_to_bye_ends_nothing():
    assert only(placed().sip("BYE", "3410", "device", status=481)).bye is None
    assert only(placed().sip("CANCEL", "3410", "device", status=200)).cancel is None


def test_an_invite_with_credentials_is_the_same_call_and_its_offer_counts():
    story = Story().at(1).sip("INVITE", "device", "pbx", to_tag="", media=(SECURE,))
    story.sip("INVITE", "pbx", "device", status=407).sip("ACK", "device", "pbx")
    story.at(2).sip("INVITE", "device", "pbx", cseq=2, to_tag="", media=(SECURE,))
    story.sip("INVITE", "pbx", "device", cseq=2, status=200, media=(SECURE,))
    call = only(story)
    assert (call.invite.seq, call.final.seq, call.answered_with_srtp) == (3, 4, True)
    # Sent again after the answer, it is none of a new call.
    story.at(3).sip("INVITE", "device", "pbx", cseq=2, to_tag="", media=(SECURE,))
    assert (only(story).invite.seq, len(only(story).messages)) == (3, 6)


def test_a_number_that_is_called_anew_after_a_refusal_is_another_call():
    story = Story().at(1).sip("INVITE", "device", "pbx", to_tag="")
    story.sip("INVITE", "pbx", "device", status=488).at(2).sip("INVITE", "device", "pbx", to_tag="")
    assert len(calls(story.timeline)) == 1, "the same number: sent again"
    story.at(3).sip("INVITE", "device", "pbx", cseq=2, to_tag="")
    assert [len(call.messages) for call in calls(story.timeline)] == [3, 1]
    accepted = placed().sip("INVITE", "device", "3410", cseq=2, to_tag="")
    assert only(accepted).invite.seq == 0, "only what was refused is tried otherwise"
    again = Story().sip("INVITE", "device", "pbx", to_tag="").sip("INVITE", "device", "pbx", to_tag="")
    assert only(again).invite.seq == 0
    redirected = placed(status=300).sip("INVITE", "device", "3410", cseq=2, to_tag="")
    assert len(calls(redirected.timeline)) == 2


@pytest.mark.parametrize("number", [7, 1])
def test_a_call_with_the_call_id_of_the_one_before_is_another_one_by_its_tag(number):
    """No Call-ID may serve two calls (RFC 3261 §8.1.1.4); where one does, they are told apart."""
    story = placed().at(4).sip("BYE", "3410", "device", from_tag="t", to_tag="")
    story.at(5).sip("INVITE", "device", "3410", from_tag="n", to_tag="", cseq=number)
    story.at(6).sip("INVITE", "3410", "device", status=200, from_tag="n", to_tag="m", cseq=number)
    story.at(7).sip("ACK", "device", "3410", from_tag="n", to_tag="m", cseq=number)
    story.at(8).sip("BYE", "3410", "device", from_tag="m", to_tag="n")
    first, second = calls(story.timeline)
    assert (first.call_id, first.bye.seq) == (second.call_id, 3)
    assert (second.invite.seq, second.final.seq, second.acked, second.bye.seq) == (4, 5, True, 7)


def test_each_message_belongs_to_the_last_try_that_it_can_be_of():
    """The caller counts on from try to try; the called party counts its own requests from anywhere."""
    story = Story().at(1).sip("INVITE", "device", "pbx", cseq=5, to_tag="")
    story.sip("INVITE", "pbx", "device", cseq=5, status=488)
    story.at(2).sip("INVITE", "device", "pbx", cseq=6, to_tag="")
    story.sip("ACK", "device", "pbx", cseq=5)
    story.sip("INVITE", "pbx", "device", cseq=6, status=200).sip("ACK", "device", "pbx", cseq=6)
    story.sip("INVITE", "pbx", "device", cseq=5, status=488)
    story.at(3).sip("BYE", "pbx", "device", cseq=1).sip("BYE", "device", "pbx", cseq=1, status=200)
    first, second = calls(story.timeline)
    assert [o.seq for o in first.messages] == [0, 1, 3, 6]
    assert [o.seq for o in second.messages] == [2, 4, 5, 7, 8]
    assert (first.acked, second.acked, second.bye_by_remote) == (True, True, True)
    # What has the number of no try is of the last one.
    story.sip("INFO", "device", "pbx", cseq=2)
    assert len(calls(story.timeline)[1].messages) == 6


def test_messages_are_taken_in_the_order_of_their_times():
    story = placed()
    late = Story().at(4).sip("BYE", "3410", "device", cseq=2).timeline[0]
    early = Story().at(0).sip("OPTIONS", "3410", "device").timeline[0]
    for observation in (late, early):
        story.timeline.append(observation.witness, observation.content, observation.time)
    assert [o.seq for o in only(story).messages] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "other", [{"call": "c2"}, {"cseq": 2}, {"method": "ACK"}, {"branch": "z9hG4bK2"}, {"status": 180}]
)
def test_a_copy_of_the_pbx_counts_where_the_wire_has_none(other):
    def sip(story, method="INVITE", **fields):
        return story.sip(method, "device", "pbx", **{"branch": "z9hG4bK1", **fields})

    story = sip(Story())
    copy = sip(Story()).timeline[0].content
    another = sip(Story(), **other).timeline[0].content
    for content in (copy, another, another):
        story.timeline.append(Witness.PBX, content, START + 5)
    sip(story)
    assert [o.seq for o in messages(story.timeline)] == [0, 2, 3, 4]
    assert [o.seq for o in messages(story.timeline, START + 5)] == [0, 2, 3, 4]
    assert [o.seq for o in messages(story.timeline, START + 4)] == [0, 4]


def test_a_device_that_needs_a_rest_is_free_that_long_after_its_last_call():
    story = placed(status=486).at(9).bye("device")
    over = START + 2.01
    assert free_at(placed(status=486).timeline, 10.0) == over + 10
    assert free_at(story.timeline, 0.0) == 0.0
    assert free_at(Story().timeline, 10.0) == 10.0
    assert free_at(Story().timeline, 10.0, 7.0) == 17.0
    two = placed(status=486)
    two.at(5).sip("INVITE", "device", "pbx", call="c2", to_tag="").sip(
        "INVITE", "pbx", "device", call="c2", status=486
    )
    assert free_at(two.timeline, 1.0) == pytest.approx(START + 6.02)
    assert free_at(placed().timeline, 10.0) == 0.0, "a press may end the call"


@pytest.mark.parametrize(
    ("offer", "answer", "up"),
    [
        ({"profile": "RTP/AVP"}, {"profile": "RTP/AVP"}, True),
        ({"profile": "RTP/SAVP", "keys": True}, {"profile": "RTP/SAVP", "keys": True}, True),
        ({"profile": "RTP/SAVP", "keys": True}, {"profile": "RTP/SAVP"}, False),
        ({"profile": "RTP/SAVP", "keys": True}, {"profile": "RTP/AVP"}, False),
        ({"profile": "RTP/AVP", "keys": True}, {"profile": "RTP/AVP"}, True),
    ],
)
def test_a_call_that_leaves_the_offer_to_the_device_is_up_with_a_usable_answer(offer, answer, up):
    """The answer is in the ACK (RFC 3261 §13.2.1)."""
    story = Story().sip("INVITE", "pbx", "device", to_tag="")
    story.sip("INVITE", "device", "pbx", status=200, **offer)
    assert only(story.sip("ACK", "pbx", "device", **answer)).established is up
