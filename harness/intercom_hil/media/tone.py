"""What a stretch of sound is: how loud, and whether one tone makes most of it.

Level is in dBov as RFC 6464 §3 and RFC 6465 appendix A.1 define it: 0 dBov is the level of a full-scale
square wave (root mean square equal to the overload point, here 32768), so a full-scale sine is -3.01 dBov;
silence is -127 dBov, the least that their header extension can carry.
"""

from __future__ import annotations

import math

import numpy as np

from intercom_hil.media.g711 import Samples

OVERLOAD = 32768.0
SILENCE_DBOV = -127.0

PURITY = 0.7
"""The share of the sound's energy that must lie in one tone for it to dominate."""

TONE_FLOOR_DBOV = -60.0
"""Below this level no tone is named: it would be coding noise."""

LOWEST_TONE_HZ = 60.0
_LOBE_BINS = 2
"""Half width of the main lobe of a Hann window: all but 0.05 % of a steady tone's energy."""


def level_dbov(samples: Samples) -> float:
    """Return the level of 16-bit samples in dBov; ``SILENCE_DBOV`` for none or for digital silence."""
    if samples.size == 0:
        return SILENCE_DBOV
    mean_square = float(np.mean(np.square(samples.astype(np.float64))))
    if mean_square <= 0:
        return SILENCE_DBOV
    return max(SILENCE_DBOV, 10 * math.log10(mean_square / OVERLOAD**2))


def dominant_tone(samples: Samples, rate: int) -> float | None:
    """Return the frequency in Hz of the tone that dominates, or None.

    A tone dominates when at least ``PURITY`` of the energy (without the mean) lies within two bins of the
    strongest one, under a Hann window, and the sound is above ``TONE_FLOOR_DBOV``. The frequency is read off
    between bins by a parabola through the logarithms of the peak and its neighbours: for a steady tone to a
    few hundredths of a bin (of 5 Hz in a window of 200 ms).

    Args:
        samples: 16-bit linear samples; fewer than 64 never hold a tone.
        rate: samples per second.
    """
    if samples.size < 64 or level_dbov(samples) < TONE_FLOOR_DBOV:
        return None
    signal = samples.astype(np.float64)
    power = np.square(np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(signal.size))))
    total = float(power.sum())
    lowest = max(1, math.ceil(LOWEST_TONE_HZ * signal.size / rate))
    if total <= 0 or lowest >= power.size - 1:
        return None
    peak = lowest + int(np.argmax(power[lowest:-1]))
    around = power[max(0, peak - _LOBE_BINS) : peak + _LOBE_BINS + 1]
    if float(around.sum()) < PURITY * total:
        return None
    left, middle, right = np.log(power[peak - 1 : peak + 2] + total * 1e-15)
    curvature = left - 2 * middle + right
    offset = 0.5 * float(left - right) / float(curvature) if curvature < 0 else 0.0
    return (peak + max(-0.5, min(0.5, offset))) * rate / signal.size
