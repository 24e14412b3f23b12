"""Whose is it: labels that tie a container or a process to a bench, and the look whether that bench is gone.

From a container's labels, or the process table, it finds what belongs to a bench that is known to have ended.
A process wears its labels in its environment, where everything that it starts inherits them.
"""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

OWNER = "intercom-hil.owner"
"""Label: ``pid:start time`` of the bench that runs it, the time in clock ticks since boot."""
NAMESPACE = "intercom-hil.namespace"
"""Label: the process-number namespace in which that pid has a meaning."""
PLACE = "intercom-hil.place"
"""Label of a process: the place on this machine itself that it belongs to."""
ENDED_WITHIN = 2.0
"""Seconds for which the end of a killed process is awaited."""
_ENVIRONMENT = {
    label.upper().replace("-", "_").replace(".", "_"): label for label in (OWNER, NAMESPACE, PLACE)
}
_AS_OPTION = re.compile(rf"--label=({re.escape(OWNER)}|{re.escape(NAMESPACE)})=(.*)", re.DOTALL)


def own_labels() -> dict[str, str]:
    """Return the labels that say that something belongs to this process."""
    return {OWNER: f"{os.getpid()}:{start_time(os.getpid())}", NAMESPACE: _namespace()}


def as_environment(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables by which a process and all its children wear labels."""
    return {name: labels[label] for name, label in _ENVIRONMENT.items() if label in labels}


def orphaned(labels: Mapping[str, str]) -> bool:
    """Return whether the owner is known to be gone. One in another namespace cannot be looked up."""
    pid, _, started = labels.get(OWNER, "").partition(":")
    return labels.get(NAMESPACE) == _namespace() and pid.isdecimal() and start_time(int(pid)) != started


def kill_processes(wanted: Callable[[Mapping[str, str]], bool], *, grace: float = 0.0) -> list[str]:
    """Kill every other process of this user that wears labels which ``wanted`` takes, and await their end.

    Args:
        wanted: takes the labels of a process.
        grace: seconds that each is given to clear up after itself, when it is asked to end.

    Returns:
        What was killed: name and number of each.
    """
    killed: dict[int, str] = {}
    # More than once: one that was looked at already may have started another before it was killed.
    while held := _held(wanted, killed):
        # All are held before the first is killed: what goes along with it has no labels left while it goes.
        killed |= {pid: name for pid, (name, _) in held.items()}
        try:
            for _, descriptor in held.values():
                _kill(descriptor, grace)
        finally:
            for _, descriptor in held.values():
                os.close(descriptor)
    return list(killed.values())


def _held(
    wanted: Callable[[Mapping[str, str]], bool], known: Mapping[int, str]
) -> dict[int, tuple[str, int]]:
    """Return name and descriptor of each process that is wanted, by number."""
    found: dict[int, tuple[str, int]] = {}
    for pid in _processes():
        if pid in known or not wanted(_worn(pid)):
            continue
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            name = Path("/proc", str(pid), "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            name = ""
        if name and wanted(_worn(pid)):  # the number may be another's by now; the descriptor cannot
            found[pid] = (f"{name} ({pid})", descriptor)
        else:
            os.close(descriptor)
    return found


def _kill(descriptor: int, grace: float) -> None:
    """Kill a process and wait until it has ended, for which it is first given its grace (seconds)."""
    for number, within in ((signal.SIGTERM, grace), (signal.SIGKILL, ENDED_WITHIN)):
        if within:
            with suppress(OSError):  # it has ended, and was collected
                signal.pidfd_send_signal(descriptor, number)
            if _ended(descriptor, within):
                return


def _ended(descriptor: int, within: float) -> bool:
    """Wait until the process of a descriptor has ended, and return whether it has (pidfd_open(2))."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(within * 1000))


def being_started() -> list[int]:
    """Return the engine's clients that are starting a container for a bench which has ended meanwhile."""
    return [pid for pid in _processes() if orphaned(_asked_for(pid))]


def _processes() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            yield int(name)


def _worn(pid: int) -> dict[str, str]:
    """Return the labels that a process wears; one that only waits to be collected wears none."""
    variables = dict(entry.partition("=")[::2] for entry in _strings(pid, "environ"))
    return {label: variables[name] for name, label in _ENVIRONMENT.items() if name in variables}


def _asked_for(pid: int) -> dict[str, str]:
    """Return the labels that are to be put on a container, by the command line that asks for it."""
    return {found[1]: found[2] for word in _strings(pid, "cmdline") if (found := _AS_OPTION.fullmatch(word))}


def _strings(pid: int, file: str) -> list[str]:
    try:
        return Path("/proc", str(pid), file).read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def start_time(pid: int) -> str:
    """Return when a process started (proc(5), stat field 22), or nothing if there is none.

    One that has ended and only waits to be collected is none. In a container whose first process collects
    nobody it would wait for ever.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The program's name may contain spaces and brackets; the fields after it do not.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
