"""The decorator that makes a coroutine a scenario: which requirements it judges, and what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.catalogue import requirement

_Scenario = TypeVar("_Scenario", bound=Callable[..., Coroutine[Any, Any, None]])


@dataclass(frozen=True)
class Declaration:
    """What is known of a scenario before it is played.

    Attributes:
        requirements: ids of the catalogue.
        needs: what a device must have for it to apply, beside what the requirements need.
    """

    requirements: tuple[str, ...]
    needs: Capability | None = None


def scenario(*requirements: str, needs: Capability | None = None) -> Callable[[_Scenario], _Scenario]:
    """Make a coroutine ``async def test_...(bench, ...)`` a scenario: it is played on the bench, and judged.

    Args:
        requirements: the ids of the requirements that it judges.
        needs: what a device must have for it to apply, beside what the requirements need.

    Raises:
        UnknownRequirement: the catalogue has no such id.
        TypeError: what is decorated is no coroutine function with a parameter ``bench``.
    """
    for identity in requirements:
        requirement(identity)
    declared = Declaration(requirements, needs)

    def decorate(function: _Scenario) -> _Scenario:
        import pytest  # not before: the bench's own commands have no use for it

        if not inspect.iscoroutinefunction(function) or "bench" not in inspect.signature(function).parameters:
            raise TypeError("a scenario is written `async def test_...(bench: Bench) -> None`")
        marked: _Scenario = pytest.mark.requirement(*requirements, declaration=declared)(function)
        return marked

    return decorate
