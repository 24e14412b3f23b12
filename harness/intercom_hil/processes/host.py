"""What the bench's places are made of: containers of an engine, or processes of this machine.

A host that is ready opens places; what is missing is a ``BenchError`` that says how to get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from intercom_hil.processes.command import Progress
from intercom_hil.processes.engine import Engine, EngineKind
from intercom_hil.processes.image import Recipe, ready_engine
from intercom_hil.processes.native import NativeProcessHost, check_capture
from intercom_hil.processes.native_programs import EVERYWHERE, KAMAILIO, checked
from intercom_hil.processes.process_host import ContainerProcessHost, SupervisedHost

HostKind = EngineKind | Literal["native"]


class Host(Protocol):
    """Opens places.

    Attributes:
        image: the container image they are made of; empty where there is none.
    """

    image: str

    def place(self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()) -> SupervisedHost:
        """Describe a place.

        Args:
            role: what it is to the bench.
            mounts: files and folders that its programs see, at the same paths; the first is its own folder.
            cap_add: Linux capabilities that its programs need beyond the usual.
        """

    def reap(self) -> list[str]:
        """Remove the containers whose bench is gone, and return their names. Raises BenchError."""


class ContainerHost:
    """A container engine with the bench's image."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self.image = engine, image

    def __str__(self) -> str:
        return str(self.engine)

    @classmethod
    def remembered(cls, kind: str) -> ContainerHost | None:
        """Return what ran containers here before, without asking it anything; None if nothing did.

        Its store may have been emptied since, of the image too: then nothing starts, and `ready_host` helps.
        """
        engine = None if kind == "native" else Engine.remembered(kind)
        return cls(engine, Recipe.load().tag) if engine is not None else None

    def place(
        self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()
    ) -> ContainerProcessHost:
        """Describe a container."""
        return ContainerProcessHost(self.engine, self.image, role, mounts=mounts, cap_add=cap_add)

    def reap(self) -> list[str]:
        """Remove the containers whose bench is gone, and return their names. Raises BenchError."""
        return self.engine.reap()


class NativeHost:
    """This machine itself, with what is installed on it."""

    image = ""

    def __str__(self) -> str:
        return "native"

    def place(self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()) -> SupervisedHost:
        """Describe processes; they see all that this one sees, and may do all that this one may."""
        return NativeProcessHost(role, folder=mounts[0])

    def reap(self) -> list[str]:
        """Return nothing: there are no containers."""
        return []


def ready_host(kind: HostKind, progress: Progress, *, interface: str, proxy: bool) -> Host:
    """Return what native programs run in, ready to use.

    What is missing is installed and made, where that is a container engine and an image.

    Args:
        kind: ``engine.kind`` of the bench file.
        progress: is called with a line for each stage.
        interface: the network interface that is captured from.
        proxy: whether the bench has a SIP proxy.

    Raises:
        BenchError: something is missing that cannot be had here; the remedy says what to do.
    """
    if kind == "native":
        native_versions(proxy=proxy)
        check_capture(interface)
        return NativeHost()
    return ContainerHost(*ready_engine(progress, kind=kind))


def native_versions(*, proxy: bool) -> dict[str, str]:
    """Return the version of each native program that the bench needs on this machine.

    Raises:
        BenchError: one is missing, or too old.
    """
    tools = (*EVERYWHERE, KAMAILIO) if proxy else EVERYWHERE
    return {tool.program: checked(tool) for tool in tools}
