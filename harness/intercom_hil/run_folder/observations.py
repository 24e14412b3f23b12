"""Reading a stored timeline: one JSON line for each observation, returned as plain ``Seen`` records by time.

The last line of an interrupted run may be cut short, and a line may be of a later schema: both are counted
and reported, never fatal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.run_folder.fields import line, mapping, moment, number, text, texts, whole

MAX_OBSERVATIONS = 50_000
"""Observations read from one timeline; more than any scenario makes, less than would exhaust memory."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation: in which order it arrived, its time (seconds since the epoch), who saw what."""

    seq: int
    time: float
    witness: str
    kind: str
    content: dict[str, object]

    def text(self, name: str) -> str:
        """Return a field of the content as one line of text; empty if it is not there."""
        return line(self.content.get(name))

    def raw(self, name: str) -> str:
        """Return a field of the content as text with its line ends."""
        return text(self.content.get(name))

    def number(self, name: str) -> float | None:
        """Return a field of the content as a finite number."""
        return number(self.content.get(name))

    def whole(self, name: str) -> int:
        """Return a field of the content as an integer; 0 if it is none."""
        return whole(self.content.get(name))

    def names(self, name: str) -> tuple[str, ...]:
        """Return a field of the content as texts of one line; none for anything else."""
        return texts(self.content.get(name))

    def flag(self, name: str) -> bool:
        """Return whether a field of the content is true."""
        return self.content.get(name) is True


def read_timeline(path: Path) -> tuple[list[Seen], list[str]]:
    """Read a timeline.

    Returns:
        The observations by time, and notes on what could not be read.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            return _read(lines)
    except OSError as problem:
        return [], [f"The timeline cannot be read: {problem.strerror}."]


def _read(lines: Iterable[str]) -> tuple[list[Seen], list[str]]:
    seen: list[Seen] = []
    broken = 0
    notes = []
    for row in lines:
        if not row.strip():
            continue
        if len(seen) >= MAX_OBSERVATIONS:
            notes.append(
                f"The timeline is longer than {MAX_OBSERVATIONS} observations; the rest is not shown."
            )
            break
        observation = _observation(row)
        if observation is None:
            broken += 1
        else:
            seen.append(observation)
    if broken:
        notes.append(f"{broken} line{'s' * (broken != 1)} of the timeline could not be read.")
    return sorted(seen, key=lambda observation: (observation.time, observation.seq)), notes


def _observation(row: str) -> Seen | None:
    try:
        data = json.loads(row)
    except (ValueError, RecursionError):
        return None
    fields = mapping(data)
    content = mapping(fields.get("content"))
    time = moment(fields.get("time"))
    kind = line(content.get("kind"))
    if time is None or not kind:
        return None
    return Seen(whole(fields.get("seq"), -1), time, line(fields.get("witness"), "unknown"), kind, content)
