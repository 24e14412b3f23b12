"""When a bench was looked at as a whole last and all was well, kept for the runs that follow.

``bench check`` keeps it among this user's own files, by the digest of the bench file: a bench file that was
changed since describes a bench that nobody has checked.
"""

from __future__ import annotations

import hashlib
import os
import time
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from intercom_hil.errors import BenchError
from intercom_hil.evidence.mode import BenchCheck
from intercom_hil.evidence.whole_file import write_whole


def keep_check(bench_file: Path, *, folder: Path | None = None) -> None:
    """Keep that the bench of a file was checked just now, and all was well.

    Args:
        bench_file: the file.
        folder: where that is kept; among the user's own files unless given.

    Raises:
        BenchError: it cannot be kept.
    """
    try:
        digest = _digest(bench_file)
        path = _folder(folder) / f"{digest}.json"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check = BenchCheck(time=time.time(), harness=version("intercom-hil"), bench=digest)
        write_whole(path, check.model_dump_json(indent=1) + "\n")
    except OSError as problem:
        raise BenchError.of(problem, str(_folder(folder))) from problem


def last_check(bench_file: Path, *, folder: Path | None = None) -> BenchCheck | None:
    """Return when the bench of a file, as the file is now, was checked last; None if it never was."""
    try:
        return BenchCheck.model_validate_json((_folder(folder) / f"{_digest(bench_file)}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def _digest(bench_file: Path) -> str:
    return hashlib.sha256(bench_file.read_bytes()).hexdigest()


def _folder(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local/state") / "intercom-hil" / "checks"
