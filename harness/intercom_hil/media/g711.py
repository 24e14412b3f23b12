"""G.711 (ITU-T G.711, payload types 0 and 8 of RFC 3551): companded bytes to 16-bit linear samples and back.

Linear samples use the whole 16-bit range: the overload points are 32124 (mu-law) and 32256 (A-law).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intercom_hil.media.sound import PCMA_NAME, PCMU_NAME

Samples = NDArray[np.int16]

PCMU, PCMA = 0, 8
"""RTP payload types (RFC 3551 §6)."""


def _ulaw_table() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    low = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, low, (low + 0x100) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_ULAW, _ALAW = _ulaw_table(), _alaw_table()


def decode_ulaw(data: bytes) -> Samples:
    """Expand mu-law bytes, one sample each."""
    return _ULAW[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> Samples:
    """Expand A-law bytes, one sample each."""
    return _ALAW[np.frombuffer(data, np.uint8)]


def encode_ulaw(samples: Samples) -> bytes:
    """Compress linear samples to mu-law."""
    value = samples.astype(np.int32)
    magnitude = np.minimum(np.abs(value >> 2 << 2), 32635) + 0x84
    segment = np.frexp(magnitude)[1] - 8
    code = segment << 4 | (magnitude >> (segment + 3)) & 0x0F | np.where(value < 0, 0x80, 0)
    return bytes((~code & 0xFF).astype(np.uint8))


def encode_alaw(samples: Samples) -> bytes:
    """Compress linear samples to A-law."""
    value = samples.astype(np.int32)
    magnitude = np.where(value < 0, ~value, value) >> 4
    segment = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    code = segment << 4 | (magnitude >> np.maximum(segment - 1, 0)) & 0x0F | np.where(value < 0, 0, 0x80)
    return bytes((code ^ 0x55).astype(np.uint8))


DECODERS = {PCMU_NAME: decode_ulaw, PCMA_NAME: decode_alaw}
"""Decoders by RTP encoding name and clock rate, as an rtpmap attribute spells them."""
