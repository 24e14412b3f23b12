"""A story is shortened to what it takes, and a device that does not show it again is said to be flaky."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.explore.shrinking import shrink
from intercom_hil.explore.story import Desk, Given, Step, Story, Verb

GIVEN = Given(desks=(Desk.BUSY, Desk.ANSWERS))
STEPS = st.lists(st.sampled_from([Step(verb=verb) for verb in (Verb.PRESS, Verb.WAIT, Verb.HOLD, Verb.CUT)]))


def needing(*verbs):
    """Show it where these verbs come in this order, and stop there."""

    async def shows(story):
        left = list(verbs)
        for place, step in enumerate(story.steps, 1):
            if left and step.verb is left[0]:
                left.pop(0)
            if not left:
                return story.steps[:place]
        return None

    return shows


def shrunk(steps, shows, **bounds):
    return asyncio.run(shrink(Story(given=GIVEN, steps=tuple(steps)), shows, **bounds))


def after_stories(*verbs):
    """Show it where these verbs come in a story or before it, and the last one in itself."""

    async def shows(story):
        told = [step.verb for one in story.before for step in one.steps]
        left = [verb for verb in verbs if not (told and verb in told)]
        return await needing(*left)(story) if left[-1:] == [verbs[-1]] else None

    return shows


def test_what_an_earlier_story_left_behind_is_shortened_with_it():
    wait, refer, press = (Step(verb=verb) for verb in (Verb.WAIT, Verb.REFER, Verb.PRESS))
    first = Story(given=GIVEN, steps=(wait,) * 5)
    second = Story(given=GIVEN, steps=(wait, refer, wait, wait))
    story = Story(given=GIVEN, steps=(wait, wait, press)).behind([first, second])
    found = asyncio.run(shrink(story, after_stories(Verb.REFER, Verb.PRESS))).story
    assert [one.steps for one in (*found.before, found)] == [(refer,), (press,)]
    assert found.length == 2
    assert found.prose().splitlines()[0] == "Story 1, before it:"


def test_what_the_trial_before_left_in_the_device_shortens_nothing():
    """A device that ignores each second press: two presses show it, one by itself does not."""
    dead = False

    async def shows(story):
        nonlocal dead
        for place, step in enumerate(story.steps, 1):
            if step.verb is Verb.PRESS and dead:
                dead = False
                return story.steps[:place]
            dead |= step.verb is Verb.PRESS
        return None

    found = shrunk([Step(verb=Verb.WAIT), Step(verb=Verb.PRESS), Step(verb=Verb.PRESS)], shows)
    assert [step.verb for step in found.story.steps] == [Verb.PRESS, Verb.PRESS]


@given(before=STEPS, between=STEPS)
def test_what_is_left_is_what_it_takes(before, between):
    steps = [*before, Step(verb=Verb.REFER), *between, Step(verb=Verb.RESUME)]
    found = shrunk(steps, needing(Verb.REFER, Verb.RESUME), most=500)
    assert [step.verb for step in found.story.steps] == [Verb.REFER, Verb.RESUME]
    assert not found.flaky


def test_it_ends_when_it_has_been_played_often_enough():
    steps = [Step(verb=Verb.WAIT)] * 60 + [Step(verb=Verb.REFER)]
    found = shrunk(steps, needing(Verb.REFER), most=3)
    assert found.replays == 3
    assert found.story.steps[-1].verb is Verb.REFER


def test_what_does_not_show_again_is_flaky_and_stays_as_it_was():
    steps = [Step(verb=Verb.WAIT), Step(verb=Verb.PRESS)]
    found = shrunk(steps, needing(Verb.REFER))
    assert found.flaky
    assert found.story.steps == tuple(steps)
