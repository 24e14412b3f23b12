"""*Security Events*: the event log as a list, filtered if wanted, and as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from intercom_hil.emulator.event_log import FORMATS, LoggedEvent, as_csv
from intercom_hil.emulator.events import EVENTS
from intercom_hil.emulator.http_server import Answer
from intercom_hil.emulator.pages.markup import HEADERS, attributes, safe, table

PAGE_LENGTH = 50
_LONGEST_QUERY = 2000
_COLUMNS = ("time", "event", "screen", "description", "details")
_HEADS = ("Time (UTC)", "Event Screen Name", "Event Name", "Description")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell must not begin with, or a spreadsheet would compute it."""

DESCRIPTIONS = {
    "outgoing_call_initiated": "An attempt to place an outgoing call: the intercom button was pressed.",
    "outgoing_call_established": "A call was established: the remote station answered, the audio is open.",
    "outgoing_call_failure": "A single call could not be made.",
    "outgoing_remote_hangup": "A call ended: the remote side hung up.",
    "outgoing_call_contact_failure": "None of the contacts could be reached.",
    "incoming_call_rejected": "The device rejected an incoming call.",
    "incoming_call_received": "An incoming call was established.",
    "incoming_call_failure": "An incoming call failed after it was established.",
    "incoming_call_remote_hangup": "An incoming call ended: the remote side hung up.",
    "incoming_call_local_hangup": "An incoming call ended: the local side hung up.",
}
"""The descriptions of the page's table, by the name of the event."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted: by screen name, by event name, by a text in the details; empty for any."""

    screen: str = ""
    event: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def of_query(cls, query: str) -> Filter:
        """Return the filter that the query of a request asks for; what it does not know is left out."""
        try:
            given = dict(parse_qsl(query[:_LONGEST_QUERY], max_num_fields=20))
        except ValueError:
            given = {}
        number = given.get("page", "")
        page = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
        return cls(given.get("screen", ""), given.get("event", ""), given.get("text", ""), max(page, 1))

    def apply(self, events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
        """Return those that are wanted."""
        return [
            one
            for one in events
            if (not self.screen or one.screen == self.screen)
            and (not self.event or one.event == self.event)
            and self.text.lower() in one.details.lower()
        ]

    def query(self, **others: str) -> str:
        """Return the filter as the query of a link."""
        wanted = {"screen": self.screen, "event": self.event, "text": self.text}
        return urlencode({name: value for name, value in {**wanted, **others}.items() if value})


def exported(events: Sequence[LoggedEvent], form: str) -> Answer:
    """Return events as a file, the newest first. Raises KeyError where there is no such format."""
    kind = FORMATS[form]
    rows = [(one.time, one.event, one.screen, DESCRIPTIONS.get(one.event, ""), one.details) for one in events]
    if form == "json":
        body = json.dumps([dict(zip(_COLUMNS, row, strict=True)) for row in rows], indent=1).encode()
    else:
        body = as_csv(_COLUMNS, [[_plain(cell) for cell in row] for row in rows])
    name = ("Content-Disposition", f'attachment; filename="security-events.{form}"')
    return Answer(200, body, kind, (*HEADERS, name))


def listed(events: Sequence[LoggedEvent], wanted: Filter) -> str:
    """Return the list as HTML: the filter, the rows of one page, the way to the others."""
    found = wanted.apply(events)
    pages = max(1, -(-len(found) // PAGE_LENGTH))
    number = min(wanted.page, pages)
    rows = [_row(one) for one in found[(number - 1) * PAGE_LENGTH : number * PAGE_LENGTH]]
    nothing = "No event fits the filter." if events else "There are no events yet."
    empty = f'<p class="empty">{nothing}</p>'
    shown = table("Security events, newest first", _HEADS, rows) if rows else empty
    again = f'<a href="/events?{safe(wanted.query(page=str(number)))}">Reload</a>'
    count = f"{len(found)} of {len(events)} events" if len(found) != len(events) else f"{len(found)} events"
    exports = " ".join(
        f'<a class="button" href="/events/export?{safe(wanted.query(format=form))}">Export {form.upper()}</a>'
        for form in FORMATS
    )
    return f"""<div class="headed"><h1>Security Events</h1><div class="exports">{exports}</div></div>
{_filter_form(wanted)}
<p class="count">{count}, as of {datetime.now(UTC):%H:%M:%S} UTC. {again}</p>
{shown}
{_pager(wanted, number, pages)}"""


def _row(one: LoggedEvent) -> tuple[str, str, str, str]:
    """Return the cells of an event."""
    day, _, clock = one.time.removesuffix("Z").partition("T")
    description = DESCRIPTIONS.get(one.event, "")
    details = f'<span class="details">{safe(one.details)}</span>' if one.details else ""
    return (
        f'<time datetime="{safe(one.time)}"><span>{safe(day)}</span> <span>{safe(clock)}</span></time>',
        f"<b>{safe(one.screen)}</b>",
        f"<code>{safe(one.event).replace('_', '_<wbr>')}</code>",
        f"{safe(description)}{details}",
    )


def _filter_form(wanted: Filter) -> str:
    screens = sorted({kind.screen_name for kind in EVENTS})
    names = [kind.name for kind in EVENTS]
    return f"""<form class="filter" method="get" action="/events" role="search" aria-label="Filter">
<div class="field"><label for="screen">Event Screen Name</label>
<select id="screen" name="screen">{_options(screens, wanted.screen)}</select></div>
<div class="field"><label for="event">Event Name</label>
<select id="event" name="event">{_options(names, wanted.event)}</select></div>
<div class="field"><label for="text">Details contain</label>
<input type="text" id="text" name="text" value="{safe(wanted.text)}"></div>
<p><button>Filter</button> <a href="/events">Show all</a></p>
</form>"""


def _options(names: Sequence[str], chosen: str) -> str:
    written = [
        f"<option{attributes({'value': name, 'selected': name == chosen})}>{safe(name)}</option>"
        for name in names
    ]
    return '<option value="">Any</option>' + "".join(written)


def _pager(wanted: Filter, number: int, pages: int) -> str:
    if pages == 1:
        return ""
    links = [
        f'<a href="/events?{safe(wanted.query(page=str(other)))}" rel="{rel}">{name}</a>'
        for other, rel, name in ((number - 1, "prev", "Newer"), (number + 1, "next", "Older"))
        if 1 <= other <= pages
    ]
    return (
        f'<nav class="pager" aria-label="Pages">{" ".join(links)} <span>Page {number} of {pages}</span></nav>'
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
