"""What a remote station does, as data: built and checked here, carried out by a SIPp scenario template.

Times are seconds, tones Hz.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from intercom_hil.stations.tone import HIGHEST_HZ, LOWEST_HZ

Security = Literal["plain", "srtp", "either"]
"""Which offers are answered: unencrypted, encrypted (RFC 4568), or as offered."""
Offer = Literal["plain", "srtp", "both", "unknown suite", "no keys"]
"""What is offered: RTP/AVP, RTP/SAVP, or RTP/AVP with a crypto line to take up or leave (best effort).

And RTP/SAVP that nobody can take up: with keys for a crypto suite that does not exist, or without any.
"""
Misanswer = Literal["in clear", "no audio", "unknown suite"]
"""How any offer is answered: as RTP/AVP, with port 0, or with keys of no known crypto suite."""
ClearOffer = Literal["re-INVITE", "UPDATE", "late offer"]
"""How RTP/AVP without keys is asked for within a call (RFC 3261 §14.1, RFC 3311).

Offered by re-INVITE or UPDATE, or answered to the offer that the peer makes where a re-INVITE has none.
"""
Parameter = str | float | bool | Sequence[str] | Sequence[str | float] | None

LONGEST = 3600.0
"""Seconds: the longest time any parameter may ask for."""
FORGET_AFTER = 35.0
"""Seconds after which no caller waits for a silent station: Timer B is 32 s (RFC 3261 §17.1.1.2)."""


class BehaviourError(ValueError):
    """A behaviour was asked for that no station can have. The message names parameter, value and remedy."""


@dataclass(frozen=True)
class Behaviour:
    """What a station does. Build one with the functions of this module.

    Attributes:
        name: the function and what was asked of it, for people.
        template: the scenario template's name, without ending.
        parameters: what the template is rendered with.
        tone_hz: the tone it sends in an established call; None if it never establishes one.
        via: where a caller sends its INVITE; None for a station that is called.
        credentials: user name and password for a caller's 401 or 407 (RFC 3261 §22).
        courteous: whether OPTIONS and the like are answered, in a call and outside.
    """

    name: str
    template: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    tone_hz: float | None = None
    via: tuple[str, int] | None = None
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    courteous: bool = True

    @property
    def places_call(self) -> bool:
        """Whether the station calls, once, rather than wait to be called."""
        return self.via is not None

    @property
    def moves(self) -> bool:
        """Whether the station can move its sound to another port (`Station.move`), or to the other law."""
        return (
            self.tone_hz is not None
            and bool(self.parameters.get("obeys"))
            and self.parameters.get("security") == "plain"
        )

    def __str__(self) -> str:
        return self.name


def answers(
    tone_hz: float = 1000.0,
    ring: float = 0.1,
    security: Security = "plain",
    hang_up_after: float | None = None,
    video: bool = False,
    section_address: bool = False,
) -> Behaviour:
    """Ring, answer, send a tone, and hang up if asked to.

    An offer without A-law audio, or with which ``security`` leaves nothing in common, is refused with 488.

    Args:
        tone_hz: the tone, in Hz.
        ring: seconds of ringing before the answer.
        security: which offers are answered.
        hang_up_after: seconds from the answer to its BYE; None leaves that to the peer.
        video: whether offered H.264 is taken and sent (a test pattern; unencrypted calls only).
        section_address: whether its address stands with its media section, and another one, where nobody is,
            with the session (RFC 4566 §5.7: the section's counts); without video only.

    Raises:
        BehaviourError: a value is out of range.
    """
    _one_of("security", security, ("plain", "srtp", "either"))
    _seconds("ring", ring)
    parameters: dict[str, Parameter] = {
        "ring": ring,
        "security": security,
        "refusal": "488 Not Acceptable Here",
        "astray": section_address,
        **_conversation(tone_hz, hang_up_after, video),
    }
    return Behaviour(f"answers after {ring:g} s, {security}, {tone_hz:g} Hz", "answers", parameters, tone_hz)


SRTP_REFUSALS = {
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    488: "Not Acceptable Here",
    606: "Not Acceptable",
}
"""How a party that cannot do SRTP may refuse an offer of RTP/SAVP (RFC 3261 §21.4, §21.6.4)."""


def refuses_srtp(
    tone_hz: float = 1000.0, ring: float = 0.1, hang_up_after: float | None = None, status: int = 488
) -> Behaviour:
    """Refuse RTP/SAVP offers and answer RTP/AVP ones; the retry is a new call to the same station.

    An offer of RTP/AVP with keys (best effort) is answered with RTP/AVP without.

    Raises:
        BehaviourError: a value is out of range, or the status is no refusal of the offered media.
    """
    if status not in SRTP_REFUSALS:
        known = ", ".join(map(str, SRTP_REFUSALS))
        raise BehaviourError(f"status: {status!r} does not refuse the media; give one of {known}")
    plain = answers(tone_hz, ring, "plain", hang_up_after)
    refusal = f"{status} {SRTP_REFUSALS[status]}"
    return replace(plain, parameters={**plain.parameters, "refusal": refusal})


def misanswers(how: Misanswer, tone_hz: float = 1000.0) -> Behaviour:
    """Answer at once, and not as the offer asks for (RFC 3264 §6, RFC 4568 §5.1.2).

    Raises:
        BehaviourError: a value is out of range.
    """
    _one_of("how", how, ("in clear", "no audio", "unknown suite"))
    parameters: dict[str, Parameter] = {"how": how, **_conversation(tone_hz, None, False)}
    return Behaviour(f"answers {how}", "misanswers", parameters, tone_hz)


def rings_forever() -> Behaviour:
    """Ring until the caller cancels."""
    return Behaviour("rings for ever", "rejects", {"ring": None, "status": None, "reason": ""})


def makes_progress_for_ever() -> Behaviour:
    """Answer 183 Session Progress and nothing more until the caller cancels."""
    parameters = {"ring": None, "status": None, "reason": "", "progress": True}
    return Behaviour("makes progress for ever", "rejects", parameters)


def answers_too_late(tone_hz: float = 1000.0) -> Behaviour:
    """Ring until the caller cancels, and answer all the same: the 200 crosses the CANCEL (RFC 3261 §9.1).

    Raises:
        BehaviourError: the tone is out of range.
    """
    return Behaviour("answers too late", "answers_late", _conversation(tone_hz, None, False), tone_hz)


def redirects() -> Behaviour:
    """Answer 302 Moved Temporarily, to nowhere else than itself."""
    return rejects(302, "Moved Temporarily")


def rejects(status: int, reason: str, ring: float = 0.0) -> Behaviour:
    """Refuse every call with a final status of 300 to 699, after ringing that many seconds.

    Raises:
        BehaviourError: the status is no refusal, or the reason phrase could not stand in a status line.
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 300 <= status <= 699:
        raise BehaviourError(f"status: {status!r} is no refusal; give 300 to 699")
    _seconds("ring", ring)
    _one_line("reason", reason)
    return Behaviour(
        f"rejects with {status} {reason}",
        "rejects",
        {"ring": ring, "status": str(status), "reason": reason},
    )


def busy() -> Behaviour:
    """Refuse with 486 Busy Here."""
    return rejects(486, "Busy Here")


def declines() -> Behaviour:
    """Refuse with 603 Decline."""
    return rejects(603, "Decline")


def not_found() -> Behaviour:
    """Refuse with 404 Not Found."""
    return rejects(404, "Not Found")


def unavailable() -> Behaviour:
    """Refuse with 480 Temporarily Unavailable."""
    return rejects(480, "Temporarily Unavailable")


def challenges(status: int = 401, realm: str = "asterisk") -> Behaviour:
    """Ask every caller for credentials, as only a server (401) or a proxy (407) should; take none.

    Raises:
        BehaviourError: another status, or the realm could not stand in a header.
    """
    parameters: dict[str, Parameter] = {"challenge": _challenge(status, realm), "forget_after": FORGET_AFTER}
    return Behaviour(f"challenges with {status} for {realm}", "challenges", parameters)


def overloaded(retry_after: int = 30) -> Behaviour:
    """Be a server that takes no registration: refuse each with 503, and name a time (s) to come again."""
    parameters: dict[str, Parameter] = {"retry_after": retry_after, "forget_after": FORGET_AFTER}
    return Behaviour(f"overloaded for {retry_after} s", "overloaded", parameters, courteous=False)


def silent() -> Behaviour:
    """Never reply to anything, OPTIONS included; once stopped, refuse the calls that were ignored."""
    return Behaviour("silent", "silent", {"forget_after": FORGET_AFTER}, courteous=False)


def calls(
    target: str,
    via: tuple[str, int],
    from_uri: str,
    *,
    display_name: str = "",
    hang_up_after: float | None = None,
    tone_hz: float = 1000.0,
    security: Offer = "plain",
    extra_headers: Sequence[str] = (),
    contact: str | None = None,
    credentials: tuple[str, str] | None = None,
    give_up_after: float | None = 30.0,
    video: bool = False,
    mute_after: float | None = None,
    new_key_after: float | None = None,
    clear_media: bool = False,
    challenge: tuple[int, str] | None = None,
    clear_offer: tuple[ClearOffer, float] | None = None,
    refer_to: tuple[str, float] | None = None,
    late_offer: bool = False,
    strange_section: bool = False,
    ack_after: float | None = None,
) -> Behaviour:
    """Place one call and take whatever final answer comes; answer 401 and 407 once if credentials are given.

    Nothing in ``from_uri``, ``display_name`` and ``extra_headers`` is put right: a station may lie.

    Args:
        target: Request-URI and To, in full (``sip:100@127.0.0.10``).
        via: address and port the INVITE goes to.
        from_uri: the URI in From.
        display_name: the display name in From; empty for none.
        hang_up_after: seconds from the answer to its BYE; None leaves that to the peer.
        tone_hz: the tone sent once answered, in Hz.
        security: what is offered.
        extra_headers: whole header lines for the INVITE (``P-Asserted-Identity: <sip:1@x>``).
        contact: the URI in Contact, should it be another than the station's own.
        credentials: user name and password.
        give_up_after: seconds until CANCEL while there is no final answer; None waits for Timer B.
        video: whether H.264 is offered too (unencrypted calls only).
        mute_after: seconds from the answer until it sends no more media, without signalling it.
        new_key_after: seconds from the answer to a re-INVITE that changes its key (security srtp).
        clear_media: whether its media goes out in clear although it offered keys (security srtp).
        challenge: a status (401, 407) and realm with which the peer's first BYE is challenged.
        clear_offer: how RTP/AVP is asked for within the call, and how many seconds after the answer.
        refer_to: the URI to which the peer is referred (RFC 3515), and how many seconds after the answer.
        late_offer: whether the INVITE leaves the offer to the peer, and the ACK answers it (RFC 3261
            §13.2.1); with security plain only. With video, video that is offered is taken.
        strange_section: whether a section of a kind that few know is offered beside sound and video, one that
            controls conferences (RFC 8856).
        ack_after: seconds from the answer to its ACK, as if those before had got lost (RFC 3261 §13.3.1.4).

    Raises:
        BehaviourError: a value is out of range, or a text could not stand in a SIP header.
    """
    _one_of("security", security, ("plain", "srtp", "both", "unknown suite", "no keys"))
    if late_offer and security != "plain":
        raise BehaviourError(f"late_offer: only with security plain, not {security}")
    if security != "srtp" and (clear_media or new_key_after is not None):
        raise BehaviourError(f"clear_media, new_key_after: only with security srtp, not {security}")
    for name, value in (
        ("mute_after", mute_after),
        ("new_key_after", new_key_after),
        ("ack_after", ack_after),
    ):
        if value is not None:
            _seconds(name, value)
    if video and security != "plain":
        raise BehaviourError(f"video: only with security plain, not {security}")
    if give_up_after is not None:
        _seconds("give_up_after", give_up_after)
    referred, refer_after = refer_to if refer_to else (None, 0.0)
    _seconds("refer_to", refer_after)
    uris = (("target", target), ("from_uri", from_uri), ("contact", contact), ("refer_to", referred))
    for name, uri in uris:
        if uri is None:
            continue
        _one_line(name, uri)
        if not uri or any(character.isspace() for character in uri):
            raise BehaviourError(f"{name}: {uri!r} is no URI; it must not be empty or contain blanks")
    _one_line("display_name", display_name)
    for header in extra_headers:
        _one_line("extra_headers", header)
        if ":" not in header:
            raise BehaviourError(f"extra_headers: {header!r} is no header line; write `Name: value`")
    for text in credentials or ():
        _one_line("credentials", text)
    host, port = via
    if not host or not 0 < port < 65536:
        raise BehaviourError(f"via: {via!r} is no address and port")
    quoted = display_name.replace("\\", "\\\\").replace('"', '\\"')
    parameters: dict[str, Parameter] = {
        "target": target,
        "caller": f'"{quoted}" <{from_uri}>' if display_name else f"<{from_uri}>",
        "security": security,
        "extra_headers": tuple(extra_headers),
        "contact": contact,
        "credentials": credentials is not None,
        "give_up_after": give_up_after,
        "clear_media": clear_media,
        **_conversation(tone_hz, hang_up_after, video),
        "mute_after": mute_after,
        "new_key_after": new_key_after,
        "challenge": _challenge(*challenge) if challenge else None,
        "clear_offer": _clear_offer(clear_offer),
        "refer_to": refer_to,
        "late_offer": late_offer,
        "strange_section": strange_section,
        "ack_after": ack_after,
    }
    return Behaviour(
        f"calls {target}, {security}, {tone_hz:g} Hz", "calls", parameters, tone_hz, via, credentials
    )


def obeys(behaviour: Behaviour, refers_to: str) -> Behaviour:
    """Return the behaviour of a station that can be told, while it plays, what to do next (`Station.tell`).

    Args:
        behaviour: of one that answers, or calls.
        refers_to: the URI to which it refers its peer, when it is told to (RFC 3515).

    Raises:
        BehaviourError: the URI could not stand in a SIP header, or the behaviour has no established call.
    """
    _one_line("refers_to", refers_to)
    if behaviour.template not in ("answers", "calls"):
        raise BehaviourError(f"{behaviour}: only a station that answers or calls can be told what to do")
    return replace(behaviour, parameters={**behaviour.parameters, "obeys": refers_to})


def _conversation(tone_hz: float, hang_up_after: float | None, video: bool) -> dict[str, Parameter]:
    if not LOWEST_HZ <= tone_hz <= HIGHEST_HZ:
        raise BehaviourError(f"tone_hz: {tone_hz!r} is outside {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz")
    if hang_up_after is not None:
        _seconds("hang_up_after", hang_up_after)
    later = dict.fromkeys(("mute_after", "new_key_after", "challenge", "clear_offer", "refer_to", "obeys"))
    return {"hang_up_after": hang_up_after, "video": video, **later}


def _clear_offer(wanted: tuple[ClearOffer, float] | None) -> tuple[ClearOffer, float] | None:
    if wanted is not None:
        _one_of("clear_offer", wanted[0], ("re-INVITE", "UPDATE", "late offer"))
        _seconds("clear_offer", wanted[1])
    return wanted


def _challenge(status: int, realm: str) -> tuple[str, str]:
    """Return status line and header of a challenge (RFC 3261 §22.1, §22.3)."""
    names = {401: ("Unauthorized", "WWW"), 407: ("Proxy Authentication Required", "Proxy")}
    if status not in names:
        raise BehaviourError(f"status: {status!r} is no challenge; give 401 or 407")
    _one_line("realm", realm)
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    reason, who = names[status]
    digest = f'Digest realm="{quoted}", nonce="{secrets.token_hex(16)}", algorithm=MD5'
    return f"{status} {reason}", f"{who}-Authenticate: {digest}"


def _seconds(name: str, value: float) -> None:
    if not 0 <= value <= LONGEST:
        raise BehaviourError(f"{name}: {value!r} is outside 0 to {LONGEST:g} s")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BehaviourError(f"{name}: {value!r} is none of {', '.join(allowed)}")


def _one_line(name: str, text: str) -> None:
    if not text.isprintable():
        raise BehaviourError(f"{name}: {text!r} contains a control character; one line of text is wanted")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BehaviourError(f"{name}: {text!r} is no Unicode text") from None
