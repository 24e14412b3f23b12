"""How the device's flows count and report: RTP-03 (numbers), RTP-04 (reports), RTP-07 (directions), KEY-03.

KEY-03 is that the reports of a secured call are secured as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import inf

from intercom_hil.judge.calls import calls
from intercom_hil.judge.lateness import MOSTLY, late_between
from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded, MediaHeard, VideoSeen
from intercom_hil.timeline.observation import SipMessageSeen

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
LEAST_PACED = 0.6
"""Seconds over which a clock has to be watched to say how fast it runs."""
_PACE_TOLERANCE = 0.1
_PACE_MARGIN = 0.3
"""Seconds by which first and last packet of a flow may be early or late."""
_SENDERS_BANDWIDTH = re.compile(r"^b=RS:([0-9]{1,9})\b", re.MULTILINE)
_LEAST_BANDWIDTH = 400
"""Bits per second: with fewer for its reports a sender may report more rarely than every five seconds."""
_RARELY = re.compile(r"^a=rtcp-fb:.*\btrr-int\b", re.MULTILINE)
_RTCP_ELSEWHERE = ("a=rtcp:", "a=rtcp-mux", "a=candidate:", "a=ice-ufrag:")
"""What says that reports may go elsewhere than to the port above the media's (RFC 3605, 5761, 8445)."""


def flows(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """Judge each flow of the device that belongs to a call."""
    known = {call.call_id for call in calls(timeline)}
    unreported = {sip(o).call_id for o in seen if _without_reports(sip(o).raw)}
    elsewhere = {
        sip(o).call_id
        for o in seen
        if sip(o).sender != "device" and any(word in sip(o).raw for word in _RTCP_ELSEWHERE)
    }
    watched = _others_report(timeline)
    sources: dict[tuple[str, str, str, str], list[tuple[Observation, MediaEnded]]] = {}
    for observation in timeline:
        flow = observation.content
        if not isinstance(flow, MediaEnded) or flow.sender != "device" or flow.call_id not in known:
            continue
        way = flow.source, flow.destination, flow.media, flow.call_id
        sources.setdefault(way, []).append((observation, flow))
        _counts(observation, flow, book)
        _keeps_time(timeline, observation, flow, book)
        if flow.stray_reports and flow.call_id not in elsewhere:
            problem = f"reports of {flow.media} to another port than the one above that of the media"
            book.broken("RTP-04", problem, observation)
        itself_in_clear = flow.plain and not flow.authenticated  # ENC-11, and the reports are as it is
        reported = flow.sender_reports or flow.receiver_reports
        if flow.protection == "srtp" and reported and not itself_in_clear:
            problem = f"reports of {flow.media} in clear"
            book.check("KEY-03", flow.clear_reports == 0, problem, observation)
        lasting = flow.last - flow.first >= REPORTS_WITHIN and flow.packets >= _LEAST_PACKETS
        if lasting and watched and flow.sender_reports is not None and flow.call_id not in unreported:
            others = f" ({flow.receiver_reports} receiver reports)" if flow.receiver_reports else ""
            problem = f"no sender report of {flow.media} in {flow.last - flow.first:.0f} s{others}"
            book.check("RTP-04", flow.sender_reports > 0, problem, observation)
    agreed = _agreements(seen)
    for (_, _, _, call_id), same in sources.items():
        brief = [o for o, flow in same if flow.packets <= _SHORT_LIVED]
        distinct = len({flow.ssrc for _, flow in same})
        if len(brief) >= _MANY_SOURCES or distinct - agreed.get(call_id, 0) >= _MANY_SOURCES:
            shown = brief or [o for o, _ in same]
            book.broken("RTP-03", f"{distinct} sources (SSRC) where there is one", *shown)
    for observation in _against_direction(timeline, seen):
        book.broken("RTP-07", "media against its direction", observation)


def _counts(observation: Observation, flow: MediaEnded, book: Book) -> None:
    steps = flow.steps or 0
    if flow.malformed >= LEAST_STEPS:
        book.broken("RTP-03", f"{flow.malformed} packets with impossible padding", observation)
    if flow.reused >= LEAST_STEPS:
        problem = f"sequence numbers of earlier packets, {flow.reused} times"
        book.broken("RTP-03", problem, observation)
    if steps + flow.leaps < LEAST_STEPS:
        return
    book.look("RTP-03", observation)
    if flow.odd_timestamps * 2 > steps:
        problem = f"timestamps that do not rise with the sound ({flow.odd_timestamps} of {steps} packets)"
        book.broken("RTP-03", problem, observation)
    if flow.leaps * 2 > steps:
        book.broken("RTP-03", f"sequence numbers that leap, {flow.leaps} times", observation)
    if flow.odd_markers >= LEAST_STEPS and flow.odd_markers * 2 > steps:
        problem = f"markers on packets that begin no talkspurt ({flow.odd_markers} of {steps})"
        book.broken("RTP-03", problem, observation)


def _keeps_time(timeline: Timeline, observation: Observation, flow: MediaEnded, book: Book) -> None:
    """Judge how fast the timestamps rise, of sound and of pictures, where it was watched for long enough."""
    if flow.pace is None or flow.paced_for < LEAST_PACED or flow.packets < LEAST_STEPS:
        return
    if late_between(timeline, flow.first, flow.last) >= MOSTLY * (flow.last - flow.first):
        return
    off = abs(flow.pace - 1) > _PACE_TOLERANCE + _PACE_MARGIN / flow.paced_for
    problem = f"a clock of {flow.media} that runs {flow.pace:.2f} times as fast as described"
    book.check("RTP-03", not off, problem, observation)


def _agreements(seen: Sequence[Observation]) -> dict[str, int]:
    """Return how often each call was negotiated: with each a device may begin a new source."""
    found: dict[str, int] = {}
    for observation in seen:
        message = sip(observation)
        if message.media and (message.status is not None or message.method == "ACK"):
            found[message.call_id] = found.get(message.call_id, 0) + 1
    return found


def _others_report(timeline: Timeline) -> bool:
    """Whether reports of others were seen: of a capture that has none it is not known that it has all."""
    accounts = (o.content for o in timeline if isinstance(o.content, MediaEnded))
    return any(a.sender != "device" and (a.sender_reports or a.receiver_reports) for a in accounts)


def _without_reports(raw: str) -> bool:
    """Whether a description turns sender reports off, or makes them rare (RFC 3556 §2, RFC 4585 §4.2)."""
    allowed = _SENDERS_BANDWIDTH.findall(raw)
    return any(int(bits) < _LEAST_BANDWIDTH for bits in allowed) or bool(_RARELY.search(raw))


def _against_direction(timeline: Timeline, seen: Sequence[Observation]) -> Iterator[Observation]:
    """Yield what the device sends where it was agreed that it sends none (RFC 3264 §6, §6.1, §8.2).

    Its own answer says recvonly, inactive or port 0; or the other side's says inactive or port 0.
    """
    changes: dict[str, list[tuple[int, float]]] = {}
    for place, observation in enumerate(seen):
        if sip(observation).is_request and sip(observation).method in ("INVITE", "UPDATE"):
            changes.setdefault(sip(observation).call_id, []).append((place, observation.time))
    for place, observation in enumerate(seen):
        message = sip(observation)
        if "device" not in (message.sender, message.receiver) or message.method not in ("INVITE", "UPDATE"):
            continue
        if message.status is None or not 200 <= message.status < 300:
            continue
        none = ("recvonly", "inactive") if message.sender == "device" else ("inactive",)
        silent = {line.media for line in message.media if line.direction in none or line.port == 0}
        silent -= {line.media for line in message.media if line.direction not in none and line.port}
        if not silent:
            continue
        later = (at for changed, at in changes.get(message.call_id, ()) if changed > place)
        begun, over = observation.time + _STOPS_WITHIN, min(later, default=inf)
        open_ = {media: _open_besides(message, media, seen) for media in ("audio", "video")}
        for other in timeline:
            content = other.content
            if not isinstance(content, MediaHeard | VideoSeen) or content.sender != "device":
                continue
            media = "audio" if isinstance(content, MediaHeard) else "video"
            since = max([begun, *(end + _STOPS_WITHIN for end in open_[media])])
            sent = since < other.time - content.duration and other.time < over
            if content.call_id == message.call_id and media in silent and sent:
                yield other


def _open_besides(message: SipMessageSeen, media: str, seen: Sequence[Observation]) -> list[float]:
    """Return until when other dialogs of an INVITE have media of a kind that the device may send to.

    Several may take one call (RFC 3261 §13.2.2.4), and of which of them a flow is, is not known. Infinity is
    for those that are not ended.
    """
    own = frozenset((message.from_tag, message.to_tag))
    ends = {
        frozenset((sip(o).from_tag, sip(o).to_tag)): o.time
        for o in seen
        if sip(o).method == "BYE" and sip(o).is_request and sip(o).call_id == message.call_id
    }
    found = []
    for other in map(sip, seen):
        dialog = frozenset((other.from_tag, other.to_tag))
        taken = other.method == "INVITE" and 200 <= (other.status or 0) < 300
        if other.call_id != message.call_id or dialog == own or not taken:
            continue
        if any(line.media == media and line.port and line.direction != "inactive" for line in other.media):
            found.append(ends.get(dialog, inf))
    return found
