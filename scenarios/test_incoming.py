"""INC: who may reach the device, and what happens when they do."""

from typing import Literal

import pytest

from intercom_hil.scenario import (
    CHALLENGES,
    DEVICE,
    MEDIA_NOT_ACCEPTABLE,
    NOT_THERE,
    PBX,
    SPOOFED_CALLS,
    Addresses,
    Bench,
    Capability,
    Condition,
    Encryption,
    Inconclusive,
    Observation,
    Pattern,
    Settings,
    Station,
    Transport,
    another_call,
    answer,
    answers,
    case_id,
    event,
    events,
    final_answer,
    invite,
    media,
    now,
    obeys,
    refusal,
    request,
    response,
    scenario,
    screen,
    speaker_tone,
    tone,
)

ACCEPTED = answer(sender=DEVICE)
REFUSED = refusal(sender=DEVICE)
OTHER_REASONS = REFUSED.where(
    "refusal that says nothing of the caller (not there, or its media)",
    status=Condition(one_of=(*NOT_THERE, *MEDIA_NOT_ACCEPTABLE)),
)
REACHED = response((180, 699), "INVITE", sender=DEVICE).where(
    f"answer of a device that is there (not {', '.join(map(str, NOT_THERE))})",
    status=Condition(at_least=180, at_most=699, none_of=(*CHALLENGES, *NOT_THERE)),
)

REQUIRES_WHAT_NOBODY_HAS = "Require: nobody-has-this"
REPLACES_NO_CALL = "Replaces: no-call@192.0.2.7;to-tag=neither;from-tag=nor"


@scenario("INC-01", settings=lambda at: Settings(permitted_callers=(at.number(0), at.direct_caller_uri(1))))
async def test_the_device_is_reached_at_its_extension_short_and_full(bench: Bench) -> None:
    """A caller reaches the device by its extension at the server, and by its full address.

    The server calls it at the Contact that it has registered (RFC 3261 §10.2.1), wherever it did so from. It
    puts that into the Request-URI (§16.5), and what it says is the device's affair: the extension is what was
    dialled.

    Of calls that come straight to it, one requires what nobody has (§8.2.2.3), and one is to take the place
    of a call that is not there (RFC 3891 §3): good practice tells whether it takes them.

    The guard dials back to the door, and the number does not exist.
    """
    caller, extension = bench.number(0), bench.intercom.extension
    await bench.configure(afresh=True, by_contact=True)

    first = await bench.call_device(caller=caller)
    await bench.require(invite(sender=caller, receiver=PBX, to=extension), within=bench.timing.remote)
    rung = await bench.expect("INC-01", invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.expect("INC-01", REACHED, within=bench.timing.answer, after=rung)
    await first.stop()

    direct = await bench.call_device(caller=bench.number(1), direct=True)
    dialled = invite(sender=direct.number, receiver=DEVICE, to=extension)
    rung = await bench.require(dialled, within=bench.timing.remote)
    await bench.expect("INC-01", REACHED, within=bench.timing.answer, after=rung)
    await direct.stop()

    for header in (REQUIRES_WHAT_NOBODY_HAS, REPLACES_NO_CALL):
        begun = now()
        direct = await bench.call_device(
            caller=bench.number(1), direct=True, place=1, extra_headers=(header,)
        )
        decided = final_answer(sender=DEVICE, receiver=direct.number)
        await bench.require(decided, within=bench.timing.remote + bench.timing.answer, after=begun)
        await direct.stop()


@scenario("INC-02", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_a_permitted_call_is_answered_by_itself_and_the_screen_says_so(bench: Bench) -> None:
    """An allowed call is accepted without a hand on the device, and the screen shows it.

    A visitor in need of help cannot be spoken to; or is listened to without being told.
    """
    caller = bench.number(0)
    await bench.configure()

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.expect("INC-02", final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    answered = await bench.already_seen("INC-02", ACCEPTED, after=rung)
    bench.measure(
        "INC-02",
        "time from INVITE to 200",
        answered.time - rung.time,
        "s",
        high=bench.timing.answer,
        of=(rung, answered),
    )
    if bench.has(Capability.SCREEN):
        await bench.expect("INC-02", screen("Incoming call answered"), within=bench.timing.taken, after=rung)


def _on_the_list(at: Addresses, form: str) -> Settings:
    """Make a list of one entry: a short one over UDP, a full one over TCP."""
    if form == "short":
        return Settings(permitted_callers=(at.number(0),))
    return Settings(permitted_callers=(f"sip:{at.number(0)}@{at.pbx_address}",), transport=Transport.TCP)


@scenario("INC-03", settings=_on_the_list)
@pytest.mark.parametrize("form", ["short", "full"])
async def test_a_caller_on_the_list_is_admitted_and_a_stranger_is_not(bench: Bench, form: str) -> None:
    """Only endpoints of the permitted list reach the device; entries may be short or full, and SIP go by TCP.

    The list holds for each call, also for the one after a call that was taken.

    Anybody who knows the number could listen in at the door.
    """
    caller, stranger = bench.number(0), bench.number(1)
    await bench.configure()

    await bench.call_device(caller=stranger)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    refused = await bench.already_seen("INC-03", REFUSED, after=rung)

    talking = await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=refused)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    admitted = await bench.already_seen("INC-03", ACCEPTED, after=rung)
    await talking.stop()
    hung_up = request("BYE", sender=PBX, receiver=DEVICE)
    over = await bench.require(hung_up, within=bench.timing.remote, after=admitted)

    await bench.call_device(caller=stranger)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=over)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await bench.already_seen("INC-03", REFUSED, after=rung)


WORD = "Guard7"
ALIKE = {"digits": ("{}1", "0{}", "{:.3}", "1{}"), "letters": ("guard7", "Guard", "Guard77", "XGuard7")}
"""Numbers that resemble one on the list: longer, shorter, or in other letters (RFC 3261 §19.1.4)."""


ELSEWHERE = "192.0.2.7"
"""An address where nobody is (RFC 5737)."""


def _one_entry(at: Addresses, kind: str) -> Settings:
    """Make a list of one entry, and of another one that is of a number elsewhere, where there may be two."""
    entry = at.number(0) if kind == "digits" else f"sip:{WORD}@{at.pbx_address}"
    return Settings(permitted_callers=(entry, *_elsewhere(at)))


def _elsewhere(at: Addresses) -> tuple[str, ...]:
    return (f"sip:{at.number(1)}@{ELSEWHERE}",)[: at.limits.permitted_callers - 1]


@scenario("INC-03", settings=_one_entry)
@pytest.mark.parametrize("kind", ALIKE)
async def test_a_number_that_resembles_a_permitted_one_is_not_admitted(bench: Bench, kind: str) -> None:
    """An entry stands for one number: not for those that begin or end with it, or that it begins with.

    A full one stands for one address: not for the same number at the server. However many were turned away,
    who is permitted is let in after them.

    Every telephone of a branch office could listen in at the door, for one of them that may.
    """
    await bench.configure()
    begun = now()

    alike = [form.format(bench.number(0)) for form in ALIKE[kind]]
    for caller in (*alike, *(bench.number(1) for _ in _elsewhere(bench) if kind == "digits")):
        calling = await bench.call_device(caller=caller)

        rung = await bench.require(
            invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=begun
        )
        await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
        begun = (await bench.already_seen("INC-03", REFUSED, after=rung)).time
        await calling.stop()

    await bench.call_device(caller=bench.number(0) if kind == "digits" else WORD)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=begun)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    await bench.already_seen("INC-03", ACCEPTED, after=rung)


@scenario("INC-03", settings=lambda at: Settings(permitted_callers=(at.number(0), at.number(1))))
async def test_a_caller_who_was_taken_off_the_list_is_not_admitted(bench: Bench) -> None:
    """The list is the one that is in force: who is no longer on it is a stranger, and who stayed is not.

    That he is a contact, whom the button has just called, does not put him on the list.

    A guard who was dismissed could go on listening in at the door.
    """
    dismissed, kept = bench.number(0), bench.number(1)
    await bench.stations(answers(hang_up_after=bench.timing.short_call))
    await bench.configure()
    await bench.configure(permitted_callers=(kept,))
    pressed = await bench.intercom.press_button()
    hung_up = request("BYE", sender=PBX, receiver=DEVICE)
    over = await bench.require(hung_up, within=bench.timing.called + bench.timing.watch, after=pressed)
    await _noticed(bench, event(events.OUTGOING_REMOTE_HANGUP), over)
    begun = now()

    calling = await bench.call_device(caller=dismissed)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=begun)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    refused = await bench.already_seen("INC-03", REFUSED, after=rung)
    await calling.stop()

    await bench.call_device(caller=kept)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=refused)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    await bench.already_seen("INC-03", ACCEPTED, after=rung)


ASKS_TO_BE_ANSWERED = (
    "Answer-Mode: Auto",
    "Alert-Info: <http://127.0.0.1/alert>;info=alert-autoanswer",
    "Call-Info: <sip:127.0.0.1>;answer-after=0",
    "Priority: emergency",
)


def _off(at: Addresses, way: str) -> Settings:
    return Settings(
        permitted_callers=(at.direct_caller_uri(0) if way == "straight to the device" else at.number(0),),
        allow_incoming=False,
    )


@scenario("INC-04", settings=_off)
@pytest.mark.parametrize("way", ["through the server", "straight to the device"], ids=case_id)
async def test_with_incoming_calls_off_nobody_is_admitted(bench: Bench, way: str) -> None:
    """With incoming calls off, not even a permitted caller gets through, whichever way the call takes.

    Nor one that asks to be answered at once (RFC 5373, RFC 3261 §20.4, §20.9, §20.26).

    An owner who switched the microphone off from outside would be wrong about it.
    """
    direct = way == "straight to the device"
    caller = bench.number(0)
    await bench.configure()

    await bench.call_device(caller=caller, direct=direct, extra_headers=ASKS_TO_BE_ANSWERED)

    rung = await bench.require(invite(receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await bench.already_seen("INC-04", REFUSED, after=rung)


@scenario("CFG-19", settings=lambda at: Settings(permitted_callers=(at.number(0),), allow_incoming=False))
async def test_the_switch_for_incoming_calls_decides_whether_the_device_can_be_called(bench: Bench) -> None:
    """Off, a permitted caller is turned away; on again, the same caller is let in.

    A door that should only ever call out could be listened in at, or one that was closed would stay so.
    """
    caller = bench.number(0)
    await bench.configure()
    calling = await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    refused = await bench.already_seen("CFG-19", REFUSED, after=rung)
    await calling.stop()

    await bench.configure(permitted_callers=(caller,), allow_incoming=True)

    await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=refused)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    await bench.already_seen("CFG-19", ACCEPTED, after=rung)


@scenario(
    "INC-02", "INC-05", "OUT-08", settings=lambda at: Settings(permitted_callers=(at.number(0), at.number(1)))
)
async def test_calls_that_follow_each_other_are_taken_shown_and_ended_like_the_first(bench: Bench) -> None:
    """What holds of the first call holds of the next ones, whoever calls, and whoever ended the call before.

    Strangers are turned away in between, and calls are placed; the log tells of each (EVT-01 to EVT-12).

    A door that works once a day, after it was switched on, is thought to work by whoever tries it once.
    """
    await bench.stations(answers(hang_up_after=bench.timing.short_call))
    await bench.configure()

    await _taken_and_hung_up(bench, 1)
    await _taken_and_ended_by_the_button(bench, 1, place=1)
    for _ in range(2):
        begun = now()
        stranger = await bench.call_device(caller=bench.number(3), place=3)
        rung = invite(sender=PBX, receiver=DEVICE)
        turned_away = await bench.require(rung, within=bench.timing.remote, after=begun)
        await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=turned_away)
        await _noticed(bench, event(events.INCOMING_REJECTED), turned_away)
        await stranger.stop()
    for _ in range(2):
        pressed = await bench.intercom.press_button()
        dialled = invite(sender=DEVICE, receiver=PBX, to=bench.number(0))
        # That it comes is the row's; how soon is OUT-01's.
        await bench.expect("OUT-08", dialled, within=2 * bench.timing.dial, after=pressed)
        ended = request("BYE", sender=PBX, receiver=DEVICE)
        within = bench.timing.called + bench.timing.watch
        over = await bench.require(ended, within=within, after=pressed)
        await bench.require(response(200, "BYE", sender=DEVICE), within=bench.timing.hang_up, after=over)
        await _noticed(bench, event(events.OUTGOING_REMOTE_HANGUP), over)
    await _taken_and_hung_up(bench, 1)
    await _taken_and_ended_by_the_button(bench, 0, place=2)


async def _taken_and_hung_up(bench: Bench, number: int) -> None:
    """A permitted caller is let in, and hangs up."""
    caller, up = await _taken(bench, number, place=number, hang_up_after=bench.timing.short_call)
    ended = request("BYE", sender=PBX, receiver=DEVICE)
    over = await bench.require(ended, within=bench.timing.remote + bench.timing.watch, after=up)
    await bench.require(response(200, "BYE", sender=DEVICE), within=bench.timing.hang_up, after=over)
    await _noticed(bench, event(events.INCOMING_REMOTE_HANGUP), over)
    await caller.stop()


async def _noticed(bench: Bench, logged: Pattern, after: Observation) -> None:
    """Leave the device time to notice what a call has come to, as its log shows: no finger is that quick."""
    if bench.has(Capability.EVENT_LOG):
        await bench.happens(logged, within=bench.timing.hang_up + bench.timing.log, after=after)
    else:
        await bench.never("OUT-08", invite(sender=DEVICE), during=bench.timing.short_call, after=after)


async def _taken_and_ended_by_the_button(bench: Bench, number: int, place: int) -> None:
    """A permitted caller is let in, and hung up on."""
    caller, up = await _taken(bench, number, place=place)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)
    pressed = await bench.intercom.press_button()
    hung_up = request("BYE", sender=DEVICE, receiver=PBX)
    over = await bench.expect("INC-05", hung_up, within=bench.timing.hang_up, after=pressed)
    await bench.require(response(200, "BYE", receiver=DEVICE), within=bench.timing.remote, after=over)
    await caller.stop()


async def _taken(
    bench: Bench, number: int, *, place: int, hang_up_after: float | None = None
) -> tuple[Station, Observation]:
    """A permitted caller calls: it is answered, and the screen says so."""
    begun = now()
    caller = await bench.call_device(caller=bench.number(number), place=place, hang_up_after=hang_up_after)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=begun)
    await bench.expect("INC-02", final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    up = await bench.already_seen("INC-02", ACCEPTED, after=rung)
    if bench.has(Capability.SCREEN):
        await bench.expect("INC-02", screen("Incoming call answered"), within=bench.timing.taken, after=rung)
    return caller, up


@scenario("INC-05", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_the_button_ends_an_accepted_call(bench: Bench) -> None:
    """The button ends a call that the device has taken.

    A visitor who does not want to be listened to has no way out.
    """
    caller = bench.number(0)
    await bench.configure()
    await bench.call_device(caller=caller)
    up = await bench.require(ACCEPTED, within=bench.timing.taken)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)
    await bench.never("INC-05", request("BYE", sender=DEVICE), during=bench.timing.short_call, after=up)

    pressed = await bench.intercom.press_button()

    await bench.expect(
        "INC-05", request("BYE", sender=DEVICE, receiver=PBX), within=bench.timing.hang_up, after=pressed
    )


@scenario("INC-06", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_on_an_accepted_call_both_sides_hear_each_other(bench: Bench) -> None:
    """Audio flows both ways on a call that the device has taken (RFC 3264 §6.1).

    The guard asks, and nobody hears the question or the answer.
    """
    caller = bench.number(0)
    await bench.configure()

    await bench.call_device(caller=caller, tone_hz=1200)

    up = await bench.require(ACCEPTED, within=bench.timing.taken)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)
    passed_on = tone(bench.microphone_tone, sender=PBX, receiver=caller)
    await bench.expect("INC-06", passed_on, within=bench.timing.answer, after=up)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.answer, after=up)


def _secured(at: Addresses) -> Settings:
    return Settings(permitted_callers=(at.direct_caller_uri(0),), encryption=Encryption.SRTP_ONLY)


@scenario("INC-06", settings=_secured)
async def test_on_a_secured_call_both_sides_hear_each_other(bench: Bench) -> None:
    """Audio flows both ways on a call that was taken under SRTP, straight from the caller.

    A call that nobody can overhear is of no use if the two who talk cannot hear each other either.
    """
    await bench.configure()

    caller = await bench.call_device(caller=bench.number(0), direct=True, security="srtp", tone_hz=1200)

    up = await bench.require(ACCEPTED, within=bench.timing.taken)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.answer, after=up)


@scenario("INC-06", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
async def test_a_call_that_leaves_the_offer_to_the_device_is_heard_like_any_other(bench: Bench) -> None:
    """Of an INVITE without an offer the device makes it, in its answer (RFC 3261 §13.3.1.4, RFC 3264 §5).

    The guard calls by a server that does so, and reaches everybody but the door.
    """
    await bench.configure()

    caller = await bench.call_device(caller=bench.number(0), direct=True, tone_hz=1200, late_offer=True)

    rung = await bench.require(invite(sender=caller.number, receiver=DEVICE), within=bench.timing.remote)
    decided = final_answer(sender=DEVICE, receiver=caller.number)
    await bench.require(decided, within=bench.timing.answer, after=rung)
    if not bench.seen(decided.where(status=Condition(one_of=NO_SUCH_MEDIA))):
        await bench.taken(caller.number)  # whom it turns away is another question (INC-03)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.taken, after=rung)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.taken, after=rung)


@scenario("INC-06", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
async def test_a_caller_that_moves_its_sound_is_followed(bench: Bench) -> None:
    """Where a re-INVITE names another port, the sound of the device goes there (RFC 3264 §8.3.1).

    The caller falls silent at the old port, and what it sends from the new one is heard.

    The guard takes the call from the desk into the next room, and leaves the visitor behind.
    """
    await bench.configure()
    caller = await bench.call_device(
        caller=bench.number(0), direct=True, tone_hz=1200, refers_when_told=bench.at_server("9999")
    )
    up = await bench.taken(caller.number)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)
    asked = now()

    place = await caller.move()

    moved = await bench.require(
        answer(sender=DEVICE, receiver=caller.number),
        within=bench.timing.remote + bench.timing.answer,
        after=asked,
    )
    followed = media(sender=DEVICE, receiver=caller.number).where(
        f"media from device to {place}", destination=place
    )
    await bench.expect("INC-06", followed, within=bench.timing.answer, after=asked)
    await bench.expect("INC-06", heard, within=bench.timing.answer + bench.timing.watch, after=moved, count=9)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.answer, after=now(), count=2)


NO_SUCH_MEDIA = (406, 415, 488, 606)
"""Refusals that say nothing of the caller (RFC 3261 §21.4.7, §21.4.13, §21.4.26, §21.6.4)."""
PCMU, PCMA = 0, 8
"""Payload types of the two laws of G.711 (RFC 3551 §6)."""


@scenario("INC-06", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
async def test_a_caller_that_changes_the_codec_hears_and_is_heard_as_before(bench: Bench) -> None:
    """Asked within the call for the other law of G.711, the device goes by its answer (RFC 3264 §8.3.2).

    It takes the offer and sends by it, or refuses it (488), and the call goes on unchanged (RFC 3261 §14.1).

    The guard has the call forwarded to a telephone that speaks another codec, and hears a hiss.
    """
    await bench.configure()
    caller = await bench.call_device(
        caller=bench.number(0), direct=True, tone_hz=1200, refers_when_told=bench.at_server("9999")
    )
    up = await bench.taken(caller.number)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)
    asked = now()

    caller.tell("recode")

    decided = await bench.require(
        final_answer(sender=DEVICE, receiver=caller.number),
        within=bench.timing.remote + bench.timing.answer,
        after=asked,
    )
    taken = bench.seen(answer(sender=DEVICE, receiver=caller.number), after=asked)
    law = PCMU if taken else PCMA
    agreed = heard.where(f"{heard} as payload type {law}", payload_type=law)
    await bench.expect(
        "INC-06", agreed, within=bench.timing.answer + bench.timing.watch, after=decided, count=9
    )
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.answer, after=now(), count=2)


@scenario("INC-06", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
async def test_a_caller_that_offers_what_nobody_knows_besides_is_heard_all_the_same(bench: Bench) -> None:
    """A section of a kind that the device does not know is refused by itself, with port 0 (RFC 3264 §6).

    A guard at a conference system could not call the door at all.
    """
    await bench.configure()

    caller = await bench.call_device(caller=bench.number(0), direct=True, tone_hz=1200, strange_section=True)

    rung = await bench.require(invite(sender=caller.number, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(answer(sender=DEVICE, receiver=caller.number), within=bench.timing.answer, after=rung)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.taken, after=rung)


def _held(at: Addresses, security: str) -> Settings:
    encryption = Encryption.SRTP_ONLY if security == "srtp" else Encryption.UNSET
    return Settings(permitted_callers=(at.direct_caller_uri(0),), encryption=encryption)


@scenario("INC-06", settings=_held)
@pytest.mark.parametrize("security", ["plain", "srtp"])
async def test_after_a_hold_both_sides_hear_each_other_again(
    bench: Bench, security: Literal["plain", "srtp"]
) -> None:
    """A caller that holds the call and takes it up again is heard, and hears, as before (RFC 3264 §8.4).

    The guard asks a colleague, comes back to the door, and talks to a wall.
    """
    await bench.configure()
    caller = await bench.call_device(
        caller=bench.number(0),
        direct=True,
        tone_hz=1200,
        security=security,
        refers_when_told=bench.at_server("9999"),
    )
    up = await bench.taken(caller.number)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=caller.number)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=up)
    decided = final_answer(sender=DEVICE, receiver=caller.number)
    caller.tell(
        "ask"
    )  # what is asked besides does not disturb the call (SIP-09), nor does a stranger (SIP-18)
    said = response((200, 699), "BYE", sender=DEVICE, receiver=caller.number)
    await bench.happens(said, within=bench.timing.answer, after=up)

    caller.tell("hold")

    held = await bench.require(decided, within=bench.timing.remote + bench.timing.answer, after=now())
    caller.tell("resume")
    resumed = await bench.require(decided, within=bench.timing.remote + bench.timing.answer, after=held)
    await bench.expect("INC-06", heard, within=bench.timing.answer, after=resumed, count=2)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=bench.timing.answer, after=resumed, count=2)


@scenario(
    "INC-07",
    settings=lambda at: Settings(permitted_callers=(at.number(0), f"sip:{at.number(0)}@{at.pbx_address}")),
)
@pytest.mark.parametrize("trick", SPOOFED_CALLS, ids=case_id)
async def test_a_stranger_cannot_pass_for_a_permitted_caller(bench: Bench, trick: str) -> None:
    """No header that a caller writes by itself gets it past the list (RFC 3325 §4, RFC 3261 §26.1).

    An intruder would only have to know the guard's name to listen in at the door.
    """
    permitted, stranger = bench.number(0), bench.number(1)
    await bench.configure()

    plain = await bench.call_device(caller=stranger)
    turned_away = await bench.require(REFUSED, within=bench.timing.taken)
    await plain.stop()

    await bench.impersonate(trick, permitted=permitted, stranger=stranger)

    rung = await bench.require(invite(receiver=DEVICE), within=bench.timing.remote, after=turned_away)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await bench.already_seen("INC-07", REFUSED, after=rung)


def _written_otherwise(at: Addresses, way: str) -> Settings:
    if way == "percent-escaped number":
        return Settings(permitted_callers=(at.direct_caller_uri(0),))
    entry = f"sip:{at.number(0)}@{at.pbx_name.upper()}"
    return Settings(permitted_callers=(entry,), server_address=at.pbx_name)


@scenario("INC-03", settings=_written_otherwise)
@pytest.mark.parametrize(
    "way", ["other letter case of the server's name", "percent-escaped number"], ids=case_id
)
async def test_a_permitted_caller_stays_permitted_however_it_is_written(bench: Bench, way: str) -> None:
    """An address that is equal by the rules of RFC 3261 §19.1.4 is the same caller.

    The guard would be turned away because somebody typed the server's name in capitals.
    """
    caller = bench.number(0)
    if way == "percent-escaped number":
        await bench.configure()
        escaped = bench.direct_caller_uri(0).replace("3", "%33", 1)
        await bench.call_device(caller=caller, direct=True, from_uri=escaped)
    else:  # a name and an address are never equal: the server names its callers by its name (§19.1.4)
        await bench.configure(pbx_domain=bench.pbx_name.lower())
        await bench.call_device(caller=caller)

    rung = await bench.require(invite(receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    await _caller_mattered(bench, rung.time)
    await bench.already_seen("INC-03", ACCEPTED, after=rung)


@scenario("OUT-01", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(2),)))
async def test_nobody_on_the_line_makes_the_device_call_somebody(bench: Bench) -> None:
    """The button places calls, to the contacts that are configured: a REFER places none (RFC 3515 §2.4.2).

    A device may say 202 to it and do nothing: what counts is whom it calls, and who hears its microphone.

    Whoever is let in could have the visitor listened to at a place that nobody knows of.
    """
    _, stranger = await bench.stations(answers(), answers())
    await bench.configure()

    guard = await bench.call_device(
        caller=bench.number(2), direct=True, refer_to=(stranger.uri, bench.timing.short_call)
    )

    up = await bench.taken(guard.number)
    refer = request("REFER", sender=guard.number, receiver=DEVICE)
    referred = await bench.require(refer, within=bench.timing.remote, after=up)
    await bench.require(
        response((200, 699), "REFER", sender=DEVICE), within=bench.timing.answer, after=referred
    )
    bench.never_in_scenario("OUT-01", media(sender=DEVICE, receiver=stranger.number))
    await bench.never("OUT-01", invite(sender=DEVICE), during=bench.timing.watch, after=referred)


@scenario("OUT-01", settings=lambda at: Settings(call_number=at.station_uri(0)))
async def test_nobody_who_was_called_makes_the_device_call_somebody(bench: Bench) -> None:
    """Nor does a REFER of the contact who has answered place a call (RFC 3515 §2.4.2).

    Whoever picks up at the desk could have the visitor listened to at a place that nobody knows of.
    """
    desk, stranger = await bench.stations(obeys(answers(), bench.station_uri(1)), answers())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    up = await bench.require(
        request("ACK", sender=DEVICE, receiver=desk.number), within=bench.timing.called, after=pressed
    )

    desk.tell("refer")

    refer = request("REFER", sender=desk.number, receiver=DEVICE)
    referred = await bench.require(refer, within=bench.timing.remote, after=up)
    await bench.happens(
        response((200, 699), "REFER", sender=DEVICE), within=bench.timing.answer, after=referred
    )
    bench.never_in_scenario("OUT-01", media(sender=DEVICE, receiver=stranger.number))
    another = another_call(bench.seen(invite(sender=DEVICE)), referred.time)
    await bench.never("OUT-01", another, during=bench.timing.short_call, after=referred)


@scenario("INC-08", settings=Settings(permitted_callers=()))
async def test_who_gets_in_while_the_list_is_empty(bench: Bench) -> None:
    """With no permitted caller named, everybody may get in, or nobody: the page does not say (recorded).

    An owner should know which of the two an empty list means before it is left empty.
    """
    await bench.configure()

    await bench.call_device(caller=bench.number(0))

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    bench.record("INC-08", ACCEPTED)
    bench.record("INC-08", REFUSED)


@scenario("INC-09", settings=lambda at: Settings(permitted_callers=(at.number(0), at.number(1))))
async def test_what_becomes_of_a_second_call_while_one_is_up(bench: Bench) -> None:
    """A second permitted call may be refused, or replace the first: the page does not say (recorded).

    A guard in conversation with a visitor should know whether a colleague can cut in.
    """
    first, second = bench.number(0), bench.number(1)
    await bench.configure()
    await bench.call_device(caller=first)
    up = await bench.taken(PBX)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)

    await bench.call_device(caller=second)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=up)
    await bench.require(final_answer(sender=DEVICE), within=bench.timing.answer, after=rung)
    bench.record("INC-09", ACCEPTED, after=rung)
    bench.record("INC-09", REFUSED, after=rung)
    bench.record("INC-09", request("BYE", sender=DEVICE), after=rung)


async def _caller_mattered(bench: Bench, after: float) -> None:
    """Stop here, with nothing found out, when the call was refused for another reason than its caller."""
    if bench.seen(OTHER_REASONS, after=after):
        raise Inconclusive("the device refused the call for another reason than its caller")
