"""The append-only, awaitable record of one scenario.

Witnesses append; scenarios wait. A wait is always for an observation, with a bound, and the time spent in
it is booked as protocol wait up to the moment the observation was *made*: what comes after is overhead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from intercom_hil.timeline.observation import BenchLate, Content, Observation, Witness
from intercom_hil.timeline.pattern import Pattern, enough
from intercom_hil.timeline.stored_lines import read_lines

Append = Callable[[Witness, Content, float | None], Observation]
"""How a witness puts what it saw on the current scenario's timeline: who, what, when (None = now)."""


def now() -> float:
    """Return the bench's clock: seconds since the Unix epoch."""
    return time.time()


class Timeline:
    """Observations in order of arrival; their times may lie slightly out of order between witnesses."""

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self._observations: list[Observation] = list(observations)
        self._late = [o for o in self._observations if isinstance(o.content, BenchLate)]
        self._listeners: list[Callable[[Observation], None]] = []
        self._waits: list[tuple[float, float]] = []
        self._alarm: BaseException | None = None
        self.opened = now()

    def __len__(self) -> int:
        return len(self._observations)

    def __iter__(self) -> Iterator[Observation]:
        return iter(self._observations)

    def __getitem__(self, seq: int) -> Observation:
        return self._observations[seq]

    def append(self, witness: Witness, content: Content, at: float | None = None) -> Observation:
        """Add what a witness saw at a time (seconds since the epoch; now if not given) and wake who waits."""
        observation = Observation(
            seq=len(self._observations), time=now() if at is None else at, witness=witness, content=content
        )
        self._observations.append(observation)
        if isinstance(content, BenchLate):
            self._late.append(observation)
        for listener in tuple(self._listeners):
            listener(observation)
        return observation

    @property
    def late(self) -> Sequence[Observation]:
        """Those that say how late the bench was: few among many, and asked for often."""
        return self._late

    def listen(self, listener: Callable[[Observation], None]) -> Callable[[], None]:
        """Call ``listener`` with every observation from now on; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def raise_alarm(self, problem: BaseException) -> None:
        """Make every present and future wait end with ``problem``: the bench or the device is gone."""
        self._alarm = self._alarm or problem
        for listener in tuple(self._listeners):
            if isinstance(listener, _Wait):
                listener.fail(problem)

    @property
    def alarm(self) -> BaseException | None:
        """The first problem that was raised as an alarm, if any."""
        return self._alarm

    def find(self, pattern: Pattern, after: float = 0.0, until: float = float("inf")) -> list[Observation]:
        """Return the matching observations made within the bounds (seconds since the epoch), by time.

        Both bounds count. Of observations that the pattern takes for alike, the first counts.
        """
        found = [o for o in self._observations if after <= o.time <= until and pattern.matches(o)]
        return pattern.counted(sorted(found, key=lambda o: (o.time, o.seq)))

    async def wait(
        self, pattern: Pattern, *, within: float, after: float | None = None, count: int = 1
    ) -> list[Observation]:
        """Wait until ``count`` matching observations made since ``after`` are there, or time is up.

        Args:
            pattern: what to wait for.
            within: the bound, in seconds from now.
            after: observations made before this time do not count (default: the timeline's opening).
            count: how many to wait for.

        Returns:
            Those found, by time; fewer than ``count`` when time was up.

        Raises:
            BaseException: the alarm, when the bench or the device was lost meanwhile.
        """
        since = self.opened if after is None else after
        found = self.find(pattern, after=since)
        if enough(found, count):
            return found
        if self._alarm is not None:
            raise self._alarm
        begun = now()
        waiter = _Wait(self, pattern, since, count)
        self._listeners.append(waiter)
        try:
            async with asyncio.timeout(within):
                await waiter.done
        except TimeoutError:
            self._waits.append((begun, now()))
        else:
            found = self.find(pattern, after=since)
            self._waits.append((begun, max(begun, min(now(), found[min(count, len(found)) - 1].time))))
        finally:
            self._listeners.remove(waiter)
        return self.find(pattern, after=since)

    def book_wait(self, begun: float, ended: float) -> None:
        """Book time (seconds since the epoch) that the bench spent waiting for the device or a peer."""
        self._waits.append((begun, max(begun, ended)))

    def protocol_wait(self) -> float:
        """Return the seconds spent waiting for the outside world; overlapping waits count once."""
        total, reached = 0.0, 0.0
        for begun, ended in sorted(self._waits):
            total += max(0.0, ended - max(begun, reached))
            reached = max(reached, ended)
        return total

    def store(self, path: Path) -> None:
        """Write one JSON line per observation."""
        with path.open("w", encoding="utf-8") as file:
            for observation in self._observations:
                file.write(observation.model_dump_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> Timeline:
        """Read a stored timeline. Raises OSError; BenchError where a line is no observation, and which."""
        return cls(read_lines(path, Observation))


class _Wait:
    """A listener that resolves a future when enough observations have matched."""

    def __init__(self, timeline: Timeline, pattern: Pattern, since: float, count: int) -> None:
        self._timeline, self._pattern, self._since, self._count = timeline, pattern, since, count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, observation: Observation) -> None:
        if observation.time < self._since or not self._pattern.matches(observation) or self.done.done():
            return
        if enough(self._timeline.find(self._pattern, self._since), self._count):
            self.done.set_result(None)

    def fail(self, problem: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(problem)
