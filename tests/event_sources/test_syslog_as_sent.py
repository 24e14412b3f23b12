"""Syslog as devices send it, and times as they write them: each with the event or time it must be read as."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.event_sources.syslog import SyslogReceiver
from intercom_hil.event_sources.syslog_message import SyslogMessage, messages_in
from intercom_hil.layouts.known import BRACKETED, KEYED, KEYED_MESSAGE
from intercom_hil.layouts.written_time import leading_time, read_time
from intercom_hil.timeline import Timeline

CASES = Path(__file__).parent / "cases" / "syslog"
AT = datetime(2026, 11, 22, 20, 41, 3, tzinfo=UTC).timestamp()
SAID = b'event name=outgoing_call_initiated screen="Dialing"'


@pytest.fixture
async def heard(tmp_path):
    """A way to send the device's datagrams to a receiver, and to see what comes of it."""

    def send(*datagrams, layout=KEYED_MESSAGE):
        timeline = Timeline()
        receiver = SyslogReceiver(
            "syslog",
            address="127.0.74.9",
            port=5609,
            transport="udp",
            sender="127.0.74.30",
            layout=layout,
            append=timeline.append,
        )
        receiver.begin(tmp_path)
        for data in datagrams:
            receiver.datagram(data, "127.0.74.30")
        return [o.content for o in timeline if o.content.kind != "syslog"]

    return send


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.iterdir()))
async def test_each_case_is_read_as_its_event(heard, name):
    events = heard((CASES / f"{name}.bin").read_bytes())
    assert [(e.name, e.screen_name, e.device_time // 1) for e in events] == [
        ("outgoing_call_initiated", "Dialing", AT),
        ("outgoing_call_established", "Call Established", AT + 1),
    ][: 2 if name == "two-in-one-datagram" else 1]


HEADERS = [
    b"<14>Nov 22 20:41:03 door app: ",
    b"<14> Nov 22 20:41:03 door app: ",
    b" <14>  Nov 22 20:41:03 door app:  ",
    b"<14>Nov 22 20:41:03 ",
    b"<14>Nov 22 20:41:03 door ",
    b"<14>Nov 22 20:41:03 door app ",
    b"<14>Nov 22 20:41:03 app: ",
    b"<14>Nov 22 20:41:03 app[12]: ",
    b"<14>Nov 22 20:41:03 door app[12]:",
    b"<14>Nov 22 20:41:03 2001:db8::30 app: ",
    b"<14>Nov 22 20:41:03: ",
    b"<14>door Nov 22 20:41:03 app: ",
    b"<14>door: Nov 22 20:41:03: ",
    b"<189>000123: *Nov 22 20:41:03.295: ",
    b"<189>000123: .Nov 22 20:41:03.295 UTC: %APP-6-EVENT: ",
    b"<189>7: door: *Nov 22 20:41:03: %APP-6-EVENT: ",
    b"<189>*Nov 22 2026 20:41:03.295: ",
    b"Nov 22 20:41:03 door app: ",
    b"\xef\xbb\xbf<14>Nov 22 20:41:03 door app: ",
    b"\x1b[32m<14>Nov 22 20:41:03 door \x1b[1mapp:\x1b[0m ",
    b"<14>Nov 22 20:41:03 door app: \xef\xbb\xbf",
    b"<14>2026-11-22T20:41:03Z door app: ",
    b"<14>2026-11-22T20:41:03,123456Z door app[1]: ",
    b"<14>2026-11-22 20:41:03 door app: ",
    b"<14>[2026-11-22 20:41:03.123] ",
    b"<14>20261122204103 door app: ",
    b"<14>20261122T204103Z ",
    b"<14>1795380063 door app: ",
    b"<14>1795380063123 ",
    b"<14>1795380063.123 door app: ",
    b"<14>22/11/2026 20:41:03 door app: ",
    b"<14>11/22/2026 08:41:03 PM door app: ",
    b"<14>Sun Nov 22 20:41:03 2026 door app: ",
    b"<14>20:41:03 door app: ",
    b"<14>Nov 22 21:41:03 +01:00: ",
    b"<14>Nov 22 21:41:03.120 CET(+0100) door app: ",
    b"<14>2026-11-22 20:41:03:120 door app: ",
    b"<14>Nov 22 20:41:03:120 app[12]: ",
    b"<14>20:41:03:120 ",
    b"<14>2026-11-22 20-41-03 door app: ",
    b"<14>22.11.2026 20.41.03 ",
    b"<14>2026-11-22;20:41:03 door app: ",
    b"<14>22/11/2026,20:41:03 ",
    b"<14>20261122204103120 door app: ",
    b"<14>2026-11-22T204103Z door app: ",
    b"<14>1795380063.120: ",
    b"<14>1 2026-11-22T20:41:03Z door app 12 - - ",
    b"<14>1 2026-11-22T20:41:03Z door app 12 ID1 - \xef\xbb\xbf",
    b"<14>1 2026-11-22T20:41:03Z door app 12 - ",
    b"<14>1 2026-11-22T20:41:03Z door app 12 ",
    b"<14>1 2026-11-22T20:41:03Z door app ",
    b'<14>1 2026-11-22T20:41:03Z door app - - [x@1 a="b"][y@1 c="d"] ',
    b"<14>1 2026-11-22T20:41:03,5Z door app 12 - - ",
    b"<14>1 2026-11-22T20:41:03+0000 door app 12 - - ",
    b"118 <14>1 2026-11-22T20:41:03Z door app 12 - - ",
    b"<14>Nov 22 08:41:03 pm door app: ",
    b"<14>Nov 22 20:41:03 door app:",
    b"<14>Nov 22 20:41:03 door app: INFO: ",
    b"<14>Nov 22 20:41:03 door app[12]: [info] [main] ",
    b"<14>Nov 22 20:41:03 door app: <notice> ",
    b"<14>1 2026-11-22T20:41:03Z door app - - WARN ",
    b'<14>1 2026-11-22T20:41:03Z door app - ID [x y="z"]',
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\0", b" "], ids=["bare", "lf", "crlf-nul", "blank"])
def test_each_way_of_writing_a_header_is_read(header, end):
    arrived = AT + 2
    (message,) = SyslogMessage.all_in(header + SAID + end, arrived, lambda text: text.startswith("event "))
    assert message.text.strip() == SAID.decode()
    assert message.time is not None
    assert message.time // 1 == AT


def test_what_another_program_says_of_an_event_is_none():
    for said in (b"posted: ", b"webhook: sent ", b"INFO posted: "):
        (message,) = SyslogMessage.all_in(
            b"<14>Nov 22 20:41:03 door app: " + said + SAID, AT, lambda text: text.startswith("event ")
        )
        assert not message.text.startswith("event ")


@pytest.mark.parametrize("header", [h for h in HEADERS if h.endswith((b"door app: ", b"app[12]: ", b"03: "))])
def test_where_nothing_is_doubtful_nobody_has_to_decide(header):
    assert SyslogMessage.parse(header + SAID, AT).text == SAID.decode()


async def test_a_text_with_a_time_of_its_own_keeps_it(heard):
    for layout, text in (
        (KEYED, b'2026-11-22T20:41:03Z event name=outgoing_call_initiated screen="Dialing"'),
        (BRACKETED, b"[2026-11-22 20:41:03.0] <info> event: outgoing_call_initiated (Dialing)"),
    ):
        for header in (b"<14>", b"<14>Nov 22 20:41:09 door app: ", b"<14>Nov 22 20:41:09 ", b""):
            (event,) = heard(header + text, layout=layout)
            assert (event.name, event.device_time) == ("outgoing_call_initiated", AT)


HEAD, NEXT = b"<14>Nov 22 20:41:03 door app: ", b"<14>Nov 22 20:41:04 door app: "
A, B = b"event name=a screen=x", b"event name=b screen=y"


@pytest.mark.parametrize(
    "datagram",
    [
        HEAD + A + b"\n" + NEXT + B,
        HEAD + A + b"\0" + NEXT + B + b"\0",
        HEAD + A + b"\r\n\r\n<14>" + B,
        HEAD + A + b"\n" + B + b"\n",
        HEAD + A + b"\nNov 22 20:41:04 door app: " + B + b"\n",
        b"51 " + HEAD + A + b"51 " + NEXT + B,
        HEAD + b"hello\n<14>" + A + b"\n<14>" + B,
    ],
)
async def test_a_datagram_may_hold_several(heard, datagram):
    assert [(e.name, e.screen_name) for e in heard(datagram)] == [("a", "x"), ("b", "y")]


async def test_a_message_may_hold_line_feeds(heard):
    (event,) = heard(b'<14>Nov 22 20:41:03 door app: event name=outgoing_call_failure screen="Call\nFailed"')
    assert event.screen_name == "Call Failed"
    (event,) = heard(b"<14>Nov 22 20:41:03 door app: event name=a screen=x\n  at sipd.c:12\n  at main.c:7\n")
    assert (event.name, event.device_time) == ("a", AT)


async def test_a_message_that_was_cut_is_no_event_and_is_told(heard):
    (seen,) = heard(b"<14>Nov 22 20:41:03 door app: event name=outgo")
    assert (seen.kind, seen.may_hold_event) == ("unreadable_line", True)
    (seen,) = heard(b'<14>Nov 22 20:41:03 door app: event name=outgoing_call_failure screen="Cal')
    assert seen.kind == "unreadable_line"


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([*HEADERS, SAID, b"\n", b"<", b"9 ", b"\0"])).map(b"".join)
)
def test_any_datagram_is_read(data):
    for message in SyslogMessage.all_in(data, AT, lambda text: "event" in text):
        assert "\n" not in message.text
    assert sum(map(len, messages_in(data))) <= len(data)


@pytest.mark.parametrize(
    "part", [b"<14>", b"1 <14>a", b"\n<14>", b"a:", b"0", b"Nov ", b"1 <1>1 - ", b"[", b"\xff", b"2026-"]
)
def test_no_datagram_takes_long_to_read(part):
    begun = time.process_time()
    SyslogMessage.all_in(part * (65_000 // len(part)), AT, lambda text: False)
    assert time.process_time() - begun < 1


WRITTEN = [
    "Nov 22 20:41:03",
    "Nov  22 20:41:03.0",
    "November 22, 2026 20:41:03",
    "Nov 22 2026 20:41:03",
    "Sun Nov 22 20:41:03 2026",
    "Sun, 22 Nov 2026 20:41:03 GMT",
    "22 Nov 2026 20:41:03 +0000",
    "22/Nov/2026:20:41:03 +0000",
    "22-Nov-2026 20:41:03",
    "2026 Nov 22 20:41:03",
    "2026-11-22T20:41:03Z",
    "2026-11-22t20:41:03z",
    "2026-11-22 20:41:03",
    "2026-11-22T21:41:03+01:00",
    "2026-11-22T21:41:03+01",
    "2026-11-22 15:41:03 -0500",
    "2026-11-22_20:41:03",
    "2026/11/22 20:41:03",
    "2026.11.22 20:41:03",
    "2026-11-22 20:41:03,000",
    "22/11/2026 20:41:03",
    "11/22/2026 20:41:03",
    "22.11.2026 20:41:03",
    "22.11.26 20:41:03",
    "26-11-22 20:41:03",
    "22/11/2026, 20:41:03",
    "11/22/26 8:41:03 PM",
    "2026-11-22 08:41:03pm",
    "20261122204103",
    "20261122 204103",
    "20261122T204103Z",
    "20261122-20:41:03",
    "1795380063",
    "1795380063000",
    "1795380063000000",
    "1795380063.0",
    "20:41:03",
    "8:41:03 PM",
    "Nov 22 20:41:03 CET",
    "Nov 22 21:41:03 (CET)",
    "Nov 22 14:41:03 CST",
    "Nov 22 20:41:03 UTC",
    "Nov 22 21:41:03 UTC+1",
    "Nov 22 21:41:03 GMT+01:00",
    "Nov 23 04:41:03 CST",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_time_is_read_however_it_is_written(text):
    assert read_time(text, near=AT + 3) == AT
    assert leading_time(f"{text} door app: x", AT + 3) == (AT, len(text) + 1)


def test_what_a_time_leaves_out_is_taken_near_its_arrival():
    new_year = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert read_time("Dec 31 23:59:58", near=new_year + 1) == new_year - 2
    assert read_time("Jan  1 00:00:01", near=new_year - 2) == new_year + 1
    assert read_time("Dec 31 23:59:58", "%b %d %H:%M:%S", near=new_year + 1) == new_year - 2
    assert read_time("Feb 29 12:00:00", "%b %d %H:%M:%S", near=datetime(2028, 3, 1, tzinfo=UTC).timestamp())
    assert read_time("23:59:58", near=new_year + 1) == new_year - 2
    assert read_time("00:00:01", near=new_year - 2) == new_year + 1
    december = datetime(2026, 12, 11, 1, 0, 1, tzinfo=UTC).timestamp()
    assert read_time("11/12/26 01:00:00", near=december) == read_time("12/11/26 01:00:00", near=december)


def test_a_zone_s_name_counts_where_it_brings_the_time_closer():
    assert read_time("Nov 22 21:41:03 CET", near=AT + 1) == AT  # it means it
    assert read_time("Nov 22 20:41:03 CET", near=AT + 1) == AT  # it does not
    assert read_time("Nov 22 20:41:03 CET", near=AT + 30 * 86_400) == AT  # nobody knows


@given(st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)), st.integers(-86_000, 86_000))
def test_every_time_without_a_year_is_found_within_a_day_of_its_arrival(written, late):
    at = written.replace(microsecond=0, tzinfo=UTC)
    near = (at + timedelta(seconds=late)).timestamp()
    assert read_time(at.strftime("%b %d %H:%M:%S"), near=near) == at.timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "event 12 20:41:03",
        "Foo 22 20:41:03",
        "Nov 32 20:41:03",
        "2026-13-22T20:41:03Z",
        "1",
        "20:41",
        "99999",
        "25:00:00",
        "20269922204103",
        "13:00:00 PM",
        "2026-11-22",
        "12345678901234567890",
        "٢٠:٤١:٠٣",
    ],
)
def test_what_is_no_time_is_none(text):
    assert read_time(text, near=AT) is None


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*WRITTEN, "0", ":", "-", " ", "+", "99", "PM"])).map("".join),
    st.floats(0, 4e9),
)
def test_any_text_has_a_time_or_none(text, near):
    found = leading_time(text, near)
    assert found is None or found[1] <= len(text)
    read_time(text, near=near)
