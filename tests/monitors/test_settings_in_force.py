"""What the settings in force forbid, in every call: video, and anything at all while SIP is off."""

import pytest

from intercom_hil.monitors.settings_in_force import left_up, switched_off, with_video, without_video
from intercom_hil.timeline import Witness
from intercom_hil.timeline.media import MediaEnded, MediaStarted
from intercom_hil.timeline.observation import Configured, MediaLine
from tests.judge.story import START, Story

FLOW = {"flow": "f", "source": "1", "destination": "2", "sender": "device", "receiver": "pbx"} | {
    "payload_type": 99,
    "ssrc": 1,
    "protection": "plain",
}


def broken(story):
    found = (*without_video(story.timeline), *switched_off(story.timeline))
    return {finding.requirement for finding in found}


def configured(story, *, accepted=True, **settings):
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=accepted), story._time())
    return story


def lines(direction="sendrecv", port=4002):
    audio = MediaLine(media="audio", address="1", port=4000, profile="RTP/AVP", payload_types=(8,))
    video = MediaLine(media="video", address="1", port=port, profile="RTP/AVP", direction=direction)
    return (audio, video)


def call(story, *, placed, ours):
    ends = ("device", "pbx") if placed else ("pbx", "device")
    name = "c1" if placed else "c2"
    story.sip("INVITE", *ends, call=name, to_tag="", media=ours if placed else lines())
    story.sip("INVITE", *ends[::-1], status=200, call=name, media=lines() if placed else ours)
    return story.sip("ACK", *ends, call=name)


MODES = [
    ("Off", True, "VID-04"),
    ("Off", False, "VID-04"),
    ("Outgoing", True, None),
    ("Outgoing", False, "VID-01"),
    ("Incoming", True, "VID-02"),
    ("Incoming", False, None),
    ("Both", True, None),
    ("Both", False, None),
]


@pytest.mark.parametrize(("mode", "placed", "row"), MODES)
def test_there_is_video_only_where_the_setting_allows_it(mode, placed, row):
    story = call(configured(Story(), video_calls=mode), placed=placed, ours=lines())
    assert broken(story) == ({row} if row else set())


@pytest.mark.parametrize(
    ("mode", "ours", "row"),
    [
        ("Both", lines()[:1], "VID-03"),
        ("Both", lines(port=0), "VID-03"),
        ("Incoming", lines()[:1], "VID-02"),
        ("Incoming", lines(), ""),
        ("Outgoing", lines()[:1], ""),
        ("Off", lines()[:1], ""),
    ],
)
@pytest.mark.parametrize("offered", [(), lines()])
def test_a_call_without_an_offer_is_offered_what_accepted_calls_have(mode, ours, row, offered):
    story = configured(Story(), video_calls=mode)
    story.sip("INVITE", "pbx", "device", to_tag="", media=offered)
    story.sip("INVITE", "device", "pbx", status=200, media=ours)
    wanted = {row} if row and not offered else set()
    assert {finding.requirement for finding in with_video(story.timeline)} == wanted


@pytest.mark.parametrize("ours", [lines(port=0), lines("inactive"), lines("recvonly"), lines()[:1]])
def test_video_that_is_declined_or_not_sent_shows_nobody_anything(ours):
    assert broken(call(configured(Story(), video_calls="Off"), placed=False, ours=ours)) == set()


def test_video_in_a_re_invite_or_on_the_wire_counts_like_that_of_the_beginning():
    story = call(configured(Story(), video_calls="Off"), placed=False, ours=lines(port=0))
    story.sip("INVITE", "pbx", "device", call="c2", cseq=2, media=lines())
    story.sip("INVITE", "device", "pbx", status=200, call="c2", cseq=2, media=lines())
    assert broken(story) == {"VID-04"}
    story = call(configured(Story(), video_calls="Off"), placed=False, ours=lines(port=0))
    story.timeline.append(Witness.WIRE, MediaStarted(**FLOW, media="video", call_id="c2"), story._time())
    assert broken(story) == {"VID-04"}


@pytest.mark.parametrize(("method", "row"), [("OPTIONS", set()), ("UPDATE", {"VID-04"})])
def test_what_a_device_says_that_it_is_able_to_is_no_video(method, row):
    """RFC 3261 §11.2: the answer to OPTIONS within a call says what the device has, not what is set."""
    story = call(configured(Story(), video_calls="Off"), placed=False, ours=lines(port=0))
    story.sip(method, "pbx", "device", call="c2", cseq=2)
    story.sip(method, "device", "pbx", status=200, call="c2", cseq=2, media=lines())
    assert broken(story) == row


def test_a_call_that_began_under_other_settings_goes_on_as_it_was():
    story = call(configured(Story(), video_calls="Both"), placed=False, ours=lines())
    configured(story, video_calls="Off")
    story.sip("INVITE", "pbx", "device", call="c2", cseq=2, media=lines())
    story.sip("INVITE", "device", "pbx", status=200, call="c2", cseq=2, media=lines())
    assert broken(story) == set()


def media_until(story, seconds, call_id=""):
    content = MediaEnded(
        **FLOW,
        media="audio",
        call_id=call_id,
        first=START,
        last=START + seconds,
        packets=9,
        lost=0,
        jitter_ms=0.0,
    )
    story.timeline.append(Witness.WIRE, content, START + seconds)
    return story


def test_while_sip_is_off_nothing_is_placed_taken_registered_or_sent():
    def off():
        return configured(Story(), enabled=False).at(5)

    assert broken(off().placed()) == {"CFG-01"}
    assert broken(off().sip("REGISTER", "device", "pbx", to_tag="", branch="b")) == {"CFG-01"}
    assert broken(media_until(off(), 6)) == {"CFG-01"}
    assert broken(configured(media_until(off(), 6).at(3), enabled=True)) == set()


def test_a_device_has_the_time_to_hang_up_and_to_take_its_registration_back():
    story = configured(Story().placed(), enabled=False)
    story.bye("device")
    media_until(story, 1, "c1")
    story.at(5).sip(
        "REGISTER", "device", "pbx", to_tag="", branch="b", raw="REGISTER sip:x SIP/2.0\r\nExpires: 0\r\n"
    )
    assert broken(story) == set()


def up_with_sip_off(ended=None, after=30.0):
    """A call that is up when SIP is switched off, and ended so many seconds later by the device."""
    story = call(configured(Story(), enabled=True), placed=True, ours=lines())
    configured(story.at(10), enabled=False)
    if ended is not None:
        story.at(10 + ended).bye("device")
    return {finding.requirement for finding in left_up(story.timeline, START + after)}


def test_the_other_side_is_told_that_sip_is_off():
    assert up_with_sip_off() == {"CFG-01"}
    assert up_with_sip_off(ended=1.0) == set()
    assert up_with_sip_off(ended=10.0) == {"CFG-01"}
    assert up_with_sip_off(after=12.0) == set()  # the scenario was over


def ringing_with_sip_off(ended=None, placed=True, status=180):
    """A call that is set up when SIP is switched off, and given up so many seconds later."""
    story = configured(Story(), enabled=True)
    ends = ("device", "pbx") if placed else ("pbx", "device")
    story.sip("INVITE", *ends, call="c1", to_tag="", profile="RTP/AVP")
    story.sip("INVITE", *ends[::-1], status=status, call="c1")
    configured(story.at(10), enabled=False)
    if ended is not None:
        story.at(10 + ended).sip("CANCEL", *ends, call="c1", to_tag="")
    return {finding.requirement for finding in left_up(story.timeline, START + 30)}


def test_a_contact_rings_no_more_when_sip_is_off():
    assert ringing_with_sip_off() == {"CFG-01"}
    assert ringing_with_sip_off(ended=1.0) == set()
    assert ringing_with_sip_off(ended=10.0) == {"CFG-01"}
    assert (
        ringing_with_sip_off(status=100) == set()
    )  # before a sign of the contact there is nothing to cancel
    assert ringing_with_sip_off(status=486) == set()
    assert ringing_with_sip_off(placed=False) == set()


def test_a_call_after_sip_is_on_again_is_another():
    story = configured(configured(Story(), enabled=True), enabled=False)
    call(configured(story.at(5), enabled=True), placed=True, ours=lines())
    assert list(left_up(story.timeline, START + 60)) == []
