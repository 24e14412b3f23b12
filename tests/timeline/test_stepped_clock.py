"""The wall clock may be set while a scenario plays: bounds in time go by the monotonic clock."""

import asyncio
import re
import time

import pytest

from intercom_hil.adapters.command import CommandOutput
from intercom_hil.errors import BenchError
from intercom_hil.instruments import Button
from intercom_hil.judge.judge import Judge
from intercom_hil.timeline import Pattern, Timeline
from tests.structure.source_tree import python_files, shown

HOUR = 3600.0


@pytest.fixture
def set_clock(monkeypatch):
    """Set the wall clock of this process by so many seconds, a moment from now."""
    real, offset = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)

    def step(seconds):
        nonlocal offset
        offset += seconds

    return lambda seconds, later=0.05: asyncio.get_running_loop().call_later(later, step, seconds)


class Contact:
    """An output that keeps the time of each change, by a clock that is never set."""

    def __init__(self):
        self.changes = []

    async def set(self, active):
        self.changes.append((active, time.monotonic()))
        return True

    async def read(self):
        return self.changes[-1][0]


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["ahead", "back"])
async def test_a_press_is_as_long_as_it_is_asked_for(set_clock, step):
    contact, timeline = Contact(), Timeline()
    set_clock(step)
    async with asyncio.timeout(5):
        await Button(contact, append=timeline.append).press(hold=0.3)
    (_, closed), (_, opened) = contact.changes
    assert 0.3 <= opened - closed < 1.0
    assert all(0.3 <= bound < 1.0 for bound in timeline[1].content.held)


async def test_a_switch_that_does_not_follow_is_given_up_in_time(set_clock):
    output = CommandOutput(on=["true"], off=["true"], state=["echo", "off"], within=0.5)
    await output.open()
    set_clock(-HOUR)
    async with asyncio.timeout(5):
        with pytest.raises(BenchError, match=r"is not on within 0\.5 s"):
            await output.set(True)


async def test_what_is_judged_at_the_end_waits_no_longer_than_its_grace(set_clock):
    judge = Judge(Timeline(), frozenset())
    for _ in range(2):
        judge.at_end("EVT-01", Pattern(kind="event", text="an event that never comes"))
    set_clock(-HOUR)
    async with asyncio.timeout(5):
        await judge.conclude(0.3)


def test_no_deadline_is_made_of_the_wall_clock():
    wrong = re.compile(r"deadline.*(\bnow|time\.time)\(\)|(\bnow|time\.time)\(\) ([<>]|\+)")
    found = [
        f"{shown(path, number)} {line.strip()}"
        for path in python_files("harness")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []
