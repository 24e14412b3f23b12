"""Both sides hear each other, in every call: OUT-05 of placed calls, INC-06 of those taken.

Where a call lasts and nothing changes it: the tone at the microphone is in what the device sends, about as
loud as in its other calls, without holes, does not fade away, and goes to where the other side wants it; and
the tone that the device is sent is heard at its speaker. Nothing is said of a call that is too short or held,
that nobody can decode, or in which the bench was late.
"""

from __future__ import annotations

from collections.abc import Iterator

from intercom_hil.hearing.conversations import Conversation, conversations, is_near, microphone_tone
from intercom_hil.hearing.destinations import destinations
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.lateness import MOSTLY, late_between
from intercom_hil.judge.messages import messages
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaEnded, MediaStarted
from intercom_hil.timeline.observation import Configured, SpeakerHeard, Witness

QUIETER = 12.0
"""dB by which the tone may be weaker in one call than in another with the same settings."""
MOST_HOLES = 2
"""Holes in the sound of a call that may be chance."""
_SETTLING = 0.3
"""Seconds at the beginning of a call in which a device may open its channels, and at its end close them."""
_WINDOWS = 3
FADES = 20.0
"""dB by which the tone may become weaker in a call: a canceller of noise takes away that much at the most."""
_LAST = 5
"""Windows at the end of a conversation."""
_AUDIBLE = 20
"""The lowest volume of those from 0 to 100 at which something has to be heard."""
_WHOLE = 0.15
"""Seconds: a shorter window at the end of a flow says little of the level."""


def both_heard(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """Judge each call; ``closed`` is when the scenario ended (epoch seconds)."""
    tone = microphone_tone(timeline)
    found = list(conversations(timeline, closed))
    for one in found:
        if tone is not None:  # else there may be nothing to send: noise gates, and silence suppression
            yield from _holes(timeline, one)
        if tone is not None and _lasts(timeline, one) and not _late(timeline, one.begun, one.over):
            if is_audible(volume_in(timeline, one, "microphone_volume")):
                yield from _unheard(timeline, one, tone)
                yield from _fades(timeline, one, tone)
            if is_audible(volume_in(timeline, one, "speaker_volume")):
                yield from _silent_speaker(timeline, one)
    yield from _astray(timeline, [one for one in found if _lasts(timeline, one)])
    if tone is not None:
        whole = [one for one in found if not one.again or _lasts(timeline, one)]
        yield from _quieter(timeline, whole, tone)


def _lasts(timeline: Timeline, one: Conversation) -> bool:
    """Whether a device has had the time to open its channels."""
    return one.over - one.begun > declared_timing(timeline).answer + _SETTLING


def _unheard(timeline: Timeline, one: Conversation, tone: float) -> Iterator[Finding]:
    heard = one.heard(timeline, of_device=True)
    flows = [
        o for o in timeline if isinstance(o.content, MediaStarted) and o.content.call_id == one.call.call_id
    ]
    of_device = [o for o in flows if o.content.sender == "device" and _goes_on(timeline, o, one.begun)]  # type: ignore[union-attr]
    expected = f"the {tone:.0f} Hz at the microphone are heard by the other side"
    if flows and not of_device:
        seen = f"not one packet of media in {one.over - one.begun:.1f} s"
        yield Finding(one.row, expected, seen, [one.call.invite, flows[0]])
    elif len(heard) >= _WINDOWS and not any(is_near(content.tone_hz, tone) for _, content in heard):
        seen = f"in {one.over - one.begun:.1f} s only {heard[-1][0]}"
        yield Finding(one.row, expected, seen, [one.call.invite, heard[-1][0]])


def _goes_on(timeline: Timeline, started: Observation, begun: float) -> bool:
    """Whether a flow had packets after a time, as far as its account tells."""
    flow = started.content
    assert isinstance(flow, MediaStarted)
    accounts = (o.content for o in timeline if isinstance(o.content, MediaEnded))
    lasts = [account.last for account in accounts if account.flow == flow.flow]
    return not lasts or max(lasts) > begun


def _fades(timeline: Timeline, one: Conversation, tone: float) -> Iterator[Finding]:
    """Compare the end of a conversation with its loudest: it may end with the press that ends the call."""
    over = min((o.time for o in presses_in(timeline) if o.time > one.begun), default=one.over)
    heard = [
        (o, content)
        for o, content in one.heard(timeline, of_device=True)
        if content.duration >= _WHOLE and o.time <= over
    ]
    before, last = heard[:-_LAST], heard[-_LAST:]
    loud = [(content.level_dbov, o) for o, content in before if is_near(content.tone_hz, tone)]
    if not loud:
        return
    best, reference = max(loud, key=lambda pair: pair[0])
    if all(content.level_dbov < best - FADES for _, content in last):
        expected = (
            f"the {tone:.0f} Hz as loud at the end as before (within {FADES:.0f} dB of {best:.0f} dBov)"
        )
        yield Finding(one.row, expected, str(last[0][0]), [one.call.invite, reference, last[0][0]])


def _astray(timeline: Timeline, found: list[Conversation]) -> Iterator[Finding]:
    """Find the conversations of which nothing goes to where the other side wants it."""
    judged = list(destinations(timeline, sorted(messages(timeline), key=lambda o: (o.time, o.seq))))
    for one in found:
        own = [
            (observation, problem)
            for observation, problem in judged
            if isinstance(flow := observation.content, MediaEnded)
            and (flow.call_id, flow.media) == (one.call.call_id, "audio")
            and flow.first < one.over
            and flow.last > one.begun + _SETTLING
        ]
        if own and all(problem for _, problem in own):
            observation, problem = own[0]
            expected = "the other side is sent the sound to where it wants to have it"
            yield Finding(one.row, expected, f"{problem}: {observation}", [one.call.invite, observation])


def _silent_speaker(timeline: Timeline, one: Conversation) -> Iterator[Finding]:
    sent = [content.tone_hz for _, content in one.heard(timeline, of_device=False)]
    tones = {round(hz) for hz in sent if hz is not None}
    spoken = [
        o
        for o in timeline
        if isinstance(o.content, SpeakerHeard)
        and o.witness is Witness.SPEAKER
        and one.begun < o.time <= one.over
    ]
    if len(tones) != 1 or None in sent or len(sent) < _WINDOWS or len(spoken) < _WINDOWS:
        return
    tone = float(tones.pop())
    if not any(is_near(o.content.tone_hz, tone) for o in spoken):  # type: ignore[union-attr]
        expected = f"the {tone:.0f} Hz that the device is sent are heard at its speaker"
        yield Finding(one.row, expected, f"only {spoken[-1]}", [one.call.invite, spoken[-1]])


def _holes(timeline: Timeline, one: Conversation) -> Iterator[Finding]:
    for observation in timeline:
        flow = observation.content
        if not isinstance(flow, MediaEnded) or flow.sender != "device" or flow.call_id != one.call.call_id:
            continue
        holes = [
            hole
            for hole in flow.holes
            if one.begun + _SETTLING < hole.time
            and hole.time + hole.seconds < one.over - _SETTLING
            and not _late(timeline, hole.time, hole.time + hole.seconds)
        ]
        if len(holes) > MOST_HOLES:
            longest = max(hole.seconds for hole in holes)
            kinds = ", ".join(sorted({hole.how for hole in holes}))
            seen = f"{len(holes)} holes of up to {longest:.1f} s ({kinds}), though no packet was lost: {flow}"
            yield Finding(one.row, "sound without holes", seen, [one.call.invite, observation])


def _quieter(timeline: Timeline, found: list[Conversation], tone: float) -> Iterator[Finding]:
    """Compare what the other sides hear of the tone, as loud as it was in each call, volume by volume."""
    loudest: dict[object, list[tuple[float, Conversation, Observation]]] = {}
    for one in found:
        heard = [
            (content.level_dbov, observation)
            for observation, content in one.heard(timeline, of_device=True)
            if is_near(content.tone_hz, tone) and content.duration >= _WHOLE
        ]
        if heard:  # lateness makes holes in a tone, and then it is none; it makes none quieter
            level, observation = max(heard, key=lambda pair: pair[0])
            volume = volume_in(timeline, one, "microphone_volume")
            loudest.setdefault(volume, []).append((level, one, observation))
    for calls in loudest.values():
        best, _, reference = max(calls, key=lambda entry: entry[0])
        for level, one, observation in calls:
            if best - level > QUIETER:
                expected = (
                    f"the tone about as loud as in another call (within {QUIETER:.0f} dB of {best:.0f} dBov)"
                )
                yield Finding(one.row, expected, str(observation), [observation, reference])


def is_audible(volume: object) -> bool:
    """Return whether a volume is not so low that nothing may be heard; one not known is the usual one."""
    return not isinstance(volume, int | float) or volume >= _AUDIBLE


def volume_in(timeline: Timeline, one: Conversation, name: str) -> object:
    """Return the volume of this name under which a call began, as it was submitted last."""
    volume: object = None
    for observation in timeline:
        content = observation.content
        if isinstance(content, Configured) and observation.time < one.call.invite.time:
            volume = content.settings.get(name, volume)
    return volume


def _late(timeline: Timeline, begun: float, over: float) -> bool:
    """Whether the bench, and with it an emulated device, was late for most of a time."""
    return late_between(timeline, begun, over) >= MOSTLY * (over - begun)
