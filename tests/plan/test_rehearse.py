"""The steps of one scenario, for its record: only what a rehearsal can give it, and never for long."""

import asyncio

from intercom_hil.bench_file.model import load
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.plan import rehearsal
from intercom_hil.plan.rehearsal import rehearse
from intercom_hil.scenario import scenario


@scenario("OUT-01")
async def presses(bench, times):
    """It presses."""
    for _ in range(times):
        await bench.intercom.press_button()


@scenario("OUT-01")
async def has_a_fixture_of_its_own(bench, door):
    """The fixture may be a real door."""
    door.open()


@scenario("OUT-01")
async def waits(bench):
    """It waits for what is no step."""
    await bench.intercom.press_button()
    await asyncio.Event().wait()


def rehearsed(function, **case):
    (mark,) = (mark for mark in function.pytestmark if mark.name == "requirement")
    declared = mark.kwargs["declaration"]
    return asyncio.run(rehearse(load(DEFAULT_BENCH), function, declared, case))


def test_steps_are_those_of_the_case_that_is_played():
    steps, end = rehearsed(presses, times=2)
    assert [(step.kind, step.text) for step in steps] == [("do", "press the button")] * 2
    assert end == ""


def test_what_takes_fixtures_of_its_own_is_not_rehearsed():
    steps, end = rehearsed(has_a_fixture_of_its_own, times=2)
    assert steps == ()
    assert "takes more" in end


def test_a_rehearsal_ends_though_a_scenario_does_not(monkeypatch):
    monkeypatch.setattr(rehearsal, "_LONGEST", 0.05)
    steps, end = rehearsed(waits)
    assert [step.text for step in steps] == ["press the button"]
    assert "no step" in end
