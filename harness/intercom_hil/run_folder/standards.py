"""What a run is evidence for, in the terms of standards: for each clause the requirements that bear on it."""

from __future__ import annotations

from dataclasses import dataclass

from intercom_hil.run_folder.records import Requirement, Run
from intercom_hil.run_folder.verdicts import FAIL, NOT_APPLICABLE, PASS


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause with the requirements that the run has of those that bear on it, each with why."""

    id: str
    about: str
    rows: tuple[tuple[Requirement, str], ...]

    @property
    def standing(self) -> str:
        """How the run stands to it, in words: it supports a clause, and never proves it."""
        verdicts = [row.verdict for row, _ in self.rows if row.verdict is not NOT_APPLICABLE]
        if FAIL in verdicts:
            return "contradicted: a requirement fails"
        if PASS not in verdicts:
            return "not shown by this run"
        return "supported" if all(verdict is PASS for verdict in verdicts) else "supported in part"


@dataclass(frozen=True, slots=True)
class StandardView:
    """One standard with its clauses."""

    title: str
    clauses: tuple[Clause, ...]


def standards(run: Run) -> list[StandardView]:
    """Return the standards that requirements of a run are mapped to; none of a run that has no mapping."""
    rows = {row.id: row for row in run.requirements}
    found: dict[str, dict[str, list[tuple[Requirement, str]]]] = {}
    about: dict[tuple[str, str], str] = {}
    for one in run.mappings:
        about[one.title, one.clause] = one.about
        clause = found.setdefault(one.title, {}).setdefault(one.clause, [])
        clause += [(rows[name], one.reason) for name in one.requirements if name in rows]
    return [
        StandardView(
            title, tuple(Clause(key, about[title, key], tuple(some)) for key, some in clauses.items())
        )
        for title, clauses in found.items()
    ]


def supported_by(run: Run) -> dict[str, str]:
    """Return for each requirement the clauses that it bears on, as a line: ``EN 18031-1 SCM-2, SCM-3``."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in run.mappings:
        for name in one.requirements:
            clauses = found.setdefault(name, {}).setdefault(one.standard, [])
            if one.clause not in clauses:
                clauses.append(one.clause)
    return {
        name: "; ".join(f"{standard} {', '.join(clauses)}" for standard, clauses in some.items())
        for name, some in found.items()
    }
