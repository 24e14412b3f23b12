"""An exported event log: a file in CSV or JSON, as the Admin Portal gives it, to dated entries.

Entries keep their order; what cannot be read is one ``LogFileError`` that names the place. Pure: which clock
the dates are by, and what the entries mean for a run, is found out elsewhere.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from intercom_hil.event_sources.source_kinds import SourceOptions
from intercom_hil.event_sources.webhook_body import events_in
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.options import PathInJson
from intercom_hil.timeline.observation import DeviceEvent

LARGEST_FILE = 64 << 20
"""Bytes of one export."""
MOST_ENTRIES = 200_000
"""Entries of one export."""


class LogFileError(ValueError):
    """A file that is no export of an event log; the message says what and where, in words."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the device's log. ``time`` is seconds since the epoch on the device's clock."""

    event: DeviceEvent
    time: float


def read_log(data: bytes, layout: Layout, *, events_at: str = "", delimiter: str = ",") -> list[LogEntry]:
    """Read an export, oldest entry first.

    Args:
        data: the file. What begins with ``[`` or ``{`` is JSON (a list, or one object a line), else CSV with
            a heading.
        layout: where things stand in an entry; its fields are keys, or the columns' headings.
        events_at: the dotted path of the list of entries in JSON.
        delimiter: what separates columns.

    Raises:
        LogFileError: it is no such file, or an entry has no readable time. Entries of other kinds than
            events are left out.
    """
    if len(data) > LARGEST_FILE:
        raise LogFileError(f"it has more than {LARGEST_FILE} bytes")
    try:
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as problem:
        raise LogFileError(f"byte {problem.start} is not {'UTF-16' if wide else 'UTF-8'}") from None
    begins = text.lstrip()[:1]
    rows = _json_rows(text, events_at) if begins in ("[", "{") else _csv_rows(text, layout, delimiter)
    if len(rows) > MOST_ENTRIES:
        raise LogFileError(f"it has more than {MOST_ENTRIES} entries")
    entries = []
    for where, row in rows:
        for content in layout.meaning_of(row).contents:
            if not isinstance(content, DeviceEvent):
                continue
            if content.device_time is None:
                raise LogFileError(f"{where}: the event {content.name} has no time that can be read")
            entries.append(LogEntry(content, content.device_time))
    if rows and not entries:
        raise LogFileError("none of its entries is an event; the fields of the bench file do not fit it")
    return _oldest_first(entries)


def _oldest_first(entries: list[LogEntry]) -> list[LogEntry]:
    """Return the log in the order in which it was written: portals like to show the newest entry first."""
    falls = sum(later.time < before.time for before, later in pairwise(entries))
    rises = sum(later.time > before.time for before, later in pairwise(entries))
    return entries[::-1] if falls > rises else entries


def _json_rows(text: str, events_at: str) -> list[tuple[str, object]]:
    try:
        found = events_in(json.loads(text), events_at, most=MOST_ENTRIES + 1)
    except RecursionError:
        raise LogFileError("it is nested too deeply") from None
    except ValueError as problem:
        if not text.lstrip().startswith("{"):
            raise LogFileError(f"it is no JSON: {problem}") from None
        return _json_lines(text)
    if found is None:
        raise LogFileError(f"there is no list of events at {events_at!r}")
    return [(f"entry {place}", row) for place, row in enumerate(found, start=1)]


def _json_lines(text: str) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            if line.strip():
                rows.append((f"line {number}", json.loads(line)))
        except (ValueError, RecursionError) as problem:
            raise LogFileError(f"line {number} is no JSON: {problem}") from None
    return rows


def _csv_rows(text: str, layout: Layout, delimiter: str) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, restkey="")
    wanted = (layout.fields.name, layout.fields.time) if layout.fields else ()
    try:
        headings = [heading.strip() for heading in table.fieldnames or ()]
        missing = [heading for heading in wanted if heading not in headings]
        if missing:
            raise LogFileError(
                f"its heading has no column {', '.join(missing)}; "
                f"it has: {', '.join(headings)[:200] or 'none'}"
            )
        table.fieldnames = headings
        for row in table:
            rows.append((f"line {table.line_num}", {key: value for key, value in row.items() if key}))
            if len(rows) > MOST_ENTRIES:
                break
    except csv.Error as problem:
        raise LogFileError(f"line {table.line_num}: {problem}") from None
    return rows


class LogFileOptions(SourceOptions):
    """The device's event log is exported as a file and imported after the run."""

    label: ClassVar[str] = "in a log that is exported after the run"
    needs_fields: ClassVar[bool] = True
    kind: Literal["log-file"]
    layout: str = Field(default="json-lines", description="a layout with fields")
    events_at: PathInJson = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    export: Annotated[str, Field(pattern=r"^(/[!-~]*)?$")] = Field(
        default="", description="path at the portal from which the bench gets the file at the end of a run"
    )
