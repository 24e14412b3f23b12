"""REG: the device is known to its server, and proves who it is."""

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    Bench,
    Condition,
    Settings,
    Transport,
    another_registration,
    any_credentials,
    challenges,
    configured,
    connectivity_check,
    connectivity_confirmed,
    granted,
    invite,
    overloaded,
    registered,
    registration,
    request,
    response,
    scenario,
    to_user,
    tone,
    with_credentials,
)

SERVER_REALM = "asterisk"
"""What the bench's PBX calls itself: the one realm for which the device would have an answer."""
TRIES = 2
"""Attempts to register, in the time that a registration takes, that are no hammering.

One, and one more of a device that mistrusts the refusal.
Each may be preceded by one without credentials. What is sent again over UDP is the same attempt. To ask which
bindings there are, before it makes its own (RFC 3261 §10.2.3), is no attempt.
"""
MOST_REFUSED = 5
"""Attempts, in the time that a registration takes, at a server that refuses them all."""


@scenario("REG-01")
async def test_the_device_registers_its_extension_with_its_credentials(bench: Bench) -> None:
    """A device registers its extension, with credentials for the server's challenge (RFC 3261 §10.2, §22.2).

    A device that still has the challenge of an earlier time may answer it at once (§22.3).

    A device that nobody can find is a door that nobody can open: no guard's call ever reaches it.
    """
    await bench.configure(afresh=True, await_registration=False)

    await bench.expect(
        "REG-01", request("REGISTER", sender=DEVICE, receiver=PBX), within=bench.timing.registered
    )
    answer = with_credentials(request("REGISTER", sender=DEVICE, receiver=PBX), "Authorization")
    await bench.expect("REG-01", to_user(answer, bench.intercom.extension), within=bench.timing.registered)
    await bench.expect("REG-01", registered(), within=bench.timing.registered)
    await bench.expect("REG-01", bench.known_to_pbx(), within=bench.timing.registered)


@scenario("REG-02")
async def test_a_wrong_password_never_registers_and_is_not_tried_again_and_again(bench: Bench) -> None:
    """With a wrong password the device does not register, nor hammer the server (RFC 3261 §22.1).

    One mistyped password would get the whole site banned at the server, or take the server down.
    """
    await bench.configure(afresh=True)
    await bench.configure(
        auth_password="mistyped",
        pbx_password=bench.password,
        polling_interval=bench.limits.idle_polling_interval,
        await_registration=False,
    )
    submitted = bench.seen(configured())[-1].time
    binding = registration().where("REGISTER of a Contact from device", contacts=Condition(some={}))
    attempt = with_credentials(registration(), "Authorization")
    watched = bench.timing.registered

    first = await bench.require(attempt, within=watched, after=submitted)

    await bench.never("REG-02", registered(), during=watched, after=submitted)
    for name, tried, most in (
        ("attempts with credentials", with_credentials(binding, "Authorization"), TRIES),
        ("attempts, with or without", binding, 2 * TRIES),
    ):
        tries = tuple(bench.seen(tried, after=first))
        within = f"{name} in {watched:g} s"
        bench.measure("REG-02", within, len(tries), "attempts", high=most, of=tries)


@scenario(
    "REG-02",
    settings=lambda at: Settings(server_address=at.station_address(0), server_port=at.station_port),
)
async def test_a_server_that_is_overloaded_is_left_in_peace(bench: Bench) -> None:
    """A server that says 503, and when to come again, is not asked time after time (RFC 3261 §21.5.4).

    After a power cut all doors of a site come back at once; the server goes down, and never gets up again.
    """
    await bench.stations(overloaded())

    await bench.configure(await_registration=False)

    refused = response(503, "REGISTER", receiver=DEVICE)
    first = await bench.require(refused, within=bench.timing.registered)
    watched = 2 * bench.timing.watch
    await bench.never("REG-02", registered(), during=watched, after=first)
    tries = tuple(bench.seen(refused, after=first))
    bench.measure("REG-02", f"attempts in {watched:g} s", len(tries), "attempts", high=MOST_REFUSED, of=tries)


@scenario("REG-03", "INC-01", settings=lambda at: Settings(polling_interval=at.limits.short_polling_interval))
async def test_connectivity_is_confirmed_once_in_every_polling_interval(bench: Bench) -> None:
    """The device asks after its server again and again, once in each polling interval (RFC 3261 §10.2.4).

    It is reached by what it said last of where it is, as it was by what it said first (§10.2.1).

    A door that has silently fallen off its server is otherwise found out by a visitor.
    """
    interval = bench.limits.short_polling_interval
    await bench.configure(afresh=True, by_contact=True)
    first = bench.seen(registered())[-1]

    third = await bench.expect(
        "REG-03",
        connectivity_confirmed(),
        within=2 * interval + bench.timing.tolerance,
        after=first,
        count=3,
    )

    between = (third.time - first.time) / 2
    bench.measure(
        "REG-03",
        "time between two checks",
        between,
        "s",
        low=interval / 4,  # a registration is renewed before it ends, and no device asks in one go
        high=interval + bench.timing.tolerance,
        of=(first, third),
    )
    await bench.call_device(caller=bench.number(0))
    called = invite(sender=PBX, receiver=DEVICE)
    rung = await bench.expect("INC-01", called, within=bench.timing.remote, after=third)
    said = response((180, 699), "INVITE", sender=DEVICE, receiver=PBX)
    await bench.expect("INC-01", said, within=bench.timing.answer, after=rung)


@scenario("CFG-05", settings=lambda at: Settings(polling_interval=at.limits.steady_polling_interval))
async def test_the_polling_interval_is_the_time_between_two_checks(bench: Bench) -> None:
    """The polling interval that is set is the one that is kept, and no shorter one.

    A device that asks with its registration renews it before it ends, by what the server granted (RFC 3261
    §10.2.4): in its second half.

    A thousand doors that ask every second instead of every hour take their server down.
    """
    interval = bench.limits.steady_polling_interval
    await bench.configure(afresh=True)
    first = bench.seen(registered())[-1]

    within = interval + bench.timing.registered
    next_one = await bench.require(connectivity_confirmed(), within=within, after=bench.past(first))
    if another_registration(first, next_one):  # the old settings' last, before the device started again
        first = next_one
        next_one = await bench.require(connectivity_confirmed(), within=within, after=bench.past(first))

    lasting = granted(first)
    renewed = lasting is not None and lasting <= interval
    bench.measure(
        "CFG-05",
        "time between two checks",
        next_one.time - first.time,
        "s",
        low=(lasting / 2 if renewed and lasting else interval) - bench.timing.tolerance,
        high=interval + bench.timing.tolerance,
        of=(first, next_one),
    )


@pytest.mark.parametrize("silent", [False, True], ids=["stopped", "silent"])
@scenario("REG-04", settings=lambda at: Settings(polling_interval=at.limits.short_polling_interval))
async def test_after_an_outage_of_the_server_the_device_can_be_called_again(
    bench: Bench, silent: bool
) -> None:
    """When the server is back, the device is too, after a polling interval at the most (RFC 3261 §10.2.4).

    After a restart of the server somebody would have to walk to every door and switch it off and on.
    """
    interval = bench.limits.short_polling_interval
    await bench.configure(afresh=True)
    since = bench.seen(registered())[-1].time
    await bench.require(
        connectivity_confirmed(), within=interval + bench.timing.registered, after=bench.past(since)
    )

    async with bench.server_away(silent=silent) as outage:
        unheard = await bench.require(
            connectivity_check(), within=interval + bench.timing.registered, after=bench.past(outage.began)
        )
        await bench.require(connectivity_check(), within=bench.timing.registered, after=bench.past(unheard))
        await bench.never("REG-04", registered(), during=bench.timing.watch, after=unheard)

    within = interval + bench.timing.recovered
    await bench.expect("REG-04", connectivity_check(), within=within, after=outage.ended)
    again = await bench.expect("REG-04", registered(), within=within, after=outage.ended)
    bench.measure(
        "REG-04", "time until registered again", again.time - outage.ended, "s", high=within, of=(again,)
    )
    await bench.call_device(caller=bench.number(0))
    await bench.expect("REG-04", invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=again)


@scenario(
    "REG-04",
    settings=lambda at: Settings(transport=Transport.TCP, polling_interval=at.limits.short_polling_interval),
)
async def test_after_an_outage_of_the_server_a_connection_is_made_anew(bench: Bench) -> None:
    """A connection that the server has closed is opened again once there is a server (RFC 3261 §18.1.1).

    What was sent by the old one is not sent again: the device may wait for an answer to the end (§17.1.2.2).

    After a restart of the server the doors that use UDP would be there again, and the others would not.
    """
    interval = bench.limits.short_polling_interval
    await bench.configure(afresh=True)

    async with bench.server_away() as outage:
        during = interval + bench.timing.watch
        await bench.never("REG-04", registered(), during=during, after=outage.began)

    within = interval + bench.timing.unheard + bench.timing.recovered
    bench.take_longer(within)
    again = await bench.expect("REG-04", registered(), within=within, after=outage.ended)
    await bench.call_device(caller=bench.number(0))
    await bench.expect("REG-04", invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote, after=again)


@pytest.mark.parametrize("status", [401, 407])
@scenario("REG-05", settings=lambda at: Settings(call_number=at.station_uri(0)))
async def test_a_called_stranger_that_asks_for_credentials_gets_none(bench: Bench, status: int) -> None:
    """A challenge of a party that is neither server nor proxy is not answered (RFC 3261 §22.1, §26.1).

    Whoever gets the device to call him, and names the server's realm, could guess its password at leisure.
    """
    (stranger,) = await bench.stations(challenges(status, SERVER_REALM))
    await bench.configure()

    pressed = await bench.intercom.press_button()

    challenge = response(status, "INVITE", sender=stranger.number, receiver=DEVICE)
    asked = await bench.require(challenge, within=bench.timing.called, after=pressed)
    told = any_credentials(invite(sender=DEVICE, receiver=stranger.number))
    await bench.never("REG-05", told, during=bench.timing.transaction, after=asked)


@scenario("REG-05", settings=lambda at: Settings(permitted_callers=(at.direct_caller_uri(0),)))
async def test_a_calling_stranger_that_asks_for_credentials_gets_none(bench: Bench) -> None:
    """Nor is a challenge answered that comes in the middle of a call (RFC 3261 §22.1, §26.1).

    Whoever is let in to talk could otherwise collect, from the hang-up, what it takes to be the door.
    """
    caller = bench.number(0)
    await bench.configure()
    await bench.call_device(caller=caller, direct=True, challenge=(401, SERVER_REALM))
    up = await bench.taken(caller)
    await bench.require(tone(1000, sender=caller, receiver=DEVICE), within=bench.timing.answer, after=up)

    pressed = await bench.intercom.press_button()

    challenge = response(401, "BYE", sender=caller, receiver=DEVICE)
    within = bench.timing.hang_up + bench.timing.remote
    asked = await bench.require(challenge, within=within, after=up)
    told = any_credentials(request("BYE", sender=DEVICE, receiver=caller))
    await bench.never("REG-05", told, during=bench.timing.transaction, after=max(asked.time, pressed))
