"""The person at the bench as a scenario meets one: looks where no instrument does, types what it tries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from intercom_hil.bench.assembly import Assembly
from intercom_hil.operator.reading import Reader, reading
from intercom_hil.operator.sheet import spread
from intercom_hil.timeline import Pattern, Witness, now
from intercom_hil.timeline.observation import Note
from intercom_hil.timeline.pattern import enough

_Value = TypeVar("_Value")


class OperatorView:
    """What the bench file has a person do in scenarios; nothing where it has none."""

    def __init__(self, assembly: Assembly) -> None:
        """Use the person of a running bench."""
        self._assembly = assembly
        self._operator = assembly.file.device.operator

    def read(self, pattern: Pattern) -> bool:
        """Return whether a person is asked for what a pattern describes."""
        return self._operator is not None and reading(pattern) in self._operator.reads

    async def look(
        self, pattern: Pattern, after: float | None, *, count: int = 1, level: bool = False
    ) -> None:
        """Have the person look or listen, if that is so arranged and nothing was seen yet.

        Args:
            pattern: what is looked for.
            after: what was seen since this time counts (default: since the scenario began).
            count: how many must be seen.
            level: whether the level of a tone matters.

        Raises:
            Inconclusive: nobody answered, or the person could not say.
        """
        timeline, prompter = self._assembly.timeline, self._assembly.prompter
        if prompter is None or not self.read(pattern):
            return
        if not enough(timeline.find(pattern, timeline.opened if after is None else after), count):
            begun = now()
            reader = Reader(prompter, self._assembly.append, self._assembly.file.device.address)
            await reader.read(pattern, level=level)
            timeline.book_wait(begun, now())

    async def watch(self, pattern: Pattern, after: float | None, during: float) -> float:
        """Wait for what must not happen, then ask the person; return how long is left to watch (s)."""
        if not self.read(pattern):
            return during
        await self._assembly.timeline.wait(pattern, within=during, after=after)
        await self.look(pattern, after)
        return 0.0

    def tried(self, values: Iterable[_Value]) -> list[_Value]:
        """Return the values that are tried: all, or some where each takes its time, spread over them."""
        known = list(values)
        device = self._assembly.file.device
        if device.wrong_values is None:
            return known
        chosen = spread(known, device.wrong_values)
        if len(chosen) < len(known):
            field = f"{device.configurator}.wrong_values"
            text = f"{len(chosen)} of {len(known)} values are tried, spread over all ({field})"
            self._assembly.timeline.append(Witness.BENCH, Note(text=text))
        return chosen
