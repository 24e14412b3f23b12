"""What every supply does, over any output, whichever of its states is the normal one."""

from __future__ import annotations

import asyncio
import time

import pytest

from intercom_hil.contracts.rig import Rig, on_a_loop
from intercom_hil.instruments import PowerOptions, Supply, opened
from intercom_hil.timeline import Timeline


class _Wired:
    """A supply over an output, and what the device at its end gets."""

    def __init__(self, rig: Rig, *, normally_on: bool) -> None:
        if rig.normally_on is (not normally_on):
            pytest.skip("the supply on this bench is wired the other way")
        self.timeline = Timeline()
        self._rig, self._normally_on = rig, normally_on
        options = PowerOptions.model_validate({"output": rig.table, "normally_on": normally_on})
        self.power: Supply = options.make(rig.ports, append=self.timeline.append)

    def powered(self, expected: bool) -> bool:
        """Return whether the device's supply is as expected, as far as somebody can look."""
        if self._rig.active is None:
            return True
        active = self._rig.active()
        on = active if self._rig.on_is_powered else active is not self._normally_on
        return on is expected

    @property
    def reported(self) -> list[str]:
        """What is on the timeline."""
        return [str(observation).split(",")[0] for observation in self.timeline]


class PowerContract:
    """The tests of a supply. Derive, and return the ``Rig`` of its output from the fixture ``rig``."""

    @pytest.fixture(params=[True, False], ids=["normally-on", "normally-off"])
    def normally_on(self, request: pytest.FixtureRequest) -> bool:
        """Whether the device has power when nothing is switched: a supply may be wired either way."""
        return bool(request.param)

    @on_a_loop
    async def test_it_switches_the_device_on_and_off(self, rig: Rig, normally_on: bool) -> None:
        """It switches the device on and off."""
        wired = _Wired(rig, normally_on=normally_on)
        async with opened(wired.power):
            for on in (False, True, False, True):
                assert await wired.power.set(on) is rig.confirms
                assert wired.powered(on)
        assert wired.reported == ["supply switched off", "supply switched on"] * 2

    @on_a_loop
    async def test_a_bench_that_ends_leaves_the_normal_state(self, rig: Rig, normally_on: bool) -> None:
        """A bench that ends leaves the normal state."""
        wired = _Wired(rig, normally_on=normally_on)
        async with opened(wired.power):
            assert wired.powered(normally_on)
            await wired.power.set(not normally_on)
        assert wired.powered(normally_on)

    @on_a_loop
    async def test_a_power_cycle_gives_the_supply_back(self, rig: Rig, normally_on: bool) -> None:
        """A power cycle gives the supply back."""
        wired = _Wired(rig, normally_on=normally_on)
        async with opened(wired.power):
            await wired.power.set(True)
            begun = time.time()
            back = await wired.power.cycle(0.1)
            assert back - begun >= 0.1
            assert wired.powered(True)

    @on_a_loop
    async def test_a_power_cycle_that_is_given_up_gives_the_supply_back(
        self, rig: Rig, normally_on: bool
    ) -> None:
        """A power cycle that is given up gives the supply back."""
        wired = _Wired(rig, normally_on=normally_on)
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
