"""What the bench's places are made of: containers of an engine, or processes of this machine.

The bench file comes in; out goes a host that is ready to open places, or a ``BenchError`` that says what is
missing and how to get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from harness.bench.command import Progress
from harness.bench.engine import Engine
from harness.bench.image import ready_engine
from harness.bench.model import BenchFile
from harness.bench.native import NativePlace, check_capture
from harness.bench.place import ContainerPlace, Place
from harness.bench.tools import EVERYWHERE, KAMAILIO, checked


class Host(Protocol):
    """Opens places.

    Attributes:
        image: the container image they are made of; empty where there is none.
    """

    image: str

    def place(self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()) -> Place:
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

    def place(self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()) -> Place:
        """Describe a container."""
        return ContainerPlace(self.engine, self.image, role, mounts=mounts, cap_add=cap_add)

    def reap(self) -> list[str]:
        """Remove the containers whose bench is gone, and return their names. Raises BenchError."""
        return self.engine.reap()


class NativeHost:
    """This machine itself, with what is installed on it."""

    image = ""

    def __str__(self) -> str:
        return "native"

    def place(self, role: str, *, mounts: Sequence[Path], cap_add: Sequence[str] = ()) -> Place:
        """Describe processes; they see all that this one sees, and may do all that this one may."""
        return NativePlace(role, folder=mounts[0])

    def reap(self) -> list[str]:
        """Return nothing: there are no containers."""
        return []


def ready_host(file: BenchFile, progress: Progress) -> Host:
    """Return what the bench file's places are made of, ready to use.

    What is missing is installed and made, where that is a container engine and an image.

    Raises:
        BenchError: something is missing that cannot be had here; the remedy says what to do.
    """
    if file.engine.kind == "native":
        native_versions(file)
        check_capture(file.capture.interface)
        return NativeHost()
    return ContainerHost(*ready_engine(progress, kind=file.engine.kind))


def native_versions(file: BenchFile) -> dict[str, str]:
    """Return the version of each native program that the bench needs on this machine.

    Raises:
        BenchError: one is missing, or too old.
    """
    tools = (*EVERYWHERE, KAMAILIO) if file.proxy else EVERYWHERE
    return {tool.program: checked(tool) for tool in tools}
