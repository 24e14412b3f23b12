"""The device under test with all that is wired to it, as one part of the bench.

The tables of a bench file come in; an open Intercom goes out. An emulated device brings tables of its own for
what the file does not name, so that from there on it is put together as any other.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from harness.bench.model import BenchFile
from harness.bench.parts import Lost, future
from harness.bench.tables import ConsoleTable, DeviceTable, PortalTable, SpeakerTable
from harness.device.console_layout import layout_named
from harness.device.emulated import EmulatedDevice, Ready
from harness.device.intercom import Intercom
from harness.device.portal import Account, Portal
from harness.device.speaker import Speaker
from harness.instruments import Button, Catalogue, Console, ReopeningConsole
from harness.instruments.catalogue import NumatoRelayOptions
from harness.timeline import Append, Witness
from harness.timeline.errors import BenchError
from harness.timeline.observation import Note

FACTORY_ACCOUNT = Account("admin", "admin-secret")
FACTORY_VIEWER = Account("viewer", "viewer-secret")
"""The accounts that an emulated intercom comes with."""
PBX_NAME = "pbx.intercom.example"
"""What the PBX is called in an emulated intercom's name service, if the bench file has no name for it."""


class DevicePart:
    """The device under test with its instruments."""

    name = "device"

    def __init__(self, file: BenchFile, folder: Path, trust_store: Path, append: Append) -> None:
        self._file, self._append = file, append
        self.lost = future()
        self._emulated: EmulatedDevice | None = None
        if file.device.kind == "emulated":
            self._emulated = _emulated(file, folder / "device", trust_store)
        self.intercom: Intercom

    async def start(self) -> None:
        """Switch on an emulated device, and open the instruments."""
        tables = self._file.device
        if self._emulated is not None:
            tables = completed(tables, await self._emulated.start())
        self.intercom = intercom(
            tables, append=self._append, device_lost=self._emulated.lost if self._emulated else None
        )
        await self.intercom.open()
        self.intercom.lost.add_done_callback(self._on_lost)

    async def stop(self) -> None:
        """Release every output, close the instruments, switch an emulated device off."""
        try:
            if hasattr(self, "intercom"):
                await self.intercom.close()
        finally:
            if self._emulated is not None:
                await self._emulated.stop()

    def _on_lost(self, lost: Lost) -> None:
        if not lost.cancelled() and not self.lost.done():
            self.lost.set_result(lost.result())


def pbx_name(file: BenchFile) -> str | None:
    """Return the domain name by which the device can find the PBX, if there is one."""
    return file.pbx.name or (PBX_NAME if file.device.kind == "emulated" else None)


def completed(tables: DeviceTable, ready: Ready) -> DeviceTable:
    """Return the tables of an emulated device with its own console, button, portal and speaker."""
    portal = PortalTable(
        url=ready.portal,
        account=FACTORY_ACCOUNT.name,
        password=FACTORY_ACCOUNT.password,
        viewer=FACTORY_VIEWER.name,
        viewer_password=FACTORY_VIEWER.password,
    )
    own = {
        "console": ConsoleTable(port=ready.console),
        "button": NumatoRelayOptions(kind="numato-relay", port=ready.relay),
        "portal": portal,
        "speaker": SpeakerTable(recording=ready.speaker),
    }
    return tables.model_copy(
        update={name: table for name, table in own.items() if getattr(tables, name) is None}
    )


def intercom(
    tables: DeviceTable, *, append: Append, device_lost: asyncio.Future[str] | None = None
) -> Intercom:
    """Put an Intercom together from complete tables; nothing is opened yet.

    Args:
        tables: the device's, with console, button and portal.
        append: puts observations on the current scenario's timeline.
        device_lost: resolves when the device itself ends, where that can be known.

    Raises:
        BenchError: two instruments cannot hang on one port, or a layout is not known.
    """
    assert tables.console is not None
    assert tables.button is not None
    assert tables.portal is not None
    catalogue = Catalogue()
    return Intercom(
        address=tables.address,
        append=append,
        portal=_portal(tables.portal),
        button=Button(catalogue.output(tables.button, name="button"), append=append),
        console=_console(catalogue, tables.console, append),
        layout=layout_named(tables.console.layout),
        speaker=Speaker(tables.speaker.recording, append=append) if tables.speaker else None,
        supply=catalogue.power(tables.power, append=append) if tables.power else None,
        inputs={name: catalogue.input(options) for name, options in tables.inputs.items()},
        device_lost=device_lost,
        extension=tables.extension,
        sip_port=tables.sip_port,
        hold=tables.button.hold,
    )


def _portal(table: PortalTable) -> Portal:
    viewer = Account(table.viewer, table.viewer_password) if table.viewer else None
    return Portal(table.url, Account(table.account, table.password), viewer=viewer, device=table.device_id)


def _console(catalogue: Catalogue, table: ConsoleTable, append: Append) -> Console:
    console = catalogue.console(table.port, baudrate=table.baud_rate)
    if not table.reopen_within:
        return console
    return ReopeningConsole(console, within=table.reopen_within, on_link=partial(_tell_link, append))


def _tell_link(append: Append, there: bool, reason: str, at: float) -> None:
    text = "the console is back" if there else f"the console is gone: {reason}"
    append(Witness.BENCH, Note(text=text), at)


def _emulated(file: BenchFile, state: Path, trust_store: Path) -> EmulatedDevice:
    options = file.device.emulated
    first, last = options.rtp_ports
    hosts = state.with_name("hosts")
    try:
        hosts.write_text(f"{file.pbx.address} {pbx_name(file)}\n", encoding="utf-8")
    except OSError as problem:
        raise BenchError(f"it cannot be written ({problem.strerror})", str(hosts), "make room") from problem
    serial = ("--serial-server", str(options.serial_server)) if options.serial_server else ()
    return EmulatedDevice(
        state=state,
        address=file.device.address,
        faults=options.faults,
        variant=options.variant or "",
        options=(
            *("--sip-port", str(file.device.sip_port)),
            *("--rtp-ports", f"{first}-{last}"),
            *("--portal-port", str(options.portal_port)),
            *("--hosts", str(hosts)),
            *("--trust-store", str(trust_store)),
            *("--media-timeout", str(options.media_timeout)),
            *serial,
        ),
    )
