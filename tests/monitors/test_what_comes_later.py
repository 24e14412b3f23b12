"""What a rule says nothing of hides nothing that comes later: first the one, then what breaks the rule."""

import pytest

from intercom_hil.monitors.agreements import (
    agreed_picture,
    offered_in_clear,
    turned_down,
    video_to_every_contact,
)
from intercom_hil.monitors.event_truth import event_truth
from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.passed_over import passed_over
from intercom_hil.monitors.placed_calls import (
    given_up_in_time,
    given_up_when_due,
    one_press_one_story,
    passed_on_in_time,
)
from intercom_hil.monitors.pressed import ended_by_the_press
from intercom_hil.monitors.settings_in_force import with_video
from intercom_hil.monitors.taken_calls import admitted, let_in
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline.observation import DeviceEvent
from tests.judge.story import START
from tests.monitors.telling import (
    AUDIO,
    SECURE,
    VIDEO,
    answers,
    called,
    calls,
    has,
    hears,
    logs,
    press,
    sends,
    streams,
    submits,
    told,
)

CLOSED = START + 200.0


def logged(rule):
    """A rule of the event log, which is given the events as well."""
    return lambda timeline, closed: rule(
        timeline, [o for o in timeline if isinstance(o.content, DeviceEvent)], closed
    )


def at_any_time(rule):
    return lambda timeline, closed: rule(timeline)


def of_the_log(name, words=""):
    """What one of the monitors of the event log finds broken, in some words."""
    return lambda timeline, closed: [
        one
        for one in monitor(timeline, closed, closed, {name})
        if one.verdict is Verdict.FAIL and words in one.expected
    ]


def placed(at, number="1001", call="c1", status=200, **more):
    return [(at, calls(number, call, **more)), (at + 1, hears(status, call)), (at + 1, sends("ACK", call))]


def seen_and_heard(at, call):
    both = {"media": (AUDIO, VIDEO)}
    return [
        (at, calls("1001", call, **both)),
        (at + 1, hears(200, call, **both)),
        (at + 1, sends("ACK", call)),
    ]


def taken(at, call="c2", status=200, by="3410", offer=(AUDIO,), answer=(AUDIO,)):
    answered = {"media": answer} if status == 200 else {}
    ours = (at + 1, answers(status, call, by=by, **answered))
    return [(at, called(by, call, media=offer)), ours, (at + 1, sends("ACK", call, by="pbx"))]


def rings(at, number="1001", call="c1", until=None):
    ended = [(until, sends("CANCEL", call)), (until, hears(487, call))] if until else []
    return [(at, calls(number, call)), (at + 1, hears(180, call)), *ended]


STRANGER = taken(10, "c8", 403, by="9")
OVER = [(18, sends("BYE", "c8", by="pbx", cseq=2))]
LATER = {
    "SRTP-only": (
        at_any_time(offered_in_clear),
        [(0, has(encryption="SRTP-only")), *taken(10, offer=(SECURE,), answer=(SECURE,))],
        {"what it took": []},
        [(20, calls(call="c2", to_tag="t", cseq=5))],
        "ENC-09",
    ),
    "turned down": (
        at_any_time(turned_down),
        [(0, has())],
        {
            "a call that is placed": placed(10, call="c8", status=488),
            "a call that is refused for another reason": taken(10, "c8", 480),
            "a stranger": taken(10, "c8", 488, by="9"),
        },
        taken(40, status=488),
        "ENC-02",
    ),
    "video to every contact": (
        at_any_time(video_to_every_contact),
        [(0, has(video_calls="Both")), (5, press)],
        {"a contact that is offered some": placed(10, call="c8", status=486, media=(AUDIO, VIDEO))},
        placed(20, "1002", "c3"),
        "VID-03",
    ),
    "video offered": (
        at_any_time(with_video),
        [(0, has(video_calls="Incoming"))],
        {
            "a call that is placed": placed(10, call="c8", status=486),
            "a call that is refused": taken(10, "c8", 486, offer=()),
            "a call with an offer": [*taken(10, "c8"), *OVER],
            "an offer of video": [*taken(10, "c8", offer=(), answer=(AUDIO, VIDEO)), *OVER],
        },
        taken(40, offer=()),
        "VID-02",
    ),
    "an event when the call is over": (
        logged(event_truth),
        [(0, has())],
        {"one in time": [(5, press), *placed(6, call="c8"), (8, logs("outgoing_call_established")), *OVER]},
        [
            (40, press),
            *placed(41),
            (60, sends("BYE", by="pbx", cseq=2)),
            (61, logs("outgoing_call_established")),
        ],
        "EVT-02",
    ),
    "events in their order": (
        of_the_log("order"),
        [],
        {"an event that is missing": [(5, logs("outgoing_call_established"))]},
        [(40, logs("incoming_call_remote_hangup")), (41, logs("incoming_call_received"))],
        "EVT-12",
    ),
    "exhausted by a press": (
        of_the_log("agreement", "gave up"),
        [(0, has())],
        {
            "a list whose contacts have failed": [
                (5, press),
                *placed(6, call="c8", status=486),
                (8, logs("outgoing_call_contact_failure")),
            ]
        },
        [
            (40, press),
            *rings(41, until=43.5),
            (43, press),
            (44, logs("outgoing_call_contact_failure")),
        ],
        "EVT-11",
    ),
    "picture that was agreed on": (
        agreed_picture,
        [(0, has(video_calls="Both")), (5, press)],
        {
            "a call that is refused": placed(10, call="c8", status=486),
            "a call with its picture": [
                *seen_and_heard(10, "c8"),
                (12, streams("c8")),
                (12, streams("c8", media="video")),
                *OVER,
            ],
        },
        [*seen_and_heard(40, "c1"), (42, streams("c1"))],
        "VID-03",
    ),
    "passed over": (
        logged(passed_over),
        [(0, has(further_numbers=["1002", "1003"]))],
        {
            "a press that calls nobody": [(5, press)],
            "a press soon after another": [
                (5, press),
                *placed(6, call="c8", status=486),
                (7, logs("outgoing_call_failure")),
                (7.5, press),
            ],
        },
        [
            (40, press),
            *placed(41, status=486),
            (43, logs("outgoing_call_failure")),
            *placed(44, "1003", "c3"),
        ],
        "OUT-02",
    ),
    "one press, one story": (
        at_any_time(one_press_one_story),
        [(0, has())],
        {
            "a press that calls nobody": [(5, press)],
            "a press before new settings": [
                (5, press),
                *placed(6, "9", "c8", 486),
                (10, submits(call_timeout=5)),
            ],
        },
        [(40, press), *placed(41, "9")],
        "OUT-01",
    ),
    "a form that was refused": (
        at_any_time(one_press_one_story),
        [],
        {"a form that was refused": [(0, submits(accepted=False, call_number="7"))]},
        [(5, has()), (40, press), *placed(41, "9")],
        "OUT-01",
    ),
    "given up in time": (
        given_up_in_time,
        [(0, has()), (5, press)],
        {
            "a call that is taken": [*taken(10, "c8"), *OVER],
            "a press while it rings": [*rings(10, call="c8", until=30), (12, press)],
            "new settings while it rings": [*rings(10, call="c8", until=30), (12, submits(call_timeout=5))],
        },
        rings(60),
        "OUT-03",
    ),
    "given up when due": (
        at_any_time(given_up_when_due),
        [(0, has()), (5, press)],
        {
            "a call that is taken": [*taken(10, "c8"), *OVER],
            "a contact who answers": [*placed(10, call="c8"), *OVER],
            "one of whom nothing is heard": [(10, calls(call="c8")), (30, sends("CANCEL", "c8"))],
            "a press while it rings": [*rings(10, call="c8", until=30), (12, press)],
        },
        rings(60, until=80),
        "OUT-03",
    ),
    "passed on in time": (
        passed_on_in_time,
        [(0, has())],
        {
            "a press that calls nobody": [(5, press)],
            "a press whose contact is heard of": [(5, press), *placed(6, call="c8", status=486)],
        },
        [(60, press), (61, calls())],
        "OUT-02",
    ),
    "ended by the press": (
        ended_by_the_press,
        [(0, has())],
        {
            "a call that is refused": taken(10, "c8", 486),
            "a call without a press": [*taken(10, "c8"), (11, streams("c8")), *OVER],
        },
        [*taken(40), (41, streams("c2")), (45, press)],
        "INC-05",
    ),
    "admitted": (
        at_any_time(admitted),
        [],
        {
            "a call of which the settings are not known": [
                *taken(0, "c8"),
                (2, sends("BYE", "c8", by="pbx", cseq=2)),
            ],
            "a call that is refused": STRANGER,
        },
        [(20, has(allow_incoming=False)), *taken(40)],
        "INC-04",
    ),
    "let in": (
        let_in,
        [(0, has())],
        {
            "a call that is taken": [*taken(10, "c8"), *OVER],
            "a stranger": STRANGER,
            "a call in which somebody presses": [*taken(10, "c8", 403), (10.5, press)],
        },
        taken(60, status=403),
        "INC-03",
    ),
}


@pytest.mark.parametrize(("name", "first"), [(name, first) for name in LATER for first in LATER[name][2]])
def test_what_nothing_is_said_of_hides_nothing_that_comes_later(name, first):
    rule, settings, before, then, row = LATER[name]
    told_first = sorted([*settings, *before[first]], key=lambda entry: entry[0])
    assert [found.requirement for found in rule(told(*told_first), START + then[0][0])] == []
    found = rule(told(*told_first, *then), CLOSED)
    assert [one.requirement for one in found] == [row]
