"""The specification as rules over a whole timeline, run after every scenario.

A monitor says *pass* only where there was something to judge, and names the one requirement that is
broken: an event that is missing breaks its own row, an event without a cause breaks EVT-11, an event in
the wrong place breaks EVT-12, a media packet in clear or unauthenticated breaks ENC-11, and credentials
that a stranger gets, or that others can read, break REG-05. A call in clear under SRTP-only breaks ENC-07 or
ENC-09, one that no press brought about OUT-01, one out of turn OUT-02, one that is not given up in time
OUT-03, one that a press does not end OUT-06 or INC-05, and one that is taken although the settings keep it
out INC-03, INC-04 or INC-07; video where there is to be none breaks a row of VID, whatever goes on with SIP
off CFG-01, and sides that do not hear each other break OUT-05 or INC-06. What no row of the page is about is
good practice, which is counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from math import inf

from intercom_hil.hearing.both_heard import both_heard
from intercom_hil.hearing.in_time import sound_in_time
from intercom_hil.hearing.kept_up import kept_up
from intercom_hil.hearing.pictures import pictures_kept_up
from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.corroboration import corroboration
from intercom_hil.judge.deferral import IMPORT, deferred_kinds
from intercom_hil.judge.expected_events import (
    COUNTED_APART,
    cause_time,
    causes_in,
    declared_timing,
    event_of,
    events_of,
    presses_in,
)
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.flood import flood
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.lateness import Waited, cut_short, excuse
from intercom_hil.judge.messages import sip
from intercom_hil.judge.places import place
from intercom_hil.judge.reasons import kinds_by_reason
from intercom_hil.judge.rules import Monitored, clock, listed
from intercom_hil.judge.silence import unseen
from intercom_hil.judge.stories import called, presses_that_hang_up, stories
from intercom_hil.judge.unreadable import unread_events, unread_messages
from intercom_hil.monitors.agreements import (
    agreed_picture,
    offered_in_clear,
    turned_down,
    video_to_every_contact,
    weakened,
)
from intercom_hil.monitors.as_configured import as_configured
from intercom_hil.monitors.event_truth import event_truth
from intercom_hil.monitors.passed_over import passed_over
from intercom_hil.monitors.placed_calls import (
    given_up_in_time,
    given_up_when_due,
    not_given_up_early,
    nothing_after_hanging_up,
    one_press_one_story,
    passed_on_in_time,
    unseen_attempts,
)
from intercom_hil.monitors.pressed import ended_by_the_press
from intercom_hil.monitors.settings_in_force import left_up, switched_off, with_video, without_video
from intercom_hil.monitors.taken_calls import admitted, answered_on_screen, free_and_busy, let_in, unshown
from intercom_hil.monitors.within_calls import srtp_only, unasked_calls
from intercom_hil.practice.practice import practice
from intercom_hil.registrations.credentials import credentials
from intercom_hil.registrations.registering import hammering, kept_registered, polled, polled_too_often
from intercom_hil.spec import events as catalogue
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.catalogues import requirement
from intercom_hil.spec.events import EVENTS, EventKind
from intercom_hil.spec.status_codes import STATUSES_OF
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Declared, DeviceEvent, EventCopy, MediaEnded, SipMessageSeen

_OF_EVENTS = frozenset(
    {
        *("deferral", "silence", "vocabulary", "agreement", "order", "single calls", "passed over"),
        "corroboration",
    }
)
"""The monitors of the event log, by name."""


def monitor(
    timeline: Timeline, closed: float, settled: float, only: Collection[str] | None = None
) -> list[Judgement]:
    """Run every monitor over one scenario; of one that the bench cut off for a flood, that alone is reported.

    Args:
        timeline: what was seen.
        closed: when the scenario ended (epoch seconds): what happened until then must be logged.
        settled: until when the log had time for it: what was logged until then must have a cause.
        only: the monitors that are run, by name; all of them without.
    """
    until, lacks = settled, _lacking(timeline)
    logged = [o for o in timeline if isinstance(o.content, DeviceEvent) and o.time <= until]
    flooded = list(flood(timeline))
    of_events = only is None or not _OF_EVENTS.isdisjoint(only)
    watched: tuple[tuple[str, Iterable[Finding]], ...] = (
        (("flood", flooded),)
        if flooded
        else (
            *(_of_events(timeline, logged, closed, settled) if of_events else ()),
            ("media", _media(timeline)),
            ("credentials", credentials(timeline)),
            ("srtp only", srtp_only(timeline)),
            ("unasked calls", unasked_calls(timeline)),
            ("offers under srtp only", offered_in_clear(timeline)),
            ("srtp as it should be", weakened(timeline)),
            ("turned down", turned_down(timeline)),
            ("kept registered", kept_registered(timeline, settled)),
            ("hammering", hammering(timeline)),
            ("polled", polled(timeline, settled)),
            ("polled too often", polled_too_often(timeline)),
            ("video to every contact", video_to_every_contact(timeline)),
            ("picture that was agreed on", agreed_picture(timeline, closed)),
            ("video allowed", without_video(timeline)),
            ("video offered", with_video(timeline)),
            ("switched off", switched_off(timeline)),
            ("left up", left_up(timeline, settled)),
            ("placed calls", one_press_one_story(timeline)),
            ("given up in time", given_up_in_time(timeline, closed)),
            ("given up when due", given_up_when_due(timeline)),
            ("passed on in time", passed_on_in_time(timeline, closed)),
            ("not given up early", not_given_up_early(timeline)),
            ("taken calls", admitted(timeline)),
            ("as configured", as_configured(timeline)),
            ("free and busy", free_and_busy(timeline)),
            ("let in", let_in(timeline, settled)),
            ("after hanging up", nothing_after_hanging_up(timeline)),
            ("ended by the press", ended_by_the_press(timeline, closed)),
            ("screen", answered_on_screen(timeline)),
            ("screen of each call", unshown(timeline, settled)),
            ("screen names on the page", _listed_under_its_name(timeline, settled)),
            ("both heard", both_heard(timeline, closed)),
            ("sound in time", sound_in_time(timeline, closed)),
            ("kept up", kept_up(timeline, closed)),
            ("picture kept up", pictures_kept_up(timeline, closed)),
            ("good practice", practice(timeline, settled)),
            ("declarations", _declarations(timeline)),
        )
    )
    return [
        Judgement(
            requirement=finding.requirement,
            verdict=finding.verdict,
            expected=finding.expected,
            seen=finding.seen,
            witnesses=tuple(dict.fromkeys(o.witness.value for o in finding.observations)),
            observations=tuple(o.seq for o in finding.observations),
            time=min((o.time for o in finding.observations), default=None),
            rule=Monitored(monitor=name, closed=closed, settled=settled),
        )
        for name, findings in watched
        if only is None or name in only
        for finding in findings
        if name == "declarations" or requirement(finding.requirement).capability not in lacks
    ]


def _lacking(timeline: Timeline) -> frozenset[str]:
    """Return what the bench file says that the device lacks: nothing is asked of it there."""
    return frozenset(name for o in timeline if isinstance(o.content, Declared) for name in o.content.lacks)


def _of_events(
    timeline: Timeline, logged: list[Observation], closed: float, settled: float
) -> tuple[tuple[str, Iterable[Finding]], ...]:
    """Return the monitors of the event log; of one that has not been read (yet), only word of that."""
    expected = "the device's event log"
    if "event" in deferred_kinds(timeline):
        return (("deferral", [Finding("EVT-11", expected, IMPORT, (), Verdict.INCONCLUSIVE)]),)
    why = unseen(timeline, {"event"}, settled)
    if why:
        owed = presses_in(timeline) or any(causes.owed for causes in causes_in(timeline, closed))
        return (("silence", [Finding("EVT-11", expected, why, (), Verdict.INCONCLUSIVE)] if owed else []),)
    watched = {
        "vocabulary": _vocabulary(logged),
        "agreement": _agreement(timeline, logged, closed, settled),
        "order": _order(timeline, logged),
        "single calls": event_truth(timeline, logged, settled),
        "passed over": passed_over(timeline, logged, settled),
    }
    hidden = unread_events(timeline, settled)
    if hidden:
        unread = listed(hidden, timeline.opened)
        watched = {name: _left_open(findings, hidden, unread) for name, findings in watched.items()}
    return (*watched.items(), ("corroboration", corroboration(timeline, closed, settled)))


def _left_open(findings: Iterable[Finding], hidden: list[Observation], unread: str) -> Iterator[Finding]:
    """Leave open what would be otherwise had the device written one event more, in what could not be read."""
    for finding in findings:
        if finding.despite_unread:
            yield finding
        else:
            yield replace(
                finding,
                verdict=Verdict.INCONCLUSIVE,
                seen=f"{finding.seen}; not all could be read: {unread}",
                observations=[*finding.observations, *hidden],
            )


def _vocabulary(logged: list[Observation]) -> Iterator[Finding]:
    """EVT-11: no event outside the catalogue; EVT-01..10: each with its own screen name."""
    unknown = [o for o in logged if event_of(o).name not in EVENTS]
    for observation in unknown:
        expected = "only events of the catalogue"
        yield Finding("EVT-11", expected, str(observation), (observation,), despite_unread=True)
    for observation in logged:
        kind = EVENTS.get(event_of(observation).name)
        shown = event_of(observation).screen_name
        if kind is not None and shown != kind.screen_name:
            expected = f"{kind.name} with screen name {kind.screen_name!r}"
            seen = f"it shows {shown!r}"
            yield Finding(kind.requirement, expected, seen, (observation,), despite_unread=True)
    if logged and not unknown:
        seen = f"{len(logged)} events, each of them in the catalogue"
        yield Finding("EVT-11", "only events of the catalogue", seen, logged, Verdict.PASS)


def _listed_under_its_name(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """EVT-01..10: the portal's list, which people read, has each event under its own screen name.

    Where the list is only compared with another source; one that is read without screen names says nothing.
    """
    for observation in timeline:
        content = observation.content
        if observation.witness is not Witness.PORTAL_PAGE or not isinstance(content, EventCopy):
            continue
        kind = EVENTS.get(content.name)
        if kind and content.screen_name not in ("", kind.screen_name) and observation.time <= settled:
            expected = f"{kind.name} with screen name {kind.screen_name!r} in the portal's list of events"
            yield Finding(kind.requirement, expected, f"it shows {content.screen_name!r}", (observation,))


def _agreement(
    timeline: Timeline, logged: list[Observation], closed: float, settled: float
) -> Iterator[Finding]:
    """Each cause on the wire has its event (EVT-01..10), each event its own cause (EVT-11)."""
    yield from _unless_late(timeline, closed, settled, _without_event(timeline, logged, closed))
    surplus = list(_without_cause(timeline, logged, settled))
    yield from surplus
    yield from _before_cause(timeline, logged, settled)
    yield from _of_another_kind(timeline, logged, settled)
    yield from _of_another_call(timeline, logged, settled)
    yield from _given_up_as_exhausted(timeline, logged, settled)
    if logged and not surplus:
        seen = f"{len(logged)} events, none beyond its causes"
        yield Finding("EVT-11", "no event without its cause", seen, logged, Verdict.PASS)


def _unless_late(
    timeline: Timeline, closed: float, settled: float, missing: Iterable[Finding]
) -> Iterator[Finding]:
    """What is missing from the log of a device that had no fair chance to write it is not found out."""
    late = cut_short(
        timeline, Waited(begun=closed, bound=declared_timing(timeline).log, lasted=settled - closed)
    )
    for finding in missing:
        if late:
            seen = f"{excuse(late)}; {finding.seen}"
            yield replace(finding, seen=seen, verdict=Verdict.INCONCLUSIVE)
        else:
            yield finding


def _without_event(timeline: Timeline, logged: list[Observation], closed: float) -> Iterator[Finding]:
    for causes in causes_in(timeline, closed):
        kind = causes.kind
        written = events_of(logged, kind, *causes.instead)
        if len(written) < len(causes.owed):
            when = ", ".join(clock(cause_time(kind, call), timeline.opened) for call in causes.owed)
            expected = f"{kind.name} {len(causes.owed)} times, for what the wire shows at {when}"
            yield Finding(kind.requirement, expected, f"logged {len(written)} times", written)
    first = min((press.time for press in presses_in(timeline)), default=inf)
    placed = [call for call in calls(timeline, until=closed) if call.placed and call.invite.time > first]
    owed = any(c.owed for c in causes_in(timeline, closed) if c.kind is catalogue.OUTGOING_INITIATED)
    if placed and not owed and not events_of(logged, catalogue.OUTGOING_INITIATED):
        expected = "outgoing_call_initiated for the button press that placed a call"
        yield Finding("EVT-01", expected, "never logged", [placed[0].invite])


_BY_THE_DEVICE = (catalogue.INCOMING_REJECTED, catalogue.INCOMING_RECEIVED, catalogue.INCOMING_LOCAL_HANGUP)
"""Events of what the device says itself: the bench brings none about when it cleans up."""


_OF_A_PRESS = (catalogue.OUTGOING_INITIATED, catalogue.OUTGOING_CONTACTS_EXHAUSTED)
"""Events of which a press that places calls brings about one at most."""


def _without_cause(timeline: Timeline, logged: list[Observation], settled: float) -> Iterator[Finding]:
    seen = calls(timeline, until=settled)
    presses = presses_in(timeline)
    begun = len(presses) - len(presses_that_hang_up(presses, seen))
    failed = sum(call.placed and not call.established for call in seen)
    failures = events_of(logged, catalogue.OUTGOING_FAILURE)
    unseen = unseen_attempts(timeline, settled)
    if unseen is None:  # whom a press calls is not known
        unseen = sum(story.idle and not story.calls for story in stories(presses, seen))
        failures = [o for o in failures if event_of(o).failure != "unreachable"]
    # What the device does by itself it may log before it is seen on the wire.
    later = {
        causes.kind: sum(call.invite.time <= settled for call in causes.allowed)
        for causes in causes_in(timeline)
        if causes.kind in _BY_THE_DEVICE
    }
    counted = [
        *(
            (
                causes.kind.name,
                later.get(causes.kind, len(causes.allowed)),
                events_of(logged, causes.kind),
            )
            for causes in causes_in(timeline, settled)
            if causes.kind not in COUNTED_APART
        ),
        *((kind.name, begun, events_of(logged, kind)) for kind in _OF_A_PRESS),
        (catalogue.OUTGOING_FAILURE.name, failed + unseen, failures),
    ]
    unread = unread_messages(timeline, "device", settled)
    pressed = {kind.name for kind in _OF_A_PRESS}
    for name, causes, written in counted:
        if len(written) > causes:
            expected = f"{name} once for each cause (there were {causes})"
            text, verdict = f"logged {len(written)} times", Verdict.FAIL
            if name not in pressed and len(written) - causes <= len(unread):  # each may be one of those
                text, verdict = (
                    f"{text}; it may be for what could not be read: {unread[0]}",
                    Verdict.INCONCLUSIVE,
                )
            yield Finding("EVT-11", expected, text, written, verdict, despite_unread=True)


_OF_THE_OTHER_SIDE = (
    catalogue.OUTGOING_ESTABLISHED,
    catalogue.OUTGOING_REMOTE_HANGUP,
    catalogue.INCOMING_REMOTE_HANGUP,
)
"""Events of what the other side says: no device knows that before it is on the wire."""
_LIVE = (Witness.CONSOLE, Witness.SYSLOG, Witness.WEBHOOK)
_SOONEST = 0.1
"""Seconds by which the clocks of two witnesses may differ."""


def _before_cause(timeline: Timeline, logged: list[Observation], settled: float) -> Iterator[Finding]:
    """EVT-02, EVT-04, EVT-09: what the other side does is logged when it has done so, and not before.

    Of events that are too many another rule has the say (EVT-11). What only the PBX could read (TLS) is dated
    by when it mirrored it, which may be later.
    """
    for causes in causes_in(timeline, settled):
        written = events_of(logged, causes.kind)
        seen = [call.bye if causes.kind in _HANGUPS else call.final for call in causes.allowed]
        dated = [o for o in seen if o is not None and o.witness is Witness.WIRE]
        if causes.kind not in _OF_THE_OTHER_SIDE or not len(written) <= len(dated) == len(causes.allowed):
            continue
        for event, cause in zip(
            sorted(written, key=lambda o: o.time), sorted(dated, key=lambda o: o.time), strict=False
        ):
            if event.witness in _LIVE and event.time < cause.time - _SOONEST:
                expected = f"{causes.kind.name} once it is so"
                text = f"{event}, {cause.time - event.time:.1f} s before {cause}"
                yield Finding(causes.kind.requirement, expected, text, [event, cause], despite_unread=True)
                break


_OF_ONE_KIND = frozenset(status for statuses in STATUSES_OF.values() for status in statuses)
"""Final statuses for which one kind of failure stands; whatever else it was may be named in any way."""


def _of_another_kind(timeline: Timeline, logged: list[Observation], settled: float) -> Iterator[Finding]:
    """EVT-13: no more failures of a kind are logged than there were calls that failed so (RFC 3261 §21).

    By their status, or by the reason that the other side gives beside it (RFC 3326).
    """
    failed = [call for call in calls(timeline, until=settled) if call.placed and not call.established]
    written = events_of(logged, catalogue.OUTGOING_FAILURE)
    if len(written) > len(failed):
        return
    for kind, statuses in STATUSES_OF.items():
        named = [o for o in written if event_of(o).failure == kind]
        fitting = [
            c
            for c in failed
            if c.status in statuses
            or c.status not in _OF_ONE_KIND
            or (c.final and kind in kinds_by_reason(sip(c.final)))
        ]
        if len(named) > len(fitting):
            text = f"logged {len(named)} times, of calls that ended with " + ", ".join(
                str(call.status or "no answer") for call in failed
            )
            expected = f"{kind} in the details of {len(fitting)} failures"
            yield Finding("EVT-13", expected, text, named, despite_unread=True)


def _of_another_call(timeline: Timeline, logged: list[Observation], settled: float) -> Iterator[Finding]:
    """EVT-03 to EVT-10: an event whose details name a party names that of its own call.

    It is wrong if it names the other side of another call, and not its own; it may name nobody. Which call an
    event is of is known by the order, where there is one event for each.
    """
    seen = calls(timeline, until=settled)
    parties = {party for call in seen if (party := _party(call))}
    for causes in causes_in(timeline, settled):
        written = sorted(events_of(logged, causes.kind), key=lambda o: (o.time, o.seq))
        exact = len(causes.owed) == len(causes.allowed) == len(written)
        if not exact or causes.kind in (catalogue.OUTGOING_INITIATED, catalogue.OUTGOING_CONTACTS_EXHAUSTED):
            continue
        for call, observation in zip(causes.owed, written, strict=True):
            named = set(re.findall(r"[\w.+-]+", event_of(observation).details)) & parties
            if named and _party(call) and _party(call) not in named:
                expected = f"{causes.kind.name} of the call with {_party(call)}"
                shown = [observation, call.invite]
                yield Finding(causes.kind.requirement, expected, str(observation), shown, despite_unread=True)


def _given_up_as_exhausted(
    timeline: Timeline, logged: list[Observation], settled: float
) -> Iterator[Finding]:
    """EVT-11: a list is not exhausted by a press that gives a call up, when contacts are left to call."""
    timing, seen = declared_timing(timeline), calls(timeline, until=settled)
    settings, presses = InForce(timeline, timing.apply), presses_in(timeline)
    for event in events_of(logged, catalogue.OUTGOING_CONTACTS_EXHAUSTED):
        before = [call for call in seen if call.placed and call.invite.time < event.time]
        given_up = [press.time for press in presses if press.time < event.time]
        if not before or len(given_up) <= 1:
            continue
        last, (begun, over) = before[-1], given_up[-2:]
        tried = {called(call) for call in before if call.invite.time > begun}
        cancelled = last.cancel is not None and over < last.cancel.time <= over + timing.hang_up
        in_force = settings.during(begun, event.time)
        lists = [one.get("further_numbers") for one in in_force]
        left = [isinstance(further, list | tuple) and len(further) + 1 > len(tried) for further in lists]
        if cancelled and last.invite.time < over and left and all(left):
            expected = f"no {event_of(event).name} of a call that a press gave up, with contacts left"
            yield Finding("EVT-11", expected, str(event), [event, last.invite], despite_unread=True)


_SHORTEST_NAME = 3
"""Characters of a number that is not found by chance among others."""


def _party(call: Call) -> str:
    """Return the number of the other side of a call; nothing if it is too short to be known by."""
    invite = sip(call.invite)
    user = place(invite.request_uri if call.placed else invite.from_uri)[0]
    return user if len(user) >= _SHORTEST_NAME and re.fullmatch(r"[\w.+-]+", user) else ""


_HANGUPS = (catalogue.OUTGOING_REMOTE_HANGUP, catalogue.INCOMING_REMOTE_HANGUP)
_FOLLOWS: tuple[tuple[tuple[EventKind, ...], EventKind], ...] = (
    (
        (catalogue.OUTGOING_ESTABLISHED, catalogue.OUTGOING_CONTACTS_EXHAUSTED),
        catalogue.OUTGOING_INITIATED,
    ),
    ((catalogue.OUTGOING_REMOTE_HANGUP,), catalogue.OUTGOING_ESTABLISHED),
    (
        (
            catalogue.INCOMING_REMOTE_HANGUP,
            catalogue.INCOMING_LOCAL_HANGUP,
            catalogue.INCOMING_FAILURE,
        ),
        catalogue.INCOMING_RECEIVED,
    ),
)


def _order(timeline: Timeline, logged: list[Observation]) -> Iterator[Finding]:
    """EVT-12: whatever follows has been preceded. An event that is missing altogether is not misplaced."""
    ordered = _as_written(logged)
    broken = False
    for later_kinds, first in _FOLLOWS:
        if len(events_of(ordered, *later_kinds)) > len(events_of(ordered, first)):
            continue
        before = 0
        for observation in ordered:
            name = event_of(observation).name
            before += (name == first.name) - (name in {kind.name for kind in later_kinds})
            if before < 0:
                broken = True
                yield Finding("EVT-12", f"{first.name} before {name}", str(observation), (observation,))
                break
    for observation in _failures_after_answer(ordered, presses_in(timeline)):
        broken = True
        expected = "no failure of a placed call between its answer and the next press"
        yield Finding("EVT-12", expected, str(observation), (observation,))
    for observation in _failures_after_the_last(ordered, presses_in(timeline)):
        broken = True
        expected = "no failure of a placed call between the end of the list and the next press"
        yield Finding("EVT-12", expected, str(observation), (observation,))
    if ordered and not broken:
        names = " > ".join(event_of(o).name for o in ordered)
        yield Finding("EVT-12", "events in their order", names, ordered, Verdict.PASS)


def _as_written(logged: list[Observation]) -> list[Observation]:
    """Return events in the order in which the device wrote them.

    That is the order of arrival, but for a webhook, where one request can overtake another: there the
    device's own times decide. They are all of one clock, so its offset from the bench's does not matter.
    """
    arrived = sorted(logged, key=lambda o: o.seq)
    if any(o.witness is not Witness.WEBHOOK or event_of(o).device_time is None for o in arrived):
        return arrived
    return sorted(arrived, key=lambda o: event_of(o).device_time or 0.0)


def _failures_after_answer(ordered: list[Observation], presses: list[Observation]) -> Iterator[Observation]:
    """Yield the failures of a call that was answered; the next one begins with a press, logged or not."""
    answered: Observation | None = None
    for observation in ordered:
        name = event_of(observation).name
        if answered and any(answered.time < press.time < observation.time for press in presses):
            answered = None
        if name == catalogue.OUTGOING_INITIATED.name:
            answered = None
        elif name == catalogue.OUTGOING_ESTABLISHED.name:
            answered = observation
        elif answered and name in (
            catalogue.OUTGOING_FAILURE.name,
            catalogue.OUTGOING_CONTACTS_EXHAUSTED.name,
        ):
            yield observation


def _failures_after_the_last(ordered: list[Observation], presses: list[Observation]) -> Iterator[Observation]:
    """Yield the failures of a list that is exhausted; the next list begins with a press, logged or not."""
    exhausted: Observation | None = None
    for observation in ordered:
        name = event_of(observation).name
        if exhausted and any(exhausted.time < press.time < observation.time for press in presses):
            exhausted = None
        if name == catalogue.OUTGOING_FAILURE.name and exhausted:
            yield observation
        elif name == catalogue.OUTGOING_CONTACTS_EXHAUSTED.name:
            exhausted = observation
        elif name == catalogue.OUTGOING_INITIATED.name:
            exhausted = None


def _media(timeline: Timeline) -> Iterator[Finding]:
    """ENC-11: where SRTP was negotiated every packet of the device authenticates, and none is plain.

    It passes where the authenticated packets are all there were. What could be neither authenticated nor
    rejected has not been shown to break the rule, nor to keep it.
    """
    expected = "every media packet of the device authenticated under the negotiated keys"
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaEnded) and flow.sender == "device" and flow.protection == "srtp":
            yield Finding("ENC-11", expected, str(flow), (observation,), _protection(flow))


def _protection(flow: MediaEnded) -> Verdict:
    if flow.rejected or flow.plain:
        return Verdict.FAIL
    if flow.unproved or flow.authenticated < flow.packets:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _declarations(timeline: Timeline) -> Iterator[Finding]:
    """A device that shows what it is declared to lack contradicts its bench file: that must be cleared up."""
    lacks = _lacking(timeline)
    shown: dict[str, tuple[str, Callable[[Observation], bool]]] = {
        Capability.EVENT_LOG: ("EVT-11", lambda o: isinstance(o.content, DeviceEvent)),
        Capability.VIDEO: ("VID-04", lambda o: _offers(o, "video", secured=False)),
        Capability.SRTP: ("ENC-11", lambda o: _offers(o, "audio", secured=True)),
        Capability.SESSION_TIMER: ("EVT-08", _limits_session),
    }
    for capability, (broken, contradicts) in shown.items():
        seen = next((o for o in timeline if capability in lacks and contradicts(o)), None)
        if seen is not None:
            expected = f"no {capability}, as the bench file declares (device.capabilities)"
            yield Finding(broken, expected, f"the device has it: {seen}", (seen,), Verdict.INCONCLUSIVE)


def _limits_session(observation: Observation) -> bool:
    """Whether the device takes part in session timers (RFC 4028)."""
    message = observation.content
    return (
        isinstance(message, SipMessageSeen)
        and message.sender == "device"
        and message.method == "INVITE"
        and bool(message.values("Session-Expires"))
    )


def _offers(observation: Observation, media: str, *, secured: bool) -> bool:
    message = observation.content
    return (
        isinstance(message, SipMessageSeen)
        and message.sender == "device"
        and any(
            line.media == media and line.port and (not secured or line.crypto_suites)
            for line in message.media
        )
    )
