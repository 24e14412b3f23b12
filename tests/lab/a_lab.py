"""A labgrid of the tests' own: coordinator and exporters, started for real, on loopback addresses."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

from intercom_hil.lab.labgrid_client import labgrid_folder

SOON = 40.0
"""Seconds within which a daemon of labgrid answers, on a busy machine too."""


class ALab:
    """A coordinator, its exporters, and whoever else uses it."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.coordinator = folder, address
        self._bin = labgrid_folder()
        self._running: dict[str, subprocess.Popen] = {}

    def start_coordinator(self):
        """Start it, with what it knew when it was stopped."""
        self._start("coordinator", "labgrid-coordinator", "--listen", self.coordinator)
        self.eventually(lambda: self.client("places").returncode == 0)

    def start_exporter(self, name, **resources):
        """Start one that exports network serial ports: names, and host and port of each."""
        lines = ["bench:"]
        for resource, place in resources.items():
            host, _, port = place.partition(":")
            lines.append(f"  {resource}: {{cls: NetworkSerialPort, host: {host}, port: {port}}}")
        config = self.folder / f"{name}.yaml"
        config.write_text("\n".join(lines))
        host = self.coordinator.partition(":")[0]
        options = ["--name", name, "--hostname", host, "--coordinator", self.coordinator]
        self._start(name, "labgrid-exporter", *options, str(config))
        self.eventually(lambda: f"{name}/bench" in self.client("resources").stdout)

    def kill(self, name):
        """Kill a daemon as a power cut would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end(self, name):
        """Have a daemon end as it was meant to."""
        process = self._running.pop(name)
        process.terminate()
        process.wait(SOON)

    def make_place(self, name, exporter):
        """Make a place of everything that an exporter has."""
        self.done("--place", name, "create")
        self.done("--place", name, "add-match", f"{exporter}/bench/*")

    def client(self, *order, user=""):
        """Give an order, as this user or another, and return how it went."""
        return subprocess.run(
            [str(self._bin / "labgrid-client"), "--coordinator", self.coordinator, *order],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **({"LG_USERNAME": user} if user else {})},
        )

    def done(self, *order, user=""):
        """Give an order that must succeed, and return what was said."""
        result = self.client(*order, user=user)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def acquired(self, place):
        """Return who has a place: host and user, or None as labgrid writes it."""
        lines = self.done("--place", place, "show").splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("  acquired: "))

    def eventually(self, condition):
        """Wait until a condition holds, and fail if it does not in time."""
        deadline = time.monotonic() + SOON
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def stop(self):
        """End all daemons."""
        for name in reversed(list(self._running)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end(name)

    def _start(self, name, program, *options):
        with (self.folder / "log").open("a") as log:
            self._running[name] = subprocess.Popen(
                [str(self._bin / program), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
