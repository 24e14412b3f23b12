"""Every language that the emulated intercom speaks is read by the layout of the same name, whole."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.tables import EmulatedTable
from intercom_hil.emulator.logic import BANNER
from intercom_hil.emulator.speech import SPEECHES, untimed
from intercom_hil.emulator.vocabulary import Show, WriteEvent, WriteLine
from intercom_hil.errors import BenchError
from intercom_hil.layouts.event_fields import text_at
from intercom_hil.layouts.known import KEYED_MESSAGE, LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.written_time import read_time
from intercom_hil.spec.events import EVENTS
from intercom_hil.timeline.observation import DeviceEvent, ScreenText
from tests.structure.source_tree import ROOT

AT = 1_795_380_063.25
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60).map(str.strip)
REGISTERED = WriteLine("sip registered", (("server", "127.0.0.10:5060"),))


def test_every_language_can_be_asked_for_in_a_bench_file():
    named = EmulatedTable.model_fields["console_layout"].annotation.__args__
    assert set(named) == set(SPEECHES)
    assert set(SPEECHES) <= set(LAYOUTS)


@pytest.mark.parametrize("name", sorted(SPEECHES))
@given(st.sampled_from(sorted(EVENTS)), TEXT)
@example("incoming_call_failure", 'busy: ") (x); Details: {"event": 1}')
def test_an_event_comes_back_with_its_parts_and_its_time(name, event, details):
    kind = EVENTS[event]
    line = SPEECHES[name](AT, WriteEvent(kind.name, kind.screen_name, details))
    (content,) = LAYOUTS[name].meaning(line).contents
    assert isinstance(content, DeviceEvent)
    assert (content.name, content.screen_name, content.details) == (kind.name, kind.screen_name, details)
    assert content.device_time == AT


@pytest.mark.parametrize("name", sorted(SPEECHES))
def test_screens_starts_and_remarks_come_back(name):
    speak, layout = SPEECHES[name], LAYOUTS[name]
    assert layout.meaning(speak(AT, Show("Incoming call answered"))).contents == (
        ScreenText(text="Incoming call answered"),
    )
    assert layout.meaning(speak(AT, BANNER)).boot
    (note,) = layout.meaning(speak(AT, REGISTERED)).contents
    assert "registered" in note.text
    assert layout.kinds == {"event", "screen", "boot", "note"}


def test_a_syslog_text_has_no_time_of_its_own():
    (content,) = KEYED_MESSAGE.meaning(untimed(WriteEvent("x", "Dialing", "a b"))).contents
    assert content == DeviceEvent(name="x", screen_name="Dialing", details="a b")
    assert KEYED_MESSAGE.meaning(untimed(BANNER)).boot


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@given(st.text(max_size=120))
def test_any_line_is_read_by_any_layout(name, line):
    assert len(LAYOUTS[name].meaning(line).contents) <= 1


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"a": {"b": [{"c": "x"}]}}, "a.b.0.c", "x"),
        ({"a.b": "x"}, "a.b", "x"),
        ({"a": 5}, "a", "5"),
        ({"a": 1.5}, "a", "1.5"),
        ({"a": True}, "a", "true"),
        ({"a": None}, "a", ""),
        ({"a": [1]}, "a.9", ""),
        ({"a": "\ud800"}, "a", "\\ud800"),
        ({"a": 1}, "", ""),
        ([1], "0", "1"),
        (float("nan"), "a", ""),
    ],
)
def test_a_dotted_path_finds_one_value_or_nothing(value, path, text):
    assert text_at(value, path) == text


@pytest.mark.parametrize(
    ("text", "time_format", "seconds"),
    [
        ("2026-11-22T20:41:03.25Z", "", AT),
        ("2026-11-22 21:41:03.250+01:00", "", AT),
        ("1795380063.25", "", AT),
        ("1795380063250", "", AT),
        ("22/11/26 20:41:03", "%d/%m/%y %H:%M:%S", int(AT)),
        ("2026-11-22T20:41:03.25Z", "%H:%M", None),
        ("", "", None),
        ("soon", "", None),
        ("99999", "", None),
    ],
)
def test_times_are_read_as_devices_write_them(text, time_format, seconds):
    assert read_time(text, time_format) == seconds


def test_a_layout_may_not_have_a_time_format_that_is_none():
    with pytest.raises(BenchError, match="no time format"):
        Layout.from_patterns("bad", {}, time_format="%Q")


BENCH = (ROOT / "fixtures" / "benches" / "emulated.toml").read_text()
SYSLOG = '[[device.event_sources]]\nkind = "syslog"\nport = 5514\n'


def written(folder, more):
    path = folder / "bench.toml"
    path.write_text(f"{BENCH}\n{more}")
    return path


def test_a_bench_file_brings_layouts_of_its_own(tmp_path):
    more = (
        f'{SYSLOG}layout = "acme"\n[layouts.acme]\nevent = "EVT (?P<name>\\\\w+) (?P<details>.*)"\n'
        '[layouts.acme.failures]\nbusy = "486"\n[layouts.acme-web.fields]\nname = "type"\n'
    )
    file = load(written(tmp_path, more))
    (content,) = file.known_layouts["acme"].meaning("EVT x code 486").contents
    assert content == DeviceEvent(name="x", details="code 486", failure="busy")
    assert file.known_layouts["acme-web"].meaning(json.dumps({"type": "y"})).contents[0].name == "y"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (f'{SYSLOG}layout = "other"', "there is no layout 'other'; there are keyed"),
        ('[[device.event_sources]]\nkind = "webhook"\nport = 1\nlayout = "keyed"', "has no fields"),
        ('[[device.event_sources]]\nkind = "log-file"\nlayout = "keyed"', "has no fields"),
        ('[layouts.keyed]\nevent = "(?P<name>x)"', "is there already"),
        ('[layouts.own]\nevent = "x"', "the group 'name' is missing"),
        ('[layouts.own]\nevent = "("', "no regular expression"),
        ("[layouts.own]", "expressions .* or fields, one of the two"),
        ('[layouts.own]\nboot = "x"\n[layouts.own.fields]', "one of the two"),
        ('[layouts.own]\nboot = "x"\ntime_format = "%Q"', "no time format"),
        (f'{SYSLOG}certificate = "x.pem"', "go together"),
        (f'{SYSLOG}certificate = "x.pem"\nprivate_key = "y"', "with transport = 'tls' only"),
    ],
)
def test_what_is_wrong_in_a_bench_file_is_named(tmp_path, more, says):
    with pytest.raises(BenchError, match=says):
        load(written(tmp_path, more))
