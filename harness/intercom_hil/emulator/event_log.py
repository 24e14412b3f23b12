"""The device's event log as its Admin Portal keeps and exports it: entries in, CSV or JSON out."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from intercom_hil.emulator.speech import Entry, iso
from intercom_hil.emulator.vocabulary import WriteEvent

_MOST_ENTRIES = 20_000
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""What the log is exported as, with the content type of each."""


class LoggedEvent(NamedTuple):
    """An entry of the log: its time in UTC (ISO 8601, milliseconds), both names of the event, details."""

    time: str
    event: str
    screen: str
    details: str


class EventLog:
    """The newest entries of the log, in milliseconds of the device's clock."""

    def __init__(self) -> None:
        self._entries: deque[LoggedEvent] = deque(maxlen=_MOST_ENTRIES)

    @property
    def newest_first(self) -> Sequence[LoggedEvent]:
        """The entries in the order in which the portal shows them."""
        return tuple(reversed(self._entries))

    def write(self, entry: Entry, at: float) -> None:
        """Keep an event; other entries are not for the portal."""
        if isinstance(entry, WriteEvent):
            stamp = f"{iso(at)[:-4]}Z"
            self._entries.append(LoggedEvent(stamp, entry.name, entry.screen_name, entry.details))

    def export(self, form: str) -> bytes:
        """Return the log as ``csv``, newest entry first as the portal shows it, or ``json``, oldest first."""
        if form == "json":
            return json.dumps([entry._asdict() for entry in self._entries], indent=1).encode()
        return as_csv(LoggedEvent._fields, self.newest_first)


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a table as CSV (RFC 4180) in UTF-8."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
