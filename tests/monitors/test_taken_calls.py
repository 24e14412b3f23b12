"""Whom a device lets in: held against the settings of that moment, whichever scenario made the call."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.monitors.taken_calls import last_unshown
from intercom_hil.spec.timing import Timing
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured, Declared, ScreenText
from tests.judge.story import START, Story

LATER = START + 60
ROWS = {"CFG-01", "INC-02", "INC-03", "INC-04", "INC-07"}
LIST = ["3410", "sip:Guard@office:5070"]


class Door(Story):
    """A device with settings, that is called."""

    def __init__(self, **changes):
        super().__init__()
        self.configured(enabled=True, allow_incoming=True, permitted_callers=LIST)
        self.configured(**changes)

    def configured(self, **changes):
        if changes:
            self.timeline.append(Witness.PORTAL, Configured(settings=changes, accepted=True), self._time())
        return self

    def called(self, caller, status, *, by="pbx", call="c1", raw="", **offer):
        self.sip("INVITE", by, "device", call=call, to_tag="", caller=caller, raw=raw, **offer)
        self.sip("INVITE", "device", by, status=status, call=call, caller=caller)
        return self.sip("ACK", by, "device", call=call, caller=caller)

    def shows(self, text):
        self.timeline.append(Witness.CONSOLE, ScreenText(text=text), self._time())
        return self

    def broken(self):
        found = monitor(self.timeline, LATER, LATER)
        return {j.requirement for j in found if j.verdict is Verdict.FAIL} & ROWS


@pytest.mark.parametrize(
    "caller",
    ["sip:3410@pbx", "sip:%33410@pbx", "sip:3410@elsewhere;user=phone", "sip:Guard@office:5070"],
)
def test_who_is_on_the_list_may_be_let_in(caller):
    assert Door().called(caller, 200).broken() == set()


@pytest.mark.parametrize("caller", ["sip:34101@pbx", "sip:341@pbx", "sip:guard@office:5070", "sip:pbx"])
def test_a_number_that_is_not_on_the_list_is_let_in(caller):
    assert Door().called(caller, 200).broken() == {"INC-03"}


def test_a_stranger_gets_round_the_list_past_the_server():
    assert Door().called("sip:9@here", 200, by="3411").broken() == {"INC-07"}


@pytest.mark.parametrize("name", ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"])
def test_what_a_server_asserts_may_be_believed(name):
    asserted = f"INVITE sip:d@d SIP/2.0\r\n{name}: <sip:3410@pbx>\r\n\r\n"
    assert Door().called("sip:9@pbx", 200, raw=asserted).broken() == set()


def test_an_empty_list_is_open():
    assert Door(permitted_callers=[]).called("sip:9@pbx", 200).broken() == set()


def test_the_list_is_the_one_that_is_in_force():
    taken_off = Door().at(5).configured(permitted_callers=["7"]).at(20).called("sip:3410@pbx", 200)
    assert taken_off.broken() == {"INC-03"}
    # While it is changed it may be either.
    assert (
        Door().at(5).called("sip:3410@pbx", 200).at(4).configured(permitted_callers=["7"]).broken() == set()
    )
    assert Door().at(5).called("sip:7@pbx", 200).at(4).configured(permitted_callers=["7"]).broken() == set()


@pytest.mark.parametrize(
    ("off", "row"), [({"allow_incoming": False}, "INC-04"), ({"enabled": False}, "CFG-01")]
)
def test_what_is_switched_off_takes_no_call(off, row):
    assert Door(**off).called("sip:3410@pbx", 200).broken() == {row}
    assert Door(**off).called("sip:3410@pbx", 480).broken() == set()


def test_without_settings_nothing_is_said():
    story = Story().taken()
    assert {j.requirement for j in monitor(story.timeline, LATER, LATER)} & ROWS == set()


def test_a_free_device_is_not_busy():
    assert Door().called("sip:3410@pbx", 486).broken() == {"INC-02"}
    assert Door().called("sip:9@pbx", 486).broken() == set()  # a refusal like any other
    assert Door().called("sip:3410@pbx", 488).broken() == set()
    long_over = Door().called("sip:3410@pbx", 200).bye("pbx").at(30).called("sip:3410@pbx", 486, call="c2")
    assert long_over.broken() == {"INC-02"}
    next_comes_later = Door().called("sip:3410@pbx", 486).at(30).called("sip:3410@pbx", 200, call="c2")
    assert next_comes_later.broken() == {"INC-02"}
    in_a_call = Door().called("sip:3410@pbx", 200).called("sip:3410@pbx", 486, call="c2")
    assert in_a_call.broken() == set()
    just_over = Door().called("sip:3410@pbx", 200).bye("pbx").called("sip:3410@pbx", 486, call="c2")
    assert just_over.broken() == set()


@pytest.mark.parametrize(
    ("encryption", "offer", "rows"),
    [
        ("SRTP-only", {"profile": "RTP/AVP"}, set()),
        ("SRTP-only", {"profile": "RTP/SAVP", "keys": True}, {"INC-02"}),
        ("", {"profile": "RTP/SAVP", "keys": True}, set()),
        ("", {"profile": "RTP/AVP", "keys": True}, {"INC-02"}),
        ("RTP with Optional SRTP (Fallback Mode)", {"profile": "RTP/SAVP", "keys": True}, {"INC-02"}),
    ],
)
def test_a_call_that_cannot_be_protected_as_is_set_is_refused_with_any_status(encryption, offer, rows):
    assert Door(encryption=encryption).called("sip:3410@pbx", 486, **offer).broken() == rows


@pytest.mark.parametrize(("answer", "rows"), [(2.0, {"INC-02"}), (8.0, set())])
def test_the_screen_may_say_so_while_a_slow_device_is_about_to_answer(answer, rows):
    story = Door()
    declared = Declared(has=(), lacks=(), timing=Timing(answer=answer))
    story.timeline.append(Witness.BENCH, declared, START)
    story.at(5).shows("Incoming call answered").at(6.5).called("sip:3410@pbx", 200)
    assert story.broken() == rows


def test_the_screen_shows_an_answered_call_that_nobody_made():
    assert Door().at(5).called("sip:9@pbx", 403).shows("Incoming call answered").broken() == {"INC-02"}
    assert Door().at(5).called("sip:3410@pbx", 200).shows("Incoming call answered").broken() == set()
    assert Door().at(5).shows("Ready").broken() == set()
    assert Door().shows("Incoming call answered").broken() == set()  # of the scenario before
    over = Door().at(5).called("sip:3410@pbx", 200).bye("pbx").at(15)
    assert over.shows("Incoming call answered").broken() == {"INC-02"}


@pytest.mark.parametrize(
    ("last_taken", "rows"), [(0.0, {"INC-02"}), (START - 1.5, set()), (START - 3, {"INC-02"}), (None, set())]
)
def test_the_screen_may_be_late_with_a_call_that_was_taken_in_an_earlier_scenario(last_taken, rows):
    story = Door()
    story.timeline.append(Witness.BENCH, Declared(has=(), lacks=(), last_taken=last_taken), START)
    story.at(0.3).called("sip:9@pbx", 403).shows("Incoming call answered")
    assert story.broken() == rows


def test_each_call_explains_the_screen_while_it_is_up_and_once_if_that_is_late():
    story = Door().at(5).called("sip:3410@pbx", 200).shows("Incoming call answered")
    story.shows("Incoming call answered").bye("pbx")
    assert last_unshown(story.timeline) == 0.0
    assert story.broken() == set()
    story.called("sip:9@pbx", 403, call="c2").shows("Incoming call answered")
    assert story.broken() == {"INC-02"}


def test_a_screen_that_is_late_is_owed_to_the_next_scenario():
    story = Door().at(5).called("sip:3410@pbx", 200).bye("pbx")
    assert last_unshown(story.timeline) > START
    story.at(6).shows("Incoming call answered")
    assert story.broken() == set()
    assert last_unshown(story.timeline) == 0.0


@pytest.mark.parametrize(
    ("caller", "status", "rows"),
    [
        ("sip:3410@pbx", 403, {"INC-03"}),
        ("sip:3410@pbx", 603, {"INC-03"}),
        ("sip:3410@pbx", 480, set()),  # not there: for a reason of its own
        ("sip:3410@elsewhere", 403, set()),
        ("sip:9@pbx", 403, set()),
        ("sip:Guard@office:5070", 403, set()),  # whose server may have given it another name
    ],
)
def test_a_permitted_caller_is_let_in(caller, status, rows):
    at = {"server_address": "pbx", "extension": "3401"}
    assert Door(**at).at(5).called(caller, status, uri="sip:3401@device").broken() == rows


@pytest.mark.parametrize("first", [200, 403])
def test_another_call_long_before_or_after_explains_nothing(first):
    at = {"server_address": "pbx", "extension": "3401"}
    story = Door(**at).at(5).called("sip:3410@pbx", first, uri="sip:3401@device")
    if first == 200:
        story.bye("pbx")
    story.at(30).called("sip:3410@pbx", {200: 403, 403: 200}[first], call="c2", uri="sip:3401@device")
    assert story.broken() == {"INC-03"}


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        ({}, {"INC-03"}),
        ({"allow_incoming": False}, set()),
        ({"permitted_callers": []}, set()),
        ({"extension": "7"}, set()),
        ({"encryption": "SRTP-only"}, set()),
    ],
)
def test_who_may_be_turned_away(more, rows):
    at = {"server_address": "pbx", "extension": "3401", **more}
    story = Door(**at).at(5).called("sip:3410@pbx", 403, uri="sip:3401@device", profile="RTP/AVP")
    assert story.broken() == rows


def rings(seconds, *, busy=False, by="pbx"):
    """A permitted call that rings, and that its caller gives up after so many seconds."""
    story = Door(server_address="pbx", extension="3401").at(5)
    if busy:
        story.called("sip:3410@pbx", 200, call="c0")
    story.sip("INVITE", by, "device", to_tag="", caller="sip:3410@pbx", uri="sip:3401@device")
    story.sip("INVITE", "device", by, status=180)
    story.at(story.clock + seconds).sip("CANCEL", by, "device", to_tag="")
    return story.sip("INVITE", "device", by, status=487).broken()


def test_a_permitted_call_is_answered_in_time():
    assert rings(4.0) == {"INC-02"}
    assert rings(2.0) == set()
    assert rings(4.0, busy=True) == set()
    assert rings(4.0, by="3410") == set()  # who calls straight may be a stranger


def shown_of(*texts):
    """Calls that are taken one after the other, each with what the screen shows of it."""
    story = Door()
    for number, text in enumerate(texts):
        call = f"c{number}"
        story.at(10 * number + 5).called("sip:3410@pbx", 200, call=call)
        if text:
            story.shows(text)
        story.at(10 * number + 8).bye("pbx", call=call)
    return story.broken()


def test_the_screen_shows_each_call_that_is_taken():
    answered = "Incoming call answered"
    assert shown_of(answered, answered) == set()
    assert shown_of(answered, None) == {"INC-02"}
    assert shown_of(None, answered) == {"INC-02"}
    assert shown_of(None, None) == set()  # nothing is known of what reports the screen
    assert shown_of("Ready", "Ready") == set()
