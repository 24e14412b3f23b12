"""The device's transactions: acknowledged, understood, answered, over (SIP-07 to SIP-09, SIP-13, SIP-16)."""

from __future__ import annotations

from collections.abc import Sequence

from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation
from intercom_hil.timeline.observation import SipMessageSeen

PROMPT = 2.0
"""Seconds within which a device that is there acknowledges and answers, retransmissions included."""
IN_TURN = 0.3
"""Seconds that a request may be older than one that was answered, and still be waiting for its own answer."""
CROSSING = 0.1
"""Seconds for which a message may be on its way to the device, and cross another."""
REPEATED_WITHIN = 0.5
"""Seconds after its ACK within which a 2xx may still be on its way."""
MOST_REPEATED = 2
"""Copies of a 2xx after that time that are too many."""
_FURTHER = ("BYE", "INVITE")
"""Requests of a caller that come after the final response; others may belong to an early dialog."""
_NOT_UNDERSTOOD = (400, 481, 500)


def acknowledged(seen: Sequence[Observation], settled: float, book: Book) -> None:
    """SIP-07: each final response to an INVITE of the device has its ACK.

    One that came within the last two seconds before ``settled`` (epoch seconds) may still get it, unless the
    device has gone on in the call: a request after it shows that the response had come.
    """
    acks: dict[str, list[SipMessageSeen]] = {}
    invites: dict[tuple[str, int], SipMessageSeen] = {}
    further = [
        o for o in seen if sip(o).sender == "device" and sip(o).is_request and sip(o).method in _FURTHER
    ]
    for observation in seen:
        message = sip(observation)
        if message.sender == "device" and message.is_request and message.method == "ACK":
            acks.setdefault(message.call_id, []).append(message)
        if message.sender == "device" and message.is_request and message.method == "INVITE":
            invites.setdefault((message.call_id, message.cseq), message)
    for observation in seen:
        message = sip(observation)
        invite = invites.get((message.call_id, message.cseq))
        final = message.receiver == "device" and message.method == "INVITE" and (message.status or 0) >= 200
        if not final or invite is None:
            continue
        gone_on = any(o.time > observation.time + CROSSING and _goes_on(sip(o), message) for o in further)
        if observation.time > settled - PROMPT and not gone_on:
            continue
        own = [ack for ack in acks.get(message.call_id, []) if ack.cseq == message.cseq]
        if (message.status or 0) < 300:
            fitting = any(ack.to_tag == message.to_tag for ack in own)
        else:
            fitting = any(ack.branch == message.branch for ack in own)
        book.check("SIP-07", fitting, f"{message.status} without its ACK", observation)


def _goes_on(request: SipMessageSeen, final: SipMessageSeen) -> bool:
    """Whether a request of the device can only come after a final response to an INVITE."""
    later = request.call_id == final.call_id and request.cseq > final.cseq
    return later and (request.to_tag == final.to_tag or (final.status or 0) >= 300)


def repeated(seen: Sequence[Observation], book: Book) -> None:
    """SIP-13: a 2xx to an INVITE is not repeated any more once its ACK has come to where it was sent from.

    One copy may cross the ACK, and a device that is busy may send another one before it comes to read it.
    """
    answers: dict[tuple[str, int, str], list[Observation]] = {}
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.to_tag
        if message.method == "INVITE" and message.sender == "device" and 200 <= (message.status or 0) < 300:
            answers.setdefault(key, []).append(observation)
        elif message.method == "ACK" and message.receiver == "device" and key in answers:
            first = answers[key][0]
            if message.destination == sip(first).source or message.transport != "UDP":
                late = [
                    o
                    for o in seen
                    if o.time > observation.time + REPEATED_WITHIN
                    and sip(o).sender == "device"
                    and sip(o).method == "INVITE"
                    and (sip(o).call_id, sip(o).cseq, sip(o).to_tag) == key
                    and sip(o).status == sip(first).status
                ]
                problem = f"{sip(first).status} repeated {len(late)} times although acknowledged"
                book.check("SIP-13", len(late) < MOST_REPEATED, problem, observation, *late[:1])


def refused(seen: Sequence[Observation], book: Book) -> None:
    """SIP-08: what the device asks within a dialog, and its CANCEL, is understood.

    A 481 that crosses a BYE, or comes from a side that has ended the call, is nobody's fault; so is a 500
    that names a time to try again (RFC 3261 §14.2).
    """
    ended: set[str] = set()
    own: set[tuple[str, int, str]] = set()
    finals: set[str] = set()
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method
        if (
            message.sender == "device"
            and message.is_request
            and (message.to_tag or message.method == "CANCEL")
        ):
            own.add(key)
        elif message.is_request and message.method == "BYE":
            ended.add(message.call_id)
        elif message.receiver == "device" and message.method == "INVITE" and (message.status or 0) >= 200:
            finals.add(message.call_id)
        if message.receiver != "device" or message.status is None or key not in own:
            continue
        if message.status < 200:
            continue
        excused = message.call_id in ended or bool(message.values("Retry-After"))
        excused |= message.method == "CANCEL" and message.call_id in finals
        book.check(
            "SIP-08",
            message.status not in _NOT_UNDERSTOOD or excused,
            f"{message.status} to {message.method}",
            observation,
        )


def answered(seen: Sequence[Observation], settled: float, book: Book) -> None:
    """SIP-09: each request to the device gets a final response, if it is there to give one.

    That it is there is shown by a response of its own to something that came later. An INVITE may ring.
    """
    finals: set[tuple[str, int, str, str]] = set()
    last_response = 0.0
    for observation in seen:
        message = sip(observation)
        if message.sender == "device" and message.status is not None:
            last_response = max(last_response, observation.time)
            if message.status >= 200:
                finals.add((message.call_id, message.cseq, message.method, message.branch))
    for observation in seen:
        message = sip(observation)
        if message.receiver != "device" or not message.is_request or message.method in ("ACK", "INVITE"):
            continue
        if not message.branch or observation.time > min(settled, last_response) - IN_TURN:
            continue
        key = message.call_id, message.cseq, message.method, message.branch
        book.check("SIP-09", key in finals, f"{message.method} without an answer", observation)
    for observation in seen:
        message = sip(observation)
        if message.sender == "device" and message.status == 405 and message.headers:
            said = bool(message.values("Allow"))
            book.check("SIP-09", said, "405 that does not say what is allowed", observation)


def over(seen: Sequence[Observation], book: Book) -> None:
    """SIP-16: a final response is the last word of its transaction.

    The device gives no other response to a request that has its final one, and it does not send a request
    again that has a response. A message may be on its way when that is sent, and copies of one over UDP may
    wait for a device that is busy.
    """
    given: dict[tuple[str, int, str, str], Observation] = {}
    had: dict[tuple[str, int, str, str], Observation] = {}
    again: dict[tuple[str, int, str, str], int] = {}
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method, message.branch
        if not message.branch:
            continue
        if message.sender == "device" and message.status is not None:
            first = given.get(key)
            if first is not None and observation.time > first.time + CROSSING:
                other = message.status != sip(first).status
                problem = f"{message.status} after {sip(first).status}"
                book.check("SIP-16", not other, problem, observation, first)
            elif first is None and message.status >= 200:
                given[key] = observation
                book.look("SIP-16", observation)
        elif message.receiver == "device" and message.status is not None:
            if message.status >= 200 or message.method == "INVITE":
                had.setdefault(key, observation)
        elif message.sender == "device" and message.is_request and message.method != "ACK":
            answer = had.get(key)
            late = answer is not None and observation.time > answer.time + REPEATED_WITHIN
            if answer is not None and late and message.transport == "UDP":
                again[key] = again.get(key, 0) + 1
                problem = f"{message.method} sent again although {sip(answer).status} had come"
                book.check("SIP-16", again[key] < MOST_REPEATED, problem, observation, answer)
