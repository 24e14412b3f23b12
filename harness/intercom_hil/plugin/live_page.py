"""The run's live page, where one is wanted: by ``--live``, or by a bench whose operator answers on a page.

The process that the command line started has the page; every process that plays reports to it. Nothing of it
is loaded, and no hook is there, where no page is wanted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.plugin.beginning import ONLY_REPORTS
from intercom_hil.plugin.live_view import name_of
from intercom_hil.plugin.options import bench_file, cannot_begin, pool, worker
from intercom_hil.plugin.ordering import FORECAST
from intercom_hil.plugin.resuming import resumed
from intercom_hil.plugin.terminal_summary import RUN, RUNS
from intercom_hil.spec.verdict import worst
from intercom_hil.terminal_text import visible

if TYPE_CHECKING:
    from intercom_hil.bench.assembly import Assembly
    from intercom_hil.live.feed import Feed
    from intercom_hil.live.process import LiveProcess, Place

FEED: pytest.StashKey[Feed] = pytest.StashKey()
"""How this process reports to the page, where there is one."""
_PATH = "live_page"
"""What a process among several is given to find the page by."""
_MOST = 6
"""Judgements and problems of a scenario that are shown."""
STOPPED = "stopped on the live page"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the page, or find it, and report to it from now on."""
    config = session.config
    if name := worker(config):
        path = str(getattr(config, "workerinput", {}).get(_PATH, ""))
        process = None
    else:
        process = _page(session)
        path = process.path if process else ""
    if not path:
        return
    from intercom_hil.live.feed import Feed

    feed = config.stash[FEED] = Feed(path, name)
    config.add_cleanup(feed.close)
    config.pluginmanager.register(Reporting(config, feed, process), "intercom_hil_live_page")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that shares the run where the page is."""
    if FEED in node.config.stash:
        node.workerinput[_PATH] = node.config.stash[FEED].path


def join_live_page(assembly: Assembly, feed: Feed) -> None:
    """Have a bench, which has yet to start, report what it sees to the page, and ask its operator there."""
    from intercom_hil.live.asking import LivePageWay

    assembly.watch = feed.seen
    assembly.live_page = LivePageWay(feed)


def _page(session: pytest.Session) -> LiveProcess | None:
    """Start the page and print its address; None where none is wanted."""
    config = session.config
    if any(getattr(config.option, option, None) for option in ONLY_REPORTS):
        return None
    try:
        places = _places(config)
        if not places:
            return None
        from intercom_hil.live.process import LiveProcess

        process = LiveProcess(places, bench=pool(config).name)
    except BenchError as problem:
        cannot_begin(session, problem)
    config.add_cleanup(process.close)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        for acts, looks in process.pages:
            reporter.write_line(f"the run's live page: {acts} (to look at only: {looks})")
        reporter.flush()  # who reads a file or a pipe wants to see the page while the run goes on
    return process


def _places(config: pytest.Config) -> list[Place]:
    """Return where a page is wanted. Raises BenchError."""
    asked: str | None = config.getoption("--live")
    try:
        tables = [one.file.device.operator for one in pool(config).members]
    except BenchError:
        return []  # the run cannot begin, and says so itself
    webs = dict.fromkeys(table.web for table in tables if table is not None and table.web is not None)
    if asked is None and not webs:
        return []
    from intercom_hil.live.process import DEFAULT, Place

    places = [] if asked is None else [Place.parse(asked or DEFAULT, "--live")]
    return places + [Place.parse(web, "device.operator.web", "the operator's page") for web in webs]


class Reporting:
    """Reports what pytest does with the scenarios, and ends the run where the page asks for it."""

    def __init__(self, config: pytest.Config, feed: Feed, process: LiveProcess | None) -> None:
        self._config, self._feed, self._process = config, feed, process
        self._shares_out = config.pluginmanager.has_plugin("dsession")
        self._total = self._over = 0
        self._filed: ScenarioRecord | None = None
        if not self._shares_out:
            self._describe_bench()

    def _describe_bench(self) -> None:
        try:
            file = bench_file(self._config)
        except BenchError:
            return  # the run cannot begin, and says so itself
        device = file.device
        names = [name for name in (device.make, device.model, device.firmware) if name]
        described = f"{' '.join(names) or device.kind} at {device.address}"
        self._feed.send("lane", bench=file.bench.name, device=described)
        self._feed.send("doing", text="Starting the bench")

    # -- what there is to play -------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Report how much there is to play."""
        if worker(self._config) or self._shares_out:
            return
        self._report_total(len(session.items))
        if (run := resumed(self._config)) is not None:
            stand = [one for one in run.scenarios if not one.verdict.worth_repeating]
            for name in {name for one in stand for name in one.requirements}:
                verdict = worst(one.requirements[name] for one in stand if name in one.requirements)
                self._feed.send("stands", requirement=name, verdict=verdict.value)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Report how much there is to play, as a process that shares the run has found it."""
        each = node.config.option.dist == "each"
        self._report_total(self._total + len(ids) if each else len(ids))

    def _report_total(self, total: int) -> None:
        self._total = total
        forecast = self._config.stash.get(FORECAST, None)
        self._feed.send("run", name=pool(self._config).name, total=total, forecast=forecast)

    # -- what is played --------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Report what begins; where the run has been asked to stop, nothing begins any more."""
        if self._feed.stop_asked:
            return True
        marker = item.get_closest_marker("requirement")
        requirements = list(marker.args) if marker is not None else []
        self._feed.send("begins", title=name_of(item.nodeid), requirements=requirements)
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report what came of a scenario."""
        run = self._config.stash.get(RUN, None)
        if self._shares_out or report.when != "call" or run is None or not run.scenarios:
            return
        if (record := run.scenarios[-1]) is not self._filed:  # else it is no scenario
            self._filed = record
            self._feed.send("judged", **summary(record))

    def pytest_runtest_logfinish(self) -> None:
        """Take note that a scenario is over, whatever came of it."""
        self._over += 1
        if not self._shares_out:
            self._feed.send("over")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """End as an interrupt does where the run has been stopped before everything was played."""
        result = yield
        if self._process is not None and self._feed.stop_asked and self._over < self._total:
            raise session.Interrupted(f"{STOPPED} after {self._over} of {self._total} scenarios")
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """Report how the run ended, when all else is done."""
        if not self._shares_out:
            self._feed.send("doing", text="Ending the bench")
        try:
            yield
        finally:
            if self._process is not None:
                self._feed.send("ended", text=self._ending(self._config.stash.get(RUNS, [])))
                self._feed.close()
                self._process.close()

    def _ending(self, runs: list[RunFolder]) -> str:
        found = ", ".join(dict.fromkeys(str(run.verdict) for run in runs))
        if any(run.unplayed for run in runs):
            return f"Interrupted: {sum(len(run.unplayed) for run in runs)} scenarios not played"
        return f"The run is over: {found}" if found else "The run is over"


def summary(record: ScenarioRecord) -> dict[str, Any]:
    """Return what the page shows of a scenario that is over."""
    broken = [one for one in record.judgements if one.verdict.breaks_the_run]
    return {
        "title": record.title,
        "verdict": record.verdict.value,
        "duration": record.duration_s,
        "requirements": {name: verdict.value for name, verdict in record.requirements.items()},
        "why": [
            {"requirement": one.requirement, "expected": visible(one.expected), "seen": visible(one.seen)}
            for one in broken[:_MOST]
        ],
        "problems": [visible(text.splitlines()[0]) for text in record.problems[:_MOST] if text.strip()],
    }
