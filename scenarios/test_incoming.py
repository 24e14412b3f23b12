"""INC: who may reach the device, and what happens when they do."""

import pytest

from fixtures.scenario import requirement
from harness.bench.bench import Bench
from harness.judge.vocabulary import (
    DEVICE,
    PBX,
    answer,
    final_answer,
    invite,
    refusal,
    request,
    response,
    screen,
    speaker_tone,
    tone,
)
from harness.spec.capabilities import Capability
from harness.timeline import Pattern
from harness.timeline.errors import Inconclusive
from harness.timeline.pattern import Condition

PROMPT = 2.0
"""Seconds within which a device that reacts at all has reacted."""

ACCEPTED = answer(sender=DEVICE)
REFUSED = refusal(sender=DEVICE)
NOT_THERE = (404, 410, 480, 484, 604)
"""Refusals of a device that does not know itself by that address."""
OTHER_REASONS = REFUSED.where(
    "refusal that says nothing of the caller (not there, or its media)",
    status=Condition(one_of=(*NOT_THERE, 488, 606)),
)
REACHED = response((180, 699), "INVITE", sender=DEVICE).where(
    "answer of a device that is there (not 404, 410, 480, 484, 604)",
    status=Condition(at_least=180, at_most=699, none_of=(401, 407, *NOT_THERE)),
)


@requirement("INC-01")
async def test_the_device_is_reached_at_its_extension_short_and_full(bench: Bench):
    """A caller reaches the device by its extension at the server, and by its full address.

    The guard dials back to the door, and the number does not exist.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller, bench.direct_caller_uri(1)))

    first = await bench.call_device(caller=caller)
    rung = await bench.expect("INC-01", _rung(bench, PBX), within=PROMPT)
    await bench.expect("INC-01", REACHED, within=PROMPT, after=rung.time)
    await first.stop()

    direct = await bench.call_device(caller=bench.number(1), direct=True)
    rung = await bench.require(_rung(bench, direct.number), within=PROMPT)
    await bench.expect("INC-01", REACHED, within=PROMPT, after=rung.time)


@requirement("INC-02")
async def test_a_permitted_call_is_answered_by_itself_and_the_screen_says_so(bench: Bench):
    """An allowed call is accepted without a hand on the device, and the screen shows it.

    A visitor in need of help cannot be spoken to; or is listened to without being told.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,))

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    await bench.expect("INC-02", final_answer(sender=DEVICE), within=PROMPT, after=rung.time)
    await _caller_mattered(bench, rung.time)
    answered = await bench.expect("INC-02", ACCEPTED, within=0.1, after=rung.time)
    bench.measure(
        "INC-02", "time from INVITE to 200", answered.time - rung.time, "s", high=PROMPT, of=(rung, answered)
    )
    if bench.has(Capability.SCREEN):
        await bench.expect("INC-02", screen("Incoming call answered"), within=PROMPT, after=rung.time)


@requirement("INC-03")
@pytest.mark.parametrize("form", ["short", "full"])
async def test_a_caller_on_the_list_is_admitted_and_a_stranger_is_not(bench: Bench, form: str):
    """Only endpoints of the permitted list reach the device; entries may be short or full.

    Anybody who knows the number could listen in at the door.
    """
    caller, stranger = bench.number(0), bench.number(1)
    entry = caller if form == "short" else f"sip:{caller}@{bench.pbx_address}"
    await bench.configure(permitted_callers=(entry,))

    await bench.call_device(caller=stranger)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    await bench.require(final_answer(sender=DEVICE), within=PROMPT, after=rung.time)
    await _caller_mattered(bench, rung.time)
    refused = await bench.expect("INC-03", REFUSED, within=0.1, after=rung.time)

    await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT, after=refused.time)
    await bench.require(final_answer(sender=DEVICE), within=PROMPT, after=rung.time)
    await _caller_mattered(bench, rung.time)
    await bench.expect("INC-03", ACCEPTED, within=0.1, after=rung.time)


@requirement("INC-04")
async def test_with_incoming_calls_off_nobody_is_admitted(bench: Bench):
    """With incoming calls off, not even a permitted caller gets through.

    An owner who switched the microphone off from outside would be wrong about it.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,), allow_incoming=False)

    await bench.call_device(caller=caller)

    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    await bench.require(final_answer(sender=DEVICE), within=PROMPT, after=rung.time)
    await bench.expect("INC-04", REFUSED, within=0.1, after=rung.time)


@requirement("INC-05")
async def test_the_button_ends_an_accepted_call(bench: Bench):
    """The button ends a call that the device has taken.

    A visitor who does not want to be listened to has no way out.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,))
    await bench.call_device(caller=caller)
    up = await bench.require(ACCEPTED, within=PROMPT)
    await bench.require(tone(1000, receiver=DEVICE), within=PROMPT, after=up.time)
    await bench.never("INC-05", request("BYE", sender=DEVICE), during=0.3, after=up.time)

    pressed = await bench.intercom.press_button()

    await bench.expect("INC-05", request("BYE", sender=DEVICE, receiver=PBX), within=PROMPT, after=pressed)


@requirement("INC-06")
async def test_on_an_accepted_call_both_sides_hear_each_other(bench: Bench):
    """Audio flows both ways on a call that the device has taken (RFC 3264 §6.1).

    The guard asks, and nobody hears the question or the answer.
    """
    caller = bench.number(0)
    await bench.configure(permitted_callers=(caller,))

    await bench.call_device(caller=caller, tone_hz=1200)

    up = await bench.require(ACCEPTED, within=PROMPT)
    heard = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    await bench.expect("INC-06", heard, within=PROMPT, after=up.time)
    passed_on = tone(bench.microphone_tone, sender=PBX, receiver=caller)
    await bench.expect("INC-06", passed_on, within=PROMPT, after=up.time)
    if bench.has(Capability.SPEAKER):
        await bench.expect("INC-06", speaker_tone(1200), within=PROMPT, after=up.time)


@requirement("INC-07")
@pytest.mark.parametrize(
    "trick",
    [
        "display name",
        "P-Asserted-Identity",
        "Remote-Party-ID",
        "Contact",
        "foreign domain",
        "straight to the device",
    ],
)
async def test_a_stranger_cannot_pass_for_a_permitted_caller(bench: Bench, trick: str):
    """No header that a caller writes by itself gets it past the list (RFC 3325 §4, RFC 3261 §26.1).

    An intruder would only have to know the guard's name to listen in at the door.
    """
    permitted, stranger = bench.number(0), bench.number(1)
    await bench.configure(permitted_callers=(permitted,))

    plain = await bench.call_device(caller=stranger)
    turned_away = await bench.require(REFUSED, within=PROMPT)
    await plain.stop()

    await bench.impersonate(trick, permitted=permitted, stranger=stranger)

    rung = await bench.require(invite(receiver=DEVICE), within=PROMPT, after=turned_away.time)
    await bench.require(final_answer(sender=DEVICE), within=PROMPT, after=rung.time)
    await bench.expect("INC-07", REFUSED, within=0.1, after=rung.time)


def _rung(bench: Bench, sender: str) -> Pattern:
    return invite(sender=sender, receiver=DEVICE, to=bench.intercom.extension)


async def _caller_mattered(bench: Bench, after: float) -> None:
    """Stop here, with nothing found out, when the call was refused for another reason than its caller."""
    if bench.seen(OTHER_REASONS, after=after):
        raise Inconclusive("the device refused the call for another reason than its caller")
