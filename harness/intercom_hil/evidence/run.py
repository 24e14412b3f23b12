"""One run's folder: created before anything starts, complete after every scenario, readable if cut short."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.evidence.digests import FILE as DIGESTS
from intercom_hil.evidence.folder_names import OWNER_ONLY, folder_name, fresh_stamp
from intercom_hil.evidence.issues import Issue
from intercom_hil.evidence.known_deviations import AssessedDeviation, KnownDeviation, assess
from intercom_hil.evidence.media_keys import MediaKeys
from intercom_hil.evidence.mode import BenchCheck, Mode, devices_of, mode_of
from intercom_hil.evidence.records import (
    ClauseSupport,
    Evidence,
    RequirementRow,
    RunRecord,
    ScenarioRecord,
    ScenarioSummary,
)
from intercom_hil.evidence.whole_file import write_whole
from intercom_hil.judge.device_clock import ClockReading, estimate
from intercom_hil.practice.secrets import KeyMemory
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.spec.catalogue import CATALOGUE, FAMILIES, Catalogue
from intercom_hil.spec.catalogues import catalogue_of
from intercom_hil.spec.good_practice import is_good_practice
from intercom_hil.spec.laboratory import Particulars
from intercom_hil.spec.reviewed import standing
from intercom_hil.spec.verdict import Verdict, worst

LATEST = "latest"
RECORD = "record.json"
ENVIRONMENT = "environment.json"
SOURCES = ("syslog*.log", "webhook*.log", "*.times", "languages.json", "pbx.log", "media.keys", DIGESTS)
"""Files of a scenario's folder with what device and PBX said, as it came, and what that is read with."""
PHOTOS = ("device.png", "device.jpg")
"""A picture of the device, if there is one."""
_OF_A_BENCH = ("bench", "bench_file", "device", "device_says", "equipment")
"""What of an environment is one bench's own."""


class RunFolder:
    """The folder of one run: ``<parent>/<UTC time>/``, ``<parent>/latest`` points at the last that began.

    Attributes:
        selection: which scenarios it was asked for, in words; empty for all of them.
        stopped_by: why it could not begin, or go on; empty where it could.
        planned: the scenarios that it is to play; empty as long as that is not known.
        redactor: keeps secrets out of all that is stored of it.
        media_keys: puts stand-ins in their places, where the bench file asks for it.
        keys: the media keys that this process has seen the device choose.
        known: what its device is known to break.
        particulars: who tests, for whom, and under which number.
        bench_check: the last time before it that its bench was checked and all was well.
        issues: the issues of its report.
        interrupted: whether it came to an early end, as far as was said when it was written last.
        unwritable: why no more evidence can be kept; None as long as it can.
    """

    def __init__(self, path: Path, name: str, *, shared: bool = False) -> None:
        self.path = path
        self.name = name
        self.shared = shared
        self.scenarios: list[ScenarioRecord] = []
        self.environment: dict[str, Any] = {}
        self.selection = ""
        self.stopped_by = ""
        self.planned: tuple[str, ...] = ()
        self.keys = KeyMemory()
        self.redactor = Redactor()
        self.media_keys = MediaKeys()
        self.unwritable: BenchError | None = None
        self.imports: list[dict[str, Any]] = []
        self.known: tuple[KnownDeviation, ...] = ()
        self.particulars = Particulars()
        self.bench_check: BenchCheck | None = None
        self.issues: list[Issue] = []
        self.interrupted = False
        self._started = time.time()
        self._ended: float | None = None
        self._written: dict[int, tuple[ScenarioRecord, str]] = {}

    @classmethod
    def create(cls, parent: Path, name: str, stamp: str = "", *, reserved: Path | None = None) -> RunFolder:
        """Make a run folder under ``parent``.

        Args:
            parent: where run folders are.
            name: what the run is called.
            stamp: the folder's name, for several processes that share one run; else a new one, by the clock.
            reserved: a folder that was made for this run already, by `fresh_stamp`.

        Raises:
            BenchError: the folder cannot be written.
        """
        try:
            parent.mkdir(parents=True, exist_ok=True)
            path = reserved or parent / (stamp or fresh_stamp([parent]))
            path.mkdir(mode=OWNER_ONLY, exist_ok=True)  # whatever is made below it, others do not get there
            (path / "scenarios").mkdir(exist_ok=True)
        except OSError as problem:
            raise BenchError(
                f"the run folder cannot be written ({problem.strerror or problem})",
                where=str(parent),
                remedy="make it writable, or name another one with --runs FOLDER",
            ) from problem
        run = cls(path, name, shared=bool(stamp))
        if not stamp:
            run.write(interrupted=True)
        return run

    def point_latest(self) -> None:
        """Have ``latest`` point at this run, whose bench is there to play on.

        Raises:
            BenchError: the folder of runs cannot be written.
        """
        try:
            _point(self.path.parent / LATEST, self.path.name)
        except OSError as problem:
            raise BenchError(
                f"the link to the latest run cannot be made ({problem.strerror or problem})",
                str(self.path.parent / LATEST),
                f"rm -r {shlex.quote(str(self.path.parent / LATEST))}",
            ) from problem

    @classmethod
    def gather(cls, path: Path, name: str) -> RunFolder:
        """Return a run that several processes shared, with the scenarios that each has filed.

        Raises:
            BenchError: what one of them filed cannot be read.
        """
        run = cls(path, name)
        for file in sorted(path.glob(f"scenarios/*/{RECORD}")):
            try:
                run.scenarios.append(ScenarioRecord.model_validate_json(file.read_bytes()))
            except (OSError, ValidationError) as problem:
                raise BenchError(f"the record cannot be read: {problem}", str(file)) from problem
        run.scenarios.sort(key=lambda scenario: scenario.started)
        benches: dict[str, dict[str, Any]] = {}
        for file in sorted(path.glob(f"{ENVIRONMENT}.*")):
            environment = json.loads(file.read_text(encoding="utf-8"))
            benches[environment.get("bench", file.name)] = {
                name: environment.get(name) for name in _OF_A_BENCH
            }
            run.environment |= environment
        if len(benches) > 1:
            run.environment = {k: v for k, v in run.environment.items() if k not in _OF_A_BENCH}
            run.environment["benches"] = benches
        return run

    @classmethod
    def reopen(cls, path: Path) -> tuple[RunFolder, bool]:
        """Return a run with its scenarios as they are on record, and whether it was interrupted.

        Raises:
            BenchError: it is no run folder, or its records cannot be read.
        """
        file = path / "run.json"
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            run = cls.gather(path, str(data["name"]))
            run.environment = dict(data["environment"])
            run.selection = str(data.get("selection", ""))
            run.known = tuple(
                KnownDeviation.model_validate({k: v for k, v in known.items() if k != "standing"})
                for known in data.get("known_deviations", ())
            )
            run.particulars = Particulars.model_validate(
                {name: data[name] for name in Particulars.model_fields if name in data}
            )
            run.issues = [Issue.model_validate(one) for one in data.get("issues", ())]
            if data.get("bench_check") is not None:
                run.bench_check = BenchCheck.model_validate(data["bench_check"])
            run.interrupted = bool(data["interrupted"])
            run.planned = (*(s.id for s in run.scenarios), *map(str, data.get("unplayed", ())))
            run._started, run._ended = float(data["started"]), float(data["ended"])
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise BenchError(
                f"the run cannot be read ({problem!r})", str(file), "name a run folder"
            ) from problem
        return run, bool(data["interrupted"])

    def folder_of(self, identity: str, attempt: int = 1) -> Path:
        """Return the folder of one attempt at a scenario, whether it is there or not."""
        suffix = f".attempt-{attempt}" if attempt > 1 else ""
        return self.path / "scenarios" / f"{folder_name(identity)}{suffix}"

    def scenario_folder(self, identity: str, attempt: int = 1) -> Path:
        """Return the folder of one attempt at a scenario, and make it.

        Raises:
            BenchError: it cannot be made; the run cannot go on.
        """
        folder = self.folder_of(identity, attempt)
        try:
            folder.mkdir(exist_ok=True)  # in a run folder that has been removed nothing is made again
        except OSError as problem:
            raise self.lose(folder, problem) from problem
        return folder

    def lose(self, folder: Path, problem: OSError) -> BenchError:
        """Take note that evidence of a scenario cannot be kept, so that the run cannot go on, and return why.

        What there is of that scenario is not all, and goes: it makes room for its record and that of the run.
        """
        with suppress(OSError):
            for file in [path for path in folder.rglob("*") if path.is_file()]:
                file.unlink()
        again = f"then go on with it: --resume {shlex.quote(str(self.path))}"
        if not self.path.is_dir():
            lost = BenchError("the run folder was removed in mid-run", str(self.path), "begin a new run")
        else:
            cause = BenchError.of(problem, str(folder))
            what = f"the evidence of a scenario cannot be written ({cause.what})"
            lost = BenchError(what, cause.where, f"{cause.remedy}, {again}")
        self.unwritable = self.unwritable or lost
        return lost

    def evidence(self, folder: Path) -> Evidence:
        """List what lies in a scenario's folder."""

        def listed(name: str) -> str | None:
            file = folder / name
            return str(file.relative_to(self.path)) if file.exists() else None

        stations = sorted(
            str(file.relative_to(self.path)) for file in folder.glob("stations/**/*") if file.is_file()
        )
        return Evidence(
            folder=str(folder.relative_to(self.path)),
            capture=listed("capture.pcapng"),
            timeline=listed("timeline.jsonl"),
            judgements=listed("judgements.jsonl"),
            console=listed("console.log"),
            asterisk=listed("asterisk.log"),
            settings=listed("settings.json"),
            sources=sorted(
                str(file.relative_to(self.path)) for kind in SOURCES for file in folder.glob(kind)
            ),
            operator=sorted(str(f.relative_to(self.path)) for f in folder.glob("operator/*-[0-9]-*")),
            portal=sorted(str(file.relative_to(self.path)) for file in folder.glob("portal/*")),
            stations=stations,
            stills=sorted(str(file.relative_to(self.path)) for file in folder.glob("stills/*.png")),
            sounds=sorted(str(file.relative_to(self.path)) for file in folder.glob("sounds/*.wav")),
        )

    def add(self, record: ScenarioRecord) -> ScenarioRecord:
        """Take a finished scenario in, and store it, and the run as it stands now.

        Returns:
            Its record: that of an error, where it cannot be stored.
        """
        folder = self.path / record.evidence.folder
        try:
            _store(record, folder)
        except OSError as problem:
            record = record.in_error(str(self.lose(folder, problem)))
            record = record.model_copy(update={"evidence": self.evidence(folder)})
            with suppress(OSError):
                _store(record, folder)
        self.scenarios.append(record)
        if not self.shared:
            try:
                self.write(interrupted=True)
            except OSError as problem:
                self.unwritable = self.unwritable or BenchError.of(problem, str(self.path))
        return record

    def add_lost(self, identity: str, asked: tuple[str, ...], bench: str, problem: str) -> None:
        """File a scenario of which nothing else is known: an error.

        Args:
            identity: its name in reports.
            asked: the requirements that it was to judge.
            bench: the bench that it was played on.
            problem: what became of it.
        """
        folder = self.folder_of(identity)
        with suppress(BenchError):  # what cannot be stored is on record in the run all the same
            self.scenario_folder(identity)
        self.add(
            ScenarioRecord(
                id=identity,
                title=identity,
                verdict=Verdict.ERROR,
                requirements=dict.fromkeys(asked, Verdict.ERROR),
                started=time.time(),
                duration_s=0.0,
                protocol_wait_s=0.0,
                problems=[self.redactor.text(problem)],
                ending=Verdict.ERROR,
                asked=asked,
                bench=bench,
                evidence=self.evidence(folder),
            )
        )

    def describe(self, environment: dict[str, Any], worker: str = "") -> None:
        """Keep what the run ran on; one of several processes that share a run leaves it for the others."""
        self.environment = environment = self.redactor.value(environment)
        if worker:
            write_whole(self.path / f"{ENVIRONMENT}.{worker}", json.dumps(environment, ensure_ascii=False))

    def requirements(self) -> dict[str, RequirementRow]:
        """Return the rows of the page, then of others that scenarios name, each with its worst verdict."""
        rows = {}
        known = [item for catalogue in (CATALOGUE, *self._others()) for item in catalogue.items()]
        for identity, row in known:
            judged = [s for s in self.scenarios if identity in s.requirements]
            rows[identity] = RequirementRow(
                class_=str(row.class_),
                title=row.title,
                text=row.text,
                source=row.source,
                harm=row.harm,
                verdict=worst(s.requirements[identity] for s in judged),
                scenarios=[s.id for s in judged],
                review=standing(row) if identity in CATALOGUE or is_good_practice(identity) else "",
            )
        return rows

    @property
    def catalogues(self) -> dict[str, list[str]]:
        """The catalogues beside the page's, by title, each with the prefixes of its families."""
        return {one.title: list(one.families) for one in self._others()}

    def _others(self) -> list[Catalogue]:
        """Return the catalogues, beside the page's, of which the scenarios name something."""
        named = dict.fromkeys(i for s in self.scenarios for i in (*s.asked, *s.requirements))
        found = [catalogue_of(identity) for identity in named if identity not in CATALOGUE]
        return list({one.title: one for one in found if one is not None}.values())

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the run; of one that came to an early end at least ``inconclusive``.

        What has not been played has not passed. Of a whole run without scenarios it is ``none``.
        """
        early = [Verdict.INCONCLUSIVE] if self.interrupted else []
        return worst([*early, *(scenario.verdict for scenario in self.scenarios)])

    @property
    def mode(self) -> Mode:
        """Whether it speaks for the device as a whole, and why not."""
        return mode_of(
            started=self._begun,
            interrupted=self.interrupted,
            selection=self.selection,
            environment=self.environment,
            asked=[name for scenario in self.scenarios for name in scenario.asked],
            rows=[name for name, row in CATALOGUE.items() if row.judged],
            check=self.bench_check,
        )

    def keep_photo(self, photo: Path | None) -> None:
        """Keep a picture of the device, of one of the kinds of `PHOTOS`. Raises BenchError."""
        if photo is None:
            return
        try:
            data = photo.read_bytes()
            write_whole(self.path / PHOTOS[not data.startswith(b"\x89PNG")], data)
        except OSError as problem:
            raise BenchError.of(problem, str(photo)) from problem

    @property
    def photo(self) -> str:
        """The file with a picture of the device, relative to its folder; empty without one."""
        return next((name for name in PHOTOS if (self.path / name).is_file()), "")

    @property
    def _begun(self) -> float:
        return min([self._started, *(scenario.started for scenario in self.scenarios)])

    def assessed(self) -> list[AssessedDeviation]:
        """Return what the device is known to break, each as it stands now."""
        if not self.known:
            return []
        verdicts = {identity: row.verdict for identity, row in self.requirements().items()}
        device = [
            " ".join(str(table.get(name, "")) for name in ("make", "model", "hardware", "firmware"))
            for table in devices_of(self.environment)
        ]
        on = datetime.fromtimestamp(self._started, UTC).date()
        return assess(self.known, verdicts, [*device, *self.names_of_device], on)

    @property
    def names_of_device(self) -> list[str]:
        """What the device calls itself in its messages (User-Agent), make and firmware as a rule."""
        return list(dict.fromkeys(s.device_name for s in self.scenarios if s.device_name))

    def of_its_scenarios(self) -> dict[str, Any]:
        """Return in words what the environment says of the scenarios taken together: clock, lateness."""
        return self._clock() | self._lateness()

    def _clock(self) -> dict[str, Any]:
        """Return in words how the device's clock went, as far as its events showed; of several, by bench."""
        readings: dict[str, list[ClockReading]] = {}
        for scenario in self.scenarios:
            if scenario.device_clock is not None:
                readings.setdefault(scenario.bench, []).append(scenario.device_clock)
        clocks = {bench: str(estimate(of_one)) for bench, of_one in readings.items()}
        if len(clocks) == 1:
            return {"device_clock": next(iter(clocks.values()))}
        return {"device_clock": clocks} if clocks else {}

    def _lateness(self) -> dict[str, str]:
        """Return in words how late the bench was; nothing of a run without scenarios."""
        late = [scenario.late_s for scenario in self.scenarios]
        if not late:
            return {}
        total, played = sum(late), sum(scenario.duration_s for scenario in self.scenarios)
        share = f"{100 * total / played:.0f} %" if played else "0 %"
        text = f"{total:.1f} s in {played:.0f} s of scenarios ({share}), {max(late):.1f} s at most in one"
        return {"bench_late": text}

    @property
    def unplayed(self) -> list[str]:
        """The scenarios that it was to play and has not, as far as that is known."""
        played = {scenario.id for scenario in self.scenarios}
        return [identity for identity in self.planned if identity not in played]

    def write(self, *, interrupted: bool) -> None:
        """Store ``run.json`` in one step: a reader never sees half of it.

        Args:
            interrupted: whether it came to an early end. A run that has not played what it was to play has.
        """
        self.interrupted = interrupted = interrupted or bool(self.unplayed)
        record = RunRecord.model_construct(
            schema_=1,
            name=self.name,
            started=self._begun,
            ended=self._ended or time.time(),
            verdict=self.verdict,
            mode=self.mode,
            interrupted=interrupted,
            stopped_by=self.stopped_by if interrupted else "",
            selection=self.selection,
            unplayed=self.unplayed,
            **dict(self.particulars),
            issues=self.issues,
            photo=self.photo,
            bench_check=self.bench_check,
            digests={one.title: one.digest for one in (CATALOGUE, *self._others())},
            environment=self.environment | self.of_its_scenarios(),
            imports=self.imports,
            known_deviations=self.assessed(),
            families=FAMILIES | {f: name for one in self._others() for f, name in one.families.items()},
            catalogues=self.catalogues,
            requirements=self.requirements(),
            mappings=_mappings(),
            scenarios=[],
        )
        data = record.model_dump(mode="json", by_alias=True)
        if interrupted:  # after every scenario: on one line, with what was written of those before
            assert data.popitem() == ("scenarios", [])
            listed = ", ".join(self._on_one_line())
            text = f'{json.dumps(data, ensure_ascii=False)[:-1]}, "scenarios": [{listed}]}}'
        else:
            text = json.dumps(data | {"scenarios": self._summaries()}, indent=1, ensure_ascii=False)
        write_whole(self.path / "run.json", text + "\n")

    def _summaries(self) -> list[dict[str, Any]]:
        return [_summary(scenario) for scenario in self.scenarios]

    def _on_one_line(self) -> list[str]:
        """Return the summary of each scenario as JSON, made once for each record, however long the run."""
        written, self._written = self._written, {}
        for scenario in self.scenarios:
            known, text = written.get(id(scenario), (None, ""))
            if known is not scenario:
                text = json.dumps(_summary(scenario), ensure_ascii=False)
            self._written[id(scenario)] = scenario, text
        return [self._written[id(scenario)][1] for scenario in self.scenarios]


@cache
def _mappings() -> list[ClauseSupport]:
    """Return the clauses of standards that requirements bear on, in the order of the standards."""
    from intercom_hil.spec.mappings import MAPPING  # not before a run ends

    return [
        ClauseSupport(
            standard=standard.id,
            title=standard.title,
            clause=clause,
            about=about,
            requirements=support.requirements,
            reason=support.reason,
        )
        for standard in MAPPING.standard
        for clause, about in standard.clauses.items()
        for support in MAPPING.supports
        if clause in support.clauses.get(standard.id, ())
    ]


def _summary(record: ScenarioRecord) -> dict[str, Any]:
    return ScenarioSummary.of(record).model_dump(mode="json", by_alias=True)


def _store(record: ScenarioRecord, folder: Path) -> None:
    write_whole(folder / RECORD, record.model_dump_json(indent=1) + "\n")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write text lines to a file."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def keep_export(folder: Path, content: bytes) -> Path:
    """Keep an exported event log in a run folder, beside earlier ones, and return where.

    Raises:
        BenchError: the folder cannot be written.
    """
    suffix = "json" if content.lstrip()[:1] in (b"[", b"{") else "csv"
    for number in range(1, 1000):
        path = folder / (f"event-log.{suffix}" if number == 1 else f"event-log.{number}.{suffix}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as problem:
            raise BenchError(f"the event log cannot be kept ({problem.strerror})", str(path)) from problem
        return path
    raise BenchError("there are a thousand event logs already", str(folder), "tidy the run folder up")


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(link)
