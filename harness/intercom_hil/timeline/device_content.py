"""What a device reports of itself, by whatever way: lines, messages and requests, and what is in them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from intercom_hil.timeline.content import BaseContent

_NO_TEXT = re.compile(r"\\x[89a-f][0-9a-f]|\ufffd")
_SOME_WORD = re.compile(r"[^\W\d_]{3}|\d{3}")


class ConsoleLine(BaseContent):
    """One complete line from the device's console."""

    kind: Literal["console_line"] = "console_line"
    text: str

    @property
    def is_noise(self) -> bool:
        """Whether it has no word, or is mostly bytes that are no text, as at a wrong baud rate."""
        broken = len(_NO_TEXT.findall(self.text))
        return 8 * broken > len(self.text) or _SOME_WORD.search(self.text) is None


class UnreadableLine(BaseContent):
    """What a device wrote and nobody can read as a line: cut, damaged, or without an end.

    ``text`` is as much of it as is kept, ``size`` the bytes that came where that is less, ``since`` when its
    first byte came (seconds since the epoch) where that is known, ``ended`` whether its end has come, or is
    still awaited. ``may_hold_event`` says whether an event of
    the judged event log may be hidden in it, so that one which is missing cannot be held against the device.
    """

    kind: Literal["unreadable_line"] = "unreadable_line"
    text: str
    reason: str
    size: int | None = None
    since: float | None = None
    ended: bool = True
    may_hold_event: bool = True

    def __str__(self) -> str:
        return f"unreadable ({self.reason}): {self.text}"


class SyslogSeen(BaseContent):
    """One syslog message (RFC 5424, RFC 3164) of the device; what its header does not say is empty."""

    kind: Literal["syslog"] = "syslog"
    facility: int | None = None
    severity: int | None = None
    host: str = ""
    app: str = ""
    device_time: float | None = None
    text: str

    def __str__(self) -> str:
        return f"syslog {self.app}: {self.text}" if self.app else f"syslog {self.text}"


class WebhookSeen(BaseContent):
    """One HTTP request of the device to the bench's webhook; ``status`` is the bench's answer (RFC 9110)."""

    kind: Literal["webhook"] = "webhook"
    status: int
    text: str

    def __str__(self) -> str:
        return f"webhook, answered {self.status}: {self.text}"


class DeviceEvent(BaseContent):
    """One entry of the device's event log. ``failure`` is the kind that the details name (EVT-13)."""

    kind: Literal["event"] = "event"
    name: str
    screen_name: str = ""
    details: str = ""
    failure: str = ""
    device_time: float | None = None

    def __str__(self) -> str:
        return f"event {self.name} ({self.screen_name}) {self.details}".rstrip()


class EventCopy(BaseContent):
    """An entry of the device's event log as a further source reports it: compared with events, not judged.

    ``source`` is what that source is called; the other fields are those of ``DeviceEvent``.
    """

    kind: Literal["event_copy"] = "event_copy"
    source: str
    name: str
    screen_name: str = ""
    details: str = ""
    failure: str = ""
    device_time: float | None = None

    def __str__(self) -> str:
        return f"{self.source}: event {self.name} ({self.screen_name}) {self.details}".rstrip()


class EventsImported(BaseContent):
    """The device's exported event log was read after the run: which file, and the clocks it was dated by.

    ``ahead`` is how far (s) the device's clock was ahead of the bench's at the scenario's beginning,
    ``drift_ppm`` how fast it gained, ``entries`` how many of the file's entries fell into this scenario.
    They are ``judged``, or compared with what the judged source reported.
    """

    kind: Literal["events_imported"] = "events_imported"
    file: str
    sha256: str
    ahead: float
    drift_ppm: float
    entries: int
    judged: bool = True

    def __str__(self) -> str:
        return f"{self.entries} events imported from {self.file}, device clock {self.ahead:+.3f} s"


class PageSeen(BaseContent):
    """What somebody is shown on a page of the device's portal.

    ``page`` says which it is, ``by`` who looks; ``found`` is what is there of all that was ``looked`` for,
    ``missing`` what is not, ``values`` what stands in those fields that can be read, ``picture`` the file of
    a screenshot.
    """

    kind: Literal["page"] = "page"
    page: str
    by: str = "administrator"
    looked: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    values: dict[str, str] = Field(default={})
    picture: str = ""

    def __str__(self) -> str:
        without = f", without {', '.join(self.missing)}" if self.missing else ""
        return f"page {self.page}, shown to {self.by}: {', '.join(self.found) or 'nothing'}{without}"


class ScreenText(BaseContent):
    """A text the device shows."""

    kind: Literal["screen"] = "screen"
    text: str

    def __str__(self) -> str:
        return f"screen shows {self.text!r}"


def can_be_read(content: BaseContent) -> bool:
    """Whether what a source has said shows that it can be understood: neither noise nor unreadable."""
    return not isinstance(content, UnreadableLine) and not (
        isinstance(content, ConsoleLine) and content.is_noise
    )
