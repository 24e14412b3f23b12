"""What the wire showed, decoded anew from a scenario's capture, against what its timeline says of the wire.

Every SIP message has to be in both, byte for byte and at the same time, and every flow of media with the same
account. The timeline may lack what was of an earlier scenario: it says how much of that was kept off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from intercom_hil.capture.capture import APPLICATION
from intercom_hil.capture.decoder import Decoder
from intercom_hil.capture_file.given_keys import NO_KEYS, read_keys
from intercom_hil.capture_file.key_log import NoProgramError
from intercom_hil.capture_file.reading import read_capture
from intercom_hil.capture_file.run_of_capture import KEYS
from intercom_hil.errors import BenchError
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.rules import clock
from intercom_hil.pcap.pcapng import is_pcapng, lost_packets, read_pcapng, received_packets
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.media import SoundHole
from intercom_hil.timeline.observation import (
    Content,
    MalformedSip,
    MediaEnded,
    MediaHeard,
    MediaStarted,
    Note,
    SipMessageSeen,
    VideoSeen,
)
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.wire.error import WireError
from intercom_hil.wire.link import Dissector

CAPTURE = "capture.pcapng"
_SAME_TIME = 2e-6
"""Seconds by which a time may differ that was written in microseconds."""
_ROUNDED, _SMOOTHED = 0.0021, ("jitter_ms", "pace", "paced_for", "duration", "holes")
"""What microseconds come to in values that are rounded to the third place, and what these are."""
_SIP_PORTS = frozenset({5060})
_NOT_IN_PACKETS = frozenset({"sender", "receiver", "still", "sounds", "session", "raw_bytes"})
"""Fields that the packets do not say: roles, names of files; and those that are compared with others."""
_MEDIA = MediaStarted | MediaHeard | MediaEnded | VideoSeen
OF_EARLIER_CALLS = "packets of media of earlier scenarios' calls"
"""How a note of the wire begins to say what of its media is not on the timeline."""
_LATE = 0.5
"""Seconds of lateness from which on video may wait so long for a look that it gets none."""
_HEADERS = 256
"""Bytes at the beginning of a file in which the program stands that has written it."""
_AT_THE_BEGINNING = 1.0
"""Seconds after a capture's first packet in which media of earlier calls may go on."""
MOST = 10
"""Differences of one kind that are listed."""

_Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison: what differs, and what could not be compared, in words.

    ``until`` is the time of the last packet (seconds since the epoch); 0 where packets were lost.
    """

    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Decoded:
    found: list[Observation]
    begun: float
    until: float
    problem: str


def compare_wire(folder: Path, timeline: Timeline) -> Compared:
    """Decode a scenario's capture anew, and say what differs from its timeline.

    Args:
        folder: the scenario's folder.
        timeline: as it is stored.
    """
    path = folder / CAPTURE
    stored = [o for o in timeline if o.witness is Witness.WIRE and not isinstance(o.content, Note)]
    if not path.exists():
        gone = f"{CAPTURE}: it is gone, and the timeline has {len(stored)} observations of it"
        return Compared((gone,) if stored else ())
    try:
        decoded = _decoded(path, timeline)
    except NoProgramError as problem:
        return Compared(not_compared=(f"the wire ({problem.what}: {problem.remedy})",))
    except BenchError as problem:
        return Compared((f"{CAPTURE}: {problem.what}",))
    earlier = _begun_before(decoded.found, stored, timeline, decoded.begun)
    unkeyed = _without_their_keys(decoded.found, stored)
    left_out = {**earlier, **unkeyed}
    found = [o for o in decoded.found if getattr(o.content, "flow", None) not in left_out]
    stored = [o for o in stored if getattr(o.content, "flow", None) not in left_out]
    unseen = _too_late_to_see(found, stored, timeline)
    found, stored = (
        [o for o in some if not (isinstance(o.content, VideoSeen) and o.content.flow in unseen)]
        for some in (found, stored)
    )
    differing = [*filter(None, [decoded.problem]), *_differences(found, stored, timeline)]
    return Compared(
        tuple(f"{CAPTURE}: {text}" for text in differing),
        (
            *(f"media that began before the capture: {flow}" for flow in earlier),
            *(f"protected media whose keys were not kept: {flow}" for flow in unkeyed),
            *(f"video that the bench was too late to look at all of: {flow}" for flow in unseen),
        ),
        decoded.until,
    )


def _begun_before(
    found: list[Observation], stored: list[Observation], timeline: Timeline, begun: float
) -> dict[str, None]:
    """Return the flows that were under way when the capture began: their beginning is in no file."""
    flows = {o.content.flow: None for o in stored if isinstance(o.content, _MEDIA) and _since(o) < begun}
    left_over = any(isinstance(o.content, Note) and OF_EARLIER_CALLS in o.content.text for o in timeline)
    if left_over:
        flows |= {
            o.content.flow: None
            for o in found
            if isinstance(o.content, MediaStarted) and o.time < begun + _AT_THE_BEGINNING
        }
    return flows


def _without_their_keys(found: list[Observation], stored: list[Observation]) -> dict[str, None]:
    """Return the flows that were authenticated then, and of which no packet is now.

    A bench file may have the keys replaced in the evidence (``evidence.media_keys``). Who replaces one later
    alters messages, which shows in these.
    """
    rejected = {
        o.content.flow
        for o in found
        if isinstance(o.content, MediaEnded) and o.content.rejected and not o.content.authenticated
    }
    return {
        o.content.flow: None
        for o in stored
        if isinstance(o.content, MediaEnded) and o.content.authenticated and o.content.flow in rejected
    }


def _too_late_to_see(
    found: list[Observation], stored: list[Observation], timeline: Timeline
) -> dict[str, None]:
    """Return the flows of video of which a late bench left some out: a look at the next began anew."""
    if late_between(timeline, 0.0, inf) < _LATE:
        return {}
    here, there = (
        Counter(o.content.flow for o in some if isinstance(o.content, VideoSeen)) for some in (found, stored)
    )
    return {flow: None for flow, count in here.items() if there[flow] < count}


def _since(observation: Observation) -> float:
    content = observation.content
    if isinstance(content, MediaEnded):
        return content.first + _SAME_TIME
    return observation.time + _SAME_TIME


def _decoded(path: Path, timeline: Timeline) -> _Decoded:
    """Decode a capture. What only the PBX could read (TLS) tells of media too, as it did then.

    One that no bench has written was judged as it came from a customer, and is read likewise.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise BenchError(f"it cannot be read: {problem.strerror}", str(path)) from problem
    if not is_pcapng(data) or APPLICATION.encode() not in data[:_HEADERS]:
        keys = path.with_name(KEYS)
        read = read_capture(path, keys=read_keys(keys) if keys.exists() else NO_KEYS)
        return _Decoded(list(read.timeline), 0.0, 0.0, "")
    again = Timeline()
    ports = {
        int(end.rpartition(":")[2])
        for o in timeline
        if o.witness is Witness.WIRE and isinstance(o.content, SipMessageSeen | MalformedSip)
        for end in (o.content.source, o.content.destination)
        if isinstance(o.content, MalformedSip)
    }
    decoder = Decoder(
        link_type=None,
        sip_ports=_SIP_PORTS | ports,
        append=again.append,
        name_of=lambda host, port: endpoint((host, port)),
    )
    unread = [
        o
        for o in timeline
        if o.witness is Witness.PBX and isinstance(o.content, SipMessageSeen) and o.content.transport == "TLS"
    ]
    dissectors: dict[int, Dissector] = {}
    begun, last, count = inf, 0.0, 0
    try:
        for link_type, frame in read_pcapng(data):
            count += 1
            while unread and unread[0].time <= frame.time:
                _learn(decoder, unread.pop(0))
            if link_type not in dissectors:
                dissectors[link_type] = Dissector(link_type)
            begun, last = min(begun, frame.time), max(last, frame.time)
            decoder.packet(dissectors[link_type].dissect(frame.data), frame.time)
    except WireError as problem:
        raise BenchError(f"it cannot be read: {problem}", str(path)) from problem
    for observation in unread:
        _learn(decoder, observation)
    decoder.end()
    until = 0.0 if lost_packets(data) else last
    return _Decoded(list(again), begun, until, _counted(data, count))


def _counted(data: bytes, count: int) -> str:
    """Return what is wrong with the number of packets, by what the bench wrote at the end, if anything."""
    received = received_packets(data)
    if received is None:
        return "its end is missing, where the number of packets stands"
    expected = received - lost_packets(data)
    return "" if expected == count else f"{count} packets, and its end says that there were {expected}"


def _learn(decoder: Decoder, observation: Observation) -> None:
    message = observation.content
    assert isinstance(message, SipMessageSeen)
    decoder.media.learn(message, observation.time)


def _differences(found: list[Observation], stored: list[Observation], timeline: Timeline) -> Iterator[str]:
    origin = min((o.time for o in timeline), default=0.0)
    here, there = _by_key(found), _by_key(stored)
    calls = {o.content.call_id for o in timeline if isinstance(o.content, SipMessageSeen)}
    listed = 0
    for key in [*there, *(key for key in here if key not in there)]:
        differing = _difference(here.get(key, []), there.get(key, []), calls, origin)
        for text in differing:
            listed += 1
            if listed <= MOST:
                yield text
    if listed > MOST:
        yield f"and {listed - MOST} more differences"


def _difference(
    decoded: list[Observation], stored: list[Observation], calls: set[str], origin: float
) -> Iterator[str]:
    """Compare what has the same key, one after the other."""
    for one, other in zip(decoded, stored, strict=False):
        changed = _changed(one, other)
        if changed:
            at = clock(other.time, origin)
            yield f"{other} at {at} differs from line {other.seq + 1} of the timeline in {changed}"
    for observation in stored[len(decoded) :]:
        at = clock(observation.time, origin)
        yield f"{observation} at {at}, line {observation.seq + 1} of the timeline, is not in the packets"
    for observation in decoded[len(stored) :]:
        content = observation.content
        if isinstance(content, SipMessageSeen) and content.call_id not in calls:
            continue  # of an earlier scenario's call
        yield f"{observation} at {clock(observation.time, origin)} is not on the timeline"


def _by_key(observations: list[Observation]) -> dict[_Key, list[Observation]]:
    """Group observations by what makes them comparable, each group by time."""
    found: dict[_Key, list[Observation]] = {}
    for observation in sorted(observations, key=lambda o: (o.time, o.seq)):
        found.setdefault(_key(observation.content), []).append(observation)
    return found


def _key(content: Content) -> _Key:
    if isinstance(content, SipMessageSeen):
        return "sip", content.source, content.destination, content.data
    if isinstance(content, MalformedSip):
        return "malformed", content.source, content.destination, content.raw_hex, content.problem
    if isinstance(content, _MEDIA):
        return content.kind, content.flow
    return (content.kind,)


def _changed(one: Observation, other: Observation) -> str:
    """Return the fields in which two observations differ, in words; empty if they are the same."""
    names = []
    if abs(one.time - other.time) > _SAME_TIME:
        names.append(f"time ({other.time:.6f}, and not {one.time:.6f})")
    names += [
        f"{name} ({theirs!r}, and not {ours!r})"
        for name in other.content.model_fields_set - _NOT_IN_PACKETS
        if not _alike(ours := getattr(one.content, name, None), theirs := getattr(other.content, name), name)
    ]
    return ", ".join(sorted(names))


def _alike(one: object, other: object, name: str) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= (_ROUNDED if name in _SMOOTHED else _SAME_TIME)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_alike(a, b, name) for a, b in zip(one, other, strict=True))
    if isinstance(one, SoundHole) and isinstance(other, SoundHole):
        times = _alike(one.time, other.time, name) and _alike(one.seconds, other.seconds, name)
        return times and one.how == other.how
    return one == other
