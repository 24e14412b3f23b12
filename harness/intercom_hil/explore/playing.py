"""A story played: step by step along the reference model, on whatever stage there is."""

from __future__ import annotations

from typing import Protocol

from intercom_hil.explore.model import Moves, Page, Seen
from intercom_hil.explore.story import Step, Story
from intercom_hil.explore.wants import Asks, Do, Must, MustNot, Needs, Now, Takes, Want


class Stage(Protocol):
    """Where a story is played: the bench, or a device's logic in virtual time.

    What is broken, or cannot be found out, ends the story by an exception of the stage's own.
    """

    def now(self) -> float:
        """Return the time (s)."""

    async def do(self, what: Do) -> Seen:
        """Do something, and return when."""

    async def must(self, want: Must) -> float:
        """Judge whether something follows, and return when it did."""

    async def must_not(self, want: MustNot) -> None:
        """Judge whether something stays away."""

    async def needs(self, want: Needs) -> float:
        """Wait for what the story needs to go on."""

    async def asks(self, want: Asks) -> Seen:
        """Return when something happened that need not, or nothing."""

    def takes(self, want: Takes) -> None:
        """Judge a time that was measured."""


async def play(story: Story, page: Page, stage: Stage, done: list[Step]) -> None:
    """Play a story.

    Args:
        story: what is done.
        page: the model, at its beginning.
        stage: where.
        done: takes the steps that made sense when their turn came, as they begin.
    """
    await _follow(page.begin(), stage)
    for step in story.steps:
        if page.applies(step):
            done.append(step)
            await _follow(page.play(step), stage)


async def _follow(moves: Moves, stage: Stage) -> None:
    answer: Seen = None
    while True:
        try:
            want = moves.send(answer)
        except StopIteration:
            return
        answer = await _answered(want, stage)


async def _answered(want: Want, stage: Stage) -> Seen:
    match want:
        case Do():
            return await stage.do(want)
        case Must():
            return await stage.must(want)
        case MustNot():
            await stage.must_not(want)
            return None
        case Needs():
            return await stage.needs(want)
        case Asks():
            return await stage.asks(want)
        case Takes():
            stage.takes(want)
            return None
        case Now():
            return stage.now()
