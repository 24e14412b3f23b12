"""SRTP (RFC 3711) with keys from SDP: protected RTP packets in, authenticated plain ones out.

libsrtp (through pylibsrtp) does the suites that it exposes; the AES-192 and AES-256 counter-mode suites of
RFC 6188, which it does not, are done here with ``cryptography`` by the same rules. Only receiving: a witness
sends nothing.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pylibsrtp import Error, Policy
from pylibsrtp import Session as LibsrtpSession

from intercom_hil.wire.rtp import RtpError, parse_rtp
from intercom_hil.wire.sdp import Crypto

_LIBSRTP_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
TAG_SIZES = {
    "AES_CM_128_HMAC_SHA1_80": 10,
    "AES_CM_128_HMAC_SHA1_32": 4,
    "AES_192_CM_HMAC_SHA1_80": 10,
    "AES_192_CM_HMAC_SHA1_32": 4,
    "AES_256_CM_HMAC_SHA1_80": 10,
    "AES_256_CM_HMAC_SHA1_32": 4,
    "AEAD_AES_128_GCM": 16,
    "AEAD_AES_256_GCM": 16,
}
"""The suites a receiver can be made for, and the bytes each adds to an RTP packet."""


_TRANSFORM_PARAMETERS = ("KDR", "UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP")


class SrtpReceiver(Protocol):
    """Authenticates and decrypts the RTP packets that one party sends under one key."""

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the plain RTP packet, or None when it does not authenticate (or was replayed)."""


def receiver(crypto: Crypto) -> SrtpReceiver | None:
    """Return a receiver for what is sent under that key, or None where this room cannot judge it.

    That is: an unknown suite, a master key identifier, or a session parameter that changes the transform
    (RFC 4568 §6.3).
    """
    changed = any(p.partition("=")[0] in _TRANSFORM_PARAMETERS for p in crypto.parameters)
    if crypto.mki or changed:
        return None
    profile = _LIBSRTP_PROFILES.get(crypto.suite)
    if profile is not None:
        return _Libsrtp(crypto, profile)
    return CounterModeReceiver(crypto) if crypto.suite in TAG_SIZES else None


class _Libsrtp:
    def __init__(self, crypto: Crypto, profile: int) -> None:
        self._session = LibsrtpSession(
            Policy(key=crypto.key + crypto.salt, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        )

    def unprotect(self, packet: bytes) -> bytes | None:
        try:
            return self._session.unprotect(packet)
        except (Error, ValueError):
            return None


class CounterModeReceiver:
    """AES counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1; RFC 6188), any AES key size."""

    def __init__(self, crypto: Crypto) -> None:
        self._tag_size = TAG_SIZES[crypto.suite]
        self._key = derive_key(crypto, label=0, size=len(crypto.key))
        self._auth_key = derive_key(crypto, label=1, size=20)
        self._salt = int.from_bytes(derive_key(crypto, label=2, size=14), "big") << 16
        self._highest: dict[int, int] = {}
        self._seen: dict[int, set[int]] = {}

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the plain RTP packet, or None when it does not authenticate or was replayed (§3.3)."""
        body, tag = packet[: -self._tag_size], packet[-self._tag_size :]
        try:
            header = parse_rtp(body, encrypted=True)
        except RtpError:
            return None
        index = self._index(header.ssrc, header.sequence)
        if index < 0 or self._replayed(header.ssrc, index):
            return None
        rollover = (index >> 16).to_bytes(4, "big")
        if not hmac.compare_digest(
            hmac.digest(self._auth_key, body + rollover, "sha1")[: self._tag_size], tag
        ):
            return None
        self._remember(header.ssrc, index)
        iv = self._salt ^ (header.ssrc << 64) ^ (index << 16)
        plain = _aes_ctr(self._key, iv, body[header.header_size :])
        return body[: header.header_size] + plain

    def _index(self, ssrc: int, sequence: int) -> int:
        """Guess the 48-bit packet index (RFC 3711 §3.3.1, appendix A)."""
        highest = self._highest.get(ssrc)
        if highest is None:
            return sequence
        rollover = highest >> 16
        distance = sequence - (highest & 0xFFFF)
        if distance > 0x8000:
            rollover -= 1
        elif distance < -0x8000:
            rollover += 1
        return rollover << 16 | sequence if rollover >= 0 else -1

    def _replayed(self, ssrc: int, index: int) -> bool:
        behind = self._highest.get(ssrc, index) - index
        return behind >= _REPLAY_WINDOW or index in self._seen.get(ssrc, ())

    def _remember(self, ssrc: int, index: int) -> None:
        highest = self._highest[ssrc] = max(index, self._highest.get(ssrc, index))
        seen = self._seen.setdefault(ssrc, set())
        seen.add(index)
        if len(seen) > 2 * _REPLAY_WINDOW:
            self._seen[ssrc] = {i for i in seen if highest - i < _REPLAY_WINDOW}


_REPLAY_WINDOW = 128


def derive_key(crypto: Crypto, *, label: int, size: int) -> bytes:
    """Derive a session key (RFC 3711 §4.3, rate 0): label 0 cipher, 1 authentication, 2 salt."""
    return _aes_ctr(crypto.key, int.from_bytes(crypto.salt, "big") << 16 ^ label << 64, bytes(size))


def _aes_ctr(key: bytes, iv: int, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(iv.to_bytes(16, "big"))).encryptor().update(data)
