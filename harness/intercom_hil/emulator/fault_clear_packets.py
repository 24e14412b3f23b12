"""A fault that only the media can have: clear packets between the protected ones, from the very same socket.

The stack's own RTP socket is found among the process's open files by its bound address, and duplicated.
"""

from __future__ import annotations

import random
import time
from typing import Any

from intercom_hil.emulator.agent_sockets import duplicate_of_bound_socket

_EVERY = 0.1
"""Seconds between clear packets."""
_SAMPLES = 160


class ClearPackets:
    """Sends plain RTP (RFC 3550 §5.1) of silence in G.711 beside a call's protected media."""

    def __init__(self, transport: Any, stream: Any) -> None:
        host, _, port = transport.localRtpName.rpartition(":")
        self._remote = _host_and_port(stream.remoteRtpAddress)
        self._payload_type = int(stream.txPt)
        self._socket = duplicate_of_bound_socket((host, int(port)))
        self._sequence = random.randrange(1 << 15)
        self._ssrc = random.randrange(1 << 32)
        self._next = time.monotonic()

    def turn(self) -> None:
        """Send the next packet when it is due."""
        if self._socket is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        self._sequence += 1
        header = bytes((0x80, self._payload_type)) + self._sequence.to_bytes(2, "big")
        header += (self._sequence * _SAMPLES).to_bytes(4, "big") + self._ssrc.to_bytes(4, "big")
        self._socket.sendto(header + bytes((0xD5,)) * _SAMPLES, self._remote)

    def close(self) -> None:
        """Give the duplicate back; the stack keeps its own."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
