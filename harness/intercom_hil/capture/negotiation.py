"""Who agreed with whom to send what where, under which key: SDP offers and answers, matched.

It follows SIP messages, from whichever witness can read them, and makes one ``NegotiatedStream`` for each
direction of each negotiated media section. Offer/answer: RFC 3264, RFC 6337 §2; keys: RFC 4568 §5.1, each
party's own SDP has the key it sends with; the tag of the answer's line names the offered line it picked. What
an offer has as a potential configuration (RFC 5939) counts where the answer takes that up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.timeline.sip_content import Address
from intercom_hil.wire.sdp import Crypto, Media, Session

MAX_TRANSACTIONS = 512
"""Offers, and agreements, that are remembered; the oldest are forgotten beyond that."""

_OFFERING = ("INVITE", "UPDATE", "PRACK")


@dataclass(frozen=True)
class NegotiatedStream:
    """One direction of one agreed media section.

    Attributes:
        call_id: the call it belongs to.
        media: audio, video, …
        secure: whether SRTP was agreed.
        keys: the keys its sender said it would send under; empty when plain, or when none is usable.
        keyless: why there is no key although SRTP was agreed; empty where there is one, or needs to be none.
        source: the sender's own media address.
        destination: the receiver's media address.
        encodings: payload type to encoding and clock rate.
        since: when the answer was seen, seconds since the epoch.
    """

    call_id: str
    media: str
    secure: bool
    keys: tuple[Crypto, ...]
    source: Address
    destination: Address
    encodings: dict[int, str] = field(compare=False)
    since: float = field(compare=False)
    keyless: str = ""

    def same_protection(self, other: NegotiatedStream) -> bool:
        """Whether packets of both belong in one account: same call, media and keys."""
        mine = (self.call_id, self.media, self.secure, self.keyless, _key_bytes(self.keys))
        return mine == (
            other.call_id,
            other.media,
            other.secure,
            other.keyless,
            _key_bytes(other.keys),
        )


@dataclass
class _Transaction:
    offer: Session | None = None
    offered_by_response: Session | None = None
    answers: dict[str, Session] = field(default_factory=dict)
    replaced: dict[str, tuple[NegotiatedStream, ...]] = field(default_factory=dict)


class Negotiation:
    """Every agreement seen so far.

    Attributes:
        generation: grows whenever an agreement is made, replaced or withdrawn.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._transactions: OrderedDict[tuple[str, str, int], _Transaction] = OrderedDict()
        self._legs: OrderedDict[tuple[str, frozenset[str]], tuple[NegotiatedStream, ...]] = OrderedDict()
        self._offered: OrderedDict[Address, tuple[str, float]] = OrderedDict()  # by which call, when last

    def learn(self, seen: SipMessageSeen, time: float) -> None:
        """Take in what a message offers, answers or withdraws. The same message twice changes nothing.

        Raises:
            SdpError: its body is an unusable session description.
        """
        if seen.method == "BYE":
            # What comes from these ports next may be another call, whose answer is still unread.
            self.generation += self._legs.pop(_dialog(seen), None) is not None
        if seen.method not in (*_OFFERING, "ACK"):
            return
        transaction = self._transaction((seen.call_id, seen.from_tag, seen.cseq))
        if seen.status is not None and seen.status >= 300:
            self._withdraw(seen, transaction)
            return
        session = seen.session
        if session is None:
            return
        if seen.method == "ACK":
            if transaction.offered_by_response is not None:
                self._settle(seen, transaction, transaction.offered_by_response, session, time)
        elif seen.status is None:
            if seen.method == "PRACK" and (invite := self._answered_by_prack(seen)):
                self._settle(seen, invite, invite.offered_by_response or session, session, time)
            elif transaction.offer != session:
                transaction.offer = session
                self._announce(seen.call_id, session, time)
        elif transaction.offer is not None:
            self._settle(seen, transaction, transaction.offer, session, time)
        elif transaction.offered_by_response != session:
            transaction.offered_by_response = session
            self._announce(seen.call_id, session, time)

    def leg(
        self, source: Address, destination: Address, payload_type: int | None = None
    ) -> NegotiatedStream | None:
        """Return what a packet between these addresses belongs to: by its destination before its source.

        Where several sections share a port its payload type says of which it is (RFC 9143 §9.2).
        """
        best: tuple[int, NegotiatedStream] | None = None
        for legs in reversed(self._legs.values()):
            for leg in legs:
                fit = 4 * (leg.destination == destination) + (leg.source == source)
                fit += 2 * (fit > 0 and payload_type in leg.encodings)
                if fit and (best is None or fit > best[0]) and not self._superseded(leg, source, destination):
                    best = fit, leg
        return best[1] if best else None

    def mentions(self, source: Address, destination: Address) -> bool:
        """Return whether either address was ever offered or answered as a media address."""
        return source in self._offered or destination in self._offered

    def names(self, address: Address) -> bool:
        """Return whether an address was ever offered or answered as a media address."""
        return address in self._offered

    def _transaction(self, key: tuple[str, str, int]) -> _Transaction:
        transaction = self._transactions.setdefault(key, _Transaction())
        self._transactions.move_to_end(key)
        if len(self._transactions) > MAX_TRANSACTIONS:
            self._transactions.popitem(last=False)
        return transaction

    def _answered_by_prack(self, seen: SipMessageSeen) -> _Transaction | None:
        """Return the INVITE whose offer, in a reliable response, a PRACK answers (RFC 3262 §5)."""
        own = (t for key, t in self._transactions.items() if key[:2] == (seen.call_id, seen.from_tag))
        return next((t for t in own if t.offered_by_response and seen.to_tag not in t.answers), None)

    def _announce(self, call_id: str, session: Session, time: float) -> None:
        """Note whose the addresses are now: a port used again belongs to the call that named it last."""
        for address in ((media.address, port) for media in session.media for port in media.stream_ports):
            if self._offered.get(address, ("", 0.0))[0] != call_id:
                self.generation += 1
            self._offered[address] = call_id, time
            self._offered.move_to_end(address)
            if len(self._offered) > 4 * MAX_TRANSACTIONS:
                self._offered.popitem(last=False)

    def _superseded(self, leg: NegotiatedStream, source: Address, destination: Address) -> bool:
        """Whether an address of the leg, or of the packet, belongs to a call that named it later.

        A packet to an address that was just offered belongs to that call, though its answer is still unread.
        It may come from one that it names nowhere (comedia), be it one that a call before had named.
        """
        later = (
            self._owner(a, leg.call_id) != leg.call_id for a in (leg.source, leg.destination, destination)
        )
        owner, named = self._offered.get(source, (leg.call_id, 0.0))
        return any(later) or (owner != leg.call_id and named > leg.since)

    def _owner(self, address: Address, otherwise: str) -> str:
        return self._offered.get(address, (otherwise, 0.0))[0]

    def _settle(
        self, seen: SipMessageSeen, transaction: _Transaction, offer: Session, answer: Session, time: float
    ) -> None:
        if transaction.answers.get(seen.to_tag) == answer:
            return
        transaction.answers[seen.to_tag] = answer
        self._announce(seen.call_id, answer, time)
        dialog = _dialog(seen)
        pairs = zip(offer.media, answer.media, strict=False)
        transaction.replaced.setdefault(seen.to_tag, self._legs.get(dialog, ()))
        self._legs[dialog] = tuple(leg for pair in pairs for leg in _legs(seen.call_id, *pair, time))
        self._legs.move_to_end(dialog)
        if len(self._legs) > MAX_TRANSACTIONS:
            self._legs.popitem(last=False)
        self.generation += 1

    def _withdraw(self, seen: SipMessageSeen, transaction: _Transaction) -> None:
        """A final refusal undoes what provisional answers agreed: what held before holds again."""
        if transaction.answers.pop(seen.to_tag, None) is not None:
            self._legs[_dialog(seen)] = transaction.replaced.pop(seen.to_tag, ())
            self.generation += 1


def _dialog(seen: SipMessageSeen) -> tuple[str, frozenset[str]]:
    return seen.call_id, frozenset((seen.from_tag, seen.to_tag))


def _legs(call_id: str, offered: Media, answered: Media, time: float) -> list[NegotiatedStream]:
    if offered.port == 0 or answered.port == 0:
        return []
    offered = offered.as_taken_up(answered)
    secure = answered.is_secure or (offered.offers_srtp and answered.offers_srtp)
    offer_keys, answer_keys, keyless = _keys(offered, answered) if secure else ((), (), "")
    offer_address, answer_address = (offered.address, offered.port), (answered.address, answered.port)
    both = [
        NegotiatedStream(
            call_id,
            offered.media,
            secure,
            offer_keys,
            offer_address,
            answer_address,
            {**offered.encodings, **answered.encodings},
            time,
            "" if offer_keys else keyless,
        ),
        NegotiatedStream(
            call_id,
            offered.media,
            secure,
            answer_keys,
            answer_address,
            offer_address,
            {**answered.encodings, **offered.encodings},
            time,
            "" if answer_keys else keyless,
        ),
    ]
    further = range(2, 2 * min(len(offered.stream_ports), len(answered.stream_ports)), 2)
    return both + [_beside(leg, ports) for ports in further for leg in both]


def _beside(leg: NegotiatedStream, ports: int) -> NegotiatedStream:
    """Return a further stream of a section that has several, so many ports up (RFC 4566 §5.14)."""
    (source, own), (destination, theirs) = leg.source, leg.destination
    return replace(leg, source=(source, own + ports), destination=(destination, theirs + ports))


def _keys(offered: Media, answered: Media) -> tuple[tuple[Crypto, ...], tuple[Crypto, ...], str]:
    """Return the keys that offerer and answerer send under, and why there are none (RFC 4568 §5.1)."""
    if answered.crypto:
        picked = _picked(offered.crypto, answered.crypto)
        if picked:
            return picked, answered.crypto, ""
        if offered.unusable_crypto:
            return (), answered.crypto, f"the key of the offer is unusable: {offered.unusable_crypto[0]}"
        return (), answered.crypto, f"{answered.crypto[0].suite} was answered, and not offered"
    if answered.unusable_crypto:
        return (), (), f"the key of the answer is unusable: {answered.unusable_crypto[0]}"
    if answered.is_dtls:
        return (), (), "DTLS-SRTP: the keys are agreed in the media path (RFC 5764), no witness can have them"
    return (), (), "the answer has no a=crypto: no suite was agreed (RFC 4568 §5.1.2)"


def _picked(offered: tuple[Crypto, ...], answered: tuple[Crypto, ...]) -> tuple[Crypto, ...]:
    """Return the keys of the offered line that the answer picked: same tag and suite, or else same suite."""
    same_suite = tuple(crypto for crypto in offered if crypto.suite == answered[0].suite)
    same_tag = tuple(crypto for crypto in same_suite if crypto.tag == answered[0].tag)
    return same_tag or same_suite


def _key_bytes(keys: tuple[Crypto, ...]) -> tuple[tuple[object, ...], ...]:
    return tuple((c.suite, c.key, c.salt, c.mki_size, c.parameters) for c in keys)
