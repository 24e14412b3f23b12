"""Frames to observations: the one place that knows which packet is signalling and which is media.

It takes captured frames in order and puts SIP messages and media observations on the timeline, dated with the
time of their packet. UDP on a SIP port is SIP, and so is anything elsewhere that opens with a SIP start line;
keep-alives (RFC 5626 §3.5, §4.4.1) are passed over, and so are those of makers' own: a few bytes of any kind.
"""

from __future__ import annotations

from intercom_hil.capture.media import MediaTracker
from intercom_hil.capture.tcp import TcpSip
from intercom_hil.pcap.pcap import Frame
from intercom_hil.timeline.observation import UNUSABLE_SDP, SipMessageSeen, Witness
from intercom_hil.timeline.sip_content import Address, NameOf, malformed, sip_content
from intercom_hil.timeline.timeline import Append
from intercom_hil.video.viewers import Viewer
from intercom_hil.wire.link import Datagram, Dissector, Segment
from intercom_hil.wire.sip import SipError, looks_like_sip

_STUN_COOKIE = b"\x21\x12\xa4\x42"
_STUN_HEADER = 20
_KEEP_ALIVE_BYTES = b"\r\n\0 "
_LONGEST_KEEP_ALIVE = 4
"""Bytes of CRLF CRLF, the longest of RFC 5626 (§4.4.1). eXosip sends ``jaK``. No message is that short."""


class Decoder:
    """Decodes one capture of one link type."""

    def __init__(
        self,
        *,
        link_type: int | None,
        sip_ports: frozenset[int],
        append: Append,
        name_of: NameOf,
        viewer: Viewer | None = None,
    ) -> None:
        """Raises ``LinkError`` for a link type that is not known; without a viewer, video is seen at once.

        Without a link type only ``packet`` can be used.
        """
        self._dissector = None if link_type is None else Dissector(link_type)
        self._streams = TcpSip(sip_ports)
        self._sip_ports = sip_ports
        self._append, self._name_of = append, name_of
        self.media = MediaTracker(append=append, name_of=name_of, viewer=viewer)

    def frame(self, frame: Frame) -> None:
        """Take in one captured frame. Whatever its bytes are, it never raises."""
        if self._dissector is not None:
            self.packet(self._dissector.dissect(frame.data), frame.time)

    def packet(self, packet: Datagram | Segment | None, time: float) -> None:
        """Take in what a frame held, as a ``Dissector`` found it; time is seconds since the epoch."""
        if isinstance(packet, Datagram):
            self._datagram(packet, time)
        elif isinstance(packet, Segment):
            for item in self._streams.take(packet):
                if isinstance(item, SipError):
                    self._malformed(item.data, packet.source, packet.destination, item.problem, time)
                else:
                    self.message(item, packet.source, packet.destination, "TCP", time)

    def end(self) -> None:
        """Give the account of every flow."""
        self.media.end()

    def _datagram(self, datagram: Datagram, time: float) -> None:
        source, destination, payload, to_group = datagram
        if len(payload) <= _LONGEST_KEEP_ALIVE or not payload.strip(_KEEP_ALIVE_BYTES):
            return
        if source[1] in self._sip_ports or destination[1] in self._sip_ports:
            if payload[4:8] != _STUN_COOKIE and not _is_older_stun(payload):
                self.message(payload, source, destination, "UDP", time)
        elif payload[0] < 0x80 and looks_like_sip(payload):
            self.message(payload, source, destination, "UDP", time)
        else:
            self.media.packet(source, destination, payload, time, to_group=to_group)

    def message(
        self, payload: bytes, source: Address, destination: Address, transport: str, time: float
    ) -> None:
        """Take in one SIP message: of a datagram, a stream, or a TLS connection that somebody opened."""
        content = sip_content(payload, source, destination, transport, self._name_of)
        self._append(Witness.WIRE, content, time)
        if isinstance(content, SipMessageSeen):
            problem = self.media.learn(content, time)
            if problem:
                self._malformed(payload, source, destination, f"{UNUSABLE_SDP}{problem}", time)

    def _malformed(
        self, payload: bytes, source: Address, destination: Address, problem: str, time: float
    ) -> None:
        self._append(Witness.WIRE, malformed(payload, source, destination, problem, self._name_of), time)


def _is_older_stun(payload: bytes) -> bool:
    """Whether this is STUN as it was before it had its cookie (RFC 3489 §11.1): SIP begins with a letter."""
    length = int.from_bytes(payload[2:4], "big")
    return len(payload) == _STUN_HEADER + length and payload[0] <= 1 and payload[1] & 0xEC == 0
