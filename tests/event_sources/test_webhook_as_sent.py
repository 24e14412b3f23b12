"""The webhook as door phones use it: each way of telling an event, with the layout that it needs."""

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.event_sources.webhook import LARGEST_BODY, WebhookReceiver
from intercom_hil.event_sources.webhook_body import events_of
from intercom_hil.event_sources.xml_value import xml_value
from intercom_hil.layouts.known import JSON_LINES
from intercom_hil.layouts.options import LayoutOptions
from intercom_hil.serving.http import mended
from intercom_hil.timeline import Timeline

CASES = Path(__file__).parent / "cases" / "webhook"
BENCH, DEVICE, PORT = "127.0.74.9", "127.0.74.30", 8198
DIALING = ("outgoing_call_initiated", "Dialing")


def layout(**fields):
    return LayoutOptions(fields=fields).layout("own")


LAYOUT = {
    "get-path": layout(name="path:2"),
    "xml": layout(name="event.name", screen="event.screen"),
}


@asynccontextmanager
async def webhook(folder, layout=JSON_LINES, path="/events", events_at=""):
    timeline = Timeline()
    receiver = WebhookReceiver(
        "webhook",
        address=BENCH,
        port=PORT,
        path=path,
        sender=DEVICE,
        layout=layout,
        append=timeline.append,
        events_at=events_at,
    )
    await receiver.open()
    receiver.begin(folder)
    try:
        yield timeline
    finally:
        await receiver.close()


async def answer_to(data):
    """Send a request as it is, and return the status of the answer."""
    reader, writer = await asyncio.open_connection(BENCH, PORT, local_addr=(DEVICE, 0))
    try:
        writer.write(data)
        async with asyncio.timeout(3):
            return (await reader.readline()).split()[1]
    finally:
        writer.close()


async def told(folder, data, layout=JSON_LINES, **options):
    async with webhook(folder, layout, **options) as timeline:
        status = await answer_to(data)
    return status, [o.content for o in timeline if o.content.kind != "webhook"]


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.iterdir()))
async def test_each_case_is_read_as_its_event(tmp_path, name):
    status, events = await told(tmp_path, (CASES / f"{name}.http").read_bytes(), LAYOUT.get(name, JSON_LINES))
    assert status == b"200"
    assert [e.name for e in events] == ["outgoing_call_initiated", "outgoing_call_established"][
        : 2 if name == "json-lines" else 1
    ]
    if name != "get-path":
        assert events[0].screen_name == "Dialing"


def request(target, body=b"", content_type="", method=b"", version=b" HTTP/1.1", head=b"Host: bench\r\n"):
    declared = f"Content-Type: {content_type}\r\n".encode() if content_type else b""
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    method = method or (b"POST" if body else b"GET")
    return b"%s %s%s\r\n%s%s%s\r\n%s" % (method, target, version, head, declared, length, body)


QUERY = b"/events?event=outgoing_call_initiated&screen=Dialing"
JSON = b'{"event": "outgoing_call_initiated", "screen": "Dialing"}'
FORM = b"event=outgoing_call_initiated&screen=Dialing"
PART = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
MULTIPART = PART % (b"event", b"outgoing_call_initiated") + PART % (b"screen", b"Dialing") + b"--B--\r\n"
XML = b"<event><name>outgoing_call_initiated</name><screen>Dialing</screen></event>"
IN_XML = layout(name="name", screen="screen")
REQUESTS = {
    "query, HEAD": (request(QUERY, method=b"HEAD"), JSON_LINES),
    "query, PUT": (request(QUERY, method=b"PUT"), JSON_LINES),
    "query, POST without a body": (request(QUERY, method=b"POST"), JSON_LINES),
    "query, HTTP/1.0 without Host": (request(QUERY, version=b" HTTP/1.0", head=b""), JSON_LINES),
    "query, HTTP/1.1 without Host": (request(QUERY, head=b""), JSON_LINES),
    "query, no version": (request(QUERY, version=b"", head=b""), JSON_LINES),
    "query, whole address": (request(b"http://192.0.2.9:8090" + QUERY), JSON_LINES),
    "query by its own name": (
        request(b"/events?a=outgoing_call_initiated&b=Dialing"),
        layout(name="query:a", screen="b"),
    ),
    "query beside a picture": (request(QUERY, b"\xff\xd8\xff\xe0" * 50_000, "image/jpeg"), JSON_LINES),
    "name in the path, screen in the body": (
        request(b"/events/outgoing_call_initiated", b'{"shown": "Dialing"}'),
        layout(name="path:2", screen="shown"),
    ),
    "path by a pattern": (
        request(b"/events/door-1/call/outgoing_call_initiated/Dialing.cgi"),
        layout(path=r"/events/[^/]+/call/(?P<name>\w+)/(?P<screen>\w+)\.cgi"),
    ),
    "path, encoded": (
        request(b"/events/outgoing%5Fcall_initiated/Dialing/"),
        layout(name="path:2", screen="path:3"),
    ),
    "form without a type": (request(b"/events", FORM), JSON_LINES),
    "form of the wrong type": (request(b"/events", FORM, "text/plain"), JSON_LINES),
    "form of JSON's type": (request(b"/events", FORM, "application/json"), JSON_LINES),
    "JSON of a form's type": (request(b"/events", JSON, "application/x-www-form-urlencoded"), JSON_LINES),
    "JSON in a form": (
        request(
            b"/events",
            b"payload=%7B%22event%22%3A%22outgoing_call_initiated%22%2C%22screen%22%3A%22Dialing%22%7D",
        ),
        JSON_LINES,
    ),
    "JSON in a form's field": (
        request(b"/events", b'data={"event": "outgoing_call_initiated", "screen": "Dialing"}'),
        layout(name="data.event", screen="data.screen"),
    ),
    "JSON by a pointer": (
        request(b"/events", b'{"a/b": {"c": ["outgoing_call_initiated", "Dialing"]}}'),
        layout(name="/a~1b/c/0", screen="/a~1b/c/1"),
    ),
    "JSON in an array": (request(b"/events", b"[" + JSON + b"]"), JSON_LINES),
    "JSON in UTF-16": (request(b"/events", JSON.decode().encode("utf-16")), JSON_LINES),
    "JSON and a NUL": (request(b"/events", JSON + b"\0"), JSON_LINES),
    "JSON with CRLF round it": (request(b"/events", b"\r\n" + JSON + b"\r\n"), JSON_LINES),
    "multipart": (request(b"/events", MULTIPART, "multipart/form-data; boundary=B"), JSON_LINES),
    "multipart, quoted boundary": (
        request(b"/events", MULTIPART, 'Multipart/Form-Data; boundary="B"; x=y'),
        JSON_LINES,
    ),
    "multipart of no type": (request(b"/events", MULTIPART), JSON_LINES),
    "multipart with LF": (
        request(b"/events", MULTIPART.replace(b"\r", b""), "multipart/form-data; boundary=B"),
        JSON_LINES,
    ),
    "multipart with a picture": (
        request(
            b"/events", PART % (b"pic", b"\xff\xd8" * 9000) + MULTIPART, "multipart/form-data; boundary=B"
        ),
        JSON_LINES,
    ),
    "XML without a type": (request(b"/events", XML), IN_XML),
    "XML with a BOM": (request(b"/events", b"\xef\xbb\xbf<?xml version='1.0'?>" + XML, "text/xml"), IN_XML),
    "XML in UTF-16": (request(b"/events", XML.decode().encode("utf-16"), "text/xml"), IN_XML),
    "XML after blanks": (
        request(b"/events", b"\r\n <?xml version='1.0' encoding='ISO-8859-1'?>" + XML, "text/html"),
        IN_XML,
    ),
    "XML in SOAP": (
        request(
            b"/events",
            b'<s:Envelope xmlns:s="urn:s"><s:Body><d:'
            + XML[1:].replace(b"</event", b"</d:event").replace(b"event>", b'event xmlns:d="urn:d">', 1)
            + b"</s:Body></s:Envelope>",
        ),
        layout(name="Envelope.Body.event.name", screen="Body.event.screen"),
    ),
    "XML attributes": (
        request(b"/events", b'<log><event name="outgoing_call_initiated">Dialing</event></log>'),
        layout(name="event.@name", screen="event"),
    ),
    "chunked": (
        b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (len(JSON), JSON),
        JSON_LINES,
    ),
    "lines end with LF": (request(QUERY).replace(b"\r", b""), JSON_LINES),
    "colours": (
        request(
            b"/events", b'{"event": "outgoing_call_initiated", "screen": "\\u001b[32mDialing\\u001b[0m"}'
        ),
        JSON_LINES,
    ),
}


@pytest.mark.parametrize("way", REQUESTS)
async def test_each_way_of_telling_an_event_is_read(tmp_path, way):
    data, layout = REQUESTS[way]
    status, events = await told(tmp_path, data, layout)
    assert (status, [(e.name, e.screen_name) for e in events]) == (b"200", [DIALING])


async def test_a_target_with_blanks_is_read_as_it_was_meant(tmp_path):
    data = request(b'/events?event=outgoing_call_failure&screen=Call Failed&details=\xe9 "486"')
    _, (event,) = await told(tmp_path, data)
    assert (event.screen_name, event.details) == ("Call Failed", '\\xe9 "486"')


@pytest.mark.parametrize(
    "body",
    [
        JSON + b"\n" + JSON + b"\n",
        b"[" + JSON + b"," + JSON + b"]",
        JSON + JSON,
        b"\x1e" + JSON + b"\n\x1e" + JSON,
    ],
)
async def test_a_body_may_tell_several(tmp_path, body):
    _, events = await told(tmp_path, request(b"/events", body))
    assert [(e.name, e.screen_name) for e in events] == [DIALING, DIALING]


async def test_a_list_in_xml_is_several(tmp_path):
    body = b"<log><event><name>a</name></event><event><name>b</name></event></log>"
    _, events = await told(tmp_path, request(b"/events", body), layout(name="name"), events_at="log.event")
    assert [e.name for e in events] == ["a", "b"]


@pytest.mark.parametrize("path", ["/", "/events/", "/hook.cgi"])
async def test_what_stands_below_the_path_belongs_to_the_event(tmp_path, path):
    target = f"{path.rstrip('/')}/x?event=a".encode()
    status, (event,) = await told(tmp_path, request(target), path=path)
    assert (status, event.name) == (b"200", "a")


@pytest.mark.parametrize(
    "data",
    [
        request(b"/events", b'{"event": "outgoing_call_ini'),
        request(b"/events", b"<event><name>outgoing"),
        request(b"/events", JSON + b"\n" + JSON[:30]),
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: none\r\n\r\n" + JSON,
    ],
)
async def test_a_request_that_cannot_be_read_may_hide_an_event_and_is_told(tmp_path, data):
    status, events = await told(tmp_path, data)
    assert status == b"400"
    assert [e.may_hold_event for e in events if e.kind == "unreadable_line"] == [True]


async def test_a_request_about_something_else_hides_nothing(tmp_path):
    assert await told(tmp_path, request(b"/events", b'{"heartbeat": 7}')) == (b"400", [])


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><event><name>&b;</name></event>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><event><name>x</name></event>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><event><name>&f;</name></event>',
        b"<event><name>&unknown;</name></event>",
        b"<a>" * 100_000,
        b"<a>" * 20 + b"x" + b"</a>" * 20 + b"<b>",
        b"<a b='",
        b"<",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
    ],
)
def test_dangerous_or_broken_xml_is_refused(body):
    with pytest.raises(ValueError, match=r"XML|document type|within each other"):
        xml_value(body)


BODIES = st.binary(max_size=300) | st.lists(
    st.sampled_from(
        [JSON, XML, FORM, MULTIPART, b"{", b"[", b"<", b"--B", b"\r\n", b"=", b"&", b"%", b"\xff\xfe", b"\0"]
    )
).map(b"".join)


@given(
    BODIES,
    st.sampled_from(["", "multipart/form-data; boundary=B", "text/xml", "charset=zlib_codec"]),
    st.text(),
)
def test_any_request_is_read(body, content_type, text):
    for event in (
        events_of(text, text, content_type, body, "a.b")[0] + events_of("/", text, content_type, body)[0]
    ):
        for content in JSON_LINES.meaning_of(event).contents:
            content.model_dump_json()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * LARGEST_BODY,
        b"{}" * (LARGEST_BODY // 2),
        b"a=b&" * (LARGEST_BODY // 4),
        b"--B\r\n" * (LARGEST_BODY // 5),
        b"<a/>" * (LARGEST_BODY // 4),
        b"<r>" + b"<a/>" * (LARGEST_BODY // 5),
        b"%" * LARGEST_BODY,
        b'"' * LARGEST_BODY,
        b"=" * LARGEST_BODY,
        b"9" * LARGEST_BODY,
    ],
)
def test_no_body_takes_long_to_read(body):
    begun = time.process_time()
    events, _ = events_of("/" * 9000, "&" * 9000, "", body)
    for event in events:
        JSON_LINES.meaning_of(event)
    assert time.process_time() - begun < 2


@given(st.binary(max_size=200))
def test_any_head_is_mended_or_left(head):
    assert mended(head + b"\r\n\r\n").endswith(b"\n")


async def test_a_client_that_drips_bytes_keeps_nobody_out(tmp_path):
    async with webhook(tmp_path) as timeline:
        _, slow = await asyncio.open_connection(BENCH, PORT, local_addr=(DEVICE, 0))
        slow.write(b"GET /events?event=x HT")
        assert await answer_to(request(QUERY)) == b"200"
        slow.close()
    assert [o.content.name for o in timeline if o.content.kind == "event"] == ["outgoing_call_initiated"]


def test_a_path_that_is_no_expression_is_named():
    with pytest.raises(BenchError, match=r"layout own, fields, path: .* is no regular expression"):
        layout(path="(")
