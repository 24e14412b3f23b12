"""What a monitor has to say: a requirement, what was expected and seen, and the observations behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation


@dataclass(frozen=True, slots=True)
class Finding:
    """What a monitor found about one requirement, and the observations that it rests on.

    ``despite_unread``: it holds whatever else the device may have written that could not be read.
    """

    requirement: str
    expected: str
    seen: str
    observations: Sequence[Observation]
    verdict: Verdict = Verdict.FAIL
    despite_unread: bool = False
