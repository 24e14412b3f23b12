"""What the log says of single calls, against what the wire shows of them: EVT-02, EVT-07, EVT-11 and EVT-13.

An established call is logged while it lasts, its end for what it was, and a rejection with a reason that was
one. Which event is of which call is known where there is exactly one for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import Causes, causes_in, declared_timing, event_of, events_of
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import sip
from intercom_hil.monitors.taken_calls import is_listed
from intercom_hil.spec import events as catalogue
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import SipMessageSeen

_LIVE = (Witness.CONSOLE, Witness.SYSLOG, Witness.WEBHOOK)
_AT_ITS_BEGINNING = (catalogue.OUTGOING_ESTABLISHED, catalogue.INCOMING_RECEIVED)
_STILL_HEARD = 1.0
"""Seconds before the end of a call until which its sound was there, where nothing had failed."""
_LEAST_PACKETS = 5
OFF, NOT_PERMITTED = "incoming calls off", "caller not permitted"


def event_truth(timeline: Timeline, logged: Sequence[Observation], settled: float) -> Iterator[Finding]:
    """Judge the events of calls that were established, ended or rejected.

    Args:
        timeline: what was seen.
        logged: the device's events.
        settled: until when its log had time (epoch seconds).
    """
    found = list(causes_in(timeline, settled))
    for causes in found:
        if causes.kind in _AT_ITS_BEGINNING:
            yield from _when_over(timeline, causes, logged)
        if causes.kind is catalogue.INCOMING_REJECTED:
            yield from _for_no_such_reason(timeline, causes, logged)
    yield from _failed_besides(timeline, logged, settled)


def _of_each(causes: Causes, logged: Sequence[Observation]) -> Iterator[tuple[Call, Observation]]:
    """Yield each call with its event, where there is exactly one for each."""
    written = sorted(events_of(logged, causes.kind), key=lambda o: (o.time, o.seq))
    if len(causes.owed) == len(causes.allowed) == len(written):
        yield from zip(causes.owed, written, strict=True)


def _when_over(timeline: Timeline, causes: Causes, logged: Sequence[Observation]) -> Iterator[Finding]:
    """EVT-02, EVT-07: written when the call is up, not when it is over.

    A device has the time that it takes to open its channels, and that of its log.
    """
    timing = declared_timing(timeline)
    for call, event in _of_each(causes, logged):
        if call.final is None or event.witness not in _LIVE or event.time <= call.over:
            continue
        late = late_between(timeline, call.final.time, event.time)
        if call.over - call.final.time > timing.answer + timing.log + late:
            expected = f"{causes.kind.name} once it is so"
            seen = f"{event}, {event.time - call.final.time:.1f} s after {call.final}, and after the call"
            found = [call.final, event]
            yield Finding(causes.kind.requirement, expected, seen, found, despite_unread=True)


def _for_no_such_reason(
    timeline: Timeline, causes: Causes, logged: Sequence[Observation]
) -> Iterator[Finding]:
    """EVT-13: a caller is rejected for what is set: because incoming calls are off, or he is on no list."""
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for call, event in _of_each(causes, logged):
        invite, over = sip(call.invite), call.final.time if call.final else call.invite.time
        settings = in_force.during(call.invite.time, over)
        reason = event_of(event).failure
        if settings and all(_contradicts(reason, invite, one) for one in settings):
            expected = "a rejection with the reason that it had"
            found = [call.invite, event]
            yield Finding("EVT-13", expected, f"{event}, of {invite.from_uri}", found, despite_unread=True)


def _contradicts(reason: str, invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    allowed = settings.get("allow_incoming")
    if settings.get("enabled") is False:
        return False
    if reason == OFF:
        return allowed is True
    return reason == NOT_PERMITTED and allowed is False and is_listed(invite, settings)


def _failed_besides(timeline: Timeline, logged: Sequence[Observation], settled: float) -> Iterator[Finding]:
    """EVT-11: a call that its caller ended, and that was heard until then, has not failed."""
    timing, seen = declared_timing(timeline), calls(timeline, until=settled)
    flows = [o.content for o in timeline if isinstance(o.content, MediaEnded)]
    hung_up = events_of(logged, catalogue.INCOMING_REMOTE_HANGUP)
    for call in seen:
        ended = call.bye
        if call.placed or not call.established or ended is None or call.bye_by_device:
            continue
        heard = any(
            flow.call_id == call.call_id
            and flow.receiver == "device"
            and flow.packets >= _LEAST_PACKETS
            and flow.last > ended.time - _STILL_HEARD
            for flow in flows
        )
        until = ended.time + timing.log + late_between(timeline, ended.time, settled)
        others = any(
            c is not call and c.invite.time <= until and c.over >= ended.time - timing.log for c in seen
        )
        told = [o for o in hung_up if ended.time <= o.time <= until and o.witness in _LIVE]
        failed = [o for o in events_of(logged, catalogue.INCOMING_FAILURE) if ended.time <= o.time <= until]
        if heard and told and failed and not others:
            expected = "no failure of a call that its caller has ended"
            yield Finding(
                "EVT-11", expected, str(failed[0]), [ended, told[0], failed[0]], despite_unread=True
            )
