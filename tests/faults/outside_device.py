"""An emulated intercom that no run owns: a device on the desk, met over sockets and serial lines."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from pathlib import Path

from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.emulator_container import ready_emulator
from tests.faults.lane import write_bench


def address(lane):
    """Where the device of a lane lives."""
    return f"127.0.{lane}.30"


@contextmanager
def device_outside(folder, lane, *options, reads=()):
    """Have an emulated intercom for the length of a block; yields where its parts are.

    Args:
        folder: its state and what it says go below it.
        lane: the addresses.
        options: further ones of its command line.
        reads: files and folders that these name.
    """
    state = folder / "device"
    container = ready_emulator("auto", print)
    with asyncio.Runner() as loop:
        device = EmulatedDevice(
            state=state,
            address=address(lane),
            options=("--media-timeout", "2", *options),
            container=container,
            reads=reads,
        )
        loop.run(device.start())
        try:
            yield json.loads((state / "ready.json").read_text())
        finally:
            loop.run(device.stop())


def physical_bench(folder, lane, ready, *, console=None, button=None, more=""):
    """Write the bench file of a device that is outside and return its path.

    Args:
        folder: where the file goes.
        lane: the addresses.
        ready: where the device's parts are.
        console: the console's port; its own serial line if none is given.
        button: the table of the button; the relay on its own serial line if none is given.
        more: further tables.
    """
    path = write_bench(folder, lane)
    button = button or f'kind = "numato-relay"\nport = "{ready["relay"]}"\n'
    path.write_text(
        path.read_text().replace('kind = "emulated"', 'kind = "physical"')
        + f'[device.console]\nport = "{console or ready["console"]}"\n'
        + f"[device.button]\n{button}"
        + f'[device.portal]\nurl = "{ready["portal"]}"\naccount = "admin"\npassword = "admin-secret"\n'
        + 'viewer = "viewer"\nviewer_password = "viewer-secret"\n'
        + f'[device.speaker]\nrecording = "{ready["speaker"]}"\n'
        + more
    )
    return Path(path)
