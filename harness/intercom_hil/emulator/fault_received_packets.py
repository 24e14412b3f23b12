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


class _Without(_TakenIn):
    """Does not see one header of an INVITE."""

    header = b""

    def taken(self, packet: bytes) -> bytes:
        """Leave it out."""
        if not packet.startswith(b"INVITE "):
            return packet
        return re.sub(rb"\r\n%s: *[^\r\n]*" % self.header, b"", packet)


class RequiresNothing(_Without):
    """Takes an INVITE as if it required nothing."""

    header = b"Require"


class ReplacesNobody(_Without):
    """Takes an INVITE that is to take the place of another call for any other one."""

    header = b"Replaces"


class OneCallId(_TakenIn):
    """Gives every second call that it places the Call-ID of the one before; tags are each call's own."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: dict[bytes, tuple[bytes, bytes]] = {}  # by its tag, the Call-ID of a call: own, and said

    def taken(self, packet: bytes) -> bytes:
        """Give what belongs to a call of its own the Call-ID that the stack knows."""
        tag = (_FROM_TAG if packet.startswith(b"SIP/2.0 ") else _TO_TAG).search(packet)
        begun = self._begun.get(tag[2]) if tag is not None else None
        return _CALL_ID.sub(lambda _: b"\r\nCall-ID: " + begun[0], packet, count=1) if begun else packet

    def said(self, packet: bytes) -> bytes:
        """Give what belongs to a call of its own the one Call-ID."""
        call = _CALL_ID.search(packet)
        tag = (_TO_TAG if packet.startswith(b"SIP/2.0 ") else _FROM_TAG).search(packet)
        if call is None or tag is None:
            return packet
        if packet.startswith(b"INVITE ") and _TO_TAG.search(packet) is None and tag[2] not in self._begun:
            before = [*self._begun.values()][-1] if len(self._begun) % 2 else (b"", call[1])
            self._begun[tag[2]] = call[1], before[1]
        if tag[2] not in self._begun:
            return packet
        return _CALL_ID.sub(lambda _: b"\r\nCall-ID: " + self._begun[tag[2]][1], packet, count=1)
