"""A press of the button ends the call that is up: OUT-06 of placed calls, INC-05 of taken ones.

That a call is up for the device, too, is shown by its sound; before that what a press does is open (OUT-09).
Nothing is said where the other side, new settings or a loss of the device came in between, nor of two calls
at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.judge.calls import calls
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.lateness import late_between
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.media import MediaStarted
from intercom_hil.timeline.observation import Configured, InstrumentLost


def ended_by_the_press(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Judge the first press in each call, if the scenario (until ``closed``, epoch seconds) lasted for it."""
    timing, seen = declared_timing(timeline), calls(timeline)
    sounds = [(o.time, o.content) for o in timeline if isinstance(o.content, MediaStarted)]
    disturbing = [o.time for o in timeline if isinstance(o.content, Configured | InstrumentLost)]
    for call in seen:
        if not call.established or call.final is None:
            continue
        opened = [at for at, flow in sounds if flow.sender == "device" and flow.call_id == call.call_id]
        up = max(call.final.time, min(opened, default=closed))
        press = next((o for o in presses_in(timeline) if up < o.time < call.over), None)
        if press is None:
            continue
        limit = press.time + timing.hang_up + timing.tolerance
        limit += late_between(timeline, press.time, limit)
        others = any(c is not call and c.invite.time < limit and press.time < c.over for c in seen)
        disturbed = any(press.time < at <= limit for at in disturbing)
        if limit < min(closed, call.over) and not others and not disturbed:
            row, way = ("OUT-06", "placed") if call.placed else ("INC-05", "taken")
            text = f"a press ends the {way} call that is up, within {timing.hang_up:g} s"
            seen_text = f"{press}, and no BYE within {limit - press.time:.1f} s"
            yield Finding(row, text, seen_text, [call.invite, press])
