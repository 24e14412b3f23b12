"""The webhook on real sockets: the emulated intercom's own posts, other clients, and bytes of any kind."""

import asyncio
import json
import socket
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.emulator.vocabulary import Show, WriteEvent, WriteLine
from intercom_hil.emulator.webhook import Webhook
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.webhook import LARGEST_BODY, MOST_CONNECTIONS, WebhookReceiver
from intercom_hil.event_sources.webhook_body import events_in
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import JSON_LINES
from intercom_hil.layouts.layout import Layout
from intercom_hil.timeline import Pattern, Timeline
from intercom_hil.timeline.observation import DeviceEvent

BENCH, DEVICE, STRANGER, PORT = "127.0.74.9", "127.0.74.30", "127.0.74.31", 8199
URL = f"http://{BENCH}:{PORT}/events"
EVENT = WriteEvent("outgoing_call_failure", "Call Failed", "busy: nobody")
AT = 1_795_380_063.25


class Place:
    """A webhook with its timeline."""

    def __init__(self, folder, layout=JSON_LINES, events_at=""):
        self.folder, self.timeline = folder, Timeline()
        self.webhook = WebhookReceiver(
            "webhook",
            address=BENCH,
            port=PORT,
            path="/events",
            sender=DEVICE,
            layout=layout,
            append=self.timeline.append,
            events_at=events_at,
        )

    async def __aenter__(self):
        await self.webhook.open()
        self.webhook.begin(self.folder)
        return self

    async def __aexit__(self, *problem):
        await self.webhook.close()

    async def sees(self, kind, count=1):
        found = await self.timeline.wait(Pattern(kind=kind, text=kind), within=3, count=count)
        assert len(found) >= count, [str(o) for o in self.timeline]
        return found


@pytest.fixture
async def place(tmp_path):
    async with Place(tmp_path) as running:
        yield running


@pytest.fixture
async def device():
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=DEVICE)) as client:
        yield client


async def raw(data, source=DEVICE):
    """Send bytes, and return what comes back until the other side closes."""
    reader, writer = await asyncio.open_connection(BENCH, PORT, local_addr=(source, 0))
    try:
        writer.write(data)
        with suppress(OSError):  # it has hung up: ENOTCONN is no ConnectionError
            writer.write_eof()
        async with asyncio.timeout(3):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_what_the_emulated_intercom_logs_arrives_in_its_order(place):
    hook = Webhook(URL, DEVICE)
    hook.write(EVENT, AT)
    hook.write(Show("Incoming call answered"), AT)
    hook.write(WriteLine("sip registered", (("server", "x"),)), AT)
    (event,) = await place.sees("event")
    await place.sees("note")
    await hook.close()
    assert event.content == DeviceEvent(
        name=EVENT.name, screen_name="Call Failed", details=EVENT.details, failure="busy", device_time=AT
    )
    assert event.witness == "webhook"
    kinds = [o.content.kind for o in place.timeline]
    assert kinds == ["webhook", "event", "webhook", "screen", "webhook", "note"]
    assert (place.folder / "webhook.log").read_bytes().count(b"POST /events HTTP/1.1") == 3


async def test_what_is_posted_before_the_bench_listens_is_not_lost(tmp_path):
    hook = Webhook(URL, DEVICE)
    hook.write(EVENT, AT)
    async with Place(tmp_path) as place:
        await place.sees("event")
    await hook.close()


async def test_a_list_is_several_events_and_fields_are_found_where_the_bench_file_says(tmp_path, device):
    layout = Layout.from_fields(
        "own",
        EventFields(name="type.id", details="type.why.0", time="at"),
        failures={"busy": "486"},
        time_format="%d/%m/%Y %H:%M:%S",
    )
    async with Place(tmp_path, layout, "data.items") as place:
        told = [
            {"type": {"id": "a", "why": ["code 486"]}, "at": "22/11/2026 20:41:03"},
            {"type": {"id": "b"}},
        ]
        answer = await device.post(URL, json={"data": {"items": told}})
        assert answer.status_code == 200
        first, second = await place.sees("event", 2)
    assert first.content == DeviceEvent(name="a", details="code 486", failure="busy", device_time=int(AT))
    assert second.content == DeviceEvent(name="b")


@pytest.mark.parametrize(
    ("method", "url", "body", "status"),
    [
        ("GET", URL, b"", 400),
        ("DELETE", URL, b"", 405),
        ("POST", URL + "x", b"{}", 404),
        ("POST", URL.replace("events", "other"), b"{}", 404),
        ("POST", URL, b"", 400),
        ("POST", URL, b"no json", 400),
        ("POST", URL, b"\xff", 400),
        ("POST", URL, b"[" * 60_000, 400),
        ("POST", URL, b"7", 400),
        ("POST", URL, b"{}", 400),
        ("POST", URL, b'{"event": {"deep": 1}}', 400),
        ("POST", URL, b" " * (LARGEST_BODY + 1), 413),
        ("PUT", URL, b'{"event": "x"}', 200),
        ("POST", URL + "?key=1", b'[{"event": "x"}, {"event": "y"}]', 200),
    ],
)
async def test_every_request_is_answered(place, device, method, url, body, status):
    answer = await device.request(method, url, content=body)
    assert answer.status_code == status
    (seen, *_) = await place.sees("webhook")
    assert seen.content.status == status


async def test_what_can_be_read_of_a_wrong_list_counts(place, device):
    assert (await device.post(URL, json=[{"event": "x"}, 7])).status_code == 400
    (event,) = await place.sees("event")
    assert event.content.name == "x"


async def test_a_stranger_is_refused(place):
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=STRANGER)) as client:
        assert (await client.post(URL, json={"event": "forged"})).status_code == 403
    assert not place.timeline.find(Pattern(kind="event", text=""))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01",
        b"<13>1 syslog",
        b"POST /events HTTP/1.1\r\n\r\n",
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /events HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000,
        b"POST /\xc3\xa9vents HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_whatever_a_connection_brings_the_next_one_is_heard(place, device, data):
    await raw(data)
    assert (await device.post(URL, json={"event": "afterwards"})).status_code == 200
    assert not place.webhook.lost.done()


async def test_idle_connections_keep_nobody_out_for_good(place, device):
    idle = []
    for _ in range(MOST_CONNECTIONS + 4):
        connection = socket.create_connection((BENCH, PORT), source_address=(DEVICE, 0))
        idle.append(connection)
    async with asyncio.timeout(3):
        while await raw(b"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            pass  # until the last of those that were opened has been taken
    for connection in idle:
        connection.close()
    async with asyncio.timeout(3):
        while not await raw(b"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            pass
    assert (await device.post(URL, json={"event": "afterwards"})).status_code == 200


async def test_a_port_that_is_taken_is_told(place, tmp_path):
    with pytest.raises(BenchError, match=r"http://127.0.74.9:8199/events.*in use.*Remedy"):
        async with Place(tmp_path):
            pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.just("event"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["", "a", "event", "event.event", "a.b.c"]))
def test_any_json_is_read_without_a_fault(value, path):
    for event in events_in(json.loads(json.dumps(value)), path) or ():
        reading = JSON_LINES.meaning_of(event)
        assert len(reading.contents) <= 1
        for content in reading.contents:
            content.model_dump_json()
