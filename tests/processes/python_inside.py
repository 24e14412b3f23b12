"""A Python environment for the interpreter inside the bench's image: the project's dependencies, from wheels.

The interpreter of the image's distribution comes without pip; this one's fetches what that one needs. What
was fetched is kept in the user's cache folder, by the list of dependencies and the version of Python.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from intercom_hil.processes.engine import cache_folder
from tests.structure.source_tree import ROOT

INSTALL_WITHIN = 600.0  # s
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


def site_packages(version):
    """Return the folder with the dependencies for a version of Python such as ``3.14``; made if need be."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    # The bench needs no SIP stack of its own; and pip would judge that marker by the wrong interpreter.
    wanted = [name for name in declared if not name.startswith("pjsua2-python")]
    digest = hashlib.sha256(
        "\n".join(
            [*wanted, version, distribution("intercom-hil").read_text("entry_points.txt") or ""]
        ).encode()
    ).hexdigest()[:12]
    folder = cache_folder() / f"python-{version}-{digest}"
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _install(wanted, version, part)
            part.rename(folder)
    return folder


def _install(wanted, version, folder):
    abi = f"cp{version.replace('.', '')}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    command += ["--python-version", version, "--implementation", "cp", "--only-binary=:all:"]
    command += [f"--abi={name}" for name in (abi, "abi3", "none")]
    command += [f"--platform={name}_{platform.machine()}" for name in _PLATFORMS] + ["--platform=any"]
    subprocess.run([*command, *wanted], check=True, timeout=INSTALL_WITHIN)
    project = distribution("intercom-hil")
    metadata = project.read_text("METADATA") or project.read_text("PKG-INFO")
    information = Path(folder, f"intercom_hil-{project.version}.dist-info")
    information.mkdir()
    (information / "METADATA").write_text(metadata)
    (information / "entry_points.txt").write_text(project.read_text("entry_points.txt") or "")
