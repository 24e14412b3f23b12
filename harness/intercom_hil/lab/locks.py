"""Whose instrument is it: one lock file for each, locked for as long as a bench uses it.

All locks that a bench wants are had, or none. A lock is the kernel's (flock(2)), so that of a process which
is gone is free by nature; what stands in the file only says who has it. The locks are those of one user on
one machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from intercom_hil.errors import BenchError
from intercom_hil.processes.owner_labels import start_time


@dataclass(frozen=True)
class Holder:
    """Who has a lock.

    Attributes:
        bench: the name of its bench.
        pid: its process.
        started: when that process started, in clock ticks since boot: a number may be another's later on.
        since: when it took the lock, in seconds since the epoch.
    """

    bench: str
    pid: int
    started: str
    since: float

    @classmethod
    def me(cls, bench: str) -> Holder:
        """Return this process as a holder from now on."""
        return cls(bench, os.getpid(), start_time(os.getpid()), time.time())

    @property
    def alive(self) -> bool:
        """Whether that process still runs."""
        return bool(self.started) and start_time(self.pid) == self.started

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"the run on bench {self.bench!r}, process {self.pid}, since {since}"


class Locks:
    """The locks that one bench has. Get them with ``claim``.

    Attributes:
        left: who held an instrument before and never gave it back, because it was killed.
    """

    def __init__(self, files: Mapping[str, TextIO], left: Mapping[str, Holder]) -> None:
        self._files = dict(files)
        self.left = dict(left)

    @classmethod
    def claim(cls, wanted: Mapping[str, str], bench: str, folder: Path | None = None) -> Locks:
        """Take the locks of several instruments: all, or none.

        Args:
            wanted: for each instrument the place in the bench file that names it.
            bench: the name that others read in the lock file.
            folder: where lock files are; default: a folder of this user's own.

        Raises:
            BenchError: one of them is in use; nothing is held then.
        """
        folder = folder or lock_folder()
        taken: dict[str, TextIO] = {}
        left: dict[str, Holder] = {}
        try:
            for instrument in sorted(wanted):  # the same order for all: of two that collide one gets through
                file = _opened(folder, instrument)
                taken[instrument] = file
                before = _read(file)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise in_use(instrument, wanted[instrument], before) from None
                if before is not None:
                    left[instrument] = before
                _write(file, Holder.me(bench))
        except BaseException:
            for file in taken.values():
                file.close()
            raise
        return cls(taken, left)

    def release(self, *, left: Collection[str] = ()) -> None:
        """Give all of them back. Idempotent.

        Args:
            left: instruments that are not as they were found: the next who claims one reads whose it was.
        """
        files, self._files = self._files, {}
        for instrument, file in files.items():
            if instrument not in left:
                with suppress(
                    OSError
                ):  # what cannot be cleared stands as left; the lock is free all the same
                    file.truncate(0)
            file.close()


def holders(wanted: Mapping[str, str], folder: Path | None = None) -> Iterator[BenchError]:
    """Yield a problem for each instrument that another process uses; nobody is disturbed by it."""
    folder = folder or lock_folder()
    for instrument in sorted(wanted):
        try:
            with _path(folder, instrument).open(encoding="utf-8") as file:
                holder = _read(file)
        except OSError:
            continue
        if holder is not None and holder.alive:
            yield in_use(instrument, wanted[instrument], holder)


def in_use(instrument: str, where: str, holder: Holder | None) -> BenchError:
    """Return the error that names who has an instrument."""
    if holder is None or not holder.alive:
        return BenchError(f"{instrument} is in use by another process", where, "wait for it, or end it")
    return BenchError(
        f"{instrument} is in use by {holder}",
        where,
        f"wait for that run, end it (kill -INT {holder.pid}), or name another one in the bench file",
    )


def lock_folder() -> Path:
    """Return the folder of this user's lock files; it is made if needed.

    Raises:
        BenchError: somebody else has made it.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and os.access(runtime, os.W_OK):
        folder = runtime / "intercom-hil-locks"
    else:
        folder = Path(tempfile.gettempdir(), f"intercom-hil-locks-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError as problem:
        raise BenchError(
            f"no lock files can be kept there ({problem.strerror})", str(folder), "make room for them"
        ) from problem
    if owner != os.getuid():
        raise BenchError("the folder for lock files is another user's", str(folder), "have it removed")
    return folder


def _opened(folder: Path, instrument: str) -> TextIO:
    path = _path(folder, instrument)
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="utf-8")
    except OSError as problem:
        raise BenchError(
            f"the lock file cannot be opened ({problem.strerror})", str(path), "correct its rights"
        ) from problem


def _path(folder: Path, instrument: str) -> Path:
    readable = re.sub(r"[^\w.-]+", "_", instrument).strip("_")[:60]
    return folder / f"{readable}-{hashlib.sha256(instrument.encode()).hexdigest()[:12]}.lock"


def _read(file: TextIO) -> Holder | None:
    try:
        return Holder(**json.loads(file.read(4096)))
    except (OSError, ValueError, TypeError):
        return None  # nobody, or one that has it this very moment and has not said who it is


def _write(file: TextIO, holder: Holder) -> None:
    file.seek(0)
    file.truncate()
    json.dump(asdict(holder), file)
    file.flush()
