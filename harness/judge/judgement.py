"""One judgement: a requirement, what was expected, what was seen, and the rule and observations behind it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from harness.judge.rules import Measured, Monitored, Rule
from harness.spec.verdict import Verdict, worst
from harness.timeline import Timeline


class Judgement(BaseModel):
    """What a scenario or a monitor found about one requirement."""

    model_config = ConfigDict(frozen=True)

    requirement: str
    verdict: Verdict
    expected: str
    seen: str
    witnesses: tuple[str, ...] = ()
    observations: tuple[int, ...] = ()
    time: float | None = None
    rule: Rule

    def __str__(self) -> str:
        return f"{self.requirement}: expected {self.expected}; {self.seen}"


def judged(
    requirement: str, expected: str, rule: Rule, timeline: Timeline, origin: float, *, gap: bool = False
) -> Judgement:
    """Evaluate a rule over a timeline and sign the judgement with the witnesses it rests on.

    With ``gap`` the requirement is one that the specification leaves open (class G): what was seen is
    recorded and never judged.

    Raises:
        TypeError: for a monitored rule, which only its monitor can evaluate.
    """
    if isinstance(rule, Monitored):
        raise TypeError("a monitored rule is evaluated by its monitor")
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


def by_requirement(judgements: Iterable[Judgement]) -> dict[str, Verdict]:
    """Fold judgements into one verdict per requirement: the worst."""
    verdicts: dict[str, Verdict] = {}
    for judgement in judgements:
        verdicts[judgement.requirement] = worst(
            (verdicts.get(judgement.requirement, Verdict.NONE), judgement.verdict)
        )
    return verdicts
