"""What every configurator does, whatever way it takes to the device's settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from intercom_hil.contracts.rig import needs, on_a_loop
from intercom_hil.device.configurator import Configurator
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.spec.settings import SipSettings

_WITHIN = 60.0  # s: a configurator bounds itself; this ends a test of one that does not
_SETTINGS = SipSettings(
    server_address="192.0.2.10",
    auth_username="door",
    auth_password="correct-horse-1",
    extension="3000",
    call_number="3400",
)
_OTHERS = _SETTINGS.model_copy(update={"extension": "3001", "call_number": "3401"})
_WRONG = {"extension": "not a number", "server_port": 70_000}


@dataclass
class ConfiguratorRig:
    """A configurator, and the device at its far end.

    Attributes:
        make: returns the configurator, not yet open.
        in_force: returns the settings that the device has, by the names of ``SipSettings``; those that it
            does not keep may be missing. None where nobody can look.
        vanish: takes the device away: it answers no more.
        refuses: whether the device checks values at all.
        close: cleans up.
        within: seconds that a test may take; a way that bounds itself by more, such as a browser, has more.
    """

    make: Callable[[], Configurator]
    in_force: Callable[[], Mapping[str, Any]] | None = None
    vanish: Callable[[], None] | None = None
    refuses: bool = True
    close: Callable[[], None] = lambda: None
    within: float = _WITHIN


@asynccontextmanager
async def _opened(configurator: Configurator, within: float) -> AsyncIterator[None]:
    async with asyncio.timeout(within):
        await configurator.open()
        try:
            yield
        finally:
            await configurator.close()


class ConfiguratorContract:
    """The tests of a configurator. Derive, and return a ``ConfiguratorRig`` from the fixture ``rig``."""

    @on_a_loop
    async def test_what_is_accepted_is_in_force(self, rig: ConfiguratorRig) -> None:
        """What is accepted is in force."""
        configurator = rig.make()
        async with _opened(configurator, rig.within):
            for settings in (_SETTINGS, _OTHERS):
                assert (await configurator.apply(settings)).accepted
                if rig.in_force is not None:
                    wanted, has = settings.model_dump(mode="json"), dict(rig.in_force())
                    assert has
                    assert {name: wanted[name] for name in has if name in wanted} == has

    @on_a_loop
    async def test_a_refusal_is_an_answer_and_changes_nothing(self, rig: ConfiguratorRig) -> None:
        """A refusal is an answer and changes nothing."""
        if not rig.refuses:
            pytest.skip("the device checks no values")
        configurator = rig.make()
        async with _opened(configurator, rig.within):
            assert (await configurator.apply(_SETTINGS)).accepted
            before = dict(rig.in_force()) if rig.in_force is not None else {}
            for field, value in _WRONG.items():
                form = {**_SETTINGS.model_dump(mode="json"), field: value}
                assert not (await configurator.submit(form, by="administrator")).accepted, field
                assert before == (dict(rig.in_force()) if rig.in_force is not None else {}), field
            assert (await configurator.apply(_OTHERS)).accepted

    @on_a_loop
    async def test_no_secret_comes_back_in_what_it_says(self, rig: ConfiguratorRig) -> None:
        """No secret comes back in what it says."""
        configurator = rig.make()
        async with _opened(configurator, rig.within):
            answer = await configurator.apply(_SETTINGS)
        for secret in _SETTINGS.secrets():
            assert secret not in f"{answer.message} {answer.warnings}"

    @on_a_loop
    async def test_opening_and_closing_twice_is_opening_and_closing_once(self, rig: ConfiguratorRig) -> None:
        """Opening and closing twice is opening and closing once."""
        configurator = rig.make()
        async with asyncio.timeout(rig.within):
            await configurator.close()
            for _ in range(2):
                await configurator.open()
                await configurator.open()
                assert (await configurator.apply(_SETTINGS)).accepted
                await configurator.close()
                await configurator.close()

    @on_a_loop
    async def test_a_device_that_is_there_is_reached(self, rig: ConfiguratorRig) -> None:
        """A device that is there is reached."""
        configurator = rig.make()
        async with _opened(configurator, rig.within):
            await configurator.reach()

    @on_a_loop
    async def test_a_device_that_is_gone_is_no_refusal(self, rig: ConfiguratorRig) -> None:
        """A device that is gone is no refusal."""
        vanish = needs(rig.vanish, "take the device away")
        configurator = rig.make()
        async with asyncio.timeout(rig.within):
            await configurator.open()
            await asyncio.to_thread(vanish)
            with pytest.raises((BenchError, DeviceCrashed)):
                await configurator.apply(_SETTINGS)
            await configurator.close()
