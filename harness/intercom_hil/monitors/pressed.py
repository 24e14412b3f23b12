"""A press of the button ends the call that is up: OUT-06 of placed calls, INC-05 of taken ones.

That a call is up for the device, too, is shown by its sound; before that what a press does is open (OUT-09).
Nothing is said where the other side, new settings or a loss of the device came in between, nor of two calls
at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.lateness import late_between
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaStarted
from intercom_hil.timeline.observation import Configured, InstrumentLost


class _Pressed(NamedTuple):
    """A press in a call that is up, and when the call has to be over (epoch seconds)."""

    call: Call
    press: Observation
    limit: float


def to_be_over(timeline: Timeline) -> list[float]:
    """Return when calls have to be over (epoch seconds) that a press was to end, and that are still up."""
    return [limit for call, _, limit in _pressed(timeline) if call.over == inf]


def ended_by_the_press(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Judge the first press in each call, if the scenario (until ``closed``, epoch seconds) lasted for it."""
    timing, seen = declared_timing(timeline), calls(timeline)
    disturbing = [o.time for o in timeline if isinstance(o.content, Configured | InstrumentLost)]
    for call, press, limit in _pressed(timeline):
        others = any(
            c.invite is not call.invite and c.invite.time < limit and press.time < c.over for c in seen
        )
        disturbed = any(press.time < at <= limit for at in disturbing)
        if limit < min(closed, call.over) and not others and not disturbed:
            row, way = ("OUT-06", "placed") if call.placed else ("INC-05", "taken")
            text = f"a press ends the {way} call that is up, within {timing.hang_up:g} s"
            seen_text = f"{press}, and no BYE within {limit - press.time:.1f} s"
            yield Finding(row, text, seen_text, [call.invite, press])


def _pressed(timeline: Timeline) -> Iterator[_Pressed]:
    """Yield the first press in each call that is up."""
    timing, presses = declared_timing(timeline), presses_in(timeline)
    sounds = [(o.time, o.content) for o in timeline if isinstance(o.content, MediaStarted)] if presses else []
    for call in calls(timeline) if presses else ():
        if not call.established or call.final is None:
            continue
        opened = [at for at, flow in sounds if flow.sender == "device" and flow.call_id == call.call_id]
        up = max(call.final.time, min(opened, default=inf))
        press = next((o for o in presses if up < o.time < call.over), None)
        if press is not None:
            limit = press.time + timing.hang_up + timing.tolerance
            yield _Pressed(call, press, limit + late_between(timeline, press.time, limit))
