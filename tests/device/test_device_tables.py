"""An Intercom put together from the tables of a bench file: every instrument that they name, on one cable."""

import asyncio
import tomllib

import pytest
from pydantic import ValidationError

from intercom_hil.bench.device_part import completed, intercom
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.tables import DeviceTable
from intercom_hil.device.emulated import Ready
from intercom_hil.spec.capabilities import Capability
from intercom_hil.timeline import Pattern, Timeline, Witness
from tests.contracts.serial_peers import Rfc2217Peer
from tests.device.portal_peer import PortalPeer
from tests.structure.source_tree import ROOT

CAPABILITIES = dict.fromkeys(Capability, False)


def tables(**named):
    return DeviceTable.model_validate(
        {"kind": "emulated", "address": "127.0.45.3", "capabilities": CAPABILITIES, **named}
    )


async def test_one_cable_is_console_button_supply_and_door_strike(tmp_path):
    server, portal, timeline = Rfc2217Peer().start(), PortalPeer(), Timeline()
    device = intercom(
        tables(
            console={"port": server.url},
            button={"kind": "serial-line", "port": server.url, "line": "rts", "hold": 0.02},
            power={"output": {"kind": "serial-line", "port": server.url, "line": "dtr"}},
            inputs={"strike": {"kind": "serial-line", "port": server.url, "line": "cts"}},
            portal={"url": portal.url, "account": "admin", "password": "admin-secret"},
        ),
        append=timeline.append,
    )
    await device.open()
    device.begin(tmp_path)
    server.sense("cts", True)
    edge = Pattern(kind="input", text="the strike").where(name="strike", active=True).seen_by(Witness.INPUT)
    assert await timeline.wait(edge, within=3)
    await device.press_button()
    await device.supply.set(False)
    assert server.port.driven[-3:] == [("rts", True), ("rts", False), ("dtr", True)]
    server.unplug()
    lost = await asyncio.wait_for(device.lost, 5)
    assert "cable" in str(lost)
    await device.close()
    portal.close()


def test_an_emulated_device_brings_what_the_file_does_not_name(tmp_path):
    ready = Ready(
        console="/dev/pts/1",
        relay="/dev/pts/2",
        portal="http://127.0.45.3:8080",
        speaker=tmp_path / "speaker.wav",
        pid=1,
        agent_pid=2,
    )
    own = completed(tables(), ready)
    assert (own.console.port, own.button.port, own.portal.url) == (ready.console, ready.relay, ready.portal)
    named = completed(tables(console={"port": "rfc2217://127.0.45.3:4001"}), ready)
    assert named.console.port == "rfc2217://127.0.45.3:4001"
    assert named.button.port == ready.relay


DESK = {
    "kind": "physical",
    "address": "127.0.45.3",
    "button": {"kind": "command", "on": "true", "off": "true"},
    "configurator": "command",
    "command": {"run": "true"},
}


@pytest.mark.parametrize(
    ("declared", "more", "told"),
    [
        ((), {}, None),
        (("screen",), {"operator": {"reads": ["screen"]}}, None),
        (
            ("event_log",),
            {"event_sources": [{"kind": "webhook", "port": 8099, "layout": "json-lines"}]},
            None,
        ),
        (
            ("event_log",),
            {},
            r"console under \[device\] \(or event_sources, or capabilities.event_log = false",
        ),
        (("screen",), {}, r"console under .* capabilities.screen = false"),
        (("screen", "event_log"), {"operator": {"reads": ["screen"]}}, "capabilities.event_log = false"),
    ],
)
def test_what_a_device_tells_must_be_told_to_somebody(declared, more, told):
    table = {**DESK, "capabilities": {**CAPABILITIES, **dict.fromkeys(declared, True)}, **more}
    if told is None:
        assert DeviceTable.model_validate(table).console is None
        return
    with pytest.raises(ValidationError, match=told):
        DeviceTable.model_validate(table)


@pytest.mark.parametrize(
    "place",
    [
        "bench.address",
        "pbx.address",
        "stations.addresses.1",
        "device.address",
        "device.event_sources.0.address",
        "device.portal.url",
    ],
)
def test_an_ipv6_address_is_refused_in_one_sentence_that_names_the_field(tmp_path, place):
    file = tomllib.loads((ROOT / "fixtures" / "benches" / "emulated-syslog.toml").read_text())
    file["device"]["portal"] = {"url": "http://127.0.0.30", "account": "a", "password": "b"}
    where = file
    *steps, last = place.split(".")
    for step in steps:
        where = where[int(step)] if step.isdecimal() else where[step]
    key = int(last) if last.isdecimal() else last
    where[key] = "http://[2001:db8::30]/" if last == "url" else "2001:db8::30"
    with pytest.raises(ValidationError) as caught:
        BenchFile.model_validate(file)
    (problem,) = caught.value.errors()
    loc = [str(part) for part in problem["loc"] if part != "syslog"]
    assert ".".join(loc) == place
    assert "IPv6 address; the bench knows IPv4 only: name an IPv4 address" in problem["msg"]
