"""Known deviations: requirements that a device is known to break, and that somebody has accepted for a while.

A verdict stays what it is: an accepted failure is still a *fail*. What is accepted breaks no pipeline, and
what is accepted for nothing (past its date, mended, misspelt) is reported.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.spec.catalogues import catalogue_of
from intercom_hil.spec.laboratory import is_day
from intercom_hil.spec.verdict import Verdict

TABLE = "deviation"
"""What each entry of the file is headed with: ``[[deviation]]``."""
_Text = Annotated[str, Field(min_length=1, max_length=500)]
Standing = Literal[
    "accepted", "expired", "no longer fails", "not found out", "unknown requirement", "another device"
]


class KnownDeviation(BaseModel):
    """One entry of the file.

    Attributes:
        requirement: the requirement that the device breaks.
        device: its model, or make and model, as the bench file or the device itself (User-Agent) gives it.
        firmware: the firmware that breaks it, likewise; empty for any.
        reason: why this is accepted.
        accepted_by: who accepts it.
        until: the last day on which it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    requirement: _Text
    device: _Text
    firmware: str = ""
    reason: _Text
    accepted_by: _Text
    until: date


class AssessedDeviation(KnownDeviation):
    """An entry as it stands for one run."""

    standing: Standing

    def __str__(self) -> str:
        if self.standing == "accepted":
            return f"accepted until {self.until} by {self.accepted_by}: {self.reason}"
        return (
            f"{_MEANINGS[self.standing]} (accepted until {self.until} by {self.accepted_by}: {self.reason})"
        )


def load(path: Path) -> tuple[KnownDeviation, ...]:
    """Read the known deviations of a file.

    Raises:
        BenchError: it cannot be read, or an entry is not complete; every wrong field is named.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise BenchError(f"the deviations cannot be read ({reason})", str(path), "name a file") from None
    except tomllib.TOMLDecodeError as problem:
        raise BenchError(f"not a TOML file: {problem}", str(path), "correct the line it names") from None
    remedy = f"see docs/known-deviations.md; each entry is a table [[{TABLE}]]"
    entries = document.get(TABLE, [])
    if document.keys() - {TABLE} or not isinstance(entries, list):
        others = ", ".join(sorted(document.keys() - {TABLE})) or TABLE
        raise BenchError(f"this is no list of deviations: {others}", str(path), remedy)
    found, wrong = [], []
    for number, entry in enumerate(entries, start=1):
        until = entry.get("until") if isinstance(entry, dict) else None
        if until is not None and not is_day(until):
            wrong.append(f"{TABLE} {number}: until: {until!s:.40} is no date; write it as until = 2030-06-30")
            continue
        try:
            found.append(KnownDeviation.model_validate(entry))
        except ValidationError as problem:
            wrong += [
                f"{TABLE} {number}: {'.'.join(map(str, error['loc']))}: {error['msg']}"
                for error in problem.errors()
            ]
    if wrong:
        raise BenchError("; ".join(wrong), str(path), remedy)
    return tuple(found)


def assess(
    entries: Iterable[KnownDeviation], verdicts: Mapping[str, Verdict], device: Sequence[str], on: date
) -> list[AssessedDeviation]:
    """Say how each entry stands.

    Args:
        entries: those of the file.
        verdicts: those of the run, by requirement.
        device: what is known of the device that was tested: make and model, User-Agent, firmware.
        on: the day of the run.
    """
    return [
        AssessedDeviation(**dict(entry), standing=_standing(entry, verdicts, device, on)) for entry in entries
    ]


def _standing(
    entry: KnownDeviation, verdicts: Mapping[str, Verdict], device: Sequence[str], on: date
) -> Standing:
    known = catalogue_of(entry.requirement)
    if known is None or entry.requirement not in known:
        return "unknown requirement"
    verdict = verdicts.get(entry.requirement, Verdict.NONE)
    if not _named(entry.device, device) or (entry.firmware and not _named(entry.firmware, device)):
        return "another device"
    if on > entry.until:
        return "expired"
    if verdict is Verdict.FAIL:
        return "accepted"
    return "no longer fails" if verdict is Verdict.PASS else "not found out"


def _named(word: str, texts: Sequence[str]) -> bool:
    """Whether a name stands in one of the texts by itself: firmware 1.2 is not 1.20, nor 11.2."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w]|\.\w)", re.IGNORECASE)
    return any(pattern.search(text) for text in texts)


def accepts_all(assessed: Iterable[AssessedDeviation], scenarios: Iterable[Any]) -> bool:
    """Return whether nothing breaks the run but what is accepted.

    Args:
        assessed: the entries as they stand.
        scenarios: the records of the run's scenarios.
    """
    accepted = {entry.requirement for entry in assessed if entry.standing == "accepted"}
    for scenario in scenarios:
        if not scenario.verdict.breaks_the_run:
            continue
        broken = {name: v for name, v in scenario.requirements.items() if v.breaks_the_run}
        if scenario.verdict is not Verdict.FAIL or not broken:
            return False
        if any(verdict is not Verdict.FAIL or name not in accepted for name, verdict in broken.items()):
            return False
        if scenario.ending in (Verdict.FAIL, Verdict.ERROR):  # the device went away, or the bench
            return False
    return True


_MEANINGS: dict[Standing, str] = {
    "accepted": "the failure is accepted",
    "expired": "its date is past: the failure counts again",
    "no longer fails": "the device keeps to it: take the entry out",
    "not found out": "this run has not shown whether it still fails",
    "unknown requirement": "there is no such requirement: correct its id",
    "another device": "it is for another device or firmware than the one that was tested",
}
