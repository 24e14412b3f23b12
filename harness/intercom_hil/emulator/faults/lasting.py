"""Faults that spare the first call and show in those after it: what is kept too long, or worn out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from intercom_hil.emulator import events
from intercom_hil.emulator.events import EventKind
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import (
    Answer,
    ButtonPressed,
    Configured,
    Dial,
    Incoming,
    Input,
    Output,
    Reject,
    Ring,
    Show,
    StartTimer,
    Step,
    WriteEvent,
)

_LONG = 5.0
"""Seconds."""


class _Counting(Fault, ABC):
    """A fault that depends on how many calls there were since the device was configured.

    Attributes:
        taken: calls that were answered.
        pressed: presses that placed calls.
        rejected: callers that were turned away.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.pressed = self.rejected = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Count, and change what is done."""
        if isinstance(given, Configured):
            self.taken = self.pressed = self.rejected = 0
        changed: list[Output] = []
        for output in inner(given):
            self.taken += isinstance(output, Answer)
            self.rejected += isinstance(output, Reject)
            self.pressed += isinstance(output, Dial) and isinstance(given, ButtonPressed)
            changed += self.become(output)
        return changed

    @abstractmethod
    def become(self, output: Output) -> list[Output]:
        """Return what becomes of one output."""


class AnswersOnce(_Counting):
    """Whatever answers calls is done after the first one."""

    name = "answers-first-call-only"
    description = "after the first one, a permitted call rings for ever, until reconfigured"
    breaks = frozenset({"INC-02"})
    shown_by = frozenset({"INC-05"})

    def become(self, output: Output) -> list[Output]:
        """Let it ring."""
        return [Ring(output.call) if isinstance(output, Answer) and self.taken > 1 else output]


class ShowsOnce(_Counting):
    """The screen is left as it was after the first call."""

    name = "screen-on-first-call-only"
    description = "the screen shows the first call that is taken, and none after it until reconfigured"
    breaks = frozenset({"INC-02"})
    shown_by = frozenset({"INC-05"})

    def become(self, output: Output) -> list[Output]:
        """Show nothing."""
        return [] if isinstance(output, Show) and self.taken > 1 else [output]


class ForbidsAfterPlaced(_Counting):
    """The permitted list is lost when a call is placed, and nobody is on it any more."""

    name = "forbids-callers-after-a-placed-call"
    description = "after a placed call, every caller is turned away as not permitted, until reconfigured"
    breaks = frozenset({"INC-02", "INC-03"})
    shown_by = frozenset({"INC-05"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Turn the caller away."""
        if not isinstance(given, Incoming) or not self.pressed:
            return super().react(given, inner)
        kind, details = events.INCOMING_REJECTED, f"caller not permitted: {given.caller}"
        return [
            Reject(given.call, 403, "Forbidden"),
            WriteEvent(kind.name, kind.screen_name, details),
        ]

    def become(self, output: Output) -> list[Output]:
        """Leave it."""
        return [output]


class NamesCallerBefore(_Counting):
    """The name of the caller is read before it is written."""

    name = "event-names-the-caller-before"
    description = "the details of a call that was taken name the caller of the one before it"
    breaks = frozenset({"EVT-07"})
    shown_by = frozenset({"INC-05"})

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def become(self, output: Output) -> list[Output]:
        """Exchange the details."""
        if not isinstance(output, WriteEvent) or output.name != events.INCOMING_RECEIVED.name:
            return [output]
        said, self._before = self._before or output.details, output.details
        return [replace(output, details=said)]


class SecondNotLogged(_Counting):
    """An entry of the log is written for the first cause of its kind only."""

    def __init__(self, kind: EventKind, count: str, description: str) -> None:
        """Make it.

        Args:
            kind: of event.
            count: the attribute that counts its causes.
            description: what the device does wrong.
        """
        super().__init__()
        self.name = f"second-{kind.name}-not-logged"
        self.description, self.breaks = description, frozenset({kind.requirement})
        self.shown_by = frozenset({"INC-05"})
        self._kind, self._count = kind, count

    def become(self, output: Output) -> list[Output]:
        """Leave it out."""
        late = getattr(self, self._count) > 1
        return [] if isinstance(output, WriteEvent) and output.name == self._kind.name and late else [output]


class RingsFurtherHalf(_Counting):
    """The time of a contact is halved for those that come after the first."""

    name = "further-contacts-ring-half-as-long"
    description = "further contacts are given half of the call timeout"
    breaks = frozenset({"OUT-03"})
    shown_by = frozenset({"CFG-17"})
    _share = 0.5

    def __init__(self) -> None:
        super().__init__()
        self._first = True

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Know the first contact by the press."""
        self._first = isinstance(given, ButtonPressed)
        return super().react(given, inner)

    def become(self, output: Output) -> list[Output]:
        """Change the time."""
        if isinstance(output, StartTimer) and output.name == "ring" and not self._first:
            return [StartTimer("ring", output.seconds * self._share)]
        return [output]


class RingsFurtherTwice(RingsFurtherHalf):
    """The time of a contact is doubled for those that come after the first."""

    name = "further-contacts-ring-twice-as-long"
    description = "further contacts are given twice the call timeout"
    _share = 2.0


class LongTimeoutLonger(_Counting):
    """The clock of long times runs slowly."""

    name = "long-call-timeout-a-quarter-longer"
    description = "a call timeout of 5 s or more is a quarter longer"
    breaks = frozenset({"CFG-17", "OUT-03"})

    def become(self, output: Output) -> list[Output]:
        """Change the time."""
        if isinstance(output, StartTimer) and output.name == "ring" and output.seconds >= _LONG:
            return [StartTimer("ring", output.seconds * 1.25)]
        return [output]


class ExhaustedFirst(_Counting):
    """Two entries of the log change places."""

    name = "exhaustion-logged-before-the-failure"
    description = "the exhausted list is logged before the failure of its last contact"
    breaks = frozenset({"EVT-12"})
    shown_by = frozenset({"EVT-05"})

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Output] = []

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep the failure until the rest of the step is done."""
        outputs = super().react(given, inner)
        kept, self._kept = self._kept, []
        return [*outputs, *kept]

    def become(self, output: Output) -> list[Output]:
        """Keep it back."""
        if isinstance(output, WriteEvent) and output.name == events.OUTGOING_FAILURE.name:
            self._kept.append(output)
            return []
        return [output]


class ExhaustedWhenGivenUp(Fault):
    """Whatever ends without an answer is taken for the end of the list."""

    name = "exhaustion-logged-when-given-up"
    description = "a press that gives a call up is logged as an exhausted list"
    breaks = frozenset({"EVT-11"})
    shown_by = frozenset({"OUT-09"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Log it."""
        ringing = bool(self.situation.call) and self.situation.placed and not self.situation.up
        outputs = inner(given)
        if isinstance(given, ButtonPressed) and ringing:
            kind = events.OUTGOING_CONTACTS_EXHAUSTED
            outputs.append(WriteEvent(kind.name, kind.screen_name, "none reached"))
        return outputs


class HangUpBeginsAgain(Fault):
    """One press is taken for two."""

    name = "hang-up-begins-again"
    description = "the press that ends a placed call begins another one"
    breaks = frozenset({"OUT-06", "EVT-11"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take the press twice."""
        twice = isinstance(given, ButtonPressed) and self.situation.up and self.situation.placed
        outputs = inner(given)
        return [*outputs, *inner(given)] if twice else outputs


SECOND_NOT_LOGGED = (
    (events.INCOMING_REJECTED, "rejected", "only the first caller that is turned away is logged"),
    (events.INCOMING_RECEIVED, "taken", "only the first call that is taken is logged"),
    (events.INCOMING_LOCAL_HANGUP, "taken", "of calls after the first one, no end by the button is logged"),
    (events.OUTGOING_REMOTE_HANGUP, "pressed", "only the first end of a placed call is logged"),
)
"""Kind, what counts its causes, and what is wrong."""
