"""Puts the lines of a device's console on the timeline, as observations by the witness *console*."""

from __future__ import annotations

from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.layouts.layout import Layout, Reading
from intercom_hil.timeline.observation import UnreadableLine, Witness
from intercom_hil.timeline.timeline import Append

_ALL = SourceRole()


class ConsoleReader:
    """Reads one console in one layout.

    Attributes:
        layout: what its lines mean.
        publisher: puts what they mean on the timeline.
        language: how its lines are read, and what they are judged by, as data.
    """

    def __init__(self, layout: Layout, *, append: Append, role: SourceRole = _ALL) -> None:
        self.layout, self.language = layout, language(layout, role)
        self.publisher = EventPublisher("console", Witness.CONSOLE, append=append, role=role)
        self.opened, self.begin = self.publisher.opened, self.publisher.begin

    def line(self, text: str, at: float) -> None:
        """Take one line and the time it arrived, in seconds since the epoch."""
        self.publisher.publish(self.layout.read(text), at)

    def fragment(self, content: UnreadableLine, at: float) -> None:
        """Take what came of a line that is not whole, and when that was known."""
        if content.size is None and not self.layout.may_begin_event(content.text):
            content = content.model_copy(update={"may_hold_event": False})
        self.publisher.publish(Reading((content,)), at)
