"""Whether the remote took up the device's offer of SRTP: where it may leave it, nothing is found out."""

from __future__ import annotations

from collections.abc import Callable

from intercom_hil.errors import Inconclusive
from intercom_hil.scenario.bench import Bench
from intercom_hil.stations.behaviours import SRTP_REFUSALS
from intercom_hil.timeline import Observation
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.pattern import Condition, Pattern
from intercom_hil.timeline.vocabulary import (
    DEVICE,
    PBX,
    answer,
    final_answer,
    invite,
    negotiating_srtp,
    refusal,
    with_usable_keys,
)
from intercom_hil.wire.sdp import Crypto


def as_it_passed(pattern: Pattern) -> Pattern:
    """Take a message as the wire has it."""
    return pattern


async def keys_taken_up(
    bench: Bench, remote: str, offer: Observation, *, read: Callable[[Pattern], Pattern] = as_it_passed
) -> None:
    """Go on only if the remote took up keys that the device offered, or had none to take up.

    Not every remote can use a master key identifier (RFC 4568 §6.1), or negotiates capabilities (RFC 5939):
    it refuses, or answers in clear, and the device is not to blame.

    Args:
        bench: the bench.
        remote: whom the device calls.
        offer: its INVITE.
        read: makes of a pattern that of whoever can read the messages: ``reported_by_pbx`` under TLS.

    Raises:
        Inconclusive: the remote left an offer that can be used, or one by capability negotiation.
    """
    offered = read(invite(sender=DEVICE, receiver=remote))
    answers = read(answer(sender=remote, receiver=DEVICE))
    await bench.require(
        read(final_answer(sender=remote, receiver=DEVICE)), within=bench.timing.taken, after=offer
    )
    if _keys(as_the_call_began(bench.seen(offered), bench.seen(answers, after=offer))):
        return
    refused = read(refusal(sender=remote, receiver=DEVICE)).where(
        status=Condition(one_of=tuple(SRTP_REFUSALS))
    )
    usable = bench.seen(with_usable_keys(offered))
    for left, how in ((refused, "refused an offer of SRTP"), (answers, "answered in clear an offer")):
        if usable and bench.seen(left, after=offer):
            raise Inconclusive(f"the remote {how} with keys that can be used{_identified(usable, remote)}")
    if bench.seen(negotiating_srtp(offered)):
        raise Inconclusive("the device offers SRTP by capability negotiation, which the remote does not know")


def as_the_call_began(invites: list[Observation], answers: list[Observation]) -> list[Observation]:
    """Return the answers to INVITEs outside a dialog, those that begin a call.

    Keys may come later all the same, in a call that is in clear by then: a device that refreshes its session
    without an offer (RFC 4028 §7.4, RFC 3261 §14.1) takes those that the remote offers.
    """
    seen = [o.content for o in invites if isinstance(o.content, SipMessageSeen)]
    begun = {(content.call_id, content.cseq) for content in seen if not content.to_tag}
    return [
        o
        for o in answers
        if isinstance(o.content, SipMessageSeen) and (o.content.call_id, o.content.cseq) in begun
    ]


def _identified(offers: list[Observation], remote: str) -> str:
    """Say where the keys have an identifier, which is the likeliest reason to leave them."""
    if not any(key.mki for key in _keys(offers)):
        return ""
    whoever = "Asterisk" if remote == PBX else "the remote"
    return f": they have a master key identifier (RFC 4568 §6.1), which {whoever} does not take"


def _keys(messages: list[Observation]) -> list[Crypto]:
    """Return every readable key in messages, of whatever suite."""
    sessions = [o.content.session for o in messages if isinstance(o.content, SipMessageSeen)]
    return [key for session in sessions if session for media in session.media for key in media.crypto]
