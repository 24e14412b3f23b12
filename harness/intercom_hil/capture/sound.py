"""What can be heard in a flow: G.711 payloads in, one measured ``Sound`` per 200 ms out.

Also the question whether bytes are G.711 at all, or ciphertext that only carries its payload type.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from intercom_hil.media.sound import RATE

if TYPE_CHECKING:
    from intercom_hil.media.g711 import Samples

WINDOW = 0.2
"""Seconds of sound in one measurement."""

SHORTEST = 0.04
"""Seconds; less than this at the end of a flow, or before a gap in it, is not measured."""

_WINDOW_SAMPLES, _SHORTEST_SAMPLES = int(WINDOW * RATE), int(SHORTEST * RATE)
_FRAME_BYTES = 80
"""G.711 and G.722 come in whole frames of 10 ms, in all packet times that are in use (10 to 60 ms)."""
_VARIETY = 0.8
_HEARING = "intercom_hil.media.tone"


class Sound(NamedTuple):
    """One measured window: when its last packet came (s since the epoch), what it held, its length in s.

    ``also`` is a second tone: its frequency in Hz and its level in dBov.
    """

    time: float
    level_dbov: float
    tone_hz: float | None
    duration: float
    also: tuple[float, float] | None = None


class SoundWindow:
    """Collects the payloads of one encoding in the order of the flow and measures every full window.

    A gap of a window or more in the flow ends a window early, so that no measurement spans a pause.
    """

    def __init__(self, decode: Callable[[bytes], Samples], heard: Callable[[Sound], None]) -> None:
        """``decode`` expands a payload of one byte per sample; ``heard`` is called with each measurement."""
        self._decode, self._heard = decode, heard
        self._waiting = bytearray()
        self._next_timestamp: int | None = None
        self._last_time = 0.0

    def add(self, payload: bytes, timestamp: int, time: float) -> None:
        """Add the payload of one packet: its RTP timestamp, and when it came (seconds since the epoch)."""
        if self._next_timestamp is not None:
            gap = (timestamp - self._next_timestamp) & 0xFFFFFFFF
            if gap >= _WINDOW_SAMPLES:
                self.end()
        self._next_timestamp = (timestamp + len(payload)) & 0xFFFFFFFF
        self._last_time = time
        self._waiting += payload
        while len(self._waiting) >= _WINDOW_SAMPLES:
            self._measure(_WINDOW_SAMPLES)

    def end(self) -> None:
        """Measure what is left, if it is long enough to mean anything."""
        if len(self._waiting) >= _SHORTEST_SAMPLES:
            self._measure(len(self._waiting))
        self._waiting.clear()
        self._next_timestamp = None

    def _measure(self, count: int) -> None:
        from intercom_hil.media.tone import level_dbov, tones  # with numpy, when sound is there

        samples = self._decode(bytes(self._waiting[:count]))
        del self._waiting[:count]
        main, also = tones(samples, RATE)
        self._heard(Sound(self._last_time, level_dbov(samples), main, count / RATE, also))


async def load_hearing() -> None:
    """Load what measures sound, and numpy with it: later, in a call, that would hold the event loop up."""
    if _HEARING not in sys.modules:
        await asyncio.to_thread(import_module, _HEARING)


def is_readable_sound(payload: bytes) -> bool:
    """Return whether a payload is G.711 or G.722 in the clear, and not ciphertext.

    Two things must hold. It is whole frames of 10 ms: a packet protected by an SRTP suite with an
    authentication tag is longer by 4, 10 or 16 bytes, and so is not. And its bytes are less varied than
    ciphertext's, which are uniform: n uniform bytes hold 256 (1 - (255/256)^n) different values (119 of 160,
    standard deviation below 5), while companded sound gathers on few, and G.722 on 90 at most for tones. At
    four fifths of that number the chance of taking ciphertext without a tag for sound is below 1 in 10 000
    from 80 bytes up, and loud wide-band noise is the only sound missed.
    """
    size = len(payload)
    if size == 0 or size % _FRAME_BYTES:
        return False
    return len(set(payload)) <= _VARIETY * 256 * (1 - (255 / 256) ** size)
