"""Who may call: the decision on one incoming INVITE, before anybody looks at its media (CFG-19, CFG-20).

The From URI is only a claim. It is believed when the request came from the configured server or proxy, which
vouch for it. An INVITE from any other address can only speak for that very address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.emulator.addresses import SIP_PORT, Address, read_address, user_of
from intercom_hil.emulator.settings import SipSettings
from intercom_hil.emulator.vocabulary import Incoming


@dataclass(frozen=True, slots=True)
class Refusal:
    """The SIP answer to a call that is not taken, and the event details that say why."""

    status: int
    reason: str
    details: str


def refusal(call: Incoming, settings: SipSettings, resolved: Mapping[str, frozenset[str]]) -> Refusal | None:
    """Return why a call is not admitted, or None if it is.

    Args:
        call: the INVITE.
        settings: the settings in force.
        resolved: IP addresses of the hosts that the settings name.
    """
    user = user_of(call.request_uri)
    if user and user != settings.extension:
        return Refusal(404, "Not Found", f"not found: {call.request_uri} is not this device")
    if not settings.allow_incoming:
        return Refusal(603, "Decline", f"incoming calls off: {call.caller}")
    if settings.permitted_callers and not _permitted(call, settings, resolved):
        return Refusal(403, "Forbidden", f"caller not permitted: {call.caller}")
    return None


def _permitted(call: Incoming, settings: SipSettings, resolved: Mapping[str, frozenset[str]]) -> bool:
    caller = read_address(call.caller)
    if caller is None:
        return False
    vouching = server_hosts(settings, resolved)
    if call.source in vouching:
        ports = {SIP_PORT, settings.server_port}
        return any(_means(entry, caller, vouching, ports) for entry in settings.permitted_callers)
    return any(
        (listed := read_address(entry)) is not None
        and listed == caller
        and call.source in resolved.get(listed.host, frozenset({listed.host}))
        for entry in settings.permitted_callers
    )


def server_hosts(settings: SipSettings, resolved: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return every name and address, in lower case, by which server and proxy go."""
    hosts = {settings.server_address.lower()}
    if settings.proxy is not None:
        hosts.add(settings.proxy.address.lower())
    return frozenset(hosts).union(*(resolved.get(host, frozenset()) for host in hosts))


def _means(entry: str, caller: Address, of_server: frozenset[str], server_ports: set[int]) -> bool:
    listed = read_address(entry)
    if listed is None:
        return entry == caller.user and caller.host in of_server
    if listed.user != caller.user:
        return False
    if listed.host in of_server and caller.host in of_server:
        return caller.port in server_ports | {listed.port}
    return (listed.host, listed.port) == (caller.host, caller.port)
