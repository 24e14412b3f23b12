"""Capture files read after the fact: pcap or pcapng, of this bench or of another tool, to a timeline.

Frames go through the same ``Decoder`` as live ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.capture.decoder import Decoder
from intercom_hil.errors import BenchError
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.timeline.timeline import Timeline
from intercom_hil.wire.error import WireError
from intercom_hil.wire.link import Dissector, LinkError
from intercom_hil.wire.pcap import Frame, PcapReader
from intercom_hil.wire.pcapng import is_pcapng, read_pcapng

SIP_PORTS = frozenset({5060})
_REMEDY = "name a pcap or pcapng file"


@dataclass(frozen=True, slots=True)
class CaptureRead:
    """What a capture file shows.

    Attributes:
        timeline: with the account of every media flow.
        frames: how many frames were looked at.
        cut: how many of them the capture has only the beginning of (its snap length): they cannot be read.
        other: how many further ones are of link types that are not known.
    """

    timeline: Timeline
    frames: int
    cut: int
    other: int


def read_capture(
    path: Path, *, roles: Mapping[str, str], sip_ports: frozenset[int] = SIP_PORTS
) -> CaptureRead:
    """Decode a capture file.

    Args:
        path: the file.
        roles: address to role (``device``, ``pbx``, …); an address that is not there is its own name.
        sip_ports: ports on which everything is expected to be SIP.

    Returns:
        What the wire shows, and how much of it could not be read.

    Raises:
        BenchError: the file cannot be read, is no capture, or has no packets of a link type that is known.
    """
    timeline = Timeline()
    decoder = Decoder(
        link_type=None,
        sip_ports=sip_ports,
        append=timeline.append,
        name_of=lambda host, port: roles.get(host) or endpoint((host, port)),
    )
    dissectors: dict[int, Dissector] = {}
    unknown, frames, cut, other, first = set(), 0, 0, 0, 0.0
    for link_type, frame in _frames(path):
        if link_type not in dissectors:
            try:
                dissectors[link_type] = Dissector(link_type)
            except LinkError:
                unknown.add(link_type)
                other += 1
                continue
        first = first if frames else frame.time
        frames += 1
        cut += len(frame.data) < frame.size
        decoder.packet(dissectors[link_type].dissect(frame.data), frame.time)
    if not frames:
        kinds = ", ".join(str(kind) for kind in sorted(unknown))
        problem = f"no packets of a link type that is known (only {kinds})" if unknown else "no packets"
        raise BenchError(problem, str(path), _REMEDY)
    decoder.end()
    timeline.opened = first
    return CaptureRead(timeline, frames, cut, other)


def _frames(path: Path) -> Iterator[tuple[int, Frame]]:
    """Yield the frames of a file with their LINKTYPE_ numbers."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise BenchError(f"cannot be read: {problem.strerror}", str(path), _REMEDY) from problem
    try:
        if is_pcapng(data):
            yield from read_pcapng(data)
            return
        reader = PcapReader()
        frames = reader.feed(data)
    except WireError as problem:
        raise BenchError(f"this is no whole capture file: {problem.problem}", str(path), _REMEDY) from problem
    yield from ((reader.link_type or 0, frame) for frame in frames)
