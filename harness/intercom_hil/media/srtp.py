"""SRTP (RFC 3711) with keys from SDP: protected RTP packets in, authenticated plain ones out.

Two receivers that share no code judge each packet: one written here after the RFCs, and libsrtp (through
pylibsrtp) for the suites that it exposes. PBX and emulated intercom use libsrtp as well; the receiver of our
own keeps an error in it from passing unseen. Only receiving: a witness sends nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp import Error, Policy
from pylibsrtp import Session as LibsrtpSession

from intercom_hil.media.rtp import RtpError, parse_rtp
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

UNENCRYPTED, UNAUTHENTICATED, KEY_DERIVATION_RATE = "UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP", "KDR"
_LARGEST_RATE = 24
_REPLAY_WINDOW = 128
_ROLLOVERS = 64
"""Rollover counters tried for a stream that is met in its midst (RFC 3711 §3.3.1): a day at 50 packets/s."""
_SEARCHED_PACKETS = 16
"""Packets of a stream for which they are tried; a stream under another key is not tried for ever."""
_CIPHER, _AUTHENTICATION, _SALT = 0, 1, 2


class DisputedPacketError(Exception):
    """The two receivers disagree about a packet: one of them is wrong; nothing is proved of the device."""


class SrtpReceiver(Protocol):
    """Authenticates and decrypts the RTP packets that one party sends under one key."""

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the plain RTP packet, or None when it does not authenticate (or was replayed).

        Raises:
            DisputedPacketError: two receivers disagree about it.
        """


def receiver(crypto: Crypto) -> SrtpReceiver | None:
    """Return a receiver for what is sent under a key, or None where ``why_not`` says why not."""
    if why_not(crypto):
        return None
    ours = OwnReceiver(crypto)
    profile = _LIBSRTP_PROFILES.get(crypto.suite)
    transformed = _has(crypto, UNENCRYPTED) or _rate(crypto)
    return ours if profile is None or transformed else Both(ours, crypto, profile)


def why_not(crypto: Crypto) -> str:
    """Return why nothing that is sent under a key can be authenticated; empty where it can be."""
    if crypto.suite not in TAG_SIZES:
        return f"the suite {crypto.suite} is not known here"
    if _has(crypto, UNAUTHENTICATED):
        return f"the session agreed on packets without authentication ({UNAUTHENTICATED}, RFC 4568 §6.3.3)"
    if _rate(crypto) is None:
        return "an unreadable key derivation rate (KDR, RFC 4568 §6.3.1)"
    return ""


def is_unencrypted(crypto: Crypto) -> bool:
    """Whether packets are agreed to be authenticated only, and can be read by all (RFC 4568 §6.3.2)."""
    return _has(crypto, UNENCRYPTED)


def overhead(crypto: Crypto) -> int:
    """Return the bytes that protection adds to an RTP packet: tag and master key identifier."""
    return TAG_SIZES.get(crypto.suite, 0) + crypto.mki_size


def _has(crypto: Crypto, parameter: str) -> bool:
    return any(given.lstrip("-").upper() == parameter for given in crypto.parameters)


def _rate(crypto: Crypto) -> int | None:
    """Return the packets between key derivations; 0 where there is one only, None where it is unreadable."""
    for given in crypto.parameters:
        name, _, value = given.lstrip("-").partition("=")
        if name.upper() == KEY_DERIVATION_RATE:
            usable = value.isascii() and value.isdigit() and len(value) <= 2 and int(value) <= _LARGEST_RATE
            return (1 << int(value) if int(value) else 0) if usable else None
    return 0


class Both:
    """Our own receiver, and libsrtp beside it: a packet is what both say it is."""

    def __init__(self, ours: OwnReceiver, crypto: Crypto, profile: int) -> None:
        """Stand libsrtp, with a key and its name for the suite, beside a receiver of our own."""
        self._ours = ours
        self._theirs = LibsrtpSession(
            Policy(key=crypto.key + crypto.salt, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        )
        self._disputed = False

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the plain RTP packet, or None; see ``SrtpReceiver.unprotect``."""
        opened = self._ours.open(packet)
        if opened.rollover:
            return opened.plain  # libsrtp cannot be made to begin in the midst of a stream
        try:
            theirs = self._theirs.unprotect(opened.packet)
        except Error:
            theirs = None
        except ValueError:
            return opened.plain  # too long for libsrtp's buffer
        self._disputed = self._disputed or theirs != opened.plain
        if self._disputed:
            raise DisputedPacketError
        return theirs


@dataclass(slots=True)
class _Opened:
    """One packet: without its master key identifier, what is in it, and the rollover counter it began at."""

    packet: bytes
    plain: bytes | None
    rollover: int


@dataclass(slots=True)
class _Stream:
    """What is known of one SSRC: the highest index, the first rollover counter, what was received lately."""

    highest: int = -1
    began: int = 0
    tried: int = 0
    seen: set[int] = field(default_factory=set)


class OwnReceiver:
    """Counter mode with HMAC-SHA1 (RFC 3711, RFC 6188) and AEAD (RFC 7714), any AES key size."""

    def __init__(self, crypto: Crypto) -> None:
        """Prepare for one key. Raises KeyError for a suite without an entry in ``TAG_SIZES``."""
        self._crypto = crypto
        self._tag_size = TAG_SIZES[crypto.suite]
        self._is_aead = crypto.suite.startswith("AEAD")
        self._encrypts = not is_unencrypted(crypto)
        self._rate = _rate(crypto) or 0
        self._keys: tuple[int, _SessionKeys] | None = None
        self._streams: dict[int, _Stream] = {}

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the plain RTP packet, or None when it does not authenticate or was replayed (§3.3)."""
        return self.open(packet).plain

    def open(self, packet: bytes) -> _Opened:
        """Open a packet, also one whose sender left out the identifier that it announced."""
        stripped = self._without_mki(packet)
        for variant in (stripped, packet) if stripped != packet else (packet,):
            opened = self._open(variant)
            if opened.plain is not None:
                return opened
        return _Opened(stripped, None, opened.rollover)

    def _without_mki(self, packet: bytes) -> bytes:
        """Cut the master key identifier out: before the tag (RFC 3711 §3.1), behind it with AEAD."""
        size = self._crypto.mki_size
        if not size or len(packet) <= size + self._tag_size:
            return packet
        if self._is_aead:
            return packet[:-size]
        return packet[: -self._tag_size - size] + packet[-self._tag_size :]

    def _open(self, packet: bytes) -> _Opened:
        try:
            header = parse_rtp(packet[: -self._tag_size], encrypted=True)
        except RtpError:
            return _Opened(packet, None, 0)
        stream = self._streams.setdefault(header.ssrc, _Stream())
        for index in self._indices(stream, header.sequence):
            if _replayed(stream, index):
                continue
            plain = self._transform(packet, header.header_size, header.ssrc, index)
            if plain is not None:
                if stream.highest < 0:
                    stream.began = index >> 16
                _remember(stream, index)
                return _Opened(packet, plain, stream.began)
        return _Opened(packet, None, stream.began)

    def _indices(self, stream: _Stream, sequence: int) -> Iterator[int]:
        """Guess the 48-bit packet index (RFC 3711 §3.3.1, appendix A)."""
        if stream.highest < 0:
            stream.tried += 1
            rollovers = _ROLLOVERS if stream.tried <= _SEARCHED_PACKETS else 1
            yield from (rollover << 16 | sequence for rollover in range(rollovers))
            return
        rollover = stream.highest >> 16
        distance = sequence - (stream.highest & 0xFFFF)
        if distance > 0x8000:
            rollover = max(0, rollover - 1)
        elif distance < -0x8000:
            rollover += 1
        yield rollover << 16 | sequence

    def _transform(self, packet: bytes, header_size: int, ssrc: int, index: int) -> bytes | None:
        keys = self._session_keys(index)
        if self._is_aead:
            iv = (keys.salt ^ (ssrc << 48 | index)).to_bytes(12, "big")
            cut = header_size if self._encrypts else len(packet) - self._tag_size
            try:
                return packet[:cut] + AESGCM(keys.cipher).decrypt(iv, packet[cut:], packet[:cut])
            except InvalidTag:
                return None
        body, tag = packet[: -self._tag_size], packet[-self._tag_size :]
        proof = hmac.digest(keys.authentication, body + (index >> 16).to_bytes(4, "big"), "sha1")
        if not hmac.compare_digest(proof[: self._tag_size], tag):
            return None
        if not self._encrypts:
            return body
        iv_number = (keys.salt << 16) ^ (ssrc << 64) ^ (index << 16)
        return body[:header_size] + _aes_ctr(keys.cipher, iv_number, body[header_size:])

    def _session_keys(self, index: int) -> _SessionKeys:
        interval = index // self._rate if self._rate else 0
        if self._keys is None or self._keys[0] != interval:
            self._keys = interval, _SessionKeys.of(self._crypto, interval)
        return self._keys[1]


@dataclass(frozen=True, slots=True)
class _SessionKeys:
    cipher: bytes
    authentication: bytes
    salt: int

    @classmethod
    def of(cls, crypto: Crypto, interval: int) -> _SessionKeys:
        salt = derive_key(crypto, label=_SALT, size=len(crypto.salt), interval=interval)
        return cls(
            cipher=derive_key(crypto, label=_CIPHER, size=len(crypto.key), interval=interval),
            authentication=derive_key(crypto, label=_AUTHENTICATION, size=20, interval=interval),
            salt=int.from_bytes(salt, "big"),
        )


def _replayed(stream: _Stream, index: int) -> bool:
    return stream.highest >= 0 and (stream.highest - index >= _REPLAY_WINDOW or index in stream.seen)


def _remember(stream: _Stream, index: int) -> None:
    stream.highest = max(index, stream.highest)
    stream.seen.add(index)
    if len(stream.seen) > 2 * _REPLAY_WINDOW:
        stream.seen = {i for i in stream.seen if stream.highest - i < _REPLAY_WINDOW}


_MASTER_SALT = 14
"""Bytes of master salt that key derivation works on; a shorter one is filled up with zeros (RFC 7714 §11)."""


def derive_key(crypto: Crypto, *, label: int, size: int, interval: int = 0) -> bytes:
    """Derive a session key (RFC 3711 §4.3): label 0 cipher, 1 authentication, 2 salt.

    ``interval`` is the packet index divided by the key derivation rate; 0 where that rate is 0.
    """
    salt = int.from_bytes(crypto.salt.ljust(_MASTER_SALT, b"\0"), "big")
    return _aes_ctr(crypto.key, (salt ^ label << 48 ^ interval) << 16, bytes(size))


def _aes_ctr(key: bytes, iv: int, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(iv.to_bytes(16, "big"))).encryptor().update(data)
