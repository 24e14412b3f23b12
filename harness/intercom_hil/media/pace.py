"""How fast the clock of a flow runs: timestamps against the times at which packets come (RFC 3550 §5.1)."""

from __future__ import annotations

LONGEST_STEP = 0.6
"""Seconds from one packet to the next beyond which a sender has paused, for whatever reason."""
_MADE_UP_WITHIN = 5.0
"""Times as long as sound was held up, by a network or a busy sender, in which all of it may come after."""
_LEAST = 0.1
"""Seconds below which a ratio says how two packets were held up, and nothing of a clock."""
_HALF = 1 << 31
"""Ticks: half of all timestamps. Pictures that are sent in another order than they were taken go back."""
_USUAL_STEP = 0.25
"""Seconds up to which it has not: in between, it may be late and make up for it, or not."""


class Pace:
    """Follows one flow; pauses are left out, and what may be made up for after one.

    Attributes:
        seconds: that were measured.
    """

    def __init__(self) -> None:
        self.seconds = self._measured = 0.0
        self._usual_seconds = self._usual = 0.0
        self._before: tuple[int, float] | None = None
        self._made_up = 0.0

    def pass_over(self) -> None:
        """Take note of a packet whose timestamp says nothing: the next one cannot be compared with it."""
        self._before = None

    def take(self, timestamp: int, rate: int, time: float) -> None:
        """Take in one packet in its order: timestamp, clock rate in Hz, and when it came (epoch seconds)."""
        before, self._before = self._before, (timestamp, time)
        if before is None:
            return
        step = (timestamp - before[0] + _HALF) % (2 * _HALF) - _HALF
        risen, passed = step / rate, time - before[1]
        if passed > LONGEST_STEP and risen < passed:
            self._made_up = time + _MADE_UP_WITHIN * (passed - risen)
        if abs(risen) > LONGEST_STEP or time < self._made_up:
            return
        if passed <= LONGEST_STEP:
            self.seconds += passed
            self._measured += risen
        if passed <= _USUAL_STEP:
            self._usual_seconds += passed
            self._usual += risen

    @property
    def ratio(self) -> float | None:
        """By how much the clock runs too fast (above 1) or too slow; None where too little was measured.

        A sender that pauses and does not make up for it, and one that does, both keep their clock: of what
        was measured with short pauses and without, it is what speaks for the sender.
        """
        found = [(self._measured, self.seconds), (self._usual, self._usual_seconds)]
        ratios = [measured / seconds for measured, seconds in found if seconds >= _LEAST]
        return min(ratios, key=lambda ratio: abs(ratio - 1), default=None)
