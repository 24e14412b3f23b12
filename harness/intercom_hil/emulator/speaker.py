"""The speaker's recording: one WAV file that grows as long as the device lives.

The WAV stream that each agent process writes into a named pipe is appended to it, with the sizes in the
file's header right after every piece, so that it can be read while it grows.
"""

from __future__ import annotations

import asyncio
import os
import struct
from pathlib import Path

RATE = 16_000
"""Samples per second, 16 bit, mono."""
_HEADER_BYTES = 44
_PIPE_CHUNK = 65_536


class SpeakerRecording:
    """Owns the WAV file and the pipe that the current agent writes to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "speaker.wav"
        self.pipe = folder / "speaker-pipe.wav"
        self._bytes = 0
        self._to_skip = 0
        self._pipe_fd = -1
        self._file_fd = os.open(self.path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
        self._write_header()

    def new_stream(self) -> None:
        """Make a fresh pipe for a new agent; its stream starts with a header of its own."""
        self._drop_pipe()
        os.mkfifo(self.pipe)
        self._pipe_fd = os.open(self.pipe, os.O_RDWR | os.O_NONBLOCK)
        self._to_skip = _HEADER_BYTES
        asyncio.get_running_loop().add_reader(self._pipe_fd, self._readable)

    def close(self) -> None:
        """Stop recording; may be called again."""
        self._drop_pipe()
        if self._file_fd >= 0:
            os.close(self._file_fd)
            self._file_fd = -1

    def _readable(self) -> None:
        sound = os.read(self._pipe_fd, _PIPE_CHUNK)
        skipped = min(self._to_skip, len(sound))
        self._to_skip -= skipped
        if skipped < len(sound):
            os.pwrite(self._file_fd, sound[skipped:], _HEADER_BYTES + self._bytes)
            self._bytes += len(sound) - skipped
            self._write_header()

    def _write_header(self) -> None:
        size = min(self._bytes, 0xFFFFFFFF - _HEADER_BYTES)
        wave_format = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
        riff = struct.pack("<4sI4s", b"RIFF", size + _HEADER_BYTES - 8, b"WAVE")
        os.pwrite(self._file_fd, riff + wave_format + struct.pack("<4sI", b"data", size), 0)

    def _drop_pipe(self) -> None:
        if self._pipe_fd >= 0:
            asyncio.get_running_loop().remove_reader(self._pipe_fd)
            os.close(self._pipe_fd)
            self._pipe_fd = -1
        self.pipe.unlink(missing_ok=True)
