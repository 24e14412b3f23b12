"""What a bench takes longest to open, begun before there is an event loop: containers, device, PBX.

Whoever is to play on a bench can begin this as soon as the bench file is read, and import what it plays with
meanwhile. The assembly takes it over; what it does not take is ended again.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from intercom_hil.bench.containers import PBX, PKI_FOLDER, Containers
from intercom_hil.bench_file.addresses import taken_addresses
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.emulator_container import runs_here
from intercom_hil.errors import BenchError
from intercom_hil.pbx.config import PROGRAM, USER, PbxConfig, new_secret
from intercom_hil.processes.host import ContainerHost, Host
from intercom_hil.processes.process_host import ContainerProcessHost, SupervisedHost

if TYPE_CHECKING:
    from intercom_hil.device.emulated import EmulatedDevice
    from intercom_hil.device.emulator_container import EmulatorContainer
    from intercom_hil.pki import Pki


class Opening:
    """A bench that begins to open.

    Attributes:
        run_folder: the folder of the run that it is opened for.
    """

    def __init__(self, file: BenchFile, containers: Containers) -> None:
        """Describe it; nothing is begun yet but what of the containers has been.

        Args:
            file: the bench.
            containers: its containers; they are the opening's from now on.
        """
        self.run_folder = containers.run_folder
        self._file, self._containers = file, containers
        self._pki: Pki | None = None
        self._pbx_secret = ""
        self._device: EmulatedDevice | None = None

    def begin(self) -> None:
        """Begin to start containers, where an engine is known, the PBX and the device.

        It returns at once. The PBX and an emulated device wait for their turn where one of the bench's
        addresses is taken, by another program or by what a killed run left, and the device where it needs a
        container.
        """
        self._containers.begin(self._file.engine.kind)
        with suppress(BenchError, OSError):  # whoever asks for them meets it again
            free = next(taken_addresses(self._file), None) is None
            if free and (begun := self._containers.begun(PBX)) is not None:
                self._begin_pbx(*begun)
            if free and _is_plain(self._file):
                self._device = self._new_device(None)
                self._device.begin()

    def _begin_pbx(self, place: ContainerProcessHost, folder: Path) -> None:
        """Have Asterisk started as soon as its container runs. Raises OSError."""
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
        """The certificates of the run. None is made before the bench is open, or one is asked for."""
        from intercom_hil.pki import Pki  # not before the PBX has begun

        if self._pki is None:
            trusted = self._file.device.trusted_ca
            known = (trusted.certificate, trusted.key) if trusted else None
            self._pki = Pki(self._containers.folder / PKI_FOLDER, known)
        return self._pki

    def host(self) -> ContainerHost | None:
        """Block until all containers that were begun run, and return where; `Containers.host` says more."""
        host = self._containers.host()
        if host is None:
            self._pbx_secret = ""
        return host

    def place(self, role: str, host: Host) -> tuple[SupervisedHost, Path]:
        """Return a place of a role and the folder of its own: once the one that was begun, else a new one."""
        return self._containers.place(role, host)

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
        from intercom_hil.bench.emulated_device import emulated_device  # not before the PBX has begun

        state = self._containers.new_folder("device") / "device"
        return emulated_device(self._file, state, self.pki, container)

    def close(self) -> None:
        """End what was begun and not taken, and remove the working folder. Idempotent."""
        device, self._device = self._device, None
        try:
            if device is not None:
                device.abandon()
        finally:
            self._pbx_secret = ""
            self._containers.close()


def _is_plain(file: BenchFile) -> bool:
    """Whether a bench's device is an emulated one that can be begun with nothing but the bench file."""
    return file.device.kind == "emulated" and not file.device.event_sources and runs_here()
