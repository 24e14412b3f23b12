"""The settings in force at a moment, as far as a timeline tells: what was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import Configured


@dataclass(frozen=True, slots=True)
class _Submitted:
    """Settings, when somebody began to submit them, and when they were in force at the latest if taken."""

    begun: float
    applied: float
    accepted: bool
    settings: Mapping[str, object]


class InForce:
    """The settings of a timeline, in the order in which they were submitted."""

    def __init__(self, timeline: Timeline, apply: float) -> None:
        """Read the timeline.

        Args:
            timeline: what was seen.
            apply: seconds from the device's answer until settings are in force, at most.
        """
        self._submitted: list[_Submitted] = []
        settings: dict[str, object] = {}
        latest = 0.0
        for observation in sorted(timeline, key=lambda o: o.seq):
            latest = max(latest, observation.time)
            content = observation.content
            if isinstance(content, Configured):
                wanted = _known(settings | content.settings)  # a few fields alone may be submitted
                # It is dated by its beginning; what came before its outcome was before the answer.
                self._submitted.append(_Submitted(observation.time, latest + apply, content.accepted, wanted))
                settings = wanted if content.accepted else settings

    def during(self, begun: float, over: float) -> list[Mapping[str, object]]:
        """Return all settings that may have been in force at some moment of a time (epoch seconds).

        Those that the device refused are among them: should they be in force all the same, that is another
        rule's affair (CFG-22). What was in force before the first that the timeline tells of is not known:
        there are none then.
        """
        found: list[Mapping[str, object]] = []
        for one in self._submitted:
            if one.accepted and one.applied < begun:
                found = []
            elif not found:
                return []
            if one.begun <= over:
                found.append(one.settings)
        return found

    def changed(self, begun: float, over: float) -> bool:
        """Return whether any settings were being submitted or applied at some moment of a time."""
        return any(one.begun <= over and one.applied >= begun for one in self._submitted)


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "enabled": bool,
    "allow_incoming": bool,
    "call_timeout": (int, float),
    "permitted_callers": (list, tuple),
    "further_numbers": (list, tuple),
}


def _known(settings: Mapping[str, object]) -> dict[str, object]:
    """Leave out what was taken down as a text that stands for something else, or that was cut short."""
    return {
        name: value
        for name, value in settings.items()
        if isinstance(value, _KINDS.get(name, object)) and "…" not in str(value)
    }
