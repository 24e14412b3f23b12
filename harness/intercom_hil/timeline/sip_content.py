"""SIP bytes to what a witness says about them.

The bytes of one message, and where it was seen, become ``SipMessageSeen`` or ``MalformedSip``; it never
raises on what the bytes say. The wire and the PBX's mirror share it, so two witnesses of one message
say it in the same words.
"""

from __future__ import annotations

from collections.abc import Callable

from intercom_hil.timeline.observation import MalformedSip, MediaLine, SipMessageSeen
from intercom_hil.timeline.sip_fields import header_fields
from intercom_hil.wire.error import WireError, clean
from intercom_hil.wire.sdp import Media, SdpError, Session
from intercom_hil.wire.sip import Message, SipError
from intercom_hil.wire.uri import NameAddr, UriError

Address = tuple[str, int]
NameOf = Callable[[str, int], str]
"""Who is at an address and port, by role; an address that nobody declared is its own name."""

_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")


def sip_content(
    payload: bytes, source: Address, destination: Address, transport: str, name_of: NameOf
) -> SipMessageSeen | MalformedSip:
    """Say what one SIP message is.

    Args:
        payload: the bytes of exactly one message.
        source: address and port it came from.
        destination: address and port it went to.
        transport: UDP, TCP or TLS.
        name_of: who is at an address.

    Returns:
        The message, with what departs from the grammar among its ``deviations``; or, where the bytes are no
        message or a field that every message must have (RFC 3261 §8.1.1) is absent, what is wrong with them.
        A body that is no SDP leaves ``media`` empty: asking for ``session`` says why.
    """
    try:
        return _seen(payload, source, destination, transport, name_of)
    except WireError as problem:
        return malformed(payload, source, destination, problem.problem, name_of)


def malformed(
    payload: bytes, source: Address, destination: Address, problem: str, name_of: NameOf
) -> MalformedSip:
    """Say that bytes on a SIP port are no SIP message, and what is wrong with them."""
    return MalformedSip(
        source=endpoint(source),
        destination=endpoint(destination),
        sender=name_of(*source),
        receiver=name_of(*destination),
        problem=clean(problem),
        raw_hex=payload.hex(),
    )


def endpoint(address: Address) -> str:
    """Write an address and port as one word; IPv6 addresses in brackets."""
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _seen(
    payload: bytes, source: Address, destination: Address, transport: str, name_of: NameOf
) -> SipMessageSeen:
    message = Message.parse(payload, stream=transport not in ("UDP", ""))
    for name in _MANDATORY:
        if not message.header(name):
            raise SipError(f"no {name} header", payload)
    notes = list(message.deviations)
    cseq, method = message.cseq
    if message.status is None and method != message.method:
        notes.append(f"CSeq names {method}, the request is {message.method} (RFC 3261 §8.1.1.5)")
        method = message.method
    caller, callee = (_party(message, name, notes) for name in ("From", "To"))
    session, problem = _session(message, notes)
    agent = message.header("User-Agent") or message.header("Server") or ""
    raw = payload.decode("utf-8", "backslashreplace")
    seen = SipMessageSeen(
        source=endpoint(source),
        destination=endpoint(destination),
        sender=name_of(*source),
        receiver=name_of(*destination),
        transport=transport,
        method=clean(method),
        status=message.status,
        reason=clean(message.reason),
        request_uri=clean(message.request_uri),
        call_id=clean(message.header("Call-ID") or ""),
        cseq=cseq,
        branch=clean(message.branch),
        from_uri=clean(caller.uri),
        from_display=clean(caller.display),
        from_tag=clean(caller.tag),
        to_uri=clean(callee.uri),
        to_tag=clean(callee.tag),
        user_agent=clean(agent),
        media=tuple(_media_line(media) for media in session.media) if session else (),
        deviations=tuple(dict.fromkeys(clean(note) for note in notes)),
        raw=raw,
        raw_bytes=None if raw.encode() == payload else payload,
        **header_fields(message),
    )
    if not problem:
        seen.__dict__["session"] = session  # it was parsed already
    return seen


def _party(message: Message, name: str, notes: list[str]) -> NameAddr:
    value = message.header(name) or ""
    try:
        return NameAddr.parse(value)
    except UriError as problem:
        notes.append(f"{name}: {problem.problem} (RFC 3261 §20.10)")
        return NameAddr.read_loosely(value)


def _session(message: Message, notes: list[str]) -> tuple[Session | None, bool]:
    """Return the session description, and whether there is one that is unusable."""
    body = message.body_of_type("application/sdp", notes)
    if not body:
        return None, False
    try:
        session = Session.parse(body)
    except SdpError as problem:
        notes.append(f"SDP: {problem}")
        return None, True
    notes += (f"SDP: {note}" for note in session.deviations)
    return session, False


def _media_line(media: Media) -> MediaLine:
    return MediaLine(
        media=media.media,
        address=media.address,
        port=media.port,
        profile=media.profile,
        direction=media.direction,
        payload_types=media.payload_types,
        crypto_suites=tuple(dict.fromkeys(crypto.suite for crypto in media.crypto)),
        secured=media.offers_srtp,
        negotiable=media.negotiates_srtp,
        held=media.held,
    )
