"""Every RTP flow on the wire, matched to what SDP negotiated: packets and SIP messages in, observations out.

A packet seen before the answer that it rests on is held, within bounds, and judged once the answer is known.
When a call is negotiated anew, a flow's account is closed and another opened if its protection changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from intercom_hil.capture.negotiation import NegotiatedStream, Negotiation
from intercom_hil.capture.rtp_stream import Flow, RtpStream
from intercom_hil.media.rtcp import Reporters
from intercom_hil.media.rtp import RtpError, is_rtcp, is_rtp
from intercom_hil.media.srtp import DisputedPacketError, receiver
from intercom_hil.timeline.observation import Note, SipMessageSeen, Witness
from intercom_hil.timeline.sip_content import Address, NameOf, endpoint
from intercom_hil.timeline.timeline import Append
from intercom_hil.video.viewers import AtOnce, Viewer
from intercom_hil.wire.sdp import Crypto, SdpError

HELD_PACKETS = 250
"""Packets of one flow that wait for an answer: 5 s of 20 ms audio."""

HELD_SECONDS = 2.0
"""How long they wait, in packet time; then the flow is of unknown protection until an answer is seen."""

PROBATION = 4
"""Packets of one source with rising numbers that make a flow of datagrams which no SDP mentions.

That is what distinguishes media from other datagrams that happen to begin like RTP (RFC 3550 appendix A.1).
"""
_LONGEST_STEP = 100
"""Sequence numbers by which the next packet of such a flow may be ahead."""

TRANSITION = 0.5
"""Seconds after a new agreement in which packets that only the old one explains belong to the old one."""

BREAK = 0.5
"""Seconds of silence after which a flow is not the one of an earlier scenario that went on."""

AFTERMATH = 0.5
"""Seconds in which media of a call that an earlier scenario ended may still be on its way."""

MAX_FLOWS = 256
"""Flows followed at one time; beyond that one is closed: not yet known to be media, or silent longest."""


class _TrackedFlow:
    def __init__(self, flow: Flow, payload_type: int) -> None:
        self.flow, self.payload_type = flow, payload_type
        self.account: RtpStream | None = None
        self.generation = -1
        self.leg: NegotiatedStream | None = None
        self.held: deque[tuple[float, bytes]] = deque()
        self.given: tuple[Crypto, ...] = ()
        self.last = 0.0


_FlowKey = tuple[Address, Address, bytes]
"""Source, destination and SSRC."""


class _LeftOver:
    """The flows of an earlier scenario that go on. What they are was said there; here they are counted."""

    def __init__(self) -> None:
        self.passed_over = 0
        self._last: dict[_FlowKey, float] = {}
        self._since = 0.0

    def begin(self, flows: dict[_FlowKey, float]) -> None:
        """Take the flows that there were until now, and when (packet time) each was seen last."""
        self._last |= flows
        self._since = max(self._last.values(), default=0.0)
        self._last = {key: last for key, last in self._last.items() if self._since - last < BREAK}
        self.passed_over = 0

    def takes(self, key: _FlowKey, leg: NegotiatedStream | None, time: float) -> bool:
        """Whether a packet is of such a flow: one that nothing was agreed on anew, and that never broke off.

        While its call stands that may last (nobody was there to end it); after its BYE it may not.
        """
        last = self._last.get(key)
        if last is None:
            return False
        stands = leg is not None and leg.since <= self._since
        is_new = leg is not None and not stands
        if is_new or time - last >= BREAK or not (stands or time - self._since < AFTERMATH):
            del self._last[key]
            return False
        self._last[key] = time
        self.passed_over += 1
        return True


class MediaTracker:
    """The media of one scenario. Agreements outlive ``end``: a call may go on into the next scenario.

    Its media is not the next scenario's then: only how many packets of it there were is reported.

    Attributes:
        given_keys: keys that no signalling shows, each with who sends under it (empty: anybody may). They
            count for a flow that one of them opens.
    """

    def __init__(self, *, append: Append, name_of: NameOf, viewer: Viewer | None = None) -> None:
        """``viewer`` says who decodes video; without one it is decoded on the spot."""
        self._append, self._name_of = append, name_of
        self._viewer = viewer or Viewer(AtOnce())
        self._negotiation = Negotiation()
        self._flows: dict[_FlowKey, _TrackedFlow] = {}
        self._left_over = _LeftOver()
        self._reporters = Reporters()
        self.given_keys: Sequence[tuple[str, Crypto]] = ()

    def learn(self, seen: SipMessageSeen, time: float) -> str:
        """Take in one SIP message, from any witness that could read it; twice does no harm.

        Args:
            seen: the message.
            time: when it was seen, seconds since the epoch.

        Returns:
            What is wrong with its session description; empty when nothing is.
        """
        before = self._negotiation.generation
        try:
            self._negotiation.learn(seen, time)
        except SdpError as problem:
            return str(problem)
        if self._negotiation.generation != before:
            for tracked in self._flows.values():
                if tracked.account is None:
                    self._try_to_decide(tracked)
        return ""

    def packet(
        self, source: Address, destination: Address, data: bytes, time: float, *, to_group: bool = False
    ) -> None:
        """Take in the payload of one datagram that is not SIP; what is not RTP is passed over.

        So are STUN, DTLS, ZRTP and TURN on media ports, by their first byte (RFC 7983), and what goes
        ``to_group`` (broadcast or multicast) without an SDP that names the address.
        """
        if is_rtcp(data):
            media = destination[0], destination[1] - 1
            if self._negotiation.names(media):
                self._reporters.expect(media)
            self._reporters.take(source, destination, data, time)
        if not is_rtp(data) or (to_group and not self._negotiation.names(destination)):
            return
        key = (source, destination, data[8:12])
        tracked = self._flows.get(key)
        if tracked is None:
            if self._left_over.takes(key, self._negotiation.leg(source, destination), time):
                return
            flow = Flow(source, destination, int.from_bytes(data[8:12], "big"), self._name_of)
            tracked = self._flows[key] = _TrackedFlow(flow, data[1] & 0x7F)
            if len(self._flows) > MAX_FLOWS:
                self._close_quietest()
        tracked.last = time
        if tracked.account is None:
            self._hold(tracked, data, time)
        else:
            self._take(tracked, tracked.account, data, time)

    def settle(self) -> None:
        """Report what is still held: the answer that it waits for will not come any more."""
        for tracked in self._flows.values():
            self._decide_without_answer(tracked)

    def end(self) -> None:
        """Judge what is still held, and give the account of every flow."""
        for tracked in self._flows.values():
            self._close(tracked)
        if self._left_over.passed_over:
            count = self._left_over.passed_over
            told = f"not on this timeline: {count} packets of media of earlier scenarios' calls"
            self._append(Witness.WIRE, Note(text=told), None)
        self._left_over.begin({key: tracked.last for key, tracked in self._flows.items()})
        self._flows.clear()
        self._reporters.clear()

    def _close_quietest(self) -> None:
        key = min(self._flows, key=lambda k: (self._flows[k].account is not None, self._flows[k].last))
        self._close(self._flows.pop(key))

    def _close(self, tracked: _TrackedFlow) -> None:
        self._decide_without_answer(tracked)
        if tracked.account is not None:
            tracked.account.end()

    def _decide_without_answer(self, tracked: _TrackedFlow) -> None:
        if tracked.account is not None or not tracked.held:
            return
        if self._is_media(tracked):
            self._open(tracked, None)

    def _is_media(self, tracked: _TrackedFlow) -> bool:
        return self._negotiation.mentions(tracked.flow.source, tracked.flow.destination) or _rises(
            [data for _, data in tracked.held]
        )

    def _hold(self, tracked: _TrackedFlow, data: bytes, time: float) -> None:
        tracked.held.append((time, data))
        if self._try_to_decide(tracked):
            return
        waited = time - tracked.held[0][0]
        full = len(tracked.held) >= HELD_PACKETS
        if len(tracked.held) >= PROBATION and (waited > HELD_SECONDS or full) and self._is_media(tracked):
            self._open(tracked, None)
        elif waited > HELD_SECONDS or full:
            while tracked.held and (full or time - tracked.held[0][0] > HELD_SECONDS):
                tracked.held.popleft()
                full = False

    def _try_to_decide(self, tracked: _TrackedFlow) -> bool:
        leg = self._current_leg(tracked)
        if leg is not None:
            self._open(tracked, leg)
        return leg is not None

    def _current_leg(self, tracked: _TrackedFlow) -> NegotiatedStream | None:
        if tracked.generation != self._negotiation.generation:
            tracked.generation = self._negotiation.generation
            flow = tracked.flow
            leg = self._negotiation.leg(flow.source, flow.destination, tracked.payload_type)
            if leg is not None and leg.secure and not leg.keys and tracked.given:
                leg = replace(leg, keys=tracked.given, keyless="")
            tracked.leg = leg
        return tracked.leg

    def _opened_by_given(
        self, tracked: _TrackedFlow, leg: NegotiatedStream | None
    ) -> NegotiatedStream | None:
        """Return the agreement under keys that were given, where it has none and they open the flow."""
        flow, held = tracked.flow, [data for _, data in tracked.held]
        places = ("", flow.source[0], endpoint(flow.source))
        keys = [key for place, key in self.given_keys if place in places]
        tracked.given = tuple(key for key in keys if any(_opens(key, data) for data in held[:PROBATION]))
        if not tracked.given:
            return leg
        if leg is not None:
            return replace(leg, keys=tracked.given, keyless="")
        since = tracked.held[0][0]
        return NegotiatedStream("", "audio", True, tracked.given, flow.source, flow.destination, {}, since)

    def _open(self, tracked: _TrackedFlow, leg: NegotiatedStream | None) -> None:
        if self.given_keys and (leg is None or (leg.secure and not leg.keys)):
            tracked.leg = leg = self._opened_by_given(tracked, leg)
        account = tracked.account = RtpStream(tracked.flow, leg, self._append, self._viewer, self._reporters)
        while tracked.held:
            time, data = tracked.held.popleft()
            _book(account, data, time)

    def _take(self, tracked: _TrackedFlow, account: RtpStream, data: bytes, time: float) -> None:
        leg = self._current_leg(tracked)
        if leg is None or leg is account.leg:
            _book(account, data, time)
        elif account.leg is not None and account.leg.same_protection(leg):
            account.leg = leg
            _book(account, data, time)
        else:
            self._change(tracked, account, leg, data, time)

    def _change(
        self, tracked: _TrackedFlow, old: RtpStream, leg: NegotiatedStream, data: bytes, time: float
    ) -> None:
        new = RtpStream(tracked.flow, leg, self._append, self._viewer, self._reporters)
        plain = new.authenticate(data)
        changing = time - leg.since < TRANSITION
        if plain is None and old.leg is not None and (changing or not leg.secure):
            in_old = old.authenticate(data)  # what opens under a key is not clear, however long it is used
            if in_old is not None or (changing and leg.secure and not old.leg.secure):
                _book(old, data, time, in_old)
                return
        old.end()
        tracked.account = new
        _book(new, data, time, plain)


def _opens(key: Crypto, packet: bytes) -> bool:
    """Whether a packet authenticates under a key."""
    try:
        opened = receiver(key)
        return opened is not None and opened.unprotect(packet) is not None
    except DisputedPacketError:
        return False


def _rises(packets: list[bytes]) -> bool:
    """Whether sequence numbers rise over ``PROBATION`` packets on end, and timestamps do not go back."""
    run, before = 1, None
    for packet in packets:
        sequence, timestamp = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big")
        if before is not None:
            step, passed = (sequence - before[0]) & 0xFFFF, (timestamp - before[1]) & 0xFFFFFFFF
            if step == 0:
                continue
            run = run + 1 if step <= _LONGEST_STEP and passed < 1 << 31 else 1
        if run >= PROBATION:
            return True
        before = sequence, timestamp
    return False


def _book(account: RtpStream, data: bytes, time: float, plain: bytes | None = None) -> None:
    try:
        account.take(data, time, plain)
    except RtpError:
        # Right version and source, wrong inside: no RTP after all, and nothing that a flow could count.
        return
