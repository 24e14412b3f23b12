"""Which source is judged, which compared, and what comes of it when they disagree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.bench.event_channels import compared, deferred
from intercom_hil.bench_file.model import load
from intercom_hil.event_sources import EventPublisher, SourceRole, assign_roles
from intercom_hil.judge.corroboration import corroboration, lagging_copies
from intercom_hil.layouts.known import KEYED
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import Declared, DeviceEvent, EventCopy
from tests.judge.story import Story
from tests.structure.source_tree import ROOT

ALL = {"event", "screen", "boot"}
KINDS = st.sets(st.sampled_from(sorted(ALL)))
TS = "2026-11-22T20:41:03.123456Z"
LATER = 2_000.0


def test_each_thing_is_judged_by_the_first_that_tells_it():
    assert assign_roles([{"screen"}, ALL, ALL]) == [
        SourceRole(False, True, False),
        SourceRole(True, False, True),
        SourceRole(False, False, False),
    ]


@given(st.lists(KINDS, min_size=1, max_size=5))
def test_nothing_that_is_told_is_judged_twice_or_by_nobody(tellers):
    roles = assign_roles(tellers)
    for name, kind in (("events", "event"), ("screens", "screen"), ("restarts", "boot")):
        judging = [place for place, role in enumerate(roles) if getattr(role, name)]
        telling = [place for place, kinds in enumerate(tellers) if kind in kinds]
        assert judging == telling[:1]


def test_a_source_that_is_not_judged_tells_copies_only():
    timeline = Timeline()
    publisher = EventPublisher(
        "syslog-2", Witness.SYSLOG, append=timeline.append, role=SourceRole(False, False, False)
    )
    publisher.begin()
    for line in (
        f"{TS} event name=x",
        f"{TS} screen text=y",
        f"{TS} boot",
        f"{TS} boot",
        f"{TS} sip registered",
    ):
        publisher.publish(KEYED.meaning(line), 5.0)
    assert [o.content.kind for o in timeline] == ["event_copy", "note"]
    assert timeline[0].content.source == "syslog-2"


BENCH = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text()
SYSLOG = '[[device.event_sources]]\nkind = "syslog"\nport = 5514\n'
WEBHOOK = '[[device.event_sources]]\nkind = "webhook"\nport = 8099\n'
FILE = '[[device.event_sources]]\nkind = "log-file"\n'
CONSOLE = '[device.console]\nport = "/dev/ttyUSB0"\n'
SCREENS = '[device.console]\nport = "/dev/ttyUSB0"\nlayout = "own"\n[layouts.own]\nscreen = "(?P<text>.*)"\n'


@pytest.mark.parametrize(
    ("more", "later", "copied"),
    [
        ("", (), ()),
        (SYSLOG, (), ()),
        (SYSLOG + SYSLOG + WEBHOOK, (), ("syslog-2", "webhook")),
        (SYSLOG + CONSOLE, (), ("syslog",)),
        (SYSLOG + SCREENS, (), ()),
        (FILE, ("event",), ()),
        (FILE + SCREENS, ("event",), ()),
        (FILE + SYSLOG, ("event",), ("syslog",)),
        (SYSLOG + FILE, (), ()),
        (FILE + CONSOLE, (), ()),
    ],
)
def test_a_bench_file_says_what_is_told_later_and_what_is_compared(tmp_path, more, later, copied):
    path = tmp_path / "bench.toml"
    path.write_text(f"{BENCH}\n{more}")
    file = load(path)
    assert deferred(file) == later
    assert compared(file) == copied


def test_without_an_event_log_nothing_is_left_to_an_import(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(f"{BENCH}\n{FILE}".replace("event_log = true", "event_log = false"))
    assert deferred(load(path)) == ()


class Told(Story):
    """A story of which a syslog tells copies."""

    def copy(self, name, source="syslog"):
        self.timeline.append(Witness.SYSLOG, EventCopy(source=source, name=name), self._time())
        return self

    def declared(self, *sources):
        self.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), copied_by=sources), self._time())
        return self

    def compared(self, closed=LATER):
        return [(f.requirement, f.verdict, f.seen) for f in corroboration(self.timeline, closed, LATER)]


NAME, OTHER = "outgoing_call_initiated", "outgoing_call_established"


def test_sources_that_agree_are_two_witnesses():
    story = Told().event(NAME).copy(NAME).event(OTHER).copy(OTHER)
    ((requirement, verdict, seen),) = story.compared()
    assert (requirement, verdict, seen) == ("EVT-11", Verdict.PASS, "2 events, told alike")
    (finding,) = corroboration(story.timeline, LATER, LATER)
    assert {o.witness for o in finding.observations} == {Witness.CONSOLE, Witness.SYSLOG}


@pytest.mark.parametrize(
    ("story", "seen"),
    [
        (Told().event(NAME).event(OTHER).copy(NAME), f"syslog lacks {OTHER}"),
        (Told().event(NAME).copy(NAME).copy(NAME), f"syslog alone tells {NAME}"),
        (Told().declared("syslog").event(NAME), f"syslog lacks {NAME}"),
        (Told().copy(NAME), f"syslog alone tells {NAME}"),
        (Told().event(NAME).event(NAME).copy(OTHER), f"syslog lacks {NAME} (2); syslog alone tells {OTHER}"),
    ],
)
def test_a_disagreement_has_to_be_cleared_up(story, seen):
    assert story.compared() == [("EVT-11", Verdict.INCONCLUSIVE, seen)]


def test_copies_count_for_nothing_else():
    story = Told().press().placed().event(NAME).event(OTHER).copy(NAME).copy(OTHER)
    alone = Told().press().placed().event(NAME).event(OTHER)
    verdicts = [
        {(j.requirement, j.verdict) for j in monitor(told.timeline, LATER, LATER)} for told in (story, alone)
    ]
    assert verdicts[0] == verdicts[1]


def test_ways_of_telling_may_take_their_time():
    story = Told().event(NAME)
    closed = story.timeline[0].time + 0.001
    story.declared("syslog")
    assert lagging_copies(story.timeline, closed) == {"syslog": 1}
    story.copy(NAME)
    assert lagging_copies(story.timeline, closed) == {}
    story.copy(OTHER)  # told after the scenario's end: the judged source may be late for once
    assert [verdict for _, verdict, _ in story.compared(closed)] == [Verdict.PASS]


def test_events_of_a_webhook_stand_in_the_order_of_the_device_s_own_times():
    timeline = Timeline()
    for name, time in ((OTHER, 37_000.2), (NAME, 37_000.1)):
        timeline.append(Witness.WEBHOOK, DeviceEvent(name=name, device_time=time), 5.0)
    order = [j for j in monitor(timeline, LATER, LATER) if j.requirement == "EVT-12"]
    assert [j.verdict for j in order] == [Verdict.PASS]
    assert order[0].seen == f"{NAME} > {OTHER}"


@pytest.mark.parametrize(
    ("shown", "rows"),
    [("Dialing", set()), ("", set()), ("outgoing_call_initiated", {"EVT-01"}), ("Call Failed", {"EVT-01"})],
)
def test_a_screen_name_is_judged_in_the_portals_list_too(shown, rows):
    story = Told().event(NAME)
    copy = EventCopy(source="portal-page", name=NAME, screen_name=shown)
    story.timeline.append(Witness.PORTAL_PAGE, copy, story._time())
    judged = monitor(story.timeline, LATER, LATER, only={"screen names on the page"})
    assert {j.requirement for j in judged if j.verdict is Verdict.FAIL} == rows
