"""What the device sends again: never what is answered (SIP-13, SIP-16), always what may be lost (SIP-17).

Over UDP a client transaction sends its request again until a response comes; over TCP and TLS, which lose
nothing, it does not (RFC 3261 §17.1.1.2, §17.1.2.2). A 2xx to an INVITE is sent until its ACK (§13.3.1.4).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from intercom_hil.judge.lateness import MOSTLY, late_between
from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Configured, OutputChanged, SipMessageSeen

CROSSING = 0.1
"""Seconds for which a response may be on its way to the device, and cross a copy of its request."""
MOST_COPIES = 2
"""Copies over UDP that are too many: one response may get lost behind the witness that saw it."""
UNANSWERED = 3.0
"""Seconds without a response in which a request is sent again at least once.

The first time is after T1, which is half a second; a device on a slow line may take a longer one.
"""

_Answer = tuple[str, int, str]
_Key = tuple[str, int, str, str]


def answered_again(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """SIP-13: a 2xx to an INVITE is not sent again once its ACK has come to where it was sent from.

    What counts is the latest ACK before a copy: who misses one draws another with the copy.
    """
    answers: dict[_Answer, SipMessageSeen] = {}
    acked: dict[_Answer, Observation] = {}
    again: dict[_Answer, list[Observation]] = {}
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.to_tag
        if message.method == "INVITE" and message.sender == "device" and 200 <= (message.status or 0) < 300:
            first = answers.setdefault(key, message)
            ack = acked.get(key)
            if ack is not None and message.status == first.status and _too_late(timeline, ack, observation):
                again.setdefault(key, []).append(observation)
        elif message.method == "ACK" and message.receiver == "device" and key in answers:
            if message.transport == "UDP" and message.destination != answers[key].source:
                continue
            acked[key] = observation
            book.look("SIP-13", observation)
    for key, late in again.items():
        problem = f"{answers[key].status} repeated {len(late)} times although acknowledged"
        book.check("SIP-13", len(late) < MOST_COPIES, problem, acked[key], late[0])


def asked_again(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """SIP-16: a request that has its response is not sent again.

    What counts is the latest response before a copy: who misses one draws another with the copy. Any one ends
    the copies of an INVITE, and of others a final one: a provisional response makes them rarer (§17.1.2.2).
    """
    had: dict[_Key, Observation] = {}
    again: dict[_Key, int] = {}
    for observation in seen:
        message = sip(observation)
        key = _key(message)
        if not message.branch:
            continue
        if message.receiver == "device" and message.status is not None:
            if message.status >= 200 or message.method == "INVITE":
                had[key] = observation
        elif _is_asked(message) and key in had:
            answer = had[key]
            if _too_late(timeline, answer, observation):
                again[key] = again.get(key, 0) + 1
                most = MOST_COPIES if message.transport == "UDP" else 1
                problem = f"{message.method} sent again although {sip(answer).status} had come"
                book.check("SIP-16", again[key] < most, problem, observation, answer)


def sent_again(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """SIP-17: over UDP what nothing comes back to is sent again, and over a connection nothing is.

    That somebody was there to be heard is shown by a response that comes in the end: of a request to nobody a
    device may learn that it is in vain (§18.4). New settings, a switch, a press, and another call end what
    it waits for.
    """
    first: dict[_Key, Observation] = {}
    copies: dict[_Key, list[Observation]] = {}
    answered: dict[_Key, Observation] = {}
    for observation in seen:
        message = sip(observation)
        key = _key(message)
        if not message.branch:
            continue
        if message.receiver == "device" and message.status is not None:
            answered.setdefault(key, observation)
        elif _is_asked(message) and key in first:
            copies.setdefault(key, []).append(observation)
        elif _is_asked(message):
            first[key] = observation
    ends = _ends(timeline, seen)
    for key, asked in first.items():
        again, answer = copies.get(key, []), answered.get(key)
        if sip(asked).transport != "UDP":
            _over_a_connection(asked, again, book)
        elif answer is not None and not _interrupted(ends, asked):
            waited = answer.time - asked.time
            if waited > UNANSWERED and late_between(timeline, asked.time, answer.time) < MOSTLY * waited:
                problem = f"{sip(asked).method} sent once, though nothing came back for {UNANSWERED:g} s"
                soon = any(copy.time < answer.time for copy in again)
                book.check("SIP-17", soon, problem, asked, answer)


def said_again(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """SIP-17: a 2xx to an INVITE is sent again while its ACK does not come (RFC 3261 §13.3.1.4).

    That somebody was there to be heard is shown by the ACK that comes in the end. A BYE of either side ends
    the copies, and so does what ends those of requests.
    """
    ends = _ends(timeline, seen)
    first: dict[_Answer, Observation] = {}
    settled: set[_Answer] = set()  # by a copy, by an ACK, or by the end of the call
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.to_tag
        if message.method == "INVITE" and message.sender == "device" and 200 <= (message.status or 0) < 300:
            if first.setdefault(key, observation) is not observation:
                settled.add(key)
        elif message.method == "BYE":
            settled |= {one for one in first if one[0] == message.call_id}
        elif message.method == "ACK" and message.receiver == "device" and key in first:
            answer = first[key]
            waited = observation.time - answer.time
            if sip(answer).transport != "UDP" or waited <= UNANSWERED or _interrupted(ends, answer):
                settled.add(key)
            elif late_between(timeline, answer.time, observation.time) < MOSTLY * waited:
                problem = f"{sip(answer).status} sent once, though no ACK came for {UNANSWERED:g} s"
                book.check("SIP-17", key in settled, problem, answer, observation)
                settled.add(key)


def _over_a_connection(asked: Observation, again: Sequence[Observation], book: Book) -> None:
    """Judge a request over TCP or TLS: on another connection it may come again, this one being broken.

    So it may over UDP, where the other side takes no connection (RFC 3261 §18.1.1).
    """
    way = sip(asked).transport, sip(asked).source
    same = [o for o in again if (sip(o).transport, sip(o).source) == way and o.time > asked.time + CROSSING]
    problem = f"{sip(asked).method} sent again over {sip(asked).transport}"
    book.check("SIP-17", not same, problem, asked, *same)


class _Ends(NamedTuple):
    """What can end a transaction of the device, by time, and when each was seen (epoch seconds)."""

    seen: Sequence[Observation]
    times: Sequence[float]


def _ends(timeline: Timeline, seen: Sequence[Observation]) -> _Ends:
    """Return the INVITEs of the device, and what somebody does to it."""
    found = [o for o in seen if _is_asked(sip(o)) and sip(o).method == "INVITE"]
    found = sorted([*found, *(o for o in timeline if _intervenes(o))], key=lambda o: o.time)
    return _Ends(found, [o.time for o in found])


def _interrupted(ends: _Ends, asked: Observation) -> bool:
    """Whether something may have ended a transaction of the device while it waited for what was to come."""
    begin = bisect_right(ends.times, asked.time)
    meanwhile = islice(ends.seen, begin, bisect_left(ends.times, asked.time + UNANSWERED))
    return any(_intervenes(one) or not _same(one, asked) for one in meanwhile)


def _intervenes(observation: Observation) -> bool:
    """Whether somebody has done something to the device: new settings, a press, its supply switched."""
    content = observation.content
    if isinstance(content, OutputChanged):
        return content.active or content.name != "button"
    return isinstance(content, Configured)


def _too_late(timeline: Timeline, answer: Observation, again: Observation) -> bool:
    """Whether the device had a turn to take in what answers it before it sent something again."""
    late = late_between(timeline, answer.time, again.time)
    return again.time > answer.time + CROSSING + late


def _same(one: Observation, other: Observation) -> bool:
    return _key(sip(one)) == _key(sip(other))


def _is_asked(message: SipMessageSeen) -> bool:
    """Whether this is a request of the device that has a transaction of its own."""
    return message.sender == "device" and message.is_request and message.method != "ACK"


def _key(message: SipMessageSeen) -> _Key:
    return message.call_id, message.cseq, message.method, message.branch
