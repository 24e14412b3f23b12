"""What a press led to: the events that are owed for it, and a call that is given up too early."""

import pytest

from intercom_hil.judge.expected_events import missing_events
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured
from tests.judge.story import START, Story

LATER = START + 3600
TIMEOUT = 3


class Door(Story):
    """A device with two contacts, whose button is pressed."""

    def __init__(self, **changes):
        super().__init__()
        settings = {"call_number": "1", "further_numbers": ["2"], "call_timeout": TIMEOUT}
        settings["encryption"] = str(Encryption.UNSET)
        self.configured(**(settings | changes)).at(5)

    def configured(self, **changes):
        self.timeline.append(Witness.PORTAL, Configured(settings=changes, accepted=True), self._time())
        return self

    def calls(self, number, status, *, rings=0.0, media=None, call=""):
        """Call a contact; 487 stands for a call that is cancelled after it has rung."""
        call = call or f"c{self.clock}"
        self.sip("INVITE", "device", "pbx", call=call, to_tag="", uri=f"sip:{number}@pbx")
        self.sip("INVITE", "pbx", "device", status=183 if media else 180, call=call, profile=media)
        self.at(self.clock + rings)
        if status == 487:
            self.sip("CANCEL", "device", "pbx", call=call, to_tag="")
        self.sip("INVITE", "pbx", "device", status=status, call=call)
        return self.sip("ACK", "device", "pbx", call=call)

    def owed(self):
        """The rows of the events that are missing when the device logs nothing at all."""
        return {missing.kind.requirement for missing in missing_events(self.timeline, LATER)}

    def broken(self, *rows):
        found = monitor(self.timeline, LATER, LATER)
        return {j.requirement for j in found if j.verdict is Verdict.FAIL} & {*rows}


def test_each_failure_and_the_end_of_the_list_are_owed():
    story = Door().press().calls("1", 486).calls("2", 487, rings=TIMEOUT)
    assert story.owed() == {"EVT-01", "EVT-03", "EVT-05"}
    story.event("outgoing_call_initiated").event("outgoing_call_failure", failure="busy")
    assert story.broken("EVT-01", "EVT-03", "EVT-05") == {"EVT-03", "EVT-05"}
    story.event("outgoing_call_failure", failure="no answer").event("outgoing_call_contact_failure")
    assert story.broken("EVT-01", "EVT-03", "EVT-05") == set()


@pytest.mark.parametrize(
    "story",
    [
        Door().press().calls("1", 486),  # one contact is left
        Door().press().calls("1", 486).calls("2", 503),  # which may be called again
        Door().press().calls("1", 486).calls("2", 302),
        Door(encryption=str(Encryption.FALLBACK)).press().calls("1", 486).calls("2", 486),
        Door().press().calls("1", 486).configured(call_number="7").calls("2", 486),
    ],
    ids=["contact left", "try again", "redirected", "fallback", "reconfigured"],
)
def test_the_end_of_the_list_is_not_owed_where_there_may_be_more_to_come(story):
    assert "EVT-05" not in story.owed()


@pytest.mark.parametrize(
    "story",
    [
        Door().press().calls("1", 503).calls("1", 200),  # tried anew: one call
        Door().press().calls("1", 488).calls("1", 200),
        Door().press().calls("1", 488).calls("%31", 200),  # RFC 3261 §19.1.4
        Door().press().calls("1", 487, rings=1),  # given up by hand, say
        Door().press().calls("1", 401),
    ],
    ids=["again after 503", "again in clear", "spelled otherwise", "given up early", "challenged"],
)
def test_a_failure_is_not_owed_where_none_has_been_seen(story):
    assert "EVT-03" not in story.owed()


def test_an_attempt_is_owed_for_each_press_of_an_idle_device():
    story = Door().press().calls("1", 486).calls("2", 486).at(30).press().calls("1", 486)
    story.event("outgoing_call_initiated")
    assert "EVT-01" in story.owed()
    at_once = Door().press().calls("1", 486).calls("2", 486).press().calls("1", 486)
    assert "EVT-01" in at_once.event("outgoing_call_initiated").owed()
    ignored = Door().press().calls("1", 486).press().calls("2", 486).event("outgoing_call_initiated")
    assert "EVT-01" not in ignored.owed()  # the device may go on with its list


def test_the_press_that_ends_a_call_begins_none():
    story = Door().press().event("outgoing_call_initiated").calls("1", 200, call="c1").at(10).press()
    story.bye("device")
    assert story.broken("EVT-11") == set()
    story.event("outgoing_call_initiated")
    assert story.broken("EVT-11") == {"EVT-11"}


def test_a_call_is_given_up_too_early():
    assert Door().press().calls("1", 487, rings=1.5).broken("OUT-03") == {"OUT-03"}
    # The second contact has all of its time, too.
    later = Door().press().calls("1", 487, rings=TIMEOUT).calls("2", 487, rings=0.5)
    assert later.broken("OUT-03") == {"OUT-03"}


@pytest.mark.parametrize(
    "story",
    [
        Door().press().calls("1", 487, rings=TIMEOUT - 0.3),
        Door().press().at(6.5).calls("1", 487, rings=1.5),  # it counts from the press
        Door().press().calls("1", 488).at(7).calls("1", 487, rings=1.5),  # it counts for both tries
        Door().press().calls("1", 488).at(7).calls("%31", 487, rings=1.5),
        Door().press().calls("1", 487, rings=1, media="RTP/AVP"),  # early media that it may not take
        Door().press().calls("1", 487, rings=1).at(5.5).configured(call_timeout=1),
    ],
    ids=["tolerance", "from the press", "tried anew", "spelled otherwise", "early media", "reconfigured"],
)
def test_a_call_may_be_given_up(story):
    assert story.broken("OUT-03") == set()


def test_whoever_else_is_called_is_given_up_when_one_has_answered():
    story = Door().press().sip("INVITE", "device", "pbx", call="a", to_tag="", uri="sip:1@pbx")
    story.sip("INVITE", "pbx", "device", status=200, call="a", profile="RTP/AVP")
    story.sip("ACK", "device", "pbx", call="a").calls("2", 487, rings=0.1)
    assert story.broken("OUT-02", "OUT-03") == {"OUT-02"}


def test_a_press_gives_a_call_up():
    story = Door().press()
    story.sip("INVITE", "device", "pbx", to_tag="", uri="sip:1@pbx")
    story.sip("INVITE", "pbx", "device", status=180).at(6).press()
    story.sip("CANCEL", "device", "pbx", to_tag="").sip("INVITE", "pbx", "device", status=487)
    assert story.broken("OUT-03") == set()
    assert "EVT-03" not in story.owed()
