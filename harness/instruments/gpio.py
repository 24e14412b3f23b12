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
import errno
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal

import gpiod
from gpiod.line import Bias, Clock, Direction, Drive, Edge, Value

from harness.instruments.protocols import OnEdge
from harness.timeline.errors import BenchError

BiasName = Literal["as-is", "disabled", "pull-up", "pull-down"]
DriveName = Literal["push-pull", "open-drain", "open-source"]

CONSUMER = "intercom-hil"
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
_REMEDIES = {
    errno.ENOENT: "correct its name; gpioinfo lists chips and lines",
    errno.EACCES: "let your user use GPIO, for instance by adding it to the group gpio",
    errno.EPERM: "let your user use GPIO, for instance by adding it to the group gpio",
    errno.EBUSY: "end the program, or remove the driver, that has the line",
    errno.ENODEV: "plug the chip in again",
    errno.EINVAL: "check that the chip can do what the bench file asks of this line",
    errno.ENOTSUP: "leave out what this chip cannot do: bias, drive or debounce",
}
_NANO = 1e-9


class _Line:
    """One requested line, and the future that tells of its loss."""

    def __init__(self, chip: str, line: str | int, settings: gpiod.LineSettings) -> None:
        self.where = f"GPIO {chip} line {line}"
        self._chip, self._line, self._settings = chip, line, settings
        self._request: gpiod.LineRequest | None = None
        self._offset = 0
        self.on_edge: OnEdge | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        return self._request is not None and not self.lost.done()

    def request(self) -> None:
        """Have the line for this process alone, as the settings say. Raises BenchError."""
        self.release()
        if self.lost.done():
            self.lost = self._loop.create_future()
        try:
            with gpiod.Chip(_path_of(self._chip, self.where)) as chip:
                self._offset = chip.line_offset_from_id(self._line)
                self._request = chip.request_lines(
                    {self._offset: self._settings}, consumer=CONSUMER, event_buffer_size=256
                )
        except (OSError, ValueError) as problem:
            raise self._error("cannot be had", problem) from problem
        self._loop.add_reader(self._request.fd, self._readable)

    def release(self) -> None:
        """Give the line back; nothing happens when it is not held."""
        request, self._request = self._request, None
        if request is not None:
            self._loop.remove_reader(request.fd)
            request.release()

    def get(self) -> bool:
        """Return whether the line is active. Raises BenchError."""
        try:
            return self._held().get_value(self._offset) is Value.ACTIVE
        except OSError as problem:
            raise self._failed("cannot be read", problem) from problem

    def put(self, active: bool) -> None:
        """Drive the line. Raises BenchError."""
        try:
            self._held().set_value(self._offset, Value.ACTIVE if active else Value.INACTIVE)
        except OSError as problem:
            raise self._failed("cannot be driven", problem) from problem

    def _held(self) -> gpiod.LineRequest:
        if self._request is None or self.lost.done():
            reason = self.lost.result() if self.lost.done() else "it is not open"
            raise BenchError(
                f"the line cannot be used ({reason})", self.where, "check the chip; open it first"
            )
        return self._request

    def _readable(self) -> None:
        """Read the edges that are there, or find out that the chip is gone: an output has nothing to read."""
        if self._request is None:
            return
        try:
            if self._settings.edge_detection is Edge.NONE:
                self._request.get_value(self._offset)
                return
            events = self._request.read_edge_events()
        except OSError as problem:
            self._lose(str(problem))
            return
        for event in events:
            if self.on_edge is not None:
                self.on_edge(event.event_type is event.Type.RISING_EDGE, event.timestamp_ns * _NANO)

    def _failed(self, what: str, problem: OSError) -> BenchError:
        if problem.errno == errno.ENODEV:
            self._lose(str(problem))
        return self._error(what, problem)

    def _lose(self, reason: str) -> None:
        if self._request is not None and not self.lost.done():
            self.lost.set_result(reason)
        self.release()  # as long as it is held, the chip comes back under another number

    def _error(self, what: str, problem: OSError | ValueError) -> BenchError:
        number = problem.errno if isinstance(problem, OSError) else None
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        holder = self._holder() if number == errno.EBUSY else ""
        remedy = _REMEDIES.get(number or 0, "check chip and line; gpioinfo lists them")
        return BenchError(f"the line {what} ({reason}{holder})", self.where, remedy)

    def _holder(self) -> str:
        with suppress(OSError, BenchError), gpiod.Chip(_path_of(self._chip, self.where)) as chip:
            return f" by {chip.get_line_info(self._offset).consumer!r}"
        return ""


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
        self._line = _Line(
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
        self._line = _Line(
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


def _path_of(chip: str, where: str) -> str:
    """Return the device of a chip that is given by path, name or label. Raises BenchError."""
    if chip.startswith("/"):
        if Path(chip).exists() and not gpiod.is_gpiochip_device(chip):
            raise BenchError("it is no GPIO chip", where, "correct the path; gpiodetect lists the chips")
        return chip
    found = []
    for path in sorted(Path("/dev").glob("gpiochip*")):
        with suppress(OSError), gpiod.Chip(str(path)) as candidate:
            info = candidate.get_info()
            found.append(f"{info.name} ({info.label})")
            if chip in (info.name, info.label):
                return str(path)
    there = f"there are {', '.join(found)}" if found else "none is there, or none may be opened"
    raise BenchError(f"no GPIO chip is called {chip!r}", where, f"correct its name or label: {there}")
