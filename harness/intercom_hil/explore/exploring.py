"""Exploring a bench: story after story until time is up, what breaks the page shrunk, all of it on record."""

from __future__ import annotations

import asyncio
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.environment import environment
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import BenchError, DeviceCrashed, joined
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder
from intercom_hil.explore.drawing import STEPS, Possible, draw
from intercom_hil.explore.on_bench import play_on_bench
from intercom_hil.explore.shrinking import shrink
from intercom_hil.explore.story import MOST_BEFORE, Step, Story
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.runner import ScenarioFailed
from intercom_hil.spec.good_practice import is_good_practice
from intercom_hil.spec.verdict import Verdict

Say = Callable[[str], None]
_Done = tuple[Step, ...]
MOST_IN_ERROR = 3
"""Stories in a row that end in error: then the bench is broken, and no story will say anything."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        bench: the bench file's path.
        faults: of the emulated intercom, for the command that plays a story again.
        minutes: how long new stories are begun.
        seed: what they are drawn by.
        steps: how many each has at most.
        first: whether the first violation, once shrunk, ends it.
        keep: the folder in which stories are kept, beside the run folder; None for none.
        stories: how many are drawn at most; None for no bound.
    """

    bench: Path
    faults: tuple[str, ...] = ()
    minutes: float = 10.0
    seed: int = 0
    steps: int = STEPS
    first: bool = False
    keep: Path | None = None
    stories: int | None = None


@dataclass(slots=True)
class Found:
    """A violation of the page.

    Attributes:
        requirement: the row that is broken.
        seen: what was expected, and what was seen.
        story: the shortest that shows it.
        drawn: as it was drawn.
        replays: how many stories were played to shorten it.
        flaky: whether it did not show again.
        after: seconds from the beginning until it was found, and until it was shortened.
    """

    requirement: str
    seen: str
    story: Story
    drawn: Story
    replays: int = 0
    flaky: bool = False
    after: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Tally:
    """What came of all stories."""

    played: int = 0
    steps: int = 0
    inconclusive: int = 0
    broken: int = 0
    found: list[Found] = field(default_factory=list)

    def __str__(self) -> str:
        left = f", inconclusive: {self.inconclusive}" if self.inconclusive else ""
        left += f", in error: {self.broken}" if self.broken else ""
        return f"stories: {self.played}, steps: {self.steps}{left}, violations: {len(self.found)}"


class Explorer:
    """Plays stories on a running bench."""

    def __init__(self, assembly: Assembly, run: RunFolder, wanted: Wanted, say: Say) -> None:
        self._assembly, self._run, self._wanted, self._say = assembly, run, wanted, say
        self._trials: RunFolder | None = None
        self._begun = monotonic()
        self._in_error = 0
        self._played: deque[Story] = deque(maxlen=MOST_BEFORE)
        self.tally = Tally()

    async def explore(self) -> None:
        """Play stories until time is up.

        Raises:
            BenchError: the bench has too few stations, cannot be brought back, or breaks time after time.
        """
        wanted, file = self._wanted, self._assembly.file
        possible = possible_at(file)
        until = self._begun + 60 * wanted.minutes
        numbers = count(1) if wanted.stories is None else range(1, wanted.stories + 1)
        for number in numbers:
            if monotonic() >= until or (wanted.first and self.tally.found):
                return
            seed = f"{wanted.seed}:{number}"
            story = draw(Random(seed), possible, seed=seed, steps=wanted.steps)
            await self.tell(story, f"story_{number}[seed-{wanted.seed}]", number)

    async def tell(self, story: Story, name: str, number: int) -> None:
        """Play one story, and shorten it if it shows something new."""
        earlier = [*self._played]
        record, done = await self._play(story, f"explore.{name}", self._run)
        self._played.append(story.with_steps(done))
        self.tally.played += 1
        self.tally.steps += len(done)
        broken = violation(record)
        self._in_error = self._in_error + 1 if record.verdict is Verdict.ERROR else 0
        took = f"{record.duration_s:.0f} s"
        self._say(f"story {number}: {len(done)} steps, {took}: {_outcome(record, broken)}")
        if broken is None:
            self.tally.inconclusive += record.ending is Verdict.INCONCLUSIVE
            self.tally.broken += record.verdict is Verdict.ERROR
            if self._in_error >= MOST_IN_ERROR:
                what = f"{self._in_error} stories in a row ended in error"
                last = "; ".join(record.problems)
                raise BenchError(f"{what}; the last: {last}", remedy="see the run folder")
            return
        if any(_alike(known, broken) for known in self.tally.found):
            self._say("    the same as before")
            return
        await self._shorten(story, story.with_steps(done), earlier, broken, number)

    async def tell_as_it_is(self, story: Story) -> None:
        """Play one story that is known, and leave it as long as it is."""
        record, done = await self._play(story, "explore.the_story", self._run)
        self.tally.played, self.tally.steps = 1, len(done)
        broken = violation(record)
        self._say(story.with_steps(done).prose())
        self._say(_outcome(record, broken) if broken is None else f"{broken[0]} is broken: {broken[1]}")
        if broken is not None:
            self.tally.found.append(Found(*broken, story=story, drawn=story))
        self.tally.inconclusive = int(record.ending is Verdict.INCONCLUSIVE)
        self.tally.broken = int(record.verdict is Verdict.ERROR)

    async def _shorten(
        self, drawn: Story, story: Story, earlier: Sequence[Story], broken: tuple[str, str], number: int
    ) -> None:
        """Shorten a story; where it shows nothing by itself, with those that were played before it."""
        found = Found(*broken, story=story, drawn=drawn, after=(monotonic() - self._begun, 0.0))
        self.tally.found.append(found)  # an interrupt in the middle leaves it as long as it is then
        trials = self._trials = self._trials or RunFolder.create(self._run.path / "trials", self._run.name)
        tried = count(1)

        async def shows(candidate: Story) -> _Done | None:
            record, done = await self._play(candidate, f"explore.story_{number}_trial_{next(tried)}", trials)
            again = violation(record)
            same = again is not None and again[0] == found.requirement
            if same:
                found.story = candidate.with_steps(done)
            return done if same else None

        for many in range(len(earlier) + 1):
            shrunk = await shrink(story.behind(earlier[len(earlier) - many :]), shows)
            found.replays += shrunk.replays
            found.flaky = shrunk.flaky
            if not shrunk.flaky:
                found.story = shrunk.story
                break
        found.after = (found.after[0], monotonic() - self._begun)
        if not found.flaky:
            record, _ = await self._play(found.story, f"explore.story_{number}_shortened", self._run)
            again = violation(record)
            found.flaky = again is None or again[0] != found.requirement
        self._report(found, number)

    def _report(self, found: Found, number: int) -> None:
        paths = [self._run.path / "stories" / f"story-{number}.json"]
        if self._wanted.keep is not None:
            paths.append(self._wanted.keep / f"story-{self._wanted.seed}-{number}.json")
        for path in paths:
            found.story.write(path)
        self._say(f"    {found.requirement} is broken: {found.seen}")
        for line in found.story.prose().splitlines():
            self._say(f"    {line}")
        if found.flaky:
            self._say("    flaky: the story was played again, and did not show it")
        self._say(f"    play it again: {self._again(paths[-1])}")

    def _again(self, path: Path) -> str:
        words = ["intercom-hil", "explore", "--play", str(path), "--bench", str(self._wanted.bench)]
        words += [word for name in self._wanted.faults for word in ("--fault", name)]
        return shlex.join(words)

    async def _play(self, story: Story, identity: str, run: RunFolder) -> tuple[ScenarioRecord, _Done]:
        for number, one in enumerate(story.before, 1):
            await self._play_one(one, f"{identity}_before_{number}", run)
        return await self._play_one(story, identity, run)

    async def _play_one(self, story: Story, identity: str, run: RunFolder) -> tuple[ScenarioRecord, _Done]:
        done: list[Step] = []
        bench = Bench(self._assembly, run, identity=identity, doc=story.prose(), requirements=())

        async def scenario() -> None:
            await play_on_bench(story, bench, done)

        try:
            record = await bench.play(scenario)
        except ScenarioFailed as failed:
            record = failed.record
        if not self._assembly.whole:
            raise BenchError("; ".join(record.problems), remedy="see the run folder")
        return record, tuple(done)


def possible_at(file: BenchFile) -> Possible:
    """Return what can be drawn for a bench. Raises BenchError."""
    capabilities = file.device.capabilities
    stations = len(file.stations.addresses)
    possible = Possible.at(stations, file.device.limits, lambda one: not capabilities.lacks(one))
    if possible is None:
        raise BenchError(
            "stories need two remote stations at least, and a device that takes a permitted caller",
            "stations.addresses",
            "give the bench more addresses for stations",
        )
    return possible


def violation(record: ScenarioRecord) -> tuple[str, str] | None:
    """Return the first row of the page that a story broke, and what was seen; None if there is none."""
    if record.verdict is not Verdict.FAIL:
        return None
    for judgement in record.judgements:
        if judgement.verdict is Verdict.FAIL and not is_good_practice(judgement.requirement):
            return judgement.requirement, f"expected {judgement.expected}; {judgement.seen}"
    return "the device", "; ".join(record.problems)


def _alike(known: Found, broken: tuple[str, str]) -> bool:
    return known.requirement == broken[0]


def _outcome(record: ScenarioRecord, broken: tuple[str, str] | None) -> str:
    if broken is not None:
        return f"{broken[0]} broken"
    verdict = record.ending if record.ending is Verdict.INCONCLUSIVE else record.verdict
    return ": ".join([verdict.value, *record.problems[:1]]).splitlines()[0]


async def explore_bench(
    file: BenchFile, run: RunFolder, wanted: Wanted, say: Say, story: Story | None = None
) -> Tally:
    """Start a bench, explore it, or play one story on it, and stop it whatever happens.

    Args:
        file: the bench.
        run: where the evidence goes.
        wanted: what is asked for.
        say: takes each line for the person who waits.
        story: the one to play; None to draw.

    Raises:
        BenchError: the bench cannot be started, or brought back.
    """
    assembly = Assembly(file, run_folder=run.path, progress=say, redactor=run.redactor)
    try:
        try:
            await assembly.start()
        except DeviceCrashed as problem:
            raise BenchError(str(problem), "device", "see why it does not start") from problem
        run.point_latest()
        run.describe(await environment(assembly, wanted.bench))
        explorer = Explorer(assembly, run, wanted, say)
        try:
            if story is None:
                await explorer.explore()
            else:
                await explorer.tell_as_it_is(story)
        except asyncio.CancelledError:
            for line in _left(explorer.tally):
                say(line)
            raise
    except BenchError as problem:
        try:
            await assembly.stop()
        except BenchError as second:  # what broke may also be in the way of the end
            raise joined([problem, second]) from problem
        raise
    except BaseException:
        await assembly.stop()
        raise
    await assembly.stop()
    return explorer.tally


def _left(tally: Tally) -> Iterator[str]:
    yield f"interrupted: {tally}"
    for found in tally.found:
        yield f"    {found.requirement} is broken: {found.seen}"
