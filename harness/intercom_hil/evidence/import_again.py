"""A scenario's record made anew once the device's event log has been imported: the same rules, more evidence.

Only what depends on the import is judged again; everything else keeps its judgement.
"""

from __future__ import annotations

from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.judge.judgement import (
    Judgement,
    folded,
    is_deferred,
    judged,
    not_judged,
    without_repeats,
)
from intercom_hil.judge.rules import Absent, Monitored, Occurs
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.catalogues import catalogue_of
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Timeline


def judged_with_import(record: ScenarioRecord, before: Timeline, after: Timeline) -> ScenarioRecord:
    """Return a scenario's record with the judgements that the imported events give.

    Args:
        record: the record as it was.
        before: its timeline as it was.
        after: its timeline with the imported events.
    """
    judgements = [one for stored in record.judgements for one in _again(stored, before, after)]
    monitored = next((j.rule for j in record.judgements if isinstance(j.rule, Monitored)), None)
    if monitored is not None:
        judgements += without_repeats(monitor(after, monitored.closed, monitored.settled), judgements)
    ending, problems = record.ending, []
    for rule in record.preconditions:
        outcome = rule.evaluate(after, after.opened)
        if outcome.verdict is not Verdict.PASS:
            ending = worst((ending, Verdict.INCONCLUSIVE))
            problems.append(f"precondition not met: {rule.pattern}; {outcome.seen}")
    outcome_of_all = folded(judgements, ending, record.asked)
    excused = {r: v for r, v in record.requirements.items() if v is Verdict.NOT_APPLICABLE}
    former = {not_judged(requirement) for requirement in record.asked}
    kept = [problem for problem in record.problems if problem not in former]
    lacking = [not_judged(requirement) for requirement in outcome_of_all.unjudged]
    return record.model_copy(
        update={
            "verdict": outcome_of_all.verdict,
            "requirements": excused | outcome_of_all.requirements,
            "judgements": judgements,
            "problems": [*kept, *problems, *lacking],
        }
    )


def _again(stored: Judgement, before: Timeline, after: Timeline) -> list[Judgement]:
    """Return what becomes of one judgement: itself, a new one, or none where there is nothing to judge."""
    rule = stored.rule
    if isinstance(rule, Monitored):
        return []
    if stored.verdict is Verdict.NOT_APPLICABLE or not isinstance(rule, Occurs | Absent):
        return [stored]
    if not is_deferred(rule, before):
        return [stored]
    if isinstance(rule, Occurs) and not rule.caused(after):
        return []
    catalogue = catalogue_of(stored.requirement)
    gap = catalogue is not None and not catalogue[stored.requirement].judged
    return [judged(stored.requirement, stored.expected, rule, after, after.opened, gap=gap)]
