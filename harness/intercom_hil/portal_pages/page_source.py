"""An event source that reads the portal's list of events in a browser: what people see there, row by row."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from intercom_hil.browser.portal_map import shipped_map
from intercom_hil.browser.session import PortalSession, SessionEnded
from intercom_hil.device.configurator import Role
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.raw_log import RawLog
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.event_sources.source_kinds import LiveSourceOptions, SourceContext
from intercom_hil.layouts.layout import Layout
from intercom_hil.portal_pages.event_list import EventListReader, Listed
from intercom_hil.portal_pages.listed_rows import ListFollower
from intercom_hil.timeline.observation import Note, Witness
from intercom_hil.timeline.timeline import Append, now

_ALL = SourceRole()
_OF_JUDGED, _OF_COMPARED = 0.5, 2.0  # s between two readings


class Windows(Protocol):
    """Windows of a browser of its own: those of ``BrowserConfigurator``."""

    async def session(self, by: Role) -> PortalSession:
        """Return somebody's window, open. Raises BenchError, DeviceCrashed."""

    async def close(self) -> None:
        """Close them, and the browser. Idempotent."""


class PortalPageSource:
    """Reads the list of events again and again. Must be made inside a running event loop.

    A row is dated by when it was read: ``every`` and the time that the page takes are how far it lags behind.
    What the list shows when the source is opened was there before.

    Attributes:
        name: what messages and its raw log are called after.
        lost: resolves with the reason when the list could not be read for too long.
        language: how its rows are read, and what they are judged by, as data.
    """

    def __init__(
        self,
        name: str,
        windows: Windows,
        *,
        layout: Layout,
        append: Append,
        role: SourceRole = _ALL,
        every: float | None = None,
        patience: float = 60.0,
        where: str = "the portal map",
    ) -> None:
        """Describe the source.

        Args:
            name: its name, such as ``portal-page``.
            windows: where the list is read.
            layout: what the columns of the portal map mean; it has fields.
            append: puts observations on the current scenario's timeline.
            role: what this source is judged by.
            every: seconds from the end of one reading to the beginning of the next; without it 0.5, and 2
                where another source's events are judged: the list is read at the end of a scenario, too.
            patience: seconds for which the portal may be away before the source is lost.
            where: the map's file, for messages.
        """
        self.name = name
        self._windows, self._layout = windows, layout
        self._every = every or (_OF_JUDGED if role.events else _OF_COMPARED)
        self._patience, self._where = patience, where
        self.language = language(layout, role)
        self._publisher = EventPublisher(name, Witness.PORTAL_PAGE, append=append, role=role)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._raw = RawLog(self.lost)
        self._follower = ListFollower()
        self._read = False
        self._reading = asyncio.Lock()
        self._opened = False
        self._known: EventListReader | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the list now, and again and again from now on. Raises BenchError, DeviceCrashed."""
        if self._task is not None:
            return
        if self.lost.done():
            self.lost = self._raw.lost = asyncio.get_running_loop().create_future()
        self._publisher.opened()
        self._read, self._opened = False, True
        try:
            self._check_columns(await self._reader())
            await self.catch_up()
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._read_on())

    async def close(self) -> None:
        """Read no more. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._opened, self._known = False, None
        await self._windows.close()
        self._raw.close()

    def begin(self, folder: Path) -> None:
        """Begin a scenario: each new row goes into ``<name>.log``, as an object of JSON."""
        self._raw.begin(folder / f"{self.name}.log")
        self._publisher.begin()

    async def catch_up(self) -> None:
        """Read the list now, and put what is new on the timeline. Raises BenchError, DeviceCrashed."""
        async with self._reading:
            if not self._opened:
                return
            reader = await self._reader()
            listed = await self._listed(reader)
            at = now()
            new = self._follower.take(listed.rows, whole=listed.whole)
            if not self._read:
                self._read = True
                self._publisher.say(Note(text=f"the portal's list of events has {len(listed.rows)} rows"), at)
            for row in filter(reader.of_interest, new):
                cells = dict(row)
                self._raw.write(json.dumps(cells, ensure_ascii=False).encode() + b"\n", at)
                self._publisher.publish(self._layout.meaning_of(cells), at)

    async def _reader(self) -> EventListReader:
        """Return what reads the list; another one where the browser went away, and was begun anew."""
        session = await self._windows.session("administrator")
        if self._known is None or self._known.session is not session:
            self._known = EventListReader(session, self._where)
        return self._known

    async def _listed(self, reader: EventListReader) -> Listed:
        from playwright.async_api import Error

        try:
            return await reader.read(self._follower.knows_any)
        except (SessionEnded, Error, TimeoutError) as problem:
            why = next(iter(str(problem).splitlines()), type(problem).__name__)
            raise BenchError(
                f"the list of events cannot be read ({why})", self._where, "see what the portal shows there"
            ) from problem

    def _check_columns(self, reader: EventListReader) -> None:
        """Raises BenchError: the layout finds no events in these columns, so none would ever be seen."""
        fields, columns = self._layout.fields, reader.table.columns
        if fields is None or (fields.path is None and fields.name not in columns):
            wanted = fields.name if fields is not None else "event"
            raise BenchError(
                f"the layout {self._layout.name!r} takes {wanted!r} for the name of an event, and the map has"
                f" as events.columns {', '.join(columns)}",
                self.name,
                "name the columns of the map as the layout does, or another layout",
            )

    async def _read_on(self) -> None:
        read = monotonic()
        while not self.lost.done():
            await asyncio.sleep(self._every)
            try:
                await self.catch_up()
                read = monotonic()
            except (BenchError, DeviceCrashed) as problem:
                # The device may be starting, or applying settings; whether it is gone others notice.
                if monotonic() - read > self._patience:
                    self._lose(problem)
            except Exception as problem:  # whatever it is: nobody may believe that the device writes nothing
                self._lose(problem)

    def _lose(self, problem: Exception) -> None:
        if not self.lost.done():
            self.lost.set_result(f"the list of events cannot be read: {problem}")


class PortalPageOptions(LiveSourceOptions):
    """The device's events as its Admin Portal lists them for people, read in a browser."""

    label: ClassVar[str] = "in a list of its Admin Portal, which the bench reads in a browser"
    witness: ClassVar[Witness] = Witness.PORTAL_PAGE
    needs_fields: ClassVar[bool] = True
    kind: Literal["portal-page"]
    layout: str = Field(
        default="json-lines", description="a layout with fields: the columns of the portal map"
    )
    every: Annotated[
        float | None, Field(gt=0, le=60, description="s from one reading of the list to the next")
    ] = None
    patience: Annotated[
        float, Field(gt=0, le=3600, description="s that the list may be out of reach before the run is lost")
    ] = 60.0

    def make(self, name: str, context: SourceContext) -> PortalPageSource:
        """Return the source, not yet open. Raises BenchError: the bench has no browser."""
        from intercom_hil.admin_portal.configurator import BrowserConfigurator
        from intercom_hil.admin_portal.options import BrowserOptions

        browser = context.browser
        if not isinstance(browser, BrowserOptions) or not browser.url:
            raise BenchError(
                "it reads a portal in a browser, and the bench has none",
                name,
                "add the table [device.browser]",
            )
        return PortalPageSource(
            name,
            BrowserConfigurator(browser, append=context.append),
            layout=context.layout,
            append=context.append,
            role=context.role,
            every=self.every,
            patience=self.patience,
            where=str(browser.map or shipped_map()),
        )
