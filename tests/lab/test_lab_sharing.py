"""Scenarios shared out among benches: each is played once, whoever is quick, breaks or dies."""

from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xdist.remote import Producer

from intercom_hil.plugin import xdist_scheduler
from intercom_hil.plugin.options import USAGE
from intercom_hil.plugin.xdist_scheduler import AT_HAND, BEYOND_REPAIR, Sharing, pytest_runtest_logreport


class Node:
    """A process as the scheduler sees it: it plays what it is given, in order, with one in reserve."""

    def __init__(self, name, config):
        self.gateway, self.config = SimpleNamespace(id=name), config
        self.workerinput = {}
        self.waiting = []
        self.played = []
        self.shutting_down = False

    def send_runtest_some(self, indices):
        assert not self.shutting_down
        self.waiting += indices
        assert len(self.waiting) <= AT_HAND

    def shutdown(self):
        self.shutting_down = True

    @property
    def can_play(self):
        return bool(self.waiting) and (len(self.waiting) >= AT_HAND or self.shutting_down)


class Terminal:
    """Where a run reports."""

    def __init__(self):
        self.lines = []

    def ensure_newline(self):
        pass

    def write_line(self, text, **markup):
        self.lines.append(text)

    def flush(self):
        pass


class Lab:
    """Some processes, and a run of some scenarios."""

    def __init__(self, nodes, scenarios):
        option = SimpleNamespace(tx=["popen"] * nodes)
        self.terminal = Terminal()
        self.config = SimpleNamespace(
            stash=pytest.Stash(),
            option=option,
            getvalue=lambda name: option.tx,
            pluginmanager=SimpleNamespace(get_plugin=lambda name: self.terminal),
            hook=SimpleNamespace(pytest_runtest_logfinish=lambda nodeid, location: None),
        )
        self.sharing = Sharing(self.config, Producer("test"))
        self.names = [f"scenario {number}" for number in range(scenarios)]
        self.nodes = []
        self.played = []
        self.left_to_nobody = []
        for node in [self.made(f"bench {number}") for number in range(nodes)]:
            self.join(node)

    def made(self, name):
        node = Node(name, self.config)
        xdist_scheduler.pytest_configure_node(node)
        return node

    def join(self, node):
        self.nodes.append(node)
        self.sharing.add_node(node)
        self.sharing.add_node_collection(node, self.names)
        if self.sharing.collection_is_completed:
            self.sharing.schedule()

    def play(self, node):
        index = node.waiting.pop(0)
        self.played.append(index)
        node.played.append(index)
        self.sharing.mark_test_complete(node, index)

    def break_down(self, node):
        report = SimpleNamespace(node=node, user_properties=[BEYOND_REPAIR])
        pytest_runtest_logreport(report)

    def die(self, node):
        """A process dies of what it plays, and another takes its place."""
        self.nodes.remove(node)
        xdist_scheduler.pytest_testnodedown(node, "killed")
        crashed = self.sharing.remove_node(node)
        if crashed is not None:
            self.played.append(self.names.index(crashed))
        successor = self.made(f"{node.gateway.id}'")
        given = len(self.played) + sum(len(node.waiting) for node in self.nodes)
        assert not self.sharing.tests_finished or given == len(self.names), "or its successor plays nothing"
        self.join(successor)

    def leave(self, node, reason="the address is taken"):
        """A process leaves the run before it has played anything.

        What is left is left to nobody where the others have been told that no more will come: they cannot be
        told otherwise. The run says what it has not played.
        """
        self.nodes.remove(node)
        if all(other.shutting_down for other in self.nodes):
            held = {index for other in self.nodes for index in other.waiting}
            self.left_to_nobody = sorted({*range(len(self.names))} - held - {*self.played})
        node.workeroutput = {"bench_left_for": reason}
        xdist_scheduler.pytest_testnodedown(node, None)
        assert self.sharing.remove_node(node) is None

    def to_the_end(self, choose):
        while ready := [node for node in self.nodes if node.can_play]:
            self.play(ready[choose % len(ready)])


@example(2, 5, [(0, "p"), (1, "p"), (0, "d"), (1, "l")], 0)  # who takes a dead one's place leaves as well
@given(
    st.integers(1, 5),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ppppbdl"))),
    st.integers(0, 4),
)
def test_every_scenario_is_played_once_whatever_happens(nodes, scenarios, events, choose):
    lab = Lab(nodes, scenarios)
    for number, what in events:
        node = lab.nodes[number % len(lab.nodes)]
        if what == "p" and node.can_play:
            lab.play(node)
        elif what == "b":
            lab.break_down(node)
        elif what == "d" and node.waiting:
            lab.die(node)
        elif what == "l" and node.waiting and not node.played and len(lab.nodes) > 1:
            lab.leave(node)
    lab.to_the_end(choose)
    assert lab.sharing.tests_finished
    if any(node.played for node in lab.nodes) or not lab.terminal.lines:
        assert sorted(lab.played + lab.left_to_nobody) == list(range(scenarios))
        assert lab.sharing.has_pending == bool(lab.left_to_nobody)
    assert len(set(lab.played)) == len(lab.played)
    assert all(node.shutting_down for node in lab.nodes)


def test_each_bench_keeps_to_its_stretch_and_helps_at_the_end():
    lab = Lab(2, 20)
    quick, slow = lab.nodes
    lab.play(slow)
    while quick.can_play:
        lab.play(quick)
    assert quick.played[:10] == list(range(10))
    assert quick.played[10:] == [19, 18, 17, 16, 15, 14, 13]
    lab.to_the_end(0)
    assert slow.played == [10, 11, 12]


def test_a_bench_beyond_repair_is_given_no_more_while_there_is_another():
    lab = Lab(2, 20)
    broken, sound = lab.nodes
    lab.break_down(broken)
    lab.to_the_end(0)
    assert broken.played == [0, 1]
    assert len(sound.played) == 18


def test_the_last_bench_plays_on_though_it_is_beyond_repair():
    lab = Lab(1, 5)
    lab.break_down(lab.nodes[0])
    lab.to_the_end(0)
    assert lab.nodes[0].played == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scenarios", [3, 4, 5, 20])
def test_what_a_bench_that_cannot_be_started_was_to_play_is_played_by_the_others(scenarios):
    lab = Lab(2, scenarios)
    sound, broken = lab.nodes
    while sound.can_play:
        lab.play(sound)
    lab.leave(broken)
    lab.to_the_end(0)
    assert sorted(sound.played) == list(range(scenarios))
    assert lab.sharing.tests_finished
    assert lab.terminal.lines == [
        "a bench cannot be started, the others play on: the address is taken",
    ]


def test_with_nobody_left_to_play_a_scenario_the_run_ends_without_it():
    lab = Lab(2, 2)
    sound, broken = lab.nodes
    lab.play(sound)
    lab.leave(broken)
    assert sound.shutting_down
    assert lab.sharing.tests_finished
    assert lab.played == [0]


@pytest.mark.parametrize(
    ("last", "said"),
    [("no permission", "no permission"), ("the address is taken", "no bench can be started")],
)
def test_when_no_bench_can_be_started_the_run_ends_with_each_reason_said_once(last, said):
    lab = Lab(3, 10)
    first, second, third = lab.nodes
    lab.leave(first)
    lab.leave(second)
    assert len(lab.terminal.lines) == 1
    with pytest.raises(pytest.exit.Exception, match=f"^{said}$") as ending:
        lab.leave(third, last)
    assert ending.value.returncode == USAGE


def test_what_a_process_gives_back_goes_to_another():
    lab = Lab(2, 10)
    lab.sharing.remove_pending_tests_from_node(lab.nodes[0], [lab.nodes[0].waiting.pop()])
    lab.to_the_end(0)
    assert sorted(lab.played) == list(range(10))


def test_benches_that_find_different_scenarios_do_not_begin():
    reports = []
    option = SimpleNamespace(tx=["popen"] * 2)
    hook = SimpleNamespace(pytest_collectreport=lambda report: reports.append(report))
    config = SimpleNamespace(stash=pytest.Stash(), option=option, getvalue=lambda name: option.tx, hook=hook)
    sharing = Sharing(config, Producer("test"))
    for name, found in (("one", ["a", "b"]), ("other", ["a", "c"])):
        node = Node(name, config)
        sharing.add_node(node)
        sharing.add_node_collection(node, found)
    sharing.schedule()
    assert [report.outcome for report in reports] == ["failed"]
    assert sharing.tests_finished
