"""Whose container is it: labels that tie it to the bench's process, and the look whether that is gone.

In come a container's labels; out goes whether its owner is known to have ended.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

OWNER = "intercom-hil.owner"
"""Label: ``pid:start time`` of the bench that runs the container, the time in clock ticks since boot."""
NAMESPACE = "intercom-hil.namespace"
"""Label: the process-number namespace in which that pid has a meaning."""


def own_labels() -> dict[str, str]:
    """Return the labels that say that a container belongs to this process."""
    return {OWNER: f"{os.getpid()}:{_start_time(os.getpid())}", NAMESPACE: _namespace()}


def orphaned(labels: Mapping[str, str]) -> bool:
    """Return whether the owner is known to be gone. One in another namespace cannot be looked up."""
    pid, _, started = labels.get(OWNER, "").partition(":")
    return labels.get(NAMESPACE) == _namespace() and pid.isdecimal() and _start_time(int(pid)) != started


def _start_time(pid: int) -> str:
    """Return when a process started (proc(5), stat field 22), or nothing if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The program's name may contain spaces and brackets; the fields after it do not.
    return stat.rpartition(")")[2].split()[19]


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")
