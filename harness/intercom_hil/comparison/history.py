"""Many runs in order of time: how each requirement and measurement went, and what flakes."""

from __future__ import annotations

import sqlite3
import statistics
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.comparison.differences import MeasurementKey
from intercom_hil.comparison.index import open_index
from intercom_hil.comparison.uncertainty import bound, spread, uncertainty
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.verdicts import NONE, NOT_APPLICABLE, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run of a history. Two of the same ``subject`` tested the same device in the same way."""

    number: int
    folder: str
    name: str
    started: float | None
    verdict: Verdict
    subject: str
    device: str
    faults: str
    is_part: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """The verdicts of one requirement or scenario, one for each run; None where a run does not have it.

    ``retried`` is in how many runs it took several attempts.
    """

    id: str
    title: str
    verdicts: tuple[Verdict | None, ...]
    retried: int = 0

    @property
    def judged(self) -> list[Verdict]:
        """The verdicts of runs that looked at it."""
        return [one for one in self.verdicts if one is not None and one not in (NONE, NOT_APPLICABLE)]

    @property
    def is_steady(self) -> bool:
        """Whether no run had a verdict worse than a pass."""
        return not any(one.needs_attention for one in self.judged)

    @property
    def in_words(self) -> str:
        """How often which verdict."""
        counts = Counter(self.judged)
        words = [f"{counts[one]} {one.word}" for one in sorted(counts, key=lambda v: -v.rank)]
        words += [f"{self.retried} at a later attempt"] if self.retried else []
        return f"{', '.join(words)} of {len(self.judged)}"


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one measurement of one scenario, one for each run that has it, the newest last."""

    scenario: str
    requirement: str
    name: str
    unit: str
    values: tuple[float, ...]
    uncertainties: tuple[float, ...]
    runs: tuple[int, ...]
    low: float | None
    high: float | None

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1]

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The largest."""
        return max(self.values)

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """How far values lie from their mean, but for five of a hundred."""
        return spread(self.values)

    @property
    def moved(self) -> bool:
        """Whether the newest value lies too far from the median of those before (see ``uncertainty``)."""
        before = self.values[:-1]
        if not before:
            return False
        middle = statistics.median(before)
        others = statistics.median(self.uncertainties[:-1])
        return abs(self.last - middle) > bound(self.uncertainties[-1], others, before)


@dataclass(frozen=True, slots=True)
class History:
    """What many runs come to; runs and strips are in order of time, the newest last."""

    folder: Path
    runs: tuple[RunSeen, ...]
    requirements: tuple[Strip, ...]
    flakes: tuple[Strip, ...]
    series: tuple[Series, ...]
    notes: tuple[str, ...]

    @property
    def unsteady(self) -> tuple[Strip, ...]:
        """The requirements that a run found worse than a pass."""
        return tuple(strip for strip in self.requirements if not strip.is_steady)


def history(folder: Path, *, last: int = 0, requirement: str = "", with_faults: bool = False) -> History:
    """Return the history of the runs in a folder.

    Args:
        folder: where run directories are.
        last: only so many runs, the newest; all unless given.
        requirement: only this requirement or family.
        with_faults: whether runs with injected faults count, too: they say nothing of a device.

    Raises:
        ReportError: there is no such folder, or no run in it that counts.
    """
    index, notes = open_index(folder)
    with closing(index):
        runs = _runs(index, with_faults=with_faults)
        every = index.execute("SELECT count(*) FROM run WHERE problem = ''").fetchone()[0]
        if every > len(runs):
            notes.append(f"{every - len(runs)} runs with injected faults are left out; --faults has them in.")
        runs = runs[-last:] if last else runs
        if not runs:
            raise ReportError("no run is left of it", str(folder), "add --faults, or name another folder")
        requirements = _strips(index, "requirement", runs, requirement)
        series = _series(index, runs, requirement)
        flakes = _flakes(_strips(index, "scenario", runs), runs)
    if requirement and not requirements:
        raise ReportError(
            f"no run in it has a requirement {requirement}", str(folder), "name one as reports do"
        )
    return History(folder, tuple(runs), tuple(requirements), tuple(flakes), tuple(series), tuple(notes))


def earlier_values(folder: Path) -> dict[MeasurementKey, list[float]]:
    """Return all measured values of the runs in a folder. Raises ReportError as ``history`` does."""
    found: dict[MeasurementKey, list[float]] = {}
    for one in history(folder).series:
        found.setdefault((one.scenario, one.requirement, one.name), []).extend(one.values)
    return found


def _runs(index: sqlite3.Connection, *, with_faults: bool) -> list[RunSeen]:
    return [
        RunSeen(number, folder, name, started, verdict_of(verdict), subject, device, faults, bool(part))
        for number, folder, name, started, verdict, subject, device, faults, part in index.execute(
            "SELECT id, folder, name, started, verdict, subject, device, faults, part FROM run"
            " WHERE problem = '' AND (faults = '' OR ?) ORDER BY started, folder",
            (with_faults,),
        )
    ]


def _strips(index: sqlite3.Connection, table: str, runs: list[RunSeen], only: str = "") -> list[Strip]:
    places = {run.number: place for place, run in enumerate(runs)}
    attempts = "attempts" if table == "scenario" else "1"
    found: dict[str, list[Verdict | None]] = {}
    titles: dict[str, str] = {}
    retried: Counter[str] = Counter()
    for run, key, title, verdict, count in index.execute(
        f"SELECT run, id, title, verdict, {attempts} FROM {table} ORDER BY rowid"
    ):
        if run in places and (not only or key == only or key.startswith(f"{only}-")):
            found.setdefault(key, [None] * len(runs))[places[run]] = verdict_of(verdict)
            titles[key] = title
            retried[key] += count > 1
    return [Strip(key, titles[key], tuple(row), retried[key]) for key, row in found.items()]


def _flakes(scenarios: list[Strip], runs: list[RunSeen]) -> list[Strip]:
    """Return the scenarios with several verdicts or attempts though nothing known had changed."""
    subjects = [run.subject for run in runs]

    def flakes(strip: Strip) -> bool:
        seen: dict[str, set[Verdict]] = {}
        for subject, verdict in zip(subjects, strip.verdicts, strict=True):
            if verdict is not None and verdict not in (NONE, NOT_APPLICABLE):
                seen.setdefault(subject, set()).add(verdict)
        return any(len(verdicts) > 1 for verdicts in seen.values()) or strip.retried > 0

    found = [strip for strip in scenarios if flakes(strip)]
    return sorted(found, key=lambda strip: (-sum(v.needs_attention for v in strip.judged), strip.id))


def _series(index: sqlite3.Connection, runs: list[RunSeen], only: str) -> list[Series]:
    places = {run.number: place for place, run in enumerate(runs)}
    found: dict[tuple[str, str, str, str], list[tuple[int, float, float, float | None, float | None]]] = {}
    for run, scenario, requirement, name, unit, value, low, high, late, stated in index.execute(
        "SELECT run, scenario, requirement, name, unit, value, low, high, late, uncertainty FROM measurement"
        " WHERE value IS NOT NULL ORDER BY rowid"
    ):
        if run in places and (not only or requirement == only or requirement.startswith(f"{only}-")):
            key = requirement, scenario, name, unit
            own = uncertainty(value, unit, late, stated)
            found.setdefault(key, []).append((places[run], value, own, low, high))
    result = []
    for (requirement, scenario, name, unit), rows in sorted(found.items()):
        rows.sort(key=lambda row: row[0])
        result.append(
            Series(
                scenario=scenario,
                requirement=requirement,
                name=name,
                unit=unit,
                values=tuple(row[1] for row in rows),
                uncertainties=tuple(row[2] for row in rows),
                runs=tuple(row[0] for row in rows),
                low=rows[-1][3],
                high=rows[-1][4],
            )
        )
    return result
