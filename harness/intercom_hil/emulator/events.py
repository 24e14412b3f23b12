"""The events that the device can write to its log, typed from the page (EVT-01 to EVT-10).

A table of the device's own: the bench has another one, so that one misreading does not pass on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventKind:
    """An event by its two names, and the requirement that has it."""

    requirement: str
    name: str
    screen_name: str


OUTGOING_INITIATED = EventKind("EVT-01", "outgoing_call_initiated", "Dialing")
"""The button is pressed, and an attempt to place a call starts."""
OUTGOING_ESTABLISHED = EventKind("EVT-02", "outgoing_call_established", "Call Established")
"""The remote station answered, and the audio channels are open."""
OUTGOING_FAILURE = EventKind("EVT-03", "outgoing_call_failure", "Call Failed")
"""One single call failed."""
OUTGOING_REMOTE_HANGUP = EventKind("EVT-04", "outgoing_remote_hangup", "Hanging Up")
"""The remote side ended a placed call. There is none for the local side (OUT-10)."""
OUTGOING_CONTACTS_EXHAUSTED = EventKind("EVT-05", "outgoing_call_contact_failure", "Call Failed")
"""The list of contacts is exhausted, and none was reached."""
INCOMING_REJECTED = EventKind("EVT-06", "incoming_call_rejected", "Call Rejected")
"""The device rejected an incoming call."""
INCOMING_RECEIVED = EventKind("EVT-07", "incoming_call_received", "Incoming Call")
"""An incoming call was established."""
INCOMING_FAILURE = EventKind("EVT-08", "incoming_call_failure", "Call Failed")
"""An incoming call failed after it was established."""
INCOMING_REMOTE_HANGUP = EventKind("EVT-09", "incoming_call_remote_hangup", "Hanging Up")
"""The remote side ended an incoming call."""
INCOMING_LOCAL_HANGUP = EventKind("EVT-10", "incoming_call_local_hangup", "Hanging Up")
"""The local side ended an incoming call."""

EVENTS = (
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
"""All of them, in the order of the page."""
