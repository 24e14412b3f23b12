"""The decorator that makes a coroutine a scenario: what it judges, needs, and has the device set to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

from intercom_hil.bench_file.tables import CapabilitiesTable
from intercom_hil.scenario.addresses import Addresses
from intercom_hil.spec.capabilities import Capability, Needs
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.catalogues import requirement
from intercom_hil.spec.settings import Settings

WhenPlayed = Literal["when played"]
WHEN_PLAYED: WhenPlayed = "when played"
"""The settings of a scenario that finds them out only while it is played: a server's port, say."""
PLAIN = Settings()
_Scenario = TypeVar("_Scenario", bound=Callable[..., Coroutine[Any, Any, None]])
_Plain = Callable[[Addresses], Settings]
_OfCase = Callable[[Addresses, Any], Settings] | Callable[[Addresses, Any, Any], Settings]


@dataclass(frozen=True)
class Declaration:
    """What is known of a scenario before it is played.

    Attributes:
        requirements: ids of the page's catalogue, or of another that is installed.
        needs: what a device must have for it to apply, beside what the requirements need.
        settings: those with which it begins; a function is given the addresses, and those parameters of the
            scenario that it names.
    """

    requirements: tuple[str, ...]
    needs: Needs
    settings: Settings | Callable[..., Settings] | WhenPlayed

    def settings_at(self, at: Addresses, case: Mapping[str, object]) -> Settings:
        """Return the settings with which it begins at a bench.

        Args:
            at: the bench's addresses.
            case: the values of the scenario's parameters, by name.
        """
        if self.settings == WHEN_PLAYED:
            return Settings()
        if not callable(self.settings):
            return self.settings
        asked = list(inspect.signature(self.settings).parameters)[1:]
        return self.settings(at, **{name: case[name] for name in asked})


@overload
def scenario(
    *requirements: str, needs: Needs = ..., settings: Settings | _Plain | WhenPlayed = ...
) -> Callable[[_Scenario], _Scenario]: ...


@overload
def scenario(
    *requirements: str, needs: Needs = ..., settings: _OfCase
) -> Callable[[_Scenario], _Scenario]: ...


def scenario(
    *requirements: str,
    needs: Needs = None,
    settings: Settings | Callable[..., Settings] | WhenPlayed = PLAIN,
) -> Callable[[_Scenario], _Scenario]:
    """Make a coroutine ``async def test_...(bench, ...)`` a scenario: it is played on the bench, and judged.

    Args:
        requirements: the ids of the requirements that it judges.
        needs: what a device must have for it to apply, beside what the requirements need.
        settings: those with which the device begins, as far as they differ from its plain configuration (the
            button calls the first station, nobody may call in); or a function that makes them of the
            bench's ``Addresses`` and of those parameters of the scenario that it names; or ``WHEN_PLAYED``.
            Scenarios that begin with the same settings are played one after the other.

    Raises:
        UnknownRequirement: no catalogue has such an id.
        TypeError: what is decorated is no coroutine function with a parameter ``bench``, or the settings ask
            for a parameter that it has not.
    """
    for identity in requirements:
        requirement(identity)
    declared = Declaration(requirements, needs, settings)

    def decorate(function: _Scenario) -> _Scenario:
        import pytest  # not before: the bench's own commands have no use for it

        parameters = inspect.signature(function).parameters
        if not inspect.iscoroutinefunction(function) or "bench" not in parameters:
            raise TypeError("a scenario is written `async def test_...(bench: Bench) -> None`")
        if callable(settings):
            for name in list(inspect.signature(settings).parameters)[1:]:
                if name not in parameters:
                    raise TypeError(f"the settings of {function.__name__} ask for {name!r}, which it has not")
        marked: _Scenario = pytest.mark.requirement(*requirements, declaration=declared)(function)
        return marked

    return decorate


def excused(capabilities: CapabilitiesTable, requirements: Iterable[str], needs: Needs) -> dict[str, str]:
    """Return the requirements that do not apply to a device, and what says so.

    Args:
        capabilities: what the bench file declares that the device has.
        requirements: those that a scenario is about.
        needs: what a device must have for the scenario to apply, beside what the requirements need.
    """
    asked = [requirement(identity) for identity in requirements]
    further = (needs,) if isinstance(needs, Capability) else needs or ()
    needed = [(row.id, row.capability) for row in (*CATALOGUE.values(), *asked)]
    needed += [(row.id, need) for row in asked for need in further]
    return {
        identity: capability.declared_missing
        for identity, capability in needed
        if capability is not None and capabilities.lacks(capability)
    }


def case_id(value: object) -> str:
    """Return how a case of a parametrised scenario is called: what ``-k`` can name, words joined by hyphens.

    For ``@pytest.mark.parametrize(..., ids=case_id)``.
    """
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-")
