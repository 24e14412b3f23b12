"""Faults that nothing was held against: no rule over a timeline, and no scenario, whatever it is about.

Each does right what is usually tried, and wrong what is tried in passing, for longer, or after a while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import Encryption, SipSettings, Transport, VideoCalls
from intercom_hil.emulator.vocabulary import (
    Answer,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Input,
    Output,
    Picture,
    RegistrationAnswered,
    Ringing,
    StartTimer,
    Step,
    TimerFired,
)

_TIMED_OUT = 408
_UNREACHED = (_TIMED_OUT, 502, 503)
"""What the stack itself says of a server that it does not reach."""
_LONGEST_RINGING = 32
"""Seconds."""


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


class UnheardWaitedFor(Fault):
    """Whoever cannot be cancelled cannot be given up."""

    name = "unheard-contact-waited-for"
    description = "a contact elsewhere that sends nothing back is waited for, for good"
    breaks = frozenset({"OUT-02"})

    def __init__(self) -> None:
        super().__init__()
        self._elsewhere = ""
        self._heard = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take no notice of the time."""
        if isinstance(given, Ringing) and given.call == self._elsewhere:
            self._heard = True
        over = given == TimerFired("ring") or (isinstance(given, Ended) and given.status == _TIMED_OUT)
        if over and self._elsewhere == self.situation.call != "" and not self._heard:
            return []
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Know who is called past the server."""
        settings = self.situation.settings
        if isinstance(output, Dial) and settings is not None:
            self._elsewhere = "" if f"@{settings.server_address}" in output.uri else output.call
            self._heard = False
        return output


class LongTimeoutCut(Fault):
    """A transaction may take 32 s, and what rings is taken for one."""

    name = "long-call-timeout-cut"
    description = "a call timeout of more than 32 s is cut to that"
    breaks = frozenset({"CFG-17", "OUT-03"})
    shown_by = frozenset({"CFG-17"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Cut it on its way in."""
        if isinstance(given, Configured) and given.settings.call_timeout > _LONGEST_RINGING:
            cut = given.settings.with_changes({"call_timeout": _LONGEST_RINGING})
            given = Configured(cut, given.addresses)
        return inner(given)


class ConnectionNeverAnew(Fault):
    """A connection is opened when SIP is, and never again."""

    name = "connection-never-made-anew"
    description = "with the transport TCP a server that was away is never tried again until reconfigured"
    breaks = frozenset({"REG-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Leave it at the first failure."""
        settings = self.situation.settings
        outputs = inner(given)
        failed = isinstance(given, RegistrationAnswered) and given.status in _UNREACHED
        if failed and settings is not None and settings.transport is Transport.TCP:
            return [output for output in outputs if not isinstance(output, StartTimer)]
        return outputs


class PictureAfterAWhile(Fault):
    """The camera is good for a glance."""

    breaks = frozenset({"VID-03"})
    shown_by = frozenset({"OUT-05"})

    def __init__(self, name: str, description: str, shown: Picture) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            shown: what there is to be seen.
        """
        super().__init__()
        self.name, self.description, self._shown = name, description, shown

    def change(self, output: Output) -> Output | None:
        """Show that instead."""
        if isinstance(output, Dial | Answer) and output.picture is Picture.LIVE:
            return replace(output, picture=self._shown)
        return output


PICTURE_AFTER_A_WHILE: tuple[Callable[[], Fault], ...] = tuple(
    partial(PictureAfterAWhile, *row)
    for row in (
        ("picture-freezes", "after 4 s the picture of a call stands still", Picture.FREEZING),
        ("picture-ends-early", "after 4 s no picture of a call is sent any more", Picture.ENDING),
    )
)
"""What makes each fault of that kind."""


OVERLOOKED: tuple[Callable[[], Fault], ...] = (
    *BUTTON_DEAD_IN_SOME,
    UnheardWaitedFor,
    LongTimeoutCut,
    ConnectionNeverAnew,
    *PICTURE_AFTER_A_WHILE,
)
"""What makes each fault of this file."""
