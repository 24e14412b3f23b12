"""``judge again --from-evidence``: an untouched run agrees with itself; what is altered is named."""

import json
import shutil

import pytest
from packets import frames

from intercom_hil.capture_file.judging import judge_capture_read
from intercom_hil.capture_file.parties import parties
from intercom_hil.capture_file.reading import read_capture
from intercom_hil.capture_file.run_of_capture import run_of_capture
from intercom_hil.errors import BenchError
from intercom_hil.event_sources.console_reader import ConsoleReader
from intercom_hil.event_sources.publisher import EventPublisher
from intercom_hil.event_sources.roles import SourceRole, language
from intercom_hil.event_sources.syslog import SyslogReader
from intercom_hil.instruments.serial_console import LineFramer
from intercom_hil.layouts.bounded_expression import BoundedExpression
from intercom_hil.layouts.event_fields import EventFields
from intercom_hil.layouts.known import KEYED, KEYED_MESSAGE, LAYOUTS
from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.stored import restored
from intercom_hil.layouts.stored import stored as stored_layout
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter
from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.recomputed.sources import compare_sources
from intercom_hil.recomputed.testimony import compare_testimony
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.arrivals import Arrivals
from intercom_hil.timeline.observation import ConsoleLine, Note, StationSaid

ALL = SourceRole()
SCENARIO = "capture.what_the_capture_shows"


def stored(folder, call="c1"):
    """Store a run as a bench does, of packets alone."""
    path = folder.parent / f"{folder.name}.pcapng"
    writer = PcapngWriter(path, link_type=101, interface="lo", application="intercom-hil")
    for at, data in frames(call):
        writer.write(Frame(1700000000 + at, data, len(data)))
    writer.write_statistics(time=1700000002, received=len(frames(call)), dropped=0)
    writer.close()
    read = read_capture(path)
    who = parties(path, read.timeline, (), ())
    timeline = who.named(read.timeline)
    judgements = judge_capture_read(read, timeline, servers_named=True)
    run_of_capture(folder, path, read, timeline, judgements)
    return folder


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(untouched, tmp_path):
    return shutil.copytree(untouched, tmp_path / "run")


def recomputed(run):
    lines = []
    count = judge_from_evidence(run, lines.append)
    return count, "\n".join(lines)


def scenario(run):
    return run / "scenarios" / SCENARIO


def replaced(path, old, new, *, count=1):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count))


def changed(path, change):
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_an_untouched_run_agrees_with_itself(untouched):
    assert recomputed(untouched) == (
        0,
        f"same    {SCENARIO}\nnot recomputed, and taken as stored: 1 of bench",
    )


def test_every_line_taken_out_of_the_timeline_is_found_even_if_the_others_are_numbered_anew(run):
    path = scenario(run) / "timeline.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        if json.loads(line)["witness"] != "wire":
            continue
        kept = [json.loads(other) for other in lines[:place] + lines[place + 1 :]]
        path.write_text("".join(f"{json.dumps(o)}\n" for o in kept), encoding="utf-8")
        assert "says that it is line" in recomputed(run)[1] or place == len(lines) - 1
        kept = [other | {"seq": seq} for seq, other in enumerate(kept)]
        path.write_text("".join(f"{json.dumps(o)}\n" for o in kept), encoding="utf-8")
        assert "is not on the timeline" in recomputed(run)[1], line[:200]


def test_every_byte_of_sound_that_is_altered_is_found(run):
    path = scenario(run) / "capture.pcapng"
    whole = path.read_bytes()
    place = whole.index(bytes([0xD5, 0x34] * 80)) + 40
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "of the timeline in digest" in recomputed(run)[1]


def test_every_byte_of_a_message_that_is_altered_is_found(run):
    path = scenario(run) / "capture.pcapng"
    whole = path.read_bytes()
    begun = whole.index(b"INVITE sip:")
    for place in range(begun, whole.index(b"m=audio", begun), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        count, text = recomputed(run)
        assert count, place
        assert "capture.pcapng: " in text


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (lambda run: (scenario(run) / "capture.pcapng").unlink(), "capture.pcapng: it is gone"),
        (lambda run: (scenario(run) / "timeline.jsonl").unlink(), "timeline.jsonl: it is gone"),
        (lambda run: (scenario(run) / "judgements.jsonl").unlink(), "judgements.jsonl: it is gone"),
        (lambda run: (scenario(run) / "record.json").unlink(), "record.json: it is gone"),
        (
            lambda run: shutil.rmtree(scenario(run)),
            f"scenarios/{SCENARIO}: run.json lists it, and it is gone",
        ),
        (lambda run: scenario(run).rename(run / "scenarios" / "other"), "run.json does not list it"),
        (
            lambda run: shutil.copytree(scenario(run), run / "scenarios" / "other"),
            "scenarios/other: run.json does not list it",
        ),
        (
            lambda run: (scenario(run) / "capture.pcapng").write_bytes(
                (scenario(run) / "capture.pcapng").read_bytes()[:-60]
            ),
            "capture.pcapng: its end is missing",
        ),
        (
            lambda run: replaced(scenario(run) / "timeline.jsonl", b'"status":200', b'"status":404'),
            "differs from line 2 of the timeline in status (404, and not 200)",
        ),
        (
            lambda run: replaced(scenario(run) / "timeline.jsonl", b'"lost":0', b'"lost":3'),
            "in lost (3, and not 0)",
        ),
        (
            lambda run: replaced(
                scenario(run) / "judgements.jsonl", b'"verdict":"pass"', b'"verdict":"fail"'
            ),
            "judgements.jsonl: line 1",
        ),
        (
            lambda run: replaced(scenario(run) / "timeline.jsonl", b"{", b"["),
            "timeline.jsonl: it cannot be read",
        ),
        (lambda run: replaced(scenario(run) / "record.json", b"{", b"["), "record.json: it cannot be read"),
        (
            lambda run: changed(
                run / "run.json", lambda data: data.update(mode={"kind": "conformance", "reasons": []})
            ),
            "run.json: it says that it is a conformance run, and a part of the scenarios was asked for",
        ),
    ],
)
def test_what_is_altered_is_named(run, alter, named):
    alter(run)
    count, text = recomputed(run)
    assert count
    assert named in text


def test_a_verdict_edited_in_any_place_is_found(run):
    for name in ("run.json", "record.json"):
        path = run / name if name == "run.json" else scenario(run) / name
        whole = path.read_text(encoding="utf-8")
        of_one = (lambda data: data["scenarios"][0]) if name == "run.json" else (lambda data: data)
        for identity in of_one(json.loads(whole))["requirements"]:
            changed(
                path, lambda data, of=of_one, row=identity: of(data)["requirements"].update({row: "fail"})
            )
            count, text = recomputed(run)
            assert count, identity
            assert identity in text or "requirements of this scenario" in text
            path.write_text(whole, encoding="utf-8")
        changed(path, lambda data: data.update(verdict="fail"))
        assert f"{name}: verdict fail" in recomputed(run)[1]
        path.write_text(whole, encoding="utf-8")


def test_a_run_mixed_from_two_is_found(run, tmp_path):
    other = stored(tmp_path / "another", call="c2")
    for name in ("capture.pcapng", "timeline.jsonl"):
        kept = (scenario(run) / name).read_bytes()
        shutil.copyfile(scenario(other) / name, scenario(run) / name)
        assert recomputed(run)[0], name
        (scenario(run) / name).write_bytes(kept)
    assert recomputed(run)[0] == 0


def test_lines_of_a_console_are_held_against_its_raw_log(tmp_path):
    timeline = Timeline()
    for text in ("one", "two", "three"):
        timeline.append(Witness.CONSOLE, ConsoleLine(text=text))
    log = tmp_path / "console.log"
    log.write_bytes(b"zero\r\none\r\ntwo\r\nthree\r\nfour\r\n")
    assert compare_sources(tmp_path, timeline, 0.0, 0) == [], "others are of before and after"
    log.write_bytes(b"one\r\ntwo\r\nand\r\nthree\r\n")
    assert (
        "1 lines of the raw log are not on the timeline: 'and'"
        in compare_sources(tmp_path, timeline, 0.0, 0)[0]
    )
    log.write_bytes(b"one\r\ntoo\r\nthree\r\n")
    assert "two at " in compare_sources(tmp_path, timeline, 0.0, 0)[0]
    log.unlink()
    assert "console.log: it is gone" in compare_sources(tmp_path, timeline, 0.0, 0)[0]


def of_console(folder, timeline, *portions, layout=KEYED, role=ALL):
    """Have a console's log come in portions, and read it onto a timeline as a bench does."""
    reader, framer = ConsoleReader(layout, append=timeline.append, role=role), LineFramer(4096)
    arrivals = Arrivals(folder / "console.log")
    with (folder / "console.log").open("ab") as log:
        for at, data in portions:
            log.write(data)
            arrivals.note(at, len(data))
            for line in framer.feed(data):
                reader.line(line, at)
    arrivals.close()
    (folder / "languages.json").write_text(json.dumps({"console": reader.language}))


def test_what_lines_mean_is_read_anew_from_bytes_and_their_times(tmp_path):
    timeline = Timeline()
    of_console(
        tmp_path,
        timeline,
        (100.0, b'0 boot v=1\r\n1 event name=outgoing_call_initiated screen="Call'),
        (100.25, b'ing" details="3410"\r\n2 screen text=Busy\r\n'),
        (101.0, b"3 sip registered\r\nwhatever\r\n"),
    )
    whole = list(timeline)
    assert {o.content.kind for o in whole} == {"console_line", "event", "screen", "note"}
    assert compare_sources(tmp_path, timeline, 200.0, 0) == []
    for place, observation in enumerate(whole):
        lacking = Timeline(whole[:place] + whole[place + 1 :])
        found = compare_sources(tmp_path, lacking, 200.0, 0)
        assert len(found) >= 1, observation
        assert "is not on the timeline" in found[0]
        later = [o if o is not observation else o.model_copy(update={"time": o.time + 0.01}) for o in whole]
        found = compare_sources(tmp_path, Timeline(later), 200.0, 0)
        assert found, observation
        told = observation.content.model_dump() | {
            "details" if observation.content.kind == "event" else "text": "another"
        }
        other = observation.model_copy(update={"content": type(observation.content)(**told)})
        altered = Timeline([*whole[:place], other, *whole[place + 1 :]])
        found = compare_sources(tmp_path, altered, 200.0, 0)
        assert found, observation
    event = next(o for o in whole if o.content.kind == "event")
    kept_off = Timeline([o for o in whole if o is not event])
    assert compare_sources(tmp_path, kept_off, 200.0, 1) == [], "as of an earlier scenario"
    for name in ("console.log", "console.times"):
        kept = (tmp_path / name).read_bytes()
        for data in (None, b"", kept[:-1], kept + b"1 1\n", kept + b" ", kept.replace(b"1", b"2", 1)):
            (tmp_path / name).unlink()
            if data is not None:
                (tmp_path / name).write_bytes(data)
            assert compare_sources(tmp_path, timeline, 200.0, 0), (name, data)
            (tmp_path / name).write_bytes(kept)


@pytest.mark.parametrize("last", [b"screen text=Busy", b"sip registered server=pbx"])
def test_a_line_of_the_last_moment_is_missed_where_the_source_was_read_as_late_or_later(tmp_path, last):
    timeline = Timeline()
    of_console(tmp_path, timeline, (100.0, b"0 whatever\r\n"), (101.0, b"1 " + last + b"\r\n"))
    whole = list(timeline)
    for place in range(len(whole)):
        lacking = Timeline(whole[:place] + whole[place + 1 :])
        assert compare_sources(tmp_path, lacking, 101.1, 0), whole[place]
    unread = Timeline([o for o in whole if o.time < 101.0])
    assert compare_sources(tmp_path, unread, 101.1, 0) == [], "it may have come when all was over"


def test_a_line_that_began_in_another_file_or_before_the_line_was_opened_again_is_none_of_it(tmp_path):
    timeline = Timeline()
    timeline.append(Witness.CONSOLE, ConsoleLine(text="0 sip registered x=1"), 99.9)
    timeline.append(Witness.CONSOLE, Note(text="sip registered x=1"), 99.9)
    log = tmp_path / "console.log"
    log.write_bytes(b"stered x=1\r\n0 sip ex")
    (tmp_path / "console.times").write_text("99.900000 12\n99.950000 8\n")
    of_console(tmp_path, timeline, (100.0, b""), (100.5, b"whole\r\n"))
    assert compare_sources(tmp_path, timeline, 200.0, 0) == []


@pytest.mark.parametrize(
    "layout",
    [
        *LAYOUTS.values(),
        Layout.from_fields("own", EventFields(name="", path=BoundedExpression("/(?P<name>.*)", "own"))),
    ],
)
def test_every_layout_is_stored_and_comes_back(layout):
    assert stored_layout(restored(json.loads(json.dumps(stored_layout(layout))))) == stored_layout(layout)


def test_messages_of_syslog_are_read_anew(tmp_path):
    timeline = Timeline()
    reader = SyslogReader(KEYED_MESSAGE, EventPublisher("syslog", Witness.SYSLOG, append=timeline.append))
    arrivals = Arrivals(tmp_path / "syslog.log")
    with (tmp_path / "syslog.log").open("wb") as log:
        for at, message in (
            (
                10.0,
                b"<13>1 2026-11-28T00:00:00Z door app - - - event name=outgoing_call_failure details=busy",
            ),
            (11.0, b"<14>text\nof several lines"),
        ):
            data = b"%d %s\n" % (len(message), message)
            log.write(data)
            arrivals.note(at, len(data))
            reader.message(message, at)
    arrivals.close()
    (tmp_path / "languages.json").write_text(json.dumps({"syslog": language(KEYED_MESSAGE, ALL)}))
    assert compare_sources(tmp_path, timeline, 20.0, 0) == []
    whole = list(timeline)
    for place, observation in enumerate(whole):
        found = compare_sources(tmp_path, Timeline(whole[:place] + whole[place + 1 :]), 20.0, 0)
        assert "is not on the timeline" in found[0], observation
    data = (tmp_path / "syslog.log").read_bytes()
    (tmp_path / "syslog.log").write_bytes(data.replace(b"busy", b"bust"))
    assert "busy" in compare_sources(tmp_path, timeline, 20.0, 0)[0]


def test_what_stations_logged_is_held_against_their_logs(tmp_path):
    timeline = Timeline()
    (tmp_path / "stations").mkdir()
    lines = [(5.25, "EV CALLING callid=1"), (6.0, "EV ENDED callid=1 how=us")]
    (tmp_path / "stations" / "3410-7.said.log").write_text(
        "".join(f"{at:.6f} {text}\n" for at, text in lines)
    )
    for at, text in lines:
        timeline.append(Witness.STATION, StationSaid(station="3410", text=text), at)
    assert compare_testimony(tmp_path, timeline, 0.0) == []
    assert "is not on the timeline" in compare_testimony(tmp_path, Timeline(list(timeline)[1:]), 0.0)[0]
    timeline.append(Witness.STATION, StationSaid(station="3410", text="EV ENDED callid=2"), 6.0)
    assert "is in no station's log" in compare_testimony(tmp_path, timeline, 0.0)[0]


def test_what_is_no_run_is_one_message(tmp_path):
    with pytest.raises(BenchError, match="the run cannot be read"):
        recomputed(tmp_path)
