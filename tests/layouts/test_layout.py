"""Console lines to meanings: the default layout, other layouts, and anything at all."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intercom_hil.errors import BenchError
from intercom_hil.layouts.control_bytes import without_control_bytes
from intercom_hil.layouts.known import KEYED, LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.spec.events import EVENTS, FAILURE_KINDS
from intercom_hil.timeline.observation import ConsoleLine, DeviceEvent, Note, ScreenText

TS = "2026-11-22T20:41:03.123456Z"
EPOCH = 1795380063.123456


def meanings(line, layout=KEYED):
    written, *meant = layout.read(line).contents
    assert written == ConsoleLine(text=without_control_bytes(line))
    return [content for content in meant if content.kind != "unreadable_line"]


def test_an_event_with_its_failure_kind_and_the_device_s_own_time():
    assert meanings(
        f'{TS} event name=outgoing_call_failure screen="Call Failed" '
        'details="busy: sip:3400@127.0.0.10 answered 486 Busy Here"'
    ) == [
        DeviceEvent(
            name="outgoing_call_failure",
            screen_name="Call Failed",
            details="busy: sip:3400@127.0.0.10 answered 486 Busy Here",
            failure="busy",
            device_time=EPOCH,
        )
    ]


def test_values_may_be_bare_left_out_or_followed_by_others():
    for rest in ("screen=Dialing", 'screen="Dialing" details=""', 'screen="Dialing" call=7 note="x y"'):
        (event,) = meanings(f"{TS} event name=outgoing_call_initiated {rest}")
        assert (event.name, event.screen_name, event.details) == ("outgoing_call_initiated", "Dialing", "")
    assert meanings(f"{TS} event name=x") == [DeviceEvent(name="x", device_time=EPOCH)]


def test_screen_registration_and_boot_lines():
    assert meanings(f'{TS} screen text="Incoming call answered"') == [
        ScreenText(text="Incoming call answered")
    ]
    assert meanings(f"{TS} sip registered server=127.0.0.10:5060") == [
        Note(text="sip registered server=127.0.0.10:5060")
    ]
    assert meanings(f'{TS} sip unregistered reason="401 Unauthorized"') == [
        Note(text='sip unregistered reason="401 Unauthorized"')
    ]
    assert meanings(f"{TS} config applied") == [Note(text="config applied")]
    boot = f"{TS} boot model=EMU-1 version=1.0 serial=EMU-0001"
    assert meanings(boot) == []
    assert KEYED.read(boot).boot == boot
    assert KEYED.read(f"{TS} boot").boot
    assert KEYED.read(f"{TS} screen text=boot").boot is None


@pytest.mark.parametrize(
    "line",
    [
        "event name=outgoing_call_initiated",
        f"{TS} event",
        f"{TS} event name=",
        f"{TS}  event name=x",
        f'{TS} event name=x details="unended',
        f'{TS} event name=x details="a…[+3 bytes]',
        f"{TS} event name=x…[+3 bytes] screen",
        f'{TS} log level=info text="event name=x"',
        f"x {TS} event name=x",
        f"{TS} booting model=EMU-1",
        f"{TS} event name=x\n{TS} event name=y",
    ],
)
def test_a_line_that_is_not_whole_is_only_a_line(line):
    assert meanings(line) == []
    assert KEYED.read(line).boot is None


@pytest.mark.parametrize("stamp", ["2026-13-22T20:41:03Z", "1", "20:41", "9999-99-99T99:99:99Z"])
def test_an_unreadable_time_does_not_lose_the_event(stamp):
    assert meanings(f"{stamp} event name=x") == [DeviceEvent(name="x")]


def test_a_time_with_a_zone_or_without_one():
    assert meanings("2026-11-22T21:41:03.123456+01:00 event name=x")[0].device_time == pytest.approx(EPOCH)
    assert meanings("2026-11-22T20:41:03.123456 event name=x")[0].device_time == pytest.approx(EPOCH)


@pytest.mark.parametrize("kind", FAILURE_KINDS)
def test_every_failure_kind_is_told_by_the_beginning_of_the_details(kind):
    assert KEYED.failure_kind(f"{kind}: particulars, busy or declined") == kind
    assert KEYED.failure_kind(kind.capitalize()) == kind
    assert KEYED.failure_kind(f"not {kind}") == ""
    assert KEYED.failure_kind(f"{kind}ness") == ""


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(st.sampled_from(sorted(EVENTS)), VALUES, VALUES)
@example("incoming_call_received", '"', "\\")
def test_what_is_written_quoted_is_read_back(name, screen, details):
    (event,) = meanings(f"{TS} event name={name} screen={quoted(screen)} details={quoted(details)}")
    assert (event.name, event.screen_name, event.details) == (name, screen, details)


LIKE_LINES = st.lists(
    st.sampled_from([TS, "event", "screen", "boot", "sip", "name=x", "text=", '"', "\\", " ", "=", "\n", "é"])
).map(" ".join)


@given(st.text() | LIKE_LINES)
def test_any_line_is_read_without_a_fault(line):
    reading = KEYED.read(line)
    assert reading.contents[:1] == (
        (ConsoleLine(text=without_control_bytes(line)),) if without_control_bytes(line).strip() else ()
    )
    assert len(reading.contents) <= 2


@pytest.mark.parametrize(
    "line",
    [
        f"{TS} boot" + " a=b" * 1000 + '"',
        f"{TS} event name=x" + ' a="\\' * 900,
        f"{TS} event name=" + '"' + "\\" * 4000,
        f"{TS} event name=x " + "a" * 4000,
        f"{TS} event name=x" + " a=" + "b" * 4000 + '"',
        "2" * 4096,
        f"{TS} sip registered" + ' a=""' * 800 + " ",
    ],
)
def test_no_line_takes_long_to_read(line):
    begun = time.process_time()
    KEYED.read(line[:4096])
    assert time.process_time() - begun < 0.05


def test_a_device_of_another_make_is_a_table():
    layout = Layout.from_patterns(
        "acme",
        {
            "event": r"(?P<time>\d+/\d+/\d+ \d+:\d+:\d+) EVT (?P<name>\w+) \((?P<details>[^)]*)\)",
            "boot": r"U-Boot .*",
        },
        failures={"busy": r"\b486\b", "no answer": r"\b(408|487)\b"},
        time_format="%d/%m/%Y %H:%M:%S",
    )
    (event,) = meanings("22/11/2026 20:41:03 EVT outgoing_call_failure (code 486)", layout)
    assert event.failure == "busy"
    assert event.device_time == int(EPOCH)
    assert layout.read("U-Boot 2026.01").boot


@pytest.mark.parametrize(
    ("patterns", "failures", "says"),
    [
        ({"event": "(?P<name>"}, None, "layout bad, event: .* is no regular expression"),
        ({"event": ".*"}, None, "group 'name' is missing"),
        ({"noise": ".*"}, None, "no lines of kind 'noise'"),
        ({}, {"tired": "x"}, "no failure kind 'tired'"),
        ({}, {"busy": "("}, "is no regular expression"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_by_name(patterns, failures, says):
    with pytest.raises(BenchError, match=says):
        Layout.from_patterns("bad", patterns, failures=failures)


def test_layouts_are_found_by_name():
    assert LAYOUTS["keyed"] is KEYED
    assert "other" not in LAYOUTS
