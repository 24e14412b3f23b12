"""A press ends the call that is up: the rule, and what it says nothing of."""

import pytest

from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Witness
from intercom_hil.timeline.lateness import BenchLate
from intercom_hil.timeline.observation import Configured
from tests.judge.story import START, Story, media_started

CLOSED = START + 20.0


class Call(Story):
    """One call, in which the device is heard."""

    def heard(self, call="c1", **otherwise):
        self.timeline.append(Witness.WIRE, media_started(call, **otherwise), self._time())
        return self

    def configured(self):
        content = Configured(settings={"call_timeout": 5}, accepted=True)
        self.timeline.append(Witness.PORTAL, content, self._time())
        return self

    def late(self, seconds):
        content = BenchLate(begun=START + self.clock - seconds, length=seconds, late=seconds, causes={})
        self.timeline.append(Witness.LATENESS, content, self._time())
        return self

    def broken(self, closed=CLOSED):
        rows = {"OUT-06", "INC-05"}
        found = monitor(self.timeline, closed, closed + 1, {"ended by the press"})
        assert {j.requirement for j in found} <= rows
        return {j.requirement for j in found if j.verdict is Verdict.FAIL}


def test_a_press_that_does_not_end_the_call_that_it_placed():
    assert Call().press().placed().heard().at(5).press().broken() == {"OUT-06"}


def test_a_press_that_does_not_end_the_call_that_it_took():
    assert Call().taken("c1").heard().at(5).press().broken() == {"INC-05"}


def test_a_press_that_ends_it_too_late():
    assert Call().press().placed().heard().at(5).press().at(8).bye("device").broken() == {"OUT-06"}


UP = {"placed": lambda: Call().press().placed().heard(), "taken": lambda: Call().taken("c1").heard()}


@pytest.mark.parametrize("way", UP)
@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda story: story.at(5).press().at(6.5).bye("device"), "it ends the call in its time"),
        (lambda story: story.at(5).press().at(5.1).press().at(6.5).bye("device"), "the first counts"),
        (lambda story: story.at(5).press().at(6).bye("pbx"), "the other side is faster"),
        (lambda story: story.at(5).press().at(6).configured(), "new settings may end the call or keep it"),
        (lambda story: story.at(5).taken("c2").at(6).press(), "of two calls it may be either"),
        (lambda story: story.at(19).press(), "the scenario is over"),
        (lambda story: story.at(5).press().at(8).late(3).at(9).bye("device"), "the bench was late"),
        (lambda story: story, "nobody pressed"),
    ],
)
def test_nothing_is_held_against_a_device_where(way, then, why):
    assert then(UP[way]()).broken() == set(), why


def test_a_press_before_the_device_is_heard_may_be_none_of_the_call():
    """What a press does while a contact rings is open; the device may not know yet that it was answered."""
    assert Call().press().placed().press().at(1).heard().broken() == set()
    assert Call().press().placed().press().broken() == set()
    for other in ({"sender": "pbx", "receiver": "device"}, {"call": "c9"}):
        assert Call().press().placed().heard(**other).at(5).press().broken() == set()
