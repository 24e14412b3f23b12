"""Corroboration: the event log of the judged source against the copy that each other source delivers.

Agreement makes the events better founded; a disagreement says nothing of the device yet: one of its ways to
report is broken, and which one has to be cleared up first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from intercom_hil.judge.finding import Finding
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Declared, DeviceEvent, EventCopy, EventsImported

LOG_FILE = "log-file"
"""What an imported file is called as a source."""


def corroboration(timeline: Timeline, closed: float, settled: float) -> Iterator[Finding]:
    """Compare the sources of events.

    What one of them reported until ``closed`` the other has to have reported until ``settled`` (epoch
    seconds): delivery may take its time.
    """
    events = [o for o in timeline if isinstance(o.content, DeviceEvent) and o.time <= settled]
    judged = ", ".join(dict.fromkeys(str(o.witness) for o in events)) or "the judged source"
    for source in _sources(timeline):
        copies = [o for o in timeline if _is_of(o, source) and o.time <= settled]
        expected = f"the same events from {judged} and {source}"
        lacking = _names(events, closed) - _names(copies, settled)
        surplus = _names(copies, closed) - _names(events, settled)
        if lacking or surplus:
            parts = [f"{source} lacks {_counted(lacking)}"] if lacking else []
            parts += [f"{source} alone tells {_counted(surplus)}"] if surplus else []
            yield Finding("EVT-11", expected, "; ".join(parts), (*events, *copies), Verdict.INCONCLUSIVE)
        elif events:
            seen = f"{len(events)} events, told alike"
            yield Finding("EVT-11", expected, seen, (*events, *copies), Verdict.PASS)


def lagging_copies(timeline: Timeline, closed: float) -> dict[str, int]:
    """Return the sources that have yet to report events which the judged one reported until ``closed``.

    Returns:
        By name of the source, how many it has reported when it has reported them all.
    """
    wanted = sum(isinstance(o.content, DeviceEvent) and o.time <= closed for o in timeline)
    counts = {source: sum(_is_of(o, source) for o in timeline) for source in _sources(timeline)}
    return {source: wanted for source, count in counts.items() if count < wanted}


def _sources(timeline: Timeline) -> list[str]:
    """Return the sources that are declared, or that have reported anything."""
    found: dict[str, None] = {}
    for observation in timeline:
        content = observation.content
        if isinstance(content, Declared):
            found |= dict.fromkeys(content.copied_by)
        elif isinstance(content, EventCopy):
            found[content.source] = None
        elif isinstance(content, EventsImported) and not content.judged:
            found[LOG_FILE] = None
    return list(found)


def _is_of(observation: Observation, source: str) -> bool:
    return isinstance(observation.content, EventCopy) and observation.content.source == source


def _names(entries: list[Observation], until: float) -> Counter[str]:
    contents = [o.content for o in entries if o.time <= until]
    return Counter(content.name for content in contents if isinstance(content, DeviceEvent | EventCopy))


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in sorted(names.items()))
