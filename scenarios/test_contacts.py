"""OUT: chains of contacts that fail, each in its own way, until one answers or none is left."""

from collections.abc import Callable

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    Addresses,
    Behaviour,
    Bench,
    Capability,
    Settings,
    Station,
    another_call,
    answer,
    answers,
    answers_too_late,
    busy,
    case_id,
    declines,
    invite,
    makes_progress_for_ever,
    not_found,
    once_per_transaction,
    redirects,
    refusal,
    rejects,
    request,
    response,
    rings_forever,
    scenario,
    silent,
    speaker_sound,
    speaker_sound_other_than,
    unavailable,
)

MOST_INVITES = 8
"""To one contact, by two presses of the button: each without and with credentials, with SRTP and without."""
KINDS: dict[str, Callable[[Bench], Behaviour]] = {
    "answers": lambda bench: answers(hang_up_after=bench.timing.short_call),
    "busy": lambda _: busy(),
    "declines": lambda _: declines(),
    "not found": lambda _: not_found(),
    "unavailable": lambda _: unavailable(),
    "forbids": lambda _: rejects(403, "Forbidden"),
    "times out": lambda _: rejects(408, "Request Timeout"),
    "overloaded": lambda _: rejects(503, "Service Unavailable"),
    "busy everywhere": lambda _: rejects(600, "Busy Everywhere"),
    "redirects": lambda _: redirects(),
    "rings for ever": lambda _: rings_forever(),
    "makes progress": lambda _: makes_progress_for_ever(),
    "never replies": lambda _: silent(),
    "answers too late": lambda _: answers_too_late(),
}
WAITED_FOR = ("rings for ever", "makes progress", "never replies", "answers too late")
"""What only the call timeout ends."""
PAST_THE_SERVER = ("redirects", "answers too late")
"""What a server in between would deal with by itself: these are called straight."""
REACHED = (
    ("busy", "overloaded", "rings for ever", "answers"),
    ("declines", "makes progress", "not found", "forbids", "answers"),
    ("never replies", "unavailable", "busy everywhere", "times out", "answers"),
    ("redirects", "busy", "declines", "unavailable", "answers"),
    ("answers too late", "answers"),
)
EXHAUSTED = (
    ("unavailable", "answers too late"),
    ("not found", "redirects", "never replies"),
    ("rings for ever", "declines", "busy"),
    ("makes progress",),
    ("busy", "not found", "unavailable", "declines", "busy"),
)
"""Together: every kind of failure comes first, in the middle and last; chains have one to five contacts."""


def _contacts(at: Addresses, chain: tuple[str, ...]) -> Settings:
    """A list of contacts, in their order; the kinds that need it are called without the server in between."""
    numbers = [at.station_uri(i) if kind in PAST_THE_SERVER else at.number(i) for i, kind in enumerate(chain)]
    return Settings(
        call_number=numbers[0],
        further_numbers=tuple(numbers[1:]),
        call_timeout=at.limits.short_call_timeout,
    )


@scenario("OUT-02", "OUT-04", settings=_contacts)
@pytest.mark.parametrize("chain", REACHED, ids=case_id)
async def test_every_contact_gets_its_turn_until_one_answers(bench: Bench, chain: tuple[str, ...]) -> None:
    """However a contact fails, the next is called; an answer ends the walk, and no failure is announced.

    One telephone that is broken in an unusual way would leave the visitor with nobody.
    """
    _, dialled = await _walk(bench, chain)

    answered = await bench.require(
        answer(sender=PBX, receiver=DEVICE), within=bench.timing.taken, after=dialled
    )
    ended = await bench.require(
        request("BYE", receiver=DEVICE), within=bench.timing.remote + bench.timing.watch, after=dialled
    )
    over = await bench.require(response(200, "BYE", sender=DEVICE), within=bench.timing.hang_up, after=ended)
    if bench.has(Capability.SPEAKER):
        # The end of the call may still be on its way to the speaker, and to the witness that hears it.
        silent_from = over.time + bench.timing.media_tail
        await bench.never(
            "OUT-04", speaker_sound_other_than(1000), during=bench.timing.watch, after=silent_from
        )
    another = another_call(bench.seen(invite(sender=DEVICE)), answered.time)
    bench.never_in_scenario("OUT-02", another)


@scenario(
    "OUT-02",
    settings=lambda at: Settings(
        call_number=at.station_uri(0),
        further_numbers=(at.number(1),),
        call_timeout=at.limits.short_call_timeout,
    ),
)
async def test_a_contact_of_whom_nothing_is_heard_is_passed_on_from(bench: Bench) -> None:
    """A contact that nothing comes back from is given up, though there is nothing to cancel (RFC 3261 §9.1).

    The device has the call timeout for it, or as long as a transaction may take (§17.1.1.2).

    A telephone that was unplugged, or given another address, would leave the visitor with nobody.
    """
    gone, desk = await bench.stations(silent(), answers(hang_up_after=bench.timing.short_call))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    called = invite(sender=DEVICE, receiver=gone.number)
    dialled = await bench.require(called, within=bench.timing.dial, after=pressed)
    within = max(bench.limits.short_call_timeout, bench.timing.unheard) + bench.timing.next_contact
    bench.take_longer(within)
    await bench.expect("OUT-02", invite(sender=DEVICE, to=desk.number), within=within, after=dialled)


@scenario("OUT-01", "OUT-02", "OUT-04", settings=_contacts)
@pytest.mark.parametrize("chain", EXHAUSTED, ids=case_id)
async def test_the_end_of_the_list_is_announced_and_the_next_press_calls_again(
    bench: Bench, chain: tuple[str, ...]
) -> None:
    """However the contacts fail, the end of the list is announced, and the device is ready at once.

    A visitor who hears nothing, and whose next press does nothing, believes the door is broken.
    """
    first, failed = await _walk(bench, chain)

    if bench.has(Capability.SPEAKER):
        await bench.expect("OUT-04", speaker_sound(), within=bench.timing.announced, after=failed, count=3)
    # Until it knows that its last call is over, a press may mean something else to it.
    over = request("ACK", sender=DEVICE)
    if chain[-1] == "answers too late":
        over = response(200, "BYE", receiver=DEVICE)
    await bench.require(over, within=bench.timing.hang_up, after=failed)
    begun = await bench.intercom.press_button()
    again = await bench.expect(
        "OUT-01", invite(sender=DEVICE, to=first.number), within=bench.timing.dial, after=begun
    )
    if len(chain) > 1 and chain[0] not in WAITED_FOR:
        second = invite(sender=DEVICE, to=bench.number(1))
        within = bench.timing.next_contact + bench.timing.remote
        await bench.expect("OUT-02", second, within=within, after=again)


@scenario(
    "OUT-03",
    settings=lambda at: Settings(call_number=at.station_uri(0), call_timeout=at.limits.short_call_timeout),
)
async def test_an_answer_that_comes_too_late_is_hung_up(bench: Bench) -> None:
    """A 200 that crosses the CANCEL is acknowledged and ended with a BYE (RFC 3261 §9.1, §15).

    A desk would listen in at the door while the visitor talks to another.
    """
    (desk,) = await bench.stations(answers_too_late())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    dialled = await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=pressed)
    over = await bench.require(
        request("CANCEL", sender=DEVICE),
        within=bench.limits.short_call_timeout + bench.timing.hang_up,
        after=dialled,
    )

    late = await bench.require(answer(sender=desk.number), within=bench.timing.remote, after=over)

    hung_up = request("BYE", sender=DEVICE, receiver=desk.number)
    await bench.expect("OUT-03", hung_up, within=bench.timing.hang_up, after=late)


@scenario(
    "OUT-09",
    settings=lambda at: Settings(further_numbers=(at.number(1),), call_timeout=at.limits.call_timeouts[1]),
)
async def test_what_a_press_does_while_the_call_is_still_ringing(bench: Bench) -> None:
    """A press before the answer may give the call up, or nothing: the page does not say (recorded).

    A visitor who changed his mind should know whether he can.
    """
    desk, _ = await bench.stations(rings_forever(), rings_forever())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    await bench.require(invite(receiver=desk.number), within=bench.timing.called, after=pressed)

    again = await bench.intercom.press_button()

    # Whatever a press does, nobody is left ringing for longer than the call timeout.
    given_up = request("CANCEL", sender=DEVICE)
    within = bench.limits.call_timeouts[1] + bench.timing.hang_up
    await bench.expect("OUT-03", given_up, within=within, after=again)
    bench.record("OUT-09", given_up, after=again)
    bench.record("OUT-09", invite(sender=DEVICE), after=again)


async def _walk(bench: Bench, chain: tuple[str, ...]) -> tuple[Station, float]:
    """Press, and follow the device along the contacts.

    Returns:
        The first contact, and when the last one was dialled (if it answers) or had failed.
    """
    stations = await bench.stations(*(KINDS[kind](bench) for kind in chain))
    await bench.configure()

    reached = await bench.intercom.press_button()

    await bench.require(invite(sender=DEVICE, to=stations[0].number), within=bench.timing.dial, after=reached)
    for station in stations:  # whatever it answers, such as its own address (RFC 3261 §8.1.3.4)
        asked = once_per_transaction(invite(sender=DEVICE, to=station.number))
        bench.at_end("OUT-02", asked, at_least=0, at_most=MOST_INVITES)
    for station, kind in zip(stations, chain, strict=True):
        called = invite(sender=DEVICE, to=station.number)
        reached = (await bench.expect("OUT-02", called, within=bench.timing.next_contact, after=reached)).time
        if kind in WAITED_FOR:
            given_up = request("CANCEL", sender=DEVICE)
            within = bench.limits.short_call_timeout + bench.timing.hang_up
            reached = (await bench.expect("OUT-03", given_up, within=within, after=reached)).time
        elif kind != "answers":
            reached = (
                await bench.require(refusal(receiver=DEVICE), within=bench.timing.taken, after=reached)
            ).time
    return stations[0], reached
