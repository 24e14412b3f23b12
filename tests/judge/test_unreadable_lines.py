"""Where a line of the device's could not be read, an event or screen that it may hide is left open."""

import pytest
from story import START, Story

from intercom_hil.errors import Inconclusive
from intercom_hil.judge.judge import Judge
from intercom_hil.judge.judgement import judged
from intercom_hil.judge.rules import Absent, InOrder, Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec import events
from intercom_hil.spec.good_practice import is_good_practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine, UnreadableLine
from intercom_hil.timeline.vocabulary import event, invite, screen

DIALING = event(events.OUTGOING_INITIATED)
UP = event(events.OUTGOING_ESTABLISHED)
WINDOW = {"after": START + 1, "until": START + 2}
RULES = {
    "expected": Occurs(pattern=DIALING, **WINDOW),
    "counted": Occurs(pattern=DIALING, at_least=0, at_most=0, **WINDOW),
    "never": Absent(pattern=DIALING, **WINDOW),
    "ordered": InOrder(patterns=(DIALING, UP), **WINDOW),
    "shown": Occurs(pattern=screen("Dialing"), **WINDOW),
}


def cut(at, **changes):
    story = Story()
    content = UnreadableLine(text="event=outgo[ 12.345678] usb", reason="a line was cut", **changes)
    story.timeline.append(Witness.CONSOLE, content, START + at)
    return story


def verdict(rule, story):
    return judged("EVT-01", "", rule, story.timeline, START).verdict


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_may_be_hidden_in_an_unreadable_line_is_left_open(rule):
    judgement = judged("EVT-01", "", rule, cut(1.5).timeline, START)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "a line was cut" in judgement.seen
    assert judgement.observations == (0,)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("at", [0.5, 2.5])
def test_lines_before_and_after_do_not_matter(rule, at):
    assert verdict(rule, cut(at)) is verdict(rule, Story())


def test_a_line_that_began_or_goes_on_within_the_window_counts():
    assert verdict(RULES["never"], cut(2.0, since=START + 0.5)) is Verdict.INCONCLUSIVE
    assert verdict(RULES["never"], cut(2.5, since=START + 1.5)) is Verdict.PASS, "as it was judged live"
    flood = cut(0.5, size=4096, ended=False)
    assert verdict(RULES["never"], flood) is Verdict.INCONCLUSIVE
    flood.timeline.append(Witness.CONSOLE, ConsoleLine(text="ready"), START + 0.7)
    assert verdict(RULES["never"], flood) is Verdict.PASS


def test_a_line_in_which_no_event_of_the_judged_source_can_be_does_not_matter():
    story = cut(1.5, may_hold_event=False)
    assert verdict(RULES["never"], story) is Verdict.PASS
    assert verdict(RULES["expected"], story) is Verdict.FAIL
    assert verdict(RULES["shown"], story) is Verdict.INCONCLUSIVE, "a screen text it may be"


def test_what_other_witnesses_tell_is_judged_all_the_same():
    assert verdict(Absent(pattern=invite(sender="device"), **WINDOW), cut(1.5)) is Verdict.PASS


def test_what_is_seen_decides():
    story = cut(1.1).at(1.2).event("outgoing_call_initiated")
    assert verdict(RULES["expected"], story) is Verdict.PASS
    assert verdict(RULES["never"], story) is Verdict.FAIL
    assert verdict(RULES["counted"], story) is Verdict.FAIL


async def test_a_scenario_ends_inconclusive_and_names_the_line():
    timeline = Timeline()
    timeline.append(Witness.CONSOLE, UnreadableLine(text="event=outgo", reason="a line was cut"))
    judge = Judge(timeline)
    with pytest.raises(Inconclusive, match="a line was cut"):
        await judge.expect("EVT-01", DIALING, within=0.01)
    await judge.never("EVT-11", DIALING, during=0.01)
    assert [j.verdict for j in judge.judgements] == [Verdict.INCONCLUSIVE] * 2


def told(story):
    found = monitor(story.timeline, START + 3600, START + 3600)
    return {(j.requirement, j.verdict) for j in found if not is_good_practice(j.requirement)}


def test_monitors_hold_no_event_that_may_be_hidden_against_the_device():
    story = cut(0).press().placed().event("outgoing_call_established").bye("pbx")
    found = told(story)
    assert ("EVT-01", Verdict.INCONCLUSIVE) in found
    assert ("EVT-04", Verdict.INCONCLUSIVE) in found
    assert ("EVT-11", Verdict.INCONCLUSIVE) in found
    assert not {verdict for _, verdict in found} & {Verdict.FAIL, Verdict.PASS}


def test_monitors_hold_what_was_read_against_it():
    story = cut(0).press().event("outgoing_call_initiated").placed().event("outgoing_call_teleported")
    assert ("EVT-11", Verdict.FAIL) in told(story)
    twice = cut(0).press().event("outgoing_call_initiated").event("outgoing_call_initiated").placed()
    assert ("EVT-11", Verdict.FAIL) in told(twice)
