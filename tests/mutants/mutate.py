"""The judge mutated: whether the tests notice each small change of the code that decides verdicts.

    python -m tests.mutants.mutate [ROOM...] [--only rules.py] [--part K/N] [--out FILE]

A mutant is one room's code with one operator, constant, argument or word changed, as mutmut makes them. All
of a file stand in a copy of the tree, each beside the function that it changes, and one is switched on by its
name. The room's tests are collected once; each mutant is tried in a fork of that process, by those tests that
come to its function, until one fails: first those that killed others of the function, or of its module, then
the quickest. Killed is also what takes four times as long as it should. Killed and survived of each file are
printed, and written as JSON with the names of the survivors and what each changes. Without a room all are
tried. A core takes an hour for a room; ``--part`` tries every Nth mutant, and is added to what stands in the
file from the same commit.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("harness") / "intercom_hil"
TESTS: Mapping[str, tuple[str, ...]] = {
    "judge": (
        "tests/judge",
        "tests/monitors",
        "tests/practice",
        "tests/event_sources/test_device_clock.py",
        "tests/event_sources/test_event_duties.py",
    ),
    "wire": (
        "tests/wire",
        "tests/capture/test_capture_cases.py",
        "tests/commands/test_foreign_captures.py",
    ),
    "practice": ("tests/practice", "tests/monitors"),
    "monitors": ("tests/monitors", "tests/judge"),
    "hearing": ("tests/monitors",),
    "registrations": ("tests/monitors", "tests/judge"),
    "pcap": ("tests/wire", "tests/capture/test_capture_cases.py"),
}
"""The rooms that are mutated, and the tests that are about them: fast ones, without containers."""
NOT_OF_COPIES = ("tests/timeline/test_vocabulary_forms.py::test_every_word_has_its_form_here",)
"""Tests that a mutated module fails by its make-up: it has each function many times over."""
COPIED = ("harness", "tests", "scenarios", "fixtures", "docs", "benchmarks", "conftest.py", "pyproject.toml")
KILLED, SURVIVED, UNTESTED, LEFT_OUT = "killed", "survived", "no tests", "not tried"
ACTIVE = "MUTANT_UNDER_TEST"
"""The variable that says which mutant is switched on; ``stats`` has mutmut's code list who is called."""
TIMES = 4
"""How many times as much processor time as the unchanged code a mutant may take."""
LEAST_TIME = 3.0
"""Seconds that it may take in any case."""


def make_copy(folder: Path, room: str, only: str) -> list[str]:
    """Copy the tree, with the mutants of a room's files in it; return their names, with their modules."""
    from mutmut.configuration import reset_config
    from mutmut.mutation.file_mutation import mutate_file_contents

    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "runs")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, folder / name)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[tool.mutmut]\nsource_paths = ["harness"]\n')
    names = []
    for path in sorted((folder / PACKAGE / room).glob(only or "*.py")):
        reset_config()
        with chdir(folder):  # where mutmut looks for its settings
            mutated = mutate_file_contents(str(path), path.read_text(encoding="utf-8"))
        path.write_text(mutated.code, encoding="utf-8")
        names += [f"intercom_hil.{room}.{path.stem}.{name}" for name in mutated.mutant_names]
    return names


class Trials:
    """A pytest plugin that runs the collected tests once for each mutant."""

    def __init__(self, names: Sequence[str], results: Path) -> None:
        """Try the mutants of these names, and write what became of each to a file."""
        self._names, self._results = names, results

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all mutants, in place of a run of the tests."""
        if session.testsfailed:
            raise session.Failed("the unchanged code fails")
        told = Path(tempfile.mkstemp()[1])
        if _in_a_fork(lambda: self._who_calls(session.items, told), 3600.0, "stats") != 0:
            raise session.Failed(f"the unchanged code fails: {told.read_text(encoding='utf-8')}")
        calls = json.loads(told.read_text(encoding="utf-8"))
        found = {}
        killers: Counter[tuple[str, str]] = Counter()  # of a function, and of a module
        gc.collect()
        gc.freeze()  # a fork would copy what it only looks through
        for name in self._names:
            function, module = re.sub(r"__mutmut_\d+$", "", name), name.rpartition(".")[0]
            seconds: dict[str, float] = calls.get(function, {})
            items = sorted(
                (item for item in session.items if item.nodeid in seconds),
                key=lambda item: (
                    -killers[function, item.nodeid],
                    -killers[module, item.nodeid],
                    seconds[item.nodeid],
                ),
            )
            most = LEAST_TIME + TIMES * sum(seconds.values())
            told.write_text("", encoding="utf-8")
            if not items:
                found[name] = UNTESTED
            else:
                status = _in_a_fork(lambda items=items: _all_pass(items, told), most, name)
                found[name] = SURVIVED if status == 0 else KILLED
                for within in (function, module):
                    killers[within, told.read_text(encoding="utf-8")] += 1
            if len(found) % 10 == 0 or len(found) == len(self._names):
                self._results.write_text(json.dumps(found), encoding="utf-8")
        told.unlink()
        return True

    def _who_calls(self, items: Sequence[pytest.Item], told: Path) -> int:
        """Write which tests come to each function, and their processor time (s); return 1 if one fails."""
        from mutmut.state import state

        calls: dict[str, dict[str, float]] = defaultdict(dict)
        for item, following in zip(items, [*items[1:], None], strict=True):
            state()._stats.clear()
            begun = time.process_time()
            if not _passes(item, following):
                told.write_text(item.nodeid, encoding="utf-8")
                return 1
            for function in state()._stats:
                calls[function][item.nodeid] = time.process_time() - begun
        told.write_text(json.dumps(calls), encoding="utf-8")
        return 0


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, nextitem=following, log=False))


def _all_pass(items: Sequence[pytest.Item], told: Path) -> int:
    """Return 0 if all pass; of one that fails its name is written."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if not _passes(item, following):
            told.write_text(item.nodeid, encoding="utf-8")
            return 1
    return 0


def _in_a_fork(do: Callable[[], int], most: float, mutant: str) -> int:
    """Do something in a process of its own with a mutant switched on; return its exit status.

    It is ended, with status 2, after so many seconds of processor time, or if it waits for something when
    five times as many of the clock's are over. One that other work leaves no processor for is waited for.
    """
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setpgid(0, 0)
            os.environ[ACTIVE] = mutant
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            resource.setrlimit(resource.RLIMIT_CPU, (int(most) + 1, int(most) + 2))
            status = do()
        finally:
            os._exit(status)
    deadline, pause = time.monotonic() + 5 * most, 0.001
    while time.monotonic() < deadline or _has_work(child):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 2


def _has_work(process: int) -> bool:
    """Whether a process would run if it were let, or has ended: it only waits for a processor."""
    state = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    return state.split()[0] in ("R", "T", "Z")


def try_out(folder: Path, room: str, names: Sequence[str]) -> dict[str, str]:
    """Try the mutants of a copy, in a process of its own; return what became of each.

    Raises:
        SystemExit: the tests fail without any change, or cannot be collected.
    """
    asked, results = folder / "mutants.json", folder / "results.json"
    asked.write_text(json.dumps(names), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}
    # The copy's package, and examples of hypothesis that are the same every time.
    environment |= {"PYTHONPATH": os.pathsep.join((str(folder / "harness"), str(folder))), "CI": "true"}
    tests = [name for name in TESTS[room] if (folder / name).exists()]
    command = [sys.executable, "-m", "tests.mutants.mutate", "--trials", str(asked), str(results), *tests]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"the mutants of {room} could not be tried:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    found: dict[str, str] = json.loads(results.read_text(encoding="utf-8"))
    return found


def changes(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return what each of some mutants changes: the line as it is, and as it is changed to."""
    found = {}
    for module in {name.rpartition(".")[0] for name in names}:
        text = (folder / "harness" / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
        lines = text.splitlines()
        functions = {
            node.name: lines[node.lineno : node.end_lineno]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for name in names:
            if name.rpartition(".")[0] == module:
                mutant = name.rpartition(".")[2]
                before = functions.get(re.sub(r"\d+$", "orig", mutant), [])
                found[name] = _change(before, functions.get(mutant, []))
    return found


def _change(before: Sequence[str], after: Sequence[str]) -> str:
    lines = [
        line
        for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if line[:2] not in ("--", "++", "@@")
    ]
    old, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return f"{old}  ->  {new}"


def report(by_room: Mapping[str, Mapping[str, str]], changed: Mapping[str, str], out: Path) -> None:
    """Print killed and survived of each file and room, and write them as JSON.

    What the file has of the same commit stays in it, unless it was tried again.
    """
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    rooms: dict[str, Any] = before["rooms"] if before.get("commit") == commit else {}
    table = Table("file", "mutants", KILLED, SURVIVED, UNTESTED, LEFT_OUT, "killed of the tried")
    for room, results in by_room.items():
        earlier = rooms.get(room, {"results": {}, "left": {}})
        tried = {name: status for name, status in results.items() if status != LEFT_OUT}
        left = {name: f"{status}: {changed[name]}" for name, status in tried.items() if status != KILLED}
        rooms[room] = {
            "results": {
                **earlier["results"],
                **dict.fromkeys(results.keys() - earlier["results"], LEFT_OUT),
                **tried,
            },
            "left": {name: text for name, text in earlier["left"].items() if name not in tried} | left,
        }
    everything: Counter[str] = Counter()
    for room, one in rooms.items():
        files: dict[str, Counter[str]] = defaultdict(Counter)
        for name, status in one["results"].items():
            files[name.split(".")[2] + ".py"][status] += 1
        whole = sum(files.values(), Counter[str]())
        if room in by_room:
            for file, counts in sorted(files.items()):
                table.add_row(f"{room}/{file}", *_cells(counts))
        table.add_row(f"[bold]{room}", *_cells(whole))
        everything += whole
        rooms[room] = _figures(whole) | {
            "files": {file: _figures(counts) for file, counts in sorted(files.items())},
            "left": one["left"],
            "results": one["results"],
        }
    Console(width=110).print(table)
    record = {"commit": commit, "date": datetime.now(UTC).isoformat(timespec="seconds")}
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record | _figures(everything) | {"rooms": rooms}, indent=2)
    out.write_text(text + "\n", encoding="utf-8")


def _figures(counts: Counter[str]) -> dict[str, Any]:
    tried = counts.total() - counts[LEFT_OUT]
    return {
        "mutants": counts.total(),
        "tried": tried,
        "killed": counts[KILLED],
        "survived": counts[SURVIVED],
        "untested": counts[UNTESTED],
        "killed_of_tried": round(counts[KILLED] / tried, 4) if tried else None,
    }


def _cells(counts: Counter[str]) -> list[str]:
    tried = counts.total() - counts[LEFT_OUT]
    return [
        *map(str, (counts.total(), counts[KILLED], counts[SURVIVED], counts[UNTESTED], counts[LEFT_OUT])),
        f"{counts[KILLED] / tried:.1%}" if tried else "",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Mutate the rooms that are asked for."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--trials"]:
        names, results = json.loads(Path(given[1]).read_text(encoding="utf-8")), Path(given[2])
        quiet = ["-q", "-s", "-m", "not nightly", *(f"--deselect={name}" for name in NOT_OF_COPIES)]
        return int(pytest.main([*quiet, *given[3:]], plugins=[Trials(names, results)]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"one of {', '.join(TESTS)}")
    parser.add_argument("--only", default="", metavar="PATTERN", help="files of a room, such as 'sip*.py'")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="every Nth mutant, from the Kth on")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "proof" / "mutants.json")
    asked = parser.parse_args(given)
    unknown = [room for room in asked.rooms if room not in TESTS]
    if unknown:
        parser.error(f"no room {', '.join(unknown)}: one of {', '.join(TESTS)}")
    part = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", asked.part)
    if part is None:
        parser.error(f"--part: {asked.part} is not K/N, as in 2/3")
    by_room, changed = {}, {}
    for room in asked.rooms or TESTS:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            names = make_copy(Path(folder), room, asked.only)
            tried = try_out(Path(folder), room, names[int(part[1]) - 1 :: int(part[2])])
            by_room[room] = dict.fromkeys(names, LEFT_OUT) | tried
            changed |= changes(Path(folder), [name for name, one in tried.items() if one != KILLED])
        report(by_room, changed, asked.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
