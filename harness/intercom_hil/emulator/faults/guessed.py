"""Faults that were thought of row by row: what a device might do wrong where nobody happens to look.

Each is right in the case that is tried first, and wrong in the next one: after an answer, while a contact
rings, in a call that lasts, in calls that are taken, at the third contact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from intercom_hil.emulator import events
from intercom_hil.emulator.addresses import full_address, user_of
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import (
    Answer,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Established,
    HangUp,
    Incoming,
    Input,
    Output,
    RegistrationAnswered,
    Reject,
    StartTimer,
    Step,
    TimerFired,
    WriteEvent,
)

_LONGER = 1.5
"""Seconds."""
_AT_ONCE = 0.2
"""Seconds."""
_USUAL_VOLUME = 50
_MOST_STRANGERS = 3
_LONGEST_POLLING = 5.5
"""Seconds."""


class NextAfterHangUp(Fault):
    """Whatever ends a call is taken for its failure."""

    name = "next-contact-after-a-remote-hang-up"
    description = "when the other side ends a placed call, the next contact is called"
    breaks = frozenset({"OUT-02", "EVT-12"})
    shown_by = frozenset({"EVT-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Go on to the next one."""
        situation, settings = self.situation, self.situation.settings
        ended = isinstance(given, Ended) and given.by_remote and given.call == situation.call
        was_up = situation.up and situation.placed
        outputs = inner(given)
        if not (ended and was_up and settings and settings.further_numbers):
            return outputs
        uri = full_address(settings.further_numbers[0], settings.server_address, settings.server_port)
        again = [output for output in inner(ButtonPressed()) if not isinstance(output, WriteEvent)]
        return [*outputs, *(replace(o, uri=uri) if isinstance(o, Dial) else o for o in again)]


class RingsOnWithSipOff(Fault):
    """What is under way is brought to its end before SIP goes off."""

    name = "sip-off-when-it-has-rung-out"
    description = "SIP that is switched off while a contact rings is switched off when it has rung out"
    breaks = frozenset({"CFG-01"})

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Configured | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep what was saved until the contact has been given up."""
        ringing = bool(self.situation.call) and self.situation.placed and not self.situation.up
        if isinstance(given, Configured):
            self._waiting = given if ringing and not given.settings.enabled else None
            return inner(given) if self._waiting is None else []
        outputs = inner(given)
        over = given == TimerFired("ring") or (isinstance(given, Ended) and given.call == self.situation.call)
        if over and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            outputs += inner(waiting)
        return outputs


class LeftRinging(Fault):
    """Whoever changes his mind is not called for any more, and nobody is told."""

    name = "contact-left-ringing-when-given-up"
    description = "a press while a contact rings gives the call up, and the contact rings on"
    breaks = frozenset({"OUT-03"})
    shown_by = frozenset({"OUT-09"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Leave the call as it is."""
        ringing = bool(self.situation.call) and self.situation.placed and not self.situation.up
        outputs = inner(given)
        if isinstance(given, ButtonPressed) and ringing:
            return [output for output in outputs if not isinstance(output, HangUp)]
        return outputs


class ThirdRingsLonger(Fault):
    """The time of a contact grows with its place."""

    name = "third-contact-rings-longer"
    description = "contacts from the third on are given 1.5 s more than the call timeout"
    breaks = frozenset({"OUT-03"})
    shown_by = frozenset({"OUT-02"})

    def __init__(self) -> None:
        super().__init__()
        self._dials = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Count from the press on."""
        if isinstance(given, ButtonPressed):
            self._dials = 0
        changed: list[Output] = []
        for output in inner(given):
            self._dials += isinstance(output, Dial)
            longer = isinstance(output, StartTimer) and output.name == "ring" and self._dials > 2
            if longer and isinstance(output, StartTimer):
                output = StartTimer("ring", output.seconds + _LONGER)
            changed.append(output)
        return changed


class HammersOverloaded(Fault):
    """The pause after a refusal is for wrong passwords alone."""

    name = "hammers-an-overloaded-server"
    description = "a server that says 503 is asked again within a fifth of a second"
    breaks = frozenset({"REG-02"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Ask again at once."""
        outputs = inner(given)
        if not isinstance(given, RegistrationAnswered) or given.status != 503:
            return outputs
        return [
            StartTimer("register", _AT_ONCE) if isinstance(o, StartTimer) and o.name == "register" else o
            for o in outputs
        ]


class PollsNoMore(Fault):
    """A check that falls into a call is left out, and with it all that follow."""

    name = "polls-no-more-after-a-placed-call"
    description = "connectivity is confirmed no more once that was due in a placed call"
    breaks = frozenset({"REG-03"})
    shown_by = frozenset({"OUT-05"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Leave it out."""
        in_call = bool(self.situation.call) and self.situation.placed
        return [] if given == TimerFired("poll") and in_call else inner(given)


class TakenCallsAtUsualVolume(Fault):
    """The volume that is set is that of the calls that are placed."""

    name = "microphone-volume-of-placed-calls-only"
    description = "in calls that are taken the microphone is always at 50"
    breaks = frozenset({"CFG-15"})

    def change(self, output: Output) -> Output | None:
        """Undo what was set."""
        settings = self.situation.settings
        if isinstance(output, Answer) and settings is not None and settings.microphone_volume:
            return replace(output, gain=_USUAL_VOLUME / settings.microphone_volume)
        return output


class EntriesWithoutHost(Fault):
    """Of an entry of the list the number is kept."""

    name = "allow-list-keeps-numbers-alone"
    description = "a full entry of the list admits its number at the server, whatever host it names"
    breaks = frozenset({"INC-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Cut the entries short."""
        if isinstance(given, Configured):
            entries = tuple(user_of(entry) or entry for entry in given.settings.permitted_callers)
            given = Configured(given.settings.with_changes({"permitted_callers": entries}), given.addresses)
        return inner(given)


class EndsAtCallTimeout(Fault):
    """The time for an answer runs on when somebody has answered."""

    def __init__(self, name: str, description: str, breaks: str, shown_by: str, placed: bool) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            breaks: the rows that it breaks.
            shown_by: the rows whose scenarios show it.
            placed: whether it is about calls that are placed, and not taken.
        """
        super().__init__()
        self.name, self.description = name, description
        self.breaks, self.shown_by = frozenset(breaks.split()), frozenset(shown_by.split())
        self._placed = placed

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Hang up when it is over."""
        situation = self.situation
        if given == TimerFired("talk"):
            in_call = situation.up and situation.placed == self._placed
            return inner(ButtonPressed()) if in_call else []
        outputs = inner(given)
        begins = isinstance(given, Established) and given.call == situation.call
        if begins and situation.placed == self._placed and situation.settings is not None:
            outputs.append(StartTimer("talk", float(situation.settings.call_timeout)))
        return outputs


ENDS_AT_CALL_TIMEOUT = (
    (
        "placed-calls-end-at-the-call-timeout",
        "a placed call is ended when it has lasted for the call timeout",
        "OUT-05",
        "OUT-03",
        True,
    ),
    (
        "taken-calls-end-at-the-call-timeout",
        "a call that was taken is ended when it has lasted for the call timeout",
        "INC-06 EVT-08",
        "EVT-08",
        False,
    ),
)
"""Name, what is wrong, the rows, whose scenarios show it, and whether it is about placed calls."""


class DroppedForAStranger(Fault):
    """Whoever is turned away ends the call that is up."""

    name = "call-dropped-by-a-rejected-caller"
    description = "a caller who is turned away while a placed call is up ends that call"
    breaks = frozenset({"OUT-05"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Hang up as well."""
        up = self.situation.up and self.situation.placed
        outputs = inner(given)
        refused = any(isinstance(output, Reject) for output in outputs)
        return [*outputs, *inner(ButtonPressed())] if refused and up else outputs


class LockedByStrangers(Fault):
    """Somebody seems to try the lock, and nobody gets in any more."""

    name = "locked-after-three-strangers"
    description = "after three callers were turned away, everybody is, until reconfigured"
    breaks = frozenset({"INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._refused = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Turn away whoever comes."""
        if isinstance(given, Configured):
            self._refused = 0
        if isinstance(given, Incoming) and self._refused >= _MOST_STRANGERS:
            kind, details = events.INCOMING_REJECTED, f"caller not permitted: {given.caller}"
            return [
                Reject(given.call, 403, "Forbidden"),
                WriteEvent(kind.name, kind.screen_name, details),
            ]
        outputs = inner(given)
        self._refused += any(isinstance(output, Reject) for output in outputs)
        return outputs


class PollsTooOften(Fault):
    """A time that is long does not fit where it is kept."""

    name = "long-polling-interval-cut"
    description = "a polling interval of more than 5.5 s is cut to that"
    breaks = frozenset({"CFG-05"})
    shown_by = frozenset({"CFG-17"})

    def change(self, output: Output) -> Output | None:
        """Cut it."""
        if isinstance(output, StartTimer) and output.name == "poll":
            return StartTimer("poll", min(output.seconds, _LONGEST_POLLING))
        return output


GUESSED: tuple[Callable[[], Fault], ...] = (
    NextAfterHangUp,
    RingsOnWithSipOff,
    LeftRinging,
    ThirdRingsLonger,
    HammersOverloaded,
    PollsNoMore,
    TakenCallsAtUsualVolume,
    EntriesWithoutHost,
    *(partial(EndsAtCallTimeout, *row) for row in ENDS_AT_CALL_TIMEOUT),
    DroppedForAStranger,
    LockedByStrangers,
    PollsTooOften,
)
"""What makes each fault of this file."""
