"""Running a command of the host to its end: bounded, and with a word now and then where it takes long.

A failure is a `BenchError` with the last thing the command said.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from intercom_hil.errors import BenchError

Progress = Callable[[str], None]
"""What is called with one line of text, for whoever waits."""

INTERVAL = 2.0
"""Seconds between two words of progress on a terminal; elsewhere each stage has two lines."""


def run(
    argv: Sequence[str], *, within: float, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever its exit status, and return what it said.

    Args:
        argv: program and arguments.
        within: bound in seconds.
        env: its environment; default: this process's.

    Raises:
        BenchError: it could not be started, or did not end in time.
    """
    try:
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=within,
            env=env,
        )
    except OSError as problem:
        raise BenchError(
            f"cannot be run: {problem.strerror}", argv[0], "install it, or correct its rights"
        ) from None
    except subprocess.TimeoutExpired:
        raise BenchError(
            f"did not end within {within:g} s", " ".join(argv), "try the command by hand"
        ) from None


def run_with_progress(
    argv: Sequence[str], what: str, progress: Progress, *, within: float, env: Mapping[str, str] | None = None
) -> None:
    """Run a long command, and say when it begins and ends; on a terminal, say how far it is.

    Args:
        argv: program and arguments.
        what: what it does, for the reader.
        progress: called with ``what``, the seconds gone, and the command's latest line.
        within: bound in seconds.
        env: its environment; default: this process's.

    Raises:
        BenchError: it could not be started, failed, or did not end in time.
    """
    begun = time.monotonic()
    progress(what)
    with tempfile.NamedTemporaryFile() as output:
        log = Path(output.name)
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, process_group=0
            )
        except OSError as problem:
            raise BenchError(f"cannot be run: {problem.strerror}", argv[0], "install it") from None
        try:
            while (status := _wait(process, INTERVAL)) is None:
                gone = time.monotonic() - begun
                if gone > within:
                    raise BenchError(f"{what} did not end within {within:g} s", argv[0], "try it by hand")
                if on_terminal():
                    progress(f"{what}: {gone:.0f} s, {_last_line(log)[:100]}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if status:
            raise BenchError(
                f"{what} failed ({status}): {_tail(log)}", argv[0], f"try it by hand: {' '.join(argv)}"
            )
    progress(f"{what}: done in {time.monotonic() - begun:.0f} s")


def on_terminal() -> bool:
    """Return whether somebody may be watching: a log file has no use for progress within a stage."""
    return sys.stderr.isatty()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _tail(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").split("\n")[-6:]).strip(" /")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
