"""What a run ran on and with: versions, image, bench file, commit: what makes it repeatable."""

from __future__ import annotations

import asyncio
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from intercom_hil.bench.assembly import Assembly
from intercom_hil.locations import CHECKOUT

_LIBRARIES = ("pytest", "scapy", "pylibsrtp", "pyserial", "pydantic")


async def environment(bench: Assembly, bench_file: Path) -> dict[str, Any]:
    """Return the environment of a running bench as plain JSON data; nothing in it is a secret."""
    own = {name: layout.model_dump(mode="json") for name, layout in bench.file.layouts.items()}
    layouts = {"layouts": own} if own else {}
    return {
        "harness": version("intercom-hil"),
        "commit": await asyncio.to_thread(_commit),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "platform": platform.platform(),
        "engine": str(bench.host),
        "image": bench.host.image,
        **await bench.tool_versions(),
        "bench": bench.file.bench.name,
        "bench_file": bench_file.name,
        **layouts,
        "device": without_passwords(bench.file.device.model_dump(mode="json")),
    }


def without_passwords(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table of a bench file, and all tables in it, without the fields that are passwords."""
    return {
        key: without_passwords(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if "password" not in key
    }


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
