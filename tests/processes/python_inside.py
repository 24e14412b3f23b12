"""The project's dependencies, from wheels, for the interpreter inside the bench's image."""

from __future__ import annotations

import os
import tomllib
from importlib.metadata import distribution

from intercom_hil.processes.wheels import site_packages as packages
from tests.structure.source_tree import ROOT


def site_packages(version):
    """Return the folder with the dependencies for a version of Python such as ``3.14``; made if need be."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    # The bench needs no SIP stack of its own; and pip would judge that marker by the wrong interpreter.
    wanted = [name for name in declared if not name.startswith("pjsua2-python")]
    folder = packages(wanted, python=version, progress=lambda _: None, dependencies=True)
    project = distribution("intercom-hil")
    information = folder / f"intercom_hil-{project.version}.dist-info"
    information.mkdir(exist_ok=True)
    metadata = project.read_text("METADATA") or project.read_text("PKG-INFO")
    for name, text in (("METADATA", metadata), ("entry_points.txt", project.read_text("entry_points.txt"))):
        kept = information / name
        if not kept.exists() or kept.read_text() != text:  # else several tests would write what one reads
            part = information / f"{name}.{os.getpid()}"
            part.write_text(text)
            part.replace(kept)
    return folder
