"""The device's clock: estimated from what arrives, and from a log laid beside the calls of a run."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.evidence.log_match import Cause, Entry, match
from intercom_hil.judge.device_clock import ClockReading, estimate, reading
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import DeviceEvent

NAMES = ("outgoing_call_initiated", "outgoing_call_established", "outgoing_remote_hangup")
START = 1_795_380_000.0


def test_the_promptest_entry_of_a_scenario_shows_the_offset():
    timeline = Timeline()
    for latency in (0.2, 0.003, 0.04):
        event = DeviceEvent(name="x", device_time=START + 37.0)
        timeline.append(Witness.CONSOLE, event, START + latency)
    timeline.append(Witness.CONSOLE, DeviceEvent(name="undated"), START)
    timeline.append(Witness.EVENT_LOG, DeviceEvent(name="imported", device_time=START + 99), START)
    seen = reading(timeline)
    assert seen == ClockReading(at=START + 0.003, ahead_s=36.997, pairs=3, spread_s=0.197)
    assert reading(Timeline()) is None


@given(st.floats(-1e6, 1e6), st.floats(-5e-4, 5e-4), st.integers(0, 1000))
def test_offset_and_drift_of_a_run_are_found_whatever_the_latency(ahead, drift, seed):
    chance = random.Random(seed)
    readings = []
    for place in range(60):
        at = START + 20 * place
        latency = chance.choice((0.001, 0.002, chance.expovariate(20)))
        readings.append(
            ClockReading(at=at, ahead_s=ahead + drift * 20 * place - latency, pairs=3, spread_s=0.1)
        )
    clock = estimate(readings)
    assert clock.ahead_s == pytest.approx(ahead, abs=0.02)
    assert clock.drift_ppm == pytest.approx(drift * 1e6, abs=25)
    assert "the bench's" in str(clock)


def test_a_short_run_shows_no_drift():
    readings = [
        ClockReading(at=START + place, ahead_s=1 + place / 10, pairs=1, spread_s=0) for place in range(5)
    ]
    clock = estimate(readings)
    assert (clock.ahead_s, clock.drift_ppm, clock.pairs) == (1.4, None, 5)
    assert str(clock) == "1.400 s ahead of the bench's (from 5 entries)"
    assert str(estimate([ClockReading(at=0, ahead_s=-2, pairs=1, spread_s=0)])).startswith("2.000 s behind")
    assert estimate([]) is None


def run(chance, scenarios=12, *, ahead=0.0, drift=0.0, resolution=0.0):
    """Play a run: return its log by the device's clock, its causes, and when each entry was written."""
    entries, causes, written = [], [], []
    time = START
    for scenario in range(scenarios):
        time += chance.uniform(0.5, 20)
        for name in NAMES:
            time += chance.uniform(0.1, 3)
            causes.append(Cause(scenario, name, time))
            wrote = time + chance.uniform(0.0005, 0.02)
            written.append(wrote)
            device = wrote + ahead + drift * (wrote - START)
            entries.append(Entry(name, device // resolution * resolution if resolution else device))
    return entries, causes, written


@settings(max_examples=40)
@given(st.floats(-90_000, 90_000), st.floats(-3e-4, 3e-4), st.integers(0, 1000))
def test_a_log_is_dated_by_the_calls_it_tells_of(ahead, drift, seed):
    entries, causes, written = run(random.Random(seed), ahead=ahead, drift=drift)
    found = match(entries, causes)
    assert found.paired >= len(entries) * 0.8
    assert found.ahead_at(START) == pytest.approx(ahead, abs=0.03)
    for time, wrote, cause in zip(found.times, written, causes, strict=True):
        assert cause.time <= time
        assert time == pytest.approx(wrote, abs=0.04)


@settings(max_examples=20)
@given(st.floats(-5_000, 5_000), st.integers(0, 1000))
def test_times_in_whole_seconds_will_do(ahead, seed):
    entries, causes, written = run(random.Random(seed), ahead=ahead, resolution=1.0)
    found = match(entries, causes)
    assert found.resolution == 1.0
    assert list(found.times) == sorted(found.times)
    near = [abs(time - wrote) < 0.05 for time, wrote in zip(found.times, written, strict=True)]
    assert sum(near) >= len(near) * 0.8
    assert all(abs(time - wrote) < 1.2 for time, wrote in zip(found.times, written, strict=True))


def test_entries_that_are_missing_or_left_over_do_not_mislead():
    chance = random.Random(7)
    entries, causes, written = run(chance, 20, ahead=-3.5)
    kept = [place for place in range(len(entries)) if place % 7]
    old = [Entry(NAMES[place % 3], START - 5_000 * place - chance.uniform(0, 900)) for place in range(1, 60)]
    log = [*reversed(old), *(entries[place] for place in kept)]
    found = match(log, causes)
    assert found.ahead == pytest.approx(-3.5, abs=0.03)
    times = found.times[len(old) :]
    assert all(t == pytest.approx(written[place], abs=0.04) for t, place in zip(times, kept, strict=True))


def test_an_order_that_the_log_has_wrong_stays_wrong():
    causes = [Cause(0, NAMES[0], START), Cause(0, NAMES[1], START + 1), Cause(0, NAMES[2], START + 2)]
    entries = [
        Entry(NAMES[1], START + 1.001),
        Entry(NAMES[0], START + 1.0005),
        Entry(NAMES[2], START + 2.001),
    ]
    times = match(entries, causes).times
    assert list(times) == sorted(times)


def test_a_log_that_fits_twice_asks_for_help_and_takes_it():
    causes = [Cause(place, NAMES[0], START + 60 * place) for place in range(10)]
    entries = [Entry(NAMES[0], START + 600 + 60 * place) for place in range(10)]
    for entry in entries:
        assert entry.time == int(entry.time)
    with pytest.raises(BenchError, match=r"as well as .* --clock-ahead"):
        match(entries[:5], causes)
    found = match(entries, causes, ahead=600)
    assert found.paired == 10
    assert found.ahead == pytest.approx(600, abs=0.01)


def test_a_log_of_another_device_is_refused():
    causes = [Cause(0, NAMES[0], START)]
    for entries in ([], [Entry("door_opened", START)]):
        with pytest.raises(BenchError, match="no entry of the log is of a kind"):
            match(entries, causes)
    with pytest.raises(BenchError, match="no entry of the log is of a kind"):
        match([Entry(NAMES[0], START)], [])
    with pytest.raises(BenchError, match="can be told to belong"):
        match([Entry(NAMES[0], START)], causes, ahead=5_000)
