"""A device that sends requests faster than any server takes them: one finding, and the bench cuts it off.

A request that is sent again, and the ACK or CANCEL that belongs to one, is none of its own (RFC 3261 §9.1,
§17.1.1.3). What new settings bring about is asked for: a device may register anew for each form.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import messages, sip
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Configured, SipMessageSeen

MOST = 50
"""Requests in one ``WINDOW`` that are a flood; five contacts that fail at once make twelve."""
WINDOW = 1.0
"""Seconds."""
_PARTS_OF_OTHERS = ("ACK", "CANCEL")
_FOR_A_FORM = 4
"""Requests that a form may bring about: a registration taken back and another one, each challenged."""
_APPLIED_WITHIN = 1.0
"""Seconds after which a form brings about nothing more."""


class FloodGauge:
    """Counts the requests of a device as they come."""

    def __init__(self) -> None:
        self._recent: dict[Hashable, float] = {}
        self._submitted: deque[float] = deque()

    def take(self, observation: Observation) -> int:
        """Count what was seen, in about the order of time.

        Return how many requests the last second had, beyond those that new settings may have brought about.

        The PBX's copies count only where the wire cannot read the message: it mirrors what it takes from its
        queue, which after a silence is a burst.
        """
        message, at = observation.content, observation.time
        if isinstance(message, Configured):
            self._submitted.append(at)
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
        while self._submitted and self._submitted[0] <= at - WINDOW - _APPLIED_WITHIN:
            self._submitted.popleft()
        return len(self._recent) - _FOR_A_FORM * len(self._submitted)


def flood(timeline: Timeline) -> Iterator[Finding]:
    """Judge how fast the device asks: REG-03 of a server that is asked too often, OUT-02 of calls."""
    gauge = FloodGauge()
    asked: list[Observation] = []
    most, when = 0, 0.0
    forms = (o for o in timeline if isinstance(o.content, Configured))
    for observation in sorted((*messages(timeline), *forms), key=lambda o: (o.time, o.seq)):
        count = gauge.take(observation)
        if count > 0:
            asked.append(observation)
        if count > most:
            most, when = count, observation.time
    if most < MOST:
        return
    within = [o for o in asked if when - WINDOW < o.time <= when]
    method = Counter(sip(o).method for o in within).most_common(1)[0][0]
    expected = f"fewer than {MOST} requests in {WINDOW:g} s"
    yield Finding("OUT-02" if method == "INVITE" else "REG-03", expected, f"{most}, mostly {method}", within)
