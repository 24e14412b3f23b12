"""What a bench at rest costs: memory and processor time of everything it runs, with the device registered.

    python -m benchmarks.rest_cost [--bench FILE] [--seconds 20]

At rest means: a scenario is open and every witness listens, but nothing happens. Counted are the harness (its
process), the emulated intercom, and in every container, or in its place on this machine, supervisor and
programs, with the engine's monitor beside it. Memory is PSS: what processes share is divided among them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.model import BenchFile, load
from intercom_hil.evidence.run import RunFolder
from intercom_hil.processes.process_host import SupervisedHost
from intercom_hil.scenario.bench import Bench

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_BENCH = ROOT / "fixtures" / "benches" / "emulated.toml"
MOST_MEMORY = 250.0
"""MB that a bench at rest may take."""
MOST_PROCESSOR = 3.0
"""Per cent of one core that it may use."""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Of one program: how many processes, their memory in MB, their processor time in s."""

    processes: int = 0
    memory: float = 0.0
    seconds: float = 0.0


def bench_processes(places: Mapping[str, SupervisedHost]) -> dict[int, str]:
    """Return the processes of the running bench by number, each with what it is.

    A container's monitor names it on its command line, and its processes descend from that; those of a
    place on this machine descend from this process, as the emulated intercom does.
    """
    parents = {pid: int(stat[1]) for pid in _pids() if (stat := _stat(pid))}
    inside = {os.getpid()}
    inside |= {pid for pid in parents if any(place.name in _command(pid) for place in places.values())}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in inside} - inside
        inside |= more
        grown = bool(more)
    return {pid: _called(pid) for pid in inside}


def costs(processes: dict[int, str]) -> dict[str, Cost]:
    """Return what each program costs up to now."""
    found: dict[str, Cost] = defaultdict(Cost)
    for pid, name in processes.items():
        stat, cost = _stat(pid), found[name]
        if stat:
            cost.processes += 1
            cost.memory += _pss(pid)
            cost.seconds += (int(stat[11]) + int(stat[12])) / _TICK
    return dict(found)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _stat(pid: int) -> list[str]:
    """Return the fields of proc(5) stat from the state on; nothing for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _called(pid: int) -> str:
    if pid == os.getpid():
        return "harness"
    command = _command(pid)
    for part, name in (
        ("intercom_hil.emulator.agent", "emulated intercom, SIP"),
        ("intercom_hil.emulator", "emulated intercom"),
        ("supervisor.py", "supervisor"),
    ):
        if part in command:
            return name
    return Path(command.split(" ")[0]).name or str(pid)


def _pss(pid: int) -> float:
    """Return the memory of a process in MB, its part of what is shared included (proc(5) smaps_rollup)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1000


async def measure(file: BenchFile, seconds: float) -> dict[str, Cost]:
    """Return what each program costs at rest: its memory at the end, its processor time in between."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder.create(Path(folder), file.bench.name)
        assembly = Assembly(file, run_folder=run.path)
        try:
            await assembly.start()
            bench = Bench(assembly, run, identity="rest.rest", doc="", requirements=())
            spent: dict[str, Cost] = {}

            async def rest() -> None:
                await bench.configure()
                processes = bench_processes(assembly.places)
                before = costs(processes)
                await asyncio.sleep(seconds)
                for name, cost in costs(processes).items():
                    spent[name] = Cost(cost.processes, cost.memory, cost.seconds - before[name].seconds)

            await bench.play(rest)
            return spent
        finally:
            await assembly.stop()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=DEFAULT_BENCH, help="the bench file")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it rests")
    options = parser.parse_args()
    spent = asyncio.run(measure(load(options.bench), options.seconds))
    table = Table(title=f"a bench at rest for {options.seconds:g} s")
    for heading in ("", "processes", "memory, MB", "of one core, %"):
        table.add_column(heading, justify="right" if heading else "left")
    total = Cost()
    for name, cost in sorted(spent.items(), key=lambda item: -item[1].memory):
        total.processes += cost.processes
        total.memory += cost.memory
        total.seconds += cost.seconds
        share = 100 * cost.seconds / options.seconds
        table.add_row(name, str(cost.processes), f"{cost.memory:.1f}", f"{share:.2f}")
    share = 100 * total.seconds / options.seconds
    table.add_section()
    table.add_row("all", str(total.processes), f"{total.memory:.1f}", f"{share:.2f}")
    table.add_row("at most", "", f"{MOST_MEMORY:g}", f"{MOST_PROCESSOR:g}")
    Console().print(table)
    raise SystemExit(0 if total.memory <= MOST_MEMORY and share <= MOST_PROCESSOR else 1)


if __name__ == "__main__":
    main()
