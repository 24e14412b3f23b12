"""What rendering a run costs: seconds of every format, and memory; as it is, and for up to 10,000 scenarios.

    python -m benchmarks.report_formats [RUN] [--scenarios 100 1000 10000]

Others are made of the run that is named: its scenarios over and over, under names of their own, with the
timelines that it has. Each is rendered by a process of its own, format by format.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from intercom_hil import reports
from intercom_hil.run_folder.run import read_run

LATEST = Path("reports/runs/latest")


def lengthened(run: Path, folder: Path, scenarios: int) -> Path:
    """Make a run of so many scenarios (0: its own) out of those of another, with copies of its evidence."""
    shutil.copytree(run / "scenarios", folder / "scenarios")
    data = json.loads((run / "run.json").read_text(encoding="utf-8"))
    scenarios = scenarios or len(data["scenarios"])
    rows = enumerate(islice(cycle(data["scenarios"]), scenarios))
    data["scenarios"] = [{**row, "id": f"{row['id']}#{place}"} for place, row in rows]
    for row in data["requirements"].values():
        row["scenarios"] = [
            s["id"] for s in data["scenarios"] if s["id"].partition("#")[0] in row["scenarios"]
        ]
    (folder / "run.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def render(folder: Path) -> None:
    """Render every format, and print what each took as one line of JSON."""
    began = time.monotonic()
    run = read_run(folder)
    took: dict[str, float] = {"read": time.monotonic() - began}
    for name in reports.chosen([reports.ALL]):
        began = time.monotonic()
        reports.RENDERERS[name](run)
        took[name] = time.monotonic() - began
    print(json.dumps(took | {"MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, default=LATEST)
    parser.add_argument("--scenarios", nargs="+", type=int, default=[0, 100, 1_000, 10_000])
    parser.add_argument("--render", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.render:
        render(options.run)
        return
    rows: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count in options.scenarios:
            folder = lengthened(options.run, Path(scratch) / str(count), count)
            command = [sys.executable, "-m", "benchmarks.report_formats", str(folder), "--render"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows[count] = json.loads(done.stdout)
    table = Table("scenarios", *next(iter(rows.values())), "seconds in all")
    for count, took in rows.items():
        total = sum(seconds for name, seconds in took.items() if name != "MB")
        table.add_row(str(count or "its own"), *(f"{value:.2f}" for value in took.values()), f"{total:.2f}")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
