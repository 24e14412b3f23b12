"""Looks at the portal's pages as a person does, and tries its doors: what the scenarios of the pages ask for.

What is looked for stands in the portal map. A field counts as looked for under its literal label where the
map finds it by that; what a map finds otherwise says nothing of the label.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from intercom_hil.browser.form import PortalForm
from intercom_hil.browser.portal_map import FORM, PortalMap, Setting, Step
from intercom_hil.browser.session import LOOK_EVERY, PortalSession, SessionEnded
from intercom_hil.device import page_viewer
from intercom_hil.device.configurator import Role, Submission
from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.lateness import stretched
from intercom_hil.portal_pages.event_list import EventListReader
from intercom_hil.portal_pages.listed_rows import ListFollower
from intercom_hil.spec.form_labels import FORM_LABELS
from intercom_hil.timeline.observation import PageSeen

_NOT_THERE = 1.5  # s after which what is not shown to somebody who may not is taken for not shown
_ADDED = 5.0  # s in which a pressed plus icon has to have added a text box
_FIELD = """els => els.filter(el => el.type === "file" || el.getClientRects().length).map(el => {
  const chosen = el.tagName === "SELECT" ? el.selectedOptions[0]?.label ?? "" : undefined;
  return {
    masked: el.type === "password" || (getComputedStyle(el).webkitTextSecurity ?? "none") !== "none",
    on: !!(el.checked ?? el.getAttribute("aria-checked") === "true"),
    value: String(chosen ?? el.value ?? el.textContent ?? ""),
    usable: !el.disabled && !el.readOnly && el.getAttribute("aria-disabled") !== "true",
  };
})"""
"""An upload counts as seen also where a button stands for it."""


class Windows(Protocol):
    """Windows of a browser, in each of which somebody uses the portal: those of ``BrowserConfigurator``."""

    def begin(self, folder: Path) -> None:
        """Keep pictures and steps in a scenario's folder from now on."""

    async def session(self, by: Role) -> PortalSession:
        """Return somebody's window, open. Raises BenchError, DeviceCrashed."""

    async def submit(self, form: Mapping[str, object], by: Role) -> Submission:
        """Submit a form as it is, past the browser's own checks too. Raises Inconclusive: no such account."""

    async def close(self) -> None:
        """Close them all, and the browser. Idempotent."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Where the form is: the step of its way that leads to its page, and the address of that page.

    ``address`` is empty where the form has no address of its own.
    """

    step: int
    address: str


class PortalViewer:
    """Looks at one portal. Everything is opened when it is first asked for.

    Each look leaves a picture of what was there in the scenario's folder.
    """

    def __init__(self, windows: Windows, where: str = "the portal map") -> None:
        """Describe it.

        Args:
            windows: where the portal is used.
            where: the map's file, for messages.
        """
        self._windows, self._where = windows, where
        self._door: _Door | None = None
        self._follower = ListFollower()

    def begin(self, folder: Path) -> None:
        """Begin a scenario; pictures go into its folder."""
        self._windows.begin(folder)

    async def close(self) -> None:
        """Close the browser. Idempotent; the next look opens it again."""
        self._door = None
        await self._windows.close()

    # --- looking ----------------------------------------------------------------------------------

    async def form(self) -> PageSeen:
        """Look at the form as the administrator; see ``PageViewer``."""
        session = await self._windows.session("administrator")
        await _once_more(lambda: PortalForm(session).open())
        looked: list[str] = []
        found: list[str] = []
        values: dict[str, str] = {}
        for name, setting in _first_page(session.map):
            if not await self._shown_by_others(session, setting):
                continue
            fields = await _fields(session, setting)
            literal = name in FORM_LABELS and setting.label == FORM_LABELS[name].label
            if literal and (fields or setting.kind != "list"):
                looked.append(name)
            if fields:
                found.append(name)
                standing = _standing(setting, fields)
                values |= {name: standing} if standing is not None else {}
            if setting.kind == "password":  # one that can be read there is masked in the picture
                session.secrets.update(field["value"] for field in fields if field["value"])
        await _picture(session, "the form")
        return PageSeen(
            page=page_viewer.FORM,
            looked=tuple(looked),
            found=tuple(found),
            missing=tuple(name for name in looked if name not in found),
            values={name: session.without_secrets(text)[:200] for name, text in values.items()},
        )

    async def way_in(self, by: Role) -> PageSeen:
        """Look how far somebody comes on the way to the form; see ``PageViewer``."""
        door = await self._found_door()
        session = await self._windows.session(by)
        steps = session.map.ways[FORM]
        shown = False
        await session.log_in()
        with suppress(SessionEnded):
            shown = await self._walked(session, steps[: door.step + 1])
            shown = shown and not await self._only_to_look_at(session)
        await _picture(session, f"the way to the form as {by}")
        values = {"shown": "yes" if shown else "no"}
        if door.address:
            opened = False
            with suppress(SessionEnded):
                await session.take(Step(name="the form's address", open=door.address), logging_in=True)
                if by == "nobody" or not await session.sees(session.map.log_in.needed):
                    await self._walked(session, steps[door.step + 1 :])
                    opened = await self._usable(session)
            await _picture(session, f"the address of the form as {by}")
            values["address"] = "open" if opened else "closed"
        return PageSeen(page=page_viewer.WAY_IN, by=by, values=values)

    async def add_entry(self, setting: str) -> PageSeen:
        """Press what adds a text box to a list; see ``PageViewer``."""
        session = await self._windows.session("administrator")
        await _once_more(lambda: PortalForm(session).open())
        field = session.map.settings.get(setting)
        if field is None or field.add is None:
            raise Inconclusive(
                f"the portal map does not say what adds an entry to {setting} (settings.{setting}.add)"
            )
        before = len(await _fields(session, field))
        plus = await session.find(session.map.placed(field.add), f"{setting}: one more entry")
        await plus.click()
        added = await _until(lambda: _more_than(session, field, before), _ADDED)
        await _picture(session, f"one more entry of {setting}")
        one_more = (page_viewer.one_more_of(setting),)
        found, missing = (one_more, ()) if added else ((), one_more)
        return PageSeen(page=page_viewer.FORM, looked=one_more, found=found, missing=missing)

    async def events(self) -> list[tuple[str, str]]:
        """Read the list of events; see ``PageViewer``."""
        session = await self._windows.session("administrator")
        if session.map.events is None or not {"screen", "event"} <= session.map.events.columns.keys():
            raise Inconclusive(
                "the portal map does not say where the list of events has screen and event names"
            )
        reader = EventListReader(session, self._where)
        # Rows are followed, not counted: a list that is full shows one less of the old ones for each new one.
        listed = await reader.read(self._follower.knows_any)
        await _picture(session, "the list of events")
        new = self._follower.take(listed.rows, whole=listed.whole)
        rows = [dict(row) for row in new if reader.of_interest(row)]
        return [(row["screen"], row["event"]) for row in rows]

    async def submit(self, form: Mapping[str, object], by: Role) -> Submission:
        """Fill in the form and submit it, or have somebody who may not try every way; see ``PageViewer``."""
        return await self._windows.submit(form, by)

    # --- doors ------------------------------------------------------------------------------------

    async def _found_door(self) -> _Door:
        """Find out, as the administrator, which step leads to the page of the form, and its address."""
        if self._door is not None:
            return self._door
        session = await self._windows.session("administrator")
        await _once_more(lambda: PortalForm(session).open())
        address = session.page.url
        await session.log_in()
        steps = session.map.ways[FORM]
        places = []
        for step in steps:
            await session.take(step)
            places.append(session.page.url)
        there = [place for place, url in enumerate(places) if _page_of(url) == _page_of(address)]
        own = len(there) < len(places)  # else it is the same for every page, and says nothing
        at = urlsplit(address)
        path = at.path + (f"?{at.query}" if at.query else "")
        self._door = _Door(there[0], path) if own else _Door(len(places) - 1, "")
        return self._door

    async def _walked(self, session: PortalSession, steps: tuple[Step, ...]) -> bool:
        """Take steps as far as they are there; return whether all could be taken."""
        for step in steps:
            if step.target is not None and not await _until(partial(session.sees, step.target), _NOT_THERE):
                if step.optional or (step.unless is not None and await session.sees(step.unless)):
                    continue
                return False
            try:
                await session.take(step)
            except BenchError:  # it is there, and cannot be used
                return False
        return True

    async def _usable(self, session: PortalSession) -> bool:
        """Return whether the page that is shown has the form, and what submits it."""
        button = session.locate(session.map.placed(session.map.form.submit))
        fields = await button.evaluate_all(_FIELD)
        return any(field["usable"] for field in fields)

    async def _only_to_look_at(self, session: PortalSession) -> bool:
        """Return whether the page that is shown has settings, of which none can be changed."""
        await self._walked(session, session.map.ways[FORM][-1:])
        fields = [one for _, setting in _first_page(session.map) for one in await _fields(session, setting)]
        return bool(fields) and not any(one["usable"] for one in fields) and not await self._usable(session)

    async def _shown_by_others(self, session: PortalSession, setting: Setting) -> bool:
        """Have a field shown that is there with certain values of others only; return whether it could be."""
        for name, value in setting.only_with.items():
            other = session.map.settings[name]
            fields = session.locate(session.map.placed(other))
            try:
                if other.kind != "choice":
                    return False
                await fields.select_option(label=other.spelt(value), timeout=_ADDED * 1000)
            except Exception as problem:
                if type(problem).__module__.startswith("playwright"):
                    return False
                raise
        return True


async def _picture(session: PortalSession, what: str) -> None:
    await session.picture(what, small=True)  # passwords are masked


def _first_page(portal_map: PortalMap) -> list[tuple[str, Setting]]:
    return list(portal_map.on_page(portal_map.form.pages[0] if portal_map.form.pages else None))


async def _fields(session: PortalSession, setting: Setting) -> list[dict[str, Any]]:
    """Return what is to be seen of the field of a setting, or of each text box of a list."""
    located = session.locate(session.map.placed(setting))
    found: list[dict[str, Any]] = await located.evaluate_all(_FIELD)
    return found


async def _more_than(session: PortalSession, setting: Setting, count: int) -> bool:
    from playwright.async_api import Error

    try:
        return len(await _fields(session, setting)) > count
    except Error:  # the page was just being replaced
        return False


def _standing(setting: Setting, fields: list[dict[str, Any]]) -> str | None:
    """Return what stands in a field, as ``PageViewer.form`` does; None where that cannot be read."""
    if setting.kind == "password":
        shown = not fields[0]["masked"] and fields[0]["value"].strip("*•● ")
        return "readable" if shown else "masked"
    if not setting.reads or setting.kind in ("file", "radio"):
        return None
    if setting.kind == "switch":
        return "on" if fields[0]["on"] else "off"
    if setting.kind == "list":
        return ", ".join(one["value"] for one in fields if one["value"])
    text = str(fields[0]["value"]).strip()
    if setting.kind == "lines":
        return ", ".join(entry.strip() for entry in text.split(setting.separator) if entry.strip())
    return next((value for value, spelt in setting.values.items() if spelt == text), text)


def _page_of(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.path, parts.query, parts.fragment


async def _once_more(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step, and once more where the session had ended."""
    try:
        await step()
    except SessionEnded:
        await step()


async def _until(holds: Callable[[], Awaitable[bool]], within: float) -> bool:
    """Return whether something holds within some seconds, stretched where the bench is late."""
    with suppress(TimeoutError):
        async with stretched(within):
            while True:
                if await holds():
                    return True
                await asyncio.sleep(LOOK_EVERY)
    return False
