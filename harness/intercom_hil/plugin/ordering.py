"""The order of a run: scenarios that begin with the same settings one after the other.

What each begins with is declared. Benches side by side begin with the scenarios that are marked as long.
With ``--shuffle`` the order is drawn at random: no verdict may hang on it.
"""

from __future__ import annotations

from random import Random

import pytest

from intercom_hil.bench_file.default_settings import plain_settings
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError, Inconclusive, NotApplicable
from intercom_hil.plugin.options import pool
from intercom_hil.plugin.playing import case, declaration
from intercom_hil.scenario.addresses import Addresses
from intercom_hil.scenario.declaration import WHEN_PLAYED, excused
from intercom_hil.spec.timing import USUAL_TIMING

COUNT = pytest.StashKey[tuple[int, int]]()
FORECAST = pytest.StashKey[float]()
"""How long the run may take, in seconds."""
_A_SCENARIO = 2.0
"""Seconds that a scenario takes at about, of a device that reacts at once."""
_RING_OUT, _POLLED = 0.1, 0.08
"""Shares of the scenarios: of call timeouts that are waited out in one, and of polling intervals."""
_CONFIGURED = 0.42
"""Configurations of the device for each scenario, where all are played."""
_NOT_PLAYED = "not played"
"""What scenarios begin with that do not apply to the device."""
PROGRESS = pytest.StashKey[dict[str, str]]()
"""By scenario: how many configurations of the device have been, and how many remain."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring scenarios that need the same configuration together, each group where its first one stood."""
    scenarios = [item for item in items if item.get_closest_marker("requirement")]
    if not scenarios or config.getoption("--as-written"):
        return
    seed: int | None = config.getoption("--shuffle")
    if seed is not None:
        scenarios.sort(key=lambda item: item.nodeid)
        Random(seed).shuffle(scenarios)
        _put(items, scenarios)
        return
    try:
        file = pool(config).members[0].file  # the same order in every process, whichever bench it has
    except BenchError:
        return  # the run cannot begin, and says so itself
    wanted = {item: _begins_with(item, file) for item in scenarios}
    places = {profile: place for place, profile in enumerate(dict.fromkeys(wanted.values()))}
    scenarios.sort(key=lambda item: places[wanted[item]])
    if hasattr(
        config, "workerinput"
    ):  # else the others would wait for the one that has a long one at the end
        scenarios.sort(key=lambda item: item.get_closest_marker("long") is None)
    played = [item for item in scenarios if wanted[item] != _NOT_PLAYED]
    profiles = len(places.keys() - {_NOT_PLAYED})
    config.stash[COUNT] = (len(played), profiles)
    config.stash[FORECAST] = forecast(file, len(played), profiles)
    config.stash[PROGRESS] = _progress([places[wanted[item]] for item in played], played)
    _put(items, scenarios)


def _put(items: list[pytest.Item], scenarios: list[pytest.Item]) -> None:
    """Put scenarios, in their order, where scenarios stand among the items."""
    ordered = iter(scenarios)
    items[:] = [next(ordered) if item.get_closest_marker("requirement") else item for item in items]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Report how often the device is configured anew and how long that takes, or how the order was drawn."""
    if drawn := _drawn(config):
        return [drawn]
    if COUNT not in config.stash:
        return []
    scenarios, profiles = config.stash[COUNT]
    about = _minutes(config.stash[FORECAST])
    return [f"{scenarios} scenarios, {profiles} configurations of the device: {about}"]


def report_side_by_side(config: pytest.Config, scenarios: int, benches: int) -> str:
    """Return what a run on several benches says of its order and how long it may take; nothing may be known.

    Only the processes know which configurations there are. How many there may be is taken as a share.

    Args:
        config: pytest's, of the process that shares the scenarios out.
        scenarios: how many there are.
        benches: how many share them, or (``--each``) play all of them.
    """
    if drawn := _drawn(config):
        return drawn
    if config.getoption("--as-written"):
        return ""
    try:
        file = pool(config).members[0].file
    except BenchError:
        return ""  # the run cannot begin, and says so itself
    together = forecast(file, scenarios, round(scenarios * _CONFIGURED))
    share = 1 if config.getoption("--each") else benches
    return f"{scenarios} scenarios on {benches} benches side by side: {_minutes(together / share)}"


def _drawn(config: pytest.Config) -> str:
    seed: int | None = config.getoption("--shuffle")
    return "" if seed is None else f"in an order drawn at random: --shuffle {seed} draws it again"


def _minutes(seconds: float) -> str:
    return f"about {max(1, round(seconds / 60))} min"


def forecast(file: BenchFile, scenarios: int, configurations: int) -> float:
    """Return how long a run may take at about, in seconds, by how fast the device is.

    Args:
        file: the bench.
        scenarios: how many are played.
        configurations: how many of them begin with settings of their own.
    """
    device, usual = file.device, USUAL_TIMING
    configured = configurations if device.reconfigure == "when-needed" else scenarios
    slower = max(0.0, device.timing.registered - usual.registered)
    reacts = max(0.0, device.timing.dial - usual.dial) + device.timing.rest
    limits = device.limits
    waits = _RING_OUT * (limits.call_timeout[0] - 1) + _POLLED * (limits.polling_interval[0] - 1)
    return scenarios * (_A_SCENARIO + reacts + waits) + configured * slower


def _progress(places: list[int], scenarios: list[pytest.Item]) -> dict[str, str]:
    total = len(set(places))
    numbers = {place: number for number, place in enumerate(dict.fromkeys(places), start=1)}
    return {
        item.nodeid: f"configuration {numbers[place]} of {total}, {total - numbers[place]} remain"
        for place, item in zip(places, scenarios, strict=True)
    }


def _begins_with(item: pytest.Item, file: BenchFile) -> str:
    """Return the configuration that a scenario begins with, as a text to compare."""
    assert isinstance(item, pytest.Function)
    declared = declaration(item)
    own = f"only {item.nodeid}"
    if declared is not None and declared.requirements:
        needless = excused(file.device.capabilities, declared.requirements, declared.needs)
        if needless.keys() >= set(declared.requirements):
            return _NOT_PLAYED
    if declared is None or declared.settings == WHEN_PLAYED:
        return own
    at = Addresses(file)
    try:
        settings = declared.settings_at(at, case(item))
        return plain_settings(file, "x", at.number(0), "", settings).model_dump_json()
    except (Inconclusive, NotApplicable):
        return own  # when it is played, it says so
