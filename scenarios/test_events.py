"""EVT: the device's own log tells what happened, once, in order, under the right names.

EVT-11 (nothing outside the list, nothing twice, nothing without a cause) and EVT-12 (order) are judged by
monitors after every scenario; here are the rows that need a call of a certain kind.
"""

import pytest

from intercom_hil.scenario import (
    DEVICE,
    FAILURE_KINDS,
    NOT_THERE,
    PBX,
    SHORTEST_SESSION,
    Addresses,
    Behaviour,
    Bench,
    Capability,
    Condition,
    Encryption,
    Settings,
    answer,
    answers,
    busy,
    case_id,
    declines,
    event,
    events,
    final_answer,
    limited,
    not_found,
    refusal,
    rejection,
    request,
    rings_forever,
    scenario,
    shortest_session,
    tone,
    unavailable,
)


@scenario(
    "EVT-01",
    "EVT-02",
    "EVT-04",
    "EVT-11",
    "EVT-12",
    settings=lambda at: Settings(further_numbers=at.further(1, 2, 3)),
)
async def test_a_placed_call_ended_by_the_remote_is_logged_from_dialling_to_hanging_up(bench: Bench) -> None:
    """Dialing, Call Established and Hanging Up are each logged once for one answered call.

    Whoever reads the log after an incident would be told another story than the one that happened.
    """
    long_enough = bench.timing.answer + bench.timing.log + bench.timing.short_call
    await bench.stations(answers(hang_up_after=long_enough))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    await bench.require(
        request("BYE", sender=PBX, receiver=DEVICE),
        within=bench.timing.called + long_enough + bench.timing.watch,
        after=pressed,
    )
    for kind in (events.OUTGOING_INITIATED, events.OUTGOING_ESTABLISHED, events.OUTGOING_REMOTE_HANGUP):
        bench.at_end(kind.requirement, event(kind), after=pressed)


@scenario(
    "EVT-03", "EVT-05", "EVT-13", settings=lambda at: Settings(call_timeout=at.limits.short_call_timeout)
)
@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        pytest.param(busy(), "busy", id="busy"),
        pytest.param(declines(), "declined", id="declined"),
        pytest.param(not_found(), "not found", id="not-found"),
        pytest.param(unavailable(), "unreachable", id="unreachable"),
        pytest.param(rings_forever(), "no answer", id="no-answer"),
    ],
)
async def test_a_failed_call_is_logged_with_the_kind_of_failure(
    bench: Bench, behaviour: Behaviour, kind: str
) -> None:
    """A single failed call and the exhausted list are each logged once, and the details tell why.

    The one who mends it would not know whether to call the telephone man or the guard.
    """
    await bench.stations(behaviour)
    await bench.configure()

    pressed = await bench.intercom.press_button()

    logged = event(events.OUTGOING_FAILURE)
    within = bench.timing.called + bench.limits.short_call_timeout + bench.timing.hang_up
    await bench.require(refusal(sender=PBX, receiver=DEVICE), within=within, after=pressed)
    bench.at_end("EVT-03", logged, after=pressed)
    bench.at_end("EVT-13", event(events.OUTGOING_FAILURE, failure=kind), after=pressed, provided=logged)
    bench.at_end("EVT-05", event(events.OUTGOING_CONTACTS_EXHAUSTED), after=pressed)


@scenario("EVT-13", needs=Capability.SRTP, settings=Settings(encryption=Encryption.SRTP_ONLY))
async def test_a_call_that_cannot_be_secured_is_logged_as_such(bench: Bench) -> None:
    """Under SRTP-only a remote without SRTP is a failure of media security, and the details say so.

    The one who mends it would look for a broken telephone instead of a setting.
    """
    await bench.stations(answers())
    await bench.configure(pbx_srtp="no")

    pressed = await bench.intercom.press_button()

    logged = event(events.OUTGOING_FAILURE)
    await bench.require(logged, within=bench.timing.called + bench.timing.log, after=pressed)
    told = event(events.OUTGOING_FAILURE, failure="media security")
    bench.at_end("EVT-13", told, after=pressed, provided=logged)


def _turns_away(at: Addresses, reason: str) -> Settings:
    off = reason == "incoming calls off"
    return Settings(permitted_callers=(at.number(0 if off else 1),), allow_incoming=not off)


@scenario("EVT-06", "EVT-13", settings=_turns_away)
@pytest.mark.parametrize("reason", ["incoming calls off", "caller not permitted"], ids=case_id)
async def test_a_rejected_call_is_logged_with_the_reason(bench: Bench, reason: str) -> None:
    """A call that the device turns away is logged once, and the details tell why.

    Nobody would learn that somebody tried the door, or that a colleague is missing from the list.
    """
    await bench.configure()

    await bench.call_device(caller=bench.number(0))

    refused = rejection(sender=DEVICE, receiver=PBX)
    turned_away = await bench.require(refused, within=bench.timing.taken)
    if bench.seen(refused.where(status=Condition(one_of=NOT_THERE))):  # as it may; or does nobody get in?
        await bench.configure(permitted_callers=(bench.number(0),), allow_incoming=True)
        await bench.call_device(caller=bench.number(0))
        await bench.require(
            answer(sender=DEVICE, receiver=PBX), within=bench.timing.answer, after=turned_away
        )
    logged = event(events.INCOMING_REJECTED)
    bench.at_end("EVT-06", logged, provided=refused)
    bench.at_end("EVT-13", event(events.INCOMING_REJECTED, failure=reason), provided=logged)


@scenario("EVT-07", "EVT-09", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_an_accepted_call_ended_by_the_caller_is_logged(bench: Bench) -> None:
    """Incoming Call and Hanging Up are each logged once for a call that its caller ended.

    The log would not show that somebody listened at the door.
    """
    caller = bench.number(0)
    await bench.configure()

    await bench.call_device(caller=caller, hang_up_after=bench.timing.short_call)

    ended = request("BYE", sender=PBX, receiver=DEVICE)
    await bench.require(ended, within=bench.timing.taken + bench.timing.watch)
    bench.at_end("EVT-07", event(events.INCOMING_RECEIVED))
    bench.at_end("EVT-09", event(events.INCOMING_REMOTE_HANGUP), provided=ended)


@scenario("EVT-07", "EVT-10", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
async def test_an_accepted_call_ended_at_the_device_is_logged(bench: Bench) -> None:
    """Incoming Call and Hanging Up are each logged once for a call that the button ended.

    The guard could not tell a visitor who hung up from a line that broke.
    """
    caller = bench.number(0)
    await bench.configure()
    await bench.call_device(caller=caller)
    up = await bench.taken(PBX)
    await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=bench.timing.answer, after=up)

    await bench.intercom.press_button()

    ended = request("BYE", sender=DEVICE, receiver=PBX)
    await bench.require(ended, within=bench.timing.hang_up)
    bench.at_end("EVT-07", event(events.INCOMING_RECEIVED))
    bench.at_end("EVT-10", event(events.INCOMING_LOCAL_HANGUP), provided=ended)


@scenario("EVT-08", "EVT-13", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
@pytest.mark.parametrize("how", ["falls silent", "vanishes"], ids=case_id)
async def test_an_accepted_call_whose_caller_is_lost_is_logged_as_failed(bench: Bench, how: str) -> None:
    """An established call that fails is logged once as failed, with the reason.

    The guard's line broke, and the log would say that somebody hung up.
    """
    await bench.configure()
    mute_after = bench.timing.short_call if how == "falls silent" else None
    caller = await bench.call_device(caller=bench.number(0), direct=True, mute_after=mute_after)
    up = await bench.taken(caller.number)
    await bench.require(tone(1000, sender=caller.number), within=bench.timing.answer, after=up)

    if how == "vanishes":
        await caller.vanish()

    # The RFCs leave it to the device when it takes a silent caller for lost, and whether it ever does.
    await bench.require(request("BYE", sender=DEVICE, receiver=caller.number), within=bench.timing.media_loss)
    _expect_one_failure(bench)


@pytest.mark.long
@scenario(
    "EVT-08",
    "EVT-13",
    needs=Capability.SESSION_TIMER,
    settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)),
)
async def test_an_accepted_call_that_is_not_refreshed_is_ended_and_logged_as_failed(bench: Bench) -> None:
    """A call whose caller promised to refresh its session and did not is ended, and logged once as failed.

    Its ACK gets lost at first: the answer is sent again until one comes (RFC 3261 §13.3.1.4).

    The device stays registered meanwhile (REG-01), by what the server grants (RFC 3261 §10.2.4).

    Nobody could reach the door any more: a call whose end got lost on the way would last for ever.
    """
    await bench.configure(granted_briefly=True)
    session, number = SHORTEST_SESSION, 0
    caller = await bench.call_device(
        caller=bench.number(0), direct=True, extra_headers=_limit(session), ack_after=bench.timing.unanswered
    )
    decided = await bench.require(
        final_answer(sender=DEVICE, receiver=caller.number), within=bench.timing.taken
    )
    shortest = shortest_session(decided)
    if shortest is not None:  # RFC 4028 §7.4: the caller tries again with what the device wants at least
        bench.take_longer(shortest)
        session, number = shortest, 1
        await bench.configure(permitted_callers=(bench.direct_caller_uri(number),), granted_briefly=True)
        caller = await bench.call_device(
            caller=bench.number(number),
            direct=True,
            extra_headers=_limit(session),
            ack_after=bench.timing.unanswered,
        )
    up = await bench.require(
        limited(answer(sender=DEVICE, receiver=caller.number)), within=bench.timing.taken
    )
    await bench.require(
        tone(1000, sender=caller.number), within=bench.timing.unanswered + bench.timing.answer, after=up
    )

    # RFC 4028 §10: a third of it before its end at the earliest, and at its end at the latest.
    await bench.require(
        request("BYE", sender=DEVICE, receiver=caller.number),
        within=session + bench.timing.hang_up,
        after=up,
    )
    _expect_one_failure(bench)


def _limit(session: int) -> tuple[str, ...]:
    return ("Supported: timer", f"Session-Expires: {session};refresher=uac")


def _expect_one_failure(bench: Bench) -> None:
    logged = event(events.INCOMING_FAILURE)
    bench.at_end("EVT-08", logged, at_most=1)
    told = event(events.INCOMING_FAILURE).where(
        "event incoming_call_failure telling a kind of failure", failure=Condition(one_of=FAILURE_KINDS)
    )
    bench.at_end("EVT-13", told, provided=logged)
