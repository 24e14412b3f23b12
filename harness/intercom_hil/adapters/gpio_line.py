"""One GPIO line of Linux, held by this process: its level, its edges, and a report when the chip is gone.

The chip is named by device path, name or label, the line by name or offset. Edges carry the kernel's time;
errors say what to do about them.
"""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from pathlib import Path

import gpiod
from gpiod.line import Edge, Value

from intercom_hil.errors import BenchError
from intercom_hil.instruments.protocols import OnEdge

CONSUMER = "intercom-hil"
"""What the kernel shows to others who ask who has a line."""
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


class GpioLine:
    """One line, requested from ``request`` to ``release``. Must be made inside a running event loop.

    Attributes:
        where: chip and line, as messages name them.
        on_edge: takes edges, where the settings ask for them.
        lost: resolves with the reason when the chip is gone.
    """

    def __init__(self, chip: str, line: str | int, settings: gpiod.LineSettings) -> None:
        """Describe the line.

        Args:
            chip: its device path, name or label.
            line: its name, or its offset on the chip.
            settings: what it is requested as.
        """
        self.where = f"GPIO {chip} line {line}"
        self._chip, self._line, self._settings = chip, line, settings
        self._request: gpiod.LineRequest | None = None
        self._offset = 0
        self.on_edge: OnEdge | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        """Whether the line is held and its chip there."""
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
