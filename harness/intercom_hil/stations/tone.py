"""The tones by which stations are distinguished in a recording, as files of raw A-law for SIPp to loop.

Several stations may sound in one recording; each is known by its own frequency.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from intercom_hil.media.sound import RATE

if TYPE_CHECKING:
    from intercom_hil.media.g711 import Samples

SECONDS = 8
"""Length of a tone file. SIPp sends it over and over."""
LEVEL_DBOV = -16.0
"""Level relative to the overload point (RFC 6464 §3): loud enough to be found, far from clipping."""
LOWEST_HZ, HIGHEST_HZ = 200.0, 3400.0
"""What a telephone band carries, G.711's filters included."""

_OVERLOAD = 32768.0


def alaw_tone(hz: float) -> bytes:
    """Return a sine of that frequency (Hz, to the nearest 1/8) as A-law, without a jump when looped."""
    from intercom_hil.media.g711 import encode_alaw  # with numpy, when a tone is made: it takes a while

    return encode_alaw(_sine(hz))


def ulaw_tone(hz: float) -> bytes:
    """Return the same sine as mu-law."""
    from intercom_hil.media.g711 import encode_ulaw

    return encode_ulaw(_sine(hz))


def _sine(hz: float) -> Samples:
    import numpy as np

    cycles = round(hz * SECONDS)
    amplitude = _OVERLOAD * 10 ** (LEVEL_DBOV / 20) * np.sqrt(2)
    phase = 2 * np.pi * cycles * np.arange(SECONDS * RATE) / (SECONDS * RATE)
    samples: Samples = np.round(amplitude * np.sin(phase)).astype(np.int16)
    return samples


def tone_file(hz: float, folder: Path, law: Literal["alaw", "ulaw"] = "alaw") -> Path:
    """Make sure of the tone's file in a folder and return its path."""
    path = folder / f"tone-{hz:g}.{law}"
    if not path.exists():
        path.write_bytes(alaw_tone(hz) if law == "alaw" else ulaw_tone(hz))
    return path
