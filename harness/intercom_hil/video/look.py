"""What a look at a stretch of video found: plain data, without what it takes to decode pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """What a stretch of video shows.

    Attributes:
        frames: pictures that could be decoded.
        width: of the last picture, in pixels; 0 without one.
        height: of the last picture, in pixels.
        moving: whether a picture differs visibly from the one before it, in this stretch or the last.
        markers: where the bright bar's middle stood in each picture that has one, of the picture's width.
        still: the last picture as PNG, if a still was asked for.
    """

    frames: int = 0
    width: int = 0
    height: int = 0
    moving: bool = False
    markers: tuple[float, ...] = ()
    still: bytes = b""
