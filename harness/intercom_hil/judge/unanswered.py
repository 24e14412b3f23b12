"""Messages that the bench's own parties left without a usable answer although they can be read.

No parser of SIP reads all that RFC 3261 allows. What Asterisk's cannot read (a display name folded between
two words, say) it drops without a word; SIPp drops a request likewise, or answers what nobody can read (a
blank before a colon has it find no Via). What comes of that is not the device's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intercom_hil.judge.messages import sip
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import Configured, MalformedSip, SipMessageSeen, StationSaid
from intercom_hil.timeline.vocabulary import DEVICE, PBX, PROXY
from intercom_hil.wire.uri import Uri, UriError

SIP_PORT = 5060
LONG_ENOUGH = 1.0
"""Seconds after which a party that has read a request has answered it, or said that it will not."""
_RESPONSE = b"SIP/2.0 ".hex()


def ignored(timeline: Timeline, after: float, until: float) -> list[Observation]:
    """Return the messages of the device, sent between two times (epoch seconds), that came to nothing.

    Those that the PBX never answered, or the proxy, or the PBX behind the proxy; calls of which a station
    never said that they arrived, and final responses to calls that the caller never acknowledged: of each
    the first transmission in that time, since what was sent while nobody was there is sent again. Not those
    that are its own fault (that depart from the grammar, or go elsewhere than the settings say), nor those
    that a station means to ignore. Besides, unreadable answers of either.
    """
    wire = [o for o in timeline if o.witness is Witness.WIRE]
    seen = [o for o in wire if isinstance(o.content, SipMessageSeen)]
    answered = {_transaction(sip(o)) for o in seen if sip(o).status and sip(o).receiver == DEVICE}
    relayed = {_transaction(sip(o)) for o in seen if sip(o).is_request and _is_between(sip(o), PROXY, PBX)}
    answered -= relayed - {_transaction(sip(o)) for o in seen if sip(o).status and sip(o).sender == PBX}
    said = " ".join(f"{o.content.text} " for o in timeline if isinstance(o.content, StationSaid))
    taken = [
        (o.time, o.content.settings)
        for o in timeline
        if isinstance(o.content, Configured) and o.content.accepted
    ]
    found: dict[tuple[str, int, str], Observation] = {}
    turns: dict[str, list[int]] = {}
    for observation in seen:
        message = sip(observation)
        if message.sender != DEVICE or message.status is not None or message.deviations:
            continue
        settings = next((s for time, s in reversed(taken) if time <= observation.time), {})
        if message.transport != settings.get("transport"):
            continue
        to_pbx = message.method != "ACK" and (
            _goes_to_server(message, settings) or _goes_to_proxy(message, settings)
        )
        to_station = message.method == "INVITE" and _goes_to_contact(message, settings)
        turn = turns.setdefault(message.call_id, []) if to_station else []
        if to_station and message.cseq not in turn:
            turn.append(message.cseq)
        unheard = to_pbx or (to_station and not _arrived(message, turn.index(message.cseq), said))
        if unheard and _transaction(message) not in answered and observation.time >= after:
            found.setdefault(_transaction(message), observation)
    for observation in _unacknowledged(seen):
        if observation.time >= after:
            found.setdefault(_transaction(sip(observation)), observation)
    late = [o for o in found.values() if o.time <= until - LONG_ENOUGH]
    return late + [o for o in wire if after <= o.time <= until and _is_garbled(o)]


def _arrived(message: SipMessageSeen, before: int, said: str) -> bool:
    """Whether a station says that a call came, after so many others with its Call-ID (RFC 3261 §8.1.3.5)."""
    named = f"callid={message.call_id} "
    return named in said and (not before or said.count(f"INVITE {named}") > before)


def _unacknowledged(seen: list[Observation]) -> Iterator[Observation]:
    """Yield what answers a party's INVITE as it must be answered, and got no ACK (RFC 3261 §13.2.2.4)."""
    asked = {
        (sip(o).sender, *_transaction(sip(o)), sip(o).branch, sip(o).from_tag)
        for o in seen
        if sip(o).is_request and sip(o).method == "INVITE"  # a new offer in a call, too
    }
    acknowledged = {
        (sip(o).sender, sip(o).call_id, sip(o).cseq)
        for o in seen
        if sip(o).is_request and sip(o).method == "ACK"
    }
    for observation in seen:
        message = sip(observation)
        caller = message.receiver
        if (
            not message.status
            or message.status < 200
            or (message.sender, message.method) != (DEVICE, "INVITE")
        ):
            continue
        fits = (caller, *_transaction(message), message.branch, message.from_tag) in asked
        whole = message.to_tag and (message.contacts or message.status >= 300) and not message.deviations
        if fits and whole and (caller, message.call_id, message.cseq) not in acknowledged:
            yield observation


def _transaction(message: SipMessageSeen) -> tuple[str, int, str]:
    return message.call_id, message.cseq, message.method


def _goes_to_server(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    return message.receiver == PBX and message.destination.endswith(f":{settings.get('server_port')}")


def _goes_to_proxy(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    proxy = settings.get("proxy")
    there = f"{proxy.get('address')}:{proxy.get('port')}" if isinstance(proxy, Mapping) else None
    return message.receiver == PROXY and message.destination == there


def _is_between(message: SipMessageSeen, sender: str, receiver: str) -> bool:
    return message.sender == sender and message.receiver == receiver


def _goes_to_contact(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    numbers = (settings.get("call_number"), settings.get("further_numbers"))
    contacts = (word for part in numbers for word in (part if isinstance(part, list | tuple) else [part]))
    try:
        asked = Uri.parse(message.request_uri)
        wanted = [Uri.parse(str(contact)) for contact in contacts if str(contact).startswith("sip:")]
    except UriError:
        return False
    there = f"{asked.host}:{asked.port or SIP_PORT}"
    listed = any(asked.equivalent(contact) for contact in wanted)
    return _may_be_station(message.receiver) and listed and message.destination == there


def _may_be_station(name: str) -> bool:
    return name not in (DEVICE, PBX, PROXY) and not set(name) & set(".:")


def _is_garbled(observation: Observation) -> bool:
    content = observation.content
    return (
        isinstance(content, MalformedSip)
        and content.receiver == DEVICE
        and (content.sender == PBX or _may_be_station(content.sender))
        and content.raw_hex.startswith(_RESPONSE)
    )
