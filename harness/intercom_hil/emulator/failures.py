"""From SIP statuses to the kinds of failure that event details distinguish (EVT-13)."""

from __future__ import annotations

MEDIA_STATUSES = frozenset({406, 415, 488, 606})
"""Statuses that say the offered media is not acceptable (RFC 3261 §21.4.26, §21.6.4)."""

_KINDS = {
    486: "busy",
    600: "busy",
    401: "declined",
    403: "declined",
    407: "declined",
    404: "not found",
    410: "not found",
    484: "not found",
    485: "not found",
    604: "not found",
} | dict.fromkeys(MEDIA_STATUSES, "media security")


def failure_kind(status: int) -> str:
    """Return the kind of failure that a final SIP status other than 2xx means to the person at the door."""
    return _KINDS.get(status) or ("declined" if status >= 600 else "unreachable")
