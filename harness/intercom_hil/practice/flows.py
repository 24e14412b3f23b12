"""How the device's flows count and report: RTP-03 (numbers), RTP-04 (sender reports), RTP-07 (directions)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intercom_hil.judge.calls import calls
from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded, MediaHeard, VideoSeen

LEAST_STEPS = 20
"""Steps from one packet to the next from which on a flow shows how it counts."""
REPORTS_WITHIN = 10.0
"""Seconds within which a sender has reported at the latest.

The first report comes after 3.1 s at most, and should it be one before anything was sent, the second 6.2 s
later (RFC 3550 §6.2: a least interval of 5 s, halved for the first, times 1.5 / 1.218).
"""
_LEAST_PACKETS = 50
_SHORT_LIVED = 10
"""Packets: a source that sends no more, among several of one call, was given up for the next one."""
_MANY_SOURCES = 5
_STOPS_WITHIN = 0.5


def flows(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """Judge each flow of the device that belongs to a call."""
    known = {call.call_id for call in calls(timeline)}
    unreported = {sip(o).call_id for o in seen if _without_reports(sip(o).raw)}
    watched = _others_report(timeline)
    sources: dict[tuple[str, str, str, str], list[Observation]] = {}
    for observation in timeline:
        flow = observation.content
        if not isinstance(flow, MediaEnded) or flow.sender != "device" or flow.call_id not in known:
            continue
        sources.setdefault((flow.source, flow.destination, flow.media, flow.call_id), []).append(observation)
        _counts(observation, flow, book)
        lasting = flow.last - flow.first >= REPORTS_WITHIN and flow.packets >= _LEAST_PACKETS
        if lasting and watched and flow.sender_reports is not None and flow.call_id not in unreported:
            others = f" ({flow.receiver_reports} receiver reports)" if flow.receiver_reports else ""
            problem = f"no sender report of {flow.media} in {flow.last - flow.first:.0f} s{others}"
            book.check("RTP-04", flow.sender_reports > 0, problem, observation)
    agreed = _agreements(seen)
    for (_, _, _, call_id), same in sources.items():
        brief = [o for o in same if _packets(o) <= _SHORT_LIVED]
        distinct = len({_source(o) for o in same})
        if len(brief) >= _MANY_SOURCES or distinct - agreed.get(call_id, 0) >= _MANY_SOURCES:
            book.broken("RTP-03", f"{distinct} sources (SSRC) where there is one", *(brief or same))
    for observation in _against_direction(timeline, seen):
        book.broken("RTP-07", "media against its direction", observation)


def _counts(observation: Observation, flow: MediaEnded, book: Book) -> None:
    steps = flow.steps or 0
    if flow.reused >= LEAST_STEPS:
        problem = f"sequence numbers of earlier packets, {flow.reused} times"
        book.check("RTP-03", False, problem, observation)
    if steps + flow.leaps < LEAST_STEPS:
        return
    book.look("RTP-03", observation)
    if flow.odd_timestamps * 2 > steps:
        problem = f"timestamps that do not rise with the sound ({flow.odd_timestamps} of {steps} packets)"
        book.broken("RTP-03", problem, observation)
    if flow.leaps * 2 > steps:
        book.broken("RTP-03", f"sequence numbers that leap, {flow.leaps} times", observation)


def _agreements(seen: Sequence[Observation]) -> dict[str, int]:
    """Return how often each call was negotiated: with each a device may begin a new source."""
    found: dict[str, int] = {}
    for observation in seen:
        message = sip(observation)
        if message.media and (message.status is not None or message.method == "ACK"):
            found[message.call_id] = found.get(message.call_id, 0) + 1
    return found


def _source(observation: Observation) -> int:
    flow = observation.content
    return flow.ssrc if isinstance(flow, MediaEnded) else 0


def _packets(observation: Observation) -> int:
    flow = observation.content
    return flow.packets if isinstance(flow, MediaEnded) else 0


def _others_report(timeline: Timeline) -> bool:
    """Whether reports of others were seen: of a capture that has none it is not known that it has all."""
    accounts = (o.content for o in timeline if isinstance(o.content, MediaEnded))
    return any(a.sender != "device" and (a.sender_reports or a.receiver_reports) for a in accounts)


def _without_reports(raw: str) -> bool:
    """Whether a description turns sender reports off (RFC 3556 §2)."""
    return "b=RS:0" in raw


def _against_direction(timeline: Timeline, seen: Sequence[Observation]) -> Iterator[Observation]:
    """Yield what the device sends where its own answer says recvonly or inactive (RFC 3264 §6.1)."""
    for place, observation in enumerate(seen):
        message = sip(observation)
        if message.sender != "device" or message.method not in ("INVITE", "UPDATE"):
            continue
        if message.status is None or not 200 <= message.status < 300:
            continue
        silent = {line.media for line in message.media if line.direction in ("recvonly", "inactive")}
        silent -= {line.media for line in message.media if line.direction in ("sendrecv", "sendonly")}
        later = [o.time for o in seen[place + 1 :] if _changes(o, message.call_id)]
        begun, over = observation.time + _STOPS_WITHIN, min(later, default=float("inf"))
        for other in timeline:
            content = other.content
            if not isinstance(content, MediaHeard | VideoSeen) or content.sender != "device":
                continue
            media = "audio" if isinstance(content, MediaHeard) else "video"
            sent = begun < other.time - content.duration and other.time < over
            if content.call_id == message.call_id and media in silent and sent:
                yield other


def _changes(observation: Observation, call_id: str) -> bool:
    message = sip(observation)
    return message.call_id == call_id and message.is_request and message.method in ("INVITE", "UPDATE")
