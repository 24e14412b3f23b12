"""The speaker capture: a WAV that grows while it is heard."""

import asyncio
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.device.speaker import NoWav, Speaker, WavHeader
from intercom_hil.timeline import Pattern, Timeline, now

RATE = 16_000


def header(rate=RATE, channels=1, bits=16, encoding=1, extra=b""):
    fmt = struct.pack("<HHIIHH", encoding, channels, rate, rate * 2, 2, bits)
    return (
        b"RIFF\0\0\0\0WAVE" + b"fmt " + struct.pack("<I", 16) + fmt + extra + b"data" + struct.pack("<I", 0)
    )


def tone(seconds, hz=440.0, peak=10_000):
    return (peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype("<i2").tobytes()


@pytest.fixture
def timeline():
    return Timeline()


@pytest.fixture
async def speaker(tmp_path, timeline):
    speaker = Speaker(tmp_path / "speaker.wav", append=timeline.append)
    yield speaker
    await speaker.end()


def write(speaker, data):
    with speaker.path.open("ab") as file:
        file.write(data)


async def heard(timeline, count):
    found = await timeline.wait(Pattern(kind="speaker", text="sound"), within=2, count=count)
    assert len(found) == count
    return [o.content for o in found]


async def test_each_window_tells_level_and_tone(speaker, timeline):
    speaker.begin()
    write(speaker, header() + tone(0.5) + b"\0\0" * 1600)
    first, second, mixed = await heard(timeline, 3)
    assert first == second
    assert first.tone_hz == pytest.approx(440, abs=3)
    assert first.level_dbov == pytest.approx(20 * math.log10(10_000 / math.sqrt(2) / 32_768), abs=0.2)
    assert first.duration == 0.2
    assert -100 < mixed.level_dbov < first.level_dbov
    write(speaker, b"\0\0" * 3200)
    silence = (await heard(timeline, 4))[3]
    assert silence.tone_hz is None
    assert silence.level_dbov < -100


async def test_sound_is_dated_when_it_was_seen(speaker, timeline):
    write(speaker, header())
    speaker.begin()
    written = now()
    write(speaker, tone(0.2))
    await heard(timeline, 1)
    assert written <= timeline[0].time <= written + 0.15


async def test_sound_from_before_is_not_heard_and_the_last_sound_is(speaker, timeline):
    write(speaker, header() + tone(1.0, hz=1000))
    speaker.begin()
    write(speaker, tone(0.2))
    await speaker.end()
    assert [round(o.content.tone_hz, -1) for o in timeline] == [440]
    write(speaker, tone(1.0))
    await asyncio.sleep(0.12)  # nothing may be heard between scenarios
    assert len(timeline) == 1
    speaker.begin()
    await speaker.end()
    assert len(timeline) == 1


async def test_a_file_that_comes_byte_by_byte_is_heard(speaker, timeline):
    speaker.begin()
    for byte in header(extra=b"LIST" + struct.pack("<I", 3) + b"abc\0"):
        write(speaker, bytes([byte]))
        speaker._hear()
    sound = tone(0.2)
    write(speaker, sound[:333])
    speaker._hear()
    write(speaker, sound[333:])
    assert (await heard(timeline, 1))[0].tone_hz == pytest.approx(440, abs=3)


async def test_a_file_that_is_replaced_is_heard_from_its_start(speaker, timeline):
    write(speaker, header() + tone(1.0))
    speaker.begin()
    speaker.path.unlink()
    write(speaker, header() + tone(0.2, hz=1000))
    assert (await heard(timeline, 1))[0].tone_hz == pytest.approx(1000, abs=5)
    speaker.path.write_bytes(header() + tone(0.2, hz=700)[:-2])
    await asyncio.sleep(0.12)
    write(speaker, tone(0.2)[:2])
    assert (await heard(timeline, 2))[1].tone_hz == pytest.approx(700, abs=5)


@pytest.mark.parametrize(
    "start",
    [
        b"ID3" + b"x" * 40,
        header(channels=2),
        header(bits=8),
        header(encoding=7),
        header(rate=0),
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0WAVE" + b"junk\xff\xff\xff\xff" + b"x" * 40,
    ],
)
async def test_a_file_that_is_no_such_sound_loses_the_speaker(speaker, start):
    write(speaker, start)
    speaker.begin()
    assert str(speaker.path) in await asyncio.wait_for(speaker.lost, 1)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda junk: b"RIFF\0\0\0\0WAVE" + junk))
def test_any_start_of_a_file_is_a_header_or_not_enough_or_refused(start):
    try:
        found = WavHeader.parse(start)
    except NoWav:
        return
    assert found is None or 20 <= found.data_at <= len(start)


@given(st.integers(0, 43))
def test_a_header_that_is_not_all_there_is_waited_for(length):
    assert WavHeader.parse(header()[:length]) is None
    assert WavHeader.parse(header()) == WavHeader(RATE, 44)
