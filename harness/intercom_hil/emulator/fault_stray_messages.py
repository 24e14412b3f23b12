"""Faults that only the transport can have: messages that the SIP stack knows nothing of.

Messages of a call come in as they are; others made after them go out from the stack's own socket. The stack
does not follow: after a stray CANCEL, a 200 that crosses it makes a call, against RFC 3261 §9.1.
"""

from __future__ import annotations

import re
import secrets
from contextlib import closing

from intercom_hil.emulator.addresses import SIP_PORT
from intercom_hil.emulator.agent_sockets import duplicate_of_bound_socket

_OF_AN_ANSWER = ("via", "record-route", "from", "to", "call-id", "cseq")
_OF_A_CANCEL = ("from", "to", "call-id", "route", "max-forwards")


def cancel_for(invite: str) -> str:
    """Return the CANCEL of an INVITE: its request URI, top Via, CSeq number and the like (RFC 3261 §9.1)."""
    first, *headers = _head(invite)
    lines = [first.replace("INVITE", "CANCEL", 1)]
    via_found = False
    for header in headers:
        name = header.partition(":")[0].strip().lower()
        if name in _OF_A_CANCEL or (name == "via" and not via_found):
            lines.append(header)
            via_found |= name == "via"
        elif name == "cseq":
            lines.append(header.replace("INVITE", "CANCEL"))
    return _message(lines)


def bye_for(answer: str, target: str, local: tuple[str, int]) -> str:
    """Return a BYE to whom an INVITE was answered, by no route (RFC 3261 §12.2.1.1).

    Args:
        answer: our 200.
        target: the URI of the other side's Contact.
        local: the address that it is sent from.
    """
    values = dict(_headers(answer))
    lines = [
        f"BYE {target} SIP/2.0",
        f"Via: SIP/2.0/UDP {local[0]}:{local[1]};branch=z9hG4bK{secrets.token_hex(8)}",
        "Max-Forwards: 70",
        f"From:{values['to']}",
        f"To:{values['from']}",
        f"Call-ID:{values['call-id']}",
        "CSeq: 1 BYE",
    ]
    return _message(lines)


def answer_for(invite: str, local: tuple[str, int], media: tuple[str, int]) -> str:
    """Return a 200 to an INVITE that agrees on PCMA in clear (RFC 3261 §13.3.1.4, RFC 3551 §6).

    Args:
        invite: the INVITE that came.
        local: our SIP address.
        media: where we say that we want the audio.
    """
    headers = [(name, value) for name, value in _headers(invite) if name in _OF_AN_ANSWER]
    lines = [
        f"{name}:{value}{f';tag={secrets.token_hex(4)}' if name == 'to' else ''}" for name, value in headers
    ]
    contact = f"Contact: <sip:{local[0]}:{local[1]}>"
    body = f"v=0\r\no=- 1 1 IN IP4 {media[0]}\r\ns=-\r\nc=IN IP4 {media[0]}\r\nt=0 0\r\n"
    body += f"m=audio {media[1]} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    return _message(["SIP/2.0 200 OK", *lines, contact, "Content-Type: application/sdp"], body)


def host_and_port(uri: str) -> tuple[str, int] | None:
    """Return where a ``sip:`` URI with an IPv4 address points to; None for any other."""
    found = re.match(r"<?sip:(?:[^@]*@)?([0-9.]+)(?::([0-9]+))?", uri)
    return (found[1], int(found[2] or SIP_PORT)) if found else None


def send(message: str, destination: tuple[str, int], local: tuple[str, int]) -> bool:
    """Send a message from the stack's socket.

    Args:
        message: its whole text.
        destination: where it goes.
        local: the address of the stack's datagram socket.

    Returns:
        Whether there is such a socket: over TCP and TLS there is none.
    """
    own = duplicate_of_bound_socket(local)
    if own is None:
        return False
    with closing(own):
        own.sendto(message.encode(), destination)
    return True


def _head(message: str) -> list[str]:
    return message.partition("\r\n\r\n")[0].split("\r\n")


def _headers(message: str) -> list[tuple[str, str]]:
    return [(n.strip().lower(), value) for n, _, value in (h.partition(":") for h in _head(message)[1:])]


def _message(lines: list[str], body: str = "") -> str:
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
