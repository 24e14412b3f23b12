"""Measures how late the bench is, four times a second, and keeps it as spells.

Four things hold a bench up, and each is measured: its event loop (how much later than due a timer fires), its
processes waiting for a processor, time that a hypervisor took (``steal`` in proc_stat(5)), and what others
report: packets that were read late, a heartbeat through the PBX that took long.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from intercom_hil.lateness.run_delay import RunDelay

TICK = 0.02
"""Seconds between two looks at the event loop's clock."""
SAMPLE = 0.25
"""Seconds that one spell covers, unless somebody wants to know earlier."""
_USUAL = 0.01
"""Seconds that a timer may be late on an idle machine."""
_KEPT = 2400
"""Spells that are kept: of ten minutes."""
_PRESSURE = "/proc/pressure/cpu"


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time, by the event loop's clock, and for how much of it (s) the bench was held up.

    Attributes:
        begun: when it began.
        ended: when it ended.
        late: for how long in it the bench was held up.
        loop: by its event loop.
        cpu: because its processes waited for a processor, all together; more than the spell if several did.
        steal: because the hypervisor gave the time to others.
        reported: by what else, each by name.
        pressure: for how long any process of the machine waited for a processor.
    """

    begun: float
    ended: float
    late: float
    loop: float = 0.0
    cpu: float = 0.0
    steal: float = 0.0
    reported: tuple[tuple[str, float], ...] = ()
    pressure: float = 0.0

    def late_but_for(self, name: str) -> float:
        """Return for how long (s) the bench was held up, had nobody reported anything under a name."""
        others = [seconds for reported, seconds in self.reported if reported != name]
        if len(others) == len(self.reported):
            return self.late
        return min(self.late, max(self.loop, self.cpu + self.steal, *others, 0.0))


class Gauge:
    """Watches one event loop, as long as anybody wants it to."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._begun = 0.0
        self._lag = 0.0
        self._reported: dict[str, float] = {}
        self._standing: dict[object, tuple[str, float]] = {}
        self._delay = RunDelay()
        self._steal = self._pressure = 0.0
        self._spells: deque[Spell] = deque(maxlen=_KEPT)
        self._listeners: list[Callable[[Spell], None]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure as long as the block lasts."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def hold(self) -> None:
        """Begin to measure, or go on, until ``release``."""
        self._users += 1
        if self._users > 1:
            return
        self._begun = self._loop.time()
        self._lag, self._reported = 0.0, {}
        self._delay.take(self._begun)
        self._steal, self._pressure = _stolen(), _pressure()
        self._await_tick(self._begun)

    def release(self) -> None:
        """Measure no more for whoever began it; others may go on."""
        self._users -= 1
        if self._users:
            return
        self.sample()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._delay.close()

    def listen(self, listener: Callable[[Spell], None]) -> Callable[[], None]:
        """Call ``listener`` with every spell from now on; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def report(self, what: str, seconds: float) -> None:
        """Take word of something that was late by so much just now."""
        self._reported[what] = max(self._reported.get(what, 0.0), seconds)

    @contextmanager
    def standing(self, what: str, usual: float) -> Iterator[None]:
        """Count what the block takes beyond ``usual`` seconds as lateness, while it lasts already."""
        key = object()
        self._standing[key] = (what, self._loop.time() + usual)
        try:
            yield
        finally:
            what, due = self._standing.pop(key)
            self._note_standing(what, due, self._loop.time())

    def sample(self) -> None:
        """Close the current spell now, so that what was late until now is known."""
        if self._timer is None:
            return
        now = self._loop.time()
        length = now - self._begun
        if length <= 0:
            return
        lag = self._lag + max(0.0, now - max(self._due, self._begun) - _USUAL)  # a tick that is due already
        self._due = max(self._due, now)  # what is counted here is not counted again when it comes
        for what, due in self._standing.values():
            self._note_standing(what, due, now)
        cpu = self._delay.take(now)
        stolen, pressure = _stolen(), _pressure()
        steal, pressed = stolen - self._steal, pressure - self._pressure
        self._steal, self._pressure = stolen, pressure
        waited = cpu if self._delay.available else pressed
        held_up = max(lag, waited + steal, *self._reported.values(), 0.0)
        spell = Spell(
            begun=self._begun,
            ended=now,
            late=min(length, held_up),
            loop=min(length, lag),
            cpu=waited,
            steal=steal,
            reported=tuple(self._reported.items()),
            pressure=pressed,
        )
        self._begun, self._lag, self._reported = now, 0.0, {}
        self._spells.append(spell)
        for listener in tuple(self._listeners):
            listener(spell)

    def late(self, begun: float, ended: float, *, apart_from: str = "") -> float:
        """Return for how long (s) the bench was held up between two times of the event loop's clock.

        Args:
            begun: the earlier one.
            ended: the later one.
            apart_from: what others reported under this name is left out.
        """
        self.sample()
        return sum(
            min(spell.late_but_for(apart_from), max(0.0, min(ended, spell.ended) - max(begun, spell.begun)))
            for spell in self._spells
            if spell.ended > begun and spell.begun < ended
        )

    def _note_standing(self, what: str, due: float, now: float) -> None:
        late = now - max(due, self._begun)
        if late > 0:
            self.report(what, late)

    def _await_tick(self, now: float) -> None:
        self._due = now + TICK
        self._timer = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        late = now - max(self._due, self._begun)
        if late > _USUAL:
            self._lag += late
        if now - self._begun >= SAMPLE:
            self._due = now + TICK
            self.sample()
        self._await_tick(now)


_gauges: dict[asyncio.AbstractEventLoop, Gauge] = {}


def gauge() -> Gauge:
    """Return the gauge of the running event loop; it measures as long as somebody holds it."""
    loop = asyncio.get_running_loop()
    if loop not in _gauges:
        for closed in [other for other in _gauges if other.is_closed()]:
            del _gauges[closed]
        _gauges[loop] = Gauge(loop)
    return _gauges[loop]


def _stolen() -> float:
    """Return the seconds for which a hypervisor kept this machine's processors, on average over them."""
    try:
        with open("/proc/stat", "rb") as file:
            ticks = int(file.readline().split()[8])
    except (OSError, IndexError, ValueError):
        return 0.0
    return ticks / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)


def _pressure() -> float:
    """Return the seconds that some process has waited for a processor; 0 where the kernel has none."""
    try:
        with open(_PRESSURE, "rb") as file:
            return int(file.readline().rpartition(b"=")[2]) / 1e6
    except (OSError, ValueError):
        return 0.0
