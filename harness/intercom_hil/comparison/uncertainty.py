"""How far two values of one measurement may lie apart and still be the same.

A value has an uncertainty: the bench's part in it. Besides what a run states there is a least one by unit,
for no device does a thing twice alike; times have the lateness of the bench in that scenario besides. Where
earlier runs are at hand, the spread of their values counts if it is larger.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

BY_UNIT = {"s": 0.05, "ms": 50.0, "dB": 0.5, "Hz": 1.0, "%": 0.5}
"""Uncertainty of a value (coverage factor 2), by its unit; that of a count is none."""
RELATIVE = 0.01
"""Of a unit that is not listed: this share of the value, where that is no whole number."""
COVERAGE = 2.0
"""How many standard deviations of earlier values are their spread: 95 of 100 lie within (JCGM 100, 6.2)."""
LEAST_VALUES = 3
"""So many earlier values have a spread."""


def uncertainty(value: float, unit: str, late: float = 0.0, stated: float | None = None) -> float:
    """Return the uncertainty of one value.

    Args:
        value: the value.
        unit: its unit.
        late: how late the bench was in the scenario, in seconds.
        stated: what the run itself states (coverage factor 2); None where it does not.
    """
    if unit in BY_UNIT:
        least = BY_UNIT[unit] + {"s": late, "ms": late * 1000}.get(unit, 0.0)
    else:
        least = 0.0 if value.is_integer() else abs(value) * RELATIVE
    return max(least, stated or 0.0)


def spread(values: Sequence[float]) -> float:
    """Return the spread of earlier values; 0 of too few."""
    return COVERAGE * statistics.stdev(values) if len(values) >= LEAST_VALUES else 0.0


def bound(one: float, other: float, earlier: Sequence[float] = ()) -> float:
    """Return how far two values may lie apart, of which these are the uncertainties."""
    return max(math.hypot(one, other), math.sqrt(2) * spread(earlier))
