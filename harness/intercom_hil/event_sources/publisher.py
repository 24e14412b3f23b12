"""Puts what one event source reports on the timeline, as far as its role goes, and notices restarts."""

from __future__ import annotations

from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.layouts.layout import Reading
from intercom_hil.timeline.observation import (
    Content,
    DeviceEvent,
    EventCopy,
    InstrumentLost,
    ScreenText,
    UnreadableLine,
    Witness,
)
from intercom_hil.timeline.timeline import Append, now

_BANNER_TIME = 2.0  # s after the source was opened in which a first boot message may be the start-up's
_ALL = SourceRole()


class EventPublisher:
    """Puts the observations of one source on the timeline, by its witness.

    A boot message means that the device restarted, which is its own doing from the first scenario on. That of
    the start itself can still be on its way when the first scenario begins: the first one, shortly after the
    source was opened, is taken for it. Whether a scenario is played, the bench knows.

    Attributes:
        banner: what the device said of itself when it started last; empty as long as it has not.
    """

    def __init__(self, name: str, witness: Witness, *, append: Append, role: SourceRole = _ALL) -> None:
        self._name = name
        self.witness = witness
        self._append = append
        self._role = role
        self._opened = now()
        self._seen_boot = False
        self._played = False
        self.banner = ""

    def opened(self) -> None:
        """Note that the source has just been opened."""
        self._opened = now()
        self._seen_boot = self._played = False

    def begin(self) -> None:
        """Note that a scenario begins: from now on a restart is the device's own doing."""
        self._played = True

    def say(self, content: Content, at: float) -> None:
        """Put something of the source's own on the timeline."""
        self._append(self.witness, content, at)

    def publish(self, reading: Reading, at: float) -> None:
        """Take what was said and when it arrived, in seconds since the epoch."""
        for content in reading.contents:
            asked_for = self._as_asked(content)
            if asked_for is not None:
                self._append(self.witness, asked_for, at)
        if reading.boot is not None and self._role.restarts:
            self._restarted(reading.boot, at)

    def _as_asked(self, content: Content) -> Content | None:
        if isinstance(content, DeviceEvent) and not self._role.events:
            return EventCopy(source=self._name, **content.model_dump(exclude={"kind"}))
        if isinstance(content, UnreadableLine) and not self._role.events:
            return content.model_copy(update={"may_hold_event": False})
        if isinstance(content, ScreenText) and not self._role.screens:
            return None
        return content

    def _restarted(self, banner: str, at: float) -> None:
        self.banner = banner or self.banner
        of_the_start = not self._seen_boot and at - self._opened <= _BANNER_TIME
        self._seen_boot = True
        if self._played and not of_the_start:
            lost = InstrumentLost(instrument="device", problem=f"it restarted: {banner}", blame="device")
            self._append(self.witness, lost, at)
