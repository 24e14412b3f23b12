"""Legal ways to differ where the specification is silent: they break no requirement."""

from __future__ import annotations

from collections.abc import Callable

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import ButtonPressed, Input, Output, Step


class ButtonIgnoredWhileDialling(Fault):
    """A press while a call is being placed changes nothing (OUT-09)."""

    name = "button-ignored-while-dialling"
    description = "a press while dialling or ringing does not give the attempt up"

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        situation = self.situation
        trying = not situation.idle and situation.placed and not situation.up
        return [] if isinstance(given, ButtonPressed) and trying else inner(given)


class ClockAhead(Fault):
    """The device's clock is set wrong, and runs fast: nothing says that it may not."""

    name = "clock-ahead"
    description = "its clock is 37 s ahead and gains another 0.2 ms every second"
    _AHEAD = 37.0
    _GAIN = 200e-6

    def clock(self, inner: Callable[[], float]) -> Callable[[], float]:
        """Return the clock that runs ahead."""
        begun = inner()
        return lambda: inner() + self._AHEAD + (inner() - begun) * self._GAIN
