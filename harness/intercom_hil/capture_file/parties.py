"""Who is who in a capture: the device, its server, and everybody else by address and port.

The device is the one that registers; of a capture of this bench the run folder says so. Where neither tells
one from the others, nobody is guessed: the candidates are listed. Where several parties are at one address,
as on a loopback interface, they go by address and port.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.capture_file.forwarding import hops
from intercom_hil.errors import BenchError
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.observation import MalformedSip, SipMessageSeen
from intercom_hil.timeline.sip_content import endpoint
from intercom_hil.wire.error import clean

_ROLES = ("sender", "receiver")
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is who.

    Attributes:
        roles: address, or address and port, to role.
        reason: what says so, in words.
        servers_named: whether the device's servers were named, or the run knew them, and were not guessed.
    """

    roles: Mapping[str, str]
    reason: str
    servers_named: bool

    def named(self, timeline: Timeline) -> Timeline:
        """Return a timeline on which everybody goes by role."""
        renamed = Timeline(_renamed(observation, self.roles) for observation in timeline)
        renamed.opened = timeline.opened
        return renamed


def parties(path: Path, timeline: Timeline, device: Collection[str], pbx: Collection[str]) -> Parties:
    """Find out who is who.

    Args:
        path: the capture file; beside one of this bench there is what the bench knew.
        timeline: what the capture shows, everybody by address.
        device: the device's addresses, with or without a port, as far as they were named.
        pbx: those of its servers.

    Raises:
        BenchError: an address is none; or the device was not named, or not exactly enough, and cannot be told
            from others.
    """
    shared = _shared(timeline)
    named_device, named_pbx = [_address(text) for text in device], [_address(text) for text in pbx]
    if both := sorted({*named_device} & {*named_pbx}):
        problem = f"{', '.join(both)} is named as the device and as its server"
        raise BenchError(problem, str(path), "name each with its port: --device ADDRESS:PORT")
    if several := shared.intersection(named_device):
        raise _untold(path, timeline, shared, f"several parties are at {', '.join(sorted(several))}")
    roles = {} if named_device else _roles_of_a_run(path)
    reason, of_a_run = ("the run folder says so", True) if roles else ("as named", False)
    if not named_device and not roles:
        named_device, reason = _guessed(path, timeline, shared)
    found = [host for host, role in roles.items() if role == "device"] or named_device
    if not named_pbx and "pbx" not in roles.values():
        roles |= dict.fromkeys(_registrars(timeline, found, shared), "pbx")
    roles |= dict.fromkeys(named_pbx, "pbx") | dict.fromkeys(named_device, "device")
    return Parties(roles, reason, of_a_run or not _seen(timeline).isdisjoint(named_pbx))


def _renamed(observation: Observation, roles: Mapping[str, str]) -> Observation:
    content = observation.content
    changes = {}
    for field in _ROLES:
        name = getattr(content, field, None)
        role = roles.get(name) or roles.get(_host(name)) if isinstance(name, str) else None
        if role is not None:
            changes[field] = role
    if not changes:
        return observation
    session = content.__dict__.get("session")
    renamed = content.model_copy(update=changes)
    if session is not None:
        renamed.__dict__["session"] = session  # it was parsed already
    return observation.model_copy(update={"content": renamed})


def _roles_of_a_run(path: Path) -> dict[str, str]:
    """Return who lived where, by the timeline that a bench stored beside its capture, if one did."""
    beside = path.parent / "timeline.jsonl"
    if path.name != "capture.pcapng" or not beside.is_file():
        return {}
    try:
        stored = Timeline.load(beside)
    except (OSError, BenchError):
        return {}
    roles: dict[str, str] = {}
    # of what the wire cannot read (TLS) the PBX says the addresses, and may have its own wrong
    for _, message in sorted(_messages(stored), key=lambda pair: pair[0].witness is not Witness.WIRE):
        for host, role in zip(_hosts(message), (message.sender, message.receiver), strict=True):
            if not set(role) & set(".:"):
                roles.setdefault(host, role)
    return roles if "device" in roles.values() else {}


def _shared(timeline: Timeline) -> frozenset[str]:
    """Return the addresses of which a message goes to themselves: of several parties."""
    pairs = (_hosts(message) for _, message in _messages(timeline))
    return frozenset(sender for sender, receiver in pairs if sender == receiver)


def _places(message: SipMessageSeen, shared: Collection[str]) -> tuple[str, str]:
    """Return where a message comes from and where it goes: by address, and by port where that is needed."""
    ends = zip((message.source, message.destination), _hosts(message), strict=True)
    source, destination = (end if host in shared else host for end, host in ends)
    return source, destination


def _guessed(path: Path, timeline: Timeline, shared: Collection[str]) -> tuple[list[str], str]:
    """Return the device's address and what shows it: alone in registering."""
    registering: dict[tuple[str, str, int], str] = {}
    registrars = set()
    if not any(True for _ in _messages(timeline)):
        return [], "there is no SIP that could be read"
    for _, message in _messages(timeline):
        if message.is_request and message.method == "REGISTER":
            sender, receiver = _places(message, shared)
            if hops(message) > 1:
                continue  # a proxy passes it on
            # the first to send it: an address translation sends the same
            registering.setdefault((message.call_id, message.from_tag, message.cseq), sender)
            registrars.add(receiver)
    found = set(registering.values()) - registrars
    if len(found) == 1:
        return sorted(found), "it alone registers"
    raise _untold(path, timeline, shared, "several register" if found else "none registers")


def _untold(path: Path, timeline: Timeline, shared: Collection[str], why: str) -> BenchError:
    """Return the complaint that the device cannot be told from others, with the candidates."""
    counts: Counter[str] = Counter()
    agents: dict[str, str] = {}
    for _, message in _messages(timeline):
        places = _places(message, shared)
        counts.update(places)
        if message.user_agent:
            agents.setdefault(places[0], clean(message.user_agent))
    listed = ", ".join(
        f"{place} ({count} messages{', ' + agents[place] if place in agents else ''})"
        for place, count in counts.most_common(_MOST_LISTED)
    )
    problem = f"which of these is the device cannot be told, for {why}: {listed}"
    port = ":PORT" if shared else ""
    return BenchError(problem, str(path), f"name it with --device ADDRESS{port}")


def _registrars(timeline: Timeline, device: Collection[str], shared: Collection[str]) -> list[str]:
    """Return where the device registers."""
    found: dict[str, None] = {}
    for _, message in _messages(timeline):
        sender, receiver = _places(message, shared)
        if message.is_request and message.method == "REGISTER" and sender in device:
            found[receiver] = None
    return [place for place in found if place not in device]


def _seen(timeline: Timeline) -> set[str]:
    """Return every address that a message goes from or to, with its port and without."""
    found: set[str] = set()
    for _, message in _messages(timeline):
        found |= {message.source, message.destination, *_hosts(message)}
    return found


def _messages(timeline: Timeline) -> Iterator[tuple[Observation, SipMessageSeen]]:
    for observation in timeline:
        if isinstance(observation.content, SipMessageSeen) and observation.content.source:
            yield observation, observation.content


def _hosts(message: SipMessageSeen | MalformedSip) -> tuple[str, str]:
    return _host(message.source), _host(message.destination)


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def _address(text: str) -> str:
    """Return an address as packets have it, with its port where one is named."""
    host, _, port = text.rpartition(":")
    bare = host.strip("[]")
    with_port = port.isascii() and port.isdigit() and (host.startswith("[") or ":" not in bare) and bare
    try:
        if with_port:
            return endpoint((str(ipaddress.ip_address(bare)), int(port)))
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise BenchError("this is no IP address", text, "name the address that is in the packets") from None
