"""Reading a run directory: ``run.json``, checked by its schema, and where the evidence is that it names.

A run can have been interrupted, or be read on another machine with half its evidence gone. Everything
but run.json itself may be absent; what is absent becomes a note that the reports show. Paths are only
followed inside the run directory.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from intercom_hil.run_folder import verdicts
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.fields import (
    line,
    mapping,
    moment,
    number,
    sequence,
    shorten,
    text,
    texts,
    whole,
)
from intercom_hil.run_folder.identity import Saying, confirmed, contradictions, sayings
from intercom_hil.run_folder.particulars import (
    check_of,
    customer_of,
    details_of,
    issues_of,
    laboratory_of,
    mode_of,
)
from intercom_hil.run_folder.pieces import load_in_pieces
from intercom_hil.run_folder.records import (
    Attempt,
    Deviation,
    EvidenceFile,
    Judgement,
    KnownDeviation,
    Measurement,
    Requirement,
    Run,
    Scenario,
    Step,
    Support,
)
from intercom_hil.run_folder.schema import default, misfits, run_schema
from intercom_hil.run_folder.stills import LARGEST_PHOTO, MOST, Still, read_still
from intercom_hil.run_folder.verdicts import Verdict, verdict_of, worst

LEAST_LATE, LATE_SHARE = 0.5, 0.1
"""Seconds of lateness, and their share of a scenario, from which on they are reported."""
_OF_REPORTS = ("-report.intoto.json", "-seal.intoto.json")
"""What the files of seals end with that came after the evidence."""
_SUMMARY = "ScenarioSummary"
"""What the schema calls a scenario."""
MOST_MISFITS = 3
"""How many places that do not fit the schema a message names."""


def read_run(folder: Path) -> Run:
    """Read a run directory.

    Args:
        folder: the directory with run.json.

    Returns:
        The run, with notes on what is missing or contradictory.

    Raises:
        ReportError: there is no readable run.json, or it does not fit its schema.
    """
    files = _Files(folder)
    fingerprint, data = _load(folder, files)
    _check(data, folder / "run.json")
    rows = sequence(data.pop("scenarios"))
    scenarios = tuple(row if isinstance(row, Scenario) else _scenario(files, mapping(row)) for row in rows)
    interrupted = bool(data["interrupted"])
    families = mapping(data.get("families", default("families")))
    stated = verdict_of(data["verdict"])
    verdict = worst([stated, *(scenario.verdict for scenario in scenarios)])
    if interrupted:
        verdict = worst([verdict, verdicts.INCONCLUSIVE])
    selection = line(data.get("selection"))
    ended = moment(data.get("ended"))
    photo = _Files(folder).find(line(data.get("photo")))
    environment = mapping(data.get("environment"))
    said = () if "benches" in environment else sayings(environment, (s.device_name for s in scenarios))
    return Run(
        folder=folder,
        name=line(data.get("name"), "unnamed run"),
        started=moment(data.get("started")),
        ended=ended,
        verdict=verdict,
        interrupted=interrupted,
        environment=environment,
        families={key: line(name) for key, name in families.items()},
        requirements=tuple(
            _requirement(key, mapping(row)) for key, row in mapping(data.get("requirements")).items()
        ),
        scenarios=scenarios,
        notes=tuple(_notes(data, stated, scenarios, said, interrupted)),
        said=said,
        confirmed=confirmed(mapping(environment.get("device")), said),
        selection=selection,
        catalogues={line(key): texts(ids) for key, ids in mapping(data.get("catalogues")).items()},
        fingerprint=fingerprint,
        known_deviations=tuple(_known(mapping(item)) for item in sequence(data.get("known_deviations"))),
        seal=_seal(folder),
        mappings=tuple(_support(mapping(item)) for item in sequence(data.get("mappings"))),
        mode=mode_of(
            data.get("mode"),
            (
                *(("the run was interrupted",) if interrupted else ()),
                *((f"a part of the scenarios was asked for: {selection}",) if selection else ()),
            ),
        ),
        laboratory=laboratory_of(data.get("laboratory")),
        customer=customer_of(data.get("customer")),
        details=details_of(data.get("report")),
        issues=issues_of(data.get("issues"), ended),
        bench_check=check_of(data.get("bench_check")),
        digests={line(name): line(digest) for name, digest in mapping(data.get("digests")).items()},
        photo=read_still("the device", photo, LARGEST_PHOTO) if photo else None,
        photo_file=photo.name if photo else "",
    )


def _seal(folder: Path) -> str:
    """Return the SHA-256 of the last seal of the evidence, not of reports on it; empty without one."""
    for file in sorted((folder / "seals").glob("[0-9]*.intoto.json"), reverse=True):
        if not file.name.endswith(_OF_REPORTS):
            try:
                return hashlib.sha256(file.read_bytes()).hexdigest()
            except OSError:
                return ""
    return ""


def _load(folder: Path, files: _Files) -> tuple[str, dict[str, object]]:
    """Return the SHA-256 of run.json, and what stands in it, with scenarios read that fit the schema."""
    path = folder / "run.json"
    remedy = "name the directory of one run, the one with run.json in it"
    try:
        raw = path.read_bytes()
    except OSError as problem:
        what = "there is no such directory" if not folder.is_dir() else f"cannot be read ({problem.strerror})"
        raise ReportError(what, str(folder if not folder.is_dir() else path), remedy) from problem
    fingerprint = hashlib.sha256(raw).hexdigest()
    try:
        written = raw.decode("utf-8")
        del raw
        data = load_in_pieces(written, "scenarios", partial(_taken, files))
    except (ValueError, RecursionError) as problem:
        raise ReportError(
            f"is not readable JSON ({line(str(problem))})", str(path), "restore the file; it may be cut short"
        ) from problem
    if not isinstance(data, dict):
        raise ReportError("does not hold a run", str(path), remedy)
    return fingerprint, mapping(data)


def _taken(files: _Files, row: object) -> object:
    """Return a scenario as it is read; as it stands where it does not fit the schema."""
    return row if any(misfits(row, _SUMMARY)) else _scenario(files, mapping(row))


def _check(data: dict[str, object], path: Path) -> None:
    """Make sure that a run is of the form that this version reads. Raises ReportError."""
    known = run_schema()["properties"]["schema"]["const"]
    if data.get("schema") != known or isinstance(data["schema"], bool):
        raise ReportError(
            f"schema {line(data.get('schema'), 'none')} is not the schema {known} that this version reads",
            str(path),
            "render it with the version of the bench that wrote it",
        )
    found = list(islice(_misfits(data), MOST_MISFITS + 1))
    if found:
        more = "; and more" if len(found) > MOST_MISFITS else ""
        raise ReportError(
            f"does not fit its schema: {shorten(line('; '.join(found[:MOST_MISFITS])), 500)}{more}",
            str(path),
            "restore the file as the bench wrote it",
        )


def _misfits(data: dict[str, object]) -> Iterator[str]:
    """Yield what does not fit the schema. A scenario that was read fits it."""
    rows = data.get("scenarios")
    if not isinstance(rows, list):
        yield from misfits(data)
        return
    yield from misfits(data | {"scenarios": []})
    for index, row in enumerate(rows):
        if not isinstance(row, Scenario):
            yield from misfits(row, _SUMMARY, f"scenarios[{index}]")


def _notes(
    data: dict[str, object],
    stated: Verdict,
    scenarios: tuple[Scenario, ...],
    said: tuple[Saying, ...],
    interrupted: bool,
) -> list[str]:
    notes = []
    stopped_by = line(data.get("stopped_by"))
    if interrupted and not scenarios:
        notes.append(f"The run did not begin{f': {stopped_by}' if stopped_by else '.'}")
    elif interrupted and stopped_by:
        notes.append(f"The run could not go on: {stopped_by}")
    if interrupted:
        notes.append(
            f"The run was interrupted after {len(scenarios)} scenario{'s' * (len(scenarios) != 1)}. "
            "What did not run is not proven."
        )
    unplayed = texts(data.get("unplayed"))
    if unplayed:
        some = ", ".join(unplayed[:5]) + " …" * (len(unplayed) > 5)
        notes.append(f"Not played of what was asked for: {len(unplayed)} ({some}).")
    if selection := line(data.get("selection")):
        notes.append(f"The run was asked for a part of the scenarios only: {selection}.")
    notes += _of_identity(mapping(data.get("environment")), scenarios, said)
    if not scenarios:
        notes.append("The run has no scenario: nothing was judged.")
    if worst(scenario.verdict for scenario in scenarios).rank > stated.rank:
        notes.append(
            f"run.json states the verdict {stated.name}, but a scenario is worse; the worse one counts."
        )
    return notes


def _of_identity(
    environment: dict[str, object], scenarios: tuple[Scenario, ...], said: tuple[Saying, ...]
) -> Iterator[str]:
    """Yield where the device calls itself by another name than before, or than the bench file does."""
    names = list(dict.fromkeys(scenario.device_name for scenario in scenarios if scenario.device_name))
    if "benches" in environment:
        return
    if len(names) > 1:
        listed = ", then ".join(repr(name) for name in names[:3])
        yield f"The device called itself {listed}: is it one device?"
    yield from contradictions(mapping(environment.get("device")), said)


def _requirement(key: str, row: dict[str, object]) -> Requirement:
    return Requirement(
        id=key,
        kind=line(row.get("class"), "?"),
        title=line(row.get("title")) or line(row.get("text")),
        text=line(row.get("text")),
        source=line(row.get("source")),
        harm=line(row.get("harm")),
        verdict=verdict_of(row["verdict"]),
        scenarios=texts(row.get("scenarios")),
        review=line(row.get("review")),
    )


def _support(row: dict[str, object]) -> Support:
    return Support(
        standard=line(row.get("standard")),
        title=line(row.get("title")) or line(row.get("standard")),
        clause=line(row.get("clause")),
        about=line(row.get("about")),
        requirements=texts(row.get("requirements")),
        reason=line(row.get("reason")),
    )


def _scenario(run: _Files, row: dict[str, object]) -> Scenario:
    evidence = mapping(row.get("evidence"))
    files = _evidence(run, evidence)
    timeline = run.find(line(evidence.get("timeline")))
    notes = [f"Evidence is missing: {file.path} ({file.label})." for file in files if not file.href]
    if timeline is None:
        notes.append("There is no timeline: the course of events cannot be drawn.")
    late, duration = number(row.get("late_s")) or 0.0, number(row.get("duration_s")) or 0.0
    if late >= max(LEAST_LATE, LATE_SHARE * duration):
        notes.append(f"The bench was too slow: it was {late:.1f} s late in this scenario.")
    kept_off = whole(row.get("kept_off"))
    if kept_off:
        notes.append(f"Not on the timeline, as of no scenario or an earlier one: {kept_off} observations.")
    dropped = whole(row.get("dropped_packets"))
    if dropped:
        notes.append(f"The capture lost {dropped} packets: an absence on the wire proves less here.")
    name = line(row.get("id"), "unnamed scenario")
    return Scenario(
        id=name,
        title=line(row.get("title")) or name,
        doc=text(row.get("doc")).strip(),
        verdict=verdict_of(row["verdict"]),
        requirements={key: verdict_of(value) for key, value in mapping(row.get("requirements")).items()},
        started=moment(row.get("started")),
        duration=number(row.get("duration_s")),
        protocol_wait=number(row.get("protocol_wait_s")),
        attempts=whole(row.get("attempts"), 1),
        earlier=tuple(_attempt(run, mapping(item)) for item in sequence(row.get("earlier"))),
        judgements=tuple(_judgement(mapping(item)) for item in sequence(row.get("judgements"))),
        measurements=tuple(_measurement(mapping(item)) for item in sequence(row.get("measurements"))),
        problems=_problems(row),
        dropped_packets=dropped,
        evidence=files,
        timeline=timeline,
        notes=tuple(notes),
        stills=tuple(_stills(run, evidence)),
        deviations=tuple(_deviation(mapping(item)) for item in sequence(row.get("deviations"))),
        device_name=line(row.get("device_name")),
        asked=texts(row.get("asked")),
        late=late,
        steps=tuple(_step(mapping(item)) for item in sequence(row.get("steps"))),
        steps_end=line(row.get("steps_end")),
    )


def _known(row: dict[str, object]) -> KnownDeviation:
    return KnownDeviation(**{item.name: line(row.get(item.name)) for item in fields(KnownDeviation)})


def _judgement(row: dict[str, object]) -> Judgement:
    return Judgement(
        requirement=line(row.get("requirement")),
        verdict=verdict_of(row["verdict"]),
        expected=text(row.get("expected")),
        seen=text(row.get("seen")),
        witnesses=texts(row.get("witnesses")),
        time=moment(row.get("time")),
        observations=tuple(whole(item, -1) for item in sequence(row.get("observations"))),
    )


def _measurement(row: dict[str, object]) -> Measurement:
    return Measurement(
        requirement=line(row.get("requirement")),
        name=line(row.get("name")),
        unit=line(row.get("unit")),
        value=number(row.get("value")),
        low=number(row.get("low")),
        high=number(row.get("high")),
        verdict=verdict_of(row["verdict"]),
        uncertainty=number(row.get("uncertainty")),
    )


def _step(row: dict[str, object]) -> Step:
    return Step(line(row.get("kind")), line(row.get("text")), line(row.get("requirement")))


def _deviation(row: dict[str, object]) -> Deviation:
    return Deviation(
        text=line(row.get("text")),
        count=whole(row.get("count"), 1),
        messages=texts(row.get("messages")),
        example=whole(row.get("example"), -1),
    )


def _attempt(run: _Files, row: dict[str, object]) -> Attempt:
    return Attempt(
        verdict=verdict_of(row["verdict"]),
        problems=_problems(row),
        evidence=_evidence(run, mapping(row.get("evidence"))),
    )


def _problems(row: dict[str, object]) -> tuple[str, ...]:
    return tuple(text(item).strip() for item in sequence(row.get("problems")))


def _evidence(run: _Files, listed: dict[str, object]) -> tuple[EvidenceFile, ...]:
    """Return the files of an evidence record; those of a list go by their own names."""
    files = []
    for label, paths in listed.items():
        for path in texts(paths):
            name = label.replace("_", " ") if isinstance(paths, str) else PurePosixPath(path).name
            href = "" if run.find(path) is None else quote("./" + PurePosixPath(path).as_posix())
            files.append(EvidenceFile(name, path, href))
    return tuple(file for file in files if file.path)


def _stills(run: _Files, evidence: dict[str, object]) -> Iterator[Still]:
    for path in texts(evidence.get("stills"))[:MOST]:
        file = run.find(path)
        still = read_still(PurePosixPath(path).stem, file) if file is not None else None
        if still is not None:
            yield still


class _Files:
    """The files of a run directory. Where its folders lead is looked up once each: a run has many files."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._folders: dict[str, Path | None] = {}

    def find(self, path: str) -> Path | None:
        """Return the existing file that a relative path names inside the run directory, else None."""
        above, _, name = path.rpartition("/")
        if not name or name in (".", "..") or path.startswith("/"):
            return None
        if above not in self._folders:
            self._folders[above] = self._inside(self._root / above)
        folder = self._folders[above]
        try:
            found = folder and folder / name
            return found and (self._inside(found) if stat.S_ISLNK(found.lstat().st_mode) else found)
        except (OSError, ValueError):
            return None

    def _inside(self, path: Path) -> Path | None:
        try:
            found = path.resolve()
            return found if found.is_relative_to(self._root) and found.exists() else None
        except (OSError, ValueError, RuntimeError):
            return None
