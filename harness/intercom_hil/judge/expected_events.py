"""What calls for an entry in the device's event log: calls on the wire, and presses of the button.

For each kind of event, its causes in a timeline, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.stories import exhausted, failures, initiations, stories
from intercom_hil.spec import events as catalogue
from intercom_hil.spec.events import EventKind
from intercom_hil.spec.status_codes import NO_REFUSALS, OCCUPIED, REJECTIONS
from intercom_hil.spec.timing import USUAL_TIMING, Timing
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Declared, DeviceEvent, OutputChanged


@dataclass(frozen=True, slots=True)
class Causes:
    """What calls for events of one kind.

    Attributes:
        kind: of event.
        owed: the calls for each of which one has to be logged.
        allowed: the calls for which one may be: those, and what the device may see otherwise than the wire.
        instead: kinds that may stand in its place.
    """

    kind: EventKind
    owed: list[Call]
    allowed: list[Call]
    instead: tuple[EventKind, ...] = ()


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
    for causes in causes_in(timeline, closed):
        written = events_of(logged, causes.kind, *causes.instead)
        if len(written) < len(causes.owed):
            found.append(Missing(causes.kind, tuple(causes.owed), tuple(written)))
    return found


def causes_in(timeline: Timeline, until: float = float("inf")) -> Iterator[Causes]:
    """For each kind of event: the calls seen until a time (epoch seconds) that call for one, or allow it."""
    seen, presses = calls(timeline, until=until), presses_in(timeline)
    timing = declared_timing(timeline)
    winding_down = timing.hang_up + timing.rest
    placed = [call for call in seen if call.placed]
    taken = [call for call in seen if not call.placed]
    # A device that takes a careless answer for one breaks another rule, and logs truly what it did.
    out, came_in = [c for c in placed if c.answered], [c for c in taken if c.accepted]
    up_out, up_in = [c for c in placed if c.established], [c for c in taken if c.established]
    told = stories(presses, seen)
    failed = list(failures(timeline, told, timing))
    exhausting = list(exhausted(timeline, told, failed, timing))
    yield Causes(catalogue.OUTGOING_INITIATED, list(initiations(told, timing, exhausting)), placed)
    yield Causes(catalogue.OUTGOING_ESTABLISHED, up_out, out)
    yield Causes(catalogue.OUTGOING_FAILURE, failed, placed)
    yield Causes(catalogue.OUTGOING_CONTACTS_EXHAUSTED, exhausting, placed)
    yield Causes(
        catalogue.OUTGOING_REMOTE_HANGUP,
        [c for c in up_out if c.bye and not c.bye_by_device and not c.crossed],
        [c for c in out if c.bye_by_remote],
    )
    refused = [c for c in taken if c.refused]
    # A refusal that crosses the caller's CANCEL is one all the same: the device may have logged it before.
    turned_away = [c for c in taken if c.status >= 400 and c.status not in NO_REFUSALS]
    yield Causes(
        catalogue.INCOMING_REJECTED, [c for c in refused if _is_rejection(c, seen, winding_down)], turned_away
    )
    yield Causes(catalogue.INCOMING_RECEIVED, up_in, came_in)
    yield Causes(
        catalogue.INCOMING_REMOTE_HANGUP,
        [c for c in up_in if c.bye and not c.bye_by_device and not c.crossed],
        [c for c in came_in if c.bye_by_remote],
    )
    local = [c for c in up_in if c.bye and c.bye_by_device]
    pressed = [c for c in local if _ended_by_press(c, presses)]
    ended_here = [c for c in came_in if c.bye and (c.bye_by_device or c.crossed)]
    yield Causes(catalogue.INCOMING_LOCAL_HANGUP, pressed, ended_here)
    # Without a press the device gave the call up: because it broke, or because it needed to (new settings).
    given_up = [c for c in local if c not in pressed]
    yield Causes(catalogue.INCOMING_FAILURE, given_up, came_in, (catalogue.INCOMING_LOCAL_HANGUP,))


def declared_timing(timeline: Timeline) -> Timing:
    """Return how fast the device is, as the bench file declares."""
    return next((o.content.timing for o in timeline if isinstance(o.content, Declared)), USUAL_TIMING)


def _is_rejection(call: Call, seen: list[Call], winding_down: float) -> bool:
    """Whether a call that was refused was rejected, and neither misunderstood, misdirected nor one too many.

    Which status says so is the device's own choice; only of one that it does not find itself by (404) it may
    know nothing (INC-01). A device may be busy with a call for ``winding_down`` seconds after its end.
    """
    if call.status not in REJECTIONS:
        return False
    began = call.invite.time
    busy = any(c is not call and c.invite.time <= began < c.over + winding_down for c in seen)
    return not (call.status in OCCUPIED and busy)


def _ended_by_press(call: Call, presses: list[Observation]) -> bool:
    begun, ended = call.final, call.bye
    return begun is not None and ended is not None and any(begun.time < p.time < ended.time for p in presses)


def dated_causes(timeline: Timeline) -> list[tuple[str, float]]:
    """Return the causes that come from outside the device: the event that each calls for, and when it came.

    What the device does by itself it may log before it is seen on the wire.
    """
    seen, pressed = calls(timeline), presses_in(timeline)
    found = [(catalogue.OUTGOING_INITIATED.name, press.time) for press in pressed]
    for causes in causes_in(timeline):
        if causes.kind is catalogue.INCOMING_REJECTED:
            found += [(causes.kind.name, call.invite.time) for call in causes.owed]
        elif causes.kind not in (*_BY_THE_DEVICE, *COUNTED_APART):
            found += [(causes.kind.name, cause_time(causes.kind, call)) for call in causes.owed]
    found += [
        (catalogue.OUTGOING_FAILURE.name, call.final.time)
        for call in seen
        if call.placed and not call.established and call.final is not None and call.cancel is None
    ]
    return sorted(found, key=lambda cause: cause[1])


_BY_THE_DEVICE = (catalogue.INCOMING_FAILURE, catalogue.INCOMING_LOCAL_HANGUP)
COUNTED_APART = (
    catalogue.OUTGOING_INITIATED,
    catalogue.OUTGOING_FAILURE,
    catalogue.OUTGOING_CONTACTS_EXHAUSTED,
)
"""Events of presses and of contacts: what the wire shows of these is less than what may be logged."""
_ENDINGS = (
    catalogue.OUTGOING_REMOTE_HANGUP,
    catalogue.INCOMING_REMOTE_HANGUP,
    catalogue.INCOMING_LOCAL_HANGUP,
)


def cause_time(kind: EventKind, call: Call) -> float:
    """Return when a call came to call for an event of a kind."""
    if kind is catalogue.OUTGOING_INITIATED:
        return call.invite.time
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
