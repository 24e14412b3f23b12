"""What the device's camera sees: a test card across which a white bar walks, coded as H.264.

The pictures are a loop, each as its NAL units. The position of the bar is the number of the picture, so that
whoever decodes them can distinguish a live picture from one that stands still.
"""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_RATE = 10
"""Pictures per second."""
FRAMES = 40
"""Pictures in the loop: the bar crosses the card in 4 s."""
WIDTH, HEIGHT = 320, 240
_BAR = 16
_GROUP = 10
"""Pictures from one that stands by itself to the next: a decoder waits for it at most a second."""
_LARGEST_UNIT = 1100
"""Bytes of one NAL unit: each fits into a packet of its own, whatever mode was agreed (RFC 6184 §6.2)."""
_BLACK, _DARK, _WHITE = 40, 110, 235
KEY_SLICE = 5
"""NAL unit type of a slice of a picture that stands by itself (ITU-T H.264 table 7-1: IDR)."""
_CARRIED = (1, KEY_SLICE, 7, 8)
"""NAL unit types that are sent: slices and parameter sets (ITU-T H.264 table 7-1)."""


def made() -> bool:
    """Have the pictures made in a thread of their own, if they are not, and return whether they are."""
    return _made().done()


def pictures() -> tuple[tuple[bytes, ...], ...]:
    """Return the loop, picture by picture, each as its NAL units; waits as long as it is being made."""
    return _made().result()


@cache
def _made() -> Future[tuple[tuple[bytes, ...], ...]]:
    return ThreadPoolExecutor(1).submit(_pictures)


def _pictures() -> tuple[tuple[bytes, ...], ...]:
    """Make the loop; its first picture stands by itself.

    Coding takes some 30 ms, once, and what it needs is loaded then: 30 MB that a door without a call has no
    use for.
    """
    import av

    encoder = av.VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.gop_size, encoder.max_b_frames, encoder.thread_count = _GROUP, 0, 1
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": "28",
        "x264-params": f"slice-max-size={_LARGEST_UNIT}:scenecut=0:repeat-headers=1:annexb=1",
    }
    coded: list[bytes] = []
    for number in range(FRAMES):
        frame = av.VideoFrame.from_ndarray(_card(number), format="yuv420p")
        frame.pts = number
        coded += (bytes(packet) for packet in encoder.encode(frame))
    coded += (bytes(packet) for packet in encoder.encode(None))
    return tuple(_units(stream) for stream in coded)


def _card(number: int) -> NDArray[np.uint8]:
    """Draw one picture: brightness, then both colour planes at half size, all in rows of the full width."""
    import numpy as np

    luma = np.tile(np.linspace(_BLACK, _DARK, WIDTH), (HEIGHT, 1))
    left = number * (WIDTH - _BAR) // (FRAMES - 1)
    luma[:, left : left + _BAR] = _WHITE
    rows = HEIGHT // 4
    blue, red = np.full((rows, WIDTH), 118.0), np.full((rows, WIDTH), 138.0)
    return np.concatenate((luma, blue, red)).astype(np.uint8)


def _units(stream: bytes) -> tuple[bytes, ...]:
    units = re.split(rb"\x00\x00\x00?\x01", stream)
    return tuple(unit for unit in units if unit and unit[0] & 0x1F in _CARRIED)
