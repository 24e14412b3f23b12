"""The emulated intercom in a container: for machines whose Python has no wheel of its SIP stack.

The container has a Python that has one, and the network and the serial lines of the machine. The emulated
intercom's code is that of this package, mounted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import platform
import pty
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress
from intercom_hil.processes.engine import Engine, EngineKind, cache_folder
from intercom_hil.processes.image import Recipe, ready_engine
from intercom_hil.processes.process_host import ContainerProcessHost
from intercom_hil.processes.wheels import packages_folder, site_packages

RECIPE = Path(__file__).with_name("emulator_image.toml")
PACKAGE = Path(__file__).resolve().parents[1]
_LINES = 2
"""Console and relay board."""


def runs_here() -> bool:
    """Return whether this Python has the emulated intercom's SIP stack."""
    return importlib.util.find_spec("pjsua2") is not None


def supported() -> bool:
    """Return whether there is a wheel of that stack for this machine, with whatever Python."""
    return (sys.platform, platform.machine()) == ("linux", "x86_64")


@dataclass(frozen=True)
class EmulatorContainer:
    """All that containers with an emulated intercom are made of."""

    engine: Engine
    image: str
    packages: Path
    """What the emulated intercom imports."""

    def __str__(self) -> str:
        return f"in a container of {self.image}, by {self.engine}"

    def host(self, folder: Path, others: Sequence[Path]) -> ContainerProcessHost:
        """Describe a container that may write in ``folder`` and read ``others``."""
        return ContainerProcessHost(
            self.engine,
            self.image,
            "device",
            mounts=(folder, _bytecode()),
            read_only=(*others, self.packages, PACKAGE),
        )

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the variables with which Python finds the emulated intercom and what it imports."""
        # A folder of its own: beside an installed package lies what this machine's Python imports.
        code = folder / "code"
        code.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (code / PACKAGE.name).symlink_to(PACKAGE)
        return {"PYTHONPATH": f"{code}:{self.packages}", "PYTHONPYCACHEPREFIX": str(_bytecode())}


def ready_emulator(kind: EngineKind, progress: Progress) -> EmulatorContainer | None:
    """Return what the emulated intercom needs in order to run; None where it needs no container.

    Args and raises: see `ready_container`.
    """
    return None if runs_here() else ready_container(kind, progress)


def ready_container(kind: EngineKind, progress: Progress) -> EmulatorContainer:
    """Return what containers with an emulated intercom are made of; what is missing is made, in a minute.

    Args:
        kind: the container engine to use.
        progress: is called with what is being done, where it takes long.

    Raises:
        BenchError: it cannot run here; the remedy says what to do.
    """
    _check_supported()
    recipe = Recipe.load(RECIPE)
    packages = site_packages(recipe.wheels, python=recipe.python, progress=progress)
    engine, image = ready_engine(progress, kind=kind, recipe=recipe)
    return EmulatorContainer(engine, image, packages)


def check_emulator(kind: EngineKind) -> str:
    """Return where the emulated intercom would run; nothing is made.

    Raises:
        BenchError: it cannot run as things stand; the remedy says what to do.
    """
    if runs_here():
        return f"with this Python {platform.python_version()}"
    _check_supported()
    recipe = Recipe.load(RECIPE)
    engine = Engine.find(kind=kind)
    remedy = "intercom-hil provision"
    if not engine.has_image(recipe.tag):
        raise BenchError(f"its image {recipe.tag} is not there", "", remedy)
    packages = packages_folder(recipe.wheels, python=recipe.python)
    if not packages.exists():
        raise BenchError("the packages that it imports are not there", str(packages), remedy)
    return str(EmulatorContainer(engine, recipe.tag, packages))


def _check_supported() -> None:
    if not supported():
        raise BenchError(
            f"the emulated intercom needs x86-64 Linux, and this is {sys.platform} on {platform.machine()}",
            "device.kind",
            "describe a device of your own, or run it elsewhere: see docs/bench/native.md",
        )


@contextlib.asynccontextmanager
async def ptys_given_out(listening: Path) -> AsyncIterator[None]:
    """Give whoever connects to a unix socket pseudo-terminals of this machine, and keep none of them.

    Those that are made in a container can be opened in that container only.
    """
    with _listener(listening) as listener:
        giving = asyncio.create_task(_give(listener))
        try:
            yield
        finally:
            giving.cancel()
            await asyncio.gather(giving, return_exceptions=True)


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)  # the path may be longer than an address
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen(1)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener


async def _give(listener: socket.socket) -> None:
    taker, _ = await asyncio.get_running_loop().sock_accept(listener)
    with taker, contextlib.ExitStack() as descriptors:
        masters, names = [], []
        for _ in range(_LINES):
            master, other_end = pty.openpty()
            descriptors.callback(os.close, master)
            names.append(os.ttyname(other_end))
            os.close(other_end)
            masters.append(master)
        socket.send_fds(taker, [" ".join(names).encode()], masters)


def _bytecode() -> Path:
    """Return the folder in which the Python of the container keeps what it has compiled."""
    folder = cache_folder() / "emulator-bytecode"
    folder.mkdir(exist_ok=True)
    return folder
