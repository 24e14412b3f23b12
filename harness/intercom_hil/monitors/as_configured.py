"""The settings that show in every message: CFG-06, CFG-11, CFG-12 and PRX-01 of all that the device asks for.

Whatever scenario has it register or place a call: by the transport that is set, through the proxy that is,
as its extension, under its display name. With TLS not a request goes in clear, within calls neither. While
settings change either may be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intercom_hil.judge.expected_events import declared_timing
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.messages import messages, sip
from intercom_hil.judge.places import uri_in
from intercom_hil.spec.settings import Transport
from intercom_hil.timeline import Timeline
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import split_list
from intercom_hil.wire.uri import Uri, is_address


def as_configured(timeline: Timeline) -> Iterator[Finding]:
    """Judge each REGISTER of the device, each INVITE that begins a call, and what follows in calls over TLS.

    There is one finding for each row.
    """
    in_force = InForce(timeline, declared_timing(timeline).apply)
    broken: set[str] = set()
    for observation in messages(timeline):
        message = sip(observation)
        settings = in_force.during(observation.time, observation.time)
        over_tls = bool(settings) and all(one.get("transport") == Transport.TLS for one in settings)
        if _takes_in_clear(message) and over_tls:
            broken.add("CFG-06")
            expected = "with TLS no call is taken that comes in clear"
            yield Finding("CFG-06", expected, f"{observation}, over {message.transport}", [observation])
            break
    for observation in messages(timeline):
        message = sip(observation)
        if message.sender != "device" or not message.is_request:
            continue
        registers = message.method == "REGISTER" and not message.takes_back
        begins = registers or message.is_initial_invite
        settings = in_force.during(observation.time, observation.time)
        if not begins and any(one.get("transport") in (Transport.UDP, None) for one in settings):
            continue
        for row, (expected, holds) in _RULES.items() if begins else (("CFG-06", _RULES["CFG-06"]),):
            if settings and row not in broken and not any(holds(message, one) for one in settings):
                broken.add(row)
                yield Finding(row, expected, _shown(row, message, str(observation)), [observation])


def _takes_in_clear(message: SipMessageSeen) -> bool:
    """Whether the device takes a call over what anybody on the line can read (RFC 3261 §26.2.1)."""
    taken = message.method == "INVITE" and 200 <= (message.status or 0) < 300
    return message.sender == "device" and taken and message.transport in ("UDP", "TCP")


def _transport(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether a message goes by the transport that is set, or may go by another.

    A request that is too large for UDP goes by TCP (RFC 3261 §18.1.1), and where it goes next may be named
    with a transport. Within a call that alone decides (RFC 3263 §4.1), but with TLS.
    """
    wanted = settings.get("transport")
    too_large = wanted == Transport.UDP and message.transport == "TCP"
    known = wanted in {transport.value for transport in Transport} and message.transport != ""
    route = next((uri_in(one) for value in message.values("Route")[:1] for one in split_list(value)), None)
    following = route or uri_in(message.request_uri)
    by = ((following.parameter("transport") if following else None) or "").upper()
    if wanted == Transport.TCP and message.method != "REGISTER" and not message.is_initial_invite:
        return by != Transport.TCP or message.transport != Transport.UDP
    named = by == message.transport and wanted != Transport.TLS
    return not known or too_large or named or message.transport == wanted


def _extension(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    wanted = settings.get("extension")
    try:
        user = Uri.parse(message.from_uri).user_unescaped
    except WireError:
        return True  # what cannot be read breaks another rule
    return not wanted or user == wanted


def _display_name(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    wanted = settings.get("display_name")
    return message.method != "INVITE" or not wanted or _words(message.from_display) == _words(str(wanted))


def _proxy(message: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether a message goes to the proxy's address, where there is one that is known by its address."""
    proxy = settings.get("proxy")
    address = proxy.get("address") if isinstance(proxy, dict) else None
    if not isinstance(address, str) or not is_address(address) or not message.destination:
        return True
    return message.receiver == "proxy" or message.destination.rpartition(":")[0].strip("[]") == address


def _words(text: str) -> list[str]:
    return text.split()


_RULES = {
    "CFG-06": ("the device registers and calls by the transport that is set", _transport),
    "CFG-11": ("the display name that is set, in From of every call that is placed", _display_name),
    "CFG-12": ("the device registers and calls as its extension", _extension),
    "PRX-01": ("every request goes to the proxy first", _proxy),
}


def _shown(row: str, message: SipMessageSeen, text: str) -> str:
    shown = {
        "CFG-06": message.transport,
        "CFG-11": repr(message.from_display),
        "CFG-12": message.from_uri,
        "PRX-01": message.destination,
    }
    return f"{text}: {shown[row]}"
