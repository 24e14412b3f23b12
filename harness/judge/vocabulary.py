"""The words scenarios use: patterns named as a lab engineer would say them.

Parties are roles: ``device``, ``pbx``, or a station's number. Tones are Hz, levels dBov.
"""

from __future__ import annotations

import re

from harness.spec.events import EventKind
from harness.timeline import Pattern, Witness
from harness.timeline.pattern import Condition

DEVICE = "device"
PBX = "pbx"
TONE_TOLERANCE = 0.03
"""How far (as a fraction) a measured tone may lie from the tone that was sent."""
AUDIBLE_DBOV = -45.0
"""What is at least this loud at the speaker counts as audible."""
_UNDECIDED = (401, 404, 407, 410, 480, 484, 486, 487, 600, 604)
"""Refusals that are no decision: challenges, absence, another call, a caller that gave up."""


def request(method: str, *, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A SIP request on the wire."""
    return _sip(method, sender, receiver).where(method=method, status=None)


def invite(*, sender: str | None = None, receiver: str | None = None, to: str | None = None) -> Pattern:
    """An INVITE that opens a call (no To tag); ``to`` is the user part it asks for."""
    pattern = _sip("INVITE", sender, receiver, f" for {to}" if to else "").where(
        method="INVITE", status=None, to_tag=""
    )
    if to is not None:
        pattern = pattern.where(request_uri=Condition(regex=rf"sips?:{re.escape(to)}@.*"))
    return pattern


def response(
    status: int | tuple[int, int], method: str, *, sender: str | None = None, receiver: str | None = None
) -> Pattern:
    """A SIP response: one status, or a range of them (both ends included)."""
    low, high = status if isinstance(status, tuple) else (status, status)
    name = f"{low} to {method}" if low == high else f"{low}..{high} to {method}"
    return _sip(name, sender, receiver).where(method=method, status=Condition(at_least=low, at_most=high))


def refusal(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A final refusal of an INVITE; a challenge for credentials (401, 407) is none."""
    final = Condition(at_least=300, at_most=699, none_of=(401, 407))
    return _sip("refusal of INVITE", sender, receiver).where(method="INVITE", status=final)


def rejection(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A refusal by the called party's own decision: not its absence, not another call."""
    decided = Condition(at_least=300, at_most=699, none_of=_UNDECIDED)
    return _sip("rejection of INVITE", sender, receiver).where(method="INVITE", status=decided)


def decision(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A 200 or a rejection: the called party was reached and has decided."""
    decided = Condition(at_least=200, at_most=699, none_of=_UNDECIDED)
    return _sip("decision on INVITE", sender, receiver).where(method="INVITE", status=decided)


def answer(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """A 200 to an INVITE."""
    return response(200, "INVITE", sender=sender, receiver=receiver)


def final_answer(*, sender: str | None = None, receiver: str | None = None) -> Pattern:
    """Whatever ends the asking: a 200 or a final refusal of an INVITE."""
    final = Condition(at_least=200, at_most=699, none_of=(401, 407))
    return _sip("final answer to INVITE", sender, receiver).where(method="INVITE", status=final)


def registered() -> Pattern:
    """The PBX confirmed a REGISTER of the device."""
    return response(200, "REGISTER", sender=PBX, receiver=DEVICE)


def event(kind: EventKind, *, failure: str | None = None) -> Pattern:
    """An entry of the device's event log; ``failure`` is the kind its details must tell (EVT-13)."""
    told = f" telling {failure!r}" if failure else ""
    pattern = Pattern(kind="event", text=f"event {kind.name}{told}").where(name=kind.name)
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


def speaker_tone(hz: float) -> Pattern:
    """A tone heard at the device's speaker."""
    return Pattern(kind="speaker", text=f"tone of {hz:.0f} Hz at the speaker").where(tone_hz=_near(hz))


def speaker_sound(at_least: float = AUDIBLE_DBOV) -> Pattern:
    """Any sound at the device's speaker of at least this level (dBov)."""
    return Pattern(kind="speaker", text=f"sound of at least {at_least:.0f} dBov at the speaker").where(
        level_dbov=Condition(at_least=at_least)
    )


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
