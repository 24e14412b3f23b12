"""A conversation goes on until somebody ends it: OUT-05 of placed calls, INC-06 of those taken.

That the button ends it, new settings, another call that is taken, or what the other side asks for within the
call, is a reason, whether by a request or by a digit (RFC 4733), and so is media that the device cannot use.
One that has lasted for long may be limited.
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.hearing.conversations import conversations
from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import sip
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import Configured, InstrumentLost, SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sdp import Media

LIMITED = 45.0
"""Seconds from which on a device may end a call because it has lasted so long."""
_FINDS_OUT = 0.5
"""Seconds after an answer in which a device may find that it cannot use what was agreed on."""
_STILL_SENT = 0.5
"""Seconds before its end until which the other side was heard, where it had not gone."""
_SILENT = 1.0
"""Seconds after an answer without a packet of the other side, after which a device may take it for lost."""
_ASKS = ("INVITE", "UPDATE", "REFER", "INFO", "MESSAGE")
"""Requests that may make a device end a call: a digit by INFO opens a door, and that was it (RFC 6086)."""
_DIGITS = "TELEPHONE-EVENT/"


def kept_up(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Find the calls that the device ended by itself, until ``closed`` (epoch seconds)."""
    seen = calls(timeline, until=closed)
    talks = {one.call.call_id: one for one in conversations(timeline, closed)}
    if any(isinstance(o.content, InstrumentLost) for o in timeline):
        return
    reasons = [o.time for o in timeline if isinstance(o.content, Configured)]
    reasons += [press.time for press in presses_in(timeline)]
    for call in seen:
        one, bye, final = talks.get(call.call_id), call.bye, call.final
        if one is None or bye is None or final is None or not call.bye_by_device or call.bye_by_remote:
            continue
        asked = any(
            sip(o).is_request and sip(o).receiver == "device" and sip(o).method in _ASKS
            for o in call.messages
            if o.time > final.time
        )
        others = any(c is not call and c.accepted and call.invite.time < c.over for c in seen)
        explained = any(call.invite.time < at < bye.time for at in reasons)
        lasted = bye.time - final.time
        if (
            asked
            or _dialled(timeline, call)
            or others
            or explained
            or not _FINDS_OUT < lasted <= LIMITED
            or not _heard(timeline, call, final.time, bye.time)
        ):
            continue
        expected = "a call that goes on while both sides talk"
        seen_text = f"{bye} after {lasted:.1f} s, for no reason that is known"
        yield Finding(one.row, expected, seen_text, [call.invite, bye])


def _dialled(timeline: Timeline, call: Call) -> bool:
    """Whether the other side has sent digits, by the payload types that the device listed for them."""
    named = {
        number
        for o in call.messages
        if sip(o).sender == "device"
        for section in _sections(sip(o))
        for number, encoding in section.encodings.items()
        if encoding.upper().startswith(_DIGITS)
    }
    return any(
        isinstance(flow := o.content, MediaEnded)
        and (flow.call_id, flow.receiver) == (call.call_id, "device")
        and not named.isdisjoint(flow.payload_types or ())
        for o in timeline
    )


def _sections(message: SipMessageSeen) -> tuple[Media, ...]:
    try:
        session = message.session
    except WireError:
        return ()
    return session.media if session else ()


def _heard(timeline: Timeline, call: Call, begun: float, over: float) -> bool:
    """Whether the other side was sending, from the answer to the end, what the device can use."""
    theirs = [
        o.content
        for o in timeline
        if isinstance(o.content, MediaEnded)
        and o.content.call_id == call.call_id
        and o.content.receiver == "device"
        and o.content.media == "audio"
    ]
    usable = all(not flow.rejected and not flow.plain for flow in theirs)
    soon = any(flow.first < begun + _SILENT for flow in theirs)
    return usable and soon and any(flow.last > over - _STILL_SENT for flow in theirs)
