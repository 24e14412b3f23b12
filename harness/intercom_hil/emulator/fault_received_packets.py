"""Faults of what the SIP stack takes in: its datagrams, changed before it reads them.

The stack's import of ``recvfrom`` is led past here. What is changed on the way in is changed back in what the
stack says to it.
"""

from __future__ import annotations

import ctypes
import re

from intercom_hil.emulator.stack_imports import redirect, stack_library

_RECVFROM = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
_CALL_ID = re.compile(rb"\r\nCall-ID: *([^\r\n]+)")
_FROM_TAG, _TO_TAG = (re.compile(rb"(\r\n%s:[^\r\n]*;tag=)([^;\r\n]+)" % name) for name in (b"From", b"To"))


class _TakenIn:
    """Stands between the network and the stack, from when it is made to the end of the process."""

    def __init__(self) -> None:
        self._real = _RECVFROM(("recvfrom", ctypes.CDLL(None)))
        redirect(stack_library(), "recvfrom", _RECVFROM(self._receive))

    def _receive(self, descriptor: int, data: int, size: int, flags: int, source: int, length: int) -> int:
        got: int = self._real(descriptor, data, size, flags, source, length)
        packet = ctypes.string_at(data, got) if got > 0 else b""
        if packet[:1].isalpha() and b"SIP/2.0" in packet.partition(b"\r\n")[0]:
            changed = self.taken(packet)
            if len(changed) <= size:
                ctypes.memmove(data, changed, len(changed))
                return len(changed)
        return got

    def taken(self, packet: bytes) -> bytes:
        """Return a message as the stack reads it."""
        return packet

    def said(self, packet: bytes) -> bytes:
        """Return a message as it goes out."""
        return packet


class AnyByeWillDo(_TakenIn):
    """Takes every BYE with the Call-ID of a call for one of the other side's, whatever its tag."""

    def __init__(self) -> None:
        super().__init__()
        self._others: dict[bytes, bytes] = {}
        self._said: dict[bytes, bytes] = {}

    def taken(self, packet: bytes) -> bytes:
        """Give a BYE the tag of the other side."""
        call = _CALL_ID.search(packet)
        tag = (_TO_TAG if packet.startswith(b"SIP/2.0 ") else _FROM_TAG).search(packet)
        if call is None or tag is None:
            return packet
        if not packet.startswith(b"BYE "):
            self._others[call[1]] = tag[2]
            return packet
        known = self._others.get(call[1], tag[2])
        self._said[known] = tag[2]
        return _FROM_TAG.sub(rb"\g<1>" + known, packet, count=1)

    def said(self, packet: bytes) -> bytes:
        """Give the answer to it the tag that it had."""
        tag = _FROM_TAG.search(packet)
        if not packet.startswith(b"SIP/2.0 ") or b" BYE\r\n" not in packet or tag is None:
            return packet
        return _FROM_TAG.sub(rb"\g<1>" + self._said.get(tag[2], tag[2]), packet, count=1)


class GrantsWhatWasAsked(_TakenIn):
    """Takes a registration for as long as it was asked for, whatever the server has granted."""

    def taken(self, packet: bytes) -> bytes:
        """Have the server grant an hour."""
        answers = packet.startswith(b"SIP/2.0 200") and b" REGISTER\r\n" in packet
        return re.sub(rb";expires=[1-9][0-9]*", b";expires=3600", packet) if answers else packet


class ChallengedWithoutQop(_TakenIn):
    """Takes a challenge for one of a server that offers no qop, as it was before RFC 2617."""

    def taken(self, packet: bytes) -> bytes:
        """Leave out what is offered."""
        challenges = packet.startswith((b"SIP/2.0 401", b"SIP/2.0 407"))
        return re.sub(rb',? *qop="[^"\r\n]*"', b"", packet) if challenges else packet
