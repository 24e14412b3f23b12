"""Compliance runs from outside, as a user starts them, on addresses of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.seal.verifying import verify

ROOT = Path(__file__).resolve().parents[2]
LONGEST_RUN = 900.0
"""Seconds after which a run that does not end by itself is a failed test."""
SOON = 20.0
"""Seconds within which what is to end has ended."""

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
session_timer = true
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

    def again(self):
        """The same run as its folder holds it now."""
        return replace(self, record=json.loads((self.folder / "run.json").read_text()))

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


def verdicts(record):
    """The verdicts of a run: of every scenario with what it was to judge, and of every requirement.

    What monitors came upon besides, REG-05 in a registration, say, is a matter of chance.
    """
    scenarios = {
        scenario["id"]: (
            scenario["verdict"],
            {name: scenario["requirements"][name] for name in scenario["asked"]},
        )
        for scenario in record["scenarios"]
    }
    return scenarios, {name: row["verdict"] for name, row in record["requirements"].items()}


def altered(folder):
    """What is not as it was sealed in a run folder that nobody tampered with, or why it cannot be checked."""
    outcome = verify(folder)
    return [*map(str, outcome.findings), *([outcome.unchecked] if outcome.unchecked else [])]


def recomputed(folder):
    """What the raw evidence of a run shows otherwise than is stored; of one nobody tampered with, nothing."""
    said = []
    return said if judge_from_evidence(folder, said.append) else []


def write_bench(folder, lane, *, browser=False):
    """Write the bench file of a lane, with a browser for the portal's pages if need be; return its path."""
    path = folder / f"lane-{lane}.toml"
    stations = ", ".join(f'"127.0.{lane}.{host}"' for host in range(21, 27))
    path.write_text(_BENCH.format(lane=lane, stations=stations) + ("\n[device.browser]\n" if browser else ""))
    return path


def run_scenarios(
    folder, lane, *arguments, scenarios="scenarios", bench=None, env=None, through=(), longest=LONGEST_RUN
):
    """Run scenarios on a lane's bench, started by a program if need be, and return how it went."""
    runs = folder / "runs"
    command = [
        *through,
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
        timeout=longest,
        check=False,
    )
    latest = runs / "latest" / "run.json"
    record = json.loads(latest.read_text()) if latest.exists() else {}
    return Run(done.returncode, done.stdout, record, latest.parent)


def eventually(condition):
    """Wait until a condition holds, and return whether it did in time."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def sockets():
    """The addresses and ports that sockets of this machine are bound to, as ``127.0.0.10:5060``."""
    found = set()
    for table in ("tcp", "udp"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, remote, *_ = line.split()
            address, port = local.split(":")
            if remote.endswith(":0000"):  # it listens
                octets = reversed(bytes.fromhex(address))  # in the order of the processor
                found.add(f"{'.'.join(map(str, octets))}:{int(port, 16)}")
    return found


def in_our_network(pid):
    """Whether a process is in the network namespace of this one, where an address is one and the same."""
    try:
        return os.path.samefile(f"/proc/{pid}/ns/net", "/proc/self/ns/net")
    except OSError:
        return False


def left_of(lane, *, device_too=True):
    """What still lives at the addresses of a lane: processes that name them, sockets that hold them.

    Another suite may play on the same addresses in a network namespace of its own: that is none of it.
    What names the device's address is left out when the device is not the run's.
    """
    mark = f"127.0.{lane}."
    device = f"127.0.{lane}.30"
    held = [place for place in sockets() if place.startswith(mark)]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in command and int(folder.name) != os.getpid() and in_our_network(folder.name):
            held.append(command)
    return [line for line in held if device_too or device not in line]
