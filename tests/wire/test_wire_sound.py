"""G.711, levels and tones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.media import g711
from intercom_hil.media.tone import SILENCE_DBOV, dominant_tone, level_dbov

RATE = 8000


def sine(hz, amplitude=8000.0, seconds=0.2, rate=RATE):
    return np.round(amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(
        np.int16
    )


def noise(seed=1, amplitude=8000.0, size=1600):
    return np.random.default_rng(seed).normal(0, amplitude, size).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize(
    ("law", "decode", "expected"),
    [
        # Output values of the decoder, ITU-T G.711 tables 1 and 2, scaled to 16 bits.
        ("mu", g711.decode_ulaw, {0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0xFE: 8, 0x8F: 16764}),
        ("A", g711.decode_alaw, {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xD4: 24}),
    ],
)
def test_codes_stand_for_the_values_of_the_recommendation(law, decode, expected):
    assert {code: int(decode(bytes([code]))[0]) for code in expected} == expected


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.encode_ulaw, g711.decode_ulaw), (g711.encode_alaw, g711.decode_alaw)]
)
def test_every_code_survives_expanding_and_compressing(encode, decode):
    samples = decode(bytes(range(256)))
    assert (decode(encode(samples)) == samples).all()


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.encode_ulaw, g711.decode_ulaw), (g711.encode_alaw, g711.decode_alaw)]
)
def test_every_sample_is_kept_to_within_the_coding_step(encode, decode):
    samples = np.arange(-32768, 32768).astype(np.int16)
    error = np.abs(decode(encode(samples)).astype(int) - samples)
    assert (error <= np.maximum(16, np.abs(samples.astype(int)) / 16) + 16).all()


def test_the_reference_of_level_is_the_full_scale_square_wave():
    square = np.tile(np.array([32767, -32768], np.int16), 800)
    assert level_dbov(square) == pytest.approx(0.0, abs=0.001)
    assert level_dbov(sine(1000, 32767)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbov(sine(1000, 3276.7)) == pytest.approx(-23.01, abs=0.01)


def test_silence_has_the_lowest_level_and_no_tone():
    for silence in (np.zeros(1600, np.int16), np.zeros(0, np.int16)):
        assert level_dbov(silence) == SILENCE_DBOV
        assert dominant_tone(silence, RATE) is None


@pytest.mark.parametrize("hz", [100, 350.5, 440, 697, 1000, 1003.3, 2100, 3400])
@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_a_tone_is_named_after_companding(hz, law):
    encode, decode = getattr(g711, f"encode_{law}"), getattr(g711, f"decode_{law}")
    assert dominant_tone(decode(encode(sine(hz))), RATE) == pytest.approx(hz, abs=0.3)


def test_a_tone_is_named_over_an_offset_and_under_some_noise():
    assert dominant_tone(sine(440) + np.int16(3000), RATE) == pytest.approx(440, abs=0.3)
    assert dominant_tone(sine(440) + noise(amplitude=2500), RATE) == pytest.approx(440, abs=2)


def test_noise_two_equal_tones_and_very_quiet_tones_are_no_tone():
    assert dominant_tone(noise(), RATE) is None
    assert dominant_tone(sine(697, 6000) + sine(1209, 6000), RATE) is None
    assert dominant_tone(sine(440, 20), RATE) is None


@given(st.lists(st.integers(-32768, 32767), max_size=400))
def test_any_samples_have_a_level_and_a_tone_within_the_band_if_any(values):
    samples = np.array(values, np.int16)
    assert SILENCE_DBOV <= level_dbov(samples) <= 0.0
    tone = dominant_tone(samples, RATE)
    assert tone is None or (math.isfinite(tone) and 0 < tone < RATE / 2)
