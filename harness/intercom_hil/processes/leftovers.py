"""What a run that was killed leaves behind, found by the labels it wears, and removed.

Processes and containers end by themselves within seconds of their bench; what a look that comes sooner finds
is ended here. Folders stay until somebody looks. What belongs to a bench that lives is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from intercom_hil.processes.host import Host
from intercom_hil.processes.owner_labels import kill_processes, orphaned, own_labels, start_time

_PREFIX = "intercom-hil-"
_OWNER = "owner.json"
_UNSIGNED_FOR = 60.0
"""Seconds after which a folder that nobody has signed belongs to nobody: it is signed as it is made."""
_GRACE = 5.0
"""Seconds for what was making an image to clear up after itself."""


def working_folder() -> Path:
    """Make a folder for temporary files, for nobody else to read, that is known to belong to this process."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    (folder / _OWNER).write_text(json.dumps(own_labels()), encoding="utf-8")
    return folder


def reap(host: Host) -> list[str]:
    """Remove all that killed runs have left, and return what it was. Raises BenchError."""
    processes = [f"process {name}" for name in kill_processes(orphaned, grace=_GRACE)]
    containers = [f"container {name}" for name in host.reap()]
    return [*processes, *containers, *reap_folders()]


def reap_folders() -> list[str]:
    """Remove the working folders of killed runs, and return what was removed."""
    removed = []
    for folder in _folders():
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                removed.append(f"folder {folder}")
    return removed


def _folders() -> Iterator[Path]:
    yield from Path(tempfile.gettempdir()).glob(f"{_PREFIX}[0-9]*-*")


def _is_abandoned(folder: Path) -> bool:
    try:
        return orphaned(json.loads((folder / _OWNER).read_bytes()))
    except FileNotFoundError:
        # Being signed this moment, or made by a run that did not live long enough to sign it, or by another
        # version of ours, which the name shows.
        if start_time(int(folder.name.removeprefix(_PREFIX).partition("-")[0])):
            return False
    except (OSError, ValueError, AttributeError):
        return False  # another user's, or nothing of ours
    try:
        return time.time() - folder.stat().st_mtime > _UNSIGNED_FOR
    except OSError:
        return False
