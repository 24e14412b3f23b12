"""A finger: presses and releases the intercom's button through any Output, and says when on the timeline.

What may come in: how long to hold. What goes out: two observations, each dated just before the output was
driven, so that nothing the device does about it can be dated earlier.
"""

from __future__ import annotations

import asyncio

from harness.instruments.protocols import Output
from harness.timeline.errors import BenchError
from harness.timeline.observation import OutputChanged, Witness
from harness.timeline.timeline import Append, now

LONGEST_HOLD = 60.0  # s


class Button:
    """A button wired to an Output. However a press ends, the output is left inactive.

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
            BenchError: the output could not be driven.
        """
        if not 0 <= hold <= LONGEST_HOLD:
            raise ValueError(f"a hold of {hold} s is outside 0..{LONGEST_HOLD:g}")
        async with self._one_finger:
            try:
                pressed = await self._drive(True)
                await asyncio.sleep(hold)
            except BaseException as problem:
                await self._let_go(problem)
                raise
            await asyncio.shield(self._drive(False))
            return pressed

    async def _let_go(self, problem: BaseException) -> None:
        """Release after a press that went wrong; a second failure is told with the first."""
        try:
            await asyncio.shield(self._drive(False))
        except BenchError as second:
            problem.add_note(f"The button could not be released either: {second}")

    async def _drive(self, active: bool) -> float:
        at = now()
        confirmed = await self.output.set(active)
        self._append(Witness.BUTTON, OutputChanged(name=self.name, active=active, confirmed=confirmed), at)
        return at
