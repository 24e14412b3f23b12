"""A portal's list of events, read in the browser: its rows as people see them, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from intercom_hil.browser.portal_map import EVENTS, GUIDE, EventsTable
from intercom_hil.browser.session import LOOK_EVERY, PortalSession
from intercom_hil.errors import BenchError
from intercom_hil.layouts.bounded_expression import BoundedExpression, TooSlowError
from intercom_hil.portal_pages.listed_rows import Row

MOST_PAGES = 50
"""Pages of the list that are read at a time."""
_TRIES = 5
"""How often a list of several pages is read that grows meanwhile."""
_ANEW_WITHIN = 2.0
"""Seconds in which another document has to come; where none ever does, the page changes by a script."""
_MARK = "data-bench-read"
_ROWS = """(rows, columns) => {
  const text = node => (node?.innerText ?? node?.textContent ?? "").replace(/\\s+/g, " ").trim();
  return rows.map(row => {
    const table = row.closest("table, [role=table], [role=grid]");
    const heads = table ? [...table.querySelectorAll("thead th, [role=columnheader]")].map(text) : [];
    const cells = [...row.querySelectorAll("td, th, [role=cell], [role=gridcell], [role=rowheader]")];
    return columns.map(([heading, selector]) => {
      if (selector) return [true, text(row.querySelector(selector))];
      const place = heads.indexOf(heading);
      return [place >= 0 && cells[place] !== undefined, text(cells[place])];
    });
  });
}"""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list shows: rows, the newest last, and whether there are none besides."""

    rows: tuple[Row, ...]
    whole: bool


class EventListReader:
    """Reads the list of events of a portal in somebody's session.

    Attributes:
        session: whose list it is.
    """

    def __init__(self, session: PortalSession, where: str) -> None:
        """Describe it.

        Args:
            session: whose list is read; it is opened when the list is first.
            where: the map's file, for messages.
        """
        self.session, self._where = session, where
        self._by_documents = True
        table = session.map.events
        only = table.only if table is not None else {}
        self._only = {name: BoundedExpression(text, f"events.only.{name}") for name, text in only.items()}

    @property
    def table(self) -> EventsTable:
        """What the map says of the list. Raises BenchError: nothing."""
        table = self.session.map.events
        if table is None:
            raise BenchError(
                "it says nothing of the list of events", self._where, f"add the table [events]: {GUIDE}"
            )
        return table

    def of_interest(self, row: Row) -> bool:
        """Return whether a row is one of those that the map wants. Raises BenchError: that takes too long."""
        cells = dict(row)
        try:
            return all(one.fullmatch(cells[name]) is not None for name, one in self._only.items())
        except TooSlowError as problem:
            raise BenchError(
                f"events.only comes to no end ({problem})", self._where, "write a simpler expression"
            ) from None

    async def read(self, enough: Callable[[Sequence[Row]], bool] = lambda rows: False) -> Listed:
        """Read the list anew.

        Args:
            enough: whether older rows than those of one page need not be read.

        Raises:
            BenchError: the list is not where the map says, or is none.
            DeviceCrashed: nobody answers at the portal.
        """
        table = self.table
        for _ in range(_TRIES):
            first = await self._first_page(table)
            newest_first = table.newest == "first"
            pages, whole = [first], not await self._leads_on(table)
            while not whole and len(pages) < MOST_PAGES and not (newest_first and enough(pages[-1])):
                pages.append(await self._next_page(table))
                whole = not await self._leads_on(table)
            if len(pages) == 1 or await self._first_page(table) == first:
                break  # else rows moved from page to page meanwhile
        rows = [row for page in pages for row in page]
        return Listed(tuple(rows if table.newest == "last" else reversed(rows)), whole)

    async def _first_page(self, table: EventsTable) -> list[Row]:
        await self._anew(self.session.go(EVENTS))
        return await self._rows(table)

    async def _next_page(self, table: EventsTable) -> list[Row]:
        session = self.session
        assert table.next is not None
        following = await session.find(table.next, "following page of the list of events")

        async def turn() -> None:
            await following.click()
            await session.loaded()

        await self._anew(turn())
        return await self._rows(table)

    async def _leads_on(self, table: EventsTable) -> bool:
        return table.next is not None and await self.session.sees(table.next)

    async def _anew(self, step: Any) -> None:
        """Take a step that brings another page; return when the page before is gone."""
        marked = await self._evaluate(f"document.documentElement.setAttribute('{_MARK}', '') ?? true")
        await step
        if not marked or not self._by_documents:
            return
        until = monotonic() + _ANEW_WITHIN
        while await self._evaluate(f"document.documentElement.hasAttribute('{_MARK}')") is not False:
            if monotonic() > until:
                self._by_documents = False
                return
            await asyncio.sleep(LOOK_EVERY)
        await self.session.loaded()

    async def _evaluate(self, expression: str) -> Any:
        """Return what an expression is in the page; None where there is no page, or another one is coming."""
        from playwright.async_api import Error

        if not self.session.is_open:
            return None
        try:
            return await self.session.page.evaluate(expression)
        except Error:
            return None

    async def _rows(self, table: EventsTable) -> list[Row]:
        from playwright.async_api import Error

        session = self.session
        names = list(table.columns)
        columns = [[one.heading, one.selector] for one in table.columns.values()]
        for _ in range(_TRIES):
            shown = await session.first({"rows": (table.row,), "empty": table.empty}, "list of events")
            if shown == "empty":
                return []
            try:
                found = await session.locate(table.row).evaluate_all(_ROWS, columns)
            except Error:  # the page was just being replaced
                await session.loaded()
                continue
            if missing := [
                name for row in found for name, (there, _) in zip(names, row, strict=True) if not there
            ]:
                wanted = ", ".join(repr(table.columns[name].heading) for name in dict.fromkeys(missing))
                raise await session.nothing_found("list of events", f"the columns {wanted}", 0.0)
            return [
                tuple(
                    (name, session.without_secrets(text)) for name, (_, text) in zip(names, row, strict=True)
                )
                for row in found
            ]
        raise await session.nothing_found(
            "list of events", "rows that stay for as long as they are read", 0.0
        )
