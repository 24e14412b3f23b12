"""Settings profiles: which configuration each scenario begins with, and the order that changes it least.

A scenario says which configuration it needs by configuring the device. So each is asked beforehand, on a
bench where nothing happens, and stopped at that point. What cannot be asked so stays where it stands. Benches
side by side begin with the scenarios that are marked as long.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.plugin.options import pool
from intercom_hil.scenario.remotes import FIRST_NUMBER, number_at
from intercom_hil.spec.capabilities import Capability

COUNT = pytest.StashKey[tuple[int, int]]()
PROGRESS = pytest.StashKey[dict[str, str]]()
"""By scenario: how many configurations of the device have been, and how many remain."""


class _Asked(Exception):  # noqa: N818  (it carries an answer)
    """The scenario has said which settings it wants."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        super().__init__()


@dataclass(frozen=True)
class _Station:
    number: str
    address: str
    port: int

    @property
    def uri(self) -> str:
        return f"sip:{self.number}@{self.address}:{self.port}"


class _Questioner:
    """A bench on which nothing happens: it knows numbers and addresses, and stops at the configuration."""

    def __init__(self, file: BenchFile) -> None:
        self._file = file
        self.pbx_address = file.pbx.address
        self.intercom = self
        self.extension = file.device.extension
        self.microphone_tone = 0.0
        self.password = ""

    def number(self, place: int) -> str:
        return str(FIRST_NUMBER + place)

    def at_server(self, number: str) -> str:
        return number_at(number, self._file.pbx)

    def direct_caller_uri(self, place: int) -> str:
        return f"sip:{self.number(place)}@{self._address(place)}"

    def has(self, capability: Capability) -> bool:
        return not self._file.device.capabilities.lacks(capability)

    async def stations(self, *behaviours: object) -> list[_Station]:
        port = self._file.stations.sip_port
        return [_Station(self.number(i), self._address(i), port) for i in range(len(behaviours))]

    def _address(self, place: int) -> str:
        addresses = self._file.stations.addresses
        return addresses[place] if place < len(addresses) else f"address {place}"  # when played, it says so

    async def configure(self, **settings: Any) -> None:
        raise _Asked({name: value for name, value in settings.items() if not name.startswith("pbx_")})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring scenarios that need the same configuration together, each group where its first one stood."""
    scenarios = [item for item in items if item.get_closest_marker("requirement")]
    if not scenarios or config.getoption("--as-written"):
        return
    try:
        file = pool(config).members[0].file  # the same order in every process, whichever bench it has
    except BenchError:
        return  # the run cannot begin, and says so itself
    wanted = {item: _wanted(item, file) or f"only {item.nodeid}" for item in scenarios}
    places = {profile: place for place, profile in enumerate(dict.fromkeys(wanted.values()))}
    scenarios.sort(key=lambda item: places[wanted[item]])
    if hasattr(
        config, "workerinput"
    ):  # else the others would wait for the one that has a long one at the end
        scenarios.sort(key=lambda item: item.get_closest_marker("long") is None)
    config.stash[COUNT] = (len(scenarios), len(places))
    config.stash[PROGRESS] = _progress([places[wanted[item]] for item in scenarios], scenarios)
    ordered = iter(scenarios)
    items[:] = [next(ordered) if item.get_closest_marker("requirement") else item for item in items]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Tell how often the device is configured anew."""
    if COUNT not in config.stash:
        return []
    scenarios, profiles = config.stash[COUNT]
    return [f"{scenarios} scenarios, {profiles} configurations of the device"]


def _progress(places: list[int], scenarios: list[pytest.Item]) -> dict[str, str]:
    total = len(set(places))
    numbers = {place: number for number, place in enumerate(dict.fromkeys(places), start=1)}
    return {
        item.nodeid: f"configuration {numbers[place]} of {total}, {total - numbers[place]} remain"
        for place, item in zip(places, scenarios, strict=True)
    }


def _wanted(item: pytest.Item, file: BenchFile) -> str:
    """Return the configuration that a scenario begins with, as a text to compare, or nothing."""
    assert isinstance(item, pytest.Function)
    scenario = inspect.unwrap(item.obj)
    arguments = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    try:
        coroutine: Coroutine[Any, Any, None] = scenario(bench=_Questioner(file), **arguments)
    except TypeError:
        return ""  # it takes more than a bench
    try:
        coroutine.send(None)
    except _Asked as answer:
        return json.dumps(answer.settings, sort_keys=True, default=str)
    except (AttributeError, StopIteration):
        return ""  # it does something else first
    finally:
        coroutine.close()
    return ""
