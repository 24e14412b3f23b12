"""One press, one story: the calls that a device places for a press of its button, in every scenario.

OUT-01: to nobody but the contacts, and not without a press. OUT-02: in their order, one at a time, none after
an answer. OUT-03: one that nobody answers is cancelled when the call timeout is over, and not before. Where
the settings, or a press, may be missing nothing is said; what came before the first press belongs to an
earlier scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import explains_interval, late_between
from intercom_hil.judge.messages import sip
from intercom_hil.judge.stories import TRY_AGAIN, Story, called, presses_that_hang_up, stories
from intercom_hil.spec.events import OUTGOING_FAILURE
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.status_codes import BUSY
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Configured, DeviceEvent
from intercom_hil.wire.error import WireError
from intercom_hil.wire.uri import Uri, is_address

_DECLINE = 603
SLACK = 2.0
"""Seconds beyond the call timeout and a tenth of it until a call that goes on ringing was not given up."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts in force, as user and host in lower case; the host of a short number is the server's."""

    numbers: tuple[tuple[str, str], ...]
    since: float
    timeout: float
    fallback: bool

    def place(self, uri: str, from_: int = 0) -> int | None:
        """Return the first place, from one on, that a Request-URI stands for; None if it is no contact's.

        A device may look a contact's name up and put the address there (RFC 3261 §8.1.1.1 is a SHOULD).
        """
        user, host = user_and_host(uri)
        for place in range(from_, len(self.numbers)):
            number, at = self.numbers[place]
            resolved = bool(at) and is_address(host) and not is_address(at)
            if number == user and (at in ("", host) or resolved):
                return place
        return None


def one_press_one_story(timeline: Timeline) -> Iterator[Finding]:
    """OUT-01 and OUT-02 of every placed call after the first press."""
    pressed = [press.time for press in presses_in(timeline)]
    placed = [call for call in calls(timeline) if call.placed]
    settings, refused = contacts_in(timeline), contacts_in(timeline, refused=True)
    for begun, over in pairwise([*pressed, inf]):
        story = [call for call in placed if begun < call.invite.time < over]
        in_force = [one for one in settings if one.since < begun]
        if not story or not in_force or any(begun < one.since < over for one in settings):
            continue
        # Should a form that was refused be in force all the same, that is another rule's affair (CFG-22).
        first = sip(story[0].invite).request_uri
        meant = any(in_force[-1].since < one.since < over and one.place(first) == 0 for one in refused)
        if not meant or in_force[-1].place(first) == 0:
            yield from _in_turn(story, in_force[-1], timeline)


def nothing_after_hanging_up(timeline: Timeline) -> Iterator[Finding]:
    """OUT-06, INC-05: a press that ends a call begins none."""
    presses, seen = presses_in(timeline), calls(timeline)
    hang_ups = presses_that_hang_up(presses, seen)
    for story in stories(presses, seen):
        ended = [
            c
            for c in seen
            if c.bye and c.bye_by_device and c.final and c.final.time < story.pressed < c.bye.time
        ]
        if story.calls and ended and any(press.time == story.pressed for press in hang_ups):
            row = "OUT-06" if ended[-1].placed else "INC-05"
            text = "a press that ends a call begins no other"
            found = [ended[-1].invite, story.calls[0].invite]
            yield Finding(row, text, str(story.calls[0].invite), found)


def _in_turn(story: Sequence[Call], contacts: Contacts, timeline: Timeline) -> Iterator[Finding]:
    """Follow the calls of one press."""
    place = -1
    before: Call | None = None
    named: set[tuple[str, str]] = set()
    for call in story:
        uri = sip(call.invite).request_uri
        redirected = user_and_host(uri) in named
        named |= {user_and_host(other) for other in _other_places(call)}
        if contacts.place(uri) is None and not redirected:
            text = "no call to anybody but the contacts"
            yield Finding("OUT-01", text, f"{call.invite}, at {uri}", [call.invite])
            return
        found = contacts.place(uri, place + 1)
        if before is not None:
            problem = _too_soon(before, call)
            if not problem and not redirected:
                problem = _out_of_turn(before, call, found, contacts, place)
            if problem:
                text = "the contacts one after the other, once each, and none after an answer"
                yield Finding("OUT-02", text, f"{call.invite}: {problem}", [before.invite, call.invite])
                return
        elif found != 0 and contacts.place(uri) != 0 and not _gave_up_unseen(timeline, call):
            text = "the first call to the first contact"
            yield Finding("OUT-02", text, f"{call.invite}, at {uri}", [call.invite])
            return
        place = found if found is not None else place
        before = call


def _other_places(call: Call) -> list[str]:
    """Return where a redirection sends the caller; its call may have a new Call-ID (RFC 3261 §8.1.3.4)."""
    moved = call.final is not None and 300 <= call.status < 400
    return [contact.uri for contact in sip(call.final).contacts] if moved and call.final else []


def _too_soon(before: Call, call: Call) -> str:
    """Return what is wrong with a call at the time of another one of the same press; nothing if it may be."""
    at = call.invite.time
    if before.established and before.final is not None and before.final.time < at:
        return "after an answer"
    ended = before.over < at or (before.cancel is not None and before.cancel.time < at)
    trying = any(100 <= (sip(o).status or 0) < 200 and o.time < at for o in before.messages)
    trying = trying and not _may_have_broken(before, call)
    same = called(before) == called(call)
    return "while the call before goes on" if not (ended or same or before.accepted) and trying else ""


def _may_have_broken(before: Call, call: Call) -> bool:
    """Whether nothing shows that the connection of a call was there still when another call began.

    One that breaks ends its call at once, as 503 would (RFC 3261 §8.1.3.1, §17.1.4).
    """
    used = _connection(before.invite)
    later = [o for o in (*before.messages, *call.messages) if o.time >= call.invite.time]
    over_udp = sip(before.invite).transport == "UDP"
    return not over_udp and not any(_connection(o) == used for o in later)


def _connection(observation: Observation) -> frozenset[str]:
    return frozenset((sip(observation).source, sip(observation).destination))


def _out_of_turn(before: Call, call: Call, found: int | None, contacts: Contacts, place: int) -> str:
    """Return what is wrong with whom a call is for, after another one of the same press; else nothing."""
    if found is not None and found <= place + 1:
        return ""
    if contacts.place(sip(call.invite).request_uri, max(place, 0)) == place:
        # A call tried anew: in clear after SRTP, or for a reason of its own; not after it was turned away.
        # One that was accepted was given up by the device itself, for an answer that it could not use.
        explained = contacts.fallback and not _has_nothing_to_do_with_media(before)
        anew = explained or before.accepted or 300 <= before.status < 400
        return "" if anew or before.status in (0, *TRY_AGAIN) else "tried before"
    return "tried before" if found is None else ""


def _has_nothing_to_do_with_media(call: Call) -> bool:
    """Whether a call failed for who was called, and not for what was offered: busy, or not picked up."""
    early_media = any(sip(o).media for o in call.messages if 100 < (sip(o).status or 0) < 200)
    given_up = call.cancel is not None and sip(call.cancel).sender == "device" and not early_media
    return given_up or call.status in BUSY or call.status == _DECLINE


def _gave_up_unseen(timeline: Timeline, call: Call) -> bool:
    """Whether the device says that it gave a contact up that it sent nothing to: a name that is none."""
    return any(
        isinstance(o.content, DeviceEvent)
        and (o.content.failure or o.content.name == OUTGOING_FAILURE.name)
        and o.time < call.invite.time + 1.0
        for o in timeline
    )


def unseen_attempts(timeline: Timeline, until: float) -> int | None:
    """Return how many attempts may have failed before anything of them was on the wire.

    A name that cannot be resolved, a connection that is refused, a line that is not registered: the device
    logs a failure (EVT-03) of a contact that it sent no INVITE to. There is one for each contact of a press
    that no call was for, up to the one that answered, two where SRTP may fall back, and one for each place
    that a redirection names.

    Args:
        timeline: what was seen.
        until: epoch seconds.

    Returns:
        The number at most; None where a press came while no settings are known.
    """
    presses, seen = presses_in(timeline), calls(timeline, until=until)
    hanging_up = {press.time for press in presses_that_hang_up(presses, seen)}
    settings = contacts_in(timeline)
    told = [story for story in stories(presses, seen) if story.pressed not in hanging_up]
    found = 0
    for story, following in pairwise([*told, Story(inf, (), idle=True)]):
        before = [one for one in settings if one.since < story.pressed]
        if not before:
            return None
        possible = [before[-1], *(one for one in settings if story.pressed < one.since < following.pressed)]
        found += max(_untried(story.calls, contacts) for contacts in possible)
        found += sum(len(_other_places(call)) for call in story.calls)
    return found


def _untried(story: Sequence[Call], contacts: Contacts) -> int:
    """Return how many attempts at contacts remain beside the calls of a press."""
    tries = 2 if contacts.fallback else 1
    left = [tries] * len(contacts.numbers)
    reached, place = len(left), 0
    for call in story:
        found = contacts.place(sip(call.invite).request_uri, place)
        if found is not None:
            place, left[found] = found, max(0, left[found] - 1)
            reached = found + 1 if call.established else reached
    return sum(left[:reached])


def given_up_in_time(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """OUT-03: a call that rings is cancelled within the call timeout, a tenth of it, and two seconds.

    Without a provisional response there is nothing to cancel (RFC 3261 §9.1), nor over a connection that has
    broken. What was still ringing when the scenario ended (``closed``, epoch seconds) sooner than that is
    left open.
    """
    settings = contacts_in(timeline)
    pressed = [press.time for press in presses_in(timeline)]
    seen = calls(timeline)
    for call in seen:
        in_force = [one for one in settings if one.since < call.invite.time]
        if not call.placed or not in_force:
            continue
        limit = call.invite.time + in_force[-1].timeout * 1.1 + SLACK
        if limit > closed or any(call.invite.time < at < limit for at in pressed):
            continue
        if any(call.invite.time < one.since < limit for one in settings):
            continue
        ringing = [o for o in call.messages if 100 < (sip(o).status or 0) < 200 and sip(o).method == "INVITE"]
        over = call.cancel or call.final or call.bye
        later = [one for one in seen if one.placed and call.invite.time < one.invite.time < limit]
        broken = over is None and any(_may_have_broken(call, one) for one in later)
        if ringing and not broken and (over is None or over.time > limit):
            text = f"a call that nobody answers is cancelled after {in_force[-1].timeout:g} s"
            never = f"{call.invite} was not, within {limit - call.invite.time:.1f} s"
            yield Finding("OUT-03", text, never, [call.invite, ringing[0]])


def passed_on_in_time(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """OUT-02: a contact that nothing comes back from is passed on from, though there is nothing to cancel.

    The device has the call timeout for that, or as long as a transaction may take (RFC 3261 §17.1.1.2).
    Nothing is said where a press, a call, new settings or the end of the scenario (``closed``, epoch
    seconds) came first.
    """
    timing = declared_timing(timeline)
    settings, seen = contacts_in(timeline), calls(timeline)
    presses = presses_in(timeline)
    disturbing = [press.time for press in presses] + [c.invite.time for c in seen if not c.placed]
    disturbing += [one.since for one in settings]
    for story in stories(presses, seen):
        in_force = [one for one in settings if one.since < story.pressed]
        if not story.calls or not in_force:
            continue
        call, contacts = story.calls[-1], in_force[-1]
        begun, found = call.invite.time, contacts.place(sip(call.invite).request_uri)
        limit = begun + max(contacts.timeout * 1.1, timing.unheard) + timing.next_contact + timing.tolerance
        limit += late_between(timeline, begun, limit)
        heard = any(sip(o).receiver == "device" for o in call.messages)
        disturbed = any(begun < at <= limit for at in disturbing)
        if found is None or heard or disturbed or limit > closed or found + 1 == len(contacts.numbers):
            continue
        text = "the next contact called when one sends nothing back"
        yield Finding("OUT-02", text, f"none in {limit - begun:.0f} s after {call.invite}", [call.invite])


def given_up_when_due(timeline: Timeline) -> Iterator[Finding]:
    """OUT-03: whichever contact rings, its time is the call timeout, a tenth of it, and the tolerance.

    It begins with the first sign that the contact is called, or with one of another kind (183, then 180). A
    press, a call that comes in, new settings, or early media may have the device do otherwise.
    """
    timing = declared_timing(timeline)
    settings, seen = InForce(timeline, timing.apply), calls(timeline)
    disturbing = [press.time for press in presses_in(timeline)]
    disturbing += [call.invite.time for call in seen if not call.placed]
    for call in seen:
        if not call.placed or call.cancel is None or sip(call.cancel).sender != "device":
            continue
        signs: dict[int, Observation] = {}
        for observation in call.messages:
            if 100 < (sip(observation).status or 0) < 200 and observation.time < call.cancel.time:
                signs.setdefault(sip(observation).status or 0, observation)
        rung = max(signs.values(), key=lambda o: o.time, default=None)
        over = call.cancel.time
        if rung is None or any(sip(o).media for o in signs.values()):
            continue
        in_force = settings.during(call.invite.time, over)
        timeouts = [t for one in in_force if isinstance(t := one.get("call_timeout"), int | float)]
        changed = settings.changed(call.invite.time, over)
        if not timeouts or changed or any(call.invite.time < at <= over for at in disturbing):
            continue
        beyond = over - rung.time - max(timeouts) * 1.1 - timing.tolerance
        if beyond > 0 and not explains_interval(timeline, (rung, call.cancel), by=beyond):
            text = f"a call that nobody answers is cancelled after {max(timeouts)} s"
            seen_text = f"{call.cancel} after {over - rung.time:.1f} s of ringing"
            yield Finding("OUT-03", text, seen_text, [call.invite, rung, call.cancel])


def not_given_up_early(timeline: Timeline) -> Iterator[Finding]:
    """OUT-03: a call that nobody answers goes on for the call timeout, less a tenth of it and the tolerance.

    The time of a contact begins with the first INVITE to it, or with the press that brought the call about: a
    call tried anew, in clear or with credentials, is the same one. A press, new settings, another contact who
    answers, or early media that the device may not take ends a call for reasons of its own.
    """
    timing = declared_timing(timeline)
    settings, seen = InForce(timeline, timing.apply), calls(timeline)
    presses = presses_in(timeline)
    pressed = [press.time for press in presses]
    taken = [call.invite.time for call in seen if not call.placed]
    for story in stories(presses, seen):
        begun: dict[object, float] = {}
        for call in story.calls:
            first = call is story.calls[0]
            since = begun.setdefault(called(call), story.pressed if first else call.invite.time)
            if call.cancel is None or sip(call.cancel).sender != "device":
                continue
            over = call.cancel.time
            early_media = any(sip(o).media for o in call.messages if 100 < (sip(o).status or 0) < 200)
            interrupted = any(since < at <= over for at in (*pressed, *taken))
            answers = (one.final for one in story.calls if one.established)
            interrupted |= any(answer is not None and answer.time <= over for answer in answers)
            changed = settings.changed(since, over)
            in_force = settings.during(call.invite.time, over)
            timeouts = [t for one in in_force if isinstance(t := one.get("call_timeout"), int | float)]
            if early_media or interrupted or changed or not timeouts:
                continue
            least = min(timeouts) * 0.9 - timing.tolerance
            if over - since < least:
                text = f"a call that nobody answers goes on for {timeouts[0]} s"
                seen_text = f"{call.cancel} after {over - call.invite.time:.1f} s"
                yield Finding("OUT-03", text, seen_text, [call.invite, call.cancel])


def contacts_in(timeline: Timeline, *, refused: bool = False) -> list[Contacts]:
    """Return the contacts of each configuration that was taken, or refused, in order of time."""
    found = []
    settings: dict[str, object] = {}
    for observation in sorted(timeline, key=lambda o: (o.time, o.seq)):
        content = observation.content
        if not isinstance(content, Configured):
            continue
        submitted = settings | content.settings  # it may be a few fields alone
        settings = submitted if content.accepted else settings
        if content.accepted == refused:
            continue
        further = submitted.get("further_numbers")
        numbers = [submitted.get("call_number"), *(further if isinstance(further, list | tuple) else ())]
        timeout = submitted.get("call_timeout")
        if refused:  # any field may be what it was refused for
            numbers, timeout = [n for n in numbers if isinstance(n, str)], 0.0
        if all(isinstance(number, str) for number in numbers) and isinstance(timeout, int | float):
            found.append(
                Contacts(
                    tuple(user_and_host(str(number)) for number in numbers),
                    observation.time,
                    float(timeout),
                    submitted.get("encryption") == Encryption.FALLBACK,
                )
            )
    return found


def user_and_host(number: str) -> tuple[str, str]:
    """Return user and host of an address, without its port; of a short number the host is empty.

    So it is of a telephone number, which a server looks up (RFC 3966).
    """
    try:
        uri = Uri.parse(number)
    except WireError:
        return number.lower(), ""
    if uri.scheme == "tel":
        return uri.opaque.partition(";")[0].lower(), ""
    return (uri.user_unescaped or "").lower(), uri.host.lower()
