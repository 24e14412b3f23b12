"""What stations and PBX testified, against raw files and against one another."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from intercom_hil.judge.rules import clock
from intercom_hil.pbx.testimony import FILE, is_said, said_again
from intercom_hil.recomputed.sources import MARK, SAME_TIME
from intercom_hil.sipp.error import SippError
from intercom_hil.sipp.traces import read_messages
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.content import BaseContent
from intercom_hil.timeline.observation import SipMessageSeen, StationSaid
from intercom_hil.timeline.sip_content import endpoint, sip_content
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import Message

SAID = ".said.log"
_UNDER_WAY = 0.5
"""Seconds that something the PBX has dated may take to the bench; 1 ms is usual."""
_CUT_TIME = 0.002
"""Seconds: the PBX cuts some of its times to the millisecond, and the bench puts them in order."""


def compare_testimony(folder: Path, timeline: Timeline, until: float) -> list[str]:
    """Return in words what a scenario's timeline says otherwise than the raw files beside it.

    Args:
        folder: the scenario's folder.
        timeline: as it is stored.
        until: until when (seconds since the epoch) the capture has everything that was on the wire.
    """
    origin = min((o.time for o in timeline), default=0.0)
    return [
        *_stations(folder, timeline, origin),
        *_logs(folder, timeline, origin),
        *_copies(timeline, origin, until),
        *_pbx(folder, timeline, origin),
    ]


def _where(observation: Observation, origin: float) -> str:
    return f"{observation} at {clock(observation.time, origin)}, line {observation.seq + 1} of the timeline,"


def _stations(folder: Path, timeline: Timeline, origin: float) -> Iterator[str]:
    """Compare the messages that stations traced, by their bytes and times."""
    logs = sorted(folder.glob("stations/*.messages.log"))
    stored = [
        o
        for o in timeline
        if o.witness is Witness.STATION
        and isinstance(o.content, SipMessageSeen)
        and o.content.transport != "TLS"
    ]
    traced: list[tuple[float, bytes]] = []
    for log in logs:
        try:
            traced += [(message.time, message.payload) for message in read_messages(log)]
        except (OSError, SippError, ValueError) as problem:
            yield f"stations/{log.name}: it cannot be read: {problem}"
            return
    left = Counter(data for _, data in traced)
    times: dict[bytes, list[float]] = {}
    for time, data in traced:
        times.setdefault(data, []).append(time)
    for observation in stored:
        data = _message(observation).data
        near = any(abs(time - observation.time) <= SAME_TIME for time in times.get(data, ()))
        if left[data] <= 0 or not near:
            yield f"stations: {_where(observation, origin)} is in no station's log of messages"
        elif _says_otherwise(_message(observation)):
            yield f"stations: {_where(observation, origin)} says otherwise than its own bytes"
        left[data] -= 1
    # whoever saw them: also a call of which all that stations traced was taken out is of this scenario
    known = {o.content.call_id for o in timeline if isinstance(o.content, SipMessageSeen)}
    for data, count in left.items():
        call_id = _call_id(data)
        if count > 0 and call_id in known:
            first = data.split(b"\r\n", 1)[0].decode("utf-8", "replace")
            yield f"stations: {first!r} of the call {call_id} is in their logs, and not on the timeline"


def _says_otherwise(message: SipMessageSeen) -> bool:
    """Return whether a message, between the ends that it names, reads otherwise than it is stored."""
    ends = (message.source.rpartition(":"), message.destination.rpartition(":"))
    try:
        source, destination = ((host.strip("[]"), int(port)) for host, _, port in ends)
    except ValueError:
        return True
    again = sip_content(message.data, source, destination, message.transport, lambda host, port: "")
    return _said(again) != _said(message)


def _call_id(data: bytes) -> str:
    try:
        return Message.parse(data).header("Call-ID") or ""
    except WireError:
        return ""


def _logs(folder: Path, timeline: Timeline, origin: float) -> Iterator[str]:
    """Compare what the stations' scenarios logged, line by line, where that was kept."""
    stored = [o for o in timeline if isinstance(o.content, StationSaid)]
    left: Counter[tuple[str, str, float]] = Counter()
    files: dict[str, str] = {}
    logs = sorted(folder.glob(f"stations/*{SAID}"))
    for log in logs:
        station = log.name.rpartition("-")[0]
        files[station] = ", ".join([files[station], log.name] if station in files else [log.name])
        try:
            for line in log.read_bytes().split(b"\n")[:-1]:
                stamp, _, text = line.decode("utf-8", "surrogateescape").partition(" ")
                left[station, text, _tick(float(stamp))] += 1
        except (OSError, ValueError) as problem:
            yield f"stations/{log.name}: it cannot be read: {problem}"
            return
    for observation in stored if logs else ():
        said = observation.content
        assert isinstance(said, StationSaid)
        key = (said.station, said.text, _tick(observation.time))
        if left[key] <= 0:
            yield f"stations: {_where(observation, origin)} is in no station's log"
        left[key] -= 1
    for (station, text, time), count in left.items():
        if count > 0:
            at = clock(time, origin)
            yield f"stations/{files[station]}: {text!r} at {at} is not on the timeline"


def _tick(time: float) -> float:
    """Return a time as it is written in a log, in microseconds."""
    return round(time, 6)


def _pbx(folder: Path, timeline: Timeline, origin: float) -> Iterator[str]:
    """Compare what the PBX said, by its mirror of its SIP and its interfaces, where that was kept."""
    path = folder / FILE
    if not path.exists():
        return
    try:
        found, until = said_again(path, lambda host, port: endpoint((host, port)))
    except (OSError, ValueError, KeyError) as problem:
        yield f"{FILE}: it cannot be read: {problem}"
        return
    left: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        left[_said(one.content)].append(one)
    stored = [o for o in timeline if o.witness is Witness.PBX and is_said(o.content)]
    for observation in stored:
        alike = left[_said(observation.content)]
        same = next((one for one in alike if abs(one.time - observation.time) <= _CUT_TIME), None)
        if same is not None:
            alike.remove(same)
        elif alike:
            came = clock(alike.pop(0).time, origin)
            yield f"{FILE}: {_where(observation, origin)} came at {came}"
        elif observation.time <= until - _UNDER_WAY:
            yield f"{FILE}: {_where(observation, origin)} is not in it"
    calls = {_message(o).call_id for o in timeline if isinstance(o.content, SipMessageSeen)}
    for one in (one for alike in left.values() for one in alike):
        if not isinstance(one.content, SipMessageSeen) or one.content.call_id in calls:
            yield f"{FILE}: {one} at {clock(one.time, origin)} is not on the timeline"


def _said(content: BaseContent) -> str:
    """Return what a witness said, apart from who that was: roles are not in what it says."""
    said = content.model_dump(mode="json", exclude={"sender", "receiver"})
    return MARK.sub("redacted", json.dumps(said, sort_keys=True, ensure_ascii=False))


def _copies(timeline: Timeline, origin: float, until: float) -> Iterator[str]:
    """Compare the PBX's copies with the wire: what it took or sent in clear went over the wire, too."""
    wire = {_identity(m) for m in _of(timeline, Witness.WIRE)}
    for observation in timeline:
        if (
            observation.witness is Witness.PBX
            and isinstance(observation.content, SipMessageSeen)
            and observation.time < until
        ):
            message = observation.content
            if message.transport in ("UDP", "TCP") and _identity(message) not in wire:
                yield f"the PBX's copy: {_where(observation, origin)} is not among what the wire showed"


def _identity(message: SipMessageSeen) -> tuple[str, int, str, str, int | None]:
    return message.call_id, message.cseq, message.method, message.branch, message.status


def _of(timeline: Iterable[Observation], witness: Witness) -> Iterator[SipMessageSeen]:
    for observation in timeline:
        if observation.witness is witness and isinstance(observation.content, SipMessageSeen):
            yield observation.content


def _message(observation: Observation) -> SipMessageSeen:
    assert isinstance(observation.content, SipMessageSeen)
    return observation.content
