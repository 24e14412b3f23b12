"""The device's transactions: acknowledged, understood, answered, over (SIP-07 to SIP-09, SIP-16, SIP-18)."""

from __future__ import annotations

from collections.abc import Sequence

from intercom_hil.judge.expected_events import declared_timing
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.messages import sip
from intercom_hil.judge.places import place
from intercom_hil.practice.book import Book
from intercom_hil.practice.messages import another_way
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import SipMessageSeen

PROMPT = 2.0
"""Seconds within which a device that is there acknowledges and answers, retransmissions included."""
IN_TURN = 0.3
"""Seconds that a request may be older than one that was answered, and still be waiting for its own answer."""
CROSSING = 0.1
"""Seconds for which a message may be on its way to the device, and cross another."""
_FURTHER = ("BYE", "INVITE")
"""Requests of a caller that come after the final response; others may belong to an early dialog."""
_UNKNOWN, _FAILED = 481, 500
_NOT_UNDERSTOOD = (400, _UNKNOWN, _FAILED)
_OF_SUBSCRIPTIONS = ("SUBSCRIBE", "NOTIFY")


def acknowledged(seen: Sequence[Observation], settled: float, book: Book) -> None:
    """SIP-07: each final response to an INVITE of the device has its ACK.

    One that came within the last two seconds before ``settled`` (epoch seconds) may still get it, unless the
    device has gone on in the call: a request after it shows that the response had come.
    """
    acks: dict[str, list[SipMessageSeen]] = {}
    refusals: dict[tuple[str, str], tuple[SipMessageSeen, SipMessageSeen, list[Observation]]] = {}
    invites: dict[tuple[str, int], SipMessageSeen] = {}
    further: dict[str, list[Observation]] = {}
    for observation in seen:
        message = sip(observation)
        if message.sender == "device" and message.is_request and message.method == "ACK":
            acks.setdefault(message.call_id, []).append(message)
        if message.sender == "device" and message.is_request and message.method == "INVITE":
            invites.setdefault((message.call_id, message.cseq), message)
        if message.sender == "device" and message.is_request and message.method in _FURTHER:
            further.setdefault(message.call_id, []).append(observation)
    for observation in seen:
        message = sip(observation)
        invite = invites.get((message.call_id, message.cseq))
        final = message.receiver == "device" and message.method == "INVITE" and (message.status or 0) >= 200
        if not final or invite is None:
            continue
        later = (o for o in further.get(message.call_id, ()) if o.time > observation.time + CROSSING)
        gone_on = any(_goes_on(sip(o), message) for o in later)
        if observation.time > settled - PROMPT and not gone_on:
            continue
        own = [ack for ack in acks.get(message.call_id, []) if ack.cseq == message.cseq]
        if (message.status or 0) < 300:
            own = [ack for ack in own if ack.to_tag == message.to_tag]
        else:
            own = [ack for ack in own if ack.branch == message.branch]
        book.check("SIP-07", bool(own), f"{message.status} without its ACK", observation)
        for ack in own if (message.status or 0) >= 300 else ():
            refusals.setdefault((ack.call_id, ack.branch), (ack, invite, []))[2].append(observation)
    for ack, invite, finals in refusals.values():
        problem = _unlike(ack, invite, [sip(o) for o in finals])
        book.check("SIP-07", not problem, problem, finals[0])


def _unlike(ack: SipMessageSeen, invite: SipMessageSeen, finals: Sequence[SipMessageSeen]) -> str:
    """Return how the ACK of a refusal is not as it has to be (RFC 3261 §17.1.1.3); nothing where it is."""
    if not (ack.headers and invite.headers):
        return ""  # not kept: only its place in the transaction is known
    if ack.to_tag not in {final.to_tag for final in finals}:
        return "an ACK with another To tag than the refusal has"
    if place(ack.request_uri) != place(invite.request_uri) or ack.from_tag != invite.from_tag:
        return "an ACK with another Request-URI, or From tag, than its INVITE has"
    return another_way(ack, invite)


def _goes_on(request: SipMessageSeen, final: SipMessageSeen) -> bool:
    """Whether a request of the device can only come after a final response to an INVITE."""
    return request.cseq > final.cseq and (request.to_tag == final.to_tag or (final.status or 0) >= 300)


def refused(seen: Sequence[Observation], book: Book) -> None:
    """SIP-08: what the device asks within a dialog, and its CANCEL, is understood.

    A 481 that crosses a BYE, or comes from a side that has ended the call, is nobody's fault, nor is one by
    which a subscription is over (RFC 6665 §4.1.2.2, §4.2.2), nor one to what crosses the end of its early
    dialog (RFC 3261 §12.3). A 500 is the other side's own trouble (§21.5), unless it is for a number that
    does not rise in its dialog (§12.2.2).
    """
    ended: set[str] = set()
    own: dict[tuple[str, int, str], Observation] = {}
    over = _early_dialogs_over(seen)
    finals: set[str] = set()
    highest: dict[tuple[str, str, str], int] = {}
    late: set[tuple[str, int, str]] = set()
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method
        if (
            message.sender == "device"
            and message.is_request
            and (message.to_tag or message.method == "CANCEL")
        ):
            way = message.call_id, message.from_tag, message.to_tag
            late |= {key} if message.cseq <= highest.get(way, -1) and key not in own else set()
            highest[way] = max(message.cseq, highest.get(way, -1))
            own.setdefault(key, observation)
        elif message.is_request and message.method == "BYE":
            ended.add(message.call_id)
        elif message.receiver == "device" and message.method == "INVITE" and (message.status or 0) >= 200:
            finals.add(message.call_id)
        if message.receiver != "device" or message.status is None or key not in own:
            continue
        if message.status < 200:
            continue
        excused = message.call_id in ended or (message.status == _FAILED and key not in late)
        excused |= message.method == "CANCEL" and message.call_id in finals
        excused |= message.method in _OF_SUBSCRIPTIONS and message.status == _UNKNOWN
        excused |= message.status == _UNKNOWN and any(
            tag != message.to_tag and own[key].time - CROSSING <= at <= observation.time + CROSSING
            for tag, at in (over.get(message.call_id, ()) if message.method != "CANCEL" else ())
        )
        book.check(
            "SIP-08",
            message.status not in _NOT_UNDERSTOOD or excused,
            f"{message.status} to {message.method}",
            observation,
        )


def _early_dialogs_over(seen: Sequence[Observation]) -> dict[str, list[tuple[str, float]]]:
    """Return by Call-ID what has ended the early dialogs of the device's INVITEs, and when (epoch seconds).

    A refusal ends all of them. A 2xx ends those of the other sides, which have other tags than its own.
    """
    found: dict[str, list[tuple[str, float]]] = {}
    begun = {
        (sip(o).call_id, sip(o).cseq) for o in seen if sip(o).is_initial_invite and sip(o).sender == "device"
    }
    for observation in seen:
        message = sip(observation)
        final = message.receiver == "device" and message.method == "INVITE" and (message.status or 0) >= 200
        if final and (message.call_id, message.cseq) in begun:
            tag = message.to_tag if (message.status or 0) < 300 else ""
            found.setdefault(message.call_id, []).append((tag, observation.time))
    return found


def answered(timeline: Timeline, seen: Sequence[Observation], settled: float, book: Book) -> None:
    """SIP-09: each request to the device gets a final response, if it is there to give one.

    That it is there is shown by a response of its own to something that came later. An INVITE may ring. Whom
    a device has never sent anything to it may leave without an answer as well: many are set to listen to
    their server alone, and give who looks for open doors no sign of themselves. So it may what goes to where
    it was before it registered from another place: a server calls there until that registration ends. And
    while new settings come into force a device may restart, as long as it is declared to take for that.
    """
    moved = _Places(seen)
    in_force = InForce(timeline, declared_timing(timeline).apply)
    finals: set[tuple[str, int, str, str]] = set()
    known: set[str] = set()
    last_response = 0.0
    for observation in seen:
        message = sip(observation)
        if message.sender == "device":
            known |= {message.receiver, message.call_id}
        if message.sender == "device" and message.status is not None:
            last_response = max(last_response, observation.time)
            if message.status >= 200:
                finals.add((message.call_id, message.cseq, message.method, message.branch))
    for number, observation in enumerate(seen):
        message = sip(observation)
        if message.receiver != "device" or not message.is_request or message.method in ("ACK", "INVITE"):
            continue
        if message.transport == "UDP" and moved.is_left(message.destination, number):
            continue
        if in_force.changed(observation.time, observation.time):
            continue
        if not message.branch or observation.time > min(settled - PROMPT, last_response - IN_TURN):
            continue
        if known.isdisjoint((message.sender, message.call_id)):
            continue
        key = message.call_id, message.cseq, message.method, message.branch
        book.check("SIP-09", key in finals, f"{message.method} without an answer", observation)
    for observation in seen:
        message = sip(observation)
        if message.sender == "device" and message.status == 405 and message.headers:
            allowed = {word.strip() for value in message.values("Allow") for word in value.split(",")}
            book.check("SIP-09", bool(allowed), "405 that does not say what is allowed", observation)
            if message.method in allowed:
                book.broken("SIP-09", f"405 to {message.method}, which it allows", observation)


class _Places:
    """Where the device is, by what it sends over UDP: where that comes from, and its Contacts.

    Attributes are places of messages among those seen: when it named each address last, and its REGISTERs.
    """

    def __init__(self, seen: Sequence[Observation]) -> None:
        self._named: dict[str, int] = {}
        self._registered: list[int] = []
        for number, observation in enumerate(seen):
            message = sip(observation)
            if message.sender != "device" or message.transport != "UDP":
                continue
            contacts = [place(contact.uri) for contact in message.contacts]
            for one in (message.source, *(f"{host}:{port}" for _, host, port in contacts)):
                self._named[one] = number
            if message.method == "REGISTER" and message.is_request and contacts and not message.takes_back:
                self._registered.append(number)

    def is_left(self, address: str, number: int) -> bool:
        """Whether the device had registered from elsewhere by then, and has named an address no more."""
        since = max((one for one in self._registered if one < number), default=None)
        return since is not None and self._named.get(address, -1) < since


def over(seen: Sequence[Observation], book: Book) -> None:
    """SIP-16: a final response is the last word: the device gives no other one to the same request.

    A message may be on its way when that is sent. Of requests that come again see `retransmissions`.
    """
    given: dict[tuple[str, int, str, str], Observation] = {}
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


def strangers(seen: Sequence[Observation], book: Book) -> None:
    """SIP-18: a BYE with the Call-ID of a call, and tags of none of its dialogs, is refused; or vice versa.

    Calls whose beginning was seen are known by it. Of any other the device may know more.
    """
    dialogs: dict[str, set[frozenset[str]]] = {}
    for observation in seen:
        message = sip(observation)
        if message.method == "INVITE" and message.from_tag and message.to_tag:
            dialogs.setdefault(message.call_id, set()).add(frozenset((message.from_tag, message.to_tag)))
    known = {tags for own in dialogs.values() for tags in own}
    asked: dict[tuple[str, int, str], Observation] = {}
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.branch
        if message.method != "BYE" or not (message.from_tag and message.to_tag and message.branch):
            continue
        if message.is_request and message.receiver == "device":
            tags = frozenset((message.from_tag, message.to_tag))
            own = dialogs.get(message.call_id)
            if tags not in own if own is not None else tags in known:
                asked[key] = observation
        elif message.sender == "device" and (message.status or 0) >= 200 and key in asked:
            problem = f"{message.status} to a BYE of no dialog"
            book.check("SIP-18", (message.status or 0) >= 300, problem, observation, asked[key])
