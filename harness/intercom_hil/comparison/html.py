"""Differences and histories as pages: one file each, that needs nothing else and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intercom_hil.comparison import text
from intercom_hil.comparison.differences import Differences, Move
from intercom_hil.comparison.history import History, Series
from intercom_hil.comparison.page import page
from intercom_hil.reports.output import put
from intercom_hil.run_folder.errors import ReportError

_TEMPLATES = Path(__file__).parent / "templates"
MOST_RUNS = 200
"""Runs of which a strip of verdicts shows one each: the newest."""
_WIDTH, _HEIGHT, _EDGE = 240.0, 44.0, 4.0


def write_differences(found: Differences, path: Path, *, with_events: bool = False) -> None:
    """Write what two runs differ in. Raises ReportError: the file cannot be written."""
    notes = list(found.notes)
    if found.not_asked:
        notes.append(f"{found.not_asked} scenarios are in one run only: {text.NOT_ASKED}.")
    data = page(
        _TEMPLATES / "differences.html.j2",
        found=found,
        differ=found.are_there(with_events=with_events),
        notes=notes,
        device=text.device,
        gap=text.gap,
        limits=text.limits,
        plot=_moved,
    )
    _write(path, data)


def write_history(found: History, path: Path) -> None:
    """Write what many runs come to. Raises ReportError: the file cannot be written."""
    data = page(
        _TEMPLATES / "history.html.j2",
        found=found,
        shown=found.runs[-MOST_RUNS:],
        most_runs=MOST_RUNS,
        limits=text.limits,
        plot=_course,
    )
    _write(path, data)


def _write(path: Path, data: bytes) -> None:
    try:
        put(path.parent, path.name, data)
    except OSError as problem:
        raise ReportError(
            f"it cannot be written ({problem.strerror})", str(path), "name a file in a folder that is there"
        ) from problem


@dataclass(frozen=True, slots=True)
class _Moved:
    start: float
    length: float
    before: float
    after: float


def _moved(one: Move) -> _Moved | None:
    """Return where two values lie on a scale of 0 to 120, with what is allowed; None where one is missing."""
    own = one.after or one.before
    if one.before is None or one.after is None or own is None:
        return None
    values = [item.value for item in (one.before, one.after) if item.value is not None]
    if len(values) < 2:
        return None
    marks = [*values, *(mark for mark in (own.low, own.high) if mark is not None)]
    low, reach = min(marks), (max(marks) - min(marks)) or 1.0

    def place(value: float) -> float:
        return round(8 + 104 * (value - low) / reach, 1)

    start = place(own.low) if own.low is not None else 0.0
    end = place(own.high) if own.high is not None else 120.0
    return _Moved(start, round(max(0.0, end - start), 1), place(values[0]), place(values[1]))


@dataclass(frozen=True, slots=True)
class _Course:
    path: str
    points: tuple[tuple[float, float], ...]
    range: tuple[float, float] | None


def _course(one: Series) -> _Course:
    """Return a line through the values, and where between top and bottom what is allowed begins and ends."""
    values, runs = one.values[-MOST_RUNS:], one.runs[-MOST_RUNS:]
    marks = [*values, *(mark for mark in (one.low, one.high) if mark is not None)]
    low, reach = min(marks), (max(marks) - min(marks)) or 1.0
    first, length = runs[0], (runs[-1] - runs[0]) or 1

    def height(value: float) -> float:
        return round(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * (value - low) / reach, 1)

    points = tuple(
        (round(_EDGE + (_WIDTH - 2 * _EDGE) * (run - first) / length, 1), height(value))
        for run, value in zip(runs, values, strict=True)
    )
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    band = None
    if one.low is not None or one.high is not None:
        top = height(one.high) if one.high is not None else 0.0
        bottom = height(one.low) if one.low is not None else _HEIGHT
        band = (top, round(max(0.0, bottom - top), 1))
    return _Course(path, points, band)
