"""What a press and a call make the device owe: which call, for which event, and from when on."""

import pytest

from intercom_hil.judge.calls import calls
from intercom_hil.judge.expected_events import (
    cause_time,
    causes_in,
    dated_causes,
    declared_timing,
    events_of,
    missing_events,
    presses_in,
)
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.stories import exhausted, failures, initiations, presses_that_hang_up, stories
from intercom_hil.spec import events as catalogue
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.timing import USUAL_TIMING, Timing
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, Declared, OutputChanged
from tests.judge.story import START, Story

TIMING = Timing(tolerance=0.5, dial=2, hang_up=2)
LATER = START + 3600


class Door(Story):
    """A device with two contacts; each call of it takes whole seconds."""

    def __init__(self, **changes):
        super().__init__()
        settings = {"call_number": "sip:1@a", "further_numbers": ["sip:2@a"], "call_timeout": 10}
        self.at(0).configured(**(settings | {"encryption": str(Encryption.UNSET)} | changes))

    def configured(self, **settings):
        content = Configured(settings=settings, accepted=True)
        self.timeline.append(Witness.PORTAL, content, START + self.clock)
        return self

    def released(self):
        content = OutputChanged(name="button", active=False, confirmed=True)
        self.timeline.append(Witness.BUTTON, content, self._time())
        return self

    def calls(self, number, at, status=486, *, rings=1, cancelled=False, call="", to="pbx"):
        """The device calls a contact at a time; the answer, if any, comes after ``rings`` seconds."""
        call = call or f"{number}-{at}"
        self.at(at - 0.01).sip("INVITE", "device", to, call=call, to_tag="", uri=f"sip:{number}@a")
        self.at(at + rings - 0.02)
        if cancelled:
            self.sip("CANCEL", "device", to, call=call, to_tag="")
        if status:
            self.at(at + rings - 0.01).sip("INVITE", to, "device", status=status, call=call)
            self.sip("ACK", "device", to, call=call)
        return self

    def pressed(self, at):
        return self.at(at - 0.01).press()

    @property
    def seen(self):
        return calls(self.timeline)

    @property
    def told(self):
        return stories(presses_in(self.timeline), self.seen)

    def failed(self, timing=TIMING):
        return [call.call_id for call in failures(self.timeline, self.told, timing)]

    def at_the_end(self, timing=TIMING):
        failed = list(failures(self.timeline, self.told, timing))
        return [call.call_id for call in exhausted(self.timeline, self.told, failed, timing)]

    def begun(self, timing=TIMING):
        failed = list(failures(self.timeline, self.told, timing))
        last = list(exhausted(self.timeline, self.told, failed, timing))
        return [call.call_id for call in initiations(self.told, timing, last)]


def test_a_press_leads_to_the_calls_that_are_placed_until_the_next():
    door = Door().calls("1", 1).pressed(3).calls("1", 4).calls("2", 7).pressed(9).calls("1", 10).released()
    taken = door.taken("in").told
    assert [(s.pressed, [c.call_id for c in s.calls], s.idle) for s in taken] == [
        (START + 3, ["1-4", "2-7"], True),
        (START + 9, ["1-10"], True),
    ]
    assert stories([], door.seen) == []


@pytest.mark.parametrize(("at", "idle"), [(1.5, True), (2.5, False), (3.0, False), (3.5, True)])
def test_a_device_is_idle_outside_its_calls(at, idle):
    (story,) = Door().calls("1", 2).pressed(at).told
    assert story.idle is idle
    (story,) = Door().at(2).taken("in").pressed(at).told
    assert story.idle is (at < 2)


@pytest.mark.parametrize(
    ("door", "failed"),
    [
        (Door().pressed(1).calls("1", 2), ["1-2"]),
        (Door().pressed(1).calls("1", 2).calls("2", 4), ["1-2", "2-4"]),
        (Door().pressed(1).calls("1", 2, 200), []),
        (Door().pressed(1).calls("1", 2, 0), []),
        (Door().pressed(1).calls("1", 2, 302), []),
        # Which may be called again: its failure is seen when another follows.
        (Door().pressed(1).calls("1", 2, 503), []),
        (Door().pressed(1).calls("1", 2, 503).calls("2", 4), ["1-2", "2-4"]),
        (Door().pressed(1).calls("1", 2, 488), []),
        # The same contact again: both tries are one call.
        (Door().pressed(1).calls("1", 2).calls("1", 4), ["1-4"]),
        # Given up when its time was over, a tenth and the tolerance early at the most.
        (Door().pressed(1).calls("1", 2, 487, rings=10, cancelled=True), ["1-2"]),
        (Door().pressed(1).calls("1", 2, 487, rings=8.6, cancelled=True), ["1-2"]),
        (Door().pressed(1).calls("1", 2, 487, rings=8.5, cancelled=True), []),
        (Door().pressed(1).calls("1", 2, 487, rings=3, cancelled=True), []),
        (Door(call_timeout=None).pressed(1).calls("1", 2, 487, rings=10, cancelled=True), []),
        (Door(call_timeout=2.5).pressed(1).calls("1", 2, 487, rings=3, cancelled=True), ["1-2"]),
        # Another press before it had ended.
        (Door().pressed(1).calls("1", 2, rings=3).pressed(4), []),
        (Door().pressed(1).calls("1", 2, rings=3).pressed(6), ["1-2"]),
        # Settings that change meanwhile.
        (Door().pressed(1).calls("1", 2, rings=3).at(4).configured(call_number="3"), []),
        (Door().pressed(1).calls("1", 2, rings=3).at(6).configured(call_number="3"), ["1-2"]),
        (Door().calls("1", 2), []),
    ],
)
def test_a_call_that_failed_by_itself(door, failed):
    assert door.failed() == failed


@pytest.mark.parametrize(
    ("door", "last"),
    [
        (Door().pressed(1).calls("1", 2).calls("2", 4), ["2-4"]),
        (Door().pressed(1).calls("1", 2), []),
        (Door().pressed(1).calls("1", 2, 200).calls("2", 4), []),
        (Door().pressed(1).calls("1", 2).calls("2", 4, 503), []),
        (Door().pressed(1).calls("1", 2).calls("3", 4), ["3-4"]),  # by another name, say
        (Door(further_numbers=[]).pressed(1).calls("1", 2), ["1-2"]),
        (Door(further_numbers=None).pressed(1).calls("1", 2), ["1-2"]),
        (Door(further_numbers=["sip:1@a"]).pressed(1).calls("1", 2).calls("1", 4), []),
        (Door(encryption=str(Encryption.FALLBACK)).pressed(1).calls("1", 2).calls("2", 4), []),
        (Door().pressed(1).calls("1", 2).at(3.5).configured(further_numbers=[]).calls("2", 4), []),
        (Door().pressed(1).calls("1", 2).at(3.5).configured(display_name="x").calls("2", 4), ["2-4"]),
        (
            Door().pressed(1).calls("1", 2).calls("2", 4).pressed(20).calls("1", 21).calls("2", 24),
            ["2-4", "2-24"],
        ),
        (Door().pressed(1).pressed(2).calls("1", 3).calls("2", 5), ["2-5"]),
    ],
)
def test_the_last_call_of_a_list_that_reached_nobody(door, last):
    assert door.at_the_end() == last


@pytest.mark.parametrize(
    ("door", "begun"),
    [
        (Door().pressed(1).calls("1", 2, 200), ["1-2"]),
        (Door().pressed(1).calls("1", 2).pressed(2.5).calls("2", 5), ["1-2"]),
        # A press while the device may still be about to call the next contact.
        (Door().pressed(1).calls("1", 2).pressed(4).calls("1", 5), ["1-2"]),
        (Door().pressed(1).calls("1", 2).pressed(6.9).calls("1", 7), ["1-2"]),
        (Door().pressed(1).calls("1", 2).pressed(7.1).calls("1", 8), ["1-2", "1-8"]),
        # Once the list is exhausted there is none.
        (Door().pressed(1).calls("1", 2).calls("2", 4).pressed(6).calls("1", 7), ["1-2", "1-7"]),
        # What begins with another contact goes on with the list.
        (Door().pressed(1).calls("1", 2).pressed(9).calls("2", 10), ["1-2"]),
        (Door().pressed(1).pressed(9).calls("1", 10), ["1-10"]),
        (Door().pressed(1), []),
        (Door().calls("1", 1), []),
        # After an accepted call nothing of the list is left.
        (
            Door().pressed(1).calls("1", 2, 200, call="x").at(3.5).bye("pbx", "x").pressed(4).calls("1", 5),
            ["x", "1-5"],
        ),
    ],
)
def test_the_first_call_of_each_attempt(door, begun):
    assert door.begun() == begun


def test_the_last_press_of_a_call_is_what_ended_it():
    door = (
        Door()
        .pressed(1)
        .calls("1", 2, 200, call="x")
        .pressed(4)
        .pressed(5)
        .at(6)
        .bye("device", "x")
        .pressed(8)
    )
    presses = presses_in(door.timeline)
    assert [press.time for press in presses_that_hang_up(presses, door.seen)] == [START + 5]
    by_remote = Door().pressed(1).calls("1", 2, 200, call="x").pressed(4).at(6).bye("pbx", "x")
    assert presses_that_hang_up(presses_in(by_remote.timeline), by_remote.seen) == []
    refused = Door().pressed(1).calls("1", 2, 486, call="x").pressed(4).at(6).bye("device", "x")
    assert presses_that_hang_up(presses_in(refused.timeline), refused.seen) == []


def owed(door, until=LATER):
    """Of each kind of event that has causes: the calls for which it is owed, and for which it is allowed."""
    return {
        causes.kind.name: ([c.call_id for c in causes.owed], [c.call_id for c in causes.allowed])
        for causes in causes_in(door.timeline, until)
        if causes.allowed
    }


X, NOTHING = ["x"], []
INITIATED, ESTABLISHED, FAILED, EXHAUSTED, HUNG_UP = (
    kind.name
    for kind in (
        catalogue.OUTGOING_INITIATED,
        catalogue.OUTGOING_ESTABLISHED,
        catalogue.OUTGOING_FAILURE,
        catalogue.OUTGOING_CONTACTS_EXHAUSTED,
        catalogue.OUTGOING_REMOTE_HANGUP,
    )
)
REJECTED, RECEIVED, REMOTE, LOCAL, GIVEN_UP = (
    kind.name
    for kind in (
        catalogue.INCOMING_REJECTED,
        catalogue.INCOMING_RECEIVED,
        catalogue.INCOMING_REMOTE_HANGUP,
        catalogue.INCOMING_LOCAL_HANGUP,
        catalogue.INCOMING_FAILURE,
    )
)


def up(status=200, **more):
    return Door().pressed(1).calls("1", 2, status, call="x", **more)


def coming(status=200, *, ack=True):
    door = Door().at(2).sip("INVITE", "3410", "device", call="x", to_tag="")
    door.at(3).sip(
        "INVITE", "device", "3410", call="x", status=status, profile="RTP/AVP" if status < 300 else None
    )
    return door.sip("ACK", "3410", "device", call="x") if ack else door


PLACED = {INITIATED: (X, X), FAILED: (NOTHING, X), EXHAUSTED: (NOTHING, X)}
UP = PLACED | {ESTABLISHED: (X, X)}
TAKEN = {RECEIVED: (X, X), GIVEN_UP: (NOTHING, X)}


@pytest.mark.parametrize(
    ("door", "causes"),
    [
        (up(), UP),
        (up(486), PLACED | {FAILED: (X, X)}),
        (up().at(5).bye("pbx", "x"), UP | {HUNG_UP: (X, X)}),
        (up().at(5).bye("device", "x"), UP),
        (
            up().at(5).sip("BYE", "device", "pbx", call="x").sip("BYE", "pbx", "device", call="x"),
            UP | {HUNG_UP: (NOTHING, X)},
        ),
        (Door().calls("1", 2, 200, call="x"), UP | {INITIATED: (NOTHING, X)}),
        (coming(), TAKEN),
        (coming(ack=False), TAKEN | {RECEIVED: (NOTHING, X)}),
        (coming().at(5).bye("3410", "x"), TAKEN | {REMOTE: (X, X)}),
        (coming().pressed(4).at(5).bye("device", "x"), TAKEN | {LOCAL: (X, X)}),
        (coming().at(5).bye("device", "x"), TAKEN | {LOCAL: (NOTHING, X), GIVEN_UP: (X, X)}),
        (coming().at(5).bye("device", "x").pressed(6), TAKEN | {LOCAL: (NOTHING, X), GIVEN_UP: (X, X)}),
        (Door().pressed(1).at(2).sip("INVITE", "3410", "device", call="x", to_tag=""), {}),
        (coming(486), {REJECTED: (X, X)}),
        (coming(603), {REJECTED: (X, X)}),
        (coming(404), {REJECTED: (NOTHING, X)}),
        (coming(488), {REJECTED: (X, X)}),
        (coming(302), {}),
        (coming(487), {}),
    ],
)
def test_calls_call_for_events(door, causes):
    assert owed(door) == causes


@pytest.mark.parametrize(
    ("began", "status", "is_owed"),
    [(5, 486, False), (7, 486, False), (7.9, 486, False), (8.1, 486, True), (5, 603, True)],
)
def test_a_device_in_a_call_turns_another_away_and_need_not_say_so(began, status, is_owed):
    """The call before is over at 6; the device may take two seconds to hang up."""
    door = coming().at(5.99).bye("3410", "x")
    door.at(began - 0.01).sip("INVITE", "3410", "device", call="y", to_tag="")
    door.sip("INVITE", "device", "3410", call="y", status=status)
    assert owed(door)[REJECTED] == (["y"] if is_owed else [], ["y"])


def test_what_comes_after_a_time_calls_for_nothing_yet():
    door = up().at(5).bye("pbx", "x")
    assert owed(door, START + 4) == UP
    assert owed(door, START + 2.5) == PLACED
    assert owed(door, START + 1.5) == {}


def test_an_event_that_is_not_logged_is_missing_with_its_causes():
    door = up().at(5).bye("pbx", "x").at(6).event(INITIATED).event(ESTABLISHED)
    (missing,) = missing_events(door.timeline, LATER)
    assert (missing.kind.name, [c.call_id for c in missing.causes], missing.logged) == (HUNG_UP, X, ())
    assert missing_events(door.timeline, START + 4) == []
    twice = up(486).calls("2", 10, call="y").event(INITIATED).event(FAILED).event(EXHAUSTED)
    (missing,) = missing_events(twice.timeline, LATER)
    assert ([c.call_id for c in missing.causes], len(missing.logged)) == (["x", "y"], 1)
    # For a call that the device gave up, either may stand.
    given_up = coming().at(5).bye("device", "x").event(RECEIVED)
    assert [m.kind.name for m in missing_events(given_up.timeline, LATER)] == [GIVEN_UP]
    for name in (GIVEN_UP, LOCAL):
        both = coming().at(5).bye("device", "x").event(RECEIVED).event(name)
        assert missing_events(both.timeline, LATER) == []


def test_causes_from_outside_have_their_times():
    door = up().at(5).bye("pbx", "x")
    door.at(7.99).sip("INVITE", "3410", "device", call="r", to_tag="")
    door.at(9).sip("INVITE", "device", "3410", call="r", status=486)
    door.at(19.99).sip("INVITE", "3410", "device", call="in", to_tag="")
    door.at(20.99).sip("INVITE", "device", "3410", call="in", status=200).sip(
        "ACK", "3410", "device", call="in"
    )
    door.at(21.99).bye("3410", "in")
    door.pressed(30).calls("1", 31, call="f").calls("2", 35, 487, rings=10, cancelled=True, call="c")
    assert [(name, round(time - START, 2)) for name, time in dated_causes(door.timeline)] == [
        (INITIATED, 1.0),
        (ESTABLISHED, 3.0),
        (HUNG_UP, 5.01),
        (REJECTED, 8.0),
        (RECEIVED, 21.0),
        (REMOTE, 22.0),
        (INITIATED, 30.0),
        (FAILED, 32.0),
    ]


@pytest.mark.parametrize(
    ("kind", "time"),
    [
        (catalogue.OUTGOING_INITIATED, 2.0),
        (catalogue.OUTGOING_ESTABLISHED, 3.0),
        (catalogue.OUTGOING_REMOTE_HANGUP, 5.01),
        (catalogue.INCOMING_REMOTE_HANGUP, 5.01),
        (catalogue.INCOMING_LOCAL_HANGUP, 5.01),
        (catalogue.INCOMING_RECEIVED, 3.0),
    ],
)
def test_a_cause_has_its_time(kind, time):
    (call,) = calls(up().at(5).bye("pbx", "x").timeline)
    assert cause_time(kind, call) == pytest.approx(START + time)
    (ringing,) = calls(up(0).timeline)
    assert cause_time(kind, ringing) == pytest.approx(START + 2.0)


def test_how_fast_the_device_is_stands_in_the_bench_file():
    story = Story()
    assert declared_timing(story.timeline) == USUAL_TIMING
    story.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), timing=TIMING), START)
    assert declared_timing(story.timeline) == TIMING


def test_events_are_found_by_their_kinds():
    logged = list(Story().event(INITIATED).event(FAILED).event("x").event(INITIATED).timeline)
    assert [o.seq for o in events_of(logged, catalogue.OUTGOING_INITIATED)] == [0, 3]
    assert [o.seq for o in events_of(logged, catalogue.OUTGOING_INITIATED, catalogue.OUTGOING_FAILURE)] == [
        0,
        1,
        3,
    ]
    assert events_of(logged) == []


def test_settings_hold_from_their_submission_to_the_next_answer_at_the_latest():
    door = Door().at(10).configured(call_timeout=20)
    force = InForce(door.timeline, apply=3.0)

    def timeouts(begun, over):
        return [one["call_timeout"] for one in force.during(START + begun, START + over)]

    assert timeouts(3, 9.9) == [], "what was in force before is not known"
    assert timeouts(3.1, 9.9) == [10]
    assert timeouts(3.1, 10) == [10, 20]
    assert timeouts(13, 15) == [10, 20]
    assert timeouts(13.1, 15) == [20]
    assert timeouts(3.1, 3.2) == [10]
    assert force.changed(START + 9, START + 10)
    assert force.changed(START + 13, START + 15)
    assert not force.changed(START + 13.1, START + 15)
    assert not force.changed(START + 3.1, START + 9.9)
