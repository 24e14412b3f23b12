"""The containers of a bench, begun first of all: an engine takes its time, and needs to know little for it.

Neither the bench file's model nor an event loop is needed here, and nothing is imported that takes long.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from intercom_hil.errors import BenchError
from intercom_hil.processes.host import ContainerHost, Host
from intercom_hil.processes.leftovers import working_folder
from intercom_hil.processes.process_host import ContainerProcessHost, SupervisedHost

PKI_FOLDER = "pki"
PBX, PEERS = "pbx", "peers"
"""What the places of every bench are called: the PBX's, and that of the stations and the capture."""
_MAY_CAPTURE = ("NET_RAW", "NET_ADMIN")
_WAITS_FOR_US = 20.0
"""Seconds for which what was begun is sure to wait: a supervisor gives up after half a minute."""


class Containers:
    """The containers of a bench that begins to open, and where everything else of its kind is from.

    Attributes:
        folder: the bench's working folder.
        run_folder: the folder of the run that it is opened for.
    """

    def __init__(self, run_folder: Path) -> None:
        """Make the working folder; nothing is begun yet."""
        self.folder = working_folder()
        (self.folder / PKI_FOLDER).mkdir(mode=0o700)
        self.run_folder = run_folder
        self._host: ContainerHost | None = None
        self._begun: dict[str, tuple[ContainerProcessHost, Path]] = {}
        self._begun_at = 0.0

    def begin(self, kind: str) -> None:
        """Begin to start the containers, where an engine is known to run them; it returns at once.

        Args:
            kind: ``engine.kind`` of the bench file; one that is none begins nothing.
        """
        host = ContainerHost.remembered(kind)
        if host is None or host.engine.rootless or self._begun:
            return
        self._host, self._begun_at = host, time.monotonic()
        for role in (PBX, PEERS):
            folder = self.new_folder(role)
            place = host.place(role, mounts=self._mounts(role, folder), cap_add=_capabilities(role))
            self._begun[role] = place, folder
            place.begin()

    def begun(self, role: str) -> tuple[ContainerProcessHost, Path] | None:
        """Return the container that was begun for a role and not taken, and its folder."""
        return self._begun.get(role)

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
            self.abandon()
            return None
        return self._host

    def place(self, role: str, host: Host) -> tuple[SupervisedHost, Path]:
        """Return a place of a role and the folder of its own: once the one that was begun, else a new one."""
        if role in self._begun:
            return self._begun.pop(role)
        folder = self.new_folder(role)
        return host.place(role, mounts=self._mounts(role, folder), cap_add=_capabilities(role)), folder

    def new_folder(self, name: str) -> Path:
        """Make a new folder in the working folder."""
        return Path(mkdtemp(prefix=f"{name}-", dir=self.folder))

    def abandon(self) -> None:
        """End the containers that were begun and not taken. Idempotent."""
        self._host = None
        while self._begun:
            _, (place, _) = self._begun.popitem()
            with suppress(BenchError):  # it ends by itself when nobody comes
                place.abandon()

    def close(self) -> None:
        """End what was begun and not taken, and remove the working folder. Idempotent."""
        try:
            self.abandon()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self, role: str, folder: Path) -> tuple[Path, ...]:
        own = {PBX: (self.run_folder, self.folder / PKI_FOLDER), PEERS: (self.run_folder,)}
        return (folder, *own.get(role, ()))


def _capabilities(role: str) -> tuple[str, ...]:
    return _MAY_CAPTURE if role == PEERS else ()
