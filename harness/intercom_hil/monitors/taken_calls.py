"""Whom the device lets in, in every scenario: INC-02 to INC-04 and INC-07, and CFG-01 with SIP off.

Every call that is taken is held against the settings of that moment, whichever scenario made it: a caller
just taken off the list is a stranger like any other. Only a number that is on no entry is one; what a server
may vouch for by other headers (RFC 3325) is left to the scenarios that send them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from urllib.parse import unquote

from intercom_hil.judge.calls import calls
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import late_between
from intercom_hil.judge.messages import messages, sip
from intercom_hil.judge.places import place
from intercom_hil.spec.settings import Encryption
from intercom_hil.spec.status_codes import BUSY, DECLINED
from intercom_hil.spec.timing import USUAL_TIMING
from intercom_hil.timeline import Observation, Timeline, Witness
from intercom_hil.timeline.device_content import ScreenText, UnreadableLine
from intercom_hil.timeline.observation import Declared, SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sip import canonical_name
from intercom_hil.wire.uri import Uri

ANSWERED = "Incoming call answered"
"""What the screen shows of a call that was taken (INC-02)."""
_SERVERS = ("pbx", "proxy")
_EARLY = 0.5
"""Seconds by which a device may show so before its answer is seen; as many times more as it is slow."""
_IDENTITIES = tuple(map(canonical_name, ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID")))


def admitted(timeline: Timeline) -> Iterator[Finding]:
    """CFG-01, INC-03, INC-04, INC-07: no call is taken that the settings of that moment keep out."""
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for call in calls(timeline):
        if call.placed or not call.accepted or call.final is None:
            continue
        settings = in_force.during(call.invite.time, call.final.time)
        if not settings:
            continue
        seen = f"{call.final} to {sip(call.invite).from_uri}"
        if all(one.get("enabled") is False for one in settings):
            yield Finding("CFG-01", "with SIP off no call is taken", seen, [call.invite, call.final])
        elif all(one.get("allow_incoming") is False for one in settings):
            text = "with incoming calls off no call is taken"
            yield Finding("INC-04", text, seen, [call.invite, call.final])
        elif all(_is_stranger(sip(call.invite), one) for one in settings):
            row = _row(sip(call.invite), settings)
            text = "only callers of the permitted list as it is now are let in"
            if row:
                yield Finding(row, text, seen, [call.invite, call.final])


def free_and_busy(timeline: Timeline) -> Iterator[Finding]:
    """INC-02: a permitted caller is told that the device is busy only when it is, or has just been.

    Which status refuses a call that cannot be protected as the settings want is the device's own choice.
    """
    seen, timing = calls(timeline), declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    winding_down = timing.hang_up + timing.rest
    for call in seen:
        if call.placed or call.final is None or call.status not in BUSY or not call.refused:
            continue
        began, settings = call.invite.time, in_force.during(call.invite.time, call.final.time)
        permitted = settings and all(is_permitted(sip(call.invite), one) for one in settings)
        others = [other for other in seen if other is not call]
        protected = all(_can_be_protected(sip(call.invite), one) for one in settings)
        if (
            permitted
            and protected
            and not any(c.invite.time <= began < c.over + winding_down for c in others)
        ):
            text = "a device without a call takes the call of a permitted caller"
            yield Finding("INC-02", text, f"{call.final} with no other call", [call.invite, call.final])


def let_in(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """INC-02, INC-03: a permitted caller's call is taken by itself, when the device has no other call.

    It is taken before the time is over that the device has to answer, as far as the call and the scenario
    (until ``settled``, epoch seconds) lasted that long; nothing is said of a device that says nothing, of a
    caller whom the server may have given another name, and of a call that cannot be protected as is set.
    """
    seen, timing = calls(timeline), declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    pressed = [press.time for press in presses_in(timeline)]
    own = {place(contact.uri)[0] for o in messages(timeline) if _of_device(o) for contact in sip(o).contacts}
    for call in seen:
        invite, begun = sip(call.invite), call.invite.time
        if call.placed or call.accepted:
            continue
        ended = min([o.time for o in (call.cancel, call.final, call.bye) if o is not None], default=settled)
        settings = in_force.during(begun, ended)
        others = [other for other in seen if other is not call]
        forbidden = call.refused and call.status in DECLINED
        # That somebody is not wanted is no word for a call that has just ended.
        rest = timing.rest if forbidden else timing.hang_up + timing.rest
        busy = any(c.invite.time <= ended and begun < c.over + rest for c in others)
        interrupted = any(begun < at <= ended for at in pressed)
        if busy or interrupted or not settings or in_force.changed(begun, ended):
            continue
        known = all(
            is_permitted(invite, one) and _can_be_protected(invite, one) and _is_of_server(invite, one)
            for one in settings
        )
        at_device = place(invite.request_uri)[0] in {*own, *(str(one.get("extension")) for one in settings)}
        if not known or not at_device or any(invite.values(name) for name in _IDENTITIES):
            continue
        late = late_between(timeline, begun, ended)
        rung = [o for o in call.messages if 100 < (sip(o).status or 0) < 200 and _of_device(o)]
        if forbidden:
            text = "a caller of the permitted list is let in"
            yield Finding(
                "INC-03", text, f"{call.final} to {invite.from_uri}", [call.invite, call.final or call.invite]
            )
        elif rung and (not call.final or call.cancel) and ended - begun > timing.answer + late + _EARLY:
            text = f"the call of a permitted caller is taken within {timing.answer:g} s"
            yield Finding(
                "INC-02", text, f"not within {ended - begun:.1f} s: {rung[-1]}", [call.invite, rung[-1]]
            )


def _of_device(observation: Observation) -> bool:
    return sip(observation).sender == "device"


def _is_of_server(invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether From names the server's own domain: a number of another one is another caller."""
    host = place(invite.from_uri)[1]
    return host in (str(settings.get("server_address")).lower(), invite.source.rpartition(":")[0])


def unshown(timeline: Timeline, settled: float) -> Iterator[Finding]:
    """INC-02: where the screen says of one call that it was answered, it says so of every one that lasts.

    The device has as long for that as for its log. Nothing is said of two calls at once, nor where a line of
    the device could not be read.
    """
    timing = declared_timing(timeline)
    shown = [(o, of) for o, of in _shown(timeline) if o.witness in _STREAMS]
    seen = calls(timeline)
    taken = [c for c in seen if not c.placed and c.established and c.final]
    if not shown or any(isinstance(o.content, UnreadableLine) for o in timeline):
        return
    known = {of for _, of in shown}
    for call in taken:
        begun, over = call.final.time if call.final else 0.0, min(call.over, settled)
        needed = max(timing.answer, timing.log) + late_between(timeline, begun, over)
        alone = not any(c is not call and c.invite.time <= over and begun < c.over for c in seen)
        if call.invite.seq not in known and alone and settled - begun > needed and over - begun > _EARLY:
            text = f"the screen shows {ANSWERED!r} of each call that is taken"
            none = f"none of {call.final}, though of another call"
            yield Finding("INC-02", text, none, [call.invite, shown[0][0]])


_STREAMS = (Witness.CONSOLE, Witness.SYSLOG, Witness.WEBHOOK)
"""Witnesses that report what the screen shows by themselves; a person looks when asked."""


def answered_on_screen(timeline: Timeline) -> Iterator[Finding]:
    """INC-02: the screen says that an incoming call was answered only of one that was.

    It may say so again and again while that call is up. It may be late, once for each call, also with one
    that was taken in an earlier scenario.
    """
    for observation, shown in _shown(timeline):
        if shown is None:
            text = f"the screen shows {ANSWERED!r} of a call that was answered"
            yield Finding(
                "INC-02", text, f"{observation}, and no call that was taken explains it", [observation]
            )


def last_unshown(timeline: Timeline) -> float:
    """Return when a call was last taken of which the screen has said nothing yet; 0 for none."""
    shown = {of for _, of in _shown(timeline)}
    taken = [c for c in calls(timeline) if not c.placed and c.accepted and c.final]
    return max((c.final.time for c in taken if c.final and c.invite.seq not in shown), default=0.0)


_EARLIER = -1
"""Stands for a call that was taken in an earlier scenario."""


def _shown(timeline: Timeline) -> Iterator[tuple[Observation, int | None]]:
    """Yield what the screen says of answered calls, and the INVITE (its place) of each; None: of none."""
    timing = declared_timing(timeline)
    early = _EARLY * timing.answer / USUAL_TIMING.answer
    late = max(timing.answer, timing.log) + late_between(timeline, 0.0, inf)
    taken = [c for c in calls(timeline) if not c.placed and c.accepted and c.final]
    declared = (o.content for o in timeline if isinstance(o.content, Declared))
    before = next((content.last_taken for content in declared), None)
    earlier = timeline.opened + timing.log if before is None else before + late
    known: set[int] = set()
    for observation in sorted(timeline, key=lambda o: (o.time, o.seq)):
        at = observation.time
        if not isinstance(observation.content, ScreenText) or observation.content.text != ANSWERED:
            continue
        up = [c for c in taken if c.final and c.final.time - early <= at <= c.over]
        owed = [
            c for c in taken if c.final and c.final.time <= at <= c.over + late and c.invite.seq not in known
        ]
        of = next((c.invite.seq for c in (*reversed(up), *owed)), None)
        if of is None and at < earlier and (before is None or _EARLIER not in known):
            of = _EARLIER
        known |= {of} if of is not None else set()
        yield observation, of


def _entries(settings: Mapping[str, object]) -> list[str]:
    entries = settings.get("permitted_callers")
    return [str(entry) for entry in entries] if isinstance(entries, list | tuple) else []


def _user(address: str) -> str | None:
    """Return the user part of an address, escapes undone; of a short number that itself; None: has none."""
    try:
        uri = Uri.parse(address)
    except WireError:
        return None if ":" in address or "@" in address else address
    return unquote(uri.user, errors="replace") or None


def _is_stranger(invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether no entry of the list is about this caller's number; what an empty list means is open."""
    users = [_user(entry) for entry in _entries(settings)]
    return bool(users) and None not in users and _user(invite.from_uri) not in users


def is_permitted(invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether calls are taken at all, and those of this caller's number."""
    on = settings.get("enabled") is not False and settings.get("allow_incoming") is not False
    return on and is_listed(invite, settings)


def is_listed(invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether the server brings a caller whose number is on the list."""
    return invite.sender in _SERVERS and _user(invite.from_uri) in _entries(settings)


def _can_be_protected(invite: SipMessageSeen, settings: Mapping[str, object]) -> bool:
    """Whether an offer has audio with the protection that is set; one that comes later may have it."""
    if not invite.media:
        return True
    audio = [line for line in invite.media if line.media == "audio" and line.port]
    encryption = settings.get("encryption")
    if encryption == Encryption.FALLBACK:
        return bool(audio)
    if encryption == Encryption.SRTP_ONLY:
        return any(line.crypto_suites for line in audio)
    return any("SAVP" not in line.profile for line in audio)


def _row(invite: SipMessageSeen, settings: Sequence[Mapping[str, object]]) -> str:
    """Return the row that a stranger breaks who is let in; nothing where a device may have known better.

    Who calls past the server, or names a permitted caller elsewhere than in the address in From, has got
    round the list.
    """
    if invite.sender not in _SERVERS:
        return "INC-07"
    if any(invite.values(name) for name in _IDENTITIES):
        return ""
    users = [user for one in settings for entry in _entries(one) if (user := _user(entry))]
    elsewhere = " ".join([invite.from_display, *(contact.uri for contact in invite.contacts)])
    return "INC-07" if any(user in elsewhere for user in users) else "INC-03"
