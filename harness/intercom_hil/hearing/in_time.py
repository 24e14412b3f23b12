"""From the answer to the end: OUT-05 of placed calls, INC-06 of those taken.

The device has its time to open the channels (``timing.answer``). From then on it sends, as long as both sides
talk and nothing changes the call; and what it is sent is heard at its speaker to the end. Where nothing is
known to be at the microphone, or it is turned down, a device may have nothing to send (RFC 3551 §4.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.hearing.both_heard import is_audible, volume_in
from intercom_hil.hearing.conversations import Conversation, conversations, is_near, microphone_tone
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.lateness import MOSTLY, late_between
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded
from intercom_hil.timeline.observation import SpeakerHeard, Witness

LATEST = 1.0
"""Seconds beyond the time to open its channels after which the sound of a device comes too late."""
SOONEST = 2.0
"""Seconds before the end of a conversation until which the sound of a device goes on at the least."""
_FALLS_SILENT = 3.0
"""Seconds at the end of a conversation in which the speaker gives something of what the device is sent.

A device that lets one side speak at a time gives the word to either now and then.
"""
_LEAST_WINDOWS = 5


def sound_in_time(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Judge both ends of each conversation; ``closed`` is when the scenario ended (epoch seconds)."""
    tone = microphone_tone(timeline)
    for one in conversations(timeline, closed):
        flows = _flows(timeline, one, of_device=True)
        if not flows:
            continue
        spoken = tone is not None and is_audible(volume_in(timeline, one, "microphone_volume"))
        if spoken and not one.again:
            yield from _late(timeline, one, flows, tone)
        if spoken:
            yield from _early(timeline, one, flows)
        yield from _silent_in_the_end(timeline, one)


def _flows(timeline: Timeline, one: Conversation, *, of_device: bool) -> list[tuple[Observation, MediaEnded]]:
    """Return the accounts of the call's flows of sound, of the device or to it."""
    return [
        (o, o.content)
        for o in timeline
        if isinstance(o.content, MediaEnded)
        and o.content.call_id == one.call.call_id
        and o.content.media == "audio"
        and (o.content.sender if of_device else o.content.receiver) == "device"
    ]


def _late(
    timeline: Timeline, one: Conversation, flows: list[tuple[Observation, MediaEnded]], tone: float | None
) -> Iterator[Finding]:
    """Find sound that begins late: its packets, or the tone in them."""
    timing = declared_timing(timeline)
    observation, first = min(flows, key=lambda pair: pair[1].first)
    begun, what = first.first, observation
    heard = [(o, c) for o, c in one.heard(timeline, of_device=True) if is_near(c.tone_hz, tone)]
    if heard:
        what = heard[0][0]
        begun = max(begun, what.time - heard[0][1].duration)
    limit = one.begun + timing.answer + LATEST + late_between(timeline, one.begun, begun)
    if begun > limit:
        expected = f"sound of the device within {timing.answer:g} s of the answer"
        seen = f"none for {begun - one.begun:.1f} s: {what}"
        yield Finding(one.row, expected, seen, [one.call.invite, what])


def _early(
    timeline: Timeline, one: Conversation, flows: list[tuple[Observation, MediaEnded]]
) -> Iterator[Finding]:
    """Find sound that ends though the other side, which is still there, goes on sending."""
    others = [content.last for _, content in _flows(timeline, one, of_device=False)]
    over = min((o.time for o in presses_in(timeline) if o.time > one.begun), default=one.over)
    until = min([over, one.over, max(others, default=0.0)])
    observation, last = max(flows, key=lambda pair: pair[1].last)
    missing = until - last.last
    late = late_between(timeline, last.last, until)
    if last.last > one.begun and missing - late > SOONEST and late < MOSTLY * missing:
        expected = "sound of the device as long as the other side talks"
        seen = f"none in the last {missing:.1f} s: {last}"
        yield Finding(one.row, expected, seen, [one.call.invite, observation])


def _silent_in_the_end(timeline: Timeline, one: Conversation) -> Iterator[Finding]:
    """Find a speaker that gave the tone which the device is sent, and in the end gives it no more."""
    if not is_audible(volume_in(timeline, one, "speaker_volume")):
        return
    over = min((o.time for o in presses_in(timeline) if o.time > one.begun), default=one.over)
    sent = [(o, c) for o, c in one.heard(timeline, of_device=False) if o.time <= over]
    tones = {round(c.tone_hz) if c.tone_hz is not None else None for _, c in sent}
    spoken = [
        (o, o.content)
        for o in timeline
        if isinstance(o.content, SpeakerHeard) and o.witness is Witness.SPEAKER and one.begun < o.time <= over
    ]
    if len(tones) != 1 or None in tones or not spoken:
        return
    (tone,) = tones
    until = sent[-1][0].time
    given = [o.time for o, c in spoken if is_near(c.tone_hz, tone)]
    missing = [o for o, _ in spoken if given and given[-1] < o.time <= until]
    late = late_between(timeline, until - _FALLS_SILENT, until)
    lasted = until - given[-1] - late if given else 0.0
    if len(missing) >= _LEAST_WINDOWS and lasted > _FALLS_SILENT:
        expected = f"the {tone} Hz that the device is sent are heard at its speaker to the end"
        seen = f"not in the last {until - given[-1]:.1f} s: {missing[-1]}"
        yield Finding(one.row, expected, seen, [one.call.invite, missing[-1]])
