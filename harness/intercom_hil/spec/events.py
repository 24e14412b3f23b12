"""The event catalogue: every SIP event an intercom may write to its log, with its screen name (EVT-01..10).

The names are interface strings, literal. Which of them end a call, and which may only follow an
established one, is what the event monitors build on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventKind:
    """One row of the event log's vocabulary."""

    requirement: str
    name: str
    screen_name: str
    written_when: str


OUTGOING_INITIATED = EventKind(
    "EVT-01", "outgoing_call_initiated", "Dialing", "the button starts an attempt to place a call"
)
OUTGOING_ESTABLISHED = EventKind(
    "EVT-02", "outgoing_call_established", "Call Established", "the remote answered and audio is open"
)
OUTGOING_FAILURE = EventKind("EVT-03", "outgoing_call_failure", "Call Failed", "one single call failed")
OUTGOING_REMOTE_HANGUP = EventKind(
    "EVT-04", "outgoing_remote_hangup", "Hanging Up", "the remote side ended a placed call"
)
OUTGOING_CONTACTS_EXHAUSTED = EventKind(
    "EVT-05", "outgoing_call_contact_failure", "Call Failed", "no contact of the list was reached"
)
INCOMING_REJECTED = EventKind(
    "EVT-06", "incoming_call_rejected", "Call Rejected", "the device rejected an incoming call"
)
INCOMING_RECEIVED = EventKind(
    "EVT-07", "incoming_call_received", "Incoming Call", "an incoming call was established"
)
INCOMING_FAILURE = EventKind(
    "EVT-08", "incoming_call_failure", "Call Failed", "an established incoming call failed"
)
INCOMING_REMOTE_HANGUP = EventKind(
    "EVT-09", "incoming_call_remote_hangup", "Hanging Up", "the remote side ended an incoming call"
)
INCOMING_LOCAL_HANGUP = EventKind(
    "EVT-10", "incoming_call_local_hangup", "Hanging Up", "the local side ended an incoming call"
)

EVENTS: dict[str, EventKind] = {
    kind.name: kind
    for kind in (
        OUTGOING_INITIATED,
        OUTGOING_ESTABLISHED,
        OUTGOING_FAILURE,
        OUTGOING_REMOTE_HANGUP,
        OUTGOING_CONTACTS_EXHAUSTED,
        INCOMING_REJECTED,
        INCOMING_RECEIVED,
        INCOMING_FAILURE,
        INCOMING_REMOTE_HANGUP,
        INCOMING_LOCAL_HANGUP,
    )
}

FAILURE_KINDS = (
    "busy",
    "declined",
    "no answer",
    "not found",
    "unreachable",
    "media security",
    "caller not permitted",
    "incoming calls off",
)
"""The kinds of failure and rejection that event details must distinguish (EVT-13)."""
