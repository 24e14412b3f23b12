"""Differences and histories as a terminal shows them: lines of plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from intercom_hil.comparison.differences import Change, Differences, Move
from intercom_hil.comparison.history import History, Series, Strip
from intercom_hil.reports.headline import headline
from intercom_hil.reports.views import device_line
from intercom_hil.run_folder.fields import clock, seconds, shorten
from intercom_hil.run_folder.records import Measurement, Run

MOST = 40
"""Lines of one list; the page has all."""
MOST_RUNS = 40
"""Runs of which a strip of verdicts shows one each: the newest."""
NOT_ASKED = "the other was asked for a part, or interrupted"
_WIDTH = 100
_BARS = "▁▂▃▄▅▆▇█"


def differences_in_lines(found: Differences, *, with_events: bool = False) -> Iterator[str]:
    """Yield what two runs differ in."""
    yield f"A  {_run(found.before)}"
    yield f"B  {_run(found.after)}"
    yield from _listed("made otherwise", [f"{name}: {a} → {b}" for name, a, b in found.made], 12)
    yield from _listed("requirements whose verdict changed", map(_change, found.requirements))
    yield from _listed("scenarios whose verdict changed", map(_change, found.scenarios))
    yield from _listed("scenarios of A alone", found.only_before)
    yield from _listed("scenarios of B alone", found.only_after)
    yield from _listed("measurements that moved beyond their uncertainty", map(_move, found.moves))
    counts = "" if with_events else " (they alone do not count as a difference; see --events)"
    yield from _listed(
        f"scenarios in which the device logged other events{counts}",
        (f"{one.scenario}: {_gone_and_come(one.missing, one.added)}" for one in found.events),
    )
    yield from found.notes
    if found.not_asked:
        yield f"{found.not_asked} scenarios are in one run only: {NOT_ASKED}"
    same = found.compared - len(found.scenarios)
    kept = found.measured - len(found.moves)
    yield (
        f"{same} of {found.compared} scenarios have the same verdict, "
        f"{kept} of {found.measured} measurements the same value within their uncertainty"
    )
    yield "they differ" if found.are_there(with_events=with_events) else "they do not differ"


def history_in_lines(found: History) -> Iterator[str]:
    """Yield what many runs come to."""
    first, last = found.runs[0], found.runs[-1]
    yield f"{len(found.runs)} runs, {clock(first.started)} to {clock(last.started)}"
    yield from found.notes
    signs = "".join(run.verdict.sign for run in found.runs[-MOST_RUNS:])
    yield f"runs, the newest last:  {signs}  {last.folder}: {last.verdict.word}"
    yield from _listed("requirements that did not always pass", map(_strip, found.unsteady), MOST)
    steady = len(found.requirements) - len(found.unsteady)
    if steady:
        yield f"{steady} of {len(found.requirements)} requirements had no verdict worse than a pass"
    yield from _listed("flakes: other verdicts though nothing known had changed", map(_flake, found.flakes))
    yield from _listed("measurements", map(_series, found.series))


def device(run: Run) -> str:
    """Return which device a run tested: as its bench file says, else as the device calls itself."""
    names = ", ".join(dict.fromkeys(s.device_name for s in run.scenarios if s.device_name))
    return device_line(run.environment) or names or headline(run).device


def gap(one: Measurement | None) -> str:
    """Return a value with its unit, or a dash."""
    return "—" if one is None or one.value is None else f"{one.value:.4g} {one.unit}".strip()


def limits(low: float | None, high: float | None) -> str:
    """Return limits in words."""
    if low is None and high is None:
        return "no limits"
    if low is None:
        return f"at most {high:.4g}"
    return f"at least {low:.4g}" if high is None else f"{low:.4g} to {high:.4g}"


def _run(run: Run) -> str:
    about = f"{clock(run.started)}, {seconds(run.duration)}, bench {run.name}, {device(run)}"
    return f"{run.folder.name}  {about}: {run.verdict.word}"


def _change(one: Change) -> str:
    why = f": {one.why}" if one.why else ""
    return f"{one.direction.value:16} {one.id}  {one.before.word} → {one.after.word}  {one.title}{why}"


def _move(one: Move) -> str:
    by = f"  ({one.by:+.3g}, uncertainty {one.bound:.2g})" if one.by is not None else ""
    within = one.after or one.before
    allowed = f", allowed {limits(within.low, within.high)}" if within is not None else ""
    return f"{one.requirement} {one.name}: {gap(one.before)} → {gap(one.after)}{by}{allowed}  {one.scenario}"


def _gone_and_come(missing: Sequence[str], added: Sequence[str]) -> str:
    return "; ".join([*(f"− {name}" for name in missing), *(f"+ {name}" for name in added)])


def _strip(one: Strip) -> str:
    signs = "".join(verdict.sign if verdict else " " for verdict in one.verdicts[-MOST_RUNS:])
    return f"{one.id:12} {signs}  {one.in_words}  {one.title}"


def _flake(one: Strip) -> str:
    signs = "".join(verdict.sign if verdict else " " for verdict in one.verdicts[-MOST_RUNS:])
    return f"{one.id}  {signs}  {one.in_words}"


def _series(one: Series) -> str:
    reach = f"{one.least:.4g} to {one.most:.4g}, median {one.median:.4g}, spread ±{one.spread:.2g}"
    about = f"{one.count} values, {reach}; {limits(one.low, one.high)}"
    moved = "  MOVED" if one.moved else ""
    last = f"last {one.last:.4g} {one.unit}{moved}"
    return f"{one.requirement} {one.name}  {sparkline(one.values)}  {last} ({about})  {one.scenario}"


def sparkline(values: Sequence[float], most: int = MOST_RUNS) -> str:
    """Return values as bars of text, the newest last."""
    some = [value for value in values[-most:] if math.isfinite(value)]
    if not some:
        return ""
    low, high = min(some), max(some)
    reach = high - low
    if reach <= 0:
        return _BARS[3] * len(some)
    return "".join(_BARS[min(7, int(8 * (value - low) / reach))] for value in some)


def _listed(title: str, lines: Iterable[str], most: int = MOST) -> Iterator[str]:
    rows = list(lines)
    if not rows:
        return
    yield f"{title}: {len(rows)}"
    for row in rows[:most]:
        yield f"  {shorten(row, 3 * _WIDTH)}"
    if len(rows) > most:
        yield f"  and {len(rows) - most} more; --html FILE has them all"
