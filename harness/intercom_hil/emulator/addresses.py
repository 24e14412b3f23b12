"""SIP addresses of callers, read and compared as the permitted list needs it.

Whether the text of a From URI and an entry of the list mean the same party (RFC 3261 §19.1.4). Anything that
cannot be read is no match, never an error: the caller chose the bytes.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote

SIP_PORT = 5060
_SIP_URI = re.compile(
    r"sip:(?P<user>[^@:\s<>\"]+)@(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>(?:;[^;?\s]*)*)",
    re.IGNORECASE,
)
_PARAMETERS_THAT_NEVER_MATCH_ALONE = {"user", "ttl", "method", "maddr"}
"""RFC 3261 §19.1.4: present in one URI only, these make two URIs differ."""


@dataclass(frozen=True, slots=True)
class Address:
    """A ``sip:`` address reduced to what distinguishes parties; the host in lower case."""

    user: str
    host: str
    port: int


def is_address(host: str) -> bool:
    """Return whether a host is given as an IP address, and not by its name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def read_address(uri: str) -> Address | None:
    """Read a ``sip:`` URI with a user part; None for anything else (``sips:``, ``tel:``, headers, rubbish).

    The user part is case-sensitive and its escapes are undone exactly once.
    """
    found = _SIP_URI.fullmatch(uri)
    if found is None:
        return None
    names = {part.partition("=")[0].lower() for part in found["parameters"].split(";") if part}
    if names & _PARAMETERS_THAT_NEVER_MATCH_ALONE:
        return None
    port = int(found["port"]) if found["port"] else SIP_PORT
    return Address(unquote(found["user"], errors="replace"), found["host"].lower(), port)


def user_of(uri: str) -> str:
    """Return the unescaped user part of a ``sip:`` URI, or nothing where there is none."""
    found = re.match(r"sips?:([^@:\s<>\"]+)(?::[^@]*)?@", uri, re.IGNORECASE)
    return unquote(found[1], errors="replace") if found else ""


def full_address(number: str, server: str, port: int) -> str:
    """Return the URI to dial for a short number at its server; a full URI comes back as written (CFG-13)."""
    if number.lower().startswith("sip:"):
        return number
    return f"sip:{number}@{server}" + (f":{port}" if port != SIP_PORT else "")
