"""Calls that the device only passes on, as a proxy does: what it sends there is not its own.

Rows are about user agents. A proxy sends what others wrote, with a ``Via`` more (RFC 3261 §16.6), and the
answers of several to one request come through it.
"""

from __future__ import annotations

from collections.abc import Collection

from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import split_list

_ROLES = ("sender", "receiver")
_DEVICE = "device"


def forwarded_calls(timeline: Timeline) -> frozenset[str]:
    """Return the Call-IDs of which the device sends on a request that it did not begin.

    Such a request has the ``Via`` of another below its own; or it is the very one that had come to it.
    """
    came: set[tuple[str, str, int, str]] = set()
    found = set()
    for observation in timeline:
        message = observation.content
        if not isinstance(message, SipMessageSeen) or not message.is_request:
            continue
        request = message.call_id, message.from_tag, message.cseq, message.method
        if message.sender == _DEVICE and (request in came or hops(message) > 1):
            found.add(message.call_id)
        if message.receiver == _DEVICE:
            came.add(request)
    return frozenset(found)


def without_forwarded(timeline: Timeline, calls: Collection[str]) -> Timeline:
    """Return a timeline on which the device goes by its address in these calls: no row is judged by them."""
    renamed = Timeline(_by_address(o) if getattr(o.content, "call_id", "") in calls else o for o in timeline)
    renamed.opened = timeline.opened
    return renamed


def hops(message: SipMessageSeen) -> int:
    """Return how many have sent a request, by its Via fields: more than one where it was passed on."""
    return sum(len(split_list(value)) for value in message.values("Via"))


def _by_address(observation: Observation) -> Observation:
    content = observation.content
    ends = zip(_ROLES, ("source", "destination"), strict=True)
    changes = {role: getattr(content, end) for role, end in ends if getattr(content, role, None) == _DEVICE}
    return observation.model_copy(update={"content": content.model_copy(update=changes)})
