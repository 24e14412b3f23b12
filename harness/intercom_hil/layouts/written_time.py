"""Times as devices write them, to seconds since the epoch. Pure but for today's date, total, linear.

What a time leaves out is taken so that it comes closest to a time nearby, such as that of its arrival: the
year of RFC 3164, the day of a bare clock, the order of day and month in ``11/12/26``. UTC unless it says so.
The abbreviation of a zone (``CET``, ``CST``) is ambiguous, and many devices print the wrong one: it counts
where it brings the time closer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

from intercom_hil.timeline.timeline import now

_DAY = 86_400.0
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("UTC", "GMT", "UT", "Z"), (0,)),
    "WET": (0,),
    "WEST": (1,),
    "BST": (1, 6),
    "CET": (1,),
    "CEST": (2,),
    "MEZ": (1,),
    "MESZ": (2,),
    "EET": (2,),
    "EEST": (3,),
    "MSK": (3,),
    "TRT": (3,),
    "SAST": (2,),
    "IST": (5.5, 1, 2),
    "PKT": (5,),
    "CST": (-6, 8),
    "CDT": (-5,),
    "EST": (-5,),
    "EDT": (-4,),
    "MST": (-7,),
    "MDT": (-6,),
    "PST": (-8,),
    "PDT": (-7,),
    "AKST": (-9,),
    "AKDT": (-8,),
    "HST": (-10,),
    "AST": (-4, 3),
    "BRT": (-3,),
    "ART": (-3,),
    "JST": (9,),
    "KST": (9,),
    "HKT": (8,),
    "SGT": (8,),
    "AEST": (10,),
    "AEDT": (11,),
    "ACST": (9.5,),
    "AWST": (8,),
    "NZST": (12,),
    "NZDT": (13,),
}
"""Hours east of Greenwich that an abbreviation may mean."""
_PARTS = r"(?:[.,:](?P<fraction>(?<=:)\d{3}(?!\d)|(?<=[.,])\d{1,9}))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?(?!\w))?"
_BARE_CLOCK = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d):(?P<second>\d\d){_PARTS}"
_CLOCK = rf"(?P<hour>\d{{1,2}})(?P<dot>[:.-])(?P<minute>\d\d)(?P=dot)(?P<second>\d\d){_PARTS}"
"""A clock after a date, which may have its parts joined by dots or hyphens."""
_NAMED = rf"(?:{'|'.join(sorted(_ZONES, key=len, reverse=True))}|z)(?![A-Za-z])"
_OFFSET = r"(?P<offset>[+-]\d\d?(?::?\d\d)?(?!:?\d))"
_ZONE = rf"(?: ?\(?(?={_NAMED}|[+-]\d)(?P<zone>{_NAMED})?(?: ?\(?{_OFFSET})?\)?)?"
_MONTH, _YEAR = r"(?P<month>[A-Za-z]{3,9})\.?", r"(?P<year>\d{4})"
_WEEKDAY = r"(?:[A-Z][a-z]{2,8},? +)?"
_D = r"(?P<day>\d{1,2})"
_FORMS = (
    rf"{_WEEKDAY}{_MONTH} +{_D},?(?: +{_YEAR},?)? +{_CLOCK}{_ZONE}(?: +(?P<year2>\d{{4}})(?!\S))?",
    rf"{_YEAR}[ -]{_MONTH}[ -]+{_D} +{_CLOCK}{_ZONE}",
    rf"{_WEEKDAY}{_D}[ ./-]{_MONTH}[ ./-]{_YEAR}[ :T]+{_CLOCK}{_ZONE}",
    rf"{_YEAR}(?P<sep>[-/.])(?P<month>\d{{1,2}})(?P=sep){_D}(?:[Tt_;-]|,? +|,){_CLOCK}{_ZONE}",
    rf"(?P<a>\d{{1,2}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{4}}|\d\d)"
    rf"(?:[Tt_;-]|,? +|,){_CLOCK}{_ZONE}",
    rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)(?:[T_-]| +){_CLOCK}{_ZONE}",
    rf"{_YEAR}(?P<sep>-?)(?P<month>\d\d)(?P=sep)(?P<day>\d\d)[Tt_ -]?"
    r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    rf"(?:[.,]?(?P<fraction>(?<=[.,])\d{{1,9}}|\d{{3}}))?(?!\d){_ZONE}",
    rf"{_BARE_CLOCK}{_ZONE}",
)
_EPOCH = re.compile(
    r"(?P<epoch>\d{9,11}|\d{12,13}|\d{15,16})(?:\.(?P<part>\d{1,9}))?(?![\w./-]|:\S)", re.ASCII
)
_END = re.compile(r"[]>)]?[:,;]?(?:\s+|\Z)")


@cache
def _forms() -> tuple[re.Pattern[str], ...]:
    """Compile the forms: when a time is read for the first time, as it takes a while."""
    return tuple(re.compile(form, re.ASCII) for form in _FORMS)


def leading_time(text: str, near: float) -> tuple[float, int] | None:
    """Return the time that a text begins with, and where what follows it begins; None if it begins with none.

    Args:
        text: the text; the time may be in brackets.
        near: the time nearby, in seconds since the epoch.
    """
    begin = 1 if text[:1] in ("[", "(", "<") else 0
    for form in (*_forms(), _EPOCH):
        found = form.match(text, begin)
        end = _END.match(text, found.end()) if found else None
        if found is None or end is None:
            continue
        seconds = _seconds(found.groupdict(), near)
        if seconds is not None:
            return seconds, end.end()
    return None


def read_time(text: str, time_format: str = "", near: float | None = None) -> float | None:
    """Return a device's time in seconds since the epoch, None if it is none.

    Args:
        text: the time as the device writes it.
        time_format: for ``datetime.strptime``; when empty, whatever ``leading_time`` reads.
        near: the time nearby; now when not given.
    """
    text, near = text.strip(), now() if near is None else near
    if time_format:
        return _by_format(text, time_format, near)
    try:
        seconds = _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        found = leading_time(text, near)
        return found[0] if found is not None and found[1] == len(text) else None
    return seconds if len(text) > len("2026-11-22") else None


def _by_format(text: str, time_format: str, near: float) -> float | None:
    if any(f"%{letter}" in time_format for letter in "YyGcx"):
        return _parsed(text, time_format)
    years = [f"{year} " for year in _years(near)]
    times = [_parsed(year + text, f"%Y {time_format}") for year in years]
    return _nearest([time for time in times if time is not None], near)


def _parsed(text: str, time_format: str) -> float | None:
    try:
        return _utc(datetime.strptime(text, time_format))
    except (ValueError, OverflowError):
        return None


def _utc(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _seconds(parts: dict[str, str | None], near: float) -> float | None:
    if (epoch := parts.get("epoch")) is not None:
        scale = 1 if len(epoch) < 12 else 1000 if len(epoch) < 14 else 1_000_000
        return (int(epoch) + float(f"0.{parts['part'] or 0}")) / scale
    hour = int(parts["hour"] or 0)
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    clock = (hour, int(parts["minute"] or 0), min(int(parts["second"] or 0), 59))  # 60 is a leap second
    dates = _dates(parts, near)
    times = [time for date in dates if (time := _at(*date, *clock)) is not None]
    written = _nearest(times, near)
    if written is None:
        return None
    written += float(f"0.{parts.get('fraction') or 0}")
    return _in_zone(written, parts.get("zone"), parts.get("offset"), near)


def _dates(parts: dict[str, str | None], near: float) -> Iterator[tuple[int, int, int]]:
    """Yield the dates (year, month, day) that the parts may mean."""
    if "a" in parts:
        first, second, third = (int(parts[name] or 0) for name in "abc")
        yield from [(_century(third), second, first), (_century(third), first, second)]
        if third < 100:
            yield (_century(first), second, third)
    elif parts.get("day") is None:
        around = datetime.fromtimestamp(near, UTC)
        yield from (
            (day.year, day.month, day.day) for day in (around + timedelta(days=d) for d in (-1, 0, 1))
        )
    else:
        named = (parts["month"] or "").lower()
        month = (
            int(named) if named.isdecimal() else _MONTHS.index(named[:3]) + 1 if named[:3] in _MONTHS else 0
        )
        year = parts.get("year") or parts.get("year2")
        yield from product([int(year)] if year else _years(near), [month], [int(parts["day"] or 0)])


def _century(year: int) -> int:
    return year if year >= 100 else 2000 + year


def _years(near: float) -> list[int]:
    year = datetime.fromtimestamp(near, UTC).year
    return [max(year - 1, 1), year, min(year + 1, 9999)]


def _at(*fields: int) -> float | None:
    try:
        return datetime(*fields, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None


def _in_zone(written: float, zone: str | None, offset: str | None, near: float) -> float | None:
    if offset is not None:
        digits = offset[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
        east = int(hours) * 3600 + int(minutes) * 60
        if east >= _DAY:
            return None
        return written - (east if offset[0] == "+" else -east)
    meant = _ZONES.get((zone or "").upper(), (0.0,))
    if meant == (0,):
        return written
    nearest = _nearest([written, *(written - hours * 3600 for hours in meant)], near)
    return nearest if nearest is not None and abs(nearest - near) <= _DAY else written


def _nearest(times: list[float], near: float) -> float | None:
    found = min(times, key=lambda time: abs(time - near), default=None)
    return found if found is None or math.isfinite(found) else None
