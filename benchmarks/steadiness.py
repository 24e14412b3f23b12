"""Whether the bench says the same thing every time: compliance runs in a row, and every verdict that differs.

    python -m benchmarks.steadiness [--runs 20] [-- pytest options, such as -n 2]

Each run is the whole compliance run from outside, nothing repeated, nothing left out. A verdict differs when
a scenario's or a requirement's is not the same in all runs; it is told with the folder of the run and the
problem that was recorded there. The runs are kept where ``--folder`` says. The exit status is 1 if any do.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from intercom_hil.locations import DEFAULT_BENCH

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 1800.0
"""Seconds after which a run has gone wrong."""


@dataclass(frozen=True)
class Run:
    """One run: where it is kept, how long it took (s), and its ``run.json``."""

    folder: Path
    took: float
    record: Mapping[str, Any]

    def verdicts(self) -> dict[str, str]:
        """Return the verdict of every requirement and of every scenario, by name."""
        rows = {name: row["verdict"] for name, row in self.record["requirements"].items()}
        return rows | {scenario["id"]: scenario["verdict"] for scenario in self.record["scenarios"]}

    def problems(self, name: str) -> list[str]:
        """Return what the run recorded against a scenario."""
        return next((s["problems"] for s in self.record["scenarios"] if s["id"] == name), [])


def play(runs: Path, options: Sequence[str]) -> Run:
    """Play the scenarios once and return how it went; a run that did not get as far as a record raises."""
    command = [sys.executable, "-m", "pytest", "scenarios", "-q", "-p", "no:hypothesispytest"]
    command += [] if "--bench" in options else ["--bench", str(DEFAULT_BENCH)]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, "--runs", str(runs), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"a run ended with status {done.returncode}:\n{done.stdout[-4000:]}{done.stderr}")
    folder = (runs / "latest").resolve()
    return Run(folder, time.monotonic() - begun, json.loads((folder / "run.json").read_text()))


def differing(runs: Sequence[Run]) -> dict[str, dict[str, list[Run]]]:
    """Return every name whose verdict is not the same in all runs: the runs by verdict."""
    found: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    every = [run.verdicts() for run in runs]
    for name in dict.fromkeys(name for verdicts in every for name in verdicts):
        for run, verdicts in zip(runs, every, strict=True):
            found[name][verdicts.get(name, "missing")].append(run)
    return {name: by_verdict for name, by_verdict in found.items() if len(by_verdict) > 1}


def show(console: Console, runs: Sequence[Run], flakes: Mapping[str, Mapping[str, Sequence[Run]]]) -> None:
    """Print the durations, and each verdict that differs with the problem of the run that stands alone."""
    took = [run.took for run in runs]
    table = Table(title=f"{len(runs)} runs, {len(runs[0].record['scenarios'])} scenarios each")
    for heading in ("s a run: min", "median", "max", "verdicts that differ"):
        table.add_column(heading, justify="right")
    table.add_row(f"{min(took):.0f}", f"{statistics.median(took):.0f}", f"{max(took):.0f}", str(len(flakes)))
    console.print(table)
    for name, by_verdict in flakes.items():
        usual = max(by_verdict, key=lambda verdict: len(by_verdict[verdict]))
        console.print(f"{name}: " + ", ".join(f"{len(r)} {v}" for v, r in by_verdict.items()), markup=False)
        for verdict, those in by_verdict.items():
            for run in those if verdict != usual else ():
                console.print(f"    {verdict} in {run.folder}", *run.problems(name), markup=False)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=ROOT / "reports" / "runs" / "steadiness")
    parser.add_argument("options", nargs="*", metavar="-- OPTIONS", help="for pytest")
    arguments = parser.parse_args()
    console = Console()
    runs: list[Run] = []
    for number in range(1, arguments.runs + 1):
        runs.append(play(arguments.folder, arguments.options))
        flakes = differing(runs)
        verdict = runs[-1].record["verdict"]
        told = (
            f"run {number} of {arguments.runs}: {verdict}, {runs[-1].took:.0f} s; {len(flakes)} differ so far"
        )
        console.print(told)
    show(console, runs, flakes := differing(runs))
    return 1 if flakes else 0


if __name__ == "__main__":
    sys.exit(main())
