"""Calls that the device only passes on, as a proxy does: what it sends there is not its own.

Rows are about user agents. A proxy sends what others wrote, with a ``Via`` more (RFC 3261 §16.6), and the
answers of several to one request come through it.
"""

from __future__ import annotations

from collections.abc import Collection

from intercom_hil.judge.places import place
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import split_list

_ROLES = ("sender", "receiver")
_DEVICE, _PROXY = "device", "device, as a proxy"


def forwarded_calls(timeline: Timeline) -> frozenset[str]:
    """Return the Call-IDs of which the device sends on a request that it did not begin.

    Such a request has the ``Via`` of another below its own; or it is the very one that had come to it. What a
    proxy sends on is not always captured: one that stays in the way adds itself to the ``Record-Route``.
    """
    came: set[tuple[str, str, int, str]] = set()
    found = set()
    for observation in timeline:
        message = observation.content
        if not isinstance(message, SipMessageSeen):
            continue
        if not message.is_request:
            if message.sender == _DEVICE and _stays_in_the_way(message):
                found.add(message.call_id)
            continue
        request = message.call_id, message.from_tag, message.cseq, message.method
        if message.sender == _DEVICE and (request in came or hops(message) > 1):
            found.add(message.call_id)
        if message.receiver == _DEVICE:
            came.add(request)
    return frozenset(found)


def without_forwarded(timeline: Timeline, calls: Collection[str]) -> Timeline:
    """Return a timeline on which the device goes by another name in these calls: no row is judged by them."""
    renamed = Timeline(_as_proxy(o) if getattr(o.content, "call_id", "") in calls else o for o in timeline)
    renamed.opened = timeline.opened
    return renamed


def hops(message: SipMessageSeen) -> int:
    """Return how many have sent a request, by its Via fields: more than one where it was passed on."""
    return sum(len(split_list(value)) for value in message.values("Via"))


def _stays_in_the_way(response: SipMessageSeen) -> bool:
    own = response.source.rpartition(":")[0].strip("[]")
    routes = [part for value in response.values("Record-Route") for part in split_list(value)]
    return any(place(route)[1] == own for route in routes)


def _as_proxy(observation: Observation) -> Observation:
    content = observation.content
    changes = {role: _PROXY for role in _ROLES if getattr(content, role, None) == _DEVICE}
    return observation.model_copy(update={"content": content.model_copy(update=changes)})
