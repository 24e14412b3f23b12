"""Somebody at the portal: logs in, takes the steps of a map, finds what it names, and takes pictures.

A step that finds nothing is the bench's error, or the map's, and never the device's: it says which step,
what was looked for, and what stood there instead, with a picture. A session that has ended is begun again
once; a portal that nobody answers at is a device that is gone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin

from intercom_hil.browser.chromium import Chromium, gone
from intercom_hil.browser.portal_map import GUIDE, PortalMap, Step, Steps, Target
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.lateness import MOST_STRETCH, stretched
from intercom_hil.spec.settings import REDACTED
from intercom_hil.terminal_text import visible
from intercom_hil.timeline.timeline import now

if TYPE_CHECKING:
    from playwright.async_api import (
        BrowserContext,
        Dialog,
        Frame,
        FrameLocator,
        Locator,
        Page,
        Request,
        Response,
    )

LOOK_EVERY = 0.03
"""Seconds between two looks at a page that something is waited for on."""
_REFUSED = re.compile(
    r"net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED|ABORTED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)"
)
_CERTIFICATE = re.compile(r"net::ERR_(CERT|SSL)\w*")
_SUPERSEDED = "net::ERR_ABORTED"
_MOST_SHOWN = 40  # things that stand in a page
_LONGEST_SHOWN = 60  # characters of each
_SHORTEST_SECRET = 4  # characters; a shorter one is found in innocent words too
_PICTURE_WITHIN = 20.0  # s
_QUALITY = 70  # of a JPEG, out of 100
_ROLES = re.compile(
    r"^\s*- (heading|link|button|textbox|combobox|checkbox|switch|radio|alert|status|dialog|group"
    r"|spinbutton|tab|menuitem)\b ?(\"(?:[^\"\\]|\\.)*\")?",
    re.MULTILINE,
)
_UNAUTHORIZED = 401
_MASK = "data-bench-mask"
_MARK = """([secrets, mark]) => {
  const marked = node => secrets.some(secret => (node.value ?? "").toString().includes(secret)
    || [...node.childNodes].some(one => one.nodeType === 3 && one.data.includes(secret)));
  const walk = root => {
    for (const node of root.querySelectorAll("*")) {
      if (marked(node)) node.setAttribute(mark, "");
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
}"""
_UNMARK = """mark => {
  const walk = root => {
    for (const node of root.querySelectorAll("*")) {
      node.removeAttribute(mark);
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
}"""


class SessionEnded(Exception):  # noqa: N818  (it says what happened)
    """The portal wants a log-in where somebody was logged in."""


class CertificateRefused(BenchError):  # noqa: N818  (it says what happened)
    """The browser does not trust the certificate that the portal presents."""


class Keeper(Protocol):
    """Keeps evidence of what was done in a portal."""

    def picture(self, name: str, png: bytes) -> Path | None:
        """Keep a picture; return its file, None where there is no place for it now."""


class Nowhere:
    """Keeps nothing."""

    def picture(self, name: str, png: bytes) -> Path | None:
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the portal."""

    account: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Taken:
    """A step that was taken, for the record: when (epoch seconds), how long it took (s), what it met."""

    name: str
    what: str
    at: float
    took: float = 0.0
    note: str = ""


class PortalSession:
    """A window of the browser in which one person uses the portal.

    Attributes:
        page: Playwright's page, once open.
        steps: what was done since ``steps`` was emptied last.
        status: the status of the last document that the portal answered with; 0 before the first.
        documents: how many documents have come.
        dialogs: what alerts of the page said since it was emptied last; they are accepted.
        secrets: what is masked in pictures, and in what is quoted from a page.
    """

    page: Page

    def __init__(
        self,
        browser: Chromium,
        portal_map: PortalMap,
        url: str,
        person: Person | None,
        *,
        device: str = "",
        keeper: Keeper | None = None,
        learn: Callable[[str], None] = lambda secret: None,
        where: str = "",
    ) -> None:
        """Describe it; nothing is opened yet.

        Args:
            browser: must be open before the session is.
            portal_map: what to do in the portal.
            url: the portal's base address.
            person: who uses it; None for somebody who does not log in.
            device: what the portal calls the device, if otherwise than the map says.
            keeper: keeps pictures of what went wrong.
            learn: is called with the values of cookies that are secret.
            where: the map's file, for messages.
        """
        self._browser, self.map, self.url, self.person = browser, portal_map, url.rstrip("/"), person
        self._keeper: Keeper = keeper or Nowhere()
        self._learn, self._where = learn, where or "the portal map"
        self._window: BrowserContext | None = None
        self._failed = ""
        self.steps: list[Taken] = []
        self.status = self.documents = 0
        self.dialogs: list[str] = []
        self.secrets: set[str] = {person.password} if person is not None and person.password else set()
        self._words = {"device": device or portal_map.device}
        if person is not None:
            self._words |= {"account": person.account, "password": person.password}

    # --- opening and closing ----------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it has a page that can be used."""
        return self._window is not None and self._browser.running and not self.page.is_closed()

    async def open(self) -> None:
        """Open the window; nothing happens when it is open. Raises BenchError."""
        if self.is_open:
            return
        await self.close()
        width, height = self.map.viewport
        language = self.map.language
        options: dict[str, Any] = {}
        if self.map.log_in.basic and self.person is not None:
            options["http_credentials"] = {"username": self.person.account, "password": self.person.password}
        self._window = await self._browser.window(
            viewport={"width": width, "height": height}, locale=language, accept_downloads=True, **options
        )
        async with self._at_work():
            self.page = await self._window.new_page()
        self.page.on("requestfailed", self._on_failed)
        self.page.on("response", self._on_response)
        self.page.on("framenavigated", self._on_navigated)
        self.page.on("dialog", self._on_dialog)

    async def close(self) -> None:
        """Close the window, and forget the session with it."""
        window, self._window = self._window, None
        if window is None or not self._browser.running:
            return
        from playwright.async_api import Error

        with suppress(Error, TimeoutError):
            async with asyncio.timeout(_PICTURE_WITHIN):
                await window.close()

    # --- steps ------------------------------------------------------------------------------------

    async def log_in(self) -> None:
        """Log in; of a session without a person, look at the log-in page only.

        Raises:
            BenchError: the portal refuses the account, or the map does not fit.
            DeviceCrashed: nobody answers.
        """
        table = self.map.log_in
        await self.open()
        await self.take(Step(name="open the log-in page", open=table.address))
        if self.person is None:
            return
        if table.basic and self.status == _UNAUTHORIZED:
            raise self._cannot_log_in("the answer is 401")
        choices: dict[str, Sequence[Target]] = {"done": table.done, "needed": table.needed}
        if await self.first(choices, "log in", logging_in=True) == "done":
            return
        for step in table.steps:
            await self.take(step, logging_in=True)
        seen = await self.first({"done": table.done, "refused": table.refused}, "log in", logging_in=True)
        if seen == "refused":
            raise self._cannot_log_in(await self.text_of(table.refused))
        if self._window is not None:
            for cookie in await self._window.cookies():
                if cookie.get("httpOnly"):
                    self._learn(str(cookie.get("value", "")))

    def _cannot_log_in(self, said: str) -> BenchError:
        account = self.person.account if self.person is not None else ""
        return BenchError(
            f"the account {account!r} cannot log in ({said})",
            self.url,
            "check the account and its password in the bench file",
        )

    async def go(self, way: str) -> None:
        """Take the steps of a way of the map, from wherever the session is; log in first where need be.

        Raises:
            BenchError: the map has no such way, or a step finds nothing.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants another log-in, although there was one just now.
        """
        if way not in self.map.ways:
            raise BenchError(f"it has no way {way!r}", self._where, f"add [[ways.{way}]]: {GUIDE}")
        fresh = not self.is_open or not self.documents
        if fresh:
            await self.log_in()
        try:
            await self.walk(self.map.ways[way])
        except SessionEnded:
            if fresh:
                raise
            await self.log_in()
            await self.walk(self.map.ways[way])

    async def walk(self, steps: Steps) -> None:
        """Take some steps. Raises as ``take`` does."""
        for step in steps:
            await self.take(step)

    async def take(self, step: Step, *, logging_in: bool = False) -> None:
        """Take one step.

        Args:
            step: what to do.
            logging_in: whether the log-in page is where it should be taken.

        Raises:
            BenchError: what it needs is not there.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants a log-in.
        """
        what = step.target.filled(self._words) if step.target else step.open
        taken = self._begin(step.name, f"{step.action} {what}")
        try:
            await self._take(step, taken, logging_in)
        finally:
            taken.took = now() - taken.at

    async def _take(self, step: Step, taken: Taken, logging_in: bool) -> None:
        if step.open is not None:
            await self._open_address(step.open)
            return
        target = step.target
        assert target is not None
        if step.optional and not await self.sees(target):
            taken.note = "not needed"
            return
        if step.unless is not None:
            choices: dict[str, Sequence[Target]] = {"unless": (step.unless,), "target": (target,)}
            if await self.first(choices, step.name, within=step.within, logging_in=logging_in) == "unless":
                taken.note = "done already"
                return
        locator = await self.find(target, step.name, within=step.within, logging_in=logging_in)
        within = step.within or self.map.times.step
        text = step.text
        for word, value in self._words.items():
            text = text.replace(f"{{{word}}}", value)
        async with self._at_work(step.name, target, within):
            bound = within * MOST_STRETCH * 1000
            match step.action:
                case "click":
                    await locator.click(timeout=bound)
                case "check" | "uncheck":
                    await locator.set_checked(step.action == "check", timeout=bound)
                case "fill":
                    await locator.fill(text, timeout=bound)
                case "choose":
                    await locator.select_option(label=text, timeout=bound)
                case "press":
                    await locator.press(text, timeout=bound)
        await self.loaded()

    async def _open_address(self, address: str) -> None:
        url, within = urljoin(f"{self.url}/", address.lstrip("/")), self.map.times.page
        self._failed = ""
        from playwright.async_api import Error

        try:
            async with stretched(within):
                await self.page.goto(url, wait_until="domcontentloaded", timeout=within * MOST_STRETCH * 1000)
        except (TimeoutError, Error) as problem:
            if isinstance(problem, Error) and "net::" in str(problem):
                raise self._unanswered(str(problem)) from problem
            if isinstance(problem, Error) and not _timed_out(problem):
                raise gone(problem) from problem
            raise BenchError(
                f"no page within {within:g} s from {address}",
                self.url,
                "check the network between bench and device; a slow portal gets more time in its map",
            ) from problem

    async def loaded(self) -> None:
        """Return when the document that is coming, if one is, is there. Raises BenchError, DeviceCrashed."""
        within = self.map.times.page
        async with self._at_work("wait for the page", None, within):
            await self.page.wait_for_load_state("domcontentloaded", timeout=within * MOST_STRETCH * 1000)
        self._check_failure()

    async def until_document(self, count: int) -> None:
        """Return when more documents have come than there were. Raises BenchError, DeviceCrashed."""
        within = self.map.times.page
        try:
            async with stretched(within):
                while self.documents <= count:
                    self._check_failure()
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise await self.nothing_found("wait for a page", "an answer", within) from None
        await self.loaded()

    def note(self, name: str, what: str, since: float) -> None:
        """Put something that was done since a time (epoch seconds) on the record of steps."""
        self.steps.append(Taken(name, what, since, now() - since))

    def _begin(self, name: str, what: str) -> Taken:
        taken = Taken(name, self.without_secrets(what), now())
        self.steps.append(taken)
        return taken

    # --- finding ----------------------------------------------------------------------------------

    def locate(self, target: Target) -> Locator:
        """Return Playwright's locator of something, which may not be there."""
        target = target.filled(self._words)
        scope: Page | FrameLocator = self.page
        if target.frame is not None:
            scope = self.page.frame_locator(target.frame)
        return _located(scope, target)

    async def sees(self, targets: Target | Sequence[Target]) -> bool:
        """Return whether any of some things can be seen at this moment."""
        from playwright.async_api import Error

        for target in (targets,) if isinstance(targets, Target) else targets:
            try:
                found = self.locate(target)
                if target.nth is None:
                    found = found.locator("visible=true").first
                if await found.is_visible():
                    return True
            except Error as problem:
                if self.page.is_closed() or not self._browser.running:
                    raise gone(problem) from problem
        return False

    async def first(
        self,
        choices: Mapping[str, Sequence[Target]],
        step: str,
        *,
        within: float | None = None,
        logging_in: bool = False,
    ) -> str:
        """Return which of several things can be seen first; of two at once, the one that is named first.

        Raises:
            BenchError: none in time.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants a log-in.
        """
        within = within or self.map.times.step
        try:
            async with stretched(within):
                while True:
                    for name, targets in choices.items():
                        if await self.sees(targets):
                            return name
                    self._check_failure()
                    if not logging_in:
                        await self.check_logged_in()
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            looked = " or ".join(str(target) for targets in choices.values() for target in targets)
            raise await self.nothing_found(step, looked, within) from None

    async def find(
        self,
        target: Target,
        step: str,
        *,
        within: float | None = None,
        logging_in: bool = False,
        hidden: bool = False,
    ) -> Locator:
        """Return something when it is there, and once only.

        Args:
            target: what to look for.
            step: what it is for, as reports call it.
            within: seconds in which it has to be there; those of the map's steps where not given.
            logging_in: whether the log-in page is where it should be.
            hidden: whether it need not be seen, such as the button of an upload.

        Raises:
            BenchError: it is not there in time, or several times.
            DeviceCrashed: nobody answers.
            SessionEnded: the portal wants a log-in.
        """
        locator = self.locate(target)
        if target.nth is None and not hidden:
            locator = locator.locator("visible=true")
        within = within or self.map.times.step
        count = 0
        try:
            async with stretched(within):
                while not (count := await self._count(locator)):
                    self._check_failure()
                    if not logging_in:
                        await self.check_logged_in()
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise await self.nothing_found(step, str(target.filled(self._words)), within) from None
        if count > 1:
            raise BenchError(
                f"step {step!r}: there are {count} times {target.filled(self._words)}",
                self._where,
                f"say which one, with within, nth or a selector: {GUIDE}",
            )
        return locator

    async def _count(self, locator: Locator) -> int:
        from playwright.async_api import Error

        try:
            return await locator.count()
        except Error as problem:
            if self.page.is_closed() or not self._browser.running:
                raise gone(problem) from problem
            return 0  # the page is just being replaced

    async def check_logged_in(self) -> None:
        """Raises SessionEnded: the portal wants a log-in, and somebody was logged in."""
        if self.person is not None and await self.sees(self.map.log_in.needed):
            raise SessionEnded(f"the session of {self.person.account!r} at {self.url} has ended")

    async def texts_of(self, target: Target) -> list[str]:
        """Return the texts of all that a target stands for and that can be seen, spaces put together."""
        async with self._at_work("read the page", target, self.map.times.step):
            found = await self.locate(target).locator("visible=true").all_inner_texts()
        return [" ".join(self.without_secrets(text).split()) for text in found]

    async def text_of(self, targets: Iterable[Target]) -> str:
        """Return the texts of some things that can be seen, as one."""
        return "; ".join([text for target in targets for text in await self.texts_of(target) if text])

    # --- what went wrong --------------------------------------------------------------------------

    async def nothing_found(self, step: str, looked: str, within: float) -> BenchError:
        """Return that a step found nothing: what it looked for, what stood there instead, with a picture."""
        there = await self.shown()
        picture = await self.picture(f"not-found-{step}")
        seen = f"; see {picture}" if picture else ""
        return BenchError(
            f"step {step!r}: looked for {self.without_secrets(looked)}, not there after {within:.3g} s; "
            f"on the page {self._address()} stand {there}{seen}",
            self._where,
            f"correct the step in the portal map, or what the portal shows: {GUIDE}",
        )

    async def shown(self) -> str:
        """Return what stands in the page, by role and name, as far as it can be read."""
        from playwright.async_api import Error

        lines: list[str] = []
        for frame in self.page.frames:
            with suppress(Error, TimeoutError):
                async with asyncio.timeout(_PICTURE_WITHIN):
                    told = await frame.locator("body").aria_snapshot(timeout=_PICTURE_WITHIN * 1000)
                    lines += [_short(role, name) for role, name in _ROLES.findall(told)]
        lines = list(dict.fromkeys(lines))
        more = f" and {len(lines) - _MOST_SHOWN} more" if len(lines) > _MOST_SHOWN else ""
        return self.without_secrets(", ".join(lines[:_MOST_SHOWN]) + more) or "nothing that has a role"

    async def picture(self, name: str, *, small: bool = False) -> Path | None:
        """Take a picture of the page and give it to the keeper; return the file that the keeper made of it.

        Args:
            name: what it shows.
            small: whether it is a JPEG, of which there may be many.
        """
        taken = await self.screenshot(small=small)
        return self._keeper.picture(name, taken) if taken is not None else None

    async def screenshot(self, *, small: bool = False) -> bytes | None:
        """Return a masked picture of the whole page, PNG or JPEG; None if there can be none."""
        from playwright.async_api import Error

        secrets = sorted(secret for secret in self.secrets if len(secret) >= _SHORTEST_SECRET)
        try:
            async with stretched(_PICTURE_WITHIN):
                frames: list[Frame] = list(self.page.frames)
                for frame in frames if secrets else ():
                    await frame.evaluate(_MARK, [secrets, _MASK])
                masks = [frame.locator(f"input[type=password], [{_MASK}]") for frame in frames]
                try:
                    return await self.page.screenshot(
                        full_page=True,
                        type="jpeg" if small else "png",
                        quality=_QUALITY if small else None,
                        mask=masks,
                        mask_color="#000000",
                        animations="disabled",
                        caret="hide",
                        timeout=_PICTURE_WITHIN * MOST_STRETCH * 1000,
                    )
                finally:
                    for frame in frames if secrets else ():
                        with suppress(Error):
                            await frame.evaluate(_UNMARK, _MASK)
        except (Error, TimeoutError):
            return None

    def without_secrets(self, text: str) -> str:
        """Return a text without the session's secrets, and without what would drive a terminal."""
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, REDACTED)
        return visible(text)

    def _address(self) -> str:
        return self.without_secrets(self.page.url.partition("?")[0])[:200]

    def _check_failure(self) -> None:
        if self._failed:
            raise self._unanswered(self._failed)

    def _unanswered(self, problem: str) -> BenchError | DeviceCrashed:
        why = re.search(r"net::\w+", problem)
        reason = why[0] if why else problem.strip().partition("\n")[0]
        if _REFUSED.search(problem):
            return DeviceCrashed(
                f"the device's Admin Portal at {self.url} is gone ({reason}). Remedy: check that the device "
                "is up; if it is, correct the portal's address in the bench file."
            )
        if _CERTIFICATE.search(problem):
            return CertificateRefused(
                f"the portal's certificate is not trusted, or not the one it was ({reason})",
                self.url,
                "name a PEM file with its certificate, or its authority's, as device.browser.ca",
            )
        return BenchError(
            f"the portal cannot be asked ({reason})", self.url, "correct its address in the bench file"
        )

    # --- what the browser reports -----------------------------------------------------------------

    def _on_failed(self, request: Request) -> None:
        if not request.is_navigation_request() or request.frame != self.page.main_frame:
            return
        if request.failure and request.failure != _SUPERSEDED:
            self._failed = request.failure

    def _on_response(self, response: Response) -> None:
        request = response.request
        if not request.is_navigation_request() or response.frame != self.page.main_frame:
            return
        self._failed = ""
        if not 300 <= response.status < 400:  # else another answer follows
            self.status = response.status

    def _on_navigated(self, frame: Frame) -> None:
        if frame == self.page.main_frame and frame.url != "about:blank":
            self.documents += 1

    async def _on_dialog(self, dialog: Dialog) -> None:
        from playwright.async_api import Error

        self.dialogs.append(self.without_secrets(dialog.message)[:500])
        with suppress(Error):
            await dialog.accept()

    @asynccontextmanager
    async def _at_work(
        self, step: str = "", target: Target | None = None, within: float | None = None
    ) -> AsyncIterator[None]:
        """Have what Playwright raises become an error of the bench's: at the end, say that a step failed."""
        from playwright.async_api import Error

        within = within or self.map.times.step
        started = monotonic()
        try:
            async with stretched(within):
                yield
        except (TimeoutError, Error) as problem:
            if self.page_is_gone():
                raise gone(problem) from problem
            self._check_failure()
            if isinstance(problem, TimeoutError) or _timed_out(problem):
                looked = f"{target.filled(self._words) if target else 'the page'}"
                found = await self.nothing_found(step, f"{looked} that can be used", monotonic() - started)
                raise found from problem
            first = next(iter(str(problem).strip().splitlines()), "")
            picture = await self.picture(f"failed-{step}")
            raise BenchError(
                f"step {step!r}: {self.without_secrets(first)}" + (f"; see {picture}" if picture else ""),
                self._where,
                f"correct the step in the portal map: {GUIDE}",
            ) from problem

    def page_is_gone(self) -> bool:
        """Whether the browser, or this page of it, has ended."""
        return not self._browser.running or not hasattr(self, "page") or self.page.is_closed()


def _located(scope: Page | FrameLocator | Locator, target: Target) -> Locator:
    if target.within is not None:
        scope = _located(scope, target.within)
    match target.place:
        case "label":
            found = scope.get_by_label(target.label or "", exact=target.exact)
        case "role":
            role = target.role or ""
            found = scope.get_by_role(role, name=target.name, exact=target.exact)  # type: ignore[arg-type]
        case "text":
            found = scope.get_by_text(target.text or "", exact=target.exact)
        case "placeholder":
            found = scope.get_by_placeholder(target.placeholder or "", exact=target.exact)
        case _:
            found = scope.locator(target.selector or "")
    if target.having is not None:
        found = found.filter(has_text=target.having)
    return found if target.nth is None else found.nth(target.nth)


def _timed_out(problem: BaseException) -> bool:
    return type(problem).__name__ == "TimeoutError"


def _short(role: str, name: str) -> str:
    text = name if len(name) <= _LONGEST_SHOWN else f'{name[:_LONGEST_SHOWN]}…"'
    return f"{role} {text}".strip()
