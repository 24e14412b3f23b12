"""``bench check`` from outside: what is well is said to be, and what is not has its line and its remedy."""

import subprocess
import sys

import pytest
from lane import ROOT, write_bench

LANE = 14
CABLE = f"""
[device.emulated]
serial_server = 4001
FAULTS

[device.console]
port = "rfc2217://127.0.{LANE}.30:4001"

[device.button]
kind = "serial-line"
port = "rfc2217://127.0.{LANE}.30:4001"
line = "LINE"
hold = 0.02
"""


def checked(folder, more="", *options):
    """Check a bench and return the exit status, its lines by what they are about, and all that was said."""
    bench = write_bench(folder, LANE)
    bench.write_text(bench.read_text() + more)
    command = [sys.executable, "-m", "intercom_hil.cli", "bench", "check", "--bench", str(bench), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    lines = {}
    for line in done.stdout.splitlines():
        state, _, rest = line.strip().partition(" ")
        if state in ("ok", "MISSING"):
            lines[rest.strip().partition(":")[0]] = state
    return done.returncode, lines, done.stdout + done.stderr


def test_a_bench_that_works_is_told_to_work_call_and_clock_included(tmp_path):
    status, lines, said = checked(tmp_path)
    assert status == 0, said
    assert set(lines.values()) == {"ok"}
    wanted = {
        "device reaches the PBX",
        "registration",
        "button",
        "call",
        "speaker",
        "events",
        "clock",
        "hang-up",
    }
    assert wanted <= set(lines), said


def test_the_parts_alone_leave_the_device_as_it_is(tmp_path):
    status, lines, said = checked(tmp_path, "", "--parts-only")
    assert status == 0, said
    assert "bench starts" not in lines


@pytest.mark.parametrize(
    ("line", "fault", "missing", "remedy"),
    [
        ("dtr", "", "call", "wrong contacts"),
        ("rts", 'faults = ["button-does-not-hang-up"]', "hang-up", "does not hang up"),
    ],
    ids=["button-on-the-wrong-line", "button-does-not-hang-up"],
)
def test_what_does_not_work_has_its_line_and_remedy(tmp_path, line, fault, missing, remedy):
    status, lines, said = checked(tmp_path, CABLE.replace("LINE", line).replace("FAULTS", fault))
    assert status == 2, said
    assert [name for name, state in lines.items() if state == "MISSING"] == [missing], said
    assert remedy in said
    assert "Traceback" not in said
