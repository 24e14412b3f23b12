"""Which answers say whether a remote took up the device's offer of SRTP."""

from story import Story

from intercom_hil.scenario.srtp_offers import as_the_call_began
from intercom_hil.timeline.vocabulary import answer, invite


def test_keys_that_come_within_a_call_are_not_those_that_the_device_offered():
    """A call that was answered in clear, and is refreshed by an INVITE without an offer (RFC 4028 §7.4)."""
    timeline = Story().placed(offer="RTP/AVP", answer="RTP/AVP").timeline
    refreshed = Story()
    refreshed.timeline = timeline
    refreshed.at(2).sip("INVITE", "device", "pbx", cseq=2, to_tag="t")
    refreshed.sip("INVITE", "pbx", "device", status=200, cseq=2, profile="RTP/SAVP", keys=True)
    answers = timeline.find(answer(sender="pbx", receiver="device"), 0)
    found = as_the_call_began(timeline.find(invite(sender="device"), 0), answers)
    assert len(answers) == 2
    assert [one.content.cseq for one in found] == [1]


def test_an_offer_that_is_made_again_begins_the_call_too():
    """Of a challenged INVITE, and of one that was refused, the answer to the next counts (RFC 3261 §22.2)."""
    story = Story().sip("INVITE", "device", "pbx", to_tag="", profile="RTP/SAVP", keys=True)
    story.sip("INVITE", "pbx", "device", status=401)
    story.sip("INVITE", "device", "pbx", cseq=2, to_tag="", profile="RTP/SAVP", keys=True)
    story.sip("INVITE", "pbx", "device", status=200, cseq=2, profile="RTP/SAVP", keys=True)
    timeline = story.timeline
    answers = timeline.find(answer(sender="pbx", receiver="device"), 0)
    assert as_the_call_began(timeline.find(invite(sender="device"), 0), answers) == answers
