"""``emulate`` where this Python has no SIP stack for the emulated intercom: the same, in a container."""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.emulator_container import ready_container
from intercom_hil.errors import BenchError
from intercom_hil.processes.command import Progress

_FILES = ("--hosts", "--trust-store", "--syslog-ca")
"""The options that name files, which the container must be given to read."""


def emulate_in_container(words: Sequence[str], report: Callable[[str], None], progress: Progress) -> None:
    """Have an emulated intercom in a container until SIGINT or SIGTERM.

    Args:
        words: its options.
        report: takes each line that it prints.
        progress: is called with what is made ready, where that takes long.

    Raises:
        BenchError: it cannot be started, or ended by itself.
        SystemExit: an option is wrong, as was said.
    """
    # Its own parser looks at the options first: with this one it ends before it needs the SIP stack.
    looked = subprocess.run(
        [sys.executable, "-m", "intercom_hil.emulator", *words, "--list-faults"],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if looked.returncode:
        raise SystemExit(looked.returncode)
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--address")
    for name in _FILES:
        parser.add_argument(name, type=Path)
    known, others = parser.parse_known_args(words)
    if known.state is None or known.address is None:
        raise BenchError("--state and --address are needed", "emulate", "see intercom-hil emulate --help")
    named = {name: getattr(known, name[2:].replace("-", "_")) for name in _FILES}
    files = {name: path.resolve() for name, path in named.items() if path is not None}
    device = EmulatedDevice(
        state=known.state.resolve(),
        address=known.address,
        options=[*others, *(word for name, path in files.items() for word in (name, str(path)))],
        container=ready_container("auto", progress),
        reads=list(files.values()),
        on_line=lambda stream, text, _: report(text) if stream == "stdout" else None,
    )
    asyncio.run(_live(device))


async def _live(device: EmulatedDevice) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    ending = asyncio.create_task(over.wait())
    living = asyncio.create_task(_until_lost(device))
    try:
        await asyncio.wait((ending, living), return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        for task in (living, ending):
            task.cancel()
        await asyncio.gather(living, ending, return_exceptions=True)
        await device.stop()


async def _until_lost(device: EmulatedDevice) -> None:
    await device.start()
    raise BenchError(await device.lost, str(device.log), "see what it says there")
