"""The contracts on the instruments of a bench file. Their far ends are ptys here, boxes on a desk."""

import asyncio
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.contracts.serial_peers import NumatoBoard, PtyPeer

ROOT = Path(__file__).parents[2]

DESK = """
[device]
kind = "physical"

[device.console]
port = "{console}"

[device.button]
kind = "numato-relay"
port = "{board}"
channel = 1

[device.power]
normally_on = false

[device.power.output]
kind = "numato-relay"
port = "{board}"
channel = 2

[device.inputs.strike]
kind = "numato-gpio"
port = "{board}"
line = 5
"""


async def test_the_contracts_are_kept_by_the_instruments_of_a_bench_file(tmp_path):
    board, console = PtyPeer(NumatoBoard()).start(), PtyPeer().start()
    file, report = tmp_path / "desk.toml", tmp_path / "junit.xml"
    file.write_text(DESK.format(board=board.url, console=console.url))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "tests/contracts", "-k", "bench-"),
        *("--bench", str(file), f"--junitxml={report}"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    cases = ElementTree.parse(report).iter("testcase")
    played = [case.get("name") for case in cases if case.find("skipped") is None]
    assert {"bench-console", "bench-button", "bench-strike"} <= {name.split("[")[1][:-1] for name in played}
    assert [
        name for name in played if "normally-off-bench-power" in name or "bench-power-normally-off" in name
    ]
    assert {1, 2} <= {channel for channel, on in board.answer.changes if on}
    assert not any(board.answer.relays)
    board.unplug()
    console.unplug()
