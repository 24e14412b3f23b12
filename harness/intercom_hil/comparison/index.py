"""An index of run directories in SQLite: what a history needs of each, so that run.json is read once.

The index holds nothing of its own. It can be thrown away at any time; one that is damaged, or of another
version, is made anew. Where its folder cannot be written it is kept in memory.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.fields import line, mapping, moment, number, sequence, texts, whole

FILE_NAME = "history.sqlite"
VERSION = 2
"""The form of the tables; an index of another one is made anew."""
_TABLES = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, folder TEXT UNIQUE, stamp TEXT, name TEXT, started REAL, ended REAL, verdict TEXT,
    part INTEGER, subject TEXT, device TEXT, faults TEXT, problem TEXT
);
CREATE TABLE requirement (run INTEGER, id TEXT, title TEXT, verdict TEXT);
CREATE TABLE scenario (run INTEGER, id TEXT, title TEXT, verdict TEXT, attempts INTEGER);
CREATE TABLE measurement (
    run INTEGER, scenario TEXT, requirement TEXT, name TEXT, unit TEXT, value REAL, low REAL, high REAL,
    verdict TEXT, late REAL, uncertainty REAL
);
CREATE INDEX by_run_1 ON requirement (run);
CREATE INDEX by_run_2 ON scenario (run);
CREATE INDEX by_run_3 ON measurement (run);
"""
_OWN = ("requirement", "scenario", "measurement")


def open_index(folder: Path) -> tuple[sqlite3.Connection, list[str]]:
    """Open the index of a folder of runs, and bring it up to date.

    Args:
        folder: where run directories are.

    Returns:
        The index, and notes on what could not be read or kept.

    Raises:
        ReportError: there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise ReportError("there is no such folder", str(folder), "name the folder that run folders are in")
    notes: list[str] = []
    try:
        index = _updated(folder, folder / FILE_NAME)
    except sqlite3.Error as problem:
        with suppress(OSError):
            (folder / FILE_NAME).unlink(missing_ok=True)
        try:
            index = _updated(folder, folder / FILE_NAME)
            notes.append(f"The index was damaged ({problem}), and is made anew.")
        except sqlite3.Error as again:
            index = _updated(folder, None)
            notes.append(f"The index cannot be kept ({again}): each run is read every time.")
    notes += [
        f"Left out: {name}: {problem}."
        for name, problem in index.execute(
            "SELECT folder, problem FROM run WHERE problem != '' ORDER BY folder"
        )
    ]
    if not index.execute("SELECT count(*) FROM run WHERE problem = ''").fetchone()[0]:
        index.close()
        raise ReportError("there is no run in it", str(folder), "name the folder that run folders are in")
    return index, notes


def _updated(folder: Path, path: Path | None) -> sqlite3.Connection:
    index = _opened(path)
    try:
        _update(index, folder)
    except BaseException:
        index.close()
        raise
    return index


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None and path.exists() and not _is_sound(path):
        path.unlink()
    if path is not None and not path.exists() and os.access(path.parent, os.W_OK):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # as everything of a run: for its owner only
    index = sqlite3.connect(path or ":memory:", timeout=60)
    try:
        if index.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            index.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    except sqlite3.Error:
        index.close()
        raise
    return index


def _is_sound(path: Path) -> bool:
    """Whether a file is an index of this version, whole and with all its tables. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as old, closing(_opened(None)) as new:
        version = old.execute("PRAGMA user_version").fetchone()[0]
        whole_file = old.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        form = "SELECT name, sql FROM sqlite_master ORDER BY name"
        same = old.execute(form).fetchall() == new.execute(form).fetchall()
    return bool(version == VERSION and whole_file and same)


def _update(index: sqlite3.Connection, folder: Path) -> None:
    """Read the runs that are new or were written again, and forget those that are gone."""
    known = dict(index.execute("SELECT folder, stamp FROM run"))
    there = dict(_runs(folder))
    with index:
        for name in known.keys() - {name for name, stamp in there.items() if known.get(name) == stamp}:
            _forget(index, name)
        for name, stamp in there.items():
            if known.get(name) != stamp:
                _add(index, folder, name, stamp)


def _runs(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each run directory by name, with what changes when its run.json is written again.

    They are in the folder, or in folders of its own for each bench (``run --each``).
    """
    places = [(folder, "")]
    for within, prefix in places:
        for path in sorted(within.iterdir()):
            if path.is_symlink() or not path.is_dir():
                continue
            try:
                about = (path / "run.json").stat()
            except OSError:
                places += [] if prefix else [(path, f"{path.name}/")]
                continue
            yield f"{prefix}{path.name}", f"{about.st_mtime_ns} {about.st_size}"


def _forget(index: sqlite3.Connection, name: str) -> None:
    for (number_,) in index.execute("SELECT id FROM run WHERE folder = ?", (name,)).fetchall():
        for table in _OWN:
            index.execute(f"DELETE FROM {table} WHERE run = ?", (number_,))
        index.execute("DELETE FROM run WHERE id = ?", (number_,))


def _add(index: sqlite3.Connection, folder: Path, name: str, stamp: str) -> None:
    row: dict[str, object] = {"folder": name, "stamp": stamp, "problem": ""}
    try:
        data = mapping(json.loads((folder / name / "run.json").read_bytes()))
        scenarios = [mapping(item) for item in sequence(data["scenarios"])]
        row |= _about(data, scenarios)
    except (OSError, ValueError, KeyError, RecursionError) as problem:
        what = problem.strerror if isinstance(problem, OSError) else "its run.json is not that of a run"
        index.execute(
            "INSERT INTO run (folder, stamp, problem) VALUES (?, ?, ?)", (name, stamp, what or "not readable")
        )
        return
    columns = ", ".join(row)
    marks = ", ".join("?" for _ in row)
    run = index.execute(f"INSERT INTO run ({columns}) VALUES ({marks})", tuple(row.values())).lastrowid
    index.executemany(
        "INSERT INTO requirement VALUES (?, ?, ?, ?)",
        [
            (run, key, line(item.get("title")), line(item.get("verdict")))
            for key, item in ((key, mapping(item)) for key, item in mapping(data.get("requirements")).items())
        ],
    )
    for scenario in scenarios:
        own = line(scenario.get("id"))
        attempts = whole(scenario.get("attempts"), 1)
        index.execute(
            "INSERT INTO scenario VALUES (?, ?, ?, ?, ?)",
            (run, own, line(scenario.get("title")), line(scenario.get("verdict")), attempts),
        )
        late = number(scenario.get("late_s")) or 0.0
        index.executemany(
            "INSERT INTO measurement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(
                        run,
                        own,
                        line(item.get("requirement")),
                        line(item.get("name")),
                        line(item.get("unit")),
                    ),
                    *(number(item.get(field)) for field in ("value", "low", "high")),
                    *(line(item.get("verdict")), late, number(item.get("uncertainty"))),
                )
                for item in map(mapping, sequence(scenario.get("measurements")))
            ],
        )


def _about(data: dict[str, object], scenarios: list[dict[str, object]]) -> dict[str, object]:
    """Return what a run is known by; ``subject`` is the same where the same device was tested alike."""
    environment = mapping(data.get("environment"))
    device = mapping(environment.get("device"))
    emulated = mapping(device.get("emulated"))
    faults = texts(emulated.get("faults"))
    names = dict.fromkeys(line(scenario.get("device_name")) for scenario in scenarios)
    made = [line(environment.get(name)) for name in ("bench_file", "harness", "commit", "image")]
    stated = [
        line(device.get(name)) for name in ("make", "model", "serial", "hardware", "firmware", "address")
    ]
    called = ", ".join(filter(None, names))
    variant = [line(emulated.get("variant")), *faults]
    return {
        "name": line(data.get("name")),
        "started": moment(data.get("started")),
        "ended": moment(data.get("ended")),
        "verdict": line(data.get("verdict")),
        "part": int(bool(line(data.get("selection")) or data.get("interrupted"))),
        "subject": json.dumps([line(data.get("name")), *made, *stated, called, *variant]),
        "device": " ".join(filter(None, [*stated[:2], stated[4]])) or called,
        "faults": ", ".join(faults),
    }
