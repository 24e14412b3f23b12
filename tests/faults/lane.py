"""Compliance runs from outside, as a user starts them, on addresses of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_RUN = 900.0
"""Seconds after which a run that does not end by itself is a failed test."""

_BENCH = """\
[bench]
name = "lane {lane}"
address = "127.0.{lane}.9"

[capture]
interface = "lo"

[pbx]
address = "127.0.{lane}.10"

[proxy]
address = "127.0.{lane}.11"
port = 5080

[stations]
addresses = [{stations}]

[device]
kind = "emulated"
address = "127.0.{lane}.30"

[device.capabilities]
event_log = true
screen = true
speaker = true
srtp = true
tls = true
proxy = true
video = true
"""


@dataclass(frozen=True)
class Run:
    """One finished run: its exit status, what it said, and its run.json if it got that far."""

    status: int
    output: str
    record: dict
    folder: Path

    @property
    def failed(self):
        """The requirements that the device broke."""
        return self.having("fail")

    def having(self, verdict):
        """The requirements with this verdict."""
        return {name for name, row in self.record["requirements"].items() if row["verdict"] == verdict}

    def told(self):
        """What a reader of a failed test wants to see."""
        lines = []
        for scenario in self.record.get("scenarios", []):
            if scenario["verdict"] in ("fail", "error"):
                lines.append(f"{scenario['verdict']} {scenario['id']}")
                lines += [
                    f"    {j['requirement']} expected {j['expected']}; {j['seen']}"
                    for j in scenario["judgements"]
                    if j["verdict"] == "fail"
                ]
                lines += [f"    {problem}" for problem in scenario["problems"]]
        return "\n".join(lines) or self.output[-3000:]


def write_bench(folder, lane):
    """Write the bench file of a lane and return its path."""
    path = folder / f"lane-{lane}.toml"
    stations = ", ".join(f'"127.0.{lane}.{host}"' for host in range(21, 27))
    path.write_text(_BENCH.format(lane=lane, stations=stations))
    return path


def run_scenarios(folder, lane, *arguments, scenarios="scenarios", bench=None, env=None):
    """Run scenarios on a lane's bench, and return how it went."""
    runs = folder / "runs"
    command = [
        sys.executable,
        "-m",
        "pytest",
        scenarios,
        "-q",
        "--tb=short",
        "-p",
        "no:hypothesispytest",
        "--bench",
    ]
    command += [str(bench or write_bench(folder, lane)), "--runs", str(runs), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_RUN,
        check=False,
    )
    latest = runs / "latest" / "run.json"
    record = json.loads(latest.read_text()) if latest.exists() else {}
    return Run(done.returncode, done.stdout, record, latest.parent)
