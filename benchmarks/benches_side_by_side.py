"""Four emulated benches side by side, beside the same work done on them one after another.

    python -m benchmarks.benches_side_by_side [--way shared|each] [--benches 4] [--runs 1] [pytest's options]

``shared``: one compliance run, its scenarios shared out among the benches, beside the same run on one bench.
``each``: every bench plays the whole run, all at once, beside one bench after another. Timed from the
command to its end: Python, pytest, containers, devices, scenarios, reports. Both ways have to come to the
same verdicts, and every scenario has to have been played as often in one as in the other.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.pairs import show

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "fixtures" / "benches" / "emulated.toml"
LANES = range(100, 116)
"""Loopback networks 127.0.N.0/24, one for each bench."""
WITHIN = 3600.0
"""Seconds after which a run has gone wrong."""

Verdicts = dict[str, list[str]]


def benches(folder: Path, count: int) -> list[Path]:
    """Write ``count`` bench files that differ in name and addresses, and return their paths."""
    paths = []
    for lane in LANES[:count]:
        text = BENCH.read_text(encoding="utf-8").replace("127.0.0.", f"127.0.{lane}.")
        paths.append(folder / f"lane-{lane}.toml")
        paths[-1].write_text(text.replace('name = "emulated"', f'name = "lane {lane}"'), encoding="utf-8")
    return paths


def run(files: list[Path], runs: Path, options: list[str]) -> float:
    """Return the seconds that one command takes."""
    named = [word for file in files for word in ("--bench", str(file))]
    command = [sys.executable, "-m", "intercom_hil.cli", "run", *named, "--runs", str(runs), "-q"]
    command += ["-p", "no:hypothesispytest", *options]  # which a compliance environment does not have
    begun = time.time()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN, check=False)
    seconds = time.time() - begun
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def _verdicts(runs: Path) -> Verdicts:
    found: Verdicts = {}
    for path in runs.glob("**/run.json"):
        if path.parent.is_symlink():
            continue
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for scenario in record["scenarios"]:
            found.setdefault(scenario["id"], []).append(scenario["verdict"])
    return {name: sorted(verdicts) for name, verdicts in found.items()}


def pair(files: list[Path], folder: Path, way: str, options: list[str]) -> tuple[float, float]:
    """Time both ways once, and return the seconds side by side and one after another."""
    alone, together = folder / "alone", folder / "together"
    one_by_one = [run([file], alone / file.stem, options) for file in (files if way == "each" else files[:1])]
    seconds = run(files, together, options + (["--each"] if way == "each" else []))
    verdicts = _verdicts(together)
    expected = _verdicts(alone)
    differing = [n for n in expected.keys() | verdicts.keys() if expected.get(n) != verdicts.get(n)]
    for name in sorted(differing):
        print(f"differs: {name}: {expected.get(name)} one after another, {verdicts.get(name)} side by side")
    print(f"{len(verdicts)} scenarios, {len(differing)} differ")
    return seconds, sum(one_by_one)


def main() -> None:
    """Time both in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--way", choices=("shared", "each"), default="shared")
    parser.add_argument("--benches", type=int, choices=range(2, len(LANES) + 1), default=4)
    parser.add_argument("--runs", type=int, default=1, help="pairs")
    options, passed_on = parser.parse_known_args()
    pairs = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pairs.append(pair(benches(folder, options.benches), folder, options.way, passed_on))
    names = (f"{options.benches} benches side by side", "one after another")
    show(f"a compliance run, {options.way}", "s", [p[0] for p in pairs], [p[1] for p in pairs], names)


if __name__ == "__main__":
    main()
