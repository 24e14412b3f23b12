"""What a scenario's verdict is to test tools, and what went wrong in it, in sentences."""

from __future__ import annotations

from enum import Enum

from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.fields import clock, relative
from intercom_hil.run_folder.records import Judgement, Measurement, Run, Scenario
from intercom_hil.run_folder.verdicts import Verdict


class Outcome(Enum):
    """The four outcomes that test tools know. Neither a failure nor an error may turn a pipeline green."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


def outcome_of(verdict: Verdict) -> Outcome:
    """Return a verdict's outcome; *inconclusive* and *error* are an error, what was not judged is skipped."""
    if verdict is verdicts.FAIL:
        return Outcome.FAILED
    if verdict in (verdicts.ERROR, verdicts.INCONCLUSIVE):
        return Outcome.ERROR
    return Outcome.SKIPPED if verdict in (verdicts.NOT_APPLICABLE, verdicts.NONE) else Outcome.PASSED


def is_whole(run: Run) -> bool:
    """Whether a run came to its end and judged anything: one that is not whole has one error more."""
    return bool(run.scenarios) and not run.interrupted


def not_whole_text(run: Run) -> str:
    """Return why a run is not whole: its notes, the gravest first."""
    return "\n".join(run.notes) or "the run is not whole"


def split_id(identity: str) -> tuple[str, str]:
    """Return a scenario's module and its name, with the parameters in brackets."""
    plain, bracket, parameters = identity.partition("[")
    module, _, name = plain.rpartition(".")
    return module or "scenarios", name + bracket + parameters


def failure_text(scenario: Scenario) -> str:
    """Return what went wrong in sentences that can stand alone: expected, seen, witness, time, evidence."""
    bad = [judgement for judgement in scenario.judgements if judgement.verdict.needs_attention]
    parts = [*(_sentence(judgement, scenario) for judgement in bad), *scenario.problems]
    parts += [
        f"{item.requirement}: measured {item.name} {_value(item.value)}{plus_minus(item)} {item.unit}, "
        f"allowed {_value(item.low)} to {_value(item.high)} {item.unit}"
        for item in scenario.measurements
        if item.verdict.needs_attention
    ]
    if not parts:
        parts = [f"{scenario.verdict.word}: {scenario.verdict.meaning}"]
    parts += [f"Evidence: {file.path}" for file in scenario.evidence if file.href]
    return "\n".join(parts)


def _sentence(judgement: Judgement, scenario: Scenario) -> str:
    when = relative(judgement.time, scenario.started)
    moment = f" at {when} s ({clock(judgement.time)})" if when else ""
    who = ", ".join(judgement.witnesses) or "no witness"
    return (
        f"{judgement.requirement}: {judgement.verdict.name}: expected {judgement.expected}; "
        f"seen: {judgement.seen or 'nothing'} [{who}]{moment}"
    )


def plus_minus(item: Measurement) -> str:
    """Return the uncertainty of a measured value to be put behind it; nothing where it is not known."""
    return "" if item.uncertainty is None else f" ± {item.uncertainty:.2g}"


def _value(value: float | None) -> str:
    return "open" if value is None else f"{value:g}"
