"""Consoles as they are: colours, screen resets, NULs, byte order marks, and lines that somebody cut."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.event_sources.roles import SourceRole
from intercom_hil.instruments.serial_console import LONGEST_LINE, Fragment, LineFramer
from intercom_hil.layouts.bounded_expression import MOST_TIMEOUTS
from intercom_hil.layouts.control_bytes import without_control_bytes
from intercom_hil.layouts.known import KEYED, LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import UnreadableLine

CASES = Path(__file__).parent / "cases" / "console"
TS = "2026-11-22T20:41:03.12Z"
EVENT = f'{TS} event name=outgoing_call_failure screen="Call Failed" details="busy: 486"'
ACME = Layout.from_patterns(  # the one of docs/bench/events.md
    "acme",
    {
        "event": r"(?P<time>\S+ \S+) EVT (?P<name>\w+)/(?P<screen>[^(]*?)(?: \((?P<details>.*)\))?",
        "screen": r"LCD (?P<text>.*)",
        "boot": r"U-Boot .*",
    },
    failures={"busy": r"\b486\b", "no answer": r"\b(408|487)\b"},
    time_format="%d/%m/%y %H:%M:%S",
)
LAYOUT = {"acme": ACME, "keyed": KEYED, "json": LAYOUTS["json-lines"]}


ALL = SourceRole()


def read(data, layout=KEYED, role=ALL):
    """Return what the timeline holds of a scenario in which a console says these bytes."""
    timeline = Timeline()
    reader = ConsoleReader(layout, append=timeline.append, role=role)
    reader.begin()
    later = time.time() + 5  # later than a banner of the start
    for line in LineFramer(LONGEST_LINE).feed(data):
        if isinstance(line, Fragment):
            reader.fragment(UnreadableLine(text=line.text, reason=line.reason, size=line.size), later)
        else:
            reader.line(line, later)
    return [o.content for o in timeline if o.content.kind != "console_line"]


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.iterdir() if "-cut-" not in path.stem))
def test_control_bytes_hide_nothing(name):
    (seen,) = read((CASES / f"{name}.bin").read_bytes() + b"\n", LAYOUT[name.partition("-")[0]])
    if "boot" in name:
        assert seen.kind == "lost"
        assert seen.problem == "it restarted: U-Boot 2020.01 (Nov 22 2026)"
    elif "screen" in name:
        assert seen.text == "Call Failed"
    else:
        assert (seen.kind, seen.name, seen.screen_name) == ("event", "outgoing_call_failure", "Call Failed")
        assert seen.device_time // 1 == 1795380063


SGR, RESET = b"\x1b[1;31m", b"\x1b[0m"
ROUND = {
    "nothing": (b"", b""),
    "colours": (SGR, RESET),
    "colours of 256": (b"\x1b[38;5;196m", b"\x1b[m"),
    "colours by colons": (b"\x1b[38:2::255:0:0m", b"\x1b[39m"),
    "8-bit CSI": (b"\x9b32m", b"\x9b0m"),
    "C1 in UTF-8": (b"\xc2\x9b32m", b"\xc2\x9b0m"),
    "title, BEL": (b"\x1b]0;door \xc3\xa9\x07", b""),
    "title, ST": (b"\x1b]2;door\x1b\\", b"\x1b]2;\x1b\\"),
    "hyperlink": (b"\x1b]8;;http://192.0.2.30/\x1b\\", b"\x1b]8;;\x1b\\"),
    "palette": (b"\x1b]P0ffffff\x1b]R", b"\x1b]R"),
    "device control": (b"\x1bP$q\x1b\\", b"\x1b_x\x1b\\"),
    "charset": (b"\x1b(B\x1b)0\x0f", b"\x1b(B\x1b%G"),
    "cleared": (b"\x1b[2J\x1b[H", b"\x1b[2J\x1b[H"),
    "reset": (b"\x1bc", b"\x1bc"),
    "erased": (b"\x1b[K", b"\x1b[K"),
    "line erased": (b"\x1b[2K\x1b[1G", b"\x1b[2K"),
    "prompt erased": (b"door> \r\x1b[K", b"\x1b[J"),
    "prompt erased without CR": (b"door> \x1b[2K\x1b[G", b""),
    "prompt cleared": (b"door> \x1b[H\x1b[2J", b""),
    "prompt taken back": (b"door>\b\b\b\b\b", b""),
    "cursor hidden": (b"\x1b[?25l\x1b7", b"\x1b8\x1b[?25h"),
    "keypad": (b"\x1b=\x1b>", b"\x1b>"),
    "NUL": (b"\0\0\0", b"\0"),
    "many NULs": (b"\0" * 10_000, b"\0" * 10_000),
    "BOM": (b"\xef\xbb\xbf", b""),
    "BOM and colour": (b"\xef\xbb\xbf\x1b[32m", b"\x1b[0m"),
    "bell, shift, DEL": (b"\x07\x0e\x7f", b"\x0f\x07"),
    "XON": (b"\x11", b"\x13"),
    "noise of switching on": (b"\x00\xff\xf8\x80", b""),
    "blanks": (b" ", b"  "),
    "erased by backspaces": (b"", b"x\b \b"),
    "lone escape": (b"", b"\x1b"),
    "form feed": (b"\x0c", b"\x0b"),
}
LINES = {
    "keyed": EVENT.encode(),
    "acme": b"22/11/26 20:41:03 EVT outgoing_call_failure/Call Failed (code 486)",
    "json": b'{"time": "2026-11-22T20:41:03Z", "event": "outgoing_call_failure", "screen": "Call Failed"}',
}


@pytest.mark.parametrize("layout", LINES)
@pytest.mark.parametrize("what", ROUND)
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"], ids=["crlf", "lf", "cr"])
def test_whatever_stands_round_an_event_it_is_read(what, layout, end):
    before, after = ROUND[what]
    seen = read(before + LINES[layout] + after + end, LAYOUT[layout])
    assert [(c.name, c.screen_name) for c in seen] == [("outgoing_call_failure", "Call Failed")]


@pytest.mark.parametrize("what", ROUND)
def test_whatever_stands_round_a_screen_text_or_a_banner_it_is_read(what):
    before, after = ROUND[what]
    assert [c.text for c in read(before + b"LCD Call Failed" + after + b"\r\n", ACME)] == ["Call Failed"]
    (lost,) = read(before + b"U-Boot 2020.01" + after + b"\r\n", ACME)
    assert lost.problem == "it restarted: U-Boot 2020.01"


def test_colours_between_the_words_are_none_of_the_words():
    line = (
        f'{TS} \x1b[1mevent\x1b[0m name=\x1b[31moutgoing_call_failure\x1b[m\x1b[K screen="Call \x1b[4mFailed"'
    )
    (event,) = read(line.encode() + b"\r\n")
    assert (event.name, event.screen_name) == ("outgoing_call_failure", "Call Failed")
    (event,) = read(
        rb'{"event": "outgoing_call_failure", "screen": "Call Failed\u001b[0m"}' + b"\n", LAYOUT["json"]
    )
    assert event.screen_name == "Call Failed"


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_text_in_two_bytes_a_character_is_read(coding):
    (event,) = read(f"{EVENT}\r\n".encode(coding))
    assert event.screen_name == "Call Failed"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a\bb", "b"),
        ("_\bx_\by", "xy"),
        ("10%\b\b\b20%", "20%"),
        ("abc\x1b[3D\x1b[KX", "X"),
        ("abc\x1b[2DX", "aXc"),
        ("a\x1b[3Cb", "a   b"),
        ("ab\x1b[5Gc", "ab  c"),
        ("abc\b\b\x1b[P", "ac"),
        ("first\rsecond", "second"),
        ("first\r", "first"),
        ("a\x1b[999999999Cb", f"a{' ' * 511}b"),
        ("tab\tkept", "tab\tkept"),
        ("\x1b]0;no end", "0;no end"),
        ("\x1b[31", "31"),
        ("é\x1b[mü", "éü"),
        ("\\x41 \\", "\\x41 \\"),
    ],
)
def test_a_line_is_what_a_terminal_shows(line, shown):
    assert without_control_bytes(line) == shown


PIECES = st.sampled_from(
    ["\x1b", "[", "]", "\x9b", "\\x9b", "\x07", "\b", "\r", "\n", "K", "2", "J", ";", "C", "G", "é", " "]
)


@given(st.text() | st.lists(PIECES, max_size=60).map("".join))
def test_nothing_of_any_line_is_left_that_a_terminal_would_obey(line):
    text = without_control_bytes(line)
    assert all(c == "\t" or not (ord(c) < 32 or 127 <= ord(c) < 160) for c in text)
    assert without_control_bytes(text) == text or "\\x9b" in text


@pytest.mark.parametrize(
    "part", ["\x1b]", "\x9d", "\x1b[", "\x1b[0", "\x1b[999C", "\\x9b", "a\b", "\x1bP\x9c", "\x1b[ "]
)
def test_no_line_takes_long_to_clean(part):
    line = part * (100_000 // len(part))
    begun = time.process_time()
    without_control_bytes(line)
    assert time.process_time() - begun < 1


CUT = {
    "kernel": b'event name=outgo[   12.345678] eth0: link up\r\ning_call_failure screen="Call Failed"\r\n',
    "kernel in a value": b'event name=outgoing_call_failure screen="Cal[12345.000001] usb\r\nl Failed"\r\n',
    "kernel on a line of its own": b"event name=outgo\r\n[   12.345678] eth0: up\r\ning_call_failure\r\n",
    "in the name": b"event name=outgoing_call\r\n",
    "behind the name": b"event name=outgoing_call_failure scr\r\n",
    "in a value": b'event name=outgoing_call_failure screen="Call Fai\r\n',
    "broken bytes": b"event na\xff\xfee=outgoing_call_failure\r\n",
    "broken bytes in the name": b'event name=outgo\xffng_call_failure screen="Call Failed"\r\n',
    "broken bytes in what it shows": b'event name=outgoing_call_failure screen="Ca\xffl Failed"\r\n',
    "another line in it": f'event name=outgoing_call_failure s{TS} screen text="Ready"\r\n'.encode(),
    "kernel without its stamp": b"event name=outgoBUG: unable to handle\r\ning_call_failure\r\n",
}


@pytest.mark.parametrize("what", CUT)
def test_half_a_line_is_no_event_and_is_told(what):
    (seen,) = read(f"{TS} ".encode() + CUT[what])
    assert isinstance(seen, UnreadableLine)
    assert seen.may_hold_event
    assert seen.text.startswith(f"{TS} event na")


def test_the_case_of_a_line_that_a_kernel_message_cuts():
    (seen,) = read((CASES / "keyed-cut-by-a-kernel-message.bin").read_bytes())
    assert (seen.kind, seen.reason) == ("unreadable_line", "a line was cut")


@pytest.mark.parametrize(
    ("layout", "line"),
    [
        (ACME, b"22/11/26 20:41:03 EVT outgoing_call_failure/Call Fai[   12.345678] eth0: link up\n"),
        (ACME, b"LCD Call Fai[   12.345678] eth0: link up\n"),
        (ACME, b"22/11/26 20:41:03 EVT outgoing_call\n"),
        (LAYOUT["json"], b'{"event": "outgoing_call_failure", "scr\n'),
        (LAYOUT["json"], b'{"event": "outgo[   12.345678] eth0: link up\n'),
    ],
)
def test_half_a_line_is_told_in_every_language(layout, line):
    (seen,) = read(line, layout)
    assert seen.kind == "unreadable_line"


@pytest.mark.parametrize(
    "line",
    [
        b"[   12.345678] eth0: link up\n",
        b"<6>[   12.345678] eth0: link up\n",
        b"door kernel: [   12.345678] eth0: link up\n",
        f"{TS} kernel: [   12.345678] eth0: link up\n".encode(),
        b"login: \n",
        b"incoming mail\n",
        b"\xff\xfe\xfd noise\n",
        f'{TS} log level=info text="event name=outgoing_call_failure"\n'.encode(),
        f"{TS} posted outgoing_call_failure to 192.0.2.9\n".encode(),
        f"sent: {TS} event name=outgoing_call_failure\n".encode(),
    ],
)
@pytest.mark.parametrize("layout", [KEYED, LAYOUT["json"]], ids=["keyed", "json"])
def test_other_lines_are_not_taken_for_halves(line, layout):
    assert read(line, layout) == []


def test_an_event_of_the_device_s_own_is_one_though_its_name_begins_like_another():
    (event,) = read(f'{TS} event name=outgoing_call screen="Ringing"\n'.encode())
    assert (event.kind, event.name) == ("event", "outgoing_call")


def test_megabytes_without_an_end_are_told_at_once_and_at_their_end_and_are_no_screen_text():
    flood = b"LCD " + b"x" * 10_000_000
    at_once = read(flood, ACME)
    assert [c.reason for c in at_once] == [f"no line ends within {LONGEST_LINE} bytes"]
    first, second, event = read(flood + b"\n" + LINES["acme"] + b"\n", ACME)
    assert first == at_once[0]
    assert (second.size, second.may_hold_event) == (len(flood), True)
    assert event.name == "outgoing_call_failure"


def test_halves_of_a_source_that_is_not_judged_excuse_nothing():
    (seen,) = read(f"{TS} event name=outgo\n".encode(), role=SourceRole(events=False))
    assert not seen.may_hold_event


SLOW = Layout.from_patterns("slow", {"event": r"(?P<name>(?:a|aa)+)+b", "screen": r"LCD (?P<text>.*)"})


def test_an_expression_without_an_end_is_given_up():
    begun = time.process_time()
    seen = [SLOW.read("a" * 60).contents[1] for _ in range(MOST_TIMEOUTS + 200)]
    assert time.process_time() - begun < 0.2 * MOST_TIMEOUTS
    assert {c.kind for c in seen} == {"unreadable_line"}
    assert "layout slow, event: the expression comes to no end" in seen[0].reason


@pytest.mark.parametrize(
    "evil", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}b", r"(a*)*b", r"((a+)?)+b", r"(\w+\s?)*!"]
)
def test_no_line_holds_the_bench_up_whatever_the_expression(evil):
    layout = Layout.from_patterns("evil", {"note": rf"(?P<text>{evil})"})
    begun = time.process_time()
    layout.read("a" * LONGEST_LINE + "c")
    assert time.process_time() - begun < 1


def test_a_failure_s_expression_is_bounded_too():
    layout = Layout.from_patterns(
        "own", {"event": r"EVT (?P<name>\w+) (?P<details>.*)"}, failures={"busy": r"\A(?:a|aa)+b"}
    )
    (_, seen) = layout.read("EVT x " + "a" * 60 + "!").contents
    assert seen.kind == "unreadable_line"
