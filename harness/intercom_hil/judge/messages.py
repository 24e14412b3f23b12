"""The SIP messages of a timeline, each of them once.

The wire sees a message with the addresses it really had; the PBX reports it too, and calls itself by an
address that may be another. So a message is taken from the wire, and from the PBX only where the wire could
not read it (TLS).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import Credentials

OF_A_SESSION = ("INVITE", "ACK", "PRACK", "UPDATE")
"""Methods whose descriptions offer and answer (RFC 3264); that in answer to OPTIONS does not."""


def describes_session(message: SipMessageSeen) -> bool:
    """Return whether a description offers or answers: that of a refusal does not (RFC 3261 §21.4.26)."""
    return message.method in OF_A_SESSION and (message.status or 0) < 300


def messages(timeline: Timeline, until: float = float("inf")) -> Iterator[Observation]:
    """Yield the SIP messages seen until a time (epoch seconds), in order of arrival, PBX copies left out.

    A copy is known by Call-ID, CSeq, the branch of the topmost Via, and status (RFC 3261 §17.1.3, §17.2.3);
    what is sent again stays what it is: as many as the wire shows.
    """
    seen = [o for o in timeline if isinstance(o.content, SipMessageSeen)]
    on_wire = {_identity(sip(o)) for o in seen if o.witness is Witness.WIRE}
    for observation in seen:
        if observation.time <= until and (
            observation.witness is Witness.WIRE or _identity(sip(observation)) not in on_wire
        ):
            yield observation


def sip(observation: Observation) -> SipMessageSeen:
    """Return the message that was observed."""
    assert isinstance(observation.content, SipMessageSeen)
    return observation.content


def next_nonces(message: SipMessageSeen) -> set[str]:
    """Return the nonces that a response names for the requests to come (RFC 7616 §3.5, RFC 7615 §4)."""
    names = ("Authentication-Info", "Proxy-Authentication-Info")
    values = (value for name in names for value in message.values(name))
    named = (
        dict(Credentials.parse("", f"Digest {value}").parameters).get("nextnonce", "") for value in values
    )
    return {nonce for nonce in named if nonce}


def _identity(message: SipMessageSeen) -> Hashable:
    return message.call_id, message.cseq, message.method, message.branch, message.status
