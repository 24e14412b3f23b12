"""How long until a device is registered on the bench, beside a bare Asterisk container until ARI answers.

    ./hil python -m benchmarks.bench_ready [--runs 5]

Ours is counted from the start of the command to the moment when the wire shows the registration confirmed:
Python, pytest, both containers, capture, emulated device, configuration and registration. Python finds its
byte code, as it does wherever the tool is installed: the pair that is not counted compiles it, whatever the
caller's environment says of that. It is the environment that `./hil run` has: pytest's plugins that the
bench's own tests need are not loaded. The baselines are one `run` of the same image: with Asterisk's modules
as they come, and with the few that the bench loads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.pairs import show
from intercom_hil.locations import DEFAULT_BENCH
from intercom_hil.pbx.config import PbxConfig
from intercom_hil.processes.engine import Engine
from intercom_hil.processes.image import ready_engine
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.vocabulary import registered

ROOT = Path(__file__).resolve().parent.parent
WITHIN = 60.0
"""Seconds after which a run has gone wrong."""


def ours(folder: Path, byte_code: Path) -> float:
    """Return the seconds from the command to the device registered; Python keeps ``byte_code`` there."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(byte_code)
    runs = folder / "runs"
    command = [sys.executable, "-m", "pytest", "scenarios/test_registration.py", "-q"]
    command += ["-k", "registers_its_extension", "--bench", str(DEFAULT_BENCH), "--runs", str(runs)]
    command += ["-p", "no:hypothesispytest", "-p", "no:asyncio"]  # which are for the tests of the bench alone
    begun = time.time()
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=WITHIN, check=True)
    (stored,) = (runs / "latest" / "scenarios").glob("*/timeline.jsonl")
    return Timeline.load(stored).find(registered())[0].time - begun


def baseline(engine: Engine, image: str, folder: Path, *, stock: bool) -> float:
    """Return the seconds from `run` to the first answer of ARI, with the modules of stock or of the bench."""
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
    config.write()
    if stock:
        (folder / "etc" / "modules.conf").write_text("[modules]\nautoload = yes\n")
    begun = time.time()
    name = f"intercom-hil-bare-{int(begun * 1000)}"
    engine.run_detached(name, config.argv, image=image, mounts=[folder])
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
    rows = []
    with tempfile.TemporaryDirectory() as name:
        byte_code = Path(name, "byte code")
        for number in range(options.runs + 1):
            folders = [Path(name, f"{part}-{number}") for part in ("stock", "ours", "bare")]
            for folder in folders:
                folder.mkdir()
            stock = baseline(engine, image, folders[0], stock=True)
            registered_after = ours(folders[1], byte_code)
            rows.append((registered_after, stock, baseline(engine, image, folders[2], stock=False)))
    counted = rows[1:]
    for column, name in (
        (1, "bare container, modules as they come"),
        (2, "bare container, the bench's modules"),
    ):
        names = ("command to device registered", name)
        show("bench ready", "s", [row[0] for row in counted], [row[column] for row in counted], names)


if __name__ == "__main__":
    main()
