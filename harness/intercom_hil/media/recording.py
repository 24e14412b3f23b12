"""Sound of RTP flows as files that can be played: G.711 as it came, in WAV files.

Nothing is decoded and companded again: a sample of the file is a byte of a packet. What did not come is
silence, so that a place in the file is a time in the flow.
"""

from __future__ import annotations

import re
import struct

from intercom_hil.media.sound import PCMA_NAME, PCMU_NAME, RATE

MOST_SECONDS = 120
"""Seconds of one flow that are kept; the capture has the rest."""
MOST_FILES = 16
"""Flows of one scenario that are kept."""
_TAGS = {PCMA_NAME: 6, PCMU_NAME: 7}
"""Encodings that a WAV file can hold as they are, with the format tags of their samples (RFC 2361)."""
_SILENCE = {PCMA_NAME: b"\xd5", PCMU_NAME: b"\xff"}
_MOST = MOST_SECONDS * RATE


class Recording:
    """Sound of one flow in one encoding."""

    def __init__(self, encoding: str) -> None:
        """``encoding`` is PCMU/8000 or PCMA/8000."""
        self._encoding = encoding
        self._sound = bytearray()
        self._next: int | None = None
        self._last = 0.0

    def add(self, payload: bytes, timestamp: int, time: float) -> None:
        """Add the payload of one packet, in order: its RTP timestamp, when it came (s since the epoch).

        Timestamps that leap are no measure of a pause: then it is as long as the packets were apart.
        """
        if self._next is not None and timestamp != self._next:
            pause = (timestamp - self._next) & 0xFFFFFFFF
            if pause > _MOST:
                pause = max(0, round((time - self._last) * RATE) - len(payload))
            self._sound += _SILENCE[self._encoding] * min(pause, _MOST - len(self._sound))
        self._next, self._last = (timestamp + len(payload)) & 0xFFFFFFFF, time
        self._sound += payload[: _MOST - len(self._sound)]

    def wav(self) -> bytes:
        """Return it as a file: RIFF WAVE, one channel, 8000 samples of 8 bits a second."""
        size = len(self._sound)
        form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, _TAGS[self._encoding], 1, RATE, RATE, 1, 8, 0)
        fact = struct.pack("<4sII", b"fact", 4, size)
        data = struct.pack("<4sI", b"data", size) + self._sound + b"\0" * (size % 2)
        return struct.pack("<4sI4s", b"RIFF", 4 + len(form + fact + data), b"WAVE") + form + fact + data


class Recordings:
    """The sound of one scenario."""

    def __init__(self, *, of_secured: bool = True, most: int = MOST_FILES) -> None:
        """``of_secured``: flows that were encrypted, too; ``most``: how many flows are kept."""
        self._of_secured, self._most = of_secured, most
        self._kept: dict[str, Recording] = {}

    def begin(self, name: str, encoding: str, *, secured: bool) -> tuple[str, Recording | None]:
        """Begin to keep a flow; return its file's name, made of ``name``, and where its packets go.

        One flow too many, or one that nobody is to hear, has neither.
        """
        if len(self._kept) >= self._most or (secured and not self._of_secured):
            return "", None
        file = f"{len(self._kept) + 1:02d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:80]}.wav"
        self._kept[file] = Recording(encoding)
        return file, self._kept[file]

    def taken(self) -> dict[str, bytes]:
        """Return what was kept by file name, and forget it."""
        kept, self._kept = self._kept, {}
        return {name: recording.wav() for name, recording in kept.items()}
