"""The device's requests within dialogs: SIP-05 (RFC 3261 §12.2.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intercom_hil.judge.messages import sip
from intercom_hil.judge.places import place, uri_in
from intercom_hil.practice.book import Book
from intercom_hil.practice.requests import Requests
from intercom_hil.timeline import Observation
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import split_list
from intercom_hil.wire.uri import is_address

_TARGET_REFRESHING = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY")
_OUTSIDE = ("ACK", "CANCEL")
"""Methods that have the CSeq number of an INVITE, and so no part in its rising."""


@dataclass(slots=True)
class _Dialog:
    """One dialog from the device's side: its route set, and wherever the other side said to be reached."""

    routes: list[str]
    targets: set[str] = field(default_factory=set)


def dialogs(seen: Sequence[Observation], book: Book) -> None:
    """Judge each request of the device with a To tag, of calls whose beginning was seen."""
    known: dict[str, dict[tuple[str, str], _Dialog]] = {}
    asked: dict[tuple[str, int], SipMessageSeen] = {}
    begun: set[str] = set()
    sent = Requests()
    highest: dict[tuple[str, str, str], int] = {}  # a fork's dialogs count from their INVITE on
    ended: dict[tuple[str, str, str], SipMessageSeen] = {}
    heard_of = {sip(o).source for o in seen if sip(o).receiver == "device"}
    for observation in seen:
        message = sip(observation)
        ours = message.sender == "device"
        if "device" not in (message.sender, message.receiver) or not message.headers:
            continue
        if ours and message.is_request and message.method == "INVITE":
            begun.add(message.branch)
        if message.is_initial_invite:
            asked.setdefault((message.call_id, message.cseq), message)  # of two ways the first (§8.2.2.2)
        _learn(known, asked, message, ours)
        if not ours and message.method == "BYE" and (message.status or 0) >= 300:
            ended.pop((message.call_id, message.from_tag, message.to_tag), None)  # asked for in vain
        if not (ours and message.is_request) or message.method == "CANCEL":
            continue
        own = known[message.call_id]
        # An ACK of a refusal is of its INVITE's transaction, and of no dialog.
        refusal = message.method == "ACK" and message.branch in begun
        if message.to_tag and own and not refusal:
            _judge(observation, message, own, book)
            if not _is_heard(message, heard_of):
                book.broken("SIP-05", f"{message.method} to an address of nobody", observation)
        if message.method in _OUTSIDE:
            continue
        begins, within = (
            (message.call_id, message.from_tag, ""),
            (message.call_id, message.from_tag, message.to_tag),
        )
        before = max(highest.get(begins, -1), highest.get(within, -1))
        again = sent.again(message)  # perhaps when another was under way
        if message.to_tag and before >= 0 and not again and message.cseq <= before:
            book.broken("SIP-05", "a CSeq that does not rise", observation)
        if message.method == "BYE":
            bye = ended.setdefault(within, message)
            if bye.cseq != message.cseq:
                book.broken("SIP-05", "a second BYE of its own", observation)
        highest[within] = max(message.cseq, highest.get(within, -1))


def _learn(
    known: dict[str, dict[tuple[str, str], _Dialog]],
    asked: dict[tuple[str, int], SipMessageSeen],
    message: SipMessageSeen,
    ours: bool,
) -> None:
    """Take in what begins a dialog, and what says anew where the other side is reached."""
    status = message.status
    opens = message.method == "INVITE" and status is not None and 100 < status < 300 and message.to_tag
    own = known.setdefault(message.call_id, {})
    tags = (message.to_tag, message.from_tag) if ours == (status is not None) else ()
    local_and_remote = tags or (message.from_tag, message.to_tag)
    if opens and local_and_remote not in own:
        invite = asked.get((message.call_id, message.cseq))
        record = _listed(message, "Record-Route")
        own[local_and_remote] = dialog = _Dialog(record if ours else record[::-1])
        if ours and invite is not None:
            dialog.routes = _listed(invite, "Record-Route")
            dialog.targets |= {contact.uri for contact in invite.contacts}
    if not ours and local_and_remote in own and message.method in _TARGET_REFRESHING:
        dialog = own[local_and_remote]
        dialog.targets |= {contact.uri for contact in message.contacts}
        began = asked.get((message.call_id, message.cseq))
        if opens and status is not None and status >= 200 and began is not None and began.sender == "device":
            dialog.routes = _listed(message, "Record-Route")[::-1]  # anew (§13.2.2.4)


def _judge(
    observation: Observation, message: SipMessageSeen, own: dict[tuple[str, str], _Dialog], book: Book
) -> None:
    dialog = own.get((message.from_tag, message.to_tag))
    if dialog is None:
        book.broken("SIP-05", f"{message.method} with the tags of no dialog", observation)
        return
    book.look("SIP-05", observation)
    loose = all("lr" in _parameters(route) for route in dialog.routes)
    routes = _listed(message, "Route")
    if loose and [place(route) for route in routes] != [place(route) for route in dialog.routes]:
        book.broken("SIP-05", f"{message.method} with another route set than the dialog's", observation)
    targets = {place(target) for target in dialog.targets}
    if loose and targets and place(message.request_uri) not in targets:
        book.broken("SIP-05", f"{message.method} to another place than the other side's Contact", observation)


def _is_heard(message: SipMessageSeen, heard_of: set[str]) -> bool:
    """Whether a request goes where its URI or its route leads to, or from where anybody has sent anything.

    By whom a device sends its requests is its own policy (RFC 3261 §8.1.2). A connection has other ports
    than the datagrams of the same party, and where a name leads to, or ``maddr``, is not known.
    """
    if message.transport != "UDP" or not message.destination or message.destination in heard_of:
        return True
    for leads in (message.request_uri, *_listed(message, "Route")[:1]):
        _, host, port = place(leads)
        named = not is_address(host) or "maddr" in _parameters(leads)
        if named or f"{host}:{port}" == message.destination:
            return True
    return False


def _listed(message: SipMessageSeen, name: str) -> list[str]:
    return [part for value in message.values(name) for part in split_list(value)]


def _parameters(text: str) -> set[str]:
    uri = uri_in(text)
    return {name.lower() for name, _ in uri.parameters} if uri else set()
