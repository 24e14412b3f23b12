"""What every Input does, whatever it is made of."""

import asyncio
import time

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.instruments import opened

LATE = 0.02
"""Seconds an edge may be dated after the level changed, on a machine with time to spare."""


class Edges:
    """Edges as a listener gets them, awaitable by count."""

    def __init__(self):
        self.seen = []
        self._more = asyncio.Event()

    def __call__(self, active, at):
        self.seen.append((active, at))
        self._more.set()

    async def first(self, count):
        async with asyncio.timeout(5):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
        return [active for active, _ in self.seen]


def force_of(rig):
    if rig.force is None:
        pytest.skip("nobody is at the far end of this input who could change it")
    return rig.force


async def reads(instrument, wanted):
    """Return whether an input comes to read a state; a terminal server tells it a moment later."""
    deadline = time.time() + 2
    while await instrument.read() is not wanted:
        if time.time() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


async def test_it_tells_its_state(input_rig):
    instrument = input_rig.input()
    async with opened(instrument):
        assert await instrument.read() in (True, False)
        if input_rig.force is not None:
            for wanted in (True, False, True):
                input_rig.force(wanted)
                assert await reads(instrument, wanted)


async def test_each_edge_is_told_once_and_in_order(input_rig):
    force, edges = force_of(input_rig), Edges()
    instrument = input_rig.input()
    instrument.listen(edges)
    async with opened(instrument):
        for count in range(1, 9):
            force(bool(count % 2))
            assert (await edges.first(count))[-1] is bool(count % 2)
    assert [active for active, _ in edges.seen] == [True, False] * 4


async def test_edges_are_dated_when_they_happened(input_rig):
    force, edges = force_of(input_rig), Edges()
    instrument = input_rig.input()
    instrument.listen(edges)
    lateness = []
    async with opened(instrument):
        for count in range(1, 12):
            before = time.time()
            force(bool(count % 2))
            after = time.time()
            await edges.first(count)
            at = edges.seen[-1][1]
            assert before - 0.002 <= at
            lateness.append(at - after)
    # the median: a machine that is busy elsewhere may hold one up, not half of them
    assert sorted(lateness)[len(lateness) // 2] < LATE


async def test_the_state_at_opening_is_no_edge(input_rig):
    if not input_rig.forces_beforehand:
        pytest.skip("opening this input changes what is at its far end")
    force_of(input_rig)(True)
    edges, instrument = Edges(), input_rig.input()
    instrument.listen(edges)
    async with opened(instrument):
        assert await reads(instrument, True)
        input_rig.force(False)
        assert await edges.first(1) == [False]


async def test_who_listens_last_is_told(input_rig):
    force, first, second = force_of(input_rig), Edges(), Edges()
    instrument = input_rig.input()
    instrument.listen(first)
    async with opened(instrument):
        instrument.listen(second)
        force(True)
        assert await second.first(1) == [True]
    assert first.seen == []


async def test_opening_and_closing_twice_is_opening_and_closing_once(input_rig):
    force, edges = force_of(input_rig), Edges()
    instrument = input_rig.input()
    instrument.listen(edges)
    await instrument.close()
    for _ in range(2):
        await instrument.open()
        await instrument.open()
        force(True)
        assert await edges.first(1) == [True]
        force(False)
        assert await edges.first(2) == [True, False]
        edges.seen.clear()
        await instrument.close()
        await instrument.close()
    assert not instrument.lost.done()


async def test_a_closed_input_refuses(input_rig):
    instrument = input_rig.input()
    with pytest.raises(BenchError, match="not open"):
        await instrument.read()


async def test_an_unplugged_cable_is_noticed_and_named(input_rig):
    if input_rig.unplug is None:
        pytest.skip("nobody is at the far end of this input who could unplug it")
    instrument = input_rig.input()
    await instrument.open()
    await asyncio.to_thread(input_rig.unplug)
    async with asyncio.timeout(2):
        assert await instrument.lost
    with pytest.raises(BenchError) as problem:
        await instrument.read()
    assert input_rig.where in str(problem.value)
    await instrument.close()
