"""``judge again --from-evidence``: an untouched run agrees with itself; what is altered is named."""

import json
import shutil
import struct

import pytest

from intercom_hil.capture_file.judging import judge_capture_read
from intercom_hil.capture_file.parties import parties
from intercom_hil.capture_file.reading import read_capture
from intercom_hil.capture_file.run_of_capture import run_of_capture
from intercom_hil.errors import BenchError
from intercom_hil.recomputed.again import judge_from_evidence
from intercom_hil.recomputed.testimony import compare_testimony
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.observation import ConsoleLine
from intercom_hil.wire.pcap import Frame
from intercom_hil.wire.pcapng import PcapngWriter

DEVICE, PBX = "192.0.2.30", "192.0.2.10"
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 8\r\n"
SCENARIO = "capture.what_the_capture_shows"


def packet(source, destination, payload):
    addresses = b"".join(bytes(map(int, host.split("."))) for host, _ in (source, destination))
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0) + addresses + udp


def message(start, call, cseq, *, tag="", body=""):
    host = PBX if start.startswith("SIP/2.0") else DEVICE
    contact = [f"Contact: <sip:3400@{host}>"] if cseq.endswith(("INVITE", "REGISTER")) else []
    lines = [
        start,
        f"Via: SIP/2.0/UDP {DEVICE};branch=z9hG4bK{cseq.replace(' ', '')}{call}",
        "From: <sip:3401@192.0.2.10>;tag=ours",
        f"To: <sip:3400@192.0.2.10>{tag and ';tag=' + tag}",
        *(f"Call-ID: {call}", f"CSeq: {cseq}", "Max-Forwards: 70", *contact),
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def frames(call):
    """Return a registration, and a call with half a second of sound, as frames of raw IP."""
    device, pbx = (DEVICE, 5060), (PBX, 5060)
    offer, answer = SDP.format(DEVICE, 4000), SDP.format(PBX, 5000)
    found = [
        (0.00, packet(device, pbx, message(f"REGISTER sip:{PBX} SIP/2.0", "reg", "1 REGISTER"))),
        (0.01, packet(pbx, device, message("SIP/2.0 200 OK", "reg", "1 REGISTER", tag="r"))),
        (0.10, packet(device, pbx, message(f"INVITE sip:3400@{PBX} SIP/2.0", call, "1 INVITE", body=offer))),
        (0.20, packet(pbx, device, message("SIP/2.0 200 OK", call, "1 INVITE", tag="t", body=answer))),
        (0.21, packet(device, pbx, message(f"ACK sip:3400@{PBX} SIP/2.0", call, "1 ACK", tag="t"))),
    ]
    for number in range(25):
        rtp = struct.pack("!BBHII", 0x80, 8, number, number * 160, 0xABCD) + bytes([0xD5, 0x34] * 80)
        found.append((0.22 + number * 0.02, packet((DEVICE, 4000), (PBX, 5000), rtp)))
    found += [
        (1.00, packet(device, pbx, message(f"BYE sip:3400@{PBX} SIP/2.0", call, "2 BYE", tag="t"))),
        (1.01, packet(pbx, device, message("SIP/2.0 200 OK", call, "2 BYE", tag="t"))),
    ]
    return found


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
    assert compare_testimony(tmp_path, timeline, 0.0) == [], "others are of before and after"
    log.write_bytes(b"one\r\ntwo\r\nand\r\nthree\r\n")
    assert (
        "1 lines of the raw log are not on the timeline: 'and'"
        in compare_testimony(tmp_path, timeline, 0.0)[0]
    )
    log.write_bytes(b"one\r\ntoo\r\nthree\r\n")
    assert "two at " in compare_testimony(tmp_path, timeline, 0.0)[0]
    log.unlink()
    assert "console.log: it is gone" in compare_testimony(tmp_path, timeline, 0.0)[0]


def test_what_is_no_run_is_one_message(tmp_path):
    with pytest.raises(BenchError, match="the run cannot be read"):
        recomputed(tmp_path)
