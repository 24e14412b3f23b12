"""Decoding a flow's pictures and looking at them: access units in, one ``Look`` out.

What is seen is plain: how many pictures, how large, whether anything moves, and where a bright upright bar
stands, should there be one: a test pattern's marker. Runs wherever it is called; no clock, no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from intercom_hil.media.h264 import AccessUnit, sequence_parameters
from intercom_hil.video.look import Look

Luma = NDArray[np.uint8]

_BLOCKS = 16
"""Rows and columns into which pictures are divided when compared."""
MOVED = 6.0
"""Change of a block's mean luminance, of 255, from which on it has moved; coding noise stays far below."""
BAR_CONTRAST = 50.0
"""How much brighter, of 255, than the middling column a column of a bar is."""
WIDEST_BAR = 0.25
"""Of the picture's width: what is wider is no bar."""
LARGEST_STILL = 60_000
"""Bytes of one still."""
_STILL_WIDTHS = (320, 240, 160, 96, 48)
_WIDEST_LOOKED_AT = 1920
"""Pixels; wider pictures are made smaller before they are looked at."""
MOST_PIXELS = 140_000_000
"""Pixels decoded in one look: half a second of 3840 by 2160 at 30 Hz, and some more."""


class H264Viewer:
    """Looks at one flow. Calls must not overlap; each goes on where the one before ended.

    What a look costs is bounded, whatever a sender makes of its pictures: of a size that no level 5.2 decoder
    takes none is decoded, and after ``MOST_PIXELS`` the rest of a look is left out.
    """

    def __init__(self) -> None:
        self._decoder = _decoder()
        self._ready = False
        self._before: NDArray[np.float64] | None = None

    def look(self, units: Sequence[AccessUnit], *, still: bool) -> Look:
        """Decode access units and say what they show. Whatever their bytes are, it never raises."""
        count, moving, pixels = 0, False, 0
        bars: list[float] = []
        last: av.VideoFrame | None = None
        for unit in units:
            if pixels > MOST_PIXELS:
                self._begin_anew()
                break
            for frame in self._decode(unit):
                picture = _luma(frame)
                now = _blocks(picture)
                before, self._before = self._before, now
                moving = moving or _differ(before, now)
                bar = bar_position(picture)
                if bar is not None:
                    bars.append(round(bar, 3))
                count, last, pixels = count + 1, frame, pixels + frame.width * frame.height
        if last is None:
            return Look()
        return Look(
            frames=count,
            width=last.width,
            height=last.height,
            moving=moving,
            markers=tuple(bars),
            still=_png(last) if still else b"",
        )

    def _decode(self, unit: AccessUnit) -> list[av.VideoFrame]:
        if not unit.whole:
            self._ready = False  # what refers to a picture that is not there would only be smeared
        self._ready = self._ready or (unit.key and unit.whole)
        if not self._ready:
            return []
        try:
            if not all(asked.within_limits for asked in sequence_parameters(unit.data)):
                self._begin_anew()
                return []
            return self._decoder.decode(av.Packet(unit.data))
        except (FFmpegError, ValueError):
            self._begin_anew()
            return []

    def _begin_anew(self) -> None:
        self._decoder, self._ready = _decoder(), False


def _differ(before: NDArray[np.float64] | None, now: NDArray[np.float64]) -> bool:
    """Whether anything has moved visibly; pictures of another size cannot be compared."""
    return before is not None and before.shape == now.shape and float(np.max(np.abs(now - before))) >= MOVED


def bar_position(picture: Luma) -> float | None:
    """Return where the middle of a bright upright bar is, of the picture's width; None without a bar."""
    columns = picture.mean(axis=0)
    bright = np.flatnonzero(columns >= np.median(columns) + BAR_CONTRAST)
    if not bright.size or bright[-1] - bright[0] + 1 > WIDEST_BAR * picture.shape[1]:
        return None
    return (float(bright.mean()) + 0.5) / int(picture.shape[1])


def _decoder() -> av.VideoCodecContext:
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoder.options = {"flags": "low_delay"}
    return decoder


def _luma(frame: av.VideoFrame) -> Luma:
    width = min(frame.width, _WIDEST_LOOKED_AT)
    height = max(1, round(frame.height * width / frame.width))
    small = frame.reformat(width=width, height=height, format="gray")
    return np.asarray(small.to_ndarray(), dtype=np.uint8)


def _blocks(picture: Luma) -> NDArray[np.float64]:
    """Return the mean luminance of each block of a picture."""
    height, width = (max(1, size // _BLOCKS) for size in picture.shape)
    rows = np.add.reduceat(picture, range(0, picture.shape[0], height), axis=0, dtype=np.float64)
    sums = np.add.reduceat(rows, range(0, picture.shape[1], width), axis=1)
    counts = np.outer(_sizes(picture.shape[0], height), _sizes(picture.shape[1], width))
    return np.asarray(sums / counts, dtype=np.float64)


def _sizes(total: int, step: int) -> NDArray[np.float64]:
    return np.diff(np.append(np.arange(0, total, step), total)).astype(np.float64)


def _png(frame: av.VideoFrame) -> bytes:
    """Return a picture as PNG, made as small as it takes to stay below the limit; nothing if it cannot."""
    for wanted in _STILL_WIDTHS:
        width = min(wanted, frame.width)
        height = max(1, round(frame.height * width / frame.width))
        small = frame.reformat(width=width, height=height, format="rgb24")
        encoder = av.VideoCodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "rgb24"
        encoder.time_base = Fraction(1, 1)
        try:
            data = b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))
        except FFmpegError:
            return b""
        if len(data) <= LARGEST_STILL:
            return data
    return b""
