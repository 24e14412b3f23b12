"""A wall clock that is set is noticed, one that is slewed is not."""

import time

import pytest

from intercom_hil.bench.wall_clock import WallClock


@pytest.fixture
def steps():
    return []


@pytest.fixture
def clock(steps):
    clock = WallClock(steps.append)
    clock.begin()
    return clock


@pytest.mark.parametrize("by", [3600.0, -2.0, 0.5])
def test_a_step_is_reported_once(clock, steps, monkeypatch, by):
    right = time.time
    clock.look()
    monkeypatch.setattr(time, "time", lambda: right() + by)
    for _ in range(3):
        clock.look()
    assert steps == [pytest.approx(by, abs=0.05)]


def test_what_is_slewed_is_no_step(clock, steps, monkeypatch):
    right, off = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: right() + off)
    for _ in range(20):
        off += 0.025  # ten per cent of a quarter of a second: chrony's fastest
        clock.look()
    assert not steps


def test_what_was_set_before_a_scenario_is_none_of_its_business(clock, steps, monkeypatch):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 60.0)
    clock.begin()
    clock.look()
    assert not steps
