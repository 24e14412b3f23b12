"""Faults in placing calls (OUT)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from intercom_hil.emulator import events
from intercom_hil.emulator.addresses import full_address
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import (
    Announce,
    ButtonPressed,
    Configured,
    CrashAgent,
    Dial,
    Ended,
    Established,
    HangUp,
    Incoming,
    Input,
    Media,
    Output,
    Reject,
    StartTimer,
    Step,
    TimerFired,
    WriteEvent,
)


class ButtonDead(Fault):
    """The button places no call."""

    name = "button-dead"
    description = "the button does nothing while the device is idle"
    breaks = frozenset({"OUT-01"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        return [] if isinstance(given, ButtonPressed) and self.situation.idle else inner(given)


class ButtonForFirstContactOnly(Fault):
    """The button ends only a call that the first contact has answered."""

    name = "button-does-not-hang-up-on-further-contacts"
    description = "the button does nothing while a call is up that a further contact has answered"
    breaks = frozenset({"OUT-06"})

    def __init__(self) -> None:
        super().__init__()
        self._dialled = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Count the contacts, and swallow the press."""
        pressed = isinstance(given, ButtonPressed)
        if pressed and self.situation.placed and self.situation.up and self._dialled > 1:
            return []
        outputs = inner(given)
        dials = sum(isinstance(output, Dial) for output in outputs)
        self._dialled = dials if pressed else self._dialled + dials
        return outputs


class ButtonDoesNotHangUp(Fault):
    """The button does not end a placed call."""

    name = "button-does-not-hang-up"
    description = "the button does nothing while a placed call is up"
    breaks = frozenset({"OUT-06"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press."""
        deaf = self.situation.placed and self.situation.up
        return [] if isinstance(given, ButtonPressed) and deaf else inner(given)


class GivesUpAfter(Fault):
    """One kind of failure ends the whole attempt."""

    def __init__(self, name: str, description: str, status: int) -> None:
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset({"OUT-02"})
        self._status = status

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Let every further contact fail without having been tried, and keep silent about it."""
        outputs = inner(given)
        if not (isinstance(given, Ended) and given.status == self._status and not self.situation.up):
            return outputs
        while dials := [output for output in outputs if isinstance(output, Dial)]:
            outputs = [output for output in outputs if output not in dials]
            for dial in dials:
                untried = inner(Ended(dial.call, given.status, given.reason))
                outputs += [o for o in untried if not _is_event(o, events.OUTGOING_FAILURE.name)]
        return outputs


GIVES_UP_AFTER: tuple[Callable[[], GivesUpAfter], ...] = tuple(
    partial(
        GivesUpAfter,
        f"next-contact-not-tried-after-{name}",
        f"a contact that {what} ends the attempt: no further contact is tried",
        status,
    )
    for name, what, status in (
        ("busy", "is busy", 486),
        ("403", "forbids the call", 403),
        ("408", "is not reached in time by its server", 408),
        ("503", "has a server that is overloaded", 503),
        ("600", "is busy everywhere", 600),
    )
)
"""What makes each fault of that kind."""


class DialsOnAfterAnswer(Fault):
    """An answer does not stop the walk through the contacts."""

    name = "next-tried-after-answer"
    description = "the next contact is dialled although one has answered"
    breaks = frozenset({"OUT-02"})
    _BESIDES = "-besides"

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Dial the first further number beside the answered call, and let go of it when that one ends."""
        outputs = inner(given)
        over = [o.call for o in outputs if isinstance(o, HangUp)]
        over += [given.call] if isinstance(given, Ended) else []
        outputs += [HangUp(f"{call}{self._BESIDES}") for call in over if call == self.situation.call]
        settings = self.situation.settings
        answered = any(_is_event(output, events.OUTGOING_ESTABLISHED.name) for output in outputs)
        if answered and settings and settings.further_numbers and isinstance(given, Established):
            number = settings.further_numbers[0]
            uri = full_address(number, settings.server_address, settings.server_port)
            if not any(uri in repr(output) for output in outputs):  # it is not the one that has answered
                outputs.append(Dial(given.call + self._BESIDES, uri, Media.PLAIN))
        return outputs


class DialsLate(Fault):
    """A press has its effect when the visitor has gone."""

    name = "dials-late"
    description = "the call is placed 4 s after the press"
    breaks = frozenset({"OUT-01"})

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Output] = []

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Hold what a press leads to, and do it when its time has come."""
        if given == TimerFired("late"):
            held, self._held = self._held, []
            return held
        outputs = inner(given)
        if isinstance(given, ButtonPressed) and any(isinstance(output, Dial) for output in outputs):
            self._held = outputs
            return [StartTimer("late", 4.0)]
        if isinstance(given, Configured):
            self._held = []
        return outputs


class NoCancel(Fault):
    """The call timeout passes unnoticed."""

    name = "no-cancel-at-timeout"
    description = "an unanswered call rings on beyond the call timeout"
    breaks = frozenset({"OUT-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the timer."""
        return [] if given == TimerFired("ring") else inner(given)


class KeepsLateAnswer(Fault):
    """What has been given up is not ended when it is answered all the same."""

    name = "keeps-late-answer"
    description = "an answer that crosses the CANCEL is not followed by a BYE: that contact listens in"
    breaks = frozenset({"OUT-03"})

    def __init__(self) -> None:
        super().__init__()
        self._given_up: set[str] = set()

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Cancel at the timeout, and take no notice of what comes of it until reconfigured."""
        outputs = inner(given)
        if given == TimerFired("ring"):
            self._given_up |= {o.call for o in outputs if isinstance(o, HangUp)}
            return [replace(o, cancel_only=True) if isinstance(o, HangUp) else o for o in outputs]
        if isinstance(given, Established) and given.call in self._given_up:
            return [o for o in outputs if o != HangUp(given.call)]
        if isinstance(given, Ended):
            self._given_up.discard(given.call)
        if isinstance(given, Configured):
            outputs = [*(HangUp(call) for call in sorted(self._given_up)), *outputs]
            self._given_up.clear()
        return outputs


class NoAnnouncement(Fault):
    """The failure of the call is reported to nobody."""

    name = "no-announcement"
    description = "no announcement when no contact could be reached"
    breaks = frozenset({"OUT-04"})

    def change(self, output: Output) -> Output | None:
        """Swallow the announcement."""
        return None if isinstance(output, Announce) else output


class AnnouncesOnce(Fault):
    """The failure of the call is reported to the first visitor alone."""

    name = "announces-once"
    description = "the announcement is played once, and never again until reconfigured"
    breaks = frozenset({"OUT-04"})

    def __init__(self) -> None:
        super().__init__()
        self._announced = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow every announcement but the first."""
        self._announced &= not isinstance(given, Configured)
        outputs = inner(given)
        announced = any(isinstance(output, Announce) for output in outputs)
        if announced and self._announced:
            return [output for output in outputs if not isinstance(output, Announce)]
        self._announced |= announced
        return outputs


class AnnouncesAfterHangup(Fault):
    """A failure is announced after a call that was none."""

    name = "announces-after-hangup"
    description = "the announcement that the call has failed is played after a remote hang-up"
    breaks = frozenset({"OUT-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Announce what has not happened."""
        outputs = inner(given)
        hung_up = any(_is_event(output, events.OUTGOING_REMOTE_HANGUP.name) for output in outputs)
        return [*outputs, Announce()] if hung_up else outputs


class OneWayAudio(Fault):
    """The microphone stays shut on placed calls."""

    name = "one-way-audio"
    description = "the microphone is muted on placed calls"
    breaks = frozenset({"OUT-05"})

    def change(self, output: Output) -> Output | None:
        """Shut the microphone."""
        return replace(output, microphone=False) if isinstance(output, Dial) else output


class ThirdContactHearsNothing(Fault):
    """The microphone is opened for the first two contacts alone."""

    name = "third-contact-hears-nothing"
    description = "the microphone is muted in a call to the third contact"
    breaks = frozenset({"OUT-05"})

    def change(self, output: Output) -> Output | None:
        """Shut the microphone."""
        settings = self.situation.settings
        if not isinstance(output, Dial) or settings is None or len(settings.further_numbers) < 2:
            return output
        number = settings.further_numbers[1]
        third = full_address(number, settings.server_address, settings.server_port)
        return replace(output, microphone=False) if output.uri == third else output


class QuieterCallByCall(Fault):
    """A gain that is set back before each call, and from what it is then."""

    name = "quieter-call-by-call"
    description = "every call after the first one is 20 dB quieter"
    breaks = frozenset({"OUT-05"})

    def __init__(self) -> None:
        super().__init__()
        self._gain = 1.0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Lower the gain when a call has come up; new settings set it right again."""
        if isinstance(given, Configured):
            self._gain = 1.0
        outputs = [
            replace(output, gain=self._gain) if isinstance(output, Dial) else output
            for output in inner(given)
        ]
        if isinstance(given, Established):
            self._gain = 0.1
        return outputs


class WrongHost(Fault):
    """Short numbers are dialled at a fixed host."""

    name = "short-number-dialled-at-wrong-host"
    description = "a short number is dialled at a host that is not the configured server"
    breaks = frozenset({"OUT-07"})
    WRONG_HOST = "127.255.255.254"
    """A loopback address at which nothing answers."""

    def change(self, output: Output) -> Output | None:
        """Dial short numbers elsewhere."""
        settings = self.situation.settings
        if not isinstance(output, Dial) or settings is None:
            return output
        for number in (settings.call_number, *settings.further_numbers):
            short = full_address(number, settings.server_address, settings.server_port) != number
            if short and output.uri.startswith(f"sip:{number}@"):
                return replace(output, uri=f"sip:{number}@{self.WRONG_HOST}")
        return output


class DeafAfterRemoteHangup(Fault):
    """A placed call that the remote side ends leaves the device stuck."""

    name = "deaf-after-remote-hangup"
    description = "after the remote side ended a placed call, no call is placed or taken until reconfigured"
    breaks = frozenset({"OUT-08"})

    def __init__(self) -> None:
        super().__init__()
        self._deaf = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Ignore button and callers once stuck."""
        if isinstance(given, Configured):
            self._deaf = False
        if self._deaf and isinstance(given, ButtonPressed):
            return []
        if self._deaf and isinstance(given, Incoming):
            return [Reject(given.call, 480, "Temporarily Unavailable")]
        outputs = inner(given)
        self._deaf |= any(_is_event(output, events.OUTGOING_REMOTE_HANGUP.name) for output in outputs)
        return outputs


class CrashesOnCall(Fault):
    """The firmware aborts as soon as a call is up."""

    name = "crashes-on-call"
    description = "the SIP agent aborts when a call has been answered, and the device reboots"
    breaks = frozenset({"OUT-05", "INC-06"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Abort after the answer has been dealt with."""
        outputs = inner(given)
        return [*outputs, CrashAgent()] if isinstance(given, Established) else outputs


def _is_event(output: Output, name: str) -> bool:
    return isinstance(output, WriteEvent) and output.name == name
