"""Sound that is kept of a scenario: what was sent, byte for byte, when it came, in a WAV file."""

from __future__ import annotations

import struct

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.media.g711 import encode_alaw
from intercom_hil.media.recording import MOST_SECONDS, Recording, Recordings
from intercom_hil.media.sound import PCMA_NAME, PCMU_NAME
from intercom_hil.video.viewers import AtOnce, Viewer
from tests.capture.wire_story import BEGIN, DEVICE, PBX, Talk, Wire, key, protector, sdp, tone


def chunks(wav: bytes) -> dict[bytes, bytes]:
    """The chunks of a RIFF file, as a player reads them: each padded to an even length."""
    kind, size, form = struct.unpack_from("<4sI4s", wav)
    assert (kind, size, form) == (b"RIFF", len(wav) - 8, b"WAVE")
    found, at = {}, 12
    while at < len(wav):
        name, size = struct.unpack_from("<4sI", wav, at)
        found[name] = wav[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(wav)
    return found


def recorded(encoding: str, *packets: tuple[bytes, int, float]) -> bytes:
    recording = Recording(encoding)
    for packet in packets:
        recording.add(*packet)
    return chunks(recording.wav())[b"data"]


@pytest.mark.parametrize(("encoding", "tag"), [(PCMA_NAME, 6), (PCMU_NAME, 7)])
@pytest.mark.parametrize("size", [0, 159, 160])
def test_a_file_says_how_its_bytes_are_to_be_played(encoding, tag, size):
    recording = Recording(encoding)
    recording.add(bytes(range(size)), 7, BEGIN)
    found = chunks(recording.wav())
    assert struct.unpack("<HHIIHHH", found[b"fmt "]) == (tag, 1, 8000, 8000, 1, 8, 0)
    assert struct.unpack("<I", found[b"fact"]) == (size,)
    assert found[b"data"] == bytes(range(size))


@pytest.mark.parametrize(("encoding", "silence"), [(PCMA_NAME, b"\xd5"), (PCMU_NAME, b"\xff")])
def test_what_did_not_come_is_silence_as_long_as_it_was(encoding, silence):
    a, b = b"a" * 160, b"b" * 160
    assert recorded(encoding, (a, 0, 1.0), (b, 160, 1.02)) == a + b
    assert recorded(encoding, (a, 0, 1.0), (b, 480, 1.06)) == a + silence * 320 + b
    assert recorded(encoding, (a, 0xFFFFFF60, 1.0), (b, 0, 1.02)) == a + b, "the timestamps wrap round"


@pytest.mark.parametrize("leap", [0, 100, 1 << 31, 0xFFFFFFFF])
def test_where_timestamps_leap_a_pause_is_as_long_as_the_packets_were_apart(leap):
    a, b = b"a" * 160, b"b" * 160
    assert recorded(PCMA_NAME, (a, 1000, 1.0), (b, leap, 1.5)) == a + b"\xd5" * 3840 + b
    assert recorded(PCMA_NAME, (a, 1000, 1.0), (b, leap, 0.5)) == a + b


def test_no_flow_takes_more_room_than_the_bound():
    recording = Recording(PCMU_NAME)
    for number in range(3):
        recording.add(bytes(8000), number * 100 * 8000, number * 100.0)
    assert len(chunks(recording.wav())[b"data"]) == MOST_SECONDS * 8000
    kept = Recordings(most=2)
    names = [kept.begin(f"../device to {n}", PCMA_NAME, secured=False)[0] for n in range(3)]
    assert names == ["01-..-device-to-0.wav", "02-..-device-to-1.wav", ""]
    assert list(kept.taken()) == names[:2]
    assert kept.taken() == {}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("of_secured", [False, True])
def test_each_direction_of_a_call_is_kept_as_it_was_sent(tmp_path, secure, of_secured):
    viewer = Viewer(AtOnce(), Recordings(of_secured=of_secured))
    wire = Wire(viewer=viewer)
    keys, profile = ((key(1), key(2)), "RTP/SAVP") if secure else ((None, None), "RTP/AVP")
    crypto = [[one] if one else [] for one in keys]
    wire.call(sdp(DEVICE, profile=profile, crypto=crypto[0]), sdp(PBX, profile=profile, crypto=crypto[1]))
    ways = [(DEVICE, PBX, 440.0), (PBX, DEVICE, 1000.0)]
    for (source, destination, hz), own in zip(ways, keys, strict=True):
        wire.talk(Talk(source, destination, hz=hz, protect=protector(own) if own else None), 25)
    accounts = [account.sounds for account in wire.ended()]
    viewer.file_sounds(tmp_path / "sounds")
    if secure and not of_secured:
        assert accounts == [(), ()]
        assert not (tmp_path / "sounds").exists()
        return
    way = "srtp" if secure else "plain"
    assert accounts == [(f"01-device-to-pbx-{way}.wav",), (f"02-pbx-to-device-{way}.wav",)]
    for (name,), (_, _, hz) in zip(accounts, ways, strict=True):
        wav = (tmp_path / "sounds" / name).read_bytes()
        assert chunks(wav)[b"data"] == encode_alaw(tone(hz, seconds=0.5, start=1000))


def test_nothing_is_kept_where_nobody_asked_for_it():
    wire = Wire()
    wire.call(sdp(DEVICE), sdp(PBX))
    wire.talk(Talk(DEVICE, PBX), 25)
    assert [account.sounds for account in wire.ended()] == [()]


def test_sounds_that_cannot_be_written_are_the_benchs_error(tmp_path):
    viewer = Viewer(AtOnce(), Recordings())
    viewer.recordings.begin("x", PCMA_NAME, secured=False)
    with pytest.raises(BenchError, match="sounds cannot be written"):
        viewer.file_sounds(tmp_path / "missing" / "sounds")
