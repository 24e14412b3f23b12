"""What cannot be seen because the source that would report it has never said anything that can be read.

A console on a loose wire looks like a device that logs nothing, and so does one read at a wrong speed.
So a source that has delivered nothing since the run began (no banner, no line, no message) is no witness yet:
neither for what is missing nor for what must not be there.
"""

from __future__ import annotations

from collections.abc import Collection

from intercom_hil.judge.deferral import IMPORT, deferred_kinds
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.device_content import can_be_read
from intercom_hil.timeline.observation import Declared

_REMEDIES = {
    "console": "see that the device's TX is on the adapter's RX, the grounds are joined, and the baud rate",
    "syslog": "see that the device sends its syslog to the bench's address and port",
    "webhook": "see that the device calls the bench's address, port and path",
}


def unseen(timeline: Timeline, kinds: Collection[str], until: float = float("inf")) -> str:
    """Return why contents of some kinds cannot be seen, with the remedy; empty where they can.

    Args:
        timeline: what was seen.
        kinds: of content, such as ``event``.
        until: what came later does not count (epoch seconds).
    """
    if not deferred_kinds(timeline).isdisjoint(kinds):
        return IMPORT
    for source in silent_sources(timeline, kinds, until):
        noise = any(o.witness.value == source and o.time <= until for o in timeline)
        nothing = "nothing that can be read" if noise else "nothing"
        return (
            f"{nothing} has ever come from the {source} in this run, so that says nothing of the device: "
            f"{_REMEDIES.get(source, 'see how it is connected')} (intercom-hil bench check)"
        )
    return ""


def silent_sources(timeline: Timeline, kinds: Collection[str], until: float = float("inf")) -> list[str]:
    """Return the sources of these kinds that have said nothing from the run's beginning until a time."""
    unheard = {
        source: set(of)
        for o in timeline
        if isinstance(o.content, Declared)
        for source, of in o.content.unheard.items()
        if not set(of).isdisjoint(kinds)
    }
    if not unheard:
        return []
    heard = [o for o in timeline if o.time <= until]
    seen = {o.content.kind for o in heard}
    speaking = {o.witness.value for o in heard if can_be_read(o.content)}
    return [source for source, of in unheard.items() if source not in speaking and seen.isdisjoint(of)]
