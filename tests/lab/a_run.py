"""Runs from outside, as a user starts them, that can be watched and ended on the way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 240.0
"""Seconds after which a run that does not end is a failed test."""


def written(folder, lane, source="emulated"):
    """Write the bench file of a lane and return its path."""
    text = (ROOT / f"fixtures/benches/{source}.toml").read_text()
    text = text.replace("127.0.0.", f"127.0.{lane}.").replace(f'name = "{source}"', f'name = "lane {lane}"')
    path = folder / f"lane-{lane}.toml"
    path.write_text(text)
    return path


class Started:
    """A run in a process of its own."""

    def __init__(self, folder, *arguments):
        self.runs = folder / "runs"
        command = [
            sys.executable,
            "-m",
            "intercom_hil.cli",
            "run",
            "--runs",
            str(self.runs),
            "-q",
            *arguments,
        ]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def filed(self, bench=""):
        """The scenarios that have been filed so far, on one bench or on any."""
        records = [
            json.loads(path.read_text() or "{}") for path in self.runs.glob("**/scenarios/*/record.json")
        ]
        return [record for record in records if bench in ("", record.get("bench"))]

    def until(self, condition):
        """Wait until a condition holds; it is a failure if the run ends before."""
        deadline = time.monotonic() + LONGEST
        while not condition():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ended(self, within=LONGEST):
        """Wait for its end, and return what it said and its records by bench."""
        output, _ = self.process.communicate(timeout=within)
        return output, [json.loads(path.read_text()) for path in sorted(self.runs.glob("**/latest/run.json"))]

    def close(self):
        """End it, whatever it is doing."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
