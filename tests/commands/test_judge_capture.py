"""``judge capture``: what a capture file shows is told, judged, and bad input is one message."""

import os
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_hil.commands.judge_capture import judge_capture
from intercom_hil.errors import BenchError
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter, read_pcapng
from intercom_hil.spec.verdict import Verdict
from intercom_hil.wire.error import WireError

CASES = Path(__file__).parents[1] / "capture" / "cases"
DEVICE, PBX = ("192.0.2.30", "2001:db8::30"), ("192.0.2.10", "2001:db8::10")


def told(path, **changes):
    lines = []
    verdict = judge_capture(path, lines.append, **{"device": DEVICE, "pbx": PBX} | changes)
    return verdict, "\n".join(lines)


def test_calls_streams_and_verdicts_are_told():
    verdict, text = told(CASES / "s1-mki.pcapng")
    assert verdict is Verdict.PASS
    for part in ("INVITE from device to pbx", "60 authenticated, 0 rejected", "heard in 6", "ENC-11 pass"):
        assert part in text


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("s0-control-wrong-key", Verdict.FAIL, "60 rejected"),
        ("r6-plain-pcma-under-mki", Verdict.FAIL, "60 plain"),
        ("s4-dtls-srtp", Verdict.INCONCLUSIVE, "DTLS-SRTP"),
        ("s5-answer-without-crypto", Verdict.INCONCLUSIVE, "no suite was agreed"),
    ],
)
def test_the_reason_stands_beside_the_verdict(name, verdict, reason):
    found, text = told(CASES / f"{name}.pcapng")
    assert found is verdict
    assert reason in text.partition("verdicts")[2]


def test_deviations_and_unreadable_bytes_are_told_and_made_visible(tmp_path):
    frames = [
        udp(b"\r\nINVITE sip:a SIP/2.0\r\n\x1b[31m\r\nVia: a\r\n\r\n"),
        udp(b"BYE sip:\x1b[2J \r\n\r\n"),
    ]
    _, text = told(written(tmp_path, frames))
    assert "unreadable bytes from device to pbx (no From header)" in text
    assert "unreadable bytes from device to pbx (no SIP start line)" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no packets"),
        (b"hello" * 20, "no whole capture file"),
        (struct.pack("<III", 0x0A0D0D0A, 3, 0x1A2B3C4D) + bytes(40), "pcapng block of 3 bytes"),
        (struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "no packets"),
        (struct.pack("<IHHIIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147, 1, 1, 4, 4) + bytes(4), "only 147"),
    ],
)
def test_a_file_that_is_no_capture_is_one_message(tmp_path, content, problem):
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=problem):
        told(path)


def rewritten(path, frames, *, link=1, order="<", nano=False, whole=lambda size: size):
    """Write frames as another tool would: byte order, resolution of times, link type, snap length."""
    ticks = 10**9 if nano else 10**6
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        seconds, fraction = divmod(round(frame.time * ticks), ticks)
        kept = frame.data[: whole(len(frame.data))]
        data += struct.pack(f"{order}IIII", seconds, fraction, len(kept), len(frame.data)) + kept
    path.write_bytes(data)
    return path


def of(name):
    return [frame for _, frame in read_pcapng((CASES / f"{name}.pcapng").read_bytes())]


def cooked(frame, header, tag=b""):
    return frame._replace(data=header + tag + frame.data[12:])


@pytest.mark.parametrize("name", ["s0-control-good", "r6-plain-pcma-under-mki"])
@pytest.mark.parametrize(
    ("link", "change"),
    [
        (1, lambda f: f),
        (1, lambda f: cooked(f, f.data[:12], b"\x91\x00\x00\x05\x81\x00\x00\x06")),
        (12, lambda f: f._replace(data=f.data[14:])),
        (0, lambda f: f._replace(data=b"\0\0\0\2" + f.data[14:])),
        (113, lambda f: cooked(f, bytes(14), b"\x81\x00\x00\x05")),
        (276, lambda f: f._replace(data=f.data[12:14] + bytes(18) + f.data[14:])),
    ],
    ids=["ethernet", "tagged twice", "raw", "null", "cooked and tagged", "cooked 2"],
)
@pytest.mark.parametrize(("order", "nano"), [("<", False), (">", True)], ids=["little", "big"])
def test_a_capture_of_another_tool_is_judged_alike(tmp_path, name, link, change, order, nano):
    frames = [change(frame) for frame in of(name)]
    path = rewritten(tmp_path / "x.pcap", frames, link=link, order=order, nano=nano)
    verdict, text = told(path)
    assert verdict is (Verdict.PASS if name.startswith("s0") else Verdict.FAIL)
    assert "60 audio packets" in text.partition("verdicts")[2]


def test_packets_captured_on_two_interfaces_are_held_against_nobody(tmp_path):
    twice = [frame for frame in of("s0-control-good") for _ in range(2)]
    assert told(rewritten(tmp_path / "x.pcap", twice))[0] is Verdict.PASS


def test_packets_that_were_cut_short_are_told_and_leave_a_pass_open(tmp_path):
    frames = of("s0-control-good")
    last = len(frames[-1].data)
    path = rewritten(tmp_path / "x.pcap", [*frames[:-1], frames[-1]._replace(data=bytes(2000))])
    assert told(path)[0] is Verdict.PASS, "whatever it is, it is whole"
    more = [*frames, frames[-1]._replace(data=bytes(2000))]
    path = rewritten(tmp_path / "x.pcap", more, whole=lambda n: min(n, 1500))
    verdict, text = told(path)
    assert verdict is Verdict.INCONCLUSIVE
    assert f"1 of {len(frames) + 1} packets were cut short" in text
    path = rewritten(tmp_path / "x.pcap", frames, whole=lambda n: min(n, last - 1))
    verdict, text = told(path)
    assert verdict is Verdict.NONE
    assert "capture them whole" in text
    wrong = [*of("s0-control-wrong-key"), frames[-1]._replace(data=bytes(2000))]
    assert told(rewritten(tmp_path / "x.pcap", wrong, whole=lambda n: min(n, 1500)))[0] is Verdict.FAIL


MESSAGES = sorted((CASES.parents[1] / "wire" / "cases").glob("*.sip"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_messages_as_devices_send_them_are_read_from_a_capture(tmp_path, path):
    _, text = told(written(tmp_path, [udp(path.read_bytes())]))
    assert "INVITE from device to pbx" in text
    assert "unreadable" not in text


def test_a_missing_file_and_a_wrong_address_are_one_message(tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        told(tmp_path / "none")
    with pytest.raises(BenchError, match="cannot be read"):
        told(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BenchError, match="cannot be read: it is no file"):
        told(tmp_path / "pipe")
    with pytest.raises(BenchError, match="no IP address"):
        told(CASES / "s1-mki.pcapng", device=("door",))


def test_an_address_that_is_in_no_packet_is_told():
    _, text = told(CASES / "s1-mki.pcapng", device=("192.0.2.77",))
    assert "from or to 192.0.2.77 (device): is that right?" in text
    _, text = told(CASES / "s1-mki.pcapng")
    assert "is that right" not in text


def udp(payload):
    header = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 0)
    addresses = bytes((192, 0, 2, 30, 192, 0, 2, 10))
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0) + addresses + header + payload
    )


def written(folder, frames):
    path = folder / "x.pcapng"
    writer = PcapngWriter(path, link_type=101, interface="lo", application="test")
    for at, frame in enumerate(frames):
        writer.write(Frame(1000.0 + at, frame, len(frame)))
    writer.close()
    return path


@given(st.lists(st.tuples(st.integers(0, 2**40), st.binary(max_size=60)), max_size=5))
@settings(deadline=None)
def test_what_is_written_is_read_again(tmp_path_factory, packets):
    path = tmp_path_factory.mktemp("written") / "x.pcapng"
    writer = PcapngWriter(path, link_type=113, interface="lo", application="test")
    frames = [Frame(ticks / 1e6, data, len(data) + 1) for ticks, data in packets]
    for frame in frames:
        writer.write(frame)
    writer.write_statistics(time=time.time(), received=1, dropped=None)
    writer.close()
    read = list(read_pcapng(path.read_bytes()))
    assert [(kind, frame.data, frame.size) for kind, frame in read] == [(113, f.data, f.size) for f in frames]
    assert [frame.time for _, frame in read] == pytest.approx([f.time for f in frames], abs=1e-6)


WHOLE = (CASES / "s5-answer-without-crypto.pcapng").read_bytes()


@given(at=st.integers(0, 1500), value=st.integers(0, 255), size=st.integers(0, 1500))
@settings(deadline=None)
def test_a_damaged_file_gives_packets_or_one_error(at, value, size):
    data = bytearray(WHOLE[:1500])
    data[min(at, len(data) - 1)] = value
    for damaged in (bytes(data), bytes(data[:size])):
        try:
            packets = list(read_pcapng(damaged))
        except WireError:
            continue
        assert len(packets) < 100


def test_a_folder_that_cannot_be_made_is_named_itself(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match=r"file/judged: this folder cannot be made .*--report FOLDER"):
        told(CASES / "s1-mki.pcapng", folder=tmp_path / "file" / "judged")
    with pytest.raises(BenchError, match=r"file: this folder cannot be made .*--report FOLDER"):
        told(CASES / "s1-mki.pcapng", folder=tmp_path / "file")
