"""What the settings in force forbid in every call, whichever scenario made it and whatever is asked of it.

Video where the setting of the video calls allows none (VID-01, VID-02, VID-04), none where it wants some
(VID-02, VID-03), and whatever goes on, is placed or registered while SIP is off (CFG-01). Who is let in is
another matter: see ``taken_calls``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import declared_timing
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import describes_session, messages, sip
from intercom_hil.spec.settings import VideoCalls
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded, MediaStarted
from intercom_hil.timeline.observation import Configured, SipMessageSeen


def without_video(timeline: Timeline) -> Iterator[Finding]:
    """VID-01, VID-02, VID-04: no video in a call in which the settings allow none from its beginning on."""
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for call in calls(timeline):
        for observation in timeline:
            if not _shows_video(observation, call.call_id):
                continue
            settings = in_force.during(call.invite.time, observation.time)
            rows = {_row_without_video(one.get("video_calls"), placed=call.placed) for one in settings}
            row = rows.pop() if len(rows) == 1 else ""
            if row:
                way, mode = "placed" if call.placed else "accepted", settings[0].get("video_calls")
                expected = f"no video in {way} calls with the video calls set to {mode}"
                yield Finding(row, expected, str(observation), [call.invite, observation])
                break


def with_video(timeline: Timeline) -> Iterator[Finding]:
    """VID-02, VID-03: a call that is taken without an offer is offered video, if accepted calls have it.

    What the other side offers the device may be unable to take; what it offers itself is its own affair
    (RFC 3261 §13.3.1.4).
    """
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for call in calls(timeline):
        if call.placed or call.final is None or not call.accepted:
            continue
        asked, offer = sip(call.invite), sip(call.final)
        if asked.media or "application/sdp" in asked.raw or not offer.media:
            continue
        settings = in_force.during(call.invite.time, call.final.time)
        rows = {_ROWS_WITH_VIDEO.get(str(one.get("video_calls")), "") for one in settings}
        row = rows.pop() if len(rows) == 1 else ""
        if row and not any(line.media == "video" and line.port for line in offer.media):
            expected = f"an offer of video with the video calls set to {settings[0].get('video_calls')}"
            yield Finding(row, expected, str(call.final), [call.invite, call.final])


_ROWS_WITH_VIDEO = {str(VideoCalls.INCOMING): "VID-02", str(VideoCalls.BOTH): "VID-03"}


def _row_without_video(mode: object, *, placed: bool) -> str:
    """Return the row that allows no video in calls of a direction; nothing where there may be some."""
    if mode == VideoCalls.OFF:
        return "VID-04"
    if mode == VideoCalls.OUTGOING and not placed:
        return "VID-01"
    return "VID-02" if mode == VideoCalls.INCOMING and placed else ""


def _shows_video(observation: Observation, call_id: str) -> bool:
    """Whether the device offers, takes or sends video; that it would only receive shows nobody anything."""
    content = observation.content
    if isinstance(content, MediaStarted):
        return content.sender == "device" and content.media == "video" and content.call_id == call_id
    return (
        isinstance(content, SipMessageSeen)
        and content.sender == "device"
        and content.call_id == call_id
        and describes_session(content)
        and any(
            line.media == "video" and line.port != 0 and line.direction in ("sendrecv", "sendonly")
            for line in content.media
        )
    )


def switched_off(timeline: Timeline) -> Iterator[Finding]:
    """CFG-01: once it has had the time to hang up, a device whose SIP is off does nothing."""
    timing = declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)

    def off(begun: float, ended: float) -> bool:
        settings = in_force.during(begun - timing.hang_up, ended)
        return bool(settings) and all(one.get("enabled") is False for one in settings)

    placed = [call.invite for call in calls(timeline) if call.placed]
    asked: dict[str, Observation] = {}  # by branch: a request that is sent again was made before
    for observation in messages(timeline):
        if _registers(sip(observation)):
            asked.setdefault(sip(observation).branch, observation)
    for found in (placed, list(asked.values())):
        active = [o for o in found if off(o.time, o.time)]
        if active:
            yield Finding("CFG-01", "with SIP off no call and no registration", str(active[0]), active[:1])
    for observation in timeline:
        flow = observation.content
        if isinstance(flow, MediaEnded) and flow.sender == "device" and off(flow.last, flow.last):
            yield Finding("CFG-01", "with SIP off no media goes on", str(flow), [observation])
            break


def left_up(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """CFG-01: a device whose SIP is off has no call, and has told the other side so (RFC 3261 §15).

    Nothing is said where the scenario ended (``settled``, epoch seconds) before the device had to.
    """
    timing = declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    for observation in timeline:
        content = observation.content
        if (
            not isinstance(content, Configured)
            or not content.accepted
            or content.settings.get("enabled", True)
        ):
            continue
        begun = observation.time
        over = begun + timing.apply + 2 * timing.hang_up
        over += late_between(timeline, begun, over)
        settings = in_force.during(over - timing.hang_up, over)
        off = bool(settings) and all(one.get("enabled") is False for one in settings)
        up = [c for c in calls(timeline) if _goes_on(c, begun, over)]
        if off and up and over < settled:
            text = "with SIP off no call goes on, and the other side is told"
            yield Finding("CFG-01", text, f"{up[0].invite}: never ended", [up[0].invite, observation])


def _goes_on(call: Call, begun: float, over: float) -> bool:
    """Whether a call that was up, or rang at the other side, before a time goes on after another one."""
    if call.established and call.final is not None:
        return call.final.time < begun and over < call.over
    rings = any(
        100 < (sip(o).status or 0) < 200 and sip(o).method == "INVITE" and o.time < begun
        for o in call.messages
    )
    ended = [o.time for o in (call.cancel, call.final, call.bye) if o is not None]
    return call.placed and rings and over < min(ended, default=inf)


def _registers(message: SipMessageSeen) -> bool:
    """Whether the device asks to be registered; it may still take its registration back."""
    asks = message.sender == "device" and message.is_request and message.method == "REGISTER"
    return asks and not message.takes_back
