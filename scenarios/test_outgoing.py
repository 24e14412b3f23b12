"""OUT: what happens between the press of the button and the end of the call."""

import pytest

from intercom_hil.scenario import (
    CHALLENGES,
    DEVICE,
    OCCUPIED,
    PBX,
    Addresses,
    Bench,
    Capability,
    Condition,
    Encryption,
    Observation,
    Pattern,
    Settings,
    VideoCalls,
    addressed,
    another_call,
    answer,
    answers,
    busy,
    declines,
    event,
    events,
    invite,
    now,
    refusal,
    request,
    response,
    rings_forever,
    scenario,
    silent,
    speaker_sound,
    speaker_tone,
    tone,
)

NOT_BUSY = response((180, 699), "INVITE", sender=DEVICE, receiver=PBX).where(
    f"answer of a device that is free (not {', '.join(map(str, OCCUPIED))})",
    status=Condition(at_least=180, at_most=699, none_of=(*CHALLENGES, *OCCUPIED)),
)


@scenario("OUT-01", "EVT-01")
async def test_the_button_places_a_call_to_the_call_number(bench: Bench) -> None:
    """The intercom button places a call to the configured call number.

    A visitor presses, and nobody is called: the one thing an intercom is for.
    """
    (desk,) = await bench.stations(answers())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    await bench.expect(
        "OUT-01", invite(sender=DEVICE, receiver=PBX, to=desk.number), within=bench.timing.dial, after=pressed
    )
    await bench.expect(
        "OUT-01", invite(sender=PBX, receiver=desk.number), within=bench.timing.called, after=pressed
    )
    bench.at_end("EVT-01", event(events.OUTGOING_INITIATED), after=pressed)


@scenario("OUT-02", settings=lambda at: Settings(further_numbers=(at.number(1), at.number(2), at.number(3))))
async def test_contacts_are_tried_in_sequence_until_one_answers(bench: Bench) -> None:
    """Each contact is tried in its turn, and none after an answer.

    The visitor would be left with a busy first desk, or ring desks that have no business with the call.
    """
    first, second, third, _ = await bench.stations(busy(), declines(), answers(), rings_forever())
    await bench.configure()

    reached = await bench.intercom.press_button()

    await bench.require(invite(sender=DEVICE, to=first.number), within=bench.timing.dial, after=reached)
    for station in (second, third):
        dialled = invite(sender=DEVICE, receiver=PBX, to=station.number)
        reached = (
            await bench.expect("OUT-02", dialled, within=bench.timing.next_contact, after=reached)
        ).time
    answered = await bench.expect(
        "OUT-02", answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=reached
    )
    another = another_call(bench.seen(invite(sender=DEVICE)), answered.time)
    await bench.never("OUT-02", another, during=bench.timing.watch)


@scenario(
    "OUT-03",
    settings=lambda at: Settings(
        further_numbers=(at.number(1),),
        permitted_callers=(at.number(2),),
        call_timeout=at.limits.short_call_timeout,
    ),
)
async def test_an_unanswered_contact_is_given_up_after_the_call_timeout_and_the_next_is_tried(
    bench: Bench,
) -> None:
    """An unanswered call ends after the call timeout, and the next contact rings (RFC 3261 §9.1: CANCEL).

    That somebody calls meanwhile who is not permitted makes no difference (INC-03).

    The visitor would otherwise wait at a desk that nobody sits at.
    """
    timeout = bench.limits.short_call_timeout
    unattended, night_guard = await bench.stations(rings_forever(), answers())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    dialled = await bench.require(
        invite(sender=DEVICE, receiver=PBX, to=unattended.number), within=bench.timing.dial, after=pressed
    )
    await bench.call_device(caller=bench.number(3), place=2)
    given_up = await bench.expect(
        "OUT-03",
        request("CANCEL", sender=DEVICE, receiver=PBX),
        within=timeout + bench.timing.hang_up,
        after=dialled,
    )
    bench.measure(
        "OUT-03",
        "time from INVITE to CANCEL",
        given_up.time - dialled.time,
        "s",
        low=timeout - bench.timing.tolerance,
        high=timeout + bench.timing.tolerance,
        of=(dialled, given_up),
    )
    reached = await bench.expect(
        "OUT-03",
        invite(sender=DEVICE, receiver=PBX, to=night_guard.number),
        within=bench.timing.next_contact,
        after=given_up,
    )
    await bench.require(answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=reached)
    # The time for an answer is over, and there is one.
    during = timeout + bench.timing.tolerance
    await bench.never("OUT-05", request("BYE", sender=DEVICE), during=during, after=reached)


@scenario("OUT-03", "OUT-04", settings=lambda at: Settings(call_number=at.station_uri(0)))
async def test_a_contact_that_does_not_reply_for_a_while_has_its_time_and_its_refusal_counts(
    bench: Bench,
) -> None:
    """Where nothing comes back at once, not even from a server in between, the device asks again (SIP-17).

    A network that loses a packet now and then would leave the visitor with nobody.
    """
    (slow,) = await bench.stations(silent())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    called = invite(sender=DEVICE, receiver=slow.number)
    dialled = await bench.require(called, within=bench.timing.dial, after=pressed)
    given_up = request("CANCEL", sender=DEVICE)
    await bench.never("OUT-03", given_up, during=bench.timing.unanswered, after=dialled)
    await slow.stop()  # it breaks its silence
    late = refusal(sender=slow.number, receiver=DEVICE)
    await bench.require(late, within=bench.timing.remote, after=dialled)
    if bench.has(
        Capability.SPEAKER
    ):  # who has given up before has said so before, which is another row's affair
        await bench.expect("OUT-04", speaker_sound(), within=bench.timing.announced, after=dialled, count=3)


@scenario("OUT-04")
async def test_the_device_announces_that_no_contact_was_reached(bench: Bench) -> None:
    """When every contact has failed, the device says so, audibly, and not only to the first visitor.

    A visitor who hears nothing does not know whether to wait or to leave.
    """
    await bench.stations(busy())
    await bench.configure()
    refused = refusal(sender=PBX, receiver=DEVICE)

    for _ in range(2):
        pressed = await bench.intercom.press_button()

        failed = await bench.require(refused, within=bench.timing.called, after=pressed)
        await bench.expect("OUT-04", speaker_sound(), within=bench.timing.announced, after=failed, count=3)


@scenario("OUT-05", "EVT-02")
async def test_on_answer_both_sides_hear_each_other(bench: Bench) -> None:
    """When the remote answers, the audio channels are open, both ways (RFC 3264 §6.1).

    Talking to a wall: a visitor who is heard but hears nothing, or the other way round.
    """
    (desk,) = await bench.stations(answers(tone_hz=1000))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    answered = await bench.require(
        answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed
    )
    await bench.expect(
        "OUT-05",
        tone(bench.microphone_tone, sender=DEVICE, receiver=PBX),
        within=bench.timing.answer,
        after=answered,
    )
    await bench.expect(
        "OUT-05",
        tone(bench.microphone_tone, sender=PBX, receiver=desk.number),
        within=bench.timing.answer,
        after=answered,
    )
    if bench.has(Capability.SPEAKER):
        await bench.expect("OUT-05", speaker_tone(1000), within=bench.timing.answer, after=answered)
    bench.at_end("EVT-02", event(events.OUTGOING_ESTABLISHED), after=pressed)


@scenario("OUT-05", settings=lambda at: Settings(call_number=at.station_uri(0)))
async def test_the_sound_goes_to_the_address_of_its_media_section(bench: Bench) -> None:
    """Where session and media section name different addresses, the section's counts (RFC 4566 §5.7).

    Behind a server that leaves the sound to another machine, nobody hears the visitor.
    """
    (desk,) = await bench.stations(answers(tone_hz=1000, section_address=True))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    answered = await bench.require(
        answer(sender=desk.number, receiver=DEVICE), within=bench.timing.called, after=pressed
    )
    spoken = tone(bench.microphone_tone, sender=DEVICE, receiver=desk.number)
    await bench.expect("OUT-05", spoken, within=bench.timing.answer, after=answered)


def _seen_if_it_can_be(at: Addresses) -> Settings:
    video = VideoCalls.BOTH if at.has(Capability.VIDEO) else VideoCalls.OFF
    return Settings(
        permitted_callers=(at.direct_caller_uri(0),),
        polling_interval=at.limits.short_polling_interval,
        video_calls=video,
    )


@scenario("OUT-05", settings=_seen_if_it_can_be)
async def test_both_sides_go_on_hearing_each_other_as_long_as_the_call_lasts(bench: Bench) -> None:
    """In a call that lasts, the sound goes on both ways, whole, and nobody hears himself.

    So does the picture (VID-03), of a device that has one, until who sends must have reported it (RTP-04).
    The device goes on asking after its server meanwhile (REG-03). That somebody calls who is not permitted is
    no reason to end the call.

    A conversation that is cut to pieces after the first word is none.
    """
    seen = bench.has(Capability.VIDEO)
    await bench.stations(answers(tone_hz=1000, video=seen))
    await bench.configure(pbx_video=seen)
    pressed = await bench.intercom.press_button()
    answered = await bench.require(
        answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed
    )
    spoken = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    await bench.expect("OUT-05", spoken, within=bench.timing.answer, after=answered)

    await bench.call_device(caller=bench.number(1), place=1)
    ended = request("BYE", sender=DEVICE)
    await bench.never("OUT-05", ended, during=bench.timing.conversation, after=answered)

    await bench.expect("OUT-05", spoken, within=bench.timing.answer, after=now())


@scenario("OUT-05")
async def test_the_next_call_is_heard_like_the_one_before(bench: Bench) -> None:
    """The second of two calls that follow each other is as loud as the first.

    A door that is understood once a day, after it was switched on, is thought to be broken.
    """
    await bench.stations(answers(tone_hz=1000))
    await bench.configure()
    spoken = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    for _ in range(2):
        pressed = await bench.intercom.press_button()
        answered = await bench.require(
            answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed
        )
        await bench.expect("OUT-05", spoken, within=bench.timing.answer, after=answered, count=2)
        pressed = await bench.intercom.press_button()
        ended = request("BYE", sender=DEVICE, receiver=PBX)
        await bench.require(ended, within=bench.timing.hang_up, after=pressed)


def _third_contact(at: Addresses, media: str) -> Settings:
    encryption = Encryption.SRTP_ONLY if media == "srtp" else Encryption.UNSET
    return Settings(further_numbers=(at.number(1), at.number(2)), encryption=encryption)


@scenario("OUT-05", settings=_third_contact)
@pytest.mark.parametrize("media", ["rtp", "srtp"])
async def test_the_third_contact_hears_and_is_heard_like_the_first(bench: Bench, media: str) -> None:
    """Whichever contact answers, and however the media is protected, the channels are open both ways.

    The desk that is asked last, when nobody else is there, would pick up to silence.
    """
    _, _, third = await bench.stations(busy(), busy(), answers(tone_hz=1300))
    await bench.configure(pbx_srtp="sdes" if media == "srtp" else "no")

    pressed = await bench.intercom.press_button()

    await bench.require(
        invite(sender=DEVICE, receiver=PBX, to=third.number),
        within=bench.timing.called + 2 * bench.timing.next_contact,
        after=pressed,
    )
    answered = await bench.require(
        answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed
    )
    spoken = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    await bench.expect("OUT-05", spoken, within=bench.timing.answer, after=answered)
    if bench.has(Capability.SPEAKER):
        await bench.expect("OUT-05", speaker_tone(1300), within=bench.timing.answer, after=answered)


@scenario("OUT-06")
async def test_the_button_ends_a_placed_call(bench: Bench) -> None:
    """Pressing the button again ends the call with a BYE (RFC 3261 §15.1.1).

    A call that cannot be ended keeps the guard's line busy and the visitor overheard.
    """
    await bench.stations(answers())
    await bench.configure()
    await bench.intercom.press_button()
    up = await bench.require(request("ACK", sender=DEVICE, receiver=PBX), within=bench.timing.called)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)
    await bench.never("OUT-06", request("BYE", sender=DEVICE), during=bench.timing.short_call, after=up)

    pressed = await bench.intercom.press_button()

    ended = await bench.expect(
        "OUT-06", request("BYE", sender=DEVICE, receiver=PBX), within=bench.timing.hang_up, after=pressed
    )
    # As long as a BYE would come again whose answer is not read (SIP-16).
    await bench.never("OUT-06", invite(sender=DEVICE), during=bench.timing.repeats, after=ended)


@scenario("OUT-06", settings=lambda at: Settings(further_numbers=at.further(1, 2, 3)))
async def test_the_button_ends_every_call_that_is_placed(bench: Bench) -> None:
    """Whichever contact answers, the button ends the call, and so it does the next one.

    The contacts that are left are not called (OUT-02).

    The second visitor of the day, or the one who got the night guard, could not hang up.
    """
    await bench.stations(busy(), answers())
    await bench.configure()

    for _ in range(2):
        pressed = await bench.intercom.press_button()
        answered = answer(sender=PBX, receiver=DEVICE)
        up = await bench.require(
            answered, within=bench.timing.called + bench.timing.next_contact, after=pressed
        )
        await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)

        pressed = await bench.intercom.press_button()

        hung_up = request("BYE", sender=DEVICE, receiver=PBX)
        ended = await bench.expect("OUT-06", hung_up, within=bench.timing.hang_up, after=pressed)
        over = response(200, "BYE", sender=PBX, receiver=DEVICE)
        await bench.require(over, within=bench.timing.remote, after=ended)


@scenario("OUT-10")
async def test_what_is_logged_when_the_device_ends_a_call_that_it_placed(bench: Bench) -> None:
    """The page lists no event for a placed call that the local side ends (recorded).

    Who reads the log should know whether such a call simply stops there.
    """
    await bench.stations(answers())
    await bench.configure()
    await bench.intercom.press_button()
    up = await bench.require(request("ACK", sender=DEVICE, receiver=PBX), within=bench.timing.called)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)

    pressed = await bench.intercom.press_button()

    await bench.require(
        request("BYE", sender=DEVICE, receiver=PBX), within=bench.timing.hang_up, after=pressed
    )
    bench.record("OUT-10", Pattern(kind="event", text="any event"), after=pressed)


WORD, DIGITS = "00ReceptionDesk24", "00493012345678901"
"""Short numbers that this server does not know: long, with zeros in front, and of letters where allowed."""


def _odd_number(at: Addresses) -> str:
    return WORD if at.limits.letters_in_extension else DIGITS


def _forms(at: Addresses) -> Settings:
    other_port = f"sip:{at.number(3)}@{at.pbx_address}:{at.pbx_other_port}"
    return Settings(
        further_numbers=(at.at_server(at.number(1)), other_port, _odd_number(at), at.station_uri(2))
    )


@scenario("OUT-07", settings=_forms)
async def test_a_short_number_is_dialled_at_the_server_and_a_full_one_as_written(bench: Bench) -> None:
    """A short call number is dialled at the configured server; a full address exactly as written.

    A number completed wrongly rings nowhere, or at somebody else's desk.
    """
    short, full, elsewhere = await bench.stations(busy(), busy(), answers())
    written = bench.at_server(full.number)
    await bench.configure()

    reached = await bench.intercom.press_button()

    await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=reached)
    at_server = f"sip:{short.number}@{bench.pbx_address}"
    odd = f"sip:{_odd_number(bench)}@{bench.pbx_address}"
    called: list[tuple[tuple[str, ...], str]] = [
        ((at_server, f"{at_server}:{bench.pbx_port}"), PBX),
        ((written, f"{written}:5060"), PBX),
        ((f"sip:{bench.number(3)}@{bench.pbx_address}:{bench.pbx_other_port}",), PBX),
        ((odd, f"{odd}:{bench.pbx_port}"), PBX),
        ((elsewhere.uri,), elsewhere.number),
    ]
    for forms, receiver in called:
        dialled = addressed(invite(sender=DEVICE, receiver=receiver), *forms)
        reached = (
            await bench.expect("OUT-07", dialled, within=bench.timing.next_contact, after=reached)
        ).time


@scenario("OUT-08", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_after_a_remote_hangup_the_next_call_is_possible_at_once(bench: Bench) -> None:
    """When the remote hangs up, the device is idle again: it places and takes the next call at once.

    Its Contact says where the remote does so (RFC 3261 §12.1.2).

    The next visitor would press a dead button.
    """
    (desk,) = await bench.stations(answers(hang_up_after=bench.timing.short_call))
    await bench.configure(by_contact=True)
    pressed = await bench.intercom.press_button()
    ended = await _remote_hangup(bench, after=pressed)

    pressed = await bench.intercom.press_button()

    again = invite(sender=DEVICE, receiver=PBX, to=desk.number)
    # That it comes is the row's; how soon is OUT-01's.
    await bench.expect("OUT-08", again, within=2 * bench.timing.dial, after=pressed)
    ended = await _remote_hangup(bench, after=pressed)
    await bench.call_device(caller=desk.number)
    await bench.expect("OUT-08", NOT_BUSY, within=bench.timing.answer, after=ended)


async def _remote_hangup(bench: Bench, after: float) -> Observation:
    """Wait until the remote has hung up and the device knows."""
    told = request("BYE", sender=PBX, receiver=DEVICE)
    ended = await bench.require(told, within=bench.timing.called + bench.timing.watch, after=after)
    answered = response(200, "BYE", sender=DEVICE, receiver=PBX)
    await bench.expect("OUT-08", answered, within=bench.timing.hang_up, after=ended)
    if bench.has(Capability.EVENT_LOG):
        return await bench.require(
            event(events.OUTGOING_REMOTE_HANGUP),
            within=bench.timing.called + bench.timing.watch + bench.timing.log,
            after=after,
        )
    await bench.never("OUT-08", invite(sender=DEVICE), during=bench.timing.short_call, after=ended)
    return ended
