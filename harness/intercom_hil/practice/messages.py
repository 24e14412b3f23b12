"""The form of single messages of the device: SIP-01 to SIP-04, SIP-06, SIP-12 and SIP-14."""

from __future__ import annotations

import re
from collections.abc import Sequence

from intercom_hil.judge.messages import describes_session, sip
from intercom_hil.judge.places import place
from intercom_hil.judge.unreadable import keep_alives
from intercom_hil.practice.book import Book
from intercom_hil.practice.requests import Requests
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import MalformedSip, MediaLine, SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sdp import OLD_HOLD, STATIC_ENCODINGS, Media
from intercom_hil.wire.sip import split_list

COOKIE = "z9hG4bK"
"""What every branch begins with (RFC 3261 §8.1.1.7)."""
_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards")
_OF_ANOTHER = ("ACK", "CANCEL")
"""Requests that have the branch of the INVITE that they belong to (RFC 3261 §9.1, §17.1.1.3)."""
_ADDED_BY_RECEIVER = re.compile(
    r";(received|rport|received-realm|oc-validity|oc-seq)(=[^;]*)?(?=;|\Z)", re.IGNORECASE
)
"""Parameters of RFC 3261 §18.2.1, RFC 3581, RFC 8055 and RFC 7339."""
_FILLED_IN_BY_RECEIVER = re.compile(r"(;(?:keep|oc|oc-algo))=[^;]*", re.IGNORECASE)
"""Parameters that get a value where they are: of keep-alives (RFC 6223), and of overload (RFC 7339)."""


def grammar(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """SIP-01: what departs from the grammar, in messages that can be read and in those that cannot."""
    words = keep_alives(timeline)
    for observation in seen:
        message = sip(observation)
        if message.sender == "device":
            book.look("SIP-01", observation)
            for note in message.deviations:
                if note.endswith(OLD_HOLD):
                    continue  # no grammar forbids it
                book.broken("SIP-01", note, observation)
    for observation in timeline:
        content = observation.content
        if isinstance(content, MalformedSip) and content.sender == "device" and content.raw_hex not in words:
            book.broken("SIP-01", content.problem, observation)


def forms(seen: Sequence[Observation], book: Book) -> None:
    """SIP-02, SIP-03, SIP-04: what requests need, what responses repeat, who has a Contact."""
    asked: dict[tuple[str, int, str, str], Observation] = {}
    tags: dict[tuple[str, int, str, str], str] = {}
    used: dict[str, tuple[str, int, str]] = {}
    asking: dict[str, set[str]] = {}  # who asked with a branch
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method, message.branch
        if message.is_request and message.receiver == "device":
            asked.setdefault(key, observation)
            asking.setdefault(message.branch, set()).add(message.sender)
        if message.sender != "device" or not message.headers:
            continue
        if message.is_request:
            _request(observation, message, book)
            transaction = message.call_id, message.cseq, message.method
            own = message.branch and message.method not in _OF_ANOTHER
            if own and used.setdefault(message.branch, transaction) != transaction:
                book.broken("SIP-02", "the branch of another request", observation)
        elif key not in asked and asking.get(message.branch) == {message.receiver}:
            if message.branch.startswith(COOKIE):  # of others it is no name (§17.2.3)
                book.broken("SIP-03", "CSeq or Call-ID of no request with its branch", observation)
        elif key in asked:
            _response(observation, message, asked[key], book)
            first = tags.setdefault(key, message.to_tag) if message.status != 100 else message.to_tag
            if first != message.to_tag:
                book.broken("SIP-03", "two To tags in responses to one request", observation)
        if message.method == "INVITE" and (message.status is None or 200 <= message.status < 300):
            usable = [c for c in message.contacts if c.uri.lower().startswith(("sip:", "sips:"))]
            least = len(usable) == 1 if message.is_request else len(usable) >= 1
            book.check("SIP-04", least, f"{len(usable)} Contacts", observation)


def identities(seen: Sequence[Observation], book: Book) -> None:
    """SIP-02, SIP-03: a tag of the device's is of one call (§19.3), in From of INVITEs and To of answers.

    So is its Call-ID (§8.1.1.4). One that calls the same party again, or goes where it was sent by a 3xx, may
    go on as before; with the Call-ID only as long as nobody has answered (§8.1.3.5).
    """
    moved = {sip(o).call_id for o in seen if 300 <= (sip(o).status or 0) < 400}
    begun: dict[str, Observation] = {}
    taken: set[str] = set()
    sent = Requests()
    placed: dict[str, Observation] = {}
    answered: dict[str, Observation] = {}
    for observation in seen:
        message = sip(observation)
        if message.receiver == "device" and message.method == "INVITE" and 200 <= (message.status or 0) < 300:
            taken.add(message.call_id)
        if message.sender != "device" or message.method != "INVITE" or not message.headers:
            continue
        again = message.is_request and sent.again(message)  # one that is sent again is no further call
        if message.is_initial_invite:
            first = begun.setdefault(message.call_id, observation)
            other = place(sip(first).to_uri)[:2] != place(message.to_uri)[:2]
            further = sip(first).cseq != message.cseq and not again and message.call_id not in moved
            if further and (other or message.call_id in taken):
                book.broken("SIP-02", "the Call-ID of another call", observation, first)
        if message.is_initial_invite and message.from_tag:
            first = placed.setdefault(message.from_tag, observation)
            same = place(sip(first).request_uri) == place(message.request_uri)
            if sip(first).call_id != message.call_id and not same and sip(first).call_id not in moved:
                book.broken("SIP-02", "the From tag of another call", observation, first)
        elif (message.status or 0) > 100 and message.to_tag:
            first = answered.setdefault(message.to_tag, observation)
            if sip(first).call_id != message.call_id:
                book.broken("SIP-03", "the To tag of another call", observation, first)


def _request(observation: Observation, message: SipMessageSeen, book: Book) -> None:
    book.look("SIP-02", observation)
    for name in _ONCE:
        found = len(message.values(name))
        if found != 1:
            book.broken("SIP-02", f"{name} {found} times", observation)
    if not message.from_tag:
        book.broken("SIP-02", "From without a tag", observation)
    if not message.branch.startswith(COOKIE):
        book.broken("SIP-02", f"a branch that does not begin with {COOKIE}", observation)


def _has_several_tags(request: SipMessageSeen) -> bool:
    """Whether a request leaves open which is its From tag: parameters may be put in another order."""
    return any(len(re.findall(r";\s*tag\s*=", value, re.IGNORECASE)) > 1 for value in request.values("From"))


def _response(observation: Observation, message: SipMessageSeen, asked: Observation, book: Book) -> None:
    request = sip(asked)
    book.look("SIP-03", observation)
    if _vias(message) != _vias(request):
        book.broken("SIP-03", "other Via fields than in the request", observation, asked)
    other = message.from_tag != request.from_tag and not _has_several_tags(request)
    if other or _host(message) != _host(request):
        book.broken("SIP-03", "another From than in the request", observation, asked)
    if request.to_tag and message.to_tag != request.to_tag:
        book.broken("SIP-03", "another To tag than in the request", observation, asked)
    if not message.to_tag and message.status != 100:
        book.broken("SIP-03", "To without a tag", observation)
    opens = message.method == "INVITE" and 200 <= (message.status or 0) < 300 and not request.to_tag
    if opens and _route(message) != _route(request):
        book.broken("SIP-03", "other Record-Route fields than in the request", observation, asked)


def _host(message: SipMessageSeen) -> str:
    """Return whose domain From names; how its user is escaped is no matter (RFC 3261 §19.1.4)."""
    return place(message.from_uri)[1]


def _vias(message: SipMessageSeen) -> list[str]:
    """Return the Via fields without what a receiver adds to them, or gives a value, and without blanks.

    Parameters are sorted: their order says nothing (RFC 3261 §7.3.1).
    """
    found = []
    for part in _listed(message, "Via"):
        bare = _ADDED_BY_RECEIVER.sub("", re.sub(r"\s", "", part))
        bare = _FILLED_IN_BY_RECEIVER.sub(r"\1", bare).lower()
        sent_by, *parameters = bare.split(";")
        found.append(";".join([sent_by, *sorted(parameters)]))
    return found


def _sent_by(message: SipMessageSeen) -> list[str]:
    """Return transport and sent-by of each Via field; the usual port may be left out (RFC 3261 §18.1.1)."""
    return [re.sub(r":506[01]\Z", "", via.partition(";")[0]) for via in _vias(message)]


def _listed(message: SipMessageSeen, name: str) -> list[str]:
    return [part.strip() for value in message.values(name) for part in split_list(value)]


def _route(message: SipMessageSeen) -> list[tuple[str, str, int | None]]:
    return [place(value) for value in _listed(message, "Record-Route")]


def cancels(seen: Sequence[Observation], book: Book) -> None:
    """SIP-06: each CANCEL of the device against the INVITE that it cancels, and what had come back to that.

    What only the PBX could read is dated by when it says so: of that it is not known what came first.
    """
    invites: dict[str, list[Observation]] = {}
    heard: set[tuple[str, str]] = set()
    for observation in seen:
        message = sip(observation)
        if message.receiver == "device" and message.status is not None and message.method == "INVITE":
            heard.add((message.call_id, message.branch))
        if message.sender != "device" or not message.is_request:
            continue
        if message.method == "INVITE":
            invites.setdefault(message.call_id, []).append(observation)
        elif message.method == "CANCEL" and message.call_id in invites:
            own = [o for o in invites[message.call_id] if sip(o).branch == message.branch]
            invite = (own or invites[message.call_id])[-1]
            _cancel(observation, message, invite, book)
            known = message.branch and observation.witness is Witness.WIRE
            if known and own and (message.call_id, message.branch) not in heard:
                problem = "a CANCEL before anything came back to its INVITE"
                book.broken("SIP-06", problem, observation, invite)


def _cancel(observation: Observation, message: SipMessageSeen, asked: Observation, book: Book) -> None:
    invite = sip(asked)
    book.look("SIP-06", observation)
    same = {
        "branch": (message.branch, invite.branch),
        "CSeq number": (message.cseq, invite.cseq),
        "Request-URI": (place(message.request_uri), place(invite.request_uri)),
        "From": ((place(message.from_uri), message.from_tag), (place(invite.from_uri), invite.from_tag)),
        "To": ((place(message.to_uri), message.to_tag), (place(invite.to_uri), invite.to_tag)),
    }
    for name, (here, there) in same.items():
        if here != there:
            book.broken("SIP-06", f"another {name} than its INVITE has", observation, asked)
    problem = another_way(message, invite)
    if problem:
        book.broken("SIP-06", problem, observation, asked)


def another_way(message: SipMessageSeen, invite: SipMessageSeen) -> str:
    """Return how a CANCEL, or the ACK of a refusal, goes another way than its INVITE; nothing if it does not.

    It has the same route, and one Via, with the branch and the sent-by of the topmost of the INVITE, by which
    it is known (RFC 3261 §17.2.3), and goes to the same address and port by the same transport (§9.1,
    §17.1.1.2, §17.1.1.3).
    """
    routes, own = ([place(one) for one in _listed(m, "Route")] for m in (message, invite))
    if message.headers and invite.headers and routes != own:
        return "another route than its INVITE has"
    same = message.branch == invite.branch and message.headers and invite.headers
    if same and _sent_by(message) != _sent_by(invite)[:1]:
        return "another Via than its INVITE has"
    here, there = ((m.transport, m.destination) for m in (message, invite))
    return "" if here == there else f"a {message.method} to {here[1]} of an INVITE to {there[1]}"


def answers(seen: Sequence[Observation], book: Book) -> None:
    """SIP-12: each 2xx of the device with a session description against the offer that it answers."""
    offers: dict[tuple[str, int, str], Observation] = {}
    answered: set[tuple[str, int, str]] = set()  # in a reliable response, perhaps (RFC 3262 §5)
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method
        if message.method not in ("INVITE", "UPDATE"):
            continue
        if message.sender == "device" and message.status is not None and message.media:
            answered.add(key)
        if message.is_request and message.receiver == "device" and message.media:
            offers[key] = observation
        elif message.sender == "device" and 200 <= (message.status or 0) < 300 and key in offers:
            if message.media:
                _answer(observation, message, offers[key], book)
            elif key not in answered and not _body(message.raw):
                text = f"{message.status} to {message.method} without an answer to its offer"
                book.broken("SIP-12", text, observation, offers[key])


def _answer(observation: Observation, message: SipMessageSeen, asked: Observation, book: Book) -> None:
    offered = sip(asked).media
    book.look("SIP-12", observation)
    if [line.media for line in message.media] != [line.media for line in offered]:
        book.broken("SIP-12", "other media sections than the offer has", observation, asked)
        return
    described = zip(message.media, offered, _sections(message), _sections(sip(asked)), strict=True)
    for answer, offer, answer_section, offer_section in described:
        if answer.port == 0:
            continue
        if offer.port == 0 and not _is_bundled(offer_section):
            book.broken("SIP-12", f"{offer.media} taken that was not offered", observation, asked)
        potential = offer_section.potential_profiles if offer_section else ()  # RFC 5939 §3.3.1
        if answer.profile not in {offer.profile, *potential}:
            problem = f"{answer.profile} in answer to {offer.profile}"
            book.broken("SIP-12", problem, observation, asked)
        if not offer.held and answer.direction not in _ANSWERED_BY.get(offer.direction, (answer.direction,)):
            problem = f"{answer.direction} in answer to {offer.direction}"
            book.broken("SIP-12", problem, observation, asked)
        if answer_section and offer_section and not _picks(answer_section, offer_section):
            book.broken("SIP-12", f"keys for the {offer.media} that answer none offered", observation, asked)
        rtp = answer.payload_types and offer.payload_types
        if rtp and not _formats(answer, answer_section) & _formats(offer, offer_section):
            book.broken("SIP-12", f"no format of the {offer.media} that was offered", observation, asked)


def versions(seen: Sequence[Observation], book: Book) -> None:
    """SIP-14: a description of the device that differs from an earlier one of its session has a new version.

    A session is known by the whole origin but its version (RFC 4566 §5.2): who describes another one begins
    anew, which is for another dialog (RFC 3264 §8). So does who has been refused, and tries otherwise
    (RFC 3261 §8.1.3.5).
    """
    latest: dict[_Side, tuple[tuple[str, str], str, int, Observation]] = {}
    known: dict[tuple[_Side, tuple[str, ...], str], tuple[str, Observation]] = {}
    for observation in seen:
        message = sip(observation)
        if message.method in ("INVITE", "UPDATE") and (message.status or 0) >= 300:
            known = {key: value for key, value in known.items() if key[0][0] != message.call_id}
            latest = {key: value for key, value in latest.items() if key[0] != message.call_id}
        if message.sender != "device" or not message.media or "multipart/" in message.raw:
            continue
        if not describes_session(message):
            continue
        try:
            session = message.session
        except WireError:
            continue
        origin = session.origin.split() if session else []
        if len(origin) != _ORIGIN_WORDS:
            continue
        body = _without_origin(message.raw)
        name, begun, within = (origin[0], origin[1], *origin[3:]), *_sides(message)
        sent_again = known.get((within, name, origin[2])) or known.get((begun, name, origin[2]))
        if sent_again is None or sent_again[0] != body:
            _follows(observation, len(message.media), origin, latest, begun, within, book)
        earlier, first = sent_again or (body, observation)
        known[within, name, origin[2]] = earlier, first
        if sent_again is not None:
            problem = f"another description of the version {origin[2]}"
            book.check("SIP-14", body == earlier, problem, observation, first)


_Side = tuple[str, str, str]
"""A dialog from the device's side: Call-ID, its own tag, and the other side's, empty at its beginning."""


def _sides(message: SipMessageSeen) -> tuple[_Side, _Side]:
    """Return what a dialog of the device begins as, before anybody has answered, and the dialog itself.

    The dialogs that a forked INVITE begins are several, each with descriptions of its own (RFC 3261 §12.1).
    """
    tags = message.from_tag, message.to_tag
    own, other = tags if message.is_request else tags[::-1]
    return (message.call_id, own, ""), (message.call_id, own, other)


def _follows(
    observation: Observation,
    sections: int,
    origin: list[str],
    latest: dict[_Side, tuple[tuple[str, str], str, int, Observation]],
    begun: _Side,
    within: _Side,
    book: Book,
) -> None:
    """Judge a description against the one before it in its dialog, of which it is no copy (RFC 3264 §8)."""
    message = sip(observation)
    session, version = (origin[0], origin[1]), origin[2]
    before = latest.get(within) or latest.get(begun)
    latest[within] = session, version, sections, observation
    if before is None:
        return
    book.look("SIP-14", observation)
    if session != before[0]:
        book.broken("SIP-14", "another session than before in its dialog", observation, before[3])
    elif version.isdecimal() and before[1].isdecimal() and int(version) < int(before[1]):
        book.broken("SIP-14", f"the version {version} after {before[1]}", observation, before[3])
    offers = message.is_request and message.method in ("INVITE", "UPDATE")
    if offers and sections < before[2]:
        book.broken("SIP-14", f"{sections} media sections after {before[2]}", observation, before[3])


def _body(raw: str) -> str:
    return raw.replace("\r\n", "\n").partition("\n\n")[2].strip()


def _without_origin(raw: str) -> str:
    return "\n".join(line for line in _body(raw).split("\n") if not line.startswith("o="))


_ORIGIN_WORDS = 6
"""Words of an origin: user name, session, version, and three that say where (RFC 4566 §5.2)."""
_ANSWERED_BY = {
    "sendonly": ("recvonly", "inactive"),
    "recvonly": ("sendonly", "inactive"),
    "inactive": ("inactive",),
}
"""Directions that may answer one (RFC 3264 §6.1)."""


def _is_bundled(section: Media | None) -> bool:
    """Whether a section has the port of another one, and so none of its own (RFC 9143 §6)."""
    return section is not None and any(name.lower() == "bundle-only" for name, _ in section.attributes)


def _picks(answer: Media, offer: Media) -> bool:
    """Whether the keys of an answer pick up a line of the offer's, by tag and suite (RFC 4568 §5.1.2)."""
    offered = {(crypto.tag, crypto.suite) for crypto in offer.crypto}
    picked = {(crypto.tag, crypto.suite) for crypto in answer.crypto}  # a line may have several keys (§6.1)
    return not picked or not offered or (len(picked) == 1 and picked <= offered)


def _sections(message: SipMessageSeen) -> list[Media | None]:
    """Return the media sections with all that they say; None for each where that is not at hand."""
    try:
        session = message.session
    except WireError:
        session = None
    found = session.media if session else ()
    return list(found) if len(found) == len(message.media) else [None] * len(message.media)


def _formats(line: MediaLine, section: Media | None) -> set[int | str]:
    """Return the payload types and what they mean: an answer may number a format anew (RFC 3264 §6.1)."""
    known = STATIC_ENCODINGS | (section.encodings if section else {})
    names = (known.get(number, "").upper().removesuffix("/1") for number in line.payload_types)
    return {*line.payload_types, *(name for name in names if name)}
