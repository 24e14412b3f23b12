"""What runs of 100, 1,000 and 10,000 scenarios cost: written, sealed, verified, packed, read, rendered.

    python -m benchmarks.long_runs [--scenarios 100 1000 10000] [--steps write seal verify read]

The runs are made up: each scenario has a folder of its own with a record, a timeline of 60 messages, its
judgements and some packets. Each step is a process of its own. What counts is its processor time for each
scenario, as a ratio to the same step with the fewest scenarios: 1.0 is linear. Memory is the most it had.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from intercom_hil import reports
from intercom_hil.evidence.records import ScenarioRecord
from intercom_hil.evidence.run import RunFolder, write_lines
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.rules import Occurs
from intercom_hil.run_folder.run import read_run
from intercom_hil.seal import Change
from intercom_hil.seal.archive import pack
from intercom_hil.seal.verifying import UNTOUCHED, verify
from intercom_hil.spec.catalogue import CATALOGUE
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Pattern, Timeline, Witness
from intercom_hil.timeline.sip_content import sip_content

BEGUN = 1_800_000_000.0
RUN = "run"
_INVITE = "\r\n".join(
    [
        "INVITE sip:3400@192.0.2.10 SIP/2.0",
        "Via: SIP/2.0/UDP {host};branch=z9hG4bK{number}.{place}",
        "From: <sip:3401@192.0.2.10>;tag=a",
        "To: <sip:3400@192.0.2.10>",
        "Call-ID: {number}.{call}",
        "CSeq: {place} INVITE",
        "Max-Forwards: 70",
        "Contact: <sip:{host}>",
        "Content-Length: 0",
        "",
        "",
    ]
)
DEVICE, PBX = ("192.0.2.30", 5060), ("192.0.2.10", 5060)


def make(folder: Path, scenarios: int) -> None:
    """Write a run of so many scenarios."""
    drawn = random.Random(scenarios)
    rows = list(CATALOGUE)
    timelines = [_timeline(number, BEGUN) for number in range(20)]
    run = RunFolder.create(folder.parent, "made up", folder.name)
    for number in range(scenarios):
        identity = f"test_{number // 40:03}.test_what_is_seen_of_call[{number}]"
        started = BEGUN + 20 * number
        verdict = (Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)[number % 5]
        here = run.scenario_folder(identity)
        (here / "timeline.jsonl").write_bytes(timelines[number % len(timelines)])
        (here / "capture.pcapng").write_bytes(drawn.randbytes(4_000))
        judgements = [
            Judgement(
                requirement=rows[(number + place) % len(rows)],
                verdict=verdict,
                expected="an INVITE within 5.0 s",
                seen=f"INVITE at +{place}.000 s",
                time=started + place,
                observations=(place,),
                rule=Occurs(pattern=Pattern(kind="sip", text="an INVITE"), after=started, until=started + 5),
            )
            for place in range(6)
        ]
        write_lines(here / "judgements.jsonl", (one.model_dump_json() for one in judgements))
        run.add(
            ScenarioRecord(
                id=identity,
                title=identity,
                verdict=verdict,
                requirements={one.requirement: verdict for one in judgements},
                started=started,
                duration_s=12.0,
                protocol_wait_s=8.0,
                judgements=judgements,
                asked=tuple(one.requirement for one in judgements),
                evidence=run.evidence(here),
            )
        )
    run.write(interrupted=False)


def _timeline(number: int, started: float) -> bytes:
    timeline = Timeline()
    for place in range(60):
        source, destination = (DEVICE, PBX) if place % 2 else (PBX, DEVICE)
        message = _INVITE.format(host=source[0], number=number, place=place, call=place // 6)
        content = sip_content(message.encode(), source, destination, "UDP", _name_of)
        timeline.append(Witness.WIRE, content, started + place / 6)
    return "".join(f"{observation.model_dump_json()}\n" for observation in timeline).encode()


def _name_of(host: str, port: int) -> str:
    return "device" if (host, port) == DEVICE else "pbx"


def _seal(folder: Path) -> None:
    with Change.begin(folder, "run") as change:
        change.finish()


def _verify(folder: Path) -> None:
    assert verify(folder).status == UNTOUCHED


def _rendered(name: str) -> Callable[[Path], None]:
    def render(folder: Path) -> None:
        reports.RENDERERS[name](read_run(folder))

    return render


STEPS: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: make(folder, int(folder.parent.name)),
    "seal": _seal,
    "verify": _verify,
    "pack": pack,
    "read": read_run,
    **{f"read, {name}": _rendered(name) for name in reports.RENDERERS},
}


def step(name: str, folder: Path) -> None:
    """Do one step, and print what it took as JSON: seconds of the processor, and MB."""
    before = time.process_time()
    STEPS[name](folder)
    took = time.process_time() - before
    status = Path("/proc/self/status").read_text().split()
    print(json.dumps({"s": took, "MB": int(status[status.index("VmHWM:") + 1]) / 1024}))


def main() -> None:
    """Measure, and print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", nargs="+", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step[0], Path(options.step[1]))
        return
    print("step: for each number of scenarios seconds, MB and ratio", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {count: Path(scratch) / f"{count}" / RUN for count in options.scenarios}
        for folder in folders.values():
            folder.parent.mkdir()
        for name in options.steps:
            cells, first = [], 0.0
            for count, folder in folders.items():
                command = [sys.executable, "-m", "benchmarks.long_runs", "--step", name, str(folder)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                took = json.loads(done.stdout)
                each = took["s"] / count
                first = first or each
                cells.append(f"{count}: {took['s']:.2f} s, {took['MB']:.0f} MB, {each / first:.2f}")
            print(f"{name}: {'; '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
