"""What the device's speaker plays, heard through a sound file that grows while the device runs.

The file is a mono 16-bit WAV, whose header is written first and whose sizes are not final. Level and dominant
tone of each window of sound are observed by the witness *speaker*. It is looked at only during a scenario.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intercom_hil.timeline.observation import SpeakerHeard, Witness
from intercom_hil.timeline.timeline import Append, now

WINDOW = 0.2  # s of sound per observation
_LOOK_EVERY = 0.05  # s: a growing file cannot be waited for otherwise
_LONGEST_HEADER = 4096  # bytes
_MOST_PER_LOOK = 1 << 20  # bytes
_SAMPLE = 2  # bytes of a 16-bit sample


class NoWav(ValueError):  # noqa: N818  (it says what it is)
    """A file that is not the start of a mono 16-bit PCM WAV."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What has to be known of a WAV (RIFF) file: samples per second, and where the sound begins (bytes)."""

    rate: int
    data_at: int

    @classmethod
    def parse(cls, start: bytes) -> WavHeader | None:
        """Read the start of a file; None when there is not enough of it yet.

        The sizes of RIFF and data are not looked at: they are final only when the file is.

        Raises:
            NoWav: it can never become a mono 16-bit PCM WAV.
        """
        if not b"RIFF".startswith(start[:4]) or not b"WAVE".startswith(start[8:12]):
            raise NoWav("it is no WAV file")
        position, rate = 12, 0
        while len(start) >= position + 8:
            name, size = struct.unpack_from("<4sI", start, position)
            position += 8
            if name == b"data":
                if not rate:
                    raise NoWav("its sound comes before its format")
                return cls(rate, position)
            if name == b"fmt ":
                if len(start) < position + 16:
                    break
                encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", start, position)
                if (encoding, channels, bits) != (1, 1, 16) or not 8000 <= rate <= 192_000:
                    raise NoWav(
                        f"format {encoding}, {channels} channels, {bits} bits, {rate} Hz is not wanted"
                    )
            position += size + size % 2
        if max(position, len(start)) > _LONGEST_HEADER:
            raise NoWav("it has no sound in its first 4096 bytes")
        return None


class Speaker:
    """Listens to one growing sound file between ``begin`` and ``end``.

    A window of sound is dated when its last bytes were seen, up to 50 ms after they were written; sound that
    was written all at once is dated all the same. Silence is reported as well: its level says so. What was in
    the file before ``begin`` is not heard. A file that is replaced (the device restarted) is heard from its
    start. Must be made inside a running event loop.

    Attributes:
        path: the file; it need not exist yet.
        lost: resolves with the reason when it cannot be heard any more.
    """

    def __init__(self, path: Path, *, append: Append) -> None:
        self.path = path
        self._append = append
        self._file: BinaryIO | None = None
        self._header: WavHeader | None = None
        self._pending = b""
        self._listening: asyncio.Task[None] | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Listen from now on; nothing happens when listening already."""
        if self._listening is None:
            self._attempt(self._skip_to_end)
            self._listening = asyncio.create_task(self._listen())

    async def end(self) -> None:
        """Hear what has been written so far, then listen no more."""
        task, self._listening = self._listening, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._attempt(self._hear)
        self._close()

    async def _listen(self) -> None:
        while not self.lost.done():
            self._attempt(self._hear)
            await asyncio.sleep(_LOOK_EVERY)

    def _attempt(self, step: Callable[[], object]) -> None:
        if self.lost.done():
            return
        try:
            step()
        except (OSError, NoWav) as problem:
            self._close()
            self.lost.set_result(f"the speaker capture {self.path} cannot be heard: {problem}")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._header, self._pending = None, None, b""

    def _skip_to_end(self) -> None:
        if self._open_current() and self._file is not None and self._header is not None:
            written = os.fstat(self._file.fileno()).st_size - self._header.data_at
            self._file.seek(self._header.data_at + max(0, written) // _SAMPLE * _SAMPLE)

    def _open_current(self) -> bool:
        """Have the present file open, past its header; False when there is none yet, or not so much of it."""
        try:
            present = self.path.stat()
        except FileNotFoundError:
            return False
        if self._file is not None:
            opened = os.fstat(self._file.fileno())
            if opened.st_ino != present.st_ino or present.st_size < self._file.tell():
                self._close()
        if self._file is None:
            self._file = self.path.open("rb", buffering=0)
        if self._header is None:
            self._file.seek(0)
            self._header = WavHeader.parse(self._file.read(_LONGEST_HEADER))
            if self._header is not None:
                self._file.seek(self._header.data_at)
        return self._header is not None

    def _hear(self) -> None:
        if not self._open_current() or self._file is None or self._header is None:
            return
        self._pending += self._file.read(_MOST_PER_LOOK)
        at = now()
        rate = self._header.rate
        size = int(rate * WINDOW) * _SAMPLE
        if len(self._pending) < size:
            return
        import numpy as np  # when there is something to hear: it takes a while

        from intercom_hil.media.tone import dominant_tone, level_dbov

        while len(self._pending) >= size:
            samples = np.frombuffer(self._pending[:size], dtype="<i2")
            self._pending = self._pending[size:]
            heard = SpeakerHeard(
                level_dbov=level_dbov(samples), tone_hz=dominant_tone(samples, rate), duration=WINDOW
            )
            self._append(Witness.SPEAKER, heard, at)
