"""PRX: all of the device's SIP goes through its proxy, and each challenge gets its own credentials."""

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    PROXY,
    Addresses,
    Bench,
    Condition,
    Pattern,
    Settings,
    answer,
    answers,
    connectivity_check,
    connectivity_confirmed,
    invite,
    now,
    registered,
    registration,
    request,
    request_of_device,
    response,
    scenario,
    tone,
    with_credentials,
)


def past_the_proxy() -> Pattern:
    """A request of the device to anybody but the proxy."""
    return request_of_device().where(
        "request from device past the proxy", receiver=Condition(none_of=(PROXY,))
    )


@scenario(
    "PRX-01",
    settings=lambda at: Settings(proxy=at.proxy_settings, further_numbers=(at.station_uri(1),)),
)
async def test_every_request_of_calls_placed_goes_through_the_proxy(bench: Bench) -> None:
    """While a proxy is configured, each request of the device goes to the proxy first (RFC 3261 §8.1.2).

    On a network where the proxy is the only way out, the button would call nobody.
    """
    await bench.proxy()
    desk, _ = await bench.stations(answers(hang_up_after=bench.timing.short_call), answers())
    await bench.configure(await_registration=False)
    first = await bench.expect("PRX-01", registration(receiver=PROXY), within=bench.timing.registered)
    await bench.require(registered(by=PROXY), within=bench.timing.registered)
    bench.never_in_scenario("PRX-01", past_the_proxy(), after=first)

    pressed = await bench.intercom.press_button()

    await bench.expect(
        "PRX-01",
        invite(sender=DEVICE, receiver=PROXY, to=desk.number),
        within=bench.timing.dial,
        after=pressed,
    )
    up = await bench.require(answer(sender=PROXY, receiver=DEVICE), within=bench.timing.called, after=pressed)
    await bench.expect(
        "PRX-01", request("ACK", sender=DEVICE, receiver=PROXY), within=bench.timing.answer, after=up
    )
    await bench.require(
        request("BYE", sender=PROXY, receiver=DEVICE),
        within=bench.timing.remote + bench.timing.watch,
        after=up,
    )


@scenario("PRX-01", settings=lambda at: Settings(proxy=at.proxy_settings, call_number=at.station_uri(0)))
async def test_a_call_to_another_host_goes_through_the_proxy_as_well(bench: Bench) -> None:
    """A number at another host than the server is called by way of the proxy too (RFC 3261 §8.1.2).

    The guard of the neighbouring site would be beyond the reach of the button.
    """
    await bench.proxy()
    (elsewhere,) = await bench.stations(answers())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    await bench.expect(
        "PRX-01", invite(sender=DEVICE, receiver=PROXY), within=bench.timing.dial, after=pressed
    )
    await bench.require(
        invite(sender=PROXY, receiver=elsewhere.number), within=bench.timing.called, after=pressed
    )
    up = await bench.require(answer(sender=PROXY, receiver=DEVICE), within=bench.timing.called, after=pressed)
    await bench.require(request("ACK", sender=PROXY, receiver=elsewhere.number), within=bench.timing.taken)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)
    bench.never_in_scenario("PRX-01", past_the_proxy(), after=pressed)

    again = await bench.intercom.press_button()

    await bench.require(request("BYE", sender=DEVICE), within=bench.timing.hang_up, after=max(again, up.time))


@scenario(
    "PRX-01",
    settings=lambda at: Settings(proxy=at.proxy_settings, permitted_callers=(at.number(0),)),
)
async def test_a_call_that_came_through_the_proxy_is_ended_through_it(bench: Bench) -> None:
    """What the device asks for in a call that the proxy brought goes back the same way (RFC 3261 §12.2.1.1).

    The hang-up would get lost, and the guard's line stay busy.
    """
    await bench.proxy()
    await bench.configure()
    called = await bench.call_device(caller=bench.number(0))
    up = await bench.taken(PROXY)
    await bench.require(tone(1000, receiver=DEVICE), within=bench.timing.answer, after=up)

    pressed = await bench.intercom.press_button()

    hung_up = await bench.require(request("BYE", sender=DEVICE), within=bench.timing.hang_up, after=pressed)
    bench.never_in_scenario("PRX-01", past_the_proxy(), after=up)
    ended = request("BYE", sender=PBX, receiver=called.number)
    await bench.expect("PRX-01", ended, within=bench.timing.remote + bench.timing.watch, after=hung_up)


def _mistyped_proxy_password(at: Addresses) -> Settings:
    wrong = at.proxy_settings.model_copy(update={"password": "mistyped"})
    return Settings(proxy=wrong, polling_interval=at.limits.idle_polling_interval)


@scenario("PRX-01", settings=_mistyped_proxy_password)
async def test_a_proxy_that_refuses_the_device_is_not_gone_round(bench: Bench) -> None:
    """With wrong proxy credentials the device stays outside, and goes no other way (RFC 3261 §22.3).

    What the proxy was put there to keep out would be in after all.
    """
    await bench.proxy()
    await bench.configure(pbx_password=bench.password, await_registration=False)

    refused = response(407, "REGISTER", sender=PROXY, receiver=DEVICE)
    asked = await bench.require(
        with_credentials(registration(receiver=PROXY), "Proxy-Authorization"), within=bench.timing.registered
    )
    await bench.require(refused, within=bench.timing.registered, after=asked)
    bench.never_in_scenario("PRX-01", registered(by=PROXY), after=asked)
    # It may start anew to go another way.
    await bench.never("PRX-01", past_the_proxy(), during=bench.timing.registered, after=asked)


@scenario("PRX-02", settings=lambda at: Settings(proxy=at.proxy_settings))
async def test_a_challenge_of_the_proxy_gets_other_credentials_than_one_of_the_server(bench: Bench) -> None:
    """A 407 is answered with the proxy's credentials, a 401 with the server's (RFC 3261 §22.2, §22.3).

    The door would not get past the proxy, or hand what proves it at the server to somebody else's machine.
    """
    proxy = await bench.proxy()
    await bench.stations(answers())
    await bench.configure(afresh=True, await_registration=False)
    at_proxy, at_server = proxy.settings.username, bench.intercom.extension
    for header, wrong in (("Proxy-Authorization", at_server), ("Authorization", at_proxy)):
        crossed = with_credentials(request_of_device(), header, username=wrong)
        bench.never_in_scenario("PRX-02", crossed)
    everything = request("REGISTER", sender=DEVICE)

    challenged = await bench.require(
        response(407, "REGISTER", sender=PROXY, receiver=DEVICE), within=bench.timing.registered
    )
    to_proxy = with_credentials(everything, "Proxy-Authorization", username=at_proxy, realm=proxy.realm)
    await bench.expect("PRX-02", to_proxy, within=bench.timing.registered, after=challenged)
    to_server = with_credentials(everything, "Authorization", username=at_server)
    if not bench.seen(to_server):  # it may still have the server's challenge of an earlier time (§22.3)
        challenged = await bench.require(
            response(401, "REGISTER", sender=PROXY, receiver=DEVICE),
            within=bench.timing.registered,
            after=challenged,
        )
    await bench.expect("PRX-02", to_server, within=bench.timing.registered)
    await bench.require(registered(by=PROXY), within=bench.timing.registered)

    pressed = await bench.intercom.press_button()

    called = invite(sender=DEVICE, receiver=PROXY)
    await bench.require(called, within=bench.timing.dial, after=pressed)
    to_proxy = with_credentials(called, "Proxy-Authorization", username=at_proxy, realm=proxy.realm)
    to_server = with_credentials(called, "Authorization", username=at_server)
    await bench.expect("PRX-02", to_proxy, within=bench.timing.called, after=pressed)
    await bench.expect("PRX-02", to_server, within=bench.timing.called, after=pressed)


@scenario("CFG-21", settings=lambda at: Settings(proxy=at.proxy_settings))
async def test_the_proxy_is_looked_for_at_its_own_address_and_port(bench: Bench) -> None:
    """The device goes to the proxy's address and port as they are configured.

    A proxy that does not listen on the usual port would cut the door off.
    """
    proxy = await bench.proxy()
    await bench.configure(await_registration=False)

    await bench.require(registration(receiver=PROXY), within=bench.timing.registered)

    where = f"{proxy.address}:{proxy.port}"
    there = registration(receiver=PROXY).where(f"REGISTER from device to {where}", destination=where)
    await bench.expect("CFG-21", there, within=bench.timing.registered)


@scenario("CFG-21", settings=lambda at: Settings(proxy=at.proxy_settings))
async def test_a_proxy_that_was_taken_out_is_used_no_more(bench: Bench) -> None:
    """Without a proxy in its settings the device goes to the server itself.

    The day the old proxy is switched off, every door would be out of reach.
    """
    await bench.proxy()
    await bench.configure()
    begun = now()

    await bench.configure(proxy=None, await_registration=False)

    first = await bench.expect(
        "CFG-21", registration(receiver=PBX), within=bench.timing.registered, after=begun
    )
    await bench.never(
        "CFG-21", registration(receiver=PROXY), during=bench.timing.short_call, after=bench.past(first)
    )


@scenario(
    "REG-04",
    "PRX-01",
    settings=lambda at: Settings(proxy=at.proxy_settings, polling_interval=at.limits.short_polling_interval),
)
async def test_after_an_outage_of_the_proxy_the_device_is_registered_again(bench: Bench) -> None:
    """When the proxy is back, the device is registered again, and it went no other way meanwhile.

    After a restart of the proxy somebody would have to walk to every door.
    """
    interval = bench.limits.short_polling_interval
    await bench.proxy()
    await bench.configure(afresh=True)
    check = connectivity_check(receiver=PROXY)
    since = bench.seen(registered(by=PROXY))[-1].time
    confirmed = connectivity_confirmed(sender=PROXY)
    await bench.require(confirmed, within=interval + bench.timing.registered, after=bench.past(since))

    async with bench.proxy_away() as outage:
        unheard = await bench.require(check, within=interval + bench.timing.registered, after=outage.began)
        await bench.require(check, within=bench.timing.registered, after=bench.past(unheard))
        await bench.never("REG-04", registered(by=PROXY), during=bench.timing.watch, after=unheard)
    back = outage.ended

    again = await bench.expect(
        "REG-04", registered(by=PROXY), within=interval + bench.timing.recovered, after=back
    )
    bench.measure(
        "REG-04",
        "time until registered again",
        again.time - back,
        "s",
        high=interval + bench.timing.recovered,
        of=(again,),
    )
    bench.never_in_scenario("PRX-01", past_the_proxy(), after=since)
