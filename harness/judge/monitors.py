"""The specification as rules over a whole timeline, run after every scenario.

A monitor says *pass* only where there was something to judge, and names the one requirement that is
broken: an event that is missing breaks its own row, an event without a cause breaks EVT-11, an event in
the wrong place breaks EVT-12, a media packet in clear or unauthenticated breaks ENC-11, and credentials
that a stranger gets, or that others can read, break REG-05.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.judge.calls import Call, calls
from harness.judge.credentials import credentials
from harness.judge.finding import Finding
from harness.judge.judgement import Judgement
from harness.judge.rules import Monitored, clock
from harness.spec import events as catalogue
from harness.spec.capabilities import Capability
from harness.spec.events import EVENTS, EventKind
from harness.spec.verdict import Verdict
from harness.timeline import Observation, Timeline
from harness.timeline.observation import (
    Declared,
    DeviceEvent,
    MediaEnded,
    OutputChanged,
    SipMessageSeen,
)

_REJECTIONS = (403, 406, 415, 488, 603, 606)
"""How a device turns an incoming call away by its own decision."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An event that its cause on the wire calls for and that the log does not hold (yet)."""

    kind: EventKind
    causes: tuple[Call, ...]
    logged: tuple[Observation, ...]


def monitor(timeline: Timeline, closed: float, settled: float) -> list[Judgement]:
    """Run every monitor over one scenario.

    Args:
        timeline: what was seen.
        closed: when the scenario ended (epoch seconds): what happened until then must be logged.
        settled: until when the log had time for it: what was logged until then must have a cause.
    """
    until = settled
    logged = [o for o in timeline if isinstance(o.content, DeviceEvent) and o.time <= until]
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
        for name, findings in (
            ("vocabulary", _vocabulary(logged)),
            ("agreement", _agreement(timeline, logged, closed, settled)),
            ("order", _order(logged)),
            ("media", _media(timeline)),
            ("credentials", credentials(timeline)),
            ("declarations", _declarations(timeline)),
        )
        for finding in findings
    ]


def missing_events(timeline: Timeline, closed: float) -> list[Missing]:
    """Return the events that the calls on the wire until ``closed`` call for and that are not logged yet."""
    logged = [o for o in timeline if isinstance(o.content, DeviceEvent)]
    found = []
    for kind, causes, either in _causes(calls(timeline, until=closed), _presses(timeline)):
        written = _of(logged, kind, *either)
        if len(written) < len(causes):
            found.append(Missing(kind, tuple(causes), tuple(written)))
    return found


def _causes(
    seen: list[Call], presses: list[Observation]
) -> Iterator[tuple[EventKind, list[Call], tuple[EventKind, ...]]]:
    """For each event kind: the calls that call for one, and the kinds that may stand in its place."""
    placed = [call for call in seen if call.placed]
    taken = [call for call in seen if not call.placed]
    up_out = [call for call in placed if call.established]
    up_in = [call for call in taken if call.established]
    yield catalogue.OUTGOING_ESTABLISHED, up_out, ()
    yield catalogue.OUTGOING_REMOTE_HANGUP, [c for c in up_out if c.bye and not c.bye_by_device], ()
    yield catalogue.INCOMING_REJECTED, [c for c in taken if c.status in _REJECTIONS], ()
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


def _vocabulary(logged: list[Observation]) -> Iterator[Finding]:
    """EVT-11: no event outside the catalogue; EVT-01..10: each with its own screen name."""
    unknown = [o for o in logged if _event(o).name not in EVENTS]
    for observation in unknown:
        yield Finding("EVT-11", "only events of the catalogue", str(observation), (observation,))
    for observation in logged:
        kind = EVENTS.get(_event(observation).name)
        shown = _event(observation).screen_name
        if kind is not None and shown != kind.screen_name:
            expected = f"{kind.name} with screen name {kind.screen_name!r}"
            yield Finding(kind.requirement, expected, f"it shows {shown!r}", (observation,))
    if logged and not unknown:
        seen = f"{len(logged)} events, each of them in the catalogue"
        yield Finding("EVT-11", "only events of the catalogue", seen, logged, Verdict.PASS)


def _agreement(
    timeline: Timeline, logged: list[Observation], closed: float, settled: float
) -> Iterator[Finding]:
    """Each cause on the wire has its event (EVT-01..10), each event its own cause (EVT-11)."""
    yield from _without_event(timeline, logged, closed)
    surplus = list(_without_cause(timeline, logged, settled))
    yield from surplus
    if logged and not surplus:
        seen = f"{len(logged)} events, none beyond its causes"
        yield Finding("EVT-11", "no event without its cause", seen, logged, Verdict.PASS)


def _without_event(timeline: Timeline, logged: list[Observation], closed: float) -> Iterator[Finding]:
    seen = calls(timeline, until=closed)
    for kind, causes, either in _causes(seen, _presses(timeline)):
        written = _of(logged, kind, *either)
        if len(written) < len(causes):
            when = ", ".join(clock(_cause_time(kind, call), timeline.opened) for call in causes)
            expected = f"{kind.name} {len(causes)} times, for what the wire shows at {when}"
            yield Finding(kind.requirement, expected, f"logged {len(written)} times", written)
    placed = [call for call in seen if call.placed]
    if placed and _presses(timeline) and not _of(logged, catalogue.OUTGOING_INITIATED):
        expected = "outgoing_call_initiated for the button press that placed a call"
        yield Finding("EVT-01", expected, "never logged", [placed[0].invite])


def _without_cause(timeline: Timeline, logged: list[Observation], settled: float) -> Iterator[Finding]:
    seen = calls(timeline, until=settled)
    failed = [call for call in seen if call.placed and not call.established]
    on_the_wire = [o for o in _of(logged, catalogue.OUTGOING_FAILURE) if _event(o).failure != "unreachable"]
    local = [c for c in seen if not c.placed and c.established and c.bye and c.bye_by_device]
    counted = [
        *(
            (kind.name, len(causes), _of(logged, kind))
            for kind, causes, _ in _causes(seen, _presses(timeline))
            if kind not in _WAYS_TO_HANG_UP
        ),
        (
            catalogue.INCOMING_LOCAL_HANGUP.name,
            len(local),
            _of(logged, catalogue.INCOMING_LOCAL_HANGUP),
        ),
        (
            catalogue.OUTGOING_INITIATED.name,
            len(_presses(timeline)),
            _of(logged, catalogue.OUTGOING_INITIATED),
        ),
        (catalogue.OUTGOING_FAILURE.name, len(failed), on_the_wire),
    ]
    for name, causes, written in counted:
        if len(written) > causes:
            expected = f"{name} once for each cause (there were {causes})"
            yield Finding("EVT-11", expected, f"logged {len(written)} times", written)


_WAYS_TO_HANG_UP = (catalogue.INCOMING_LOCAL_HANGUP, catalogue.INCOMING_FAILURE)
"""Which of them a BYE of the device calls for only the device knows."""

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


def _order(logged: list[Observation]) -> Iterator[Finding]:
    """EVT-12: whatever follows has been preceded. An event that is missing altogether is not misplaced."""
    ordered = sorted(logged, key=lambda o: o.seq)
    broken = False
    for later_kinds, first in _FOLLOWS:
        if len(_of(ordered, *later_kinds)) > len(_of(ordered, first)):
            continue
        before = 0
        for observation in ordered:
            name = _event(observation).name
            before += (name == first.name) - (name in {kind.name for kind in later_kinds})
            if before < 0:
                broken = True
                yield Finding("EVT-12", f"{first.name} before {name}", str(observation), (observation,))
                break
    for observation in _failures_after_answer(ordered):
        broken = True
        expected = "no failure of a placed call between its answer and the next press"
        yield Finding("EVT-12", expected, str(observation), (observation,))
    if ordered and not broken:
        names = " > ".join(_event(o).name for o in ordered)
        yield Finding("EVT-12", "events in their order", names, ordered, Verdict.PASS)


def _failures_after_answer(ordered: list[Observation]) -> Iterator[Observation]:
    answered = False
    for observation in ordered:
        name = _event(observation).name
        if name == catalogue.OUTGOING_INITIATED.name:
            answered = False
        elif name == catalogue.OUTGOING_ESTABLISHED.name:
            answered = True
        elif answered and name in (
            catalogue.OUTGOING_FAILURE.name,
            catalogue.OUTGOING_CONTACTS_EXHAUSTED.name,
        ):
            yield observation


def _media(timeline: Timeline) -> Iterator[Finding]:
    """ENC-11: where SRTP was negotiated every packet of the device authenticates, and none is plain."""
    expected = "every media packet of the device authenticated under the negotiated keys"
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaEnded) and flow.sender == "device" and flow.protection == "srtp":
            clean = not flow.rejected and not flow.plain
            verdict = Verdict.PASS if clean else Verdict.FAIL
            yield Finding("ENC-11", expected, str(flow), (observation,), verdict)


def _declarations(timeline: Timeline) -> Iterator[Finding]:
    """A device that shows what it is declared to lack contradicts its bench file: that must be cleared up."""
    lacks = {name for o in timeline if isinstance(o.content, Declared) for name in o.content.lacks}
    shown: dict[str, tuple[str, Callable[[Observation], bool]]] = {
        Capability.EVENT_LOG: ("EVT-11", lambda o: isinstance(o.content, DeviceEvent)),
        Capability.VIDEO: ("VID-04", lambda o: _offers(o, "video", secured=False)),
        Capability.SRTP: ("ENC-11", lambda o: _offers(o, "audio", secured=True)),
    }
    for capability, (requirement, contradicts) in shown.items():
        seen = next((o for o in timeline if capability in lacks and contradicts(o)), None)
        if seen is not None:
            expected = f"no {capability}, as the bench file declares (device.capabilities)"
            yield Finding(requirement, expected, f"the device has it: {seen}", (seen,), Verdict.INCONCLUSIVE)


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


_ENDINGS = (
    catalogue.OUTGOING_REMOTE_HANGUP,
    catalogue.INCOMING_REMOTE_HANGUP,
    catalogue.INCOMING_LOCAL_HANGUP,
)


def _cause_time(kind: EventKind, call: Call) -> float:
    cause = call.bye if kind in _ENDINGS else call.final
    return (cause or call.invite).time


def _presses(timeline: Timeline) -> list[Observation]:
    return [o for o in timeline if isinstance(o.content, OutputChanged) and o.content.active]


def _of(logged: Sequence[Observation], *kinds: EventKind) -> list[Observation]:
    names = {kind.name for kind in kinds}
    return [o for o in logged if _event(o).name in names]


def _event(observation: Observation) -> DeviceEvent:
    assert isinstance(observation.content, DeviceEvent)
    return observation.content
