"""No password of the bench reaches a file of a run; that a device gives one away still shows."""

import base64
import json
import re
import subprocess
import sys
from urllib.parse import quote
from xml.sax.saxutils import escape

from lane import ROOT, run_scenarios, write_bench

from intercom_hil.wire.link import Dissector, Segment
from intercom_hil.wire.pcapng import read_pcapng

LANE = 119
DEVICE_PASSWORD = 'planted "device" <1>'
FACTORY = ("admin-secret", "viewer-secret")
"""The passwords of the emulated intercom's own accounts."""
PLANTED = (DEVICE_PASSWORD, *FACTORY, "planted-power-2", "planted-url-3", "planted-state-4")
TABLES = """
[device.power.output]
kind = "command"
on = ["echo", "--token", "planted-power-2"]
off = ["echo", "http://door:planted-url-3@192.0.2.5/off?password=planted-state-4"]

[[device.event_sources]]
kind = "syslog"
port = 5514

[[device.event_sources]]
kind = "webhook"
port = 8099

[device.console]
port = "rfc2217://127.0.{lane}.30:4001"

[device.emulated]
serial_server = 4001

"""


def forms(secret):
    """A secret as it could be written anywhere."""
    raw = secret.encode()
    texts = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], escape(secret), repr(secret)[1:-1])
    yield from (text.encode() for text in texts)
    yield from (secret.encode(code) for code in ("utf-16-le", "utf-16-be"))
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for before in (b"", b"x", b"xx"):
        yield base64.b64encode(before + raw)[4:-4]


def found(folder):
    """The files with a secret in them, in whatever form."""
    return {
        (str(path.relative_to(folder)), secret)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for secret in PLANTED
        if any(form in path.read_bytes() for form in forms(secret))
    }


def test_planted_secrets_reach_no_file_and_a_device_that_logs_its_password_fails(tmp_path):
    bench = write_bench(tmp_path, LANE)
    bench.write_text(bench.read_text() + TABLES.replace("{lane}", str(LANE)))
    runs = tmp_path / "runs"
    junit = runs.with_name("junit") / "results.xml"
    run = run_scenarios(
        tmp_path,
        LANE,
        *("--as-written", "--fault", "password-in-log", f"--junitxml={junit}"),
        scenarios="tests/faults/breaking/test_planted_secrets.py",
        bench=bench,
        env={"PLANTED_PASSWORD": DEVICE_PASSWORD},
    )
    registers, broken = run.record["scenarios"]
    assert registers["requirements"]["REG-01"] == "pass", run.told()
    assert registers["requirements"]["KEY-02"] == "fail", run.told()
    assert broken["verdict"] == "error"
    assert "RuntimeError: login with redacted-" in " ".join(broken["problems"])

    assert not found(runs)
    assert not found(junit.parent)
    assert DEVICE_PASSWORD not in run.output
    said = "".join(path.read_text(errors="replace") for path in run.folder.rglob("console.log"))
    assert re.search("digest of [^:]+:redacted-", said)

    ports = set()
    for capture in run.folder.rglob("capture.pcapng"):
        for link_type, frame in read_pcapng(capture.read_bytes()):
            packet = Dissector(link_type).dissect(frame.data)
            if isinstance(packet, Segment):
                ports |= {packet.source[1], packet.destination[1]}
    assert not ports & {4001, 5038, 8080, 8088, 9060}
    assert {5514, 8099} & ports, "what the device tells by syslog and webhook is kept"

    again = [sys.executable, "-m", "intercom_hil.cli", "judge", "again", str(run.folder)]
    done = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
