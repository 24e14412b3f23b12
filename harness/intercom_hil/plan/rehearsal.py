"""A scenario rehearsed: played on a bench where nothing happens, which notes what it was told to do.

A scenario is a program: its steps are found out by running it. The rehearsal has the methods of ``Bench`` and
the addresses, limits and bounds of the bench file, and no device: whatever is waited for is taken to come at
once. What a scenario makes of its observations is not rehearsed; where it cannot go on without them, its
steps end, and the plan says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from intercom_hil.bench_file.default_settings import plain_settings
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import Inconclusive, NotApplicable
from intercom_hil.media.sound import MICROPHONE_TONE
from intercom_hil.operator.reading import reading
from intercom_hil.operator.sheet import LABELS, spread
from intercom_hil.proxy.proxy import REALM, USERNAME
from intercom_hil.scenario.addresses import Addresses
from intercom_hil.scenario.bench import Bench
from intercom_hil.scenario.declaration import Declaration
from intercom_hil.scenario.outage import Outage
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.settings import ProxySettings, Settings, Transport
from intercom_hil.stations.behaviours import Behaviour
from intercom_hil.stations.station import Station
from intercom_hil.timeline import Observation, Pattern, Witness, now
from intercom_hil.timeline.observation import Note
from intercom_hil.timeline.vocabulary import known_to_pbx

MOST_STEPS = 2_000
"""Steps of one scenario; one that takes more goes on until something is observed."""
MOST = 90
"""Characters of one value in a step."""
_LONGEST = 2.0
"""Seconds that a rehearsal may take: nothing that it waits for takes any."""
_Value = TypeVar("_Value")
Kind = Literal["do", "wait", "expect"]
PASSWORD = "(made up for this run)"
_READS = {
    "screen": "what the screen shows",
    "announcement": "whether something is announced at the speaker",
    "speaker": "what tone is heard at the speaker",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario.

    Attributes:
        kind: something that is done, a precondition that is waited for, or an expectation that is judged.
        text: what, in words.
        requirement: of an expectation, the requirement that it stands for.
        least: for how long it lasts at least, in seconds.
        most: for how long at most.
        asks: what a person at the bench is asked for, empty where no person is.
    """

    kind: Kind
    text: str
    requirement: str = ""
    least: float = 0.0
    most: float = 0.0
    asks: str = ""


class EnoughError(Exception):
    """A scenario has taken more steps than a plan has room for."""


class _Seen(list[Observation]):
    """What has been seen, of which nothing is known: there is one to read, and none to decide by."""

    def __bool__(self) -> bool:
        return False


class _Intercom:
    """The device, as a rehearsed scenario drives it."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self.extension = rehearsal.extension

    async def press_button(self, hold: float | None = None) -> float:
        held = "" if hold is None else f" and hold it for {hold:g} s"
        self._rehearsal.take(Step("do", f"press the button{held}", least=hold or 0.0, most=hold or 0.0))
        return now()


class _Station:
    """A remote station, as a rehearsed scenario uses it."""

    def __init__(self, rehearsal: Rehearsal, number: str, address: str, port: int) -> None:
        self._rehearsal = rehearsal
        self.number, self.address, self.port = number, address, port
        self.uri = f"sip:{number}@{address}:{port}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return what notes an order that is not known here."""
        return _noted(Station, name, lambda text: self._do(f"{self.number}: {text}"))

    def tell(self, what: str) -> None:
        self._do(f"{self.number} is told: {what}")

    async def stop(self) -> None:
        self._do(f"{self.number} hangs up and leaves")

    async def vanish(self) -> None:
        self._do(f"{self.number} vanishes without a word")

    def _do(self, text: str) -> None:
        self._rehearsal.take(Step("do", text))


class _Proxy:
    """The proxy, as a rehearsed scenario asks it."""

    def __init__(self, settings: ProxySettings) -> None:
        self.settings = settings
        self.address, self.port, self.realm = settings.address, settings.port, REALM


class Rehearsal(Addresses):
    """A bench on which nothing happens; ``steps`` are what a scenario did and waited for."""

    password = PASSWORD
    other_ca = "(another CA)"
    microphone_tone = MICROPHONE_TONE

    def __init__(self, file: BenchFile, settings: Callable[[Addresses], Settings]) -> None:
        """Make the bench of one scenario.

        Args:
            file: the bench file.
            settings: those with which the scenario begins.
        """
        super().__init__(file)
        self.steps: list[Step] = []
        self.intercom = _Intercom(self)
        self._settings = settings
        self._operator = file.device.operator
        self._next_place = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return what notes something that the bench can do, and that is not known here."""
        return _noted(Bench, name, lambda text: self.take(Step("do", text)))

    async def play(self, scenario: Callable[[], Awaitable[None]]) -> str:
        """Rehearse a scenario, and return why its steps end early; empty where they do not."""
        try:
            await scenario()
        except EnoughError:
            return "it goes on like this until something is observed"
        except (Inconclusive, NotApplicable) as problem:
            return str(problem)
        except Exception:  # whatever a scenario raises that reads an observation which has not been made
            return "what follows depends on what is observed"
        return ""

    def take(self, step: Step) -> None:
        """Note a step."""
        if len(self.steps) >= MOST_STEPS:
            raise EnoughError
        self.steps.append(step)

    # -- expectations ----------------------------------------------------------------------------------

    async def expect(
        self, requirement: str, pattern: Pattern, *, within: float, after: object = None, count: int = 1
    ) -> Observation:
        """Note an expectation."""
        self._judged(requirement, f"{pattern}{_times(count)}, within {within:.3g} s", pattern, most=within)
        return _observation()

    async def already_seen(self, requirement: str, pattern: Pattern, *, after: object = None) -> Observation:
        """Note what must have come by now."""
        self._judged(requirement, f"by now: {pattern}", pattern)
        return _observation()

    async def in_order(self, requirement: str, *patterns: Pattern, after: object = None) -> None:
        """Note an expected order."""
        self._judged(requirement, f"in this order: {'; '.join(map(str, patterns))}")

    async def never(self, requirement: str, pattern: Pattern, *, during: float, after: object = None) -> None:
        """Note what must not happen for a while."""
        text = f"not, for {during:.3g} s: {pattern}"
        self._judged(requirement, text, pattern, least=during, most=during)

    def never_in_scenario(self, requirement: str, pattern: Pattern, *, after: object = None) -> None:
        """Note what must not happen at all."""
        self._judged(requirement, f"not, to the end of the scenario: {pattern}")

    def record(self, requirement: str, pattern: Pattern, *, after: object = None) -> None:
        """Note what is recorded."""
        self._judged(requirement, f"recorded, not judged: {pattern}")

    def at_end(
        self,
        requirement: str,
        pattern: Pattern,
        *,
        at_least: int = 1,
        at_most: int | None = None,
        after: object = None,
        provided: Pattern | None = None,
    ) -> None:
        """Note what is counted at the end."""
        if at_most == 0:
            count = "not"
        elif at_most is None:
            count = f"at least {_often(at_least)}"
        elif at_least == at_most:
            count = f"just {_often(at_most)}"
        else:
            count = f"{at_least} to {at_most} times"
        condition = f", provided there was {provided}" if provided else ""
        self._judged(requirement, f"when all is over, {count}: {pattern}{condition}")

    async def require(
        self, pattern: Pattern, *, within: float, after: object = None, count: int = 1
    ) -> Observation:
        """Note a precondition."""
        text = f"{pattern}{_times(count)}, within {within:.3g} s"
        self.take(Step("wait", text, most=within, asks=self._reads(pattern)))
        return _observation()

    async def happens(self, pattern: Pattern, *, within: float, after: object = None) -> Observation:
        """Note what may be waited for."""
        text = f"perhaps {pattern}, for at most {within:.3g} s"
        self.take(Step("wait", text, most=within, asks=self._reads(pattern)))
        return _observation()

    def measure(
        self,
        requirement: str,
        name: str,
        value: object,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        of: object = (),
    ) -> None:
        """Note a measurement and its limits."""
        bounds = {"from": low, "to": high}
        limits = " ".join(f"{word} {bound:.4g}" for word, bound in bounds.items() if bound is not None)
        self._judged(requirement, f"measured: {name}, {limits or 'any'} {unit}".rstrip())

    def take_longer(self, seconds: float) -> None:
        """The device says how long that is, when it is played."""

    def seen(self, pattern: Pattern, *, after: object = None) -> list[Observation]:
        """Return something of which nothing is known."""
        return _Seen([_observation()])

    def known_to_pbx(self) -> Pattern:
        """The PBX says that it knows where the device is."""
        return known_to_pbx(self.extension)

    def past(self, seen: Observation | float) -> float:
        """Return the time of something seen."""
        return seen.time if isinstance(seen, Observation) else seen

    # -- what is done ----------------------------------------------------------------------------------

    async def configure(
        self,
        *,
        pbx_srtp: str = "no",
        pbx_video: bool = False,
        await_registration: bool = True,
        afresh: bool = False,
        pbx_password: str | None = None,
        pbx_domain: str | None = None,
        by_contact: bool = False,
        granted_briefly: bool = False,
        **changes: Any,
    ) -> None:
        """Note a configuration, and that the device is to register."""
        wanted: Settings = Settings(**{**self._settings(self), **changes})  # type: ignore[typeddict-item]
        plain_settings(self._file, PASSWORD, self.number(0), "", wanted)  # as the bench would refuse it
        shown = ", ".join(f"{_label(name)} {_shown(value)}" for name, value in wanted.items())
        server = {
            "which takes and offers SRTP": pbx_srtp == "sdes",
            "which takes SRTP or RTP": pbx_srtp == "optional",
            "with video": pbx_video,
            "which asks for no password": pbx_password == "",
            "which has another password": bool(pbx_password),
            f"which is called {pbx_domain}": pbx_domain is not None,
            "which registers it for seconds at a time": granted_briefly,
        }
        at = ", ".join(text for text, holds in server.items() if holds)
        text = f"configure the device: {shown or 'as usual'}" + (f"; the server {at}" if at else "")
        by_hand = self._file.device.configurator == "operator"
        self.take(Step("do", text, most=self._applies, asks="to type in the settings" if by_hand else ""))
        if await_registration and wanted.get("enabled", True):
            within = self.timing.registered
            self.take(Step("wait", f"the device has registered, within {within:.3g} s", most=within))

    async def submit(self, changes: Mapping[str, object], *, by: str = "administrator") -> float:
        """Note what is submitted."""
        shown = ", ".join(f"{_label(name)} {_shown(value)}" for name, value in changes.items())
        by_hand = self._file.device.configurator == "operator"
        asks = "to type this in, and say what became of it" if by_hand else ""
        self.take(Step("do", f"submit as {by}: {shown}", most=self._applies, asks=asks))
        return now()

    def within_limits(self, **wanted: object) -> None:
        """What is beyond a limit is no step."""

    def tried(self, values: Iterable[_Value]) -> list[_Value]:
        """Return the values that would be tried on this bench."""
        known = list(values)
        most = self._file.device.wrong_values
        return known if most is None else spread(known, most)

    async def tls_server(
        self,
        certificate: object,
        *,
        by_name: bool | None = None,
        version: object = None,
        suites: str | None = None,
        then: object = None,
    ) -> Settings:
        """Note a TLS server, and return settings that send the device there."""
        more = [f"TLS {version}" if version else "", suites or "", f"then {then}" if then else ""]
        told = ", ".join(filter(None, [str(certificate), *more]))
        self.take(Step("do", f"start a TLS server whose certificate is: {told}"))
        pbx = self._file.pbx
        named = by_name if by_name is not None else pbx.name is not None
        return Settings(
            server_address=pbx.name if named and pbx.name else pbx.address,
            server_port=pbx.tls_port,
            transport=Transport.TLS,
            ca_certificate="-----BEGIN CERTIFICATE-----",
        )

    async def upload(self, filename: str, content: bytes) -> float:
        """Note an upload."""
        by_hand = self._file.device.configurator == "operator"
        text = f"upload {_shown(filename)} as CA certificate"
        self.take(Step("do", text, asks="to upload a file" if by_hand else ""))
        return now()

    async def proxy(self) -> _Proxy:
        """Note that the proxy is started."""
        if not self.has(Capability.PROXY):
            raise NotApplicable(Capability.PROXY.declared_missing)
        settings = self.proxy_settings
        self.take(Step("do", f"start the proxy at {settings.address} port {settings.port} (user {USERNAME})"))
        return _Proxy(settings)

    @contextlib.asynccontextmanager
    async def server_away(self, *, silent: bool = False) -> AsyncIterator[Outage]:
        """Note that the server is away for the block."""
        self.take(Step("do", "the server answers nothing any more" if silent else "the server is stopped"))
        yield Outage(now(), now())
        self.take(Step("do", "the server is back"))

    @contextlib.asynccontextmanager
    async def proxy_away(self) -> AsyncIterator[Outage]:
        """Note that the proxy is away for the block."""
        self.take(Step("do", "the proxy is stopped"))
        yield Outage(now(), now())
        self.take(Step("do", "the proxy is back"))

    async def stations(self, *behaviours: Behaviour) -> list[_Station]:
        """Note remote stations."""
        return [
            self._station(self.number(place), self._take_place(), f"starts: {behaviour}")
            for place, behaviour in enumerate(behaviours)
        ]

    async def station_at(self, place: int, behaviour: Behaviour) -> _Station:
        """Note a remote station."""
        return self._station(self.number(place), place, f"starts: {behaviour}")

    async def call_device(
        self, *, caller: str, direct: bool = False, place: int | None = None, **how: object
    ) -> _Station:
        """Note a call to the device."""
        way = "straight" if direct else "through the server"
        usual = {"tone_hz": 1000}
        more = [
            f"{name.replace('_', ' ')} {_shown(value)}" if value is not True else name.replace("_", " ")
            for name, value in how.items()
            if value not in (None, False, "", ()) and usual.get(name) != value
        ]
        told = f" ({', '.join(more)})" if more else ""
        return self._station(
            caller, self._take_place() if place is None else place, f"calls the device {way}{told}"
        )

    async def impersonate(self, trick: str, *, permitted: str, stranger: str) -> _Station:
        """Note a call by a stranger."""
        what = f"calls the device and claims to be {permitted}: {trick}"
        return self._station(stranger, self._take_place(), what)

    # -- inside ----------------------------------------------------------------------------------------

    @property
    def _applies(self) -> float:
        return self.timing.apply

    def _take_place(self) -> int:
        place, self._next_place = self._next_place, self._next_place + 1
        return place

    def _station(self, number: str, place: int, what: str) -> _Station:
        address = self.station_address(place)
        self.take(Step("do", f"{number} {what}"))
        return _Station(self, number, address, self._file.stations.sip_port)

    def _judged(
        self,
        requirement: str,
        text: str,
        read: Pattern | None = None,
        *,
        least: float = 0.0,
        most: float = 0.0,
    ) -> None:
        asks = self._reads(read) if read is not None else ""
        self.take(Step("expect", text, requirement, least, most, asks))

    def _reads(self, pattern: Pattern) -> str:
        read = reading(pattern)
        reads = self._operator.reads if self._operator is not None else ()
        return _READS[read] if read is not None and read in reads else ""


async def rehearse(
    file: BenchFile,
    scenario: Callable[..., Awaitable[None]],
    declared: Declaration,
    case: Mapping[str, object],
) -> tuple[tuple[Step, ...], str]:
    """Rehearse a scenario.

    Args:
        file: the bench file.
        scenario: what is played, to be called with the bench and the values of its parameters.
        declared: what it declares.
        case: the values of its parameters by name. One that takes more (fixtures of its own) has no steps.

    Returns:
        Its steps, and why they end early; empty where they do not.
    """
    rehearsal = Rehearsal(file, lambda at: declared.settings_at(at, case))
    parameters = inspect.signature(scenario).parameters
    wanted = {name: value for name, value in case.items() if name in parameters}
    if parameters.keys() - wanted.keys() != {"bench"}:
        return (), "it takes more than a rehearsal has"
    try:
        async with asyncio.timeout(_LONGEST):
            left_open = await rehearsal.play(lambda: scenario(bench=rehearsal, **wanted))
    except TimeoutError:
        left_open = "it waits for something that is no step"
    return tuple(rehearsal.steps), left_open


def _noted(kind: type, name: str, note: Callable[[str], None]) -> Callable[..., Any]:
    """Return a method of the same kind as another's: it notes that it was called, and returns words."""
    real = inspect.getattr_static(kind, name, None)
    if name.startswith("_") or not inspect.isfunction(real):
        raise AttributeError(f"{kind.__name__} has no method {name}")
    text = name.replace("_", " ")

    def noted(*_: object, **__: object) -> str:
        note(text)
        return f"(what {text} returns)"

    async def noted_later(*_: object, **__: object) -> str:
        return noted()

    return noted_later if inspect.iscoroutinefunction(real) else noted


def _observation() -> Observation:
    return Observation(seq=0, time=now(), witness=Witness.BENCH, content=Note(text="rehearsed"))


def _times(count: int) -> str:
    return f", {count} times" if count > 1 else ""


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _label(name: str) -> str:
    label = LABELS.get(name, name.replace("_", " ")).removesuffix(" (s)").partition(",")[0]
    return label if label.split()[0].isupper() else label[:1].lower() + label[1:]


def _shown(value: object) -> str:
    """Return a value of a setting, of one line; a certificate as what it is."""
    if isinstance(value, str) and "-----BEGIN" in value:
        return "(a certificate)"
    if isinstance(value, ProxySettings):
        return f"{value.address} port {value.port}"
    if isinstance(value, tuple | list):
        shown = ", ".join(_shown(item) for item in value) or "none"
    elif isinstance(value, bool):
        shown = "on" if value else "off"
    elif value is None:
        shown = "none"
    else:
        shown = str(value) if value != "" else "empty"
    return shown if len(shown) <= MOST else f"{shown[:MOST]}… ({len(shown)} characters)"
