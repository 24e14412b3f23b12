"""What each rule says of a timeline: verdict, what was seen in words, and the observations behind it."""

import pytest

from intercom_hil.judge.lateness import Waited
from intercom_hil.judge.rules import Absent, InOrder, Measured, Monitored, Occurs, clock, listed
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import (
    BenchLate,
    ConsoleLine,
    DeviceEvent,
    MalformedSip,
    OutputChanged,
    ScreenText,
    UnreadableLine,
)
from intercom_hil.timeline.vocabulary import event, invite, registration, request, screen
from tests.judge.story import START, Story

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
INITIATED, ESTABLISHED, FAILURE = (
    event(kind) for kind in (events.OUTGOING_INITIATED, events.OUTGOING_ESTABLISHED, events.OUTGOING_FAILURE)
)
PRESSED = OutputChanged(name="button", active=True, confirmed=True)
NAMES = {"i": "outgoing_call_initiated", "e": "outgoing_call_established"}


def told(*what):
    """A timeline of (seconds, content or letter of an event)."""
    timeline = Timeline()
    timeline.opened = START
    for at, content in what:
        witness = Witness.CONSOLE
        if isinstance(content, str):
            content = DeviceEvent(name=NAMES[content], screen_name=content.upper())
        elif isinstance(content, MalformedSip):
            witness = Witness.WIRE
        elif isinstance(content, OutputChanged):
            witness = Witness.BUTTON
        elif isinstance(content, BenchLate):
            witness = Witness.LATENESS
        timeline.append(witness, content, START + at)
    return timeline


def late(begun, seconds):
    """From then on (s since the start) the bench was late for so long: an entry for ``told``."""
    content = BenchLate(begun=START + begun, length=seconds, late=seconds, causes={"event loop": seconds})
    return begun + seconds, content


def garbled(sender="device", receiver="pbx"):
    return MalformedSip(
        source="192.0.2.30:5060",
        destination="192.0.2.10:5060",
        sender=sender,
        receiver=receiver,
        problem="no headers",
        raw_hex="00",
    )


def hidden(may_hold_event=True):
    return UnreadableLine(text="x", reason="no end", may_hold_event=may_hold_event)


I1, I2 = (
    "event outgoing_call_initiated (I) (console, +1.000 s)",
    "event outgoing_call_initiated (I) (console, +2.000 s)",
)
E3 = "event outgoing_call_established (E) (console, +3.000 s)"
TWICE = told((1, "i"), (2, "i"), (3, "e"))


def occurs(pattern=INITIATED, after=0.0, until=9.0, **more):
    return Occurs(pattern=pattern, after=START + after, until=START + until, **more)


def absent(pattern=INITIATED, after=0.0, until=9.0):
    return Absent(pattern=pattern, after=START + after, until=START + until)


def in_order(*patterns, after=0.0, until=9.0):
    return InOrder(patterns=patterns, after=START + after, until=START + until)


RULES = [
    (occurs(), PASS, f"{I1}, {I2}", (0, 1)),
    (occurs(after=1), PASS, f"{I1}, {I2}", (0, 1)),
    (occurs(after=1.5), PASS, I2, (1,)),
    (occurs(until=2), PASS, f"{I1}, {I2}", (0, 1)),
    (occurs(until=1.5), PASS, I1, (0,)),
    (occurs(at_least=2), PASS, f"{I1}, {I2}", (0, 1)),
    (occurs(at_least=3), FAIL, f"2 seen: {I1}, {I2}", (0, 1)),
    (occurs(at_least=0, at_most=2), PASS, f"{I1}, {I2}", (0, 1)),
    (occurs(at_least=0, at_most=1), FAIL, f"2 seen: {I1}, {I2}", (0, 1)),
    (occurs(at_least=0, at_most=0, until=1.5), FAIL, f"1 seen: {I1}", (0,)),
    (occurs(FAILURE, at_least=0, at_most=0), PASS, "none, as expected", ()),
    (occurs(FAILURE), FAIL, f"none seen; instead: {I2}, {E3}", ()),
    (occurs(FAILURE, after=2.5), FAIL, f"none seen; instead: {E3}", ()),
    (occurs(FAILURE, after=3), FAIL, f"none seen; instead: {E3}", ()),
    (occurs(FAILURE, after=3.5), FAIL, "none seen; nothing of that kind at all", ()),
    (
        occurs(screen("Dialing"), after=2),
        FAIL,
        f"none seen; nothing of that kind at all; the device's last event: {E3}",
        (),
    ),
    (
        occurs(screen("Dialing"), after=4),
        FAIL,
        "none seen; nothing of that kind at all; the device logged no event",
        (),
    ),
    (absent(), FAIL, f"seen all the same: {I1}, {I2}", (0, 1)),
    (absent(after=2), FAIL, f"seen all the same: {I2}", (1,)),
    (absent(until=1), FAIL, f"seen all the same: {I1}", (0,)),
    (absent(FAILURE, after=2), PASS, "none in 7.0 s", ()),
    (absent(FAILURE, after=0, until=0.04), PASS, "none in 0.0 s", ()),
    (in_order(INITIATED, ESTABLISHED), PASS, f"{I1}, {E3}", (0, 2)),
    (in_order(INITIATED, ESTABLISHED, after=1.5), PASS, f"{I2}, {E3}", (1, 2)),
    (in_order(ESTABLISHED, INITIATED), FAIL, f"{I1}, {E3}", (0, 2)),
    (in_order(INITIATED, ESTABLISHED, until=2), FAIL, f"{I1}; never event outgoing_call_established", (0,)),
    (
        in_order(FAILURE, request("BYE")),
        FAIL,
        "none seen; never event outgoing_call_failure, BYE",
        (),
    ),
]


@pytest.mark.parametrize(("rule", "verdict", "seen", "observations"), RULES)
def test_a_rule_says_what_was_seen_and_when(rule, verdict, seen, observations):
    outcome = rule.evaluate(TWICE, START)
    assert (outcome.verdict, outcome.seen, outcome.observations) == (verdict, seen, observations)


def test_times_in_the_text_count_from_the_origin():
    outcome = occurs(until=1.5).evaluate(TWICE, START - 10)
    assert outcome.seen == "event outgoing_call_initiated (I) (console, +11.000 s)"
    assert clock(START - 0.5, START) == "-0.500 s"


@pytest.mark.parametrize(("count", "more"), [(4, ""), (5, ", and 1 more"), (7, ", and 3 more")])
def test_the_first_four_of_many_are_named(count, more):
    found = list(told(*((at, "i") for at in range(count))))
    named = ", ".join(f"event outgoing_call_initiated (I) (console, +{at}.000 s)" for at in range(4))
    assert listed(found, START) == named + more


LINE = "unreadable line 'x' (no end)"


@pytest.mark.parametrize(
    ("rule", "verdict", "observations"),
    [
        (occurs(), PASS, (0,)),  # what is there is there
        (occurs(at_least=0, at_most=0, until=0.9), PASS, ()),  # nothing was hidden by then
        (occurs(at_least=0, at_most=1), INCONCLUSIVE, (0, 1)),  # a second one may be hidden
        (occurs(at_least=0, at_most=0), FAIL, (0,)),  # one is too many already
        (occurs(at_least=2), INCONCLUSIVE, (0, 1)),
        (occurs(FAILURE), INCONCLUSIVE, (1,)),
        (occurs(FAILURE, at_least=0, at_most=0), INCONCLUSIVE, (1,)),
        (absent(FAILURE), INCONCLUSIVE, (1,)),
        (absent(), FAIL, (0,)),
        (absent(FAILURE, until=1.9), PASS, ()),
        (in_order(INITIATED, FAILURE), INCONCLUSIVE, (0, 1)),
        (in_order(INITIATED), INCONCLUSIVE, (0, 1)),  # the first may have been another one
    ],
)
def test_what_could_not_be_read_may_be_what_is_asked_for(rule, verdict, observations):
    timeline = told((1, "i"), (2, hidden()), (3, ConsoleLine(text="a")))
    outcome = rule.evaluate(timeline, START)
    assert (outcome.verdict, outcome.observations) == (verdict, observations)
    assert ("could not be read" in outcome.seen or "could be read" in outcome.seen) == (
        verdict is INCONCLUSIVE
    )


def test_what_could_not_be_read_is_named_with_its_time():
    timeline = told((1, "i"), (2, hidden()), (3, hidden()), (4, ConsoleLine(text="a")))
    two = f"{timeline[1]} (console, +2.000 s), {timeline[2]} (console, +3.000 s)"
    one = f"{timeline[1]} (console, +2.000 s)"
    instead = f"none seen; instead: {I1}; it may be in what could not be read: {two}"
    assert occurs(FAILURE).evaluate(timeline, START).seen == instead
    assert (
        absent(FAILURE).evaluate(timeline, START).seen == f"none in 9.0 s, but not all could be read: {two}"
    )
    ordered = in_order(INITIATED, FAILURE).evaluate(timeline, START)
    assert ordered.seen == f"{I1}; never event outgoing_call_failure; not all could be read: {one}"
    assert in_order(INITIATED).evaluate(timeline, START).observations == (0, 1, 2)


def test_a_message_that_is_missing_fails_whatever_bytes_could_not_be_read_and_they_are_named():
    timeline = told((1, garbled()))
    outcome = occurs(invite(sender="device")).evaluate(timeline, START)
    assert (outcome.verdict, outcome.observations) == (FAIL, ())
    assert outcome.seen.endswith(f"; it may be in what could not be read: {timeline[0]} (wire, +1.000 s)")
    assert occurs(invite(sender="pbx")).evaluate(timeline, START).seen.endswith("logged no event")
    # What is asked of messages' order is not hidden in bytes of lines, nor the other way round.
    assert in_order(invite(sender="device")).evaluate(timeline, START).verdict is FAIL


def test_of_a_line_in_which_no_event_may_be_hidden_only_a_screen_text_may_have_come():
    timeline = told((1, hidden(may_hold_event=False)), (2, ScreenText(text="Ready")))
    assert absent().evaluate(timeline, START).verdict is PASS
    assert absent(screen("Dialing")).evaluate(timeline, START).verdict is INCONCLUSIVE


@pytest.mark.parametrize(
    ("patterns", "verdict", "seen"),
    [
        ((INITIATED, ESTABLISHED), PASS, "{i}, {e}"),
        ((ESTABLISHED, INITIATED), INCONCLUSIVE, "the bench was 2.5 s late; {i}, {e}"),
        ((INITIATED, FAILURE), FAIL, "{i}; never event outgoing_call_failure"),
    ],
)
def test_an_order_that_the_bench_may_have_turned(patterns, verdict, seen):
    timeline = told((1, "i"), (3, "e"), late(0.5, 2.5))
    outcome = in_order(*patterns).evaluate(timeline, START)
    assert outcome.verdict is verdict
    assert outcome.seen == seen.format(i=I1, e=E3)


@pytest.mark.parametrize(
    ("begun", "seconds", "verdict"),
    [(8.5, 0.06, INCONCLUSIVE), (8.5, 0.05, FAIL), (5, 2, FAIL), (7.5, 0.53, FAIL)],
)
def test_what_is_missing_while_the_bench_was_late_at_the_end_may_have_been_there(begun, seconds, verdict):
    timeline = told((1, "i"), late(begun, seconds))
    outcome = in_order(INITIATED, FAILURE).evaluate(timeline, START)
    assert outcome.verdict is verdict
    assert outcome.seen.startswith("the bench was 60 ms late; ") == (verdict is INCONCLUSIVE)
    assert outcome.observations == (0,)


def test_lateness_has_to_explain_each_pair_that_is_out_of_order():
    first = (event(events.INCOMING_RECEIVED), ESTABLISHED, INITIATED)
    received = DeviceEvent(name="incoming_call_received", screen_name="")
    timeline = told((1, "i"), (1.5, "e"), (9, received), late(8.9, 0.3))
    assert in_order(*first).evaluate(timeline, START).verdict is FAIL
    assert in_order(*first[1:]).evaluate(timeline, START).verdict is FAIL
    timeline = told((1, "i"), (1.5, "e"), (1.8, received), late(0.8, 0.9))
    assert in_order(*first).evaluate(timeline, START).verdict is INCONCLUSIVE


def test_what_the_wire_dated_was_in_the_order_that_it_was_in():
    story = Story().placed().bye("pbx")
    at, content = late(-1, 3)
    story.timeline.append(Witness.LATENESS, content, START + at)
    asked = in_order(request("BYE"), invite())
    assert asked.evaluate(story.timeline, START).verdict is FAIL
    pressed = told((1, PRESSED), (1.2, "i"), late(0.5, 0.6))
    button = INITIATED.model_copy(update={"kind": "output", "fields": {}})
    assert in_order(INITIATED, button).evaluate(pressed, START).verdict is INCONCLUSIVE


@pytest.mark.parametrize(
    ("limits", "value", "verdict", "words"),
    [
        ({"low": 1, "high": 2}, 1, PASS, "1 to 2 s"),
        ({"low": 1, "high": 2}, 2, PASS, "1 to 2 s"),
        ({"low": 1, "high": 2}, 0.999, FAIL, "1 to 2 s"),
        ({"low": 1, "high": 2}, 2.001, FAIL, "1 to 2 s"),
        ({"low": 1.23456}, 1.3, PASS, "at least 1.235 s"),
        ({"low": 1.23456}, 1.2, FAIL, "at least 1.235 s"),
        ({"high": 1.23456}, 1.2, PASS, "at most 1.235 s"),
        ({"high": 1.23456}, 1.3, FAIL, "at most 1.235 s"),
        ({}, 1e9, PASS, "recorded, in s"),
    ],
)
def test_a_measurement_has_limits(limits, value, verdict, words):
    rule = Measured(name="ring time", unit="s", value=value, observations=(0,), **limits)
    outcome = rule.evaluate(TWICE, START)
    assert (outcome.verdict, outcome.seen, outcome.observations) == (verdict, f"{value:.4g} s", (0,))
    assert rule.limits == words


def test_a_measurement_that_was_not_taken_fails():
    outcome = Measured(name="ring time", unit="s", value=None, observations=(0,)).evaluate(TWICE, START)
    assert (outcome.verdict, outcome.seen, outcome.observations) == (FAIL, "ring time was not measured", ())


@pytest.mark.parametrize(
    ("unit", "value", "limits", "begun", "seconds", "verdict"),
    [
        ("s", 2.5, {"high": 2}, 1.0, 0.5, INCONCLUSIVE),  # as late as the value is above
        ("s", 2.5, {"high": 2}, 1.0, 0.4, FAIL),
        ("s", 0.5, {"low": 1}, 1.0, 0.5, INCONCLUSIVE),
        ("s", 0.5, {"low": 1}, 1.0, 0.4, FAIL),
        ("s", 0.5, {"low": 1, "high": 2}, 1.0, 0.5, INCONCLUSIVE),
        ("s", 2.5, {"high": 2}, -2.0, 0.9, FAIL),  # over before it began
        ("dB", 7, {"high": 2}, 1.0, 1.5, INCONCLUSIVE),  # half of the time between, and one second
        ("dB", 7, {"high": 2}, 1.0, 1.4, FAIL),
    ],
)
def test_lateness_excuses_a_measurement(unit, value, limits, begun, seconds, verdict):
    timeline = told((1, "i"), (3, "e"), late(begun, seconds))
    rule = Measured(name="x", unit=unit, value=value, observations=(0, 1), **limits)
    outcome = rule.evaluate(timeline, START)
    excuse = f"; the bench was {seconds:.1f} s late" if verdict is INCONCLUSIVE else ""
    assert (outcome.verdict, outcome.seen) == (verdict, f"{value:.4g} {unit}{excuse}")


def test_lateness_excuses_no_measurement_of_unknown_observations():
    timeline = told((1, "i"), late(0, 3))
    for observations in ((), (7,), (-1,)):
        rule = Measured(name="x", unit="s", value=3, high=2, observations=observations)
        assert rule.evaluate(timeline, START).verdict is FAIL


def test_a_wait_without_a_fair_chance_excuses_what_is_missing_alone():
    wait = Waited(begun=START, bound=2.0, lasted=2.0)
    timeline = told((1, "i"), late(0.5, 1.5))
    missing = occurs(FAILURE, until=2, wait=wait).evaluate(timeline, START)
    assert missing.verdict is INCONCLUSIVE
    assert missing.seen == f"the bench was 1.5 s late; none seen; instead: {I1}"
    assert occurs(until=2, wait=wait).evaluate(timeline, START).verdict is PASS
    assert occurs(until=2, at_least=0, at_most=0, wait=wait).evaluate(timeline, START).verdict is FAIL
    assert occurs(FAILURE, until=2).evaluate(timeline, START).verdict is FAIL


def test_what_was_dated_late_is_told_with_that():
    timeline = told((1, "i"), late(0.5, 0.5))
    outcome = absent(after=0.9).evaluate(timeline, START)
    assert (outcome.verdict, outcome.seen) == (
        INCONCLUSIVE,
        f"the bench was 0.5 s late; seen all the same: {I1}",
    )


def test_a_cause_is_looked_for_from_the_time_on_that_is_asked_about():
    assert occurs(FAILURE).caused(TWICE)
    assert occurs(FAILURE, provided=INITIATED).caused(TWICE)
    assert occurs(FAILURE, provided=INITIATED, after=2).caused(TWICE)
    assert not occurs(FAILURE, provided=INITIATED, after=2.5).caused(TWICE)
    assert not occurs(INITIATED, provided=FAILURE).caused(TWICE)


def test_a_device_that_the_bench_left_without_an_answer_is_not_at_fault():
    """The REGISTER that nobody answered for longer than a second; the settings name its server."""
    from intercom_hil.timeline.observation import Configured

    story = Story()
    settings = {"server_port": 2, "transport": "UDP"}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), START)
    story.at(1).sip("REGISTER", "device", "pbx", to_tag="")
    confirmed = request("REGISTER", sender="pbx")
    outcome = occurs(confirmed, until=5).evaluate(story.timeline, START)
    assert (outcome.verdict, outcome.observations) == (INCONCLUSIVE, (1,))
    seen = f"not answered by the bench as it must be: {story.timeline[1]} (wire, +1.010 s)"
    assert outcome.seen.endswith(f"; {seen}")
    assert occurs(confirmed, until=2).evaluate(story.timeline, START).verdict is FAIL
    assert occurs(confirmed, until=5, after=2).evaluate(story.timeline, START).verdict is FAIL
    too_many = occurs(registration(), until=5, at_least=0, at_most=0).evaluate(story.timeline, START)
    assert (too_many.verdict, too_many.observations) == (FAIL, (1,))


def test_a_rule_of_a_monitor_says_from_when_to_when():
    rule = Monitored(monitor="events", closed=1.0, settled=2.0)
    assert (rule.kind, rule.closed, rule.settled) == ("monitored", 1.0, 2.0)
