"""What a run shows while it goes on, with a terminal and without: played from outside."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from intercom_hil.evidence.records import Evidence, ScenarioRecord
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.rules import Measured
from intercom_hil.plugin.live_view import failure_text
from intercom_hil.spec.verdict import Verdict
from intercom_hil.terminal_text import visible
from tests.structure.source_tree import ROOT

BENCH = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text(encoding="utf-8")
LANE = 94


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\x1b]0;pwn\x07\x1b[2J", r"\x1b]0;pwn\x07\x1b[2J"),
        ("door\u202erood", r"door\u202erood"),
        ("a\r\x9b1A\x7f", r"a\r\x9b1A\x7f"),
        ("Tür\tzwei\n", "Tür\tzwei\n"),
    ],
    ids=["escape sequences", "bidirectional override", "carriage return and C1", "plain text"],
)
def test_what_would_drive_a_terminal_is_spelled_out(sent, shown):
    assert visible(sent) == shown


def test_a_failure_is_told_in_its_own_words(tmp_path):
    judgement = Judgement(
        requirement="OUT-03",
        verdict=Verdict.FAIL,
        expected="ring time: 2.7 to 3.3 s",
        seen="5.0 s \x1b[31m",
        witnesses=("wire", "pbx"),
        time=104.25,
        rule=Measured(name="ring time", unit="s", value=5.0, low=2.7, high=3.3),
    )
    record = ScenarioRecord(
        id="test_x.test_y",
        title="an unanswered contact",
        verdict=Verdict.FAIL,
        requirements={"OUT-03": Verdict.FAIL},
        started=100.0,
        duration_s=5.0,
        protocol_wait_s=0.0,
        judgements=[judgement],
        evidence=Evidence(folder="scenarios/test_x.test_y"),
    )
    assert failure_text(record, tmp_path).splitlines() == [
        "fail: an unanswered contact",
        "OUT-03 fail",
        "  expected  ring time: 2.7 to 3.3 s",
        r"  seen      5.0 s \x1b[31m",
        "  witness   wire, pbx, 4.25 s after the start",
        f"evidence: {tmp_path}/scenarios/test_x.test_y",
    ]


def played(folder, *options, columns=0):
    """Play OUT-01 and OUT-03 on a device whose button does not hang up; on a terminal of so many columns."""
    bench = folder / "bench.toml"
    bench.write_text(BENCH.replace("127.0.0.", f"127.0.{LANE}."))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "scenarios",
        "--bench",
        str(bench),
        "--runs",
        str(folder / "runs"),
    ]
    command += ["--requirement", "OUT-06", "--fault", "button-does-not-hang-up", *options]
    if not columns:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stdout
    control, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        said, deadline = b"", time.monotonic() + 300
        while time.monotonic() < deadline and select.select([control], [], [], 300)[0]:
            try:
                said += os.read(control, 4096)
            except OSError:  # what a terminal's other end says when its program has ended
                break
    os.close(control)
    return process.returncode, said.decode()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_without_a_terminal_a_line_for_each_scenario_and_no_escapes(tmp_path, options):
    status, said = played(tmp_path, *options)
    assert status == 1, said
    assert "\x1b" not in said
    lines = re.findall(r"^(pass|fail|inconclusive) +[\d.]+ s  \w+: .+$", said, re.M)
    assert "fail" in lines, said
    assert "OUT-06 fail\n  expected " in said, said
    for noise in ("Traceback", "asyncio/", "short test summary", "During handling"):
        assert noise not in said


@pytest.mark.parametrize("columns", [80, 140])
def test_on_a_terminal_a_line_moves_that_is_never_wider(tmp_path, columns):
    status, said = played(tmp_path, columns=columns)
    assert status == 1, said
    drawn = [re.split(r"[\r\n]", line)[0] for line in said.split("\r\x1b[K")[1:]]
    moving = [line for line in drawn if re.match(r"\d+/\d+ ", line)]
    assert len(moving) > 3, said
    assert all(len(line) < columns for line in moving)
    assert any(re.search(r"\d+ s outgoing: ", line) for line in moving), moving
    assert any("1 fail" in line for line in moving), moving
    assert "OUT-06 fail" in said
    assert "Captured stdout" not in said
