"""The sounds the device has in its memory: the spoken announcement, and the tone its microphone hears."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

ANNOUNCEMENT = Path(__file__).with_name("call_failed.wav")
"""A voice saying that the call has failed: 8 kHz, 16 bit, mono."""
_RATE = 8_000
"""Samples per second."""
_SECONDS = 60
"""Length of the tone file. The stack's player clicks where it starts over, so that must be rare."""
_TONE_HZ = 440
_PEAK_DBOV = -10.0


def write_microphone_tone(path: Path) -> None:
    """Write the tone that the microphone hears: whole periods, 16 bit, mono."""
    peak = 32767 * 10 ** (_PEAK_DBOV / 20)
    samples = [round(peak * math.sin(2 * math.pi * _TONE_HZ * n / _RATE)) for n in range(_RATE)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples) * _SECONDS)
