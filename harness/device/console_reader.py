"""Puts what a device's console says on the timeline, and notices there that the device has restarted.

Lines with their times come in from a Console; observations by the witness *console* go out.
"""

from __future__ import annotations

from harness.device.console_layout import Layout
from harness.timeline.observation import InstrumentLost, Witness
from harness.timeline.timeline import Append, now

_BANNER_TIME = 2.0  # s after the console was opened in which a first boot line may be the start-up's


class ConsoleReader:
    """Reads one console in one layout.

    A boot line within a scenario means that the device restarted under test: its own doing. The banner of
    the start itself can still be on its way when the first scenario begins: the first boot line, shortly
    after the console was opened, is taken for it.
    """

    def __init__(self, layout: Layout, *, append: Append) -> None:
        self.layout = layout
        self._append = append
        self._opened = now()
        self._seen_boot = False
        self._in_scenario = False

    def opened(self) -> None:
        """Note that the console has just been opened."""
        self._opened = now()
        self._seen_boot = False

    def begin(self) -> None:
        """Note that a scenario begins: from now on a restart is held against the device."""
        self._in_scenario = True

    def end(self) -> None:
        """Note that the scenario has ended."""
        self._in_scenario = False

    def line(self, text: str, at: float) -> None:
        """Take one line and the time it arrived, in seconds since the epoch."""
        reading = self.layout.read(text)
        for content in reading.contents:
            self._append(Witness.CONSOLE, content, at)
        if reading.boot is None:
            return
        banner = not self._seen_boot and at - self._opened <= _BANNER_TIME
        self._seen_boot = True
        if self._in_scenario and not banner:
            lost = InstrumentLost(
                instrument="device", problem=f"it restarted: {reading.boot}", blame="device"
            )
            self._append(Witness.CONSOLE, lost, at)
