"""A test plan as data: every scenario that a run on a bench would play, and what is known of it before.

Nothing is started and no device is touched: the bench file is read, and scenarios are rehearsed.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.plan.rehearsal import Step, rehearse
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.run import read_run
from intercom_hil.scenario.declaration import Declaration, excused
from intercom_hil.scenario.runner import sentence
from intercom_hil.spec.catalogue import Requirement
from intercom_hil.spec.catalogues import requirement


class Candidate(Protocol):
    """A scenario as it was found: what a run would play."""

    @property
    def id(self) -> str:
        """Its name in reports."""

    @property
    def function(self) -> Callable[..., Coroutine[Any, Any, None]]:
        """What is played, to be called with the bench and the values of its parameters."""

    @property
    def declaration(self) -> Declaration:
        """What it declares."""

    @property
    def case(self) -> Mapping[str, object]:
        """The values of its parameters by name."""


@dataclass(frozen=True, slots=True)
class PlannedScenario:
    """One scenario of a plan.

    Attributes:
        id: its name in reports.
        title: its name as a sentence.
        doc: what it says it proves, and whom a device that breaks it harms.
        requirements: the rows of the catalogue that it is about.
        steps: what is done, waited for and judged, in order.
        open: why the steps end early, empty where they do not.
        not_applicable: why it is not played on this bench, empty where it is.
    """

    id: str
    title: str
    doc: str
    requirements: tuple[Requirement, ...]
    steps: tuple[Step, ...]
    open: str = ""
    not_applicable: str = ""

    @property
    def least(self) -> float:
        """How long it takes at least, in seconds, of a device that reacts at once."""
        return math.fsum(step.least for step in self.steps)

    @property
    def most(self) -> float:
        """How long it takes at most, in seconds: what is waited for comes just in time."""
        return math.fsum(step.most for step in self.steps)

    @property
    def asks(self) -> tuple[str, ...]:
        """What a person is asked in it, in order."""
        return tuple(step.asks for step in self.steps if step.asks)


@dataclass(frozen=True, slots=True)
class Plan:
    """A test plan.

    Attributes:
        bench: the bench file.
        file: where it is.
        device: what is tested, as the bench file names it.
        selection: which scenarios were asked for, empty where it is all.
        scenarios: those that are played.
        left_out: those that do not apply.
        forecast: how long the run takes at about, in seconds.
        lasted: how long scenarios took in an earlier run, in seconds, by their ids.
    """

    bench: BenchFile
    file: Path
    device: str
    selection: str
    scenarios: tuple[PlannedScenario, ...]
    left_out: tuple[PlannedScenario, ...]
    forecast: float
    lasted: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """How often a person is asked for something in the whole run, at most."""
        return sum(len(scenario.asks) for scenario in self.scenarios)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The rows of the catalogue that the scenarios are about, each once."""
        rows = (row for scenario in self.scenarios for row in scenario.requirements)
        return tuple({row.id: row for row in rows}.values())


def plan(
    bench: BenchFile,
    file: Path,
    candidates: Iterable[Candidate],
    forecast: Callable[[BenchFile, int, int], float],
    selection: str = "",
    lasted: Mapping[str, float] | None = None,
) -> Plan:
    """Return the plan of a run.

    Args:
        bench: the bench file.
        file: where it is.
        candidates: the scenarios that the run would be asked for, in the order of their files.
        forecast: how long so many scenarios with so many configurations take, in seconds.
        selection: the words by which they were chosen.
        lasted: how long scenarios took in an earlier run, in seconds, by their ids.
    """
    planned = asyncio.run(_rehearsed(bench, candidates))
    played = tuple(scenario for scenario in planned if not scenario.not_applicable)
    configured = {
        next((step.text for step in one.steps if step.text.startswith("configure")), "") for one in played
    }
    return Plan(
        bench,
        file,
        _device(bench),
        selection,
        played,
        tuple(scenario for scenario in planned if scenario.not_applicable),
        forecast(bench, len(played), len(configured)) if played else 0.0,
        lasted or {},
    )


def durations(run: Path) -> dict[str, float]:
    """Return how long the scenarios of an earlier run took, in seconds, by their ids.

    Raises:
        BenchError: there is no readable run.
    """
    try:
        found = read_run(run)
    except ReportError as problem:
        raise BenchError(problem.what, problem.where, problem.remedy) from problem
    return {one.id: one.duration for one in found.scenarios if one.duration is not None}


async def _rehearsed(bench: BenchFile, candidates: Iterable[Candidate]) -> list[PlannedScenario]:
    return [await _of(bench, candidate) for candidate in candidates]


async def _of(bench: BenchFile, candidate: Candidate) -> PlannedScenario:
    declared, case = candidate.declaration, candidate.case
    missing = excused(bench.device.capabilities, declared.requirements, declared.needs)
    why, left_open = "", ""
    steps: tuple[Step, ...] = ()
    if declared.requirements and missing.keys() >= set(declared.requirements):
        why = "; ".join(dict.fromkeys(missing[key] for key in declared.requirements))
    else:
        steps, left_open = await rehearse(bench, candidate.function, declared, case)
    return PlannedScenario(
        candidate.id,
        sentence(candidate.id),
        inspect.cleandoc(candidate.function.__doc__ or ""),
        tuple(requirement(key) for key in declared.requirements),
        steps,
        left_open,
        why,
    )


def _device(bench: BenchFile) -> str:
    device = bench.device
    names = (getattr(device, name, "") or "" for name in ("make", "model"))
    named = " ".join(filter(None, map(str, names)))
    if device.kind == "emulated":
        return f"{named} (emulated)".strip() if named else "emulated intercom"
    return named or "not named in the bench file"
