"""labgrid's client, in an environment of its own: made where a bench file asks for it, else found.

labgrid brings ``pyserial-labgrid``, which installs itself in the place of pyserial; so it never shares an
environment with the bench, and a bench that finds it in its own does not begin.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress, run_with_progress
from intercom_hil.processes.engine import cache_folder

RELEASE = "26.0.1"
"""The labgrid that is installed, and whose output ``intercom_hil.lab`` reads."""
FORK = "pyserial-labgrid"
INSTALL_WITHIN = 600.0
"""Seconds for pip to bring labgrid and its dependencies."""
_COMPLETE = "complete"


def labgrid_folder(cache: Path | None = None) -> Path:
    """Return the folder with labgrid's programs in the environment that ``provide_labgrid`` makes."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (cache or cache_folder()) / f"labgrid-{RELEASE}-python-{python}" / "venv" / "bin"


def provide_labgrid(progress: Progress, cache: Path | None = None) -> Path:
    """Install labgrid in an environment of its own, unless it is there, and return its client.

    Args:
        progress: called with what is done.
        cache: where; default: the user's cache folder.

    Raises:
        BenchError: it could not be installed.
    """
    folder = labgrid_folder(cache)
    home = folder.parents[1]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two that need it install it once
        if not (home / _COMPLETE).exists():
            make = [sys.executable, "-m", "venv", "--clear", str(folder.parent)]
            install = [str(folder / "python"), "-m", "pip", "install", f"labgrid=={RELEASE}"]
            run_with_progress(make, "making an environment for labgrid", progress, within=INSTALL_WITHIN)
            run_with_progress(install, f"installing labgrid {RELEASE}", progress, within=INSTALL_WITHIN)
            (home / _COMPLETE).touch()
    return folder / "labgrid-client"


def client_command(named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that starts labgrid-client.

    Args:
        named: the one that the bench file names, if any.

    Raises:
        BenchError: there is none, or labgrid has got into the bench's own environment.
    """
    keep_apart()
    if named:
        return named
    provided = labgrid_folder() / "labgrid-client"
    if (provided.parents[2] / _COMPLETE).exists():
        return (str(provided),)
    found = shutil.which("labgrid-client")
    if found is None:
        raise BenchError(
            "labgrid-client is not installed",
            "labgrid.client",
            "intercom-hil provision --labgrid, or name the one there is",
        )
    return (found,)


def keep_apart() -> None:
    """Make sure that pyserial is pyserial. Raises BenchError."""
    try:
        version(FORK)
    except PackageNotFoundError:
        return
    raise BenchError(
        f"{FORK} is installed beside the bench and has replaced pyserial",
        sys.prefix,
        f"pip uninstall {FORK} labgrid; pip install --force-reinstall pyserial; labgrid gets an environment "
        "of its own by intercom-hil provision --labgrid",
    )
