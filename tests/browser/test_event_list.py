"""The list of events of a portal, read in a real Chromium: row by row, over its pages, as the map says."""

import pytest

from intercom_hil.browser.portal_map import Column, Target, read_map
from intercom_hil.browser.session import Person, PortalSession
from intercom_hil.errors import BenchError
from intercom_hil.portal_pages.event_list import EventListReader

pytestmark = pytest.mark.chromium
ADMIN = Person("admin", "admin-secret")


@pytest.fixture
async def reader_of(chromium, portal):
    """Make a reader of the portal's list; ``changes`` are what its map says otherwise."""
    opened = []

    def make(**changes):
        shipped = read_map()
        table = shipped.events.model_copy(update=changes)
        session = PortalSession(chromium, shipped.model_copy(update={"events": table}), portal.url, ADMIN)
        opened.append(session)
        return EventListReader(session, "the map")

    yield make
    for session in opened:
        await session.close()


def fails(portal, number):
    portal.happens(
        "outgoing_call_failure", "Call Failed", f"busy: {number}", at=1_800_000_000.0 + number / 1000
    )


def details(listed):
    return [dict(row)["details"] for row in listed.rows]


async def test_the_list_is_read_over_its_pages_oldest_first(portal, reader_of):
    reader = reader_of()
    assert (await reader.read()).rows == ()
    for number in range(120):
        fails(portal, number)
    listed = await reader.read()
    assert listed.whole
    assert details(listed) == [f"busy: {number}" for number in range(120)]
    assert dict(listed.rows[0]) == {
        "time": "2027-01-15 08:00:00.000",
        "screen": "Call Failed",
        "event": "outgoing_call_failure",
        "details": "busy: 0",
    }
    newest = await reader.read(lambda rows: True)
    assert not newest.whole
    assert details(newest) == [f"busy: {number}" for number in range(70, 120)]


async def test_the_map_says_which_rows_and_cells_are_of_interest(portal, reader_of):
    fails(portal, 1)
    reader = reader_of(only={"event": "incoming_.*"})
    (row,) = (await reader.read()).rows
    assert not reader.of_interest(row)
    portal.happens("incoming_call_received", "Incoming Call")
    assert [reader.of_interest(row) for row in (await reader.read()).rows] == [False, True]
    with pytest.raises(BenchError, match="the columns 'Nothing of the kind'"):
        await reader_of(columns={"event": Column(heading="Nothing of the kind")}).read()


async def test_a_list_that_is_not_there_is_the_maps_fault(reader_of):
    nowhere = reader_of(row=Target(selector="b.row"), empty=(Target(text="Nothing here"),))
    nowhere.session.map = nowhere.session.map.model_copy(
        update={"times": read_map().times.model_copy(update={"step": 0.3})}
    )
    with pytest.raises(BenchError, match=r"looked for the selector 'b\.row'"):
        await nowhere.read()
