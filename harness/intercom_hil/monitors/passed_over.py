"""OUT-02: no contact of a press is passed over, nor left uncalled when the list is said to be exhausted.

A contact that cannot be called at all, for want of an address or a connection, leaves nothing on the wire:
its failure is in the log (EVT-03). So it is passed over only where there is none, and where others at the
same host could be called. Nothing is said where the log does not have the failures of those that were called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import declared_timing, events_of, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.messages import sip
from intercom_hil.judge.stories import Story, stories
from intercom_hil.monitors.placed_calls import Contacts, contacts_in, user_and_host
from intercom_hil.spec.events import OUTGOING_CONTACTS_EXHAUSTED, OUTGOING_FAILURE
from intercom_hil.timeline import Observation, Timeline


def passed_over(timeline: Timeline, logged: Sequence[Observation], settled: float) -> Iterator[Finding]:
    """Judge each press that came while the device was idle.

    Args:
        timeline: what was seen.
        logged: the device's events.
        settled: until when its log had time (epoch seconds).
    """
    timing, submitted = declared_timing(timeline), contacts_in(timeline)
    failures = events_of(logged, OUTGOING_FAILURE)
    exhausted = events_of(logged, OUTGOING_CONTACTS_EXHAUSTED)
    seen = calls(timeline, until=settled)
    hosts = {user_and_host(sip(call.invite).request_uri)[1] for call in seen if call.placed}
    told = stories(presses_in(timeline), seen)
    for story, following in pairwise([*told, Story(inf, (), idle=True)]):
        over = min(following.pressed, settled)
        in_force = [one for one in submitted if one.since < story.pressed]
        disturbed = any(story.pressed < one.since < over for one in submitted)
        if not story.idle or not story.calls or not in_force or disturbed:
            continue
        contacts, last = in_force[-1], story.calls[-1]
        if len(set(contacts.numbers)) < len(contacts.numbers) or not _has_had_time(last, over, timing.log):
            continue
        tried, failed = _tried(story.calls, contacts)
        written = [o for o in failures if story.pressed < o.time <= over]
        end = next((o for o in exhausted if story.pressed < o.time <= over), None)
        reached = len(contacts.numbers) if end and not any(c.accepted for c in story.calls) else max(tried)
        untried = (contacts.numbers[place] for place in range(reached) if place not in tried)
        left = [user for user, host in untried if host in ("", *hosts)]
        if left and len(written) == len(failed) > 0:
            names = ", ".join(left)
            seen_text = f"{names} was neither called nor logged as failed; the last call was {last.invite}"
            found = [story.calls[0].invite, last.invite, *([end] if end else [])]
            yield Finding("OUT-02", "each contact in its turn, none left out", seen_text, found)


def _has_had_time(last: Call, over: float, log: float) -> bool:
    """Whether what became of the last call of a press can have been logged before the next one."""
    return last.over == inf or last.over + log < over


def _tried(story: Sequence[Call], contacts: Contacts) -> tuple[set[int], set[int]]:
    """Return the places of the contacts that were called, and of those whose call failed."""
    tried, failed, place = {-1}, set(), 0
    for call in story:
        found = contacts.place(sip(call.invite).request_uri, place)
        if found is not None:
            place = found
            tried.add(found)
            if not call.accepted and (call.status >= 300 or call.cancel is not None):
                failed.add(found)
            else:
                failed.discard(found)
    return tried, failed
