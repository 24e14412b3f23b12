"""The calls of a scenario as the wire (or, where the wire is encrypted, the PBX) reports them.

A call is one Call-ID in which the device took part. Challenges (401, 407) belong to the call they delay; an
INVITE that tries otherwise after a refusal, with the same Call-ID (RFC 3261 §8.1.3.5), is another one, and so
is one with another From tag, once the call before has its final response (§8.1.1.4, §12).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from intercom_hil.judge.messages import messages, sip
from intercom_hil.spec.status_codes import CHALLENGES, LOOP_DETECTED, NO_REFUSALS, SERVICE_UNAVAILABLE
from intercom_hil.timeline import Observation, Timeline
from intercom_hil.timeline.observation import SipMessageSeen
from intercom_hil.wire.error import WireError
from intercom_hil.wire.sdp import STATIC_ENCODINGS

CROSSING = 0.1
"""Seconds for which a BYE may be on its way to the device, and cross one of its own."""
_NO_CODECS = ("TELEPHONE-EVENT/", "CN/")


@dataclass(slots=True)
class Call:
    """One call of the device, from its side; ``crossed`` is whether it hung up as the other side did."""

    call_id: str
    placed: bool
    invite: Observation
    peer: str
    offers_only_srtp: bool
    final: Observation | None = None
    answered_with_srtp: bool = False
    answered_without_audio: bool = False
    acked: bool = False
    cancel: Observation | None = None
    bye: Observation | None = None
    bye_by_device: bool = False
    bye_by_remote: bool = False
    crossed: bool = False
    messages: list[Observation] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The final status of the INVITE; 0 while there is none."""
        return sip(self.final).status or 0 if self.final else 0

    @property
    def accepted(self) -> bool:
        """Whether the called party said yes; whether the caller heard it, and still wanted it, is open."""
        return 200 <= self.status < 300

    @property
    def answered(self) -> bool:
        """Whether an answer was given before the caller gave up.

        An answer that crosses the caller's CANCEL is acknowledged and makes no call (RFC 3261 §9.1).
        """
        return self.accepted and not self._given_up

    @property
    def established(self) -> bool:
        """Whether the call came up: with audio, and with the protection its caller insisted on."""
        up = self.answered and self.acked and not self.answered_without_audio
        return up and (self.answered_with_srtp or not self.offers_only_srtp)

    @property
    def refused(self) -> bool:
        """Whether the called party turned the call away, with whatever status (RFC 3261 §21.4 to §21.6)."""
        return self.status >= 400 and self.status not in NO_REFUSALS and not self._given_up

    @property
    def _given_up(self) -> bool:
        return bool(self.cancel and self.final and self.cancel.time < self.final.time)

    @property
    def over(self) -> float:
        """When the call had ended (epoch seconds); infinity while it is up, or being set up."""
        ending = self.bye or (self.final if self.status >= 300 else None)
        return ending.time if ending else float("inf")

    @property
    def observations(self) -> tuple[int, ...]:
        """The places on the timeline of INVITE, final response and BYE."""
        return tuple(o.seq for o in (self.invite, self.final, self.bye) if o is not None)


def free_at(timeline: Timeline, rest: float, before: float = 0.0) -> float:
    """Return from when on a device that needs a rest between two calls can be asked for another one.

    Args:
        timeline: what was seen.
        rest: seconds that it needs.
        before: when the last call of an earlier scenario was over (epoch seconds).

    Returns:
        Epoch seconds; 0 for one that needs no rest, or that is in a call, which a press may end.
    """
    over = [call.over for call in calls(timeline)] if rest else []
    if not rest or float("inf") in over:
        return 0.0
    return max(over, default=before) + rest


def calls(timeline: Timeline, device: str = "device", until: float = float("inf")) -> list[Call]:
    """Return the device's calls in the order in which they began, as they stood at ``until``."""
    found: list[Call] = []
    by_id: dict[str, list[Call]] = {}
    for observation in sorted(messages(timeline, until), key=lambda o: (o.time, o.seq)):
        message = sip(observation)
        if device in (message.sender, message.receiver):
            same = by_id.setdefault(message.call_id, [])
            before = len(same)
            _follow(same, observation, message, device)
            found += same[before:]
    return found


def _of(same: list[Call], message: SipMessageSeen) -> Call | None:
    """Return the call that a message belongs to: of those with its Call-ID, which are given, the last.

    Where the caller's tag tells which it is, it is that one. What is of the caller's transactions is known by
    its number; the called party counts its own (§12.1.1). Tries with one number are told from each other by
    the branch.
    """
    same = [call for call in same if _caller_tag(call) in (message.from_tag, message.to_tag)] or same
    asking = message.sender if message.is_request else message.receiver
    begun = [
        call for call in same if asking != sip(call.invite).sender or sip(call.invite).cseq <= message.cseq
    ]
    tries = begun if len(begun) > 1 and message.branch else []
    own = [call for call in tries if any(_is_try(o, message.branch) for o in call.messages)]
    return (own or begun or same)[-1] if same else None


def _caller_tag(call: Call) -> str:
    return sip(call.invite).from_tag


def _is_try(observation: Observation, branch: str) -> bool:
    return sip(observation).is_initial_invite and sip(observation).branch == branch


def _follow(same: list[Call], observation: Observation, message: SipMessageSeen, device: str) -> None:
    call = _of(same, message)
    if message.is_initial_invite:
        placed = message.sender == device
        of_another = call is not None and call.final is not None and message.from_tag != _caller_tag(call)
        if call is None or of_another or (call.status >= 300 and _is_another_try(message, call)):
            call = Call(
                call_id=message.call_id,
                placed=placed,
                invite=observation,
                peer=message.receiver if placed else message.sender,
                offers_only_srtp=_only_srtp(message),
            )
            same.append(call)
        elif call.final is None and message.cseq != sip(call.invite).cseq:
            call.invite = observation
    if call is None:
        return
    call.messages.append(observation)
    by_device = message.sender == device
    if message.status is not None and message.method == "INVITE" and message.status >= 200:
        if message.status not in CHALLENGES and call.final is None and not _refuses_a_copy(message, call):
            call.final = observation
            answer, offer = _answer(call, message), sip(call.invite)
            unusable = call.placed and bool(offer.media) and not _has_codec_of(offer, answer)
            call.answered_without_audio = _closes_audio(answer) or unusable
            call.answered_with_srtp = bool(_suites(answer) & _suites(offer))
    elif message.is_request and message.method == "ACK" and by_device == call.placed:
        if message.media and call.accepted and call.final and not (call.acked or sip(call.invite).media):
            _answered_late(call, message, sip(call.final))
        call.acked = call.acked or call.final is not None
    elif message.is_request and message.method == "CANCEL" and call.cancel is None:
        call.cancel = observation
    elif message.is_request and message.method == "BYE" and (by_device or _is_of_dialog(message, call)):
        if _leaves_another(call):
            return
        call.bye_by_remote = call.bye_by_remote or not by_device
        if call.bye is None:
            call.bye, call.bye_by_device = observation, by_device
        elif by_device and not call.bye_by_device:
            call.crossed |= observation.time <= call.bye.time + CROSSING


def _answer(call: Call, final: SipMessageSeen) -> SipMessageSeen:
    """Return the message that answers a caller's offer: a 2xx, or a reliable response before (RFC 3262).

    In any other response it binds nobody (RFC 3261 §13.2.1).
    """
    reliable = [
        sip(o)
        for o in call.messages
        if sip(o).media and sip(o).values("RSeq") and 100 < (sip(o).status or 0) < 200
    ]
    own = [message for message in reliable if message.to_tag == final.to_tag]
    return own[-1] if own and not final.media else final


def _has_codec_of(offer: SipMessageSeen, answer: SipMessageSeen) -> bool:
    """Whether an answer has a codec of the offer's, as it must (RFC 3264 §6.1), as far as both name some."""
    offered, taken = _codecs(offer), _codecs(answer)
    return not offered or not taken or not offered.isdisjoint(taken)


def _codecs(message: SipMessageSeen) -> set[str]:
    """Return the codecs of audio in a description: names, or else numbers. Events (RFC 4733) are none."""
    try:
        session = message.session
    except WireError:
        session = None
    named = {
        n: name for section in (session.media if session else ()) for n, name in section.encodings.items()
    }
    numbers = {n for line in message.media if line.media == "audio" and line.port for n in line.payload_types}
    found = {named.get(n, STATIC_ENCODINGS.get(n, str(n))).upper() for n in numbers}
    return {name.removesuffix("/1") for name in found if not name.startswith(_NO_CODECS)}


def _is_another_try(message: SipMessageSeen, call: Call) -> bool:
    """Whether an INVITE goes out anew after a refusal: with the next number, or to the next server.

    That gets the same one under another branch, where the one before had no room for it (RFC 3263 §4.3).
    """
    first = sip(call.invite)
    if message.cseq != first.cseq:
        return message.cseq > first.cseq
    tried = {sip(o).branch for o in call.messages if sip(o).is_initial_invite}
    return call.placed and call.status == SERVICE_UNAVAILABLE and message.branch not in tried


def _refuses_a_copy(message: SipMessageSeen, call: Call) -> bool:
    """Whether a called party turns down an INVITE that has come by another way before (RFC 3261 §8.2.2.2)."""
    first = sip(call.invite).branch
    return message.status == LOOP_DETECTED and bool(first and message.branch) and message.branch != first


def _leaves_another(call: Call) -> bool:
    """Whether a BYE has ended one of several sides that took a call (RFC 3261 §13.2.2.4), not the last."""
    dialogs = [(frozenset((sip(o).from_tag, sip(o).to_tag)), sip(o)) for o in call.messages]
    taken = {tags for tags, message in dialogs if message.method == "INVITE" and message.status == 200}
    ended = {tags for tags, message in dialogs if message.method == "BYE" and message.is_request}
    return not taken <= ended and not taken.isdisjoint(ended)


def _answered_late(call: Call, answer: SipMessageSeen, offer: SipMessageSeen) -> None:
    """Take in the answer, in the ACK, to the offer that the 2xx of a call without one made (§13.2.1)."""
    call.offers_only_srtp = _only_srtp(offer)
    call.answered_with_srtp = bool(_suites(answer) & _suites(offer))
    unusable = not call.placed and not _has_codec_of(offer, answer)
    call.answered_without_audio = _closes_audio(answer) or unusable


def _is_of_dialog(message: SipMessageSeen, call: Call) -> bool:
    """Whether a request has tags of the call's dialogs, as far as known: else it ends nothing (§12.2.2)."""
    own = (sip(o) for o in call.messages if sip(o).method == "INVITE")
    tags = {tag for one in own for tag in (one.from_tag, one.to_tag)}
    return {message.from_tag, message.to_tag} <= tags or "" in (message.from_tag, message.to_tag)


def _suites(message: SipMessageSeen) -> set[str]:
    return {suite for line in message.media if line.port for suite in line.crypto_suites}


def _closes_audio(message: SipMessageSeen) -> bool:
    ports = [line.port for line in message.media if line.media == "audio"]
    return bool(ports) and not any(ports)


def _only_srtp(message: SipMessageSeen) -> bool:
    profiles = [line.profile for line in message.media if line.media == "audio" and line.port]
    return bool(profiles) and all("SAVP" in profile for profile in profiles)
