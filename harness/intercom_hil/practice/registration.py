"""The device's registrations and credentials: SIP-10, SIP-11 and SIP-15."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import next_nonces, sip
from intercom_hil.judge.places import place
from intercom_hil.judge.unanswered import ignored
from intercom_hil.practice.book import Book
from intercom_hil.practice.requests import Requests
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Configured, InstrumentLost, SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import Credentials

LAPSED = 2.0
"""Seconds beyond the time that a server granted until a registration has not been renewed."""
OVERTAKEN = 0.5
"""Seconds after a request in which one before it may still come, by another connection: T1 of RFC 3261."""
_CHALLENGES = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}


@dataclass
class _Counts:
    """The counts of one nonce: each time that a server gives it, somebody in the device may begin at one.

    A server that makes its nonces from the clock gives a registration and a call the same one.
    """

    given: set[str] = field(default_factory=set)
    lasts: list[int] = field(default_factory=list)
    begun: int = 0
    used: dict[int, float] = field(default_factory=dict)

    def take(self, number: int, at: float) -> bool:
        """Take in a number that was seen at a time (s); return whether it begins a count or goes on with one.

        Each is used once (RFC 7616 §3.4). Of requests under way at once, one may overtake another.
        """
        overtaken = any(number < other and at - when <= OVERTAKEN for other, when in self.used.items())
        overtaken &= number > 0 and number not in self.used
        self.used[number] = at
        lower = [last for last in self.lasts if last < number]
        if number == 1 and self.begun < len(self.given):
            self.begun += 1
        elif lower:
            self.lasts.remove(max(lower))
        elif self.lasts or number < 1:
            return overtaken
        self.lasts.append(number)
        return True


def registrations(seen: Sequence[Observation], book: Book) -> None:
    """SIP-10: the CSeq of REGISTERs with one Call-ID rises; a new Call-ID begins anew (RFC 3261 §10.2).

    Each is for a domain: its Request-URI has no user, and the address that it is for is not at the device.
    Which addresses are of a domain is the registrar's to know: what it grants is one (§10.3, step 5).
    """
    answers = [sip(o) for o in seen if sip(o).receiver == "device" and sip(o).method == "REGISTER"]
    granted = {(answer.call_id, answer.cseq) for answer in answers if answer.status == 200}
    last: dict[tuple[str, str], int] = {}
    sent = Requests()
    for observation in seen:
        message = sip(observation)
        if message.sender != "device" or not message.is_request or message.method != "REGISTER":
            continue
        key = message.call_id, message.receiver
        if place(message.request_uri)[0] and place(message.request_uri)[1]:
            problem = f"a REGISTER for {message.request_uri}, and not for a domain"
            book.check("SIP-10", False, problem, observation)
        own, server = message.source.rpartition(":")[0], place(message.request_uri)[1]
        granted_so = (message.call_id, message.cseq) in granted
        if own and place(message.to_uri)[1] == own != server and not granted_so:
            book.check("SIP-10", False, f"a REGISTER of {message.to_uri}, an address at itself", observation)
        if sent.again(message):
            continue  # perhaps when another was under way
        if key in last:
            book.check("SIP-10", message.cseq > last[key], "a CSeq that does not rise", observation)
        last[key] = message.cseq


def renewed(timeline: Timeline, seen: Sequence[Observation], settled: float, book: Book) -> None:
    """SIP-15: the device asks for its registration anew before the time is over that the server granted.

    Nothing is said where the registration was taken back, or new settings, a restart or the end of the
    scenario (``settled``, epoch seconds) came before that. A server that is away is asked all the same, but
    over UDP only: where a connection is needed and there is none, nothing of that is seen. Where the bench
    left another request of the device without an answer (`ignored`), it may have waited for that.
    """
    asked = [
        o for o in seen if sip(o).sender == "device" and sip(o).is_request and sip(o).method == "REGISTER"
    ]
    known = {(sip(o).call_id, sip(o).cseq): sip(o) for o in asked}
    times = [o.time for o in asked]
    breaks = [o.time for o in timeline if isinstance(o.content, Configured | InstrumentLost)]
    for observation in seen:
        message = sip(observation)
        request, lasting = known.get((message.call_id, message.cseq)), _granted(message)
        if message.receiver != "device" or message.status != 200 or message.method != "REGISTER":
            continue
        if request is None or request.takes_back or not lasting or request.transport != "UDP":
            continue
        if request.headers and not request.contacts:
            continue  # it only asks who is registered (RFC 3261 §10.2.3)
        begun, over = observation.time, observation.time + lasting + LAPSED
        limit = over + late_between(timeline, begun, over)
        if limit > settled or any(begun < at <= limit for at in breaks):
            continue
        own = message.call_id, message.cseq
        meanwhile = islice(asked, bisect_right(times, begun), bisect_right(times, limit))
        again = any((sip(o).call_id, sip(o).cseq) != own for o in meanwhile)
        if not again and ignored(timeline, begun, limit):
            continue
        book.check("SIP-15", again, f"not renewed within the {lasting} s that were granted", observation)


def _granted(message: SipMessageSeen) -> int:
    """Return for how long (s) a server's 200 registers the device; 0 where it does not say so."""
    lifetimes = [message.expires if c.expires is None else c.expires for c in message.contacts]
    return max((seconds for seconds in lifetimes if seconds is not None), default=0)


def credentials(seen: Sequence[Observation], book: Book) -> None:
    """SIP-11: digests against the challenges that were seen; a nonce of an earlier scenario is not known."""
    offers: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    counts: dict[tuple[str, ...], _Counts] = {}
    named: dict[str, set[str]] = {}
    sent = Requests()
    for observation in seen:
        message = sip(observation)
        for nonce in next_nonces(message) if message.receiver == "device" else ():
            named.setdefault(nonce, set()).add(f"{message.branch} {message.cseq}")
        if message.receiver == "device" and message.status in (401, 407):
            for header, realm, nonce, challenge in _challenges(message):
                offers.setdefault((header, realm, nonce), []).append(challenge)
                counts.setdefault((realm, nonce), _Counts()).given.add(f"{message.branch} {message.cseq}")
        if message.sender != "device" or not message.is_request:
            continue
        again = sent.again(message)  # perhaps when another was under way
        for shown in message.credentials:
            given = shown.parameters
            nonce = given.get("nonce", "")
            offered = offers.get((shown.header, shown.realm, nonce))
            if shown.scheme != "digest":
                continue
            if offered:
                book.look("SIP-11", observation)
                _within(observation, given, offered, book)
            count = given.get("nc", "")
            if not count or again or message.method in ("ACK", "CANCEL"):
                continue
            number = int(count, 16) if _is_hexadecimal(count) else -1
            # Nobody knows how often a nonce of an earlier scenario was given: each registration counts alone.
            known = (shown.realm, nonce) in counts or nonce in named
            key = (shown.realm, nonce) if known else (shown.realm, nonce, message.call_id)
            tally = counts.setdefault(key, _Counts())
            tally.given |= named.get(nonce, set())
            rises = tally.take(number, observation.time)
            book.check("SIP-11", rises, "a nonce count that does not rise", observation)


def _within(
    observation: Observation, given: dict[str, str], challenges: list[dict[str, str]], book: Book
) -> None:
    """Judge credentials against the challenges with their nonce: one for each algorithm (RFC 8760 §2.3)."""
    algorithm = _algorithm(given)
    offered = [_algorithm(challenge) for challenge in challenges]
    if algorithm not in offered:
        text = f"algorithm {algorithm} where {' or '.join(dict.fromkeys(offered))} was offered"
        book.broken("SIP-11", text, observation)
    asked = sip(observation).request_uri
    own = sip(observation).method not in ("ACK", "CANCEL")  # they repeat the INVITE's (RFC 3261 §22.1)
    if own and given.get("uri") and place(given["uri"])[:2] != place(asked)[:2]:
        book.broken("SIP-11", f"credentials for {given['uri']} in a request to {asked}", observation)
    qop = given.get("qop", "")
    lists = [challenge.get("qop", "") for challenge in challenges]
    choices = [word.strip().lower() for listed in lists for word in listed.split(",")]
    if qop and qop.lower() not in choices:
        wanted = " or ".join(dict.fromkeys(listed for listed in lists if listed)) or "none"
        book.broken("SIP-11", f"qop {qop} where {wanted} was offered", observation)
    if own:
        _complete(observation, given, [c for c in challenges if _algorithm(c) == algorithm], book)


def _complete(
    observation: Observation, given: dict[str, str], challenges: list[dict[str, str]], book: Book
) -> None:
    """Judge whether credentials have all that their challenge asks for (RFC 3261 §22.4; RFC 7616 §3.4).

    A server that offers no qop, or has no opaque, asks for none: it is one of before (RFC 2069). One that the
    device need not know, it may leave out. One nonce may stand in several challenges, each with an opaque of
    its own, and one of them may have come before the timeline began: what has been used already shows that.
    """
    offered = [re.split(r"[\s,]+", challenge.get("qop", "").lower()) for challenge in challenges]
    if offered and all("auth" in words for words in offered) and not given.get("qop"):
        book.broken("SIP-11", "no qop, though it was offered", observation)
    if given.get("qop") and not (given.get("cnonce") and given.get("nc")):
        book.broken("SIP-11", "a qop without nonce count and nonce of its own", observation)
    opaque, used = given.get("opaque"), given.get("nc", "").lstrip("0") not in ("", "1")
    if challenges and opaque not in {one.get("opaque") for one in challenges} and not (opaque and used):
        book.broken("SIP-11", "another opaque than in the challenge", observation)


def _algorithm(parameters: dict[str, str]) -> str:
    return parameters.get("algorithm", "MD5").upper()


def _challenges(message: SipMessageSeen) -> list[tuple[str, str, str, dict[str, str]]]:
    found = []
    for name, answer in _CHALLENGES.items():
        for value in message.values(name):
            try:
                parsed = Credentials.parse(name, value)
            except WireError:
                continue
            parameters = dict(parsed.parameters)
            found.append((answer, parameters.get("realm", ""), parameters.get("nonce", ""), parameters))
    return found


def _is_hexadecimal(text: str) -> bool:
    return 0 < len(text) <= 8 and all(char in "0123456789abcdefABCDEF" for char in text)
