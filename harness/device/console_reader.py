"""Puts what a device's console says on the timeline.

Lines with their times come in from a Console; observations by the witness *console* go out.
"""

from __future__ import annotations

from harness.device.console_layout import Layout
from harness.device.event_sources.duties import Duties
from harness.device.event_sources.teller import Teller
from harness.timeline.observation import Witness
from harness.timeline.timeline import Append

_ALL = Duties()


class ConsoleReader:
    """Reads one console in one layout.

    Attributes:
        layout: what its lines mean.
        teller: its voice on the timeline.
    """

    def __init__(self, layout: Layout, *, append: Append, duties: Duties = _ALL) -> None:
        self.layout = layout
        self.teller = Teller("console", Witness.CONSOLE, append=append, duties=duties)
        self.opened, self.begin, self.end = self.teller.opened, self.teller.begin, self.teller.end

    def line(self, text: str, at: float) -> None:
        """Take one line and the time it arrived, in seconds since the epoch."""
        self.teller.tell(self.layout.read(text), at)
