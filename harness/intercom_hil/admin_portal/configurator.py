"""The device's settings through its Admin Portal in a real browser, by a portal map.

One window stays logged in from submission to submission. A session that has ended is begun again once; a
browser that went away, or a window in which something went wrong, is opened anew for the next submission.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intercom_hil.admin_portal.closed_door import knock
from intercom_hil.admin_portal.evidence import PortalEvidence
from intercom_hil.browser.chromium import Chromium
from intercom_hil.browser.form import FormAnswer, PortalForm
from intercom_hil.browser.portal_map import PortalMap, read_map, shipped_map
from intercom_hil.browser.session import CertificateRefused, Person, PortalSession, SessionEnded
from intercom_hil.browser.trust import trusted_key
from intercom_hil.browser.wanted import CERTIFICATE, File, Value, Wanted, wanted
from intercom_hil.device.configurator import Role, Submission
from intercom_hil.errors import BenchError, DeviceCrashed, Inconclusive
from intercom_hil.lateness import stretched
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline.observation import Note, Witness
from intercom_hil.timeline.timeline import Append, now

if TYPE_CHECKING:
    from intercom_hil.admin_portal.options import BrowserOptions

NO_WAY = "the form has no way to enter it"
OPENS_WITHIN = 90.0
"""Seconds in which browser and portal are there, on a slow machine."""


class BrowserConfigurator:
    """Configurator over the Admin Portal's pages.

    Attributes:
        map: the portal's.
        opens_within: seconds that opening may take.
        evidence: keeps pictures and steps.
    """

    opens_within = OPENS_WITHIN

    def __init__(
        self,
        options: BrowserOptions,
        *,
        append: Append,
        learn: Callable[[str], None] = lambda secret: None,
    ) -> None:
        """Describe it.

        Args:
            options: the table of the bench file, complete.
            append: puts observations on the current scenario's timeline.
            learn: is called with every secret that comes up.

        Raises:
            BenchError: the map cannot be used.
        """
        self._options, self._append, self._learn = options, append, learn
        self._where = options.map or shipped_map()
        self.map: PortalMap = read_map(self._where)
        self.evidence = PortalEvidence()
        self._chromium: Chromium | None = None
        self._key = ""
        self._sessions: dict[Role, PortalSession] = {}
        self._soiled: set[Role] = set()

    @property
    def browser_pid(self) -> int | None:
        """The process of the browser, where it runs."""
        return self._chromium.pid if self._chromium is not None else None

    # --- its life ---------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the browser and log in.

        Raises:
            BenchError: there is no browser, the portal refuses the account, or the map does not fit.
            DeviceCrashed: nobody answers.
        """
        if self._chromium is not None:
            return
        try:
            session = await self.session("administrator")
            if not session.documents:
                await session.log_in()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the browser; nothing happens when closed."""
        chromium, self._chromium = self._chromium, None
        self._sessions.clear()
        self._soiled.clear()
        if chromium is not None:
            await chromium.close()

    def begin(self, folder: Path) -> None:
        """Keep pictures and steps in a scenario's folder from now on."""
        self.evidence.begin(folder)

    async def reach(self) -> None:
        """Return when something listens where the portal is. Raises BenchError or DeviceCrashed."""
        parts = urlsplit(self._options.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        within = self.map.times.step
        try:
            async with stretched(within):
                _, writer = await asyncio.open_connection(parts.hostname, port)
        except ConnectionError as problem:
            raise DeviceCrashed(
                f"the device's Admin Portal at {self._options.url} is gone ({problem.strerror or problem}). "
                "Remedy: check that the device is up; if it is, correct its address in the bench file."
            ) from problem
        except (TimeoutError, OSError) as problem:
            why = f"no answer within {within:g} s" if isinstance(problem, TimeoutError) else str(problem)
            raise BenchError(
                f"the portal cannot be asked ({why})",
                self._options.url,
                "correct its address in the bench file",
            ) from problem
        writer.transport.abort()

    # --- what is asked of a configurator ----------------------------------------------------------

    async def apply(self, settings: SipSettings) -> Submission:
        """Submit a whole configuration as the administrator. Raises as ``submit`` does."""
        for secret in settings.secrets():
            self._learn(secret)
        form = wanted(settings.model_dump(mode="json"), self.map)
        if form.impossible:
            return Submission(False, NO_WAY, (), form.impossible)
        return self._submission(await self._submitted("apply", form, "administrator"))

    async def submit(self, form: Mapping[str, object], by: Role = "administrator") -> Submission:
        """Submit a form as it is, as somebody who may or may not; what the browser holds back goes round it.

        Raises:
            Inconclusive: the bench has no such account.
            BenchError: the map does not fit, or no answer came.
            DeviceCrashed: nobody answers.
        """
        if by == "viewer" and not self._options.viewer:
            raise Inconclusive(f"the bench file names no account of the role {by}")
        entered = wanted(form, self.map)
        if entered.impossible:
            return Submission(False, NO_WAY, (), entered.impossible)
        return self._submission(await self._submitted("submit", entered, by))

    async def upload(self, filename: str, content: bytes) -> tuple[Submission, str]:
        """Upload a CA certificate, and leave the other fields as they stand. Raises as ``submit`` does.

        Returns:
            The portal's answer, and the certificate as PEM text if it was taken.
        """
        if CERTIFICATE not in self.map.settings:
            return Submission(False, NO_WAY, (), (CERTIFICATE,)), ""
        entered = Wanted({CERTIFICATE: File(filename, content)})
        answer = self._submission(await self._submitted("upload", entered, "administrator"))
        if not answer.accepted:
            return answer, ""
        begun = content.lstrip().startswith(b"-----")
        return answer, content.decode("ascii", "replace") if begun else ssl.DER_cert_to_PEM_cert(content)

    # --- how it is done ---------------------------------------------------------------------------

    async def _submitted(self, task: str, form: Wanted, by: Role) -> FormAnswer:
        """Submit once; twice where the session ended, or where the portal's certificate is a new one."""
        for again in (True, False):
            session: PortalSession | None = None
            begun = now()
            try:
                session = await self.session(by)
                self._take_secrets(session, form.values)
                if by == "administrator":
                    answer, pictures = await self._by_administrator(session, task, form.values)
                else:
                    answer, pictures = await self._by_another(session, by, form.values)
            except SessionEnded as problem:
                self._soiled.add(by)
                if not again:
                    raise BenchError(
                        f"{problem}, twice in a row", self._options.url, "see that nobody else logs in there"
                    ) from None
            except CertificateRefused:
                self._soiled.add(by)
                if not again or not await self._certificate_changed():
                    raise
            except BaseException as problem:
                self._soiled.add(by)  # nobody knows what is half done in its window
                if session is not None and isinstance(problem, Exception):
                    self._report(session, task, by, begun, {"problem": session.without_secrets(str(problem))})
                raise
            else:
                facts = {
                    "outcome": answer.outcome,
                    "status": answer.status,
                    "message": answer.message,
                    "fields": answer.fields,
                    **pictures,
                }
                self._report(session, task, by, begun, facts)
                return answer
        raise AssertionError("the second time ends either way")

    async def _by_administrator(
        self, session: PortalSession, task: str, values: Mapping[str, Value]
    ) -> tuple[FormAnswer, dict[str, str]]:
        pictures: dict[str, str] = {}

        async def filled() -> None:
            await self._picture(session, "form", pictures)

        form = PortalForm(session)
        await form.open()
        answer = await form.submit(values, filled=filled)
        if task == "apply" or answer.outcome != "held":
            await self._picture(session, "answer", pictures)
            return answer, pictures
        # The browser is no part of the device: what it holds back is sent round it.
        pictures["held"] = answer.message
        if self.map.form.pages:
            await form.open()
        answer = await form.submit(values, round_the_browser=True)
        await self._picture(session, "answer", pictures)
        return answer, pictures

    async def _by_another(
        self, session: PortalSession, by: Role, values: Mapping[str, Value]
    ) -> tuple[FormAnswer, dict[str, str]]:
        pictures: dict[str, str] = {}
        administrator = await self.session("administrator")
        self._take_secrets(administrator, values)
        try:
            answer = await knock(session, administrator, values)
        finally:
            self._soiled.add(by)  # what he was denied stands in his window
            administrator.steps.clear()
        await self._picture(session, "answer", pictures)
        return answer, pictures

    async def _picture(self, session: PortalSession, name: str, pictures: dict[str, str]) -> None:
        began = now()
        file = await session.picture(name, small=True)
        session.note("take a picture", name, began)
        if file is not None:
            pictures[f"picture of {name}"] = file.name

    def _report(
        self, session: PortalSession, task: str, by: Role, begun: float, facts: Mapping[str, Any]
    ) -> None:
        took = now() - begun
        where = self.evidence.form(
            session.steps, task=task, by=by, at=round(begun, 4), took=round(took, 4), **facts
        )
        session.steps.clear()
        if where:
            said = facts.get("outcome", "broken off")
            self._append(
                Witness.BENCH,
                Note(text=f"the form in the browser, as {by}: {said}, {took:.2f} s ({where})"),
                None,
            )

    def _submission(self, answer: FormAnswer) -> Submission:
        fields = tuple(dict.fromkeys(name.partition(".")[0] for name in answer.fields))
        accepted = answer.outcome == "taken"
        if answer.status >= 500 and not accepted:
            raise BenchError(
                f"the form was answered with status {answer.status}: {answer.message}",
                self._options.url,
                "read the device's own log",
            )
        status = f"{answer.status} " if answer.status and not accepted else ""
        return Submission(accepted, f"{status}{answer.message}".strip(), answer.warnings, fields)

    def _take_secrets(self, session: PortalSession, values: Mapping[str, Value]) -> None:
        known = [
            value for name, value in values.items() if name.endswith("password") and isinstance(value, str)
        ]
        passwords = (self._options.password, self._options.viewer_password)
        session.secrets.update(filter(None, (*known, *passwords)))

    # --- windows ----------------------------------------------------------------------------------

    async def session(self, by: Role) -> PortalSession:
        """Return somebody's window, open; a new one where the old one is of no use any more."""
        chromium = await self._browser()
        session = self._sessions.get(by)
        if session is not None and by in self._soiled:
            await session.close()
            session = None
        self._soiled.discard(by)
        if session is None:
            options = self._options
            people: dict[Role, Person | None] = {
                "administrator": Person(options.account, options.password),
                "viewer": Person(options.viewer, options.viewer_password),
                "nobody": None,
            }
            session = self._sessions[by] = PortalSession(
                chromium,
                self.map,
                options.url,
                people[by],
                device=options.device,
                keeper=self.evidence,
                learn=self._learn,
                where=str(self._where),
            )
        await session.open()
        return session

    async def _browser(self) -> Chromium:
        if self._chromium is not None and self._chromium.running:
            return self._chromium
        await self.close()
        if self._options.ca is not None and urlsplit(self._options.url).scheme == "https":
            self._key = await trusted_key(self._options.url, self._options.ca, self.map.times.step)
        chromium = Chromium(self._options.program, trusted_keys=(self._key,) if self._key else ())
        await chromium.open()
        self._chromium = chromium
        return chromium

    async def _certificate_changed(self) -> bool:
        """Return whether the portal has a new certificate that is trusted; the browser is begun anew."""
        if self._options.ca is None:
            return False
        key = await trusted_key(self._options.url, self._options.ca, self.map.times.step)
        if key == self._key:
            return False
        await self.close()
        return True
