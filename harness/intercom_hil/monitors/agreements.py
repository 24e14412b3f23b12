"""What the device describes of its media, against the settings: rows of ENC and VID, in every call.

What it offers by itself, and what it turns down. An offer of another side is only its to answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from intercom_hil.judge.calls import Call, calls
from intercom_hil.judge.expected_events import declared_timing, presses_in
from intercom_hil.judge.finding import Finding
from intercom_hil.judge.in_force import InForce
from intercom_hil.judge.lateness import MOSTLY, late_between
from intercom_hil.judge.messages import describes_session, messages, sip
from intercom_hil.judge.stories import called, stories
from intercom_hil.monitors.taken_calls import is_permitted
from intercom_hil.spec.settings import Encryption, VideoCalls
from intercom_hil.spec.status_codes import MEDIA_NOT_ACCEPTABLE
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.media import MediaStarted
from intercom_hil.timeline.observation import MediaLine, SipMessageSeen
from intercom_hil.wire.error import WireError

_WEAKENED = ("UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP")
"""Session parameters by which SRTP protects no more what it is there to protect (RFC 4568 §6.3)."""
_EVERYBODY_HAS = "AES_CM_128_HMAC_SHA1_80"
"""The crypto suite that whoever has SRTP has (RFC 4568 §6.2.1)."""
_G711 = frozenset({0, 8})
"""Payload types of mu-law and A-law (RFC 3551 §6)."""
_PLAIN, _SECURE = "RTP/AVP", "RTP/SAVP"
_SEEN_WITHIN = 1.0
"""Seconds beyond the time to open its channels in which a picture has to begin."""


def weakened(timeline: Timeline) -> Iterator[Finding]:
    """ENC-11: no SRTP is agreed on, or offered, that is not encrypted or not authenticated."""
    for observation in messages(timeline):
        message = sip(observation)
        if message.sender != "device" or not message.media or not describes_session(message):
            continue
        try:
            session = message.session
        except WireError:
            continue
        used = {
            word
            for section in (session.media if session else ())
            if section.port
            for crypto in section.crypto
            for word in crypto.parameters
            if word.upper() in _WEAKENED
        }
        if used:
            expected = "SRTP that is encrypted and authenticated (RFC 3711 §4)"
            yield Finding("ENC-11", expected, f"{', '.join(sorted(used))} in {observation}", [observation])
            return


def offered_in_clear(timeline: Timeline) -> Iterator[Finding]:
    """ENC-07, ENC-09: under SRTP-only the device offers nothing that can only end in clear."""
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for call in calls(timeline):
        for observation in call.messages:
            message = sip(observation)
            offers = message.is_request and message.method in ("INVITE", "UPDATE")
            if not offers or message.sender != "device" or not any(map(_is_clear, message.media)):
                continue
            settings = in_force.during(call.invite.time, observation.time)
            if settings and all(one.get("encryption") == Encryption.SRTP_ONLY for one in settings):
                row, text = "ENC-07" if call.placed else "ENC-09", "under SRTP-only no offer in clear"
                yield Finding(row, text, str(observation), [call.invite, observation])
                break


def _is_clear(line: MediaLine) -> bool:
    """Whether a section of sound or picture is in use, with nothing by which it could be protected."""
    open_ = line.media in ("audio", "video") and line.port != 0 and line.direction != "inactive"
    return open_ and not (line.secured or line.crypto_suites or line.negotiable)


def turned_down(timeline: Timeline) -> Iterator[Finding]:
    """ENC-02, ENC-05, ENC-06, ENC-10: what can be protected as is set is not refused for its media.

    Said of a permitted caller at a device without another call, and of plain offers: one section of sound,
    and of picture perhaps, in RTP/AVP or RTP/SAVP.
    """
    seen, timing = calls(timeline), declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    for call in seen:
        if call.placed or call.final is None or not call.refused or call.status not in MEDIA_NOT_ACCEPTABLE:
            continue
        invite, begun = sip(call.invite), call.invite.time
        settings = in_force.during(begun, call.final.time)
        rest = timing.hang_up + timing.rest
        busy = any(c is not call and c.invite.time <= call.final.time and begun < c.over + rest for c in seen)
        rows = {_row_of_offer(invite, one) for one in settings if is_permitted(invite, one)}
        if busy or not settings or not all(is_permitted(invite, one) for one in settings):
            continue
        row = rows.pop() if len(rows) == 1 else ""
        if row:
            expected = f"a call taken with the encryption set to {settings[0].get('encryption') or 'unset'}"
            yield Finding(row, expected, f"{call.final}", [call.invite, call.final])


def _row_of_offer(invite: SipMessageSeen, settings: Mapping[str, object]) -> str:
    """Return the row that wants an offer to be taken; nothing where it need not be, or is a hard one."""
    audio = [line for line in invite.media if line.media == "audio"]
    if len(audio) != 1 or any(line.media not in ("audio", "video") for line in invite.media):
        return ""
    (line,) = audio
    if not line.port or line.direction != "sendrecv" or not _G711.intersection(line.payload_types):
        return ""
    plain = line.profile == _PLAIN and not line.crypto_suites and not line.secured
    secure = line.profile == _SECURE and _EVERYBODY_HAS in line.crypto_suites and not _has_mki(invite)
    encryption = settings.get("encryption")
    if encryption == Encryption.FALLBACK:
        return "ENC-06" if plain else "ENC-05" if secure else ""
    if encryption == Encryption.SRTP_ONLY:
        return "ENC-10" if secure else ""
    return "ENC-02" if plain and encryption in (Encryption.UNSET, None) else ""


def _has_mki(invite: SipMessageSeen) -> bool:
    try:
        session = invite.session
    except WireError:
        return True
    keys = [crypto for section in (session.media if session else ()) for crypto in section.crypto]
    return any(crypto.mki or crypto.parameters for crypto in keys)


_PLACED = {str(VideoCalls.OUTGOING): "VID-01", str(VideoCalls.BOTH): "VID-03"}
_TAKEN = {str(VideoCalls.INCOMING): "VID-02", str(VideoCalls.BOTH): "VID-03"}
"""Which setting of the video calls wants video in calls of a direction, and by which row."""


def _row_of_video(rows: Mapping[str, str], settings: Sequence[Mapping[str, object]]) -> str:
    found = {rows.get(str(one.get("video_calls")), "") for one in settings}
    return found.pop() if len(found) == 1 else ""


def video_to_every_contact(timeline: Timeline) -> Iterator[Finding]:
    """VID-01, VID-03: the first offer to each contact has video, where placed calls are to have some.

    One that is called again may have turned the video down.
    """
    in_force = InForce(timeline, declared_timing(timeline).apply)
    for story in stories(presses_in(timeline), calls(timeline)):
        known: set[object] = set()
        for call in story.calls:
            invite, again = sip(call.invite), called(call) in known
            known.add(called(call))
            row = _row_of_video(_PLACED, in_force.during(story.pressed, call.invite.time))
            if again or not row or not invite.media or any(line.media == "video" for line in invite.media):
                continue
            yield Finding(row, "an offer of video to each contact", str(call.invite), [call.invite])
            break


def agreed_picture(timeline: Timeline, closed: float) -> Iterator[Finding]:
    """VID-01 to VID-03: where both sides agreed on the device's picture, it comes.

    In calls that last and are not changed, of which the bench has got the sound. ``closed`` is when the
    scenario ended (epoch seconds).
    """
    timing = declared_timing(timeline)
    in_force = InForce(timeline, timing.apply)
    started = (o.content for o in timeline if isinstance(o.content, MediaStarted))
    flows = [flow for flow in started if flow.sender == "device"]
    for call in calls(timeline):
        if not call.established or call.final is None or not _agreed(call):
            continue
        begun = call.final.time
        over = min([closed, *(o.time for o in call.messages if o.time > begun and _changes(sip(o)))])
        needed = timing.answer + _SEEN_WITHIN
        late = late_between(timeline, begun, over)
        own = {flow.media for flow in flows if flow.call_id in (call.call_id, "")}  # or of a call not known
        if over - begun - late < needed or late >= MOSTLY * needed or own != {"audio"}:
            continue
        wanted = _PLACED if call.placed else _TAKEN
        row = _row_of_video(wanted, in_force.during(call.invite.time, over))
        if row:
            seen = f"not one packet of it in {over - begun:.1f} s"
            yield Finding(row, "the picture that was agreed on", seen, [call.invite, call.final])


def _changes(message: SipMessageSeen) -> bool:
    return message.is_request and message.method in ("INVITE", "UPDATE", "REFER", "BYE")


def _agreed(call: Call) -> bool:
    """Whether the descriptions at a call's beginning have a picture of the device's in use."""
    described = _described(call)
    return len(described) == len(("offer", "answer")) and all(_has_picture(*one) for one in described.items())


def _described(call: Call) -> dict[str, Observation]:
    """Return the first description of each side, up to the 2xx and its ACK."""
    found: dict[str, Observation] = {}
    final = call.final.time if call.final else 0.0
    for observation in call.messages:
        message = sip(observation)
        if message.media and (observation.time <= final or message.method == "ACK"):
            found[message.sender] = observation
    return found


def _has_picture(sender: str, observation: Observation) -> bool:
    sends = ("sendrecv", "sendonly") if sender == "device" else ("sendrecv", "recvonly")
    lines = [line for line in sip(observation).media if line.media == "video" and line.port]
    return any(line.direction in sends and not line.held for line in lines)
