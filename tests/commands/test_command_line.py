"""The command line from outside: version, a reader that leaves early, what the emulated device says."""

import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from tests.structure.source_tree import ROOT

CLI = [sys.executable, "-m", "intercom_hil.cli"]


def test_it_has_a_version():
    done = subprocess.run([*CLI, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"intercom-hil {version('intercom-hil')}\n"


@pytest.mark.parametrize(
    "command",
    [["--help"], ["requirements"], ["emulate", "--list-faults"], ["emulate", "--help"], ["run", "--help"]],
    ids=" ".join,
)
def test_a_reader_that_leaves_early_is_no_traceback(command):
    with subprocess.Popen(
        [*CLI, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        program.stdout.close()
        assert program.stderr.read() == ""
    assert program.returncode in (0, 1)


def test_the_emulated_intercom_started_by_hand_says_where_it_is_met(tmp_path):
    command = [*CLI, "emulate", "--state", str(tmp_path), "--address", "127.0.93.30"]
    command += ["--serial-server", "4001", "--webhook", "http://127.0.93.9:8099/events"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as device:
        lines = [device.stdout.readline() for _ in range(8)]
        device.send_signal(signal.SIGINT)
        assert device.stdout.read() == ""
    assert device.returncode == 0
    said = dict(line.split(maxsplit=1) for line in lines)
    assert list(said) == ["portal", "SIP", "RTP", "console", "relay", "serial", "speaker", "events"]
    logins = "log in as admin with admin-secret, or as viewer with viewer-secret"
    assert said["portal"] == f"http://127.0.93.30:8080 (open it in a browser; {logins})\n"
    assert "127.0.93.30:5060 UDP and TCP, 127.0.93.30:5061 TLS" in said["SIP"]
    assert re.match(r"/dev/pts/\d+ ", said["console"])
    assert re.match(r"/dev/pts/\d+ ", said["relay"])
    assert "rfc2217://127.0.93.30:4001" in said["serial"]


def test_a_quiet_intercom_prints_no_log_in(tmp_path):
    command = [*CLI, "emulate", "--quiet", "--state", str(tmp_path), "--address", "127.0.93.30"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as device:
        while not (tmp_path / "ready.json").exists():
            assert device.poll() is None
            time.sleep(0.05)
        device.send_signal(signal.SIGINT)
        assert device.stdout.read() == ""
    assert device.returncode == 0


def test_a_fault_that_there_is_not_is_one_line_with_those_that_are_like_it():
    command = [*CLI, "emulate", "--state", "x", "--address", "127.0.93.30", "--fault", "deaf-after-hangup"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert len(done.stderr) < 300
    for told in ("no fault 'deaf-after-hangup'", "deaf-after-remote-hangup", "emulate --list-faults"):
        assert told in done.stderr


@pytest.mark.parametrize("port", ["0", "-1", "99999", "sip"])
def test_a_port_that_is_none(port):
    command = [*CLI, "judge", "capture", "x.pcap", f"--sip-port={port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--sip-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_of_run_names_what_a_pipeline_needs():
    done = subprocess.run([*CLI, "run", "--help"], capture_output=True, text=True, timeout=60, check=True)
    for option in ("--bench", "--deviations", "--sign", "--resume", "--format"):
        assert option in done.stdout
