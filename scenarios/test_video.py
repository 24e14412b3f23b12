"""VID: in which calls the device is to be seen, and that what is seen is live."""

import pytest

from intercom_hil.judge.vocabulary import (
    DEVICE,
    PBX,
    answer,
    decision,
    invite,
    live_picture,
    picture,
    refusal,
    request,
    sound,
    video,
    with_video,
    without_video,
)
from intercom_hil.scenario import scenario
from intercom_hil.scenario.bench import Bench
from intercom_hil.spec.settings import Encryption, VideoCalls
from intercom_hil.stations.behaviours import answers, busy
from intercom_hil.timeline import Observation

PROMPT = 2.0
"""Seconds within which a device that reacts at all has reacted."""
WATCHED = 0.4
"""Seconds of an established call in which video that should not be there would show."""

PLACED = invite(sender=DEVICE, receiver=PBX)
ACCEPTED = answer(sender=DEVICE, receiver=PBX)


@scenario("VID-01")
async def test_outgoing_a_placed_call_shows_who_rings(bench: Bench):
    """Outgoing: a placed call offers video (RFC 3264 §5), and the picture that then comes moves.

    The guard does not see who rings, or sees who stood there yesterday.
    """
    await _seen_in_a_placed_call(bench, "VID-01", VideoCalls.OUTGOING)


@scenario("VID-01")
async def test_outgoing_an_accepted_call_shows_nothing(bench: Bench):
    """Outgoing: of a call that offers video the device takes the audio alone (RFC 3264 §6: port 0).

    A caller sees into the entrance without having been rung.
    """
    await _unseen_in_an_accepted_call(bench, "VID-01", VideoCalls.OUTGOING)


@scenario("VID-02")
async def test_incoming_an_accepted_call_shows_the_entrance(bench: Bench):
    """Incoming: of a call that offers video the device takes it (RFC 3264 §6), and its picture moves.

    The guard who looks in on the door sees nothing.
    """
    await _seen_in_an_accepted_call(bench, "VID-02", VideoCalls.INCOMING)


@scenario("VID-02")
async def test_incoming_a_placed_call_shows_nobody(bench: Bench):
    """Incoming: a placed call offers no video (RFC 3264 §5), though the other side could have taken it.

    Every visitor is filmed on ringing.
    """
    await _unseen_in_a_placed_call(bench, "VID-02", VideoCalls.INCOMING)


@scenario("VID-03")
async def test_both_a_placed_call_shows_who_rings(bench: Bench):
    """Both: a placed call offers video (RFC 3264 §5), and the picture that then comes moves.

    The guard has to decide about the door by voice alone.
    """
    await _seen_in_a_placed_call(bench, "VID-03", VideoCalls.BOTH)


@scenario("VID-03")
async def test_both_an_accepted_call_shows_the_entrance(bench: Bench):
    """Both: of a call that offers video the device takes it (RFC 3264 §6), and its picture moves.

    The guard who looks in on the door sees nothing.
    """
    await _seen_in_an_accepted_call(bench, "VID-03", VideoCalls.BOTH)


@scenario("VID-04")
async def test_off_a_placed_call_shows_nobody(bench: Bench):
    """Off: a placed call offers no video (RFC 3264 §5), though the other side could have taken it.

    People are filmed at a door where that is forbidden.
    """
    await _unseen_in_a_placed_call(bench, "VID-04", VideoCalls.OFF)


@scenario("VID-04")
async def test_off_a_call_that_offers_video_is_taken_with_audio_only(bench: Bench):
    """Off: a call that offers video is taken like one that does not, with audio only (RFC 3264 §6: port 0).

    A guard with a video phone cannot call the door at all, or films people where that is forbidden.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), video_calls=VideoCalls.OFF, pbx_video=True)
    talking = await bench.call_device(caller=caller)
    await bench.require(ACCEPTED, within=PROMPT)
    await talking.stop()
    over = await bench.require(request("BYE", sender=PBX, receiver=DEVICE), within=PROMPT)

    offered = await _call_with_video(bench, caller, after=over.time)

    await bench.expect("VID-04", ACCEPTED, within=0.1, after=offered.time)
    await bench.expect("VID-04", without_video(ACCEPTED), within=0.1, after=offered.time)
    await bench.expect("VID-04", sound(sender=DEVICE, receiver=PBX), within=PROMPT, after=offered.time)
    await _nothing_to_be_seen(bench, "VID-04", offered.time)


@scenario("CFG-18")
async def test_the_video_setting_decides_whether_placed_calls_offer_video(bench: Bench):
    """Over its four values the video setting makes a difference to the calls that are placed.

    A site where cameras are not permitted cannot keep the picture off, or a guard cannot get one.
    """
    (desk,) = await bench.stations(busy())
    for mode in VideoCalls:
        await bench.configure(call_number=desk.number, video_calls=mode, pbx_video=True)
        pressed = await bench.intercom.press_button()
        await bench.require(refusal(sender=PBX, receiver=DEVICE), within=PROMPT, after=pressed)

    bench.at_end("CFG-18", with_video(PLACED))
    bench.at_end("CFG-18", without_video(PLACED))


@scenario("ENC-11")
@pytest.mark.parametrize("direction", ["placed", "accepted"])
async def test_the_video_of_a_secured_call_is_secured(bench: Bench, direction: str):
    """Where SRTP was negotiated for video, the picture comes under its key (RFC 3711 §3.3, RFC 4568).

    An owner who asked for secrecy would be watched, though not overheard.
    """
    caller = bench.number(0)
    secured = {"encryption": Encryption.SRTP_ONLY, "pbx_srtp": "sdes"}
    if direction == "placed":
        (desk,) = await bench.stations(answers(video=True))
        await bench.configure(call_number=desk.number, video_calls=VideoCalls.BOTH, pbx_video=True, **secured)
        await bench.intercom.press_button()
        agreed = with_video(answer(sender=PBX, receiver=DEVICE))
    else:
        await bench.configure(
            permitted_callers=(caller,), video_calls=VideoCalls.BOTH, pbx_video=True, **secured
        )
        await bench.call_device(caller=caller, video=True)
        agreed = with_video(ACCEPTED)

    up = await bench.require(agreed, within=PROMPT)
    await bench.require(sound(sender=DEVICE, receiver=PBX), within=PROMPT, after=up.time)  # it goes on
    await bench.require(video(sender=DEVICE, receiver=PBX), within=PROMPT, after=up.time)
    shown = picture(sender=DEVICE, receiver=PBX, protection="srtp")
    await bench.expect("ENC-11", shown, within=PROMPT, after=up.time)


async def _seen_in_a_placed_call(bench: Bench, rule: str, mode: VideoCalls) -> None:
    offer = await _place_call_to_video_phone(bench, mode)
    await bench.expect(rule, with_video(PLACED), within=0.1, after=offer.time)
    agreed = with_video(answer(sender=PBX, receiver=DEVICE))
    up = await bench.require(agreed, within=PROMPT, after=offer.time)
    await bench.expect(rule, live_picture(sender=DEVICE, receiver=PBX), within=PROMPT, after=up.time)
    await _sees_in_turn(bench, offer)


async def _unseen_in_a_placed_call(bench: Bench, rule: str, mode: VideoCalls) -> None:
    offer = await _place_call_to_video_phone(bench, mode)
    await bench.expect(rule, without_video(PLACED), within=0.1, after=offer.time)
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=PROMPT, after=offer.time)
    await _nothing_to_be_seen(bench, rule, up.time)


async def _seen_in_an_accepted_call(bench: Bench, rule: str, mode: VideoCalls) -> None:
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), video_calls=mode, pbx_video=True)
    offered = await _call_with_video(bench, caller)
    await bench.require(ACCEPTED, within=0.1, after=offered.time)
    taken = await bench.expect(rule, with_video(ACCEPTED), within=0.1, after=offered.time)
    await bench.expect(rule, live_picture(sender=DEVICE, receiver=PBX), within=PROMPT, after=taken.time)
    await _sees_in_turn(bench, taken)


async def _unseen_in_an_accepted_call(bench: Bench, rule: str, mode: VideoCalls) -> None:
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), video_calls=mode, pbx_video=True)
    offered = await _call_with_video(bench, caller)
    await bench.require(ACCEPTED, within=0.1, after=offered.time)
    taken = await bench.expect(rule, without_video(ACCEPTED), within=0.1, after=offered.time)
    await _nothing_to_be_seen(bench, rule, taken.time)


async def _place_call_to_video_phone(bench: Bench, mode: VideoCalls) -> Observation:
    """Have the device call a station that takes and sends video; return its INVITE."""
    (desk,) = await bench.stations(answers(video=True))
    await bench.configure(call_number=desk.number, video_calls=mode, pbx_video=True)
    pressed = await bench.intercom.press_button()
    return await bench.require(PLACED, within=PROMPT, after=pressed)


async def _call_with_video(bench: Bench, caller: str, after: float | None = None) -> Observation:
    """Have a station call with video; return the INVITE that the device gets, once it has decided."""
    await bench.call_device(caller=caller, video=True)
    asked = with_video(invite(sender=PBX, receiver=DEVICE))
    offered = await bench.require(asked, within=PROMPT, after=after)
    await bench.require(decision(sender=DEVICE, receiver=PBX), within=PROMPT, after=offered.time)
    return offered


async def _nothing_to_be_seen(bench: Bench, rule: str, after: float) -> None:
    """Expect that the device sends no video, and neither offers nor takes any later in the call."""
    await bench.never(rule, video(sender=DEVICE), during=WATCHED, after=after)
    bench.at_end(rule, with_video(request("INVITE", sender=DEVICE)), at_least=0, at_most=0)
    bench.at_end(rule, with_video(answer(sender=DEVICE)), at_least=0, at_most=0)


async def _sees_in_turn(bench: Bench, said: Observation) -> None:
    """Where the device says that it takes video too, make sure that it gets some."""
    wanted = ("sendrecv", "recvonly")
    if any(line.media == "video" and line.direction in wanted for line in said.content.media):
        await bench.require(video(sender=PBX, receiver=DEVICE), within=PROMPT)
