"""How long until a device is registered on the bench, beside a bare Asterisk container until ARI answers.

    python -m benchmarks.bench_ready [--runs 5]

Ours is counted from the start of the command to the moment when the wire shows the registration confirmed:
Python, pytest, both containers, capture, emulated device, configuration and registration. The baseline is
one `run` of the same image with the same Asterisk configuration.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.pairs import show
from harness.bench.engine import Engine
from harness.bench.image import ready_engine
from harness.judge.vocabulary import registered
from harness.pbx.config import PbxConfig
from harness.timeline import Timeline

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 60.0
"""Seconds after which a run has gone wrong."""


def ours(folder: Path) -> float:
    """Return the seconds from the command to the device registered."""
    runs = folder / "runs"
    command = [sys.executable, "-m", "pytest", "scenarios/test_registration.py", "-q"]
    command += ["-k", "registers_its_extension", "--runs", str(runs)]
    begun = time.time()
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=WITHIN, check=True)
    (stored,) = (runs / "latest" / "scenarios").glob("*/timeline.jsonl")
    return Timeline.load(stored).find(registered())[0].time - begun


def baseline(engine: Engine, image: str, folder: Path) -> float:
    """Return the seconds from `run` to the first answer of ARI."""
    config = PbxConfig(
        folder=folder,
        address="127.0.0.10",
        sip_port=5060,
        http_port=8088,
        ami_port=5038,
        hep_address=("127.0.0.9", 9060),
        user="bench",
        secret="benchmark",
        rtp_ports=(20000, 20999),
        tls=(),
    )
    main_file = config.write()
    begun = time.time()
    argv = ["asterisk", "-f", "-C", str(main_file)]
    name = f"intercom-hil-bare-{int(begun * 1000)}"
    engine.run_detached(name, argv, image=image, mounts=[folder])
    try:
        while time.time() - begun < WITHIN:
            try:
                answer = httpx.get(
                    "http://127.0.0.10:8088/ari/asterisk/info", auth=("bench", "benchmark"), timeout=1.0
                )
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                return time.time() - begun
        raise TimeoutError("the bare Asterisk never answered")
    finally:
        engine.remove(name)


def main() -> None:
    """Time both in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="pairs, after one that is not counted")
    options = parser.parse_args()
    engine, image = ready_engine(print)
    pairs = []
    for _ in range(options.runs + 1):
        with tempfile.TemporaryDirectory() as mine, tempfile.TemporaryDirectory() as bare:
            pairs.append((ours(Path(mine)), baseline(engine, image, Path(bare))))
    counted = pairs[1:]
    show(
        "bench ready",
        "s",
        [pair[0] for pair in counted],
        [pair[1] for pair in counted],
        ("command to device registered", "bare container to ARI"),
    )


if __name__ == "__main__":
    main()
