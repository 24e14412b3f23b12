"""A device whose SIP is on stays registered (REG-01), and hammers no server that refuses it (REG-02).

It may take its registration back and register at once again, as some do to begin afresh. Nothing is said of a
device that has not registered yet with the settings in force, near a restart, or where the scenario ended
too soon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intercom_hil.judge.expected_events import declared_timing
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import messages, sip
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Configured, InstrumentLost, SipMessageSeen


def kept_registered(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """Judge each registration that the device took back until ``settled`` (epoch seconds)."""
    timing = declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    seen = [o for o in messages(timeline) if sip(o).method == "REGISTER"]
    submitted = [o.time for o in timeline if isinstance(o.content, Configured)]
    lost = any(isinstance(o.content, InstrumentLost) for o in timeline)
    for observation in seen:
        answer, at = sip(observation), observation.time
        if lost or answer.receiver != "device" or not answer.lists_nobody or not _took_back(answer, seen):
            continue
        until = at + timing.registered + timing.tolerance
        until += late_between(timeline, at, until)
        settings = in_force.during(at, until)
        on = bool(settings) and all(one.get("enabled") is True for one in settings)
        since = max((begun for begun in submitted if begun < at), default=at)
        known = any(since < o.time < at and _is_granted(sip(o)) for o in seen)
        again = any(at < o.time <= until and _asks(sip(o)) for o in seen)
        if on and known and not again and not in_force.changed(at, until) and until < settled:
            text = f"{observation}: taken back, and not asked for again in {until - at:.1f} s"
            yield Finding("REG-01", "a device that stays registered while SIP is on", text, [observation])


def _asks(message: SipMessageSeen) -> bool:
    return message.sender == "device" and message.is_request and not message.takes_back


def _is_granted(message: SipMessageSeen) -> bool:
    return message.receiver == "device" and message.status == 200 and not message.lists_nobody


def _took_back(answer: SipMessageSeen, seen: Sequence[Observation]) -> bool:
    """Whether it answers a REGISTER by which the device wants to be registered no more."""
    asked = (sip(o) for o in seen if sip(o).is_request and sip(o).sender == "device")
    own = [one for one in asked if (one.call_id, one.cseq) == (answer.call_id, answer.cseq)]
    return bool(own) and all(one.takes_back for one in own)


MOST_REFUSED = 5
"""Attempts with credentials, all refused, that may come in a time in which a registration is done.

A device may try anew for a stale challenge, for a server at another place, by another algorithm.
"""


def hammering(timeline: Timeline) -> Iterator[Finding]:
    """REG-02: one that is refused, whatever credentials it shows, leaves the server in peace for a while.

    A server, or a proxy. What is sent again over UDP is the same attempt, and new settings are tried at once.
    """
    within = declared_timing(timeline).registered
    seen = [o for o in messages(timeline) if sip(o).method == "REGISTER"]
    shown = {_attempt(sip(o)) for o in seen if sip(o).is_request and sip(o).credentials}
    submitted = [o.time for o in timeline if isinstance(o.content, Configured)]
    tries: dict[tuple[str, int], Observation] = {}
    for observation in seen:
        answer = sip(observation)
        if answer.receiver == "device" and answer.status is not None and answer.status >= 200:
            if answer.status < 300:
                tries.clear()
            elif answer.status in _REFUSED and _attempt(answer) in shown:
                tries[_attempt(answer)] = observation
        since = max([observation.time - within, *(at for at in submitted if at < observation.time)])
        recent = [o for o in tries.values() if o.time > since]
        if len(recent) > MOST_REFUSED:
            text = f"{len(recent)} attempts with credentials refused in {within:g} s, the last: {recent[-1]}"
            expected = "a device that does not hammer a server that refuses it"
            yield Finding("REG-02", expected, text, recent)
            return


_REFUSED = (401, 403, 407)


def _attempt(message: SipMessageSeen) -> tuple[str, int]:
    return message.call_id, message.cseq
