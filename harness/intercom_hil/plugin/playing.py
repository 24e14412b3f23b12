"""How pytest plays a scenario: the bench does, on its own event loop, and the verdict is the outcome.

Nothing of it depends on how a project has asynchronous tests run (pytest-asyncio, anyio), or whether it does.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from intercom_hil.evidence.records import Step
from intercom_hil.evidence.run import RunFolder
from intercom_hil.locations import SCENARIOS
from intercom_hil.plan.rehearsal import rehearse
from intercom_hil.plugin.live_view import VERDICT, failure_text
from intercom_hil.plugin.options import bench_file
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.declaration import Declaration
from intercom_hil.scenario.runner import ScenarioFailed
from intercom_hil.spec.verdict import Verdict
from intercom_hil.terminal_text import visible


def declaration(item: pytest.Item) -> Declaration | None:
    """Return what a scenario declares; None of a test that is no scenario."""
    marker = item.get_closest_marker("requirement")
    declared = marker.kwargs.get("declaration") if marker else None
    return declared if isinstance(declared, Declaration) else None


def case(item: pytest.Item) -> dict[str, object]:
    """Return the values of a scenario's parameters, by name."""
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec is not None else {}


@pytest.fixture(scope="session")
def intercom_loop() -> Iterator[asyncio.Runner]:
    """The event loop of the bench and of the scenarios; it stands still between them."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Play a scenario; leave every other test to whom it belongs."""
    if declaration(pyfuncitem) is None:
        return None
    scenario = inspect.unwrap(pyfuncitem.obj)  # pytest-asyncio wraps it where its mode is auto
    given = pyfuncitem.funcargs
    arguments = {name: given[name] for name in inspect.signature(scenario).parameters}
    bench, loop, run = given["bench"], given["intercom_loop"], given["intercom_run"]
    assert isinstance(bench, Bench)
    assert isinstance(loop, asyncio.Runner)
    assert isinstance(run, RunFolder)
    loop.run(_declare(bench, scenario, pyfuncitem))
    why = ""
    try:
        record = loop.run(bench.play(lambda: scenario(**arguments)))
    except ScenarioFailed as failed:
        record = failed.record
        why = failure_text(record, run.path)
    pyfuncitem.user_properties.append((VERDICT, record.verdict.value))
    if why:
        pytest.fail(why, pytrace=False)
    if record.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(visible(f"not applicable: {'; '.join(record.problems)}"))
    return True


async def _declare(
    bench: Bench, scenario: Callable[..., Coroutine[Any, Any, None]], item: pytest.Function
) -> None:
    """Rehearse a scenario before it is played, so that its record says what was declared.

    Only one that comes along: it does all that it does through the bench. One of others is a program that may
    act by itself, on a file or on a machine of theirs, and is run once.
    """
    declared = declaration(item)
    if declared is None or not item.path.resolve().is_relative_to(SCENARIOS):
        return
    try:
        steps, end = await rehearse(bench_file(item.config), scenario, declared, case(item))
    except Exception as problem:  # whatever it is, the scenario is played all the same
        steps, end = (), f"it cannot be rehearsed ({type(problem).__name__})"
    bench.declare((Step(kind=s.kind, text=s.text, requirement=s.requirement) for s in steps), end)
