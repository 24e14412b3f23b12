"""How uncertain a time is that was measured between observations."""

from __future__ import annotations

from collections.abc import Iterable

from intercom_hil.judge.lateness import LOOK_BACK, SLACK, dated_by_kernel, late_between
from intercom_hil.lateness.uncertainty import CAPTURED, READ, expanded
from intercom_hil.timeline import Observation


def of_time(timeline: Iterable[Observation], of: Iterable[Observation], value: float) -> float | None:
    """Return the expanded uncertainty (s) of a time (s) between the first and the last of observations.

    Where there is but one, the bench began it. Where there is none, nothing is known: None.
    """
    ends = sorted(of, key=lambda observation: observation.time)
    if not ends:
        return None
    dates = [(o.time, dated_by_kernel(o)) for o in ends]
    first = dates[0] if len(dates) > 1 else (dates[0][0] - abs(value), False)
    wrong = [
        CAPTURED if by_kernel else READ + late_between(timeline, time - LOOK_BACK, time + SLACK)
        for time, by_kernel in (first, dates[-1])
    ]
    return expanded(value, *wrong)
