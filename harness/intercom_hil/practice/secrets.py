"""The device's keys and secrets: KEY-01 (keys are fresh), KEY-02 (secrets stand nowhere in clear)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from intercom_hil.judge.messages import messages, sip
from intercom_hil.practice.book import Book
from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import (
    Configured,
    ConsoleLine,
    DeviceEvent,
    EventCopy,
    KeySeenBefore,
    ScreenText,
    SipMessageSeen,
    SyslogSeen,
    UnreadableLine,
    WebhookSeen,
)
from intercom_hil.wire.error import WireError


def keys_of(message: SipMessageSeen) -> Iterator[bytes]:
    """Yield the SRTP master keys in a message's session description (RFC 4568 §6.1)."""
    try:
        session = message.session
    except WireError:
        return
    for line in session.media if session else ():
        for crypto in line.crypto:
            yield crypto.key


def digest(key: bytes) -> str:
    """Return by what a key is known again; nobody can read it from that."""
    return sha256(key).hexdigest()[:16]


class KeyMemory:
    """The master keys that the device has chosen in a run, known by their digests."""

    def __init__(self) -> None:
        self._known: dict[str, KeySeenBefore] = {}

    def take(self, timeline: Timeline, scenario: str) -> list[KeySeenBefore]:
        """Take in a scenario's keys, and return those that an earlier scenario has seen."""
        here: dict[str, KeySeenBefore] = {}
        for observation in messages(timeline):
            message = sip(observation)
            if message.sender == "device":
                for key in keys_of(message):
                    name = digest(key)
                    here[name] = KeySeenBefore(digest=name, scenario=scenario, call_id=message.call_id)
        again = [self._known[name] for name in here if name in self._known]
        self._known = here | self._known
        return again


def keys(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """KEY-01: each master key of the device in one call alone, of those here and of earlier scenarios.

    What was offered in vain has protected nothing, and may be offered again: past a challenge, or elsewhere.
    Who refuses it may say what he is able to instead (RFC 3261 §21.4.26). The other side that takes over the
    device's own key is another matter.
    """
    taken = {sip(o).call_id for o in seen if sip(o).media and 100 < (sip(o).status or 0) < 300}
    first: dict[bytes, Observation] = {}
    again = {o.content.digest: o for o in timeline if isinstance(o.content, KeySeenBefore)}
    given: dict[tuple[str, bytes], Observation] = {}
    own: set[tuple[str, bytes]] = set()
    for observation in seen:
        message = sip(observation)
        if message.sender != "device":
            given |= {(message.call_id, key): observation for key in keys_of(message)}
            continue
        for key in keys_of(message):
            book.look("KEY-01", observation)
            theirs = given.get((message.call_id, key))
            if theirs is not None and (message.call_id, key) not in own:
                book.broken("KEY-01", "the key that the other side has chosen", observation, theirs)
            if len(set(key)) * 3 <= len(key):
                book.broken(
                    "KEY-01", f"a key with {len(set(key))} different bytes in {len(key)}", observation
                )
            for known, seen_first in first.items():
                same = sum(one == two for one, two in zip(key, known, strict=False))
                if known != key and 2 * same >= len(key):
                    problem = f"a key with {same} of {len(key)} bytes as in another one"
                    book.broken("KEY-01", problem, observation, seen_first)
            own.add((message.call_id, key))
            other = first.setdefault(key, observation)
            if sip(other).call_id != message.call_id and sip(other).call_id not in taken:
                first[key] = observation
            elif sip(other).call_id != message.call_id:
                book.broken("KEY-01", f"the key of the call {sip(other).call_id}", observation, other)
            earlier = again.pop(digest(key), None)
            if earlier is not None:
                book.broken("KEY-01", str(earlier), observation, earlier)


def secrets(timeline: Timeline, seen: Sequence[Observation], book: Book) -> None:
    """KEY-02: what the device says of itself, by whatever way, holds no password and no media key."""
    prints: dict[Fingerprint, None] = {}
    for observation in timeline:
        if isinstance(observation.content, Configured):
            prints |= dict.fromkeys(observation.content.secrets)
    written = {_inline(sip(o)) for o in seen if sip(o).sender == "device"} - {""}
    known: dict[str, str] = {}
    for observation in timeline:
        text = _said(observation)
        if not text:
            continue
        if text not in known:
            known[text] = _secret_in(text, prints, written)
        book.check("KEY-02", not known[text], known[text], observation)


def _said(observation: Observation) -> str:
    content = observation.content
    if isinstance(content, ConsoleLine | UnreadableLine | SyslogSeen | WebhookSeen | ScreenText):
        return content.text
    if isinstance(content, DeviceEvent | EventCopy):
        return content.details
    return content.message if isinstance(content, Configured) else ""


def _secret_in(text: str, prints: dict[Fingerprint, None], written: set[str]) -> str:
    if any(key in text for key in written):
        return "a media key in clear"
    return "a password in clear" if any(fingerprint.is_in(text) for fingerprint in prints) else ""


def _inline(message: SipMessageSeen) -> str:
    """Return the first key of a message as its session description has it."""
    return message.raw.partition(" inline:")[2].split("|")[0].split("\n")[0].strip()[:40]
