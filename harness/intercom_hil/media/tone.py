"""What a stretch of sound is: how loud, and whether one tone makes most of it.

Level is in dBov as RFC 6464 §3 and RFC 6465 appendix A.1 define it: 0 dBov is the level of a full-scale
square wave (root mean square equal to the overload point, here 32768), so a full-scale sine is -3.01 dBov;
silence is -127 dBov, the least that their header extension can carry.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
_LEAK_BINS = 6
"""Half width of what a tone leaves in the spectrum that could be taken for another one."""


def level_dbov(samples: Samples) -> float:
    """Return the level of 16-bit samples in dBov; ``SILENCE_DBOV`` for none or for digital silence."""
    if samples.size == 0:
        return SILENCE_DBOV
    mean_square = float(np.mean(np.square(samples.astype(np.float64))))
    if mean_square <= 0:
        return SILENCE_DBOV
    return max(SILENCE_DBOV, 10 * math.log10(mean_square / OVERLOAD**2))


ALSO_FLOOR_DBOV = -50.0
"""Below this level no second tone is named."""


def dominant_tone(samples: Samples, rate: int) -> float | None:
    """Return the frequency in Hz of the tone that dominates, or None; see ``tones``.

    Args:
        samples: 16-bit linear samples; fewer than 64 never hold a tone.
        rate: samples per second.
    """
    return tones(samples, rate)[0]


def tones(samples: Samples, rate: int) -> tuple[float | None, tuple[float, float] | None]:
    """Return the frequency in Hz of the tone that dominates, and frequency and level (dBov) of a second one.

    A tone dominates when at least ``PURITY`` of the energy (without the mean) lies within two bins of the
    strongest one, under a Hann window, and the sound is above ``TONE_FLOOR_DBOV``. The frequency is read off
    between bins by a parabola through the logarithms of the peak and its neighbours: for a steady tone to a
    few hundredths of a bin (of 5 Hz in a window of 200 ms). A second one, of ``ALSO_FLOOR_DBOV`` or more,
    makes ``PURITY`` of what is left when the strongest is taken away.

    Args:
        samples: 16-bit linear samples; fewer than 64 never hold a tone.
        rate: samples per second.
    """
    level = level_dbov(samples)
    if samples.size < 64 or level < TONE_FLOOR_DBOV:
        return None, None
    signal = samples.astype(np.float64)
    power = np.square(np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(signal.size))))
    total = float(power.sum())
    lowest = max(1, math.ceil(LOWEST_TONE_HZ * signal.size / rate))
    if total <= 0 or lowest >= power.size - 1:
        return None, None
    peak = lowest + int(np.argmax(power[lowest:-1]))
    around = power[max(0, peak - _LOBE_BINS) : peak + _LOBE_BINS + 1]
    main = _frequency(power, peak, total) * rate / signal.size
    rest = power.copy()
    rest[max(0, peak - _LEAK_BINS) : peak + _LEAK_BINS + 1] = 0.0
    left = float(rest.sum())
    second = lowest + int(np.argmax(rest[lowest:-1]))
    within = float(rest[max(0, second - _LOBE_BINS) : second + _LOBE_BINS + 1].sum())
    also = None
    if left > 0 and within >= PURITY * left:
        strength = level + 10 * math.log10(within / total)
        if strength >= ALSO_FLOOR_DBOV:
            also = _frequency(power, second, total) * rate / signal.size, strength
    return (main if float(around.sum()) >= PURITY * total else None), also


def _frequency(power: NDArray[np.float64], peak: int, total: float) -> float:
    """Return where a peak lies, in bins, between them too."""
    left, middle, right = np.log(power[peak - 1 : peak + 2] + total * 1e-15)
    curvature = left - 2 * middle + right
    offset = 0.5 * float(left - right) / float(curvature) if curvature < 0 else 0.0
    return peak + max(-0.5, min(0.5, offset))
