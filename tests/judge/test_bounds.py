"""Where a judgement turns: what lies exactly on a bound, and what lies just beside it."""

import pytest

from intercom_hil.judge.calls import calls
from intercom_hil.judge.corroboration import corroboration, lagging_copies
from intercom_hil.judge.deferral import deferred_kinds
from intercom_hil.judge.device_clock import (
    LEAST_SPAN,
    MOST_DRIFT,
    ClockReading,
    estimate,
    reading,
    upper_line,
)
from intercom_hil.judge.expected_events import causes_in
from intercom_hil.judge.flood import MOST, FloodGauge, flood
from intercom_hil.judge.lateness import (
    Waited,
    cut_short,
    excuse,
    explains_presence,
    explains_time,
    late_between,
    matters,
)
from intercom_hil.judge.rules import Measured
from intercom_hil.judge.silence import silent_sources, unseen
from intercom_hil.judge.stories import presses_that_hang_up
from intercom_hil.judge.unreadable import unread, unread_events
from intercom_hil.spec import events as catalogue
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import (
    UNUSABLE_SDP,
    BenchLate,
    ConsoleLine,
    Declared,
    DeviceEvent,
    EventCopy,
    EventsImported,
    MalformedSip,
    MediaLine,
    Note,
    OutputChanged,
    SpeakerHeard,
    UnreadableLine,
)
from intercom_hil.timeline.vocabulary import (
    another_call,
    answer,
    connectivity_check,
    event,
    granted,
    level,
    request,
    screen,
    takes_video,
)
from tests.judge.story import START, Story

DIALING = DeviceEvent(name="outgoing_call_initiated", screen_name="Dialing")


def timeline_of(*entries):
    """A timeline of (seconds since the start, witness, content)."""
    timeline = Timeline()
    timeline.opened = START
    for at, witness, content in entries:
        timeline.append(witness, content, START + at)
    return timeline


def late(begun, ended, seconds=None):
    length = ended - begun
    content = BenchLate(
        begun=START + begun,
        length=length,
        late=length if seconds is None else seconds,
        causes={"event loop": 1},
    )
    return ended, Witness.LATENESS, content


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (0.05, "the bench was 50 ms late"),
        (0.09945, "the bench was 99 ms late"),
        (0.1, "the bench was 0.1 s late"),
        (2.34, "the bench was 2.3 s late"),
    ],
)
def test_lateness_in_words(late, words):
    assert excuse(late) == words


@pytest.mark.parametrize(
    ("late", "bound", "significant"),
    [(0.05, 0.1, False), (0.051, 0.1, True), (0.05, 0.5, False), (0.2, 2.0, False), (0.21, 2.0, True)],
)
def test_lateness_matters_from_a_tenth_of_a_bound_on(late, bound, significant):
    assert matters(late, bound) is significant


def test_lateness_is_shared_between_times():
    timeline = timeline_of(late(1, 3, 0.5), (4, Witness.BENCH, Note(text="x")), late(5, 6))
    for begun, ended, expected in (
        (0, 9, 1.5),
        (2.8, 9, 1.2),
        (0, 1.2, 0.2),
        (3, 5, 0.0),
        (5.25, 5.75, 0.5),
        (7, 6, 0),
    ):
        assert late_between(timeline, START + begun, START + ended) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("entries", "lasted", "expected"),
    [
        ([late(1, 2)], 4.0, 1.0),
        ([late(-1, 0)], 4.0, 1.0),  # just before it, lateness still has an effect
        ([late(-3, -1)], 4.0, 0.0),
        ([late(4, 5)], 4.0, 0.0),
        ([late(1, 1.4)], 4.0, 0.0),  # less than a tenth
        ([late(1, 2)], 4.94, 1.0),
        ([late(1, 2)], 4.96, 0.0),  # the time was given back, but for the slack
    ],
)
def test_a_wait_is_cut_short_by_lateness(entries, lasted, expected):
    wait = Waited(begun=START, bound=4.0, lasted=lasted)
    assert cut_short(timeline_of(*entries), wait) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("begun", "ended", "by", "span", "expected"),
    [
        (9.2, 9.6, 0.4, 0.0, 0.4),
        (9.2, 9.6, 0.41, 0.0, 0.0),
        (8.4, 8.8, 0.1, 0.0, 0.0),  # over before
        (8.4, 8.8, 0.1, 1.0, 0.4),
        (10.0, 10.04, 0.04, 0.0, 0.04),
        (10.05, 10.5, 0.1, 0.0, 0.0),
    ],
)
def test_lateness_explains_a_time(begun, ended, by, span, expected):
    timeline = timeline_of((10, Witness.CONSOLE, DIALING), late(begun, ended))
    found = explains_time(timeline, [timeline[0]], by - 1e-6, span)
    assert found == pytest.approx(expected, abs=1e-6)
    if not span:
        assert explains_time(timeline, [timeline[0]], by - 1e-6) == found
    assert explains_time(timeline, [], 0.0) == 0.0


def test_lateness_explains_a_time_that_began_with_the_first():
    timeline = timeline_of((5, Witness.CONSOLE, DIALING), (10, Witness.CONSOLE, DIALING), late(4.2, 4.6))
    assert explains_time(timeline, timeline, 0.1, 1.0) == pytest.approx(0.4)


HEARD = SpeakerHeard(level_dbov=-20, duration=0.2)


@pytest.mark.parametrize(
    ("witness", "content", "entry", "after", "expected"),
    [
        (Witness.CONSOLE, DIALING, late(9.6, 9.9), 9.8, 0.3),  # it may have been there before
        (Witness.CONSOLE, DIALING, late(9.6, 9.9), 9.6, 0.0),
        (Witness.CONSOLE, DIALING, late(9.9, 9.94), 9.99, 0.0),  # too little to count
        (Witness.CONSOLE, DIALING, late(9.9, 9.951), 9.99, 0.051),
        (Witness.CONSOLE, DIALING, late(9.96, 10.02), 9.99, 0.06),
        (Witness.CONSOLE, DIALING, late(8.5, 8.9), 9.9, 0.0),
        (Witness.SPEAKER, HEARD, late(9.2, 9.701), 0, 0.501),  # a sound with gaps is another
        (Witness.SPEAKER, HEARD, late(9.2, 9.68), 0, 0.0),
        (Witness.SPEAKER, HEARD, late(9.2, 9.5), 9.8, 0.3),
    ],
)
def test_lateness_explains_what_must_not_be_there(witness, content, entry, after, expected):
    timeline = timeline_of((10, witness, content), entry)
    found = explains_presence(timeline, [timeline[0]], START + after)
    assert found == pytest.approx(expected, abs=1e-4)


def test_lateness_has_to_explain_all_that_must_not_be_there():
    entries = [(1, Witness.CONSOLE, DIALING), late(0.5, 0.9), (10, Witness.CONSOLE, DIALING), late(9.4, 9.9)]
    timeline = timeline_of(*entries)
    both = [timeline[0], timeline[2]]
    assert explains_presence(timeline, both, START + 20) == pytest.approx(0.4)
    assert explains_presence(timeline, both, START + 5) == 0.0
    assert explains_presence(timeline, [], START) == 0.0
    on_wire = Story().at(5).sip("INVITE", "device", "pbx")
    on_wire.timeline.append(*late(0, 9)[1:], START + 9)
    assert explains_presence(on_wire.timeline, [on_wire.timeline[0]], START + 9) == 0.0


def test_a_measurement_within_its_limits_needs_no_excuse():
    timeline = timeline_of((1, Witness.CONSOLE, DIALING), (3, Witness.CONSOLE, DIALING), late(0, 3))
    outcome = Measured(name="x", unit="s", value=2, high=2, observations=(0, 1)).evaluate(timeline, START)
    assert outcome.seen == "2 s"
    for unit in ("s", ""):  # one that is none of its timeline does not count
        for observations in ((3,), (2, 3)):
            rule = Measured(name="x", unit=unit, value=9, high=2, observations=observations)
            assert rule.evaluate(timeline, START).verdict is not Verdict.PASS
    # The value is the span, where the first observation is another's.
    rule = Measured(name="x", unit="s", value=9, high=8.8, observations=(1,))
    early = timeline_of((1, Witness.CONSOLE, DIALING), (20, Witness.CONSOLE, DIALING), late(11, 11.5))
    assert rule.evaluate(early, START).verdict is Verdict.INCONCLUSIVE
    assert rule.model_copy(update={"value": 3}).model_copy(update={"high": 2.8}).evaluate(
        early, START
    ).verdict is (Verdict.FAIL)


def test_a_press_ends_a_call_between_its_answer_and_its_end():
    def local(pressed):
        story = Story().at(1).sip("INVITE", "3410", "device", to_tag="")
        story.at(2).sip("INVITE", "device", "3410", status=200).sip("ACK", "3410", "device")
        story.timeline.append(
            Witness.BUTTON, OutputChanged(name="button", active=True, confirmed=True), START + pressed
        )
        story.at(4).sip("BYE", "device", "3410")
        kinds = {causes.kind: causes.owed for causes in causes_in(story.timeline)}
        presses = [o for o in story.timeline if isinstance(o.content, OutputChanged)]
        hung_up = bool(presses_that_hang_up(presses, calls(story.timeline)))
        assert hung_up is bool(kinds[catalogue.INCOMING_LOCAL_HANGUP])
        return hung_up

    answered, over = 2.01, 4.01
    assert [local(at) for at in (answered - 0.001, answered, answered + 0.001)] == [False, False, True]
    assert [local(at) for at in (over - 0.001, over, over + 0.001)] == [True, False, False]


def test_the_last_press_before_the_end_hung_up():
    story = Story().at(1).sip("INVITE", "3410", "device", to_tag="")
    story.at(2).sip("INVITE", "device", "3410", status=200).sip("ACK", "3410", "device")
    story.at(3).press().at(4).sip("BYE", "device", "3410")
    bye = story.timeline[4].time
    story.timeline.append(Witness.BUTTON, OutputChanged(name="button", active=True, confirmed=True), bye)
    presses = [o for o in story.timeline if isinstance(o.content, OutputChanged)]
    assert presses_that_hang_up(presses, calls(story.timeline)) == [presses[0]]


def copied(name, at, source="syslog"):
    return at, Witness.SYSLOG, EventCopy(source=source, name=name)


def logged(name, at, witness=Witness.CONSOLE):
    return at, witness, DeviceEvent(name=name)


def imported(at, *, judged=True):
    content = EventsImported(file="a", sha256="", ahead=0, drift_ppm=0, entries=1, judged=judged)
    return at, Witness.EVENT_LOG, content


@pytest.mark.parametrize(
    ("entries", "seen"),
    [
        ([logged("a", 1), copied("a", 1)], "1 events, told alike"),
        ([logged("a", 10), copied("a", 10)], "1 events, told alike"),
        ([logged("a", 10)], None),  # no other source
        ([logged("a", 10), copied("a", 20)], "1 events, told alike"),
        ([logged("a", 10), copied("a", 20.1)], "syslog lacks a"),
        ([logged("a", 10.1), copied("b", 20.1)], "1 events, told alike"),  # it may come yet
        ([logged("a", 20), copied("a", 10)], "1 events, told alike"),
        ([logged("a", 20.1), copied("a", 10)], "syslog alone tells a"),
        ([copied("a", 10.1)], None),
        (
            [logged("c", 1), logged("a", 1), logged("a", 2), copied("b", 1)],
            "syslog lacks a (2), c; syslog alone tells b",
        ),
        ([logged("a", 1), imported(2, judged=False)], "log-file lacks a"),
        ([logged("a", 1), imported(2)], None),
    ],
)
def test_what_two_sources_tell_until_when(entries, seen):
    found = list(corroboration(timeline_of(*entries), START + 10, START + 20))
    assert [finding.seen for finding in found] == ([] if seen is None else [seen])
    for finding in found:
        alike = seen.endswith("alike")
        assert finding.verdict is (Verdict.PASS if alike else Verdict.INCONCLUSIVE)
        assert finding.requirement == "EVT-11"
        assert all(o.time <= START + 20 for o in finding.observations)


def test_what_two_sources_tell_is_named_with_both():
    timeline = timeline_of(logged("a", 1), logged("b", 2, Witness.SYSLOG), copied("a", 3, "webhook"))
    (finding,) = corroboration(timeline, START + 10, START + 10)
    assert finding.expected == "the same events from console, syslog and webhook"
    assert [o.seq for o in finding.observations] == [0, 1, 2]
    (finding,) = corroboration(timeline_of(copied("a", 1)), START + 10, START + 10)
    assert finding.expected == "the same events from the judged source and syslog"
    declared = Declared(has=(), lacks=(), copied_by=("x", "y"))
    both = timeline_of((0, Witness.BENCH, declared), logged("a", 1), copied("a", 2, "y"))
    assert [f.seen for f in corroboration(both, START + 10, START + 10)] == [
        "x lacks a",
        "1 events, told alike",
    ]


def test_sources_that_are_declared_one_after_the_other_are_all_compared():
    declared = [(0, Witness.BENCH, Declared(has=(), lacks=(), copied_by=(name,))) for name in "xy"]
    both = timeline_of(*declared, logged("a", 1), copied("a", 2, "y"))
    assert [f.seen for f in corroboration(both, START + 10, START + 10)] == [
        "x lacks a",
        "1 events, told alike",
    ]


def test_which_sources_lag():
    timeline = timeline_of(logged("a", 1), copied("a", 2), logged("b", 3), (3, Witness.BENCH, Note(text="x")))
    assert lagging_copies(timeline, START + 3) == {"syslog": 2}
    assert lagging_copies(timeline, START + 2.9) == {}
    assert lagging_copies(timeline, START + 1) == {}
    assert lagging_copies(timeline_of(logged("a", 1)), START + 3) == {}


def test_what_is_left_to_an_import_is_left_until_it_is_made():
    both = [
        (0, Witness.BENCH, Declared(has=(), lacks=(), deferred=("event",))),
        (0, Witness.BENCH, Declared(has=(), lacks=(), deferred=("screen",))),
    ]
    assert deferred_kinds(timeline_of(*both)) == {"event", "screen"}
    assert deferred_kinds(timeline_of(*both, imported(1))) == frozenset()
    assert deferred_kinds(Timeline()) == frozenset()


def silent(*entries, unheard=None):
    declared = Declared(has=(), lacks=(), unheard=unheard or {"console": ("event", "screen")})
    return timeline_of((0, Witness.BENCH, declared), *entries)


SAID = ConsoleLine(text="eth0: link up")
NOISE = ConsoleLine(text="\\xfe\\x80x\\xe0abc\\xf8")


@pytest.mark.parametrize(
    ("entries", "kinds", "until", "sources"),
    [
        ([], {"event"}, 9, ["console"]),
        ([], {"screen", "sip"}, 9, ["console"]),
        ([], {"sip"}, 9, []),
        ([(5, Witness.CONSOLE, SAID)], {"event"}, 9, []),
        ([(5, Witness.CONSOLE, SAID)], {"event"}, 5, []),
        ([(5, Witness.CONSOLE, SAID)], {"event"}, 4.9, ["console"]),
        ([(5, Witness.CONSOLE, NOISE)], {"event"}, 9, ["console"]),
        ([(5, Witness.SYSLOG, SAID)], {"event"}, 9, ["console"]),
        ([logged("a", 5, Witness.SYSLOG)], {"event"}, 9, []),  # another tells of it
    ],
)
def test_which_sources_have_said_nothing(entries, kinds, until, sources):
    assert silent_sources(silent(*entries), kinds, START + until) == sources


REMEDIES = {
    "console": "see that the device's TX is on the adapter's RX, the grounds are joined, and the baud rate",
    "syslog": "see that the device sends its syslog to the bench's address and port",
    "webhook": "see that the device calls the bench's address, port and path",
    "gadget": "see how it is connected",
}


@pytest.mark.parametrize("source", REMEDIES)
def test_a_silent_source_is_told_with_the_remedy(source):
    timeline = silent(unheard={source: ("event",)})
    assert unseen(timeline, {"event"}) == (
        f"nothing has ever come from the {source} in this run, so that says nothing of the device: "
        f"{REMEDIES[source]} (intercom-hil bench check)"
    )
    assert unseen(timeline, {"sip"}) == ""


def test_noise_is_told_from_silence_until_a_time():
    timeline = silent((5, Witness.CONSOLE, NOISE))
    assert unseen(timeline, {"event"}, START + 5).startswith("nothing that can be read has ever come from")
    assert unseen(timeline, {"event"}, START + 4.9).startswith("nothing has ever come from")


def gauge(*requests):
    """How many the gauge counts after each request (seconds, method, branch)."""
    taken, found = FloodGauge(), []
    for at, method, branch in requests:
        story = Story().at(at - 0.01).sip(method, "device", "pbx", call="c", branch=branch)
        found.append(taken.take(story.timeline[0]))
    return found


def test_requests_of_the_last_second_are_counted():
    assert gauge((0, "OPTIONS", "a"), (0.5, "OPTIONS", "b"), (0.99, "OPTIONS", "c")) == [1, 2, 3]
    assert gauge((0, "OPTIONS", "a"), (0.5, "OPTIONS", "b"), (1.0, "OPTIONS", "c")) == [1, 2, 2]
    assert gauge((0, "OPTIONS", "a"), (5, "OPTIONS", "b"), (5.5, "OPTIONS", "b")) == [1, 1, 1]
    assert gauge((0, "OPTIONS", "a"), (0.1, "OPTIONS", "b"), (5, "OPTIONS", "c")) == [1, 2, 1]
    assert gauge((0, "OPTIONS", "a"), (5, "OPTIONS", "a")) == [1, 0]
    assert gauge((0, "OPTIONS", "a"), (0, "REGISTER", "a"), (0, "ACK", "b"), (0, "CANCEL", "c")) == [
        1,
        2,
        0,
        0,
    ]


def test_only_requests_of_the_device_count_and_the_pbx_s_where_they_are_hidden():
    def counted(witness=Witness.WIRE, sender="device", **changes):
        seen = Story().sip("OPTIONS", sender, "pbx").timeline[0]
        content = seen.content.model_copy(update=changes)
        return FloodGauge().take(seen.model_copy(update={"witness": witness, "content": content}))

    assert counted() == 1
    assert counted(sender="pbx") == counted(status=200) == counted(Witness.PBX) == 0
    assert counted(Witness.PBX, transport="TLS") == counted(transport="TLS") == 1
    assert FloodGauge().take(timeline_of((0, Witness.CONSOLE, SAID))[0]) == 0


def flooded(count, method="OPTIONS", others=0):
    story = Story()
    for number in range(count):
        named = "REGISTER" if number < others else method
        at = START + 10 + number * 0.9 / count
        content = Story().sip(named, "device", "pbx", branch=f"z9hG4bK{number}", call=str(number)).timeline[0]
        story.timeline.append(Witness.WIRE, content.content, at)
    story.at(0).sip("OPTIONS", "device", "pbx", branch="before").at(20).sip(
        "OPTIONS", "device", "pbx", branch="after"
    )
    return list(flood(story.timeline))


@pytest.mark.parametrize(
    ("method", "others", "requirement", "mostly"),
    [
        ("OPTIONS", 0, "REG-03", "OPTIONS"),
        ("INVITE", 0, "OUT-02", "INVITE"),
        ("INVITE", 20, "OUT-02", "INVITE"),
        ("INVITE", 30, "REG-03", "REGISTER"),
    ],
)
def test_a_flood_is_of_so_many_requests_in_a_second(method, others, requirement, mostly):
    assert flooded(MOST - 1, method, others) == []
    (finding,) = flooded(MOST, method, others)
    assert (finding.requirement, finding.expected) == (requirement, "fewer than 50 requests in 1 s")
    assert (finding.seen, finding.verdict) == (f"50, mostly {mostly}", Verdict.FAIL)
    assert [o.seq for o in finding.observations] == list(range(MOST))


def unreadable(at, *, event=True, ended=True, witness=Witness.CONSOLE):
    return at, witness, UnreadableLine(text="x", reason="no end", may_hold_event=event, ended=ended)


@pytest.mark.parametrize(
    ("entries", "after", "until", "numbers"),
    [
        ([unreadable(5)], 5, 9, [0]),
        ([unreadable(5)], 5.1, 9, []),
        ([unreadable(5)], 0, 5, [0]),
        ([unreadable(5)], 0, 4.9, []),
        ([unreadable(5, event=False)], 0, 9, []),
        # One without an end goes on until the next of its source begins.
        ([unreadable(5, ended=False)], 8, 9, [0]),
        ([unreadable(5, ended=False), (7, Witness.CONSOLE, SAID)], 8, 9, []),
        ([unreadable(5, ended=False), (7, Witness.CONSOLE, SAID)], 7, 9, [0]),
        ([unreadable(5, ended=False), (7, Witness.SYSLOG, SAID)], 8, 9, [0]),
        ([unreadable(5, ended=False), (7, Witness.CONSOLE, DIALING)], 8, 9, [0]),
        ([unreadable(5, ended=False), unreadable(7, event=False)], 8, 9, []),
        ([(4, Witness.CONSOLE, SAID), unreadable(5, ended=False)], 8, 9, [1]),
    ],
)
def test_a_line_may_hide_an_event_while_it_lasts(entries, after, until, numbers):
    timeline = timeline_of(*entries)
    asked = event(catalogue.OUTGOING_INITIATED)
    assert [o.seq for o in unread(timeline, asked, START + after, START + until)] == numbers
    if not after:
        assert [o.seq for o in unread_events(timeline, START + until)] == numbers


def test_lines_count_for_the_witness_that_is_asked_and_texts_for_the_console():
    timeline = timeline_of(
        unreadable(1, event=False),
        unreadable(2, event=False, witness=Witness.SYSLOG),
        unreadable(3, witness=Witness.SYSLOG),
    )
    asked = {"event": event(catalogue.OUTGOING_INITIATED), "screen": screen("x")}

    def found(pattern):
        return [o.seq for o in unread(timeline, pattern, START, START + 9)]

    assert found(asked["event"]) == [2]
    assert found(asked["screen"]) == [0, 2]
    assert found(asked["screen"].seen_by(Witness.CONSOLE)) == [0]
    assert found(asked["event"].seen_by(Witness.CONSOLE)) == []
    assert found(asked["event"].model_copy(update={"kind": "media_heard"})) == []


def garbled(at, sender="device", receiver="pbx", problem="no headers", witness=Witness.WIRE):
    content = MalformedSip(
        source="a:1", destination="b:1", sender=sender, receiver=receiver, problem=problem, raw_hex=""
    )
    return at, witness, content


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        (request("BYE"), [0, 1]),
        (request("BYE", sender="device"), [0]),
        (request("BYE", sender="pbx", receiver="device"), [1]),
        (request("BYE", receiver="3410"), []),
        (request("BYE").where(media="x"), [0, 1, 2]),
        (request("BYE").seen_by(Witness.PBX), [3]),
    ],
)
def test_bytes_may_hide_a_message_between_the_parties_that_are_asked_about(pattern, numbers):
    unusable = f"{UNUSABLE_SDP}: x"
    timeline = timeline_of(
        garbled(1), garbled(2, "pbx", "device"), garbled(2, problem=unusable), garbled(2, witness=Witness.PBX)
    )
    assert timeline[2].content.is_whole is False
    assert [o.seq for o in unread(timeline, pattern, START + 1, START + 2)] == numbers
    assert [o.seq for o in unread(timeline, pattern, START + 1.1, START + 2)] == [n for n in numbers if n]
    assert [o.seq for o in unread(timeline, pattern, START, START + 1.9)] == [n for n in numbers if not n]


def test_another_call_is_none_of_those_that_had_begun_by_then():
    story = Story().at(1).sip("INVITE", "device", "pbx", call="a", to_tag="")
    story.at(2).sip("INVITE", "device", "pbx", call="b", to_tag="")
    story.at(3).sip("INVITE", "pbx", "device", call="c", to_tag="")
    first, second, other = story.timeline
    another = another_call([first, second], first.time)
    assert str(another) == "INVITE from device for another call"
    assert [another.matches(o) for o in (first, second, other)] == [False, True, False]
    both = another_call([first, second], second.time)
    assert [both.matches(o) for o in (first, second, other)] == [False, False, False]
    assert another_call([timeline_of((0, Witness.CONSOLE, SAID))[0]], START).matches(first)


@pytest.mark.parametrize(
    ("media", "direction", "takes"),
    [
        ("video", "sendrecv", True),
        ("video", "recvonly", True),
        ("video", "sendonly", False),
        ("video", "inactive", False),
        ("audio", "sendrecv", False),
    ],
)
def test_who_asks_for_video_takes_it(media, direction, takes):
    line = MediaLine(media=media, address="a", port=1, profile="RTP/AVP", direction=direction)
    story = Story().sip("INVITE", "device", "pbx", media=(line,))
    assert takes_video(story.timeline[0]) is takes
    assert takes_video(timeline_of((0, Witness.CONSOLE, SAID))[0]) is False


def test_what_has_no_level_or_grants_nothing_says_so():
    line = timeline_of((0, Witness.CONSOLE, SAID))[0]
    with pytest.raises(TypeError, match=r"link up. has no level$"):
        level(line)
    assert granted(line) is None
    assert (
        granted(Story().sip("REGISTER", "pbx", "device", status=200, contacts=("sip:a",)).timeline[0]) is None
    )
    assert not connectivity_check().matches(line)
    assert not answer().matches(line)


def readings(*points):
    return [ClockReading(at=START + at, ahead_s=ahead, pairs=2, spread_s=0.0) for at, ahead in points]


@pytest.mark.parametrize(
    ("points", "ahead", "drift", "text"),
    [
        ([(0, 0.0019)], 0.0019, None, "in step with the bench's (from 2 entries)"),
        ([(0, 0.002)], 0.002, None, "0.002 s ahead of the bench's (from 2 entries)"),
        ([(0, -0.002)], -0.002, None, "0.002 s behind the bench's (from 2 entries)"),
        ([(0, 1.0), (100, 1.01)], 1.0, None, "1.000 s ahead of the bench's (from 4 entries)"),
        (
            [(0, 1.0), (30, 1.003), (60, 1.006)],
            1.0,
            100.0,
            "1.000 s ahead of the bench's, drifting +100 ppm (from 6 entries)",
        ),
        (
            [(0, 1.0), (30, 1.003), (59, 1.0059)],
            1.0059,
            None,
            "1.006 s ahead of the bench's (from 6 entries)",
        ),
        (
            [(60, 0.994), (0, 1.0), (30, 0.997)],
            1.0,
            -100.0,
            "1.000 s ahead of the bench's, drifting -100 ppm (from 6 entries)",
        ),
        (
            [(0, 0.0), (30, 0.0), (60, 0.0)],
            0.0,
            0.0,
            "0.000 s ahead of the bench's, drifting +0 ppm (from 6 entries)",
        ),
    ],
)
def test_the_device_s_clock_over_a_run(points, ahead, drift, text):
    clock = estimate(readings(*points))
    assert (clock.at, str(clock)) == (START, text)
    assert clock.ahead_s == pytest.approx(ahead, abs=2e-6)
    assert clock.drift_ppm == (None if drift is None else pytest.approx(drift, abs=0.11))
    assert clock.ahead_s == round(clock.ahead_s, 6)


def test_an_estimate_is_rounded():
    clock = estimate(
        readings((0, 0.12345678), (50, 0.12345678 + 0.047497475), (100, 0.12345678 + 0.09499495))
    )
    assert (clock.ahead_s, clock.drift_ppm) == (0.123457, 949.9)


@pytest.mark.parametrize(
    ("points", "slope", "height"),
    [
        ([(0, 1)], 0, 1),
        ([(0, 0), (LEAST_SPAN, 0.03)], 0.0005, 0),
        ([(0, 0), (LEAST_SPAN - 1, 0.03)], 0, 0.03),
        ([(0, 0), (100, 100 * MOST_DRIFT)], MOST_DRIFT, 0),
        ([(0, 0), (100, 101 * MOST_DRIFT)], 0, 101 * MOST_DRIFT),
        ([(0, 0), (50, -1), (100, 0.01)], 0.0001, 0),
        ([(0, 0), (50, 0.02), (100, 0.01)], 0.0004, 0),
        ([(0, 0), (10, 0.009), (50, -3), (100, 0.01)], 0.001 / 90, 0.009 - 0.01 / 90),
        ([(0, 0.01), (100, 0), (40, 0.006)], -0.0001, 0.01),
    ],
)
def test_the_line_that_lies_on_all_points_from_above(points, slope, height):
    found = upper_line(points)
    assert found == (pytest.approx(slope, abs=1e-9), pytest.approx(height, abs=1e-9))


def test_a_reading_is_rounded_to_microseconds():
    dated = [
        (at, Witness.CONSOLE, DeviceEvent(name="x", device_time=START + at + ahead))
        for at, ahead in ((1, 0.12345678), (2, 0.02345611))
    ]
    seen = reading(timeline_of(*dated))
    assert (seen.at, seen.pairs) == (START + 1, 2)
    assert (seen.ahead_s, seen.spread_s) == (round(seen.ahead_s, 6), round(seen.spread_s, 6))
    assert (seen.ahead_s, seen.spread_s) == (
        pytest.approx(0.123457, abs=2e-6),
        pytest.approx(0.100001, abs=2e-6),
    )
    copy = (3, Witness.SYSLOG, EventCopy(source="syslog", name="x", device_time=START + 4))
    assert reading(timeline_of(*dated, copy)).ahead_s == 1.0
