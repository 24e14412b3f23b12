"""One syslog message: bytes to its parts, whatever came (RFC 5424 §6, RFC 3164 §4).

Total: by RFC 3164 §4.3 anything at all may be a message, so what is not understood is its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from intercom_hil.event_sources.event_fields import read_time

LONGEST_TEXT = 8192  # characters of one message that are handed on
_PRIORITY = re.compile(r"<(\d{1,3})>")
_HIGHEST = 191
_NIL = "-"
_STRUCTURED = re.compile(
    r"(?:-|(?:\[[^\s=\]\"]{1,32}(?: [^\s=\]\"]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*\])+)(?: |\Z)", re.DOTALL
)
_BSD_TIME = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(\.\d{1,6})? ")
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) ")
_TAG = re.compile(r"([\w./-]{1,48})(?:\[[^\]]{0,32}\])?:(?: |\Z)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """What a message says of itself, and its text. ``time`` is seconds since the epoch, by the sender."""

    text: str
    facility: int | None = None
    severity: int | None = None
    time: float | None = None
    host: str = ""
    app: str = ""

    @classmethod
    def parse(cls, data: bytes, arrived: float) -> SyslogMessage:
        """Read a message; ``arrived`` (seconds since the epoch) tells the year that RFC 3164 leaves out."""
        text = data.decode("utf-8", "backslashreplace").strip("\r\n\0")[:LONGEST_TEXT]
        priority = _PRIORITY.match(text)
        if priority is None or int(priority[1]) > _HIGHEST:
            return cls(_clean(text))
        facility, severity = divmod(int(priority[1]), 8)
        body = text[priority.end() :]
        return _new(body, facility, severity) or _old(body, facility, severity, arrived)


def _new(body: str, facility: int, severity: int) -> SyslogMessage | None:
    """Read what follows the priority as RFC 5424 has it, or return None."""
    parts = body.split(" ", 6)
    if len(parts) < 7 or parts[0] != "1":
        return None
    _, stamp, host, app, _, _, rest = parts
    structured = _STRUCTURED.match(rest)
    if structured is None:
        return None
    text = rest[structured.end() :].removeprefix("\ufeff")
    time = None if stamp == _NIL else read_time(stamp)
    return SyslogMessage(_clean(text), facility, severity, time, _named(host), _named(app))


def _old(body: str, facility: int, severity: int, arrived: float) -> SyslogMessage:
    """Read what follows the priority as RFC 3164 has it, leaving out what is not there."""
    time: float | None = None
    host = app = ""
    if (bsd := _BSD_TIME.match(body)) is not None:
        time, body = _with_year(bsd, arrived), body[bsd.end() :]
    elif (iso := _ISO_TIME.match(body)) is not None:
        time, body = read_time(iso[1]), body[iso.end() :]
    if time is not None and _TAG.match(body) is None and " " in body:
        host, body = body.split(" ", 1)
    tag = _TAG.match(body)
    if tag is not None:
        app, body = tag[1], body[tag.end() :]
    return SyslogMessage(_clean(body), facility, severity, time, _clean(host), app)


def _with_year(found: re.Match[str], arrived: float) -> float | None:
    """Return the time in the year that brings it closest to its arrival."""
    month, day, hour, minute, second = found.groups()[:5]
    if month not in _MONTHS:
        return None
    year = datetime.fromtimestamp(arrived, UTC).year
    candidates = []
    for near in (year - 1, year, year + 1):
        try:
            time = datetime(
                near, _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
            )
        except ValueError:
            continue
        candidates.append(time.timestamp() + float(found[6] or 0))
    return min(candidates, key=lambda time: abs(time - arrived), default=None)


def _named(field: str) -> str:
    return "" if field == _NIL else _clean(field)


def _clean(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
