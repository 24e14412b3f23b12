"""The parts of a running bench, each started, watched and stopped as one thing.

A part that is lost resolves ``lost`` with the error to raise: the bench's own, or the device's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from intercom_hil.bench.control_traffic import control_traffic
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.capture.capture import Capture
from intercom_hil.errors import BenchError, DeviceCrashed, joined
from intercom_hil.pbx.config import TlsTransport, new_secret
from intercom_hil.pbx.pbx import Pbx
from intercom_hil.pki import ServerIdentity
from intercom_hil.processes.process_host import SupervisedHost
from intercom_hil.processes.supervisor_client import Supervised
from intercom_hil.proxy.proxy import Proxy
from intercom_hil.stations.stations import Stations
from intercom_hil.timeline import Append
from intercom_hil.timeline.sip_content import sip_content

NameOf = Callable[[str, int], str]
Lost = asyncio.Future[BenchError | DeviceCrashed]


class Component(Protocol):
    """What the assembly asks of a part."""

    name: str
    lost: Lost

    async def start(self) -> None:
        """Start it. Raises BenchError, or DeviceCrashed."""

    async def check(self) -> None:
        """Return when it has given a sign of life. Raises BenchError or DeviceCrashed: it gives none."""

    async def stop(self) -> None:
        """Stop it, whatever state it is in. Idempotent."""


class PbxComponent:
    """Asterisk in a container of its own.

    Attributes:
        place: the container.
        pbx: Asterisk.
        secret: what the bench shows the PBX's interfaces.
    """

    name = "pbx"

    def __init__(
        self,
        file: BenchFile,
        place: SupervisedHost,
        folder: Path,
        identity: Callable[[], ServerIdentity],
        append: Append,
        name_of: NameOf,
        begun_with: str = "",
    ) -> None:
        """Describe the part.

        Args:
            file: the bench.
            place: its container.
            folder: its own, seen in the container at the same path.
            identity: returns what it presents, and may take its time.
            append: puts an observation on the timeline.
            name_of: who is at an address and port.
            begun_with: the secret of an Asterisk that is under way in the container already.
        """
        self.secret = begun_with or new_secret()
        self._file, self.place, self._folder = file, place, folder
        self._begun_with = begun_with
        self._identity, self._append, self._name_of = identity, append, name_of
        self.lost = future()
        self.pbx: Pbx

    async def start(self) -> None:
        """Start the container and Asterisk in it; it is ready on return."""
        await in_parallel([self._make_pbx(), self._open_host()])
        await self.pbx.start()
        _forward(self.pbx.lost, self.lost, self.name, "see its log in the run folder")

    async def check(self) -> None:
        """Return when container and Asterisk have given a sign of life. Raises BenchError."""
        await in_parallel([self.place.supervised.sign_of_life(), self.pbx.check()])

    async def stop(self) -> None:
        """Stop Asterisk and remove its container."""
        if hasattr(self, "pbx"):
            await self.pbx.stop()
            self.pbx.end_testimony()
        await self.place.stop()

    async def _make_pbx(self) -> None:
        file, identity = self._file, await asyncio.to_thread(self._identity)
        self.pbx = Pbx(
            address=file.pbx.address,
            sip_port=file.pbx.sip_port,
            other_sip_ports=(file.pbx.other_sip_port,),
            http_port=file.pbx.http_port,
            ami_port=file.pbx.ami_port,
            hep_address=(file.bench.address, file.bench.hep_port),
            folder=self._folder,
            open_host=self._open_host,
            append=self._append,
            name_of=self._name_of,
            tls=(TlsTransport(file.pbx.tls_port, identity.chain, identity.key),),
            secret=self.secret,
            begun=bool(self._begun_with),
        )

    async def _open_host(self) -> Supervised:
        return self.place.supervised if self.place.is_open else await self.place.start()


class StationsComponent:
    """The container of the remote stations and of the packet capture.

    Attributes:
        place: the container.
        capture: the packet capture, once started.
        stations: the remote stations, once started.
    """

    name = "stations and capture"

    def __init__(
        self,
        file: BenchFile,
        place: SupervisedHost,
        folder: Path,
        append: Append,
        name_of: NameOf,
        redacted: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._file, self.place, self._folder = file, place, folder
        self._append, self._name_of, self._redacted = append, name_of, redacted
        self._supervised: Supervised | None = None
        self.lost = future()
        self.capture: Capture
        self.stations: Stations

    async def start(self) -> None:
        """Start the container and the capture in it; packets are seen on return."""
        file = self._file
        supervised, own = await asyncio.gather(self.place.start(), asyncio.to_thread(control_traffic, file))
        self._supervised = supervised
        self.capture = Capture(
            append=self._append,
            name_of=self._name_of,
            place=supervised,
            folder=self._folder,
            interface=file.capture.interface,
            sip_ports=_sip_ports(file),
            addresses=_addresses(file),
            marker=(file.pbx.address, MARKER_PORT),
            apart_from=own,
            redacted=self._redacted,
            sound_of_secured=file.evidence.media_keys == "kept",
        )
        await self.capture.start()
        self.stations = Stations(
            host=supervised,
            addresses=file.stations.addresses,
            folder=self._folder,
            sip_port=file.stations.sip_port,
            rtp_ports=file.stations.rtp_ports,
            append=self._append,
            read_sip=partial(sip_content, name_of=self._name_of),
        )
        remedy = "look for what killed the container"
        _forward(supervised.lost, self.lost, self.name, remedy)
        _forward(self.capture.lost, self.lost, "capture", remedy)

    async def say(self, *argv: str) -> str:
        """Run a short command in the container and return the first line it writes, empty if none."""
        assert self._supervised is not None
        lines: list[str] = []

        def take(stream: str, text: str, time: float) -> None:
            if text.strip():
                lines.append(text.strip())

        name = f"say-{argv[0]}"
        process = await self._supervised.start(name, argv, cwd=self._folder, on_line=take)
        await process.wait(within=5.0)
        return lines[0] if lines else ""

    async def check(self) -> None:
        """Return when the container has given a sign of life, and a packet has come through the capture.

        Raises:
            BenchError: one of them has not.
        """
        await in_parallel([self.place.supervised.sign_of_life(), self.capture.flush()])

    async def stop(self) -> None:
        """End the capture and remove the container."""
        if self._supervised is not None:
            await self.capture.stop()
            self._supervised = None
        await self.place.stop()


def _sip_ports(file: BenchFile) -> frozenset[int]:
    proxy = {file.proxy.port} if file.proxy else set()
    pbx = {file.pbx.sip_port, file.pbx.other_sip_port}
    return frozenset({*pbx, file.device.sip_port, file.stations.sip_port, *proxy})


def _addresses(file: BenchFile) -> tuple[str, ...]:
    proxy = (file.proxy.address,) if file.proxy else ()
    return (file.pbx.address, *proxy, file.device.address, *file.stations.addresses)


class ProxyComponent:
    """Kamailio in a container of its own. It is started with the first scenario that needs it.

    Attributes:
        place: the container.
        proxy: Kamailio, once started.
    """

    name = "proxy"

    def __init__(self, file: BenchFile, place: SupervisedHost, folder: Path, append: Append) -> None:
        self._file, self.place, self._folder, self._append = file, place, folder, append
        self.lost = future()
        self.proxy: Proxy

    async def start(self) -> None:
        """Start the container and Kamailio in it; it answers on return."""
        assert self._file.proxy is not None
        supervised = await self.place.start()
        self.proxy = Proxy(
            host=supervised,
            address=self._file.proxy.address,
            port=self._file.proxy.port,
            server=self._file.pbx.address,
            folder=self._folder,
            append=self._append,
        )
        await self.proxy.start()
        remedy = "see its output in the run folder"
        _forward(supervised.lost, self.lost, self.name, remedy)
        _forward(self.proxy.lost, self.lost, self.name, remedy)

    async def check(self) -> None:
        """Return when the container has given a sign of life. Raises BenchError."""
        await self.place.supervised.sign_of_life()

    async def stop(self) -> None:
        """Remove the container, and Kamailio with it."""
        await self.place.stop()


MARKER_PORT = 9
"""The discard port: a datagram to it shows the capture how far it has come."""


def future() -> Lost:
    """Return a future that reports a part's loss."""
    return asyncio.get_running_loop().create_future()


def _forward(source: asyncio.Future[str], target: Lost, name: str, remedy: str) -> None:
    def done(lost: asyncio.Future[str]) -> None:
        if not lost.cancelled() and not target.done():
            target.set_result(BenchError(lost.result(), name, remedy))

    source.add_done_callback(done)


async def in_parallel(steps: Sequence[Awaitable[object]]) -> None:
    """Run steps side by side, let each come to its end, and raise what went wrong in any of them, joined."""
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    if problems := [outcome for outcome in outcomes if isinstance(outcome, BaseException)]:
        raise joined(problems)


async def in_turn(steps: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Take every step in turn, whatever becomes of those before; raise what went wrong, joined."""
    problems: list[BaseException] = []
    for step in steps:
        try:
            await step()
        except BaseException as problem:
            problems.append(problem)
    if problems:
        raise joined(problems)
