"""Legal ways to differ where the specification is silent: they break no requirement."""

from __future__ import annotations

from harness.emulator.faults.fault import Fault
from harness.emulator.vocabulary import ButtonPressed, Input, Output, Step


class ButtonIgnoredWhileDialling(Fault):
    """A press while a call is being placed changes nothing (OUT-09)."""

    name = "button-ignored-while-dialling"
    description = "a press while dialling or ringing does not give the attempt up"

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        situation = self.situation
        trying = not situation.idle and situation.placed and not situation.up
        return [] if isinstance(given, ButtonPressed) and trying else inner(given)
