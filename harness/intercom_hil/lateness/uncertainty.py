"""How uncertain a measured time or level is: what the bench's own clock, dating and measuring may add to it.

Each contribution is a bound on what may be wrong, taken as evenly distributed within it (GUM 4.3.7: a²/3),
and the root of the sum of the squares is doubled (k = 2, about 95 %). docs/timeline-and-verdicts.md says
where the bounds come from; benchmarks/capture_clock.py measures those of dating on a loop, and
benchmarks/level_loop.py those of levels.
"""

from __future__ import annotations

from math import sqrt

COVERAGE = 2.0
"""The factor k by which the standard uncertainty is multiplied."""
CLOCK_RATE = 5e-4
"""How wrong the rate of the system's clock may be: the kernel slews it by no more (adjtimex(2), 500 ppm)."""
CAPTURED = 1e-3
"""Seconds by which the kernel's time of a captured packet may be wrong."""
READ = 1e-2
"""Seconds by which the bench may date late what it reads itself; beyond that lateness is counted."""
COMPANDED = 0.25
"""dB by which the level of sound may be wrong that came as G.711: its steps are coarse."""
LINEAR = 0.02
"""dB by which that of 16-bit samples may be wrong."""


def expanded(value: float, begun: float, ended: float) -> float:
    """Return the expanded uncertainty (s) of a time (s) by how wrong the dates of its ends may be (s)."""
    return combined(CLOCK_RATE * abs(value), begun, ended)


def combined(*bounds: float) -> float:
    """Return the expanded uncertainty of a value to which each of several things adds so much at most."""
    return COVERAGE * sqrt(sum(bound**2 / 3 for bound in bounds))
