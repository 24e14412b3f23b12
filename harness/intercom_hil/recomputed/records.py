"""The records of a run against one another: ``run.json``, each ``record.json``, each ``judgements.jsonl``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.evidence.folder_names import folder_name
from intercom_hil.evidence.records import RunRecord, ScenarioRecord, ScenarioSummary
from intercom_hil.evidence.run import RECORD, RunFolder
from intercom_hil.judge.judgement import Judgement, folded
from intercom_hil.pcap.pcapng import lost_packets
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.verdict import Verdict, worst
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import Configured
from intercom_hil.timeline.stored_lines import first_of, read_lines

RUN = "run.json"
_REMEDY = "name a run folder"
_LINES = ("timeline.jsonl", "judgements.jsonl")
_SAME = 0.001
_AROUND = 60.0
"""Seconds by which a clock that is set meanwhile may be moved."""
_NOT_COMPARED = frozenset({"evidence"})
"""What of a summary is compared with the files themselves."""


class StoredRun:
    """A run as it is stored: what its ``run.json`` says, and the record of each scenario's folder."""

    def __init__(self, path: Path) -> None:
        """Read them. Raises BenchError where ``run.json`` cannot be read."""
        self.path = path
        try:
            self.said: dict[str, Any] = json.loads((path / RUN).read_bytes())
            RunRecord.model_validate(self.said)
        except ValidationError as problem:
            raise BenchError(
                f"the run cannot be read: {first_of(problem)}", str(path / RUN), _REMEDY
            ) from None
        except (OSError, ValueError, RecursionError) as problem:
            raise BenchError(f"the run cannot be read ({problem!r})", str(path / RUN), _REMEDY) from problem
        self.scenarios: dict[str, dict[str, Any]] = {
            str(entry["evidence"]["folder"]): entry for entry in self.said["scenarios"]
        }
        self.folders = sorted(
            (folder for folder in (path / "scenarios").glob("*") if folder.is_dir()), key=lambda one: one.name
        )
        self.records: dict[str, ScenarioRecord] = {}
        self.unreadable: dict[str, str] = {}
        for folder in self.folders:
            file = folder / RECORD
            if file.exists():
                try:
                    self.records[self._name(folder)] = ScenarioRecord.model_validate_json(file.read_bytes())
                except ValidationError as problem:
                    self.unreadable[self._name(folder)] = first_of(problem)
                except OSError as problem:
                    self.unreadable[self._name(folder)] = str(problem.strerror)

    def _name(self, folder: Path) -> str:
        return str(folder.relative_to(self.path))

    def of(self, folder: Path) -> ScenarioRecord | None:
        """Return the record in a scenario's folder; None where there is none that can be read."""
        return self.records.get(self._name(folder))

    def differences(self) -> Iterator[str]:
        """Yield what contradicts itself in the run as a whole."""
        here = {self._name(folder) for folder in self.folders}
        attempts = {a.evidence.folder for record in self.records.values() for a in record.earlier}
        for folder in self.folders:
            if folder.is_symlink():
                yield f"{self._name(folder)}: it is a symbolic link, and no folder of this run"
        for name in self.scenarios:
            if name not in here:
                yield f"{name}: {RUN} lists it, and it is gone"
        for name in sorted(set(self.records) - set(self.scenarios)):
            yield f"{name}: {RUN} does not list it"
        known = here - set(self.scenarios) - attempts - set(self.records)
        if not self.said.get("interrupted"):
            for name in sorted(known):
                yield f"{name}: it belongs to no scenario of {RUN}"
        yield from self._twice()
        yield from _doubled(self.path / RUN)
        yield from self._of_the_whole()
        verdicts = [Verdict(entry["verdict"]) for entry in self.scenarios.values()]
        allowed = {worst(verdicts).value}
        if self.said.get("interrupted"):  # an older version stored that of what had been played
            allowed.add(worst([*verdicts, Verdict.INCONCLUSIVE]).value)
        if self.said.get("verdict") not in allowed:
            yield f"{RUN}: verdict {self.said.get('verdict')}, of scenarios that come to {worst(verdicts)}"
        for identity, row in self.said.get("requirements", {}).items():
            of = [
                Verdict(entry["requirements"][identity])
                for entry in self.scenarios.values()
                if identity in entry["requirements"]
            ]
            if row.get("verdict") != worst(of).value:
                yield f"{RUN}: {identity} {row.get('verdict')}, of scenarios that come to {worst(of)}"

    def _twice(self) -> Iterator[str]:
        """Find scenarios that are listed more than once, by folder or by name."""
        entries = self.said["scenarios"]
        for key, named in (
            ("folder", [str(entry["evidence"]["folder"]) for entry in entries]),
            ("scenario", [str(entry["id"]) for entry in entries]),
        ):
            for name, count in Counter(named).items():
                if count > 1:
                    yield f"{RUN}: it lists the {key} {name} {count} times"

    def _of_the_whole(self) -> Iterator[str]:
        """Compare what is said of the run as a whole with what comes of its scenarios' records."""
        said = self.said
        rows = said["requirements"]
        judged = {
            i for entry in self.scenarios.values() for i in (*entry["requirements"], *entry.get("asked", ()))
        }
        for identity in sorted(judged - set(rows)):
            yield f"{RUN}: {identity} was judged, and has no row"
        for identity, row in rows.items():
            of = [e["id"] for e in self.scenarios.values() if identity in e["requirements"]]
            if sorted(row["scenarios"]) != sorted(of):
                yield f"{RUN}: {identity} names other scenarios than those that judged it"
        started = [float(entry["started"]) for entry in self.scenarios.values()]
        if started and said["started"] > min(started) + _SAME:
            yield f"{RUN}: it started after its first scenario"
        if started and said["ended"] < max(started):
            yield f"{RUN}: it ended before its last scenario began"
        if said.get("unplayed") and not said["interrupted"]:
            yield f"{RUN}: {len(said['unplayed'])} scenarios were not played, and it was not interrupted"
        if self.unreadable or set(self.scenarios) != set(self.records):
            return  # said already; what comes of the others is another run's
        try:
            again, _ = RunFolder.reopen(self.path)
        except BenchError as problem:
            yield f"{RUN}: {problem.what}"
            return
        for name, value in again.of_its_scenarios().items():
            if name in said["environment"] and said["environment"][name] != value:
                yield f"{RUN}: {name} is {said['environment'][name]!r}, and of its scenarios {value!r}"
        standing = [one.model_dump(mode="json") for one in again.assessed()]
        if said.get("known_deviations", []) != standing:
            yield f"{RUN}: known_deviations are not what comes of its scenarios"
        if (said.get("mode") or {}).get("kind") == "conformance":
            other_rows = said.get("digests", {}).get(CATALOGUE.title) != CATALOGUE.digest
            reasons = [] if other_rows else again.mode.reasons  # of more rows than it was judged by
            for reason in reasons[:1]:
                yield f"{RUN}: it says that it is a conformance run, and {reason}"

    def differences_of(self, folder: Path, timeline: Timeline) -> Iterator[str]:
        """Yield what contradicts itself in the records of one scenario."""
        name = self._name(folder)
        if name in self.unreadable:
            yield f"{RECORD}: it cannot be read: {self.unreadable[name]}"
            return
        record = self.records.get(name)
        if record is None:
            if name in self.scenarios:
                yield f"{RECORD}: it is gone"
            return
        own = folder_name(record.id)
        if record.evidence.folder != name or not (
            folder.name == own or folder.name.startswith(f"{own}.attempt-")
        ):
            yield f"{RECORD}: it is that of {record.id}, in {record.evidence.folder}"
        yield from self._stated(record, name)
        for file in (RECORD, *_LINES):
            yield from _doubled(folder / file, lines=file in _LINES)
        yield from _folded(record)
        yield from _judgements(folder, record)
        yield from _files(self.path, folder, record)
        yield from _places(timeline)
        yield from _settings(folder, timeline)
        yield from _when(record, timeline)
        yield from _dropped(folder, record)

    def _stated(self, record: ScenarioRecord, name: str) -> Iterator[str]:
        """Compare what ``run.json`` says of a scenario with its record, as far as it said it then."""
        entry = self.scenarios.get(name)
        if entry is None:
            return
        summary = ScenarioSummary.of(record).model_dump(mode="json", by_alias=True)
        for field, said in entry.items():
            if field not in _NOT_COMPARED and not _same(said, summary.get(field)):
                yield f"{RUN}: {field} of this scenario is not what {RECORD} says" + _short(
                    said, summary.get(field)
                )


def _doubled(path: Path, *, lines: bool = False) -> Iterator[str]:
    """Find a field that stands twice in one object: readers differ in which of the two they take."""
    try:
        data = path.read_bytes()
    except OSError:
        return  # said elsewhere, where it should be there
    for number, text in enumerate(data.splitlines() if lines else [data], start=1):
        try:
            json.loads(text, object_pairs_hook=_each_once)
        except _Doubled as problem:
            place = f"line {number}: " if lines else ""
            yield f"{path.name}: {place}the field {problem} stands there twice"
            return
        except (ValueError, RecursionError):
            pass  # said elsewhere


class _Doubled(Exception):  # noqa: N818  (it is caught here)
    """A field stands twice in one object; the text is its name."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled(next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1))
    return found


def _same(said: object, recorded: object) -> bool:
    """Whether a stored value is what a record says; newer records may say more."""
    if isinstance(said, dict) and isinstance(recorded, dict):
        return all(_same(value, recorded.get(name)) for name, value in said.items())
    if isinstance(said, list) and isinstance(recorded, list):
        return len(said) == len(recorded) and all(map(_same, said, recorded))
    return said == recorded


def _short(said: object, recorded: object) -> str:
    return f": {said}, and not {recorded}" if isinstance(said, str | int | float) else ""


def _folded(record: ScenarioRecord) -> Iterator[str]:
    outcome = folded(record.judgements, record.ending, record.asked)
    excused = {r: v for r, v in record.requirements.items() if v is Verdict.NOT_APPLICABLE}
    if record.verdict is not outcome.verdict:
        yield f"{RECORD}: verdict {record.verdict}, of judgements that come to {outcome.verdict}"
    expected = excused | outcome.requirements
    for identity in {**record.requirements, **expected}:
        here, there = record.requirements.get(identity), expected.get(identity)
        if here is not there:
            yield f"{RECORD}: {identity} {here}, of judgements that come to {there}"


def _judgements(folder: Path, record: ScenarioRecord) -> Iterator[str]:
    path = folder / "judgements.jsonl"
    if not path.exists():
        if record.judgements:
            yield "judgements.jsonl: it is gone"
        return
    try:
        stored = read_lines(path, Judgement)
    except BenchError as problem:
        yield f"judgements.jsonl: {problem.what}"
        return
    except OSError as problem:
        yield f"judgements.jsonl: it cannot be read: {problem.strerror}"
        return
    if len(stored) != len(record.judgements):
        yield f"judgements.jsonl: {len(stored)} judgements, and {len(record.judgements)} in {RECORD}"
    for place, (one, other) in enumerate(zip(stored, record.judgements, strict=False), start=1):
        if one != other:
            yield f"judgements.jsonl: line {place} ({one.requirement}) is not what {RECORD} says"


def _files(run: Path, folder: Path, record: ScenarioRecord) -> Iterator[str]:
    """Compare the files that a record names with those that are there."""
    there = set(_named(RunFolder(run, "").evidence(folder)))
    named = set(_named(record.evidence))
    prefix = f"{record.evidence.folder}/"
    for path in sorted(named - there):
        yield f"{path.removeprefix(prefix)}: it is gone"
    for path in sorted(there - named):
        yield f"{path.removeprefix(prefix)}: {RECORD} does not name it"


def _named(evidence: BaseModel) -> Iterator[str]:
    for field, value in evidence:
        if field != "folder":
            yield from [value] if isinstance(value, str) else value or ()


def _places(timeline: Timeline) -> Iterator[str]:
    """Find lines that are missing, were added, or stand elsewhere: each line says its place."""
    for place, observation in enumerate(timeline):
        if observation.seq != place:
            yield f"timeline.jsonl: line {place + 1} says that it is line {observation.seq + 1}"
            return


def _when(record: ScenarioRecord, timeline: Timeline) -> Iterator[str]:
    """Compare when a scenario was played with when the bench itself says something on its timeline."""
    first = next((o.time for o in timeline if o.witness is Witness.BENCH), record.started)
    if not record.started - _AROUND <= first <= record.started + record.duration_s + _AROUND:
        yield f"{RECORD}: it was played at other times than those of its timeline"


def _dropped(folder: Path, record: ScenarioRecord) -> Iterator[str]:
    """Compare how many packets were lost with what the capture says at its end."""
    try:
        lost = lost_packets((folder / "capture.pcapng").read_bytes())
    except OSError:
        return  # said elsewhere, where it should be there
    if lost != record.dropped_packets:
        yield f"{RECORD}: {record.dropped_packets} packets were lost, and {lost} by what the capture says"


def _settings(folder: Path, timeline: Timeline) -> Iterator[str]:
    path = folder / "settings.json"
    if not path.exists():
        return
    told = "".join(
        f"{o.content.model_dump_json(indent=1)}\n" for o in timeline if isinstance(o.content, Configured)
    )
    try:
        if _values(path.read_text(encoding="utf-8")) != _values(told):
            yield "settings.json: it is not what the timeline says"
    except (OSError, ValueError) as problem:
        yield f"settings.json: it cannot be read: {problem}"


def _values(text: str) -> list[Any]:
    decoder, found, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append({k: v for k, v in value.items() if k in ("settings", "accepted")})
        while at < len(text) and text[at].isspace():
            at += 1
    return found
