"""What a run ran on and with: versions, image, bench file, commit: what makes it repeatable."""

from __future__ import annotations

import asyncio
import platform
import subprocess
from collections import ChainMap
from importlib.metadata import version
from pathlib import Path
from typing import Any

from intercom_hil.bench.assembly import Assembly
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.device.configurator_kinds import CONFIGURATORS
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.source_kinds import EVENT_SOURCES
from intercom_hil.instruments.equipment import equipment_of
from intercom_hil.instruments.registry import INSTRUMENTS
from intercom_hil.layouts.known import LAYOUTS
from intercom_hil.locations import CHECKOUT

_SECRET = ("password", "secret", "token", "community")
"""Fields with these in their names are in no record of a run."""
_ARP = Path("/proc/net/arp")
_LIBRARIES = ("pytest", "pylibsrtp", "cryptography", "pyserial", "pydantic")


async def environment(bench: Assembly, bench_file: Path) -> dict[str, Any]:
    """Return the environment of a running bench as plain JSON data; nothing in it is a secret."""
    return {
        "harness": version("intercom-hil"),
        "commit": await asyncio.to_thread(_commit),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "platform": platform.platform(),
        "engine": str(bench.host),
        "image": bench.host.image,
        **await _tool_versions(bench),
        "bench": bench.file.bench.name,
        "bench_file": bench_file.name,
        **({"secrets_not_kept_out": unkept} if (unkept := bench.redactor.too_short) else {}),
        "equipment": await asyncio.to_thread(equipment_of, bench.file.device.model_dump(mode="json")),
        **environment_of(bench.file),
    }


async def _tool_versions(bench: Assembly) -> dict[str, str]:
    """Return the version of each native tool; nothing where the bench breaks while it is asked."""
    try:
        return await bench.tool_versions()
    except (BenchError, TimeoutError):
        return {}


def environment_of(file: BenchFile) -> dict[str, Any]:
    """Return what a bench file says that decides verdicts, and whose kinds and layouts it names."""
    own = {name: layout.model_dump(mode="json") for name, layout in file.layouts.items()}
    used = [registry.used for registry in (INSTRUMENTS, CONFIGURATORS, EVENT_SOURCES, LAYOUTS)]
    return {
        **({"layouts": own} if own else {}),
        **({"extensions": dict(ChainMap(*used))} if any(used) else {}),
        "device": without_secrets(file.device.model_dump(mode="json", exclude={"photo"})),
    }


def said_by_device(bench: Assembly) -> dict[str, Any]:
    """Return what identifies the device but for its SIP: its console's banner, and whose address it has.

    The hardware address is that which this machine's kernel has for the device's IP address (arp(7)): its own
    on the network of the bench, a router's beyond it, none on the loopback interface.
    """
    said = {"console": bench.intercom.banner, "mac": hardware_address(bench.file.device.address)}
    found = {name: value for name, value in said.items() if value}
    return {"device_says": found} if found else {}


def hardware_address(address: str, table: Path = _ARP) -> str:
    """Return the hardware address that belongs to an IP address; empty where the kernel knows none."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError):
        return ""
    found = [words[3].lower() for line in lines if len(words := line.split()) >= 6 and words[0] == address]
    return next((mac for mac in found if mac.strip("0:")), "")


def without_secrets(value: Any) -> Any:
    """Return a table of a bench file without the fields, however deep, that are secrets by their names."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not any(word in key for word in _SECRET)}
        return {key: without_secrets(item) for key, item in kept.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


def _commit() -> str:
    """Return the commit checked out, marked when the tree differs from it; empty without one."""
    if CHECKOUT is None:
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
