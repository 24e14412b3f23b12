"""The sound card on a loop: its output led to its input by a named pipe, so that what is played is heard."""

import asyncio
import os

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.instruments.sound_card import MICROPHONE_TONE, SoundCard
from intercom_hil.timeline import Timeline, Witness
from intercom_hil.timeline.vocabulary import speaker_tone

SILENCE = ["sh", "-c", "while :; do head -c 640 /dev/zero; sleep 0.02; done"]


@pytest.fixture
def loop(tmp_path):
    path = tmp_path / "loop"
    os.mkfifo(path)
    return {"record": ["cat", str(path)], "play": ["dd", f"of={path}", "status=none"]}


async def test_what_is_played_is_heard_by_the_witness_speaker(loop):
    timeline = Timeline()
    card = SoundCard(**loop, append=timeline.append)
    card.begin()
    card.begin()
    heard = await timeline.wait(speaker_tone(MICROPHONE_TONE).seen_by(Witness.SPEAKER), within=20, count=3)
    await card.end()
    await card.end()
    assert [round(o.content.level_dbov) for o in heard[1:3]] == [-20, -20]
    counted = len(timeline)
    await asyncio.sleep(0.3)  # an absence: nothing is heard after the end
    assert len(timeline) == counted
    assert not card.lost.done()


async def test_it_hears_again_in_the_next_scenario(loop):
    timeline = Timeline()
    card = SoundCard(**loop, append=timeline.append)
    for count in (1, 2):
        card.begin()
        assert await timeline.wait(speaker_tone(MICROPHONE_TONE), within=20, count=count)
        await card.end()


async def test_level_pitch_and_latency_are_measured_on_the_loop(loop):
    card = SoundCard(**loop, tone=1000, level=-30, append=Timeline().append)
    async with asyncio.timeout(40):
        found = await card.measure()
    assert found.tone_hz == pytest.approx(1000, abs=1)
    assert found.level_dbov == pytest.approx(-30, abs=1)
    assert found.noise_dbov < -60
    assert 0 <= found.latency < 2


async def test_a_cable_that_is_out_is_heard_as_silence(tmp_path):
    card = SoundCard(record=SILENCE, play=["dd", "of=/dev/null", "status=none"], append=Timeline().append)
    with pytest.raises(BenchError, match="nothing of the tone"):
        await asyncio.wait_for(card.measure(), 40)


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        ({"record": ["no-such-recorder"]}, "no-such-recorder cannot be run"),
        ({"record": ["sh", "-c", "echo device busy >&2"]}, "sh ended: device busy"),
        ({"record": [], "play": ["true"]}, "true ended"),
    ],
)
async def test_a_card_that_is_gone_is_lost(commands, told):
    card = SoundCard(**commands, append=Timeline().append)
    card.begin()
    assert told in await asyncio.wait_for(card.lost, 10)
    await card.end()


async def test_without_both_nothing_can_be_measured():
    with pytest.raises(BenchError, match="both commands"):
        await SoundCard(record=["cat"], append=Timeline().append).measure()
