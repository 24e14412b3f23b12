"""The bench as a scenario sees it: a device, a PBX, stations, a timeline, and a judge.

``play`` is the life of one scenario: heal, begin, drive and expect, settle, clean up, judge, record. Whatever
ends the scenario, what it learnt is kept, and the next one starts on a bench that is whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Literal, TypeVar, Unpack

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench.tls import TlsVersion
from intercom_hil.bench_file.default_settings import plain_settings, usual_ports
from intercom_hil.device.configurator import Role
from intercom_hil.errors import Inconclusive, NotApplicable
from intercom_hil.evidence.records import ScenarioRecord, Step
from intercom_hil.evidence.run import RunFolder
from intercom_hil.judge.judge import ExpectationFailed, Judge
from intercom_hil.media.sound import MICROPHONE_TONE
from intercom_hil.pbx.endpoint import (
    AS_CONTACT_SAYS,
    SHORTEST_REGISTRATION,
    Endpoint,
    codecs,
    reached_through,
)
from intercom_hil.pki import CertificateKind
from intercom_hil.proxy.proxy import Proxy
from intercom_hil.scenario.addresses import Addresses
from intercom_hil.scenario.operator_view import OperatorView
from intercom_hil.scenario.outage import Outage
from intercom_hil.scenario.pages import Pages
from intercom_hil.scenario.runner import GAPS, ScenarioFailed, ScenarioRunner
from intercom_hil.scenario.uncertainty import of_level, of_time
from intercom_hil.spec.capabilities import Capability, Needs
from intercom_hil.spec.settings import ProxySettings, Settings, SipSettings, Transport
from intercom_hil.timeline import Observation, Pattern, Timeline, Witness, now
from intercom_hil.timeline.vocabulary import (
    DEVICE,
    PBX,
    PROXY,
    answer,
    known_to_pbx,
    registered,
    registration_taken_back,
    request,
)

COPIES = 0.05
"""Seconds within which every witness has seen a message; its repetition comes after T1 (0.5 s)."""
SHORT_POLLING = 10
"""Seconds: polling intervals up to this are granted to the second."""
BRIEF_REGISTRATION = 8
"""Seconds: a registration that ends long before a device takes a caller that has fallen silent for lost."""
REGISTRATION = "REG-01"
NEVER_REGISTERED = f"the device has not registered in this run ({REGISTRATION})"

PbxSrtp = Literal["no", "sdes", "optional"]
Moment = Observation | float
"""When something was: that of an observation, or seconds since the epoch."""
_Value = TypeVar("_Value")


def _plain(at: Addresses) -> Settings:
    return Settings()


MOST_TO_WAIT = 600.0
"""Seconds by which a scenario may be longer because the device wants it so."""


class Bench(Pages):
    """One scenario's bench. ``play`` first, everything else from within the scenario."""

    def __init__(
        self,
        assembly: Assembly,
        run: RunFolder,
        *,
        identity: str,
        doc: str,
        requirements: tuple[str, ...],
        needs: Needs = None,
        settings: Callable[[Addresses], Settings] = _plain,
        attempts: int = 1,
    ) -> None:
        """Make the bench of one scenario.

        Args:
            assembly: the running bench.
            run: where the record goes.
            identity: the scenario's name in reports.
            doc: what it says it proves.
            requirements: the ids it is to judge.
            needs: what a device must have for it to be played.
            settings: those with which it begins, as far as they differ from the plain configuration.
            attempts: how often it is played at most; only what was inconclusive or in error is repeated.
        """
        super().__init__(assembly)
        self._eyes = OperatorView(assembly)
        self._play = ScenarioRunner(
            assembly, run, identity=identity, doc=doc, requirements=requirements, needs=needs
        )
        self._settings = settings
        self._attempts = attempts
        self._proxy: Proxy | None = None

    def declare(self, steps: Iterable[Step], end: str = "") -> None:
        """Keep what was declared before the scenario is played, for its record.

        Args:
            steps: what is done, waited for and expected, in order.
            end: why they end early, empty where they do not.
        """
        self._play.steps, self._play.steps_end = tuple(steps), end

    async def play(self, scenario: Callable[[], Awaitable[None]]) -> ScenarioRecord:
        """Play the scenario, and return its record.

        Raises:
            ScenarioFailed: the verdict is fail, inconclusive or error; the message says why.
        """
        verdict = None
        for attempt in range(1, self._attempts + 1):
            self._begin_anew()
            self._proxy = None
            verdict = await self._play.attempt(scenario, attempt)
            if not verdict.worth_repeating or self._play.is_the_last:
                break
        record = self._play.record()
        if record.verdict.breaks_the_run:
            raise ScenarioFailed(record)
        return record

    # -- what there is ---------------------------------------------------------------------------------

    @property
    def timeline(self) -> Timeline:
        """Everything seen so far in this scenario."""
        return self._assembly.timeline

    @property
    def proxy_settings(self) -> ProxySettings:
        """What the device is configured with to get through the proxy; it has to run by then (``proxy``)."""
        if self._proxy is None:
            raise ValueError("the proxy does not run yet; start it with `await bench.proxy()`")
        return self._proxy.settings

    @property
    def password(self) -> str:
        """The device's password at the PBX, made up for this run."""
        return self._assembly.password

    @property
    def other_ca(self) -> str:
        """The PEM text of a CA, other than the one that ``tls_server`` has uploaded, to upload instead."""
        return self._assembly.pki.other_root_pem

    @property
    def microphone_tone(self) -> float:
        """What is played at the device's microphone, in Hz."""
        return MICROPHONE_TONE

    @property
    def _judge(self) -> Judge:
        return self._play.judge

    # -- expectations ----------------------------------------------------------------------------------

    async def expect(
        self,
        requirement: str,
        pattern: Pattern,
        *,
        within: float,
        after: Moment | None = None,
        count: int = 1,
    ) -> Observation:
        """Wait for what a requirement promises, and judge whether it comes.

        Args:
            requirement: the id it stands for.
            pattern: what must be seen.
            within: the bound, seconds from now.
            after: only what was seen since then counts (default: since the scenario began).
            count: how many must be seen.

        Returns:
            The last of those asked for.

        Raises:
            ExpectationFailed: time was up; the scenario ends here.
        """
        since = _time(after)
        await self._eyes.look(pattern, since, count=count)
        try:
            return await self._judge.expect(requirement, pattern, within=within, after=since, count=count)
        except ExpectationFailed:
            if requirement == REGISTRATION and not self.seen(registered()):
                self._not_registered()
            raise

    async def already_seen(
        self, requirement: str, pattern: Pattern, *, after: Moment | None = None
    ) -> Observation:
        """Judge whether something has been seen by now: what must have come before what was waited for last.

        Returns:
            The first of them.

        Raises:
            ExpectationFailed: it was not; the scenario ends here.
        """
        since = _time(after)
        await self._eyes.look(pattern, since)
        return await self._judge.already_seen(requirement, pattern, after=since)

    async def in_order(self, requirement: str, *patterns: Pattern, after: Moment | None = None) -> None:
        """Judge whether several things were first seen one after the other; wait for them before.

        Raises:
            ExpectationFailed: they came in another order, or not all of them; the scenario ends here.
        """
        await self._judge.in_order(requirement, patterns, after=_time(after))

    async def never(
        self, requirement: str, pattern: Pattern, *, during: float, after: Moment | None = None
    ) -> None:
        """Watch for some seconds from now that something does not happen, and judge.

        Args:
            requirement: the id it stands for.
            pattern: what must not be seen.
            during: for how long, seconds from now.
            after: what was seen since then counts too (default: since the scenario began).

        Raises:
            ExpectationFailed: it happened; the scenario ends at once.
        """
        since = _time(after)
        during = await self._eyes.watch(pattern, since, during)
        await self._judge.never(requirement, pattern, during=during, after=since)

    def never_in_scenario(self, requirement: str, pattern: Pattern, *, after: Moment | None = None) -> None:
        """Declare what must not be seen in the whole scenario, or from a moment to its end."""
        self.at_end(requirement, pattern, at_least=0, at_most=0, after=after)

    def record(self, requirement: str, pattern: Pattern, *, after: Moment | None = None) -> None:
        """Declare what is recorded, and not judged: for requirements that the documentation leaves open.

        Raises:
            ValueError: the requirement is to be judged.
        """
        if requirement not in GAPS:
            raise ValueError(f"{requirement} is to be judged, and not only recorded")
        self.at_end(requirement, pattern, at_least=0, after=after)

    def at_end(
        self,
        requirement: str,
        pattern: Pattern,
        *,
        at_least: int = 1,
        at_most: int | None = None,
        after: Moment | None = None,
        provided: Pattern | None = None,
    ) -> None:
        """Declare how often something must have been seen when all is over.

        Args:
            requirement: the id it stands for.
            pattern: what is counted.
            at_least: fewer is a failure.
            at_most: more is a failure (default: any number is fine).
            after: only what was seen since then counts (default: since the scenario began).
            provided: the cause; where it was never seen, the requirement is inconclusive here.
        """
        self._judge.at_end(
            requirement,
            pattern,
            at_least=at_least,
            at_most=at_most,
            after=_time(after),
            provided=provided,
        )

    async def require(
        self, pattern: Pattern, *, within: float, after: Moment | None = None, count: int = 1
    ) -> Observation:
        """Wait for a precondition: something without which nothing can be found out.

        Args:
            pattern: what must be seen.
            within: the bound, seconds from now.
            after: only what was seen since then counts (default: since the scenario began).
            count: how many must be seen; what a person reports is enough, however many are asked for.

        Returns:
            The last of those asked for.

        Raises:
            Inconclusive: time was up; the scenario ends here.
        """
        since = _time(after)
        await self._eyes.look(pattern, since, count=count, level=True)
        return await self._judge.require(pattern, within=within, after=since, count=count)

    async def taken(self, caller: str, *, after: Moment | None = None) -> Observation:
        """Wait until the device has taken a call; return the ACK that establishes it (RFC 3261 §13.2.2.4).

        Args:
            caller: whose, as its party is named on the wire: a station, the PBX, the proxy.
            after: only what was seen since then counts (default: since the scenario began).

        Raises:
            Inconclusive: the device did not take it; the scenario ends here.
        """
        timing = self.timing
        taken = await self.require(answer(sender=DEVICE, receiver=caller), within=timing.taken, after=after)
        acknowledged = request("ACK", sender=caller, receiver=DEVICE)
        return await self.require(acknowledged, within=timing.remote, after=taken)

    def take_longer(self, seconds: float) -> None:
        """Let the scenario last longer than others may, where the device itself says how long that is.

        Raises:
            Inconclusive: it is more than a run can wait for.
        """
        if seconds > MOST_TO_WAIT:
            raise Inconclusive(f"the device wants {seconds:g} s; the bench waits {MOST_TO_WAIT:g} s at most")
        self._play.prolong(seconds)

    def measure(
        self,
        requirement: str,
        name: str,
        value: float | None,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        of: tuple[Observation, ...] = (),
    ) -> None:
        """Judge a measurement.

        Args:
            requirement: the id it stands for.
            name: what is measured, in words.
            value: what was measured; None where nothing was, which is a failure.
            unit: of the value.
            low: the least that is allowed, if there is a bound.
            high: the most that is allowed, if there is a bound.
            of: the observations it was taken from.

        Raises:
            ExpectationFailed: the value is outside its limits; the scenario ends here.
        """
        self._assembly.report_lateness()
        unsure = None
        if value is not None and unit == "s":
            unsure = of_time(self.timeline, of, value)
        elif value is not None:
            card = self._assembly.file.device.sound_card
            unsure = of_level(of, unit, by_card=card is not None and bool(card.record))
        self._judge.measure(requirement, name, value, unit, low=low, high=high, uncertainty=unsure, of=of)

    def seen(self, pattern: Pattern, *, after: Moment | None = None) -> list[Observation]:
        """Return what matches so far, without waiting."""
        since = _time(after)
        return self.timeline.find(pattern, self.timeline.opened if since is None else since)

    def known_to_pbx(self) -> Pattern:
        """The PBX says that it knows where the device is."""
        return known_to_pbx(self.intercom.extension)

    async def happens(
        self, pattern: Pattern, *, within: float, after: Moment | None = None
    ) -> Observation | None:
        """Wait for something that may be or not, and is not judged; return the first, if there is any."""
        since = _time(after)
        await self._eyes.look(pattern, since)
        return await self._judge.happens(pattern, within=within, after=since)

    # -- what can be done ------------------------------------------------------------------------------

    async def configure(
        self,
        *,
        pbx_srtp: PbxSrtp = "no",
        pbx_video: bool = False,
        await_registration: bool = True,
        afresh: bool = False,
        pbx_password: str | None = None,
        pbx_domain: str | None = None,
        by_contact: bool = False,
        granted_briefly: bool = False,
        **changes: Unpack[Settings],
    ) -> None:
        """Configure the device as the scenario declares, and wait until it has registered.

        Args:
            pbx_srtp: what the PBX can do towards the device: RTP only, SRTP only (SDES), or either.
            pbx_video: whether the PBX takes and offers video towards the device.
            await_registration: wait for the registration, as most scenarios need it.
            afresh: the registration is what the scenario is about: the PBX forgets the device first, and the
                device is configured even where it would be left alone.
            pbx_password: what the PBX takes for the device's password, should that be another; empty where
                it asks for none.
            pbx_domain: by which domain the PBX names callers to the device, should that not be its address.
            by_contact: over UDP the PBX calls, and ends calls, at what the device's Contact says (RFC 3261
                §12.1.2), and not where its requests come from.
            granted_briefly: the PBX registers it for seconds, whatever it asks for.
            **changes: what is to differ from the declared settings: a change in the middle of the scenario,
                or what is known only when it is played.

        Raises:
            Inconclusive: the device refused the settings, did not register, or has limits that forbid them;
                or it has never registered in this run, whatever the scenario would hold that against.
            NotApplicable: they ask for what it is declared to lack.
        """
        assembly = self._assembly
        if not await_registration and not afresh and assembly.registers is False:
            raise Inconclusive(f"precondition not met: {NEVER_REGISTERED}")
        wanted = plain_settings(
            assembly.file,
            assembly.password,
            self.number(0),
            assembly.pki.root_pem,
            Settings(**{**self._settings(self), **changes}),
        )
        assembly.redactor.learn(pbx_password or "")
        if afresh:
            await self._assembly.pbx.remove_endpoint(wanted.extension)
        await self._assembly.pbx.set_endpoint(
            Endpoint(
                name=wanted.extension,
                password=wanted.auth_password if pbx_password is None else pbx_password,
                username=wanted.auth_username,
                media_encryption=pbx_srtp,
                codecs=codecs(video=pbx_video, audio=self.limits.codecs),
                options=reached_through(wanted.proxy)
                | ({"from_domain": pbx_domain} if pbx_domain else {})
                | (AS_CONTACT_SAYS if by_contact and wanted.transport is Transport.UDP else {}),
                shortest_registration=_shortest_registration(wanted.polling_interval),
                longest_registration=BRIEF_REGISTRATION if granted_briefly else None,
            )
        )
        if await_registration and not afresh and await self._configured_already(wanted):
            return
        begun = now()
        answer = await self.intercom.configure(wanted)
        self.timeline.book_wait(begun, now())
        if not answer.accepted:
            raise Inconclusive(f"precondition not met: the device refused its settings: {answer.message}")
        if await_registration and wanted.enabled:
            by = PROXY if wanted.proxy else PBX
            confirmed, left = registered(by=by), registration_taken_back(receiver=by)
            if wanted.transport is Transport.TLS:
                confirmed, left = confirmed.seen_by(Witness.PBX), left.seen_by(Witness.PBX)
            # One that is renewed by the old settings, and taken back with them, is not that of the new ones.
            leaves = self.seen(left, after=begun)
            if leaves and not await assembly.pbx.registered(wanted.extension):
                begun = leaves[-1].time
            try:
                await self.require(confirmed, within=self.timing.registered, after=begun)
            except Inconclusive as problem:
                self._not_registered()
                ever = "" if assembly.registers else f"; {NEVER_REGISTERED}"
                raise Inconclusive(f"{problem}{ever}") from None
            assembly.registers = True
        await assembly.capture.hearing()

    def _not_registered(self) -> None:
        """Note that the device did not register: of one that never does that is one finding, not many."""
        self._assembly.registers = bool(self._assembly.registers)

    async def submit(self, changes: Mapping[str, object], *, by: Role = "administrator") -> float:
        """Submit the configuration in force with changes, right or wrong, and return when that was.

        The answer is on the timeline: ``configuration(accepted=...)``.

        Raises:
            Inconclusive: the bench has no account of that role.
        """
        begun = now()
        await self.intercom.submit(changes, by)
        self.timeline.book_wait(begun, now())
        return begun

    def within_limits(self, **wanted: Unpack[Settings]) -> None:
        """Go on only if the device takes some settings, as far as its limits are known (``device.limits``).

        ``configure`` does so by itself; this is for settings that are submitted.

        Raises:
            Inconclusive: they exceed a limit; the message names it.
        """
        excess = self.limits.excess(wanted, usual_ports(self._assembly.file))
        if excess:
            raise Inconclusive(str(excess))

    def past(self, seen: Observation | float) -> float:
        """Return the time from which on an observation is not one of the same message, or a copy of it."""
        return (seen.time if isinstance(seen, Observation) else seen) + COPIES

    def tried(self, values: Iterable[_Value]) -> list[_Value]:
        """Return the values to try: all of them, or a few of them where a person types each."""
        return self._eyes.tried(values)

    async def tls_server(
        self,
        certificate: CertificateKind,
        *,
        by_name: bool | None = None,
        version: TlsVersion | None = None,
        suites: str | None = None,
        then: CertificateKind | None = None,
    ) -> Settings:
        """Start a TLS server that presents a certificate and testifies.

        Args:
            certificate: what it presents.
            by_name: whether the device is to reach it by its domain name, not its IP address; None: where the
                bench file gives it one, for a device need not know addresses in certificates (RFC 5922 §7.1).
            version: the only protocol version it can do; None for TLS 1.2 and 1.3.
            suites: OpenSSL's names of the only cipher suites it can do, with TLS 1.2.
            then: what it presents from the second connection on; it ends the first, once the client has
                spoken.

        Returns:
            The settings that send the device there; the bench's own CA is the uploaded one.

        Raises:
            Inconclusive: this bench cannot have such a server.
        """
        servers = self._assembly.tls_servers
        return await servers.open(certificate, by_name=by_name, version=version, suites=suites, then=then)

    async def upload(self, filename: str, content: bytes) -> float:
        """Upload a CA certificate through the form, and return when; the answer is on the timeline."""
        begun = now()
        await self.intercom.upload(filename, content)
        self.timeline.book_wait(begun, now())
        return begun

    async def proxy(self) -> Proxy:
        """Start the proxy in front of the PBX; ``Settings(proxy=at.proxy_settings)`` sends the device there.

        Raises:
            NotApplicable: the device is declared not to have the setting.
            Inconclusive: this bench has none.
        """
        if not self.has(Capability.PROXY):
            raise NotApplicable(Capability.PROXY.declared_missing)
        self._proxy = await self._assembly.proxy()
        return self._proxy

    @contextlib.asynccontextmanager
    async def server_away(self, *, silent: bool = False) -> AsyncIterator[Outage]:
        """Let the PBX be away for the block; at its end it is back.

        Args:
            silent: it only does not answer, and still knows who is registered; else it is stopped.
        """
        outage = Outage()
        async with self._assembly.pbx_silent() if silent else self._assembly.pbx_away():
            outage.began = now()
            yield outage
        outage.ended = now()

    @contextlib.asynccontextmanager
    async def proxy_away(self) -> AsyncIterator[Outage]:
        """Let the proxy be away for the block; at its end it is back."""
        outage = Outage()
        proxy = await self.proxy()
        await proxy.stop()
        outage.began = now()
        try:
            yield outage
        finally:
            await self.proxy()
        outage.ended = now()

    # -- inside ----------------------------------------------------------------------------------------

    async def _configured_already(self, wanted: SipSettings) -> bool:
        """Whether the device may be left alone: it has these settings, and the PBX knows where it is."""
        return (
            self._assembly.file.device.reconfigure == "when-needed"
            and self.intercom.settings == wanted
            and await self._assembly.pbx.registered(wanted.extension)
        )


def _shortest_registration(polling: int) -> int:
    """Return how long (s) the PBX registers the device at least.

    A device that registers for one polling interval gets that to the second: the PBX says how many whole
    seconds are left, one less than it was asked for, which of a short interval would be a good part.
    """
    return polling + 1 if polling <= SHORT_POLLING else SHORTEST_REGISTRATION


def _time(moment: Moment | None) -> float | None:
    return moment.time if isinstance(moment, Observation) else moment
