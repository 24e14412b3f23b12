"""The shortest story that still shows what a long one showed, found by playing parts of it again.

Delta debugging (Zeller, Hildebrandt 2002) over the steps: first whole parts are left out, then smaller ones,
until not one step more can go. A device is no function: what does not show again is called flaky, and a part
counts when it shows twice in a row, the second time behind itself. What it showed the first time may rest on
what the story before it, a longer one, had left in the device.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from intercom_hil.explore.story import Step, Story

MOST_REPLAYS = 40
"""How often parts of one story are played again at most."""
CONFIRMATIONS = 2
"""How often a story is tried again before it counts as one that does not show it any more."""

Shows = Callable[[Story], Awaitable[tuple[Step, ...] | None]]
"""Plays a story; returns its steps that were done until it showed the same again, or None if it did not.

The steps of the stories before it are not among them.
"""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What became of a story.

    Attributes:
        story: the shortest that showed it.
        replays: how many stories were played for that.
        flaky: whether the story that was drawn did not show it again.
    """

    story: Story
    replays: int
    flaky: bool = False


async def shrink(story: Story, shows: Shows, most: int = MOST_REPLAYS) -> Shrunk:
    """Return the shortest story that still shows what this one showed.

    Args:
        story: up to the step that showed it.
        shows: plays a story.
        most: how many are played at most.
    """
    replays = 0
    for _ in range(CONFIRMATIONS):
        replays += 1
        steps = await shows(story)
        if steps is not None:
            break
    else:
        return Shrunk(story, replays, flaky=True)
    story = story.with_steps(steps)
    size, paired = max(1, story.length // 2), False
    while True:
        shorter = False
        end = story.length - 1  # the last step is the one that shows it
        while end > 0 and replays < most:
            begin = max(0, end - size)
            candidate = story.without(begin, end)
            replays += 1
            done = await shows(candidate)
            if done is not None:
                replays += 1
                done = await shows(candidate)
            if done is not None:
                story, shorter = candidate.with_steps(done), True
            end = min(begin, story.length - 1)
        if replays >= most or (size == 1 and paired and not shorter):
            return Shrunk(story, replays)
        paired = size <= 2 if not shorter else False  # what goes by twos, as off and on again, goes last
        size = 2 if size == 1 else max(1, size // 2)
