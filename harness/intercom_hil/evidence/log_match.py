"""An imported event log laid beside the calls on the wire: by which clock its entries are dated.

It finds when each entry, dated by the device's clock, was written by the bench's clock. An entry is written
after its cause, so the smallest difference is nearest to the clocks'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intercom_hil.errors import BenchError
from intercom_hil.judge.device_clock import upper_line

WINDOW = 2.0
"""Seconds by which the differences of entries to their causes may scatter: latency, resolution, drift."""
CLEARLY = 0.8
"""A second offset that fits so many (as a fraction) of the entries of the best leaves the clock in doubt."""
_PROMPT = 0.3  # s that an entry usually follows its cause within
_MARGIN = 0.1  # s by which an entry may lie below the line that is drawn under them
_ROUNDS = 3  # of drawing the line and choosing the entries anew that lie along it
_MOST_STEP = 2.0  # s by which an entry may seem to precede the one before it
_MOST_PAIRS = 30_000_000
Differences = NDArray[np.float64]
"""Sorted: entries less causes, in seconds."""
_BY_HAND = "name it yourself: --clock-ahead SECONDS"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log: the event's name, and its time by the device's clock (epoch seconds)."""

    name: str
    time: float


@dataclass(frozen=True, slots=True)
class Cause:
    """What calls for an entry: in which scenario, the event's name, and when (epoch seconds, bench)."""

    scenario: int
    name: str
    time: float


@dataclass(frozen=True, slots=True)
class Match:
    """The device's clock as the log shows it, and the log by the bench's clock.

    Attributes:
        at: when ``ahead`` holds (epoch seconds, bench).
        ahead: how far the device's clock was ahead, in seconds.
        drift: how many seconds it gained each second.
        resolution: of the log's times, in seconds; 0 for a fine one.
        paired: how many entries found their cause.
        times: when each entry was written (epoch seconds, bench).
    """

    at: float
    ahead: float
    drift: float
    resolution: float
    paired: int
    times: tuple[float, ...]

    def to_bench(self, device: float) -> float:
        """Return a time by the device's clock as one by the bench's."""
        return _to_bench(device, self.at, self.ahead, self.drift)

    def ahead_at(self, bench: float) -> float:
        """Return how far the device's clock was ahead at a time by the bench's."""
        return self.ahead + self.drift * (bench - self.at)


def match(entries: Sequence[Entry], causes: Sequence[Cause], *, ahead: float | None = None) -> Match:
    """Date the entries of a log by the bench's clock.

    Args:
        entries: the log, in the order in which it was written.
        causes: what called for entries, whichever of them the device then wrote.
        ahead: how far the device's clock is ahead (s), where somebody knows.

    Raises:
        BenchError: nothing shows how the clocks differ, or several offsets fit about as well.
    """
    coarse = len(entries) > 2 and all(entry.time == int(entry.time) for entry in entries)
    resolution = 1.0 if coarse else 0.0
    at = min((cause.time for cause in causes), default=0.0)
    drift, width = 0.0, _PROMPT + resolution
    if ahead is None:
        ahead = _begins(entries, causes, width)
    else:
        ahead, width = ahead - WINDOW / 2, WINDOW
    pairs: dict[int, float] = {}
    for _ in range(_ROUNDS):
        pairs = _pairs(entries, causes, _Strip(at, ahead, drift, width))
        drift, ahead = _line(pairs, entries, at)
        width = _PROMPT + resolution
    if coarse:  # cut to whole seconds, times lie up to one below the truth: the largest difference is nearest
        drift, ahead = _line(pairs, entries, at, upper=True)
    times = []
    before = float("-inf")
    for place, entry in enumerate(entries):
        time = _to_bench(entry.time, at, ahead, drift)
        cause = pairs.get(place)
        if cause is not None:
            time = cause if coarse else max(time, cause)  # its number in the timeline says which was first
        if before - _MOST_STEP <= time < before:
            time = before
        before = time
        times.append(time)
    return Match(at, ahead, drift, resolution, len(pairs), tuple(times))


@dataclass(frozen=True, slots=True)
class _Strip:
    """What differences of entries to their causes are looked for in: a line, and the width above it."""

    at: float
    ahead: float
    drift: float
    width: float

    def holds(self, entry: float, first: float, last: float) -> bool:
        """Whether an entry can belong to causes from the first to the last."""
        return first + self._line(first) - _MARGIN <= entry <= last + self._line(last) + self.width + _MARGIN

    def _line(self, time: float) -> float:
        return self.ahead + self.drift * (time - self.at)


def _begins(entries: Sequence[Entry], causes: Sequence[Cause], width: float) -> float:
    """Return where the strip of a width begins that the most differences fall into, in the best window."""
    found = _differences(entries, causes)
    best, most = _densest(found, WINDOW)
    begins = float(found[best])
    elsewhere = found[(found < begins - WINDOW) | (found > begins + WINDOW)]
    if len(elsewhere):
        other, second = _densest(elsewhere, WINDOW)
        if second > CLEARLY * most:
            raise BenchError(
                f"the log fits the calls of this run with a clock {begins:+.0f} s ahead ({most} entries) "
                f"about as well as with one {float(elsewhere[other]):+.0f} s ahead ({second} entries)",
                remedy=_BY_HAND,
            )
    within = found[best : best + most]
    return float(within[_densest(within, width)[0]])


def _differences(entries: Sequence[Entry], causes: Sequence[Cause]) -> Differences:
    found = []
    count = 0
    for name in sorted({cause.name for cause in causes}):
        by_device = np.array([entry.time for entry in entries if entry.name == name])
        by_bench = np.array([cause.time for cause in causes if cause.name == name])
        count += len(by_device) * len(by_bench)
        if count > _MOST_PAIRS:
            raise BenchError(
                "the log is too long to be laid beside this run", remedy="export the time of the run only"
            )
        found.append(np.subtract.outer(by_device, by_bench).ravel())
    if not count:
        raise BenchError(
            "no entry of the log is of a kind that a call of this run calls for",
            remedy="import the log of this device, from the time of this run",
        )
    return np.sort(np.concatenate(found))


def _densest(found: Differences, width: float) -> tuple[int, int]:
    """Return the place at which a window of a width holds the most of the sorted values, and how many."""
    counts = np.searchsorted(found, found + width, side="right") - np.arange(len(found))
    best = int(np.argmax(counts))
    return best, int(counts[best])


def _pairs(entries: Sequence[Entry], causes: Sequence[Cause], strip: _Strip) -> dict[int, float]:
    """Return the time of the cause of each entry that has one beyond doubt, by the entry's place.

    Within a scenario the first entry of a kind belongs to the first cause of that kind, and so on, as long as
    there are as many of the one as of the other.
    """
    wanted: dict[tuple[int, str], list[float]] = defaultdict(list)
    for cause in causes:
        wanted[cause.scenario, cause.name].append(cause.time)
    by_name: dict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        by_name[entry.name].append(place)
    pairs: dict[int, float] = {}
    for (_, name), times in wanted.items():
        first, last = min(times), max(times)
        places = [place for place in by_name[name] if strip.holds(entries[place].time, first, last)]
        if len(places) == len(times):
            pairs |= dict(zip(places, sorted(times), strict=True))
    return pairs


def _line(
    pairs: dict[int, float], entries: Sequence[Entry], at: float, *, upper: bool = False
) -> tuple[float, float]:
    """Return slope and height at ``at`` of the line under the differences, or on them from above."""
    if not pairs:
        raise BenchError("no entry of the log can be told to belong to a call of this run", remedy=_BY_HAND)
    sign = 1 if upper else -1
    points = [(time - at, sign * (entries[place].time - time)) for place, time in pairs.items()]
    slope, height = upper_line(points)
    return sign * slope, sign * height


def _to_bench(device: float, at: float, ahead: float, drift: float) -> float:
    return at + (device - at - ahead) / (1 + drift)
