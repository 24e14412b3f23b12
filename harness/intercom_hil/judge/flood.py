"""A device that sends requests faster than any server takes them: one finding, and the bench cuts it off.

A request that is sent again, and the ACK or CANCEL that belongs to one, is none of its own (RFC 3261 §9.1,
§17.1.1.3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import messages, sip
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import SipMessageSeen

MOST = 50
"""Requests in one ``WINDOW`` that are a flood; five contacts that fail at once make twelve."""
WINDOW = 1.0
"""Seconds."""
_PARTS_OF_OTHERS = ("ACK", "CANCEL")


class FloodGauge:
    """Counts the requests of a device as they come."""

    def __init__(self) -> None:
        self._recent: dict[Hashable, float] = {}

    def take(self, observation: Observation) -> int:
        """Count what was seen, in about the order of time; return how many requests the last second had.

        The PBX's copies count only where the wire cannot read the message: it mirrors what it takes from its
        queue, which after a silence is a burst.
        """
        message, at = observation.content, observation.time
        if not isinstance(message, SipMessageSeen) or message.sender != "device" or not message.is_request:
            return 0
        if message.method in _PARTS_OF_OTHERS or (
            observation.witness is not Witness.WIRE and message.transport != "TLS"
        ):
            return 0
        self._recent.setdefault((message.method, message.call_id, message.branch, message.cseq), at)
        while (first := next(iter(self._recent.items())))[1] <= at - WINDOW:
            del self._recent[first[0]]
            if not self._recent:
                break
        return len(self._recent)


def flood(timeline: Timeline) -> Iterator[Finding]:
    """Judge how fast the device asks: REG-03 of a server that is asked too often, OUT-02 of calls."""
    gauge = FloodGauge()
    asked: list[Observation] = []
    most, when = 0, 0.0
    for observation in sorted(messages(timeline), key=lambda o: (o.time, o.seq)):
        count = gauge.take(observation)
        if count:
            asked.append(observation)
        if count > most:
            most, when = count, observation.time
    if most < MOST:
        return
    within = [o for o in asked if when - WINDOW < o.time <= when]
    method = Counter(sip(o).method for o in within).most_common(1)[0][0]
    expected = f"fewer than {MOST} requests in {WINDOW:g} s"
    yield Finding("OUT-02" if method == "INVITE" else "REG-03", expected, f"{most}, mostly {method}", within)
