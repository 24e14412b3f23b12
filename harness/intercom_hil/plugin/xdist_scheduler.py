"""Several benches in one run: which process has which bench, and who plays which scenario.

pytest-xdist starts the processes. Each is given a place in the pool of benches, which its successor inherits
should it die. A scenario goes to a bench that is free; a bench that cannot be healed gets no more of them
while there is another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import pytest
from xdist.remote import Producer
from xdist.report import report_collection_diff
from xdist.workermanage import WorkerController, parse_tx_spec_config

from intercom_hil.plugin.options import PLACE

BEYOND_REPAIR = ("bench", "beyond repair")
"""The property of a scenario's report that says that its bench could not be healed."""
_FREE = pytest.StashKey[list[int]]()
_RETIRED = pytest.StashKey[set[WorkerController]]()
AT_HAND = 2
"""Scenarios that a process has been given: the one that it plays, and the one after."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Give a process its place in the pool."""
    free = node.config.stash.setdefault(_FREE, list(range(len(parse_tx_spec_config(node.config)))))
    node.workerinput[PLACE] = free.pop(0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController, error: object | None) -> None:
    """Keep the place of a process that died for the one that replaces it."""
    if error:
        node.config.stash[_FREE].append(node.workerinput[PLACE])


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
    is what pytest-xdist calls a scheduler; its names are pytest-xdist's.

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

    @property
    def nodes(self) -> list[WorkerController]:
        """The processes there are."""
        return list(self._given)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every process has told which scenarios there are."""
        return len(self._collected) >= self._expected

    @property
    def has_pending(self) -> bool:
        """Whether a scenario is still to be played."""
        return any(self._stretches) or any(self._given.values())

    @property
    def tests_finished(self) -> bool:
        """Whether nothing remains to be given out."""
        return (
            self.collection_is_completed
            and not any(self._stretches)
            and all(len(given) < AT_HAND for given in self._given.values())
        )

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
        self._give(node)

    def mark_test_pending(self, item: str) -> None:
        """Have a scenario played again."""
        assert self.collection is not None
        self._stretches.append(deque([self.collection.index(item)]))
        for node in self.nodes:
            self._give(node)

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Nothing is ever taken back from a process."""
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """Let the others have what a process leaves; return the scenario that it died of, if it did."""
        self._own.pop(node, None)
        given = self._given.pop(node)
        if not given:
            return None
        assert self.collection is not None
        self._stretches.append(deque(given[1:]))
        for other in self.nodes:
            self._give(other)
        return self.collection[given[0]]

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
        if len(given) < AT_HAND:
            node.shutdown()
