"""A walk through a portal map at its portal: each step and field a line, pictures in a folder.

Fields are read and left as they stand. A form is submitted only where that is asked for, and what was changed
for a trial is put back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from intercom_hil.browser.chromium import Chromium
from intercom_hil.browser.form import FormAnswer, PortalForm
from intercom_hil.browser.portal_map import EVENTS, FORM, GUIDE, FormPage, PortalMap, read_map
from intercom_hil.browser.session import PortalSession, SessionEnded
from intercom_hil.browser.trust import trusted_key
from intercom_hil.browser.wanted import Value
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.map_trial.fields import look_at
from intercom_hil.map_trial.place import Pictures, Place, Report
from intercom_hil.portal_pages.event_list import EventListReader

_Walk = Callable[[], Awaitable[None]]


async def try_map(
    place: Place,
    pictures: Path,
    report: Report,
    *,
    submit: bool = False,
    changes: Mapping[str, Value] | None = None,
) -> bool:
    """Walk through a map at its portal, and return whether all of it was found.

    Args:
        place: the map, the portal, and who logs in there.
        pictures: the folder for pictures.
        report: takes each line.
        submit: whether to submit the form as it stands.
        changes: what to submit in place of that; what stood there before is submitted after it.

    Raises:
        BenchError: the map cannot be read, or there is no browser.
        DeviceCrashed: nobody answers.
    """
    known = read_map(place.map)
    report(f"portal map {place.map}: {known.title}, at {place.url} as {place.person.account!r}")
    keys = [await trusted_key(place.url, place.ca, known.times.step)] if place.ca is not None else []
    browser = Chromium(place.program, trusted_keys=keys)
    try:
        await browser.open()
        report(f"  Chromium {browser.version}; pictures in {pictures}")
        session = PortalSession(
            browser,
            known,
            place.url,
            place.person,
            device=place.device,
            keeper=Pictures(pictures),
            where=str(place.map),
        )
        return await _Trial(known, session, report).run(submit or bool(changes), changes or {})
    finally:
        await browser.close()


class _Trial:
    """One walk through a map."""

    def __init__(self, known: PortalMap, session: PortalSession, report: Report) -> None:
        self._map, self._session, self._report = known, session, report
        self._form = PortalForm(session)
        self._values: dict[str, Value] = {}
        self._well, self._found = True, 0

    async def run(self, submit: bool, changes: Mapping[str, Value]) -> bool:
        whole = await self._part("log in", self._session.log_in)
        whole = whole and await self._way(FORM) and await self._pages()
        submitted = submit and whole and self._well
        if submitted:
            await self._part("submit the form", partial(self._submit, changes))
        for way in self._map.ways if whole else ():
            if way != FORM and await self._way(way) and way == EVENTS and self._map.events is not None:
                await self._part("the list of events", self._events)
        what = "the form was submitted" if submitted else "nothing was submitted"
        self._report(f"{self._found} of {len(self._map.settings)} settings found; {what}")
        if not submit:
            self._report("not tried: what the portal answers to a form (--submit)")
        elif not submitted:
            self._report("a form is submitted only when all of it was found")
        return self._well

    async def _part(self, title: str, walk: _Walk) -> bool:
        """Take some steps, with a line for each and a picture at the end; return whether that went."""
        self._report(title)
        self._session.steps.clear()
        problem: BenchError | None = None
        try:
            await walk()
        except DeviceCrashed as gone:
            problem = BenchError(str(gone))
        except SessionEnded as ended:
            remedy = f"name as needed what can be seen only where one has to log in: {GUIDE}"
            problem = BenchError(f"{ended}, although there was a log-in just now", "log_in", remedy)
        except BenchError as found:
            problem = found
        for step in self._session.steps:
            if problem is not None and problem.what.startswith(f"step {step.name!r}:"):
                continue
            note = f", {step.note}" if step.note else ""
            self._report(f"  ok       {step.name}: {step.what}{note} ({step.took:.2f} s)")
        if problem is not None:
            self._missing(problem)
        elif (picture := await self._session.picture(title)) is not None:
            self._report(f"           picture {picture.name}")
        return problem is None

    def _missing(self, problem: BenchError, name: str = "") -> None:
        self._well = False
        self._report(f"  MISSING  {name}{': ' if name else ''}{problem.what}")
        if problem.remedy:
            self._report(f"           remedy: {problem.remedy}")

    async def _way(self, way: str) -> bool:
        return await self._part(f"the way to the {way}", partial(self._session.go, way))

    # --- the form ---------------------------------------------------------------------------------

    async def _pages(self) -> bool:
        """Look at every field of every page; return whether the last page was reached."""
        for page in self._form.pages:
            title = f"page {page.name!r} of the form" if page is not None else "the form"
            if not await self._part(title, partial(self._form.arrived, page)):
                return False
            await self._fields(page)
            if page is self._form.pages[-1]:
                break
            if not await self._part(f"go on from {title}", partial(self._turn, page)):
                return False
        return True

    async def _fields(self, page: FormPage | None) -> None:
        for name, setting in self._map.on_page(page):
            if not self._form.there_with(setting, self._values):
                needs = " and ".join(f"{other} = {value}" for other, value in setting.only_with.items())
                self._report(f"  not now  {name}: there only with {needs}")
                continue
            try:
                look = await look_at(name, self._map, self._session, self._form)
            except BenchError as problem:
                self._missing(problem, name)
                continue
            self._found += 1
            self._report(f"  ok       {name}: {look.told}")
            if look.note:
                self._report(f"           look at this: {look.note}")
            if look.value is not None:
                self._values[name] = look.value

    async def _turn(self, page: FormPage | None) -> None:
        answer = await self._form.turn(page)
        if answer is not None:
            raise BenchError(
                f"the portal does not go on: {_told(answer)}",
                remedy="correct what stands there, in the portal",
            )

    async def _events(self) -> None:
        listed = await EventListReader(self._session, GUIDE).read(lambda rows: True)
        newest = ", ".join(f"{name} {text!r}" for name, text in listed.rows[-1]) if listed.rows else "none"
        self._report(f"  ok       rows read: {len(listed.rows)}; the newest: {newest}")

    async def _submit(self, changes: Mapping[str, Value]) -> None:
        await self._submitted(changes, "submitted")
        if not changes:
            return
        try:
            await self._form.open()
            standing = await self._form.read()
            for name, value in changes.items():
                if standing.get(name) != value:
                    raise BenchError(
                        f"{name} has {standing.get(name)!r} after {value!r} was submitted",
                        remedy="see that values and written of the map spell it as the form does",
                    )
                self._report(f"  ok       {name}: stands there as it was submitted")
        finally:
            await self._submitted({name: self._values[name] for name in changes}, "put back")

    async def _submitted(self, values: Mapping[str, Value], what: str) -> None:
        async def filled() -> None:
            await self._session.picture(f"{what}, filled in")

        await self._form.open()
        answer = await self._form.submit(values, filled=filled)
        await self._session.picture(f"{what}, answer")
        if answer.outcome != "taken":
            remedy = "correct what stands there, or how [answer] of the map tells what came of it"
            raise BenchError(f"{what}: {_told(answer)}", remedy=remedy)
        self._report(f"  ok       {what}: {_told(answer)}")


def _told(answer: FormAnswer) -> str:
    fields = f" (at fault: {', '.join(answer.fields)})" if answer.fields else ""
    return f"{answer.outcome}{fields}{': ' if answer.message else ''}{answer.message}"
