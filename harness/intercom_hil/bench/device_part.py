"""The device under test with all that is wired to it, as one part of the bench.

An open Intercom is made of the bench file's tables. An emulated device brings tables of its own for what the
file does not name, so that from there on it is put together as any other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.bench.event_channels import EventChannels, log_file, voices
from intercom_hil.bench.parts import Lost, future, in_turn
from intercom_hil.bench.reservation import Reservation
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.secrets import learn_from
from intercom_hil.bench_file.tables import (
    ConsoleTable,
    DeviceTable,
    SoundCardTable,
    SpeakerTable,
)
from intercom_hil.device.configurator import Configurator
from intercom_hil.device.configurator_kinds import ConfiguratorContext, PortalOptions
from intercom_hil.device.emulated import EmulatedDevice, Ready
from intercom_hil.device.intercom import Intercom, SpeakerListener
from intercom_hil.device.portal import Account, Portal
from intercom_hil.device.speaker import Speaker
from intercom_hil.errors import BenchError, DeviceCrashed
from intercom_hil.event_sources.source import TlsIdentity
from intercom_hil.evidence.run import keep_export
from intercom_hil.instruments import (
    AnyOutput,
    Button,
    Console,
    OutputOptions,
    ReopeningConsole,
    SerialConsole,
    SharedPorts,
)
from intercom_hil.operator.prompter import Prompter
from intercom_hil.pki import Pki
from intercom_hil.portal_pages import page_viewer
from intercom_hil.redaction.redaction import Redactor
from intercom_hil.timeline import Append, Observation, Witness
from intercom_hil.timeline.observation import Content, InstrumentLost, Note

if TYPE_CHECKING:
    from intercom_hil.instruments.sound_card import SoundCard

FACTORY_ACCOUNT = Account("admin", "admin-secret")
FACTORY_VIEWER = Account("viewer", "viewer-secret")
"""The accounts that an emulated intercom comes with."""
_BROUGHT = ("url", "account", "password", "viewer", "viewer_password")
"""What an emulated device brings of the table of its portal, in whatever way that is used."""
_LOOK_EVERY = 0.2  # s between two looks whether the portal is back
_ANY_OUTPUT: TypeAdapter[OutputOptions] = TypeAdapter(AnyOutput)


class DeviceComponent:
    """The device under test with its instruments."""

    name = "device"

    def __init__(
        self,
        file: BenchFile,
        run_folder: Path,
        pki: Pki,
        append: Append,
        hold: Reservation,
        prompter: Prompter | None = None,
        emulated: EmulatedDevice | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        """Describe the part; ``emulated`` is the device, if it is an emulated one."""
        self._redactor = redactor or Redactor()
        self._file, self._append, self._pki, self._run_folder = file, append, pki, run_folder
        self._hold = hold
        self._prompter = prompter
        self.lost = future()
        self._emulated = emulated
        self.intercom: Intercom

    async def start(self) -> None:
        """Switch on an emulated device, and open the instruments."""
        tables = await self._hold.located(self._file.device)
        if self._hold.lost is not None:
            self._hold.lost.add_done_callback(self._on_place_lost)
        if self._emulated is not None:
            tables = completed(tables, await self._emulated.start(self._file.device.timing.boot))
            learn_from(tables, self._redactor)
        self.intercom = intercom(
            tables,
            append=self._noticed,
            device_lost=self._emulated.lost if self._emulated else None,
            heard=voices(self._file, tables, append=self._noticed, identity=self._identity),
            prompter=self._prompter,
            redactor=self._redactor,
        )
        await self.intercom.open()
        self.intercom.lost.add_done_callback(self._on_lost)

    async def check(self) -> None:
        """Return when it is known not to be lost. Raises BenchError or DeviceCrashed: it is."""
        await self.intercom.check()

    async def until_back(self) -> None:
        """Return when the portal answers, where there is one; one that has to be waited for has restarted.

        To be called between two scenarios: the next one has asked the device nothing yet.

        Raises:
            BenchError: an instrument is lost.
            DeviceCrashed: the device is, or its portal is still gone after the time that it takes to start.
        """
        portal = self.intercom.portal
        if self.intercom.settling:
            return
        gone = await _gone(portal)
        if gone is None:
            return
        deadline = monotonic() + self._file.device.timing.boot
        while await _gone(portal) is not None:
            await self.intercom.check()
            if monotonic() > deadline:
                raise gone
            await asyncio.sleep(_LOOK_EVERY)
        self.intercom.forget()
        lost = InstrumentLost(instrument="device", problem=f"it was gone for a while: {gone}", blame="device")
        self._append(Witness.PORTAL, lost, None)

    async def stop(self) -> None:
        """Release every output, close the instruments, switch an emulated device off."""
        steps = [self._export, self.intercom.close] if hasattr(self, "intercom") else []
        await in_turn([*steps, *([self._emulated.stop] if self._emulated is not None else [])])

    def _noticed(self, witness: Witness, content: Content, at: float | None) -> Observation:
        """Put what was seen on the timeline; a restart that new settings cost is no loss of the device."""
        restart = isinstance(content, InstrumentLost) and content.instrument == "device"
        if restart and self.intercom.settling and not (self._emulated and self._emulated.lost.done()):
            content = Note(text="the device restarts, as it may for new settings (device.timing.apply)")
        return self._append(witness, content, at)

    def _identity(self, address: str) -> TlsIdentity:
        server = self._pki.server("for the address", address, address)
        return TlsIdentity(server.chain, server.key)

    async def _export(self) -> None:
        """Keep the event log that the portal exports, where the bench file names it, before it goes."""
        source = log_file(self._file)
        portal = self.intercom.portal
        if source is None or not source.export or not isinstance(portal, Portal) or self.lost.done():
            return
        await self.intercom.until_ready()
        with suppress(DeviceCrashed):
            content = await portal.download(source.export)
            keep_export(self._run_folder, self._redactor.data(content))

    def _on_place_lost(self, lost: asyncio.Future[str]) -> None:
        if lost.cancelled() or self.lost.done():
            return
        problem = BenchError(lost.result(), "labgrid", "see labgrid-client who, and labgrid-client resources")
        loss = InstrumentLost(instrument="labgrid place", problem=lost.result(), blame="bench")
        self._append(Witness.BENCH, loss, None)
        self.lost.set_result(problem)

    def _on_lost(self, lost: Lost) -> None:
        if not lost.cancelled() and not self.lost.done():
            self.lost.set_result(lost.result())


async def _gone(portal: Configurator) -> DeviceCrashed | None:
    """Return why nothing answers at a portal; what is wrong with an answer shows where it is used."""
    try:
        await portal.reach()
    except DeviceCrashed as problem:
        return problem
    except BenchError:
        pass
    return None


def completed(tables: DeviceTable, ready: Ready) -> DeviceTable:
    """Return the tables of an emulated device with its own console, button, portal and speaker."""
    portal = PortalOptions(
        url=ready.portal,
        account=FACTORY_ACCOUNT.name,
        password=FACTORY_ACCOUNT.password,
        viewer=FACTORY_VIEWER.name,
        viewer_password=FACTORY_VIEWER.password,
    )
    browser = tables.browser or BrowserOptions()
    found = {name: value for name, value in portal.model_dump().items() if name in _BROUGHT}
    kept = {name for name in _BROUGHT if getattr(browser, name)}
    own = {
        "console": ConsoleTable(port=ready.console, layout=tables.emulated.console_layout),
        "button": _ANY_OUTPUT.validate_python({"kind": "numato-relay", "port": ready.relay}),
        "portal": portal,
        "speaker": SpeakerTable(recording=ready.speaker),
    }
    if tables.configurator == "browser" or tables.browser is not None:
        brought = {name: value for name, value in found.items() if name not in kept}
        tables = tables.model_copy(update={"browser": browser.model_copy(update=brought)})
    if tables.event_sources:
        del own["console"]  # the file names where its events come from: nothing is added to that
    if tables.sound_card is not None:
        del own["speaker"]
    return tables.model_copy(
        update={name: table for name, table in own.items() if getattr(tables, name) is None}
    )


def intercom(
    tables: DeviceTable,
    *,
    append: Append,
    device_lost: asyncio.Future[str] | None = None,
    heard: EventChannels | None = None,
    prompter: Prompter | None = None,
    redactor: Redactor | None = None,
) -> Intercom:
    """Put an Intercom together from complete tables; nothing is opened yet.

    Args:
        tables: the device's, with console, button and portal.
        append: puts observations on the current scenario's timeline.
        device_lost: resolves when the device itself ends, where that can be known.
        heard: how it reports its events; by its console, when not given.
        prompter: asks the person at the bench, where there is one.
        redactor: learns the secrets that come up.

    Raises:
        BenchError: two instruments cannot hang on one port.
    """
    heard = heard or EventChannels()
    redactor = redactor or Redactor()
    assert tables.button is not None
    ports = SharedPorts()
    portal = tables.portal.url if tables.portal else ""
    context = ConfiguratorContext(tables.address, append, prompter, portal, redactor.learn)
    way = tables.way_to_settings.make(context)
    return Intercom(
        address=tables.address,
        append=append,
        portal=way,
        pages=page_viewer(tables.browser if tables.capabilities.portal_pages else None, way, context),
        button=Button(tables.button.make(ports, name="button"), append=append),
        console=_console(ports, tables.console, append) if tables.console else None,
        layout=heard.layout,
        console_role=heard.console,
        sources=heard.live,
        speaker=_ear(tables, append),
        supply=tables.power.make(ports, append=append) if tables.power else None,
        inputs={name: options.make(ports, name=name) for name, options in tables.inputs.items()},
        device_lost=device_lost,
        extension=tables.extension,
        sip_port=tables.sip_port,
        hold=tables.button.hold,
        settling=tables.timing.apply,
        redactor=redactor,
    )


def _ear(tables: DeviceTable, append: Append) -> SpeakerListener | None:
    if tables.sound_card is not None:
        return sound_card(tables.sound_card, append=append)
    return Speaker(tables.speaker.recording, append=append) if tables.speaker else None


def sound_card(table: SoundCardTable, *, append: Append) -> SoundCard:
    """Return the sound card that a table describes; must be called inside a running event loop."""
    from intercom_hil.instruments.sound_card import SoundCard  # with numpy, which few benches need so early

    return SoundCard(
        record=table.command(table.record),
        play=table.command(table.play),
        rate=table.rate,
        level=table.level,
        append=append,
    )


def _console(ports: SharedPorts, table: ConsoleTable, append: Append) -> Console:
    console = SerialConsole.on(ports, table.port, baudrate=table.baud_rate)
    console.set_line(dtr=table.dtr, rts=table.rts, exclusive=table.exclusive)
    if not table.reopen_within:
        return console
    return ReopeningConsole(console, within=table.reopen_within, on_link=partial(_report_link, append))


def _report_link(append: Append, there: bool, reason: str, at: float) -> None:
    text = "the console is back" if there else f"the console is gone: {reason}"
    append(Witness.BENCH, Note(text=text), at)
