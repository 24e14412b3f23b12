"""ENC: what travels in clear and what does not, packet by packet."""

import pytest

from fixtures.scenario import requirement
from harness.bench.bench import Bench
from harness.judge.vocabulary import (
    DEVICE,
    PBX,
    answer,
    decision,
    event,
    invite,
    media,
    refusal,
    request,
    sound,
)
from harness.peer.behaviours import answers
from harness.spec import events
from harness.spec.settings import Encryption
from harness.timeline.pattern import Condition

PROMPT = 2.0
"""Seconds within which a device that reacts at all has reacted."""

ACCEPTED = answer(sender=DEVICE, receiver=PBX)
CLEAR_FROM_DEVICE = media(sender=DEVICE, protection="plain")


@requirement("ENC-01")
async def test_unset_encryption_places_calls_in_clear(bench: Bench):
    """With encryption unset the device offers plain RTP and no keys, whatever the remote could do.

    An installer would count on a setting that does something else.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, encryption=Encryption.UNSET, pbx_srtp="optional")

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=PROMPT, after=pressed)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-01", clear, within=PROMPT, after=offer.time)
    keyed = invite(sender=DEVICE).where(
        "INVITE with keys or SAVP", raw=Condition(regex=r"(?s).*(a=crypto|SAVP).*")
    )
    bench.at_end("ENC-01", keyed, at_least=0, at_most=0)


@requirement("ENC-02")
async def test_unset_encryption_takes_a_plain_call(bench: Bench):
    """With encryption unset a plain incoming call is taken over RTP.

    The guard's ordinary phone could not reach the door.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), encryption=Encryption.UNSET, pbx_srtp="no")

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    await bench.require(decision(sender=DEVICE, receiver=PBX), within=PROMPT, after=rung.time)
    await bench.expect("ENC-02", ACCEPTED, within=0.1, after=rung.time)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-02", clear, within=PROMPT, after=rung.time)


@requirement("ENC-03")
@pytest.mark.parametrize("remote", ["sdes", "optional"])
async def test_fallback_uses_srtp_where_the_remote_can(bench: Bench, remote: str):
    """In fallback mode a placed call is SRTP when the remote can do it (RFC 3711, RFC 4568).

    Anybody on the network could listen in at the door although both ends could prevent it.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, encryption=Encryption.FALLBACK, pbx_srtp=remote)

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=PROMPT, after=pressed)
    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-03", secured, within=2 * PROMPT, after=offer.time)
    bench.at_end("ENC-03", CLEAR_FROM_DEVICE, at_least=0, at_most=0)


@requirement("ENC-04")
async def test_fallback_reaches_a_remote_without_srtp_all_the_same(bench: Bench):
    """In fallback mode a call to a remote that knows only RTP comes up, over RTP.

    The visitor gets nobody, because the desk's telephone is an old one.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, encryption=Encryption.FALLBACK, pbx_srtp="no")

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=PROMPT, after=pressed)
    answered = answer(sender=PBX, receiver=DEVICE)
    up = await bench.expect("ENC-04", answered, within=2 * PROMPT, after=offer.time)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-04", clear, within=PROMPT, after=up.time)


@requirement("ENC-07")
async def test_srtp_only_never_talks_to_a_remote_without_srtp(bench: Bench):
    """SRTP-only: a call to a remote that knows only RTP is never established, and no media is sent.

    An owner who asked for secrecy would be overheard without knowing.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure(call_number=desk.number, encryption=Encryption.SRTP_ONLY, pbx_srtp="no")

    pressed = await bench.intercom.press_button()

    refused = await bench.require(refusal(sender=PBX, receiver=DEVICE), within=PROMPT, after=pressed)
    await bench.expect("ENC-07", event(events.OUTGOING_FAILURE), within=PROMPT, after=refused.time)
    await bench.never("ENC-07", answer(sender=PBX, receiver=DEVICE), during=1.0, after=pressed)
    bench.at_end("ENC-07", media(sender=DEVICE), at_least=0, at_most=0)


@requirement("ENC-09")
async def test_srtp_only_refuses_a_plain_call(bench: Bench):
    """SRTP-only: an incoming call that offers plain RTP is refused and never established.

    A caller could choose to have the door overheard.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), encryption=Encryption.SRTP_ONLY, pbx_srtp="no")

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    await bench.require(decision(sender=DEVICE, receiver=PBX), within=PROMPT, after=rung.time)
    await bench.expect("ENC-09", refusal(sender=DEVICE, receiver=PBX), within=0.1, after=rung.time)
    bench.at_end("ENC-09", media(sender=DEVICE), at_least=0, at_most=0)


@requirement("ENC-11")
async def test_a_secured_call_stays_secured_from_first_to_last_packet(bench: Bench):
    """Where SRTP was negotiated every packet authenticates, and none is plain (RFC 3711 §3.3).

    One packet in clear is a word overheard.
    """
    (desk,) = await bench.stations(answers(hang_up_after=1.0))
    await bench.configure(call_number=desk.number, encryption=Encryption.SRTP_ONLY, pbx_srtp="sdes")

    pressed = await bench.intercom.press_button()

    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.require(secured, within=PROMPT, after=pressed)
    await bench.require(request("BYE", sender=PBX, receiver=DEVICE), within=PROMPT + 1, after=pressed)
