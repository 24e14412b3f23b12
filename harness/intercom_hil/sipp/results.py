"""What came of a run, from the tables SIPp writes: statistics, counts of each step, response times.

The readers are total: what is not understood, or not there, is left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FAILURE = re.compile(r"Failed(?!Call\()(\w+)\(C\)")
_ELAPSED = re.compile(r"(\d+):(\d\d):(\d\d)(?::(\d{6}))?")
_STEP = re.compile(r"(\d+)_(\w+)_([A-Za-z]+)")


@dataclass(frozen=True)
class Statistics:
    """The last row of a statistics file (``-trace_stat``): what was counted over the whole run.

    Attributes:
        created: calls begun, in either direction.
        successful: calls that came to the end of their scenario.
        failed: calls that did not.
        failures: why they did not, by SIPp's names: ``UnexpectedMessage``, ``TimeoutOnRecv``,
            ``MaxUDPRetrans`` and so on; what did not happen is not listed.
        current: calls still under way.
        retransmissions: messages sent again.
        out_of_call: messages that belonged to no call.
        warnings: lines of the error log that are warnings.
        fatal_errors: those that ended SIPp.
        elapsed: seconds the run took.
    """

    created: int
    successful: int
    failed: int
    failures: Mapping[str, int] = field(default_factory=dict)
    current: int = 0
    retransmissions: int = 0
    out_of_call: int = 0
    warnings: int = 0
    fatal_errors: int = 0
    elapsed: float = 0.0


@dataclass(frozen=True)
class StepCounts:
    """How often one step of the scenario was taken (``-trace_counts``).

    Attributes:
        index: which step, from 0.
        what: its message or kind: ``INVITE``, ``200``, ``Pause``.
        counts: by SIPp's names: ``Sent``, ``Recv``, ``Retrans``, ``Timeout``, ``Unexp``, ``Sessions``.
    """

    index: int
    what: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class ResponseTime:
    """One measured response time (``start_rtd`` to ``rtd``): which of the scenario's, and how long (s)."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """How a SIPp ended and what it has to show for it.

    Attributes:
        statistics: the counters; None if SIPp wrote none.
        steps: counts of each step; empty if they were not asked for.
        response_times: of all calls; empty if they were not asked for.
        problem: the last errors of its error log.
        exit_status: for the reader only: 0 has been seen after failed calls, 255 after good ones.
        signal: the number of the signal that ended it.
        time: when it ended (seconds since the epoch).
    """

    statistics: Statistics | None
    steps: tuple[StepCounts, ...] = ()
    response_times: tuple[ResponseTime, ...] = ()
    problem: str = ""
    exit_status: int | None = None
    signal: int | None = None
    time: float = 0.0

    def succeeded(self, calls: int = 1) -> bool:
        """Return whether at least so many calls came to the end of their scenario, and none failed."""
        counted = self.statistics
        return (
            counted is not None
            and counted.successful >= calls
            and counted.failed == counted.current == counted.fatal_errors == 0
        )


def read_statistics(path: Path) -> Statistics | None:
    """Return what a ``-trace_stat`` file says in its last row, or None."""
    rows = _rows(path)
    try:
        last = rows[-1]
        created, successful, failed = (
            int(last[name]) for name in ("TotalCallCreated", "SuccessfulCall(C)", "FailedCall(C)")
        )
    except (IndexError, KeyError, ValueError):
        return None
    found = {name[1]: _whole(value) for key, value in last.items() if (name := _FAILURE.fullmatch(key))}
    return Statistics(
        created,
        successful,
        failed,
        {name: count for name, count in found.items() if count},
        _whole(last.get("CurrentCall", "")),
        _whole(last.get("Retransmissions(C)", "")),
        _whole(last.get("OutOfCallMsgs(C)", "")),
        _whole(last.get("Warnings(C)", "")),
        _whole(last.get("FatalErrors(C)", "")),
        _seconds(last.get("ElapsedTime(C)", "")),
    )


def read_steps(path: Path) -> tuple[StepCounts, ...]:
    """Return what a ``-trace_counts`` file says in its last row, a step each."""
    rows = _rows(path)
    steps: dict[tuple[int, str], dict[str, int]] = {}
    for key, value in rows[-1].items() if rows else ():
        if name := _STEP.fullmatch(key):
            steps.setdefault((int(name[1]), name[2]), {})[name[3]] = _whole(value)
    return tuple(StepCounts(index, what, counts) for (index, what), counts in steps.items())


def read_response_times(path: Path) -> tuple[ResponseTime, ...]:
    """Return the times of a ``-trace_rtt`` file in the order in which they were measured."""
    found = []
    for row in _rows(path):
        try:
            found.append(ResponseTime(row["rtd_no"], float(row["response_time_ms"]) / 1000))
        except (KeyError, ValueError):
            continue
    return tuple(found)


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, by the names of its columns; a row that is cut short has fewer."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            lines = [line for line in csv.reader(file, delimiter=";") if line]
    except (OSError, csv.Error):
        return []
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _seconds(text: str) -> float:
    if not (parts := _ELAPSED.fullmatch(text)):
        return 0.0
    hours, minutes, seconds = (int(part) for part in parts.groups()[:3])
    return hours * 3600 + minutes * 60 + seconds + int(parts[4] or 0) / 1e6
