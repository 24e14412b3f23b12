"""Where a device's messages depart from the grammar of SIP and SDP and can be read all the same.

They are what SIP-01 of good practice is about, one by one; no requirement of the page asks for it. The next
server may be stricter than this one: whoever builds the device wants to know.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import SipMessageSeen

MOST = 30
"""Different departures that are kept of one scenario: a device can invent as many as it sends lines."""


class Deviation(BaseModel):
    """One way in which a device's messages depart from the grammar, with the section that they depart from.

    Attributes:
        text: what is otherwise than it should be.
        count: in how many messages.
        messages: what messages they are, such as ``INVITE`` or ``200 to INVITE``.
        example: the number of the first of them in the timeline.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    text: str
    count: int
    messages: tuple[str, ...]
    example: int


def deviations(timeline: Timeline) -> tuple[Deviation, ...]:
    """Return how the device's messages in a scenario depart from the grammar, in order."""
    found: dict[str, Deviation] = {}
    for observation in timeline:
        message = observation.content
        if not isinstance(message, SipMessageSeen) or message.sender != "device":
            continue
        status = message.status
        name = message.method if status is None else f"{status} to {message.method}"
        for text in message.deviations:
            known = found.get(text)
            if known is None and len(found) < MOST:
                found[text] = Deviation(text=text, count=1, messages=(name,), example=observation.seq)
            elif known is not None:
                names = tuple(dict.fromkeys((*known.messages, name)))[:MOST]
                found[text] = known.model_copy(update={"count": known.count + 1, "messages": names})
    return tuple(found.values())
