"""What of a capture can be judged without a bench: by the wire alone, and within the capture's window.

A capture shows what went by one place in a while. Calls that began before it, what another interface took,
and what the tool lost are missing, and that is nobody's fault. So what rests on something that is *not* there
fails only where the other side shows that it missed it too: it sent again what was not answered (RFC 3261
§13.3.1.4, §17.1.2.2). And of a call whose story has holes no rule fails that needs the whole story.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from intercom_hil.capture_file.reading import CaptureRead
from intercom_hil.judge.judgement import Judgement
from intercom_hil.judge.messages import sip
from intercom_hil.monitors.monitors import monitor
from intercom_hil.spec.capabilities import Capability
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Declared, SipMessageSeen

_OF_THE_WIRE = ("flood", "media", "credentials", "good practice")
"""Monitors that need no setting, no press and no event log."""
_WHOLE_STORY = frozenset(
    {
        *("SIP-05", "SIP-06", "SIP-07", "SIP-08", "SIP-09", "SIP-10", "SIP-11", "SIP-12", "SIP-13", "SIP-14"),
        "SIP-18",
        *("RTP-01", "RTP-02", "RTP-07", "RTP-08"),
    }
)
"""Rows that hold one message against others of its call: what is missing may be what explains it."""
_OF_ANY_CALL = frozenset({"SIP-18"})
"""Rows that also judge what is of no call at all: that its call began before the capture explains nothing."""
_UNBEGUN = "its beginning"
_AGREEMENT = frozenset({"ENC-11"})
"""Rows that hold packets against what was agreed: packets that are there, whatever else was lost."""
_CALLS_UNREAD = frozenset({"RTP-01", "RTP-02"})
"""Rows of media that may belong to a call whose signalling nobody could read."""
_ABSENCES = frozenset({"SIP-07", "SIP-09", "RTP-04"})
"""Rows that fail for what is not there."""
_OF_ONE_MESSAGE = frozenset({"SIP-01", "SIP-02", "SIP-04", "KEY-01", "KEY-02", "REG-05"}) | _AGREEMENT
"""Rows that no order and no time matters to."""
_COPIES = frozenset({"SIP-13", "SIP-16"})
"""Rows that fail for what is sent again although something has come for the device."""
_OPEN_AGAIN = 5.0
"""Seconds in which a way that is open shows it."""
_AGAIN_AFTER = 0.5
"""Seconds after which who gets no answer sends again (RFC 3261 §17.1.1.1: T1)."""


def judge_capture_read(read: CaptureRead, timeline: Timeline, *, servers_named: bool) -> list[Judgement]:
    """Judge what was read of a capture.

    Args:
        read: what was read, and what could not be.
        timeline: the same with everybody by role; what is declared of the device is put on it.
        servers_named: whether the device's servers are known, and not guessed.
    """
    last = max((observation.time for observation in timeline), default=read.ended)
    lacks = Declared(has=(), lacks=(Capability.EVENT_LOG,))
    timeline.append(Witness.BENCH, lacks, timeline.opened)
    found = monitor(timeline, last, last, _OF_THE_WIRE)
    holes = _holes(timeline)
    unread = _of_the_device(read, timeline)
    judged = []
    for judgement in found:
        why = ""
        if judgement.verdict is Verdict.FAIL:
            why = _excuse(judgement, timeline, read, holes, unread, servers_named=servers_named)
        elif judgement.verdict is Verdict.PASS and (read.cut or read.damage):
            why = "; ".join(read.gaps)
        judged.append(_left_open(judgement, why) if why else judgement)
    return judged


def _left_open(judgement: Judgement, why: str) -> Judgement:
    seen = f"{judgement.seen}; but {why}"
    return judgement.model_copy(update={"verdict": Verdict.INCONCLUSIVE, "seen": seen})


def _excuse(
    judgement: Judgement,
    timeline: Timeline,
    read: CaptureRead,
    holes: dict[str, str],
    unread: str,
    *,
    servers_named: bool,
) -> str:
    """Return why a failure may be the capture's; empty where it stands."""
    row = judgement.requirement
    rests_on = [timeline[seq] for seq in judgement.observations]
    if row == "REG-05" and _digests_alone(rests_on):
        if not servers_named:
            return "which servers are the device's is not known: name them with --pbx ADDRESS"
        registered = {sip(o).sender for o in timeline if _registers(o)}
        if all(sip(o).receiver in registered for o in rests_on):
            return "the device is registered there: name all of its servers with --pbx ADDRESS"
    if (row in _ABSENCES | _WHOLE_STORY and read.gaps) or (read.stepped and row not in _OF_ONE_MESSAGE):
        return "; ".join(read.gaps)
    if row in _CALLS_UNREAD and unread:
        return unread
    if row in _WHOLE_STORY | _AGREEMENT:
        calls = {getattr(o.content, "call_id", "") for o in rests_on}
        hole = next((holes[call] for call in calls if call in holes), "")
        if hole and (row not in _OF_ANY_CALL or _UNBEGUN not in hole):
            return f"the capture has not the whole call: {hole}"
    over_udp = all(getattr(o.content, "transport", "") == "UDP" for o in rests_on)
    if row in ("SIP-07", "SIP-09"):
        why = _not_missed(rests_on, timeline, read.ended)
        return _not_reached(rests_on, timeline) if over_udp and not why else why
    if row in _COPIES and over_udp:
        copies = [o for o in rests_on if sip(o).sender == "device"]
        wanting = row == "SIP-13" or all(sip(copy).is_request for copy in copies)
        return _not_reached(rests_on, timeline) if wanting else ""
    if row == "SIP-17" and over_udp:
        return "a copy, or a provisional response, may have gone where nobody captured"
    return _not_shown_late(rests_on, timeline) if row == "SIP-15" else ""


def _digests_alone(rests_on: Iterable[Observation]) -> bool:
    """Whether nothing but digests was shown: those are lawful, to whomever the device is registered at."""
    seen = [o.content for o in rests_on if isinstance(o.content, SipMessageSeen)]
    return all(credential.scheme == "digest" for message in seen for credential in message.credentials)


def _not_missed(rests_on: Iterable[Observation], timeline: Timeline, ended: float) -> str:
    """Return why what seems to be unanswered may have been answered elsewhere; empty if it was sent again.

    Where nobody had the time to send it again nothing is shown, unless the device has gone on meanwhile.
    """
    for observation in rests_on:
        message = sip(observation)
        copies = [o for o in timeline if _is_copy(o, message)]
        if len(copies) > 1:
            return ""
        if message.transport == "UDP" or message.status is not None:
            later = [o.time for o in timeline if _same_call(o, message) and o.time > observation.time]
            over = min(later, default=ended)
            if message.status is not None and over - observation.time <= _AGAIN_AFTER and later:
                return ""
            what = "answer" if message.status is None else "ACK"
            return (
                f"the other side never sent it again, as it does without the {what} (RFC 3261 §17.1, "
                f"§13.3.1.4): the {what} may have gone where nobody captured"
            )
    return ""


def _not_reached(rests_on: Sequence[Observation], timeline: Timeline) -> str:
    """Return why the device may not have had what came for it; empty where it was reached meanwhile.

    That may have got lost behind the place of the capture, all of it where the way to the device is closed
    (by an address translation, say). That it was open is shown by what it sends because something came.
    """
    times, messages = [observation.time for observation in rests_on], [sip(o) for o in rests_on]
    parties = {name for message in messages for name in (message.sender, message.receiver)} - {"device"}
    for observation in timeline:
        message = observation.content
        if (
            isinstance(message, SipMessageSeen)
            and message.sender == "device"
            and message.receiver in parties
            and min(times) < observation.time <= max(times) + _OPEN_AGAIN
            and _had_something(message, messages)
        ):
            return ""
    return "nothing shows that the device was reached: what came for it may have got lost behind the capture"


def _had_something(message: SipMessageSeen, judged: Iterable[SipMessageSeen]) -> bool:
    """Whether the device sends this because something came: an answer, an ACK, what a final answer allows.

    What is sent again, and judged, shows nothing.
    """
    key = message.call_id, message.cseq, message.method
    allowed = {(one.call_id, one.to_tag) for one in judged if one.status is not None and one.to_tag}
    if message.status is not None:
        return key not in {(one.call_id, one.cseq, one.method) for one in judged}
    return message.method == "ACK" or (message.call_id, message.to_tag) in allowed


def _not_shown_late(rests_on: Sequence[Observation], timeline: Timeline) -> str:
    """Return why a registration may have been renewed in time, or need not have been; empty if neither holds.

    A device that goes on counting has not been off meanwhile, and has sent no REGISTER that was not captured.
    One that asks again although it was answered may not know that it is registered.
    """
    granted = {(sip(o).call_id, sip(o).cseq) for o in rests_on}
    repeated = any(
        _registers_later(o, answer) and (sip(o).call_id, sip(o).cseq) in granted
        for answer in rests_on[:1]
        for o in timeline
    )
    if repeated and (why := _not_reached(rests_on, timeline)):
        return why
    for observation in rests_on:
        message = sip(observation)
        later = [o.content for o in timeline if _registers_later(o, observation)]
        if any(isinstance(m, SipMessageSeen) and m.cseq == message.cseq + 1 for m in later):
            return ""
    return "the device may have been off, or its REGISTER may have gone where nobody captured"


def _registers(observation: Observation) -> bool:
    """Whether a message grants the device a registration."""
    message = observation.content
    granted = isinstance(message, SipMessageSeen) and message.receiver == "device" and message.status == 200
    return granted and sip(observation).method == "REGISTER"


def _registers_later(observation: Observation, granted: Observation) -> bool:
    message = observation.content
    return (
        isinstance(message, SipMessageSeen)
        and message.is_request
        and message.sender == "device"
        and (message.method, message.call_id) == ("REGISTER", sip(granted).call_id)
        and observation.time > granted.time
    )


def _is_copy(observation: Observation, message: SipMessageSeen) -> bool:
    other = observation.content
    return (
        isinstance(other, SipMessageSeen)
        and (other.call_id, other.cseq, other.method, other.branch, other.status, other.sender)
        == (message.call_id, message.cseq, message.method, message.branch, message.status, message.sender)
        and other.to_tag == message.to_tag
    )


def _same_call(observation: Observation, message: SipMessageSeen) -> bool:
    other = observation.content
    return isinstance(other, SipMessageSeen) and other.call_id == message.call_id and other.method == "BYE"


def _of_the_device(read: CaptureRead, timeline: Timeline) -> str:
    """Return, in words, that the device has connections which nobody can read; empty if it has none."""
    own = {
        getattr(o.content, "source", "").rpartition(":")[0]
        for o in timeline
        if getattr(o.content, "sender", "") == "device"
    }
    found = [pair for pair in read.encrypted if any(end.rpartition(":")[0] in own for end in pair)]
    return f"{len(found)} TLS connections of the device could not be read" if found else ""


def _holes(timeline: Timeline) -> dict[str, str]:
    """Return by Call-ID what shows that messages of a call are missing: what others sent shows it.

    What the device itself sends is what is judged, and excuses nothing.
    """
    found: dict[str, str] = {}
    asked: set[tuple[str, int, str]] = set()
    finals: set[tuple[str, int]] = set()
    highest: dict[tuple[str, str], int] = {}
    begun: set[str] = set()
    answered: set[str] = set()
    seen = [o for o in timeline if isinstance(o.content, SipMessageSeen)]
    for observation in sorted(seen, key=lambda o: (o.time, o.seq)):
        message = sip(observation)
        call, key = message.call_id, (message.call_id, message.cseq, message.method)
        if message.is_initial_invite or (message.is_request and not message.to_tag):
            begun.add(call)
        theirs = message.sender != "device"
        if message.is_request:
            why = _missing_before(message, theirs, call in begun, asked, finals, highest)
            asked.add(key)
            if message.method not in ("ACK", "CANCEL"):
                way = call, message.from_tag
                highest[way] = max(message.cseq, highest.get(way, 0))
        else:
            why = "" if key in asked else f"the {message.method} that a {message.status} answers"
            if message.method == "INVITE" and (message.status or 0) >= 200:
                finals.add((call, message.cseq))
                answered.add(call)
        if not why and theirs and _goes_on(message) and call in begun and call not in answered:
            why = "the answer to its INVITE"
        if why:
            found.setdefault(call, f"{why} is not there")
    return found


def _goes_on(message: SipMessageSeen) -> bool:
    """Whether a message can only come when an INVITE has been answered: the call is up, or over."""
    if message.is_request:
        return bool(message.to_tag) and message.method in ("INVITE", "BYE", "INFO", "REFER")
    return message.method == "BYE" and 200 <= (message.status or 0) < 300


def _missing_before(
    message: SipMessageSeen,
    theirs: bool,
    is_begun: bool,
    asked: set[tuple[str, int, str]],
    finals: set[tuple[str, int]],
    highest: dict[tuple[str, str], int],
) -> str:
    """Return what must have come before a request, and is not there; empty if nothing is missing."""
    call, cseq = message.call_id, message.cseq
    if message.method == "ACK":
        if (call, cseq, "INVITE") not in asked and theirs:
            return "the INVITE that an ACK belongs to"
        return "" if (call, cseq) in finals or not theirs else "the answer that an ACK acknowledges"
    if message.method == "CANCEL":
        return "" if not theirs or (call, cseq, "INVITE") in asked else "the INVITE that a CANCEL belongs to"
    if message.to_tag and not is_begun:
        return _UNBEGUN
    before = highest.get((call, message.from_tag))
    if theirs and before is not None and cseq > before + 1:
        return f"what came between {before} and {cseq} by the other side's count (CSeq)"
    return ""
