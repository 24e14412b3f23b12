"""What a late bench explains: whether what looks late, or is missing, is the device's doing.

The bench reports its lateness on the timeline (``BenchLate``). A wait that ran out is no evidence as far as
the bench was late in it, and a time that was measured is only as good as the bench was punctual.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from pydantic import BaseModel, ConfigDict

from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import BenchLate, Witness

SIGNIFICANT = 0.1
"""The share of a bound from which on lateness counts; the slack that bounds have covers less."""
MOSTLY = 0.5
"""The share of a time from which on lateness can make a sound another sound, or a count another count."""
LOOK_BACK = 1.0
"""Seconds before a wait in which lateness may still have an effect on what is waited for."""
LEAST_BOUND = 0.5
"""Seconds: of shorter bounds lateness counts as it would of this one."""
SLACK = 0.05
"""Seconds by which a wait may fall short."""
_DATED_BY_KERNEL = frozenset({Witness.WIRE})
_STREAMED = frozenset({"speaker", "media_heard", "video"})
"""Contents that are heard or seen in a stream: one with gaps, from a device without its turn, is another."""


class Waited(BaseModel):
    """A wait that ran out: from when (epoch seconds), how long it was to last and did last (s)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begun: float
    bound: float
    lasted: float


def late_between(timeline: Iterable[Observation], begun: float, ended: float) -> float:
    """Return for how long (s) the bench was late between two times (epoch seconds)."""
    total = 0.0
    for observation in timeline.late if isinstance(timeline, Timeline) else timeline:
        content = observation.content
        if isinstance(content, BenchLate):
            shared = min(ended, observation.time) - max(begun, content.begun)
            total += min(content.late, max(0.0, shared))
    return total


def matters(late: float, bound: float) -> bool:
    """Return whether lateness (s) is more than a tenth of a bound (s)."""
    return late > SIGNIFICANT * max(bound, LEAST_BOUND)


def cut_short(timeline: Iterable[Observation], wait: Waited) -> float:
    """Return how late (s) the bench was, if so late that a wait was no fair chance for the device; else 0.

    It was one if, without the lateness, it lasted as long as it was to.
    """
    late = late_between(timeline, wait.begun - LOOK_BACK, wait.begun + wait.lasted)
    fair = wait.lasted - late >= wait.bound - SLACK
    return late if matters(late, wait.bound) and not fair else 0.0


def excuse(late: float) -> str:
    """Return in words that the bench was late."""
    return f"the bench was {late:.1f} s late" if late >= 0.1 else f"the bench was {late * 1000:.0f} ms late"


def explains_time(
    timeline: Iterable[Observation], of: Iterable[Observation], by: float, span: float = 0.0
) -> float:
    """Return how late (s) the bench was, if that may have changed a time between observations; else 0.

    Args:
        timeline: what was seen.
        of: the observations that the time was taken from.
        by: how far (s) the time lies outside its limits.
        span: how long (s) before the last of them it began, should the first be another's.
    """
    times = [observation.time for observation in of]
    if not times:
        return 0.0
    begun = min(*times, max(times) - span) - LOOK_BACK
    late = late_between(timeline, begun, max(times) + SLACK)
    return late if late >= by else 0.0


def explains_interval(timeline: Iterable[Observation], of: Sequence[Observation], by: float) -> float:
    """Return how late (s) the bench was, if that may have made a time between two messages longer; else 0.

    Both were dated by the kernel. A timer of the device ran between them, and it runs on however busy the
    machine is: what came too late was held back when it was due, or what set the timer off was.

    Args:
        timeline: what was seen.
        of: the first and the last of the two.
        by: how far (s) the time lies above its limit.
    """
    begun, ended = min(o.time for o in of), max(o.time for o in of)
    due = max(begun + LOOK_BACK, ended - by - LOOK_BACK / 2)
    late = late_between(timeline, begun - SLACK, begun + LOOK_BACK)
    late += late_between(timeline, due, ended + SLACK)
    return late if late >= by else 0.0


def explains_haste(timeline: Iterable[Observation], of: Sequence[Observation], by: float) -> float:
    """Return how late (s) the bench was, if that may have made a time between two messages shorter; else 0.

    Both were dated by the kernel, and nothing comes before its time: only what set the device's timer off
    may have been under way for longer than the first of the two shows.

    Args:
        timeline: what was seen.
        of: the first and the last of the two.
        by: how far (s) the time lies below its limit.
    """
    begun = min(o.time for o in of)
    late = late_between(timeline, begun - by - LOOK_BACK, begun + SLACK)
    return late if late >= by else 0.0


def dated_by_kernel(observation: Observation) -> bool:
    """Whether the time of an observation is the kernel's, which no lateness of the bench moves."""
    return observation.witness in _DATED_BY_KERNEL and observation.content.kind not in _STREAMED


def explains_presence(timeline: Iterable[Observation], found: Iterable[Observation], after: float) -> float:
    """Return how late (s) the bench was, if that explains what must not be there; else 0.

    What came on the wire was dated by the kernel, and stands. What the bench dated when it read it may have
    been there before ``after`` (epoch seconds); and a sound with gaps is another sound.
    """
    excused = inf
    for observation in found:
        if dated_by_kernel(observation):
            return 0.0
        late = late_between(timeline, observation.time - LOOK_BACK, observation.time + SLACK)
        streamed = observation.content.kind in _STREAMED and late >= MOSTLY * LOOK_BACK
        if not streamed and (late < SLACK or observation.time - late > after):
            return 0.0
        excused = min(excused, late)
    return 0.0 if excused == inf else excused
