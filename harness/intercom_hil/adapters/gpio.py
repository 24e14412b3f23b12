"""GPIO lines of Linux as outputs that are read back, and as inputs whose edges the kernel dates.

A line is named by its chip (``/dev/gpiochip0``, its name, or its label) and its name or offset on it.
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
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import gpiod
from gpiod.line import Bias, Clock, Direction, Drive, Edge, Value
from pydantic import BaseModel, Field

from intercom_hil.adapters.gpio_line import GpioLine
from intercom_hil.errors import BenchError
from intercom_hil.instruments.kinds import InputOptions, OutputOptions
from intercom_hil.instruments.protocols import OnEdge
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Found, Wizard

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

    With a debounce period an edge is reported, and dated, once the level has been stable for that long.

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


class _OnChip(BaseModel):
    """What both roles of a line have in their tables."""

    chip: Annotated[str, Field(min_length=1, description="device path, name or label")]
    line: Annotated[int | str, Field(description="offset or name")]
    active_low: bool = False
    bias: BiasName = "as-is"

    @property
    def where(self) -> str:
        """Chip and line."""
        return f"{self.chip} {self.line}"

    def claims(self) -> Mapping[str, str]:
        """Return the line: the kernel gives it to one process."""
        chip = os.path.realpath(self.chip) if self.chip.startswith("/") else self.chip
        return {f"GPIO {chip} line {self.line}": ""}


class GpioOutputOptions(_OnChip, OutputOptions):
    """A GPIO line of the machine, as an output."""

    label: ClassVar[str] = "a GPIO line of this computer, such as a Raspberry Pi's"
    kind: Literal["gpio"]
    drive: DriveName = "push-pull"

    def make(self, ports: SharedPorts, *, name: str = "output") -> GpioOutput:
        """Return the output."""
        return GpioOutput(self.chip, self.line, active_low=self.active_low, bias=self.bias, drive=self.drive)

    @classmethod
    def ask(cls, wizard: Wizard) -> dict[str, Any]:
        """Ask for chip and line."""
        chip = wizard.offered("GPIO chip", chips())
        line = wizard.text("Line (offset or name)")
        return {"chip": chip, "line": int(line) if line.isdecimal() else line}


class GpioInputOptions(_OnChip, InputOptions):
    """A GPIO line of the machine, as an input."""

    kind: Literal["gpio"]
    debounce: Annotated[float, Field(ge=0, le=1, description="s a level must be stable")] = 0.0

    def make(self, ports: SharedPorts, *, name: str = "input") -> GpioInput:
        """Return the input."""
        return GpioInput(
            self.chip, self.line, active_low=self.active_low, bias=self.bias, debounce=self.debounce
        )


KINDS = (GpioOutputOptions, GpioInputOptions)


def chips() -> list[Found]:
    """Return the GPIO chips of this computer, with what is to be said of each."""
    found = []
    for path in sorted(Path("/dev").glob("gpiochip*")):
        try:
            with gpiod.Chip(str(path)) as chip:
                info = chip.get_info()
        except OSError as problem:
            found.append(Found(str(path), f"cannot be opened: {problem.strerror}"))
        else:
            found.append(Found(str(path), f"{info.label}, {info.num_lines} lines"))
    return found
