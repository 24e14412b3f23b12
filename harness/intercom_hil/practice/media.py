"""The device's media against its calls: RTP-01 (it ends with them), RTP-02 (of agreed payload types), RTP-08.

RTP-08 is that it goes where the other side wants to have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from intercom_hil.hearing.destinations import FOLLOWS_WITHIN, destinations
from intercom_hil.judge.calls import calls
from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import MediaEnded, MediaHeard, MediaStarted, SipMessageSeen

ENDS_WITHIN = 0.5
"""Seconds after a BYE was sent, or answered, within which the media has stopped."""


def media(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """Judge each flow of the device that belongs to a call, and each that belongs to none."""
    known = {call.call_id: call for call in calls(timeline)}
    over = _over(seen)
    agreed = _agreed(seen)
    bundled = {sip(o).call_id for o in seen if "a=group:BUNDLE" in sip(o).raw}
    for stray, end_before in _begun_anew(timeline, over):
        book.broken("RTP-01", "media begins anew when its call is over", stray, end_before)
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaEnded) and flow.sender == "device" and flow.call_id in known:
            end = over.get(flow.call_id)
            if end is not None:
                late = flow.last - end.time
                problem = f"{flow.media} goes on when its call is over"
                book.check("RTP-01", late <= ENDS_WITHIN, problem, observation, end)
        if isinstance(flow, MediaStarted | MediaEnded) and flow.sender == "device":
            listed = agreed.get((flow.call_id, flow.media), set())
            if flow.call_id in bundled:  # all of them share one port (RFC 9143)
                listed = set().union(*(types for (call, _), types in agreed.items() if call == flow.call_id))
            more = flow.payload_types or () if isinstance(flow, MediaEnded) else ()
            for payload_type in dict.fromkeys((flow.payload_type, *more)) if listed else ():
                problem = f"payload type {payload_type} of {flow.media}, which nobody listed"
                book.check("RTP-02", payload_type in listed, problem, observation)
    _as_agreed_last(timeline, seen, book)
    for observation, problem in destinations(timeline, seen):
        book.check("RTP-08", not problem, problem, observation)


def _as_agreed_last(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """RTP-02: once a call was negotiated anew, the payload types are those listed then alone (§8.3.2)."""
    for place, (agreed, listed) in enumerate(found := _renegotiated(seen)):
        call_id = sip(agreed).call_id
        later = [other.time for other, _ in found[place + 1 :] if sip(other).call_id == call_id]
        asked = [
            o.time for o in seen if o.time > agreed.time and _asks_anew(sip(o)) and sip(o).call_id == call_id
        ]
        over = min([*later, *asked], default=inf)
        for observation in timeline:
            sound = observation.content
            if not isinstance(sound, MediaHeard) or sound.sender != "device" or sound.call_id != call_id:
                continue
            within = (
                agreed.time + FOLLOWS_WITHIN < observation.time - sound.duration and observation.time < over
            )
            if within and listed and sound.payload_type is not None:
                problem = f"payload type {sound.payload_type} of audio, which is agreed on no more"
                book.check("RTP-02", sound.payload_type in listed, problem, observation, agreed)


def _renegotiated(seen: Sequence[Observation]) -> list[tuple[Observation, set[int]]]:
    """Return what agreed on a call's media anew, and what payload types of audio the other side then lists.

    It does so in its offer, which the device takes, or in its answer, which an ACK may have.
    """
    offers: dict[tuple[str, int, str], SipMessageSeen] = {}
    found = []
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method if message.method != "ACK" else "INVITE"
        if _asks_anew(message):
            offers.setdefault(key, message)
        elif (
            key in offers
            and message.media
            and (message.method == "ACK" or 200 <= (message.status or 0) < 300)
        ):
            theirs = message if message.sender != "device" else offers[key]
            listed = {
                n for line in theirs.media if line.media == "audio" and line.port for n in line.payload_types
            }
            found.append((observation, listed))
    return found


def _asks_anew(message: SipMessageSeen) -> bool:
    """Whether this is a request that may agree on the media of a call anew (RFC 3261 §14, RFC 3311)."""
    return message.is_request and message.method in ("INVITE", "UPDATE") and bool(message.to_tag)


def _over(seen: Sequence[Observation]) -> dict[str, Observation]:
    """Return by Call-ID what shows that the device knew of the end of a call: its BYE, or its answer.

    One that several sides have taken (RFC 3261 §13.2.2.4) goes on until none of them is left.
    """
    found: dict[str, Observation] = {}
    taken: set[tuple[str, frozenset[str]]] = set()
    left: set[tuple[str, frozenset[str]]] = set()
    for observation in seen:
        message = sip(observation)
        dialog = message.call_id, frozenset((message.from_tag, message.to_tag))
        if message.method == "INVITE" and 200 <= (message.status or 0) < 300 and dialog not in taken:
            taken.add(dialog)
            left.add(dialog)
            found.pop(message.call_id, None)
        if message.method != "BYE" or message.sender != "device" or not message.to_tag:
            continue
        if message.status is None or 200 <= message.status < 300:
            left.discard(dialog)
            if dialog not in taken or not any(call_id == message.call_id for call_id, _ in left):
                found.setdefault(message.call_id, observation)
    return found


def _begun_anew(
    timeline: Timeline, over: dict[str, Observation]
) -> Iterator[tuple[Observation, Observation]]:
    """Yield flows of no call that go where the flow of a call went that was over, and what had ended that.

    Elsewhere a device may stream whatever it likes: to a recorder, for example. Of another call that has
    begun meanwhile the descriptions may not have been seen.
    """
    begun = [call.invite.time for call in calls(timeline)]
    led: dict[tuple[str, str], Observation] = {}
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaStarted) and flow.sender == "device" and flow.call_id in over:
            led[flow.source, flow.destination] = over[flow.call_id]
    for observation in timeline:
        flow = observation.content
        if not isinstance(flow, MediaEnded) or flow.sender != "device" or flow.call_id:
            continue
        end = led.get((flow.source, flow.destination))
        if end is None or any(end.time < at < flow.last for at in begun):
            continue
        if flow.first > end.time + ENDS_WITHIN:
            yield observation, end


def _agreed(seen: Sequence[Observation]) -> dict[tuple[str, str], set[int]]:
    """Return by Call-ID and kind of media the payload types that the other side has listed."""
    found: dict[tuple[str, str], set[int]] = {}
    for observation in seen:
        message = sip(observation)
        for line in message.media if message.sender != "device" else ():
            found.setdefault((message.call_id, line.media), set()).update(line.payload_types)
    return found
