"""Faults that show only after one thing and another have happened: no scenario is made for any of them.

``docs/explore.md`` lists them. Each keeps a little memory of its own, and is right as long as that is empty.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from intercom_hil.emulator import events
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.settings import Encryption
from intercom_hil.emulator.vocabulary import (
    Announce,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Established,
    Held,
    Incoming,
    Input,
    Media,
    Output,
    Referred,
    Reject,
    Show,
    Step,
    TimerFired,
    WriteEvent,
)


class MutedAtThirdContact(Fault):
    """The microphone is shut where the third contact answers, once a call has been answered before."""

    name = "muted-at-third-contact-after-an-answered-call"
    description = "the microphone is muted where the third contact answers, after an answered call"
    breaks = frozenset({"OUT-05"})

    def __init__(self) -> None:
        super().__init__()
        self._answered, self._dials = False, 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Count the contacts of a press, and shut the microphone at the third."""
        outputs = inner(given)
        self._dials = 0 if isinstance(given, ButtonPressed) else self._dials
        changed: list[Output] = []
        for output in outputs:
            self._dials += isinstance(output, Dial)
            if isinstance(output, Dial) and self._answered and self._dials == 3:
                output = replace(output, microphone=False)
            changed.append(output)
        self._answered |= any(_event(o, events.OUTGOING_ESTABLISHED.name) for o in outputs)
        return changed


class ListKeptFromRinging(Fault):
    """Contacts that are exchanged while one rings stay as they were."""

    name = "list-exchanged-while-ringing-ignored"
    description = "contacts that are submitted while a contact rings have no effect"
    breaks = frozenset({"OUT-01"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep the old contacts."""
        before, ringing = self.situation.settings, bool(self.situation.call) and not self.situation.up
        if isinstance(given, Configured) and before is not None and ringing:
            kept = {"call_number": before.call_number, "further_numbers": before.further_numbers}
            given = Configured(given.settings.with_changes(kept), given.addresses)
        return inner(given)


class DeadAfter(Fault, ABC):
    """A fault by which the next press of the button does nothing, once."""

    def __init__(self) -> None:
        super().__init__()
        self._dead = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the one press."""
        if self._dead and isinstance(given, ButtonPressed) and self.situation.idle:
            self._dead = False
            return []
        outputs = inner(given)
        self._dead |= self.deadens(given, outputs)
        return outputs

    @abstractmethod
    def deadens(self, given: Input, outputs: list[Output]) -> bool:
        """Return whether the next press is to do nothing."""


class DeadAfterDecline(DeadAfter):
    """A list that a decline has exhausted."""

    name = "button-dead-after-a-decline-ended-the-list"
    description = "the press after a list that ended with a decline does nothing"
    breaks = frozenset({"OUT-01"})

    def deadens(self, given: Input, outputs: list[Output]) -> bool:
        """After the last contact declined."""
        return isinstance(given, Ended) and given.status == 603 and _any_event(outputs, _EXHAUSTED)


class DeadAfterUnansweredCancel(DeadAfter):
    """A server that fell silent while a contact rang."""

    name = "button-dead-after-an-outage-in-ringing"
    description = "the press after a CANCEL that nobody answered does nothing"
    breaks = frozenset({"OUT-01"})

    def deadens(self, given: Input, outputs: list[Output]) -> bool:
        """After the guard over a CANCEL ran out."""
        return given == TimerFired("cancel")


class DeadAfterTwoTaken(DeadAfter):
    """Two calls taken, one after the other, that their callers ended."""

    name = "button-dead-after-two-calls-taken"
    description = "the press after two calls in a row that callers ended does nothing"
    breaks = frozenset({"OUT-01"})

    def __init__(self) -> None:
        super().__init__()
        self._ended = 0

    def deadens(self, given: Input, outputs: list[Output]) -> bool:
        """After the second."""
        if any(isinstance(output, Dial) for output in outputs):
            self._ended = 0
        self._ended += _any_event(outputs, events.INCOMING_REMOTE_HANGUP.name)
        dead, self._ended = self._ended == 2, self._ended % 2
        return dead


class SecondExchangeIgnored(Fault):
    """A list that is exchanged twice, and not used in between, stays as it was after the first time."""

    name = "list-exchanged-twice-ignored"
    description = "a list of contacts that is exchanged twice without a call between keeps the first exchange"
    breaks = frozenset({"OUT-01"})

    def __init__(self) -> None:
        super().__init__()
        self._exchanges = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Count the exchanges since the last call."""
        before = self.situation.settings
        if isinstance(given, Configured) and before is not None:
            kept = {"call_number": before.call_number, "further_numbers": before.further_numbers}
            exchanged = given.settings.with_changes(kept) != given.settings
            self._exchanges += exchanged
            if exchanged and self._exchanges == 2:
                given = Configured(given.settings.with_changes(kept), given.addresses)
        outputs = inner(given)
        if any(isinstance(output, Dial) for output in outputs):
            self._exchanges = 0
        return outputs


class HeldCallNotEnded(Fault):
    """A call on hold cannot be ended at the device."""

    name = "button-dead-on-hold"
    description = "the button does nothing while the other side has the call on hold"
    breaks = frozenset({"OUT-06", "INC-05"})

    def __init__(self) -> None:
        super().__init__()
        self._held = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        if isinstance(given, Held):
            self._held = given.held
        if self.situation.idle:
            self._held = False
        return [] if self._held and isinstance(given, ButtonPressed) else inner(given)


class DeafAfterHeldHangup(Fault):
    """A call that ends on hold leaves the device deaf to the next caller."""

    name = "deaf-after-hanging-up-on-hold"
    description = "the call after one that the other side ended on hold is refused"
    breaks = frozenset({"INC-02"})

    def __init__(self) -> None:
        super().__init__()
        self._held, self._deaf = False, False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse one call."""
        if isinstance(given, Held):
            self._held = given.held
        if isinstance(given, Ended):
            self._deaf |= self._held and given.by_remote
            self._held = False
        if isinstance(given, Incoming) and self._deaf:
            self._deaf = False
            return [Reject(given.call, 480, "Temporarily Unavailable")]
        return inner(given)


class SecondFirst(Fault, ABC):
    """A fault by which the next press begins with the second contact."""

    def __init__(self) -> None:
        super().__init__()
        self._skips = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Let the first contact of the one press fail without having been tried."""
        outputs = inner(given)
        if self._skips and isinstance(given, ButtonPressed):
            dialled = next((output for output in outputs if isinstance(output, Dial)), None)
            settings = self.situation.settings
            if dialled is not None and settings is not None and settings.further_numbers:
                self._skips = False
                outputs = [output for output in outputs if output is not dialled]
                outputs += inner(Ended(dialled.call, 480, "Temporarily Unavailable"))
        self._skips |= self.confused_by(given, outputs)
        return outputs

    @abstractmethod
    def confused_by(self, given: Input, outputs: list[Output]) -> bool:
        """Return whether the next press begins with the second contact."""


class SecondFirstAfterRefer(SecondFirst):
    """A REFER in a placed call."""

    name = "second-contact-first-after-refer"
    description = "the press after a placed call with a REFER in it begins with the second contact"
    breaks = frozenset({"OUT-01"})

    def confused_by(self, given: Input, outputs: list[Output]) -> bool:
        """By a REFER while a placed call is up."""
        return isinstance(given, Referred) and self.situation.placed and self.situation.up


class SecondFirstAfterRejection(SecondFirst):
    """A caller who was turned away."""

    name = "second-contact-first-after-a-rejected-caller"
    description = "the press after a caller was rejected begins with the second contact"
    breaks = frozenset({"OUT-01"})

    def confused_by(self, given: Input, outputs: list[Output]) -> bool:
        """By a rejection while idle."""
        return self.situation.idle and _any_event(outputs, events.INCOMING_REJECTED.name)


class FallbackForgotten(Fault):
    """A press while a contact rings makes fallback mode one without SRTP."""

    name = "fallback-in-clear-after-a-press-while-ringing"
    description = "in fallback mode, calls after a second press while ringing are placed in clear"
    breaks = frozenset({"ENC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._forgotten = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Dial without keys from then on."""
        ringing = not self.situation.idle and not self.situation.up
        fallback = self.situation.encryption is Encryption.FALLBACK
        self._forgotten |= isinstance(given, ButtonPressed) and ringing and fallback
        if isinstance(given, Configured):
            self._forgotten = False
        return [
            replace(output, media=Media.PLAIN) if self._forgotten and isinstance(output, Dial) else output
            for output in inner(given)
        ]


class AnybodyAfterBusy(Fault):
    """A second caller, while a call is up, makes the device forget whom it lets in."""

    name = "list-forgotten-after-a-second-call"
    description = "after a second call was turned away while one was up, everybody may call"
    breaks = frozenset({"INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._open = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take the next caller, whoever it is."""
        settings = self.situation.settings
        if isinstance(given, Configured):
            self._open = False
        if isinstance(given, Incoming):
            if self._open and self.situation.idle and settings is not None and settings.permitted_callers:
                taken = _as_listed(given, settings.permitted_callers[0], settings.server_address)
                return inner(taken)
            self._open |= self.situation.up
        return inner(given)


class IncomingOffInCallIgnored(Fault):
    """Incoming calls that are switched off while a call is up stay on."""

    name = "incoming-off-during-a-call-ignored"
    description = "incoming calls that are switched off while a call is up are taken all the same"
    breaks = frozenset({"INC-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep them on."""
        before = self.situation.settings
        if isinstance(given, Configured) and before is not None and self.situation.up:
            kept = {"allow_incoming": before.allow_incoming}
            given = Configured(given.settings.with_changes(kept), given.addresses)
        return inner(given)


class SecondNeverGivenUp(Fault):
    """After one contact rang out, the next rings for ever."""

    name = "second-contact-rings-for-ever"
    description = "a contact that rings after another one rang out is not given up"
    breaks = frozenset({"OUT-03"})

    def __init__(self) -> None:
        super().__init__()
        self._rung_out = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the second timer."""
        if isinstance(given, ButtonPressed | Configured):
            self._rung_out = False
        if given == TimerFired("ring"):
            if self._rung_out:
                return []
            self._rung_out = True
        return inner(given)


class SilentSecondTime(Fault):
    """A list that is exhausted twice in a row is announced once."""

    name = "second-exhaustion-not-announced"
    description = "a list that is exhausted again, with no answer in between, is not announced"
    breaks = frozenset({"OUT-04"})

    def __init__(self) -> None:
        super().__init__()
        self._announced = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the second announcement in a row."""
        outputs = inner(given)
        if isinstance(given, Established):
            self._announced = False
        if not any(isinstance(output, Announce) for output in outputs):
            return outputs
        again, self._announced = self._announced, True
        return [output for output in outputs if not (again and isinstance(output, Announce))]


class RingOutAfterBusyUnlogged(Fault):
    """After a busy contact, one that rings out fails without an entry."""

    name = "ring-out-after-busy-not-logged"
    description = "a contact that rings out after another one was busy has no entry in the log"
    breaks = frozenset({"EVT-03"})

    def __init__(self) -> None:
        super().__init__()
        self._busy = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the entry."""
        outputs = inner(given)
        if isinstance(given, ButtonPressed):
            self._busy = False
        self._busy |= isinstance(given, Ended) and given.status == 486
        if self._busy and given == TimerFired("ring"):
            return [output for output in outputs if not _event(output, events.OUTGOING_FAILURE.name)]
        return outputs


class TakenAfterPlacedNotEnded(Fault):
    """The button does not end a call that was taken right after one that was placed."""

    name = "button-dead-in-a-call-taken-after-one-placed"
    description = "the button does not end a call that was taken after a placed call was answered"
    breaks = frozenset({"INC-05"})

    def __init__(self) -> None:
        super().__init__()
        self._placed, self._stuck = False, False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        if isinstance(given, ButtonPressed) and self._stuck and self.situation.up:
            return []
        outputs = inner(given)
        if isinstance(given, Established):
            taken = _any_event(outputs, events.INCOMING_RECEIVED.name)
            self._stuck, self._placed = taken and self._placed, not taken
        return outputs


class NotShownAfterExhaustion(Fault):
    """The screen says nothing of a call that is taken after a list was exhausted."""

    name = "screen-blank-after-an-exhausted-list"
    description = "the screen shows nothing of the first call that is taken after a list was exhausted"
    breaks = frozenset({"INC-02"})

    def __init__(self) -> None:
        super().__init__()
        self._blank = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the text."""
        outputs = inner(given)
        self._blank |= _any_event(outputs, _EXHAUSTED)
        if self._blank and any(isinstance(output, Show) for output in outputs):
            self._blank = False
            return [output for output in outputs if not isinstance(output, Show)]
        return outputs


class ListForgottenBySwitch(Fault):
    """SIP off and on again opens the door to everybody."""

    name = "list-forgotten-after-sip-off"
    description = "after SIP was off and on again everybody may call"
    breaks = frozenset({"INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._was_off = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Forget the list."""
        if isinstance(given, Configured):
            if self._was_off and given.settings.enabled:
                open_to_all = given.settings.with_changes({"permitted_callers": ()})
                given = Configured(open_to_all, given.addresses)
            self._was_off = not given.settings.enabled
        return inner(given)


class HeldHangupUnlogged(Fault):
    """The end of a call that was on hold for a while is not logged."""

    name = "hang-up-after-hold-not-logged"
    description = "a call that was on hold, and that the other side ends, has no entry of its end"
    breaks = frozenset({"EVT-04", "EVT-09"})

    def __init__(self) -> None:
        super().__init__()
        self._was_held = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the entry."""
        outputs = inner(given)
        self._was_held |= isinstance(given, Held)
        if not isinstance(given, Ended):
            return outputs
        unlogged, self._was_held = self._was_held, False
        names = (events.OUTGOING_REMOTE_HANGUP.name, events.INCOMING_REMOTE_HANGUP.name)
        return [
            output
            for output in outputs
            if not (unlogged and isinstance(output, WriteEvent) and output.name in names)
        ]


COMBINED: tuple[type[Fault], ...] = (
    MutedAtThirdContact,
    ListKeptFromRinging,
    DeadAfterDecline,
    DeadAfterUnansweredCancel,
    DeadAfterTwoTaken,
    SecondExchangeIgnored,
    HeldCallNotEnded,
    DeafAfterHeldHangup,
    SecondFirstAfterRefer,
    SecondFirstAfterRejection,
    FallbackForgotten,
    AnybodyAfterBusy,
    IncomingOffInCallIgnored,
    SecondNeverGivenUp,
    SilentSecondTime,
    RingOutAfterBusyUnlogged,
    TakenAfterPlacedNotEnded,
    NotShownAfterExhaustion,
    ListForgottenBySwitch,
    HeldHangupUnlogged,
)
"""What an exploration has to find: no scenario does."""
_EXHAUSTED = events.OUTGOING_CONTACTS_EXHAUSTED.name


def _as_listed(call: Incoming, entry: str, server: str) -> Incoming:
    """Return a call as one of a caller on the list."""
    caller = entry if entry.startswith("sip:") else f"sip:{entry}@{server}"
    host = caller.partition("@")[2].partition(":")[0]
    return replace(call, caller=caller, source=host)


def _event(output: Output, name: str) -> bool:
    return isinstance(output, WriteEvent) and output.name == name


def _any_event(outputs: list[Output], name: str) -> bool:
    return any(_event(output, name) for output in outputs)
