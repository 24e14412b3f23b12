"""What the PBX reports of itself, as content for the timeline: ARI events, AMI events, lines of its log.

Nothing that arrives can raise: fields that are absent or of another type are left out, and events that nobody
asks about are None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from intercom_hil.timeline.observation import PbxEvent

Reported = tuple[PbxEvent, float | None]
"""A PBX event and when it happened, seconds since the epoch; None where it does not say."""

ARI_EVENTS = frozenset(
    {"ChannelCreated", "ChannelStateChange", "Dial", "ChannelHangupRequest", "ChannelDestroyed"}
    | {"ChannelHold", "ChannelUnhold", "ChannelDtmfReceived", "ChannelToneDetected", "ChannelUserevent"}
    | {"ContactStatusChange", "PeerStatusChange"}
)
"""The ARI events that are kept."""
SECURITY_EVENTS = frozenset(
    {"ChallengeSent", "ChallengeResponseFailed", "SuccessfulAuth", "InvalidPassword", "InvalidAccountID"}
    | {"FailedACL", "InvalidTransport", "UnexpectedAddress", "RequestBadFormat"}
)
"""The AMI events of class ``security`` that are kept; those about SIP, that is."""

_CHANNEL_FIELDS = ("cause", "cause_txt", "tech_cause", "dialstatus", "digit", "duration_ms", "eventname")
_LOG_LINE = re.compile(
    r"\[[^]]*\] (?P<level>NOTICE|WARNING|ERROR)(?:\[[^]]*\])* (?P<source>[^ :]*): (?P<text>.*)", re.DOTALL
)


def from_ari(event: Mapping[str, object]) -> Reported | None:
    """Return what an ARI event reports: channel, Call-ID, and the few fields that verdicts use.

    A Dial event is about the called channel (``peer``); the caller's is in the field ``caller``.
    """
    name = event.get("type")
    if not isinstance(name, str) or name not in ARI_EVENTS:
        return None
    channel = _object(event, "peer") if name == "Dial" else _object(event, "channel")
    fields: dict[str, object] = {k: event[k] for k in _CHANNEL_FIELDS if isinstance(event.get(k), str | int)}
    for field, holder, key in (
        ("state", channel, "state"),
        ("endpoint", _object(event, "endpoint"), "resource"),
        ("contact", _object(event, "contact_info"), "uri"),
        ("contact_status", _object(event, "contact_info"), "contact_status"),
        ("aor", _object(event, "contact_info"), "aor"),
        ("peer_status", _object(event, "peer"), "peer_status"),
        ("caller", _object(event, "caller"), "name"),
    ):
        if isinstance(holder.get(key), str) and holder[key]:
            fields[field] = holder[key]
    reported = PbxEvent(
        interface="ari",
        name=name,
        channel=_text(channel, "name"),
        call_id=_text(channel, "protocol_id"),
        fields=fields,
    )
    return reported, _time(_text(event, "timestamp"))


def from_ami(event: Mapping[str, str]) -> Reported | None:
    """Return what an AMI security event about SIP reports: who, from where, under which Call-ID."""
    name = event.get("Event", "")
    if name not in SECURITY_EVENTS or event.get("Service") != "PJSIP":
        return None
    fields: dict[str, object] = {}
    for field, key in (("account", "AccountID"), ("remote", "RemoteAddress"), ("severity", "Severity")):
        if key in event:
            fields[field] = event[key]
    reported = PbxEvent(interface="ami", name=name, call_id=event.get("SessionID", ""), fields=fields)
    try:
        return reported, float(event["Timestamp"])
    except (KeyError, ValueError):
        return reported, None


def from_log(line: str) -> PbxEvent | None:
    """Return what a line of the PBX's log reports, if it is a NOTICE, WARNING or ERROR."""
    match = _LOG_LINE.fullmatch(line)
    if not match:
        return None
    return PbxEvent(
        interface="log", name=match["level"], fields={"source": match["source"], "text": match["text"]}
    )


def _object(holder: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _text(holder: Mapping[str, object], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _time(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None
