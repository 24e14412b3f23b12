"""What stations, PBX and the device's own sources testified, against raw files and against one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from intercom_hil.instruments.serial_console import LONGEST_LINE, Fragment, LineFramer
from intercom_hil.judge.rules import clock
from intercom_hil.sipp.error import SippError
from intercom_hil.sipp.traces import read_messages
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine, SipMessageSeen, SyslogSeen, WebhookSeen

CONSOLE = "console.log"
_SAME_TIME = 1e-5
_RAW = {Witness.SYSLOG: "syslog", Witness.WEBHOOK: "webhook"}


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
        *_console(folder, timeline, origin),
        *_sources(folder, timeline, origin),
        *_copies(timeline, origin, until),
    ]


def _where(observation: Observation, origin: float) -> str:
    content = observation.content
    said = content.text if isinstance(content, ConsoleLine | SyslogSeen | WebhookSeen) else str(content)
    return f"{said} at {clock(observation.time, origin)}, line {observation.seq + 1} of the timeline,"


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
        near = any(abs(time - observation.time) <= _SAME_TIME for time in times.get(data, ()))
        if left[data] <= 0 or not near:
            yield f"stations: {_where(observation, origin)} is in no station's log of messages"
        left[data] -= 1


def _console(folder: Path, timeline: Timeline, origin: float) -> Iterator[str]:
    """Compare the console's lines, in their order: they are a part of the raw log without a gap."""
    stored = [o for o in timeline if o.witness is Witness.CONSOLE and isinstance(o.content, ConsoleLine)]
    path = folder / CONSOLE
    if not path.exists():
        if stored:
            yield f"{CONSOLE}: it is gone, and the timeline has {len(stored)} lines of it"
        return
    try:
        raw = LineFramer(LONGEST_LINE).feed(path.read_bytes() + b"\n")
    except OSError as problem:
        yield f"{CONSOLE}: it cannot be read: {problem.strerror}"
        return
    lines = [line for line in raw if not isinstance(line, Fragment)]
    at = 0
    for place, observation in enumerate(stored):
        text = _text(observation)
        try:
            found = lines.index(text, at)
        except ValueError:
            if place or not (lines and text.endswith(lines[0])):  # it may have begun in another file
                yield f"{CONSOLE}: {_where(observation, origin)} is not in the raw log"
            continue
        if place and found > at:
            missing = ", ".join(repr(line) for line in lines[at:found][:3])
            yield f"{CONSOLE}: {found - at} lines of the raw log are not on the timeline: {missing}"
        at = found + 1


def _sources(folder: Path, timeline: Timeline, origin: float) -> Iterator[str]:
    """Look for each text of syslog and webhook in the raw log of its source."""
    for witness, name in _RAW.items():
        stored = [
            o for o in timeline if o.witness is witness and isinstance(o.content, SyslogSeen | WebhookSeen)
        ]
        raw = b"".join(path.read_bytes() for path in sorted(folder.glob(f"{name}*.log")))
        for observation in stored:
            text = _text(observation)
            if not all(word.encode() in raw for word in text.split() if word.isascii() and word.isalnum()):
                yield f"{name}.log: {_where(observation, origin)} is not in the raw log"


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


def _text(observation: Observation) -> str:
    content = observation.content
    assert isinstance(content, ConsoleLine | SyslogSeen | WebhookSeen)
    return content.text
