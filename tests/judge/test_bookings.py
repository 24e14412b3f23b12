"""What the judge of a scenario books: expected, seen, verdict, rule, and what the scenario gets in return."""

import asyncio
import contextlib

import pytest

from intercom_hil.errors import Inconclusive
from intercom_hil.judge.deferral import IMPORT
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.judge.judgement import (
    Judgement,
    by_requirement,
    folded,
    is_deferred,
    judged,
    not_judged,
    why_unseen,
    without_repeats,
)
from intercom_hil.judge.rules import Absent, InOrder, Measured, Monitored, Occurs
from intercom_hil.spec import events
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness, now
from intercom_hil.timeline.observation import BenchLate, Declared, DeviceEvent, EventsImported
from intercom_hil.timeline.vocabulary import event, invite, request

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
DIALING, FAILED = event(events.OUTGOING_INITIATED), event(events.OUTGOING_FAILURE)


def judge_of(*names, **options):
    """A judge of events that came a second apart, the last of them now."""
    timeline = Timeline()
    timeline.opened -= len(names)
    for second, name in enumerate(names):
        timeline.append(Witness.CONSOLE, DeviceEvent(name=name, screen_name="x"), timeline.opened + second)
    return Judge(timeline, **options)


def three(**options):
    return judge_of(*["outgoing_call_initiated"] * 3, **options)


async def test_as_many_are_waited_for_as_are_asked_for_and_the_last_of_them_is_returned():
    judge = three()
    assert (await judge.expect("EVT-01", DIALING, within=0)).seq == 0
    assert (await judge.expect("EVT-01", DIALING, within=0, count=2)).seq == 1
    since = judge.timeline[1].time
    assert (await judge.expect("EVT-01", DIALING, within=0, after=since)).seq == 1
    with pytest.raises(ExpectationFailed):
        await judge.expect("EVT-01", DIALING, within=0, after=since, count=3)
    texts = ["within 0 s", "2 times within 0 s", "within 0 s", "3 times within 0 s"]
    assert [j.expected for j in judge.judgements] == [f"{DIALING} {text}" for text in texts]
    assert [j.requirement for j in judge.judgements] == ["EVT-01"] * 4
    assert [j.rule.at_least for j in judge.judgements] == [1, 2, 1, 3]
    assert [j.rule.after for j in judge.judgements] == [judge.timeline.opened] * 2 + [since] * 2
    assert [j.observations for j in judge.judgements] == [(0, 1, 2), (0, 1, 2), (1, 2), (1, 2)]


async def test_a_wait_is_booked_with_its_bound_and_how_long_it_lasted():
    judge = three()
    begun = now()
    with pytest.raises(ExpectationFailed):
        await judge.expect("EVT-03", FAILED, within=0.0321)
    ended = now()
    (judgement,) = judge.judgements
    assert judgement.expected == f"{FAILED} within 0.0321 s"
    rule = judgement.rule
    assert (rule.wait.bound, rule.after) == (0.0321, judge.timeline.opened)
    assert begun <= rule.wait.begun <= ended
    assert 0.03 <= rule.wait.lasted <= ended - begun + 0.001
    assert rule.until == pytest.approx(rule.wait.begun + rule.wait.lasted)
    assert begun < rule.until <= ended


async def test_a_precondition_is_returned_and_booked_nowhere():
    judge = three()
    assert (await judge.require(DIALING, within=0)).seq == 0
    assert (await judge.require(DIALING, within=0, count=3)).seq == 2
    since = judge.timeline[2].time
    assert (await judge.require(DIALING, within=0, after=since)).seq == 2
    with pytest.raises(Inconclusive) as missing:
        await judge.require(FAILED, within=0.0123, after=since)
    assert str(missing.value) == (
        f"precondition not met: {FAILED} within 0.0123 s of +2.000 s; "
        "none seen; instead: event outgoing_call_initiated (x) (console, +2.000 s)"
    )
    with pytest.raises(Inconclusive, match=r"within 0 s of \+0.000 s; 3 seen: "):
        await judge.require(DIALING, within=0, count=4)
    assert judge.judgements == judge.preconditions == []


async def test_what_must_never_happen_is_booked_with_its_time():
    judge = three()
    begun = now()
    await judge.never("EVT-03", FAILED, during=0.02)
    with pytest.raises(ExpectationFailed):
        await judge.never("EVT-01", DIALING, during=5, after=judge.timeline[2].time)
    assert now() - begun < 2
    first, second = judge.judgements
    assert (first.requirement, first.expected, first.verdict) == ("EVT-03", f"never {FAILED}", PASS)
    assert first.rule.after == judge.timeline.opened
    assert 0.02 <= first.rule.until - begun < 2
    assert (second.expected, second.observations) == (f"never {DIALING}", (2,))


async def test_what_was_ordered_before_does_not_count():
    names = ["outgoing_call_failure", "outgoing_call_initiated", "outgoing_call_failure"]
    judge = judge_of(*names)
    with pytest.raises(ExpectationFailed):
        await judge.in_order("EVT-12", [DIALING, FAILED])
    await judge.in_order("EVT-12", [DIALING, FAILED], after=judge.timeline[1].time)
    assert [j.rule.after for j in judge.judgements] == [judge.timeline.opened, judge.timeline[1].time]
    assert [j.observations for j in judge.judgements] == [(0, 1), (1, 2)]


async def test_witnesses_deliver_what_they_saw_of_the_kinds_that_are_asked_about():
    asked = []

    async def catch_up(kinds):
        asked.append(set(kinds))

    judge = three(catch_up=catch_up)
    await judge.in_order("EVT-12", [DIALING, DIALING])
    await judge.never("OUT-01", invite(), during=0)
    judge.at_end("EVT-01", DIALING)
    judge.at_end("OUT-01", invite(), at_least=0)
    await judge.conclude(0)
    assert asked == [{"event"}, {"sip"}, {"event", "sip"}]
    await judge.conclude(0)
    assert len(asked) == 3


async def test_what_nothing_depends_on_may_come_or_not():
    judge = three()
    assert (await judge.happens(DIALING, within=0)).seq == 0
    assert (await judge.happens(DIALING, within=0, after=judge.timeline[1].time)).seq == 1
    begun = now()
    assert await judge.happens(FAILED, within=0.02) is None
    assert 0.02 <= now() - begun < 2
    asyncio.get_running_loop().call_later(
        0.01,
        judge.timeline.append,
        Witness.CONSOLE,
        DeviceEvent(name="outgoing_call_failure", screen_name=""),
    )
    assert (await judge.happens(FAILED, within=5)).seq == 3
    assert judge.judgements == []


async def test_a_measurement_is_booked_with_its_limits_and_what_it_was_taken_from():
    judge = three()
    of = (judge.timeline[0], judge.timeline[2])
    judge.measure("OUT-03", "ring time", 2.0, "s", low=1.5, high=2.5, of=of)
    with pytest.raises(ExpectationFailed) as failed:
        judge.measure("OUT-03", "ring time", 3.0, "s", high=2.5)
    with pytest.raises(ExpectationFailed):
        judge.measure("OUT-03", "ring time", 1.0, "s", low=1.5)
    assert str(failed.value) == "OUT-03: expected ring time: at most 2.5 s; 3 s"
    first = judge.judgements[0]
    assert (first.expected, first.seen, first.verdict) == ("ring time: 1.5 to 2.5 s", "2 s", PASS)
    assert (first.observations, first.witnesses, first.time) == ((0, 2), ("console",), of[0].time)
    assert first.rule == Measured(
        name="ring time", unit="s", value=2.0, low=1.5, high=2.5, observations=(0, 2)
    )
    assert [j.verdict for j in judge.judgements] == [PASS, FAIL, FAIL]


@pytest.mark.parametrize(
    ("bounds", "words", "verdict"),
    [
        ({"at_least": 0}, "recorded", PASS),
        ({}, "at least once", PASS),
        ({"at_least": 2}, "at least twice", PASS),
        ({"at_least": 3}, "at least 3 times", PASS),
        ({"at_least": 4}, "at least 4 times", FAIL),
        ({"at_least": 1, "at_most": 3}, "1 to 3 times", PASS),
        ({"at_least": 1, "at_most": 2}, "1 to 2 times", FAIL),
        ({"at_least": 0, "at_most": 0}, "never", FAIL),
    ],
)
async def test_what_is_counted_at_the_end_says_how_often(bounds, words, verdict):
    judge = three()
    judge.at_end("EVT-01", DIALING, **bounds)
    await judge.conclude(0)
    (judgement,) = judge.judgements
    assert (judgement.expected, judgement.verdict) == (f"{DIALING}, {words}", verdict)
    assert judgement.requirement == "EVT-01"
    assert judgement.rule.after == judge.timeline.opened
    assert (judgement.rule.wait.bound, judgement.rule.provided) == (0, None)


async def test_what_is_counted_at_the_end_counts_from_a_time_on_and_once():
    judge = three()
    judge.at_end("EVT-01", DIALING, at_least=2, after=judge.timeline[1].time)
    judge.at_end("EVT-01", DIALING, at_least=3, after=judge.timeline[1].time)
    await judge.conclude(0)
    assert [(j.verdict, j.observations) for j in judge.judgements] == [(PASS, (1, 2)), (FAIL, (1, 2))]
    await judge.conclude(0)
    assert len(judge.judgements) == 2, "each is judged once"


async def test_what_may_come_at_the_end_is_waited_for():
    """Of each so many are waited for as are asked for, from its own time on."""
    judge = judge_of("outgoing_call_failure", "outgoing_call_initiated")
    since = judge.timeline[1].time
    judge.at_end("EVT-03", FAILED, at_least=2, after=since)
    judge.at_end("EVT-09", request("BYE"), provided=event(events.OUTGOING_ESTABLISHED))
    judge.at_end("EVT-01", DIALING)
    for seconds in (0.05, 0.15):
        content = DeviceEvent(name="outgoing_call_failure", screen_name="")
        asyncio.get_running_loop().call_later(seconds, judge.timeline.append, Witness.CONSOLE, content)
    begun = now()
    await judge.conclude(10)
    assert 0.1 <= now() - begun < 8
    assert [(j.requirement, j.verdict, j.observations) for j in judge.judgements] == [
        ("EVT-03", PASS, (2, 3)),
        ("EVT-01", PASS, (1,)),
    ]
    assert judge.judgements[0].rule.wait.begun < judge.judgements[0].rule.until


async def test_what_must_not_come_again_is_watched_for_all_of_its_time():
    judge = three()
    begun = now()
    await judge.never("EVT-01", DIALING, during=0.05, after=now())
    assert now() - begun >= 0.05
    judge.timeline.append(Witness.CONSOLE, DeviceEvent(name="outgoing_call_failure", screen_name=""))
    with pytest.raises(ExpectationFailed) as failed:
        await judge.never("EVT-03", FAILED, during=0)
    assert failed.value.judgement is judge.judgements[-1]
    assert failed.value.judgement.verdict is FAIL


@pytest.mark.parametrize(("comes_again", "verdict"), [(True, FAIL), (False, INCONCLUSIVE)])
async def test_what_lateness_explains_is_not_the_end_of_a_watch(comes_again, verdict):
    """A sound that began as the call ended may be its tail; that it goes on is the device's doing."""
    judge = three()
    timeline, begun = judge.timeline, now()
    timeline.append(
        Witness.LATENESS,
        BenchLate(begun=begun - 10.2, length=0.3, late=0.25, causes={"event loop": 0.25}),
        begun - 9.9,
    )
    failure = DeviceEvent(name="outgoing_call_failure", screen_name="")
    timeline.append(Witness.CONSOLE, failure, begun - 9.9)
    if comes_again:
        asyncio.get_running_loop().call_later(0.05, timeline.append, Witness.CONSOLE, failure)
    with contextlib.suppress(ExpectationFailed):
        await judge.never("EVT-03", FAILED, during=5 if comes_again else 0.1, after=begun - 10)
    assert judge.judgements[-1].verdict is verdict
    assert now() - begun < 5
    assert comes_again or now() - begun >= 0.1


async def test_all_that_are_asked_for_are_waited_for():
    judge = judge_of("outgoing_call_initiated")
    for seconds in (0.05, 0.1):
        content = DeviceEvent(name="outgoing_call_initiated", screen_name="")
        asyncio.get_running_loop().call_later(seconds, judge.timeline.append, Witness.CONSOLE, content)
    assert (await judge.expect("EVT-01", DIALING, within=10, count=2)).seq == 1
    assert (await judge.require(DIALING, within=10, count=3)).seq == 2


async def test_a_precondition_that_a_late_bench_kept_is_told_with_that():
    async def catch_up(kinds):
        content = BenchLate(begun=now() - 0.4, length=0.4, late=0.4, causes={"event loop": 0.4})
        judge.timeline.append(Witness.LATENESS, content)

    judge = three(catch_up=catch_up)
    with pytest.raises(Inconclusive, match=r"; the bench was 0\.\d s late; none seen"):
        await judge.require(FAILED, within=0.05)


async def test_what_has_no_cause_is_not_judged_and_not_waited_for():
    judge = judge_of("outgoing_call_failure", "outgoing_call_initiated")
    begun = now()
    judge.at_end("EVT-09", request("BYE"), provided=event(events.OUTGOING_ESTABLISHED))
    await judge.conclude(5)
    assert judge.judgements == []
    assert now() - begun < 2
    # A cause from before the time that is asked about is none.
    judge.at_end("EVT-03", request("BYE"), provided=FAILED, after=judge.timeline[1].time)
    await judge.conclude(5)
    assert judge.judgements == []
    judge.at_end("EVT-03", request("BYE"), provided=FAILED)
    await judge.conclude(0.01)
    (judgement,) = judge.judgements
    assert (judgement.verdict, judgement.rule.provided) == (FAIL, FAILED)


async def test_at_the_end_all_share_one_time_in_which_they_may_come():
    judge = judge_of("outgoing_call_initiated")
    for _ in range(10):
        judge.at_end("EVT-03", FAILED)
    begun = now()
    await judge.conclude(0.3)
    assert 0.3 <= now() - begun < 2
    for judgement in judge.judgements:
        wait = judgement.rule.wait
        assert wait.bound == 0.3
        assert 0.29 <= wait.lasted < 2
        assert begun - 0.05 <= wait.begun <= begun + 1
        assert judgement.rule.until == pytest.approx(wait.begun + wait.lasted)


async def test_what_a_device_lacks_is_not_judged_whatever_was_seen():
    judge = three(not_applicable={"EVT-03": "the bench file says that it has no log"}, gaps={"OUT-09"})
    with pytest.raises(Inconclusive, match="was not seen, and need not be"):
        await judge.expect("EVT-03", FAILED, within=0)
    with pytest.raises(Inconclusive, match=r"OUT-09: event outgoing_call_failure was not seen"):
        await judge.expect("OUT-09", FAILED, within=0)
    lacking, gap = judge.judgements
    assert lacking.verdict is Verdict.NOT_APPLICABLE
    assert lacking.seen == "not judged: the bench file says that it has no log"
    assert (gap.verdict, gap.seen.startswith("none seen")) == (Verdict.OBSERVED, True)


def deferred_judge(*, imported=False):
    judge = three()
    timeline = judge.timeline
    timeline.append(Witness.BENCH, Declared(has=(), lacks=(), deferred=("event",)), timeline.opened)
    if imported:
        timeline.append(
            Witness.EVENT_LOG,
            EventsImported(file="a.csv", sha256="", entries=0, ahead=0, drift_ppm=0),
            timeline.opened,
        )
    return judge


async def test_what_an_import_will_tell_does_not_stop_the_scenario():
    judge = deferred_judge()
    stand_in = await judge.expect("EVT-03", FAILED, within=0)
    assert (stand_in.witness, str(stand_in)) == (Witness.BENCH, f"{FAILED} was not seen: {IMPORT}")
    assert (judge.judgements[0].verdict, judge.judgements[0].seen) == (INCONCLUSIVE, IMPORT)
    stand_in = await judge.require(FAILED, within=0, count=2)
    assert str(stand_in) == f"{FAILED} was not seen: {IMPORT}"
    (precondition,) = judge.preconditions
    assert (precondition.pattern, precondition.at_least, precondition.after) == (
        FAILED,
        2,
        judge.timeline.opened,
    )
    with pytest.raises(Inconclusive, match="precondition not met: INVITE"):
        await judge.require(invite(), within=0)
    judge.at_end("EVT-03", invite(), provided=FAILED, at_least=0)
    await judge.conclude(0)
    assert judge.judgements[-1].verdict is INCONCLUSIVE, "its cause may be in the log"


async def lateness(judge, late, bound, comes_after):
    """Wait for an event that comes so late (s) while the bench says that it was late for a time (s)."""
    timeline, told = judge.timeline, []

    def report():
        if not told:
            told.append(True)
            content = BenchLate(begun=now() - late, length=late, late=late, causes={"event loop": late})
            timeline.append(Witness.LATENESS, content)

    judge._report_lateness = report
    asyncio.get_running_loop().call_later(
        comes_after,
        timeline.append,
        Witness.CONSOLE,
        DeviceEvent(name="outgoing_call_failure", screen_name=""),
    )
    return await judge.wait(FAILED, within=bound)


@pytest.mark.parametrize(
    ("late", "comes_after", "found"),
    [(0.0, 1.5, False), (0.04, 1.5, False), (0.6, 0.2, True), (0.6, 5.0, False)],
)
async def test_time_in_which_the_bench_was_late_is_given_back(late, comes_after, found):
    judge = three()
    begun = now()
    assert bool(await lateness(judge, late, 0.05, comes_after)) is found
    assert now() - begun < 3


def test_a_judgement_is_signed_by_its_witnesses():
    judge = judge_of("outgoing_call_initiated")
    timeline = judge.timeline
    timeline.append(Witness.SYSLOG, DeviceEvent(name="outgoing_call_initiated", screen_name=""), now() - 30)
    rule = Occurs(pattern=DIALING, after=0, until=now() + 1)
    judgement = judged("EVT-01", "an event", rule, timeline, timeline.opened)
    assert judgement.requirement == "EVT-01"
    assert (judgement.expected, judgement.verdict, judgement.rule) == ("an event", PASS, rule)
    assert (judgement.witnesses, judgement.observations) == (("syslog", "console"), (1, 0))
    assert judgement.time == timeline[1].time
    assert judged("EVT-01", "", rule, timeline, 0, gap=True).verdict is Verdict.OBSERVED
    with pytest.raises(TypeError, match="evaluated by its monitor"):
        judged("EVT-01", "", Monitored(monitor="m", closed=0, settled=0), timeline, 0)


def test_a_judgement_without_observations_has_no_time():
    timeline = Timeline()
    judgement = judged("EVT-01", "x", Absent(pattern=DIALING, after=0, until=1), timeline, 0)
    assert (judgement.time, judgement.witnesses, judgement.observations) == (None, (), ())
    assert str(judgement) == "EVT-01: expected x; none in 1.0 s"


RULES = {
    "occurs": (Occurs(pattern=DIALING, after=0, until=1), True),
    "absent": (Absent(pattern=DIALING, after=0, until=1), True),
    "in order": (InOrder(patterns=(invite(), DIALING), after=0, until=1), True),
    "caused": (Occurs(pattern=invite(), provided=DIALING, after=0, until=1), True),
    "not of the log": (Occurs(pattern=invite(), after=0, until=1), False),
    "absent from the wire": (Absent(pattern=invite(), after=0, until=1), False),
    "measured": (Measured(name="x", unit="s", value=1), False),
    "monitored": (Monitored(monitor="m", closed=0, settled=0), False),
}


@pytest.mark.parametrize(("rule", "deferred"), RULES.values(), ids=RULES)
def test_a_rule_about_the_log_waits_for_its_import(rule, deferred):
    timeline = deferred_judge().timeline
    assert is_deferred(rule, timeline) is deferred
    assert why_unseen(rule, timeline) == (IMPORT if deferred else "")
    assert not is_deferred(rule, Timeline())
    assert not is_deferred(rule, deferred_judge(imported=True).timeline)
    if not isinstance(rule, Monitored):
        judgement = judged("EVT-01", "x", rule, timeline, 0)
        assert (judgement.seen == IMPORT) is deferred
        if deferred:
            assert (judgement.verdict, judgement.expected, judgement.requirement, judgement.rule) == (
                INCONCLUSIVE,
                "x",
                "EVT-01",
                rule,
            )


def judgement(requirement, verdict, *observations):
    rule = Monitored(monitor="m", closed=0, settled=0)
    return Judgement(
        requirement=requirement, verdict=verdict, expected="", seen="", observations=observations, rule=rule
    )


def test_what_fails_a_requirement_already_fails_it_once():
    made = [judgement("EVT-01", FAIL, 1, 2), judgement("EVT-02", PASS, 3), judgement("EVT-04", FAIL, 9)]
    found = [
        judgement("EVT-01", FAIL, 2, 5),  # again for the second observation
        judgement("EVT-01", FAIL, 5),
        judgement("EVT-01", PASS, 2),
        judgement("EVT-02", FAIL, 3),
        judgement("EVT-03", FAIL, 9),
    ]
    assert without_repeats(found, made) == found[1:]


NONE = Verdict.NONE


@pytest.mark.parametrize(
    ("judgements", "ending", "asked", "verdict", "requirements", "unjudged"),
    [
        ([("EVT-01", PASS)], PASS, ["EVT-01"], PASS, {"EVT-01": PASS}, ()),
        ([("EVT-01", PASS), ("EVT-01", FAIL)], PASS, ["EVT-01"], FAIL, {"EVT-01": FAIL}, ()),
        ([("EVT-01", FAIL), ("EVT-01", PASS)], PASS, [], FAIL, {"EVT-01": FAIL}, ()),
        (
            [("EVT-01", PASS)],
            PASS,
            ["EVT-01", "EVT-02"],
            INCONCLUSIVE,
            {"EVT-01": PASS, "EVT-02": INCONCLUSIVE},
            ("EVT-02",),
        ),
        (
            [("EVT-01", PASS)],
            INCONCLUSIVE,
            ["EVT-01", "EVT-02"],
            INCONCLUSIVE,
            {"EVT-01": INCONCLUSIVE, "EVT-02": INCONCLUSIVE},
            (),
        ),
        ([("EVT-01", FAIL)], INCONCLUSIVE, ["EVT-01"], FAIL, {"EVT-01": FAIL}, ()),
        ([("EVT-01", PASS)], INCONCLUSIVE, [], PASS, {"EVT-01": PASS}, ()),
        ([], INCONCLUSIVE, [], NONE, {}, ()),
        ([], PASS, [], PASS, {}, ()),
        ([("EVT-01", PASS)], FAIL, [], FAIL, {"EVT-01": PASS}, ()),
        ([("SIP-01", FAIL), ("EVT-01", PASS)], PASS, ["EVT-01"], PASS, {"SIP-01": FAIL, "EVT-01": PASS}, ()),
    ],
)
def test_a_scenario_comes_to_the_worst_of_what_was_judged(
    judgements, ending, asked, verdict, requirements, unjudged
):
    made = [judgement(name, one) for name, one in judgements]
    result = folded(made, ending, asked)
    assert (result.verdict, result.requirements, result.unjudged) == (verdict, requirements, unjudged)
    assert (
        by_requirement(made) == {name: one for name, one in requirements.items() if name in dict(judgements)}
        or ending is not PASS
    )


def test_what_was_never_judged_is_told_in_words():
    assert not_judged("EVT-01") == "EVT-01: the scenario ended without having judged it"
