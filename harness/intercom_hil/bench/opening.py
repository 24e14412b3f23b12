"""What a bench takes longest to open, begun before there is an event loop: containers, keys, emulated device.

Whoever is to play on a bench can begin this as soon as the bench file is read, and import what it plays with
meanwhile. The assembly takes it over; what it does not take is ended again.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.emulator_container import runs_here
from intercom_hil.errors import BenchError
from intercom_hil.processes.host import ContainerHost, Host
from intercom_hil.processes.leftovers import working_folder
from intercom_hil.processes.process_host import ContainerProcessHost, SupervisedHost

if TYPE_CHECKING:
    from intercom_hil.bench.pki import Pki
    from intercom_hil.device.emulated import EmulatedDevice
    from intercom_hil.device.emulator_container import EmulatorContainer

PKI_FOLDER = "pki"
PBX, PEERS = "pbx", "peers"
"""What the places of every bench are called: the PBX's, and that of the stations and the capture."""
_MAY_CAPTURE = ("NET_RAW", "NET_ADMIN")
_WAITS_FOR_US = 20.0
"""Seconds for which what was begun is sure to wait: a supervisor gives up after half a minute."""


class Opening:
    """A bench that begins to open.

    Attributes:
        folder: the bench's working folder.
        run_folder: the folder of the run that it is opened for.
    """

    def __init__(self, file: BenchFile, run_folder: Path) -> None:
        """Make the working folder; nothing else is begun yet.

        Args:
            file: the bench.
            run_folder: the folder of its run.
        """
        self.folder = working_folder()
        (self.folder / PKI_FOLDER).mkdir(mode=0o700)
        self.run_folder = run_folder
        self._file = file
        self._pki: Pki | None = None
        self._host: ContainerHost | None = None
        self._begun: dict[str, tuple[ContainerProcessHost, Path]] = {}
        self._begun_at = 0.0
        self._pbx_secret = ""
        self._device: EmulatedDevice | None = None

    def begin(self) -> None:
        """Begin to start containers, where an engine is known, to make keys, and to start device and PBX.

        It returns at once. The PBX and an emulated device wait for their turn where one of the bench's
        addresses is taken, by another program or by what a killed run left, and the device where it needs a
        container or keys.
        """
        host = ContainerHost.remembered(self._file.engine.kind)
        if host is not None and not host.engine.rootless:
            self._host, self._begun_at = host, time.monotonic()
            for role in (PBX, PEERS):
                folder = self.new_folder(role)
                place = host.place(role, mounts=self._mounts(role, folder), cap_add=_capabilities(role))
                self._begun[role] = place, folder
                place.begin()
        with suppress(BenchError, OSError):  # whoever asks for them meets it again
            _ = self.pki
            free = next(taken_addresses(self._file), None) is None
            if free and _is_plain(self._file):
                self._device = self._new_device(None)
                self._device.begin()
            if free and PBX in self._begun:
                self._begin_pbx(*self._begun[PBX])

    def _begin_pbx(self, place: ContainerProcessHost, folder: Path) -> None:
        """Have Asterisk started as soon as its container runs. Raises OSError."""
        from intercom_hil.pbx.config import (
            USER,
            PbxConfig,
            new_secret,
        )  # not before the containers have begun
        from intercom_hil.pbx.pbx import PROGRAM

        pbx, secret = self._file.pbx, new_secret()
        config = PbxConfig(
            folder=folder,
            address=pbx.address,
            sip_port=pbx.sip_port,
            http_port=pbx.http_port,
            ami_port=pbx.ami_port,
            hep_address=(self._file.bench.address, self._file.bench.hep_port),
            user=USER,
            secret=secret,
        )
        config.write()
        place.order(PROGRAM, config.argv, folder)
        self._pbx_secret = secret

    @property
    def pki(self) -> Pki:
        """The certificates of the run; they are in the making from the first time that they are asked for."""
        from intercom_hil.bench.pki import Pki  # not before the containers have begun

        if self._pki is None:
            trusted = self._file.device.trusted_ca
            known = (trusted.certificate, trusted.key) if trusted else None
            self._pki = Pki(self.folder / PKI_FOLDER, known)
        return self._pki

    def host(self) -> ContainerHost | None:
        """Block until all that was begun runs, and return where; None if something does not, or nothing was.

        Of what does not run as a whole, all is ended again.
        """
        if not self._begun:
            return None
        try:
            if time.monotonic() - self._begun_at > _WAITS_FOR_US:
                raise BenchError("it has waited for too long")
            for place, _ in self._begun.values():
                place.until_begun()
        except BenchError:
            self._abandon()
            return None
        return self._host

    def place(self, role: str, host: Host) -> tuple[SupervisedHost, Path]:
        """Return a place of a role and the folder of its own: once the one that was begun, else a new one."""
        if role in self._begun:
            return self._begun.pop(role)
        folder = self.new_folder(role)
        return host.place(role, mounts=self._mounts(role, folder), cap_add=_capabilities(role)), folder

    @property
    def device_begun(self) -> bool:
        """Whether the emulated device is on, or is about to be: its addresses are taken then."""
        return self._device is not None

    @property
    def pbx_begun(self) -> bool:
        """Whether the PBX is under way: its interfaces' ports are taken then, or are about to be."""
        return bool(self._pbx_secret)

    def take_pbx_secret(self) -> str:
        """Return, once, the secret with which the PBX was begun; empty if it was not."""
        secret, self._pbx_secret = self._pbx_secret, ""
        return secret

    def device(self, container: EmulatorContainer | None) -> EmulatedDevice | None:
        """Return the emulated device: once the one that was begun, else a new one; None of a physical one.

        Args:
            container: what a new one runs in, where this Python cannot run it.
        """
        if self._file.device.kind != "emulated":
            return None
        device, self._device = self._device, None
        return device or self._new_device(container)

    def _new_device(self, container: EmulatorContainer | None) -> EmulatedDevice:
        from intercom_hil.bench.emulated_device import emulated_device  # not before the containers have begun

        return emulated_device(self._file, self.new_folder("device") / "device", self.pki, container)

    def new_folder(self, name: str) -> Path:
        """Make a new folder in the working folder."""
        return Path(mkdtemp(prefix=f"{name}-", dir=self.folder))

    def close(self) -> None:
        """End what was begun and not taken, and remove the working folder. Idempotent."""
        device, self._device = self._device, None
        try:
            if device is not None:
                device.abandon()
            self._abandon()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _abandon(self) -> None:
        """End the containers that were begun and not taken."""
        self._host, self._pbx_secret = None, ""
        while self._begun:
            _, (place, _) = self._begun.popitem()
            with suppress(BenchError):  # it ends by itself when nobody comes
                place.abandon()

    def _mounts(self, role: str, folder: Path) -> tuple[Path, ...]:
        own = {PBX: (self.run_folder, self.folder / PKI_FOLDER), PEERS: (self.run_folder,)}
        return (folder, *own.get(role, ()))


def _is_plain(file: BenchFile) -> bool:
    """Whether a bench's device is an emulated one that can be begun with nothing but the bench file."""
    return file.device.kind == "emulated" and not file.device.event_sources and runs_here()


def _capabilities(role: str) -> tuple[str, ...]:
    return _MAY_CAPTURE if role == PEERS else ()
