"""The pages of the device's Admin Portal, as a scenario looks at them and uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from time import monotonic

from intercom_hil.bench.assembly import Assembly
from intercom_hil.device.configurator import Role
from intercom_hil.device.page_viewer import EVENTS, FORM, WAY_IN, PageViewer, one_more_of
from intercom_hil.errors import NotApplicable
from intercom_hil.scenario.remotes import Remotes
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.events import EventKind
from intercom_hil.spec.form_labels import FORM_LABELS
from intercom_hil.timeline import Pattern, Witness, now
from intercom_hil.timeline.observation import PageSeen
from intercom_hil.timeline.pattern import Condition

_LOOK_EVERY = 0.1  # s between two looks at a list that does not show yet what it is to show


class Pages(Remotes):
    """The remote stations of one scenario, and the pages of the device's portal."""

    def __init__(self, assembly: Assembly) -> None:
        super().__init__(assembly)
        self._listed: dict[tuple[str, str], None] | None = None

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._listed = None

    async def look_at_form(self) -> float:
        """Look at the form as the administrator, and return when; what it shows is on the timeline."""
        return await self._look(await self._ready(), self._viewer.form())

    async def look_for_way_in(self, by: Role) -> float:
        """Look how far somebody comes on the way to the form, and return when.

        Raises:
            Inconclusive: the bench has no account of that role.
        """
        return await self._look(await self._ready(), self._viewer.way_in(by))

    async def press_plus(self, setting: str) -> float:
        """Press the plus icon of a list of the form, and return when; nothing is submitted."""
        return await self._look(await self._ready(), self._viewer.add_entry(setting))

    async def submit_on_page(self, changes: Mapping[str, object], *, by: Role = "administrator") -> float:
        """Fill in the form in the browser and submit it, with changes, right or wrong, and return when.

        The answer is on the timeline: ``configuration(accepted=...)``. What the browser itself would hold
        back is submitted all the same: it is the device that has to refuse it.

        Args:
            changes: what differs from the settings in force.
            by: another than the administrator tries every way that there is, also with the administrator's
                form, sent in a session of his own or in none.

        Raises:
            Inconclusive: the bench has no account of that role.
        """
        begun, viewer = await self._ready(), self._viewer
        await self.intercom.submit(changes, by, lambda form: viewer.submit(form, by))
        self._assembly.timeline.book_wait(begun, now())
        return begun

    async def look_at_events(self, *awaited: EventKind) -> float:
        """Look at the list of events, and return when; what is new since the first look is on the timeline.

        Args:
            awaited: what is to be listed. The list is looked at again until it is, or until the device has
                had the time to write it (``timing.log``).

        Raises:
            Inconclusive: the portal map does not say where the list is.
        """
        begun, viewer = await self._ready(), self._viewer
        deadline = monotonic() + self.timing.log
        while True:
            last = monotonic() >= deadline  # a list that is read when time is up has had all of it
            new = await viewer.events()
            if self._listed is None:
                self._listed, new = {}, []  # what is new to the viewer was there before the scenario looked
            self._listed |= dict.fromkeys(new)
            if last or all((kind.screen_name, kind.name) in self._listed for kind in awaited):
                break
            await asyncio.sleep(_LOOK_EVERY)
        found = tuple(_row(screen, name) for screen, name in self._listed)
        looked = tuple(_row(kind.screen_name, kind.name) for kind in awaited)
        missing = tuple(row for row in looked if row not in found)
        seen = PageSeen(page=EVENTS, looked=looked, found=found, missing=missing)
        self._assembly.append(Witness.PORTAL, seen, None)
        self._assembly.timeline.book_wait(begun, now())
        return begun

    # -- inside ----------------------------------------------------------------------------------------

    @property
    def _viewer(self) -> PageViewer:
        viewer = self.intercom.pages
        if viewer is None:
            raise NotApplicable(Capability.PORTAL_PAGES.declared_missing)
        return viewer

    async def _ready(self) -> float:
        await self.intercom.until_ready()
        return now()

    async def _look(self, begun: float, looking: Awaitable[PageSeen]) -> float:
        self._assembly.append(Witness.PORTAL, await looking, None)
        self._assembly.timeline.book_wait(begun, now())
        return begun


def _row(screen: str, name: str) -> str:
    return f"{screen}: {name}"


def without_field(setting: str) -> Pattern:
    """The form has no field with the literal label of a setting; somebody has looked for it."""
    text = f"a form without the field {str(FORM_LABELS[setting])!r}"
    return Pattern(kind="page", text=text).where(page=FORM, missing=Condition(contains=setting))


def looked_for(setting: str) -> Pattern:
    """Somebody looked at the form for the literal label of a setting."""
    text = f"a look at the form for {str(FORM_LABELS[setting])!r}"
    return Pattern(kind="page", text=text).where(page=FORM, looked=Condition(contains=setting))


def readable(setting: str) -> Pattern:
    """What stands in a field of the form can be read."""
    text = f"what stands at {str(FORM_LABELS[setting])!r}"
    return _standing(setting, Condition(none_of=(None,)), text)


def in_form(setting: str, *values: str) -> Pattern:
    """One of some values stands in a field of the form."""
    text = f"{' or '.join(map(repr, values))} at {str(FORM_LABELS[setting])!r}"
    return _standing(setting, Condition(one_of=values), text)


def _standing(setting: str, condition: Condition, text: str) -> Pattern:
    pattern = Pattern(kind="page", text=text).where(page=FORM)
    return pattern.where(values=Condition(some={setting: condition}))


def way_in(by: Role, *, shown: bool | None = None, address_open: bool | None = None) -> Pattern:
    """Somebody is shown a way to the form, or not; the form is at its address for him, or not."""
    values = {}
    text = []
    if shown is not None:
        values["shown"] = Condition(one_of=("yes" if shown else "no",))
        text.append(f"{'a' if shown else 'no'} way to the form")
    if address_open is not None:
        values["address"] = Condition(one_of=("open" if address_open else "closed",))
        text.append(f"a form that is {'open' if address_open else 'closed'}")
    pattern = Pattern(kind="page", text=f"{' and '.join(text)} to {by}").where(page=WAY_IN, by=by)
    return pattern.where(values=Condition(some=values))


def without_one_more(setting: str) -> Pattern:
    """The plus icon of a list of the form was pressed, and added no text box."""
    text = f"a plus icon that adds no field {str(FORM_LABELS[setting])!r}"
    missing = Condition(contains=one_more_of(setting))
    return Pattern(kind="page", text=text).where(page=FORM, missing=missing)


def looked_for_event(kind: EventKind) -> Pattern:
    """Somebody looked for an event in the portal's list of events."""
    row = _row(kind.screen_name, kind.name)
    pattern = Pattern(kind="page", text=f"a look at the list of events for {row}")
    return pattern.where(page=EVENTS, looked=Condition(contains=row))


def unlisted(kind: EventKind) -> Pattern:
    """The portal's list of events has not got an event under its screen name; somebody has looked for it."""
    row = _row(kind.screen_name, kind.name)
    pattern = Pattern(kind="page", text=f"a list of events without {row}")
    return pattern.where(page=EVENTS, missing=Condition(contains=row))
