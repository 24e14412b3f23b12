"""SIP bytes to what a witness says about them.

The bytes of one message and where it was seen come in, ``SipMessageSeen`` or ``MalformedSip`` goes out; it
never raises on what the bytes say. The wire and the PBX's mirror share it, so two witnesses of one message
say it in the same words.
"""

from __future__ import annotations

from collections.abc import Callable

from intercom_hil.timeline.observation import MalformedSip, MediaLine, SipMessageSeen
from intercom_hil.wire.error import WireError, clean
from intercom_hil.wire.sdp import Media, SdpError, Session
from intercom_hil.wire.sip import Message, SipError
from intercom_hil.wire.uri import NameAddr

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
        The message; or, where the bytes are no message or a field that every message must have
        (RFC 3261 §8.1.1) is absent or unreadable, what is wrong with them. A body that is no SDP
        leaves ``media`` empty: ``sdp_of`` says why.
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


def sdp_of(raw: str) -> Session | None:
    """Return the session description in a message as ``SipMessageSeen.raw`` holds it, or None without one.

    Raises:
        SdpError: there is one, and it is unusable.
    """
    try:
        body = Message.parse(raw.encode("utf-8", "surrogateescape")).body_of_type("application/sdp")
    except SipError as problem:
        raise SdpError(problem.problem, problem.data) from problem
    return Session.parse(body) if body else None


def _seen(
    payload: bytes, source: Address, destination: Address, transport: str, name_of: NameOf
) -> SipMessageSeen:
    message = Message.parse(payload)
    for name in _MANDATORY:
        if not message.header(name):
            raise SipError(f"no {name} header", payload)
    cseq, method = message.cseq
    if message.status is None and method != message.method:
        raise SipError(f"CSeq names {method}, the request is {message.method}", payload)
    caller = NameAddr.parse(message.header("From") or "")
    callee = NameAddr.parse(message.header("To") or "")
    agent = message.header("User-Agent") or message.header("Server") or ""
    return SipMessageSeen(
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
        media=_media_lines(message),
        raw=payload.decode("utf-8", "backslashreplace"),
    )


def _media_lines(message: Message) -> tuple[MediaLine, ...]:
    body = message.body_of_type("application/sdp")
    if not body:
        return ()
    try:
        return tuple(_media_line(media) for media in Session.parse(body).media)
    except SdpError:
        return ()


def _media_line(media: Media) -> MediaLine:
    return MediaLine(
        media=media.media,
        address=media.address,
        port=media.port,
        profile=media.profile,
        direction=media.direction,
        payload_types=media.payload_types,
        crypto_suites=tuple(crypto.suite for crypto in media.crypto),
    )
