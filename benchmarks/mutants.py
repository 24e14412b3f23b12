"""The judge mutated: whether the tests notice each small change of the code that decides verdicts.

    python -m benchmarks.mutants [--rooms judge wire monitors] [--only 'judge/rules.py'] [--afresh]

mutmut changes one operator, constant, argument or word at a time and runs the tests that reach the change. It
works in a copy of the tree, one for each room, in the layout that it asks for (``src/intercom_hil``). The
copy is kept: called again, only what was changed, and what has survived, is tried again. Killed and total of
each file are printed and written to ``--out`` as JSON, with the names of the survivors; ``mutmut show NAME``,
in the copy, shows one. A core takes about ten minutes for a thousand mutants.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
TESTS: Mapping[str, tuple[str, ...]] = {
    "judge": (
        "tests/judge",
        "tests/monitors",
        "tests/event_sources/test_device_clock.py",
        "tests/event_sources/test_event_duties.py",
    ),
    "wire": (
        *(
            f"tests/wire/test_wire_{part}.py"
            for part in ("cases", "hep", "link", "link_bounds", "notes", "pcap", "sdp")
        ),
        *(f"tests/wire/test_wire_{part}.py" for part in ("refusals", "sip", "spelling", "tls", "uri")),
        "tests/capture/test_capture_cases.py",
    ),
    "monitors": ("tests/monitors", "tests/judge"),
}
"""The rooms that can be mutated, and the tests that are about them: fast ones, without containers."""
NOT_OF_COPIES = ("tests/judge/test_vocabulary_forms.py::test_every_word_has_its_form_here",)
"""Tests that a mutated module fails by its make-up: it has each function many times over."""
COPIED = ("tests", "scenarios", "fixtures", "docs", "benchmarks", "conftest.py", "constraints.txt", "tox.ini")
STATUSES: Mapping[int | None, str] = {None: "not tried", 0: "survived", 33: "no tests", 5: "no tests"}
"""What mutmut's exit statuses say; any other is a kill: a failed test, a crash, or time that ran out."""


@dataclass
class Result:
    """What became of the mutants of one file: how many of each status, and the names of those not killed."""

    counts: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many mutants there are."""
        return self.counts.total()


def make_copy(folder: Path, room: str, only: str) -> None:
    """Copy the tree to a folder, in the layout that mutmut asks for, with its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    refresh(ROOT / "harness" / "intercom_hil", folder / "src" / "intercom_hil")
    (folder / "harness").mkdir(exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            refresh(source, folder / name)
        else:
            shutil.copy2(source, folder / name)
    tests = [name for name in TESTS[room] if (ROOT / name).exists()]
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/intercom_hil/{only or f'{room}/*.py'}"],
        "also_copy": list(COPIED),
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-m", "not nightly", *(f"--deselect={name}" for name in NOT_OF_COPIES)],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines += ["use_git_change_detection = false", 'on_dependency_change = "ignore"']
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        text + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )


def refresh(source: Path, target: Path) -> None:
    """Copy a folder with its times, without byte code; what is the same already stays as it is."""

    def copy(one: str, other: str) -> str:
        there = Path(other)
        if there.exists() and there.read_bytes() == Path(one).read_bytes():
            return other
        shutil.copyfile(one, other)  # with the time of now: mutmut tells by it what was changed
        return other

    ignored = shutil.ignore_patterns("__pycache__", "runs", "node_modules")
    shutil.copytree(source, target, ignore=ignored, copy_function=copy, dirs_exist_ok=True)
    for path in sorted(target.rglob("*.py")):
        if not (source / path.relative_to(target)).exists():
            path.unlink()


def forget_survivors(folder: Path) -> None:
    """Have what was not killed tried again: mutmut keeps a result until the mutated function changes."""
    for path in folder.glob("mutants/src/intercom_hil/**/*.meta"):
        stored = json.loads(path.read_text(encoding="utf-8"))
        codes = stored["exit_code_by_key"]
        stored["exit_code_by_key"] = {
            name: None if STATUSES.get(code, "killed") != "killed" else code for name, code in codes.items()
        }
        path.write_text(json.dumps(stored), encoding="utf-8")
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    # Left from an earlier copy; mutmut copies the current ones.
    shutil.rmtree(folder / "mutants" / "tests", ignore_errors=True)


def mutate(folder: Path, children: int) -> int:
    """Run mutmut in a copy; return its exit status."""
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)  # mutmut puts the copy's package first
    environment["CI"] = "true"  # by which hypothesis draws the same examples every time
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        return subprocess.run(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode


def results(folder: Path) -> dict[str, Result]:
    """Return what became of the mutants in a copy, by file."""
    found: dict[str, Result] = {}
    base = folder / "mutants" / "src" / "intercom_hil"
    for path in sorted(base.rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        if not codes:
            continue
        result = found[str(path.relative_to(base)).removesuffix(".meta")] = Result()
        for name, code in codes.items():
            status = STATUSES.get(code, "killed")
            result.counts[status] += 1
            if status != "killed":
                result.left.append(f"{name} ({status})")
    return found


def report(by_room: Mapping[str, Mapping[str, Result]], out: Path) -> None:
    """Print killed and total of each file and room, and write them as JSON."""
    table = Table("file", "mutants", "killed", "survived", "no tests", "not tried", "killed of all")
    stored = {}
    everything: Counter[str] = Counter()
    for room, files in by_room.items():
        whole: Counter[str] = Counter()
        for name, result in files.items():
            whole += result.counts
            table.add_row(name, *_cells(result.counts))
        table.add_row(f"[bold]{room}", *_cells(whole))
        everything += whole
        stored[room] = _numbers(whole) | {
            "files": {name: _numbers(one.counts) | {"left": one.left} for name, one in files.items()}
        }
    Console().print(table)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    record = {
        "commit": commit.stdout.strip(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **_numbers(everything),
        "rooms": stored,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _numbers(counts: Counter[str]) -> dict[str, object]:
    total = counts.total()
    return {
        "mutants": total,
        **dict(counts),
        "killed_of_all": round(counts["killed"] / total, 4) if total else None,
    }


def _cells(counts: Counter[str]) -> list[str]:
    total = counts.total()
    numbers = [total, *(counts[one] for one in ("killed", "survived", "no tests", "not tried"))]
    return [*map(str, numbers), f"{counts['killed'] / total:.1%}" if total else ""]


def main(arguments: Sequence[str] | None = None) -> int:
    """Mutate the rooms that are asked for; exit with 1 if mutmut could not run in one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rooms", nargs="+", choices=sorted(TESTS), default=["judge", "wire", "monitors"])
    parser.add_argument("--only", default="", metavar="PATTERN", help="of one room: such as judge/rules.py")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "mutants", help="where the copies are"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "proof" / "mutants.json")
    parser.add_argument("--children", type=int, default=1, help="processes at a time")
    parser.add_argument("--afresh", action="store_true", help="forget earlier results")
    parser.add_argument("--report", action="store_true", help="only report what the last run came to")
    asked = parser.parse_args(arguments)
    failed = False
    for room in asked.rooms:
        folder = asked.folder.resolve() / room
        if not asked.report:
            if asked.afresh:
                shutil.rmtree(folder, ignore_errors=True)
            make_copy(folder, room, asked.only)
            forget_survivors(folder)
            if mutate(folder, asked.children) != 0:
                failed = True
                Console(stderr=True).print(f"mutmut could not run over {room}: {folder / 'log.txt'} says why")
    report({room: results(asked.folder.resolve() / room) for room in asked.rooms}, asked.out)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
