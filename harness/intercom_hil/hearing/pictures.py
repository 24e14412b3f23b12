"""A picture that has begun goes on, and goes on moving, as long as both sides talk: VID-01 to VID-03.

Something moves before the camera while the bench runs, as it says of a device with video. It may stand still
for a while, and a camera may send less of what hardly changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from intercom_hil.hearing.conversations import Conversation, conversations
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import MOSTLY, excuse, late_between
from intercom_hil.spec.settings import VideoCalls
from intercom_hil.spec.verdict import Verdict
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded, VideoSeen

STANDS = 5.0
"""Seconds at the end of a conversation in which there is a picture, and something moves in it."""
_SEEN_MOVING = 2
"""Looks in which a picture has moved before."""
_ROWS = {
    str(VideoCalls.OUTGOING): "VID-01",
    str(VideoCalls.INCOMING): "VID-02",
    str(VideoCalls.BOTH): "VID-03",
}


def pictures_kept_up(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Judge the end of each conversation with a picture; ``closed`` is when the scenario ended (epoch s)."""
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for one in conversations(timeline, closed):
        rows = {
            _ROWS.get(str(settings.get("video_calls")), "")
            for settings in in_force.during(one.call.invite.time, one.over)
        }
        row = rows.pop() if len(rows) == 1 else ""
        pressed = (o.time for o in presses_in(timeline) if o.time > one.begun)
        until = min([one.over, *pressed])
        if row:
            yield from _stopped(timeline, one, row, until)
            yield from _frozen(timeline, one, row, until)


def _stopped(timeline: Timeline, one: Conversation, row: str, until: float) -> Iterator[Finding]:
    """Find a picture that is sent no more, though the device's sound goes on."""
    last: dict[str, tuple[float, Observation]] = {}
    for observation in timeline:
        flow = observation.content
        if not isinstance(flow, MediaEnded) or flow.sender != "device" or flow.call_id != one.call.call_id:
            continue
        if flow.media not in last or last[flow.media][0] < flow.last:
            last[flow.media] = flow.last, observation
    if set(last) != {"audio", "video"}:
        return
    over = min(until, last["audio"][0])
    since, account = last["video"]
    if since > one.begun and over - since > STANDS:
        seen = f"none in the last {over - since:.1f} s: {account}"
        found = Finding(row, "a picture as long as both sides talk", seen, [one.call.invite, account])
        yield _unless_late(timeline, since, over, found)


def _frozen(timeline: Timeline, one: Conversation, row: str, until: float) -> Iterator[Finding]:
    """Find a picture that has moved, and moves no more."""
    looks = [
        (observation, observation.content)
        for observation in timeline
        if isinstance(observation.content, VideoSeen)
        and observation.content.sender == "device"
        and observation.content.call_id == one.call.call_id
        and one.begun < observation.time <= until
    ]
    moving = [observation for observation, look in looks if look.moving]
    if len(moving) < _SEEN_MOVING or any(not look.frames for _, look in looks):
        return
    since, (final, _) = moving[-1], looks[-1]
    if final.time - since.time > STANDS:
        seen = f"nothing moves in the last {final.time - since.time:.1f} s: {final}"
        found = Finding(row, "a picture that goes on moving", seen, [one.call.invite, since, final])
        yield _unless_late(timeline, since.time, final.time, found)


def _unless_late(timeline: Timeline, since: float, until: float, found: Finding) -> Finding:
    """Return what was found; it is inconclusive where the bench's lateness leaves too short a time."""
    late = late_between(timeline, since, until)
    if until - since - late > STANDS and late < MOSTLY * (until - since):
        return found
    return replace(found, verdict=Verdict.INCONCLUSIVE, seen=f"{excuse(late)}; {found.seen}")
