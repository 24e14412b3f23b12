"""SIP messages (RFC 3261 §7, §25): bytes to ``Message`` and back.

The bytes of one message come in: a whole datagram, or what ``SipFramer`` cut from a stream. Header names are
given their long form, folded lines are joined; order, values and body stay as sent. The parser is strict
about what makes a message (start line, CRLF, name-colon-value) and takes no position on header contents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from intercom_hil.wire.error import WireError
from intercom_hil.wire.uri import NameAddr, Uri, UriError

__all__ = ["Message", "NameAddr", "SipError", "Uri", "UriError", "looks_like_sip", "split_list"]

COMPACT_FORMS = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""One-letter header names (RFC 3261 §7.3.3 and the IANA registry of SIP header fields)."""

_TOKEN = r"[A-Za-z0-9.!%*_+`'~-]+"
_REQUEST = re.compile(rf"({_TOKEN}) (\S+) SIP/2\.0\Z")
_RESPONSE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?\Z", re.DOTALL)
_HEADER_NAME = re.compile(rf"{_TOKEN}\Z")
_START = re.compile(rb"(?:SIP/2\.0 [1-6][0-9]{2}[ \r])|(?:[A-Za-z0-9.!%*_+`'~-]{2,32} \S{1,2048} SIP/2\.0\r)")


class SipError(WireError):
    """Bytes that are no SIP message."""


def looks_like_sip(data: bytes) -> bool:
    """Return whether the bytes open with a SIP start line: cheap, for telling SIP from other traffic."""
    return _START.match(data) is not None


def split_list(value: str) -> list[str]:
    """Split a comma-separated header value (RFC 3261 §7.3.1), sparing commas in quotes and angle brackets."""
    parts, current, quoted, bracketed, escaped = [], "", False, False, False
    for char in value:
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"' and not bracketed:
            quoted = not quoted
        elif not quoted and char in "<>":
            bracketed = char == "<"
        elif char == "," and not quoted and not bracketed:
            parts.append(current.strip())
            current = ""
            continue
        current += char
    return [part for part in [*parts, current.strip()] if part]


@dataclass(frozen=True)
class Message:
    """One SIP request or response.

    Attributes:
        method: the method of a request; empty for a response.
        request_uri: the Request-URI as written; empty for a response.
        status: the status code of a response; None for a request.
        reason: the reason phrase of a response.
        headers: (long name, value) in order; text that was no UTF-8 is kept by ``surrogateescape``.
        body: the message body.
    """

    method: str = ""
    request_uri: str = ""
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Read one message; bytes after Content-Length are dropped (RFC 3261 §18.3).

        Raises:
            SipError: no start line, a line that is no header, no end of headers, or a body cut short.
        """
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            raise SipError("no empty line after the headers", data)
        start, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        message = cls(*_start_line(start, data), headers=_headers(lines, data), body=body)
        length = message.content_length
        if length is None:
            return message
        if length > len(body):
            raise SipError(f"body of {len(body)} bytes where Content-Length says {length}", data)
        return (
            message if length == len(body) else cls(*_start_line(start, data), message.headers, body[:length])
        )

    def __bytes__(self) -> bytes:
        """Serialise with long header names; Content-Length is written as it stands in ``headers``."""
        if self.status is None:
            start = f"{self.method} {self.request_uri} SIP/2.0"
        else:
            start = f"SIP/2.0 {self.status} {self.reason}"
        lines = [start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body

    def all(self, name: str) -> list[str]:
        """Return the values of every header field of that (long) name, in order."""
        lower = name.lower()
        return [value for key, value in self.headers if key.lower() == lower]

    def header(self, name: str) -> str | None:
        """Return the first value of that (long) name, or None."""
        return next(iter(self.all(name)), None)

    @property
    def content_length(self) -> int | None:
        """The Content-Length; None when there is none. Raises SipError when it is no number."""
        value = self.header("Content-Length")
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise SipError("Content-Length is no number", value.encode("utf-8", "surrogateescape"))
        return int(value)

    @property
    def cseq(self) -> tuple[int, str]:
        """Sequence number and method of CSeq (RFC 3261 §20.16). Raises SipError when absent or malformed."""
        value = self.header("CSeq") or ""
        number, _, method = value.partition(" ")
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and method.strip()):
            raise SipError("no usable CSeq", value.encode("utf-8", "surrogateescape"))
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        """The branch of the topmost Via (RFC 3261 §8.1.1.7); empty when there is none."""
        top = next(iter(split_list(self.header("Via") or "")), "")
        match = re.search(r";\s*branch\s*=\s*([^\s;,]+)", top, re.IGNORECASE)
        return match[1] if match else ""

    def body_of_type(self, content_type: str) -> bytes | None:
        """Return the body, or the part of a multipart body (RFC 5621), of a media type, or None."""
        declared = self.header("Content-Type") or ""
        if _media_type(declared) == content_type:
            return self.body
        boundary = re.search(r'boundary="?([^";]+)', declared, re.IGNORECASE)
        if not _media_type(declared).startswith("multipart/") or boundary is None:
            return None
        for part in self.body.split(b"--" + boundary[1].encode("utf-8", "surrogateescape"))[1:]:
            head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            match = re.search(
                rb"^(?:content-type|c)[ \t]*:[ \t]*([^\r\n;]+)", head, re.IGNORECASE | re.MULTILINE
            )
            if match and match[1].decode("latin-1").strip().lower() == content_type:
                return body.removesuffix(b"\r\n")
        return None


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _start_line(line: str, data: bytes) -> tuple[str, str, int | None, str]:
    request = _REQUEST.match(line)
    if request:
        return request[1], request[2], None, ""
    response = _RESPONSE.match(line)
    if response:
        return "", "", int(response[1]), response[2] or ""
    raise SipError("no SIP start line", data)


def _headers(lines: list[str], data: bytes) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if "\n" in line or "\r" in line:
            raise SipError("a bare CR or LF in the headers", line.encode("utf-8", "surrogateescape"))
        if line[:1] in (" ", "\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _HEADER_NAME.match(name):
            raise SipError("a line that is no header", line.encode("utf-8", "surrogateescape") or data)
        headers.append((COMPACT_FORMS.get(name.lower(), name), value.strip()))
    return tuple(headers)
