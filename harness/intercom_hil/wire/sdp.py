"""Session descriptions (RFC 4566) and the SRTP keys in them (RFC 4568): bytes to ``Session``.

``Session`` holds what was offered or answered per media section of a SIP message's body, with the
session-level connection address and direction already applied to each section. Lines may end in LF alone
(RFC 4566 §5).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from intercom_hil.wire.error import WireError, clean, is_utf8

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

OLDER_SUITE_NAMES = {
    "AES_128_CM_HMAC_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
    "AES_128_CM_HMAC_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
    "AES_CM_192_HMAC_SHA1_80": "AES_192_CM_HMAC_SHA1_80",
    "AES_CM_192_HMAC_SHA1_32": "AES_192_CM_HMAC_SHA1_32",
    "AES_CM_256_HMAC_SHA1_80": "AES_256_CM_HMAC_SHA1_80",
    "AES_CM_256_HMAC_SHA1_32": "AES_256_CM_HMAC_SHA1_32",
}
"""Names that stacks use beside the registered ones: those of the drafts before RFC 6188, and the like."""

MOST_MEDIA = 128
"""Media sections of one description that are read."""
NOWHERE = ("0.0.0.0", "::")
"""Connection addresses that mean hold in its old form (RFC 3264 §8.4, RFC 2543)."""
OLD_HOLD = "hold by the address 0.0.0.0, its old form (RFC 3264 §8.4)"
"""How that is noted: it departs from no grammar, and is recommended no longer."""
_OF_ICE = ("ice-ufrag", "candidate")
"""What says that addresses are told by candidates, which may come later (RFC 8838, RFC 8829 §5.2.1)."""

_LINE_END = re.compile(r"\r{0,2}\n|\r(?!\r{0,2}\n)")
_LINE = re.compile(r"([a-z])=(.*)\Z", re.DOTALL)
_STRICT = (
    *("rtpmap", "fmtp", "ptime", "maxptime", "framerate", "crypto", "fingerprint", "setup", "connection"),
    *("rtcp", "rtcp-fb", "candidate", "ice-ufrag", "ice-pwd", "mid", "group", "ssrc", "tcap", "acap", "pcfg"),
)
"""Attributes whose values are more than text; those of others may have blanks anywhere (RFC 4566 §9)."""
_FREE = re.compile(rf"[iuep]=|a=fmtp:|a=(?!(?:{'|'.join(_STRICT)})[ \t]*:)[^:]*:", re.IGNORECASE)
"""Lines of text that is free, and may end in blanks."""
_PORT = re.compile(r"(0{0,60}[0-9]{1,5})(?:/([0-9]{1,60}))?\Z")
_MOST_PORTS = 16
"""Ports of one section that are known apart."""
_CONNECTION = re.compile(r"IN[ \t]+(IP4|IP6)[ \t]+([^\s/]+)", re.IGNORECASE)
_OTHER_NETWORK = re.compile(r"(?!IN\b)[A-Z0-9]+[ \t]+\S+[ \t]+\S", re.IGNORECASE)
_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+(\S.*)\Z", re.DOTALL)
_MKI = re.compile(r"([0-9]{1,40}):([0-9]{1,3})\Z")
_CAPABILITIES = ("tcap", "acap")
_CAPABILITY = re.compile(r"[0-9]{1,10}[ \t]+(\S.*)\Z", re.DOTALL)
_CHARSET = re.compile(r"^a=charset:", re.MULTILINE)
_LONGEST_QUOTE = 60
_LARGEST_MKI = 128


class SdpError(WireError):
    """Bytes that are no session description, or an unusable crypto attribute."""


@dataclass(frozen=True)
class Crypto:
    """One ``a=crypto`` attribute (RFC 4568 §9.1). Key and salt are the decoded bytes of the first key.

    Attributes:
        tag: the number by which an answer names the offered line it picked.
        suite: the crypto suite by its registered name; one that is not known here, as written.
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
        """Read the value of a crypto attribute; of several keys, the first.

        Raises:
            SdpError: missing parts, an unknown key method, bad base64, a key that is too short or too long
                for the suite, or an unreadable master key identifier.
        """
        return cls.parse_all(value)[0]

    @classmethod
    def parse_all(cls, value: str) -> tuple[Crypto, ...]:
        """Read the value of a crypto attribute: a ``Crypto`` for each of its keys (RFC 4568 §6.1).

        Raises:
            SdpError: as ``parse``.
        """
        tag, suite, keys, *parameters = [*value.split(), "", "", ""] if value.strip() else ["", "", ""]
        if not (tag.isascii() and tag.isdigit() and len(tag) <= 9) or not keys:
            raise SdpError("unusable crypto attribute", clean(value).encode())
        suite = OLDER_SUITE_NAMES.get(suite.upper(), suite.upper() if suite.upper() in SUITES else suite)
        given = tuple(parameter for parameter in parameters if parameter)
        found = tuple(cls._of_key(int(tag), suite, key, given, value) for key in keys.split(";") if key)
        if not found:
            raise SdpError("unusable crypto attribute", clean(value).encode())
        return found

    @classmethod
    def _of_key(cls, tag: int, suite: str, key: str, parameters: tuple[str, ...], value: str) -> Crypto:
        method, _, info = key.partition(":")
        if method.lower() != "inline" or not info:
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
        mki = next((extra for extra in extras if ":" in extra), "")
        match = _MKI.match(mki)
        if mki and (match is None or not 1 <= int(match[2]) <= _LARGEST_MKI):
            raise SdpError("an unreadable master key identifier", clean(value).encode())
        return cls(
            tag=tag,
            suite=suite,
            key=material[:key_size],
            salt=material[key_size:],
            lifetime=next((extra for extra in extras if ":" not in extra), ""),
            mki=mki,
            parameters=parameters,
        )

    @property
    def mki_size(self) -> int:
        """Bytes of the master key identifier in each packet (RFC 3711 §3.1); 0 where there is none."""
        return int(self.mki.partition(":")[2] or 0)

    def __str__(self) -> str:
        inline = base64.b64encode(self.key + self.salt).decode()
        extras = "".join(f"|{extra}" for extra in (self.lifetime, self.mki) if extra)
        return " ".join([str(self.tag), self.suite, f"inline:{inline}{extras}", *self.parameters])


@dataclass(frozen=True)
class Media:
    """One media section.

    Attributes:
        media: audio, video, …
        port: the port the party receives on; 0 means refused or withdrawn (RFC 3264 §6).
        profile: RTP/AVP, RTP/SAVP, …
        formats: payload types, as written.
        address: the connection address that applies, in its usual spelling; empty when none was given.
        direction: sendrecv, sendonly, recvonly or inactive, as it applies; a party that gives no address to
            send to does not receive.
        encodings: payload type to encoding and clock rate, for example ``{8: "PCMA/8000"}``.
        crypto: the usable SRTP keys.
        unusable_crypto: what is wrong with each of the other crypto lines.
        fingerprint: whether a certificate's fingerprint applies: keys are agreed by DTLS (RFC 5763).
        candidates: whether ICE has a say in where it is sent to (RFC 8445).
        potential_profiles: the transport protocols of its potential configurations (RFC 5939 §3.4.2), as far
            as it has any: among the capabilities of the section and of the session.
        potential_crypto: the usable SRTP keys likewise (RFC 5939 §3.4.1).
        attributes: every ``a=`` line of the section, as (name, value).
        port_count: for how many streams it has ports, one each (RFC 4566 §5.14).
    """

    media: str
    port: int
    profile: str
    formats: tuple[str, ...] = ()
    address: str = ""
    direction: str = "sendrecv"
    encodings: dict[int, str] = field(default_factory=dict)
    crypto: tuple[Crypto, ...] = ()
    unusable_crypto: tuple[str, ...] = ()
    fingerprint: bool = False
    candidates: bool = False
    potential_profiles: tuple[str, ...] = ()
    potential_crypto: tuple[Crypto, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    port_count: int = 1

    @property
    def stream_ports(self) -> tuple[int, ...]:
        """The port of each of its streams: the first, and each second one from there (RFC 4566 §5.14)."""
        count = max(1, min(self.port_count, _MOST_PORTS))
        return tuple(port for port in range(self.port, self.port + 2 * count, 2) if port <= 65535)

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

    @property
    def is_dtls(self) -> bool:
        """Whether the keys are agreed by DTLS in the media path (RFC 5763, RFC 5764)."""
        return "UDP/TLS" in self.profile.upper() or (self.fingerprint and not self.crypto)

    @property
    def offers_srtp(self) -> bool:
        """Whether SRTP is demanded or offered, usable or not: profile, keys, or a fingerprint."""
        return self.is_secure or self.fingerprint or bool(self.crypto or self.unusable_crypto)

    @property
    def negotiates_srtp(self) -> bool:
        """Whether SRTP is among its potential configurations: for who knows them (RFC 5939 §3.1)."""
        return bool(self.potential_crypto) or any("SAVP" in name for name in self.potential_profiles)

    def as_taken_up(self, answer: Media) -> Media:
        """Return an offered section as its answer takes it up: by a potential configuration, or as it stands.

        The answer names the configuration (``a=acfg``, RFC 5939 §3.6.2); one that has a key, where nothing
        but capabilities had any, means the same.
        """
        named = any(name.lower() == "acfg" for name, _ in answer.attributes)
        if not self.potential_crypto or not (named or (answer.crypto and not self.crypto)):
            return self
        return replace(self, profile=answer.profile, crypto=self.potential_crypto)

    @property
    def held(self) -> bool:
        """Whether the section is on hold in the old form: no address to send to (RFC 3264 §8.4)."""
        return self.address in NOWHERE and self.port != 0 and not self.candidates


@dataclass(frozen=True)
class Session:
    """One session description.

    ``deviations`` name where it departs from the grammar, one clause each; they are no part of comparison.
    """

    origin: str
    name: str
    address: str
    media: tuple[Media, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    deviations: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, body: bytes) -> Session:
        """Read a session description; what other stacks see through is read, and noted.

        Raises:
            SdpError: no ``v=0`` first, or an unusable m= or c= line.
        """
        notes: list[str] = []
        sections: list[list[tuple[str, str]]] = [[]]
        for letter, value in _lines(body, notes):
            if letter == "m":
                if len(sections) > MOST_MEDIA:
                    notes.append(f"more than {MOST_MEDIA} media sections")
                    break
                sections.append([])
            sections[-1].append((letter, value))
        head, *bodies = sections
        if not head or head[0] != ("v", "0"):
            raise SdpError("SDP that does not begin with v=0", body)
        said = dict(head)
        if "o" not in said:
            notes.append("no origin (RFC 4566 §5.2)")
        attributes = _attributes(head, notes)
        common = _Common(
            address=_connection(head),
            direction=_direction(attributes) or "sendrecv",
            fingerprint=_has(attributes, "fingerprint"),
            candidates=_has(attributes, *_OF_ICE),
            capabilities=tuple(pair for pair in attributes if pair[0].lower() in _CAPABILITIES),
        )
        media = tuple(_media(lines, common, notes) for lines in bodies)
        if any(section.held for section in media):
            notes.append(OLD_HOLD)
        return cls(
            origin=said.get("o", ""),
            name=said.get("s", ""),
            address=common.address,
            media=media,
            attributes=attributes,
            deviations=tuple(dict.fromkeys(notes)),
        )


@dataclass(frozen=True)
class _Common:
    """What the session level says for every section that does not say otherwise."""

    address: str
    direction: str
    fingerprint: bool
    candidates: bool
    capabilities: tuple[tuple[str, str], ...]


def _lines(body: bytes, notes: list[str]) -> Iterator[tuple[str, str]]:
    text = body.decode("utf-8", "surrogateescape")
    if not is_utf8(text) and not _CHARSET.search(text):
        notes.append("bytes that are no UTF-8 (RFC 4566 §6, charset)")
    for line in _LINE_END.split(text):
        match = _LINE.match(line.lstrip(" \t"))
        if match is None:
            if line.strip(" \t\0"):
                notes.append(f"a line that is no SDP: {clean(line[:_LONGEST_QUOTE])!r} (RFC 4566 §5)")
            continue
        value = match[2].strip(" \t")
        written = match[2].rstrip(" \t") if _FREE.match(line.lstrip(" \t")) else match[2]
        if value != written and match[1] != "s":
            notes.append("blanks round the value of a line (RFC 4566 §5)")
        yield match[1], clean(value)


def _media(lines: list[tuple[str, str]], common: _Common, notes: list[str]) -> Media:
    said = lines[0][1]
    words = said.split()
    port = _PORT.match(words[1]) if len(words) > 2 else None
    if port is None or int(port[1]) > 65535:
        raise SdpError("unusable m= line", said.encode())
    if said != " ".join(words):
        notes.append("blanks too many in an m= line (RFC 4566 §5.14)")
    attributes = _attributes(lines, notes)
    address = _connection(lines) or common.address
    direction = _direction(attributes) or common.direction
    candidates = common.candidates or _has(attributes, *_OF_ICE)
    if address in NOWHERE and not candidates:
        direction = {"sendrecv": "sendonly", "recvonly": "inactive"}.get(direction, direction)
    crypto, unusable = _cryptos(attributes)
    negotiable = any(name.lower() == "pcfg" for name, _ in attributes)
    profiles, potential = _capabilities((*common.capabilities, *attributes) if negotiable else ())
    return Media(
        media=words[0].lower(),
        port=int(port[1]),
        profile=words[2].upper(),
        formats=tuple(words[3:]),
        address=address,
        direction=direction,
        encodings=_encodings(words[3:], attributes),
        crypto=crypto,
        unusable_crypto=unusable,
        fingerprint=common.fingerprint or _has(attributes, "fingerprint"),
        candidates=candidates,
        potential_profiles=profiles,
        potential_crypto=potential,
        attributes=attributes,
        port_count=int(port[2] or 1),
    )


def _connection(lines: list[tuple[str, str]]) -> str:
    for letter, value in lines:
        if letter == "c":
            match = _CONNECTION.match(value)
            if match is None and _OTHER_NETWORK.match(value):
                return ""  # of a telephone network, for example (RFC 7195)
            if match is None:
                raise SdpError("unusable c= line", value.encode())
            try:
                return str(ip_address(match[2]))  # one address has many spellings (RFC 5952)
            except ValueError:
                return match[2]
    return ""


def _attributes(lines: list[tuple[str, str]], notes: list[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for letter, value in lines:
        if letter == "a":
            name, _, said = value.partition(":")
            if name != name.strip() or (said != said.strip() and name.strip().lower() in _STRICT):
                notes.append("blanks round the colon of an a= line (RFC 4566 §5.13)")
            found.append((name.strip(), said.strip()))
    return tuple(found)


def _direction(attributes: tuple[tuple[str, str], ...]) -> str | None:
    return next((name.lower() for name, _ in attributes if name.lower() in DIRECTIONS), None)


def _has(attributes: tuple[tuple[str, str], ...], *names: str) -> bool:
    return any(name.lower() in names for name, _ in attributes)


def _encodings(formats: list[str], attributes: tuple[tuple[str, str], ...]) -> dict[int, str]:
    found = {
        int(f): STATIC_ENCODINGS[int(f)]
        for f in formats
        if re.fullmatch(r"[0-9]{1,3}", f) and int(f) in STATIC_ENCODINGS
    }
    for name, value in attributes:
        match = _RTPMAP.match(value) if name.lower() == "rtpmap" else None
        if match and int(match[1]) <= 127:
            found[int(match[1])] = "".join(match[2].split())
    return found


def _cryptos(attributes: tuple[tuple[str, str], ...]) -> tuple[tuple[Crypto, ...], tuple[str, ...]]:
    """Return the keys of the crypto lines that can be used, and what is wrong with the others."""
    usable: list[Crypto] = []
    problems = []
    for name, value in attributes:
        if name.lower() == "crypto":
            try:
                usable += Crypto.parse_all(value)
            except SdpError as problem:
                problems.append(problem.problem)
    return tuple(usable), tuple(problems)


def _capabilities(
    attributes: tuple[tuple[str, str], ...],
) -> tuple[tuple[str, ...], tuple[Crypto, ...]]:
    """Return the transport protocols and the usable keys that are among capabilities (RFC 5939 §3.4)."""
    profiles: list[str] = []
    inner: list[tuple[str, str]] = []
    for name, value in attributes:
        said = _CAPABILITY.match(value) if name.lower() in _CAPABILITIES else None
        if said is None:
            continue
        if name.lower() == "tcap":
            profiles += said[1].upper().split()
        else:
            attribute, _, content = said[1].partition(":")
            inner.append((attribute.strip(), content.strip()))
    return tuple(profiles), _cryptos(tuple(inner))[0]
