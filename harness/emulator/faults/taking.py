"""Faults in taking calls (INC)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from harness.emulator.addresses import user_of
from harness.emulator.faults.fault import Fault
from harness.emulator.logic import ANSWERED_SCREEN
from harness.emulator.vocabulary import (
    Answer,
    ButtonPressed,
    Configured,
    Incoming,
    Input,
    Output,
    Reject,
    Ring,
    Show,
    Step,
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


class NoAnsweredScreen(Fault):
    """The screen says nothing about an answered call."""

    name = "no-answered-screen"
    description = "the screen does not show that a call was answered"
    breaks = frozenset({"INC-02"})

    def change(self, output: Output) -> Output | None:
        """Swallow the text."""
        return None if output == Show(ANSWERED_SCREEN) else output


class _CallerMisread(Fault):
    """A fault that takes a caller for somebody else before the list is consulted."""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Misread."""
        return inner(self.misread(given) if isinstance(given, Incoming) else given)

    @abstractmethod
    def misread(self, given: Incoming) -> Incoming:
        """Return the call as the device takes it."""

    def as_from_server(self, given: Incoming, caller: str = "") -> Incoming:
        """Return the call as if the server had sent it, of this caller if one is given."""
        settings = self.situation.settings
        server = settings.server_address if settings else given.source
        return replace(given, source=server, caller=caller or given.caller)


class ComparesDisplayName(_CallerMisread):
    """The display name is taken for the caller's number."""

    name = "allow-list-compares-display-name"
    description = "a caller whose display name is a permitted entry gets in"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Believe the display name where it is on the list."""
        settings = self.situation.settings
        entries = settings.permitted_callers if settings else ()
        for entry in entries:
            if settings and given.display and given.display in (entry, user_of(entry)):
                full = entry if entry.startswith("sip:") else f"sip:{entry}@{settings.server_address}"
                return self.as_from_server(given, full)
        return given


class IgnoresHost(_CallerMisread):
    """The caller's host does not matter."""

    name = "allow-list-ignores-host"
    description = "a permitted extension gets in whatever domain it claims"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Take every caller for one at the server."""
        settings = self.situation.settings
        if settings is None:
            return given
        return self.as_from_server(given, f"sip:{user_of(given.caller)}@{settings.server_address}")


class TrustsAnySource(_CallerMisread):
    """The From URI is believed wherever the INVITE came from."""

    name = "allow-list-trusts-any-source"
    description = "an INVITE sent straight to the device may claim any permitted caller"
    breaks = frozenset({"INC-07"})

    def misread(self, given: Incoming) -> Incoming:
        """Take every INVITE for one of the server's."""
        return self.as_from_server(given)


class ComparesLetterCase(Fault):
    """The host of an entry is compared letter for letter."""

    name = "allow-list-compares-letter-case"
    description = "an entry whose host has capital letters admits nobody"
    breaks = frozenset({"INC-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Put nobody in the place of such entries."""
        if isinstance(given, Configured):
            entries = given.settings.permitted_callers
            read = tuple("nobody" if entry != _with_small_host(entry) else entry for entry in entries)
            settings = given.settings.model_copy(update={"permitted_callers": read})
            given = replace(given, settings=settings)
        return inner(given)


def _with_small_host(entry: str) -> str:
    user, at, host = entry.partition("@")
    return user + at + host.lower()


class ButtonDoesNotEndAccepted(Fault):
    """The button does not end an accepted call."""

    name = "button-does-not-end-accepted"
    description = "the button does nothing while an accepted call is up"
    breaks = frozenset({"INC-05"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        deaf = self.situation.up and not self.situation.placed
        return [] if isinstance(given, ButtonPressed) and deaf else inner(given)


class AcceptedCallMuted(Fault):
    """The microphone stays shut on accepted calls."""

    name = "accepted-call-muted"
    description = "the microphone is muted on accepted calls"
    breaks = frozenset({"INC-06"})

    def change(self, output: Output) -> Output | None:
        """Shut the microphone."""
        return replace(output, microphone=False) if isinstance(output, Answer) else output
