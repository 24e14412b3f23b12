"""Ends calls that stations left standing, in their place: ACK and BYE (RFC 3261 §13.2.2.4, §15.1).

A station whose SIPp cannot read how a device spells its answer, or that was killed, leaves the device in a
call that nobody is in. It would be busy for whoever comes next, until it gives up by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.sip_content import Address
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import Message

T1 = 0.5
"""Seconds after which an unanswered BYE is sent again, first (RFC 3261 §17.1.2.2)."""
ATTEMPTS = 3
"""How often it is sent; a device that answers none of them is on its own."""


@dataclass(frozen=True)
class LeftCall:
    """A call that stands, as its station would go on with it.

    Attributes:
        local: the station's address and port.
        remote: where the other side is reached.
        target: its Contact.
        sender: the station's From, with its tag.
        recipient: its To, with the other side's tag.
        call_id: of the call.
        answered: the number of the station's INVITE, which wants an ACK; None where it was called.
        sequence: the number of its next request.
    """

    local: Address
    remote: Address
    target: str
    sender: str
    recipient: str
    call_id: str
    answered: int | None
    sequence: int

    @classmethod
    def of(cls, messages: Sequence[SipMessageSeen], stations: Sequence[str]) -> LeftCall | None:
        """Return the call that these messages are of, by one that accepted it over UDP, beside a station.

        Args:
            messages: those of one call, in the order in which they were seen.
            stations: the addresses that stations have.

        Returns:
            None for one that does not stand so: another transport, a proxy between, no answer with a tag.
        """
        invite = next((m for m in messages if m.is_initial_invite), None)
        final = next(
            (m for m in messages if m.method == "INVITE" and 200 <= (m.status or 0) < 300 and m.to_tag), None
        )
        if invite is None or final is None or {invite.transport, final.transport} != {"UDP"}:
            return None
        if final.values("Record-Route"):
            return None
        placed = _address(invite.source)[0] in stations
        if not placed and _address(invite.destination)[0] not in stations:
            return None
        ours, theirs = (invite, final) if placed else (final, invite)
        sender, recipient = (final.values(name) for name in (("From", "To") if placed else ("To", "From")))
        if not sender or not recipient or not theirs.contacts:
            return None
        numbers = [m.cseq for m in messages if m.is_request and m.source == ours.source]
        return cls(
            local=_address(ours.source),
            remote=_address(theirs.source),
            target=theirs.contacts[0].uri,
            sender=sender[0],
            recipient=recipient[0],
            call_id=invite.call_id,
            answered=final.cseq if placed else None,
            sequence=max(numbers, default=0) + 1,
        )

    def request(self, method: str, number: int) -> bytes:
        """Write one request without a body."""
        lines = (
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.local[0]}:{self.local[1]};branch=z9hG4bK{secrets.token_hex(8)};rport",
            "Max-Forwards: 70",
            f"From: {self.sender}",
            f"To: {self.recipient}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            "Content-Length: 0",
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


async def end_call(call: LeftCall) -> bool:
    """Acknowledge what was answered, and hang up; return whether the BYE was answered.

    Its station must have ended: this takes its port. Where it cannot be had, nothing is sent.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, inbox = await loop.create_datagram_endpoint(_Answers, local_addr=call.local)
    except OSError:
        return False
    try:
        if call.answered is not None:
            transport.sendto(call.request("ACK", call.answered), call.remote)
        bye = call.request("BYE", call.sequence)
        for attempt in range(ATTEMPTS):
            transport.sendto(bye, call.remote)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(T1 * 2**attempt):
                    await inbox.final.wait()
                return True
        return False
    finally:
        transport.close()


class _Answers(asyncio.DatagramProtocol):
    """Waits for the final response to the BYE; the 200 to the INVITE may come again meanwhile."""

    def __init__(self) -> None:
        self.final = asyncio.Event()

    def datagram_received(self, data: bytes, _: Address) -> None:
        with contextlib.suppress(WireError):
            message = Message.parse(data)
            if (message.status or 0) >= 200 and message.cseq[1] == "BYE":
                self.final.set()


def _address(endpoint: str) -> Address:
    host, _, port = endpoint.rpartition(":")
    return host, int(port)
