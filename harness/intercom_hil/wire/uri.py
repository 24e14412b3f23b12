"""SIP URIs (RFC 3261 §19.1) and the name-addr form that From, To and Contact wrap them in (§20.10).

``Uri`` and ``NameAddr`` are read from text. Everything keeps the spelling it had on the wire, so that
serialising gives the same text back; comparison is where escapes, letter case and defaults are seen through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote

from intercom_hil.wire.error import WireError, clean

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::(?P<port>0{0,60}[0-9]{1,5}))?\Z")
_PARAMETER = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^;])+', re.DOTALL)
"""What stands between semicolons, where those in a quoted string are none."""
_SPECIAL_PARAMETERS = ("user", "ttl", "method", "maddr", "transport")
"""URI parameters that must be in both URIs for them to be equal (RFC 3261 §19.1.4)."""


class UriError(WireError):
    """Text that is no URI, or no name-addr."""


@dataclass(frozen=True)
class Uri:
    """One URI. ``user`` and ``password`` stay escaped as written; ``opaque`` is the rest of a non-SIP URI."""

    scheme: str
    user: str = ""
    password: str = ""
    host: str = ""
    port: int | None = None
    parameters: tuple[tuple[str, str | None], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI.

        Raises:
            UriError: no scheme, an empty or impossible host, or an impossible port.
        """
        scheme, colon, rest = text.partition(":")
        if not colon or not _SCHEME.match(scheme):
            raise UriError("URI without a scheme", _bytes(text))
        scheme = scheme.lower()
        if re.search(r"[\s<>\"]", rest):
            raise UriError("URI with a space, quote or angle bracket", _bytes(text))
        if scheme not in ("sip", "sips"):
            return cls(scheme, opaque=rest)
        userinfo, at, rest = rest.rpartition("@") if "@" in rest else ("", "", rest)
        if at and not userinfo:
            raise UriError("URI with an empty user part", _bytes(text))
        user, _, password = userinfo.partition(":")
        rest, _, header_text = rest.partition("?")
        hostport, *parameter_texts = rest.split(";")
        match = _HOST.match(hostport)
        if match is None:
            raise UriError("URI without a usable host", _bytes(text))
        port = int(match["port"]) if match["port"] else None
        if port is not None and port > 65535:
            raise UriError("URI with an impossible port", _bytes(text))
        pairs = (part.partition("=") for part in header_text.split("&") if part)
        return cls(
            scheme=scheme,
            user=user,
            password=password,
            host=match["host"],
            port=port,
            parameters=tuple(_parameter(part) for part in parameter_texts if part),
            headers=tuple((name, value) for name, _, value in pairs),
        )

    def __str__(self) -> str:
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.opaque}"
        userinfo = self.user + (f":{self.password}" if self.password else "")
        text = f"{self.scheme}:{userinfo}{'@' if userinfo else ''}{self.host}"
        text += "" if self.port is None else f":{self.port}"
        text += _parameters_text(self.parameters)
        return text + ("?" + "&".join(f"{n}={v}" for n, v in self.headers) if self.headers else "")

    @property
    def user_unescaped(self) -> str:
        """The user part with its ``%`` escapes resolved."""
        return unquote(self.user)

    def parameter(self, name: str) -> str | None:
        """Return the value of a URI parameter ("" for one without value), or None."""
        return next((value or "" for key, value in self.parameters if key.lower() == name.lower()), None)

    def equivalent(self, other: Uri) -> bool:
        """Return whether both name the same resource by the comparison rules of RFC 3261 §19.1.4."""
        if self.scheme != other.scheme:
            return False
        if self.scheme not in ("sip", "sips"):
            return self.opaque == other.opaque
        mine, theirs = _comparable(self.parameters), _comparable(other.parameters)
        if any(mine.get(name) != theirs.get(name) for name in _SPECIAL_PARAMETERS):
            return False
        if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
            return False
        return (
            (unquote(self.user), unquote(self.password)) == (unquote(other.user), unquote(other.password))
            and self.host.lower() == other.host.lower()
            and self.port == other.port
            and _comparable(self.headers) == _comparable(other.headers)
        )


@dataclass(frozen=True)
class NameAddr:
    """A display name, a URI as written, and the header's own parameters (such as ``tag``)."""

    uri: str
    display: str = ""
    parameters: tuple[tuple[str, str | None], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read the value of a From, To, Contact, Route or P-Asserted-Identity header (one element).

        The URI is not judged: a witness reports what was sent; ``Uri.parse(value.uri)`` judges it.

        Raises:
            UriError: an open quote or bracket, or no URI at all.
        """
        text = text.strip()
        display, rest = "", text
        if text.startswith('"'):
            match = re.match(r'"((?:[^"\\]|\\.)*)"\s*', text, re.DOTALL)
            if match is None:
                raise UriError("display name with an open quote", _bytes(text))
            display, rest = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL), text[match.end() :]
            if not rest.startswith("<"):
                raise UriError("display name without a URI in angle brackets", _bytes(text))
        elif "<" in text.partition(";")[0]:  # later ones stand in a parameter, quoted
            display, _, rest = text.partition("<")
            display, rest = display.strip(), "<" + rest
        if rest.startswith("<"):
            uri, closed, tail = rest[1:].partition(">")
            if not closed:
                raise UriError("URI with an open angle bracket", _bytes(text))
        else:
            uri, semicolon, tail = rest.partition(";")
            tail = semicolon + tail
        if not uri.strip():
            raise UriError("no URI", _bytes(text))
        parts = (part.strip() for part in _PARAMETER.findall(tail))
        return cls(uri.strip(), display, tuple(_parameter(part) for part in parts if part))

    @classmethod
    def read_loosely(cls, text: str) -> NameAddr:
        """Read as much of a value that is no name-addr as can be had: what may be its URI, and its tag."""
        uri, *tail = re.split(r"[>;]", text.partition("<")[2] or text)
        parameters = tuple(_parameter(part.strip()) for part in tail if "=" in part)
        return cls(uri.strip() or text.strip(), "", parameters)

    def __str__(self) -> str:
        quoted = self.display.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{quoted}" ' if self.display else ""
        return f"{name}<{self.uri}>{_parameters_text(self.parameters)}"

    @property
    def tag(self) -> str:
        """The tag parameter (RFC 3261 §19.3); empty when there is none."""
        return next((value or "" for name, value in self.parameters if name.lower() == "tag"), "")


def _parameter(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    return name.strip(), value.strip() if equals else None


def _parameters_text(parameters: tuple[tuple[str, str | None], ...]) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def _comparable(pairs: tuple[tuple[str, str | None], ...] | tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {unquote(name).lower(): unquote(value or "").lower() for name, value in pairs}


def _bytes(text: str) -> bytes:
    return clean(text).encode()


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, with or without the brackets of RFC 3261 §19.1.1."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
