"""A fault that only the media can have: clear packets of a protected call are played at the speaker.

The ear stands between the remote side and the stack, which would discard such packets (RFC 3711 §3.3). What
is protected passes through it both ways; what is clear comes out as sound.
"""

from __future__ import annotations

import re
import socket
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from intercom_hil.emulator.agent_sockets import media_socket

_INSIDE = "127.0.0.1"
"""From where the stack is spoken to: an address at which no bench listens."""
_TAKEN_AT_ONCE = 64
"""Packets that are taken in one turn at most."""
_HEADER_BYTES = 12
_FRAME_BYTES = 80
"""G.711 comes in whole frames of 10 ms; the tag of SRTP (RFC 3711 §5.2: 10 bytes) makes them odd."""
_PIECE_BYTES = 1600
"""What is played at a time: 0.2 s."""
_WAV_FORMATS = {0: 7, 8: 6}
"""Payload types (RFC 3551 §6) to formats of WAV: PCMU and PCMA."""
_RATE = 8000


class ClearEar:
    """One call's ear, from the answer that names its port to the end of the call."""

    def __init__(self, address: str, ports: tuple[int, int], play: Callable[[Path], None]) -> None:
        """Prepare; nothing is opened before a description calls for it.

        Args:
            address: the device's.
            ports: the first and last port of its media.
            play: plays a sound file at the speaker; the file is gone afterwards.
        """
        self._address, self._ports, self._play = address, ports, play
        self._outside: socket.socket | None = None
        self._inside: socket.socket | None = None
        self._stack = address, 0
        self._remote: tuple[str, int] | None = None
        self._heard = b""

    def describe(self, local: str) -> str:
        """Return the description that goes out: the stack's, with the ear's port in the place of its own."""
        audio = re.search(r"^m=audio ([1-9][0-9]*)", local, re.MULTILINE)
        self._outside = media_socket(self._address, self._ports) if audio else None
        if audio is None or self._outside is None:
            return local
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.setblocking(False)
        self._inside.bind((_INSIDE, 0))
        self._stack = self._address, int(audio[1])
        port = self._outside.getsockname()[1]
        return local.replace(audio[0], f"m=audio {port}", 1)

    def turn(self) -> None:
        """Pass on, or play, what came."""
        if self._outside is None or self._inside is None:
            return
        with suppress(BlockingIOError, ConnectionError):  # nothing there, or nobody: no reason to stop
            for _ in range(_TAKEN_AT_ONCE):
                packet, self._remote = self._outside.recvfrom(2048)
                if not self._hear(packet):
                    self._inside.sendto(packet, self._stack)
        with suppress(BlockingIOError, ConnectionError):
            for _ in range(_TAKEN_AT_ONCE):
                packet = self._inside.recv(2048)
                if self._remote is not None:
                    self._outside.sendto(packet, self._remote)

    def close(self) -> None:
        """Give the ports back. Idempotent."""
        for opened in (self._outside, self._inside):
            if opened is not None:
                opened.close()
        self._outside = self._inside = None

    def _hear(self, packet: bytes) -> bool:
        """Take a packet in if it is clear G.711; play what has come together."""
        kind = packet[1] & 0x7F if len(packet) > _HEADER_BYTES else None
        if kind not in _WAV_FORMATS or (len(packet) - _HEADER_BYTES) % _FRAME_BYTES:
            return False
        self._heard += packet[_HEADER_BYTES:]
        if len(self._heard) >= _PIECE_BYTES:
            piece, self._heard = self._heard, b""
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                file.write(_wav(_WAV_FORMATS[kind], piece))
                file.flush()
                self._play(Path(file.name))
        return True


def _wav(encoding: int, sound: bytes) -> bytes:
    """Return a WAV file of one byte per sample."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, encoding, 1, _RATE, _RATE, 1, 8)
    data = struct.pack("<4sI", b"data", len(sound)) + sound
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
