"""Syslog messages and their framing: the examples of the standards, and anything at all."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercom_hil.event_sources.syslog_framing import FramingError, SyslogFramer
from intercom_hil.event_sources.syslog_message import SyslogMessage
from intercom_hil.layouts.control_bytes import without_control_bytes

ARRIVED = datetime(2026, 11, 22, 20, 41, 4, tzinfo=UTC).timestamp()


def parse(data, arrived=ARRIVED):
    return SyslogMessage.parse(data, arrived)


def test_the_examples_of_rfc_5424():
    first = parse(
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
        b"\xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8"
    )
    assert (first.facility, first.severity) == (4, 2)
    assert (first.host, first.app) == ("mymachine.example.com", "su")
    assert first.text == "'su root' failed for lonvick on /dev/pts/8"
    assert first.time == datetime(2003, 10, 11, 22, 14, 15, 3000, tzinfo=UTC).timestamp()
    second = parse(b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time")
    assert second.time == pytest.approx(datetime(2003, 8, 24, 12, 14, 15, 3, tzinfo=UTC).timestamp())
    third = parse(
        b'<165>1 2003-10-11T22:14:15.003Z m e - ID47 [a@1 iut="3" s="\\] \\" \\]"][b@2 c="high"] An event'
    )
    assert third.text == "An event"
    assert parse(b'<165>1 - - - - - [a@1 iut="3"]').text == ""


def test_the_examples_of_rfc_3164_with_the_year_that_brings_them_closest():
    message = parse(b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed")
    assert (message.host, message.app, message.text) == ("mymachine", "su", "'su root' failed")
    assert message.time == datetime(2026, 10, 11, 22, 14, 15, tzinfo=UTC).timestamp()
    new_year = datetime(2027, 1, 1, 0, 0, 2, tzinfo=UTC).timestamp()
    late = parse(b"<13>Dec 31 23:59:59 door intercom[12]: event name=x", new_year)
    assert (late.time, late.app, late.text) == (new_year - 3, "intercom", "event name=x")
    leap = parse(b"<13>Feb 29 00:00:00 d a: b", datetime(2027, 3, 1, tzinfo=UTC).timestamp())
    assert leap.time == datetime(2028, 2, 29, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Use the BFG!", "Use the BFG!"),
        (b"<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example 10.1.2.3 sched[0]: That's", None),
        (b"<34>event name=x", "event name=x"),
        (b"<999>event name=x", "<999>event name=x"),
        (b"<34>Nov 22 20:41:03 sipd: no host is told", "no host is told"),
        (b"<34>2026-11-22T20:41:03Z door sipd: as some write it", "as some write it"),
        (b"<34>1 - - - - broken", None),
        (b"<34>\xff\xfe", "\\xff\\xfe"),
        (b"<34>a\x00b\x1b[0mc", "abc"),
        (b"", ""),
    ],
)
def test_what_is_not_understood_is_text(data, text):
    message = parse(data)
    if text is not None:
        assert message.text == text


FIELDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(
    st.integers(0, 191), FIELDS, FIELDS, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)
)
def test_what_is_written_by_rfc_5424_is_read_back(priority, host, app, text):
    data = f"<{priority}>1 2026-11-22T20:41:03.5Z {host} {app} - - - {text}".encode()
    message = parse(data)
    assert (message.facility, message.severity) == divmod(priority, 8)
    assert message.text == without_control_bytes(text)
    assert message.host == ("" if host == "-" else host)


LIKE = st.lists(
    st.sampled_from([b"<34>", b"1", b" ", b"-", b"[", b"]", b'"', b"Oct 11 22:14:15", b"a:", b"\xc3"])
)


@given(st.binary(max_size=400) | LIKE.map(b"".join), st.floats(0, 4e9))
@example(b"<1>1 " + b"9" * 30 + b" a b - - - x", 0.0)
def test_any_bytes_are_a_message(data, arrived):
    message = parse(data, arrived)
    assert len(message.text) <= 8192
    assert all(c.isprintable() or c == "\t" or ord(c) > 126 for c in message.text)


@pytest.mark.parametrize(
    "data", [b"<1>1 a b c d e " + b'[a b="\\' * 9000, b"<1>" + b"[" * 60000, b"<1>" + b"a" * 60000]
)
def test_no_message_takes_long_to_read(data):
    begun = time.process_time()
    parse(data)
    assert time.process_time() - begun < 0.1


MESSAGES = st.lists(st.binary(min_size=1, max_size=40).map(lambda body: b"<13>" + body), max_size=6)


def portions(data, cuts):
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(MESSAGES, st.lists(st.integers(0, 1000), max_size=8))
def test_counted_messages_come_whole_however_they_are_cut(messages, cuts):
    framer = SyslogFramer()
    stream = b"".join(b"%d %s" % (len(message), message) for message in messages)
    assert [m for part in portions(stream, cuts) for m in framer.feed(part)] == messages


@given(MESSAGES, st.lists(st.integers(0, 1000), max_size=8))
def test_messages_that_end_with_a_newline_come_whole_however_they_are_cut(messages, cuts):
    wanted = [m.translate(None, b"\n\r\0") for m in messages]
    framer = SyslogFramer()
    stream = b"".join(message + b"\n" for message in wanted)
    assert [m for part in portions(stream, cuts) for m in framer.feed(part)] == wanted


def test_both_framings_may_follow_each_other_and_the_last_message_may_lack_its_end():
    framer = SyslogFramer()
    assert framer.feed(b"<1>a\n5 <2>bc<3>d\0<4>") == [b"<1>a", b"<2>bc", b"<3>d"]
    assert framer.rest() == b"<4>"
    assert SyslogFramer().feed(b"\n\n\r\n") == []


def test_a_message_without_an_end_is_cut_and_its_rest_is_skipped():
    framer = SyslogFramer(longest=8)
    assert framer.feed(b"<1>aaaaaaaaaaaa") == [b"<1>aaaaa"]
    assert framer.feed(b"aaaa9 aa") == []
    assert framer.feed(b"a\n<2>b\n") == [b"<2>b"]


def test_a_count_beyond_the_bound_ends_the_stream():
    with pytest.raises(FramingError, match="octet count"):
        SyslogFramer().feed(b"70000 <1>a")


@pytest.mark.parametrize(
    "text", [b"0 <1>a", b"12345678901 <1>", b"5x <1>a", b"2026-11-22 20:41:03 a", b"7 dwarfs"]
)
def test_a_text_that_begins_with_a_digit_is_no_count(text):
    framer = SyslogFramer()
    assert [m for byte in text + b"\n<2>b\n" for m in framer.feed(bytes([byte]))] == [text, b"<2>b"]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_stream_is_framed_or_refused(parts):
    framer = SyslogFramer(longest=64)
    with suppress(FramingError):
        for part in parts:
            assert all(0 < len(message) <= 64 for message in framer.feed(part))
