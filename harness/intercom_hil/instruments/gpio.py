"""GPIO lines of Linux, by chip and line: states go in and are read back, edges come out dated by the kernel.

What may come in: a chip (``/dev/gpiochip0``, its name, or its label) and a line of it (its name or offset).
Facts (kernel documentation, *GPIO character device userspace API v2*): a line that is requested belongs to
this process alone; its state is undefined once it is released, so it is held from opening to closing, with
the inactive level in the very request that makes it an output. An edge carries the time of the interrupt.
A chip that is unplugged makes the request's descriptor readable, and every call on it fails with ENODEV.
gpiod's wheel brings libgpiod along, so nothing else is to be installed.

Calls are made in the event loop: they take microseconds on a processor's own lines and a few milliseconds on
those of a USB expander.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal

import gpiod
from gpiod.line import Bias, Clock, Direction, Drive, Edge, Value

from intercom_hil.errors import BenchError
from intercom_hil.instruments.gpio_line import GpioLine
from intercom_hil.instruments.protocols import OnEdge

BiasName = Literal["as-is", "disabled", "pull-up", "pull-down"]
DriveName = Literal["push-pull", "open-drain", "open-source"]

_BIASES = {
    "as-is": Bias.AS_IS,
    "disabled": Bias.DISABLED,
    "pull-up": Bias.PULL_UP,
    "pull-down": Bias.PULL_DOWN,
}
_DRIVES = {
    "push-pull": Drive.PUSH_PULL,
    "open-drain": Drive.OPEN_DRAIN,
    "open-source": Drive.OPEN_SOURCE,
}


class GpioOutput:
    """Output over one GPIO line. Opening and closing make it inactive; in between it is held.

    What a line does once it is released is up to the chip, and most keep the last level. Must be made
    inside a running event loop.

    Attributes:
        where: chip and line, as messages name them.
    """

    def __init__(
        self,
        chip: str,
        line: str | int,
        *,
        active_low: bool = False,
        bias: BiasName = "as-is",
        drive: DriveName = "push-pull",
    ) -> None:
        """Describe the line.

        Args:
            chip: its device path, name or label.
            line: its name, or its offset on the chip.
            active_low: whether the low level is the active one.
            bias: the resistor that the chip puts on the line.
            drive: whether both levels are driven, or one only; an open drain suits a button's pull-up.
        """
        self._line = GpioLine(
            chip,
            line,
            gpiod.LineSettings(
                direction=Direction.OUTPUT,
                output_value=Value.INACTIVE,
                active_low=active_low,
                bias=_BIASES[bias],
                drive=_DRIVES[drive],
            ),
        )
        self.where = self._line.where

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the chip is gone."""
        return self._line.lost

    async def open(self) -> None:
        """Take the line, inactive from the start. Raises BenchError."""
        if not self._line.is_open:
            self._line.request()
            try:
                self._switch(False)
            except BaseException:
                self._line.release()
                raise

    async def close(self) -> None:
        """Make the line inactive and give it back. Raises BenchError if it does not follow."""
        try:
            if self._line.is_open:
                self._switch(False)
        finally:
            self._line.release()

    async def set(self, active: bool) -> bool:
        """Switch the line; it has been read back when this returns True.

        Raises:
            BenchError: the chip is gone, or the line reads otherwise.
        """
        self._switch(active)
        return True

    async def read(self) -> bool:
        """Return whether the line reads as active. Raises BenchError."""
        return self._line.get()

    def _switch(self, active: bool) -> None:
        self._line.put(active)
        if self._line.get() is not active:
            wanted = "active" if active else "inactive"
            raise BenchError(
                f"the line was made {wanted} but does not read {wanted}",
                self.where,
                "look for a short circuit, or for something else that drives it",
            )


class GpioInput:
    """Input over one GPIO line, held from opening to closing. Must be made inside a running event loop.

    With a debounce period an edge is told, and dated, once the level has been stable for that long.

    Attributes:
        where: chip and line, as messages name them.
    """

    def __init__(
        self,
        chip: str,
        line: str | int,
        *,
        active_low: bool = False,
        bias: BiasName = "as-is",
        debounce: float = 0.0,
    ) -> None:
        """Describe the line.

        Args:
            chip: its device path, name or label.
            line: its name, or its offset on the chip.
            active_low: whether the low level is the active one.
            bias: the resistor that the chip puts on the line.
            debounce: how long a level must be stable to count, in seconds.
        """
        self._line = GpioLine(
            chip,
            line,
            gpiod.LineSettings(
                direction=Direction.INPUT,
                edge_detection=Edge.BOTH,
                active_low=active_low,
                bias=_BIASES[bias],
                debounce_period=timedelta(seconds=debounce),
                event_clock=Clock.REALTIME,
            ),
        )
        self.where = self._line.where

    @property
    def lost(self) -> asyncio.Future[str]:
        """Resolves with the reason when the chip is gone."""
        return self._line.lost

    def listen(self, on_edge: OnEdge) -> None:
        """Give every change of state from now on to ``on_edge``, in place of who listened before."""
        self._line.on_edge = on_edge

    async def open(self) -> None:
        """Take the line and watch it. Raises BenchError."""
        if not self._line.is_open:
            self._line.request()

    async def close(self) -> None:
        """Give the line back."""
        self._line.release()

    async def read(self) -> bool:
        """Return whether the line is active now. Raises BenchError."""
        return self._line.get()
