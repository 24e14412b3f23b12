"""Faults in taking calls (INC); whom they admit is another matter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from intercom_hil.emulator import events
from intercom_hil.emulator.addresses import user_of
from intercom_hil.emulator.admission import refusal, server_hosts
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.logic import ANSWERED_SCREEN
from intercom_hil.emulator.vocabulary import (
    REFERRED,
    Answer,
    Apply,
    ButtonPressed,
    Configured,
    Ended,
    Established,
    Incoming,
    Input,
    Offer,
    Output,
    Referred,
    Reject,
    Ring,
    Show,
    Step,
    WriteEvent,
)


class IgnoresExtension(Fault):
    """Calls to the device's own extension are not for it."""

    name = "ignores-calls-to-extension"
    description = "a call whose request URI names the extension is answered 404"
    breaks = frozenset({"INC-01"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse without a word in the log."""
        settings = self.situation.settings
        if isinstance(given, Incoming) and settings and user_of(given.request_uri) == settings.extension:
            return [Reject(given.call, 404, "Not Found")]
        return inner(given)


class DoesNotAutoAnswer(Fault):
    """A permitted call rings until the caller gives up."""

    name = "does-not-auto-answer"
    description = "a permitted call rings for ever instead of being answered"
    breaks = frozenset({"INC-02"})

    def change(self, output: Output) -> Output | None:
        """Ring."""
        return Ring(output.call) if isinstance(output, Answer) else output


class RefusesWithoutOffer(Fault):
    """An INVITE without an offer is taken for one with an offer that will not do."""

    name = "refuses-calls-without-offer"
    description = "a call that leaves the offer to the device is refused with 488"
    breaks = frozenset({"INC-06", "EVT-06"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse without a word in the log."""
        if isinstance(given, Incoming) and given.offer is Offer.ABSENT:
            return [Reject(given.call, 488, "Not Acceptable Here")]
        return inner(given)


class NoAnsweredScreen(Fault):
    """The screen says nothing about an answered call."""

    name = "no-answered-screen"
    description = "the screen does not show that a call was answered"
    breaks = frozenset({"INC-02"})

    def change(self, output: Output) -> Output | None:
        """Swallow the text."""
        return None if output == Show(ANSWERED_SCREEN) else output


class ScreenBeforeDecision(Fault):
    """The screen shows what has not happened."""

    name = "answered-screen-for-rejected-calls"
    description = "the screen says of a call that was rejected that it was answered"
    breaks = frozenset({"INC-02"})
    shown_by = frozenset({"INC-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Show it for every call that comes in."""
        outputs = inner(given)
        rejected = isinstance(given, Incoming) and any(isinstance(o, Reject) for o in outputs)
        return [Show(ANSWERED_SCREEN), *outputs] if rejected else outputs


class BusyAfterRejection(Fault):
    """A call that was rejected is never over."""

    name = "busy-after-rejection"
    description = "after it has rejected a call, the device is busy to every caller until reconfigured"
    breaks = frozenset({"INC-02", "INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._stuck = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse whoever calls next."""
        self._stuck &= not isinstance(given, Configured)
        if self._stuck and isinstance(given, Incoming):
            return [Reject(given.call, 486, "Busy Here")]
        outputs = inner(given)
        self._stuck |= any(isinstance(output, Reject) for output in outputs)
        return outputs


class SomeCallsDespiteOff(Fault, ABC):
    """Incoming calls are switched off for some callers only."""

    def __init__(self) -> None:
        super().__init__()
        self._servers: frozenset[str] = frozenset()

    @abstractmethod
    def kept_out(self, given: Incoming) -> bool:
        """Return whether a caller is turned away, as it should be."""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Leave incoming calls on, and turn away who is kept out."""
        if isinstance(given, Configured):
            self._servers = server_hosts(given.settings, given.addresses)
            return inner(replace(given, settings=given.settings.with_changes({"allow_incoming": True})))
        settings = self.situation.settings
        if isinstance(given, Incoming) and settings and self.kept_out(given):
            refused = refusal(given, settings, {})
            if refused and not settings.allow_incoming:
                kind = events.INCOMING_REJECTED
                event = WriteEvent(kind.name, kind.screen_name, refused.details)
                return [Reject(given.call, refused.status, refused.reason), event]
        return inner(given)


class DirectCallsDespiteOff(SomeCallsDespiteOff):
    """Incoming calls are switched off at the server's door only."""

    name = "incoming-off-ignored-for-direct-calls"
    description = "with incoming calls off, a call that does not come from the server is taken all the same"
    breaks = frozenset({"INC-04"})

    def kept_out(self, given: Incoming) -> bool:
        """Turn away what the server sends."""
        return given.source in self._servers


class ButtonDoesNotEndAccepted(Fault):
    """The button does not end an accepted call."""

    name = "button-does-not-end-accepted"
    description = "the button does nothing while an accepted call is up"
    breaks = frozenset({"INC-05"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        deaf = self.situation.up and not self.situation.placed
        return [] if isinstance(given, ButtonPressed) and deaf else inner(given)


class ObeysRefer(Fault):
    """Whoever is on the line decides whom the device calls."""

    name = "obeys-refer"
    description = "in an accepted call a REFER is obeyed: the device calls a host that nobody configured"
    breaks = frozenset({"OUT-01"})

    def __init__(self) -> None:
        super().__init__()
        self._party = ""

    def change(self, output: Output) -> Output | None:
        """Have a REFER answered with 202."""
        return replace(output, obliging=True) if isinstance(output, Apply) else output

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Log the call that the SIP stack places, unknown to the logic, like any other."""
        if isinstance(given, Referred):
            self._party = given.uri.strip("<>")
            return []
        if isinstance(given, Established | Ended) and given.call == REFERRED:
            if isinstance(given, Established):
                kind = events.OUTGOING_ESTABLISHED
            else:
                kind = events.OUTGOING_REMOTE_HANGUP if given.by_remote else events.OUTGOING_FAILURE
            return [WriteEvent(kind.name, kind.screen_name, self._party)]
        return super().react(given, inner)


class AcceptedCallMuted(Fault):
    """The microphone stays shut on accepted calls."""

    name = "accepted-call-muted"
    description = "the microphone is muted on accepted calls"
    breaks = frozenset({"INC-06"})

    def change(self, output: Output) -> Output | None:
        """Shut the microphone."""
        return replace(output, microphone=False) if isinstance(output, Answer) else output
