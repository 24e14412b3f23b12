"""The bench as a witness of its own lateness: what the gauge measures goes onto the current timeline."""

from __future__ import annotations

from intercom_hil.lateness import Spell, gauge
from intercom_hil.timeline import Append, Witness, now
from intercom_hil.timeline.lateness import BenchLate

LEAST_REPORTED = 0.02
"""Seconds of lateness in a spell that are reported in any case."""
LEAST_SHARE = 0.1
"""The share of a spell from which on its lateness is reported, however short the spell."""


class LatenessWitness:
    """Reports every spell in which the bench was late, as long as a scenario is played.

    Attributes:
        counts: whether what is measured belongs to a scenario now.
    """

    def __init__(self, append: Append) -> None:
        self._append = append
        self._gauge = gauge()
        self._ignore = self._gauge.listen(self._take)
        self._gauge.hold()
        self.counts = False

    def close(self) -> None:
        """Measure no more."""
        self.counts = False
        self._ignore()
        self._gauge.release()

    def begin(self) -> None:
        """Begin a scenario: what was late before is none of its business."""
        self._gauge.sample()
        self.counts = True

    def report(self) -> None:
        """Report how late the bench was until now."""
        self._gauge.sample()

    def _take(self, spell: Spell) -> None:
        length = spell.ended - spell.begun
        if self.counts and spell.late >= min(LEAST_REPORTED, LEAST_SHARE * length):
            self._append(Witness.LATENESS, _content(spell, now() - length), None)


def _content(spell: Spell, begun: float) -> BenchLate:
    length = spell.ended - spell.begun
    causes = {
        "event loop": spell.loop,
        "processor": spell.cpu,
        "hypervisor": spell.steal,
        **dict(spell.reported),
    }
    return BenchLate(
        begun=begun,
        length=round(length, 3),
        late=round(spell.late, 3),
        causes={name: round(seconds, 3) for name, seconds in causes.items() if seconds >= 0.001},
        pressure=round(min(1.0, spell.pressure / length), 2),
    )
