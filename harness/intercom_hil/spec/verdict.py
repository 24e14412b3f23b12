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


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold verdicts into the worst of them; of nothing at all, ``none``."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.NONE)
