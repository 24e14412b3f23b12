"""Two runs compared: verdicts that changed, measurements that moved, events that were logged otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from intercom_hil.comparison.uncertainty import bound, uncertainty
from intercom_hil.reports.views import device_line, environment_rows
from intercom_hil.run_folder.observations import read_timeline
from intercom_hil.run_folder.records import Measurement, Run, Scenario
from intercom_hil.run_folder.verdicts import NONE, NOT_APPLICABLE, Verdict

MeasurementKey = tuple[str, str, str]
"""Scenario, requirement, name."""
_NOT_LOOKED_AT = (NONE, NOT_APPLICABLE)
_VARY_ANYWAY = ("device clock", "python", "platform", "host")
"""What of the environment differs from run to run, and says nothing of either."""


class Direction(Enum):
    """Which way a verdict changed."""

    WORSE = "worse"
    LOST = "no longer judged"
    BETTER = "better"
    NEW = "newly judged"


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict of a requirement or a scenario that changed. ``why`` is what was seen where it is worse."""

    id: str
    title: str
    before: Verdict
    after: Verdict
    why: str = ""

    @property
    def direction(self) -> Direction:
        """Which way it changed."""
        if self.after in _NOT_LOOKED_AT:
            return Direction.LOST
        if self.before in _NOT_LOOKED_AT and not self.after.needs_attention:
            return Direction.NEW
        return Direction.WORSE if self.after.rank > self.before.rank else Direction.BETTER


@dataclass(frozen=True, slots=True)
class Move:
    """A measurement whose value moved by more than ``bound``, or that only one run has."""

    scenario: str
    requirement: str
    name: str
    before: Measurement | None
    after: Measurement | None
    bound: float

    @property
    def by(self) -> float | None:
        """How far it moved."""
        if self.before is None or self.after is None or self.before.value is None or self.after.value is None:
            return None
        return self.after.value - self.before.value

    @property
    def unit(self) -> str:
        """Its unit."""
        one = self.after or self.before
        return one.unit if one is not None else ""


@dataclass(frozen=True, slots=True)
class OtherEvents:
    """A scenario with other events: what the device logged in the first run alone, and in the second."""

    scenario: str
    missing: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What two runs differ in.

    Attributes:
        before: the first run.
        after: the second.
        made: in what they were made differently: name, first, second.
        requirements: requirements whose verdict changed, the worst first.
        scenarios: scenarios whose verdict changed, likewise.
        only_before: scenarios that the first run alone has, though the second was not asked for a part.
        only_after: those of the second alone.
        not_asked: how many scenarios only one has because the other was asked for a part, or interrupted.
        moves: measurements that moved.
        measured: how many were compared.
        events: scenarios in which other events were logged.
        notes: what could not be compared.
        compared: how many scenarios both have.
    """

    before: Run
    after: Run
    made: tuple[tuple[str, str, str], ...]
    requirements: tuple[Change, ...]
    scenarios: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    not_asked: int
    moves: tuple[Move, ...]
    measured: int
    events: tuple[OtherEvents, ...]
    notes: tuple[str, ...]
    compared: int

    def are_there(self, *, with_events: bool = False) -> bool:
        """Whether the runs differ; other events alone count where that is asked for."""
        judged = self.requirements or self.scenarios or self.only_before or self.only_after or self.moves
        return bool(judged) or (with_events and bool(self.events))


def compare(
    before: Run, after: Run, earlier: Mapping[MeasurementKey, Sequence[float]] | None = None
) -> Differences:
    """Compare two runs.

    Args:
        before: the first.
        after: the second.
        earlier: values of earlier runs, whose spread counts where it is larger than the uncertainty.
    """
    first, second = _by_id(before), _by_id(after)
    both = [name for name in first if name in second]
    moves, measured = _moves(first, second, both, earlier or {})
    events, unread = _events(first, second, both)
    only_before = tuple(name for name in first if name not in second)
    only_after = tuple(name for name in second if name not in first)
    part_before, part_after = (bool(run.selection or run.interrupted) for run in (before, after))
    notes = [f"Events are not compared in {unread} scenarios: a timeline is missing."] if unread else []
    return Differences(
        before=before,
        after=after,
        made=tuple(_made(before, after)),
        requirements=_changed_requirements(before, after),
        scenarios=_worst_first(
            Change(name, second[name].title, first[name].verdict, second[name].verdict, _why(second[name]))
            for name in both
            if first[name].verdict is not second[name].verdict
        ),
        only_before=() if part_after else only_before,
        only_after=() if part_before else only_after,
        not_asked=len(only_before) * part_after + len(only_after) * part_before,
        moves=tuple(moves),
        measured=measured,
        events=tuple(events),
        notes=(*notes, *_rewritten(before, after)),
        compared=len(both),
    )


def _by_id(run: Run) -> dict[str, Scenario]:
    return {scenario.id: scenario for scenario in run.scenarios}


def _worst_first(changes: Iterator[Change]) -> tuple[Change, ...]:
    order = list(Direction)
    return tuple(
        sorted(changes, key=lambda change: (order.index(change.direction), -change.after.rank, change.id))
    )


def _changed_requirements(before: Run, after: Run) -> tuple[Change, ...]:
    """Return what changed; that a run which was asked for a part did not look at a row is no change."""
    known = {row.id: row for row in before.requirements}
    unasked = [bool(run.selection or run.interrupted) for run in (before, after)]
    return _worst_first(
        Change(row.id, row.title, known[row.id].verdict, row.verdict, _why_of(after, row.id))
        for row in after.requirements
        if row.id in known
        and known[row.id].verdict is not row.verdict
        and not (unasked[0] and known[row.id].verdict is NONE)
        and not (unasked[1] and row.verdict is NONE)
    )


def _why(scenario: Scenario) -> str:
    bad = [item for item in scenario.judgements if item.verdict is scenario.verdict]
    if scenario.verdict.needs_attention and bad:
        return f"{bad[0].requirement}: expected {bad[0].expected}; seen: {bad[0].seen or 'nothing'}"
    return scenario.problems[0] if scenario.verdict.needs_attention and scenario.problems else ""


def _why_of(run: Run, requirement: str) -> str:
    for scenario in run.scenarios:
        for item in scenario.judgements:
            if item.requirement == requirement and item.verdict.needs_attention:
                return f"expected {item.expected}; seen: {item.seen or 'nothing'} ({scenario.title})"
    return ""


def _moves(
    first: Mapping[str, Scenario],
    second: Mapping[str, Scenario],
    both: Sequence[str],
    earlier: Mapping[MeasurementKey, Sequence[float]],
) -> tuple[list[Move], int]:
    moves: list[Move] = []
    count = 0
    for name in both:
        ours, theirs = _measured(first[name]), _measured(second[name])
        for key in {**ours, **theirs}:
            count += 1
            before, after = ours.get(key), theirs.get(key)
            requirement, what, _ = key
            least = 0.0
            if before is not None and after is not None:
                if before.value is None or after.value is None:
                    if before.value is after.value:
                        continue
                elif before.unit == after.unit:
                    least = bound(
                        uncertainty(before.value, before.unit, first[name].late, before.uncertainty),
                        uncertainty(after.value, after.unit, second[name].late, after.uncertainty),
                        earlier.get((name, requirement, what), ()),
                    )
                    if abs(after.value - before.value) <= least:
                        continue
            moves.append(Move(name, requirement, what, before, after, least))
    return moves, count


def _measured(scenario: Scenario) -> dict[tuple[str, str, int], Measurement]:
    """Return the measurements of a scenario; of several with one name, each by its place."""
    found: dict[tuple[str, str, int], Measurement] = {}
    places: Counter[tuple[str, str]] = Counter()
    for item in scenario.measurements:
        key = item.requirement, item.name
        found[(*key, places[key])] = item
        places[key] += 1
    return found


def _events(
    first: Mapping[str, Scenario], second: Mapping[str, Scenario], both: Sequence[str]
) -> tuple[list[OtherEvents], int]:
    found: list[OtherEvents] = []
    unread = 0
    for name in both:
        ours, theirs = _logged(first[name]), _logged(second[name])
        if ours is None or theirs is None:
            unread += 1
        elif ours != theirs:
            missing, added = ours - theirs, theirs - ours
            found.append(OtherEvents(name, tuple(_in_words(missing)), tuple(_in_words(added))))
    return found, unread


def _logged(scenario: Scenario) -> Counter[str] | None:
    """Return what the device logged in a scenario, in whichever order; None where that is not known."""
    if scenario.timeline is None:
        return None
    seen, _ = read_timeline(scenario.timeline)
    return Counter(
        f"{one.text('name')} ({one.text('failure')})" if one.text("failure") else one.text("name")
        for one in seen
        if one.kind == "event"
    )


def _in_words(events: Counter[str]) -> Iterator[str]:
    for name, count in events.items():
        yield f"{name} {count}×" if count > 1 else name


def _made(before: Run, after: Run) -> Iterator[tuple[str, str, str]]:
    ours = {"device": device_line(before.environment), "run": before.name} | _rows(before)
    theirs = {"device": device_line(after.environment), "run": after.name} | _rows(after)
    ours["mode"], theirs["mode"] = before.mode.kind, after.mode.kind
    ours["the device calls itself"], theirs["the device calls itself"] = _names(before), _names(after)
    for name in {**ours, **theirs}:
        one, other = ours.get(name, ""), theirs.get(name, "")
        if one != other and not name.startswith(_VARY_ANYWAY):
            yield name, one or "—", other or "—"


def _rewritten(before: Run, after: Run) -> Iterator[str]:
    """Yield which requirements are no longer worded as they were: their verdicts are on other words."""
    known = {row.id: row.text for row in before.requirements}
    found = [row.id for row in after.requirements if known.get(row.id, row.text) != row.text]
    if found:
        yield f"Worded otherwise in B: {', '.join(found)}."


def _rows(run: Run) -> dict[str, str]:
    return dict(environment_rows(run.environment))


def _names(run: Run) -> str:
    return ", ".join(
        dict.fromkeys(scenario.device_name for scenario in run.scenarios if scenario.device_name)
    )
