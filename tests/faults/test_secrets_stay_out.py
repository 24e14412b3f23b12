"""No password of the bench reaches a file of a run; that a device gives one away still shows."""

import base64
import html
import json
import quopri
import re
import subprocess
import sys
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from lane import ROOT, recomputed, run_scenarios, write_bench

from intercom_hil.pcap.pcapng import read_pcapng
from intercom_hil.wire.link import Dissector, Segment

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


def forms(secret, *, sent=False):
    """A secret as it could be written anywhere: as it is sent, or as it is looked for."""
    raw, double = secret.encode(), secret.encode("utf-16-le")
    quoted = quote(secret, safe="")
    in_json = json.dumps(secret)[1:-1]
    texts = (
        *(secret, quoted, quote(quoted), quote_plus(secret), escape(secret), html.escape(secret)),
        *(in_json, json.dumps(in_json)[1:-1], in_json.replace("<", "\\u003c").replace(">", "\\u003e")),
        *(repr(secret)[1:-1], repr(raw)[2:-1], raw.hex(" "), raw.hex(":").upper(), double.hex()),
        "".join(f"\\u{ord(c):04x}" for c in secret),
        *(
            "".join(form.format(byte) for byte in raw)
            for form in ("%{:02X}", "={:02X}", "\\x{:02x}", "&#{};")
        ),
    )
    yield from (text.encode() for text in texts)
    yield from (
        double,
        secret.encode("utf-16-be"),
        quopri.encodestring(raw),
        quopri.encodestring(raw, header=True),
    )
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for before in (b"", b"x", b"xx"):
        for coded in (raw, double):
            whole = base64.b64encode(before + coded + b"...")
            yield whole if sent else whole[4:-8]  # the ends depend on what is beside it


def contents(folder):
    """What lies in the files of a folder: as it is, without line ends, and the streams of captures."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            yield str(path.relative_to(folder)), raw
            yield f"{path.relative_to(folder)}, unfolded", re.sub(rb"=?\r?\n", b"", raw)
            if path.suffix == ".pcapng":
                for ends, sent in streams(raw).items():
                    yield f"{path.relative_to(folder)}, {ends}", sent


def streams(capture):
    """What went over each connection of a capture, one way each, in the order of the segments."""
    sent = {}
    for link_type, frame in read_pcapng(capture):
        packet = Dissector(link_type).dissect(frame.data)
        if isinstance(packet, Segment):
            sent[packet.source, packet.destination] = (
                sent.get((packet.source, packet.destination), b"") + packet.payload
            )
    return sent


def found(folder):
    """Where a secret lies, in whatever form."""
    known = [(secret, set(forms(secret))) for secret in PLANTED]
    return {
        (place, secret)
        for place, raw in contents(folder)
        for secret, written in known
        if any(form in raw for form in written)
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
        env={
            "PLANTED_PASSWORD": DEVICE_PASSWORD,
            "PLANTED_FORMS": " ".join(sorted(form.hex() for form in forms(DEVICE_PASSWORD, sent=True))),
            "PLANTED_LANE": str(LANE),
        },
    )
    registers, broken, tells = run.record["scenarios"]
    assert registers["requirements"]["REG-01"] == "pass", run.told()
    assert registers["requirements"]["KEY-02"] == "fail", run.told()
    assert broken["verdict"] == "error"
    assert "RuntimeError: login with redacted-" in " ".join(broken["problems"])

    assert tells["requirements"]["REG-01"] == "pass", run.told()
    split = [
        sent
        for path in run.folder.rglob("capture.pcapng")
        for sent in streams(path.read_bytes()).values()
        if b"X-Split: " in sent
    ]
    assert len(split) == 1
    assert re.search(rb"X-Split: [a-z2-7-]{18,}\r", split[0])
    assert recomputed(run.folder) == []

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
