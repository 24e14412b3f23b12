"""What the reference model says to whoever plays: do this, this must follow, this must not.

Times are seconds since the epoch of the player's clock, spans seconds. Each is answered with a time, or with
nothing where the matter was left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from intercom_hil.explore.story import Desk, Given


class Sign(StrEnum):
    """What can be seen of the device and of the stations, in words."""

    DIALLED = "the device calls"
    RANG = "it rings there"
    REFUSED_THERE = "the call was turned away there"
    ANSWERED = "the call is answered there"
    ACKED = "the device acknowledges how its call ended"
    CANCELLED = "the device gives the call up"
    ENDED = "the device ends the call"
    END_CONFIRMED = "the other side confirms that"
    HUNG_UP = "the other side ends the call"
    HANG_UP_CONFIRMED = "the device confirms that"
    REACHED = "a call reaches the device"
    DECIDED = "the device decides on the call"
    TAKEN = "the device takes the call"
    REFUSED = "the device refuses the call"
    REFUSED_MEDIA = "the device refuses the call's media"
    REFUSED_OTHERWISE = "the device refuses the call as one that is not there, or for its media"
    CHANGED = "the device agrees to the change of the call"
    REFERRED = "the device is referred"
    SENT = "the microphone is sent"
    HEARD = "the other side is heard at the device"
    ANNOUNCED = "the failure is announced"
    SHOWN = "the screen shows that a call was answered"
    LOG_INITIATED = "outgoing_call_initiated"
    LOG_ESTABLISHED = "outgoing_call_established"
    LOG_FAILURE = "outgoing_call_failure"
    LOG_EXHAUSTED = "outgoing_call_contact_failure"
    LOG_REMOTE_HANGUP = "outgoing_remote_hangup"
    LOG_RECEIVED = "incoming_call_received"
    LOG_CALLER_HANGUP = "incoming_call_remote_hangup"
    LOG_LOCAL_HANGUP = "incoming_call_local_hangup"


OF_THE_LOG = frozenset(sign for sign in Sign if sign.name.startswith("LOG_"))


class Action(StrEnum):
    """What is done on the bench."""

    PRESS = "press"
    CONFIGURE = "configure"
    CALL = "call"
    ORDER = "order"
    TURN = "turn"
    CUT = "cut"
    RESTORE = "restore"
    DISMISS = "dismiss"
    QUIET = "quiet"


class Order(StrEnum):
    """What a station is told to do with its call."""

    ANSWER = "answer"
    HANG_UP = "hang up"
    HOLD = "hold"
    RESUME = "resume"
    REFER = "refer"


@dataclass(frozen=True, slots=True)
class Party:
    """A station: a desk, or a caller, by its place."""

    place: int
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Do:
    """Something is to be done; answered with when that was, or, of QUIET, nothing if it did not succeed."""

    action: Action
    given: Given | None = None
    party: Party | None = None
    order: Order | None = None
    does: Desk | None = None
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Must:
    """A requirement promises this within so many seconds from now, ``count`` times since ``after``."""

    requirement: str
    sign: Sign
    within: float
    after: float
    party: Party | None = None
    count: int = 1
    protection: str | None = None


@dataclass(frozen=True, slots=True)
class MustNot:
    """A requirement forbids this for so many seconds from now."""

    requirement: str
    sign: Sign
    during: float
    after: float


@dataclass(frozen=True, slots=True)
class Needs:
    """Without this the story cannot go on, and nothing is found out."""

    sign: Sign
    within: float
    after: float
    party: Party | None = None


@dataclass(frozen=True, slots=True)
class Asks:
    """The page leaves it open whether this happens; answered with when it did, or nothing."""

    sign: Sign
    within: float
    after: float


@dataclass(frozen=True, slots=True)
class Takes:
    """A requirement bounds a time that was measured."""

    requirement: str
    name: str
    seconds: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Now:
    """Answered with the time."""


Want = Do | Must | MustNot | Needs | Asks | Takes | Now
