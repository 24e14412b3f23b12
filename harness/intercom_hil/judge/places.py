"""Where a URI leads, however it is written."""

from __future__ import annotations

from ipaddress import ip_address

from intercom_hil.wire.error import WireError
from intercom_hil.wire.uri import NameAddr, Uri, is_address


def uri_in(text: str) -> Uri | None:
    """Return the URI of a header value or of a start line; None where it cannot be read."""
    try:
        return Uri.parse(NameAddr.parse(text).uri if "<" in text else text)
    except WireError:
        return None


def place(text: str) -> tuple[str, str, int | None]:
    """Return what of a URI says where it leads: user, host, port; a port left out is the usual one.

    Escapes stand for what they escape, a host has no letter case (RFC 3261 §19.1.4), and an IPv6 address has
    many spellings (RFC 5954).
    """
    uri = uri_in(text)
    if uri is None or uri.scheme not in ("sip", "sips"):
        return text, "", None
    secured = uri.scheme == "sips" or (uri.parameter("transport") or "").lower() == "tls"
    return uri.user_unescaped, _host(uri.host), uri.port or (5061 if secured else 5060)


def _host(host: str) -> str:
    return f"[{ip_address(host.strip('[]'))}]" if ":" in host and is_address(host) else host.lower()
