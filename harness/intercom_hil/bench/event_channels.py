"""The event sources of a bench's device, made of the bench file's tables, and the role of each.

The order is the console, then ``[[device.event_sources]]`` as they stand in the file; of those that report
the same kind of thing the first is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.tables import ConsoleTable, DeviceTable
from intercom_hil.event_sources.log_file import LogFileOptions
from intercom_hil.event_sources.roles import SourceRole, assign_roles
from intercom_hil.event_sources.source import EventSource, TlsIdentity
from intercom_hil.event_sources.source_kinds import LiveSourceOptions, SourceContext, source_names
from intercom_hil.layouts.known import KEYED
from intercom_hil.layouts.layout import Layout
from intercom_hil.timeline import Append, Witness

_LIVE = frozenset({"event", "screen", "boot"})


@dataclass(frozen=True)
class EventChannels:
    """How a device is heard.

    Attributes:
        layout: the language of its console.
        console: what its console is judged by.
        live: the sources that are heard while the bench runs.
    """

    layout: Layout = KEYED
    console: SourceRole = field(default_factory=SourceRole)
    live: tuple[EventSource, ...] = ()


def voices(
    file: BenchFile, tables: DeviceTable, *, append: Append, identity: Callable[[str], TlsIdentity]
) -> EventChannels:
    """Return how a device is heard; nothing is opened yet.

    Args:
        file: the bench.
        tables: the device's, complete.
        append: puts observations on the current scenario's timeline.
        identity: makes what a TLS receiver at an address presents.

    Raises:
        BenchError: a layout is not known.
    """
    layouts = file.known_layouts
    layout = layouts[tables.console.layout] if tables.console else KEYED
    roles = _roles(tables, layouts)
    live = []
    names = source_names(tables.event_sources)
    for name, options, role in zip(names, tables.event_sources, roles[1:], strict=True):
        if isinstance(options, LiveSourceOptions):
            context = SourceContext(
                layout=layouts[options.layout],
                bench=file.bench.address,
                device=tables.address,
                append=append,
                role=role,
                identity=identity,
                browser=tables.browser,
            )
            live.append(options.make(name, context))
    return EventChannels(layout, roles[0], tuple(live))


def deferred(file: BenchFile) -> tuple[str, ...]:
    """Return the kinds of observations that only an imported log file will show of this bench's device."""
    device = file.device
    if not device.capabilities.event_log:
        return ()
    if device.kind == "emulated" and not device.event_sources:
        return ()  # it brings its console
    judged = [role.events for role in _roles(device, file.known_layouts)[1:]]
    by_file = any(
        events and isinstance(options, LogFileOptions)
        for events, options in zip(judged, device.event_sources, strict=True)
    )
    return ("event",) if by_file else ()


def compared(file: BenchFile) -> tuple[str, ...]:
    """Return the names of the live sources whose events are compared with those of the judged one."""
    device = file.device
    layouts = file.known_layouts
    roles = _roles(device, layouts)[1:]
    return tuple(
        name
        for name, options, role in zip(
            source_names(device.event_sources), device.event_sources, roles, strict=True
        )
        if isinstance(options, LiveSourceOptions)
        and not role.events
        and "event" in layouts[options.layout].kinds
    )


def believed(file: BenchFile) -> dict[Witness, tuple[str, ...]]:
    """Return the live sources of a bench's device, each with the kinds of content it is believed for."""
    device = file.device
    if device.kind == "emulated" and device.console is None and not device.event_sources:
        own = ConsoleTable(port="its own", layout=device.emulated.console_layout)
        device = device.model_copy(update={"console": own})
    further = [o.witness if isinstance(o, LiveSourceOptions) else None for o in device.event_sources]
    witnesses = [Witness.CONSOLE, *further]
    found: dict[Witness, tuple[str, ...]] = {}
    for witness, role in zip(witnesses, _roles(device, file.known_layouts), strict=True):
        of = (("event",) if role.events else ()) + (("screen",) if role.screens else ())
        if of and witness is not None:
            found[witness] = (*found.get(witness, ()), *of)
    return found


def log_file(file: BenchFile) -> LogFileOptions | None:
    """Return the exported log file that a bench file declares, if any."""
    return next((o for o in file.device.event_sources if isinstance(o, LogFileOptions)), None)


def _roles(tables: DeviceTable, layouts: Mapping[str, Layout]) -> list[SourceRole]:
    """Return what each is judged by, the console first; a console that is not there reports nothing."""
    console = layouts[tables.console.layout].kinds & _LIVE if tables.console else frozenset()
    further = [
        layouts[options.layout].kinds & _LIVE
        if isinstance(options, LiveSourceOptions)
        else frozenset({"event"})
        for options in tables.event_sources
    ]
    return assign_roles([console, *further])
