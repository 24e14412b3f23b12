"""What every Output does, whatever it is made of."""

import asyncio
import time

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.instruments import Button, opened
from intercom_hil.timeline import Timeline


def needs(ability, what):
    if ability is None:
        pytest.skip(f"nobody is at the far end of this output who could {what}")
    return ability


async def test_it_switches_and_confirms(output_rig):
    output = output_rig.output()
    async with opened(output):
        for wanted in (True, False):
            assert await output.set(wanted) is output_rig.confirms
            if output_rig.active is not None:
                assert output_rig.active() is wanted


async def test_it_tells_its_state_or_that_it_cannot(output_rig):
    output = output_rig.output()
    async with opened(output):
        for wanted in (True, False):
            await output.set(wanted)
            assert await output.read() in (wanted, None)


async def test_opening_it_switches_off_what_was_left_on(output_rig):
    needs(output_rig.force, "leave it on")(True)
    assert output_rig.active()
    async with opened(output_rig.output()):
        assert not output_rig.active()


async def test_it_is_never_on_before_it_is_told_to(output_rig):
    history = needs(output_rig.history, "tell what it did")
    async with opened(output_rig.output()):
        pass
    assert not any(history())


async def test_closing_it_switches_it_off(output_rig):
    active = needs(output_rig.active, "look at it")
    output = output_rig.output()
    async with opened(output):
        await output.set(True)
        assert active()
    assert not active()


async def test_an_exception_while_it_is_on_switches_it_off(output_rig):
    active = needs(output_rig.active, "look at it")
    output = output_rig.output()

    async def fail():
        async with opened(output):
            await output.set(True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not active()


async def test_opening_and_closing_twice_is_opening_and_closing_once(output_rig):
    output = output_rig.output()
    await output.close()
    await output.open()
    await output.set(True)
    await output.open()
    assert await output.read() is not False, "opening what is open does not release a pressed button"
    await output.close()
    await output.close()
    assert not output.lost.done()
    await output.open()
    assert await output.set(True) is output_rig.confirms
    await output.close()


async def test_a_closed_output_refuses(output_rig):
    output = output_rig.output()
    with pytest.raises(BenchError, match="not open"):
        await output.set(True)
    with pytest.raises(BenchError, match="not open"):
        await output.read()


async def test_an_unplugged_cable_is_noticed_and_named(output_rig):
    unplug = needs(output_rig.unplug, "unplug it")
    output = output_rig.output()
    await output.open()
    await asyncio.to_thread(unplug)
    async with asyncio.timeout(2):
        assert await output.lost
    with pytest.raises(BenchError) as problem:
        await output.set(True)
    assert output_rig.where in str(problem.value)
    await output.close()


async def test_orders_given_at_once_are_carried_out_one_by_one(output_rig):
    history = needs(output_rig.history, "tell what it did")
    output = output_rig.output()
    async with opened(output):
        await output.set(False)
        before = len(history())
        await asyncio.gather(*(output.set(not n % 2) for n in range(6)))
        assert history()[before:] == [True, False] * 3


async def test_an_order_that_is_given_up_does_not_overtake_the_next(output_rig):
    output = output_rig.output()
    async with opened(output):
        ordering = asyncio.create_task(output.set(True))
        await asyncio.sleep(0)
        ordering.cancel()
        await asyncio.gather(ordering, return_exceptions=True)
        assert await output.set(False) is output_rig.confirms
        if output_rig.active is not None:
            assert not output_rig.active()
        assert await output.read() is not True


async def test_a_press_lasts_as_long_as_it_should_and_that_is_measured(output_rig):
    timeline = Timeline()
    button = Button(output_rig.output(), append=timeline.append)
    async with opened(button):
        before = time.time()
        at = await button.press(hold=0.1)
        down, up = timeline
        assert before <= at == down.time
        assert up.time - down.time >= 0.1
        assert down.content.confirmed is output_rig.confirms
        if output_rig.confirms:
            shortest, longest = up.content.held
            assert 0.1 <= shortest <= longest <= time.time() - before
        else:
            assert up.content.held is None
