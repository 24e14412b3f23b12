"""The rules a judgement can rest on, as data, and how each is evaluated over a timeline.

Evaluation is pure: the same rule over the same observations gives the same outcome, live or years later.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from intercom_hil.judge.lateness import (
    LEAST_BOUND,
    LOOK_BACK,
    MOSTLY,
    Waited,
    cut_short,
    dated_by_kernel,
    excuse,
    explains_haste,
    explains_interval,
    explains_presence,
    explains_time,
    late_between,
    matters,
)
from intercom_hil.judge.unanswered import ignored
from intercom_hil.judge.unreadable import in_lines, unread
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Pattern, Timeline, Witness
from intercom_hil.timeline.pattern import enough

_NAMED_IN_TEXT = 4
_ENDS = 2
"""Observations that a time between two of them is taken from."""


class Outcome(BaseModel):
    """What an evaluation found: verdict, what was seen in words, and the observations it rests on."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    verdict: Verdict
    seen: str
    observations: tuple[int, ...] = ()


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Occurs(_Rule):
    """Between ``after`` and ``until`` (epoch seconds) the pattern is seen so many times.

    ``provided`` is the cause without which there is nothing to judge, ``wait`` the wait that ran out, if one
    did: one in which the bench was late proves nothing.
    """

    kind: Literal["occurs"] = "occurs"
    pattern: Pattern
    after: float
    until: float
    at_least: int = 1
    at_most: int | None = None
    provided: Pattern | None = None
    wait: Waited | None = None

    def caused(self, timeline: Timeline) -> bool:
        """Whether there is anything to judge: what the rule is about has been given cause to."""
        return self.provided is None or bool(timeline.find(self.provided, self.after))

    def evaluate(self, timeline: Timeline, origin: float) -> Outcome:
        """Judge a timeline; times in the text are relative to ``origin`` (epoch seconds)."""
        found = timeline.find(self.pattern, self.after, self.until)
        too_many = self.at_most is not None and len(found) > self.at_most
        verdict = Verdict.PASS if enough(found, self.at_least) and not too_many else Verdict.FAIL
        hidden = unread(timeline, self.pattern, self.after, self.until)
        if verdict is Verdict.PASS:
            seen = listed(found, origin) if found else "none, as expected"
        elif found:
            seen = f"{len(found)} seen: {listed(found, origin)}"
        else:
            seen = f"none seen; {_nearby(timeline, self.pattern, self.after, origin)}"
        if hidden and not too_many:
            limited = verdict is Verdict.PASS and self.at_most is not None
            if limited or (verdict is Verdict.FAIL and in_lines(self.pattern)):
                verdict = Verdict.INCONCLUSIVE
            if verdict is not Verdict.PASS:
                seen = f"{seen}; it may be in what could not be read: {listed(hidden, origin)}"
                found = [*found, *hidden] if verdict is Verdict.INCONCLUSIVE else found
        late = cut_short(timeline, self.wait) if self.wait and verdict is Verdict.FAIL and not too_many else 0
        if late:
            verdict, seen = Verdict.INCONCLUSIVE, f"{excuse(late)}; {seen}"
        unanswered = ignored(timeline, self.after, self.until) if verdict is Verdict.FAIL else []
        if unanswered and not too_many:
            verdict, found = Verdict.INCONCLUSIVE, [*found, *unanswered]
            seen = f"{seen}; not answered by the bench as it must be: {listed(unanswered, origin)}"
        return Outcome(verdict=verdict, seen=seen, observations=tuple(o.seq for o in found))


class Absent(_Rule):
    """Between ``after`` and ``until`` (epoch seconds) the pattern is never seen."""

    kind: Literal["absent"] = "absent"
    pattern: Pattern
    after: float
    until: float

    def evaluate(self, timeline: Timeline, origin: float) -> Outcome:
        """Judge a timeline; times in the text are relative to ``origin`` (epoch seconds)."""
        found = timeline.find(self.pattern, self.after, self.until)
        if found:
            late = explains_presence(timeline, found, self.after)
            seen = f"seen all the same: {listed(found, origin)}"
            return Outcome(
                verdict=Verdict.INCONCLUSIVE if late else Verdict.FAIL,
                seen=f"{excuse(late)}; {seen}" if late else seen,
                observations=tuple(o.seq for o in found),
            )
        none = f"none in {self.until - self.after:.1f} s"
        hidden = unread(timeline, self.pattern, self.after, self.until)
        if hidden:
            return Outcome(
                verdict=Verdict.INCONCLUSIVE,
                seen=f"{none}, but not all could be read: {listed(hidden, origin)}",
                observations=tuple(o.seq for o in hidden),
            )
        return Outcome(verdict=Verdict.PASS, seen=none)


class InOrder(_Rule):
    """Between ``after`` and ``until`` (epoch seconds) the first of each pattern are seen in this order."""

    kind: Literal["in_order"] = "in_order"
    patterns: tuple[Pattern, ...]
    after: float
    until: float

    def evaluate(self, timeline: Timeline, origin: float) -> Outcome:
        """Judge a timeline; times in the text are relative to ``origin`` (epoch seconds)."""
        firsts = [timeline.find(pattern, self.after, self.until)[:1] for pattern in self.patterns]
        seen = sorted((o for first in firsts for o in first), key=lambda o: (o.time, o.seq))
        missing = [str(p) for p, first in zip(self.patterns, firsts, strict=True) if not first]
        ordered = not missing and seen == [o for first in firsts for o in first]
        text = listed(seen, origin) if seen else "none seen"
        text = f"{text}; never {', '.join(missing)}" if missing else text
        late = 0.0 if ordered else self._excused(timeline, [o for first in firsts for o in first], missing)
        verdict = Verdict.PASS if ordered else Verdict.INCONCLUSIVE if late else Verdict.FAIL
        text = f"{excuse(late)}; {text}" if late else text
        hidden = [
            o for p in self.patterns if in_lines(p) for o in unread(timeline, p, self.after, self.until)
        ]
        if hidden:
            verdict, seen = Verdict.INCONCLUSIVE, list(dict.fromkeys([*seen, *hidden]))
            text = f"{text}; not all could be read: {listed(hidden[:1], origin)}"
        unanswered = ignored(timeline, self.after, self.until) if missing and verdict is Verdict.FAIL else []
        if unanswered:
            verdict, seen = Verdict.INCONCLUSIVE, [*seen, *unanswered]
            text = f"{text}; not answered by the bench as it must be: {listed(unanswered, origin)}"
        return Outcome(verdict=verdict, seen=text, observations=tuple(o.seq for o in seen))

    def _excused(self, timeline: Timeline, asked: list[Observation], missing: list[str]) -> float:
        """Return how late (s) the bench was, if that explains what is missing or out of order; else 0."""
        if missing:
            late = late_between(timeline, self.until - LOOK_BACK, self.until)
            return late if matters(late, LEAST_BOUND) else 0.0
        swapped = [(a, b) for a, b in pairwise(asked) if (a.time, a.seq) > (b.time, b.seq)]
        excuses = [
            0.0
            if a.witness is b.witness is Witness.WIRE
            else explains_time(timeline, (a, b), a.time - b.time)
            for a, b in swapped
        ]
        return min(excuses)


class Measured(_Rule):
    """A value lies within its limits (inclusive), or it is not sure that it does not; an unset one fails."""

    kind: Literal["measured"] = "measured"
    name: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    uncertainty: float | None = None
    observations: tuple[int, ...] = ()

    def evaluate(self, timeline: Timeline, origin: float) -> Outcome:
        """Judge the value against its limits."""
        if self.value is None:
            return Outcome(verdict=Verdict.FAIL, seen=f"{self.name} was not measured")
        seen, verdict = f"{self.value:.4g} {self.unit}", Verdict.INCONCLUSIVE
        if self._outside <= 0:
            verdict = Verdict.PASS
        elif late := self._excused(timeline):
            seen += f"; {excuse(late)}"
        elif unanswered := self._unanswered(timeline):
            seen += f"; not answered by the bench as it must be: {listed(unanswered, origin)}"
        elif self._outside <= (self.uncertainty or 0.0):
            seen += f"; uncertain by {self.uncertainty:.2g} {self.unit}, it may as well lie inside"
        else:
            verdict = Verdict.FAIL
        return Outcome(verdict=verdict, seen=seen, observations=self.observations)

    @property
    def _outside(self) -> float:
        """How far the value lies outside its limits, in its unit; nothing or less where it lies inside."""
        assert self.value is not None
        below = self.low - self.value if self.low is not None else 0.0
        return max(below, self.value - self.high if self.high is not None else 0.0)

    def _excused(self, timeline: Timeline) -> float:
        """Return how late (s) the bench was, if that may have moved the value outside its limits; else 0."""
        assert self.value is not None
        of = [timeline[seq] for seq in self.observations if 0 <= seq < len(timeline)]
        above = self.value - self.high if self.high is not None else 0.0
        if self.unit == "s" and len(of) == _ENDS and all(dated_by_kernel(o) for o in of):
            if above > 0:
                return explains_interval(timeline, of, above)
            return explains_haste(timeline, of, self._outside)
        if self.unit == "s":
            return explains_time(timeline, of, self._outside, self.value)
        late = explains_time(timeline, of, 0.0)
        span = max((o.time for o in of), default=0.0) - min((o.time for o in of), default=0.0)
        return late if late >= MOSTLY * (span + LOOK_BACK) else 0.0

    def _unanswered(self, timeline: Timeline) -> list[Observation]:
        """Return what the bench left without an answer in a time that came out too long."""
        assert self.value is not None
        times = [timeline[seq].time for seq in self.observations if 0 <= seq < len(timeline)]
        if self.unit != "s" or not times or self.high is None or self.value <= self.high:
            return []
        return ignored(timeline, max(times) - self.value, max(times))

    @property
    def limits(self) -> str:
        """The limits in words."""
        if self.low is not None and self.high is not None:
            return f"{self.low:.4g} to {self.high:.4g} {self.unit}"
        if self.low is not None:
            return f"at least {self.low:.4g} {self.unit}"
        if self.high is not None:
            return f"at most {self.high:.4g} {self.unit}"
        return f"recorded, in {self.unit}"


class Monitored(_Rule):
    """A monitor of this name found this; it is judged again by running the monitors again.

    What happened until ``closed`` had to be logged; what was logged until ``settled`` had to have a cause
    (epoch seconds).
    """

    kind: Literal["monitored"] = "monitored"
    monitor: str
    closed: float
    settled: float


Rule = Annotated[Occurs | Absent | InOrder | Measured | Monitored, Field(discriminator="kind")]


def clock(seconds: float, origin: float) -> str:
    """Write a time as the reader of a scenario counts it: seconds since the scenario began."""
    return f"{seconds - origin:+.3f} s"


def listed(found: list[Observation], origin: float) -> str:
    """Name observations and when each was made, the first few of many."""
    named = [f"{o} ({o.witness}, {clock(o.time, origin)})" for o in found[:_NAMED_IN_TEXT]]
    more = f", and {len(found) - _NAMED_IN_TEXT} more" if len(found) > _NAMED_IN_TEXT else ""
    return ", ".join(named) + more


def _nearby(timeline: Timeline, pattern: Pattern, after: float, origin: float) -> str:
    """Say what there was instead: the last of the same kind, and the device's last event."""
    same = [o for o in timeline if o.content.kind == pattern.kind and o.time >= after]
    events = [o for o in timeline if o.content.kind == "event" and o.time >= after]
    parts = [f"instead: {listed(same[-2:], origin)}" if same else "nothing of that kind at all"]
    if pattern.kind != "event":
        last = f"the device's last event: {listed(events[-1:], origin)}"
        parts.append(last if events else "the device logged no event")
    return "; ".join(parts)
