"""A relative path in a bench file counts from the bench file's folder, whatever the working directory is."""

import asyncio
import os
import subprocess
import sys

from intercom_hil.bench_file.model import load
from intercom_hil.device.command_configurator import CommandConfigurator
from tests.structure.source_tree import ROOT

BENCH = """
[bench]
name = "desk"
address = "127.0.92.9"

[capture]
interface = "lo"

[pbx]
address = "127.0.92.10"

[stations]
addresses = ["127.0.92.21"]

[device]
kind = "physical"
address = "127.0.92.30"
configurator = "command"

[device.capabilities]
event_log = true
screen = false
speaker = true
srtp = true
tls = true
proxy = false
session_timer = true
video = true

[[device.event_sources]]
kind = "syslog"
port = 6514
transport = "tls"
certificate = "pki/syslog.pem"
private_key = "pki/syslog.key"

[device.console]
port = "tty/console"

[device.command]
run = ["./configure", "./argument"]

[device.button]
kind = "command"
on = "tools/press now"
off = ["release"]
state = "./state"

[device.power]
output = { kind = "numato-relay", port = "rfc2217://192.0.2.1:4001/x" }

[device.speaker]
recording = "speaker.wav"

[device.trusted_ca]
certificate = "pki/ca.pem"
key = "pki/ca.key"
"""


def test_every_field_that_is_a_path_counts_from_the_bench_file(tmp_path, monkeypatch):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "desk.toml").write_text(BENCH)
    monkeypatch.chdir(tmp_path)
    device = load((folder / "desk.toml").relative_to(tmp_path)).device
    (source,) = device.event_sources
    found = {
        "console": device.console.port,
        "run": device.command.run,
        "on": device.button.on,
        "off": device.button.off,
        "state": device.button.state,
        "port": device.power.output.port,
        "files": [
            source.certificate,
            source.private_key,
            device.speaker.recording,
            device.trusted_ca.certificate,
            device.trusted_ca.key,
        ],
    }
    assert found == {
        "console": f"{folder}/tty/console",
        "run": (f"{folder}/configure", "./argument"),
        "on": (f"{folder}/tools/press", "now"),
        "off": ("release",),
        "state": (f"{folder}/state",),
        "port": "rfc2217://192.0.2.1:4001/x",
        "files": [
            folder / name
            for name in ("pki/syslog.pem", "pki/syslog.key", "speaker.wav", "pki/ca.pem", "pki/ca.key")
        ],
    }


def test_bench_check_and_a_run_find_the_same_command(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "lab", tmp_path / "elsewhere"
    for made in (folder, elsewhere):
        made.mkdir()
    (folder / "desk.toml").write_text(BENCH.split("[device.trusted_ca]")[0])
    command = folder / "configure"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    checked = [sys.executable, "-m", "intercom_hil.cli", "bench", "check", "--parts-only", "--bench"]
    done = subprocess.run(
        [*checked, str(folder / "desk.toml")],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "harness")},
    )
    assert f"ok       command {command}" in done.stdout, done.stdout + done.stderr
    monkeypatch.chdir(elsewhere)
    device = load(folder / "desk.toml").device
    asyncio.run(CommandConfigurator(device.command.run).open())
