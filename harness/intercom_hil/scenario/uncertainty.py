"""How uncertain a time or a level is that was measured of observations."""

from __future__ import annotations

from collections.abc import Iterable

from intercom_hil.judge.lateness import LOOK_BACK, SLACK, dated_by_kernel, late_between
from intercom_hil.lateness.uncertainty import CAPTURED, COMPANDED, LINEAR, READ, combined, expanded
from intercom_hil.timeline import Observation
from intercom_hil.timeline.observation import MediaHeard, SpeakerHeard

_LEVELS = {"dBov": 1, "dB": 2}
"""How many levels are in a value of this unit: a difference has two."""


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


def of_level(of: Iterable[Observation], unit: str, *, by_card: bool) -> float | None:
    """Return the expanded uncertainty (dB) of a level, or of a difference of two, taken from what was heard.

    It is that of measuring: how much the sound itself wavers is not in it.

    Args:
        of: what was heard.
        unit: dBov for a level, dB for a difference; of anything else it is not known: None.
        by_card: whether the speaker is heard by a sound card. What lies between is no part of the bench, and
            nothing on it is a reference: None.
    """
    heard = [o.content for o in of]
    levels = _LEVELS.get(unit, 0)
    known = all(isinstance(c, MediaHeard) or (isinstance(c, SpeakerHeard) and not by_card) for c in heard)
    if not heard or not levels or not known:
        return None
    bound = COMPANDED if any(isinstance(content, MediaHeard) for content in heard) else LINEAR
    return combined(*[bound] * levels)
