"""The device's event log as its Admin Portal keeps and exports it: entries in, CSV or JSON out."""

from __future__ import annotations

import csv
import io
import json
from collections import deque

from intercom_hil.emulator.speech import Entry, iso
from intercom_hil.emulator.vocabulary import WriteEvent

_MOST_ENTRIES = 20_000
_COLUMNS = ("time", "event", "screen", "details")
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""What the log is exported as, with the content type of each."""


class EventLog:
    """The newest entries of the log, in milliseconds of the device's clock."""

    def __init__(self) -> None:
        self._entries: deque[tuple[str, str, str, str]] = deque(maxlen=_MOST_ENTRIES)

    def write(self, entry: Entry, at: float) -> None:
        """Keep an event; other entries are not for the portal."""
        if isinstance(entry, WriteEvent):
            stamp = f"{iso(at)[:-4]}Z"
            self._entries.append((stamp, entry.name, entry.screen_name, entry.details))

    def export(self, form: str) -> bytes:
        """Return the log as ``csv``, newest entry first as the portal shows it, or ``json``, oldest first."""
        if form == "json":
            rows = [dict(zip(_COLUMNS, entry, strict=True)) for entry in self._entries]
            return json.dumps(rows, indent=1).encode()
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(_COLUMNS)
        table.writerows(reversed(self._entries))
        return text.getvalue().encode()
