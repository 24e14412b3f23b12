"""An emulated intercom that no run owns: a device on the desk, met over sockets and serial lines."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.faults.lane import ROOT, write_bench

READY_WITHIN = 20.0  # s


def address(lane):
    """Where the device of a lane lives."""
    return f"127.0.{lane}.30"


@contextmanager
def device_outside(folder, lane, *options):
    """Have an emulated intercom for the length of a block; yields where its parts are."""
    state = folder / "device"
    command = [sys.executable, "-m", "intercom_hil.emulator", "--state", str(state), "--leash"]
    command += ["--address", address(lane), "--media-timeout", "2", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as device:
        try:
            ready = state / "ready.json"
            deadline = time.monotonic() + READY_WITHIN
            while not ready.exists():
                assert device.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield json.loads(ready.read_text())
        finally:
            device.stdin.close()


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
