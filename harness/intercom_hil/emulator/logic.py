"""What the intercom does: a pure state machine, inputs in, outputs out, no clock and no I/O of its own.

One call at a time. A placed call walks its contacts one after the other; a call taken is answered at once.
The choices where the specification is silent: the button while dialling gives the attempt up without an
event; hanging a placed call up writes none; a second call gets 486 without an event; an empty permitted
list admits everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from intercom_hil.emulator import events
from intercom_hil.emulator.addresses import full_address
from intercom_hil.emulator.admission import refusal, server_hosts
from intercom_hil.emulator.events import EventKind
from intercom_hil.emulator.failures import MEDIA_STATUSES, failure_kind
from intercom_hil.emulator.settings import Encryption, SipSettings, VideoCalls
from intercom_hil.emulator.vocabulary import (
    AgentDied,
    Announce,
    Answer,
    Apply,
    ButtonPressed,
    ButtonReleased,
    Configured,
    Dial,
    Ended,
    Established,
    HangUp,
    Held,
    Hush,
    Incoming,
    Input,
    Media,
    MediaLost,
    Offer,
    Output,
    Picture,
    PoweredOn,
    Referred,
    Refresh,
    RegistrationAnswered,
    Reject,
    Ringing,
    Show,
    StartTimer,
    StopTimer,
    TimerFired,
    Withdraw,
    WriteEvent,
    WriteLine,
)

RETRY_AFTER = 5.0
"""Seconds, at the least, between a registration that was refused and the next attempt (REG-02)."""
LONGEST_RETRY = 30.0
"""Seconds, at the most, between attempts to reach a server that did not answer (REG-04)."""
CANCEL_GUARD = 2.0
"""Seconds that a cancelled call may take to end before the next contact is tried all the same."""
BOOT_TIME = 1.0
"""Seconds that a reboot takes."""
ANSWERED_SCREEN = "Incoming call answered"
BANNER = WriteLine("boot", (("model", "EMU-1"), ("version", "1.0"), ("serial", "EMU-0001")))


@dataclass(frozen=True, slots=True)
class _Idle:
    pass


@dataclass(frozen=True, slots=True)
class _Dialling:
    contacts: tuple[str, ...]
    call: str
    media: Media
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class _Answering:
    call: str
    caller: str


@dataclass(frozen=True, slots=True)
class _Talking:
    call: str
    party: str
    placed: bool


_Phase = _Idle | _Dialling | _Answering | _Talking


class Logic:
    """The device's behaviour. Feed every input to ``step`` and perform what it returns, in order."""

    def __init__(self) -> None:
        self._settings: SipSettings | None = None
        self._resolved: Mapping[str, frozenset[str]] = {}
        self._phase: _Phase = _Idle()
        self._placed = 0
        self._booting = False

    @property
    def idle(self) -> bool:
        """Whether no call is up, on its way or being tried."""
        return isinstance(self._phase, _Idle)

    def step(self, given: Input) -> list[Output]:
        """Take one input and return what to do about it."""
        match given:
            case PoweredOn():
                return [BANNER]
            case Configured():
                return self._configured(given)
            case ButtonPressed():
                return self._button()
            case ButtonReleased():
                return []
            case RegistrationAnswered():
                return self._registration(given)
            case Incoming():
                return self._incoming(given)
            case Established():
                return self._established(given.call)
            case Ended():
                return self._ended(given)
            case MediaLost():
                return self._media_lost(given)
            case Referred():
                return [_log("warning", f"refused to call {given.uri} as {given.call} wants")]
            case Held() | Ringing():
                return []
            case TimerFired():
                return self._timer(given.name)
            case AgentDied():
                return self._agent_died(given.reason)

    # --- settings, registration, power ------------------------------------------------------------

    def _configured(self, given: Configured) -> list[Output]:
        out = self._drop_call()
        self._settings, self._resolved, self._booting = given.settings, given.addresses, False
        out += [StopTimer("boot"), StopTimer("register"), StopTimer("poll")]
        out.append(self._apply(given.settings) if given.settings.enabled else Withdraw())
        return [*out, WriteLine("config applied")]

    def _apply(self, settings: SipSettings) -> Apply:
        return Apply(settings, server_hosts(settings, self._resolved))

    def _registration(self, given: RegistrationAnswered) -> list[Output]:
        settings = self._settings
        if settings is None or not settings.enabled:
            return []
        out: list[Output] = [StopTimer("register"), StopTimer("poll")]
        if 200 <= given.status < 300:
            server = f"{settings.server_address}:{settings.server_port}"
            line = WriteLine("sip registered", (("server", server),))
            return [*out, line, StartTimer("poll", float(settings.polling_interval))]
        polling = float(settings.polling_interval)
        refused = given.status in (401, 403, 407)
        delay = max(RETRY_AFTER, polling) if refused else min(polling, LONGEST_RETRY)
        line = WriteLine("sip unregistered", (("reason", f"{given.status} {given.reason}"),))
        return [*out, line, StartTimer("register", delay)]

    def _agent_died(self, reason: str) -> list[Output]:
        self._phase, self._booting = _Idle(), True
        timers = [StopTimer(name) for name in ("ring", "cancel", "register", "poll")]
        return [_log("error", f"sip agent died: {reason}"), *timers, StartTimer("boot", BOOT_TIME)]

    def _timer(self, name: str) -> list[Output]:
        if name in ("poll", "register"):
            return [Refresh()]
        if name == "boot":
            self._booting = False
            settings = self._settings
            return [BANNER, self._apply(settings)] if settings and settings.enabled else [BANNER]
        if name == "cancel":
            return self._next_contact()
        return self._ring_time_over()

    def _drop_call(self) -> list[Output]:
        """End whatever call there is because the device itself needs to."""
        phase, self._phase = self._phase, _Idle()
        out: list[Output] = [StopTimer("ring"), StopTimer("cancel"), Hush()]
        if isinstance(phase, _Talking) and not phase.placed:
            out.append(_event(events.INCOMING_LOCAL_HANGUP, phase.party))
        return out if isinstance(phase, _Idle) else [HangUp(phase.call), *out]

    # --- the button and placed calls --------------------------------------------------------------

    def _button(self) -> list[Output]:
        settings = self._settings
        if self._booting or settings is None or not settings.enabled:
            return [_log("info", "button pressed while SIP is off")]
        if not isinstance(self._phase, _Idle):
            return self._drop_call()
        numbers = (settings.call_number, *settings.further_numbers)
        contacts = tuple(full_address(n, settings.server_address, settings.server_port) for n in numbers)
        return [Hush(), _event(events.OUTGOING_INITIATED, contacts[0]), *self._dial(contacts, settings)]

    def _dial(self, contacts: tuple[str, ...], settings: SipSettings, again: bool = False) -> list[Output]:
        self._placed += 1
        secure = settings.encryption is not Encryption.UNSET and not again
        media = Media.SECURE if secure else Media.PLAIN
        self._phase = _Dialling(contacts, f"out-{self._placed}", media)
        ring = StartTimer("ring", float(settings.call_timeout))
        return [Dial(self._phase.call, contacts[0], media, _picture(settings, VideoCalls.OUTGOING)), ring]

    def _ring_time_over(self) -> list[Output]:
        phase = self._phase
        if not isinstance(phase, _Dialling) or self._settings is None:
            return []
        self._phase = replace(phase, abandoned=True)
        details = f"no answer: {phase.contacts[0]} within {self._settings.call_timeout} s"
        return [
            HangUp(phase.call),
            _event(events.OUTGOING_FAILURE, details),
            StartTimer("cancel", CANCEL_GUARD),
        ]

    def _next_contact(self) -> list[Output]:
        phase, settings = self._phase, self._settings
        if not isinstance(phase, _Dialling) or settings is None:
            return []
        out: list[Output] = [StopTimer("ring"), StopTimer("cancel")]
        if phase.contacts[1:]:
            return out + self._dial(phase.contacts[1:], settings)
        self._phase = _Idle()
        tried = 1 + len(settings.further_numbers)
        return [*out, _event(events.OUTGOING_CONTACTS_EXHAUSTED, f"none of {tried} reached"), Announce()]

    def _attempt_ended(self, phase: _Dialling, given: Ended) -> list[Output]:
        settings = self._settings
        if settings is None or phase.abandoned:
            return self._next_contact()
        over_media = given.status in MEDIA_STATUSES and phase.media is Media.SECURE
        if over_media and settings.encryption is Encryption.FALLBACK:
            return self._dial(phase.contacts, settings, again=True)
        outcome = f"{phase.contacts[0]} answered {given.status} {given.reason}".rstrip()
        details = f"{failure_kind(given.status)}: {outcome}"
        return [_event(events.OUTGOING_FAILURE, details), *self._next_contact()]

    # --- calls taken ------------------------------------------------------------------------------

    def _incoming(self, given: Incoming) -> list[Output]:
        settings = self._settings
        if self._booting or settings is None or not settings.enabled:
            return [Reject(given.call, 480, "Temporarily Unavailable")]
        refused = refusal(given, settings, self._resolved)
        if refused:
            reject = Reject(given.call, refused.status, refused.reason)
            return [reject, _event(events.INCOMING_REJECTED, refused.details)]
        if not isinstance(self._phase, _Idle):
            return [Reject(given.call, 486, "Busy Here")]
        unsuitable = _unsuitable(given.offer, settings.encryption)
        if unsuitable:
            details = f"media security: {given.caller} offers {unsuitable}"
            return [
                Reject(given.call, 488, "Not Acceptable Here"),
                _event(events.INCOMING_REJECTED, details),
            ]
        self._phase = _Answering(given.call, given.caller)
        return [Hush(), Answer(given.call, _picture(settings, VideoCalls.INCOMING))]

    # --- calls that come up and go down -----------------------------------------------------------

    def _established(self, call: str) -> list[Output]:
        phase = self._phase
        if isinstance(phase, _Dialling) and phase.call == call and not phase.abandoned:
            self._phase = _Talking(call, phase.contacts[0], placed=True)
            return [StopTimer("ring"), _event(events.OUTGOING_ESTABLISHED, phase.contacts[0])]
        if isinstance(phase, _Answering) and phase.call == call:
            self._phase = _Talking(call, phase.caller, placed=False)
            return [_event(events.INCOMING_RECEIVED, phase.caller), Show(ANSWERED_SCREEN)]
        return [HangUp(call)]

    def _ended(self, given: Ended) -> list[Output]:
        phase = self._phase
        if isinstance(phase, _Idle) or phase.call != given.call:
            return []
        if isinstance(phase, _Dialling):
            return self._attempt_ended(phase, given)
        self._phase = _Idle()
        outcome = f"{given.status} {given.reason}"
        if isinstance(phase, _Answering):
            return [_log("warning", f"answered call was not confirmed: {outcome}")]
        if given.by_remote:
            kind = events.OUTGOING_REMOTE_HANGUP if phase.placed else events.INCOMING_REMOTE_HANGUP
            return [_event(kind, phase.party)]
        return [_broken(phase, outcome)]

    def _media_lost(self, given: MediaLost) -> list[Output]:
        phase = self._phase
        if not isinstance(phase, _Talking) or phase.call != given.call:
            return []
        self._phase = _Idle()
        return [HangUp(phase.call), _broken(phase, f"no audio for {given.seconds:.0f} s")]


def _unsuitable(offer: Offer, encryption: Encryption) -> str:
    """Return what is wrong with an offer under an encryption setting; nothing if it can be taken."""
    if offer is Offer.KEYLESS:
        return "SRTP without keys"
    if encryption is Encryption.UNSET and offer is Offer.SECURE:
        return "SRTP only"
    if encryption is Encryption.SRTP_ONLY and offer in (Offer.PLAIN, Offer.OPTIONAL):
        return "no SRTP"
    return ""


def _picture(settings: SipSettings, direction: VideoCalls) -> Picture:
    """Return what is to be seen in a call of one direction (CFG-18)."""
    return Picture.LIVE if settings.video_calls in (direction, VideoCalls.BOTH) else Picture.NONE


def _broken(phase: _Talking, outcome: str) -> Output:
    """Report an established call that broke; the event list has a name for it only in calls taken."""
    if phase.placed:
        return _log("warning", f"placed call to {phase.party} broke: {outcome}")
    return _event(events.INCOMING_FAILURE, f"unreachable: {phase.party} {outcome}")


def _event(kind: EventKind, details: str) -> WriteEvent:
    return WriteEvent(kind.name, kind.screen_name, details)


def _log(level: str, text: str) -> WriteLine:
    return WriteLine("log", (("level", level), ("text", text)))
