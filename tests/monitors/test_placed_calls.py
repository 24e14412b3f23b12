"""One press, one story: whom a device calls for a press, in which order, and when it gives up."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.placed_calls import given_up_when_due
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, SipMessageSeen
from tests.judge.story import START, Story

LATER = START + 60
ROWS = {"OUT-01", "OUT-02", "OUT-03"}


def told(*calls, encryption=Encryption.UNSET, changed=(), refused=()):
    """A press, and calls after it, each a number and what becomes of it, two seconds after the one before."""
    story = Story()
    settings = {"call_number": "1", "further_numbers": ["2", "sip:3@elsewhere"], "call_timeout": 1}
    settings["encryption"] = str(encryption)
    for one in (settings, *changed):
        story.timeline.append(Witness.PORTAL, Configured(settings=one, accepted=True), story._time())
    for one in refused:
        story.timeline.append(Witness.PORTAL, Configured(settings=one, accepted=False), story._time())
    story.press()
    for second, (number, outcome) in enumerate(calls):
        story.at(2 * second + 1)
        call = f"c{second}"
        uri = number if "@" in number or ":" in number else f"sip:{number}@pbx"
        profile = "RTP/SAVP" if outcome == 488 else "RTP/AVP"
        story.sip("INVITE", "device", "pbx", call=call, to_tag="", profile=profile, uri=uri)
        story.sip("INVITE", "pbx", "device", status=180, call=call)
        if outcome == "gives up":
            story.at(2 * second + 2).sip("CANCEL", "device", "pbx", call=call, to_tag="")
            story.sip("INVITE", "pbx", "device", status=487, call=call)
        elif outcome == 200:
            story.sip("INVITE", "pbx", "device", status=200, call=call, profile="RTP/AVP")
            story.sip("ACK", "device", "pbx", call=call)
        elif outcome != "rings":
            elsewhere = ("sip:9@elsewhere",) if outcome == 302 else ()
            story.sip("INVITE", "pbx", "device", status=outcome, call=call, contacts=elsewhere)
    found = monitor(story.timeline, LATER, LATER)
    return {j.requirement for j in found if j.verdict is Verdict.FAIL} & ROWS


LAST = ("sip:3@elsewhere", 200)


@pytest.mark.parametrize(("called", "rows"), [("7", set()), ("8", {"OUT-01"}), ("1", set())])
def test_settings_that_were_refused_and_are_in_force_are_another_rules_affair(called, rows):
    assert told((called, 486), refused=[{"call_number": "7", "call_timeout": "x"}]) == rows


@pytest.mark.parametrize(
    "calls",
    [
        [("1", 200)],
        [("1", 486), ("2", "gives up"), LAST],
        [("1", 486), ("2", 404), ("sip:3@elsewhere", 603)],
        [("1", 503), ("1", 486), ("2", 200)],
        [("1", 302), ("sip:9@elsewhere", 486), ("2", 200)],
        [("1", 486), ("2", 302), ("2", 302), ("sip:9@elsewhere", 486), LAST],
        [("tel:1", 486), ("sip:2@pbx:5060;user=phone", 486), ("sip:3@192.0.2.9:5070", 200)],
    ],
)
def test_the_contacts_in_their_order_until_one_answers(calls):
    assert told(*calls) == set()


@pytest.mark.parametrize(
    ("calls", "row"),
    [
        ([("9", 200)], "OUT-01"),
        ([("1", 486), ("sip:3@here", 200)], "OUT-01"),
        ([("1", 302), ("sip:8@elsewhere", 200)], "OUT-01"),
        ([("1", 486), ("2", 302), ("sip:9@elsewhere", 486), ("1", 200)], "OUT-02"),
        ([("2", 486), ("1", 200)], "OUT-02"),
        ([("1", 486), ("2", 486), ("1", 200)], "OUT-02"),
        ([("1", 486), ("1", 200)], "OUT-02"),
        ([("1", 200), ("2", 200)], "OUT-02"),
    ],
)
def test_a_call_to_somebody_else_or_out_of_turn(calls, row):
    assert told(*calls) == {row}


def test_a_call_that_rings_for_ever_is_not_given_up():
    assert told(("1", "rings")) == {"OUT-03"}


def test_two_calls_at_once():
    assert told(("1", "rings"), ("2", 486)) == {"OUT-02", "OUT-03"}


def test_a_fallback_calls_the_same_contact_again():
    assert told(("1", 488), ("1", 200), encryption=Encryption.FALLBACK) == set()


def test_a_change_of_one_field_leaves_the_others_in_force():
    assert told(("9", 486), ("2", 200), changed=[{"call_number": "9"}]) == set()


@pytest.mark.parametrize("dialled", ["Desk", "desk", "sip:DESK@PBX", "tel:desk"])
def test_a_contact_with_letters_is_the_same_in_capitals(dialled):
    """A short number is no case of its own: a server may be asked for it in either."""
    assert told((dialled, 486), ("2", 200), changed=[{"call_number": "Desk"}]) == set()
    assert told((dialled, 486), ("2", 200), changed=[{"call_number": "desk"}]) == set()


def logged(*entries, contacts=("1", "2"), encryption=Encryption.UNSET):
    """A press, and what is seen and logged after it: a call and its outcome, or the kind of a failure."""
    story = Story()
    first, *further = contacts
    settings = {"call_number": first, "further_numbers": further, "call_timeout": 1}
    settings["encryption"] = str(encryption)
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    story.press().event("outgoing_call_initiated")
    for number, entry in enumerate(entries):
        if isinstance(entry, str):
            story.event("outgoing_call_failure", failure=entry)
            continue
        contact, outcome = entry
        elsewhere = ("sip:9@elsewhere",) if outcome == 302 else ()
        call, uri = f"c{number}", f"sip:{contact}@pbx"
        story.sip("INVITE", "device", "pbx", call=call, to_tag="", profile="RTP/AVP", uri=uri)
        answer = "RTP/AVP" if outcome == 200 else None
        story.sip("INVITE", "pbx", "device", status=outcome, call=call, contacts=elsewhere, profile=answer)
        story.sip("ACK", "device", "pbx", call=call)
        if outcome == 200:
            story.event("outgoing_call_established")
    if not any(entry[1] == 200 for entry in entries if not isinstance(entry, str)):
        story.event("outgoing_call_contact_failure")
    return {j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.FAIL}


@pytest.mark.parametrize("kind", ["", "not found", "unreachable", "no answer", "media security"])
def test_an_attempt_that_fails_before_it_is_on_the_wire_is_a_cause(kind):
    assert logged(kind, kind) == set()
    assert logged(kind, ("2", 486), "busy") == set()
    assert logged(("1", 486), "busy", kind) == set()
    assert logged(kind, ("2", 200)) == set()
    assert logged(("1", 302), kind, kind, contacts=("1",)) == set()
    assert logged(("1", 488), kind, kind, contacts=("1",), encryption=Encryption.FALLBACK) == set()


@pytest.mark.parametrize("kind", ["", "unreachable", "no answer"])
def test_more_failures_than_there_are_contacts_to_fail_have_no_cause(kind):
    assert logged(kind, kind, kind) == {"EVT-11"}
    assert logged(("1", 486), "busy", ("2", 404), "not found", kind) == {"EVT-11"}
    assert "EVT-11" in logged(("1", 486), "busy", kind, ("2", 200))
    assert "EVT-11" in logged(("1", 200), kind)


@pytest.mark.parametrize(("placed", "row"), [(True, "OUT-06"), (False, "INC-05")])
def test_a_press_that_ends_a_call_begins_no_other(placed, row):
    def ended(*, again):
        story = Story()
        (story.press().placed if placed else story.taken)("c1")
        story.at(5).press().bye("device")
        if again:
            story.at(6).placed("c9").at(9).bye("device", "c9")  # which says nothing of whose press it was
        found = monitor(story.timeline, LATER, LATER)
        return {j.requirement for j in found if j.verdict is Verdict.FAIL} & {"OUT-06", "INC-05"}

    assert ended(again=True) == {row}
    assert ended(again=False) == set()


def test_a_press_after_the_end_of_a_call_begins_another():
    story = Story().press().placed("c1").at(5).bye("pbx").at(6).press()
    story.at(7).sip("INVITE", "device", "pbx", call="c9", to_tag="", profile="RTP/AVP")
    found = monitor(story.timeline, LATER, LATER)
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} & {"OUT-06"} == set()


def rung(lasting, *, signs=((180, 0.0),), timeout=3, press=None, media=None):
    """A contact rings for so long (s) before it is given up; its signs are statuses and when they came."""
    story = Story()
    settings = {"call_number": "1", "further_numbers": [], "call_timeout": timeout}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    story.at(1).press()
    story.at(2).sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP", uri="sip:1@pbx")
    for status, after in signs:
        story.at(2 + after).sip("INVITE", "pbx", "device", status=status, profile=media)
    if press is not None:
        story.at(2 + press).press()
    story.at(2 + lasting).sip("CANCEL", "device", "pbx", to_tag="")
    story.sip("INVITE", "pbx", "device", status=487)
    return {finding.requirement for finding in given_up_when_due(story.timeline)}


def test_a_contact_rings_for_the_call_timeout_and_no_longer():
    assert rung(3.0) == set()
    assert rung(3.7) == set()  # a tenth, and the tolerance
    assert rung(4.0) == {"OUT-03"}
    assert rung(4.0, timeout=4) == set()


def test_its_time_begins_when_it_is_called():
    assert rung(4.5, signs=((180, 1.0),)) == set()
    assert rung(4.5, signs=((183, 0.0), (180, 1.0))) == set()
    assert rung(4.5, signs=((180, 0.0), (180, 1.0))) == {"OUT-03"}
    assert rung(4.5, signs=((100, 0.0),)) == set()


def test_early_media_and_a_press_are_reasons():
    assert rung(4.5, media="RTP/AVP") == set()
    assert rung(4.5, press=1.0) == set()


def unheard(*then, timeout=1, contacts=("1", "2"), closed=90.0):
    """A press, a call that nothing comes back to, and what follows, each at its second."""
    story = Story()
    settings = {"call_number": contacts[0], "further_numbers": contacts[1:], "call_timeout": timeout}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    story.press().at(1).sip("INVITE", "device", "9", call="c1", to_tag="", profile="RTP/AVP", uri="sip:1@x")
    for second, happens in then:
        happens(story.at(second))
    found = monitor(story.timeline, START + closed, START + closed + 1, {"passed on in time"})
    return {j.requirement for j in found if j.verdict is Verdict.FAIL}


def the_next(story):
    story.sip("INVITE", "device", "pbx", call="c2", to_tag="", profile="RTP/AVP", uri="sip:2@x")
    story.sip("INVITE", "pbx", "device", status=486, call="c2")


def trying(story):
    story.sip("INVITE", "9", "device", status=100, call="c1", to_tag="")


def test_a_contact_of_whom_nothing_is_heard_is_passed_on_from():
    assert unheard() == {"OUT-02"}
    assert unheard((80, the_next)) == set(), "that it comes late is another rule's affair"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (lambda: unheard((2.5, the_next)), "after the call timeout"),
        (lambda: unheard((33.5, the_next)), "after as long as a transaction may take (RFC 3261 §17.1.1.2)"),
        (lambda: unheard((1.5, trying)), "somebody is there, who can be cancelled"),
        (lambda: unheard(contacts=("1",)), "there is no other contact"),
        (lambda: unheard(timeout=80), "the call timeout is not over"),
        (lambda: unheard(closed=30.0), "the scenario is"),
        (lambda: unheard((9, lambda story: story.press())), "a press may give it up"),
        (lambda: unheard((9, lambda story: story.taken("c3"))), "somebody calls the device"),
    ],
)
def test_a_device_may_wait_for_whom_nothing_is_heard_of(told, why):
    assert told() == set(), why


@pytest.mark.parametrize(
    ("transport", "ports", "spoken", "broken"),
    [
        ("TCP", (5001, 5002), False, set()),
        ("TLS", (5001, 5002), False, set()),
        ("TCP", (5001, 5001), False, {"OUT-02"}),
        ("TCP", (5001, 5002), True, {"OUT-02"}),
        ("UDP", (5001, 5002), False, {"OUT-02"}),
    ],
)
@pytest.mark.parametrize("rang", [0, 1])
def test_a_connection_that_may_have_broken_ended_its_call(transport, ports, spoken, broken, rang):
    """RFC 3261 §17.1.4, §8.1.3.1: that counts as 503, and the next contact is called over another one."""
    story = Story()
    settings = {"call_number": "1", "further_numbers": ["2"], "call_timeout": 9}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    told = Story().at(0.5).press()
    for number in (1, 2):
        told.at(number).sip("INVITE", "device", "pbx", call=f"c{number}", to_tag="", uri=f"sip:{number}@pbx")
        told.sip("INVITE", "pbx", "device", status=100 if number > rang else 180, call=f"c{number}")
    if spoken:
        told.sip("INVITE", "pbx", "device", status=180, call="c1")
    told.sip("INVITE", "pbx", "device", status=486, call="c2").sip("ACK", "device", "pbx", call="c2")
    for observation in told.timeline:
        content = observation.content
        if isinstance(content, SipMessageSeen):
            ends = f"127.0.0.30:{ports[int(content.call_id[1]) - 1]}", "127.0.0.1:5060"
            source, destination = ends if content.sender == "device" else ends[::-1]
            over = {"transport": transport, "source": source, "destination": destination}
            content = content.model_copy(update=over)
        story.timeline.append(observation.witness, content, observation.time)
    found = monitor(story.timeline, LATER, LATER)
    never_cancelled = {"OUT-03"} if broken and (rang or spoken) else set()
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} & ROWS == broken | never_cancelled
