"""The device's departures from the grammar are counted by what they are; no row of the page is broken."""

from story import Story

from intercom_hil.judge.deviations import MOST, deviations
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict

CRLF = "line ends other than CRLF (RFC 3261 §7)"
BLANKS = "blanks too many in the start line (RFC 3261 §7.1)"


def test_they_are_counted_with_the_messages_they_were_in():
    story = Story().press().sip("INVITE", "device", "pbx", deviations=(CRLF,))
    story.sip("INVITE", "pbx", "device", status=200, deviations=(CRLF,))
    story.sip("BYE", "device", "pbx", deviations=(CRLF, BLANKS))
    story.sip("BYE", "device", "pbx", status=200, deviations=(CRLF,))
    first, second = deviations(story.timeline)
    assert (first.text, first.count, first.messages) == (CRLF, 3, ("INVITE", "BYE", "200 to BYE"))
    assert (second.text, second.count, second.example) == (BLANKS, 1, 3)


def test_a_device_cannot_fill_the_record_with_them():
    story = Story()
    for place in range(MOST + 20):
        story.sip("OPTIONS", "device", "pbx", deviations=(f"a line that is no header: {place}", CRLF))
    found = deviations(story.timeline)
    assert len(found) == MOST
    assert found[1].count == MOST + 20


def test_they_are_against_good_practice_and_no_other_verdict_rests_on_them():
    plain, odd = Story().placed(), Story()
    odd.sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP", deviations=(CRLF,))
    odd.sip("INVITE", "pbx", "device", status=200, profile="RTP/AVP").sip("ACK", "device", "pbx")
    later = odd.timeline.opened + 3600
    told = [[(j.requirement, j.verdict) for j in monitor(s.timeline, later, later)] for s in (plain, odd)]
    assert set(told[1]) ^ set(told[0]) == {("SIP-01", Verdict.FAIL), ("SIP-01", Verdict.PASS)}
