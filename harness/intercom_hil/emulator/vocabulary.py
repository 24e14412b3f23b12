"""The words between the device's logic and its body: what may happen to it, what it may do.

Plain frozen data. Calls are named by whoever starts them: ``out-N`` by the logic, ``in-N`` by the SIP agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from intercom_hil.emulator.settings import SipSettings

REFERRED = "referred"
"""The call that comes about because a remote side says so: only a fault has it."""


class Media(StrEnum):
    """How a call's media is to be protected: the policy of one offer or answer (RFC 4568)."""

    PLAIN = "plain"
    OPTIONAL = "optional"
    SECURE = "secure"


class Offer(StrEnum):
    """What an incoming INVITE offers for its audio."""

    ABSENT = "absent"
    PLAIN = "plain"
    OPTIONAL = "optional"
    SECURE = "secure"
    KEYLESS = "keyless"
    """An SRTP profile without keys in the SDP: nothing that SDES (RFC 4568) can take."""


class Picture(StrEnum):
    """What is to be seen of the device in a call; only the first two are ever meant."""

    NONE = "none"
    LIVE = "live"
    FROZEN = "frozen"
    """The first picture of all, again and again."""
    FREEZING = "freezing"
    """Live at first; after a while the same picture again and again."""
    ENDING = "ending"
    """Live at first; after a while none is sent."""
    DARK = "dark"
    """Video is agreed on, and none is sent."""
    CLEAR = "clear"
    """Live, and in clear whatever was agreed."""
    KEYLESS = "keyless"
    """Live, and no picture stands by itself: a lenient decoder may show something of it all the same."""


@dataclass(frozen=True, slots=True)
class PoweredOn:
    """The device has power."""


@dataclass(frozen=True, slots=True)
class Configured:
    """New settings were submitted and found valid.

    ``addresses`` holds the IP addresses of every host that the settings name, as resolved at that moment.
    """

    settings: SipSettings
    addresses: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """The intercom button went down."""


@dataclass(frozen=True, slots=True)
class ButtonReleased:
    """The intercom button came up."""


@dataclass(frozen=True, slots=True)
class RegistrationAnswered:
    """A REGISTER came to its final status (408 and 503 are also what the agent says by itself)."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """An INVITE that opens a dialog. ``source`` is the IP address it came from, ``caller`` its From URI.

    ``video`` says whether video is offered besides. ``claims`` are the other headers in which a caller may
    name itself, in lower case, and their URIs: nothing that a device should believe.
    """

    call: str
    caller: str
    display: str
    request_uri: str
    source: str
    offer: Offer
    video: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ringing:
    """The other side of a placed call said that it rings (180 to 189)."""

    call: str


@dataclass(frozen=True, slots=True)
class Established:
    """A call was confirmed and its audio is open."""

    call: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A call is over. ``by_remote`` distinguishes a BYE of the remote side from a refusal or a breakdown."""

    call: str
    status: int
    reason: str
    by_remote: bool = False


@dataclass(frozen=True, slots=True)
class MediaLost:
    """No RTP came for so many seconds although the session says it should."""

    call: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Referred:
    """The other side of a call wants the device to call somebody else (RFC 3515), and was refused that."""

    call: str
    uri: str


@dataclass(frozen=True, slots=True)
class Held:
    """The other side put a call on hold, or took it off again (RFC 3264 §8.4)."""

    call: str
    held: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that the logic started has run out."""

    name: str


@dataclass(frozen=True, slots=True)
class AgentDied:
    """The SIP agent process is gone without having been asked to go."""

    reason: str


Input = (
    PoweredOn
    | Configured
    | ButtonPressed
    | ButtonReleased
    | RegistrationAnswered
    | Incoming
    | Ringing
    | Established
    | Ended
    | MediaLost
    | Referred
    | Held
    | TimerFired
    | AgentDied
)


class Flaw(StrEnum):
    """What can be wrong with a TLS server's certificate."""

    UNTRUSTED = "untrusted"
    """It does not chain to a trusted CA."""
    EXPIRED = "expired"
    """It, or one above it, is expired or not valid yet."""
    PURPOSE = "purpose"
    """It is not meant for servers."""
    IDENTITY = "identity"
    """It is for another host."""
    ISSUER = "issuer"
    """It was signed by somebody who has the CA's name, and not its key."""
    SELF_SIGNED = "self-signed"
    """It, or the CA that comes along with it, was signed by nobody else."""


@dataclass(frozen=True, slots=True)
class TlsRules:
    """How a TLS server is judged. The defaults are the rules of TLS-01 to TLS-06; faults bend them.

    Attributes:
        well_known_too: whether the well-known CAs are trusted beside an uploaded one.
        tolerated: flaws of a certificate that are overlooked.
        nobody: whether even a certificate without a flaw is refused.
        obsolete_versions: whether TLS 1.0 and 1.1 will do.
        null_suites: whether cipher suites that encrypt nothing will do.
        once: whether nobody is judged any more once a server was good.
        wide_wildcards: whether a wildcard stands for names of any depth.
    """

    well_known_too: bool = False
    tolerated: frozenset[Flaw] = frozenset()
    nobody: bool = False
    obsolete_versions: bool = False
    null_suites: bool = False
    once: bool = False
    wide_wildcards: bool = False


@dataclass(frozen=True, slots=True)
class Apply:
    """Bring SIP up with these settings and register (RFC 3261 §10).

    ``trusted`` holds the names and addresses of server and proxy, who alone may ask for credentials. What
    follows exists for faults to change; ``any_keys`` answers calls in clear whose keys nobody can use,
    ``any_offers`` takes within a call what would not do at its beginning, ``obliging`` says 202 to REFER,
    ``same_keys`` protects every call with the same keys, ``distortion`` names what becomes of what is sent.
    """

    settings: SipSettings
    trusted: frozenset[str]
    register: bool = True
    tls: TlsRules = TlsRules()
    any_keys: bool = False
    any_offers: bool = False
    obliging: bool = False
    same_keys: bool = False
    distortion: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Unregister and take SIP down."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Register again now."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Send an INVITE. What follows ``picture`` exists for faults to change.

    ``headers`` go into the INVITE as they are; ``past_proxy`` sends it straight to where it is for;
    ``in_clear`` sends it over UDP, whatever the transport that is set; ``gain`` is how much louder
    than usual the microphone is.
    """

    call: str
    uri: str
    media: Media
    picture: Picture = Picture.NONE
    microphone: bool = True
    clear_packets: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    past_proxy: bool = False
    in_clear: bool = False
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer an INVITE with 200; a picture is shown only where video was offered.

    What follows ``picture`` exists for faults to change, as that of ``Dial``.
    """

    call: str
    picture: Picture = Picture.NONE
    microphone: bool = True
    clear_packets: bool = False
    hears_clear: bool = False
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Ring:
    """Answer an INVITE with 180 and leave it ringing."""

    call: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse an INVITE."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call: CANCEL before its answer, BYE after it.

    What follows ``call`` exists for faults to change: ``cancel_only`` means CANCEL, and not a thought of an
    answer that crosses it; ``past_proxy`` sends a BYE straight to the other side, besides the right one.
    """

    call: str
    cancel_only: bool = False
    past_proxy: bool = False


@dataclass(frozen=True, slots=True)
class Announce:
    """Play the spoken announcement that the call has failed through the speaker."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop the announcement."""


@dataclass(frozen=True, slots=True)
class WriteEvent:
    """Write one entry of the event log."""

    name: str
    screen_name: str
    details: str


@dataclass(frozen=True, slots=True)
class Show:
    """Show a text on the screen."""

    text: str


@dataclass(frozen=True, slots=True)
class WriteLine:
    """Write another console line: its words, then its fields as ``name=value``."""

    words: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start a timer, or start it afresh."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Forget a timer."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenPortal:
    """Have the portal taken into use, or not: a device that restarts has none meanwhile."""

    opened: bool = True


@dataclass(frozen=True, slots=True)
class CrashAgent:
    """Make the SIP agent abort: what a failed assertion in firmware does. Only a fault asks for it."""


Output = (
    Apply
    | Withdraw
    | OpenPortal
    | Refresh
    | Dial
    | Answer
    | Ring
    | Reject
    | HangUp
    | Announce
    | Hush
    | WriteEvent
    | Show
    | WriteLine
    | StartTimer
    | StopTimer
    | CrashAgent
)

Step = Callable[[Input], list[Output]]
"""One step of the logic: what happened in, what to do about it out."""
