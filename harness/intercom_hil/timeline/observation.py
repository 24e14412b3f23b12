"""What a witness can say: one frozen model per kind of content, and the Observation that dates and signs it.

Times are seconds since the Unix epoch on the bench's clock. Parties are named by role, as the bench file
names them: ``device``, ``pbx``, or a station's number; an address nobody declared is its own name.
Every model is plain data and round-trips through JSON, so a stored timeline can be judged again.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.spec.timing import USUAL_TIMING, Timing
from intercom_hil.timeline.content import BaseContent
from intercom_hil.timeline.device_content import (
    ConsoleLine,
    DeviceEvent,
    EventCopy,
    EventsImported,
    PageSeen,
    ScreenText,
    SyslogSeen,
    UnreadableLine,
    WebhookSeen,
)
from intercom_hil.timeline.lateness import BenchLate
from intercom_hil.timeline.media import MediaEnded, MediaHeard, MediaStarted, VideoSeen
from intercom_hil.timeline.operator_content import OperatorAnswered, OperatorAsked, OperatorHeard
from intercom_hil.timeline.sip_fields import ContactSeen, CredentialsSeen, HeaderSeen, header_fields, seconds
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sdp import Session
from intercom_hil.wire.sip import Message

__all__ = [
    "BenchLate",
    "Configured",
    "ConsoleLine",
    "ContactSeen",
    "Content",
    "CredentialsSeen",
    "Declared",
    "DeviceEvent",
    "EventCopy",
    "EventsImported",
    "HeaderSeen",
    "InputChanged",
    "InstrumentLost",
    "KeySeenBefore",
    "MalformedSip",
    "MediaEnded",
    "MediaHeard",
    "MediaLine",
    "MediaStarted",
    "Note",
    "Observation",
    "OperatorAnswered",
    "OperatorAsked",
    "OperatorHeard",
    "OutputChanged",
    "PageSeen",
    "PbxEvent",
    "ScreenText",
    "SipMessageSeen",
    "SpeakerHeard",
    "StationEnded",
    "StationSaid",
    "SyslogSeen",
    "TlsSeen",
    "UnreadableLine",
    "VideoSeen",
    "WebhookSeen",
    "Witness",
]


UNUSABLE_SDP = "SDP body: "
"""How the problem begins where a message was read, and the session description in it was not."""


class Witness(StrEnum):
    """Who saw it. Independent witnesses are what makes a verdict believable."""

    WIRE = "wire"
    PBX = "pbx"
    STATION = "station"
    CONSOLE = "console"
    SYSLOG = "syslog"
    WEBHOOK = "webhook"
    EVENT_SOURCE = "event source"  # of a kind that another distribution brings
    PORTAL_PAGE = "portal page"
    EVENT_LOG = "event log"
    PORTAL = "portal"
    OPERATOR = "operator"
    BUTTON = "button"
    INPUT = "input"
    SPEAKER = "speaker"
    BENCH = "bench"
    LATENESS = "lateness"  # the bench, of itself


class MediaLine(BaseContent):
    """One m= section of an SDP body (RFC 4566 §5.14, RFC 4568).

    ``secured`` says whether it demands SRTP, or offers it: by its profile, by keys that need not be usable,
    or by a fingerprint for DTLS. ``negotiable`` says whether SRTP is among its potential configurations (RFC
    5939). ``held`` is hold in its old form: by the address 0.0.0.0.
    """

    media: str
    address: str
    port: int
    profile: str
    direction: str = "sendrecv"
    payload_types: tuple[int, ...] = ()
    crypto_suites: tuple[str, ...] = ()
    secured: bool = False
    negotiable: bool = False
    held: bool = False


class SipMessageSeen(BaseContent):
    """One SIP message (RFC 3261) between two parties. ``status`` is None for a request.

    What it says is parsed once, where it is seen, and kept: whoever wants to know a header, the credentials
    or the session asks for them here. ``raw`` is the message as a reader sees it; where that is not its bytes
    one to one (they were no UTF-8), ``raw_bytes`` has them. ``deviations`` say where the message departs from
    the grammar, though it could be read.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    kind: Literal["sip"] = "sip"
    source: str
    destination: str
    sender: str
    receiver: str
    transport: str
    method: str = Field(description="the request's method, or the CSeq method of a response")
    status: int | None = None
    reason: str = ""
    request_uri: str = ""
    call_id: str
    cseq: int
    branch: str = ""
    from_uri: str
    from_display: str = ""
    from_tag: str = ""
    to_uri: str
    to_tag: str = ""
    user_agent: str = ""
    headers: tuple[HeaderSeen, ...] = ()
    contacts: tuple[ContactSeen, ...] = ()
    credentials: tuple[CredentialsSeen, ...] = ()
    media: tuple[MediaLine, ...] = ()
    body: bytes = b""
    deviations: tuple[str, ...] = ()
    raw: str
    raw_bytes: bytes | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_older_evidence(cls, said: object) -> object:
        """Parse the text of a message that was stored, or typed by hand, without its headers."""
        if isinstance(said, dict) and "headers" not in said and isinstance(said.get("raw"), str):
            try:
                return {**header_fields(Message.parse(said["raw"].encode("utf-8", "replace"))), **said}
            except WireError:
                return said
        return said

    @property
    def data(self) -> bytes:
        """The message's bytes."""
        return self.raw.encode("utf-8", "surrogateescape") if self.raw_bytes is None else self.raw_bytes

    @property
    def size(self) -> int:
        """The size of the message, in bytes."""
        return len(self.data)

    @cached_property
    def session(self) -> Session | None:
        """The session description in the body, or None without one. Raises SdpError for an unusable one."""
        headers = tuple((header.name, header.value) for header in self.headers)
        description = Message(headers=headers, body=self.body).body_of_type("application/sdp")
        return Session.parse(description) if description else None

    def values(self, name: str) -> list[str]:
        """Return the values of a header (in RFC 3261's spelling, in full), in order."""
        return [header.value for header in self.headers if header.name == name]

    @property
    def expires(self) -> int | None:
        """The value of Expires, in s (RFC 3261 §20.19); None without a usable one."""
        return seconds(next(iter(self.values("Expires")), ""))

    @property
    def takes_back(self) -> bool:
        """Whether a REGISTER only takes registrations back: nothing in it is to last (RFC 3261 §10.2.2)."""
        lasting = [self.expires if contact.expires is None else contact.expires for contact in self.contacts]
        return self.expires == 0 if not lasting else all(expires == 0 for expires in lasting)

    @property
    def lists_nobody(self) -> bool:
        """Whether a registrar's 200 lists no contact: what was registered is taken back (RFC 3261 §10.3).

        Of a message whose headers were not kept that is not known.
        """
        listed = not self.headers or self.contacts
        return self.method == "REGISTER" and self.status == 200 and not listed

    @property
    def in_dialog(self) -> bool:
        """Whether the message carries a To tag: part of, or the making of, a dialog."""
        return bool(self.to_tag)

    @property
    def is_request(self) -> bool:
        """Whether this is a request."""
        return self.status is None

    @property
    def is_initial_invite(self) -> bool:
        """Whether this is an INVITE that opens a dialog."""
        return self.is_request and self.method == "INVITE" and not self.to_tag

    def __str__(self) -> str:
        what = self.method if self.status is None else f"{self.status} {self.reason} ({self.method})"
        return f"{what} from {self.sender} to {self.receiver}"


class MalformedSip(BaseContent):
    """Bytes on a SIP port that are no SIP message, or a message's body that is no usable SDP."""

    kind: Literal["malformed_sip"] = "malformed_sip"
    source: str
    destination: str
    sender: str
    receiver: str
    problem: str
    raw_hex: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the bytes could be read; otherwise it is only the message's SDP."""
        return not self.problem.startswith(UNUSABLE_SDP)

    def __str__(self) -> str:
        return f"unreadable bytes from {self.sender} to {self.receiver} ({self.problem})"


class OutputChanged(BaseContent):
    """An output of the bench was driven. ``confirmed`` says whether the instrument read it back.

    ``held`` comes with the release of a button that can be read back: the shortest and the longest time (s)
    for which its contact can have been closed.
    """

    kind: Literal["output"] = "output"
    name: str
    active: bool
    confirmed: bool
    held: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.name} {'pressed' if self.active else 'released'}"


class InputChanged(BaseContent):
    """A contact that the bench watches, such as a door strike, closed (active) or opened."""

    kind: Literal["input"] = "input"
    name: str
    active: bool

    def __str__(self) -> str:
        return f"{self.name} {'active' if self.active else 'inactive'}"


class Configured(BaseContent):
    """A configuration was submitted to the device; ``accepted`` and ``message`` are its answer.

    ``by`` is who submitted it, ``fields`` are those named in a refusal, ``secrets`` the fingerprints of what
    ``settings`` holds redacted.
    """

    kind: Literal["configured"] = "configured"
    settings: dict[str, object]
    accepted: bool
    message: str = ""
    changed: tuple[str, ...] = ()
    by: str = "administrator"
    fields: tuple[str, ...] = ()
    secrets: tuple[Fingerprint, ...] = ()

    def __str__(self) -> str:
        return "configuration accepted" if self.accepted else f"configuration refused: {self.message}"


class SpeakerHeard(BaseContent):
    """Sound at the device's speaker over one window: level in dBov, dominant tone in Hz if any."""

    kind: Literal["speaker"] = "speaker"
    level_dbov: float
    tone_hz: float | None = None
    duration: float

    def __str__(self) -> str:
        tone = f"{self.tone_hz:.0f} Hz, " if self.tone_hz else ""
        return f"speaker: {tone}{self.level_dbov:.0f} dBov"


class PbxEvent(BaseContent):
    """One event of the PBX's ARI or AMI interface, or a line of its log."""

    kind: Literal["pbx_event"] = "pbx_event"
    interface: str
    name: str
    channel: str = ""
    call_id: str = ""
    fields: dict[str, object] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"PBX {self.interface}: {self.name} {self.channel}".rstrip()


class StationSaid(BaseContent):
    """A line of a remote station's live log."""

    kind: Literal["station_said"] = "station_said"
    station: str
    text: str

    def __str__(self) -> str:
        return f"station {self.station}: {self.text}"


class StationEnded(BaseContent):
    """A remote station's process ended. ``calls_ok`` and ``calls_failed`` are its own statistics."""

    kind: Literal["station_ended"] = "station_ended"
    station: str
    exit_status: int | None
    signal: int | None = None
    calls_ok: int | None = None
    calls_failed: int | None = None
    problem: str = ""


class TlsSeen(BaseContent):
    """A stage of a TLS connection (RFC 5246, RFC 8446) that a server of the bench was asked for.

    ``offered``: the client's hello came, ``version`` is the newest it offers, ``weak_suites`` those it should
    not; ``agreed``: the handshake was completed; ``spoken``: the first bytes of what TLS was to protect came,
    ``text`` is their first line; ``ended``: ``text`` says how, ``received`` counts the protected bytes.
    """

    kind: Literal["tls"] = "tls"
    connection: int
    sender: str
    receiver: str
    stage: Literal["offered", "agreed", "spoken", "ended"]
    version: str = ""
    suite: str = ""
    server_name: str = ""
    weak_suites: str = ""
    text: str = ""
    received: int = 0

    def __str__(self) -> str:
        more = [part for part in (self.version, self.suite, self.server_name, self.text) if part]
        counted = [f"{self.received} bytes received"] if self.stage == "ended" else []
        weak = [f"weak suites: {self.weak_suites}"] if self.weak_suites else []
        what = f"TLS {self.stage} by {self.sender} to {self.receiver}"
        return ", ".join([what, *more, *weak, *counted])


class InstrumentLost(BaseContent):
    """An instrument, the PBX or the device's own process stopped answering."""

    kind: Literal["lost"] = "lost"
    instrument: str
    problem: str
    blame: Literal["bench", "device"]

    def __str__(self) -> str:
        return f"{self.instrument} lost: {self.problem}"


class Declared(BaseContent):
    """What the bench file declares that the device has or lacks (ICS, ISO/IEC 9646-7).

    ``deferred`` are the kinds of content that are reported only after the run, by an imported file;
    ``copied_by`` are the sources whose copy of the event log is compared with the judged one. ``unheard``
    are the sources from which nothing had come from the run's beginning until now, each with the kinds of
    content for which it is believed. ``timing`` is how fast the device is. ``microphone_tone`` is what is
    played at the device's microphone, in Hz; None where that is not known. ``last_taken`` is when the device
    last took a call before of which its screen had said nothing yet (epoch seconds), 0 for none; None where
    that is not known.
    """

    kind: Literal["declared"] = "declared"
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    deferred: tuple[str, ...] = ()
    copied_by: tuple[str, ...] = ()
    unheard: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    timing: Timing = USUAL_TIMING
    microphone_tone: float | None = None
    last_taken: float | None = None

    def __str__(self) -> str:
        return f"declared to lack: {', '.join(self.lacks) or 'nothing'}"


class KeySeenBefore(BaseContent):
    """An SRTP master key of the device that an earlier scenario of the run has seen in a call.

    ``digest`` is by what the key is known again, ``scenario`` and ``call_id`` say where it was.
    """

    kind: Literal["key_seen_before"] = "key_seen_before"
    digest: str
    scenario: str
    call_id: str

    def __str__(self) -> str:
        return f"the key of the call {self.call_id} in {self.scenario}"


class Note(BaseContent):
    """A remark of the bench itself."""

    kind: Literal["note"] = "note"
    text: str

    def __str__(self) -> str:
        return self.text


Content = Annotated[
    SipMessageSeen
    | MalformedSip
    | MediaStarted
    | MediaHeard
    | VideoSeen
    | MediaEnded
    | ConsoleLine
    | UnreadableLine
    | SyslogSeen
    | WebhookSeen
    | DeviceEvent
    | EventCopy
    | EventsImported
    | PageSeen
    | ScreenText
    | OutputChanged
    | InputChanged
    | Configured
    | SpeakerHeard
    | OperatorHeard
    | PbxEvent
    | StationSaid
    | StationEnded
    | TlsSeen
    | InstrumentLost
    | OperatorAsked
    | OperatorAnswered
    | Declared
    | BenchLate
    | KeySeenBefore
    | Note,
    Field(discriminator="kind"),
]


class Observation(BaseContent):
    """One thing that happened: when, who saw it, and what it was. ``seq`` is its place of arrival."""

    seq: int
    time: float
    witness: Witness
    content: Content

    def __str__(self) -> str:
        return str(self.content)
