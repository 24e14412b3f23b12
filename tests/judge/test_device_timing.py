"""How fast the device is, as rules of the judge take it into account: from the bench file, not by guess."""

import pytest
from story import START, Story

from intercom_hil.judge.calls import free_at
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.timing import Timing
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.observation import Declared

LATER = START + 3600


@pytest.mark.parametrize(("rest", "owed"), [(0.0, True), (10.0, False)])
def test_a_device_that_needs_a_rest_may_be_busy_with_the_call_before(rest, owed):
    story = Story()
    declared = Declared(has=(), lacks=(), timing=Timing(rest=rest))
    story.timeline.append(Witness.BENCH, declared, story._time())
    story.taken("first").event("incoming_call_received").bye("pbx", "first")
    story.event("incoming_call_remote_hangup")
    story.at(8).taken("second", status=486)
    broken = {j.requirement for j in monitor(story.timeline, LATER, LATER) if j.verdict is Verdict.FAIL}
    assert ("EVT-06" in broken) is owed


def test_a_device_that_needs_no_rest_can_be_asked_at_once():
    assert free_at(Story().placed(status=486).timeline, 0.0) == 0.0


def test_a_rest_begins_when_the_last_call_is_over():
    story = Story().placed("c1").bye("device", "c1").at(5).placed("c2", status=486)
    assert START + 15 < free_at(story.timeline, 10.0) < START + 16


def test_a_press_that_ends_a_call_needs_no_rest():
    assert free_at(Story().placed("c1").timeline, 10.0) == 0.0


def test_a_call_of_the_scenario_before_counts():
    assert free_at(Story().timeline, 10.0, START) == START + 10.0
