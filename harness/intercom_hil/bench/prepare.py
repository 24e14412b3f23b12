"""What a bench needs on this machine before any part of it is started: made ready, or said to be missing."""

from __future__ import annotations

from typing import NamedTuple

from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.emulator_container import EmulatorContainer, ready_emulator
from intercom_hil.processes.command import Progress
from intercom_hil.processes.host import Host, ready_host


class Prepared(NamedTuple):
    """What the parts of a bench are started in; ``emulator`` is None where no container is needed for it."""

    host: Host
    emulator: EmulatorContainer | None


def prepare(file: BenchFile, progress: Progress) -> Prepared:
    """Install and make what is missing; where all is there this takes some 30 ms.

    Args:
        file: the bench.
        progress: is called with what is being done, where it takes long.

    Raises:
        BenchError: something cannot be had here; the remedy says what to do.
    """
    kind = file.engine.kind
    host = ready_host(kind, progress, interface=file.capture.interface, proxy=file.proxy is not None)
    if file.device.kind != "emulated":
        return Prepared(host, None)
    return Prepared(host, ready_emulator("auto" if kind == "native" else kind, progress))
