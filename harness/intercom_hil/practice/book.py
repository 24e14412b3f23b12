"""What the rules of good practice find, row by row: what held, and what was broken."""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.spec.good_practice import GOOD_PRACTICE
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation

MOST = 10
"""Different problems with one row that are reported: a device can invent as many as it sends messages."""


class Book:
    """Takes down what rules look at; then there is one finding for each problem, or one that it held."""

    def __init__(self) -> None:
        self._looked_at: dict[str, list[Observation]] = {}
        self._broken: dict[tuple[str, str], list[Observation]] = {}

    def look(self, row: str, observation: Observation) -> None:
        """Take down that a row had something to say about an observation."""
        self._looked_at.setdefault(row, []).append(observation)

    def broken(self, row: str, problem: str, *observations: Observation) -> None:
        """Take down that a row is broken; the same problem again is reported in one finding."""
        others = sum(known == row for known, _ in self._broken)
        if (row, problem) in self._broken or others < MOST:
            self._broken.setdefault((row, problem), []).extend(observations)

    def check(self, row: str, holds: bool, problem: str, *observations: Observation) -> None:
        """Take down what a look at one observation, with others that explain it, came to."""
        self.look(row, observations[0])
        if not holds:
            self.broken(row, problem, *observations)

    def findings(self) -> Iterator[Finding]:
        """Yield what came of it."""
        for (row, problem), found in self._broken.items():
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            yield Finding(row, _expected(row), f"{problem}: {found[0]}{more}", found)
        failed = {row for row, _ in self._broken}
        for row, found in self._looked_at.items():
            if row not in failed:
                yield Finding(row, _expected(row), f"looked at {len(found)} times", found[:1], Verdict.PASS)


def _expected(row: str) -> str:
    title = GOOD_PRACTICE[row].title
    return f"{title[:1].lower()}{title[1:]} ({GOOD_PRACTICE[row].source})"
