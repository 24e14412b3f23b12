"""What a run shows while it goes on: on a terminal a line that moves, elsewhere a line for each scenario.

The line at the bottom of a terminal says what plays and for how long, how much has been played, the tally,
and how long the rest will take. It is drawn anew twice a second, and wiped before anything else is written.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.plugin.options import bench_file, worker
from intercom_hil.spec.verdict import Verdict
from intercom_hil.terminal_text import visible

VERDICT = "verdict"
"""The property of a scenario's report that holds its verdict."""
_REDRAW_EVERY = 0.5
"""Seconds between two drawings of the line that moves."""
_COLOURS: dict[str, dict[str, bool]] = {
    Verdict.PASS: {"green": True},
    Verdict.FAIL: {"red": True, "bold": True},
    Verdict.ERROR: {"red": True},
    Verdict.INCONCLUSIVE: {"yellow": True},
}
_WIPE = "\r\x1b[K"


def failure_text(record: ScenarioRecord, run: Path) -> str:
    """Return why a scenario did not pass: for each requirement what was expected, seen, by whom and when.

    Args:
        record: the scenario's.
        run: the run's folder, in which the evidence is.
    """
    lines = [f"{record.verdict}: {record.title}"]
    for judgement in record.judgements:
        if judgement.verdict.breaks_the_run:
            when = f", {judgement.time - record.started:.2f} s after the start" if judgement.time else ""
            witnesses = ", ".join(judgement.witnesses) or "none"
            lines += [f"{judgement.requirement} {judgement.verdict}"]
            lines += [f"  expected  {judgement.expected}", f"  seen      {judgement.seen}"]
            lines += [f"  witness   {witnesses}{when}"]
    lines += record.problems
    lines += [f"evidence: {run / record.evidence.folder}"]
    return visible("\n".join(lines))


@pytest.hookimpl(trylast=True)  # after pytest's own reporter is there
def pytest_configure(config: pytest.Config) -> None:
    """Take the place of pytest's dots, unless more words are asked for (-v)."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if worker(config) or reporter is None or config.option.verbose > 0 or config.option.collectonly:
        return
    reporter.showfspath = False
    if config.option.reportchars == "fE":  # pytest's default: a list of what is reported in full above it
        reporter.reportchars = ""
    view = LiveView(reporter, moving=_moves(config, reporter))
    config.pluginmanager.register(view, "intercom_hil_live_view")


def _moves(config: pytest.Config, reporter: Any) -> bool:
    """Whether a line may move: on a terminal where no person is asked for anything beside."""
    try:
        operator = bench_file(config).device.operator
    except BenchError:
        return False  # the run will not begin
    return bool(reporter.isatty) and reporter.hasmarkup and not (operator and operator.terminal)


class LiveView:
    """Counts what has been played, and shows it."""

    def __init__(self, reporter: Any, *, moving: bool) -> None:
        self._reporter = reporter
        self._quiet = reporter.verbosity < 0
        self._total = 0
        self._tally: Counter[str] = Counter()
        self._running: dict[str, float] = {}
        self._begun = time.monotonic()
        self._first = 0.0
        self._doing = "starting the bench"
        self._line = _MovingLine(reporter, self._status, _terminal(reporter)) if moving else None

    # -- what happens ----------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Begin to show the line."""
        if self._line is not None:
            self._line.start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take how much there is to play."""
        self._total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Take from a process that shares the run how much there is to play."""
        each = node.config.option.dist == "each"
        self._total = self._total + len(ids) if each else len(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A scenario begins, or its bench is started for it."""
        self._running[nodeid] = time.monotonic()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Keep pytest's count of a scenario, and leave out its dot."""
        if VERDICT not in _properties(report) or report.when != "call":
            return None
        return report.outcome, "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a scenario when it has its verdict, and show one that needs attention, or each."""
        verdict = _properties(report).get(VERDICT)
        if report.when != "call" or verdict is None:
            return
        self._first = self._first or time.monotonic() - report.duration
        self._tally[verdict] += 1
        if self._quiet:
            return
        broken = Verdict(verdict).breaks_the_run
        if broken or self._line is None:
            self._write(verdict, f"{report.duration:6.1f} s  {name_of(report.nodeid)}")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A scenario is over."""
        self._running.pop(nodeid, None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """Say that the bench is being ended, which takes a moment."""
        self._running.clear()
        self._doing = "ending the bench"
        if self._line is not None:
            self._line.draw()  # the last tally, however little time there is left for it
        try:
            yield
        finally:
            if self._line is not None:
                self._line.stop()

    # -- what is shown ---------------------------------------------------------------------------------

    def _write(self, verdict: str, text: str) -> None:
        self._reporter.ensure_newline()
        self._reporter.write(f"{verdict:14}", **_COLOURS.get(verdict, {}))
        self._reporter.write_line(visible(text))
        self._reporter.flush()  # a file or a pipe may be read meanwhile

    def _status(self, width: int) -> str:
        """Return the line as it is now, as wide as the terminal at most."""
        now, played = time.monotonic(), self._tally.total()
        tally = ", ".join(f"{count} {verdict}" for verdict, count in self._tally.items())
        left = self._left(now, played)
        end = " | ".join(part for part in (tally, f"{_clock(now - self._begun)} gone", left) if part)
        head = f"{played}/{self._total} " if self._total else ""
        playing = self._doing
        if self._running:
            (nodeid, since), *others = sorted(self._running.items(), key=lambda item: item[1])
            more = f" (+{len(others)})" if others else ""
            playing = f"{now - since:.0f} s{more} {name_of(nodeid)}"
        room = width - len(head) - len(end) - 3
        if room < 12:  # a narrow terminal: the tally is what matters
            return f"{head}| {end}"[:width]
        return f"{head}{playing if len(playing) <= room else playing[: room - 1] + '…':{room}} | {end}"

    def _left(self, now: float, played: int) -> str:
        if not self._running or not played or played >= self._total:
            return ""
        return f"about {_clock((now - self._first) / played * (self._total - played))} left"


class _MovingLine:
    """The line at the bottom of a terminal; whatever else is written there goes above it."""

    def __init__(self, reporter: Any, status: Callable[[int], str], terminal: TextIO) -> None:
        self._writer = reporter._tw
        self._status = status
        self._terminal = terminal
        self._file: TextIO = self._writer._file
        self._lock = threading.RLock()
        self._shown = False
        self._at_start = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._redraw, name="live view", daemon=True)

    def start(self) -> None:
        """Show it from now on."""
        self._writer._file = self
        self._thread.start()

    def stop(self) -> None:
        """Wipe it away and show it no more. Idempotent."""
        self._over.set()
        with self._lock:
            self._wipe()
            self._writer._file = self._file

    def write(self, text: str) -> int:
        """Write what pytest has to say above it."""
        with self._lock:
            self._wipe()
            if text:
                self._at_start = text.endswith("\n")
            return self._file.write(text)

    def flush(self) -> None:
        """Write what is still kept back."""
        self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _wipe(self) -> None:
        if self._shown:
            self._terminal.write(_WIPE)
            self._terminal.flush()
            self._shown = False

    def _redraw(self) -> None:
        while not self._over.wait(_REDRAW_EVERY):
            self.draw()

    def draw(self) -> None:
        """Draw it as it is now."""
        with self._lock:
            if self._at_start and not self._over.is_set():
                self._terminal.write(_WIPE + self._status(_columns(self._terminal) - 1))
                self._terminal.flush()
                self._shown = True


def _columns(terminal: TextIO) -> int:
    """Return how wide a terminal is; ``COLUMNS`` says so where it does not itself."""
    columns = os.environ.get("COLUMNS", "")
    return (
        int(columns)
        if columns.isdecimal() and int(columns)
        else os.get_terminal_size(terminal.fileno()).columns or 80
    )


def _terminal(reporter: Any) -> TextIO:
    """Return the terminal itself: what is written to standard output while a scenario plays is captured."""
    capture = reporter.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        return open(os.dup(reporter._tw._file.fileno()), "w", encoding="utf-8")


def _properties(report: Any) -> dict[str, str]:
    return {name: value for name, value in getattr(report, "user_properties", ()) if isinstance(value, str)}


def name_of(nodeid: str) -> str:
    """Return a scenario's name as it is shown.

    ``scenarios/test_outgoing.py::test_a_busy_contact[udp]`` reads ``outgoing: a busy contact [udp]``.
    """
    file, _, name = nodeid.partition("::")
    words, bracket, case = name.removeprefix("test_").partition("[")
    title = f"{Path(file).stem.removeprefix('test_')}: {words.replace('_', ' ')}"
    return f"{title} {bracket}{case}" if bracket else title


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
