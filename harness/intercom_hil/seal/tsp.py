"""Messages of the Time-Stamp Protocol (RFC 3161): a query written, a query and a reply read.

Only what DER allows is read (X.690): definite lengths, nothing behind the end. Who signed a reply is not
found out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_INTEGER, _BITS, _OCTETS, _OID, _UTF8, _SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x30
_TIME, _BOOLEAN, _FIRST = 0x18, 0x01, 0xA0
_SHA256 = bytes.fromhex("608648016503040201")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_GENERALIZED = re.compile(rb"(\d{14})(?:\.(\d{1,9}))?Z")
_STATUS = ("granted", "granted with modifications", "rejection", "waiting", "revocation warning", "revoked")
"""PKIStatus (RFC 3161 §2.4.2)."""
_FAILURES = {
    0: "it does not know the algorithm",
    2: "the request is not permitted",
    5: "it takes the request for malformed",
    14: "its clock is not available",
    15: "it does not know the policy",
    16: "it does not know an extension",
    17: "what was asked for besides is not available",
    25: "it failed",
}
"""PKIFailureInfo, by the number of the bit."""
_LONGEST_TEXT = 200


class TspError(ValueError):
    """Bytes are no such message, or the service did not grant the stamp; the text says which."""


@dataclass(frozen=True)
class Query:
    """What a service was asked: to stamp a SHA-256 (hex), and to repeat a number that was never used."""

    digest: str
    nonce: int


@dataclass(frozen=True)
class Stamp:
    """What a reply states.

    Attributes:
        digest: the SHA-256 that is stamped, in hex.
        nonce: the number of the query; None without one.
        time: when (UTC).
        accuracy: by how much the time may be off; 0 where nothing is said.
        token: the signed token (CMS) in DER.
    """

    digest: str
    nonce: int | None
    time: datetime
    accuracy: timedelta
    token: bytes


def query_bytes(query: Query) -> bytes:
    """Return a TimeStampReq that asks for the service's certificate too (RFC 3161 §2.4.1)."""
    return _der(
        _SEQUENCE,
        _der(_INTEGER, b"\x01"),
        _der(
            _SEQUENCE,
            _der(_SEQUENCE, _der(_OID, _SHA256), b"\x05\x00"),
            _der(_OCTETS, bytes.fromhex(query.digest)),
        ),
        _der(_INTEGER, query.nonce.to_bytes(query.nonce.bit_length() // 8 + 1, "big")),
        _der(_BOOLEAN, b"\xff"),
    )


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def read_query(data: bytes) -> Query:
    """Read a query as this bench writes it. Raises TspError."""
    parts = [value for tag, value in _inside(_whole(data)) if tag in (_SEQUENCE, _INTEGER)]
    if len(parts) != 3 or not parts[2]:
        raise TspError("it is no query for a time stamp")
    query = Query(_imprint(parts[1]), int.from_bytes(parts[2], "big"))
    if query_bytes(query) != data:
        raise TspError("it is not written as the bench writes it")
    return query


def read_reply(data: bytes) -> Stamp:
    """Read a reply.

    Raises:
        TspError: it is none, or the service did not grant the stamp.
    """
    parts = list(_inside(_whole(data)))
    if not parts or parts[0][0] != _SEQUENCE:
        raise TspError("it is no reply of a time-stamping service")
    _check_status(parts[0][1])
    if len(parts) != 2 or parts[1][0] != _SEQUENCE:
        raise TspError("it has no time stamp in it")
    signed = _content(parts[1][1], _SIGNED_DATA, "it has no signed time stamp in it")
    fields = [value for tag, value in _inside(_one(signed, _SEQUENCE)) if tag == _SEQUENCE]
    if not fields:
        raise TspError("it has no signed time stamp in it")
    stated = _one(_content(fields[0], _TST_INFO, "what is signed is no time stamp"), _OCTETS)
    return _stamp(_whole(stated), _der(_SEQUENCE, parts[1][1]))


def _stamp(stated: bytes, token: bytes) -> Stamp:
    """Read a TSTInfo: version, policy, imprint, serial number and time come first, in this order."""
    parts = list(_inside(stated))
    if [tag for tag, _ in parts[:5]] != [_INTEGER, _OID, _SEQUENCE, _INTEGER, _TIME]:
        raise TspError("what is signed is no time stamp")
    accuracy = next((value for tag, value in parts[5:] if tag == _SEQUENCE), b"")
    nonce = next((value for tag, value in parts[5:] if tag == _INTEGER), None)
    return Stamp(
        _imprint(parts[2][1]),
        None if nonce is None else int.from_bytes(nonce, "big"),
        _time(parts[4][1]),
        _accuracy(accuracy),
        token,
    )


def _check_status(info: bytes) -> None:
    parts = list(_inside(info))
    if not parts or parts[0][0] != _INTEGER or not parts[0][1]:
        raise TspError("it is no reply of a time-stamping service")
    status = int.from_bytes(parts[0][1], "big")
    if status in (0, 1):
        return
    said = _STATUS[status] if status < len(_STATUS) else f"status {status}"
    reasons = []
    for tag, value in parts[1:]:
        if tag == _BITS and value:
            bits = "".join(f"{byte:08b}" for byte in value[1:])
            reasons += [_FAILURES.get(n, f"failure {n}") for n, bit in enumerate(bits) if bit == "1"]
        elif tag == _SEQUENCE:
            reasons += [text.decode("utf-8", "replace") for kind, text in _inside(value) if kind == _UTF8]
    because = "; ".join(reason[:_LONGEST_TEXT] for reason in reasons[:3])
    raise TspError(f"the service refused: {said}{f' ({because})' if because else ''}")


def _content(info: bytes, kind: bytes, otherwise: str) -> bytes:
    """Return the explicit [0] of a ContentInfo of a kind."""
    parts = list(_inside(info))
    if [tag for tag, _ in parts] != [_OID, _FIRST] or parts[0][1] != kind:
        raise TspError(otherwise)
    return parts[1][1]


def _imprint(value: bytes) -> str:
    parts = list(_inside(value))
    if [tag for tag, _ in parts] != [_SEQUENCE, _OCTETS]:
        raise TspError("it says of nothing that it is stamped")
    algorithm = next(_inside(parts[0][1]), (0, b""))
    if algorithm != (_OID, _SHA256) or len(parts[1][1]) != 32:
        raise TspError("what is stamped is no SHA-256")
    return parts[1][1].hex()


def _time(value: bytes) -> datetime:
    found = _GENERALIZED.fullmatch(value)
    try:
        if found:
            whole = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            return whole + timedelta(seconds=float(b"0." + (found[2] or b"0")))
    except ValueError:
        pass
    raise TspError("its time is none")


def _accuracy(value: bytes) -> timedelta:
    """Read seconds, and by their tags [0] and [1] milliseconds and microseconds (RFC 3161 §2.4.2)."""
    units = {_INTEGER: 1.0, 0x80: 1e-3, 0x81: 1e-6}
    found = sum(int.from_bytes(part[:4], "big") * units.get(tag, 0.0) for tag, part in _inside(value))
    return timedelta(seconds=found)


def _whole(data: bytes) -> bytes:
    return _one(data, _SEQUENCE)


def _one(data: bytes, wanted: int) -> bytes:
    """Return the content of the only element of some bytes."""
    parts = list(_inside(data))
    if len(parts) != 1 or parts[0][0] != wanted:
        raise TspError("it is no message of the Time-Stamp Protocol")
    return parts[0][1]


def _inside(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element; one that does not end where its length says is an error."""
    at = 0
    while at < len(data):
        tag, size = data[at], data[at + 1] if at + 1 < len(data) else 0x80
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[at : at + count], "big")
            at += count
            if not 1 <= count <= 4:
                size = len(data)
        if tag & 0x1F == 0x1F or at + size > len(data):
            raise TspError("it is no message of the Time-Stamp Protocol, or damaged")
        yield tag, data[at : at + size]
        at += size
