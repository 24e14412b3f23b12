"""Faults that were reported of intercoms and SIP telephones: each shows in one situation, and nowhere else.

The issue trackers of SIP stacks and the release notes of door stations have them: a list that is not looked
at on one transport, a number that is cut short, a state that outlives its call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from intercom_hil.emulator import events
from intercom_hil.emulator.addresses import user_of
from intercom_hil.emulator.faults.admitting import CallerMisread
from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.faults.taking import SomeCallsDespiteOff
from intercom_hil.emulator.settings import Encryption, Transport
from intercom_hil.emulator.vocabulary import (
    Answer,
    Apply,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    Established,
    HangUp,
    Incoming,
    Input,
    Media,
    Offer,
    Output,
    Picture,
    RegistrationAnswered,
    Reject,
    Ringing,
    StartTimer,
    Step,
    TimerFired,
    WriteEvent,
)

_NOT_AT_HAND = frozenset({403, 404, 408, 480, 486, 600, 603})
"""Statuses that say nothing of the media."""
_AT_ONCE, _LOCKED = 0.2, 2.0
"""Seconds."""
_LONGEST_NUMBER = 12
_MOST_CONTACTS = 3

# -- whom a press calls --------------------------------------------------------------------------------------


class _PassesOver(Fault, ABC):
    """A fault by which some contacts are neither called nor mentioned in the log."""

    def __init__(self) -> None:
        super().__init__()
        self._dials = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Have the contact fail without having been called."""
        if isinstance(given, ButtonPressed):
            self._dials = 0
        return self._called(inner(given), inner)

    def _called(self, outputs: list[Output], inner: Step) -> list[Output]:
        for place, output in enumerate(outputs):
            if not isinstance(output, Dial):
                continue
            self._dials += 1
            if self.passes_over(output):
                further = inner(Ended(output.call, 480, "passed over"))
                silent = [o for o in further if not _is_event(o, events.OUTGOING_FAILURE.name)]
                return [*outputs[:place], *self._called(silent, inner)]
        return outputs

    @abstractmethod
    def passes_over(self, dial: Dial) -> bool:
        """Return whether this one is left out."""


class FourthContactNeverCalled(_PassesOver):
    """A table has three places."""

    name = "fourth-contact-never-called"
    description = "of a list of contacts the first three are called, and no other"
    breaks = frozenset({"OUT-02", "OUT-07"})

    def passes_over(self, dial: Dial) -> bool:
        """Leave out whoever comes after the third."""
        return self._dials > _MOST_CONTACTS


class RungOutPassedOver(_PassesOver):
    """A contact that did not answer is remembered as one that is away."""

    name = "contact-that-rang-out-passed-over-next-time"
    description = "a further contact that once rang out is passed over by later presses, until reconfigured"
    breaks = frozenset({"OUT-02"})

    def __init__(self) -> None:
        super().__init__()
        self._away: set[str] = set()
        self._ringing = ""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Remember whose time was over."""
        if isinstance(given, Configured):
            self._away = set()
        if given == TimerFired("ring") and self._ringing:
            self._away.add(self._ringing)
        return super().react(given, inner)

    def passes_over(self, dial: Dial) -> bool:
        """Leave out a further contact that is remembered."""
        self._ringing = dial.uri if self._dials > 1 else ""
        return self._dials > 1 and dial.uri in self._away


class RedialsInClear(Fault):
    """Whatever goes wrong with a secured call is blamed on its protection."""

    name = "any-refusal-redialled-in-clear"
    description = "in fallback mode a contact that is busy, or declines, is called again in clear"
    breaks = frozenset({"OUT-02"})
    shown_by = frozenset({"ENC-04"})

    def __init__(self) -> None:
        super().__init__()
        self._secure = ""

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take it for a refusal of the media."""
        failed = isinstance(given, Ended) and given.call == self._secure and given.status in _NOT_AT_HAND
        if failed and isinstance(given, Ended) and self.situation.encryption is Encryption.FALLBACK:
            given = replace(given, status=488)
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Take note of what is tried with protection."""
        if isinstance(output, Dial):
            self._secure = output.call if output.media is Media.SECURE else ""
        if isinstance(output, HangUp):
            self._secure = ""
        return output


class RungOutRedialledInClear(Fault):
    """Nobody answers, and the protection is blamed for it."""

    name = "unanswered-call-redialled-in-clear"
    description = "in fallback mode a contact that rang out is called again in clear"
    breaks = frozenset({"OUT-02"})
    shown_by = frozenset({"ENC-04"})

    def __init__(self) -> None:
        super().__init__()
        self._dialled: Dial | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Hang up, and call anew."""
        dialled, fallback = self._dialled, self.situation.encryption is Encryption.FALLBACK
        if given == TimerFired("ring") and fallback and dialled and dialled.media is Media.SECURE:
            return [HangUp(dialled.call), *super().react(Ended(dialled.call, 488, "no answer"), inner)]
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Take note of whom it calls."""
        self._dialled = output if isinstance(output, Dial) else self._dialled
        return output


class _NumberMangled(Fault):
    """A fault of the numbers that are dialled."""

    def __init__(self, name: str, description: str, breaks: str, mangle: Callable[[str], str]) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            breaks: the rows that it breaks.
            mangle: makes of a number what is dialled.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self.shown_by = frozenset({"OUT-07"})
        self._mangle = mangle

    def change(self, output: Output) -> Output | None:
        """Dial another number."""
        if not isinstance(output, Dial):
            return output
        scheme, _, rest = output.uri.partition(":")
        user, at, host = rest.partition("@")
        return replace(output, uri=f"{scheme}:{self._mangle(user)}{at}{host}") if at else output


MANGLED: tuple[Callable[[], Fault], ...] = tuple(
    partial(_NumberMangled, *row)
    for row in (
        (
            "long-numbers-cut",
            "of a number that is dialled the first 12 characters count",
            "OUT-07 OUT-01",
            lambda number: number[:_LONGEST_NUMBER],
        ),
        (
            "zeros-in-front-not-dialled",
            "zeros in front of a number are not dialled",
            "OUT-07 OUT-01",
            lambda number: number.lstrip("0") or number,
        ),
        ("letters-dialled-small", "a number of letters is dialled in small ones", "OUT-07", str.lower),
    )
)
"""What makes each fault of that kind."""


class ChainEndedByCaller(Fault):
    """Whoever calls in between is taken for the answer."""

    name = "chain-ended-by-a-rejected-caller"
    description = "a caller who is turned away while a contact rings ends the attempt"
    breaks = frozenset({"OUT-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Turn the caller away, and give the attempt up."""
        ringing = bool(self.situation.call) and self.situation.placed and not self.situation.up
        outputs = inner(given)
        rejected = isinstance(given, Incoming) and any(isinstance(o, Reject) for o in outputs)
        return [*outputs, *inner(ButtonPressed())] if ringing and rejected else outputs


class RingTimeBeginsAnew(Fault):
    """Each sign of life of a contact starts the call timeout again."""

    name = "ring-time-begins-anew"
    description = "the call timeout begins anew with each 180 of the contact"
    breaks = frozenset({"OUT-03"})
    shown_by = frozenset({"ENC-04"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Start the time again."""
        outputs = inner(given)
        settings = self.situation.settings
        if settings and isinstance(given, Ringing) and given.call == self.situation.call:
            outputs.append(StartTimer("ring", float(settings.call_timeout)))
        return outputs


# -- how a call is ended -------------------------------------------------------------------------------------


class HangUpLockedAtFirst(Fault):
    """The button is deaf for a while, so that nobody who presses it twice hangs up."""

    name = "hang-up-ignored-for-two-seconds"
    description = "in the first two seconds of a call the button does nothing"
    breaks = frozenset({"INC-05", "OUT-06"})

    def __init__(self) -> None:
        super().__init__()
        self._locked = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Swallow the press while it is locked."""
        if given == TimerFired("hang-up locked"):
            self._locked = False
            return []
        if isinstance(given, ButtonPressed) and self._locked and self.situation.up:
            return []
        outputs = inner(given)
        if isinstance(given, Established) and self.situation.placed and given.call == self.situation.call:
            self._locked = True
            outputs.append(StartTimer("hang-up locked", _LOCKED))
        return outputs


# -- who is let in -------------------------------------------------------------------------------------------


class ListIgnored(CallerMisread):
    """The list is not looked at in one situation."""

    def __init__(
        self, name: str, description: str, breaks: str, where: Callable[[ListIgnored, Incoming], bool]
    ) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            breaks: the rows that it breaks.
            where: whether the list is not looked at for a call.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self._where = where
        self.called: set[str] = set()
        self.refused = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take note of who is called, and how many are refused."""
        if isinstance(given, Configured):
            self.called, self.refused = set(), 0
        outputs = super().react(given, inner)
        self.called |= {user_of(output.uri) for output in outputs if isinstance(output, Dial)}
        if isinstance(given, Incoming):
            turned_away = any(isinstance(output, Reject) for output in outputs)
            self.refused = self.refused + 1 if turned_away else 0
        return outputs

    def misread(self, given: Incoming) -> Incoming:
        """Take the caller for the first one on the list."""
        settings = self.situation.settings
        if settings is None or not settings.permitted_callers or not self._where(self, given):
            return given
        return self.as_listed(given, settings.permitted_callers[0])


def _is_contact(fault: ListIgnored, given: Incoming) -> bool:
    settings = fault.situation.settings
    numbers = (settings.call_number, *settings.further_numbers) if settings else ()
    return user_of(given.caller) in {user_of(number) or number for number in numbers}


def _over_tcp(fault: ListIgnored, given: Incoming) -> bool:
    settings = fault.situation.settings
    return settings is not None and settings.transport is Transport.TCP


_ASKS_FOR_AN_ANSWER = ("call-info", "alert-info", "answer-mode", "priority")


def _asks_for_an_answer(fault: ListIgnored, given: Incoming) -> bool:
    return any(name in given.claims for name in _ASKS_FOR_AN_ANSWER)


LIST_IGNORED: tuple[Callable[[], Fault], ...] = tuple(
    partial(ListIgnored, *row)
    for row in (
        (
            "contacts-may-call",
            "whoever is among the contacts may call, whether permitted or not",
            "INC-03 INC-07",
            _is_contact,
        ),
        (
            "whoever-was-called-may-call-back",
            "whoever was called may call back, whether permitted or not, until reconfigured",
            "INC-03",
            lambda fault, given: user_of(given.caller) in fault.called,
        ),
        (
            "list-ignored-over-tcp",
            "with the transport TCP everybody may call",
            "INC-03",
            _over_tcp,
        ),
        (
            "list-ignored-for-video",
            "whoever offers video may call",
            "INC-07",
            lambda fault, given: given.video,
        ),
        (
            "list-ignored-for-srtp",
            "whoever offers SRTP may call",
            "INC-07",
            lambda fault, given: given.offer is not Offer.PLAIN,
        ),
        (
            "list-ignored-for-auto-answer",
            "whoever asks to be answered at once may call",
            "INC-07",
            _asks_for_an_answer,
        ),
        (
            "third-stranger-in-a-row-gets-in",
            "after two callers were turned away the third one gets in",
            "INC-03",
            lambda fault, given: fault.refused == _MOST_CONTACTS - 1,
        ),
    )
)
"""What makes each fault of that kind."""


class AutoAnswerDespiteOff(SomeCallsDespiteOff):
    """Who asks to be answered at once is, whatever is set."""

    name = "auto-answer-despite-incoming-off"
    description = "with incoming calls off, a caller who asks to be answered at once is let in"
    breaks = frozenset({"INC-04"})

    def kept_out(self, given: Incoming) -> bool:
        """Keep out who does not ask."""
        return not any(name in given.claims for name in _ASKS_FOR_AN_ANSWER)


class StrangerCutsIn(Fault):
    """While a contact rings nobody looks at the list."""

    name = "stranger-taken-while-a-contact-rings"
    description = "a caller who is not permitted is taken while a contact rings, and the attempt given up"
    breaks = frozenset({"INC-03", "OUT-03"})
    shown_by = frozenset({"OUT-03"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Give the attempt up, and answer."""
        settings = self.situation.settings
        ringing = bool(self.situation.call) and self.situation.placed and not self.situation.up
        if isinstance(given, Incoming) and ringing and settings and settings.permitted_callers:
            listed = settings.permitted_callers[0]
            caller = listed if listed.startswith("sip:") else f"sip:{listed}@{settings.server_address}"
            known = replace(given, source=settings.server_address, caller=caller)
            return [*inner(ButtonPressed()), *inner(known)]
        return inner(given)


# -- how media is protected ----------------------------------------------------------------------------------


class ClearFromTheSecondCallOn(Fault):
    """The policy of the first call is forgotten with it."""

    def __init__(self, name: str, description: str, breaks: str, placed: bool) -> None:
        """Make it.

        Args:
            name: what the fault is asked for by.
            description: what the device does wrong.
            breaks: the rows that it breaks.
            placed: whether it is about calls that are placed, and not taken.
        """
        super().__init__()
        self.name, self.description, self.breaks = name, description, frozenset(breaks.split())
        self._placed, self._calls = placed, 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Take the second call for one under no policy."""
        if isinstance(given, Configured):
            self._calls = 0
        again = isinstance(given, Incoming) and not self._placed and self._calls > 0 and self._applies
        if again and isinstance(given, Incoming) and given.offer is Offer.PLAIN:
            given = replace(given, offer=Offer.SECURE)
        outputs = inner(given)
        changed: list[Output] = []
        for output in outputs:
            self._calls += isinstance(output, Dial if self._placed else Answer)
            if isinstance(output, Dial) and self._placed and self._calls > 1 and self._applies:
                output = replace(output, media=Media.PLAIN)
            changed.append(output)
        return changed

    @property
    def _applies(self) -> bool:
        return self.situation.encryption is Encryption.SRTP_ONLY


CLEAR_FROM_THE_SECOND: tuple[Callable[[], Fault], ...] = (
    partial(
        ClearFromTheSecondCallOn,
        "second-placed-call-in-clear",
        "under SRTP-only the second call that is placed, and those after it, are in clear",
        "ENC-07 ENC-08",
        placed=True,
    ),
    partial(
        ClearFromTheSecondCallOn,
        "second-taken-call-in-clear",
        "under SRTP-only a plain call is taken once another call was",
        "ENC-09",
        placed=False,
    ),
)
"""What makes each fault of that kind."""


class SecureRefusedAfterPlain(Fault):
    """What the first caller could do is expected of all."""

    name = "secure-call-refused-after-a-plain-one"
    description = "in fallback mode a secure call is refused with 488 once a plain one was taken"
    breaks = frozenset({"ENC-05"})
    shown_by = frozenset({"ENC-06"})

    def __init__(self) -> None:
        super().__init__()
        self._plain = False

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Refuse it."""
        if isinstance(given, Configured):
            self._plain = False
        outputs = inner(given)
        answered = any(isinstance(output, Answer) for output in outputs)
        if not isinstance(given, Incoming) or not answered:
            return outputs
        if given.offer is Offer.SECURE and self._plain:
            inner(Ended(given.call, 488, ""))
            kind = events.INCOMING_REJECTED
            return [
                Reject(given.call, 488, "Not Acceptable Here"),
                WriteEvent(kind.name, kind.screen_name, f"media security: {given.caller}"),
            ]
        self._plain |= given.offer is Offer.PLAIN
        return outputs


# -- transport and registration ------------------------------------------------------------------------------


class UdpWhereTlsFails(Fault):
    """Rather in clear than not at all."""

    name = "falls-back-to-udp-where-tls-fails"
    description = "a server that cannot be reached over TLS is tried over UDP"
    breaks = frozenset({"CFG-06"})
    shown_by = frozenset({"TLS-02"})

    def __init__(self) -> None:
        super().__init__()
        self._applied: Apply | None = None

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Apply the same settings with another transport."""
        outputs = super().react(given, inner)
        applied = self._applied
        failed = isinstance(given, RegistrationAnswered) and not 200 <= given.status < 300
        if failed and applied and applied.settings.transport is Transport.TLS:
            settings = applied.settings.with_changes({"transport": Transport.UDP})
            self._applied = None
            return [*outputs, replace(applied, settings=settings)]
        return outputs

    def change(self, output: Output) -> Output | None:
        """Take note of what is applied."""
        self._applied = output if isinstance(output, Apply) else self._applied
        return output


class HammersProxy(Fault):
    """The pause after a refusal is for that of the server alone."""

    name = "hammers-a-proxy-that-refuses"
    description = "after a registration that the proxy refused the next attempt follows at once"
    breaks = frozenset({"REG-02"})
    shown_by = frozenset({"PRX-01"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Try again at once."""
        outputs = inner(given)
        if not isinstance(given, RegistrationAnswered) or given.status != 407:
            return outputs
        return [replace(o, seconds=_AT_ONCE) if isinstance(o, StartTimer) else o for o in outputs]


# -- what the log says ---------------------------------------------------------------------------------------


class FailureBesidesHangUp(Fault):
    """The end of a call is written down twice, as two different things."""

    name = "hang-up-logged-as-failure-too"
    description = "an accepted call that its caller ends is logged as failed as well"
    breaks = frozenset({"EVT-11"})
    shown_by = frozenset({"EVT-09"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write both."""
        outputs = inner(given)
        found = [o for o in outputs if isinstance(o, WriteEvent)]
        kind = events.INCOMING_FAILURE
        for output in found:
            if output.name == events.INCOMING_REMOTE_HANGUP.name:
                outputs.append(WriteEvent(kind.name, kind.screen_name, f"unreachable: {output.details}"))
        return outputs


class LoggedWhenOver(Fault):
    """An entry is written when all that belongs to it is known."""

    name = "established-logged-when-the-call-is-over"
    description = "outgoing_call_established is written when the call is over"
    breaks = frozenset({"EVT-02"})

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Output] = []

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Keep it until the call is over."""
        outputs = inner(given)
        self._kept += [o for o in outputs if _is_event(o, events.OUTGOING_ESTABLISHED.name)]
        outputs = [o for o in outputs if not _is_event(o, events.OUTGOING_ESTABLISHED.name)]
        over = any(isinstance(o, HangUp) for o in outputs) or isinstance(given, Ended)
        if not over:
            return outputs
        kept, self._kept = self._kept, []
        return [*kept, *outputs]


class ReasonOfTheFirst(Fault):
    """The reason of a rejection is looked up once."""

    name = "reason-of-the-first-rejection-kept"
    description = "every rejection has the reason of the first one, until the device is switched off"
    breaks = frozenset({"EVT-13"})
    shown_by = frozenset({"EVT-06", "INC-03"})

    def __init__(self) -> None:
        super().__init__()
        self._reason = ""

    def change(self, output: Output) -> Output | None:
        """Exchange it."""
        if not isinstance(output, WriteEvent) or output.name != events.INCOMING_REJECTED.name:
            return output
        reason, _, rest = output.details.partition(": ")
        self._reason = self._reason or reason
        return replace(output, details=f"{self._reason}: {rest}")


# -- what is to be seen and heard ----------------------------------------------------------------------------


class CameraOnce(Fault):
    """Whoever used the camera first has it for ever."""

    name = "camera-for-the-first-call-only"
    description = "in the second video call, and those after it, nothing is sent, until reconfigured"
    breaks = frozenset({"VID-03"})

    def __init__(self) -> None:
        super().__init__()
        self._shown = 0

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Have the camera free again with new settings."""
        if isinstance(given, Configured):
            self._shown = 0
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Leave the picture dark."""
        if not isinstance(output, Dial | Answer) or output.picture is Picture.NONE:
            return output
        self._shown += 1
        return replace(output, picture=Picture.DARK) if self._shown > 1 else output


class VideoForTheFirstContact(Fault):
    """Video is prepared for the contact that is called first."""

    name = "no-video-for-further-contacts"
    description = "further contacts are offered no video, whatever is set"
    breaks = frozenset({"VID-01", "VID-03"})
    shown_by = frozenset({"CFG-18"})

    def __init__(self) -> None:
        super().__init__()
        self._first = True

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Know the first contact by the press."""
        self._first = isinstance(given, ButtonPressed)
        return super().react(given, inner)

    def change(self, output: Output) -> Output | None:
        """Offer none."""
        further = isinstance(output, Dial) and not self._first
        return replace(output, picture=Picture.NONE) if further and isinstance(output, Dial) else output


class MutedWithVideo(Fault):
    """Sound and picture cannot be had together."""

    name = "muted-in-video-calls"
    description = "the microphone is muted in calls with video"
    breaks = frozenset({"OUT-05", "INC-06"})
    shown_by = frozenset({"OUT-05", "VID-03"})

    def change(self, output: Output) -> Output | None:
        """Shut the microphone."""
        if isinstance(output, Dial | Answer) and output.picture is not Picture.NONE:
            return replace(output, microphone=False)
        return output


class MutedEveryOtherCall(Fault):
    """A switch is turned where it should be set."""

    name = "muted-in-every-other-call"
    description = "the microphone is muted in every other call"
    breaks = frozenset({"OUT-05"})

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def change(self, output: Output) -> Output | None:
        """Turn it."""
        if not isinstance(output, Dial | Answer):
            return output
        self._calls += 1
        return replace(output, microphone=self._calls % 2 == 1)


def _is_event(output: Output, name: str) -> bool:
    return isinstance(output, WriteEvent) and output.name == name


REPORTED: tuple[Callable[[], Fault], ...] = (
    FourthContactNeverCalled,
    RungOutPassedOver,
    RedialsInClear,
    RungOutRedialledInClear,
    *MANGLED,
    ChainEndedByCaller,
    RingTimeBeginsAnew,
    HangUpLockedAtFirst,
    *LIST_IGNORED,
    AutoAnswerDespiteOff,
    StrangerCutsIn,
    *CLEAR_FROM_THE_SECOND,
    SecureRefusedAfterPlain,
    UdpWhereTlsFails,
    HammersProxy,
    FailureBesidesHangUp,
    LoggedWhenOver,
    ReasonOfTheFirst,
    CameraOnce,
    VideoForTheFirstContact,
    MutedWithVideo,
    MutedEveryOtherCall,
)
"""What makes each fault of this file."""
