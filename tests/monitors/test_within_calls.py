"""What no call may do: go on in clear under SRTP-only, or come about because a remote side wanted it."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, MediaLine
from tests.judge.story import START, Story, media_started

LATER = START + 3600
ROWS = {"ENC-07", "ENC-09", "OUT-01"}


def broken(story):
    found = monitor(story.timeline, LATER, LATER)
    return {j.requirement for j in found if j.verdict is Verdict.FAIL} & ROWS


def configured(story, encryption=Encryption.SRTP_ONLY, *, accepted=True):
    content = Configured(settings={"encryption": str(encryption)}, accepted=accepted)
    story.timeline.append(Witness.PORTAL, content, story._time())
    return story


def plain_media(story, call):
    story.timeline.append(Witness.WIRE, media_started(call), story._time())
    return story


def secured_call(story, call="c2"):
    story.sip("INVITE", "pbx", "device", call=call, to_tag="", profile="RTP/SAVP", keys=True)
    story.sip("INVITE", "device", "pbx", status=200, call=call, profile="RTP/SAVP", keys=True)
    return story.sip("ACK", "pbx", "device", call=call)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(("status", "rows"), [(200, {"ENC-09"}), (488, set())])
def test_an_offer_in_clear_within_a_secured_call_is_refused(method, status, rows):
    story = secured_call(configured(Story()))
    story.sip(method, "pbx", "device", call="c2", cseq=2, profile="RTP/AVP")
    answered = "RTP/AVP" if status == 200 else None
    story.sip(method, "device", "pbx", status=status, call="c2", cseq=2, profile=answered)
    assert broken(story) == rows


@pytest.mark.parametrize(("port", "direction"), [(0, "sendrecv"), (4000, "inactive")])
def test_an_offer_in_clear_may_be_taken_without_its_audio(port, direction):
    story = secured_call(configured(Story()))
    line = MediaLine(media="audio", address="1", port=port, profile="RTP/AVP", direction=direction)
    story.sip("INVITE", "pbx", "device", call="c2", cseq=2, profile="RTP/AVP")
    story.sip("INVITE", "device", "pbx", status=200, call="c2", cseq=2, media=(line,))
    assert broken(story) == set()


def test_a_best_effort_answer_with_keys_is_secured():
    story = configured(Story())
    story.sip("INVITE", "pbx", "device", to_tag="", profile="RTP/AVP", keys=True)
    story.sip("INVITE", "device", "pbx", status=200, profile="RTP/AVP", keys=True)
    assert broken(story) == set()


def test_clear_media_of_a_placed_call_breaks_the_row_of_placed_calls():
    story = configured(Story()).press().placed(offer="RTP/SAVP", answer="RTP/AVP")
    assert broken(story) == set()
    assert broken(plain_media(story, "c1")) == {"ENC-07"}


@pytest.mark.parametrize("encryption", [Encryption.UNSET, Encryption.FALLBACK])
def test_under_other_settings_calls_may_be_in_clear(encryption):
    assert broken(plain_media(configured(Story(), encryption).taken(), "c2")) == set()


def test_a_call_that_began_under_other_settings_is_left_out():
    story = configured(Story(), Encryption.UNSET).taken()
    assert broken(plain_media(configured(story), "c2")) == set()


def test_what_a_refused_form_set_in_force_is_open():
    story = configured(configured(Story()), Encryption.UNSET, accepted=False)
    assert broken(plain_media(story.taken(), "c2")) == set()


def referred(story):
    return story.taken().sip("REFER", "pbx", "device", call="c2", cseq=2)


def test_a_call_that_a_refer_brought_about_breaks_the_row_of_the_button():
    assert broken(referred(Story()).placed("c3")) == {"OUT-01"}


def test_a_refer_without_a_call_breaks_nothing():
    assert broken(referred(Story())) == set()


def test_after_a_press_a_call_may_be_placed_whatever_was_referred():
    assert broken(referred(Story()).press().placed("c3")) == set()


def test_a_call_before_the_refer_is_of_an_earlier_press():
    assert broken(referred(Story().placed("c1"))) == set()


def test_without_a_refer_a_hand_may_have_pressed():
    assert broken(Story().taken().placed("c3")) == set()
