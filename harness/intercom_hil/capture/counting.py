"""How the numbers of one flow of sound count, and where sound is missing in it (RFC 3550 §5.1).

Only packets of one byte per tick of the clock are followed: of those it is known how far a timestamp has to
rise. What was lost on the way is no fault of the sender: a step over lost packets is passed over. So is a
pause that a sender announces, by comfort noise (RFC 3389) or by the marker of a talkspurt (RFC 3551 §4.1).
"""

from __future__ import annotations

from typing import NamedTuple

from intercom_hil.media.rtp import RtpPacket
from intercom_hil.timeline.media import HoleKind, SoundHole

RATE = 8000
"""Ticks per second of the encodings that are followed."""
SHORTEST_HOLE = 0.1
"""Seconds of missing sound from which on it is a hole."""
LONGEST_HOLE = 10.0
"""Seconds: what is longer is a pause, for whatever reason."""
MOST_HOLES = 50
"""Holes of one flow that are kept."""
_CATCHES_UP_WITHIN = 20
"""Packets after a standstill by which it shows whether what is missing comes all the same, only later."""
_FEW_PACKETS = 5
_SILENCE = frozenset({0x55, 0xD5, 0x7E, 0x7F, 0xFE, 0xFF})
"""Bytes of digital silence, in A-law and in mu-law (ITU-T G.711)."""


class _Packet(NamedTuple):
    sequence: int
    timestamp: int
    ticks: int
    time: float
    payload_type: int


class Counting:
    """Follows one flow.

    Attributes:
        steps: from one packet to the very next one.
        odd_timestamps: of those, steps by which the timestamp did not rise as the sound did.
        leaps: steps over sequence numbers that were never used, for the timestamp rose by one packet alone.
        odd_markers: on packets that follow each other without a pause, and so begin no talkspurt.
        holes: where sound is missing.
    """

    def __init__(self) -> None:
        self.steps = self.odd_timestamps = self.leaps = self.odd_markers = 0
        self.holes: list[SoundHole] = []
        self._before: _Packet | None = None
        self._origin: tuple[float, int] | None = None
        self._standstill: tuple[float, float, list[float]] | None = None
        self._lags: list[float] = []
        self._silence = 0.0
        self._loud = False

    def pass_over(self) -> None:
        """Take note of a packet that is not followed: what comes next has nothing to be compared with."""
        self._before, self._silence, self._loud = None, 0.0, False

    def take(self, header: RtpPacket, sound: bytes, time: float) -> None:
        """Take in one packet in its order: header, payload, and when it came (seconds since the epoch)."""
        packet = _Packet(header.sequence, header.timestamp, len(sound), time, header.payload_type)
        before, self._before = self._before, packet
        self._listen(sound, time)
        if before is None or before.payload_type != packet.payload_type:
            self._begin_anew(packet)
            return
        step = (packet.sequence - before.sequence) & 0xFFFF
        risen = (packet.timestamp - before.timestamp) & 0xFFFFFFFF
        if header.marker:
            if step != 1 or risen != before.ticks or time - before.time > SHORTEST_HOLE:
                self._begin_anew(packet)
                return
            self.odd_markers += 1
        if step == 1:
            self.steps += 1
            self.odd_timestamps += risen != before.ticks
            if risen != before.ticks:
                skipped = (risen - before.ticks) / RATE
                if SHORTEST_HOLE <= skipped < LONGEST_HOLE:
                    self._add("skipped", before.time, skipped)
                self._begin_anew(packet)
                return
        elif risen == before.ticks:
            self.leaps += 1
        self._follow_clock(packet, before.time)

    def end(self) -> None:
        """Decide about a standstill at the very end, if enough came after it."""
        if self._standstill is not None and len(self._standstill[2]) >= _FEW_PACKETS:
            self._decide()

    def _begin_anew(self, packet: _Packet) -> None:
        self._standstill, self._lags = None, []
        self._origin = packet.time, packet.timestamp

    def _follow_clock(self, packet: _Packet, before: float) -> None:
        """Watch by how much packets lag behind their timestamps: a standstill made up for is jitter alone."""
        if self._origin is None:
            return
        at, timestamp = self._origin
        lag = packet.time - at - ((packet.timestamp - timestamp) & 0xFFFFFFFF) / RATE
        if self._standstill is not None:
            self._standstill[2].append(lag)
            if len(self._standstill[2]) >= _CATCHES_UP_WITHIN:
                self._decide()
        elif len(self._lags) >= _FEW_PACKETS and packet.time - before > SHORTEST_HOLE:
            self._standstill = before, min(self._lags), [lag]
        self._lags = [*self._lags[-_FEW_PACKETS:], lag]

    def _decide(self) -> None:
        assert self._standstill is not None  # both callers have seen it
        (begun, usual, lags), self._standstill = self._standstill, None
        missing = min(lags) - usual
        if SHORTEST_HOLE < missing < LONGEST_HOLE:
            self._add("stalled", begun, missing)
        self._lags = lags[-_FEW_PACKETS:]

    def _listen(self, sound: bytes, time: float) -> None:
        """Notice digital silence between sounds."""
        if not sound:
            return
        if _SILENCE.issuperset(sound):
            self._silence += len(sound) / RATE if self._loud else 0.0
            return
        if SHORTEST_HOLE <= self._silence < LONGEST_HOLE:
            self._add("silent", time - self._silence, self._silence)
        self._silence, self._loud = 0.0, True

    def _add(self, how: HoleKind, begun: float, seconds: float) -> None:
        if len(self.holes) < MOST_HOLES:
            self.holes.append(SoundHole(how=how, time=begun, seconds=round(seconds, 3)))
