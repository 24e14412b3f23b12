"""Where the parts of an event stand in a JSON object or a row of a table, and how its time is written.

What comes in is whatever a device puts into JSON or CSV; what goes out are texts by the names that a layout
knows. Pure and total: what is not there is empty, what is no time is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_EPOCH = re.compile(r"\d{9,11}(?:\.\d+)?")
_EPOCH_MS = re.compile(r"\d{12,14}(?:\.\d+)?")
_DEEPEST = 16  # steps of a dotted path


@dataclass(frozen=True, slots=True)
class EventFields:
    """The dotted paths of what is wanted; a step is a key, or the place in a list. Empty: it is not told.

    An object with a ``name`` is an event, else one with ``shown`` a screen text, with ``boot`` a start-up,
    with ``note`` a remark.
    """

    name: str = "event"
    screen: str = "screen"
    details: str = "details"
    time: str = "time"
    shown: str = "shown"
    boot: str = "boot"
    note: str = "note"

    def pick(self, value: object) -> tuple[str, dict[str, str]] | None:
        """Return the kind of what an object tells, with its parts by the names of a layout's groups."""
        name = text_at(value, self.name)
        if name:
            parts = {"screen": self.screen, "details": self.details, "time": self.time}
            return "event", {"name": name, **{part: text_at(value, path) for part, path in parts.items()}}
        for kind, path in (("screen", self.shown), ("boot", self.boot), ("note", self.note)):
            text = text_at(value, path)
            if text:
                return kind, {"text": text}
        return None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of things that can be told."""
        paths = {"event": self.name, "screen": self.shown, "boot": self.boot, "note": self.note}
        return frozenset(kind for kind, path in paths.items() if path)


def text_at(value: object, path: str) -> str:
    """Return what stands at a dotted path as text; empty when nothing, or no single value, stands there."""
    if not path:
        return ""
    if isinstance(value, Mapping) and path in value:  # a key may have a dot in it
        return _text(value[path])
    for step in path.split(".")[:_DEEPEST]:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 6 and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # JSON may hold half a character
    if isinstance(value, bool):
        return "true" if value else ""
    return format(value, "") if isinstance(value, int | float) and abs(value) < 1e300 else ""


def read_time(text: str, time_format: str = "") -> float | None:
    """Return a device's time in seconds since the epoch, None if it is none.

    Args:
        text: the time as the device writes it.
        time_format: for ``datetime.strptime``; when empty, ISO 8601, or seconds or milliseconds since the
            epoch. UTC unless it says otherwise.
    """
    text = text.strip()
    if not time_format and _EPOCH.fullmatch(text):
        return float(text)
    if not time_format and _EPOCH_MS.fullmatch(text):
        return float(text) / 1000
    try:
        time = datetime.strptime(text, time_format) if time_format else datetime.fromisoformat(text)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
