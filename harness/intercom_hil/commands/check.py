"""``bench check``: everything a run needs, looked at line by line, with the remedy for what is missing."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.bench.operator_part import operator
from intercom_hil.bench.prepare import may_not_capture, stays_inside
from intercom_hil.bench.reservation import Reservation
from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import BenchFile, load
from intercom_hil.bench_file.resources import claims
from intercom_hil.bench_file.tables import DeviceTable
from intercom_hil.commands.smoke_call import smoke_call
from intercom_hil.device.configurator_kinds import ConfiguratorContext
from intercom_hil.device.emulator_container import check_emulator
from intercom_hil.errors import BenchError, DeviceCrashed, joined
from intercom_hil.instruments.serial_console import SerialConsole
from intercom_hil.instruments.shared_port import OutputGuest, SharedPorts
from intercom_hil.instruments.supply import Supply
from intercom_hil.lab.locks import holders
from intercom_hil.processes.engine import Engine, EngineKind
from intercom_hil.processes.host import ContainerHost, Host, HostKind, NativeHost, native_versions
from intercom_hil.processes.image import Recipe
from intercom_hil.processes.leftovers import reap
from intercom_hil.processes.native import check_capture
from intercom_hil.timeline import Timeline

Report = Callable[[str], None]
_OPEN_WITHIN = 5.0
"""Seconds an instrument may take to open."""


def check(path: Path, report: Report, *, with_call: bool = False) -> bool:
    """Look at all that the bench file at ``path`` calls for, report each, and return whether all is well.

    Args:
        path: the bench file.
        report: takes each line.
        with_call: whether to make a call when all parts are there.
    """
    well = True

    def line(what: str, problem: BenchError | None = None, found: str = "") -> None:
        nonlocal well
        if problem is None:
            report(f"  ok       {what}{': ' if found else ''}{found}")
            return
        well = False
        report(f"  MISSING  {what}: {problem.what}")
        if problem.remedy:
            report(f"           remedy: {problem.remedy}")

    def progress(text: str) -> None:
        report(f"           {text}")

    report(f"bench check {path}")
    try:
        _look(path, line, progress, with_call=with_call, is_well=lambda: well)
    except Exception as problem:  # what was not foreseen is a line too
        line("bench check", _as_bench_error(problem))
    return well


def _look(
    path: Path,
    line: Callable[..., None],
    progress: Report,
    *,
    with_call: bool,
    is_well: Callable[[], bool],
) -> None:
    try:
        file = load(path)
    except BenchError as problem:
        line("bench file", problem)
        return
    line("bench file", found=f"bench {file.bench.name}, device {file.device.kind}")
    held = list(holders(claims(file)))
    for use in held:
        line("locks", BenchError(f"{use.where}: {use.what}", remedy=use.remedy))
    if held:
        return  # what another run uses is left alone
    line("locks", found="nobody else uses any of it")
    kind = file.engine.kind
    host = _native(file, line) if kind == "native" else _engine(kind, line)
    if isinstance(host, ContainerHost):
        line("interface", interface_problem(file.capture.interface), file.capture.interface)
        if host.engine.rootless and not stays_inside(file):
            line("right to capture", may_not_capture(file))
    if host is not None:
        _leftovers(host, line)
    taken = list(taken_addresses(file))
    for address in taken:
        line(address.where, address)
    if not taken:
        line("addresses", found="all free")
    if file.device.configurator == "browser":
        line("browser", *asyncio.run(_browser(file.device)))
    emulated = file.device.kind == "emulated"
    for name, found, note in _emulator(kind) if emulated else asyncio.run(_while_held(file, progress)):
        line(name, found, note)
    if is_well() and with_call:
        progress("a trial: the bench is started, the device configured, its button pressed")
        asyncio.run(smoke_call(file, line, progress))


def _as_bench_error(problem: Exception) -> BenchError:
    """Return what went wrong as one message, whatever it was; several at once are joined."""
    found = joined([problem])
    if isinstance(found, BenchError):
        return BenchError(f"{found.where}: {found.what}".removeprefix(": "), remedy=found.remedy)
    frames = traceback.extract_tb(found.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return BenchError(f"{type(found).__name__}: {found}{where}", remedy="report it with this line")


def _native(file: BenchFile, line: Callable[..., None]) -> Host | None:
    try:
        versions = native_versions(proxy=file.proxy is not None)
    except BenchError as problem:
        line("native programs", problem)
        return None
    line("native programs", found=", ".join(f"{name} {version}" for name, version in versions.items()))
    try:
        check_capture(file.capture.interface)
    except BenchError as problem:
        line("right to capture", problem)
    else:
        line("right to capture", found=file.capture.interface)
    return NativeHost()


def _engine(kind: EngineKind, line: Callable[..., None]) -> Host | None:
    try:
        engine = Engine.find(kind=kind)
    except BenchError as problem:
        line("container engine", problem)
        return None
    line("container engine", found=str(engine))
    tag = Recipe.load().tag
    if engine.has_image(tag):
        line("image", found=tag)
    else:
        line("image", BenchError(f"{tag} is not there", remedy="intercom-hil provision"))
    return ContainerHost(engine, tag)


def interface_problem(name: str) -> BenchError | None:
    """Return what is wrong with an interface to capture on; containers have the host's network."""
    there = [own for _, own in socket.if_nameindex()]
    if name in ("any", *there):
        return None
    remedy = f"name one of this host's: any, {', '.join(there)}"
    return BenchError(f"{name} is not there", "capture.interface", remedy)


def _leftovers(host: Host, line: Callable[..., None]) -> None:
    try:
        removed = reap(host)
    except BenchError as problem:
        line("left by killed runs", problem)
    else:
        line("left by killed runs", found=f"removed {', '.join(removed)}" if removed else "nothing")


def _emulator(kind: HostKind) -> list[tuple[str, BenchError | None, str]]:
    try:
        return [("emulated intercom", None, check_emulator("auto" if kind == "native" else kind))]
    except BenchError as problem:
        return [("emulated intercom", problem, "")]


async def _browser(device: DeviceTable) -> tuple[BenchError | None, str]:
    """Start the browser that a device is configured in, and end it."""
    from intercom_hil.browser.chromium import look
    from intercom_hil.browser.portal_map import read_map

    table = device.browser or BrowserOptions()
    try:
        read_map(table.map)
        return None, f"Chromium {await look(table.program)}"
    except BenchError as problem:
        return BenchError(f"{problem.where}: {problem.what}", remedy=problem.remedy), ""


def _ways_to_settings(device: DeviceTable) -> dict[str, _Opened]:
    """Return what brings settings to the device, by the name it has in the lines."""
    if device.configurator == "operator" and device.operator is not None:
        prompter = operator(device.operator, append=Timeline().append)
        return {f"operator {way.name}": way for way in prompter.ways}
    way = device.way_to_settings
    context = ConfiguratorContext(device.address, Timeline().append)
    return {f"{way.kind} {way.where}": way.make(context)}


class _Opened(Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


async def _while_held(file: BenchFile, progress: Report) -> list[tuple[str, BenchError | None, str]]:
    """Look at the instruments while nobody else may use them, and at the places that they are in."""
    hold = Reservation(file, progress)
    try:
        hold.claim()
        device = await hold.located(file.device)
    except BenchError as problem:
        failed = BenchError(f"{problem.where}: {problem.what}", remedy=problem.remedy)
        return [("labgrid" if file.labgrid else "locks", failed, "")]
    else:
        places = [("labgrid", None, f"had {', '.join(file.labgrid.places)}")] if file.labgrid else []
        return [*places, *await look_at_instruments(device)]
    finally:
        await hold.release()


async def look_at_instruments(device: DeviceTable) -> list[tuple[str, BenchError | None, str]]:
    """Open and close, one after the other, everything a run opens of a device before its first scenario.

    Returns:
        For each its name, the problem if there is one, and what was found.
    """
    assert device.button is not None
    ports = SharedPorts()
    parts: dict[str, _Opened] = {f"button {device.button.where}": device.button.make(ports, name="button")}
    if device.power is not None:
        parts[f"supply {device.power.output.where}"] = device.power.make(ports, append=Timeline().append)
    for name, options in device.inputs.items():
        parts[f"input {name} {options.where}"] = options.make(ports, name=name)
    parts |= _ways_to_settings(device)
    if (table := device.console) is not None:
        console = SerialConsole.on(ports, table.port, baudrate=table.baud_rate)
        console.set_line(dtr=table.dtr, rts=table.rts, exclusive=table.exclusive)
        parts[f"console {table.port}"] = console
    found: list[tuple[str, BenchError | None, str]] = []
    for name, part in parts.items():
        try:
            within = getattr(part, "opens_within", _OPEN_WITHIN)
            async with asyncio.timeout(within):
                await part.open()
        except TimeoutError:
            silent = BenchError(f"no answer within {within:g} s", remedy="check its cable")
            found.append((name, silent, ""))
        except DeviceCrashed as problem:
            gone = BenchError(str(problem), remedy="check the device's supply and network")
            found.append((name, gone, ""))
        except BenchError as problem:
            found.append((name, problem, ""))
        else:
            output = part.output if isinstance(part, Supply) else part
            was_left = isinstance(output, OutputGuest) and output.left_active
            note = "it was left closed, and has been opened" if was_left else ""
            try:
                await part.close()
            except BenchError as problem:
                found.append((name, BenchError(f"it opens, and {problem.what}", remedy=problem.remedy), ""))
            else:
                found.append((name, None, note))
    return found
