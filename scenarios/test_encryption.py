"""ENC: what travels in clear and what does not, packet by packet."""

from typing import Literal

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    SRTP_REFUSALS,
    Addresses,
    Bench,
    ClearOffer,
    Condition,
    Encryption,
    Misanswer,
    Observation,
    Offer,
    PbxSrtp,
    Security,
    Settings,
    Station,
    answer,
    answers,
    busy,
    case_id,
    decision,
    event,
    events,
    final_answer,
    invite,
    keys_taken_up,
    media,
    misanswers,
    negotiating_srtp,
    offering_srtp,
    refusal,
    refuses_srtp,
    rejects,
    request,
    response,
    rings_forever,
    scenario,
    sound,
    speaker_tone,
)

INTRUDER = 1500
"""Hz: what a caller in clear plays."""

ACCEPTED = answer(sender=DEVICE, receiver=PBX)
IN_CLEAR = {
    "media": Condition(one_of=("audio",)),
    "port": Condition(at_least=1),
    "secured": Condition(one_of=(False,)),
}
CLEAR_FROM_DEVICE = media(sender=DEVICE, protection="plain")


@scenario("ENC-01", settings=Settings(encryption=Encryption.UNSET))
async def test_unset_encryption_places_calls_in_clear(bench: Bench) -> None:
    """With encryption unset the device offers plain RTP and no keys, whatever the remote could do.

    An installer would count on a setting that does something else.
    """
    await bench.stations(answers())
    await bench.configure(pbx_srtp="optional")

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=bench.timing.dial, after=pressed)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-01", clear, within=bench.timing.taken, after=offer)
    bench.never_in_scenario("ENC-01", offering_srtp(invite(sender=DEVICE)))
    bench.never_in_scenario("ENC-01", negotiating_srtp(invite(sender=DEVICE)))


@scenario(
    "ENC-02", settings=lambda at: Settings(permitted_callers=(at.number(0),), encryption=Encryption.UNSET)
)
async def test_unset_encryption_takes_a_plain_call(bench: Bench) -> None:
    """With encryption unset a plain incoming call is taken over RTP.

    The guard's ordinary phone could not reach the door.
    """
    caller = bench.number(0)
    await bench.configure(pbx_srtp="no")

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(decision(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=rung)
    await bench.already_seen("ENC-02", ACCEPTED, after=rung)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-02", clear, within=bench.timing.taken, after=rung)


@scenario("ENC-03", settings=Settings(encryption=Encryption.FALLBACK))
@pytest.mark.parametrize("remote", ["sdes", "optional"])
async def test_fallback_uses_srtp_where_the_remote_can(bench: Bench, remote: PbxSrtp) -> None:
    """In fallback mode a placed call is SRTP when the remote can do it (RFC 3711, RFC 4568).

    Anybody on the network could listen in at the door although both ends could prevent it.
    """
    await bench.stations(answers())
    await bench.configure(pbx_srtp=remote)

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=bench.timing.dial, after=pressed)
    await keys_taken_up(bench, PBX, offer)
    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-03", secured, within=bench.timing.taken, after=offer)
    bench.never_in_scenario("ENC-03", CLEAR_FROM_DEVICE)


@scenario("ENC-04", settings=Settings(encryption=Encryption.FALLBACK))
async def test_fallback_reaches_a_remote_without_srtp_all_the_same(bench: Bench) -> None:
    """In fallback mode a call to a remote that knows only RTP comes up, over RTP.

    The visitor gets nobody, because the desk's telephone is an old one.
    """
    await bench.stations(answers())
    await bench.configure(pbx_srtp="no")

    pressed = await bench.intercom.press_button()

    offer = await bench.require(invite(sender=DEVICE, receiver=PBX), within=bench.timing.dial, after=pressed)
    answered = answer(sender=PBX, receiver=DEVICE)
    up = await bench.expect("ENC-04", answered, within=bench.timing.called + bench.timing.remote, after=offer)
    clear = sound(sender=DEVICE, receiver=PBX, protection="plain")
    await bench.expect("ENC-04", clear, within=bench.timing.answer, after=up)


@scenario(
    "ENC-03", settings=lambda at: Settings(call_number=at.station_uri(0), encryption=Encryption.FALLBACK)
)
@pytest.mark.parametrize("security", ["srtp", "either"])
async def test_fallback_uses_srtp_straight_to_a_remote_that_can(bench: Bench, security: Security) -> None:
    """In fallback mode a call placed past the server is SRTP too when the remote can do it (RFC 4568).

    The server would decide what is overheard, and not the setting.
    """
    (desk,) = await bench.stations(answers(security=security))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offer = await bench.require(
        invite(sender=DEVICE, receiver=desk.number), within=bench.timing.dial, after=pressed
    )
    await keys_taken_up(bench, desk.number, offer)
    secured = sound(sender=DEVICE, receiver=desk.number, protection="srtp")
    await bench.expect("ENC-03", secured, within=bench.timing.taken, after=offer)
    bench.never_in_scenario("ENC-03", CLEAR_FROM_DEVICE)


@scenario(
    "ENC-04", settings=lambda at: Settings(call_number=at.station_uri(0), encryption=Encryption.FALLBACK)
)
@pytest.mark.parametrize("status", SRTP_REFUSALS, ids=lambda status: f"refuses-with-{status}")
async def test_fallback_reaches_a_remote_that_turns_srtp_down(bench: Bench, status: int) -> None:
    """In fallback mode a remote that refuses keys is talked to in clear (RFC 3261 §21.4, RFC 5939).

    It refuses an offer of RTP/SAVP, and takes the RTP/AVP of one that leaves the keys to the remote. RTP/AVP
    in answer to RTP/SAVP would be no lawful answer (RFC 3264 §6), and no device needs to put up with it.

    The visitor gets nobody, because the desk's telephone has its own way of saying no.
    """
    (desk,) = await bench.stations(refuses_srtp(status=status))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offer = await bench.require(
        invite(sender=DEVICE, receiver=desk.number), within=bench.timing.dial, after=pressed
    )
    clear = sound(sender=DEVICE, receiver=desk.number, protection="plain")
    await bench.expect("ENC-04", clear, within=bench.timing.called + bench.timing.taken, after=offer)


def _two_contacts(at: Addresses) -> Settings:
    return Settings(
        call_number=at.station_uri(0), further_numbers=(at.station_uri(1),), encryption=Encryption.FALLBACK
    )


@scenario("ENC-03", settings=_two_contacts)
async def test_a_contact_that_can_do_srtp_gets_it_after_one_that_cannot(bench: Bench) -> None:
    """A contact that turned SRTP down says nothing of the next: each is asked anew (RFC 3711, RFC 4568).

    One old telephone would have everybody's calls overheard.
    """
    _, second = await bench.stations(rejects(488, "Not Acceptable Here"), answers(security="srtp"))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offer = await bench.require(
        invite(sender=DEVICE, receiver=second.number),
        within=bench.timing.called + bench.timing.next_contact,
        after=pressed,
    )
    await keys_taken_up(bench, second.number, offer)
    secured = sound(sender=DEVICE, receiver=second.number, protection="srtp")
    await bench.expect("ENC-03", secured, within=bench.timing.taken, after=offer)


def _two_contacts_that_may_not_answer(at: Addresses, first: str) -> Settings:
    return Settings(**{**_two_contacts(at), "call_timeout": at.limits.short_call_timeout})


@scenario("ENC-04", settings=_two_contacts_that_may_not_answer)
@pytest.mark.parametrize("first", ["busy", "rings for ever"], ids=case_id)
async def test_fallback_reaches_a_further_contact_without_srtp(bench: Bench, first: str) -> None:
    """The call falls back to RTP for whichever contact needs it, and not for the first one alone.

    One that is busy, or that nobody answers, is called once: that says nothing of its telephone (OUT-02).

    The visitor gets nobody, because it is the night guard who has the old telephone.
    """
    _, second = await bench.stations(busy() if first == "busy" else rings_forever(), refuses_srtp())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offer = await bench.require(
        invite(sender=DEVICE, receiver=second.number),
        within=bench.timing.called + bench.limits.short_call_timeout + bench.timing.next_contact,
        after=pressed,
    )
    clear = sound(sender=DEVICE, receiver=second.number, protection="plain")
    await bench.expect("ENC-04", clear, within=bench.timing.called + bench.timing.taken, after=offer)


def _two_contacts_srtp_only(at: Addresses) -> Settings:
    return Settings(
        call_number=at.station_uri(0), further_numbers=(at.station_uri(1),), encryption=Encryption.SRTP_ONLY
    )


@scenario("ENC-07", settings=_two_contacts_srtp_only)
async def test_srtp_only_holds_for_further_contacts(bench: Bench) -> None:
    """Under SRTP-only no contact is talked to in clear, whether it is the first or another.

    Who counts on the setting would be overheard as soon as the desk is busy.
    """
    _, second = await bench.stations(busy(), answers())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offer = await bench.require(
        invite(sender=DEVICE, receiver=second.number),
        within=bench.timing.called + bench.timing.next_contact,
        after=pressed,
    )
    await bench.require(
        final_answer(sender=second.number, receiver=DEVICE), within=bench.timing.taken, after=offer
    )
    await bench.never("ENC-07", CLEAR_FROM_DEVICE, during=bench.timing.watch, after=offer)


def _permitted(at: Addresses, way: str, encryption: Encryption) -> Settings:
    caller = at.number(0) if way == "through the server" else at.direct_caller_uri(0)
    return Settings(permitted_callers=(caller,), encryption=encryption)


def _fallback(at: Addresses, way: str) -> Settings:
    return _permitted(at, way, Encryption.FALLBACK)


def _srtp_only(at: Addresses, way: str) -> Settings:
    return _permitted(at, way, Encryption.SRTP_ONLY)


def _srtp_only_direct(at: Addresses) -> Settings:
    return _permitted(at, "straight to the device", Encryption.SRTP_ONLY)


@scenario("ENC-05", "ENC-11", settings=_fallback)
@pytest.mark.parametrize("way", ["through the server", "straight to the device"], ids=case_id)
async def test_fallback_takes_a_secure_call_over_srtp(bench: Bench, way: str) -> None:
    """In fallback mode an incoming call that offers SRTP is carried over SRTP (RFC 4568 §5).

    A guard whose telephone protects every call would be let down by the door.
    """
    caller = await _called(bench, way, "srtp")
    await _taken_over(bench, "ENC-05", caller, "srtp")


@scenario("ENC-06", settings=_fallback)
@pytest.mark.parametrize("way", ["through the server", "straight to the device"], ids=case_id)
async def test_fallback_takes_a_plain_call_over_rtp(bench: Bench, way: str) -> None:
    """In fallback mode an incoming call that offers nothing but RTP is taken over RTP.

    The guard's ordinary phone could not reach the door.
    """
    caller = await _called(bench, way, "plain")
    await _taken_over(bench, "ENC-06", caller, "plain")


def _fallback_direct(at: Addresses) -> Settings:
    return _permitted(at, "straight to the device", Encryption.FALLBACK)


@scenario("ENC-05", "ENC-06", settings=_fallback_direct)
async def test_fallback_takes_a_secure_call_after_a_plain_one_as_any_other(bench: Bench) -> None:
    """What one caller could not do says nothing of the next: each offer is taken as it is.

    One old telephone would have everybody's calls overheard, or turned away.
    """
    await bench.configure()
    caller = bench.number(0)
    first = await bench.call_device(caller=caller, direct=True, hang_up_after=bench.timing.short_call)
    await _taken_over(bench, "ENC-06", caller, "plain")
    over = await _hung_up(bench, first)

    await bench.call_device(caller=caller, direct=True, place=0, security="srtp")

    await _taken_over(bench, "ENC-05", caller, "srtp", after=over)


@scenario("ENC-07", "EVT-03", settings=Settings(encryption=Encryption.SRTP_ONLY))
async def test_srtp_only_never_talks_to_a_remote_without_srtp(bench: Bench) -> None:
    """SRTP-only: a call to a remote that knows only RTP is never established, and no media is sent.

    An owner who asked for secrecy would be overheard without knowing.
    """
    await bench.stations(answers())
    await bench.configure(pbx_srtp="no")

    pressed = await bench.intercom.press_button()

    refused = await bench.require(
        refusal(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed
    )
    await bench.never("ENC-07", answer(sender=PBX, receiver=DEVICE), during=bench.timing.watch, after=refused)
    bench.never_in_scenario("ENC-07", media(sender=DEVICE))
    bench.at_end("EVT-03", event(events.OUTGOING_FAILURE), after=pressed)


@scenario(
    "ENC-07",
    "EVT-03",
    settings=lambda at: Settings(call_number=at.station_uri(0), encryption=Encryption.SRTP_ONLY),
)
@pytest.mark.parametrize("how", ["in clear", "no audio", "unknown suite"], ids=case_id)
async def test_srtp_only_gives_up_a_call_that_is_answered_without_srtp(bench: Bench, how: Misanswer) -> None:
    """SRTP-only: a 200 that takes up no offered key makes no call, and no media is sent (RFC 4568 §5.1.3).

    An owner who asked for secrecy would be overheard whenever a telephone at the other end is careless.
    """
    (desk,) = await bench.stations(misanswers(how))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    offered = await bench.require(
        invite(sender=DEVICE, receiver=desk.number), within=bench.timing.dial, after=pressed
    )
    up = await bench.require(
        answer(sender=desk.number, receiver=DEVICE), within=bench.timing.remote, after=offered
    )
    hung_up = request("BYE", sender=DEVICE, receiver=desk.number)
    over = await bench.expect("ENC-07", hung_up, within=bench.timing.hang_up, after=up)
    await bench.never("ENC-07", media(sender=DEVICE), during=bench.timing.transaction, after=over)
    bench.never_in_scenario("ENC-07", media(sender=DEVICE))
    bench.at_end("EVT-03", event(events.OUTGOING_FAILURE), after=pressed)


def _through_server_or_not(at: Addresses, remote: str) -> Settings:
    return Settings(
        call_number=at.station_uri(0) if remote == "straight to a station" else at.number(0),
        encryption=Encryption.SRTP_ONLY,
    )


@scenario("ENC-08", "ENC-11", settings=_through_server_or_not)
@pytest.mark.parametrize("remote", ["sdes", "optional", "straight to a station"], ids=case_id)
async def test_srtp_only_places_a_call_over_srtp(
    bench: Bench, remote: Literal["sdes", "optional", "straight to a station"]
) -> None:
    """SRTP-only: a call to a remote that can do SRTP is established, over SRTP, and so is the next one.

    A setting that protects every call by preventing it leaves the visitor outside.
    """
    direct = remote == "straight to a station"
    (desk,) = await bench.stations(answers(security="srtp" if direct else "plain"))
    await bench.configure(pbx_srtp="no" if remote == "straight to a station" else remote)

    pressed = await bench.intercom.press_button()

    other = desk.number if direct else PBX
    offer = await bench.require(
        invite(sender=DEVICE, receiver=other), within=bench.timing.dial, after=pressed
    )
    await keys_taken_up(bench, other, offer)
    secured = sound(sender=DEVICE, receiver=other, protection="srtp")
    await bench.expect("ENC-08", secured, within=bench.timing.taken, after=offer)
    bench.never_in_scenario("ENC-08", CLEAR_FROM_DEVICE)
    if not direct:
        return

    pressed = await bench.intercom.press_button()  # ends the call

    ended = response(200, "BYE", sender=other, receiver=DEVICE)
    await bench.require(ended, within=bench.timing.hang_up + bench.timing.remote, after=pressed)
    pressed = await bench.intercom.press_button()
    offer = await bench.require(
        invite(sender=DEVICE, receiver=other), within=bench.timing.dial, after=pressed
    )
    await bench.expect("ENC-08", secured, within=bench.timing.taken, after=offer)


@scenario("ENC-09", settings=_srtp_only)
@pytest.mark.parametrize(
    ("way", "offer"),
    [
        ("through the server", "plain"),
        ("straight to the device", "plain"),
        ("straight to the device", "unknown suite"),
        ("straight to the device", "no keys"),
    ],
    ids=case_id,
)
async def test_srtp_only_refuses_a_call_that_cannot_be_secured(bench: Bench, way: str, offer: Offer) -> None:
    """SRTP-only: an incoming call without a key that the device can use is refused, never established.

    A caller could choose to have the door overheard.
    """
    caller = await _called(bench, way, offer)
    rung = await bench.require(invite(sender=caller, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(decision(sender=DEVICE, receiver=caller), within=bench.timing.answer, after=rung)
    await bench.already_seen("ENC-09", refusal(sender=DEVICE, receiver=caller), after=rung)
    bench.never_in_scenario("ENC-09", media(sender=DEVICE))


@scenario("ENC-09", settings=_srtp_only_direct)
@pytest.mark.parametrize("how", ["best effort", "late offer"], ids=case_id)
async def test_srtp_only_takes_a_call_that_leaves_the_choice_over_srtp_or_not_at_all(
    bench: Bench, how: str
) -> None:
    """SRTP-only: of an RTP/AVP offer with a key (best effort) at most the key is taken up.

    Where the caller leaves the offer to the device (RFC 3261 §13.2.1), it offers no RTP/AVP by itself; what
    the caller answers, without a key, is no answer to what it may offer.

    A caller could choose to have the door overheard.
    """
    late = how == "late offer"
    caller = await _called(bench, "straight to the device", "plain" if late else "both", late_offer=late)
    rung = await bench.require(invite(sender=caller, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE, receiver=caller), within=bench.timing.answer, after=rung)
    await bench.never("ENC-09", CLEAR_FROM_DEVICE, during=bench.timing.transaction, after=rung)


@scenario("ENC-09", settings=_srtp_only_direct)
@pytest.mark.parametrize("how", ["re-INVITE", "UPDATE", "late offer"], ids=case_id)
async def test_srtp_only_stays_in_force_within_a_secured_call(bench: Bench, how: ClearOffer) -> None:
    """SRTP-only: what is offered later in the call is not taken in clear either (RFC 3261 §14.2).

    A refusal leaves the session as it was (RFC 3264 §8); a device may also end the call, or take the offer
    without its audio (port 0). Of a re-INVITE without an offer the caller answers the device's own in clear.

    A caller could have a protected conversation go on in clear, and nobody would hear the difference.
    """
    caller = await _called(
        bench, "straight to the device", "srtp", clear_offer=(how, bench.timing.short_call)
    )
    method = "UPDATE" if how == "UPDATE" else "INVITE"
    up = await bench.taken(caller)
    asked = await bench.require(
        request(method, sender=caller, receiver=DEVICE), within=bench.timing.remote, after=up
    )
    decided = response((200, 699), method, sender=DEVICE, receiver=caller)
    said = await bench.require(decided, within=bench.timing.answer, after=asked)
    in_clear = decided.where(f"{method} answered in clear", media=Condition(some=IN_CLEAR))
    bench.never_in_scenario("ENC-09", in_clear.where(status=Condition(at_least=200, at_most=299)))
    await bench.never("ENC-09", CLEAR_FROM_DEVICE, during=bench.timing.watch, after=said)


@scenario("ENC-10", "ENC-11", settings=_srtp_only)
@pytest.mark.parametrize("way", ["through the server", "straight to the device"], ids=case_id)
async def test_srtp_only_takes_a_secure_call_over_srtp(bench: Bench, way: str) -> None:
    """SRTP-only: an incoming call that offers SRTP is established over SRTP.

    A guard who protects every call could not reach the one door that asks for it.
    """
    caller = await _called(bench, way, "srtp")
    await _taken_over(bench, "ENC-10", caller, "srtp")


@scenario("ENC-09", "ENC-10", settings=_srtp_only_direct)
async def test_srtp_only_refuses_a_plain_call_after_a_secure_one_as_any_other(bench: Bench) -> None:
    """SRTP-only holds for each call, and not for the first one alone.

    A caller could choose to have the door overheard, by waiting for another to call first.
    """
    await bench.configure()
    caller, briefly = bench.number(0), bench.timing.short_call
    first = await bench.call_device(caller=caller, direct=True, security="srtp", hang_up_after=briefly)
    await _taken_over(bench, "ENC-10", caller, "srtp")
    over = await _hung_up(bench, first)

    await bench.call_device(caller=caller, direct=True, place=0)

    called = invite(sender=caller, receiver=DEVICE)
    rung = await bench.require(called, within=bench.timing.remote, after=over)
    decided = final_answer(sender=DEVICE, receiver=caller)
    await bench.require(decided, within=bench.timing.answer, after=rung)
    await bench.already_seen("ENC-09", refusal(sender=DEVICE, receiver=caller), after=rung)


@scenario("ENC-11", settings=Settings(encryption=Encryption.SRTP_ONLY))
async def test_a_secured_call_stays_secured_from_first_to_last_packet(bench: Bench) -> None:
    """Where SRTP was negotiated every packet authenticates, and none is plain (RFC 3711 §3.3).

    One packet in clear is a word overheard.
    """
    await bench.stations(answers(hang_up_after=bench.timing.watch))
    await bench.configure(pbx_srtp="sdes")

    pressed = await bench.intercom.press_button()

    secured = sound(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.require(secured, within=bench.timing.called + bench.timing.answer, after=pressed)
    await bench.require(
        request("BYE", sender=PBX, receiver=DEVICE),
        within=bench.timing.called + 2 * bench.timing.watch,
        after=pressed,
    )


@scenario("ENC-11", settings=_srtp_only_direct)
async def test_after_a_change_of_keys_the_media_is_under_the_new_agreement(bench: Bench) -> None:
    """A re-INVITE that changes the caller's key leaves every packet of the device secured (RFC 4568 §7.1.4).

    A call that begins protected would end overheard, or in noise.
    """
    caller = await _called(bench, "straight to the device", "srtp", new_key_after=bench.timing.short_call)
    up = await bench.taken(caller)
    agreed = await bench.require(answer(sender=DEVICE, receiver=caller), within=bench.timing.answer, after=up)
    secured = sound(sender=DEVICE, receiver=caller, protection="srtp")
    await bench.expect(
        "ENC-11", secured, within=bench.timing.answer, after=agreed.time + bench.timing.short_call, count=2
    )


@scenario("ENC-11", settings=_srtp_only_direct)
async def test_clear_media_in_a_secured_call_is_not_played(bench: Bench) -> None:
    """Packets that do not authenticate are discarded (RFC 3711 §3.3): nobody speaks into a secured call.

    An intruder on the network could talk through the door's loudspeaker.
    """
    caller = await _called(bench, "straight to the device", "srtp", clear_media=True, tone_hz=INTRUDER)
    await bench.require(answer(sender=DEVICE, receiver=caller), within=bench.timing.taken)
    heard = await bench.require(media(sender=caller, receiver=DEVICE), within=bench.timing.taken)
    await bench.never("ENC-11", speaker_tone(INTRUDER), during=bench.timing.transaction, after=heard)


async def _called(
    bench: Bench,
    way: str,
    offer: Offer,
    *,
    new_key_after: float | None = None,
    clear_offer: tuple[ClearOffer, float] | None = None,
    clear_media: bool = False,
    tone_hz: float = 1000,
    late_offer: bool = False,
) -> str:
    """Have a permitted station call with an offer; return from whom the device gets the INVITE."""
    if way == "through the server":
        await bench.configure(pbx_srtp="sdes" if offer == "srtp" else "no")
        await bench.call_device(caller=bench.number(0))
        return PBX
    await bench.configure()
    station = await bench.call_device(
        caller=bench.number(0),
        direct=True,
        security=offer,
        new_key_after=new_key_after,
        clear_offer=clear_offer,
        clear_media=clear_media,
        tone_hz=tone_hz,
        late_offer=late_offer,
    )
    return station.number


async def _hung_up(bench: Bench, caller: Station) -> Observation:
    """Wait until the caller has hung up, and leave the device time to notice."""
    ended = request("BYE", sender=caller.number, receiver=DEVICE)
    over = await bench.require(ended, within=bench.timing.remote + bench.timing.watch)
    await bench.require(response(200, "BYE", sender=DEVICE), within=bench.timing.hang_up, after=over)
    await bench.happens(
        event(events.INCOMING_REMOTE_HANGUP), within=bench.timing.hang_up + bench.timing.log, after=over
    )
    await caller.stop()
    return over


async def _taken_over(
    bench: Bench, requirement: str, caller: str, protection: str, after: Observation | None = None
) -> None:
    """Expect the call to be taken, and its media, as far as the device sends any, to be of one kind."""
    called = invite(sender=caller, receiver=DEVICE)
    rung = await bench.require(called, within=bench.timing.remote, after=after)
    await bench.require(decision(sender=DEVICE, receiver=caller), within=bench.timing.answer, after=rung)
    await bench.already_seen(requirement, answer(sender=DEVICE, receiver=caller), after=rung)
    carried = sound(sender=DEVICE, receiver=caller, protection=protection)
    await bench.expect(requirement, carried, within=bench.timing.taken, after=rung)
