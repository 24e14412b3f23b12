"""``import-events``: a device's exported event log brought into a finished run, which is then judged again.

Afterwards the run's timelines hold the events, dated by the bench's clock, and its verdicts rest on them.
What was there before is kept in ``before-import``, the files in ``imports``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.log_file import LARGEST_FILE, LogEntry, LogFileError, LogFileOptions, read_log
from intercom_hil.event_sources.source_kinds import AnySource, SourceOptions, unusable
from intercom_hil.evidence.digests import FILE as DIGESTS
from intercom_hil.evidence.digests import write_digests
from intercom_hil.evidence.import_again import judged_with_import
from intercom_hil.evidence.log_match import Cause, Entry, Match, match
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RECORD, RunFolder, write_lines
from intercom_hil.evidence.whole_file import write_whole
from intercom_hil.judge.deferral import deferred_kinds
from intercom_hil.judge.expected_events import dated_causes
from intercom_hil.layouts.known import LAYOUTS, with_own
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.options import LayoutOptions
from intercom_hil.spec.capabilities import Capability
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import (
    Configured,
    Declared,
    EventCopy,
    EventsImported,
    OutputChanged,
    SipMessageSeen,
)

Report = Callable[[str], None]
BEFORE = "before-import"
KEPT = "imports"
_CHANGED = ("timeline.jsonl", "judgements.jsonl", DIGESTS, RECORD)
_OVERLAP = 0.5  # s by which scenarios of one bench may seem to overlap
_SOURCES: TypeAdapter[tuple[SourceOptions, ...]] = TypeAdapter(tuple[AnySource, ...])


@dataclass(frozen=True)
class _Played:
    """One scenario of the run, as it was before any import."""

    record: ScenarioRecord
    folder: Path
    timeline: Timeline

    @property
    def ended(self) -> float:
        return self.record.started + self.record.duration_s

    @property
    def touched(self) -> float:
        """When the scenario first touched the device; what it logged before belongs to an earlier one."""
        touching = (
            o.time
            for o in self.timeline
            if isinstance(o.content, Configured | OutputChanged)
            or (isinstance(o.content, SipMessageSeen) and o.content.is_initial_invite)
        )
        return min(touching, default=float("inf"))


def import_events(
    folder: Path,
    files: Sequence[Path],
    *,
    report: Report,
    file: BenchFile | None = None,
    ahead: float | None = None,
) -> RunFolder:
    """Import exported event logs into a run, judge it again, and store it.

    An import takes the place of earlier ones. The reports have still to be rendered.

    Args:
        folder: the run folder.
        files: the exports, CSV or JSON.
        report: takes each line of progress.
        file: the bench file whose ``log-file`` source says what the columns mean; else the one of the run.
        ahead: how far the device's clock was ahead (s), where the log does not show it.

    Raises:
        BenchError: the run or a file cannot be read, or they do not fit each other; the run is as it was.
    """
    source, layout = _source(folder, file)
    contents = [_content(path) for path in files]
    entries = [
        entry
        for path, data in zip(files, contents, strict=True)
        for entry in _entries(path, data, source, layout)
    ]
    if len(files) > 1:
        entries.sort(key=lambda entry: entry.time)
    before = folder / BEFORE
    base = before if before.is_dir() else folder
    run, interrupted = RunFolder.reopen(base)
    run.path = folder
    played = [_played(base, folder, one) for one in run.scenarios if one.evidence.timeline is not None]
    _check(folder, played)
    causes = [
        Cause(place, name, time)
        for place, one in enumerate(played)
        for name, time in dated_causes(one.timeline)
    ]
    found = match([Entry(entry.event.name, entry.time) for entry in entries], causes, ahead=ahead)
    report(f"{len(entries)} events, {found.paired} of them matched with calls; device clock {_clock(found)}")
    digest = hashlib.sha256(b"".join(contents)).hexdigest()
    names = ", ".join(path.name for path in files)
    _keep(folder, run, files, contents)
    placed = 0
    for one in played:
        inside = [
            (entry, time)
            for entry, time in zip(entries, found.times, strict=True)
            if one.touched <= time <= one.ended
        ]
        placed += len(inside)
        after = _bring(one, inside, found, names, digest)
        report(f"{one.record.verdict:13} -> {after.verdict:13} {after.id}")
        run.scenarios[run.scenarios.index(one.record)] = after
    run.imports = [
        {
            "files": [f"{KEPT}/{name}" for name in _kept_names(files)],
            "sha256": [hashlib.sha256(data).hexdigest() for data in contents],
            "entries": len(entries),
            "placed": placed,
            "paired": found.paired,
            "clock_ahead_s": round(found.ahead, 6),
            "clock_drift_ppm": round(found.drift * 1e6, 1),
        }
    ]
    run.environment["imported_event_log"] = (
        f"{names}: {placed} of {len(entries)} events fall into scenarios; device clock {_clock(found)}"
    )
    run.write(interrupted=interrupted)
    return run


def _source(folder: Path, file: BenchFile | None) -> tuple[LogFileOptions, Layout]:
    """Return what says how to read the files: the bench file given, else the run's, else the usual names."""
    known: Mapping[str, Layout] = LAYOUTS
    sources: tuple[SourceOptions, ...] = ()
    try:
        if file is not None:
            sources, known = file.device.event_sources, file.known_layouts
        else:
            environment = RunFolder.reopen(folder)[0].environment
            sources = _SOURCES.validate_python(_listed(environment.get("device"), "event_sources"))
            own = environment.get("layouts", {})
            known = with_own({n: LayoutOptions.model_validate(one).layout(n) for n, one in own.items()})
    except (ValidationError, AttributeError, TypeError) as problem:
        raise BenchError(
            f"how to read an export is not on record ({problem})",
            str(folder),
            "name the bench file: --bench FILE",
        ) from problem
    usual = LogFileOptions(kind="log-file")
    source = next((one for one in sources if isinstance(one, LogFileOptions)), usual)
    wrong = unusable(source.layout, known, needed_by=source.kind)
    if wrong:
        raise BenchError(wrong, "device.event_sources", "name the bench file that has it: --bench FILE")
    return source, known[source.layout]


def _listed(device: Any, name: str) -> Any:
    return device.get(name, ()) if isinstance(device, dict) else ()


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BenchError(f"it has more than {LARGEST_FILE} bytes", str(path), "export less of the log")
        return path.read_bytes()
    except OSError as problem:
        raise BenchError(
            f"the event log cannot be read ({problem.strerror})", str(path), "name an exported log"
        ) from problem


def _entries(path: Path, data: bytes, source: LogFileOptions, layout: Layout) -> list[LogEntry]:
    try:
        return read_log(data, layout, events_at=source.events_at, delimiter=source.delimiter)
    except LogFileError as problem:
        remedy = "name what its fields are called: a layout with fields, in device.event_sources"
        raise BenchError(str(problem), str(path), remedy) from problem


def _played(base: Path, folder: Path, record: ScenarioRecord) -> _Played:
    assert record.evidence.timeline is not None
    try:
        timeline = Timeline.load(base / record.evidence.timeline)
    except OSError as problem:
        raise BenchError(
            f"the timeline cannot be read ({problem.strerror})", record.evidence.timeline, "restore the file"
        ) from problem
    timeline.opened = next((o.time for o in timeline), record.started)
    return _Played(record, folder / record.evidence.folder, timeline)


def _check(folder: Path, played: Sequence[_Played]) -> None:
    if not played:
        raise BenchError("the run has no timeline", str(folder), "name a run in which scenarios were played")
    if not all(one.record.asked for one in played):
        raise BenchError(
            "the run does not say what its scenarios were to judge",
            str(folder),
            "play it again: it was made by an older version",
        )
    for one, following in pairwise(sorted(played, key=lambda p: p.record.started)):
        if following.record.started < one.ended - _OVERLAP:
            raise BenchError(
                f"the scenarios {one.record.id} and {following.record.id} were played at the same time",
                str(folder),
                "run without -n: one log cannot be told apart into several devices",
            )
    lacks = {name for o in played[0].timeline if isinstance(o.content, Declared) for name in o.content.lacks}
    if Capability.EVENT_LOG in lacks:
        raise BenchError(
            "the bench file declares that the device has no event log",
            "device.capabilities.event_log",
            "declare true, and run again",
        )


def _keep(folder: Path, run: RunFolder, files: Sequence[Path], contents: Sequence[bytes]) -> None:
    """Keep the run as it is, and what is imported."""
    before = folder / BEFORE
    try:
        if not before.is_dir():
            draft = folder / f"{BEFORE}.part"
            shutil.rmtree(draft, ignore_errors=True)
            for record in run.scenarios:
                (draft / record.evidence.folder).mkdir(parents=True)
                for name in _CHANGED:
                    present = folder / record.evidence.folder / name
                    if present.exists():
                        shutil.copy2(present, draft / record.evidence.folder / name)
            shutil.copy2(folder / "run.json", draft / "run.json")
            draft.replace(before)
        (folder / KEPT).mkdir(exist_ok=True)
        for name, data in zip(_kept_names(files), contents, strict=True):
            (folder / KEPT / name).write_bytes(data)
    except OSError as problem:
        raise BenchError(
            f"the run folder cannot be written ({problem.strerror})", str(folder), "make it writable"
        ) from problem


def _kept_names(files: Sequence[Path]) -> list[str]:
    if len(files) == 1:
        return [files[0].name]
    return [f"{number}-{path.name}" for number, path in enumerate(files, start=1)]


def _bring(
    one: _Played, inside: Sequence[tuple[LogEntry, float]], found: Match, names: str, digest: str
) -> ScenarioRecord:
    """Put entries on a scenario's timeline, judge it again and store it; return its record."""
    after = Timeline(one.timeline)
    after.opened = one.timeline.opened
    judged = "event" in deferred_kinds(one.timeline)
    imported = EventsImported(
        file=names,
        sha256=digest,
        ahead=round(found.ahead_at(one.record.started), 6),
        drift_ppm=round(found.drift * 1e6, 1),
        entries=len(inside),
        judged=judged,
    )
    after.append(Witness.EVENT_LOG, imported, one.record.started)
    for entry, time in inside:
        copy = EventCopy(source="log-file", **entry.event.model_dump(exclude={"kind"}))
        after.append(Witness.EVENT_LOG, entry.event if judged else copy, time)
    record = judged_with_import(one.record, one.timeline, after)
    after.store(one.folder / "timeline.jsonl")
    write_lines(one.folder / "judgements.jsonl", (j.model_dump_json() for j in record.judgements))
    if (one.folder / DIGESTS).exists():
        write_digests(one.folder)
    write_whole(one.folder / RECORD, record.model_dump_json(indent=1) + "\n")
    return record


def _clock(found: Match) -> str:
    drift = f", gaining {found.drift * 1e6:.0f} ppm" if found.drift else ""
    return f"{found.ahead:+.3f} s{drift}"
