"""Packages for another Python than this one, such as one in a container that comes without pip.

This Python's own pip fetches what that one needs. What was fetched is kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress, run_with_progress
from intercom_hil.processes.engine import cache_folder
from intercom_hil.processes.image import lock

INSTALL_WITHIN = 600.0
"""Seconds; some 10 are usual."""
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux1")


def site_packages(
    wheels: Sequence[str], *, python: str, progress: Progress, dependencies: bool = False
) -> Path:
    """Return a folder with packages for a version of Python; it is made if it is not there.

    Args:
        wheels: what pip is to install.
        python: CPython's version, such as ``3.11``.
        progress: is called with what is being done, where it takes long.
        dependencies: whether to fetch what those need as well. Pip judges by its own version of Python what
            that is.

    Raises:
        BenchError: they cannot be had.
    """
    folder = packages_folder(wheels, python=python)
    if folder.exists():
        return folder
    with lock(folder.with_name(f"{folder.name}.lock"), progress):
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _install(wheels, python, part, progress, dependencies)
            part.rename(folder)
    return folder


def packages_folder(wheels: Sequence[str], *, python: str) -> Path:
    """Return where packages for a version of Python are kept; they need not be there yet."""
    digest = hashlib.sha256("\n".join([*wheels, python]).encode()).hexdigest()[:12]
    return cache_folder() / f"python-{python}-{digest}"


def _install(
    wheels: Sequence[str], python: str, folder: Path, progress: Progress, dependencies: bool
) -> None:
    if importlib.util.find_spec("pip") is None:
        raise BenchError("packages are fetched with pip, which is missing", sys.prefix, "install pip there")
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(folder)]
    argv += ["--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
    argv += [f"--abi={name}" for name in (f"cp{python.replace('.', '')}", "abi3", "none")]
    argv += [f"--platform={name}_{platform.machine()}" for name in _PLATFORMS] + ["--platform=any"]
    argv += [] if dependencies else ["--no-deps"]
    # It is refused together with --target, and would come from the user's settings.
    env = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    what = f"fetching {len(wheels)} packages for Python {python}"
    run_with_progress([*argv, *wheels], what, progress, within=INSTALL_WITHIN, env=env)
