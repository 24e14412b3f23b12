"""A run as its reports see it: immutable records, all of them read from one run directory.

Times are seconds since the epoch, durations seconds. Texts are safe to print (see ``fields``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from intercom_hil.run_folder.fields import clock
from intercom_hil.run_folder.identity import Saying
from intercom_hil.run_folder.particulars import (
    NOT_RECORDED,
    NOT_STATED,
    BenchCheck,
    Customer,
    Issue,
    Laboratory,
    Mode,
    ReportDetails,
)
from intercom_hil.run_folder.stills import Still
from intercom_hil.run_folder.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of a catalogue with its verdict. ``kind`` is S (stated), D (derived), G (gap), or a word.

    ``review`` says how its words stand to their last review; empty where they are the same.
    """

    id: str
    kind: str
    title: str
    text: str
    source: str
    harm: str
    verdict: Verdict
    scenarios: tuple[str, ...]
    review: str = ""

    @property
    def family(self) -> str:
        """The family: what precedes the dash of the id."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One expectation with its outcome. ``time`` is seconds since the epoch."""

    requirement: str
    verdict: Verdict
    expected: str
    seen: str
    witnesses: tuple[str, ...]
    time: float | None
    observations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value with the limits declared for it; a limit of None is open.

    ``uncertainty`` is expanded (k = 2), in the unit of the value; None where it is not known.
    """

    requirement: str
    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    uncertainty: float | None = None

    @property
    def is_close(self) -> bool:
        """Whether it lies so close to a limit that its uncertainty reaches over it."""
        if self.value is None or self.uncertainty is None:
            return False
        limits = [limit for limit in (self.low, self.high) if limit is not None]
        return any(abs(self.value - limit) <= self.uncertainty for limit in limits)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One file of evidence. ``href`` is relative to the run directory; empty if the file is not there."""

    label: str
    path: str
    href: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a scenario, which was found inconclusive or in error and tried again."""

    verdict: Verdict
    problems: tuple[str, ...]
    evidence: tuple[EvidenceFile, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way in which the device's messages depart from the grammar of SIP or SDP.

    ``example`` is the number of the first such message in the timeline.
    """

    text: str
    count: int
    messages: tuple[str, ...]
    example: int = -1


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """What the device is known to break. ``standing`` says in words how that stands for this run."""

    requirement: str
    device: str
    firmware: str
    reason: str
    accepted_by: str
    until: str
    standing: str

    @property
    def is_accepted(self) -> bool:
        """Whether the failure is there, and accepted."""
        return self.standing == "accepted"

    @property
    def terms(self) -> str:
        """Until when, by whom and why the failure is accepted."""
        return f"accepted until {self.until} by {self.accepted_by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was declared: ``kind`` is *do*, *wait* or *expect*."""

    kind: str
    text: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario as it was run. Times in seconds, ``started`` since the epoch.

    ``asked`` are the requirements that it is about; the others are rules over every scenario. ``late`` is how
    late the bench was. ``steps`` were declared before it was played, ``steps_end`` says why they end early.
    """

    id: str
    title: str
    doc: str
    verdict: Verdict
    requirements: dict[str, Verdict]
    started: float | None
    duration: float | None
    protocol_wait: float | None
    attempts: int
    earlier: tuple[Attempt, ...]
    judgements: tuple[Judgement, ...]
    measurements: tuple[Measurement, ...]
    problems: tuple[str, ...]
    dropped_packets: int
    evidence: tuple[EvidenceFile, ...]
    timeline: Path | None
    notes: tuple[str, ...]
    stills: tuple[Still, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    device_name: str = ""
    asked: tuple[str, ...] = ()
    late: float = 0.0
    steps: tuple[Step, ...] = ()
    steps_end: str = ""


@dataclass(frozen=True, slots=True)
class Support:
    """Requirements that bear on a clause of a standard, and why."""

    standard: str
    title: str
    clause: str
    about: str
    requirements: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench. ``verdict`` is never better than the worst scenario or an interruption allow.

    ``families`` are the families of requirements, id and name, in their order. ``catalogues`` are those
    beside the vendor's page, by title, each with the ids of its families. ``fingerprint`` is the SHA-256 of
    run.json, ``seal`` that of the seal of the evidence, empty for a run without one. ``digests`` are the
    SHA-256 of the catalogues by title. ``issues`` has at least one; the last is this report. ``photo`` is a
    picture of the device, and ``photo_file`` its file, relative to the run directory. ``said`` is what the
    device and the network say of it, and ``confirmed`` which fields of the bench file's table that confirms.
    """

    folder: Path
    name: str
    started: float | None
    ended: float | None
    verdict: Verdict
    interrupted: bool
    environment: dict[str, object]
    families: dict[str, str]
    requirements: tuple[Requirement, ...]
    scenarios: tuple[Scenario, ...]
    notes: tuple[str, ...]
    selection: str = ""
    catalogues: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fingerprint: str = field(default="")
    seal: str = field(default="")
    known_deviations: tuple[KnownDeviation, ...] = ()
    mappings: tuple[Support, ...] = ()
    mode: Mode = NOT_RECORDED
    laboratory: Laboratory | None = None
    customer: Customer | None = None
    details: ReportDetails = NOT_STATED
    issues: tuple[Issue, ...] = (Issue(1, None, "", ()),)
    bench_check: BenchCheck | None = None
    digests: dict[str, str] = field(default_factory=dict)
    photo: Still | None = None
    photo_file: str = ""
    said: tuple[Saying, ...] = ()
    confirmed: tuple[str, ...] = ()

    @property
    def issue(self) -> Issue:
        """Which issue of the report this is."""
        return self.issues[-1]

    @property
    def number(self) -> str:
        """What tells this report from others: the laboratory's number, else one made of when it began."""
        number = self.details.number or f"run {clock(self.started, '%Y-%m-%dT%H:%M:%SZ')}"
        return f"{number}, issue {self.issue.number}" if self.issue.number > 1 else number

    @property
    def accepted(self) -> dict[str, KnownDeviation]:
        """The failures that are accepted, by requirement."""
        return {known.requirement: known for known in self.known_deviations if known.is_accepted}

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, if both are known."""
        return None if self.started is None or self.ended is None else self.ended - self.started
