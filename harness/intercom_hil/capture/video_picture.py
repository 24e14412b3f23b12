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

from intercom_hil.capture.video_viewer import Look
from intercom_hil.wire.h264 import AccessUnit

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
_LARGEST_PICTURE = 4096


class H264Viewer:
    """Looks at one flow. Calls must not overlap; each goes on where the one before ended."""

    def __init__(self) -> None:
        self._decoder = _decoder()
        self._ready = False
        self._before: NDArray[np.float64] | None = None

    def look(self, units: Sequence[AccessUnit], *, still: bool) -> Look:
        """Decode access units and say what they show. Whatever their bytes are, it never raises."""
        frames = [frame for unit in units for frame in self._decode(unit)]
        if not frames:
            return Look()
        pictures = [_luma(frame) for frame in frames]
        moving = False
        for picture in pictures:
            now = _blocks(picture)
            before, self._before = self._before, now
            if before is not None and float(np.max(np.abs(now - before))) >= MOVED:
                moving = True
        bars = (bar_position(picture) for picture in pictures)
        return Look(
            frames=len(frames),
            width=frames[-1].width,
            height=frames[-1].height,
            moving=moving,
            markers=tuple(round(bar, 3) for bar in bars if bar is not None),
            still=_png(frames[-1]) if still else b"",
        )

    def _decode(self, unit: AccessUnit) -> list[av.VideoFrame]:
        if not unit.whole:
            self._ready = False  # what refers to a picture that is not there would only be smeared
        self._ready = self._ready or (unit.key and unit.whole)
        if not self._ready:
            return []
        try:
            frames = self._decoder.decode(av.Packet(unit.data))
        except (FFmpegError, ValueError):
            self._decoder, self._ready = _decoder(), False
            return []
        return [f for f in frames if max(f.width, f.height) <= _LARGEST_PICTURE]


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
    return np.asarray(frame.reformat(format="gray").to_ndarray(), dtype=np.uint8)


def _blocks(picture: Luma) -> NDArray[np.float64]:
    """Return the mean luminance of each block of a picture."""
    height, width = (max(1, size // _BLOCKS) for size in picture.shape)
    rows = np.add.reduceat(picture.astype(np.float64), range(0, picture.shape[0], height), axis=0)
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
