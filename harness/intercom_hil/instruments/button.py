"""A finger: presses and releases the intercom's button through any Output, and says when on the timeline.

A press is two observations, each dated just before the output was driven, so that nothing the device does
about it can be dated earlier; the second says how long it was.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from intercom_hil.errors import BenchError
from intercom_hil.instruments.protocols import Output
from intercom_hil.timeline.observation import OutputChanged, Witness
from intercom_hil.timeline.timeline import Append, now

LONGEST_HOLD = 60.0  # s
LOOK_EVERY = 0.02
"""Seconds between two looks at the contact while it is held, where the instrument can read it back."""


class Button:
    """A button wired to an Output. However a press ends, the output is left inactive.

    A contact that does not close, does not open again, or opens while it is held is the bench's error, not a
    device that ignores its button.

    Attributes:
        name: what the timeline calls it.
        output: what it is wired to.
    """

    def __init__(self, output: Output, *, append: Append, name: str = "button") -> None:
        self.name = name
        self.output = output
        self._append = append
        self._one_finger = asyncio.Lock()

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the output is gone."""
        return self.output.lost

    async def open(self) -> None:
        """Open the output, which releases the button. Raises BenchError."""
        await self.output.open()

    async def close(self) -> None:
        """Close the output, which releases the button. Raises BenchError."""
        await self.output.close()

    async def press(self, hold: float = 0.1) -> float:
        """Press, hold, release.

        The hold is the length of a physical action and so a real sleep: nothing is waited for.

        Args:
            hold: how long, in seconds, from the moment the output is known to be active.

        Returns:
            The time of the press, in seconds since the epoch.

        Raises:
            ValueError: a hold that no finger does.
            BenchError: the output could not be driven, or its contact did not stay closed.
        """
        if not 0 <= hold <= LONGEST_HOLD:
            raise ValueError(f"a hold of {hold} s is outside 0..{LONGEST_HOLD:g}")
        async with self._one_finger:
            try:
                begun = monotonic()
                pressed, confirmed = await self._drive(True)
                closed = monotonic()
                await self._hold(closed + hold, look=confirmed)
            except BaseException as problem:
                await self._let_go(problem)
                raise
            await asyncio.shield(self._release(begun, closed if confirmed else None))
            return pressed

    async def _hold(self, until: float, *, look: bool) -> None:
        """Keep the contact closed, looking at it as often as fits without holding it longer."""
        took = 0.0
        while (left := until - monotonic()) > 0:
            if not look or left < LOOK_EVERY + took:
                await asyncio.sleep(left)
                return
            await asyncio.sleep(LOOK_EVERY)
            begun = monotonic()
            closed = await self.output.read()
            took = monotonic() - begun
            if closed is False:
                raise BenchError(
                    f"the contact opened by itself while the {self.name} was held",
                    self.name,
                    "it bounces: check relay, supply and wiring, and that nothing else drives it",
                )
            look = closed is not None

    async def _let_go(self, problem: BaseException) -> None:
        """Release after a press that went wrong; a second failure is reported with the first."""
        try:
            await asyncio.shield(self._drive(False))
        except BenchError as second:
            problem.add_note(f"The {self.name} could not be released either: {second}")

    async def _release(self, begun: float, closed: float | None) -> None:
        """Release, and log how long the contact was closed.

        Args:
            begun: monotonic time just before the output was driven.
            closed: monotonic time at which the contact was first read back.
        """
        released, at = monotonic(), now()
        confirmed = await self.output.set(False)
        held = (released - closed, monotonic() - begun) if closed is not None and confirmed else None
        content = OutputChanged(name=self.name, active=False, confirmed=confirmed, held=held)
        self._append(Witness.BUTTON, content, at)

    async def _drive(self, active: bool) -> tuple[float, bool]:
        at = now()
        confirmed = await self.output.set(active)
        self._append(Witness.BUTTON, OutputChanged(name=self.name, active=active, confirmed=confirmed), at)
        return at, confirmed
