"""A device that floods its server is found out, once, and one that is merely busy is not."""

import pytest
from story import START, Story

from intercom_hil.judge.flood import MOST
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Configured

LATER = START + 3600


def broken(story):
    return [j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.FAIL]


def sends(method, count, *, apart, branches=None, sender="device"):
    story = Story()
    receiver = "pbx" if sender == "device" else "device"
    for number in range(count):
        branch = f"z9hG4bK{number % (branches or count)}"
        story.at(number * apart).sip(method, sender, receiver, call=branch, branch=branch)
    return story


@pytest.mark.parametrize(
    ("method", "requirement"), [("REGISTER", "REG-03"), ("OPTIONS", "REG-03"), ("INVITE", "OUT-02")]
)
def test_a_flood_is_told_once_and_of_the_row_that_it_breaks(method, requirement):
    story = sends(method, 104, apart=0.006)
    assert broken(story) == [requirement]
    # A capture file has no settings and no presses: there it is looked for by its name.
    (alone,) = monitor(story.timeline, LATER, LATER, ("flood",))
    assert alone.requirement == requirement


def test_a_device_that_keeps_asking_at_a_pace_is_none():
    assert broken(sends("REGISTER", 500, apart=1.1 / MOST)) == []


def test_requests_that_are_sent_again_are_no_further_ones():
    assert broken(sends("REGISTER", 200, apart=0.004, branches=10)) == []


@pytest.mark.parametrize(("forms", "rows"), [(30, []), (5, ["REG-03"])])
def test_nor_are_those_that_new_settings_bring_about(forms, rows):
    story = sends("REGISTER", 104, apart=0.01)
    for number in range(forms):
        form = Configured(settings={"enabled": True}, accepted=False, message="422")
        story.timeline.append(Witness.PORTAL, form, START + number * 1.04 / forms)
    assert [row for row in broken(story) if row == "REG-03"] == rows


def test_nor_are_those_of_others_and_what_belongs_to_a_request():
    assert broken(sends("REGISTER", 104, apart=0.006, sender="pbx")) == []
    assert broken(sends("ACK", 104, apart=0.006)) == []
