"""The device's clock against the bench's: how far it is ahead, and how fast it gains.

An estimate from pairs of times: that of an entry by the device's clock and that of its arrival by the
bench's. An entry arrives after it was written, so each pair shows less than the true offset, by its
latency: the largest is nearest to the truth (as in RFC 5905 §10, the sample with the least delay).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import DeviceEvent, EventCopy, Witness

LEAST_SPAN = 60.0
"""Seconds of observation without which no drift is reported."""
MOST_DRIFT = 1e-3
"""Drift that no quartz has; more is taken for scattered latency."""

_IN_STEP = 0.002  # s that are latency as much as offset


class ClockReading(BaseModel):
    """The best look at the device's clock in one scenario.

    ``at`` is when it was (epoch seconds, bench), ``ahead_s`` how far the device's clock was ahead then,
    ``pairs`` how many entries it was chosen from, ``spread_s`` how far they lie apart: latency, and the
    resolution of the device's times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    at: float
    ahead_s: float
    pairs: int
    spread_s: float


class ClockEstimate(BaseModel):
    """The device's clock over a run: ``ahead_s`` at the time ``at`` and gaining ``drift_ppm`` since."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    at: float
    ahead_s: float
    drift_ppm: float | None
    pairs: int

    def __str__(self) -> str:
        if abs(self.ahead_s) < _IN_STEP and self.drift_ppm is None:
            return f"in step with the bench's (from {self.pairs} entries)"
        how = "ahead of" if self.ahead_s >= 0 else "behind"
        drift = "" if self.drift_ppm is None else f", drifting {self.drift_ppm:+.0f} ppm"
        return f"{abs(self.ahead_s):.3f} s {how} the bench's{drift} (from {self.pairs} entries)"


def reading(timeline: Timeline) -> ClockReading | None:
    """Return the best look at the device's clock that a scenario gave; None without dated entries.

    Entries that were imported have no arrival and say nothing.
    """
    pairs = [
        (o.time, o.content.device_time - o.time)
        for o in timeline
        if isinstance(o.content, DeviceEvent | EventCopy)
        and o.content.device_time is not None
        and o.witness is not Witness.EVENT_LOG
    ]
    if not pairs:
        return None
    at, ahead = max(pairs, key=lambda pair: pair[1])
    spread = ahead - min(pair[1] for pair in pairs)
    return ClockReading(at=at, ahead_s=round(ahead, 6), pairs=len(pairs), spread_s=round(spread, 6))


def estimate(readings: Iterable[ClockReading]) -> ClockEstimate | None:
    """Return the device's clock over a run, at the time of the first reading; None without one."""
    taken = sorted(readings, key=lambda one: one.at)
    if not taken:
        return None
    begun = taken[0].at
    points = [(one.at - begun, one.ahead_s) for one in taken]
    slope, ahead = upper_line(points)
    known = len(taken) > 2 and points[-1][0] >= LEAST_SPAN
    return ClockEstimate(
        at=begun,
        ahead_s=round(ahead, 6),
        drift_ppm=round(slope * 1e6, 1) if known else None,
        pairs=sum(one.pairs for one in taken),
    )


def upper_line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return slope and height at 0 of the line that lies on the points from above, as close as possible.

    It is the edge of their convex hull over their middle. A slope beyond ``MOST_DRIFT``, or from less than
    ``LEAST_SPAN``, counts as none; the line is level then.
    """
    hull: list[tuple[float, float]] = []
    for point in sorted(points):
        while len(hull) >= 2 and _turns_up(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    middle = sum(x for x, _ in points) / len(points)
    if hull[-1][0] - hull[0][0] >= LEAST_SPAN:
        for (x0, y0), (x1, y1) in pairwise(hull):
            if x0 <= middle <= x1 and x1 > x0:
                slope = (y1 - y0) / (x1 - x0)
                if abs(slope) <= MOST_DRIFT:
                    return slope, max(y - slope * x for x, y in points)
    return 0.0, max(y for _, y in points)


def _turns_up(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the middle point does not lie above the line from first to last."""
    across = (middle[0] - first[0]) * (last[1] - first[1]) - (middle[1] - first[1]) * (last[0] - first[0])
    return across >= 0
