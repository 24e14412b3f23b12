"""The emulated intercom as a whole: what its console, syslog, webhook and portal tell of one failed call."""

import pytest

from intercom_hil.adapters.numato_board import Board
from intercom_hil.adapters.numato_relay import Relay
from intercom_hil.device.emulated import EmulatedDevice
from intercom_hil.device.intercom import Intercom
from intercom_hil.device.portal import Account, Portal
from intercom_hil.errors import BenchError
from intercom_hil.event_sources import SourceRole
from intercom_hil.event_sources.log_file import read_log
from intercom_hil.event_sources.syslog import SyslogReceiver
from intercom_hil.event_sources.webhook import WebhookReceiver
from intercom_hil.evidence.run import keep_export
from intercom_hil.instruments import Button, SerialConsole
from intercom_hil.judge.corroboration import corroboration
from intercom_hil.judge.device_clock import reading
from intercom_hil.layouts.known import JSON_LINES, KEYED_MESSAGE
from intercom_hil.spec.settings import SipSettings
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Pattern, Timeline, now
from tests.device.sip_stack import NEEDS_SIP_STACK

DEVICE, BENCH, NOBODY = "127.0.74.40", "127.0.74.41", "127.0.74.49"
SETTINGS = SipSettings(
    server_address=NOBODY,
    auth_username="door",
    auth_password="secret",
    extension="1001",
    call_number="3400",
    call_timeout=1,
)
COPIES = SourceRole(False, False, False)
EXHAUSTED = Pattern(kind="event", text="exhausted").where(name="outgoing_call_contact_failure")


@pytest.fixture
async def device(tmp_path):
    emulated = EmulatedDevice(
        state=tmp_path / "device",
        address=DEVICE,
        variant="clock-ahead",
        options=(
            *("--console-layout", "json-lines"),
            *("--syslog", f"tcp://{BENCH}:5701"),
            *("--webhook", f"http://{BENCH}:8701/told"),
        ),
    )
    yield emulated
    await emulated.stop()


@NEEDS_SIP_STACK
async def test_every_way_tells_the_same_and_so_does_the_export(tmp_path, device):
    ready = await device.start()
    timeline = Timeline()
    append = timeline.append
    common = {"address": BENCH, "sender": DEVICE, "append": append, "role": COPIES}
    sources = [
        SyslogReceiver("syslog", port=5701, transport="tcp", layout=KEYED_MESSAGE, **common),
        WebhookReceiver("webhook", port=8701, path="/told", layout=JSON_LINES, **common),
    ]
    portal = Portal(ready.portal, Account("admin", "admin-secret"))
    intercom = Intercom(
        address=DEVICE,
        append=append,
        portal=portal,
        button=Button(Relay(Board(ready.relay), "0"), append=append),
        console=SerialConsole(ready.console),
        layout=JSON_LINES,
        sources=sources,
        device_lost=device.lost,
    )
    await intercom.open()
    intercom.begin(tmp_path)
    try:
        assert (await intercom.configure(SETTINGS)).accepted
        await intercom.press_button()
        assert await timeline.wait(EXHAUSTED, within=8)
        for source in sources:
            copies = Pattern(kind="event_copy", text="").where(source=source.name)
            assert len(await timeline.wait(copies, within=3, count=3)) == 3
        exports = [
            await portal.download(f"/api/devices/door/events?format={form}") for form in ("csv", "json")
        ]
        with pytest.raises(BenchError, match="status 404"):
            await portal.download("/api/elsewhere")
        with pytest.raises(BenchError, match="status 400"):
            await portal.download("/api/devices/door/events?format=doc")
        assert (await portal.submit_raw(b"", Account("viewer", "viewer-secret")))[0] == 403
    finally:
        await intercom.close()
    findings = list(corroboration(timeline, now(), now()))
    assert [(f.verdict, f.seen) for f in findings] == [(Verdict.PASS, "3 events, told alike")] * 2
    assert reading(timeline).ahead_s == pytest.approx(37.0, abs=0.1)
    told = [o.content for o in timeline if o.content.kind == "event"]
    for data in exports:
        entries = read_log(data, JSON_LINES)
        assert [(e.event.name, e.event.details) for e in entries] == [(e.name, e.details) for e in told]
        assert [e.time for e in entries] == pytest.approx([e.device_time for e in told], abs=0.0011)
    assert not any(o.content.kind == "lost" for o in timeline)
    logs = {path.name for path in tmp_path.glob("*.log")}
    assert logs == {"console.log", "syslog.log", "webhook.log"}


def test_exports_are_kept_beside_each_other(tmp_path):
    kept = [keep_export(tmp_path, content) for content in (b"time,event\n", b" [1]", b"time,event\n")]
    assert [path.name for path in kept] == ["event-log.csv", "event-log.json", "event-log.2.csv"]
    with pytest.raises(BenchError, match="cannot be kept"):
        keep_export(tmp_path / "nowhere", b"")
