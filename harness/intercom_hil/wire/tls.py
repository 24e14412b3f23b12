"""The opening of a TLS connection: what a client offers (RFC 5246 §7.4.1.2, RFC 8446 §4.1.2).

The client's hello is read from the first bytes of a TCP stream: it is None while more bytes are needed, and
anything else is one typed error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from intercom_hil.wire.error import WireError

HANDSHAKE, CLIENT_HELLO = 22, 1
LONGEST_HELLO = 1 << 16
"""Bytes; a hello that claims to be longer is none."""
VERSION_NAMES = {
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}

NULL_SUITES = frozenset(
    {0x0000, 0x0001, 0x0002, 0x002C, 0x002D, 0x002E, 0x003B, 0x00B0, 0x00B1, 0x00B4, 0x00B5, 0x00B8, 0x00B9}
    | {0xC001, 0xC006, 0xC00B, 0xC010, 0xC015, 0xC039, 0xC03A, 0xC03B, 0xC0B4, 0xC0B5}
)
"""Cipher suites that encrypt nothing, as registered for TLS (RFC 5246 appendix C, RFC 4492, RFC 9150, …)."""
EXPORT_SUITES = frozenset(
    {0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019}
    | {0x0026, 0x0027, 0x0028, 0x0029, 0x002A, 0x002B, 0x0062, 0x0063, 0x0064, 0x0065}
)
"""Cipher suites of export strength: keys of 40 or 56 bits (RFC 2246 appendix A.5, RFC 2712)."""

_SERVER_NAME, _SUPPORTED_VERSIONS = 0, 43
_RECORD = struct.Struct("!BHH")


class TlsError(WireError):
    """Bytes that do not open a TLS connection."""


@dataclass(frozen=True)
class ClientHello:
    """What a client offers.

    Attributes:
        versions: protocol versions, as the wire numbers them; one alone is the highest of those it can do
            (a client that knows no TLS 1.3 does not list them).
        suites: cipher suites, best first.
        server_name: the host it means to reach (RFC 6066 §3), if it says so.
    """

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    server_name: str = ""

    @property
    def newest(self) -> str:
        """The highest version offered, by its name."""
        known = [version for version in self.versions if version in VERSION_NAMES]
        return VERSION_NAMES[max(known)] if known else "unknown"

    @property
    def weak_suites(self) -> tuple[str, ...]:
        """Those of the suites that encrypt nothing or are of export strength, and why."""
        kinds = ((NULL_SUITES, "no encryption"), (EXPORT_SUITES, "export"))
        return tuple(f"0x{s:04X} ({why})" for s in self.suites for weak, why in kinds if s in weak)

    @classmethod
    def parse(cls, data: bytes) -> ClientHello | None:
        """Read the hello that opens a stream.

        Returns:
            The hello, or None while it is not complete.

        Raises:
            TlsError: this stream does not open with one.
        """
        message = _handshake_bytes(data)
        if message is None:
            return None
        reader = _Reader(message)
        legacy, _random = reader.number(2), reader.take(32)
        reader.block(1)
        suites = reader.block(2)
        reader.block(1)
        versions: tuple[int, ...] = (legacy,)
        server_name = ""
        extensions = _Reader(reader.block(2)) if reader.left else _Reader(b"")
        while extensions.left:
            kind, body = extensions.number(2), _Reader(extensions.block(2))
            if kind == _SUPPORTED_VERSIONS:
                versions = _numbers(body.block(1))
            elif kind == _SERVER_NAME:
                server_name = _host(body)
        return cls(versions, _numbers(suites), server_name)


def _handshake_bytes(data: bytes) -> bytes | None:
    """Return the body of the first handshake message, put together from its records."""
    joined, offset = b"", 0
    while True:
        if data[offset : offset + 1] not in (b"", bytes([HANDSHAKE])):
            raise TlsError("no TLS handshake record", data)
        if len(data) - offset < _RECORD.size:
            return None
        _, version, length = _RECORD.unpack_from(data, offset)
        if version >> 8 != 3 or not 0 < length <= 1 << 14:
            raise TlsError("no TLS handshake record", data)
        joined += data[offset + _RECORD.size : offset + _RECORD.size + length]
        offset += _RECORD.size + length
        if len(joined) >= 4:
            wanted = int.from_bytes(joined[1:4], "big")
            if joined[0] != CLIENT_HELLO or wanted > LONGEST_HELLO:
                raise TlsError("the first message is no ClientHello", data)
            if len(joined) >= 4 + wanted:
                return joined[4 : 4 + wanted]
        if offset > len(data):
            return None


def _numbers(data: bytes) -> tuple[int, ...]:
    if len(data) % 2:
        raise TlsError("a list of numbers of two bytes has an odd length", data)
    return struct.unpack(f"!{len(data) // 2}H", data)


def _host(body: _Reader) -> str:
    names = _Reader(body.block(2))
    while names.left:
        kind, name = names.number(1), names.block(2)
        if kind == 0:
            return name.decode("ascii", "backslashreplace")
    return ""


class _Reader:
    """Takes bytes from the front of a message."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise TlsError("the ClientHello is cut short", self._data)
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size: int) -> bytes:
        """Take a block that is preceded by its length, a number of ``size`` bytes."""
        return self.take(self.number(size))
