"""What every output does, whatever it is made of."""

from __future__ import annotations

import asyncio
import time

import pytest

from intercom_hil.contracts.rig import Rig, needs, on_a_loop
from intercom_hil.errors import BenchError
from intercom_hil.instruments import Button, opened
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import OutputChanged


class OutputContract:
    """The tests of an output. Derive, and return a ``Rig`` from the fixture ``rig``."""

    @on_a_loop
    async def test_it_switches_and_confirms(self, rig: Rig) -> None:
        """It switches and confirms."""
        output = rig.output()
        async with opened(output):
            for wanted in (True, False):
                assert await output.set(wanted) is rig.confirms
                if rig.active is not None:
                    assert rig.active() is wanted

    @on_a_loop
    async def test_it_reports_its_state_or_that_it_cannot(self, rig: Rig) -> None:
        """It reports its state or that it cannot."""
        output = rig.output()
        async with opened(output):
            for wanted in (True, False):
                await output.set(wanted)
                assert await output.read() in (wanted, None)

    @on_a_loop
    async def test_opening_it_switches_off_what_was_left_on(self, rig: Rig) -> None:
        """Opening it switches off what was left on."""
        active = needs(rig.active, "look at it")
        needs(rig.force, "leave it on")(True)
        assert active()
        async with opened(rig.output()):
            assert not active()

    @on_a_loop
    async def test_it_is_never_on_before_it_is_switched_on(self, rig: Rig) -> None:
        """It is never on before it is ordered to."""
        history = needs(rig.history, "tell what it did")
        async with opened(rig.output()):
            pass
        assert not any(history())

    @on_a_loop
    async def test_closing_it_switches_it_off(self, rig: Rig) -> None:
        """Closing it switches it off."""
        active = needs(rig.active, "look at it")
        output = rig.output()
        async with opened(output):
            await output.set(True)
            assert active()
        assert not active()

    @on_a_loop
    async def test_an_exception_while_it_is_on_switches_it_off(self, rig: Rig) -> None:
        """An exception while it is on switches it off."""
        active = needs(rig.active, "look at it")
        output = rig.output()

        async def fail() -> None:
            async with opened(output):
                await output.set(True)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert not active()

    @on_a_loop
    async def test_opening_and_closing_twice_is_opening_and_closing_once(self, rig: Rig) -> None:
        """Opening and closing twice is opening and closing once."""
        output = rig.output()
        await output.close()
        await output.open()
        await output.set(True)
        await output.open()
        assert await output.read() is not False, "opening what is open does not release a pressed button"
        await output.close()
        await output.close()
        assert not output.lost.done()
        await output.open()
        assert await output.set(True) is rig.confirms
        await output.close()

    @on_a_loop
    async def test_a_closed_output_refuses(self, rig: Rig) -> None:
        """A closed output refuses."""
        output = rig.output()
        with pytest.raises(BenchError, match="not open"):
            await output.set(True)
        with pytest.raises(BenchError, match="not open"):
            await output.read()

    @on_a_loop
    async def test_an_unplugged_cable_is_noticed_and_named(self, rig: Rig) -> None:
        """An unplugged cable is noticed and named."""
        unplug = needs(rig.unplug, "unplug it")
        output = rig.output()
        await output.open()
        await asyncio.to_thread(unplug)
        async with asyncio.timeout(2):
            assert await output.lost
        with pytest.raises(BenchError) as problem:
            await output.set(True)
        assert rig.where in str(problem.value)
        await output.close()

    @on_a_loop
    async def test_orders_given_at_once_are_carried_out_one_by_one(self, rig: Rig) -> None:
        """Orders given at once are carried out one by one."""
        history = needs(rig.history, "tell what it did")
        output = rig.output()
        async with opened(output):
            await output.set(False)
            before = len(history())
            await asyncio.gather(*(output.set(not n % 2) for n in range(6)))
            assert history()[before:] == [True, False] * 3

    @on_a_loop
    async def test_an_order_that_is_given_up_does_not_overtake_the_next(self, rig: Rig) -> None:
        """An order that is given up does not overtake the next."""
        output = rig.output()
        async with opened(output):
            ordering = asyncio.create_task(output.set(True))
            await asyncio.sleep(0)
            ordering.cancel()
            await asyncio.gather(ordering, return_exceptions=True)
            assert await output.set(False) is rig.confirms
            if rig.active is not None:
                assert not rig.active()
            assert await output.read() is not True

    @on_a_loop
    async def test_a_press_lasts_as_long_as_it_should_and_that_is_measured(self, rig: Rig) -> None:
        """A press lasts as long as it should and that is measured."""
        timeline = Timeline()
        button = Button(rig.output(), append=timeline.append)
        async with opened(button):
            before = time.time()
            at = await button.press(hold=0.1)
            down, up = timeline
            assert before <= at == down.time
            assert up.time - down.time >= 0.1
            assert isinstance(down.content, OutputChanged)
            assert isinstance(up.content, OutputChanged)
            assert down.content.confirmed is rig.confirms
            if rig.confirms:
                assert up.content.held is not None
                shortest, longest = up.content.held
                assert 0.1 <= shortest <= longest <= time.time() - before
            else:
                assert up.content.held is None
