"""The account of one RTP flow under one agreement: packets in; started, heard, seen and ended out.

Loss and jitter are those of RFC 3550 (appendix A.3, A.8). Where SRTP was agreed, every single packet is
authenticated under the sender's own key; nothing is inferred from the profile in the SDP.
"""

from __future__ import annotations

from hashlib import sha256

from intercom_hil.capture.counting import Counting
from intercom_hil.capture.negotiation import NegotiatedStream
from intercom_hil.capture.sound import Sound, SoundWindow, is_readable_sound
from intercom_hil.media.h264 import ENCODING as H264
from intercom_hil.media.pace import Pace
from intercom_hil.media.recording import Recording
from intercom_hil.media.rtcp import Reporters
from intercom_hil.media.rtp import RtpError, RtpPacket, parse_rtp
from intercom_hil.media.sound import ENCODINGS
from intercom_hil.media.srtp import (
    DisputedPacketError,
    SrtpReceiver,
    is_unencrypted,
    overhead,
    receiver,
    why_not,
)
from intercom_hil.timeline.observation import MediaEnded, MediaHeard, MediaStarted, VideoSeen, Witness
from intercom_hil.timeline.sip_content import Address, NameOf, endpoint
from intercom_hil.timeline.timeline import Append
from intercom_hil.video.look import Look
from intercom_hil.video.viewers import VideoWindow, Viewer
from intercom_hil.wire.sdp import STATIC_ENCODINGS

PLAIN, SRTP, UNKNOWN = "plain", "srtp", "unknown"
_EVENT_BYTES = 4
"""A telephone-event payload is exactly this long in the clear (RFC 4733 §2.3)."""
_BYTE_SOUND = ("PCMU/8000", "PCMA/8000", "G722/8000")
"""Encodings of one byte per 1/8000 s, whose payloads can be distinguished from ciphertext by their bytes."""
_FRAME_BYTES = {"GSM/8000": 33, "G729/8000": 10, "G726-32/8000": 40, "ILBC/8000": 38, "L16/8000": 160}
"""Bytes of one frame of other encodings that have no frames of other sizes."""
_MAX_DROPOUT = 3000
"""A leap in sequence numbers beyond this is a sender that began anew, not loss (RFC 3550 appendix A.1)."""
_LARGEST_OVERHEAD = 16 + 4
"""Bytes that protection adds to a packet at the most, as far as is usual: tag, and master key identifier."""
_REMEMBERED = 64
_PADDING = 0x20


class Flow:
    """Source, destination and SSRC: what makes packets one flow."""

    def __init__(self, source: Address, destination: Address, ssrc: int, name_of: NameOf) -> None:
        self.source, self.destination, self.ssrc = source, destination, ssrc
        self.sender, self.receiver = name_of(*source), name_of(*destination)
        self.name = f"{endpoint(source)}>{endpoint(destination)}/{ssrc:08x}"


class Reception:
    """Sequence numbers and arrival times of one flow. Counts are packets, jitter is in ms."""

    def __init__(self) -> None:
        self.packets = 0
        self._unique = 0
        self._expected_before = 0
        self._base: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._jitter = 0.0

    def take(self, sequence: int, timestamp: int, rate: int | None, time: float, *, repeated: bool) -> bool:
        """Book one packet; return whether it continues the flow (and is not late or repeated).

        Args:
            sequence: its sequence number.
            timestamp: its RTP timestamp.
            rate: clock rate in Hz; None where the timestamp says nothing of the time of sending.
            time: arrival, seconds since the epoch.
            repeated: whether the very same packet came before.
        """
        self.packets += 1
        if repeated:
            return False
        self._unique += 1
        if rate:
            self._book_transit(time - timestamp / rate, rate)
        if self._base is None:
            self._base = self._highest = sequence
            return True
        step = (sequence - self._highest) & 0xFFFF
        if step < _MAX_DROPOUT:
            self._highest += step
            return step > 0
        if 0x10000 - step < _MAX_DROPOUT:
            return False
        self._expected_before += self._highest - self._base + 1
        self._base = self._highest = sequence
        return True

    @property
    def lost(self) -> int:
        """Packets that never came."""
        if self._base is None:
            return 0
        return max(0, self._expected_before + self._highest - self._base + 1 - self._unique)

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter (RFC 3550 §6.4.1)."""
        return self._jitter * 1000

    def _book_transit(self, transit: float, rate: int) -> None:
        if self._transit is not None:
            wrap = 2**32 / rate
            change = abs(transit - self._transit)
            self._jitter += (min(change, abs(change - wrap)) - self._jitter) / 16
        self._transit = transit


class RtpStream:
    """One flow while one agreement holds for it (or none)."""

    def __init__(
        self,
        flow: Flow,
        leg: NegotiatedStream | None,
        append: Append,
        viewer: Viewer,
        reporters: Reporters,
    ) -> None:
        self.flow, self.leg = flow, leg
        self._append, self._viewer, self._reporters = append, viewer, reporters
        reporters.expect(flow.destination)
        self._counting, self._pace = Counting(), Pace()
        self._payload_types: dict[int, None] = {}
        self._digest = sha256()
        keys = leg.keys if leg else ()
        self._receivers: list[SrtpReceiver] = [r for key in keys if (r := receiver(key))]
        self._overheads = {overhead(key) for key in keys}
        self._unproved = _unproved(leg)
        self._reception = Reception()
        self._sounds: dict[tuple[str, str], SoundWindow] = {}
        self._recordings: dict[tuple[str, str], tuple[str, Recording | None]] = {}
        self._numbers: dict[str, int] = {}  # the payload type by which an encoding came last
        self._video: VideoWindow | None = None
        self._recent: dict[int, tuple[bytes, bool]] = {}
        self._authenticated = self._rejected = self._plain = self._disputed = self._reused = 0
        self._unencrypted = self._malformed = 0
        self._first = self._last = 0.0
        self._payload_type = 0

    @property
    def protection(self) -> str:
        """What was negotiated: plain, srtp or unknown."""
        return UNKNOWN if self.leg is None else SRTP if self.leg.secure else PLAIN

    def authenticate(self, data: bytes) -> bytes | None:
        """Return the plain packet if it authenticates under the agreed key, else None."""
        return self._open(data)[0]

    def _open(self, data: bytes) -> tuple[bytes | None, bool]:
        """Return the plain packet, and whether the receivers disagree about it."""
        disputed = False
        for one in self._receivers:
            try:
                plain = one.unprotect(data)
            except DisputedPacketError:
                disputed = True
            else:
                if plain is not None:
                    return plain, False
        return None, disputed

    def take(self, data: bytes, time: float, plain: bytes | None = None) -> None:
        """Book one packet. ``plain`` is its content where it was authenticated already.

        Raises:
            RtpError: it is no RTP packet.
        """
        header = parse_rtp(data, encrypted=True)
        before = self._recent.get(header.sequence)
        repeated = before is not None and before[0] == data
        disputed = False
        if plain is None and not repeated and self.protection == SRTP:
            plain, disputed = self._open(data)
        encoding = self._encoding(header.payload_type)
        empty = not repeated and not encoding and self._is_empty(data, header, plain)
        if empty and (not self._reception.packets or (self.protection == SRTP and plain is None)):
            return  # what keeps a way open is the beginning of no media, and none that is unprotected
        if not self._reception.packets:
            self._first = self._last = time
            self._payload_type = header.payload_type
            self._say_started(header, time)
        self._last = max(self._last, time)
        self._digest.update(data)
        if not empty:
            self._payload_types[header.payload_type] = None
        rate = _clock_rate(encoding)
        in_order = self._reception.take(header.sequence, header.timestamp, rate, time, repeated=repeated)
        if in_order and rate:
            self._pace.take(header.timestamp, rate, time)
        elif not repeated:
            self._pace.pass_over()
        if before is not None and repeated:
            # A replayed packet would be refused (RFC 3711 §3.3.2): the same bytes were judged already.
            self._count(authenticated=before[1], clear=not before[1] and self._is_clear(header, encoding))
            return
        self._reused += before is not None
        if disputed:
            self._disputed += 1
            return
        self._remember(header.sequence, data, plain is not None)
        readable, protection = self._judge(data, header, encoding, plain)
        if in_order:
            self._count_on(readable, header, encoding, time)
        if readable is not None and in_order:
            self._attend(readable, header, encoding, protection, time)

    def end(self) -> None:
        """Measure the last sound and give the account, unless no packet was ever booked."""
        for sound in self._sounds.values():
            sound.end()
        if self._video is not None:
            self._video.end()
        if not self._reception.packets:
            return
        flow, leg, counting = self.flow, self.leg, self._counting
        counting.end()
        reports = self._reporters.of(flow.source[0], flow.ssrc)
        content = MediaEnded(
            flow=flow.name,
            source=endpoint(flow.source),
            destination=endpoint(flow.destination),
            sender=flow.sender,
            receiver=flow.receiver,
            media=self._media(self._payload_type),
            payload_type=self._payload_type,
            ssrc=flow.ssrc,
            protection=self.protection,
            call_id=leg.call_id if leg else "",
            first=self._first,
            last=self._last,
            packets=self._reception.packets,
            lost=self._reception.lost,
            jitter_ms=round(self._reception.jitter_ms, 3),
            authenticated=self._authenticated,
            rejected=self._rejected,
            plain=self._plain + (self._unencrypted if self._unencrypted > self._authenticated // 2 else 0),
            unproved=self._why_unproved(),
            payload_types=tuple(self._payload_types),
            steps=counting.steps,
            odd_timestamps=counting.odd_timestamps,
            leaps=counting.leaps,
            odd_markers=counting.odd_markers,
            malformed=self._malformed,
            pace=self._pace.ratio and round(self._pace.ratio, 3),
            paced_for=round(self._pace.seconds, 3),
            reused=self._reused,
            holes=tuple(counting.holes),
            sender_reports=reports.of_sender,
            receiver_reports=reports.of_receiver,
            stray_reports=self._reporters.astray(reports),
            clear_reports=sum(r.in_clear and self._first <= r.time <= self._last for r in reports.all),
            digest=self._digest.hexdigest(),
            sounds=tuple(name for name, _ in self._recordings.values() if name),
        )
        self._append(Witness.WIRE, content, self._last)

    def _why_unproved(self) -> str:
        if not self._disputed:
            return self._unproved
        return f"the bench's two SRTP receivers disagree about {self._disputed} packets"

    def _judge(
        self, data: bytes, header: RtpPacket, encoding: str, plain: bytes | None
    ) -> tuple[bytes | None, str]:
        """Count what the packet proves; return the readable packet, if any, and how it was protected."""
        if self.protection != SRTP:
            readable = self.protection == PLAIN or is_readable_sound(header.payload)
            return (data if readable else None), self.protection
        clear = plain is None and self._is_clear(header, encoding)
        self._count(authenticated=plain is not None, clear=clear)
        self._unencrypted += plain is not None and self._is_unencrypted(header, encoding, plain)
        return (data, PLAIN) if clear else (plain, SRTP)

    def _is_empty(self, data: bytes, header: RtpPacket, plain: bytes | None) -> bool:
        """Whether a packet carries nothing, as one that keeps its way open does (RFC 6263 §4.6).

        Of one that nobody can open its size shows that, with or without protection.
        """
        if self.protection != SRTP or plain is not None:
            return _has_no_payload(data if plain is None else plain)
        return not header.payload or (not self._receivers and len(header.payload) <= _LARGEST_OVERHEAD)

    def _is_clear(self, header: RtpPacket, encoding: str) -> bool:
        """Whether a packet that does not authenticate is readable RTP.

        By its bytes where they show it. Else, where the agreed protection is known, by its length: whole
        frames of its encoding, which it would not be with tag and identifier.
        """
        if encoding.startswith("TELEPHONE-EVENT/"):
            return len(header.payload) == _EVENT_BYTES
        if encoding in _BYTE_SOUND:
            return is_readable_sound(header.payload)
        frame, size = _FRAME_BYTES.get(encoding), len(header.payload)
        if not frame or not self._receivers or not size or size % frame:
            return False
        return all((size - more) % frame for more in self._overheads)

    def _is_unencrypted(self, header: RtpPacket, encoding: str, plain: bytes) -> bool:
        """Whether the sound of a packet could be read as it came, though its tag is right."""
        sound = plain[header.header_size :]
        if self._unproved or encoding not in _BYTE_SOUND or is_readable_sound(sound):
            return False
        return is_readable_sound(header.payload[: len(sound)])

    def _count(self, *, authenticated: bool, clear: bool) -> None:
        """Count a packet where SRTP was agreed.

        Without a usable key nothing is proved of ciphertext: it is neither authenticated nor rejected, so
        that the account shows how many packets nobody could judge.
        """
        if self.protection == SRTP and (self._receivers or clear):
            self._authenticated += authenticated
            self._rejected += not authenticated
            self._plain += clear

    def _count_on(self, readable: bytes | None, header: RtpPacket, encoding: str, time: float) -> None:
        """Follow the numbers of a packet whose sound can be read; others interrupt that."""
        if readable is None or encoding not in _BYTE_SOUND or readable[0] & _PADDING:
            self._counting.pass_over()
        else:
            self._counting.take(header, readable[header.header_size :], time)

    def _attend(self, packet: bytes, header: RtpPacket, encoding: str, protection: str, time: float) -> None:
        """Listen to sound and look at video; whatever else a packet carries is only counted."""
        if encoding not in ENCODINGS and encoding != H264:
            return
        payload = packet[header.header_size :]
        if packet[0] & _PADDING:
            try:
                payload = parse_rtp(packet).payload
            except RtpError:
                self._malformed += 1
                return
        if payload and encoding == H264:
            self._watch(payload, header, time)
        elif payload:
            self._listen(payload, header, encoding, protection, time)

    def _listen(self, payload: bytes, header: RtpPacket, encoding: str, protection: str, time: float) -> None:
        sound = self._sounds.get((protection, encoding))
        if sound is None:
            from intercom_hil.media.g711 import DECODERS  # with numpy, when sound is there

            sound = self._sounds[protection, encoding] = SoundWindow(
                DECODERS[encoding], lambda measured: self._say_heard(measured, protection, encoding)
            )
            name = f"{self.flow.sender}-to-{self.flow.receiver}-{protection}"
            kept = self._viewer.recordings.begin(name, encoding, secured=protection == SRTP)
            self._recordings[protection, encoding] = kept
        self._numbers[encoding] = header.payload_type
        sound.add(payload, header.timestamp, time)
        recording = self._recordings[protection, encoding][1]
        if recording is not None:
            recording.add(payload, header.timestamp, time)

    def _watch(self, payload: bytes, header: RtpPacket, time: float) -> None:
        if self._video is None:
            name = f"{self.flow.sender}-to-{self.flow.receiver}-{self.protection}"
            self._video = VideoWindow(self._viewer, name, self._say_seen)
        self._video.add(payload, header, time)

    def _remember(self, sequence: int, data: bytes, authenticated: bool) -> None:
        self._recent.pop(sequence, None)
        self._recent[sequence] = data, authenticated
        if len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]

    def _encoding(self, payload_type: int) -> str:
        known = self.leg.encodings if self.leg else STATIC_ENCODINGS
        name = known.get(payload_type) or STATIC_ENCODINGS.get(payload_type, "")
        return name.upper().removesuffix("/1")

    def _media(self, payload_type: int) -> str:
        if self.leg:
            return self.leg.media
        return "audio" if self._encoding(payload_type) in ENCODINGS else UNKNOWN

    def _say_started(self, header: RtpPacket, time: float) -> None:
        flow, leg = self.flow, self.leg
        content = MediaStarted(
            flow=flow.name,
            source=endpoint(flow.source),
            destination=endpoint(flow.destination),
            sender=flow.sender,
            receiver=flow.receiver,
            media=self._media(header.payload_type),
            payload_type=header.payload_type,
            ssrc=flow.ssrc,
            protection=self.protection,
            call_id=leg.call_id if leg else "",
        )
        self._append(Witness.WIRE, content, time)

    def _say_heard(self, sound: Sound, protection: str, encoding: str) -> None:
        content = MediaHeard(
            flow=self.flow.name,
            sender=self.flow.sender,
            receiver=self.flow.receiver,
            protection=protection,
            level_dbov=round(sound.level_dbov, 2),
            tone_hz=None if sound.tone_hz is None else round(sound.tone_hz, 2),
            also_hz=None if sound.also is None else round(sound.also[0], 2),
            also_dbov=None if sound.also is None else round(sound.also[1], 2),
            duration=sound.duration,
            call_id=self.leg.call_id if self.leg else "",
            payload_type=self._numbers[encoding],
        )
        self._append(Witness.WIRE, content, sound.time)

    def _say_seen(self, look: Look, still: str, time: float, duration: float) -> None:
        content = VideoSeen(
            flow=self.flow.name,
            sender=self.flow.sender,
            receiver=self.flow.receiver,
            protection=self.protection,
            frames=look.frames,
            width=look.width,
            height=look.height,
            moving=look.moving,
            markers=look.markers,
            still=still,
            duration=round(duration, 3),
            call_id=self.leg.call_id if self.leg else "",
        )
        self._append(Witness.WIRE, content, time)


def _clock_rate(encoding: str) -> int | None:
    """Return the clock rate in Hz, or None where timestamps stand still (telephone events, comfort noise)."""
    name, _, rate = encoding.partition("/")
    digits = rate.partition("/")[0]
    if name in ("TELEPHONE-EVENT", "CN") or not (digits.isascii() and digits.isdigit() and len(digits) < 8):
        return None
    return int(digits) or None


def _has_no_payload(packet: bytes) -> bool:
    try:
        return not parse_rtp(packet).payload
    except RtpError:
        return False


def _unproved(leg: NegotiatedStream | None) -> str:
    """Return what authentication cannot prove under an agreement, and why; empty where it proves all."""
    if leg is None or not leg.secure:
        return ""
    reasons = [leg.keyless, *(why_not(key) for key in leg.keys)]
    if any(is_unencrypted(key) for key in leg.keys):
        reasons.append("the session agreed not to encrypt (UNENCRYPTED_SRTP): packets are only authenticated")
    return next((reason for reason in reasons if reason), "")
