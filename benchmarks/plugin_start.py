"""What the plugin costs pytest where no bench is named: an empty collection with it and without.

    python -m benchmarks.plugin_start [--runs 10]

Both are whole processes in an empty folder; the difference of the two is what every start of pytest pays
in an environment in which the package is installed. Counted is processor time: on a busy machine the time on
the clock differs by more from one start to the next.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.pairs import show

WITHOUT = ("-p", "no:intercom_hil")
OTHERS = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:xdist")
"""Plugins of others, left out of both: what they cost would hide the difference."""


def start(folder: Path, *options: str) -> float:
    """Return the seconds of processor time that pytest takes to find nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *OTHERS, *options, str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode != 5:  # no test was found
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Time both in turn, and print the table and the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, metavar="N")
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [(start(folder), start(folder, *WITHOUT)) for _ in range(count + 1)][1:]
    ours, baseline = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    show("pytest that finds nothing", "s", ours, baseline, ("with the plugin", "without"))
    difference = statistics.median(a - b for a, b in pairs)
    print(f"difference pair by pair, median: {difference * 1000:.1f} ms")


if __name__ == "__main__":
    main()
