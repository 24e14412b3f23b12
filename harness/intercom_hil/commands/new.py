"""``bench new``: a bench file by question and answer. Each thing is tried out as soon as it is named.

The file that is written is commented, whole and valid; else none is written. What is found on this computer
is offered; what does not work can be corrected at once, or kept for later.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from intercom_hil.bench_file.model import load
from intercom_hil.commands import discovery
from intercom_hil.commands.bench_text import Draft, bench_text
from intercom_hil.device.configurator_kinds import CONFIGURATORS, ConfiguratorOptions
from intercom_hil.device.portal import Account, Portal
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.event_sources.source_kinds import EVENT_SOURCES, SourceOptions, unusable
from intercom_hil.extensions import ExtensionError, Registry
from intercom_hil.instruments.kinds import OutputOptions
from intercom_hil.instruments.registry import INSTRUMENTS
from intercom_hil.instruments.safety import opened
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.shared_port import SharedPorts
from intercom_hil.kinds import Found, Kind, Kinds, kinds_of
from intercom_hil.layouts.known import LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.spec.capabilities import Capability
from intercom_hil.timeline.observation import DeviceEvent

LISTEN = 2.0
"""Seconds for which a console is listened to."""
_TRY_WITHIN = 10.0  # s
STATIONS = 6
_HAS = {
    Capability.SRTP: "Has the device the setting for encrypted media (SRTP)?",
    Capability.TLS: "Can the device use TLS for SIP?",
    Capability.SESSION_TIMER: "Does the device end calls whose session timer runs out (RFC 4028)?",
    Capability.VIDEO: "Has the device video calls?",
}


_Role = TypeVar("_Role", bound=Kind)


class Talk(Protocol):
    """The person at the bench."""

    def say(self, text: str) -> None:
        """Say something."""

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        """Ask for a text; an empty answer is the default."""

    def confirm(self, question: str, default: bool = True) -> bool:
        """Ask for yes or no."""


class Stopped(Exception):  # noqa: N818  (it is no error)
    """The person does not want to go on; nothing was written."""


def new_bench(path: Path, talk: Talk) -> None:
    """Ask for everything, and write the bench file.

    Raises:
        Stopped: the person did not want it.
        BenchError: the file cannot be written.
    """
    if path.exists() and not talk.confirm(f"{path} is there already. Replace it?", default=False):
        raise Stopped
    guide = _Guide(talk)
    draft = guide.emulated(path.stem) if guide.wants_emulated() else guide.physical(path.stem)
    _write(path, bench_text(draft))
    talk.say(f"\nWritten: {path}")
    if draft.missing:
        talk.say("This computer does not have these addresses yet. As root:")
        for address in draft.missing:
            talk.say(f"  ip address add {address} dev {draft.name_of_link}")
    talk.say(f"Next: intercom-hil bench check --bench {path}")


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o600)  # there may be a password in it
        part.write_text(text, encoding="utf-8")
        load(part)
        part.replace(path)
    except OSError as problem:
        raise BenchError(
            f"it cannot be written ({problem.strerror})", str(path), "name another place for it"
        ) from problem
    finally:
        part.unlink(missing_ok=True)


class _Guide:
    """The questions, in the order in which a bench is put together."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._kept: dict[str, str] = {}
        """The answers of the present section: offered again when it is gone through again."""

    def _section(self, title: str) -> None:
        self._kept.clear()
        self._talk.say(f"\n{title}")

    def wants_emulated(self) -> bool:
        self._talk.say(
            "A bench file says what stands on the bench and where. Enter takes what is in [brackets]."
        )
        return (
            self.choice(
                "Which intercom?",
                {"physical": "one on the desk", "emulated": "the emulated one, no hardware"},
            )
            == "emulated"
        )

    def emulated(self, name: str) -> Draft:
        """Everything on loopback addresses: nothing can be missing."""
        draft = Draft(name=self._ask("Name of the bench", name), kind="emulated", interface="lo")
        network = self._checked("Its loopback addresses begin with", "127.0.0", _is_loopback)
        draft.take_addresses(ipaddress.IPv4Address(f"{network}.9"), STATIONS)
        draft.device = f"{network}.30"
        draft.capabilities = {c.value: True for c in Capability if c is not Capability.PORTAL_PAGES}
        return draft

    def physical(self, name: str) -> Draft:
        """A device on the desk."""
        draft = Draft(name=self._ask("Name of the bench", name), kind="physical", interface="any")
        asked = {
            "make": self._ask("Make of the intercom (for reports; empty: not told)"),
            "model": self._ask("Model"),
            "serial": self._ask("Serial number"),
            "firmware": self._ask("Firmware"),
        }
        draft.identity = {field: answer for field, answer in asked.items() if answer}
        self._network(draft)
        reported_by = self._events(draft)
        self._button(draft)
        self._settings(draft)
        self._capabilities(draft, reported_by)
        self._reports(draft)
        return draft

    # -- the network -----------------------------------------------------------------------------------

    def _network(self, draft: Draft) -> None:
        there = discovery.addresses()
        self._section("The network. Addresses of this computer:")
        for found in there:
            self._talk.say(f"  {found}")
        draft.device = self._checked("Address of the intercom", "", _is_address)
        device = ipaddress.IPv4Address(draft.device)
        home = next((found for found in there if device in found.address.network), None)
        if home is None:
            self._talk.say(
                "  No network of this computer has that address: plug the intercom in and give this"
            )
            self._talk.say("  computer an address beside it; docs/bench/network.md tells how.")
        first = home.address.ip if home and home.address.ip != device else device - 21
        start = self._checked(
            f"First of the {STATIONS + 3} addresses in a row for bench, PBX, proxy and stations",
            str(first),
            _is_address,
        )
        draft.take_addresses(ipaddress.IPv4Address(start), STATIONS)
        while draft.device in draft.taken:
            self._talk.say(f"  The intercom's own address {draft.device} is among them.")
            start = self._checked("First address", "", _is_address)
            draft.take_addresses(ipaddress.IPv4Address(start), STATIONS)
        own = {str(found.address.ip) for found in there}
        wide = home.address.network.prefixlen if home else 24
        loopback = device.is_loopback
        draft.missing = [f"{a}/{wide}" for a in draft.taken if a not in own and not loopback]
        draft.interface = "lo" if loopback else "any"
        draft.name_of_link = home.interface if home else "INTERFACE"

    # -- the instruments -------------------------------------------------------------------------------

    def _events(self, draft: Draft) -> str:
        self._section("The events: where the intercom tells what it does.")
        kinds = self._kinds(EVENT_SOURCES, SourceOptions)
        ways = {name: kind.label for name, kind in kinds.items()}
        ways = {"console": "on a serial console", **ways, "nowhere": "nowhere that the bench could read"}
        reported_by = self.choice("Told", ways)
        if reported_by == "console":
            self._console(draft)
        elif reported_by != "nowhere":
            kind = kinds[reported_by]
            usable = self._layouts(reported_by if kind.needs_fields else "")
            draft.source, _ = self._table(reported_by, kind, {"layout": usable[0]})
            draft.source["layout"] = self._layout(usable)
            self._talk.say(
                "  docs/bench/events.md tells of languages of the device's own, and of other fields."
            )
        return reported_by

    def _layouts(self, needed_by: str = "") -> list[str]:
        return [name for name in LAYOUTS if not unusable(name, LAYOUTS, needed_by=needed_by)]

    def _layout(self, usable: list[str], lines: Sequence[str] = ()) -> str:
        """Ask for the layout; of lines that were just read, show what each makes of them, the best first."""
        if len(usable) == 1:
            return usable[0]
        events = {name: _events_in(LAYOUTS[name], lines) for name in usable}
        ranked = sorted(usable, key=lambda name: -len(events[name]))
        shown = {name: f"{len(found)} of {len(lines)} lines are events" for name, found in events.items()}
        shown |= {name: f"{shown[name]}, the last: {found[-1]}" for name, found in events.items() if found}
        return self.choice(
            "The layout of what it tells", {name: shown[name] if lines else "" for name in ranked}
        )

    def _console(self, draft: Draft) -> None:
        self._section("The console: the cable on which the intercom writes its log.")
        lines: list[str] = []
        while True:
            port = self.serial_port("Console port")
            speed = int(self._checked("Speed in baud", "115200", str.isdecimal))
            draft.console = {"port": port, "baud_rate": speed, "layout": "keyed"}
            if self._works(
                f"listening for {LISTEN:g} s", partial(_listen, port, speed, lines, self._talk.say)
            ):
                break
        draft.console["layout"] = self._layout(self._layouts(), lines)

    def _button(self, draft: Draft) -> None:
        self._section("The button: what closes its contact.")
        kinds = self._kinds(INSTRUMENTS, OutputOptions)  # type: ignore[type-abstract]
        while True:
            name = self.choice("Pressed by", {name: kind.label for name, kind in kinds.items()})
            draft.button, options = self._table(name, kinds[name])
            press = self._talk.confirm("Press it once to try it?")
            if self._works("the button", partial(_press, options, press, self._talk.say)):
                return

    def _settings(self, draft: Draft) -> None:
        self._section("The SIP settings: how they get into the intercom.")
        kinds = self._kinds(CONFIGURATORS, ConfiguratorOptions)  # type: ignore[type-abstract]
        name = self.choice("Changed through", {name: kind.label for name, kind in kinds.items()})
        if name == "portal":
            self._portal(draft)
            return
        table, _ = self._table(name, kinds[name])
        if CONFIGURATORS.origin(name):
            draft.configurator = table
        else:
            draft.configurator = table.pop("kind")
            setattr(draft, name, table)

    def _portal(self, draft: Draft) -> None:
        self._section("The Admin Portal, through which the bench changes the SIP settings.")
        while True:
            url = self._ask("Its address", f"http://{draft.device}")
            account = self._ask("An account that may change SIP settings", "admin")
            password = self._ask("Its password", secret=True)
            portal = Portal(url, Account(account, password))
            draft.portal = {"url": url, "account": account, "password": password}
            if self._works("the portal", partial(_log_in, portal, self._talk.say)):
                draft.portal["device_id"] = portal.device or "door"
                return

    def _capabilities(self, draft: Draft, reported_by: str) -> None:
        self._section("What the device has. Requirements about what it lacks are not applicable.")
        has = {Capability.EVENT_LOG.value: reported_by != "nowhere"}
        if reported_by not in ("log-file", "nowhere") and not draft.operator:
            question = "Does it tell there what its screen shows, too?"
            has[Capability.SCREEN.value] = self._talk.confirm(question)
        else:
            has[Capability.SCREEN.value] = bool(draft.operator)
        has |= {capability.value: self._talk.confirm(question) for capability, question in _HAS.items()}
        recording = self._ask("Sound file that grows with what its loudspeaker plays (empty: none)")
        has[Capability.SPEAKER.value] = bool(recording)
        has[Capability.PROXY.value] = self._talk.confirm("Can the device use a SIP proxy?")
        draft.recording = recording
        draft.capabilities = has

    def _reports(self, draft: Draft) -> None:
        self._section("The reports: who tests, and for whom. All of it can be written into the file later.")
        name = self._ask("Name of the laboratory (empty: not told)")
        if not name:
            return
        laboratory = {"name": name, "address": self._ask("Its address")}
        customer = {"name": self._ask("Name of the customer (empty: not told)")}
        if customer["name"]:
            customer["address"] = self._ask("The customer's address")
        report = {"number": self._ask("Number of the report"), "tested_by": self._ask("Who carries it out")}
        tables = {"laboratory": laboratory, "customer": customer, "report": report}
        said = {table: {k: v for k, v in values.items() if v} for table, values in tables.items()}
        draft.reports = {table: values for table, values in said.items() if values}

    # -- kinds -----------------------------------------------------------------------------------------

    def _kinds(self, registry: Registry[Kinds], role: type[_Role]) -> dict[str, type[_Role]]:
        """Return the kinds to choose from; of one that cannot be loaded it is said why."""
        found = {}
        for name, kind in kinds_of(registry, role):
            if isinstance(kind, ExtensionError):
                self._talk.say(f"  left out: {kind}")
            else:
                found[name] = kind
        return found

    def _table(
        self, name: str, kind: type[_Role], more: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[dict[str, Any], _Role]:
        """Ask for the table of a kind until it is a valid one."""
        while True:
            table = {"kind": name, **kind.ask(self)}
            try:
                return table, kind.model_validate({**table, **more})
            except ValidationError as problem:
                for error in problem.errors():
                    self._talk.say(f"  {'.'.join(map(str, error['loc']))}: {error['msg']}")

    # -- asking ----------------------------------------------------------------------------------------

    def text(self, question: str, default: str = "", *, pattern: str = "", secret: bool = False) -> str:
        """Ask for a text."""
        fits = re.compile(pattern or ".*", re.DOTALL).fullmatch
        return self._checked(question, default, lambda answer: bool(fits(answer)), secret=secret)

    def number(self, question: str, default: int = 0, *, least: int = 0, most: int | None = None) -> int:
        """Ask for a whole number."""

        def fits(answer: str) -> bool:
            return answer.isdecimal() and least <= int(answer) and (most is None or int(answer) <= most)

        return int(self._checked(question, str(default), fits))

    def serial_port(self, question: str) -> str:
        """Ask for a serial port, with those of this computer to choose from."""
        return self.offered(f"{question} (or a URL such as socket://host:port)", discovery.serial_ports())

    def offered(self, question: str, found: Sequence[Found]) -> str:
        """Ask for one of the things found, by number, or for another by name."""
        for number, thing in enumerate(found, 1):
            self._talk.say(f"  {number}  {thing}")
        if not found:
            self._talk.say("  none was found on this computer")
        while True:
            answer = self._ask(question, "1" if found else "")
            if answer.isdecimal() and 1 <= int(answer) <= len(found):
                return found[int(answer) - 1].name
            if answer and not answer.isdecimal():
                return answer
            self._kept.pop(question)
            self._talk.say("  a number of the list, or a name")

    def choice(self, question: str, choices: Mapping[str, str]) -> str:
        """Ask for one of several names, by itself or by its number."""
        names = list(choices)
        for number, name in enumerate(names, 1):
            self._talk.say(f"  {number}  {name}{': ' if choices[name] else ''}{choices[name]}")
        while True:
            answer = self._ask(question, "1")
            if answer in names:
                return answer
            if answer.isdecimal() and 1 <= int(answer) <= len(names):
                return names[int(answer) - 1]
            self._kept.pop(question)
            self._talk.say("  a number of the list")

    def _ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        """Ask for a text; the default is what was answered before in this section, a secret unseen."""
        kept = self._kept.get(question, "")
        if secret:
            answer = (
                self._talk.ask(f"{question} (empty: as before)" if kept else question, secret=True) or kept
            )
        else:
            answer = self._talk.ask(question, kept or default)
        self._kept[question] = answer
        return answer

    def _checked(
        self, question: str, default: str, right: Callable[[str], bool], *, secret: bool = False
    ) -> str:
        while not right(answer := self._ask(question, default, secret=secret)):
            self._kept.pop(question)
            self._talk.say(f"  {'that' if secret else repr(answer)} will not do")
        return answer

    def _works(self, what: str, attempt: Callable[[], Awaitable[None]]) -> bool:
        """Try something out; return whether to go on, because it works or because the person says so."""
        self._talk.say(f"  trying {what} …")
        try:
            asyncio.run(_bounded(attempt))
        except (BenchError, DeviceCrashed) as problem:
            self._talk.say(f"  ✗ {problem}")
            return not self._talk.confirm("Change the answers?")
        return True


async def _bounded(attempt: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(_TRY_WITHIN):
            await attempt()
    except TimeoutError:
        raise BenchError(f"no answer within {_TRY_WITHIN:g} s", remedy="check cable and address") from None


def _events_in(layout: Layout, lines: Sequence[str]) -> list[str]:
    """Return the events that a layout finds in lines, as they would be reported."""
    contents = (content for line in lines for content in layout.read(line).contents)
    return [str(content)[:80] for content in contents if isinstance(content, DeviceEvent)]


async def _listen(port: str, speed: int, lines: list[str], say: Callable[[str], None]) -> None:
    """Listen to a console, and keep what it says in ``lines``."""
    lines.clear()
    console = SerialConsole.on(SharedPorts(), port, baudrate=speed)
    console.listen(lambda text, at: lines.append(text))
    async with opened(console):
        await asyncio.sleep(LISTEN)  # how long a person would look at it
    for line in lines[-3:]:
        say(f"    {line[:100]}")
    say(f"  ✓ it opens; {len(lines)} lines came" + ("" if lines else " (the device says nothing of itself)"))


async def _press(options: OutputOptions, press: bool, say: Callable[[str], None]) -> None:
    output = options.make(SharedPorts(), name="button")
    async with opened(output):
        if press:
            closed = await output.set(True)
            await asyncio.sleep(options.hold)
            await output.set(False)
            say(f"  ✓ pressed for {options.hold:g} s, {'' if closed else 'not '}read back")
            return
    say("  ✓ it opens, and is off")


async def _log_in(portal: Portal, say: Callable[[str], None]) -> None:
    try:
        await portal.open()
        say(f"  ✓ logged in; the device is {portal.device!r}")
    finally:
        await portal.close()


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return text.startswith("127.") and _is_address(f"{text}.9")
