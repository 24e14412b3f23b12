"""What the device needs to know of an INVITE: its caller and its offer.

The SIP stack has parsed the message already; but it undoes ``%`` escapes and prints them back unescaped, so
the caller is read from the message as it came. Total: unreadable parts come out empty, which admits nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from intercom_hil.emulator.vocabulary import Offer

CRYPTO_SUITE = "AES_CM_128_HMAC_SHA1_80"
"""The one crypto suite that the device has (RFC 4568 §6.2)."""
KEY_LENGTH = 30
"""Bytes of its master key and master salt."""


_CLAIMS = (
    "alert-info",
    "answer-mode",
    "call-info",
    "contact",
    "diversion",
    "p-asserted-identity",
    "p-preferred-identity",
    "priority",
    "referred-by",
    "remote-party-id",
    "reply-to",
)
"""Headers in which a caller may name itself, besides From, or ask for special treatment."""


@dataclass(frozen=True, slots=True)
class Invite:
    """The parts of an INVITE that decide what becomes of it."""

    request_uri: str
    caller: str
    display: str
    offer: Offer
    video: bool
    claims: dict[str, str]


def read_invite(message: str) -> Invite:
    """Read a SIP INVITE (RFC 3261 §7). More than one From header, or none, leaves the caller empty."""
    head, _, body = message.replace("\r\n", "\n").partition("\n\n")
    lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    request_uri = [*lines[0].split(), "", ""][1]
    headers = [
        (name.strip().lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines[1:])
    ]
    values = [value for name, value in headers if name in ("from", "f")]
    display, caller = _name_and_address(values[0]) if len(values) == 1 else ("", "")
    claims = {name: _name_and_address(value)[1] for name, value in headers if name in _CLAIMS}
    return Invite(request_uri, caller, display, read_offer(body), offers_video(body), claims)


def read_offer(sdp: str) -> Offer:
    """Return what the first audio section of an SDP body offers (RFC 4566 §5.14, RFC 4568 §4)."""
    audio = re.search(
        r"^m=audio [^ ]+ (\S+)(.*?)(?=^m=|\Z)", sdp.replace("\r\n", "\n"), re.MULTILINE | re.DOTALL
    )
    if audio is None:
        return Offer.ABSENT
    keys = re.search(rf"^a=crypto:[0-9]+ {CRYPTO_SUITE} inline:", audio[2], re.MULTILINE) is not None
    if "SAVP" in audio[1]:
        return Offer.SECURE if keys else Offer.KEYLESS
    return Offer.OPTIONAL if keys else Offer.PLAIN


def offers_video(sdp: str) -> bool:
    """Return whether an SDP body offers any video."""
    return re.search(r"^m=video [1-9]", sdp, re.MULTILINE) is not None


def _name_and_address(value: str) -> tuple[str, str]:
    """Split a From value into display name and URI (RFC 3261 §20.10)."""
    bracketed = re.fullmatch(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^<>]*)>.*', value, re.DOTALL)
    if bracketed:
        display = re.sub(r"\\(.)", r"\1", bracketed[1]) if bracketed[1] is not None else bracketed[2] or ""
        return display, bracketed[3].strip()
    return "", value.partition(";")[0].strip()
