"""How long the processes of the bench were ready to run and waited for a processor.

The kernel counts that for each thread (``/proc/PID/task/TID/schedstat``, second field, in ns: see
Documentation/scheduler/sched-stats.rst). Watched are this process, all that descend from it, and those it
is named to it (``watch_process``): a program in a container is no descendant. An emulated intercom is one,
a real intercom is not.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

_SCAN_EVERY = 1.0
"""Seconds between two looks for new processes and threads."""
_extra: set[int] = set()


def watch_process(pid: int) -> Callable[[], None]:
    """Count a process that is no descendant of this one, and all that it starts; return what ends that."""
    _extra.add(pid)
    return lambda: _extra.discard(pid)


class RunDelay:
    """Adds up the time that the bench's threads waited for a processor.

    Attributes:
        available: whether the kernel reports it.
    """

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._ours: set[int] = set()
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}  # thread to descriptor and last count (ns)
        self._scanned = float("-inf")
        self.available = os.path.exists("/proc/self/schedstat")

    def take(self, time: float) -> float:
        """Return the seconds waited since the last call, of all threads together.

        Args:
            time: now, by a clock that is never set.
        """
        if not self.available:
            return 0.0
        if time - self._scanned >= _SCAN_EVERY:
            first = self._scanned == float("-inf")
            self._scanned = time
            self._scan(first=first)
        waited = 0
        for thread, (descriptor, before) in list(self._counts.items()):
            count = _count(descriptor)
            if count is None:
                os.close(descriptor)
                del self._counts[thread]
                continue
            waited += count - before
            self._counts[thread] = (descriptor, count)
        return waited / 1e9

    def close(self) -> None:
        """Let go of everything; the next ``take`` begins anew."""
        for descriptor, _ in self._counts.values():
            os.close(descriptor)
        self._counts, self._parents, self._ours = {}, {}, set()
        self._scanned = float("-inf")

    def _scan(self, *, first: bool) -> None:
        """Look for threads of ours; of one that is older than the first look only what comes counts."""
        try:
            present = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
        except OSError:
            return
        for gone in self._parents.keys() - present:
            del self._parents[gone]
        for pid in present - self._parents.keys():
            self._parents[pid] = _parent(pid)
        ours = {os.getpid(), *_extra}
        self._ours = {pid for pid in present if self._descends(pid, ours)}
        for pid in self._ours:
            for tid in _threads(pid):
                if (pid, tid) not in self._counts:
                    self._watch(pid, tid, from_now=first)

    def _descends(self, pid: int, ours: set[int]) -> bool:
        seen = set()
        while pid not in ours:
            if pid in self._ours:  # though its parent may have ended since
                return True
            seen.add(pid)
            pid = self._parents.get(pid, 0)
            if pid <= 1 or pid in seen:
                return False
        return True

    def _watch(self, pid: int, tid: int, *, from_now: bool) -> None:
        try:
            descriptor = os.open(f"/proc/{pid}/task/{tid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        count = _count(descriptor)
        if count is None:
            os.close(descriptor)
        else:
            self._counts[pid, tid] = (descriptor, count if from_now else 0)


def _count(descriptor: int) -> int | None:
    """Return how long a thread has waited (ns); None when it has ended."""
    try:
        return int(os.pread(descriptor, 64, 0).split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _threads(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    return []
