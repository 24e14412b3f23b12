"""What cannot be judged yet, because only a file that is imported after the run will report it."""

from __future__ import annotations

from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import Declared, EventsImported

IMPORT = "it is told by the device's exported log alone: intercom-hil import-events RUN FILE"
"""What is said in place of what was seen, with the remedy."""


def deferred_kinds(timeline: Timeline) -> frozenset[str]:
    """Return the kinds of content that the bench file leaves to an import which has not been made."""
    kinds: set[str] = set()
    for observation in timeline:
        content = observation.content
        if isinstance(content, EventsImported):
            return frozenset()
        if isinstance(content, Declared):
            kinds.update(content.deferred)
    return frozenset(kinds)
