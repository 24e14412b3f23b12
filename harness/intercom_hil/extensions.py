"""What others can add without editing this tree: names in groups, as entry points of installed distributions.

A name is looked up first among what comes along, then among the entry points of the group
(``[project.entry-points."intercom_hil.instruments"]`` in a distribution's ``pyproject.toml``). Nothing is
imported before it is asked for by its name, so a broken distribution hurts only those who use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from intercom_hil.errors import BenchError

_Value = TypeVar("_Value")

INSTRUMENTS = "intercom_hil.instruments"
CONFIGURATORS = "intercom_hil.configurators"
EVENT_SOURCES = "intercom_hil.event_sources"
LAYOUTS = "intercom_hil.layouts"
RENDERERS = "intercom_hil.renderers"
REQUIREMENTS = "intercom_hil.requirements"

COMES_ALONG: Mapping[str, Mapping[str, str]] = {
    INSTRUMENTS: {
        "numato-relay": "intercom_hil.adapters.numato_relay:NumatoRelayOptions",
        "numato-gpio": "intercom_hil.adapters.numato_gpio:KINDS",
        "gpio": "intercom_hil.adapters.gpio:KINDS",
        "serial-line": "intercom_hil.adapters.modem_lines:KINDS",
        "lcus-relay": "intercom_hil.adapters.lcus_relay:LcusRelayOptions",
        "hid-relay": "intercom_hil.adapters.hid_relay:HidRelayOptions",
        "shelly-relay": "intercom_hil.adapters.shelly_relay:ShellyRelayOptions",
        "tasmota-relay": "intercom_hil.adapters.tasmota_relay:TasmotaRelayOptions",
        "snmp-poe": "intercom_hil.adapters.snmp_poe:SnmpPoeOptions",
        "command": "intercom_hil.adapters.command:CommandOptions",
    },
    CONFIGURATORS: {
        "portal": "intercom_hil.device.configurator_kinds:PortalOptions",
        "operator": "intercom_hil.device.configurator_kinds:OperatorOptions",
        "command": "intercom_hil.device.configurator_kinds:CommandOptions",
        "browser": "intercom_hil.admin_portal.options:BrowserOptions",
    },
    EVENT_SOURCES: {
        "syslog": "intercom_hil.event_sources.syslog:SyslogOptions",
        "webhook": "intercom_hil.event_sources.webhook:WebhookOptions",
        "log-file": "intercom_hil.event_sources.log_file:LogFileOptions",
        "portal-page": "intercom_hil.portal_pages.page_source:PortalPageOptions",
    },
    LAYOUTS: {
        "keyed": "intercom_hil.layouts.known:KEYED",
        "keyed-message": "intercom_hil.layouts.known:KEYED_MESSAGE",
        "bracketed": "intercom_hil.layouts.known:BRACKETED",
        "labelled": "intercom_hil.layouts.known:LABELLED",
        "json-lines": "intercom_hil.layouts.known:JSON_LINES",
    },
    RENDERERS: {
        "junit": "intercom_hil.reports.junit:write",
        "html": "intercom_hil.reports.html:write",
        "markdown": "intercom_hil.reports.markdown:write",
        "csv": "intercom_hil.reports.table:write",
        "ctrf": "intercom_hil.reports.ctrf:write",
        "allure": "intercom_hil.reports.allure:write",
        "pdf": "intercom_hil.paper.report:write",
        "pdf-annex": "intercom_hil.paper.annex:write",
        "reqif": "intercom_hil.reports.reqif:write",
        "strictdoc": "intercom_hil.reports.strictdoc:write",
    },
    REQUIREMENTS: {"page": "intercom_hil.spec.catalogue:CATALOGUE"},
}
"""By group, what this package itself registers: written and loaded as the entry points of others are.

It is no table of ``pyproject.toml``, because a checkout's metadata is only as new as its last installation.
"""


class ExtensionError(BenchError):
    """Something that an installed distribution registers cannot be used."""


class Registry(Mapping[str, _Value], Generic[_Value]):
    """One group of extensions by name, each loaded when it is first asked for.

    Asking for a name raises ``KeyError`` where there is none, and ``ExtensionError``, which names the
    distribution, where there is one that cannot be loaded. What comes along keeps its names: an entry point
    of the same name is passed over.
    """

    def __init__(self, group: str, convert: Callable[[object], _Value]) -> None:
        """Describe the group.

        Args:
            group: its name, as entry points have it.
            convert: returns what an entry point must be of, from what was loaded; raises TypeError, with
                what it should have been, for anything else.
        """
        self.group = group
        self._convert = convert
        self._own = {
            name: EntryPoint(name, value, group) for name, value in COMES_ALONG.get(group, {}).items()
        }
        self._loaded: dict[str, _Value] = {}

    def __getitem__(self, name: str) -> _Value:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._installed if name not in self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._installed

    def usable(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, _Value | ExtensionError]]:
        """Yield every name, or each of these, with what it stands for or with what is wrong with it."""
        for name in self if names is None else names:
            try:
                yield name, self[name]
            except ExtensionError as problem:
                yield name, problem

    @property
    def used(self) -> dict[str, str]:
        """What other distributions brought and was used: their names and versions, by group and name."""
        group = self.group.rpartition(".")[2]
        return {f"{group} {name}": self.origin(name) for name in self._loaded if name not in self._own}

    def forget(self) -> None:
        """Forget what was found and loaded; what is installed now counts."""
        self.__dict__.pop("_installed", None)
        self._loaded.clear()

    def origin(self, name: str) -> str:
        """Return the distribution that registers a name, with its version; empty for what comes along."""
        return "" if name in self._own else ", ".join(_distribution(entry) for entry in self._installed[name])

    @cached_property
    def _installed(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            found.setdefault(entry.name, []).append(entry)
        return found

    def _load(self, name: str) -> _Value:
        entries = [self._own[name]] if name in self._own else self._installed[name]
        if len(entries) > 1:
            raise ExtensionError(
                f"{self.origin(name)} all register it in {self.group}", name, "uninstall all but one of them"
            )
        (entry,) = entries
        try:
            return self._convert(entry.load())
        except Exception as problem:  # whatever importing somebody's module may raise
            if name in self._own:
                raise
            wrong = str(problem) if isinstance(problem, TypeError) else f"{type(problem).__name__}: {problem}"
            distribution = _distribution(entry)
            raise ExtensionError(
                f"{entry.value} of the distribution {distribution} cannot be used ({wrong})",
                name,
                f"mend or uninstall {distribution}",
            ) from problem


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"
