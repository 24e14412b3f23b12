"""Where a URI leads, however it is written."""

from __future__ import annotations

from intercom_hil.wire.error import WireError
from intercom_hil.wire.uri import NameAddr, Uri


def uri_in(text: str) -> Uri | None:
    """Return the URI of a header value or of a start line; None where it cannot be read."""
    try:
        return Uri.parse(NameAddr.parse(text).uri if "<" in text else text)
    except WireError:
        return None


def place(text: str) -> tuple[str, str, int | None]:
    """Return what of a URI says where it leads: user, host, port; a port left out is the usual one.

    Escapes stand for what they escape, and a host has no letter case (RFC 3261 §19.1.4).
    """
    uri = uri_in(text)
    if uri is None or uri.scheme not in ("sip", "sips"):
        return text, "", None
    secured = uri.scheme == "sips" or (uri.parameter("transport") or "").lower() == "tls"
    return uri.user_unescaped, uri.host.lower(), uri.port or (5061 if secured else 5060)
