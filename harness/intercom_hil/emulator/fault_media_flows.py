"""Faults of the stack's media: how it is protected, how it sounds, how it counts, and where it goes.

Each takes what the stack sends over RTP and RTCP, packet by packet, and returns what goes out instead. What
is under SRTP is opened with the device's own keys, which are learned from the descriptions that it sends, and
protected anew.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from functools import cache

import pylibsrtp

MediaDistortion = Callable[[bytes], list[bytes]]
SHORT_TAG = pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32
_HEADER = 12
_FRAME_BYTES = 80
_TAG_BYTES = 10
_BEGINNING = 10
"""Packets with which a stream begins."""
_LOUD_FOR = 100
"""Packets after which the sound becomes quieter."""
_SILENT_FOR, _HEARD_FOR = 175, 200
"""Packets: 3.5 s at the beginning of a call, and the first 4 s of it."""
_MASTER_KEY = 16
_AUTHENTICATION = 1
"""Label of the key that authenticates (RFC 3711 §4.3.1)."""


def is_report(data: bytes) -> bool:
    """Whether this is RTCP in clear: packets whose lengths come to that of the datagram (RFC 3550 §6.1)."""
    at = 0
    while len(data) - at >= 8 and data[at] >> 6 == 2 and 200 <= data[at + 1] <= 204:
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    return at == len(data) > 0


def numbered(data: bytes, sequence: int, timestamp: int) -> bytes:
    """Return an RTP packet with other numbers (RFC 3550 §5.1)."""
    numbers = (sequence & 0xFFFF).to_bytes(2, "big") + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
    return data[:2] + numbers + data[8:]


# -- protection --------------------------------------------------------------------------------------------


class Reprotected:
    """Opens what the stack has protected, and has it protected otherwise, or not at all."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.described = 0
        self._streams: dict[bytes, Protection] = {}

    def learn(self, description: str) -> None:
        """Take the keys out of a session description that the device sends."""
        self.described += 1
        for found in re.finditer(r"^a=crypto:.*? inline:([A-Za-z0-9+/=]+)", description, re.MULTILINE):
            key = base64.b64decode(found[1])
            if key not in self.keys:
                self.keys.append(key)
                self.described = 1

    def __call__(self, data: bytes) -> list[bytes]:
        """Return what goes out in the place of one packet."""
        if len(data) <= _HEADER or data[0] >> 6 != 2:
            return [data]
        if data[1] & 0x7F in range(64, 96):
            return self.report(data)
        stream = self._streams.get(data[8:12])
        plain = stream.open(data) if stream is not None else None
        if plain is None:
            opened = (Protection(key) for key in reversed(self.keys))
            fitting = ((one, found) for one in opened if (found := one.open(data)) is not None)
            stream, plain = next(fitting, (None, None))
        if stream is None or plain is None:
            return [data]
        self._streams[data[8:12]] = stream
        stream.count += 1
        return [self.protected(data, plain, stream)]

    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        """Return what goes out: the packet as it was, what is in it, and the stream that it is of."""
        return data

    def report(self, data: bytes) -> list[bytes]:
        """Return what goes out in the place of one protected report."""
        return [data]


class Protection:
    """One source under one key: opens what the stack made of it."""

    def __init__(self, key: bytes) -> None:
        self.key, self.count = key, 0
        self._opens = _session(key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._others: dict[tuple[bytes, int], pylibsrtp.Session] = {}

    def open(self, packet: bytes) -> bytes | None:
        """Return what is in a packet; None if it is not of this source and key."""
        try:
            return self._opens.unprotect(packet)
        except pylibsrtp.Error:
            return None

    def under(self, key: bytes, plain: bytes, suite: int = 0) -> bytes:
        """Return a packet protected under some key, by a suite of libsrtp's (0: the usual one)."""
        if (key, suite) not in self._others:
            self._others[key, suite] = _session(key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND, suite)
        return self._others[key, suite].protect(plain)


def _session(key: bytes, kind: int, suite: int = 0) -> pylibsrtp.Session:
    profile = suite or pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile))


class _BeginsInClear(Reprotected):
    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        return plain if stream.count <= _BEGINNING else data


class _ShortTags(Reprotected):
    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        return stream.under(stream.key, plain, SHORT_TAG)


class _ClearLater(Reprotected):
    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        return plain if self.described > 1 else data


class _FirstKeys(Reprotected):
    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        return stream.under(self.keys[0], plain) if stream.key != self.keys[0] else data


class _NotEncrypted(Reprotected):
    """The cipher is the one that does nothing; the tag is right (RFC 3711 §4.1.3)."""

    def protected(self, data: bytes, plain: bytes, stream: Protection) -> bytes:
        key = _authentication_key(stream.key)
        tag = hmac.digest(key, plain + bytes(4), "sha1")[:_TAG_BYTES]
        return plain + tag


class _ReportsInClear(Reprotected):
    def report(self, data: bytes) -> list[bytes]:
        for key in reversed(self.keys):
            try:
                return [_session(key, pylibsrtp.Policy.SSRC_ANY_INBOUND).unprotect_rtcp(data)]
            except pylibsrtp.Error:
                continue
        return [data]


def _authentication_key(master: bytes) -> bytes:
    """Derive the key that authenticates (RFC 3711 §4.3.1)."""
    # one fault needs this, and every start would pay for it
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt = int.from_bytes(master[_MASTER_KEY:], "big")
    iv = ((salt ^ _AUTHENTICATION << 48) << 16).to_bytes(16, "big")
    cipher = Cipher(algorithms.AES(master[:_MASTER_KEY]), modes.CTR(iv))
    return cipher.encryptor().update(bytes(20))


# -- sound in clear ----------------------------------------------------------------------------------------


class Sound:
    """Changes the packets of sound of one source after another, counted from the first one of each."""

    def __init__(self, change: Callable[[bytes, int, int, int], list[bytes]]) -> None:
        self._change = change
        self._counts: dict[bytes, int] = {}

    def __call__(self, data: bytes) -> list[bytes]:
        """Return what goes out in the place of one packet."""
        size = len(data) - _HEADER
        if size <= 0 or size % _FRAME_BYTES or data[0] >> 6 != 2 or data[1] & 0x7F not in (0, 8):
            return [data]
        number = self._counts[data[8:12]] = self._counts.get(data[8:12], -1) + 1
        numbers = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        return self._change(data, number, *numbers)


def _alaw(code: int) -> int:
    code ^= 0x55
    segment, value = code >> 4 & 7, (code & 15) << 4 | 8
    value = (value + 0x100) << (segment - 1) if segment else value
    return value if code & 0x80 else -value


def _ulaw(code: int) -> int:
    code ^= 0xFF
    value = (((code & 15) << 3 | 0x84) << (code >> 4 & 7)) - 0x84
    return -value if code & 0x80 else value


_LINEAR = {8: [_alaw(code) for code in range(256)], 0: [_ulaw(code) for code in range(256)]}


def _coder(law: int) -> Callable[[float], int]:
    table = sorted((value, code) for code, value in enumerate(_LINEAR[law]))

    def code(value: float) -> int:
        return min(table, key=lambda entry: abs(entry[0] - value))[1]

    return code


def _mapped(from_law: int, to_law: int, change: Callable[[int], float]) -> bytes:
    code: Callable[[float], int] = _coder(to_law)
    return bytes(code(change(value)) for value in _LINEAR[from_law])


@cache  # not before it is needed: a device without such a fault is to start quickly
def _other_law(law: int) -> bytes:
    return _mapped(law, 8 - law, float)


@cache
def _quiet(law: int) -> bytes:
    return _mapped(law, law, lambda value: value / 30)


def _wrong_law(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [data[:_HEADER] + data[_HEADER:].translate(_other_law(data[1] & 0x7F))]


class FirstLaw(Sound):
    """Has sound go on by the law of G.711 by which it began.

    Attributes:
        law: that one, as a payload type; None before there is any sound.
    """

    def __init__(self) -> None:
        super().__init__(self._as_before)
        self.law: int | None = None

    def _as_before(self, data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
        now = data[1] & 0x7F
        if self.law is None:
            self.law = now
        if now == self.law:
            return [data]
        header = data[:1] + bytes((data[1] & 0x80 | self.law,)) + data[2:_HEADER]
        return [header + data[_HEADER:].translate(_other_law(now))]


def _fades(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    quiet = data[_HEADER:].translate(_quiet(data[1] & 0x7F))
    return [data[:_HEADER] + quiet if number > _LOUD_FOR else data]


def _marked(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [data[:1] + bytes((data[1] | 0x80,)) + data[2:]]


def _slow_clock(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    if number % 4 == 3:
        return []
    return [numbered(data, sequence - number // 4, timestamp - number // 4 * 160)]


def _padding_bit(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [bytes((data[0] | 0x20,)) + data[1:]]


def _begins_late(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [] if number < _SILENT_FOR else [data]


def _ends_early(data: bytes, number: int, sequence: int, timestamp: int) -> list[bytes]:
    return [data] if number < _HEARD_FOR else []


MEDIA_FLOWS: dict[str, Callable[[], MediaDistortion]] = {
    "srtp-begins-in-clear": _BeginsInClear,
    "srtp-tags-too-short": _ShortTags,
    "clear-after-reoffer": _ClearLater,
    "first-keys-for-every-call": _FirstKeys,
    "authenticated-and-not-encrypted": _NotEncrypted,
    "reports-in-clear": _ReportsInClear,
    "other-law-than-described": lambda: Sound(_wrong_law),
    "codec-stays-as-it-was": FirstLaw,
    "sound-fades": lambda: Sound(_fades),
    "sound-begins-late": lambda: Sound(_begins_late),
    "sound-ends-early": lambda: Sound(_ends_early),
    "marker-on-every-packet": lambda: Sound(_marked),
    "clock-too-slow": lambda: Sound(_slow_clock),
    "padding-bit-set": lambda: Sound(_padding_bit),
}
"""What can become of RTP and RTCP, by name: each makes what takes packets, one after the other."""
