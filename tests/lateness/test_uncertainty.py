"""The uncertainty of a measured time or level, and what it means for the verdict at a limit."""

from math import sqrt

import pytest

from intercom_hil.judge.rules import Measured
from intercom_hil.lateness.uncertainty import CAPTURED, CLOCK_RATE, COMPANDED, LINEAR, READ
from intercom_hil.scenario.uncertainty import of_level, of_time
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import BenchLate, MediaHeard, Note, OperatorHeard, SpeakerHeard


def seen(*ends, late=()):
    timeline = Timeline()
    for time, seconds in late:
        timeline.append(Witness.LATENESS, BenchLate(begun=time - 1.0, length=1.0, late=seconds), time)
    return timeline, [timeline.append(witness, Note(text="end"), time) for witness, time in ends]


def expanded(*bounds):
    return pytest.approx(2 * sqrt(sum(bound**2 for bound in bounds) / 3))


def test_between_two_packets_it_is_that_of_their_dates_and_of_the_clocks_rate():
    timeline, ends = seen((Witness.WIRE, 100.0), (Witness.WIRE, 103.0))
    assert of_time(timeline, ends, 3.0) == expanded(3 * CLOCK_RATE, CAPTURED, CAPTURED)


def test_what_the_bench_dates_itself_is_as_uncertain_as_the_bench_was_late():
    timeline, ends = seen((Witness.WIRE, 100.0), (Witness.PBX, 103.0), late=[(103.0, 0.4), (101.5, 0.9)])
    assert of_time(timeline, ends, 3.0) == expanded(3 * CLOCK_RATE, CAPTURED, READ + 0.4)


def test_a_time_that_the_bench_itself_began_has_two_ends_all_the_same():
    timeline, ends = seen((Witness.WIRE, 103.0), late=[(100.0, 0.2)])
    assert of_time(timeline, ends, 3.0) == expanded(3 * CLOCK_RATE, CAPTURED, READ + 0.2)


def test_of_a_time_that_was_taken_from_nothing_it_is_not_known():
    assert of_time(Timeline(), (), 3.0) is None


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [
        (3.0, 0.01, Verdict.PASS),
        (3.5, 0.01, Verdict.PASS),
        (3.505, 0.01, Verdict.INCONCLUSIVE),
        (2.495, 0.01, Verdict.INCONCLUSIVE),
        (3.511, 0.01, Verdict.FAIL),
        (2.489, 0.01, Verdict.FAIL),
        (3.505, None, Verdict.FAIL),
        (None, None, Verdict.FAIL),
    ],
)
def test_outside_by_no_more_than_its_uncertainty_a_value_is_inconclusive(value, uncertainty, verdict):
    rule = Measured(name="ring time", unit="s", value=value, low=2.5, high=3.5, uncertainty=uncertainty)
    outcome = rule.evaluate(Timeline(), 0.0)
    assert outcome.verdict is verdict
    assert ("it may as well lie inside" in outcome.seen) is (verdict is Verdict.INCONCLUSIVE)


def test_a_rule_that_was_stored_without_it_is_judged_as_it_was():
    stored = (
        '{"kind":"measured","name":"x","unit":"s","value":3.5001,"low":null,"high":3.5,"observations":[]}'
    )
    assert Measured.model_validate_json(stored).evaluate(Timeline(), 0.0).verdict is Verdict.FAIL


WIRE = MediaHeard(
    flow="f", sender="device", receiver="pbx", protection="plain", level_dbov=-16.0, duration=0.2
)
SPEAKER = SpeakerHeard(level_dbov=-16.0, duration=0.2)


@pytest.mark.parametrize(
    ("heard", "unit", "by_card", "bounds"),
    [
        ([WIRE, WIRE], "dB", False, [COMPANDED] * 2),
        ([WIRE, WIRE], "dB", True, [COMPANDED] * 2),
        ([WIRE], "dBov", False, [COMPANDED]),
        ([SPEAKER, SPEAKER], "dB", False, [LINEAR] * 2),
        ([SPEAKER, WIRE], "dB", False, [COMPANDED] * 2),
        ([SPEAKER, SPEAKER], "dB", True, None),
        ([SPEAKER, OperatorHeard(what="tone", meter_db=60.0)], "dB", False, None),
        ([WIRE], "attempts", False, None),
        ([], "dB", False, None),
    ],
)
def test_a_level_is_as_uncertain_as_a_loop_shows(heard, unit, by_card, bounds):
    timeline = Timeline()
    of = [timeline.append(Witness.WIRE, content, 100.0 + place) for place, content in enumerate(heard)]
    assert of_level(of, unit, by_card=by_card) == (None if bounds is None else expanded(*bounds))


def test_a_volume_that_changes_nothing_is_told_from_the_least_step():
    """What is measured of it must not be excused: the least step that CFG-15 asks for is 0.5 dB."""
    assert expanded(COMPANDED, COMPANDED).expected < 0.5 - 0.05
