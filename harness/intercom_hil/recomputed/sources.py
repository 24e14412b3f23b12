"""What a device wrote, read anew from the raw logs and the times of their bytes, against its timeline.

Each line, event and screen text has to be in both, the same and at the same time. What the timeline need not
have are events that were kept off it, as of an earlier scenario: the scenario's record says how many. Logs
without times are older, or of a source that cannot be read anew (HTTP): there only the texts are looked for.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.event_sources.syslog import SyslogReader
from intercom_hil.instruments.serial_console import LONGEST_LINE, Fragment, LineFramer
from intercom_hil.judge.rules import clock
from intercom_hil.layouts.known import LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.stored import restored
from intercom_hil.timeline import Content, Observation, Timeline, Witness
from intercom_hil.timeline.arrivals import SUFFIX, portions
from intercom_hil.timeline.observation import (
    ConsoleLine,
    DeviceEvent,
    EventCopy,
    Note,
    ScreenText,
    SyslogSeen,
    WebhookSeen,
)
from intercom_hil.timeline.timeline import Append

CONSOLE = "console"
LANGUAGES = "languages.json"
SAME_TIME = 1e-5
"""Seconds by which a time may differ that was written in microseconds, and read as a fraction."""
_READ_BY_THEN = 0.5
"""Seconds before the end of a scenario until when what came has been read, too."""
FROM_LINES = ConsoleLine | SyslogSeen | DeviceEvent | EventCopy | ScreenText | Note
MARK = re.compile("redact[a-z2-7-]*")
"""What stands in the place of a secret: escaped it was longer, and so is its mark."""
_SYSLOG = re.compile(rb"(\d+) ")


def compare_sources(folder: Path, timeline: Timeline, until: float, kept_off: int) -> list[str]:
    """Return in words what a scenario's timeline says otherwise than the raw logs of its device.

    Args:
        folder: the scenario's folder.
        timeline: as it is stored.
        until: when the scenario ended (seconds since the epoch).
        kept_off: how many observations were kept off the timeline.
    """
    origin = min((o.time for o in timeline), default=0.0)
    try:
        languages = _languages(folder / LANGUAGES)
    except (OSError, ValueError) as problem:
        return [f"{LANGUAGES}: it cannot be read: {problem}"]
    found: list[str] = []
    console = folder / f"{CONSOLE}.log"
    stored = _said(timeline, Witness.CONSOLE)
    if CONSOLE in languages and (console.with_suffix(SUFFIX).exists() or console.exists()):
        anew = _read_anew(console, languages[CONSOLE], _console)
        found += _compared(
            anew, stored, origin, _read_by(timeline, Witness.CONSOLE, until), kept_off, CONSOLE
        )
    else:
        found += _lines(console, stored, origin)
    readers = {Witness.SYSLOG: _syslog, Witness.PORTAL_PAGE: _page}
    for witness, name in (
        (Witness.SYSLOG, "syslog"),
        (Witness.PORTAL_PAGE, "portal-page"),
        (Witness.WEBHOOK, "webhook"),
    ):
        logs = sorted(folder.glob(f"{name}*.log"))
        stored = _said(timeline, witness)
        if logs and witness in readers and all(log.stem in languages for log in logs):
            read = [_read_anew(log, languages[log.stem], readers[witness]) for log in logs]
            anew = list(chain.from_iterable(read))
            found += _compared(anew, stored, origin, _read_by(timeline, witness, until), kept_off, name)
        else:
            found += _texts(name, logs, stored, origin)
    return found


def _read_by(timeline: Timeline, witness: Witness, until: float) -> float:
    """Return until when all that a source told was read: what came before others of its words was."""
    told = (o.time + SAME_TIME for o in timeline if o.witness is witness)
    return max(until - _READ_BY_THEN, *told, 0.0)


class _Unread(str):
    """Why a log could not be read anew, in words."""


_Anew = list[Observation | _Unread]
_Reader = Callable[[Path, Layout, SourceRole, Append], None]


def _languages(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    data = json.loads(path.read_bytes())
    if not isinstance(data, dict) or not all(isinstance(one, dict) for one in data.values()):
        raise ValueError("it does not say how lines are read")
    return data


def _said(timeline: Timeline, witness: Witness) -> list[Observation]:
    """Return what a source's lines said. Notes of other origin come at other times than lines do."""
    lines = ConsoleLine | SyslogSeen | WebhookSeen
    found = [o for o in timeline if o.witness is witness and isinstance(o.content, FROM_LINES | WebhookSeen)]
    times = [o.time for o in found if isinstance(o.content, lines)]
    return [
        o
        for o in found
        if not isinstance(o.content, Note) or any(abs(o.time - time) <= SAME_TIME for time in times)
    ]


def _read_anew(log: Path, language: dict[str, Any], read: _Reader) -> _Anew:
    found: _Anew = []

    def append(witness: Witness, content: Content, at: float | None) -> Observation:
        observation = Observation(seq=len(found), time=at or 0.0, witness=witness, content=content)
        if isinstance(content, FROM_LINES):
            found.append(observation)
        return observation

    try:
        layout = language["layout"]
        known = restored(layout) if "failures" in layout else LAYOUTS[layout["name"]]
        role = SourceRole(**{name: bool(value) for name, value in language["role"].items()})
    except (BenchError, ValueError, TypeError, KeyError, AttributeError) as problem:
        return [_Unread(f"{LANGUAGES}: it does not say how {log.name} is read ({problem!r})")]
    times = log.with_suffix(SUFFIX)
    if not times.exists():
        return [_Unread(f"{times.name}: it is gone")]
    if not log.exists():
        return [_Unread(f"{log.name}: it is gone")]
    try:
        read(log, known, role, append)
    except OSError as problem:
        return [_Unread(f"{log.name}: it cannot be read: {problem.strerror}")]
    except ValueError as problem:
        return [_Unread(f"{times.name}: {problem}")]
    return found


def _console(log: Path, layout: Layout, role: SourceRole, append: Append) -> None:
    framer, reader = LineFramer(LONGEST_LINE), ConsoleReader(layout, append=append, role=role)
    for time, data in portions(log):
        if not data:
            framer.forget()
        for line in framer.feed(data):
            if not isinstance(line, Fragment):
                reader.line(line, time)


def _syslog(log: Path, layout: Layout, role: SourceRole, append: Append) -> None:
    reader = SyslogReader(layout, EventPublisher(log.stem, Witness.SYSLOG, append=append, role=role))
    for time, data in portions(log):
        size = _SYSLOG.match(data)
        if size is None or len(data) != size.end() + int(size[1]) + 1:
            continue  # the end of a stream that broke off, or of what is kept of a long log
        reader.message(data[size.end() : -1], time)


def _page(log: Path, layout: Layout, role: SourceRole, append: Append) -> None:
    publisher = EventPublisher(log.stem, Witness.PORTAL_PAGE, append=append, role=role)
    for time, row in portions(log):
        try:
            cells = json.loads(row)
        except ValueError:
            continue  # the end of what is kept of a long log
        publisher.publish(layout.meaning_of(cells), time)


def _key(content: Content) -> tuple[str, str]:
    said = json.dumps(content.model_dump(mode="json"), ensure_ascii=False)
    return content.kind, MARK.sub("redacted", said)


def _compared(
    anew: _Anew, stored: list[Observation], origin: float, read_by: float, kept_off: int, source: str
) -> Iterator[str]:
    unread = [one for one in anew if isinstance(one, _Unread)]
    if unread:
        yield from unread
        return
    name = f"{source}.log"
    read = [one for one in anew if isinstance(one, Observation)]
    read, stored = _without_begun_elsewhere(read, stored)
    left: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for one in read:
        left[_key(one.content)].append(one)
    for observation in stored:
        alike = left[_key(observation.content)]
        same = next((one for one in alike if abs(one.time - observation.time) <= SAME_TIME), None)
        if same is not None:
            alike.remove(same)
        elif alike:
            yield f"{name}: {_where(observation, origin)} came at {clock(alike.pop(0).time, origin)}"
        else:
            yield f"{name}: {_where(observation, origin)} is not in the raw log"
    missing = [one for alike in left.values() for one in alike if one.time < read_by]
    events = [one for one in missing if isinstance(one.content, DeviceEvent | EventCopy)]
    for one in missing if len(events) > kept_off else (m for m in missing if m not in events):
        yield f"{name}: {one} at {clock(one.time, origin)} is not on the timeline"


def _without_begun_elsewhere(
    read: list[Observation], stored: list[Observation]
) -> tuple[list[Observation], list[Observation]]:
    """Leave out a first line whose beginning went to another file, and what came with it."""
    first = next((o for o in read if isinstance(o.content, ConsoleLine)), None)
    whole = next((o for o in stored if isinstance(o.content, ConsoleLine)), None)
    if first is None or whole is None or abs(first.time - whole.time) > SAME_TIME:
        return read, stored
    assert isinstance(first.content, ConsoleLine)
    assert isinstance(whole.content, ConsoleLine)
    if whole.content.text == first.content.text or not whole.content.text.endswith(first.content.text):
        return read, stored
    return (
        [o for o in read if abs(o.time - first.time) > SAME_TIME],
        [o for o in stored if abs(o.time - first.time) > SAME_TIME],
    )


def _where(observation: Observation, origin: float) -> str:
    content = observation.content
    said = content.text if isinstance(content, ConsoleLine | SyslogSeen | WebhookSeen) else str(content)
    return f"{said} at {clock(observation.time, origin)}, line {observation.seq + 1} of the timeline,"


def _lines(path: Path, stored: list[Observation], origin: float) -> Iterator[str]:
    """Compare the console's lines, in their order: they are a part of the raw log without a gap."""
    stored = [o for o in stored if isinstance(o.content, ConsoleLine)]
    if not path.exists():
        if stored:
            yield f"{path.name}: it is gone, and the timeline has {len(stored)} lines of it"
        return
    try:
        raw = LineFramer(LONGEST_LINE).feed(path.read_bytes() + b"\n")
    except OSError as problem:
        yield f"{path.name}: it cannot be read: {problem.strerror}"
        return
    lines = [line for line in raw if not isinstance(line, Fragment)]
    at = 0
    for place, observation in enumerate(stored):
        assert isinstance(observation.content, ConsoleLine)
        text = observation.content.text
        try:
            found = lines.index(text, at)
        except ValueError:
            if place or not (lines and text.endswith(lines[0])):  # it may have begun in another file
                yield f"{path.name}: {_where(observation, origin)} is not in the raw log"
            continue
        if place and found > at:
            missing = ", ".join(repr(line) for line in lines[at:found][:3])
            yield f"{path.name}: {found - at} lines of the raw log are not on the timeline: {missing}"
        at = found + 1


def _texts(name: str, logs: Iterable[Path], stored: list[Observation], origin: float) -> Iterator[str]:
    """Look for each text in the raw logs of its source, and for when something came."""
    arrived: list[float] = []
    raw = b""
    for log in logs:
        try:
            raw += log.read_bytes()
            arrived += [time for time, _ in portions(log)]
        except OSError as problem:
            yield f"{log.name}: it cannot be read: {problem.strerror}"
            return
        except ValueError as problem:
            yield f"{log.with_suffix(SUFFIX).name}: {problem}"
            return
    for observation in stored:
        content = observation.content
        text = content.text if isinstance(content, SyslogSeen | WebhookSeen) else ""
        if isinstance(content, DeviceEvent | EventCopy):
            text = content.name
        if not all(word.encode() in raw for word in text.split() if word.isascii() and word.isalnum()):
            yield f"{name}.log: {_where(observation, origin)} is not in the raw log"
        elif arrived and min(arrived) > observation.time + SAME_TIME:
            yield f"{name}.log: {_where(observation, origin)} came before anything did"
