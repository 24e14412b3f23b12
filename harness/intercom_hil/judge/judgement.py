"""One judgement: a requirement, what was expected, what was seen, and the rule and observations behind it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from intercom_hil.judge.deferral import deferred_kinds
from intercom_hil.judge.rules import Absent, InOrder, Measured, Monitored, Occurs, Rule
from intercom_hil.judge.silence import unseen
from intercom_hil.spec.good_practice import is_good_practice
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Timeline


class StatedJudgement(BaseModel):
    """What a scenario or a monitor found about one requirement, in words.

    Attributes:
        requirement: the requirement's id.
        verdict: what was found.
        expected: what was to be seen.
        seen: what was.
        witnesses: who saw it.
        observations: the numbers of the observations it rests on, in the timeline.
        time: when the first of them was made (seconds since the epoch).
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    requirement: str
    verdict: Verdict
    expected: str
    seen: str
    witnesses: tuple[str, ...] = ()
    observations: tuple[int, ...] = ()
    time: float | None = None


class Judgement(StatedJudgement):
    """A judgement with the rule by which it was made, so that it can be made again."""

    rule: Rule

    def __str__(self) -> str:
        return f"{self.requirement}: expected {self.expected}; {self.seen}"


def judged(
    requirement: str, expected: str, rule: Rule, timeline: Timeline, origin: float, *, gap: bool = False
) -> Judgement:
    """Evaluate a rule over a timeline and sign the judgement with the witnesses it rests on.

    With ``gap`` the requirement is one that the specification leaves open (class G): what was seen is
    recorded and never judged. What only an import will report is inconclusive until then, and so is what a
    source would have to report that has never said anything.

    Raises:
        TypeError: for a monitored rule, which only its monitor can evaluate.
    """
    if isinstance(rule, Monitored):
        raise TypeError("a monitored rule is evaluated by its monitor")
    why = why_unseen(rule, timeline)
    if why:
        return Judgement(
            requirement=requirement, verdict=Verdict.INCONCLUSIVE, expected=expected, seen=why, rule=rule
        )
    outcome = rule.evaluate(timeline, origin)
    seen = [timeline[seq] for seq in outcome.observations]
    return Judgement(
        requirement=requirement,
        verdict=Verdict.OBSERVED if gap else outcome.verdict,
        expected=f"{expected}: {rule.limits}" if isinstance(rule, Measured) else expected,
        seen=outcome.seen,
        witnesses=tuple(dict.fromkeys(o.witness.value for o in seen)),
        observations=outcome.observations,
        time=min((o.time for o in seen), default=None),
        rule=rule,
    )


def why_unseen(rule: Rule, timeline: Timeline) -> str:
    """Return why what a rule asks for cannot be seen (yet), with the remedy; empty where it can."""
    return unseen(timeline, _asked(rule), rule.until) if isinstance(rule, Occurs | Absent | InOrder) else ""


def is_deferred(rule: Rule, timeline: Timeline) -> bool:
    """Whether a rule asks for something that only an import will report, which has not been made."""
    return not deferred_kinds(timeline).isdisjoint(_asked(rule))


def _asked(rule: Rule) -> set[str]:
    if isinstance(rule, InOrder):
        return {pattern.kind for pattern in rule.patterns}
    if not isinstance(rule, Occurs | Absent):
        return set()
    provided = {rule.provided.kind} if isinstance(rule, Occurs) and rule.provided is not None else set()
    return {rule.pattern.kind} | provided


def without_repeats(found: Iterable[Judgement], made: Iterable[Judgement]) -> list[Judgement]:
    """Return what monitors found, without what fails a requirement again for what failed it already.

    Args:
        found: by monitors.
        made: the scenario's own judgements.
    """
    failed = [(j.requirement, set(j.observations)) for j in made if j.verdict is Verdict.FAIL]
    return [
        j
        for j in found
        if j.verdict is not Verdict.FAIL
        or not any(j.requirement == requirement and seqs & {*j.observations} for requirement, seqs in failed)
    ]


class Folded(BaseModel):
    """What a scenario comes to: its verdict, one for each requirement, and those it never judged.

    Good practice has verdicts of its own, and no part in the scenario's.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    verdict: Verdict
    requirements: dict[str, Verdict]
    unjudged: tuple[str, ...] = ()


def folded(judgements: Iterable[Judgement], ending: Verdict, asked: Iterable[str]) -> Folded:
    """Fold judgements, how the scenario ended and what it was asked to judge into its verdicts."""
    verdicts = by_requirement(judgements)
    unjudged = []
    for requirement in asked:
        if ending is not Verdict.PASS:  # what was cut short has not been shown to hold
            verdicts[requirement] = worst((verdicts.get(requirement, Verdict.NONE), ending))
        elif requirement not in verdicts:
            verdicts[requirement] = Verdict.INCONCLUSIVE
            unjudged.append(requirement)
    own = ending if ending is not Verdict.INCONCLUSIVE else Verdict.NONE
    counted = [verdict for name, verdict in verdicts.items() if not is_good_practice(name)]
    return Folded(verdict=worst((*counted, own)), requirements=verdicts, unjudged=tuple(unjudged))


def not_judged(requirement: str) -> str:
    """Return how a scenario's record says that a requirement was never judged."""
    return f"{requirement}: the scenario ended without having judged it"


def by_requirement(judgements: Iterable[Judgement]) -> dict[str, Verdict]:
    """Fold judgements into one verdict per requirement: the worst."""
    verdicts: dict[str, Verdict] = {}
    for judgement in judgements:
        verdicts[judgement.requirement] = worst(
            (verdicts.get(judgement.requirement, Verdict.NONE), judgement.verdict)
        )
    return verdicts
