"""Faults that nothing was held against: no rule over a timeline, and no scenario, whatever it is about.

Each does right what is usually tried, and wrong what is tried in passing, for longer, or after a while.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import Encryption, SipSettings, VideoCalls
from intercom_hil.emulator.vocabulary import ButtonPressed, Input, Output, Step


class ButtonDeadInSome(Fault):
    """Who handles the keys was told of calls of one kind alone."""

    def __init__(
        self, name: str, description: str, shown_by: str, dead: Callable[[SipSettings], bool]
    ) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            shown_by: the row whose scenarios show it.
            dead: whether it is so with these settings.
        """
        super().__init__()
        self.name, self.description, self.shown_by = name, description, frozenset({shown_by})
        self.breaks = frozenset({"OUT-06"})
        self._dead = dead

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Do nothing about a press."""
        settings = self.situation.settings
        up = self.situation.up and self.situation.placed
        if isinstance(given, ButtonPressed) and up and settings is not None and self._dead(settings):
            return []
        return inner(given)


BUTTON_DEAD_IN_SOME: tuple[Callable[[], Fault], ...] = tuple(
    partial(ButtonDeadInSome, *row)
    for row in (
        (
            "button-does-not-end-secured-calls",
            "under SRTP-only the button does nothing while a placed call is up",
            "ENC-08",
            lambda settings: settings.encryption is Encryption.SRTP_ONLY,
        ),
        (
            "button-does-not-end-video-calls",
            "where placed calls have video, the button does nothing while one is up",
            "VID-03",
            lambda settings: settings.video_calls in (VideoCalls.OUTGOING, VideoCalls.BOTH),
        ),
    )
)
"""What makes each fault of that kind."""


OVERLOOKED: tuple[Callable[[], Fault], ...] = (*BUTTON_DEAD_IN_SOME,)
"""What makes each fault of this file."""
