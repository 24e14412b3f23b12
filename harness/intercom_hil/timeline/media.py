"""What can be said of media on the wire: flows that begin and end, sound that is heard, pictures seen.

Times are seconds since the Unix epoch, durations seconds; parties are named by role.
"""

from __future__ import annotations

from typing import Literal

from intercom_hil.timeline.content import BaseContent


class MediaStarted(BaseContent):
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


class MediaHeard(BaseContent):
    """Sound in a flow over one window: level in dBov, and the tone that dominates it, if any, in Hz.

    ``also_hz`` is a second tone that stands out from the rest, of ``also_dbov``; ``payload_type`` is that of
    the window's last packet, where it was taken down.
    """

    kind: Literal["media_heard"] = "media_heard"
    flow: str
    sender: str
    receiver: str
    protection: str
    level_dbov: float
    tone_hz: float | None = None
    also_hz: float | None = None
    also_dbov: float | None = None
    duration: float
    call_id: str = ""
    payload_type: int | None = None

    def __str__(self) -> str:
        tone = f"{self.tone_hz:.0f} Hz, " if self.tone_hz else ""
        return f"{tone}{self.level_dbov:.0f} dBov from {self.sender} to {self.receiver} ({self.protection})"


class VideoSeen(BaseContent):
    """What a flow of video showed over one window of ``duration`` seconds.

    ``frames`` could be decoded, of ``width`` by ``height`` pixels; ``moving`` says whether the picture
    changed visibly, ``markers`` where a bright upright bar stood in each (of the width). ``still`` names the
    picture kept of it, if any.
    """

    kind: Literal["video"] = "video"
    flow: str
    sender: str
    receiver: str
    protection: str
    frames: int
    width: int = 0
    height: int = 0
    moving: bool = False
    markers: tuple[float, ...] = ()
    still: str = ""
    duration: float
    call_id: str = ""

    def __str__(self) -> str:
        way = f"from {self.sender} to {self.receiver} ({self.protection})"
        if not self.frames:
            return f"video without a picture {way}"
        motion = "moving" if self.moving else "still"
        return f"{motion} {self.width}x{self.height} video, {self.frames} pictures, {way}"


HoleKind = Literal["stalled", "skipped", "silent"]


class SoundHole(BaseContent):
    """Sound that is missing in a flow of which no packet was lost, from ``time`` on (epoch seconds).

    ``stalled``: nothing was sent, and it was not made up for. ``skipped``: the timestamps leapt, unannounced.
    ``silent``: packets of digital silence between sounds.
    """

    how: HoleKind
    time: float
    seconds: float


class MediaEnded(BaseContent):
    """The account of one whole RTP flow. Counts are packets.

    ``authenticated`` passed SRTP authentication under the negotiated keys; ``rejected`` did not although
    SRTP was negotiated (``plain`` of those look like readable RTP: clear media, ENC-11). Where the two do not
    add up to ``packets``, ``unproved`` says why nothing could be found out of the others; it also says what
    authentication does not prove, such as encryption.

    ``payload_types`` are all that were seen. Of sound with one byte per tick, ``steps`` lead from one packet
    to the very next, by ``odd_timestamps`` of them the timestamp did not rise as the sound did, and ``leaps``
    pass over sequence numbers that were never used; ``holes`` are where sound is missing. ``reused`` packets
    have the sequence number of another one shortly before, ``odd_markers`` are on packets that begin no
    talkspurt, ``malformed`` packets have a padding that cannot be. ``pace`` is how many times as fast as
    described the timestamps rose, in ``paced_for`` seconds.
    ``sender_reports`` and ``receiver_reports`` are RTCP of the flow's own SSRC (RFC 3550 §6.4); of those,
    ``stray_reports`` went where no RTCP is wanted by what is usual, and ``clear_reports``, while the flow
    lasted, could be read by anybody. ``digest`` is the SHA-256 of its packets as they came, in their order.
    ``sounds`` are the files that its sound is kept in.
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
    unproved: str = ""
    payload_types: tuple[int, ...] | None = None
    steps: int | None = None
    odd_timestamps: int = 0
    leaps: int = 0
    odd_markers: int = 0
    malformed: int = 0
    pace: float | None = None
    paced_for: float = 0.0
    reused: int = 0
    holes: tuple[SoundHole, ...] = ()
    sender_reports: int | None = None
    receiver_reports: int | None = None
    stray_reports: int = 0
    clear_reports: int = 0
    digest: str = ""
    sounds: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.packets} {self.media} packets from {self.sender} to {self.receiver} ({self.protection}: "
            f"{self.authenticated} authenticated, {self.rejected} rejected, {self.plain} plain)"
            + (f"; {self.unproved}" if self.unproved else "")
        )
