"""What a bench needs on this machine before any part of it is started: made ready, or said to be missing."""

from __future__ import annotations

from typing import NamedTuple

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.emulator_container import EmulatorContainer, check_emulator, ready_emulator
from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress
from intercom_hil.processes.engine import Engine
from intercom_hil.processes.host import ContainerHost, Host, ready_host
from intercom_hil.processes.image import Recipe


class Prepared(NamedTuple):
    """What the parts of a bench are started in; ``emulator`` is None where no container is needed for it."""

    host: Host
    emulator: EmulatorContainer | None

    @property
    def rootless(self) -> Engine | None:
        """The engine, if its containers may not capture on this machine's network: `own_network` helps."""
        host = self.host
        return host.engine if isinstance(host, ContainerHost) and host.engine.rootless else None


def prepare(
    file: BenchFile, progress: Progress, *, as_it_is: bool = True, running: ContainerHost | None = None
) -> Prepared:
    """Install and make what is missing; where all is there this takes some 30 ms.

    Args:
        file: the bench.
        progress: is called with what is being done, where it takes long.
        as_it_is: whether the bench is started by this process; else in a network of its own, if need be.
        running: where containers of the bench run already, so that nothing is missing.

    Raises:
        BenchError: something cannot be had here; the remedy says what to do.
    """
    kind = file.engine.kind
    host = running or ready_host(
        kind, progress, interface=file.capture.interface, proxy=file.proxy is not None
    )
    emulator = None
    if file.device.kind == "emulated":
        emulator = ready_emulator("auto" if kind == "native" else kind, progress)
    prepared = Prepared(host, emulator)
    if prepared.rootless and (as_it_is or not stays_inside(file)):
        raise may_not_capture(file)
    return prepared


def confined(file: BenchFile) -> Engine | None:
    """Return the engine, if a network of the bench's own is needed and all is there to work in it.

    Raises:
        BenchError: there is no engine.
    """
    if file.engine.kind == "native" or not stays_inside(file):
        return None
    engine = Engine.find(kind=file.engine.kind)
    check_emulator(file.engine.kind)
    return engine if engine.rootless and engine.has_image(Recipe.load().tag) else None


def may_not_capture(file: BenchFile) -> BenchError:
    """Return what to say to a user without rights, where a network of the bench's own is no way out."""
    remedies = [
        "start it as root",
        'set engine.kind = "native" and give tcpdump the right to capture: docs/bench/native.md',
        *(["start it by the command intercom-hil"] if stays_inside(file) else []),
    ]
    what = "containers of a user without rights may not capture on this machine's network"
    return BenchError(what, "capture.interface", "; or ".join(remedies))


def stays_inside(file: BenchFile) -> bool:
    """Return whether a bench needs no network but loopback: nothing and nobody outside takes part in it."""
    alone = file.labgrid is None and file.device.operator is None
    return alone and file.device.kind == "emulated" and file.capture.interface == "lo"
