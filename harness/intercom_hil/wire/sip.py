"""SIP messages (RFC 3261 §7, §25): bytes to ``Message`` and back.

``Message.parse`` takes the bytes of one message: a whole datagram, or what ``SipFramer`` cut from a stream.
It reads whatever a SIP stack in the field would read, since a message that the device's peer takes has
happened; each departure from the grammar is named in ``Message.deviations``. Header names are given their
long form, folded lines are joined; order, values and body stay as sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from intercom_hil.wire.error import WireError, clean, is_utf8
from intercom_hil.wire.sip_body import body_of_type, media_type
from intercom_hil.wire.uri import NameAddr, Uri, UriError

__all__ = [
    "Credentials",
    "Message",
    "NameAddr",
    "SipError",
    "Uri",
    "UriError",
    "Via",
    "canonical_name",
    "looks_like_sip",
    "split_list",
]

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

METHODS = frozenset(
    {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO", "SUBSCRIBE"}
    | {"NOTIFY", "REFER", "MESSAGE", "PUBLISH"}
)
"""The registered methods (IANA)."""

CREDENTIALS_HEADERS = ("Authorization", "Proxy-Authorization")

_ODD_NAMES = {
    name.lower(): name
    for name in ("Call-ID", "CSeq", "WWW-Authenticate", "MIME-Version", "RAck", "RSeq", "Min-SE", "SIP-ETag")
}
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+\Z")
_VERSION = re.compile(r"SIP/2\.0\Z", re.IGNORECASE)
_STATUS = re.compile(r"[1-6][0-9]{2}\Z", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_BETWEEN_LINES = r"\r{0,2}\n|\r(?!\r{0,2}\n)"
_LINE_END = re.compile(_BETWEEN_LINES)
HEAD_END = re.compile(f"(?:{_BETWEEN_LINES})(?:{_BETWEEN_LINES})".encode())
_BEFORE_START = b"\r\n\0 \t"
_LONGEST_START_LINE = 2300
_LONGEST_QUOTE = 60
_ZEROS = "0{0,60}"
"""Zeros that a number may begin with: it is ``1*DIGIT`` (RFC 3261 §25.1)."""
_SEQUENCE = re.compile(rf"({_ZEROS}[0-9]{{1,10}})[ \t]+(\S+)", re.ASCII)
_VIA = re.compile(r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([^ \t;,/]+)[ \t]+([^;]*)", re.IGNORECASE)
_SENT_BY = re.compile(rf"(\[[^\]]*\]|[^:\s]+)(?:[ \t]*:[ \t]*({_ZEROS}[0-9]{{1,5}}))?[ \t]*\Z", re.ASCII)


class SipError(WireError):
    """Bytes that are no SIP message."""


def looks_like_sip(data: bytes) -> bool:
    """Return whether the bytes open with a SIP start line: cheap, to sort SIP from other traffic."""
    opening = data[: _LONGEST_START_LINE + 8].lstrip(_BEFORE_START)
    if not opening or opening[0] >= 0x80:
        return False
    end = re.search(rb"[\r\n]", opening)
    if end is None or b"sip/2.0" not in opening[: end.start()].lower():
        return False
    try:
        _start_line(opening[: end.start()].decode("latin-1"), [])
    except SipError:
        return False
    return True


def canonical_name(name: str) -> str:
    """Return a header's (long) name as RFC 3261 spells it: ``call-id`` and ``CALL-ID`` are ``Call-ID``."""
    lower = name.lower()
    return _ODD_NAMES.get(lower) or "-".join(word.capitalize() for word in lower.split("-"))


def split_list(value: str, separator: str = ",") -> list[str]:
    """Split a header value (RFC 3261 §7.3.1) at commas, sparing those in quotes and angle brackets.

    ``separator`` may be another single character, such as the semicolon between parameters.
    """
    parts, begun, quoted, bracketed, escaped = [], 0, False, False, False
    for at, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"' and not bracketed:
            quoted = not quoted
        elif not quoted and char in "<>":
            bracketed = char == "<"
        elif char == separator and not quoted and not bracketed:
            parts.append(value[begun:at].strip())
            begun = at + 1
    parts.append(value[begun:].strip())
    return [part for part in parts if part]


@dataclass(frozen=True)
class Via:
    """One Via value (RFC 3261 §20.42): transport, and the host and port that sent the request."""

    transport: str
    host: str
    port: int | None = None
    branch: str = ""


@dataclass(frozen=True)
class Credentials:
    """What one Authorization or Proxy-Authorization header proves the sender with (RFC 3261 §20.7, §22).

    Attributes:
        header: ``Authorization`` or ``Proxy-Authorization``.
        scheme: in lower case: ``digest``, ``basic``…
        parameters: (lower-case name, value without its quotes), in order.
    """

    header: str
    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, header: str, value: str) -> Credentials:
        """Read a header value. Whatever it is, it never raises: what is no parameter is left out."""
        scheme, _, rest = _BLANKS.sub(" ", value.strip(), count=1).partition(" ")
        pairs = (part.partition("=") for part in split_list(rest))
        parameters = (
            (name.strip().lower(), _unquoted(said.strip())) for name, equals, said in pairs if equals
        )
        return cls(header, scheme.lower(), tuple(parameters))


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


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
        deviations: where the bytes depart from the grammar, one clause each; no part of comparison.
    """

    method: str = ""
    request_uri: str = ""
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    deviations: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, data: bytes, *, stream: bool = False) -> Message:
        """Read one message; bytes after Content-Length are dropped (RFC 3261 §18.3).

        Args:
            data: its bytes. Where they are a datagram they end with it, whatever Content-Length says.
            stream: whether they come from a stream, where Content-Length is mandatory (RFC 3261 §20.14).

        Raises:
            SipError: no start line, or neither headers nor an end of them.
        """
        notes: list[str] = []
        begun = len(data) - len(data.lstrip(_BEFORE_START))
        if begun and not stream:
            notes.append("empty lines or blanks before the start line (RFC 3261 §7.5)")
        end = HEAD_END.search(data, begun)
        head = data[begun : end.start() if end else len(data)]
        _note_line_ends(data[begun : end.end() if end else len(data)], notes)
        text = head.decode("utf-8", "surrogateescape")
        if not is_utf8(text):
            notes.append("headers that are no UTF-8 (RFC 3261 §7)")
        start, *lines = _LINE_END.split(text)
        if end is None and lines and not lines[-1]:
            lines.pop()  # what follows the last line end
        method, uri, status, reason = _start_line(start, notes, data)
        headers = tuple(_headers(lines, notes))
        if end is None:
            if not headers:
                raise SipError("no headers", data)
            notes.append("no empty line after the headers (RFC 3261 §7)")
        body = data[end.end() :] if end else b""
        message = cls(method, uri, status, reason, headers, body)
        body = body[: _body_size(message, len(body), notes, stream=stream)]
        return replace(message, body=body, deviations=tuple(dict.fromkeys(notes)))

    def __bytes__(self) -> bytes:
        """Serialise with long header names; Content-Length is written as it stands in ``headers``."""
        if self.status is None:
            start = f"{self.method} {self.request_uri} SIP/2.0"
        else:
            start = f"SIP/2.0 {self.status} {self.reason}"
        lines = [start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value)
        return found

    def all(self, name: str) -> list[str]:
        """Return the values of every header field of that (long) name, in order."""
        return list(self._by_name.get(name.lower(), ()))

    def header(self, name: str) -> str | None:
        """Return the first value of that (long) name, or None."""
        return next(iter(self._by_name.get(name.lower(), ())), None)

    @property
    def content_lengths(self) -> tuple[int | None, ...]:
        """The different values of Content-Length, in order; None stands for one that is no number."""
        values = (value.strip() for value in self.all("Content-Length"))
        values = (value.lstrip("0") or value[-1:] for value in values)
        numbers = (int(v) if v.isascii() and v.isdigit() and len(v) < 10 else None for v in values)
        return tuple(dict.fromkeys(numbers))

    @property
    def cseq(self) -> tuple[int, str]:
        """Sequence number and method of CSeq (RFC 3261 §20.16). Raises SipError when absent or malformed."""
        value = self.header("CSeq") or ""
        match = _SEQUENCE.match(value.strip())
        if match is None:
            raise SipError("no usable CSeq", value.encode("utf-8", "surrogateescape"))
        return int(match[1]), _method(match[2], [])

    @property
    def vias(self) -> list[Via]:
        """The Via values that can be read, the topmost first."""
        return [via for value in self.all("Via") for part in split_list(value) if (via := _via(part))]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via (RFC 3261 §8.1.1.7); empty when there is none."""
        top = next(iter(split_list(self.header("Via") or "")), "")
        return _branch(top)

    @property
    def credentials(self) -> tuple[Credentials, ...]:
        """What the message has of Authorization and Proxy-Authorization, in order."""
        return tuple(
            Credentials.parse(canonical_name(name), value)
            for name, value in self.headers
            if canonical_name(name) in CREDENTIALS_HEADERS
        )

    def body_of_type(self, content_type: str, notes: list[str] | None = None) -> bytes | None:
        """Return the body, or the part of a multipart body (RFC 5621), of a media type, or None.

        ``notes`` takes what is odd about the body's make-up.
        """
        return body_of_type(
            self.body, self.header("Content-Type") or "", content_type, [] if notes is None else notes
        )


def _start_line(line: str, notes: list[str], data: bytes = b"") -> tuple[str, str, int | None, str]:
    """Return method, Request-URI, status and reason of a start line (RFC 3261 §7.1, §7.2)."""
    words = _BLANKS.split(line.strip(" \t"))
    if _VERSION.match(words[0]) and len(words) > 1 and _STATUS.match(words[1]):
        version, status = words[0], words[1]
        after = line.lstrip(" \t")[len(version) :]
        rest = after.lstrip(" \t")
        if not after.startswith(f" {status}"):
            notes.append("more than one blank after SIP/2.0 in the start line (RFC 3261 §7.2)")
        found: tuple[str, str, int | None, str] = "", "", int(status), rest[len(status) :].strip(" \t")
    elif len(words) > 2 and _VERSION.match(words[-1]) and _TOKEN.match(words[0]):
        version, uri = words[-1], " ".join(words[1:-1])
        if line != f"{words[0]} {uri} {version}":
            notes.append("blanks too many in the start line (RFC 3261 §7.1)")
        if len(words) > 3:
            notes.append("a Request-URI with blanks in it (RFC 3261 §7.1)")
        if uri.startswith("<") and uri.endswith(">"):
            uri = uri[1:-1]
            notes.append("a Request-URI in angle brackets (RFC 3261 §7.1)")
        found = _method(words[0], notes), uri, None, ""
    else:
        raise SipError("no SIP start line", data)
    if version != "SIP/2.0":
        notes.append(f"{version} where SIP/2.0 must be sent (RFC 3261 §7.1)")
    return found


def _method(word: str, notes: list[str]) -> str:
    upper = word.upper()
    if word == upper or upper not in METHODS:
        return word
    notes.append(f"the method {word} in other case than {upper} (RFC 3261 §7.1)")
    return upper


def _headers(lines: Iterable[str], notes: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (long name, value); a line that is no header is noted and left out."""
    name, parts = "", [""]
    for line in (*lines, ":"):
        if line[:1] in (" ", "\t"):
            parts.append(line.strip(" \t"))
            continue
        if name:
            yield COMPACT_FORMS.get(name.lower(), name), " ".join(part for part in parts if part)
        elif len(parts) > 1:
            notes.append("a folded line that goes on with nothing (RFC 3261 §7.3.1)")
        written, colon, value = line.partition(":")
        name, parts = written.rstrip(" \t"), [value.strip(" \t")]
        if line != ":" and not (colon and _TOKEN.match(name)):
            notes.append(f"a line that is no header: {clean(line[:_LONGEST_QUOTE])!r} (RFC 3261 §7.3)")
            name = ""


def _note_line_ends(head: bytes, notes: list[str]) -> None:
    pairs = head.count(b"\r\n")
    if not pairs == head.count(b"\n") == head.count(b"\r"):
        notes.append("line ends other than CRLF (RFC 3261 §7)")


def _body_size(message: Message, there: int, notes: list[str], *, stream: bool) -> int:
    """Return how many of the bytes that follow the headers are the body (RFC 3261 §18.3, §20.14)."""
    lengths = message.content_lengths
    if not lengths:
        if stream:
            notes.append("no Content-Length in a stream (RFC 3261 §20.14)")
        return there
    numbers = [length for length in lengths if length is not None]
    if len(lengths) > 1:
        notes.append("several different values of Content-Length (RFC 3261 §20.14)")
    elif not numbers:
        notes.append("a Content-Length that is no number (RFC 3261 §20.14)")
    if there in numbers or not numbers:
        return there
    fitting = [number for number in numbers if number < there]
    if fitting:
        size = max(fitting)
        if _goes_on(message, size):
            notes.append(f"{there - size} bytes behind the body (RFC 3261 §18.3)")
        return size
    notes.append(f"Content-Length says {numbers[0]}, the body has {there} bytes (RFC 3261 §18.3)")
    return there


def _goes_on(message: Message, size: int) -> bool:
    """Whether what stands behind a body belongs to it: its session description has not come to an end.

    A datagram may have more bytes than its message, and they are dropped (RFC 3261 §18.3): the example of
    RFC 4475 §3.1.1.8 is valid.
    """
    kind = media_type(message.header("Content-Type") or "")
    counted, behind = message.body[:size], message.body[size:]
    if kind.startswith("multipart/"):
        return size > 0 and not counted.rstrip().endswith(b"--")
    if kind != "application/sdp" and not behind.startswith(b"v=0"):
        return False
    return behind.startswith(b"v=0") if not counted else not counted.endswith((b"\r", b"\n"))


def _via(text: str) -> Via | None:
    match = _VIA.match(text)
    sent_by = _SENT_BY.match(match[2].strip(" \t")) if match else None
    if match is None or sent_by is None:
        return None
    port = int(sent_by[2]) if sent_by[2] else None
    return Via(match[1].upper(), sent_by[1], port, _branch(text))


def _branch(via: str) -> str:
    for parameter in split_list(via, ";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "branch":
            return value.strip()
    return ""
