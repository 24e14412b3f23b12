"""The verdicts as a reader meets them: a sign, and order, word and meaning from the schema of ``run.json``.

A verdict can only get worse (ISO/IEC 9646).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from intercom_hil.run_folder.schema import run_schema


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict: ``name`` as run.json writes it, ``sign`` to know it without colour, what it means."""

    name: str
    rank: int
    sign: str
    word: str
    meaning: str

    @property
    def slug(self) -> str:
        """The name as a CSS class."""
        return "v-" + self.name.replace(" ", "-")

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look into it: anything worse than a pass."""
        return self.rank > PASS.rank


_SIGNS = {
    "none": "·",
    "not applicable": "–",
    "observed": "○",
    "pass": "✓",
    "inconclusive": "?",
    "fail": "✗",
    "error": "!",
}

VERDICTS = tuple(
    Verdict(listed["const"], rank, _SIGNS[listed["const"]], listed["title"], listed["description"])
    for rank, listed in enumerate(run_schema()["$defs"]["Verdict"]["oneOf"])
)
WORST_FIRST = VERDICTS[::-1]
_BY_NAME = {verdict.name: verdict for verdict in VERDICTS}
NONE, NOT_APPLICABLE, PASS = _BY_NAME["none"], _BY_NAME["not applicable"], _BY_NAME["pass"]
INCONCLUSIVE, FAIL, ERROR = _BY_NAME["inconclusive"], _BY_NAME["fail"], _BY_NAME["error"]


def verdict_of(name: object) -> Verdict:
    """Return the verdict of that name; *error* for a word that is none."""
    return _BY_NAME.get(str(name), ERROR)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold verdicts into the worst of them; of nothing at all, *none*."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=NONE)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a set got one verdict; ``start`` and ``length`` are its part of a bar of 1000 units."""

    verdict: Verdict
    count: int
    start: float
    length: float


def tally(verdicts: Iterable[Verdict]) -> list[Share]:
    """Count verdicts, worst first, leaving out those that nobody got."""
    counts = Counter(verdicts)
    total = sum(counts.values())
    shares: list[Share] = []
    start = 0.0
    for verdict in WORST_FIRST:
        if counts[verdict]:
            length = 1000 * counts[verdict] / total
            shares.append(Share(verdict, counts[verdict], round(start, 1), round(length, 1)))
            start += length
    return shares
