"""What a witness can say: one frozen model per kind of content, and the Observation that dates and signs it.

Times are seconds since the Unix epoch on the bench's clock. Parties are named by role, as the bench file
names them: ``device``, ``pbx``, or a station's number; an address nobody declared is its own name.
Every model is plain data and round-trips through JSON, so a stored timeline can be judged again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Witness(StrEnum):
    """Who saw it. Independent witnesses are what makes a verdict believable."""

    WIRE = "wire"
    PBX = "pbx"
    STATION = "station"
    CONSOLE = "console"
    PORTAL = "portal"
    BUTTON = "button"
    SPEAKER = "speaker"
    BENCH = "bench"


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MediaLine(_Content):
    """One m= section of an SDP body (RFC 4566 §5.14, RFC 4568)."""

    media: str
    address: str
    port: int
    profile: str
    direction: str = "sendrecv"
    payload_types: tuple[int, ...] = ()
    crypto_suites: tuple[str, ...] = ()


class SipMessageSeen(_Content):
    """One SIP message (RFC 3261) between two parties. ``status`` is None for a request."""

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
    media: tuple[MediaLine, ...] = ()
    raw: str

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


class MalformedSip(_Content):
    """Bytes on a SIP port that are no SIP message."""

    kind: Literal["malformed_sip"] = "malformed_sip"
    source: str
    destination: str
    sender: str
    receiver: str
    problem: str
    raw_hex: str


class MediaStarted(_Content):
    """The first packet of an RTP flow. ``protection`` is what SDP negotiated: plain, srtp or unknown."""

    kind: Literal["media_started"] = "media_started"
    flow: str
    source: str
    destination: str
    sender: str
    receiver: str
    media: str
    payload_type: int
    ssrc: int
    protection: str
    call_id: str = ""

    def __str__(self) -> str:
        return f"{self.protection} {self.media} from {self.sender} to {self.receiver}"


class MediaHeard(_Content):
    """Sound in a flow over one window: level in dBov, and the tone that dominates it, if any, in Hz."""

    kind: Literal["media_heard"] = "media_heard"
    flow: str
    sender: str
    receiver: str
    protection: str
    level_dbov: float
    tone_hz: float | None = None
    duration: float
    call_id: str = ""

    def __str__(self) -> str:
        tone = f"{self.tone_hz:.0f} Hz, " if self.tone_hz else ""
        return f"{tone}{self.level_dbov:.0f} dBov from {self.sender} to {self.receiver} ({self.protection})"


class MediaEnded(_Content):
    """The account of one whole RTP flow. Counts are packets.

    ``authenticated`` passed SRTP authentication under the negotiated keys; ``rejected`` did not although
    SRTP was negotiated (``plain`` of those look like readable RTP: clear media, ENC-11).
    """

    kind: Literal["media_ended"] = "media_ended"
    flow: str
    source: str
    destination: str
    sender: str
    receiver: str
    media: str
    payload_type: int
    ssrc: int
    protection: str
    call_id: str = ""
    first: float
    last: float
    packets: int
    lost: int
    jitter_ms: float
    authenticated: int = 0
    rejected: int = 0
    plain: int = 0

    def __str__(self) -> str:
        return (
            f"{self.packets} {self.media} packets from {self.sender} to {self.receiver} ({self.protection}: "
            f"{self.authenticated} authenticated, {self.rejected} rejected, {self.plain} plain)"
        )


class ConsoleLine(_Content):
    """One complete line from the device's console."""

    kind: Literal["console_line"] = "console_line"
    text: str


class DeviceEvent(_Content):
    """One entry of the device's event log. ``failure`` is the kind that the details tell (EVT-13)."""

    kind: Literal["event"] = "event"
    name: str
    screen_name: str = ""
    details: str = ""
    failure: str = ""
    device_time: float | None = None

    def __str__(self) -> str:
        return f"event {self.name} ({self.screen_name}) {self.details}".rstrip()


class ScreenText(_Content):
    """A text the device shows."""

    kind: Literal["screen"] = "screen"
    text: str

    def __str__(self) -> str:
        return f"screen shows {self.text!r}"


class OutputChanged(_Content):
    """An output of the bench was driven. ``confirmed`` says whether the instrument read it back."""

    kind: Literal["output"] = "output"
    name: str
    active: bool
    confirmed: bool

    def __str__(self) -> str:
        return f"{self.name} {'pressed' if self.active else 'released'}"


class Configured(_Content):
    """A configuration was submitted to the device; ``accepted`` and ``message`` are its answer."""

    kind: Literal["configured"] = "configured"
    settings: dict[str, object]
    accepted: bool
    message: str = ""
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "configuration accepted" if self.accepted else f"configuration refused: {self.message}"


class SpeakerHeard(_Content):
    """Sound at the device's speaker over one window: level in dBov, dominant tone in Hz if any."""

    kind: Literal["speaker"] = "speaker"
    level_dbov: float
    tone_hz: float | None = None
    duration: float

    def __str__(self) -> str:
        tone = f"{self.tone_hz:.0f} Hz, " if self.tone_hz else ""
        return f"speaker: {tone}{self.level_dbov:.0f} dBov"


class PbxEvent(_Content):
    """One event of the PBX's ARI or AMI interface, or a line of its log."""

    kind: Literal["pbx_event"] = "pbx_event"
    interface: str
    name: str
    channel: str = ""
    call_id: str = ""
    fields: dict[str, object] = Field(default_factory=dict)

    def __str__(self) -> str:
        return f"PBX {self.interface}: {self.name} {self.channel}".rstrip()


class StationSaid(_Content):
    """A line of a remote station's live log."""

    kind: Literal["station_said"] = "station_said"
    station: str
    text: str

    def __str__(self) -> str:
        return f"station {self.station}: {self.text}"


class StationEnded(_Content):
    """A remote station's process ended. ``calls_ok`` and ``calls_failed`` are its own statistics."""

    kind: Literal["station_ended"] = "station_ended"
    station: str
    exit_status: int | None
    signal: int | None = None
    calls_ok: int | None = None
    calls_failed: int | None = None
    problem: str = ""


class InstrumentLost(_Content):
    """An instrument, the PBX or the device's own process stopped answering."""

    kind: Literal["lost"] = "lost"
    instrument: str
    problem: str
    blame: Literal["bench", "device"]

    def __str__(self) -> str:
        return f"{self.instrument} lost: {self.problem}"


class Note(_Content):
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
    | MediaEnded
    | ConsoleLine
    | DeviceEvent
    | ScreenText
    | OutputChanged
    | Configured
    | SpeakerHeard
    | PbxEvent
    | StationSaid
    | StationEnded
    | InstrumentLost
    | Note,
    Field(discriminator="kind"),
]


class Observation(_Content):
    """One thing that happened: when, who saw it, and what it was. ``seq`` is its place of arrival."""

    seq: int
    time: float
    witness: Witness
    content: Content

    def __str__(self) -> str:
        return str(self.content)
