"""The stretches of calls in which both sides should hear each other: up, undisturbed, sound both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.messages import sip
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaHeard
from intercom_hil.timeline.observation import Configured, Declared, MediaLine, SipMessageSeen
from intercom_hil.timeline.vocabulary import TONE_TOLERANCE

_CHANGING = ("INVITE", "UPDATE", "REFER", "BYE")
"""Requests within a call that may change what is heard in it (RFC 3261 §14, RFC 3311, RFC 3515)."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One stretch of an established call (epoch seconds).

    It goes from the ACK of the call, or ``again`` from that of what changed it, to what changes or ends it.
    """

    call: Call
    begun: float
    over: float
    again: bool = False

    @property
    def row(self) -> str:
        """The row of the page that says that both sides hear each other."""
        return "OUT-05" if self.call.placed else "INC-06"

    def heard(self, timeline: Timeline, *, of_device: bool) -> list[tuple[Observation, MediaHeard]]:
        """Return what was heard in it of the device, or what the device was sent."""
        return [
            (o, o.content)
            for o in timeline
            if isinstance(o.content, MediaHeard)
            and o.content.call_id == self.call.call_id
            and self.begun < o.time <= self.over
            and (o.content.sender if of_device else o.content.receiver) == "device"
        ]


def conversations(timeline: Timeline, closed: float) -> Iterator[Conversation]:
    """Yield those of each call that was established with sound both ways until ``closed`` (epoch seconds)."""
    configured = [o.time for o in timeline if isinstance(o.content, Configured)]
    for call in calls(timeline):
        final = call.final
        if not call.established or final is None or not _both_ways(call):
            continue
        up = [o.time for o in call.messages if sip(o).method == "ACK" and o.time >= final.time]
        first = min(up, default=final.time)
        for begun in (first, *_taken_up_again(call, first)):
            changed = [
                o.time
                for o in call.messages
                if o.time > begun and sip(o).is_request and sip(o).method in _CHANGING
            ]
            changed += [at for at in configured if at > begun]
            yield Conversation(call, begun, min([closed, *changed]), begun != first)


def _taken_up_again(call: Call, first: float) -> Iterator[float]:
    """Yield when sound was to go both ways after a re-INVITE, by an offer and an answer that both say so."""
    for observation in call.messages:
        invite = sip(observation)
        if invite.method != "INVITE" or not invite.is_request or observation.time <= first:
            continue
        own = [
            o
            for o in call.messages
            if o.time >= observation.time and _of_transaction(sip(o), invite) and o is not observation
        ]
        accepted = any(200 <= (sip(o).status or 0) < 300 for o in own)
        acks = [o.time for o in own if sip(o).method == "ACK"]
        described = [_audio(o) for o in (observation, *own) if sip(o).media]
        offered = {sip(o).sender for o in (observation, *own) if sip(o).media}
        if accepted and acks and len(offered) == len(("offer", "answer")) and _go_both_ways(described):
            yield min(acks)


def _of_transaction(message: SipMessageSeen, invite: SipMessageSeen) -> bool:
    """Whether a message belongs to an INVITE, its 2xx and the ACK of that included."""
    asking = message.sender if message.is_request else message.receiver
    return asking == invite.sender and message.cseq == invite.cseq and message.method in ("INVITE", "ACK")


def microphone_tone(timeline: Timeline) -> float | None:
    """Return what the bench plays at the device's microphone, in Hz; None where that is not known."""
    declared = (o.content for o in timeline if isinstance(o.content, Declared))
    return next((content.microphone_tone for content in declared), None)


def is_near(hz: float | None, tone: float | None) -> bool:
    """Return whether a frequency is that of a tone."""
    return hz is not None and tone is not None and abs(hz - tone) <= TONE_TOLERANCE * tone


def _both_ways(call: Call) -> bool:
    """Whether every description at the call's beginning has sound in use, and it goes both ways."""
    return _go_both_ways(
        [
            _audio(o)
            for o in call.messages
            if sip(o).media and (call.final is None or o.time <= call.final.time or sip(o).method == "ACK")
        ]
    )


def _audio(observation: Observation) -> list[MediaLine]:
    return [line for line in sip(observation).media if line.media == "audio" and line.port]


def _go_both_ways(described: list[list[MediaLine]]) -> bool:
    lines = [line for audio in described for line in audio]
    return all(described) and bool(lines) and all(o.direction == "sendrecv" and not o.held for o in lines)
