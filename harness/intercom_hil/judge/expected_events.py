"""What calls for an entry in the device's event log: calls on the wire, and presses of the button.

A timeline comes in; for each kind of event the causes go out, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intercom_hil.judge.calls import Call, calls
from intercom_hil.spec import events as catalogue
from intercom_hil.spec.events import EventKind
from intercom_hil.spec.status_codes import REJECTIONS
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import DeviceEvent, OutputChanged


@dataclass(frozen=True, slots=True)
class Missing:
    """An event that its cause on the wire calls for and that the log does not hold (yet)."""

    kind: EventKind
    causes: tuple[Call, ...]
    logged: tuple[Observation, ...]


def missing_events(timeline: Timeline, closed: float) -> list[Missing]:
    """Return the events that the calls on the wire until ``closed`` call for and that are not logged yet."""
    logged = [o for o in timeline if isinstance(o.content, DeviceEvent)]
    found = []
    for kind, causes, either in calling_for(calls(timeline, until=closed), presses_in(timeline)):
        written = events_of(logged, kind, *either)
        if len(written) < len(causes):
            found.append(Missing(kind, tuple(causes), tuple(written)))
    return found


def calling_for(
    seen: list[Call], presses: list[Observation]
) -> Iterator[tuple[EventKind, list[Call], tuple[EventKind, ...]]]:
    """For each event kind: the calls that call for one, and the kinds that may stand in its place."""
    placed = [call for call in seen if call.placed]
    taken = [call for call in seen if not call.placed]
    up_out = [call for call in placed if call.established]
    up_in = [call for call in taken if call.established]
    yield catalogue.OUTGOING_ESTABLISHED, up_out, ()
    yield catalogue.OUTGOING_REMOTE_HANGUP, [c for c in up_out if c.bye and not c.bye_by_device], ()
    yield catalogue.INCOMING_REJECTED, [c for c in taken if c.status in REJECTIONS], ()
    yield catalogue.INCOMING_RECEIVED, up_in, ()
    yield catalogue.INCOMING_REMOTE_HANGUP, [c for c in up_in if c.bye and not c.bye_by_device], ()
    local = [c for c in up_in if c.bye and c.bye_by_device]
    pressed = [c for c in local if _ended_by_press(c, presses)]
    yield catalogue.INCOMING_LOCAL_HANGUP, pressed, ()
    # Without a press the device gave the call up: because it broke, or because it needed to (new settings).
    given_up = [c for c in local if c not in pressed]
    yield catalogue.INCOMING_FAILURE, given_up, (catalogue.INCOMING_LOCAL_HANGUP,)


def _ended_by_press(call: Call, presses: list[Observation]) -> bool:
    begun, ended = call.final, call.bye
    return begun is not None and ended is not None and any(begun.time < p.time < ended.time for p in presses)


def dated_causes(timeline: Timeline) -> list[tuple[str, float]]:
    """Return the causes that come from outside the device: the event that each calls for, and when it came.

    What the device does by itself it may log before it is seen on the wire.
    """
    seen, pressed = calls(timeline), presses_in(timeline)
    found = [(catalogue.OUTGOING_INITIATED.name, press.time) for press in pressed]
    for kind, causing, _ in calling_for(seen, pressed):
        if kind is catalogue.INCOMING_REJECTED:
            found += [(kind.name, call.invite.time) for call in causing]
        elif kind not in _BY_THE_DEVICE:
            found += [(kind.name, cause_time(kind, call)) for call in causing]
    found += [
        (catalogue.OUTGOING_FAILURE.name, call.final.time)
        for call in seen
        if call.placed and not call.established and call.final is not None and call.cancel is None
    ]
    return sorted(found, key=lambda cause: cause[1])


_BY_THE_DEVICE = (catalogue.INCOMING_FAILURE, catalogue.INCOMING_LOCAL_HANGUP)
_ENDINGS = (
    catalogue.OUTGOING_REMOTE_HANGUP,
    catalogue.INCOMING_REMOTE_HANGUP,
    catalogue.INCOMING_LOCAL_HANGUP,
)


def cause_time(kind: EventKind, call: Call) -> float:
    """Return when a call came to call for an event of a kind."""
    cause = call.bye if kind in _ENDINGS else call.final
    return (cause or call.invite).time


def presses_in(timeline: Timeline) -> list[Observation]:
    """Return the presses of the button."""
    return [o for o in timeline if isinstance(o.content, OutputChanged) and o.content.active]


def events_of(logged: Sequence[Observation], *kinds: EventKind) -> list[Observation]:
    """Return the logged events of some kinds."""
    names = {kind.name for kind in kinds}
    return [o for o in logged if event_of(o).name in names]


def event_of(observation: Observation) -> DeviceEvent:
    """Return the event that was observed."""
    assert isinstance(observation.content, DeviceEvent)
    return observation.content
