"""Why a call failed, as a final response says beside its status: by Reason (RFC 3326, RFC 6432).

A gateway passes on what its own network says, and a server what another side has said. A device may tell that
to people, or the status.
"""

from __future__ import annotations

from intercom_hil.spec.status_codes import CAUSES_OF, STATUSES_OF
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.sip import split_list


def kinds_by_reason(message: SipMessageSeen) -> set[str]:
    """Return the kinds of failure that the Reasons of a message stand for."""
    found = set()
    for reason in (part for value in message.values("Reason") for part in split_list(value)):
        protocol, *parameters = split_list(reason, ";")
        pairs = (parameter.partition("=") for parameter in parameters)
        cause = next((value.strip() for name, _, value in pairs if name.strip().lower() == "cause"), "")
        known = {"SIP": STATUSES_OF, "Q.850": CAUSES_OF}.get(protocol.upper(), {})
        found |= {kind for kind, causes in known.items() if cause in map(str, causes)}
    return found
