"""Which source of a device is believed for what, where it has several: the first that reports it.

The sources stand in the order of the bench file, the console first. So an event that is reported twice counts
once, and the other report of it is kept to be compared.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from intercom_hil.layouts.layout import Layout
from intercom_hil.layouts.stored import stored


@dataclass(frozen=True, slots=True)
class SourceRole:
    """What one source is judged by; its events are copies where it is not the one for events.

    Attributes:
        events: its events are the device's event log.
        screens: its screen texts are what the device shows.
        restarts: a restart is noticed by it.
    """

    events: bool = True
    screens: bool = True
    restarts: bool = True


def language(layout: Layout, role: SourceRole) -> dict[str, Any]:
    """Return, as data, how a source is read and what it is judged by."""
    return {"layout": stored(layout), "role": asdict(role)}


def assign_roles(sources: Sequence[Collection[str]]) -> list[SourceRole]:
    """Give each kind of thing to the first source that reports it.

    Args:
        sources: which of ``event``, ``screen`` and ``boot`` each source reports.
    """

    def is_first(place: int, kind: str) -> bool:
        return kind in sources[place] and not any(kind in before for before in sources[:place])

    return [
        SourceRole(is_first(place, "event"), is_first(place, "screen"), is_first(place, "boot"))
        for place in range(len(sources))
    ]
