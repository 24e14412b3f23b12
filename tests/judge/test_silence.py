"""A source that has never said anything is no witness: what it should have told is inconclusive."""

import pytest
from story import START, Story

from intercom_hil.errors import Inconclusive
from intercom_hil.judge.judge import Judge
from intercom_hil.judge.judgement import judged
from intercom_hil.judge.rules import Absent, Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec import events
from intercom_hil.spec.good_practice import is_good_practice
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine, Declared, UnreadableLine
from intercom_hil.timeline.vocabulary import event, screen

MUTE = {"console": ("event", "screen")}
DIALING = event(events.OUTGOING_INITIATED)
RULES = {
    "expected": Occurs(pattern=DIALING, after=START, until=START + 60),
    "counted": Occurs(pattern=DIALING, after=START, until=START + 60, at_least=0, at_most=0),
    "never": Absent(pattern=DIALING, after=START, until=START + 60),
    "shown": Occurs(pattern=screen("Dialing"), after=START, until=START + 60),
}


def call(unheard):
    story = Story()
    story.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), unheard=unheard), START)
    return story.press().placed()


def say(story, at):
    story.timeline.append(Witness.CONSOLE, ConsoleLine(text="eth0: link up"), START + at)
    return story


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_nothing_can_be_said_by_a_source_that_has_never_spoken(rule):
    story = call(MUTE)
    judgement = judged("EVT-01", "", rule, story.timeline, START)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "nothing has ever come from the console" in judgement.seen
    assert "TX" in judgement.seen, "the remedy"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_one_line_of_whatever_kind_makes_it_a_witness(rule):
    heard_before = judged("EVT-01", "", rule, call({}).timeline, START).verdict
    heard_now = judged("EVT-01", "", rule, say(call(MUTE), 2).timeline, START).verdict
    assert heard_before is heard_now is not Verdict.INCONCLUSIVE
    heard_too_late = judged("EVT-01", "", rule, say(call(MUTE), 61).timeline, START).verdict
    assert heard_too_late is Verdict.INCONCLUSIVE, "as it was judged live"


@pytest.mark.parametrize("text", ["\\xfe\\x80x\\xe0abc\\xf8", "`x", "\\x9c", "~ f"])
def test_noise_is_no_witness(text):
    """A console that is read at a wrong speed says plenty, and nothing of the device."""
    story = call(MUTE)
    story.timeline.append(Witness.CONSOLE, ConsoleLine(text=text), START + 2)
    story.timeline.append(Witness.CONSOLE, UnreadableLine(text=text, reason="no end"), START + 2)
    judgement = judged("EVT-01", "", RULES["expected"], story.timeline, START)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "nothing that can be read has ever come from the console" in judgement.seen
    assert "baud rate" in judgement.seen
    events = [j for j in monitor(story.timeline, START + 60, START + 60) if j.requirement.startswith("EVT")]
    assert [j.verdict for j in events] == [Verdict.INCONCLUSIVE]


def test_what_others_tell_is_judged_all_the_same():
    rule = Occurs(pattern=RULES["expected"].pattern.where(name="x"), after=START, until=START + 60)
    story = call({"syslog": ("event",)})
    assert judged("OUT-01", "", rule, story.timeline, START).verdict is Verdict.INCONCLUSIVE
    answered = Occurs(pattern=screen("Dialing"), after=START, until=START + 60)
    assert judged("INC-02", "", answered, story.timeline, START).verdict is Verdict.FAIL


def of_the_page(timeline):
    found = monitor(timeline, START + 60, START + 60)
    return [j for j in found if not is_good_practice(j.requirement)]


def test_the_monitors_of_the_log_say_it_once():
    (told,) = of_the_page(call(MUTE).timeline)
    assert (told.requirement, told.verdict) == ("EVT-11", Verdict.INCONCLUSIVE)
    broken = {j.requirement for j in of_the_page(say(call(MUTE), 2).timeline)}
    assert broken == {"EVT-01", "EVT-02"}
    idle = Story()
    idle.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), unheard=MUTE), START)
    assert monitor(idle.timeline, START + 60, START + 60) == [], "nothing was owed"


async def test_a_scenario_goes_on_without_it():
    timeline = Timeline()
    timeline.append(Witness.BENCH, Declared(has=(), lacks=(), unheard=MUTE))
    judge = Judge(timeline)
    await judge.expect("EVT-01", DIALING, within=0.01)
    await judge.never("EVT-01", DIALING, during=0.01)
    judge.at_end("EVT-02", event(events.OUTGOING_ESTABLISHED), provided=DIALING)
    await judge.conclude(grace=0)
    assert [j.verdict for j in judge.judgements] == [Verdict.INCONCLUSIVE] * 3
    with pytest.raises(Inconclusive, match="nothing has ever come from the console"):
        await judge.require(DIALING, within=0.01)
