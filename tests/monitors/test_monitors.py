"""Each monitor passes a device that keeps its rule, and names the one requirement that another breaks."""

from itertools import zip_longest

import pytest

from intercom_hil.judge.expected_events import missing_events
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, MalformedSip, MediaLine
from tests.judge.story import START, Story
from tests.monitors.telling import seen

LATER = START + 3600


def broken(story):
    return {j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.FAIL}


def hung_up_by_both(after, *events, placed=False):
    """A call that the other side ends, and the device so many seconds later by itself; what it logs."""
    name = "c1" if placed else "c2"
    story = good_outgoing_beginning() if placed else Story().taken().event("incoming_call_received")
    story.at(3).press()
    story.at(3.5).sip("BYE", "pbx", "device", call=name, cseq=2)
    story.at(3.49 + after).sip("BYE", "device", "pbx", call=name, cseq=2)
    for event in events:
        story.event(event)
    return broken(story)


@pytest.mark.parametrize(
    ("after", "event", "placed", "rows"),
    [
        (0.05, "incoming_call_local_hangup", False, set()),
        (0.05, "incoming_call_remote_hangup", False, set()),
        (0.05, "incoming_call_failure", False, set()),
        (0.05, None, True, set()),
        (0.05, "outgoing_remote_hangup", True, set()),
        (0.5, "incoming_call_local_hangup", False, {"EVT-09", "EVT-11"}),
        (0.5, None, True, {"EVT-04"}),
    ],
)
def test_who_hangs_up_as_the_other_side_does_logs_either(after, event, placed, rows):
    """RFC 3261 §15: two BYEs that cross are both lawful, and either may be told as what ended the call."""
    assert hung_up_by_both(after, *([event] if event else []), placed=placed) == rows


def held(story):
    return {j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.PASS}


def good_outgoing_beginning():
    story = Story().press().event("outgoing_call_initiated").placed()
    return story.event("outgoing_call_established")


def good_outgoing_call():
    return good_outgoing_beginning().bye("pbx").event("outgoing_remote_hangup")


def good_incoming_call():
    return (
        Story().taken().event("incoming_call_received").bye("pbx", "c2").event("incoming_call_remote_hangup")
    )


@pytest.mark.parametrize("story", [good_outgoing_call(), good_incoming_call()], ids=["placed", "taken"])
def test_a_faithful_log_breaks_nothing(story):
    assert broken(story) == set()
    assert {"EVT-11", "EVT-12"} <= held(story)


def test_nothing_to_judge_is_no_pass():
    assert monitor(Story().press().timeline, LATER, LATER) == []


@pytest.mark.parametrize(
    ("leave_out", "requirement"),
    [
        ("outgoing_call_initiated", "EVT-01"),
        ("outgoing_call_established", "EVT-02"),
        ("outgoing_remote_hangup", "EVT-04"),
    ],
)
def test_an_event_missing_from_a_placed_call_breaks_its_own_row_alone(leave_out, requirement):
    story = Story().press()
    for name, happen in (
        ("outgoing_call_initiated", lambda: story.placed()),
        ("outgoing_call_established", lambda: story.bye("pbx")),
        ("outgoing_remote_hangup", lambda: None),
    ):
        if name != leave_out:
            story.event(name)
        happen()
    assert broken(story) == {requirement}


@pytest.mark.parametrize(
    ("status", "ender", "logged", "requirement"),
    [
        (200, "pbx", ["incoming_call_remote_hangup"], "EVT-07"),
        (200, "pbx", ["incoming_call_received"], "EVT-09"),
        (200, "device", ["incoming_call_received"], "EVT-08"),
        (200, "press", ["incoming_call_received"], "EVT-10"),
        (403, None, [], "EVT-06"),
        (603, None, [], "EVT-06"),
    ],
)
def test_an_event_missing_from_a_taken_call_breaks_its_own_row_alone(status, ender, logged, requirement):
    story = Story().taken(status=status)
    if ender == "press":
        story.press()
    if ender:
        story.bye("pbx" if ender == "pbx" else "device", "c2")
    for name in logged:
        story.event(name)
    assert broken(story) == {requirement}
    assert [m.kind.requirement for m in missing_events(story.timeline, LATER)] == [requirement]


@pytest.mark.parametrize("status", [403, 480, 486, 488, 500, 503, 600, 603, 606])
def test_which_status_refuses_a_call_is_the_devices_own_choice(status):
    refused = Story().taken(status=status)
    assert broken(refused) == {"EVT-06"}
    assert broken(refused.event("incoming_call_rejected")) == set()
    assert "EVT-11" in broken(refused.event("incoming_call_rejected"))


@pytest.mark.parametrize("status", [400, 404, 410, 416, 420, 482, 604])
def test_a_request_that_was_misunderstood_or_misdirected_may_be_logged_and_need_not(status):
    assert broken(Story().taken(status=status)) == set()
    assert broken(Story().taken(status=status).event("incoming_call_rejected")) == set()


@pytest.mark.parametrize("status", [401, 407, 302])
def test_a_challenge_or_redirection_is_no_refusal(status):
    assert broken(Story().taken(status=status)) == set()


def test_a_call_that_its_caller_gave_up_was_not_refused():
    story = Story().sip("INVITE", "pbx", "device", call="c2", to_tag="")
    story.sip("CANCEL", "pbx", "device", call="c2")
    story.sip("INVITE", "device", "pbx", status=487, call="c2").sip("ACK", "pbx", "device", call="c2")
    assert broken(story) == set()
    assert "EVT-11" in broken(story.event("incoming_call_rejected"))


@pytest.mark.parametrize("status", [480, 486, 600, 503])
def test_a_device_in_another_call_owes_no_rejection_event(status):
    story = good_outgoing_call() if status == 480 else Story().taken("c1").event("incoming_call_received")
    assert broken(story.taken("c2", status=status)) == set()
    assert broken(story.event("incoming_call_rejected")) == set()


@pytest.mark.parametrize("times", [1, 2])
def test_a_device_may_log_what_it_does_before_it_is_seen_on_the_wire(times):
    """The scenario was over before the refusal came: its caller had given up just then."""
    story = Story().sip("INVITE", "pbx", "device", call="c2", to_tag="", profile="RTP/AVP")
    for _ in range(times):
        story.event("incoming_call_rejected")
    settled = story.timeline[-1].time
    story.sip("CANCEL", "pbx", "device", call="c2")
    story.sip("INVITE", "device", "pbx", status=603, call="c2").sip("ACK", "pbx", "device", call="c2")
    failed = {j.requirement for j in monitor(story.timeline, settled, settled) if j.verdict is Verdict.FAIL}
    assert failed == ({"EVT-11"} if times == 2 else set())


@pytest.mark.parametrize("logged", ["outgoing_call_established", "outgoing_call_failure"])
def test_a_device_that_takes_a_careless_answer_for_one_logs_truly_what_it_did(logged):
    """That it speaks in clear where it may not breaks ENC-07; its log is right all the same."""
    story = Story().press().event("outgoing_call_initiated").placed(offer="RTP/SAVP", answer="RTP/AVP")
    assert broken(story.event(logged)) == set()
    story.bye("pbx")
    if logged == "outgoing_call_established":
        assert broken(story.event("outgoing_remote_hangup")) == set()


def test_an_incoming_call_that_was_never_acknowledged_may_be_logged_as_failed():
    story = Story().sip("INVITE", "pbx", "device", call="c2", to_tag="", profile="RTP/AVP")
    story.sip("INVITE", "device", "pbx", status=200, call="c2", profile="RTP/AVP")
    story.event("incoming_call_received").bye("device", "c2").event("incoming_call_failure")
    assert broken(story) == set()


def test_an_event_outside_the_catalogue_breaks_only_evt_11():
    assert broken(good_outgoing_call().event("outgoing_call_teleported")) == {"EVT-11"}


@pytest.mark.parametrize(
    "twice", ["outgoing_call_established", "outgoing_remote_hangup", "outgoing_call_initiated"]
)
def test_an_event_written_twice_for_one_cause_breaks_evt_11(twice):
    assert "EVT-11" in broken(good_outgoing_call().event(twice))


def test_a_wrong_screen_name_breaks_the_row_of_the_event():
    story = Story().press().event("outgoing_call_initiated", screen="Calling").placed()
    assert broken(story.event("outgoing_call_established")) == {"EVT-01"}


def test_events_out_of_order_break_evt_12():
    story = Story().press().placed().event("outgoing_call_established").event("outgoing_call_initiated")
    assert broken(story) == {"EVT-12"}


@pytest.mark.parametrize(
    ("event", "verdicts"),
    [
        ("incoming_call_remote_hangup", {Verdict.INCONCLUSIVE}),
        ("incoming_call_received", {Verdict.INCONCLUSIVE}),
        ("outgoing_call_initiated", {Verdict.FAIL}),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_an_event_may_have_its_cause_in_what_could_not_be_read(event, verdicts, count):
    """A press is no message; and one message that could not be read is the cause of one event at most."""
    unreadable = MalformedSip(
        source="127.0.0.2:5060",
        destination="127.0.0.30:5060",
        sender="3410",
        receiver="device",
        problem="no SIP start line",
        raw_hex=b"BYE  SIP/2.0\r\n\r\n".hex(),
    )
    story = good_incoming_call().at(4)
    seen(unreadable)(story)
    for _ in range(count):
        story.event(event)
    found = monitor(story.timeline, LATER, LATER)
    excused = verdicts if count == 1 else {Verdict.FAIL}
    assert {j.verdict for j in found if j.requirement == "EVT-11"} - {Verdict.PASS} == excused


def test_a_failure_after_the_answer_breaks_evt_12():
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    story.placed("c9", status=486).event("outgoing_call_failure", failure="busy")
    assert broken(story) == {"EVT-12"}


def test_a_failure_without_a_failed_call_breaks_evt_11():
    story = Story().press().event("outgoing_call_initiated").placed(status=486)
    story.event("outgoing_call_failure", failure="busy").event("outgoing_call_failure", failure="busy")
    assert broken(story) == {"EVT-11"}


def test_an_unreachable_contact_needs_no_trace_on_the_wire():
    story = (
        Story().press().event("outgoing_call_initiated").event("outgoing_call_failure", failure="unreachable")
    )
    assert broken(story.event("outgoing_call_contact_failure")) == set()


def test_a_list_is_exhausted_once_for_a_press():
    story = Story().press().event("outgoing_call_initiated").placed(status=486)
    story.event("outgoing_call_failure", failure="busy").event("outgoing_call_contact_failure")
    assert broken(story) == set()
    assert broken(story.event("outgoing_call_contact_failure")) == {"EVT-11"}


def test_a_secure_attempt_that_was_answered_in_clear_is_no_established_call():
    story = (
        Story().press().event("outgoing_call_initiated").placed("c1", offer="RTP/SAVP").bye("device", "c1")
    )
    story.placed("c2").event("outgoing_call_established")
    assert broken(story) == set()


@pytest.mark.parametrize("damage", [{"rejected": 3}, {"rejected": 3, "plain": 3}])
def test_one_packet_that_does_not_authenticate_breaks_enc_11(damage):
    assert broken(Story().media(**damage)) == {"ENC-11"}


def test_clean_srtp_holds_enc_11_and_other_peoples_media_are_not_the_devices():
    assert held(Story().media()) == {"ENC-11"}
    assert monitor(Story().media(sender="pbx", rejected=5).timeline, LATER, LATER) == []
    assert monitor(Story().media(protection="plain").timeline, LATER, LATER) == []


@pytest.mark.parametrize("account", [{"authenticated": 0}, {"authenticated": 49}, {"unproved": "DTLS"}])
def test_srtp_of_which_not_every_packet_is_proved_neither_holds_nor_breaks_enc_11(account):
    verdicts = [j.verdict for j in monitor(Story().media(**account).timeline, LATER, LATER)]
    assert verdicts == [Verdict.INCONCLUSIVE]
    assert broken(Story().media(**account, rejected=1)) == {"ENC-11"}


def test_what_happens_after_the_end_is_not_judged():
    story = good_outgoing_call().at(5000).event("outgoing_call_teleported")
    assert broken(story) == set()


def test_an_event_still_on_its_way_when_the_scenario_ends_is_not_missing():
    story = Story().press().event("outgoing_call_initiated").placed()
    closed = START + story.clock
    story.event("outgoing_call_established")
    assert {
        j.requirement for j in monitor(story.timeline, closed, LATER) if j.verdict is Verdict.FAIL
    } == set()


def test_what_happens_after_the_scenario_may_be_logged_and_need_not():
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    closed = START + story.clock
    story.bye("pbx")
    assert all(j.verdict is Verdict.PASS for j in monitor(story.timeline, closed, LATER))
    story.event("outgoing_remote_hangup")
    assert all(j.verdict is Verdict.PASS for j in monitor(story.timeline, closed, LATER))


VIDEO = MediaLine(media="video", address="127.0.0.1", port=4002, profile="RTP/AVP", crypto_suites=())
CONTRADICTIONS = {
    "event_log": ("EVT-11", lambda story: story.event("outgoing_call_initiated")),
    "video": ("VID-04", lambda story: story.sip("INVITE", "device", "pbx", media=(VIDEO,))),
    "srtp": ("ENC-11", lambda story: story.sip("INVITE", "device", "pbx", profile="RTP/SAVP", keys=True)),
    "session_timer": (
        "EVT-08",
        lambda story: story.sip("INVITE", "device", "pbx", status=200, raw="SIP/2.0 200 OK\r\nx: 90\r\n\r\n"),
    ),
}


def unclear(story):
    return {j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("capability", CONTRADICTIONS)
def test_a_device_that_shows_what_it_is_declared_to_lack_is_told_of(capability):
    requirement, shows = CONTRADICTIONS[capability]
    assert requirement in unclear(shows(Story().declared(capability)))
    others = CONTRADICTIONS.keys() - {capability}
    assert requirement not in unclear(shows(Story().declared(*others)))


def test_session_timers_of_the_other_side_contradict_nothing():
    story = Story().declared("session_timer")
    story.sip("INVITE", "pbx", "device", raw="INVITE sip:x SIP/2.0\r\nSession-Expires: 90\r\n\r\n")
    assert unclear(story) == set()


def test_a_log_that_cannot_be_read_owes_no_events():
    call = Story().press().placed().bye("pbx")
    assert {"EVT-01", "EVT-02", "EVT-04"} <= broken(call)
    unread = Story().declared("event_log").press().placed().bye("pbx")
    assert broken(unread) == set()


@pytest.mark.parametrize(
    ("early", "rows"),
    [
        ("", set()),
        ("outgoing_call_established", {"EVT-02"}),
        ("outgoing_remote_hangup", {"EVT-04"}),
    ],
)
def test_what_the_other_side_does_is_logged_when_it_has_done_so(early, rows):
    story = Story().press().event("outgoing_call_initiated")
    steps = {"outgoing_call_established": story.placed, "outgoing_remote_hangup": lambda: story.bye("pbx")}
    for kind, happens in steps.items():
        if kind == early:
            story.event(kind)
        story.at(story.clock + 1)
        happens()
        if kind != early:
            story.event(kind)
    assert broken(story) == rows


@pytest.mark.parametrize(
    ("statuses", "named", "rows"),
    [
        ((486, 603), ("busy", "declined"), set()),
        ((603, 486), ("busy", "declined"), set()),
        ((486, 603), ("busy", "busy"), {"EVT-13"}),
        ((404,), ("declined",), {"EVT-13"}),
        ((404,), ("unreachable",), set()),
        ((480,), ("declined",), set()),
        ((503, 404), ("not found", "not found"), set()),
        ((487,), ("no answer",), set()),
        ((401,), ("declined",), set()),
        ((486,), ("no answer",), {"EVT-13"}),
        ((500,), ("busy",), set()),  # a status for which no kind stands may be named in any way
        ((486, 200), ("declined",), {"EVT-13"}),  # who was called afterwards, and answered, explains nothing
    ],
)
def test_failures_are_of_the_kinds_of_the_calls_that_failed(statuses, named, rows):
    story = Story().press().event("outgoing_call_initiated")
    for number, (status, kind) in enumerate(zip_longest(statuses, named)):
        story.placed(f"c{number}", status=status)
        if kind:
            story.event("outgoing_call_failure", failure=kind)
    assert broken(story) & {"EVT-13"} == rows


@pytest.mark.parametrize(
    ("status", "reason", "named", "rows"),
    [
        (603, 'Q.850 ;text="User busy; x, y" ;Cause=17', "busy", set()),
        (603, "SIP;cause=486, Q.850;cause=21", "busy", set()),
        (404, "q.850;cause=19", "no answer", set()),
        (603, "Q.850;cause=21", "busy", {"EVT-13"}),
        (486, "Q.850;cause=17", "not found", {"EVT-13"}),
        (486, "X;cause=1", "not found", {"EVT-13"}),
        (486, "Q.850;cause=", "not found", {"EVT-13"}),
    ],
)
def test_a_failure_may_be_told_by_the_reason_beside_its_status(status, reason, named, rows):
    """RFC 3326, RFC 6432: 603 is how a server passes on that somebody is busy, and says so."""
    story = Story().press().event("outgoing_call_initiated")
    story.sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP")
    raw = (
        f"SIP/2.0 {status} No\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:c@d>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nReason: {reason}\r\n\r\n"
    )
    story.sip("INVITE", "pbx", "device", status=status, raw=raw).sip("ACK", "device", "pbx")
    assert broken(story.event("outgoing_call_failure", failure=named)) & {"EVT-13"} == rows


def called_by(story, caller, call):
    story.sip("INVITE", "pbx", "device", call=call, to_tag="", caller=caller)
    story.sip("INVITE", "device", "pbx", status=200, call=call, caller=caller)
    story.sip("ACK", "pbx", "device", call=call, caller=caller)


@pytest.mark.parametrize(
    ("details", "rows"),
    [
        (("sip:3410@pbx", "sip:3411@pbx"), set()),
        (("sip:3411@pbx", "sip:3411@pbx"), {"EVT-07"}),
        (("sip:3410@pbx", "sip:3410@pbx"), {"EVT-07"}),
        (("", "caller 3411"), set()),
        (("call 34100", "34110 seconds"), set()),
        (("3410 for 3411", "3411 after 3410"), set()),
    ],
)
def test_an_event_names_the_other_side_of_its_own_call(details, rows):
    story = Story()
    for number, text in enumerate(details):
        caller, call = f"sip:341{number}@pbx", f"c{number}"
        called_by(story.at(5 * number + 1), caller, call)
        story.event("incoming_call_received", details=text).bye("pbx", call=call)
    # Of calls that come when the scenario is over nothing need be in the log.
    called_by(story.at(70), "sip:3410@pbx", "later")
    found = monitor(story.timeline, START + 60, START + 60)
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} & {"EVT-07"} == rows


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        (("outgoing_call_failure", "outgoing_call_contact_failure"), set()),
        (("outgoing_call_contact_failure", "outgoing_call_failure"), {"EVT-12"}),
    ],
)
def test_the_list_is_exhausted_when_its_last_contact_has_failed(order, rows):
    story = Story().press().event("outgoing_call_initiated").placed(status=486)
    for name in order:
        story.event(name, failure="busy" if name == "outgoing_call_failure" else "")
    found = monitor(story.timeline, START + 60, START + 60)
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} & {"EVT-12"} == rows


def test_a_press_whose_call_is_not_logged_begins_another_list_all_the_same():
    story = Story().press().event("outgoing_call_initiated").placed(status=486)
    story.event("outgoing_call_failure", failure="busy").event("outgoing_call_contact_failure")
    story.at(5).press().placed(status=486, call="again").event("outgoing_call_failure", failure="busy")
    found = monitor(story.timeline, START + 60, START + 60)
    failed = {j.requirement for j in found if j.verdict is Verdict.FAIL}
    assert "EVT-01" in failed
    assert "EVT-12" not in failed


@pytest.mark.parametrize(("pressed", "rows"), [(True, set()), (False, {"EVT-12"})])
def test_a_failure_after_an_answer_may_be_of_the_next_press_whose_call_is_not_logged(pressed, rows):
    story = Story().press().event("outgoing_call_initiated").placed().event("outgoing_call_established")
    story.at(3)
    if pressed:
        story.press()
    story.at(4).event("outgoing_call_failure", failure="busy")
    found = monitor(story.timeline, START + 60, START + 60)
    assert {j.requirement for j in found if j.verdict is Verdict.FAIL} & {"EVT-12"} == rows


@pytest.mark.parametrize(("logged", "rows"), [(True, set()), (False, {"EVT-01"})])
def test_a_press_in_a_call_that_places_another_one_is_logged(logged, rows):
    story = Story().taken("c1").at(3).press().at(4).bye("pbx").at(5)
    if logged:
        story.event("outgoing_call_initiated")
    story.placed("c2", status=486)
    assert broken(story) & {"EVT-01"} == rows


def test_a_call_that_was_cancelled_before_the_press_is_not_given_up_by_it():
    story = Story()
    settings = {"call_number": "3410", "further_numbers": ["3411"], "call_timeout": 3}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    story.at(1).press().event("outgoing_call_initiated")
    story.sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP", uri="sip:3410@pbx")
    story.sip("INVITE", "pbx", "device", status=180)
    story.at(4).sip("CANCEL", "device", "pbx", to_tag="").sip("INVITE", "pbx", "device", status=487)
    story.at(5).press().event("outgoing_call_contact_failure")
    found = monitor(story.timeline, START + 60, START + 60)
    assert not [j for j in found if j.verdict is Verdict.FAIL and "gave up" in j.expected]


@pytest.mark.parametrize(
    ("further", "pressed", "rows"),
    [
        (["3411"], True, {"EVT-11"}),
        ([], True, set()),  # whether such a list is exhausted the page does not say
        (["3411"], False, set()),  # a device that calls nobody else breaks another rule
    ],
)
def test_a_list_with_contacts_left_is_not_exhausted_by_a_press(further, pressed, rows):
    story = Story()
    settings = {"call_number": "3410", "further_numbers": further, "call_timeout": 30}
    story.timeline.append(Witness.PORTAL, Configured(settings=settings, accepted=True), story._time())
    story.at(1).press().event("outgoing_call_initiated")
    story.sip("INVITE", "device", "pbx", to_tag="", profile="RTP/AVP", uri="sip:3410@pbx")
    story.sip("INVITE", "pbx", "device", status=180)
    story.at(3)
    if pressed:
        story.press()
    story.sip("CANCEL", "device", "pbx", to_tag="").sip("INVITE", "pbx", "device", status=487)
    story.event("outgoing_call_contact_failure")
    found = monitor(story.timeline, START + 60, START + 60)
    told = [j for j in found if j.verdict is Verdict.FAIL and "gave up" in j.expected]
    assert {j.requirement for j in told} == rows
