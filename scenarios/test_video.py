"""VID: in which calls the device is to be seen, and that what is seen is live."""

from collections.abc import Callable

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    Addresses,
    Bench,
    Capability,
    Encryption,
    Moment,
    Observation,
    Settings,
    VideoCalls,
    answer,
    answers,
    busy,
    decision,
    invite,
    live_picture,
    now,
    picture,
    refusal,
    request,
    scenario,
    sound,
    takes_video,
    tone,
    video,
    with_video,
    without_video,
)

PLACED = invite(sender=DEVICE, receiver=PBX)
ACCEPTED = answer(sender=DEVICE, receiver=PBX)


def _placing(mode: VideoCalls) -> Settings:
    return Settings(video_calls=mode)


def _accepting(mode: VideoCalls) -> Callable[[Addresses], Settings]:
    return lambda at: Settings(permitted_callers=(at.number(0),), video_calls=mode)


@scenario("VID-01", settings=_placing(VideoCalls.OUTGOING))
async def test_outgoing_a_placed_call_shows_who_rings(bench: Bench) -> None:
    """Outgoing: a placed call offers video (RFC 3264 §5), and the picture that then comes moves.

    The guard does not see who rings, or sees who stood there yesterday.
    """
    await _seen_in_a_placed_call(bench, "VID-01")


@scenario("VID-01", settings=_accepting(VideoCalls.OUTGOING))
async def test_outgoing_an_accepted_call_shows_nothing(bench: Bench) -> None:
    """Outgoing: of a call that offers video the device takes the audio alone (RFC 3264 §6: port 0).

    A caller sees into the entrance without having been rung.
    """
    await _unseen_in_an_accepted_call(bench, "VID-01")


@scenario("VID-02", settings=_accepting(VideoCalls.INCOMING))
async def test_incoming_an_accepted_call_shows_the_entrance(bench: Bench) -> None:
    """Incoming: of a call that offers video the device takes it (RFC 3264 §6), and its picture moves.

    The guard who looks in on the door sees nothing.
    """
    await _seen_in_an_accepted_call(bench, "VID-02")


@scenario(
    "VID-02",
    settings=lambda at: Settings(
        permitted_callers=(at.direct_caller_uri(0),), video_calls=VideoCalls.INCOMING
    ),
)
async def test_incoming_a_call_that_leaves_the_offer_to_the_device_shows_the_entrance(bench: Bench) -> None:
    """Of an INVITE without an offer the device makes it (RFC 3261 §13.3.1.4), with a picture that moves.

    The guard calls by a server that does so, and sees nothing.
    """
    await bench.configure()

    caller = await bench.call_device(caller=bench.number(0), direct=True, video=True, late_offer=True)

    rung = await bench.require(invite(sender=caller.number, receiver=DEVICE), within=bench.timing.remote)
    taken = answer(sender=DEVICE, receiver=caller.number)
    await bench.require(taken, within=bench.timing.answer, after=rung)
    offer = await bench.already_seen("VID-02", with_video(taken), after=rung)
    live = live_picture(sender=DEVICE, receiver=caller.number)
    await bench.expect("VID-02", live, within=bench.timing.taken, after=offer)


@scenario(
    "VID-02",
    settings=lambda at: Settings(
        permitted_callers=(at.direct_caller_uri(0),), video_calls=VideoCalls.INCOMING
    ),
)
async def test_incoming_a_picture_that_is_turned_down_is_sent_no_more(bench: Bench) -> None:
    """When the caller takes the picture out of the call (port 0, RFC 3264 §8.2) its sound goes on alone.

    Who had the camera switched off, out of regard for a visitor, films on.
    """
    await bench.configure()
    caller = await bench.call_device(
        caller=bench.number(0), direct=True, video=True, refers_when_told=bench.at_server("9999")
    )
    up = await bench.taken(caller.number)
    live = live_picture(sender=DEVICE, receiver=caller.number)
    await bench.expect("VID-02", live, within=bench.timing.answer, after=up)
    asked = now()

    caller.tell("novideo")

    ended = await bench.require(
        answer(sender=DEVICE, receiver=caller.number),
        within=bench.timing.remote + bench.timing.answer,
        after=asked,
    )
    heard = sound(sender=DEVICE, receiver=caller.number)
    await bench.require(heard, within=bench.timing.answer + bench.timing.watch, after=ended, count=9)


@scenario("VID-02", settings=_placing(VideoCalls.INCOMING))
async def test_incoming_a_placed_call_shows_nobody(bench: Bench) -> None:
    """Incoming: a placed call offers no video (RFC 3264 §5), though the other side could have taken it.

    Every visitor is filmed on ringing.
    """
    await _unseen_in_a_placed_call(bench, "VID-02")


@scenario("VID-03", settings=_placing(VideoCalls.BOTH))
async def test_both_a_placed_call_shows_who_rings(bench: Bench) -> None:
    """Both: a placed call offers video (RFC 3264 §5), and the picture that then comes moves.

    The guard has to decide about the door by voice alone.
    """
    await _seen_in_a_placed_call(bench, "VID-03")


@scenario("VID-03", "INC-06", settings=_accepting(VideoCalls.BOTH), needs=Capability.VIDEO)
async def test_both_an_accepted_call_shows_the_entrance(bench: Bench) -> None:
    """Both: of a call that offers video the device takes it (RFC 3264 §6), and its picture moves.

    It is heard as it is in any other call.

    The guard who looks in on the door sees nothing, or hears nothing.
    """
    await _seen_in_an_accepted_call(bench, "VID-03")
    up = await bench.require(ACCEPTED, within=bench.timing.answer)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)


@scenario("VID-03", settings=_placing(VideoCalls.BOTH))
async def test_the_picture_ends_with_its_call(bench: Bench) -> None:
    """When the device hangs up nobody goes on seeing the entrance (RFC 3261 §15.1.1), and none begins to.

    The next one who is called sees who rings, like the one before.

    Every visitor after the first one is watched by somebody who was called once.
    """
    await _seen_in_a_placed_call(bench, "VID-03")
    live = live_picture(sender=DEVICE, receiver=PBX)

    pressed = await bench.intercom.press_button()

    ended = await bench.require(request("BYE", sender=DEVICE), within=bench.timing.hang_up, after=pressed)
    await bench.never("VID-03", video(sender=DEVICE), during=bench.timing.watch, after=ended)

    pressed = await bench.intercom.press_button()

    agreed = with_video(answer(sender=PBX, receiver=DEVICE))
    up = await bench.require(agreed, within=bench.timing.called, after=pressed)
    await bench.expect("VID-03", live, within=bench.timing.answer, after=up)


@scenario("VID-04", settings=_placing(VideoCalls.OFF))
async def test_off_a_placed_call_shows_nobody(bench: Bench) -> None:
    """Off: a placed call offers no video (RFC 3264 §5), though the other side could have taken it.

    People are filmed at a door where that is forbidden.
    """
    await _unseen_in_a_placed_call(bench, "VID-04")


@scenario(
    "VID-04", settings=lambda at: Settings(permitted_callers=(at.number(0),), video_calls=VideoCalls.OFF)
)
async def test_off_a_call_that_offers_video_is_taken_with_audio_only(bench: Bench) -> None:
    """Off: a call that offers video is taken like one that does not, with audio only (RFC 3264 §6: port 0).

    A guard with a video phone cannot call the door at all, or films people where that is forbidden.
    """
    caller = bench.number(0)
    await bench.configure(pbx_video=True)
    talking = await bench.call_device(caller=caller)
    await bench.require(ACCEPTED, within=bench.timing.taken)
    await talking.stop()
    over = await bench.require(request("BYE", sender=PBX, receiver=DEVICE), within=bench.timing.remote)

    offered = await _call_with_video(bench, after=over)

    await bench.already_seen("VID-04", ACCEPTED, after=offered)
    await bench.already_seen("VID-04", without_video(ACCEPTED), after=offered)
    await bench.expect(
        "VID-04", sound(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=offered
    )
    await _nothing_to_be_seen(bench, "VID-04", offered)


@scenario("CFG-18", settings=_placing(VideoCalls.OFF))
async def test_the_video_setting_decides_whether_placed_calls_offer_video(bench: Bench) -> None:
    """Over its four values the video setting makes a difference to the calls that are placed.

    A site where cameras are not permitted cannot keep the picture off, or a guard cannot get one.
    """
    await bench.stations(busy(), busy())
    for mode in VideoCalls:
        await bench.configure(pbx_video=True, video_calls=mode, further_numbers=(bench.number(1),))
        pressed = await bench.intercom.press_button()
        within = bench.timing.called + bench.timing.next_contact
        refused = refusal(sender=PBX, receiver=DEVICE)
        await bench.require(refused, within=within, after=pressed, count=2)

    bench.at_end("CFG-18", with_video(PLACED))
    bench.at_end("CFG-18", without_video(PLACED))


def _secured(at: Addresses, direction: str) -> Settings:
    callers = (at.number(0),) if direction == "accepted" else ()
    return Settings(permitted_callers=callers, video_calls=VideoCalls.BOTH, encryption=Encryption.SRTP_ONLY)


@scenario("ENC-11", settings=_secured)
@pytest.mark.parametrize("direction", ["placed", "accepted"])
async def test_the_video_of_a_secured_call_is_secured(bench: Bench, direction: str) -> None:
    """Where SRTP was negotiated for video, the picture comes under its key (RFC 3711 §3.3, RFC 4568).

    An owner who asked for secrecy would be watched, though not overheard.
    """
    if direction == "placed":
        await bench.stations(answers(video=True))
        await bench.configure(pbx_video=True, pbx_srtp="sdes")
        await bench.intercom.press_button()
        agreed = with_video(answer(sender=PBX, receiver=DEVICE))
    else:
        await bench.configure(pbx_video=True, pbx_srtp="sdes")
        await bench.call_device(caller=bench.number(0), video=True)
        agreed = with_video(ACCEPTED)

    up = await bench.require(agreed, within=bench.timing.called + bench.timing.answer)
    await bench.require(
        sound(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=up
    )  # it goes on
    await bench.require(video(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=up)
    shown = picture(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-11", shown, within=bench.timing.answer, after=up)


async def _seen_in_a_placed_call(bench: Bench, rule: str) -> None:
    offer = await _place_call_to_video_phone(bench)
    await bench.already_seen(rule, with_video(PLACED), after=offer)
    agreed = with_video(answer(sender=PBX, receiver=DEVICE))
    up = await bench.require(agreed, within=bench.timing.taken, after=offer)
    await bench.expect(rule, live_picture(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=up)
    await _sees_in_turn(bench, offer)


async def _unseen_in_a_placed_call(bench: Bench, rule: str) -> None:
    offer = await _place_call_to_video_phone(bench)
    await bench.already_seen(rule, without_video(PLACED), after=offer)
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=offer)
    await _nothing_to_be_seen(bench, rule, up)


async def _seen_in_an_accepted_call(bench: Bench, rule: str) -> None:
    await bench.configure(pbx_video=True)
    offered = await _call_with_video(bench)
    await bench.require(ACCEPTED, within=bench.timing.answer, after=offered)
    taken = await bench.already_seen(rule, with_video(ACCEPTED), after=offered)
    await bench.expect(
        rule, live_picture(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=taken
    )
    await _sees_in_turn(bench, taken)


async def _unseen_in_an_accepted_call(bench: Bench, rule: str) -> None:
    await bench.configure(pbx_video=True)
    offered = await _call_with_video(bench)
    await bench.require(ACCEPTED, within=bench.timing.answer, after=offered)
    taken = await bench.already_seen(rule, without_video(ACCEPTED), after=offered)
    await _nothing_to_be_seen(bench, rule, taken)


async def _place_call_to_video_phone(bench: Bench) -> Observation:
    """Have the device call a station that takes and sends video; return its INVITE."""
    await bench.stations(answers(video=True))
    await bench.configure(pbx_video=True)
    pressed = await bench.intercom.press_button()
    return await bench.require(PLACED, within=bench.timing.dial, after=pressed)


async def _call_with_video(bench: Bench, after: Moment | None = None) -> Observation:
    """Have a station call with video; return the INVITE that the device gets, once it has decided."""
    await bench.call_device(caller=bench.number(0), video=True)
    asked = with_video(invite(sender=PBX, receiver=DEVICE))
    offered = await bench.require(asked, within=bench.timing.remote, after=after)
    await bench.require(decision(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=offered)
    return offered


async def _nothing_to_be_seen(bench: Bench, rule: str, after: Observation) -> None:
    """Expect that the device sends no video, and neither offers nor takes any later in the call."""
    await bench.never(rule, video(sender=DEVICE), during=2 * bench.timing.short_call, after=after)
    bench.never_in_scenario(rule, with_video(request("INVITE", sender=DEVICE)))
    bench.never_in_scenario(rule, with_video(answer(sender=DEVICE)))


async def _sees_in_turn(bench: Bench, described: Observation) -> None:
    """Where the device says that it takes video too, make sure that it gets some."""
    if takes_video(described):
        await bench.require(video(sender=PBX, receiver=DEVICE), within=bench.timing.taken)
