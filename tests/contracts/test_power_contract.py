"""What every Power does, over any Output, whichever of its states is the normal one."""

import asyncio
import time

import pytest

from intercom_hil.instruments import PowerOptions, SharedPorts, opened
from intercom_hil.timeline import Timeline

OUTLETS = ("command", "shelly-relay", "tasmota-relay")


class Wired:
    """A supply over an output, and what the device at its end gets."""

    def __init__(self, rig, *, normally_on):
        self.timeline = Timeline()
        self._rig, self._normally_on = rig, normally_on
        options = PowerOptions(output=rig.table, normally_on=normally_on)
        self.power = options.make(SharedPorts(), append=self.timeline.append)

    def powered(self, expected):
        """Return whether the device's supply is as expected, as far as somebody can look."""
        if self._rig.active is None:
            return True
        active = self._rig.active()
        # outlets and commands are on or off for the device, contacts are closed or not
        on = active if self._rig.table["kind"] in OUTLETS else active is not self._normally_on
        return on is expected

    @property
    def told(self):
        return [str(observation).split(",")[0] for observation in self.timeline]


@pytest.fixture(params=[True, False], ids=["normally-on", "normally-off"])
def normally_on(request):
    return request.param


@pytest.fixture
async def wired(output_rig, normally_on):
    if output_rig.normally_on is (not normally_on):
        pytest.skip("the supply on this bench is wired the other way")
    return Wired(output_rig, normally_on=normally_on)


async def test_it_switches_the_device_on_and_off(wired, output_rig):
    async with opened(wired.power):
        for on in (False, True, False, True):
            assert await wired.power.set(on) is output_rig.confirms
            assert wired.powered(on)
    assert wired.told == ["supply switched off", "supply switched on"] * 2


async def test_a_bench_that_ends_leaves_the_normal_state(wired, normally_on):
    async with opened(wired.power):
        assert wired.powered(normally_on)
        await wired.power.set(not normally_on)
    assert wired.powered(normally_on)


async def test_a_power_cycle_gives_the_supply_back(wired):
    async with opened(wired.power):
        await wired.power.set(True)
        begun = time.time()
        back = await wired.power.cycle(0.1)
        assert back - begun >= 0.1
        assert wired.powered(True)


async def test_a_power_cycle_that_is_given_up_gives_the_supply_back(wired):
    async with opened(wired.power):
        await wired.power.set(True)
        off = asyncio.Event()
        wired.timeline.listen(lambda observation: off.set())
        cycling = asyncio.create_task(wired.power.cycle(60))
        async with asyncio.timeout(3):
            await off.wait()
        assert wired.powered(False)
        cycling.cancel()
        await asyncio.gather(cycling, return_exceptions=True)
        assert wired.powered(True)
