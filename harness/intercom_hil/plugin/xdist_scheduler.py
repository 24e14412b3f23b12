"""Several benches in one run: which process has which bench, and who plays which scenario.

pytest-xdist starts the processes. Each is given a place in the pool of benches, which its successor inherits
should it die. A scenario goes to a bench that is free; a bench that cannot be healed gets no more of them
while there is another, and one that cannot be started leaves the run to the others.

pytest-xdist has a hook for schedulers of others (``pytest_xdist_make_scheduler``), and ``Sharing`` is one.
Its own ``worksteal`` comes nearest: each process begins with a stretch of the run, and the idle take from the
busy. It does not do here, for it gives a process its whole stretch at once: a bench beyond repair would hold
an error against every scenario that it still has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NoReturn

import pytest
from xdist.remote import Producer
from xdist.report import report_collection_diff
from xdist.workermanage import WorkerController, parse_tx_spec_config

from intercom_hil.errors import BenchError
from intercom_hil.plugin.options import PLACE, USAGE, end_run, worker
from intercom_hil.plugin.ordering import report_side_by_side
from intercom_hil.terminal_text import visible

BEYOND_REPAIR = ("bench", "beyond repair")
"""The property of a scenario's report that says that its bench could not be healed."""
_FREE = pytest.StashKey[list[int]]()
_RETIRED = pytest.StashKey[set[WorkerController]]()
_COLLECTED = pytest.StashKey[int]()
_ALIVE = pytest.StashKey[int]()
LEFT = pytest.StashKey[list[str]]()
"""Why benches have left the run, each reason once."""
_LEFT_FOR = "bench_left_for"
"""What a process gives as the reason why its bench cannot be started."""
AT_HAND = 2
"""Scenarios that a process has been given: the one that it plays, and the one after."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Give a process its place in the pool."""
    free = node.config.stash.setdefault(_FREE, list(range(len(parse_tx_spec_config(node.config)))))
    node.workerinput[PLACE] = free.pop(0)
    node.config.stash[_ALIVE] = node.config.stash.get(_ALIVE, 0) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController, error: object | None) -> None:
    """Keep the place of a process that died for the one that replaces it; report why one has left, once.

    When all have left, the run ends.
    """
    stash = node.config.stash
    stash[_ALIVE] -= 1
    if error:
        stash[_FREE].append(node.workerinput[PLACE])
    if not (reason := _left_for(node)):
        return
    reasons = stash.setdefault(LEFT, [])
    is_new = reason not in reasons
    if is_new:
        reasons.append(reason)
    if not stash[_ALIVE]:
        pytest.exit(reason if is_new else "no bench can be started", returncode=USAGE)
    reporter = node.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and is_new:
        reporter.ensure_newline()
        reporter.write_line(f"a bench cannot be started, the others play on: {reason}", yellow=True)
        reporter.flush()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """Report how long the run may take when the last process has collected: they have no terminal."""
    config = node.config
    config.stash[_COLLECTED] = collected = config.stash.get(_COLLECTED, 0) + 1
    benches = len(parse_tx_spec_config(config))
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if collected != benches or not ids or reporter is None:
        return
    if text := report_side_by_side(config, len(ids), benches):
        reporter.ensure_newline()
        reporter.write_line(text)
        reporter.flush()


def leave_run(session: pytest.Session, problem: BenchError) -> NoReturn:
    """End the part of this process in a run, because its bench cannot be started.

    The others play what it was to play. Where there are none, or each is to play everything, the run ends.
    """
    if not worker(session.config) or session.config.getoption("--each"):
        end_run(session, problem)
    reason = visible(str(problem))
    getattr(session.config, "workeroutput")[_LEFT_FOR] = reason  # noqa: B009  (of pytest-xdist)
    # pytest-xdist takes another status for an interrupt, which would end the run of all
    pytest.exit(reason, returncode=pytest.ExitCode.USAGE_ERROR)


def _left_for(node: WorkerController) -> str:
    """Return why a process has left the run; nothing when it has not."""
    return str(getattr(node, "workeroutput", {}).get(_LEFT_FOR, ""))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take note of a bench that cannot be healed."""
    node: WorkerController | None = getattr(report, "node", None)
    if node is not None and list(BEYOND_REPAIR) in [list(p) for p in report.user_properties]:
        node.config.stash.setdefault(_RETIRED, set()).add(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing | None:
    """Share the scenarios out among the benches, unless the command line asks for another way."""
    return Sharing(config, log) if config.option.dist == "load" else None


class Sharing:
    """Each bench has a stretch of the run to itself; one that is done takes from the end of the longest.

    A stretch is in the run's own order, in which scenarios with the same configuration follow each other. It
    is what pytest-xdist calls a scheduler (``xdist.scheduler.Scheduling``); its names are pytest-xdist's.

    Attributes:
        collection: the scenarios, once every process has named the same ones.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        self.config, self.log = config, log.sharing
        self.collection: list[str] | None = None
        self._expected = len(parse_tx_spec_config(config))
        self._collected: dict[WorkerController, list[str]] = {}
        self._given: dict[WorkerController, list[int]] = {}
        self._stretches: list[deque[int]] = []
        self._own: dict[WorkerController, deque[int]] = {}
        self._proved: set[WorkerController] = set()

    @property
    def nodes(self) -> list[WorkerController]:
        """The processes there are."""
        return list(self._given)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every process has reported which scenarios there are."""
        return len(self._collected) >= self._expected

    @property
    def has_pending(self) -> bool:
        """Whether a scenario is still to be played."""
        return any(self._stretches) or any(self._given.values())

    @property
    def tests_finished(self) -> bool:
        """Whether nothing remains to be given out, or nobody to give it to."""
        if not self.collection_is_completed:
            return False
        is_one_coming = self.config.stash.get(_ALIVE, 0) > len(self.nodes)
        if any(self._stretches) and (is_one_coming or not self.nodes):
            return False
        return self.collection is None or all(node.shutting_down for node in self.nodes)

    def add_node(self, node: WorkerController) -> None:
        """Take a process in."""
        self._given[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Take the scenarios that a process has found."""
        if self.collection is not None and list(collection) != self.collection:
            self.log(report_collection_diff(self.collection, collection, "the others", node.gateway.id))
            return
        self._collected[node] = list(collection)

    def schedule(self) -> None:
        """Share out what there is, or give a process that has come late its part."""
        if self.collection is None:
            first = next(iter(self._collected.values()))
            for node, collection in self._collected.items():
                if collection != first:
                    problem = report_collection_diff(first, collection, "the first", node.gateway.id)
                    report = pytest.CollectReport(node.gateway.id, "failed", problem, [])
                    self.config.hook.pytest_collectreport(report=report)
                    return
            self.collection = first
            share, more = divmod(len(first), len(self.nodes))
            begin = 0
            for place, node in enumerate(self.nodes):
                end = begin + share + (place < more)
                self._own[node] = deque(range(begin, end))
                self._stretches.append(self._own[node])
                begin = end
        for node in self.nodes:
            self._give(node)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Give a process that has played a scenario the next one."""
        self._given[node].remove(item_index)
        is_first = node not in self._proved
        self._proved.add(node)
        for other in self.nodes if is_first else (node,):
            self._give(other)

    def mark_test_pending(self, item: str) -> None:
        """Have a scenario played again."""
        assert self.collection is not None
        self._stretches.append(deque([self.collection.index(item)]))
        for node in self.nodes:
            self._give(node)

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Let the others have scenarios that a process has given back."""
        self._given[node] = [index for index in self._given[node] if index not in indices]
        self._stretches.append(deque(indices))
        for other in self.nodes:
            self._give(other)

    def remove_node(self, node: WorkerController) -> str | None:
        """Let the others have what a process leaves; return the scenario that it died of, if it did."""
        self._own.pop(node, None)
        given = self._given.pop(node)
        if not given:
            return None
        assert self.collection is not None
        first = self.collection[given[0]]
        has_left = bool(_left_for(node))
        self._stretches.append(deque(given if has_left else given[1:]))
        for other in self.nodes:
            self._give(other)
        if not has_left:
            return first
        self.config.hook.pytest_runtest_logfinish(nodeid=first, location=(first.partition("::")[0], None, ""))
        return None

    def _give(self, node: WorkerController) -> None:
        """Have a process play what is next for it, or end where there is nothing for it."""
        if node.shutting_down:
            return
        retired = self.config.stash.get(_RETIRED, set())
        others = [other for other in self.nodes if other not in retired and not other.shutting_down]
        given = self._given[node]
        send: list[int] = []
        while len(given) + len(send) < AT_HAND and (node not in retired or not others):
            stretch = self._own.get(node) or max(self._stretches, key=len, default=None)
            if not stretch:
                break
            send.append(stretch.popleft() if stretch is self._own.get(node) else stretch.pop())
        if send:
            given += send
            node.send_runtest_some(send)
        if len(given) < AT_HAND and not self._may_inherit(node):
            node.shutdown()

    def _may_inherit(self, node: WorkerController) -> bool:
        """Whether a process is to stay, to play what another leaves whose bench cannot be started.

        That a bench can be started shows when it has played. A process plays its last scenario when it hears
        that no more will come: one that has not played, and has no more than one, cannot wait for its like.
        """
        least = 1 if node in self._proved else AT_HAND
        return any(
            len(self._given[other]) >= least
            for other in self.nodes
            if other is not node and other not in self._proved
        )
