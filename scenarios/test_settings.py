"""CFG: what each setting brings about, seen on the wire or heard; never by reading a value back."""

import statistics
from itertools import pairwise
from typing import Unpack

import pytest

from intercom_hil.scenario import (
    DEVICE,
    PBX,
    RECOMMENDED_POLLING,
    USUAL_POLLING,
    Addresses,
    Bench,
    Capability,
    Condition,
    Observation,
    Pattern,
    Role,
    Settings,
    Transport,
    VideoCalls,
    addressed,
    answer,
    answers,
    busy,
    configuration,
    from_device,
    from_user,
    invite,
    level,
    now,
    of_another_call,
    refusal,
    registered,
    registration,
    request,
    response,
    rings_forever,
    scenario,
    silent,
    sound,
    speaker_tone,
    to_user,
    tone,
    too_large_for_udp,
    with_credentials,
)

VOLUMES = (25, 50, 100)
WINDOWS = 3
"""Measurements of 0.2 s of which the middle one is taken for the level."""
SMALLEST_STEP = 1.0
"""dB by which a doubled volume raises the level at the least: what an ear just hears."""
LEVEL_TOLERANCE = 0.5
"""dB by which the level of a steady tone may differ between two measurements."""
CALLED_AT_ALL = invite(sender=DEVICE)


@scenario(
    "CFG-01",
    settings=lambda at: Settings(
        permitted_callers=(at.direct_caller_uri(0),),
        polling_interval=at.limits.short_polling_interval,
        video_calls=VideoCalls.BOTH if at.has(Capability.VIDEO) else VideoCalls.OFF,
    ),
)
async def test_with_sip_off_the_device_neither_registers_nor_calls_nor_takes_calls(bench: Bench) -> None:
    """SIP switched off means silence on the wire: no registration, no call placed, no call taken.

    An owner who switched the intercom off would still have a live microphone at the door.
    """
    await bench.configure()
    kept_up = {getattr(o.content, "call_id", "") for o in bench.seen(registration())}  # one more may come
    await bench.configure(permitted_callers=(bench.direct_caller_uri(0),), enabled=False)
    if bench.timing.apply:  # until then it may do what it did before
        await bench.never("CFG-01", CALLED_AT_ALL, during=bench.timing.apply)
    off = now()  # what it was registering meanwhile it may have begun with SIP on

    await bench.intercom.press_button()
    await bench.call_device(caller=bench.number(0), direct=True)

    await bench.require(invite(sender=bench.number(0), receiver=DEVICE), within=bench.timing.remote)
    await bench.never("CFG-01", CALLED_AT_ALL, during=bench.timing.watch)
    bench.never_in_scenario("CFG-01", answer(sender=DEVICE))
    anew = registration().where("REGISTER from device anew", call_id=Condition(none_of=tuple(kept_up)))
    bench.never_in_scenario("CFG-01", anew, after=off)


@scenario("CFG-01")
async def test_sip_switched_off_during_a_call_leaves_nobody_listening(bench: Bench) -> None:
    """SIP that is switched off during a call is off: the device has the time to hang up, then it is silent.

    An owner who takes the intercom out of service because somebody listens in would change nothing.
    """
    await bench.stations(answers())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    await bench.require(
        sound(sender=DEVICE, receiver=PBX), within=bench.timing.called + bench.timing.answer, after=pressed
    )

    await bench.configure(enabled=False)

    silent_from = now() + bench.timing.apply + bench.timing.hang_up
    heard_to_end = bench.timing.apply + bench.timing.hang_up + bench.timing.watch
    await bench.never("CFG-01", sound(sender=DEVICE), during=heard_to_end, after=silent_from)


@scenario("CFG-01")
async def test_sip_switched_off_while_a_contact_rings_gives_the_call_up(bench: Bench) -> None:
    """SIP that is switched off while a contact rings is off: the contact rings no more (RFC 3261 §9.1).

    An owner who takes the intercom out of service would still have it call, and be heard by who picks up.
    """
    await bench.stations(rings_forever())
    await bench.configure()
    pressed = await bench.intercom.press_button()
    ringing = response((180, 189), "INVITE", sender=PBX, receiver=DEVICE)
    await bench.require(ringing, within=bench.timing.called, after=pressed)
    begun = now()

    await bench.configure(enabled=False)

    given_up = request("CANCEL", sender=DEVICE)
    await bench.expect("CFG-01", given_up, within=bench.timing.apply + bench.timing.hang_up, after=begun)


@scenario("CFG-02")
@pytest.mark.parametrize("by", ["viewer", "nobody"])
async def test_only_the_account_administrator_changes_the_configuration(bench: Bench, by: Role) -> None:
    """Another role, or no account at all, is refused, and the old configuration goes on working.

    Whoever may look at the door's settings could send every visitor's call to himself.
    """
    desk, decoy = await bench.stations(busy(), busy())
    await bench.configure()

    submitted = await bench.submit({"call_number": decoy.number}, by=by)

    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    await bench.already_seen("CFG-02", configuration(accepted=False), after=submitted)
    await bench.already_seen("CFG-02", invite(sender=DEVICE, to=desk.number), after=pressed)
    bench.never_in_scenario("CFG-02", invite(sender=DEVICE, to=decoy.number))


@scenario("CFG-03", settings=lambda at: Settings(server_address=at.station_address(0)))
@pytest.mark.parametrize("given", ["address", "name"])
async def test_the_server_is_found_by_address_and_by_name(bench: Bench, given: str) -> None:
    """The server may be given as an IP address or as a domain name, which is resolved (RFC 3263 §4).

    After a move of the server to another address every door would have to be visited.
    """
    await bench.stations(silent())
    await bench.configure(await_registration=False)
    begun = now()

    server = bench.pbx_name if given == "name" else bench.pbx_address
    await bench.configure(server_address=server, await_registration=False)

    asked = addressed(registration(), f"sip:{server}", f"sip:{server}:{bench.pbx_port}")
    await bench.expect("CFG-03", asked, within=2 * bench.timing.registered, after=begun)
    await bench.expect("CFG-03", registered(), within=bench.timing.registered, after=begun)


@scenario("CFG-04")
async def test_another_port_of_the_server_is_used_when_it_is_set(bench: Bench) -> None:
    """Registration and calls go to the configured port of the server.

    A server that does not live at the usual port would be out of the device's reach.
    """
    (desk,) = await bench.stations(busy())
    await bench.configure()
    port = bench.pbx_other_port
    begun = now()

    await bench.configure(server_port=port, await_registration=False)

    there = f"{bench.pbx_address}:{port}"
    asked = registration().where(f"REGISTER at port {port}", destination=there)
    first = await bench.expect("CFG-04", asked, within=bench.timing.registered, after=begun)
    await bench.require(registered(), within=bench.timing.registered, after=first)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    called = invite(sender=DEVICE, to=desk.number).where(f"INVITE at port {port}", destination=there)
    await bench.already_seen("CFG-04", called, after=pressed)


@scenario("CFG-05", needs=Capability.VALIDATION)
async def test_a_short_polling_interval_is_taken_with_a_warning(bench: Bench) -> None:
    """Below the recommended minimum of 30 s the interval is taken, and the administrator is warned.

    A hundred doors with a short interval would wear the server down, and nobody would have been told.
    """
    await bench.configure()
    for interval in (USUAL_POLLING, RECOMMENDED_POLLING, RECOMMENDED_POLLING - 1):
        bench.within_limits(polling_interval=interval)
        submitted = await bench.submit({"polling_interval": interval})
        await bench.already_seen("CFG-05", configuration(accepted=True), after=submitted)
    warned = configuration(accepted=True).where(
        f"warning about {interval} s", message=Condition(none_of=("",))
    )
    await bench.already_seen("CFG-05", warned, after=submitted)


@scenario("CFG-06", settings=lambda at: Settings(permitted_callers=(at.number(0),)))
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_all_sip_of_the_device_uses_the_chosen_transport(bench: Bench, transport: Transport) -> None:
    """Registration, calls placed and calls taken all use the transport that was set (RFC 3261 §18.1.1).

    A request that is too large for UDP has to go by TCP, and what belongs to its call goes with it (ibid.).

    A firewall that lets one transport through would cut the door off, or half of its calls.
    """
    await bench.stations(answers(hang_up_after=bench.timing.short_call))
    other = Transport.TCP if transport is Transport.UDP else Transport.UDP
    await bench.configure()
    if transport is Transport.UDP:
        await bench.configure(transport=other)
    begun = now()

    await bench.configure(transport=transport, await_registration=False)

    chosen = registered().where(f"registration over {transport}", transport=transport.value)
    known = await bench.expect("CFG-06", chosen, within=2 * bench.timing.registered, after=begun)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    called = CALLED_AT_ALL.where(f"INVITE over {transport}", transport=transport.value)
    too_large = too_large_for_udp(CALLED_AT_ALL)
    if transport is Transport.TCP or not bench.seen(too_large, after=pressed):
        await bench.already_seen("CFG-06", called, after=pressed)
    await bench.require(
        request("BYE", sender=PBX, receiver=DEVICE),
        within=bench.timing.called + bench.timing.watch,
        after=pressed,
    )
    strayed = from_device().where(f"SIP over {other} from device", transport=other.value)
    if transport is Transport.UDP and bench.seen(too_large, after=pressed):
        strayed = strayed.where(f"REGISTER over {other} from device", method="REGISTER")
    bench.never_in_scenario("CFG-06", strayed, after=known)
    if transport is Transport.TCP:  # as long as it takes until a request would come again (SIP-17)
        await bench.never("CFG-06", strayed, during=bench.timing.transaction, after=known)


def _username(at: Addresses, username: str) -> Settings:
    return Settings(auth_username=username)


@scenario("CFG-09", settings=_username)
@pytest.mark.parametrize("username", ["frontdoor9", pytest.param("Z" * 64, id="64-letters")])
async def test_the_username_is_the_one_the_device_authenticates_with(bench: Bench, username: str) -> None:
    """Letters and digits in any mix are taken, and answer the server's challenge (RFC 3261 §22.4).

    The device could not prove who it is, and no call would ever reach it.
    """
    await bench.configure(await_registration=False)

    await bench.require(with_credentials(registration(), "Authorization"), within=bench.timing.registered)
    as_user = with_credentials(registration(), "Authorization", username=username)
    await bench.expect("CFG-09", as_user, within=bench.timing.registered)
    await bench.expect("CFG-09", registered(), within=bench.timing.registered)


@scenario("CFG-10")
@pytest.mark.parametrize(
    "password",
    [
        "x",
        pytest.param('Pa$$ "w0rd" \\ :,;=@%41+&#<>\' é日', id="special-characters"),
        pytest.param("0123456789abcdef" * 4, id="64-characters"),
    ],
)
async def test_the_password_is_used_as_it_was_entered(bench: Bench, password: str) -> None:
    """Whatever the password holds, it is what answers the server's challenge (RFC 3261 §22.4).

    A password that only looks entered leaves the door unreachable, or invites a weak one.
    """
    await bench.configure()
    changed = now()
    await bench.configure(auth_password=password, await_registration=False)

    await bench.require(
        with_credentials(registration(), "Authorization"), within=bench.timing.registered, after=changed
    )
    await bench.expect("CFG-10", registered(), within=bench.timing.registered, after=changed)


@scenario("CFG-10")
async def test_a_dummy_password_does_no_harm_where_none_is_asked_for(bench: Bench) -> None:
    """At a server that asks for no password the device registers whatever the field holds.

    An installer would look for a fault that is none.
    """
    await bench.configure(pbx_password="")

    submitted = await bench.submit({"auth_password": "dummy"})

    await bench.already_seen("CFG-10", configuration(accepted=True), after=submitted)
    await bench.expect("CFG-10", registered(), within=bench.timing.registered, after=submitted)


def _display_name(at: Addresses, name: str) -> Settings:
    return Settings(display_name=_shortened(at, name))


def _shortened(at: Addresses, name: str) -> str:
    return name[: at.limits.display_name_length].strip()


@scenario("CFG-11", settings=_display_name)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Tür 2, Hof, hinter der Schranke links, Gebäude 17", id="umlaut"),
        pytest.param('Gate "B" \\ left', id="quotes-and-backslash"),
    ],
)
async def test_the_display_name_is_what_the_remote_is_shown(bench: Bench, name: str) -> None:
    """The From header of a placed call carries the display name (RFC 3261 §20.20).

    The guard would not know which of forty doors is calling.
    """
    await bench.stations(busy())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    called = await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    set_name = _shortened(bench, name)
    shown = CALLED_AT_ALL.where(f"INVITE with the display name {set_name}", from_display=set_name)
    await bench.already_seen("CFG-11", shown, after=called)


def _extension(at: Addresses, extension: str) -> Settings:
    return Settings(extension=extension)


@scenario("CFG-12", settings=_extension)
@pytest.mark.parametrize("extension", ["7", pytest.param("FrontDoor3401" + 19 * "x", id="32-characters")])
async def test_the_extension_is_the_identity_at_the_server(bench: Bench, extension: str) -> None:
    """The device registers, and calls, as its extension (RFC 3261 §10.2: the address-of-record).

    Two doors would answer to one number, or none to this one.
    """
    await bench.stations(busy())
    await bench.configure(await_registration=False)

    known = registration()
    await bench.require(known, within=bench.timing.registered)
    await bench.already_seen("CFG-12", to_user(known, extension))
    await bench.require(registered(), within=bench.timing.registered)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    await bench.already_seen("CFG-12", from_user(CALLED_AT_ALL, extension))


def _other_form(at: Addresses, form: str) -> Settings:
    other = at.number(1)
    return Settings(call_number=at.at_server(other) if form == "short" else other)


@scenario("CFG-13", settings=_other_form)
@pytest.mark.parametrize("form", ["short", "full"])
async def test_the_call_number_is_taken_in_short_and_full_form(bench: Bench, form: str) -> None:
    """The number that the button calls may be an extension, or a whole SIP address.

    An installer who follows the manual would be turned away by the form.
    """
    desk, _ = await bench.stations(busy(), busy())
    await bench.configure()

    number = desk.number if form == "short" else bench.at_server(desk.number)
    submitted = await bench.submit({"call_number": number})

    await bench.already_seen("CFG-13", configuration(accepted=True), after=submitted)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=bench.timing.dial, after=pressed)
    await bench.already_seen("CFG-13", invite(sender=DEVICE, to=desk.number), after=pressed)


def _further_numbers(at: Addresses, order: tuple[int, int, int]) -> Settings:
    first, second, third = (at.number(place) for place in order)
    return Settings(further_numbers=(first, at.at_server(second), third))


@scenario("CFG-14", settings=_further_numbers)
@pytest.mark.parametrize("order", [(3, 1, 2), (2, 3, 1)], ids=["3-1-2", "2-3-1"])
async def test_further_numbers_are_called_in_the_order_in_which_they_stand(
    bench: Bench, order: tuple[int, int, int]
) -> None:
    """Further contacts may be short or full, and their order is the order of calling.

    The night guard would be woken before anybody asked at the desk.
    """
    stations = await bench.stations(busy(), busy(), busy(), busy())
    await bench.configure()

    pressed = await bench.intercom.press_button()

    calls = [invite(sender=DEVICE, to=stations[place].number) for place in (0, *order)]
    for call in calls:  # in whatever order: a device that gives up early breaks another rule
        await bench.require(call, within=bench.timing.next_contact, after=pressed)
    await bench.in_order("CFG-14", *calls, after=pressed)


def _quiet(at: Addresses) -> Settings:
    return Settings(
        microphone_volume=VOLUMES[0], speaker_volume=VOLUMES[0], permitted_callers=(at.number(1),)
    )


@scenario("CFG-15", settings=_quiet)
async def test_the_microphone_volume_changes_the_level_that_is_sent(bench: Bench) -> None:
    """Each doubling of the microphone volume raises the level of the tone on the wire (dBov, RFC 6464 §3).

    It is the volume of the calls that are placed, and of those that are taken.

    A visitor in a noisy street could not be made louder.
    """
    await bench.stations(answers())
    sent = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    *placed, taken = VOLUMES
    heard = [await _heard(bench, sent, microphone_volume=volume) for volume in placed]
    heard.append(await _heard_by_a_caller(bench, sent, microphone_volume=taken))
    _measure_steps(bench, "CFG-15", heard)


@scenario("CFG-16", settings=_quiet)
async def test_the_speaker_volume_changes_the_level_that_is_heard(bench: Bench) -> None:
    """Each doubling of the speaker volume raises the level of the tone at the speaker (dBov).

    It is the volume of the calls that are placed, and of those that are taken.

    A visitor could not hear the guard over the street.
    """
    await bench.stations(answers(tone_hz=1000))
    *placed, taken = VOLUMES
    heard = [await _heard(bench, speaker_tone(1000), speaker_volume=volume) for volume in placed]
    heard.append(await _heard_by_a_caller(bench, speaker_tone(1000), speaker_volume=taken))
    _measure_steps(bench, "CFG-16", heard)


@scenario("CFG-17", "OUT-03", settings=lambda at: Settings(call_timeout=at.limits.short_call_timeout))
async def test_the_call_timeout_is_how_long_an_unanswered_call_lasts(bench: Bench) -> None:
    """An unanswered call is ended after the configured number of seconds, whichever it is, at each contact.

    A visitor would wait for ever, or the guard would never get to the telephone in time.
    """
    await bench.stations(rings_forever(), rings_forever())
    short, longer = bench.limits.call_timeouts
    for timeout, count in {short: 1, longer: 2}.items():
        await bench.configure(call_timeout=timeout, further_numbers=(bench.number(1),) if count > 1 else ())
        after = await bench.intercom.press_button()
        tolerance = max(bench.timing.tolerance, timeout / 10)  # of several seconds a tenth
        for place in range(count):
            called = invite(sender=DEVICE, to=bench.number(place))
            dialled = await bench.require(called, within=bench.timing.next_contact, after=after)
            cancel = request("CANCEL", sender=DEVICE)
            given_up = of_another_call(cancel, bench.seen(cancel), dialled.time)
            ended = await bench.require(given_up, within=timeout + 2 * bench.timing.hang_up, after=dialled)
            bench.measure(
                "OUT-03" if place else "CFG-17",
                f"time from INVITE to CANCEL of contact {place + 1} with a timeout of {timeout} s",
                ended.time - dialled.time,
                "s",
                low=timeout - tolerance,
                high=timeout + tolerance,
                of=(dialled, ended),
            )
            over = refusal(sender=PBX, receiver=DEVICE)
            after = (await bench.require(over, within=bench.timing.remote, after=ended)).time


@scenario("CFG-17", settings=lambda at: Settings(call_timeout=at.limits.lasting_call_timeout))
async def test_a_call_timeout_that_is_longer_than_any_transaction_is_kept_to(bench: Bench) -> None:
    """A contact that rings is given more time, if that is set, than SIP waits for any (RFC 3261 §17.1.1.2).

    A guard on the round would never reach the telephone in time, whatever is set.
    """
    timeout = bench.limits.lasting_call_timeout
    await bench.stations(rings_forever())
    await bench.configure()
    tolerance = max(bench.timing.tolerance, timeout / 10)  # of several seconds a tenth
    longest = timeout + 3 * tolerance + bench.timing.hang_up
    bench.take_longer(longest)

    pressed = await bench.intercom.press_button()

    dialled = await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=pressed)
    given_up = request("CANCEL", sender=DEVICE)
    ended = await bench.expect("CFG-17", given_up, within=longest, after=dialled)
    bench.measure(
        "CFG-17",
        f"time from INVITE to CANCEL with a timeout of {timeout} s",
        ended.time - dialled.time,
        "s",
        low=timeout - tolerance,
        high=timeout + tolerance,
        of=(dialled, ended),
    )


@scenario("CFG-20")
@pytest.mark.parametrize("count", [1, 20])
async def test_the_list_of_permitted_callers_takes_entries_in_both_forms(bench: Bench, count: int) -> None:
    """One entry or many, short or full, are taken, and the last of them is admitted like the first.

    The one colleague too many for the list would never reach the door.
    """
    caller = bench.number(0)
    await bench.configure()
    others = [f"sip:{5000 + n}@{bench.pbx_address}" if n % 2 else str(5000 + n) for n in range(count - 1)]

    bench.within_limits(permitted_callers=(*others, caller))

    submitted = await bench.submit({"permitted_callers": [*others, caller]})

    await bench.already_seen("CFG-20", configuration(accepted=True), after=submitted)
    await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=bench.timing.remote)
    turned_away = response((403, 403), "INVITE", sender=DEVICE)
    await bench.never("CFG-20", turned_away, during=bench.timing.short_call, after=rung)


async def _heard(bench: Bench, heard: Pattern, **changes: Unpack[Settings]) -> list[Observation]:
    """Place a call under these settings and return some windows of a tone in it."""
    await bench.configure(**changes)
    pressed = await bench.intercom.press_button()
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=bench.timing.called, after=pressed)
    await bench.require(heard, within=bench.timing.answer, after=up, count=WINDOWS)
    return bench.seen(heard, after=up)[:WINDOWS]


async def _heard_by_a_caller(bench: Bench, heard: Pattern, **changes: Unpack[Settings]) -> list[Observation]:
    """Have somebody call under these settings and return some windows of a tone in it."""
    await bench.configure(**changes)
    begun = now()
    await bench.call_device(caller=bench.number(1), place=1)
    taken = answer(sender=DEVICE, receiver=PBX)
    up = await bench.require(taken, within=bench.timing.taken, after=begun)
    await bench.require(heard, within=bench.timing.answer, after=up, count=WINDOWS)
    return bench.seen(heard, after=up)[:WINDOWS]


def _measure_steps(bench: Bench, requirement: str, heard: list[list[Observation]]) -> None:
    for (low, quiet), (high, loud) in pairwise(zip(VOLUMES, heard, strict=True)):
        step = f"step in level from volume {low} to {high}"
        raised = statistics.median(map(level, loud)) - statistics.median(map(level, quiet))
        least = SMALLEST_STEP - LEVEL_TOLERANCE
        bench.measure(requirement, step, raised, "dB", low=least, of=(*quiet, *loud))
