"""Where the device's media goes, against where the other side wants to have it (RFC 3264 §5.1, §8.3.1).

That is where its descriptions say, the connection line of a media section before that of the session (RFC
4566 §5.7). A device may also send to where the other side sends from: that is how it gets through NAT. Where
ICE has a say (RFC 8445) nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intercom_hil.judge.calls import calls
from intercom_hil.judge.messages import sip
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sdp import Media
from intercom_hil.wire.uri import is_address

FOLLOWS_WITHIN = 1.0
"""Seconds after it was agreed within which media goes to another place."""
_LEAST_PACKETS = 10
_ICE = ("a=candidate:", "a=ice-ufrag:", "a=altc:")


def destinations(timeline: Timeline, seen: Sequence[Observation]) -> Iterator[tuple[Observation, str]]:
    """Yield each flow of the device that belongs to a call, and what is wrong with where it goes (or "").

    Args:
        timeline: what was seen.
        seen: its SIP messages in their order.
    """
    known = {call.call_id for call in calls(timeline)}
    flows = [(o, o.content) for o in timeline if isinstance(o.content, MediaEnded)]
    came = [flow for _, flow in flows if flow.receiver == "device"]
    for observation, flow in flows:
        if flow.sender != "device" or flow.call_id not in known or flow.packets < _LEAST_PACKETS:
            continue
        said = [
            o for o in seen if sip(o).call_id == flow.call_id and sip(o).sender != "device" and sip(o).media
        ]
        wanted = {place for o in said for place in _places(sip(o), flow.media)}
        open_ = any(not _is_known(sip(o)) for o in said)
        if not wanted or open_:
            continue
        if flow.destination not in wanted and flow.destination not in {other.source for other in came}:
            yield observation, f"{flow.media} to {flow.destination}, where the other side never wanted it"
            continue
        moved = _moved(flow, said, seen, came)
        yield (
            observation,
            f"{flow.media} goes on to {flow.destination}, from where it was moved" if moved else "",
        )


def _moved(
    flow: MediaEnded,
    said: Sequence[Observation],
    seen: Sequence[Observation],
    came: Sequence[MediaEnded],
) -> bool:
    """Whether a flow goes on where the other side wants it no more: as the device accepted.

    Who goes on sending from the old place may be answered there, until it sends from another place.
    """
    for observation in said:
        message = sip(observation)
        if not (message.is_request and message.to_tag and message.method in ("INVITE", "UPDATE")):
            continue
        accepted = [
            o.time
            for o in seen
            if (sip(o).call_id, sip(o).cseq, sip(o).method) == (message.call_id, message.cseq, message.method)
            and sip(o).sender == "device"
            and 200 <= (sip(o).status or 0) < 300
        ]
        places = _places(message, flow.media)
        later = {place for o in said if o.time > observation.time for place in _places(sip(o), flow.media)}
        if not accepted or not places or flow.destination in places | later:
            continue
        agreed = min(accepted)
        last = max((other.last for other in came if other.source == flow.destination), default=agreed)
        elsewhere = any(other.source != flow.destination and other.last > last for other in _of(flow, came))
        if last > agreed + FOLLOWS_WITHIN and not elsewhere:
            continue
        if flow.first < agreed and flow.last > max(agreed, last) + FOLLOWS_WITHIN:
            return True
    return False


def _of(flow: MediaEnded, came: Sequence[MediaEnded]) -> list[MediaEnded]:
    """Return what comes to the device of the media of a flow."""
    return [other for other in came if (other.call_id, other.media) == (flow.call_id, flow.media)]


def _places(message: SipMessageSeen, media: str) -> set[str]:
    """Return where a description wants media of a kind, unless it is on hold: at each port of a section."""
    try:
        session = message.session
    except WireError:
        session = None
    sections = session.media if session else message.media
    return {
        endpoint((one.address, port))
        for one in sections
        if one.media == media and one.port and not one.held
        for port in (one.stream_ports if isinstance(one, Media) else (one.port,))
    }


def _is_known(message: SipMessageSeen) -> bool:
    """Whether every address is one, no name that stands for any, and there are no others (RFC 6947)."""
    single = not any(word in message.raw for word in _ICE)
    return single and all(is_address(line.address) for line in message.media if line.port)
