"""The device's supply through any Output: a USB relay in its lead, an outlet of a PDU, a command.

Each switching is an observation on the timeline, dated just before the Output is driven.
"""

from __future__ import annotations

import asyncio

from intercom_hil.instruments.protocols import Output
from intercom_hil.timeline.observation import Note, Witness
from intercom_hil.timeline.timeline import Append, now

LONGEST_CYCLE = 120.0  # s


class Supply:
    """Power over an Output that is inactive, as outputs are when nobody drives them, in the normal state.

    With a relay's normally closed contact in the lead, the device is powered while nothing is driven, so a
    bench that ends, however it ends, leaves it on (``normally_on``). With the normally open contact it is
    powered only between ``set(True)`` and the end of the bench.

    Attributes:
        output: what is in the lead.
        name: what the timeline calls it.
    """

    def __init__(
        self, output: Output, *, append: Append, normally_on: bool = True, name: str = "supply"
    ) -> None:
        self.output = output
        self.name = name
        self._append = append
        self._normally_on = normally_on
        self._one = asyncio.Lock()

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the output is gone."""
        return self.output.lost

    async def open(self) -> None:
        """Open the output: the supply is in its normal state. Raises BenchError."""
        await self.output.open()

    async def close(self) -> None:
        """Close the output: the supply is in its normal state. Raises BenchError."""
        await self.output.close()

    async def set(self, on: bool) -> bool:
        """Switch the supply, and return whether the instrument read the new state back. Raises BenchError."""
        async with self._one:
            return await self._switch(on)

    async def cycle(self, off_for: float) -> float:
        """Take the supply away for a while and give it back, whatever happens meanwhile.

        Args:
            off_for: how long, in seconds; a physical action, and so a real sleep.

        Returns:
            When it was given back, in seconds since the epoch.

        Raises:
            ValueError: a time that is no power cycle.
            BenchError: the output could not be driven.
        """
        if not 0 < off_for <= LONGEST_CYCLE:
            raise ValueError(f"a power cycle of {off_for} s is outside 0..{LONGEST_CYCLE:g}")
        async with self._one:
            try:
                await self._switch(False)
                await asyncio.sleep(off_for)
            finally:
                back = now()
                await asyncio.shield(self._switch(True))
            return back

    async def _switch(self, on: bool) -> bool:
        at = now()
        confirmed = await self.output.set(on is not self._normally_on)
        how = "read back" if confirmed else "not read back"
        self._append(Witness.BENCH, Note(text=f"{self.name} switched {'on' if on else 'off'}, {how}"), at)
        return confirmed
