"""Session descriptions (RFC 4566) and the SRTP keys in them (RFC 4568): bytes to ``Session``.

The body of a SIP message comes in; what was offered or answered per media section goes out, with the
session-level connection address and direction already applied to each section. Lines may end in LF alone
(RFC 4566 §5).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from intercom_hil.wire.error import WireError, clean

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14),
    "AES_CM_128_HMAC_SHA1_32": (16, 14),
    "F8_128_HMAC_SHA1_80": (16, 14),
    "AES_192_CM_HMAC_SHA1_80": (24, 14),
    "AES_192_CM_HMAC_SHA1_32": (24, 14),
    "AES_256_CM_HMAC_SHA1_80": (32, 14),
    "AES_256_CM_HMAC_SHA1_32": (32, 14),
    "AEAD_AES_128_GCM": (16, 12),
    "AEAD_AES_256_GCM": (32, 12),
}
"""Crypto suites and the bytes of master key and master salt (RFC 4568 §6.2, RFC 6188, RFC 7714)."""

STATIC_ENCODINGS = {
    0: "PCMU/8000",
    3: "GSM/8000",
    8: "PCMA/8000",
    9: "G722/8000",
    13: "CN/8000",
    18: "G729/8000",
    26: "JPEG/90000",
    31: "H261/90000",
    34: "H263/90000",
}
"""Payload types that need no rtpmap (RFC 3551 §6)."""

_LINE = re.compile(r"([a-z])=(.*)\Z", re.DOTALL)
_MEDIA = re.compile(r"(\S+) (\d{1,5})(?:/\d{1,5})? (\S+)((?: \S+)*) ?\Z")
_CONNECTION = re.compile(r"IN (IP4|IP6) ([^\s/]+)")


class SdpError(WireError):
    """Bytes that are no session description, or an unusable crypto attribute."""


@dataclass(frozen=True)
class Crypto:
    """One ``a=crypto`` attribute (RFC 4568 §9.1). Key and salt are the decoded bytes of the first key.

    Attributes:
        tag: the number by which an answer names the offered line it picked.
        suite: the crypto suite, as written.
        key: master key, ``SUITES[suite][0]`` bytes; all the key material of an unknown suite.
        salt: master salt, ``SUITES[suite][1]`` bytes; empty for an unknown suite.
        lifetime: the lifetime as written, for example ``2^20``; empty when not given.
        mki: value and length of the master key identifier (``1:4``); empty when not given.
        parameters: session parameters such as ``UNENCRYPTED_SRTP``.
    """

    tag: int
    suite: str
    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    lifetime: str = ""
    mki: str = ""
    parameters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Crypto:
        """Read the value of a crypto attribute.

        Raises:
            SdpError: missing parts, an unknown key method, bad base64, or too little key for the suite.
        """
        tag, _, rest = value.strip().partition(" ")
        suite, _, rest = rest.strip().partition(" ")
        key_text, *parameters = rest.split() or [""]
        method, _, info = key_text.partition(";")[0].partition(":")
        if not (tag.isascii() and tag.isdigit() and len(tag) <= 9) or method.lower() != "inline" or not info:
            raise SdpError("unusable crypto attribute", clean(value).encode())
        encoded, *extras = info.split("|")
        try:
            material = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError) as problem:
            raise SdpError(f"crypto key that is no base64 ({problem})", clean(value).encode()) from problem
        key_size, salt_size = SUITES.get(suite, (len(material), 0))
        if len(material) != key_size + salt_size:
            raise SdpError(
                f"{len(material)} bytes of key where {suite} needs {key_size + salt_size}",
                clean(value).encode(),
            )
        return cls(
            tag=int(tag),
            suite=suite,
            key=material[:key_size],
            salt=material[key_size:],
            lifetime=next((extra for extra in extras if ":" not in extra), ""),
            mki=next((extra for extra in extras if ":" in extra), ""),
            parameters=tuple(parameters),
        )

    def __str__(self) -> str:
        inline = base64.b64encode(self.key + self.salt).decode()
        extras = "".join(f"|{extra}" for extra in (self.lifetime, self.mki) if extra)
        return " ".join([str(self.tag), self.suite, f"inline:{inline}{extras}", *self.parameters])


@dataclass(frozen=True)
class Media:
    """One media section. Unreadable crypto lines stay in ``attributes`` only: they offer nothing usable.

    Attributes:
        media: audio, video, …
        port: the port the party receives on; 0 means refused or withdrawn (RFC 3264 §6).
        profile: RTP/AVP, RTP/SAVP, …
        formats: payload types, as written.
        address: the connection address that applies; empty when none was given.
        direction: sendrecv, sendonly, recvonly or inactive, as it applies.
        encodings: payload type to encoding and clock rate, for example ``{8: "PCMA/8000"}``.
        crypto: the usable SRTP keys.
        attributes: every ``a=`` line of the section, as (name, value).
    """

    media: str
    port: int
    profile: str
    formats: tuple[str, ...] = ()
    address: str = ""
    direction: str = "sendrecv"
    encodings: dict[int, str] = field(default_factory=dict)
    crypto: tuple[Crypto, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The formats that are payload types: the numbers 0 to 127."""
        return tuple(
            int(f) for f in self.formats if f.isascii() and f.isdigit() and len(f) <= 3 and int(f) <= 127
        )

    @property
    def is_secure(self) -> bool:
        """Whether the profile itself demands SRTP (RTP/SAVP, RTP/SAVPF, UDP/TLS/RTP/SAVP…)."""
        return "SAVP" in self.profile.upper()


@dataclass(frozen=True)
class Session:
    """One session description."""

    origin: str
    name: str
    address: str
    media: tuple[Media, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> Session:
        """Read a session description.

        Raises:
            SdpError: a line that is no ``letter=value``, no ``v=0`` first, no origin, or an unusable
                m= or c= line.
        """
        sections: list[list[tuple[str, str]]] = [[]]
        for line in body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
            if not line:
                continue
            match = _LINE.match(line)
            if match is None:
                raise SdpError("a line that is no SDP", clean(line).encode())
            if match[1] == "m":
                sections.append([])
            sections[-1].append((match[1], clean(match[2])))
        head, *bodies = sections
        if not head or head[0] != ("v", "0"):
            raise SdpError("SDP that does not begin with v=0", body)
        if "o" not in dict(head):
            raise SdpError("SDP without an origin", body)
        address = _connection(head)
        attributes = _attributes(head)
        direction = _direction(attributes) or "sendrecv"
        return cls(
            origin=dict(head)["o"],
            name=dict(head).get("s", ""),
            address=address,
            media=tuple(_media(lines, address, direction) for lines in bodies),
            attributes=attributes,
        )


def _media(lines: list[tuple[str, str]], address: str, direction: str) -> Media:
    match = _MEDIA.match(lines[0][1])
    if match is None or int(match[2]) > 65535:
        raise SdpError("unusable m= line", lines[0][1].encode())
    attributes = _attributes(lines)
    return Media(
        media=match[1],
        port=int(match[2]),
        profile=match[3],
        formats=tuple(match[4].split()),
        address=_connection(lines) or address,
        direction=_direction(attributes) or direction,
        encodings=_encodings(match[4].split(), attributes),
        crypto=tuple(_cryptos(attributes)),
        attributes=attributes,
    )


def _connection(lines: list[tuple[str, str]]) -> str:
    for letter, value in lines:
        if letter == "c":
            match = _CONNECTION.match(value)
            if match is None:
                raise SdpError("unusable c= line", value.encode())
            return match[2]
    return ""


def _attributes(lines: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    parts = (value.partition(":") for letter, value in lines if letter == "a")
    return tuple((name, value) for name, _, value in parts)


def _direction(attributes: tuple[tuple[str, str], ...]) -> str | None:
    return next((name for name, _ in attributes if name in DIRECTIONS), None)


def _encodings(formats: list[str], attributes: tuple[tuple[str, str], ...]) -> dict[int, str]:
    found = {
        int(f): STATIC_ENCODINGS[int(f)]
        for f in formats
        if re.fullmatch(r"[0-9]{1,3}", f) and int(f) in STATIC_ENCODINGS
    }
    for name, value in attributes:
        match = re.match(r"([0-9]{1,3}) +(\S+)", value) if name == "rtpmap" else None
        if match and int(match[1]) <= 127:
            found[int(match[1])] = match[2]
    return found


def _cryptos(attributes: tuple[tuple[str, str], ...]) -> list[Crypto]:
    usable = []
    for name, value in attributes:
        if name == "crypto":
            try:
                usable.append(Crypto.parse(value))
            except SdpError:
                continue
    return usable
