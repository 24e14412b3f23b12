"""The requirements of a run with the scenarios that look at them, as tools for requirements take them.

What such a tool calls a unique identifier is made of letters, digits and a few signs: ids of scenarios, which
have brackets and whatever a case is called, are brought into that form, and stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from intercom_hil.run_folder.fields import clock, line, shorten
from intercom_hil.run_folder.records import Requirement, Run, Scenario

MOST = 2_000
"""Characters of one text."""
_NOT_IN_UID = re.compile(r"[^\w\-./]+")
_LINKED = ("folder", "capture", "timeline", "console")
STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class TracedScenario:
    """A scenario, its unique identifier, and the requirements of the run that it is about or breaks."""

    uid: str
    scenario: Scenario
    verifies: tuple[str, ...]

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        """The evidence that is there: what it is and its path in the run directory, to be linked to."""
        files = self.scenario.evidence
        return tuple((file.label, file.href) for file in files if file.href and file.label in _LINKED)


@dataclass(frozen=True, slots=True)
class TracedRequirement:
    """A requirement, its unique identifier, and the scenarios that are about it or break it."""

    uid: str
    row: Requirement
    scenarios: tuple[TracedScenario, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """What was expected and what was seen instead, each once."""
        found = (
            f"{item.verdict.name}: expected {item.expected}; seen: {item.seen or 'nothing'}"
            for traced in self.scenarios
            for item in traced.scenario.judgements
            if item.requirement == self.row.id and item.verdict.needs_attention
        )
        return tuple(dict.fromkeys(shorten(line(text), MOST) for text in found))


@dataclass(frozen=True, slots=True)
class Trace:
    """A run as families with their requirements, and the scenarios; ``uids`` by requirement."""

    families: tuple[tuple[str, tuple[TracedRequirement, ...]], ...]
    scenarios: tuple[TracedScenario, ...]
    uids: Mapping[str, str]


def trace(run: Run) -> Trace:
    """Return the requirements of a run, family by family, and its scenarios."""
    uids = _uids(row.id for row in run.requirements)
    names = _uids((scenario.id for scenario in run.scenarios), taken=uids.values())
    known = {row.id: uids[place] for place, row in enumerate(run.requirements)}
    scenarios = tuple(
        TracedScenario(names[place], scenario, tuple(_verified(scenario, known)))
        for place, scenario in enumerate(run.scenarios)
    )
    by_requirement: dict[str, list[TracedScenario]] = {}
    for traced in scenarios:
        for key in traced.verifies:
            by_requirement.setdefault(key, []).append(traced)
    families: dict[str, list[TracedRequirement]] = {name: [] for name in run.families}
    for place, row in enumerate(run.requirements):
        traced_row = TracedRequirement(uids[place], row, tuple(by_requirement.get(row.id, ())))
        families.setdefault(row.family, []).append(traced_row)
    return Trace(
        tuple(
            (f"{family} {run.families.get(family, '')}".strip(), tuple(rows))
            for family, rows in families.items()
            if rows
        ),
        scenarios,
        known,
    )


def about(run: Run) -> str:
    """Return what a run is, in one line."""
    return f"{run.name}, {clock(run.started)}: {run.verdict.name}"


def findings(scenario: Scenario) -> list[str]:
    """Return what went wrong in a scenario: what was expected, what was seen, and what befell the bench."""
    found = [
        f"{item.requirement}: {item.verdict.name}: expected {item.expected}; seen: {item.seen or 'nothing'}"
        for item in scenario.judgements
        if item.verdict.needs_attention
    ]
    return [*found, *scenario.problems]


def _verified(scenario: Scenario, known: Container[str]) -> Iterator[str]:
    for key, verdict in scenario.requirements.items():
        is_about = not scenario.asked or key in scenario.asked
        if key in known and (is_about or verdict.needs_attention):
            yield key


def _uids(ids: Iterable[str], taken: Iterable[str] = ()) -> dict[int, str]:
    """Return a unique identifier for each of these, by place."""
    used = set(taken)
    found = {}
    for place, identity in enumerate(ids):
        wanted = shorten(_NOT_IN_UID.sub("-", identity).strip("-./") or "unnamed", 200).rstrip("…")
        uid, count = wanted, 1
        while uid in used:
            count += 1
            uid = f"{wanted}.{count}"
        used.add(uid)
        found[place] = uid
    return found
