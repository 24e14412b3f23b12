"""The verdict algebra of ISO/IEC 9646 and TTCN-3: an ordered set in which a verdict can only get worse."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What was found out about one requirement, scenario or expectation.

    ``none`` nothing was asked; ``pass`` it holds; ``inconclusive`` it could not be found out; ``fail`` the
    device broke it; ``error`` the bench itself broke. ``observed`` (a gap in the specification: recorded,
    not judged) and ``not applicable`` (the bench's declaration says so) rank with ``none``.
    """

    NONE = "none"
    NOT_APPLICABLE = "not applicable"
    OBSERVED = "observed"
    PASS = "pass"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"

    @property
    def word(self) -> str:
        """What readers of reports meet in its place."""
        return "not tested" if self is Verdict.NONE else self.value

    @property
    def meaning(self) -> str:
        """What it says about a requirement, for readers of reports."""
        return _MEANINGS[self]

    @property
    def rank(self) -> int:
        """The place in the order; a greater rank is a worse verdict."""
        return _ORDER.index(self)

    @property
    def breaks_the_run(self) -> bool:
        """Whether a run holding this verdict must end with a non-zero exit status."""
        return self.rank > Verdict.PASS.rank

    @property
    def worth_repeating(self) -> bool:
        """Whether another attempt may find out what this one could not; a device's failure stands."""
        return self in (Verdict.INCONCLUSIVE, Verdict.ERROR)


_ORDER = list(Verdict)
_MEANINGS = {
    Verdict.NONE: "nothing was asked of the device",
    Verdict.NOT_APPLICABLE: "the bench's declaration excludes it",
    Verdict.OBSERVED: "the specification is silent; recorded, not judged",
    Verdict.PASS: "the requirement held",
    Verdict.INCONCLUSIVE: "it could not be found out",
    Verdict.FAIL: "the device broke the requirement",
    Verdict.ERROR: "the bench itself broke; the device is not to blame",
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold verdicts into the worst of them; of nothing at all, ``none``."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.NONE)
