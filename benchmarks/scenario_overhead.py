"""What the harness adds to each scenario, in parts: one lane, some twenty scenarios, the median of each part.

    python -m benchmarks.scenario_overhead [--cpu] [-- pytest options, such as scenarios/test_tls.py]

The overhead of a scenario is all the time that it has the lane to itself, from the end of the scenario
before it to its own, without its own steps and without what the bench waits for the device, the PBX or a
station meanwhile (what the timeline books as such a wait). So it is healing, opening the timeline,
settling, ending the calls that are left, the last packets, the monitors, the record, and what pytest does
between two scenarios.

The file is its own pytest plugin: what is measured is a run as any other, with these few calls timed.
``--cpu`` counts the processor time of the bench's own process instead, which says more on a busy machine:
to wait for its tools costs none.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 600.0
"""Seconds after which a run has gone wrong."""
SELECTION = ("scenarios/test_outgoing.py", "scenarios/test_incoming.py")
RESULT = "INTERCOM_HIL_OVERHEAD"
"""The variable that names the file for the result; ``cpu:`` before it asks for processor time."""
STEPS = "its own steps"
OTHERWISE = "pytest, and what has no name here"


class Account:
    """Where the time goes: always to the innermost part that is under way. Waits are taken out of it.

    Attributes:
        scenarios: of each scenario that has ended, the seconds in each part.
    """

    def __init__(self, clock: Callable[[], float], *, counts_waits: bool) -> None:
        """Begin; ``counts_waits`` says whether the clock goes on while the bench waits."""
        self._clock, self._counts_waits = clock, counts_waits
        self._under_way = [OTHERWISE]
        self._since = clock()
        self._parts: dict[str, float] = {}
        self.scenarios: list[dict[str, float]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part."""
        self._book()
        self._under_way.append(name)
        try:
            yield
        finally:
            self._book()
            self._under_way.pop()

    def waited(self, seconds: float) -> None:
        """Take out of the part under way what was spent waiting."""
        if self._counts_waits:
            part = self._under_way[-1]
            self._parts[part] = self._parts.get(part, 0.0) - seconds

    def end(self) -> None:
        """End a scenario: the next one's time begins."""
        self._book()
        self.scenarios.append(self._parts)
        self._parts = {}

    def _book(self) -> None:
        time_now, part = self._clock(), self._under_way[-1]
        self._parts[part] = self._parts.get(part, 0.0) + time_now - self._since
        self._since = time_now


def _timed(account: Account, owner: Any, name: str, part: str) -> None:
    """Have the calls of a function, a method or a coroutine function booked on a part."""
    function = getattr(owner, name)
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def timed(*arguments: Any, **named: Any) -> Any:
            with account.part(part):
                return await function(*arguments, **named)
    else:

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            with account.part(part):
                return function(*arguments, **named)

    setattr(owner, name, timed)


def _watch(account: Account) -> None:
    """Time what the harness does for a scenario, where it does it."""
    from intercom_hil.bench.assembly import Assembly
    from intercom_hil.bench.tls import TlsServers
    from intercom_hil.capture.capture import Capture
    from intercom_hil.device.intercom import Intercom
    from intercom_hil.monitors import monitors
    from intercom_hil.scenario import runner
    from intercom_hil.stations.stations import Stations
    from intercom_hil.timeline import Timeline

    one = runner.ScenarioRunner
    for owner, name, part in (
        (Assembly, "heal", "heal"),
        (Assembly, "begin", "open the timeline"),
        (one, "_settle", "settle: what witnesses have yet to report"),
        (Assembly, "clear_pbx", "end calls at the PBX, forget endpoints"),
        (Stations, "stop_all", "end the stations"),
        (TlsServers, "close_all", "end the TLS servers"),
        (one, "_hear_out", "hear the device out"),
        (Intercom, "end", "end the device's scenario"),
        (Assembly, "renew_proxy", "renew the proxy"),
        (Capture, "end", "the last packets and the count of lost ones"),
        (monitors, "monitor", "monitors"),
        (one, "_recorded", "the scenario's record"),
        (one, "record", "file it in the run"),
    ):
        _timed(account, owner, name, part)
    _take_waits_out(account, Timeline)
    drive = one._drive

    @wraps(drive)
    async def driven(self: Any, scenario: Callable[[], Awaitable[None]], problems: list[str]) -> Any:
        async def steps() -> None:
            with account.part(STEPS):
                await scenario()

        return await drive(self, steps, problems)

    one._drive = driven  # type: ignore[method-assign]


def _take_waits_out(account: Account, timeline: Any) -> None:
    wait, book = timeline.wait, timeline.book_wait

    @wraps(wait)
    async def waited(self: Any, *arguments: Any, **named: Any) -> Any:
        before = self.protocol_wait()
        try:
            return await wait(self, *arguments, **named)
        finally:
            account.waited(self.protocol_wait() - before)

    @wraps(book)
    def booked(self: Any, *arguments: Any, **named: Any) -> None:
        before = self.protocol_wait()
        book(self, *arguments, **named)
        account.waited(self.protocol_wait() - before)

    timeline.wait, timeline.book_wait = waited, booked


if RESULT in os.environ:
    _kind, _, _path = os.environ[RESULT].rpartition(":")
    _account = Account(time.process_time if _kind else time.perf_counter, counts_waits=not _kind)

    def pytest_collection_finish() -> None:
        """Begin to look, now that all is imported."""
        _watch(_account)

    def pytest_runtest_logfinish() -> None:
        """End the scenario's account."""
        _account.end()

    def pytest_sessionfinish() -> None:
        """Leave the result."""
        Path(_path).write_text(json.dumps(_account.scenarios), encoding="utf-8")


def play(options: list[str], *, cpu: bool) -> list[dict[str, float]]:
    """Play a run; return the seconds of each part of each scenario but the first, which starts the bench."""
    from intercom_hil.locations import DEFAULT_BENCH  # not in the plugin, which is loaded before all else

    with tempfile.TemporaryDirectory() as name:
        result = Path(name, "overhead.json")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.scenario_overhead"]
        command += ["-p", "no:hypothesispytest", "--runs", str(Path(name, "runs"))]
        command += [] if "--bench" in options else ["--bench", str(DEFAULT_BENCH)]
        environment = {**os.environ, RESULT: f"{'cpu:' if cpu else ''}{result}"}
        done = subprocess.run([*command, *options], cwd=ROOT, env=environment, timeout=WITHIN, check=False)
        if not result.exists():
            sys.exit(f"the run did not come to its end: status {done.returncode}")
        scenarios: list[dict[str, float]] = json.loads(result.read_text(encoding="utf-8"))
    return scenarios[1:]


def main() -> None:
    """Play a run and print where its time goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cpu", action="store_true", help="processor time of the bench's process, not elapsed"
    )
    parser.add_argument("options", nargs="*", default=list(SELECTION), help="for pytest, behind --")
    asked = parser.parse_args()
    scenarios = play(asked.options, cpu=asked.cpu)
    if not scenarios:
        sys.exit("two scenarios at least are needed: the first one starts the bench and is not counted")
    parts = list(dict.fromkeys(part for scenario in scenarios for part in scenario))
    rows = {part: [scenario.get(part, 0.0) for scenario in scenarios] for part in parts}
    overhead = [sum(s.values()) - s.get(STEPS, 0.0) for s in scenarios]
    table = Table(title=f"{len(scenarios)} scenarios, {'processor' if asked.cpu else 'elapsed'} time")
    for heading in ("ms", "median", "90 %", "max"):
        table.add_column(heading, justify="left" if heading == "ms" else "right")
    for part, values in sorted(rows.items(), key=lambda row: -statistics.median(row[1])):
        if part != STEPS:
            table.add_row(part, *_spread(values))
    table.add_section()
    table.add_row("overhead", *_spread(overhead))
    table.add_row(STEPS, *_spread(rows[STEPS]))
    Console().print(table)


def _spread(values: list[float]) -> tuple[str, ...]:
    ordered = sorted(values)
    return tuple(
        f"{1000 * value:.1f}"
        for value in (statistics.median(values), ordered[int(0.9 * (len(ordered) - 1))], ordered[-1])
    )


if __name__ == "__main__":
    main()
