"""The form of a portal, as a portal map describes it: read, filled in, submitted, and what came of it.

What stands in a field is left alone where it is what is wanted. A browser checks what is typed by itself; a
form that it holds back can be submitted round that check, with the very texts that were wanted, so that what
the portal itself makes of them is seen.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from intercom_hil.browser.portal_map import FORM, GUIDE, AnswerTable, FormPage, Setting, Target
from intercom_hil.browser.session import LOOK_EVERY, PortalSession, Taken
from intercom_hil.browser.wanted import File, Odd, Value
from intercom_hil.errors import BenchError
from intercom_hil.lateness import MOST_STRETCH, stretched
from intercom_hil.timeline.timeline import now

if TYPE_CHECKING:
    from playwright.async_api import Locator

Outcome = Literal["taken", "refused", "denied", "held"]
"""``held``: the browser did not send the form. ``denied``: the account may not."""
_LONGEST_MESSAGE = 500  # characters
_MOST_TEXTS = 20  # messages or warnings of one answer
_SETTLE = 0.25  # s in which a click that sends nothing shows that it sends nothing

_WRONG = (
    "els => els.map(el => (el.willValidate && !el.validity.valid) ? (el.validationMessage || 'invalid') : '')"
)
_AT_FAULT = """(els, [itself, around]) => els.some(el =>
  (itself && el.matches(itself)) || (around && el.closest(around) !== null))"""
_LOOK = """els => els.filter(el => el.checkVisibility({visibilityProperty: true})).map(el => {
  const list = el.tagName === 'SELECT';
  const box = el.matches('[type=checkbox], [type=radio]');
  const ticked = box ? el.checked : el.getAttribute('aria-checked') === 'true';
  const chosen = list ? (el.selectedOptions[0]?.label ?? '').trim() : null;
  const text = chosen ?? ('value' in el ? el.value : el.textContent.trim());
  return {text, ticked, options: list ? [...el.options].map(one => one.label.trim()) : null};
})"""
"""What stands in each field of a target that can be seen."""
_ROUND = """(el, text) => {
  const form = el.form;
  if (!form) return false;
  form.noValidate = true;
  if (!form.benchTexts) {
    const texts = form.benchTexts = new Map();
    form.addEventListener('formdata', event => {
      for (const name of new Set([...texts.keys()].map(one => one.name))) {
        event.formData.delete(name);
        for (const one of form.elements) {
          if (one.name !== name) continue;
          const sent = !['checkbox', 'radio'].includes(one.type) || one.checked;
          if (texts.has(one)) event.formData.append(name, texts.get(one));
          else if (sent) event.formData.append(name, one.value);
        }
      }
    });
  }
  if (text !== null) form.benchTexts.set(el, text);
  return true;
}"""
"""Have a form send a text for a field, whatever stands in it, and send it unchecked (HTML: "formdata")."""


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What came of a form.

    Attributes:
        outcome: taken, refused, denied to this account, or held back by the browser.
        message: what was said to it.
        warnings: about what was taken.
        fields: the settings at fault, by their names in the map.
        status: of the document that answered; 0 where none came.
    """

    outcome: Outcome
    message: str = ""
    warnings: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    status: int = 0


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands in a field: its text (of a list the chosen entry's), whether it is ticked, its entries."""

    text: str
    ticked: bool
    options: list[str] | None


def _worded(value: Value) -> str:
    """Return a value as ``only_with`` has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled_in(entries: list[str]) -> list[str]:
    return [entry for entry in entries if entry]


class PortalForm:
    """The form in one session."""

    def __init__(self, session: PortalSession) -> None:
        """Take the form of a session's portal."""
        self._session, self._map = session, session.map
        self._odd: dict[str, str] = {}

    async def open(self) -> None:
        """Go where the form is. Raises as ``PortalSession.go`` does."""
        await self._session.go(FORM)

    @property
    def pages(self) -> Sequence[FormPage | None]:
        """The form's pages in their order; of a form of one page None."""
        return self._map.form.pages or (None,)

    async def read(self) -> dict[str, str | bool | list[str]]:
        """Return what stands in the form, as far as that can be read; its last page is shown then.

        Raises:
            BenchError: a field of the map is not there, or a page is not left.
            DeviceCrashed: nobody answers.
        """
        found: dict[str, str | bool | list[str]] = {}
        for page in self.pages:
            await self.arrived(page)
            for name, setting in self._map.on_page(page):
                if self.there_with(setting, found) and (value := await self.standing(name)) is not None:
                    found[name] = value
            if page is not self.pages[-1] and (answer := await self.turn(page)) is not None:
                name = page.name if page is not None else ""
                raise BenchError(
                    f"page {name!r} of the form is refused as it stands: {answer.message}",
                    self._session.url,
                    "correct what stands there in the portal",
                )
        return found

    async def arrived(self, page: FormPage | None) -> None:
        """Return when a page of the form is there. Raises BenchError, DeviceCrashed, SessionEnded."""
        if page is not None and page.ready is not None:
            await self._session.find(self._map.placed(page.ready), f"page {page.name!r} of the form")

    def there_with(self, setting: Setting, values: Mapping[str, Value]) -> bool:
        """Return whether a field is there as others stand: those of which nothing is known may be right."""
        return all(name not in values or _worded(values[name]) == v for name, v in setting.only_with.items())

    async def submit(
        self,
        values: Mapping[str, Value],
        *,
        round_the_browser: bool = False,
        filled: Callable[[], Awaitable[None]] = _nothing,
    ) -> FormAnswer:
        """Fill the open form in and submit it.

        Args:
            values: what is to stand in it, by the names of settings; what is not named is left alone.
            round_the_browser: submit what the browser would hold back, with the very texts that are wanted.
            filled: is awaited when the form is filled in, before it is submitted.

        Raises:
            BenchError: the map does not fit the form, or no answer came in time.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants a log-in.
        """
        self._odd = {}
        for page in self.pages:
            await self.arrived(page)
            began = now()
            changed = await self._fill(page, values, round_the_browser)
            self._session.note(
                "fill the form in" + (f", page {page.name!r}" if page else ""),
                f"changed: {', '.join(changed) or 'nothing'}",
                began,
            )
            last = page is self.pages[-1]
            if last:
                await filled()
            if self._odd and not round_the_browser:
                why = "; ".join(f"{self._calls(name)}: {text}" for name, text in self._odd.items())
                return FormAnswer("held", f"the browser: {why}"[:_LONGEST_MESSAGE], fields=tuple(self._odd))
            if last:
                return await self._submitted(page, round_the_browser)
            held = None if round_the_browser else await self._held(page)
            if held is not None:
                await filled()
                return held
            answer = await self.turn(page)
            if answer is not None:
                return answer
        raise AssertionError("a form has a last page")

    async def fill(self, values: Mapping[str, Value]) -> None:
        """Fill in the page of the form that is open, and submit nothing. Raises BenchError."""
        self._odd = {}
        await self._fill(self._map.form.pages[0] if self._map.form.pages else None, values, True)

    # --- filling in -------------------------------------------------------------------------------

    async def _fill(self, page: FormPage | None, values: Mapping[str, Value], forced: bool) -> list[str]:
        """Put what is wanted into the fields of a page; return the names of those that changed."""
        changed = []
        for name, setting in self._map.on_page(page):
            value = values.get(name)
            if setting.kind == "list" and isinstance(value, list):
                await self._resize(name, setting, value)  # before all else: the page may come anew for it
        for name, setting in self._map.on_page(page):
            value = values.get(name)
            if name not in values or self._absent(setting, value, values):
                continue
            if await self._filled(name, setting, value, forced):
                changed.append(name)
        return changed

    def _absent(self, setting: Setting, value: Value, values: Mapping[str, Value]) -> bool:
        """Return whether a field is not there as the others stand, and nothing is wanted in it."""
        return value in (None, "", [], False) and not self.there_with(setting, values)

    async def _filled(self, name: str, setting: Setting, value: Value, forced: bool) -> bool:
        match setting.kind:
            case "list":
                return await self._fill_list(name, setting, value if isinstance(value, list) else [], forced)
            case "file":
                return await self._upload(name, setting, value)
            case "radio":
                return await self._choose_button(name, setting, value, forced)
            case "lines":
                value = setting.separator.join(value if isinstance(value, list) else [])
        field, standing = await self._field(name, setting)
        if isinstance(value, Odd):
            await self._refuse(name, field, value.text, "it cannot be entered", forced)
            return True
        if setting.kind == "switch":
            return standing.ticked != bool(value) and await self._switch(name, field, bool(value))
        text = setting.spelt(str(value or ""))
        if setting.kind == "password" and text:
            self._session.secrets.add(text)
        elif standing.text == text and (setting.reads or not text):
            return False
        if setting.kind == "choice":
            return await self._choose(name, setting, field, text, standing.options, forced)
        await self._type(name, field, text, forced)
        return True

    async def _type(self, name: str, field: Locator, text: str, forced: bool) -> None:
        from playwright.async_api import Error

        try:
            async with stretched(self._map.times.step):
                await field.fill(text, timeout=self._bound)
        except Error as problem:
            if "Cannot type text" not in str(problem):
                async with self._handling(name):
                    raise
            await self._refuse(name, field, text, "it cannot be typed", forced)
            return
        except TimeoutError:
            raise await self._session.nothing_found(
                f"the field of {name}", "it, so that it can be typed in", self._map.times.step
            ) from None
        stands = await self._value(field)
        if stands != text:
            await self._refuse(name, field, text, "the form makes something else of it", forced)

    async def _refuse(self, name: str, field: Locator, text: str, why: str, forced: bool) -> None:
        """Take note that the browser does not take a value; or have it sent round the browser."""
        if not forced or not await field.evaluate(_ROUND, text):
            self._odd.setdefault(name, why)

    async def _switch(self, name: str, field: Locator, on: bool) -> bool:
        async with self._handling(name):
            await field.set_checked(on, timeout=self._bound)
        return True

    async def _choose(
        self, name: str, setting: Setting, field: Locator, text: str, options: list[str] | None, forced: bool
    ) -> bool:
        if options is None:
            await self._choose_option(name, setting, field, text)
        elif text in options:
            async with self._handling(name):
                await field.select_option(label=text, timeout=self._bound)
        else:
            await self._refuse(name, field, text, f"it is none of {', '.join(options)}", forced)
        return True

    async def _choose_option(self, name: str, setting: Setting, field: Locator, text: str) -> None:
        """Choose an entry of a list that is no ``<select>``."""
        async with self._handling(name):
            await field.click(timeout=self._bound)
        wanted = setting.option.filled({"value": text})
        frame = wanted.frame if wanted.frame is not None else self._map.form.frame
        entry = await self._session.find(wanted.model_copy(update={"frame": frame}), f"choose {name}")
        async with self._handling(name):
            await entry.click(timeout=self._bound)

    async def _choose_button(self, name: str, setting: Setting, value: Value, forced: bool) -> bool:
        group = await self._session.find(self._placed(setting), f"the buttons of {name}")
        text = value.text if isinstance(value, Odd) else setting.spelt(str(value or ""))
        button = group.get_by_role("radio", name=text, exact=True)
        async with self._handling(name):
            if not text or not await button.count():
                buttons = group.locator("input[type=radio]")
                if await buttons.count():
                    await self._refuse(name, buttons.first, text, "there is no such choice", forced)
                else:
                    self._odd[name] = "there is no such choice"
            elif await button.is_checked():
                return False
            else:
                await button.check(timeout=self._bound)
        return True

    async def _fill_list(self, name: str, setting: Setting, entries: list[str], forced: bool) -> bool:
        boxes = self._boxes(setting)
        standing = await self._values(boxes)
        if setting.reads and (standing == entries or (setting.blanks and _filled_in(standing) == entries)):
            return False
        for place in range(len(standing)):
            text = entries[place] if place < len(entries) else ""
            box = boxes.nth(place)
            if not setting.reads or await self._value(box) != text:
                await self._type(name, box, text, forced)
        return True

    async def _resize(self, name: str, setting: Setting, entries: list[str]) -> None:
        """Give a list as many boxes as there are entries, or more where empty ones do not count."""
        boxes = self._boxes(setting)
        standing = await self._values(boxes)
        count = len(standing)
        if setting.blanks and _filled_in(standing) == _filled_in(entries) == entries:
            return
        while count < len(entries):
            if setting.add is None:
                self._odd[name] = f"there are boxes for {count} entries"
                return
            count = await self._resized(name, setting.add, boxes, count, count + 1)
        while count > len(entries) and setting.remove is not None and not setting.blanks:
            last = setting.remove.model_copy(update={"nth": -1})
            count = await self._resized(name, last, boxes, count, count - 1)

    async def _resized(self, name: str, button: Target, boxes: Locator, count: int, wanted: int) -> int:
        """Add a box to a list or take one out, and return how many there are; the page may come anew."""
        found = await self._session.find(self._map.placed(button), f"{name}: more or fewer entries")
        within = self._map.times.step
        try:
            async with stretched(within):
                await found.click(timeout=self._bound)
                while True:
                    await self._session.loaded()
                    if (there := len(await self._values(boxes))) == wanted:
                        return there
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            looked = f"{wanted} text boxes of {name} in place of {count}"
            raise await self._session.nothing_found(
                f"{name}: more or fewer entries", looked, within
            ) from None

    async def _upload(self, name: str, setting: Setting, value: Value) -> bool:
        if not isinstance(value, File):
            return await self._take_out(name, setting)
        field = await self._session.find(self._placed(setting), f"upload {name}", hidden=True)
        given: Any = {"name": value.name, "mimeType": "application/octet-stream", "buffer": value.content}
        async with self._handling(name):
            await field.set_input_files(given, timeout=self._bound)
        return True

    async def _take_out(self, name: str, setting: Setting) -> bool:
        """Take an uploaded file out, where one can be."""
        if setting.take_out is None:
            return False
        found = self._session.locate(self._map.placed(setting.take_out))
        if not await found.count():
            return False
        box = found.first
        checked = await box.evaluate("el => 'checked' in el ? el.checked : null")
        if checked is True:
            return False
        # The box may be hidden with its field, where a person would have ticked it before.
        await box.evaluate("el => el.click()")
        return True

    # --- reading ----------------------------------------------------------------------------------

    async def standing(self, name: str) -> str | bool | list[str] | None:
        """Return what stands in the field of a setting, as the bench spells it; None where it cannot be read.

        Raises:
            BenchError: it is not there.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants a log-in.
        """
        setting = self._map.settings[name]
        if not setting.reads or setting.kind in ("password", "file"):
            return None
        if setting.kind == "list":
            return _filled_in(await self._values(self._boxes(setting)))
        if setting.kind == "radio":
            group = await self._session.find(self._placed(setting), f"the buttons of {name}")
            chosen = group.get_by_role("radio", checked=True)
            labels = "els => els.map(el => (el.labels?.[0] ?? el).textContent.trim() || el.ariaLabel || '')"
            text = next(iter(await chosen.evaluate_all(labels)), "")
        else:
            _, standing = await self._field(name, setting)
            if setting.kind == "switch":
                return standing.ticked
            text = standing.text
        if setting.kind == "lines":
            return [entry for entry in text.split(setting.separator) if entry]
        return setting.meant(text)

    async def _value(self, field: Locator) -> str:
        async with self._handling("a field"):
            return str(await field.evaluate("el => 'value' in el ? el.value : el.textContent"))

    async def _values(self, boxes: Locator) -> list[str]:
        from playwright.async_api import Error

        try:
            return list(await boxes.evaluate_all("els => els.map(el => el.value ?? '')"))
        except Error:
            return []  # the page is just being replaced

    # --- submitting -------------------------------------------------------------------------------

    async def turn(self, page: FormPage | None) -> FormAnswer | None:
        """Go on to the next page of the form; return the answer, where the form answers already.

        Raises as ``submit`` does.
        """
        assert page is not None
        assert page.next is not None
        step = f"go on from page {page.name!r} of the form"
        button = await self._session.find(self._map.placed(page.next), step)
        before = await self._before()
        taken = self._note(step)
        await self._click(button, step)
        following = self.pages[self.pages.index(page) + 1]
        ready = self._map.placed(following.ready) if following is not None and following.ready else None
        if ready is None:
            await self._session.loaded()
            taken.took = now() - taken.at
            return None
        answer = await self._answered(before, step, ready)
        taken.took = now() - taken.at
        return answer

    async def _submitted(self, page: FormPage | None, forced: bool) -> FormAnswer:
        step = "submit the form"
        button = await self._session.find(self._map.placed(self._map.form.submit), step)
        held = await self._held(page)
        if held is not None and forced:
            await button.evaluate(_ROUND, None)
            held = None
        before = await self._before()
        taken = self._note(step)
        try:
            if held is not None or (not forced and not await button.is_enabled()):
                if held is not None:
                    await self._click(button, step)
                    await asyncio.sleep(0)
                return held or FormAnswer("held", "the form cannot be submitted: its button is disabled")
            await self._click(button, step)
            answer = await self._answered(before, step, None)
            assert answer is not None
            return answer
        finally:
            taken.took = now() - taken.at

    def _note(self, step: str) -> Taken:
        self._session.note(step, "click", now())
        return self._session.steps[-1]

    async def _click(self, button: Locator, step: str) -> None:
        from playwright.async_api import Error

        within = self._map.times.page  # a click waits for the page that it brings
        try:
            async with stretched(within):
                await button.click(timeout=within * MOST_STRETCH * 1000)
        except TimeoutError:
            raise await self._session.nothing_found(
                step, "what submits, so that it can be clicked", within
            ) from None
        except Error as problem:
            if type(problem).__name__ == "TimeoutError":
                raise await self._session.nothing_found(step, "what submits, usable", within) from None
            raise self._broken(step, problem) from problem

    async def _held(self, page: FormPage | None) -> FormAnswer | None:
        """Return that the browser holds the form back, and for which fields; None if it does not."""
        wrong = {}
        button = self._session.locate(self._map.placed(self._map.form.submit))
        unchecked = "els => els.some(el => el.form && (el.form.noValidate || el.formNoValidate))"
        if await button.evaluate_all(unchecked):
            return None
        for name, setting in self._map.on_page(page):
            if setting.kind == "radio":
                continue
            said = await self._session.locate(self._placed(setting)).evaluate_all(_WRONG)
            if text := next(filter(None, said), ""):
                wrong[name] = text
        if not wrong:
            return None
        told = "; ".join(f"{self._calls(name)}: {text}" for name, text in wrong.items())
        message = self._session.without_secrets(f"the browser: {told}")[:_LONGEST_MESSAGE]
        return FormAnswer("held", message, fields=tuple(wrong))

    async def _before(self) -> tuple[int, dict[str, list[str]]]:
        """Return how many documents have come, and what answers of before can be seen still."""
        seen: dict[str, list[str]] = {}
        for name, targets in self._answers.items():
            seen[name] = [
                text
                for target in targets
                if await self._session.sees(target)
                for text in await self._session.texts_of(target)
            ]
        return self._session.documents, seen

    @property
    def _answers(self) -> dict[Outcome, Sequence[Target]]:
        table: AnswerTable = self._map.answer
        return {"refused": table.refused, "denied": table.denied, "taken": table.taken}

    async def _answered(
        self, before: tuple[int, dict[str, list[str]]], step: str, ready: Target | None
    ) -> FormAnswer | None:
        """Wait for the answer to what was just clicked; None when the next page of the form has come."""
        within = self._map.times.answer
        documents, seen = before
        gone: set[str] = set()
        try:
            async with stretched(within):
                while True:
                    if ready is not None and await self._session.sees(ready):
                        return None
                    for outcome, targets in self._answers.items():
                        there = await self._session.sees(targets)
                        if not there:
                            gone.add(outcome)
                            continue
                        old = seen[outcome] and outcome not in gone and documents == self._session.documents
                        if old and await self._texts(targets) == seen[outcome]:
                            continue
                        return await self._read_answer(outcome)
                    await self._session.loaded()
                    await self._session.check_logged_in()
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            looked = " or ".join(str(target) for targets in self._answers.values() for target in targets)
            raise await self._session.nothing_found(step, f"an answer: {looked}", within) from None

    async def _texts(self, targets: Sequence[Target]) -> list[str]:
        return [text for target in targets for text in await self._session.texts_of(target)]

    async def _read_answer(self, outcome: Outcome) -> FormAnswer:
        await self._session.loaded()
        table = self._map.answer
        status = self._session.status
        if outcome == "taken":
            said = (await self._session.texts_of(table.warnings))[:_MOST_TEXTS] if table.warnings else []
            warnings = tuple(text[:_LONGEST_MESSAGE] for text in said)
            return FormAnswer("taken", "; ".join(warnings), warnings, status=status)
        where = (
            (table.message,)
            if table.message is not None and await self._session.sees(table.message)
            else None
        )
        texts = await self._texts(where or self._answers[outcome])
        message = "; ".join(texts[:_MOST_TEXTS])[:_LONGEST_MESSAGE]
        fields = await self.at_fault() if outcome == "refused" else ()
        return FormAnswer(outcome, message, (), fields, status)

    async def at_fault(self) -> tuple[str, ...]:
        """Return the settings whose fields the page that is shown says to be at fault."""
        rule = self._map.answer.at_fault
        texts = await self._session.texts_of(rule.listed) if rule.listed else []
        listed = named_in(texts, {name: setting.calls for name, setting in self._map.settings.items()})
        found = []
        for name, setting in self._map.settings.items():
            fields = self._session.locate(self._placed(setting))
            marked = (rule.itself or rule.around) and await fields.evaluate_all(
                _AT_FAULT, [rule.itself, rule.around]
            )
            if marked or name in listed:
                found.append(name)
        return tuple(found)

    # --- finding ----------------------------------------------------------------------------------

    @property
    def _bound(self) -> float:
        """Milliseconds that Playwright may take; the bench's own bound comes first."""
        return self._map.times.step * MOST_STRETCH * 1000

    def _calls(self, name: str) -> str:
        return self._map.settings[name].calls or name

    def _placed(self, setting: Setting) -> Target:
        return self._map.placed(setting)

    async def _field(self, name: str, setting: Setting) -> tuple[Locator, _Standing]:
        """Return a field when it is there, and once only, with what stands in it."""
        from playwright.async_api import Error

        located = self._session.locate(self._placed(setting))
        found: list[dict[str, Any]] = []
        with suppress(Error):  # the page is just being replaced: it is looked for below
            found = await located.evaluate_all(_LOOK)
        if len(found) != 1:
            await self._session.find(self._placed(setting), f"the field of {name}")
            async with self._handling(name):
                found = await located.evaluate_all(_LOOK)
        return located.locator("visible=true") if setting.nth is None else located, _Standing(**found[0])

    def _boxes(self, setting: Setting) -> Locator:
        return self._session.locate(self._placed(setting))

    @asynccontextmanager
    async def _handling(self, name: str) -> AsyncIterator[None]:
        """Bound what is done with a field, and say of what it was where it cannot be done."""
        from playwright.async_api import Error

        within = self._map.times.step
        try:
            async with stretched(within):
                yield
        except (TimeoutError, Error) as problem:
            if isinstance(problem, Error) and type(problem).__name__ != "TimeoutError":
                raise self._broken(name, problem) from problem
            setting = self._map.settings.get(name)
            what = f"{self._placed(setting)} that can be used" if setting else "a field that can be used"
            raise await self._session.nothing_found(f"the field of {name}", what, within) from None

    def _broken(self, name: str, problem: Exception) -> BenchError:
        first = next(iter(str(problem).strip().splitlines()), "")
        return BenchError(
            f"{name}: {self._session.without_secrets(first)}",
            self._session.url,
            f"correct the portal map: {GUIDE}",
        )


def named_in(texts: Sequence[str], calls: Mapping[str, str]) -> frozenset[str]:
    """Return the settings that messages name.

    A message names the field that it begins with; one that begins with none, those that are in it as whole
    words. Of two such names, one inside the other, only the longer is meant: *Proxy port*, and not *Port*.

    Args:
        texts: the messages.
        calls: what the portal calls each setting, by the settings' names.
    """
    found: set[str] = set()
    for text in texts:
        spans = {
            name: (match.start(), match.end())
            for name, called in calls.items()
            if called and (match := re.search(rf"(?<!\w){re.escape(called)}(?!\w)", text, re.IGNORECASE))
        }
        first = {name: span for name, span in spans.items() if span[0] == 0}
        spans = first or spans
        found |= {
            name
            for name, (start, end) in spans.items()
            if not any(a <= start and end <= b and b - a > end - start for a, b in spans.values())
        }
    return frozenset(found)
