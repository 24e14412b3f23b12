"""The model of the page against the device's logic, in virtual time: thousands of stories in seconds."""

import pytest
from hunt import hunt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtual_stage import tell

from intercom_hil.emulator.faults import EXPLORED
from intercom_hil.explore.drawing import Possible, draw
from intercom_hil.explore.story import Desk, Given, Step, Story, Verb

MANY = settings(
    max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
SEED = 3
MOST_STEPS = 6
ENDS = (Verb.PRESS, Verb.RING_OUT, Verb.ANSWER, Verb.HANG_UP)
CHAINS = st.builds(
    lambda desks, order, steps: Story(
        given=Given(desks=desks, contacts=order, call_timeout=3),
        steps=(Step(verb=Verb.PRESS), *(Step(verb=verb) for verb in steps)),
    ),
    st.tuples(*[st.sampled_from(Desk)] * 3),
    st.permutations((0, 1, 2)).map(tuple),
    st.lists(st.sampled_from(ENDS), max_size=6),
)


@MANY
@given(random=st.randoms(use_true_random=False))
def test_the_logic_does_what_the_page_says_in_a_thousand_stories(random):
    story = draw(random, Possible())
    problem, done, _ = tell(story)
    assert problem is None, f"{problem}\n{story.with_steps(tuple(done)).prose()}"


@MANY
@given(story=CHAINS)
def test_the_logic_follows_a_thousand_chains_of_three_contacts(story):
    problem, done, _ = tell(story)
    assert problem is None, f"{problem}\n{story.with_steps(tuple(done)).prose()}"


@pytest.mark.parametrize("fault", EXPLORED)
def test_a_fault_that_no_scenario_is_made_for_is_found_and_its_story_is_short(fault):
    found = hunt(fault, SEED, 200)
    assert found is not None
    _, row, shrunk = found
    assert row in EXPLORED[fault].breaks
    assert len(shrunk.story.steps) <= MOST_STEPS, shrunk.story.prose()


def test_the_same_seed_draws_the_same_story():
    from random import Random

    assert draw(Random("1:1"), Possible()) == draw(Random("1:1"), Possible())
    assert draw(Random("1:1"), Possible()) != draw(Random("1:2"), Possible())


@MANY
@given(
    random=st.randoms(use_true_random=False),
    desks=st.integers(1, 3),
    callers=st.integers(1, 2),
    contacts=st.integers(1, 3),
)
def test_a_story_is_drawn_within_what_is_possible(random, desks, callers, contacts):
    most = min(desks, contacts)
    possible = Possible(
        desks=desks, callers=callers, contacts=most, permitted=1, outages=False, straight=False
    )
    story = draw(random, possible)
    changes = [story.given, *(step.change for step in story.steps if step.change)]
    assert len(story.given.desks) == desks
    assert not story.given.straight
    assert all(len(change.contacts or ()) <= most for change in changes)
    assert all(len(change.permitted or ()) <= 1 for change in changes)
    assert not any(step.verb in (Verb.CUT, Verb.HOLD, Verb.REFER) for step in story.steps)
    assert all((step.caller or 0) < callers for step in story.steps)
