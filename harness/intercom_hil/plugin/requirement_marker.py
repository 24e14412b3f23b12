"""The decorator that makes a coroutine a scenario: it names the requirements and has the bench play it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.catalogue import requirement as known
from intercom_hil.spec.verdict import Verdict

Scenario = Callable[..., Awaitable[None]]


def requirement(*identities: str, needs: Capability | None = None) -> Callable[[Scenario], Scenario]:
    """Mark a coroutine ``async def test_...(bench, ...)`` as a scenario for these requirements.

    Args:
        identities: ids of the catalogue.
        needs: what a device must have for this scenario to apply to it, beside what the requirements need.

    Raises:
        UnknownRequirement: the catalogue has no such id.
    """
    for identity in identities:
        known(identity)

    def decorate(scenario: Scenario) -> Scenario:
        @functools.wraps(scenario)
        async def played(**arguments: Any) -> None:
            bench = arguments["bench"]
            record = await bench.play(lambda: scenario(**arguments))
            if record.verdict is Verdict.NOT_APPLICABLE:
                pytest.skip(f"not applicable: {'; '.join(record.problems)}")

        marked: Scenario = pytest.mark.requirement(*identities, needs=needs)(played)
        return marked

    return decorate
