"""What a request asks for beyond SIP itself: SIP-09 and SIP-18 (RFC 3261 §8.2.2.3, RFC 3891 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from intercom_hil.judge.messages import sip
from intercom_hil.practice.book import Book
from intercom_hil.timeline import Observation
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import split_list

REGISTERED = frozenset(
    {
        "100rel",
        "199",
        "answermode",
        "early-session",
        "eventlist",
        "explicitsub",
        "from-change",
        "geolocation-http",
        "geolocation-sip",
        "gin",
        "gruu",
        "histinfo",
        "ice",
        "join",
        "multiple-refer",
        "norefersub",
        "nosub",
        "outbound",
        "path",
        "policy",
        "precondition",
        "pref",
        "privacy",
        "recipient-list-invite",
        "recipient-list-message",
        "recipient-list-subscribe",
        "record-aware",
        "replaces",
        "resource-priority",
        "sdp-anat",
        "sec-agree",
        "siprec",
        "tdialog",
        "timer",
        "trickle-ice",
        "uui",
    }
)
"""The option tags that IANA has registered: whoever takes a request that requires one may have it."""
_BAD_EXTENSION = 420
_NOT_REQUIRING = ("ACK", "CANCEL")
"""Requests in which Require says nothing (RFC 3261 §8.2.2.3)."""
_TAGS = re.compile(r";\s*(?:to|from)-tag\s*=", re.IGNORECASE)
_WHOLE = 2
"""Tags that a Replaces has (RFC 3891 §6.1)."""


def required(seen: Sequence[Observation], book: Book) -> None:
    """SIP-09: what nobody has and a request requires is not passed over, and a 420 names what it is about.

    Nobody has what is neither registered nor anywhere among what the device says to support. A device may
    refuse the request for another reason first.
    """
    own = {tag for o in seen if sip(o).sender == "device" for tag in _tags(sip(o), "Supported")}
    for answer, asked in _answered(seen):
        message, request = sip(answer), sip(asked)
        wanted = _tags(request, "Require")
        if not wanted or request.method in _NOT_REQUIRING or not message.headers:
            continue
        if message.status == _BAD_EXTENSION:
            named = wanted & _tags(message, "Unsupported")
            book.check("SIP-09", bool(named), "420 that does not say what is not supported", answer, asked)
        strange = sorted(wanted - REGISTERED - own)
        if strange:
            taken = 200 <= (message.status or 0) < 300
            problem = f"{message.status} to {request.method}, which requires {', '.join(strange)}"
            book.check("SIP-09", not taken, problem, answer, asked)


def replaced(seen: Sequence[Observation], book: Book) -> None:
    """SIP-18: who supports Replaces takes no INVITE that is to take the place of a call that is not there.

    Of a Call-ID that was not seen it is known that the device has no call: every call of a scenario is.
    """
    calls = {sip(o).call_id for o in seen}
    supports = any("replaces" in _tags(sip(o), "Supported") for o in seen if sip(o).sender == "device")
    for answer, asked in _answered(seen) if supports else ():
        named = sip(asked).values("Replaces")
        if sip(asked).method != "INVITE" or len(named) != 1 or len(_TAGS.findall(named[0])) != _WHOLE:
            continue
        if named[0].partition(";")[0].strip() not in calls:
            problem = f"{sip(answer).status} to an INVITE in place of a call that is not there"
            book.check("SIP-18", (sip(answer).status or 0) >= 300, problem, answer, asked)


def _answered(seen: Sequence[Observation]) -> Iterator[tuple[Observation, Observation]]:
    """Yield the final responses of the device, the first to each request, with what they answer."""
    asked: dict[tuple[str, int, str, str], Observation] = {}
    for observation in seen:
        message = sip(observation)
        key = message.call_id, message.cseq, message.method, message.branch
        if message.is_request and message.receiver == "device" and message.branch:
            asked.setdefault(key, observation)
        elif message.sender == "device" and (message.status or 0) >= 200 and key in asked:
            yield observation, asked.pop(key)


def _tags(message: SipMessageSeen, name: str) -> set[str]:
    return {tag.strip().lower() for value in message.values(name) for tag in split_list(value)} - {""}
