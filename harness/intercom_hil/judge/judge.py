"""The judge of one running scenario: states expectations, waits for observations, books judgements.

``expect`` and ``never`` end the scenario when the device breaks them, for what follows would rest on sand;
``at_end`` is for what can be counted when all is over; ``require`` is for preconditions, whose absence
makes a scenario inconclusive and is nobody's fault yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import MappingProxyType

from intercom_hil.errors import Inconclusive
from intercom_hil.judge.deferral import IMPORT
from intercom_hil.judge.judgement import Judgement, is_deferred, judged, why_unseen
from intercom_hil.judge.lateness import (
    LOOK_BACK,
    SLACK,
    Waited,
    explains_presence,
    late_between,
    matters,
)
from intercom_hil.judge.rules import Absent, InOrder, Measured, Occurs, Rule, clock
from intercom_hil.judge.silence import unseen
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Pattern, Timeline, Witness, now
from intercom_hil.timeline.observation import Note
from intercom_hil.timeline.pattern import enough


class ExpectationFailed(AssertionError):  # noqa: N818  (it says what happened)
    """The device broke an expectation; the judgement says which, and what was seen."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        super().__init__(str(judgement))


ALREADY = 0.1
"""Seconds that a witness may be late with what must have been seen already."""

LONGEST_STRETCH = 4.0
"""How many times as long a wait can become while the bench is late."""
LEAST_STRETCH = 2.0
"""Seconds by which a wait can be extended in any case, however short it is."""

CatchUp = Callable[[Collection[str]], Awaitable[None]]
"""Returns when what the witnesses saw before the call, of some kinds, is on the timeline.

Raises BenchError when that cannot be had.
"""


async def _nothing_under_way(kinds: Collection[str]) -> None:
    """Return at once: the witnesses of a timeline that is complete, or written by hand."""


def _not_late() -> None:
    """Report no lateness: nobody measures it."""


@dataclass(frozen=True, slots=True)
class _AtEnd:
    requirement: str
    pattern: Pattern
    after: float
    at_least: int
    at_most: int | None
    provided: Pattern | None


class Judge:
    """Judges one timeline.

    Where something cannot be seen, because it will be reported only after the run or by a source that has
    never said anything (``unseen``), its whole time is waited out, the scenario goes on, and the judgement is
    inconclusive; until the import, in the first case.

    That something was *not* seen is decided only when every witness has delivered what it saw until then: a
    packet reaches the timeline some time after it was on the wire. The decision is about what was seen until
    the wait ended, not about what came while the witnesses caught up, so that judging again agrees.

    Attributes:
        judgements: what was judged; grows as the scenario goes.
        preconditions: those that only an import can show to have been met.
    """

    def __init__(
        self,
        timeline: Timeline,
        gaps: frozenset[str] = frozenset(),
        not_applicable: Mapping[str, str] = MappingProxyType({}),
        catch_up: CatchUp = _nothing_under_way,
        report_lateness: Callable[[], None] = _not_late,
    ) -> None:
        """Judge a timeline.

        Args:
            timeline: where the witnesses write.
            gaps: requirements of class G: observed, never judged.
            not_applicable: requirements about something that the device lacks, and where that is declared.
            catch_up: waits for what the witnesses have seen and not delivered yet.
            report_lateness: puts on the timeline how late the bench was until now.
        """
        self._catch_up = catch_up
        self._report_lateness = report_lateness
        self.timeline = timeline
        self.judgements: list[Judgement] = []
        self._gaps = gaps
        self._not_applicable = not_applicable
        self.preconditions: list[Occurs] = []
        self._at_end: list[_AtEnd] = []

    def _book(self, requirement: str, expected: str, rule: Rule) -> Judgement:
        gap = requirement in self._gaps
        self._report_lateness()
        judgement = judged(requirement, expected, rule, self.timeline, self.timeline.opened, gap=gap)
        declared = self._not_applicable.get(requirement)
        if declared is not None:
            judgement = judgement.model_copy(
                update={"verdict": Verdict.NOT_APPLICABLE, "seen": f"not judged: {declared}"}
            )
        self.judgements.append(judgement)
        return judgement

    async def expect(
        self, requirement: str, pattern: Pattern, *, within: float, after: float | None = None, count: int = 1
    ) -> Observation:
        """Wait for an observation that the requirement promises, and judge.

        Args:
            requirement: the id it stands for.
            pattern: what must be seen.
            within: the bound, seconds from now.
            after: only what was seen since this time counts (default: since the scenario began).
            count: how many must be seen.

        Returns:
            The last of those asked for.

        Raises:
            ExpectationFailed: time was up.
        """
        times = f"{count} times " if count > 1 else ""
        text = f"{pattern} {times}within {within:.3g} s"
        return await self._expect(requirement, text, pattern, within, after, count)

    async def already_seen(
        self, requirement: str, pattern: Pattern, *, after: float | None = None
    ) -> Observation:
        """Judge whether something that the requirement promises has been seen by now.

        For what must have happened before something that was waited for.

        Returns:
            The first of them.

        Raises:
            ExpectationFailed: it was not.
        """
        return await self._expect(requirement, f"{pattern}, already seen", pattern, ALREADY, after, 1)

    async def _expect(
        self, requirement: str, text: str, pattern: Pattern, within: float, after: float | None, count: int
    ) -> Observation:
        since = self.timeline.opened if after is None else after
        found, until, wait = await self._waited(pattern, within, since, count)
        rule = Occurs(pattern=pattern, after=since, until=until, at_least=count, wait=wait)
        judgement = self._book(requirement, text, rule)
        if judgement.verdict is Verdict.FAIL:
            raise ExpectationFailed(judgement)
        if not found and (why := why_unseen(rule, self.timeline)):
            return self._stand_in(pattern, why)
        if judgement.verdict is Verdict.INCONCLUSIVE:
            raise Inconclusive(str(judgement))
        if not found:
            raise Inconclusive(f"{requirement}: {pattern} was not seen, and need not be")
        return found[min(count, len(found)) - 1]

    async def never(
        self, requirement: str, pattern: Pattern, *, during: float, after: float | None = None
    ) -> None:
        """Watch for ``during`` seconds that something does not happen, and judge.

        Raises:
            ExpectationFailed: it happened; at once, without waiting for the end.
        """
        since = self.timeline.opened if after is None else after
        _, until = await self._looked(pattern, during, since)
        rule = Absent(pattern=pattern, after=since, until=until)
        judgement = self._book(requirement, f"never {pattern}", rule)
        if judgement.verdict is Verdict.FAIL:
            raise ExpectationFailed(judgement)

    async def in_order(
        self, requirement: str, patterns: Sequence[Pattern], *, after: float | None = None
    ) -> None:
        """Judge whether the first observations of several patterns were made one after the other.

        Raises:
            ExpectationFailed: they came in another order, or one of them has not been made by now.
        """
        since, until = self.timeline.opened if after is None else after, now()
        await self._catch_up({pattern.kind for pattern in patterns})
        rule = InOrder(patterns=tuple(patterns), after=since, until=until)
        judgement = self._book(requirement, ", then ".join(str(pattern) for pattern in patterns), rule)
        if judgement.verdict is Verdict.FAIL:
            raise ExpectationFailed(judgement)

    async def require(
        self, pattern: Pattern, *, within: float, after: float | None = None, count: int = 1
    ) -> Observation:
        """Wait for a precondition.

        Returns:
            The last of those asked for.

        Raises:
            Inconclusive: it was not established, so nothing can be found out.
        """
        since = self.timeline.opened if after is None else after
        found, until, wait = await self._waited(pattern, within, since, count)
        if not enough(found, count):
            rule = Occurs(pattern=pattern, after=since, until=until, at_least=count, wait=wait)
            if is_deferred(rule, self.timeline):
                self.preconditions.append(rule)
                return self._stand_in(pattern, IMPORT)
            seen = why_unseen(rule, self.timeline) or rule.evaluate(self.timeline, self.timeline.opened).seen
            begun = clock(since, self.timeline.opened)
            raise Inconclusive(f"precondition not met: {pattern} within {within:.3g} s of {begun}; {seen}")
        return found[min(count, len(found)) - 1]

    def at_end(
        self,
        requirement: str,
        pattern: Pattern,
        *,
        at_least: int = 1,
        at_most: int | None = None,
        after: float | None = None,
        provided: Pattern | None = None,
    ) -> None:
        """Count, when all is over, how often the pattern was seen since ``after``.

        Args:
            requirement: the id it stands for.
            pattern: what is counted.
            at_least: fewer is a failure.
            at_most: more is a failure (default: any number is fine).
            after: seconds since the epoch (default: since the scenario began).
            provided: the cause; when it was never seen, the requirement is inconclusive here.
        """
        since = self.timeline.opened if after is None else after
        self._at_end.append(_AtEnd(requirement, pattern, since, at_least, at_most, provided))

    def measure(
        self,
        requirement: str,
        name: str,
        value: float | None,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        uncertainty: float | None = None,
        of: tuple[Observation, ...] = (),
    ) -> None:
        """Judge a declared measurement against its limits; ``of`` are the observations it was taken from.

        Raises:
            ExpectationFailed: the value is outside its limits, or was never taken.
        """
        seqs = tuple(observation.seq for observation in of)
        rule = Measured(
            name=name, unit=unit, value=value, low=low, high=high, uncertainty=uncertainty, observations=seqs
        )
        judgement = self._book(requirement, name, rule)
        if judgement.verdict is Verdict.FAIL:
            raise ExpectationFailed(judgement)

    async def conclude(self, grace: float) -> None:
        """Judge what was declared for the end; what is still missing may arrive for ``grace`` seconds."""
        declared, self._at_end = self._at_end, []
        begun, deadline = monotonic(), monotonic() + grace
        for item in declared:
            if item.provided is not None and not self._may_be_caused(item.provided, item.after):
                continue
            within = max(0.0, deadline - monotonic())
            await self.wait(item.pattern, within=within, after=item.after, count=item.at_least)
        lasted, until = monotonic() - begun, now()
        if declared:
            await self._catch_up({item.pattern.kind for item in declared})
        for item in declared:
            if item.provided is not None and not self._may_be_caused(item.provided, item.after):
                continue
            rule = Occurs(
                pattern=item.pattern,
                after=item.after,
                until=until,
                at_least=item.at_least,
                at_most=item.at_most,
                provided=item.provided,
                wait=Waited(begun=until - lasted, bound=grace, lasted=lasted),
            )
            self._book(item.requirement, f"{item.pattern}, {_times(item.at_least, item.at_most)}", rule)

    async def happens(
        self, pattern: Pattern, *, within: float, after: float | None = None
    ) -> Observation | None:
        """Wait for an observation of which nothing depends, and return the first one, if any came."""
        since = self.timeline.opened if after is None else after
        found, _, _ = await self._waited(pattern, within, since, 1)
        return found[0] if found else None

    async def wait(
        self, pattern: Pattern, *, within: float, after: float | None = None, count: int = 1
    ) -> list[Observation]:
        """Wait as the timeline does, and give back the time in which the bench was late.

        Args:
            pattern: what to wait for.
            within: the bound, seconds from now.
            after: observations made before this time do not count (default: the timeline's opening).
            count: how many to wait for.

        Returns:
            Those found, by time; fewer than ``count`` when time was up.
        """
        begun, begun_at, most = monotonic(), now(), max(within * LONGEST_STRETCH, within + LEAST_STRETCH)
        found = await self.timeline.wait(pattern, within=within, after=after, count=count)
        while not enough(found, count):
            self._report_lateness()
            lasted = monotonic() - begun
            late = late_between(self.timeline, begun_at - LOOK_BACK, begun_at + lasted)
            left = min(within + late, most) - lasted
            if not matters(late, within) or left <= 0:
                break
            found = await self.timeline.wait(pattern, within=max(left, SLACK), after=after, count=count)
        return found

    async def _waited(
        self, pattern: Pattern, within: float, since: float, count: int
    ) -> tuple[list[Observation], float, Waited]:
        """Wait for observations, longer if the bench is late.

        Returns:
            Those found, until when they were looked for (epoch seconds), and the wait.
        """
        begun = monotonic()
        found = await self.wait(pattern, within=within, after=since, count=count)
        lasted = monotonic() - begun
        found, until = await self._caught_up(found, pattern, since, count)
        return found, until, Waited(begun=until - lasted, bound=within, lasted=lasted)

    async def _looked(self, pattern: Pattern, during: float, since: float) -> tuple[list[Observation], float]:
        """Watch for what must not come; return what was found, and until when (epoch seconds).

        What the bench's lateness explains does not end the watch: it may go on, and then nothing explains it.
        """
        begun = monotonic()
        found = await self.timeline.wait(pattern, within=during, after=since)
        while found and (left := begun + during - monotonic()) > 0:
            self._report_lateness()
            if not explains_presence(self.timeline, found, since):
                break
            found = await self.timeline.wait(pattern, within=left, after=since, count=len(found) + 1)
        return await self._caught_up(found, pattern, since, 1)

    async def _caught_up(
        self, found: list[Observation], pattern: Pattern, since: float, count: int
    ) -> tuple[list[Observation], float]:
        until = now()
        if not enough(found, count):
            await self._catch_up({pattern.kind})
            found = self.timeline.find(pattern, since, until)
        return found, until

    def _may_be_caused(self, cause: Pattern, after: float) -> bool:
        return bool(self.timeline.find(cause, after) or unseen(self.timeline, {cause.kind}))

    def _stand_in(self, pattern: Pattern, why: str) -> Observation:
        """Stand in for an observation that cannot be made (yet), so that the scenario goes on."""
        return self.timeline.append(Witness.BENCH, Note(text=f"{pattern} was not seen: {why}"))


def _times(at_least: int, at_most: int | None) -> str:
    if at_most == 0:
        return "never"
    if at_most is None:
        return {0: "recorded", 1: "at least once", 2: "at least twice"}.get(
            at_least, f"at least {at_least} times"
        )
    return f"{at_least} to {at_most} times"
