"""What became of a press: the calls that it led to, which of them failed, and whether the list was exhausted.

Only what the wire shows beyond doubt is said. A call that a press, new settings or the end of the scenario
cut short is none that failed by itself; nor is one after which the same contact is called again, or may be
(RFC 3261 §8.1.3.5): to the device both may be one call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from intercom_hil.judge.calls import Call
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.messages import sip
from intercom_hil.judge.places import place
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.status_codes import MEDIA_NOT_ACCEPTABLE
from intercom_hil.spec.timing import Timing
from intercom_hil.timeline import Observation, Timeline

TRY_AGAIN = (400, 415, 420, 421, 422, 423, 491, 494, 500, 503, 504, *MEDIA_NOT_ACCEPTABLE)
"""Statuses after which the same contact may be called again, otherwise (RFC 3261 §8.1.3.4, §8.1.3.5)."""
_EARLY = 0.1
"""Part of the call timeout by which a call may be given up before it is over, beside the tolerance."""


@dataclass(frozen=True, slots=True)
class Story:
    """A press of the button, and the calls that the device placed until the next one.

    Attributes:
        pressed: when (epoch seconds).
        calls: the calls, in the order in which they began.
        idle: whether the device was without a call at the press, as far as the wire shows.
    """

    pressed: float
    calls: tuple[Call, ...]
    idle: bool


def stories(presses: Sequence[Observation], seen: Sequence[Call]) -> list[Story]:
    """Return the presses, each with what it led to.

    Args:
        presses: of the button.
        seen: the calls of the timeline, placed and taken.
    """
    found = []
    for pressed, following in pairwise([*(press.time for press in presses), float("inf")]):
        led_to = tuple(call for call in seen if call.placed and pressed < call.invite.time < following)
        idle = not any(call.invite.time <= pressed <= call.over for call in seen)
        found.append(Story(pressed, led_to, idle))
    return found


def failures(timeline: Timeline, told: Sequence[Story], timing: Timing) -> Iterator[Call]:
    """Yield each placed call that failed by itself: refused, or given up when its time was over (EVT-03)."""
    settings = InForce(timeline, timing.apply)
    for story, following in pairwise([*told, Story(float("inf"), (), idle=True)]):
        for call in story.calls:
            later = [one for one in story.calls if one.invite.time > call.invite.time]
            again = any(called(one) == called(call) for one in later)
            ended = call.final.time if call.final else float("inf")
            disturbed = settings.changed(call.invite.time, ended)
            if again or disturbed or ended > following.pressed or not _failed(call, timing, settings):
                continue
            if later or call.status not in TRY_AGAIN:
                yield call


def exhausted(
    timeline: Timeline, told: Sequence[Story], failed: Sequence[Call], timing: Timing
) -> Iterator[Call]:
    """Yield the last call of each press that reached nobody: each contact was called, and failed (EVT-05)."""
    settings = InForce(timeline, timing.apply)
    for story in told:
        if not story.calls or story.calls[-1] not in failed or any(c.accepted for c in story.calls):
            continue
        last = story.calls[-1]
        in_force = settings.during(story.pressed, last.over)
        contacts = {_contacts(one) for one in in_force}
        if len(contacts) != 1:
            continue
        (listed,) = contacts
        tried = {called(call) for call in story.calls}
        if len(set(listed)) == len(listed) == len(tried):
            yield last


def initiations(told: Sequence[Story], timing: Timing, exhausting: Sequence[Call]) -> Iterator[Call]:
    """Yield the first call of each press at which the device was idle (EVT-01).

    A press while contacts are still being called may be ignored (OUT-09): what follows it is no new attempt.
    When the list is exhausted (the last call is among ``exhausting``) there are none left to call.
    """
    over, done = float("-inf"), False
    first = next((called(story.calls[0]) for story in told if story.calls), None)
    for story in told:
        rested = done or story.pressed > over + timing.dial + timing.hang_up
        if story.calls and story.idle and rested and called(story.calls[0]) == first:
            yield story.calls[0]
        over = max([over, *(call.over for call in story.calls if not call.accepted)])
        done = bool(story.calls) and story.calls[-1] in exhausting


def presses_that_hang_up(presses: Sequence[Observation], seen: Sequence[Call]) -> list[Observation]:
    """Return the presses that ended an established call, and so began none."""
    ended = [
        (c.final.time, c.bye.time) for c in seen if c.established and c.final and c.bye_by_device and c.bye
    ]
    return [
        press
        for press in presses
        if any(begun < press.time < bye and _last_before(presses, bye) is press for begun, bye in ended)
    ]


def _last_before(presses: Sequence[Observation], time: float) -> Observation:
    return [press for press in presses if press.time < time][-1]


def _failed(call: Call, timing: Timing, settings: InForce) -> bool:
    if call.final is None or call.accepted:
        return False
    if call.cancel is None:
        return call.refused
    timeouts = [one.get("call_timeout") for one in settings.during(call.invite.time, call.final.time)]
    lasted = call.cancel.time - call.invite.time
    return bool(timeouts) and all(
        isinstance(timeout, int | float) and lasted > timeout * (1 - _EARLY) - timing.tolerance
        for timeout in timeouts
    )


def _contacts(settings: object) -> tuple[str, ...]:
    if not isinstance(settings, dict) or settings.get("encryption") == Encryption.FALLBACK:
        return ()
    further = settings.get("further_numbers")
    return (
        str(settings.get("call_number")),
        *(map(str, further) if isinstance(further, list | tuple) else ()),
    )


def called(call: Call) -> tuple[str, str, int | None]:
    """Return whom a call is for."""
    return place(sip(call.invite).request_uri)
