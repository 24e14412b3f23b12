"""A device whose SIP is on stays registered (REG-01), polls (REG-03), and hammers no server (REG-02).

It may take its registration back and register at once again, as some do to begin afresh. Nothing is said of a
device that has not registered yet with the settings in force, near a restart, or where the scenario ended
too soon.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from intercom_hil.judge.expected_events import declared_timing
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import messages, sip
from intercom_hil.spec.status_codes import CHALLENGES
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import Configured, InstrumentLost, SipMessageSeen
from intercom_hil.timeline.vocabulary import granted


def kept_registered(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """Judge each registration that the device took back until ``settled`` (epoch seconds)."""
    for taken_back, until in not_asked_again(timeline):
        if until < settled:
            seen = f"{taken_back}: taken back, and not asked for again in {until - taken_back.time:.1f} s"
            yield Finding("REG-01", "a device that stays registered while SIP is on", seen, [taken_back])


def not_asked_again(timeline: Timeline) -> Iterator[tuple[Observation, float]]:
    """Look for registrations that the device took back for no reason, and has not asked for again so far.

    Returns:
        The answer that took each back, and until when the device may ask again (epoch seconds).
    """
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
        if on and known and not again and not in_force.changed(at, until):
            yield observation, until


def _asks(message: SipMessageSeen) -> bool:
    return message.sender == "device" and message.is_request and not message.takes_back


def _is_granted(message: SipMessageSeen) -> bool:
    return message.receiver == "device" and message.status == 200 and not message.lists_nobody


def _took_back(answer: SipMessageSeen, seen: Sequence[Observation]) -> bool:
    """Whether it answers a REGISTER by which the device wants to be registered no more."""
    asked = (sip(o) for o in seen if sip(o).is_request and sip(o).sender == "device")
    own = [one for one in asked if (one.call_id, one.cseq) == (answer.call_id, answer.cseq)]
    return bool(own) and all(one.takes_back for one in own)


def polled(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """REG-03: a check that the server has confirmed is followed by another one, whatever the device does.

    It has the polling interval for that, a tenth of it, and the time of a registration. Nothing is said where
    settings changed, the device was lost, or the scenario (until ``settled``, epoch seconds) ended before.
    Nor where SIP does not go by UDP: a connection that is not to be had shows nothing of it.
    """
    timing = declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    lost = [o.time for o in timeline if isinstance(o.content, InstrumentLost)]
    checks = [o for o in messages(timeline) if sip(o).method in _CHECKS and not sip(o).takes_back]
    asked = sorted(
        (o for o in checks if sip(o).is_request and sip(o).sender == "device"), key=lambda o: o.time
    )
    over_udp = {_attempt(sip(o)) for o in asked if sip(o).transport == "UDP"}
    for confirmed in checks:
        answer, at = sip(confirmed), confirmed.time
        own = _attempt(answer)
        if answer.receiver != "device" or answer.status != 200 or answer.lists_nobody or own not in over_udp:
            continue
        since = at if not in_force.changed(at, at) else at + _KNOWN_AFTER
        settings = in_force.during(since, since)
        intervals = {one.get("polling_interval") for one in settings if one.get("enabled") is True}
        interval = intervals.pop() if len(intervals) == 1 else None
        if not isinstance(interval, int | float):
            continue
        until = since + interval * 1.1 + timing.tolerance + timing.registration
        until += late_between(timeline, at, until)
        following = _next(asked, at, own)
        again = following is not None and following.time <= until
        excused = in_force.changed(since, until) or any(one <= until for one in lost)
        if not again and not excused and until < settled:
            text = f"{confirmed}: not asked for again in {until - at:.1f} s"
            yield Finding("REG-03", f"connectivity confirmed every {interval:g} s", text, [confirmed])
            return


_CHECKS = ("REGISTER", "OPTIONS")
_KNOWN_AFTER = 1.0
"""Seconds: a device registers with its settings before it has answered whoever submitted them."""
_AT_ONCE = 5.0
"""Seconds after a registration in which a device may register again: it has learnt its address, perhaps."""
_REG_ID = re.compile(r";\s*reg-id\s*=\s*([0-9]+)", re.IGNORECASE)
_SOONEST = 0.25
"""Part of the polling interval, and of the time that was granted, before which no registration is renewed."""


def polled_too_often(timeline: Timeline) -> Iterator[Finding]:
    """CFG-05: a registration is not renewed long before it ends, nor before the polling interval is over.

    By OPTIONS a device may keep its way open (RFC 6223). Each flow is renewed by itself (RFC 5626 §4.2), and
    so is each address that the device registers. Nothing is said where the polling interval is not known,
    where settings changed, the device was lost, or where the server, or somebody who was called, has not
    answered as it would.
    """
    in_force = InForce(timeline, declared_timing(timeline).apply)
    seen = list(messages(timeline))
    asked = sorted((o for o in seen if sip(o).method == "REGISTER" and _asks(sip(o))), key=lambda o: o.time)
    flows = {_attempt(sip(o)): _flow(sip(o)) for o in asked}
    of_flow = {flow: [o for o in asked if _flow(sip(o)) == flow] for flow in set(flows.values())}
    troubles = [o.time for o in timeline if isinstance(o.content, InstrumentLost)]
    troubles += [o.time for o in seen if sip(o).receiver == "device" and _refuses(sip(o))]
    for confirmed in seen:
        answer, at = sip(confirmed), confirmed.time
        if not (answer.method == "REGISTER" and _is_granted(answer)):
            continue
        own = of_flow.get(flows.get(_attempt(answer), ("", "")), asked)
        again = _next(own, at, _attempt(answer))
        if again is None or sip(again).transport != "UDP" or again.time - at < _AT_ONCE:
            continue
        since = at if not in_force.changed(at, at) else at + _KNOWN_AFTER
        settings = in_force.during(since, again.time)
        intervals = [i for one in settings if isinstance(i := one.get("polling_interval"), int | float)]
        lasting = granted(confirmed)
        changed = in_force.changed(since, again.time) or any(at < one < again.time for one in troubles)
        if changed or not intervals:
            continue
        if again.time - at < _SOONEST * min([*intervals, *([lasting] if lasting else [])]):
            text = f"{again} {again.time - at:.1f} s after {confirmed}"
            expected = f"connectivity confirmed every {min(intervals):g} s"
            yield Finding("CFG-05", expected, text, [confirmed, again])
            return


def _flow(message: SipMessageSeen) -> tuple[str, str]:
    """Return what a REGISTER is for: an address, and the number of its flow (RFC 5626 §4.2)."""
    numbers = (_REG_ID.search(value) for value in message.values("Contact"))
    return message.to_uri, next((number[1] for number in numbers if number), "")


def _next(asked: Sequence[Observation], at: float, own: tuple[str, int]) -> Observation | None:
    """Return what is asked next after a time, of requests in their order; none of an attempt's own."""
    first = bisect_right(asked, at, key=lambda o: o.time)
    return next((o for o in islice(asked, first, None) if _attempt(sip(o)) != own), None)


def _refuses(message: SipMessageSeen) -> bool:
    return (message.status or 0) >= 300 and message.status not in CHALLENGES


MOST_REFUSED = 5
"""Attempts, all refused, that may come in a time in which a registration is done.

A challenge refuses those with credentials only. A device may try anew for a stale challenge, for a server at
another place, by another algorithm.
"""


def hammering(timeline: Timeline) -> Iterator[Finding]:
    """REG-02: one that is refused, for whatever reason, leaves the server in peace for a while.

    A server, or a proxy: it does not take the credentials, is overloaded, or knows no such device. What is
    sent again over UDP is the same attempt, and new settings are tried at once.
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
            elif answer.status >= 400 and (answer.status not in CHALLENGES or _attempt(answer) in shown):
                tries[_attempt(answer)] = observation
        since = max([observation.time - within, *(at for at in submitted if at < observation.time)])
        recent = [o for o in tries.values() if o.time > since]
        if len(recent) > MOST_REFUSED:
            text = f"{len(recent)} attempts refused in {within:g} s, the last: {recent[-1]}"
            expected = "a device that does not hammer a server that refuses it"
            yield Finding("REG-02", expected, text, recent)
            return


def _attempt(message: SipMessageSeen) -> tuple[str, int]:
    return message.call_id, message.cseq
