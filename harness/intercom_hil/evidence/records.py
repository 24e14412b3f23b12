"""The records of a run as they are stored: ``run.json`` and what it lists."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from intercom_hil.judge.device_clock import ClockReading
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.rules import Measured, Occurs
from intercom_hil.spec.verdict import Verdict

SCHEMA = 1


class Evidence(BaseModel):
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
    stations: list[str] = Field(default_factory=list)
    stills: list[str] = Field(default_factory=list)


class Attempt(BaseModel):
    """One earlier attempt at a scenario: attempts are kept, never hidden."""

    verdict: Verdict
    problems: list[str]
    evidence: Evidence


class ScenarioRecord(BaseModel):
    """One scenario: verdict, what it rests on, and how long it took (seconds).

    ``ending`` is the verdict of how it ended, ``asked`` what it was to judge: with its judgements they make
    its verdict. ``preconditions`` are those that only an imported event log can tell to have been met.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

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
    judgements: list[Judgement] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)
    dropped_packets: int = 0
    ending: Verdict = Verdict.PASS
    asked: tuple[str, ...] = ()
    bench: str = ""
    preconditions: tuple[Occurs, ...] = ()
    device_clock: ClockReading | None = None
    evidence: Evidence

    def plain(self) -> dict[str, Any]:
        """Return the record as it stands in ``run.json``: judgements without rules, measurements apart."""
        data = self.model_dump(
            mode="json", exclude={"judgements": {"__all__": {"rule"}}, "preconditions": True}
        )
        data["measurements"] = [
            {
                "requirement": judgement.requirement,
                "verdict": judgement.verdict.value,
                **judgement.rule.model_dump(include={"name", "unit", "value", "low", "high"}),
            }
            for judgement in self.judgements
            if isinstance(judgement.rule, Measured)
        ]
        return data
