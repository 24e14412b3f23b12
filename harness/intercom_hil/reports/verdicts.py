"""The vocabulary of verdicts as a reader meets it: order, sign, words. Verdict names in, presentation out.

A verdict can only get worse (ISO/IEC 9646). A word outside the vocabulary is never taken for a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict: ``name`` as run.json writes it, ``sign`` to tell it without colour, what it means."""

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


NONE = Verdict("none", 0, "·", "not tested", "nothing was asked of the device")
NOT_APPLICABLE = Verdict("not applicable", 1, "–", "not applicable", "the bench's declaration excludes it")
OBSERVED = Verdict("observed", 2, "○", "observed", "the specification is silent; recorded, not judged")
PASS = Verdict("pass", 3, "✓", "pass", "the requirement held")
INCONCLUSIVE = Verdict("inconclusive", 4, "?", "inconclusive", "it could not be found out")
FAIL = Verdict("fail", 5, "✗", "fail", "the device broke the requirement")
ERROR = Verdict("error", 6, "!", "error", "the bench itself broke; the device is not to blame")

VERDICTS = (NONE, NOT_APPLICABLE, OBSERVED, PASS, INCONCLUSIVE, FAIL, ERROR)
WORST_FIRST = VERDICTS[::-1]
_BY_NAME = {verdict.name: verdict for verdict in VERDICTS}


def known(name: str) -> bool:
    """Return whether the name belongs to the vocabulary."""
    return name in _BY_NAME


def verdict_of(name: str) -> Verdict:
    """Return the verdict of that name; *error* for a word that is none."""
    return _BY_NAME.get(name, ERROR)


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
