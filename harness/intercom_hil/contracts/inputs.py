"""What every input does, whatever it is made of."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

import pytest

from intercom_hil.contracts.rig import Rig, needs, on_a_loop
from intercom_hil.errors import BenchError
from intercom_hil.instruments import Input, opened


class Edges:
    """Edges as a listener gets them, awaitable by count."""

    def __init__(self) -> None:
        self.seen: list[tuple[bool, float]] = []
        self._more = asyncio.Event()

    def __call__(self, active: bool, at: float) -> None:
        """Take an edge."""
        self.seen.append((active, at))
        self._more.set()

    async def first(self, count: int) -> list[bool]:
        """Return the states of all edges so far, once there are as many as ``count``."""
        async with asyncio.timeout(5):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
        return [active for active, _ in self.seen]


async def _reads(instrument: Input, wanted: bool) -> bool:
    """Return whether an input comes to read a state; a terminal server reports it a moment later."""
    deadline = time.monotonic() + 2
    while await instrument.read() is not wanted:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


class InputContract:
    """The tests of an input. Derive, and return a ``Rig`` from the fixture ``rig``.

    Attributes:
        late: seconds that an edge may be dated after the level changed; more on a slow machine.
    """

    late: ClassVar[float] = 0.02

    @on_a_loop
    async def test_it_reports_its_state(self, rig: Rig) -> None:
        """It reports its state."""
        instrument = rig.input()
        async with opened(instrument):
            assert await instrument.read() in (True, False)
            if rig.force is not None:
                for wanted in (True, False, True):
                    rig.force(wanted)
                    assert await _reads(instrument, wanted)

    @on_a_loop
    async def test_each_edge_is_reported_once_and_in_order(self, rig: Rig) -> None:
        """Each edge is reported once and in order."""
        force, edges = needs(rig.force, "change it"), Edges()
        instrument = rig.input()
        instrument.listen(edges)
        async with opened(instrument):
            for count in range(1, 9):
                force(bool(count % 2))
                assert (await edges.first(count))[-1] is bool(count % 2)
        assert [active for active, _ in edges.seen] == [True, False] * 4

    @on_a_loop
    async def test_edges_are_dated_when_they_happened(self, rig: Rig) -> None:
        """Edges are dated when they happened."""
        force, edges = needs(rig.force, "change it"), Edges()
        instrument = rig.input()
        instrument.listen(edges)
        lateness: list[float] = []
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
        assert sorted(lateness)[len(lateness) // 2] < self.late

    @on_a_loop
    async def test_the_state_at_opening_is_no_edge(self, rig: Rig) -> None:
        """The state at opening is no edge."""
        if not rig.forces_beforehand:
            pytest.skip("opening this input changes what is at its far end")
        force = needs(rig.force, "change it")
        force(True)
        edges, instrument = Edges(), rig.input()
        instrument.listen(edges)
        async with opened(instrument):
            assert await _reads(instrument, True)
            force(False)
            assert await edges.first(1) == [False]

    @on_a_loop
    async def test_who_listens_last_gets_the_edges(self, rig: Rig) -> None:
        """Who listens last gets the edges."""
        force, first, second = needs(rig.force, "change it"), Edges(), Edges()
        instrument = rig.input()
        instrument.listen(first)
        async with opened(instrument):
            instrument.listen(second)
            force(True)
            assert await second.first(1) == [True]
        assert first.seen == []

    @on_a_loop
    async def test_opening_and_closing_twice_is_opening_and_closing_once(self, rig: Rig) -> None:
        """Opening and closing twice is opening and closing once."""
        force, edges = needs(rig.force, "change it"), Edges()
        instrument = rig.input()
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

    @on_a_loop
    async def test_a_closed_input_refuses(self, rig: Rig) -> None:
        """A closed input refuses."""
        instrument = rig.input()
        with pytest.raises(BenchError, match="not open"):
            await instrument.read()

    @on_a_loop
    async def test_an_unplugged_cable_is_noticed_and_named(self, rig: Rig) -> None:
        """An unplugged cable is noticed and named."""
        unplug = needs(rig.unplug, "unplug it")
        instrument = rig.input()
        await instrument.open()
        await asyncio.to_thread(unplug)
        async with asyncio.timeout(2):
            assert await instrument.lost
        with pytest.raises(BenchError) as problem:
            await instrument.read()
        assert rig.where in str(problem.value)
        await instrument.close()
