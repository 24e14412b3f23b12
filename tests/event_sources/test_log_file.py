"""Exported event logs: the emulated intercom's own exports, other makes', and files of any kind."""

import csv
import io
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.emulator.event_log import EventLog
from intercom_hil.emulator.vocabulary import Show, WriteEvent
from intercom_hil.event_sources.log_file import LogFileError, read_log
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import JSON_LINES, KEYED
from intercom_hil.layouts.layout import Layout

AT = 1_795_380_063.25
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def names(entries):
    return [entry.event.name for entry in entries]


@given(
    st.lists(st.tuples(st.floats(0, 1000), TEXT), min_size=1, max_size=8), st.sampled_from(["csv", "json"])
)
def test_what_the_emulated_intercom_exports_is_read_back_in_its_order(told, form):
    log = EventLog()
    log.write(Show("not an event"), AT)
    for place, (seconds, details) in enumerate(sorted(told, key=lambda one: one[0])):
        log.write(WriteEvent(f"event_{place}", "Dialing", details), AT + seconds)
    entries = read_log(log.export(form), JSON_LINES)
    rising = len({round(seconds, 3) for seconds, _ in told}) > 1
    if form == "json" or rising:  # a log of one moment does not show which end is the older
        assert names(entries) == [f"event_{place}" for place in range(len(told))]
        assert [e.event.details for e in entries] == [d for _, d in sorted(told, key=lambda one: one[0])]
    assert all(entry.time == entry.event.device_time for entry in entries)


def test_another_make_s_table_is_a_layout():
    layout = Layout.from_fields(
        "acme", EventFields(name="Ereignis", details="Text", time="Zeit"), time_format="%d.%m.%Y %H:%M:%S"
    )
    table = 'Zeit;Ereignis;Text\r\n22.11.2026 20:41:03;x;"a;b\nc"\r\n'
    for data in (f"\ufeff{table}".encode(), table.encode(), table.encode("utf-16")):
        (entry,) = read_log(data, layout, delimiter=";")
        assert (entry.event.name, entry.event.details, entry.time) == ("x", "a;b\nc", int(AT))


def test_json_may_be_a_list_somewhere_or_one_object_a_line():
    entry = {"event": "x", "time": AT}
    for data in (
        json.dumps({"log": {"rows": [entry]}}),
        json.dumps([entry]),
        f"{json.dumps(entry)}\n\n{json.dumps(entry)}\n",
    ):
        found = read_log(data.encode(), JSON_LINES, events_at="log.rows" if "log" in data else "")
        assert set(names(found)) == {"x"}
    assert read_log(json.dumps([{"event": "x", "time": int(AT * 1000)}]).encode(), JSON_LINES)[0].time == AT
    assert read_log(b"[]", JSON_LINES) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\x41", "byte 0 is not UTF-8"),
        (b"when,what\n1,2\n", "no column event, time; it has: when, what"),
        (b"", "no column event, time; it has: none"),
        (b"time,event\nyesterday,x\n", "line 2: the event x has no time"),
        (b'time,event\n"1,x\n', "line 1: unexpected end"),
        (b"[", "it is no JSON"),
        (b"[" * 100_000, "it is nested too deeply|it is no JSON"),
        (b'{"a": 1}\n{', "line 2 is no JSON"),
        (b'{"a": 1}', "none of its entries is an event"),
        (b'[{"event": "x"}]', "entry 1: the event x has no time"),
        (b"time,event\n1,\n", "none of its entries is an event"),
    ],
)
def test_what_is_no_log_is_told(data, says):
    with pytest.raises(LogFileError, match=says):
        read_log(data, JSON_LINES)


def test_a_layout_of_expressions_finds_nothing_in_a_table():
    with pytest.raises(LogFileError, match="none of its entries"):
        read_log(b"a,b\n1,2\n", KEYED)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused(data):
    for start in (b"", b"[", b"{", b"time,event\n"):
        try:
            entries = read_log(start + data, JSON_LINES)
        except LogFileError:
            continue
        assert all(isinstance(entry.time, float) for entry in entries)


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=5))
def test_any_table_is_read_or_refused(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["time", "event"], *rows])
    with suppress(LogFileError):
        assert len(read_log(text.getvalue().encode(), JSON_LINES)) <= len(rows)
