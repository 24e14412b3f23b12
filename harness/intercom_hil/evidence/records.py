"""The records of a run as they are stored: ``run.json`` for readers, ``record.json`` of each scenario for us.

Their JSON Schemas are made from these models (`intercom_hil.evidence.schemas`) and come along as files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from intercom_hil.evidence.issues import Issue
from intercom_hil.evidence.known_deviations import AssessedDeviation
from intercom_hil.evidence.mode import BenchCheck, Mode
from intercom_hil.judge.deviations import Deviation
from intercom_hil.judge.device_clock import ClockReading
from intercom_hil.judge.judgement import Judgement, StatedJudgement, folded
from intercom_hil.judge.rules import Measured, Occurs
from intercom_hil.spec.catalogue import FAMILIES
from intercom_hil.spec.laboratory import Customer, Laboratory, ReportDetails
from intercom_hil.spec.verdict import Verdict


class _Stored(BaseModel):
    """What is stored of a run: checked for the first time when a scenario ends, and made ready then."""

    model_config = ConfigDict(defer_build=True)


class Evidence(_Stored):
    """Where a scenario's evidence lies, relative to the run folder."""

    folder: str
    capture: str | None = None
    timeline: str | None = None
    judgements: str | None = None
    console: str | None = None
    asterisk: str | None = None
    settings: str | None = None
    sources: list[str] = Field(default_factory=list)
    operator: list[str] = Field(default_factory=list)
    portal: list[str] = Field(default_factory=list)
    stations: list[str] = Field(default_factory=list)
    stills: list[str] = Field(default_factory=list)
    sounds: list[str] = Field(default_factory=list)


class Attempt(_Stored):
    """One earlier attempt at a scenario: attempts are kept, never hidden."""

    verdict: Verdict
    problems: list[str]
    evidence: Evidence


class Step(_Stored):
    """One step of a scenario: something that is done, waited for as a precondition, or expected."""

    kind: Literal["do", "wait", "expect"]
    text: str
    requirement: str = ""


class Measurement(_Stored):
    """One measured value, with the limits that its scenario declares; None is an open limit.

    ``uncertainty`` is expanded (k = 2) and in the unit of the value; None where it is not known.
    """

    requirement: str
    name: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    uncertainty: float | None = None
    verdict: Verdict


class Scenario(_Stored):
    """What is on record of one scenario in any case.

    Attributes:
        id: module, function and parameters.
        title: its name in words.
        doc: what its author says of it.
        verdict: the worst of its requirements and of how it ended.
        requirements: the verdict of each requirement that it judged.
        started: when (seconds since the epoch).
        duration_s: how long it took (s).
        protocol_wait_s: how much of that the protocol asks for: ringing, timers.
        attempts: how often it was tried.
        earlier: the attempts before the last.
        problems: what went wrong, in words.
        dropped_packets: packets that the capture lost.
        kept_off: observations that belong to no scenario or to an earlier one, and are not on the timeline.
        late_s: for how long (s) the bench was held up, so that nothing is held against the device for it.
        ending: the verdict of how it ended, without its judgements.
        asked: the requirements that it was to judge.
        bench: the bench it was played on.
        restarts: when and how the device restarted by itself since the scenario before: held against no row.
        deviations: how the device's messages depart from the grammar of SIP and SDP (SIP-01).
        device_clock: how the device's clock went, as far as its events show.
        device_name: what the device calls itself in its messages (User-Agent, RFC 3261 §20.41), if anything.
        steps: what was declared before it was played: what is done, waited for and expected, in order.
        steps_end: why the steps end early, empty where they do not.
        evidence: where its files lie.
    """

    id: str
    title: str
    doc: str = ""
    verdict: Verdict
    requirements: dict[str, Verdict]
    started: float
    duration_s: float
    protocol_wait_s: float
    attempts: int = 1
    earlier: list[Attempt] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)
    dropped_packets: int = 0
    kept_off: int = 0
    late_s: float = 0.0
    ending: Verdict = Verdict.PASS
    asked: tuple[str, ...] = ()
    bench: str = ""
    restarts: tuple[str, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    device_clock: ClockReading | None = None
    device_name: str = ""
    steps: tuple[Step, ...] = ()
    steps_end: str = ""
    evidence: Evidence


class ScenarioRecord(Scenario):
    """A scenario's own ``record.json``: whatever it takes to judge it again.

    Attributes:
        judgements: with their rules.
        preconditions: those that only an imported event log can show to have been met.
    """

    judgements: list[Judgement] = Field(default_factory=list)
    preconditions: tuple[Occurs, ...] = ()

    def in_error(self, problem: str) -> ScenarioRecord:
        """Return the record of the same scenario with a problem for which nothing has been shown to hold."""
        outcome = folded(self.judgements, Verdict.ERROR, self.asked)
        changed = {
            "verdict": outcome.verdict,
            "requirements": self.requirements | outcome.requirements,
            "problems": [*self.problems, problem],
            "ending": Verdict.ERROR,
        }
        return self.model_copy(update=changed)


class ScenarioSummary(Scenario):
    """A scenario as ``run.json`` lists it: for readers.

    Attributes:
        judgements: in words.
        measurements: the values that were measured.
    """

    judgements: Sequence[StatedJudgement] = ()
    measurements: list[Measurement] = Field(default_factory=list)

    @classmethod
    def of(cls, record: ScenarioRecord) -> ScenarioSummary:
        """Return the summary of a record; what was validated once is not validated again."""
        measured = [
            Measurement(
                requirement=judgement.requirement,
                verdict=judgement.verdict,
                **judgement.rule.model_dump(include={"name", "unit", "value", "low", "high", "uncertainty"}),
            )
            for judgement in record.judgements
            if isinstance(judgement.rule, Measured)
        ]
        shared = {name: getattr(record, name) for name in Scenario.model_fields}
        return cls.model_construct(**shared, judgements=record.judgements, measurements=measured)


class RequirementRow(_Stored):
    """One row of a catalogue with the worst verdict that any scenario gave it."""

    model_config = ConfigDict(populate_by_name=True)

    class_: str = Field(
        alias="class", description="S (stated), D (derived), G (gap), or a class of another catalogue"
    )
    title: str
    text: str
    source: str
    harm: str
    verdict: Verdict
    scenarios: list[str]
    review: str = Field(
        "", description="How its words stand to their last review; empty where they are the same"
    )


class ClauseSupport(_Stored):
    """Requirements that bear on a clause of a standard, and why: a pass supports it, and never proves it."""

    standard: str
    title: str
    clause: str
    about: str
    requirements: list[str]
    reason: str


class RunRecord(_Stored):
    """A whole run: ``run.json``.

    Attributes:
        schema_: the version of this form.
        name: what the run is called.
        started: when (seconds since the epoch).
        ended: when it ended, or was last written.
        verdict: the worst of its scenarios; of one that did not come to its end at least inconclusive.
        mode: whether it is a conformance run or a diagnostic one, and why; None: an older version wrote it.
        interrupted: whether it did not come to its end (yet).
        stopped_by: why it could not begin, or go on; empty where it could, or somebody interrupted it.
        selection: which scenarios it was asked for, as on the command line; empty for all of them.
        unplayed: the scenarios that it was asked for and has not played, as far as that is known.
        laboratory: who tests, as the bench file says.
        customer: for whom.
        report: number of the report, dates and names that only the laboratory knows.
        issues: each time that the report was issued, the first one first; none: an older version wrote it.
        photo: the file with a picture of the device, relative to the run folder; empty without one.
        bench_check: the last time before the run that its bench was checked and all was well.
        digests: by title, the SHA-256 of each catalogue of requirements that it was judged by.
        environment: what it ran on: versions, bench file, device.
        imports: event logs that were imported after the run.
        known_deviations: what the device is known to break, each as it stands for this run.
        families: the families of requirements: prefix of the ids, and name; in the order of reports.
        catalogues: those beside the page's, by title, each with the prefixes of its families.
        requirements: by id, every row of the catalogue, then those of the others.
        mappings: the clauses of standards that requirements bear on.
        scenarios: in the order in which they were played.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal[1] = Field(alias="schema")
    name: str
    started: float
    ended: float
    verdict: Verdict
    mode: Mode | None = None
    interrupted: bool
    stopped_by: str = ""
    selection: str = ""
    unplayed: list[str] = []
    laboratory: Laboratory | None = None
    customer: Customer | None = None
    report: ReportDetails = ReportDetails()
    issues: list[Issue] = []
    photo: str = ""
    bench_check: BenchCheck | None = None
    digests: dict[str, str] = {}
    environment: dict[str, Any]
    imports: list[dict[str, Any]] = []
    known_deviations: list[AssessedDeviation] = []
    families: dict[str, str] = FAMILIES
    catalogues: dict[str, list[str]] = {}
    requirements: dict[str, RequirementRow]
    mappings: list[ClauseSupport] = []
    scenarios: list[ScenarioSummary]
