"""The words scenarios use: patterns named as a lab engineer would say them.

Parties are roles: ``device``, ``pbx``, or a station's number. Tones are Hz, levels dBov.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from intercom_hil.spec.events import EventKind
from intercom_hil.spec.status_codes import CHALLENGES, NO_REFUSALS
from intercom_hil.timeline import Observation, Pattern, Witness
from intercom_hil.timeline.media import MediaHeard
from intercom_hil.timeline.observation import OperatorHeard, SipMessageSeen, SpeakerHeard
from intercom_hil.timeline.pattern import Condition

DEVICE = "device"
PBX = "pbx"
PROXY = "proxy"
TONE_TOLERANCE = 0.03
"""How far (as a fraction) a measured tone may lie from the tone that was sent."""
AUDIBLE_DBOV = -45.0
"""What is at least this loud at the speaker counts as audible."""


def request(method: str, *, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A SIP request on the wire."""
    return _sip(method, sender, receiver).where(method=method, status=None)


def request_of_device() -> Pattern:
    """Any SIP request that the device sends, to anybody."""
    return _sip("request", DEVICE, None).where(status=None)


def invite(*, sender: str | None = None, receiver: str | None = None, to: str | None = None) -> Pattern:
    """An INVITE that opens a call (no To tag); ``to`` is the user part it asks for."""
    pattern = _sip("INVITE", sender, receiver, f" for {to}" if to else "").where(
        method="INVITE", status=None, to_tag=""
    )
    if to is not None:
        pattern = pattern.where(request_uri=Condition(user=to))
    return pattern


def another_call(begun: Iterable[Observation], until: float) -> Pattern:
    """An INVITE of the device that opens another call than those begun by then, and repeats none of theirs.

    Args:
        begun: the INVITEs seen.
        until: which of them count (epoch seconds).
    """
    return of_another_call(invite(sender=DEVICE), begun, until)


def of_another_call(message: Pattern, known: Iterable[Observation], until: float) -> Pattern:
    """A SIP message of another call than those known by then: one that is repeated is of one of them.

    Args:
        message: which.
        known: messages seen.
        until: which of them count (epoch seconds).
    """
    ids = tuple({getattr(o.content, "call_id", "") for o in known if o.time <= until})
    return message.where(f"{message} for another call", call_id=Condition(none_of=ids))


def response(
    status: int | tuple[int, int], method: str, *, sender: str | None = None, receiver: str | None = None
) -> Pattern:
    """A SIP response: one status, or a range of them (both ends included)."""
    low, high = status if isinstance(status, tuple) else (status, status)
    name = f"{low} to {method}" if low == high else f"{low}..{high} to {method}"
    return _sip(name, sender, receiver).where(method=method, status=Condition(at_least=low, at_most=high))


def refusal(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A final refusal of an INVITE; a challenge for credentials (401, 407) is none."""
    final = Condition(at_least=300, at_most=699, none_of=CHALLENGES)
    return _sip("refusal of INVITE", sender, receiver).where(method="INVITE", status=final)


def rejection(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A refusal by the called party, with whatever status it chose: no redirection, and the caller waited."""
    decided = Condition(at_least=400, at_most=699, none_of=NO_REFUSALS)
    return _sip("rejection of INVITE", sender, receiver).where(method="INVITE", status=decided)


def decision(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A 200 or a refusal: the called party was reached and has decided."""
    decided = Condition(at_least=200, at_most=699, none_of=NO_REFUSALS)
    return _sip("decision on INVITE", sender, receiver).where(method="INVITE", status=decided)


def answer(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A 200 to an INVITE."""
    return response(200, "INVITE", sender=sender, receiver=receiver)


def final_answer(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """Whatever ends the asking: a 200 or a final refusal of an INVITE."""
    final = Condition(at_least=200, at_most=699, none_of=CHALLENGES)
    return _sip("final answer to INVITE", sender, receiver).where(method="INVITE", status=final)


def registered(*, by: str = PBX) -> Pattern:
    """The PBX, itself or by way of the proxy, confirmed that the device is registered (RFC 3261 §10.3).

    The answer lists where the device is; the answer to a registration that is taken back lists nothing.
    """
    confirmed = response(200, "REGISTER", sender=by, receiver=DEVICE)
    return confirmed.where(contacts=Condition(some={}))


def registration(*, receiver: str = PBX) -> Pattern:
    """The device asks to be registered; taking a registration back (RFC 3261 §10.2.2) is something else.

    A request that is sent again is the same attempt.
    """
    asked = request("REGISTER", sender=DEVICE, receiver=receiver).where(takes_back=False)
    return once_per_transaction(asked)


def registration_taken_back(*, receiver: str = PBX) -> Pattern:
    """The device takes its registration back (RFC 3261 §10.2.2): it leaves, or starts again."""
    asked = _sip("REGISTER that takes back", DEVICE, receiver).where(method="REGISTER", status=None)
    return once_per_transaction(asked.where(takes_back=True))


def another_registration(one: Observation, later: Observation) -> bool:
    """Return whether two answers to REGISTER are of different registrations: the device has started again.

    From one start to the next a Call-ID stands for all of them (RFC 3261 §10.2.4).
    """
    messages = [o.content for o in (one, later)]
    ids = {m.call_id for m in messages if isinstance(m, SipMessageSeen) and m.method == "REGISTER"}
    return len(ids) > 1


def granted(confirmed: Observation) -> int | None:
    """Return for how long (s) the server registered the device; that counts (RFC 3261 §10.2.4).

    Args:
        confirmed: the server's answer; None is returned for one that says nothing of it.
    """
    message = confirmed.content
    if not isinstance(message, SipMessageSeen):
        return None
    lifetimes = [c.expires if c.expires is not None else message.expires for c in message.contacts]
    return min((seconds for seconds in lifetimes if seconds is not None), default=message.expires)


_TOO_SHORT = 422
"""The status of a request for a session that is too short (RFC 4028 §6)."""
_TRANSACTION = ("call_id", "branch", "method", "status")
_CHECKS = Condition(one_of=("REGISTER", "OPTIONS"))


def connectivity_check(*, receiver: str = PBX) -> Pattern:
    """The device asks whether its server is there: with REGISTER or OPTIONS (RFC 3261 §10, §11).

    One that takes its registration back does not ask, it leaves.
    """
    asked = _sip("connectivity check", DEVICE, receiver).where(method=_CHECKS, status=None)
    return once_per_transaction(asked.where(takes_back=False))


def connectivity_confirmed(*, sender: str = PBX) -> Pattern:
    """The device's server is there, and says so: not in answer to a registration that is taken back."""
    said = _sip("200 to connectivity check", sender, DEVICE).where(method=_CHECKS, status=200)
    return once_per_transaction(said.where(lists_nobody=False))


FITS_UDP = 1200
"""Bytes up to which no request is too large for UDP: some below the 1300 of RFC 3261 §18.1.1.

A path may take less than Ethernet does, and over TCP a request names another transport.
"""


def too_large_for_udp(asked: Pattern) -> Pattern:
    """Narrow requests to those over TCP that may be too large for UDP: they go that way whatever was set."""
    large = Condition(at_least=FITS_UDP + 1)
    return asked.where(f"{asked} of more than {FITS_UDP} bytes over TCP", size=large, transport="TCP")


def once_per_transaction(message: Pattern) -> Pattern:
    """Count a message once for each transaction, however often it is sent (RFC 3261 §17.1.3: one branch)."""
    return message.model_copy(update={"once_per": _TRANSACTION})


def with_credentials(asked: Pattern, header: str, *, username: str = "", realm: str = "") -> Pattern:
    """Narrow requests to those with digest credentials (RFC 3261 §22.4).

    Args:
        asked: the requests.
        header: ``Authorization`` for a server, ``Proxy-Authorization`` for a proxy.
        username: whose, if that matters.
        realm: for what, if that matters.
    """
    said = {name: value for name, value in (("username", username), ("realm", realm)) if value}
    wanted = {"header": _equal(header), "scheme": _equal("digest")} | {k: _equal(v) for k, v in said.items()}
    values = ", ".join(f"{name} {value}" for name, value in said.items())
    text = f"{asked} with digest {header}" + (f" ({values})" if values else "")
    return asked.where(text, credentials=Condition(some=wanted))


def with_header(message: Pattern, name: str) -> Pattern:
    """Narrow messages to those with a header, named in full as RFC 3261 spells it."""
    return message.where(f"{message} with {name}", headers=Condition(some={"name": _equal(name)}))


def addressed(asked: Pattern, *uris: str) -> Pattern:
    """Narrow requests to those whose Request-URI is one of these, whatever parameters follow it."""
    return asked.where(f"{asked} at {uris[0]}", request_uri=Condition(addresses=uris))


def from_user(message: Pattern, user: str) -> Pattern:
    """Narrow SIP messages to those whose From has this user part."""
    return message.where(f"{message} of {user}", from_uri=Condition(user=user))


def to_user(message: Pattern, user: str) -> Pattern:
    """Narrow SIP messages to those whose To has this user part."""
    return message.where(f"{message} of {user}", to_uri=Condition(user=user))


def limited(message: Pattern) -> Pattern:
    """Narrow messages to those that limit the session (RFC 4028 §4)."""
    return with_header(message, "Session-Expires")


def shortest_session(refused: Observation) -> int | None:
    """Return the shortest session (s) that a party takes that refused one for being too short (RFC 4028 §6).

    Returns:
        None where it did not refuse for that, or does not say what it wants.
    """
    message = refused.content
    if not isinstance(message, SipMessageSeen) or message.status != _TOO_SHORT:
        return None
    told = [value.partition(";")[0].strip() for value in message.values("Min-SE")]
    return int(told[0]) if told and told[0].isascii() and told[0].isdigit() else None


def any_credentials(asked: Pattern) -> Pattern:
    """Narrow requests to those with credentials of any scheme, for server or proxy."""
    return asked.where(f"{asked} with credentials", credentials=Condition(some={}))


def offering_srtp(message: Pattern) -> Pattern:
    """Narrow messages to those whose session description demands SRTP, or has keys for it (RFC 4568)."""
    secured = Condition(some={"secured": Condition(one_of=(True,))})
    return message.where(f"{message} with keys or SAVP", media=secured)


def with_usable_keys(message: Pattern) -> Pattern:
    """Narrow messages to those with a readable key for the suite that everybody has (RFC 4568 §6.2.1)."""
    keys = Condition(some={"crypto_suites": Condition(contains="AES_CM_128_HMAC_SHA1_80")})
    return message.where(f"{message} with usable keys", media=keys)


def negotiating_srtp(message: Pattern) -> Pattern:
    """Narrow messages to those that offer SRTP as a potential configuration (RFC 5939)."""
    potential = Condition(some={"negotiable": Condition(one_of=(True,))})
    return message.where(f"{message} with SRTP as a potential configuration", media=potential)


def configured() -> Pattern:
    """Settings were submitted to the device, and taken; the time is that of the submission."""
    return Pattern(kind="configured", text="settings submitted").where(accepted=True)


def configuration(*, accepted: bool, field: str | None = None) -> Pattern:
    """A submitted form was accepted, or refused; ``field`` is one that the refusal must name."""
    named = f" naming {field}" if field else ""
    pattern = Pattern(kind="configured", text=f"form {'accepted' if accepted else 'refused'}{named}")
    pattern = pattern.where(accepted=accepted)
    return pattern if field is None else pattern.where(fields=Condition(contains=field))


def from_device() -> Pattern:
    """Any SIP message of the device on the wire."""
    return _sip("SIP", DEVICE, None)


def reported_by_pbx(pattern: Pattern) -> Pattern:
    """The same SIP message as the PBX reports it: what TLS hides from the wire, the PBX can read."""
    return pattern.seen_by(Witness.PBX).model_copy(update={"text": f"{pattern}, as the PBX read it"})


def tls_hello(*, sender: str = DEVICE) -> Pattern:
    """A client opened a TLS connection to a server of the bench (RFC 5246 §7.4.1.2)."""
    return _tls("TLS hello", sender, "offered")


def tls_said(*, sender: str = DEVICE) -> Pattern:
    """A client accepted a TLS server, and spoke to it."""
    return _tls("first words under TLS", sender, "spoken")


def tls_request(method: str, *, sender: str = DEVICE) -> Pattern:
    """A client's first words under TLS are a SIP request."""
    begins = Condition(regex=rf"{re.escape(method)} (?i:sips?):.*")
    return tls_said(sender=sender).where(f"{method} under TLS{_way(sender, None)}", text=begins)


def tls_over(*, sender: str = DEVICE) -> Pattern:
    """A TLS connection ended without a word from the client."""
    return _tls("TLS connection that ended before any SIP", sender, "ended").where(received=0)


def tls_decision(*, sender: str = DEVICE) -> Pattern:
    """A client made up its mind about a TLS server: it spoke, or the connection is over."""
    return _tls("decision about the TLS server", sender, "spoken", "ended")


def _tls(what: str, sender: str, *stages: str) -> Pattern:
    pattern = Pattern(kind="tls", text=f"{what}{_way(sender, None)}")
    return pattern.where(sender=sender, stage=Condition(one_of=stages))


def known_to_pbx(extension: str) -> Pattern:
    """The PBX says that it knows where this extension is: of its contact, or of the extension as such.

    A contact that is registered again, with the URI that it had, may be none that has changed.
    """
    whose = {
        "endpoint": Condition(one_of=(extension,)),
        "contact_status": Condition(none_of=("Removed", "Unreachable")),
        "peer_status": Condition(one_of=("Reachable", None)),
    }
    return Pattern(kind="pbx_event", text="PBX: contact of device reachable or created").where(
        name=Condition(one_of=("ContactStatusChange", "PeerStatusChange")), fields=Condition(some=whose)
    )


def event(kind: EventKind, *, failure: str | None = None) -> Pattern:
    """An entry of the device's event log; ``failure`` is the kind its details must name (EVT-13)."""
    detail = f" telling {failure!r}" if failure else ""
    pattern = Pattern(kind="event", text=f"event {kind.name}{detail}").where(name=kind.name)
    return pattern if failure is None else pattern.where(failure=failure)


def screen(text: str) -> Pattern:
    """A text on the device's screen."""
    return Pattern(kind="screen", text=f"screen text {text!r}").where(text=text)


def tone(
    hz: float, *, sender: str | None = None, receiver: str | None = None, protection: str | None = None
) -> Pattern:
    """A tone heard in the media on the wire; ``protection`` is plain or srtp."""
    secured = f"{protection} " if protection else ""
    pattern = Pattern(kind="media_heard", text=f"{secured}tone of {hz:.0f} Hz{_way(sender, receiver)}")
    pattern = _parties(pattern, sender, receiver).where(tone_hz=_near(hz))
    return pattern if protection is None else pattern.where(protection=protection)


def sound(
    *, sender: str | None = None, receiver: str | None = None, protection: str | None = None
) -> Pattern:
    """Audio that could be decoded from the wire, silence included; ``protection`` is plain or srtp."""
    secured = f"{protection} " if protection else ""
    pattern = Pattern(kind="media_heard", text=f"{secured}audio{_way(sender, receiver)}")
    pattern = _parties(pattern, sender, receiver)
    return pattern if protection is None else pattern.where(protection=protection)


def media(
    *, sender: str | None = None, receiver: str | None = None, protection: str | None = None
) -> Pattern:
    """The first packet of a media flow on the wire; ``protection`` is plain or srtp."""
    secured = f"{protection} " if protection else ""
    pattern = _parties(
        Pattern(kind="media_started", text=f"{secured}media{_way(sender, receiver)}"), sender, receiver
    )
    return pattern if protection is None else pattern.where(protection=protection)


def with_video(message: Pattern) -> Pattern:
    """A SIP message whose session description has video in use (a port other than 0)."""
    return message.where(f"{message} with video", media=Condition(some=_in_use("video")))


def without_video(message: Pattern) -> Pattern:
    """A SIP message whose session description has audio in use, and no video."""
    described = Condition(some=_in_use("audio"), none=_in_use("video"))
    return message.where(f"{message} with audio only", media=described)


def video(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """The first packet of a video flow on the wire."""
    return media(sender=sender, receiver=receiver).where(f"video{_way(sender, receiver)}", media="video")


def picture(
    *, sender: str | None = None, receiver: str | None = None, protection: str | None = None
) -> Pattern:
    """Video from the wire that could be decoded; ``protection`` is plain or srtp."""
    secured = f"{protection} " if protection else ""
    pattern = Pattern(kind="video", text=f"{secured}picture{_way(sender, receiver)}")
    pattern = _parties(pattern, sender, receiver).where(frames=Condition(at_least=1))
    return pattern if protection is None else pattern.where(protection=protection)


def live_picture(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """Decoded video in which something moves."""
    return picture(sender=sender, receiver=receiver).where(
        f"live picture{_way(sender, receiver)}", moving=True
    )


def takes_video(message: Observation) -> bool:
    """Return whether a SIP message's session description asks to be sent video (RFC 3264 §5.1)."""
    content = message.content
    return isinstance(content, SipMessageSeen) and any(
        line.media == "video" and line.direction in ("sendrecv", "recvonly") for line in content.media
    )


def level(heard: Observation) -> float:
    """Return the level of what was heard on the wire or at the speaker, in dBov (RFC 6464 §3).

    What a person read off a sound level meter is in dB of that meter, and compares with its like only.

    Raises:
        TypeError: it is no observation of a sound, or of one that nobody measured.
    """
    content = heard.content
    if isinstance(content, OperatorHeard) and content.meter_db is not None:
        return content.meter_db
    if not isinstance(content, MediaHeard | SpeakerHeard):
        raise TypeError(f"{heard} has no level")
    return content.level_dbov


def speaker_tone(hz: float) -> Pattern:
    """A tone heard at the device's speaker."""
    pattern = Pattern(kind="speaker", text=f"tone of {hz:.0f} Hz at the speaker", heard=("tone",))
    return pattern.where(tone_hz=_near(hz))


def speaker_sound(at_least: float = AUDIBLE_DBOV) -> Pattern:
    """Any sound at the device's speaker of at least this level (dBov), or that a person clearly heard."""
    text = f"sound of at least {at_least:.0f} dBov at the speaker"
    pattern = Pattern(kind="speaker", text=text, heard=("tone", "sound"))
    return pattern.where(level_dbov=Condition(at_least=at_least))


def speaker_sound_other_than(hz: float) -> Pattern:
    """Any sound at the device's speaker but one tone."""
    near = (hz * (1 - TONE_TOLERANCE), hz * (1 + TONE_TOLERANCE))
    heard = speaker_sound()
    return heard.where(f"{heard} other than a tone of {hz:.0f} Hz", tone_hz=Condition(outside=near))


def _equal(value: str) -> Condition:
    return Condition(one_of=(value,))


def _in_use(media: str) -> dict[str, Condition]:
    return {"media": _equal(media), "port": Condition(at_least=1)}


def _near(hz: float) -> Condition:
    return Condition(at_least=hz * (1 - TONE_TOLERANCE), at_most=hz * (1 + TONE_TOLERANCE))


def _way(sender: str | None, receiver: str | None) -> str:
    return (f" from {sender}" if sender else "") + (f" to {receiver}" if receiver else "")


def _parties(pattern: Pattern, sender: str | None, receiver: str | None) -> Pattern:
    if sender is not None:
        pattern = pattern.where(sender=sender)
    return pattern if receiver is None else pattern.where(receiver=receiver)


def _sip(what: str, sender: str | None, receiver: str | None, more: str = "") -> Pattern:
    text = f"{what}{more}{_way(sender, receiver)}"
    return _parties(Pattern(kind="sip", text=text, witness=Witness.WIRE), sender, receiver)
