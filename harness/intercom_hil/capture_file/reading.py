"""Capture files read after the fact: pcap or pcapng, of this bench or of another tool, to a timeline.

Frames go through the same ``Decoder`` as live ones. What a tool captured twice counts once, packets of
several interfaces are put in order, and what is missing or cannot be read is counted.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from intercom_hil.capture.decoder import Decoder
from intercom_hil.capture_file.given_keys import NO_KEYS, GivenKeys
from intercom_hil.capture_file.key_log import Opened, opened
from intercom_hil.errors import BenchError
from intercom_hil.media.recording import Recordings
from intercom_hil.pcap.pcap import Frame, read_pcap
from intercom_hil.pcap.pcapng import is_pcapng, lost_packets, read_pcapng
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.timeline.timeline import Timeline
from intercom_hil.video.viewers import AtOnce, Viewer
from intercom_hil.wire.error import WireError
from intercom_hil.wire.link import Address, Dissector, LinkError, Segment, network_offset

SIP_PORTS = frozenset({5060})
MOST_BYTES = 1 << 30
"""Bytes of a file that are read, unpacked."""
_TWICE_WITHIN = 0.02
"""Seconds within which the same packet again is the same one, captured in two places.

Nobody sends again as soon as that: SIP waits for half a second (RFC 3261 §17.1.2.1: T1), TCP for longer.
"""
_OUT_OF_STEP = 0.25
"""Seconds by which packets of one interface may be out of order, as several threads of a tool write them."""
_BEGUN_TOGETHER = 1.0
"""Seconds within which captures of the same time have begun."""
_REMEMBERED = 4096
_IPV4_HEADER = 20
_REMEDY = "name a pcap or pcapng file"
_GZIP = b"\x1f\x8b"
_TLS_HANDSHAKE = b"\x16\x03"


@dataclass(frozen=True, slots=True)
class CaptureRead:
    """What a capture file shows.

    Attributes:
        timeline: with the account of every media flow; everybody goes by address and port.
        frames: how many frames were looked at.
        cut: how many of them the capture has only the beginning of (its snap length): they cannot be read.
        other: how many further ones are of link types that are not known.
        twice: how many were captured more than once.
        lost: how many packets the tool says it lost.
        damage: where the file cannot be read any further, and why; empty when it is whole.
        stepped: by how many seconds its times go back: a clock was set meanwhile, or captures were joined.
        encrypted: connections that open with a TLS handshake, by client and server address.
        begun: the time of the first frame (seconds since the epoch).
        ended: that of the last.
        viewer: has the sound and the stills of video that were kept.
    """

    timeline: Timeline
    frames: int
    cut: int
    other: int
    twice: int
    lost: int
    damage: str
    stepped: float
    encrypted: tuple[tuple[str, str], ...]
    begun: float
    ended: float
    viewer: Viewer

    @property
    def gaps(self) -> tuple[str, ...]:
        """In words, why not everything that was on the wire is on the timeline."""
        said = []
        if self.cut:
            said.append(f"{self.cut} of {self.frames} packets were cut short when they were captured")
        if self.lost:
            said.append(f"the tool that captured lost {self.lost} packets")
        if self.damage:
            said.append(f"the file is damaged after {self.frames} packets ({self.damage})")
        if self.stepped:
            said.append(
                f"the times in the file go back by {self.stepped:.1f} s: what came first is not known"
            )
        return tuple(said)


def read_capture(
    path: Path, *, sip_ports: frozenset[int] = SIP_PORTS, keys: GivenKeys = NO_KEYS
) -> CaptureRead:
    """Decode a capture file.

    Args:
        path: the file; it may be packed (gzip).
        sip_ports: ports on which everything is expected to be SIP.
        keys: SRTP keys that its signalling does not show, and secrets of its TLS connections.

    Returns:
        What the wire shows, and how much of it could not be read.

    Raises:
        BenchError: the file cannot be read, is no capture, or has no packets of a link type that is known; or
            its TLS connections cannot be looked into.
    """
    data = _bytes(path)
    timeline, viewer = Timeline(), Viewer(AtOnce(), Recordings())
    decoder = Decoder(
        link_type=None,
        sip_ports=sip_ports,
        append=timeline.append,
        name_of=lambda host, port: endpoint((host, port)),
        viewer=viewer,
    )
    decoder.media.given_keys = keys.media
    found, damage, stepped = _frames(data, path)
    messages = deque(opened(path, keys.tls, _handshakes(found)) if keys.tls else ())
    readable = {(one.source, one.destination) for one in messages}
    dissectors: dict[int, Dissector] = {}
    unknown: Counter[int] = Counter()
    repeats = _Repeats()
    encrypted: dict[tuple[str, str], None] = {}
    frames = cut = 0
    begun = ended = 0.0
    for link_type, frame in found:
        if link_type not in dissectors:
            try:
                dissectors[link_type] = Dissector(link_type)
            except LinkError:
                unknown[link_type] += 1
                continue
        begun, ended = (begun if frames else frame.time), frame.time
        frames += 1
        cut += len(frame.data) < frame.size
        if repeats.take(link_type, frame):
            continue
        while messages and messages[0].time < frame.time:
            _take(decoder, messages.popleft())
        packet = dissectors[link_type].dissect(frame.data)
        if isinstance(packet, Segment) and packet.payload.startswith(_TLS_HANDSHAKE):
            client, server = endpoint(packet.source), endpoint(packet.destination)
            ends = packet.source, packet.destination
            if (server, client) not in encrypted and readable.isdisjoint((ends, ends[::-1])):
                encrypted[client, server] = None
        decoder.packet(packet, frame.time)
    if not frames:
        kinds = ", ".join(str(kind) for kind in sorted(unknown))
        problem = f"no packets of a link type that is known (only {kinds})" if unknown else "no packets"
        raise BenchError(problem, str(path), _REMEDY)
    for message in messages:
        _take(decoder, message)
    decoder.end()
    timeline.opened = begun
    lost = lost_packets(data)
    return CaptureRead(
        timeline,
        frames,
        cut,
        unknown.total(),
        repeats.count,
        lost,
        damage,
        stepped,
        tuple(encrypted),
        begun,
        ended,
        viewer,
    )


def _handshakes(found: list[tuple[int, Frame]]) -> list[tuple[Address, Address]]:
    """Return client and server of each TLS connection whose handshake is in a capture."""
    dissectors: dict[int, Dissector] = {}
    ends: dict[tuple[Address, Address], None] = {}
    for link_type, frame in found:
        if link_type not in dissectors:
            try:
                dissectors[link_type] = Dissector(link_type)
            except LinkError:
                continue
        packet = dissectors[link_type].dissect(frame.data)
        opens = isinstance(packet, Segment) and packet.payload.startswith(_TLS_HANDSHAKE)
        if isinstance(packet, Segment) and opens and (packet.destination, packet.source) not in ends:
            ends[packet.source, packet.destination] = None
    return list(ends)


def _take(decoder: Decoder, one: Opened) -> None:
    decoder.message(one.message, one.source, one.destination, "TLS", one.time)


class _Repeats:
    """Recognises a packet that was captured more than once: on two interfaces, before and after a router."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def take(self, link_type: int, frame: Frame) -> bool:
        """Whether the same packet was captured shortly before."""
        at = network_offset(frame.data, link_type)
        packet = bytearray(frame.data[at:]) if at is not None else bytearray()
        if len(packet) < 40 or packet[0] >> 4 not in (4, 6):
            return False
        if packet[0] >> 4 == 4:
            total = int.from_bytes(packet[2:4], "big")
            del packet[total if total >= _IPV4_HEADER else len(packet) :]  # none while it is to be cut (TSO)
            packet[8] = packet[10] = packet[11] = 0  # hops left, and the checksum over them
        else:
            packet[7] = 0
        key = bytes(packet)
        before = self._seen.get(key)
        again = before is not None and abs(frame.time - before) <= _TWICE_WITHIN
        self.count += again
        self._seen[key] = frame.time
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return again


def _bytes(path: Path) -> bytes:
    """Return what a file holds, unpacked."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe would not end
            raise BenchError("cannot be read: it is no file", str(path), _REMEDY)
        data = path.read_bytes()
        if data.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise BenchError(f"cannot be read: {reason}", str(path), _REMEDY) from problem
    if len(data) > MOST_BYTES:
        remedy = "cut it into parts (editcap -c), or leave out what is no SIP and no media"
        raise BenchError("the capture is larger than 1 GiB", str(path), remedy)
    return data


def _frames(data: bytes, path: Path) -> tuple[list[tuple[int, Frame]], str, float]:
    """Return the frames of a file with their LINKTYPE_ numbers, by time, and what is wrong with its rest.

    Besides, by how many seconds its times go back.
    """
    frames: list[tuple[int, Frame]] = []
    damage, numbers = "", list[int]()
    read = read_pcapng(data, numbers) if is_pcapng(data) else read_pcap(data)
    try:
        _take_all(read, frames)
    except WireError as problem:
        if not frames:
            what = f"this is no whole capture file: {problem.problem}"
            raise BenchError(what, str(path), _REMEDY) from problem
        damage = problem.problem
    if not all(frame.time for _, frame in frames):  # a packet without a time stays where it is
        return frames, damage, 0.0
    frames, stepped = _steadied(frames, numbers or [0] * len(frames))
    frames.sort(key=lambda item: item[1].time)
    return frames, damage, stepped


def _steadied(
    frames: list[tuple[int, Frame]], numbers: Sequence[int]
) -> tuple[list[tuple[int, Frame]], float]:
    """Return frames whose times do not go back, and by how much (s) they did; numbers are of interfaces.

    What one interface took stands in a file in its order, so a clock was set meanwhile; several may be out of
    step. Captures of the same time that were put one behind the other begin anew with it.
    """
    parts: dict[int, list[list[float]]] = {}
    part_of = []
    for (_, frame), number in zip(frames, numbers, strict=True):
        own = parts.setdefault(number, [])
        if not own or frame.time < own[-1][1] - _OUT_OF_STEP:
            own.append([frame.time, frame.time])
        own[-1][1] = max(own[-1][1], frame.time)
        part_of.append(len(own) - 1)
    stepped = max((a[1] - b[0] for own in parts.values() for a, b in pairwise(own)), default=0.0)
    if not stepped:
        return frames, 0.0
    shifts = {number: _shifts(own) for number, own in parts.items()}
    steady = [
        (link_type, frame._replace(time=frame.time + shifts[number][part]))
        for (link_type, frame), number, part in zip(frames, numbers, part_of, strict=True)
    ]
    return steady, stepped


def _shifts(parts: list[list[float]]) -> list[float]:
    """Return by how much (s) the times of each part, of which first and last are given, are too low."""
    (first, last), shifts = parts[0], [0.0]
    for begun, ended in parts[1:]:
        shift = shifts[-1]
        parallel = begun + shift <= first + _BEGUN_TOGETHER and ended + shift >= first
        shifts.append(shift if parallel else last - begun)
        first, last = min(first, begun + shifts[-1]), max(last, ended + shifts[-1])
    return shifts


def _take_all(read: Iterator[tuple[int, Frame]], into: list[tuple[int, Frame]]) -> None:
    into.extend(read)
