"""The portal's list of events as an event source, in a real Chromium: each new row once, in order, soon."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from intercom_hil.admin_portal.configurator import BrowserConfigurator
from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.browser.portal_map import read_map
from intercom_hil.browser.session import PortalSession
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import JSON_LINES
from intercom_hil.layouts.layout import Layout
from intercom_hil.portal_pages.event_list import EventListReader
from intercom_hil.portal_pages.page_source import PortalPageSource
from intercom_hil.timeline.observation import DeviceEvent, EventCopy, Witness
from tests.emulator.portal_pages import ServedPortal

WITHIN = 60.0


pytestmark = pytest.mark.chromium


def browser_of(portal):
    """A browser of its own at a portal."""
    options = BrowserOptions(url=portal.url, account="admin", password="admin-secret")
    return BrowserConfigurator(options, append=lambda *_: None)


class Timeline(list):
    """What was put on the timeline; ``until`` waits for so many events."""

    def append(self, witness, content, at):
        super().append((witness, content, at))

    @property
    def events(self):
        return [content for _, content, _ in self if isinstance(content, DeviceEvent | EventCopy)]

    async def until(self, count):
        async with asyncio.timeout(WITHIN):
            while True:
                if len(self.events) >= count:
                    break
                await asyncio.sleep(0.05)
        return [content.details for content in self.events]


@asynccontextmanager
async def read(portal, folder, **options):
    """The source at a portal, open, in a scenario; and the timeline that it fills."""
    timeline = Timeline()
    source = PortalPageSource(
        "portal-page", browser_of(portal), layout=JSON_LINES, append=timeline.append, every=0.05, **options
    )
    await source.open()
    try:
        source.begin(folder)
        yield source, timeline
    finally:
        await source.close()


def fails(portal, number):
    portal.happens(
        "outgoing_call_failure", "Call Failed", f"busy: {number}", at=1_800_000_000.0 + number / 1000
    )


async def test_each_new_row_is_reported_once_and_in_order(tmp_path):
    with ServedPortal() as portal:
        for number in range(60):  # more than a page, before the bench comes
            fails(portal, number)
        async with read(portal, tmp_path) as (source, timeline):
            for number in range(100, 103):
                fails(portal, number)
            assert await timeline.until(3) == ["busy: 100", "busy: 101", "busy: 102"]
            for number in range(200, 320):  # more than two pages between two readings
                fails(portal, number)
            told = await timeline.until(123)
            assert told[3:] == [f"busy: {number}" for number in range(200, 320)]
            await source.catch_up()
            fails(portal, 400)
            assert (await timeline.until(124))[-1] == "busy: 400"
        witness, event, _ = timeline[-1]
        assert witness is Witness.PORTAL_PAGE
        assert (event.name, event.screen_name, event.failure) == (
            "outgoing_call_failure",
            "Call Failed",
            "busy",
        )
        assert event.device_time == pytest.approx(1_800_000_000.4)
        rows = [json.loads(line) for line in (tmp_path / "portal-page.log").read_text().splitlines()]
        assert len(rows) == 124
        assert rows[-1] == {
            "time": "2027-01-15 08:00:00.400",
            "screen": "Call Failed",
            "event": "outgoing_call_failure",
            "details": "busy: 400",
        }


@pytest.mark.nightly
async def test_a_list_that_grows_while_it_is_read_loses_nothing_and_repeats_nothing(tmp_path):
    with ServedPortal() as portal:
        async with read(portal, tmp_path, role=SourceRole(events=False)) as (_, timeline):
            for number in range(130):
                fails(portal, number)
                await asyncio.sleep(0.01)
            assert await timeline.until(130) == [f"busy: {number}" for number in range(130)]
            assert {type(event) for event in timeline.events} == {EventCopy}
            assert {event.source for event in timeline.events} == {"portal-page"}


@pytest.mark.nightly
async def test_what_the_page_shows_is_what_is_reported(tmp_path):
    with ServedPortal("event-name-for-screen-name") as portal:
        async with read(portal, tmp_path) as (_, timeline):
            portal.happens("outgoing_call_initiated", "Dialing")
            await timeline.until(1)
            assert timeline.events[0].screen_name == "outgoing_call_initiated"
    with ServedPortal("event-list-stale") as portal:
        async with read(portal, tmp_path) as (source, timeline):
            portal.happens("outgoing_call_initiated", "Dialing")
            await source.catch_up()
            assert timeline.events == []


@pytest.mark.nightly
async def test_a_portal_that_stays_away_loses_the_source(tmp_path):
    with ServedPortal() as portal:
        async with read(portal, tmp_path, patience=0.2) as (source, _):
            portal._portal.close()
            async with asyncio.timeout(WITHIN):
                assert "cannot be read" in await source.lost


async def test_a_map_without_a_list_is_said_so(chromium, portal):
    without = read_map().model_copy(update={"events": None})
    with pytest.raises(BenchError, match="nothing of the list of events"):
        await EventListReader(PortalSession(chromium, without, portal.url, None), "the map").read()


@pytest.mark.nightly
async def test_a_layout_that_does_not_fit_the_columns_is_said_so(portal):
    layout = Layout.from_fields("other", EventFields(name="what"))
    source = PortalPageSource("portal-page", browser_of(portal), layout=layout, append=Timeline().append)
    with pytest.raises(BenchError, match="takes 'what' for the name of an event"):
        await source.open()
    await source.close()
