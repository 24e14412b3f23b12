"""CFG: what each setting brings about, seen on the wire or heard; never by reading a value back."""

import statistics
from itertools import pairwise

import pytest

from intercom_hil.judge.vocabulary import (
    DEVICE,
    PBX,
    answer,
    configuration,
    from_device,
    invite,
    refusal,
    registered,
    registration,
    request,
    response,
    speaker_tone,
    tone,
    with_credentials,
)
from intercom_hil.scenario import scenario
from intercom_hil.scenario.bench import Bench
from intercom_hil.spec.settings import Transport
from intercom_hil.stations.behaviours import answers, busy, rings_forever, silent
from intercom_hil.timeline import Observation, Pattern, now
from intercom_hil.timeline.pattern import Condition

PROMPT = 2.0
"""Seconds within which a device that reacts at all has reacted."""
VOLUMES = (25, 50, 100)
SMALLEST_STEP = 1.0
"""dB by which a doubled volume raises the level at the least: what an ear just hears."""
LEVEL_TOLERANCE = 0.5
"""dB by which the level of a steady tone may differ between two measurements."""
TIMEOUT_TOLERANCE = 0.5
"""Seconds by which a call timeout may be missed: call set-up, the device's clock, a loaded network."""
CALLED_AT_ALL = invite(sender=DEVICE)


@scenario("CFG-01")
async def test_with_sip_off_the_device_neither_registers_nor_calls_nor_takes_calls(bench: Bench):
    """SIP switched off means silence on the wire: no registration, no call placed, no call taken.

    An owner who switched the intercom off would still have a live microphone at the door.
    """
    await bench.configure(permitted_callers=(bench.direct_caller_uri(0),))
    await bench.configure(permitted_callers=(bench.direct_caller_uri(0),), enabled=False)
    off = bench.seen(configuration(accepted=True))[-1].time

    await bench.intercom.press_button()
    await bench.call_device(caller=bench.number(0), direct=True)

    await bench.require(invite(sender=bench.number(0), receiver=DEVICE), within=PROMPT)
    await bench.never("CFG-01", CALLED_AT_ALL, during=1.2)
    bench.at_end("CFG-01", answer(sender=DEVICE), at_least=0, at_most=0)
    bench.at_end("CFG-01", registration(), at_least=0, at_most=0, after=off)


@scenario("CFG-02")
@pytest.mark.parametrize("by", ["viewer", "nobody"])
async def test_only_the_account_administrator_changes_the_configuration(bench: Bench, by: str):
    """Another role, or no account at all, is refused, and the old configuration goes on working.

    Whoever may look at the door's settings could send every visitor's call to himself.
    """
    desk, decoy = await bench.stations(busy(), busy())
    await bench.configure(call_number=desk.number)

    submitted = await bench.submit({"call_number": decoy.number}, by=by)

    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    await bench.expect("CFG-02", configuration(accepted=False), within=0.1, after=submitted)
    await bench.expect("CFG-02", invite(sender=DEVICE, to=desk.number), within=0.1, after=pressed)
    bench.at_end("CFG-02", invite(sender=DEVICE, to=decoy.number), at_least=0, at_most=0)


@scenario("CFG-03")
@pytest.mark.parametrize("given", ["address", "name"])
async def test_the_server_is_found_by_address_and_by_name(bench: Bench, given: str):
    """The server may be given as an IP address or as a domain name, which is resolved (RFC 3263 §4).

    After a move of the server to another address every door would have to be visited.
    """
    (elsewhere,) = await bench.stations(silent())
    await bench.configure(server_address=elsewhere.address, await_registration=False)
    begun = now()

    server = bench.pbx_name if given == "name" else bench.pbx_address
    await bench.configure(server_address=server, await_registration=False)

    asked = registration().where(
        f"REGISTER for {server} from device to PBX",
        request_uri=Condition(regex=rf"sip:{_literal(server)}[:;]?.*"),
    )
    await bench.expect("CFG-03", asked, within=2 * PROMPT, after=begun)
    await bench.expect("CFG-03", registered(), within=PROMPT, after=begun)


@scenario("CFG-04")
async def test_another_port_of_the_server_is_used_when_it_is_set(bench: Bench):
    """Registration and calls go to the configured port of the server.

    A server that does not live at the usual port would be out of the device's reach.
    """
    (desk,) = await bench.stations(busy())
    await bench.configure(call_number=desk.number)
    port = bench.pbx_other_port
    begun = now()

    await bench.configure(call_number=desk.number, server_port=port, await_registration=False)

    there = Condition(one_of=(f"{bench.pbx_address}:{port}",))
    asked = registration().where(f"REGISTER at port {port}", destination=there)
    first = await bench.expect("CFG-04", asked, within=PROMPT, after=begun)
    await bench.require(registered(), within=PROMPT, after=first.time)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    called = invite(sender=DEVICE, to=desk.number).where(f"INVITE at port {port}", destination=there)
    await bench.expect("CFG-04", called, within=0.1, after=pressed)


@scenario("CFG-05")
async def test_a_short_polling_interval_is_taken_with_a_warning(bench: Bench):
    """Below the recommended minimum of 30 s the interval is taken, and the administrator is warned.

    A hundred doors with a short interval would wear the server down, and nobody would have been told.
    """
    await bench.configure()
    for interval in (3600, 30, 29):
        submitted = await bench.submit({"polling_interval": interval})
        await bench.expect("CFG-05", configuration(accepted=True), within=0.1, after=submitted)
    warned = configuration(accepted=True).where("warning about 29 s", message=Condition(regex=r"(?s).+"))
    await bench.expect("CFG-05", warned, within=0.1, after=submitted)


@scenario("CFG-06")
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_all_sip_of_the_device_uses_the_chosen_transport(bench: Bench, transport: Transport):
    """Registration, calls placed and calls taken all use the transport that was set (RFC 3261 §18.1.1).

    A firewall that lets one transport through would cut the door off, or half of its calls.
    """
    (desk,) = await bench.stations(answers(hang_up_after=0.2))
    other = Transport.TCP if transport is Transport.UDP else Transport.UDP
    callers = (desk.number,)
    await bench.configure(call_number=desk.number, permitted_callers=callers)
    if transport is Transport.UDP:
        await bench.configure(call_number=desk.number, permitted_callers=callers, transport=other)
    begun = now()

    await bench.configure(
        call_number=desk.number, permitted_callers=callers, transport=transport, await_registration=False
    )

    chosen = registered().where(f"registration over {transport}", transport=transport.value)
    known = await bench.expect("CFG-06", chosen, within=2 * PROMPT, after=begun)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    called = CALLED_AT_ALL.where(f"INVITE over {transport}", transport=transport.value)
    await bench.expect("CFG-06", called, within=0.1, after=pressed)
    await bench.require(request("BYE", sender=PBX, receiver=DEVICE), within=PROMPT, after=pressed)
    strayed = from_device().where(f"SIP over {other} from device", transport=other.value)
    bench.at_end("CFG-06", strayed, at_least=0, at_most=0, after=known.time)


@scenario("CFG-09")
@pytest.mark.parametrize("username", ["frontdoor9", "Z" * 64])
async def test_the_username_is_the_one_the_device_authenticates_with(bench: Bench, username: str):
    """Letters and digits in any mix are taken, and answer the server's challenge (RFC 3261 §22.4).

    The device could not prove who it is, and no call would ever reach it.
    """
    await bench.configure(auth_username=username, await_registration=False)

    await bench.require(with_credentials(registration(), "Authorization"), within=PROMPT)
    as_user = with_credentials(registration(), "Authorization", username=username)
    await bench.expect("CFG-09", as_user, within=PROMPT)
    await bench.expect("CFG-09", registered(), within=PROMPT)


@scenario("CFG-10")
@pytest.mark.parametrize("password", ["x", 'Pa$$ "w0rd" \\ :,;=@%41 é日', "0123456789abcdef" * 4])
async def test_the_password_is_used_as_it_was_entered(bench: Bench, password: str):
    """Whatever the password holds, it is what answers the server's challenge (RFC 3261 §22.4).

    A password that only looks entered leaves the door unreachable, or invites a weak one.
    """
    await bench.configure()
    changed = now()
    await bench.configure(auth_password=password, await_registration=False)

    await bench.require(with_credentials(registration(), "Authorization"), within=PROMPT, after=changed)
    await bench.expect("CFG-10", registered(), within=PROMPT, after=changed)


@scenario("CFG-10")
async def test_a_dummy_password_does_no_harm_where_none_is_asked_for(bench: Bench):
    """At a server that asks for no password the device registers whatever the field holds.

    An installer would look for a fault that is none.
    """
    await bench.configure(pbx_password="")

    submitted = await bench.submit({"auth_password": "dummy"})

    await bench.expect("CFG-10", configuration(accepted=True), within=0.1, after=submitted)
    await bench.expect("CFG-10", registered(), within=PROMPT, after=submitted)


@scenario("CFG-11")
@pytest.mark.parametrize("name", ["Tür 2, Hof", 'Gate "B" \\ left'])
async def test_the_display_name_is_what_the_remote_is_shown(bench: Bench, name: str):
    """The From header of a placed call carries the display name (RFC 3261 §20.20).

    The guard would not know which of forty doors is calling.
    """
    (desk,) = await bench.stations(busy())
    await bench.configure(call_number=desk.number, display_name=name)

    pressed = await bench.intercom.press_button()

    called = await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    shown = CALLED_AT_ALL.where(f"INVITE with the display name {name}", from_display=name)
    await bench.expect("CFG-11", shown, within=0.1, after=called.time)


@scenario("CFG-12")
@pytest.mark.parametrize("extension", ["7", "FrontDoor3401"])
async def test_the_extension_is_the_identity_at_the_server(bench: Bench, extension: str):
    """The device registers, and calls, as its extension (RFC 3261 §10.2: the address-of-record).

    Two doors would answer to one number, or none to this one.
    """
    (desk,) = await bench.stations(busy())
    await bench.configure(extension=extension, call_number=desk.number, await_registration=False)

    known = registration()
    await bench.require(known, within=PROMPT)
    itself = Condition(regex=rf"sip:{extension}@.*")
    await bench.expect("CFG-12", known.where(f"REGISTER of {extension}", to_uri=itself), within=0.1)
    await bench.require(registered(), within=PROMPT)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    await bench.expect("CFG-12", CALLED_AT_ALL.where(f"INVITE of {extension}", from_uri=itself), within=0.1)


@scenario("CFG-13")
@pytest.mark.parametrize("form", ["short", "full"])
async def test_the_call_number_is_taken_in_short_and_full_form(bench: Bench, form: str):
    """The number that the button calls may be an extension, or a whole SIP address.

    An installer who follows the manual would be turned away by the form.
    """
    desk, other = await bench.stations(busy(), busy())
    short, full = "{}", bench.at_server("{}")
    before, after = (full, short) if form == "short" else (short, full)
    await bench.configure(call_number=before.format(other.number))
    number = after.format(desk.number)

    submitted = await bench.submit({"call_number": number})

    await bench.expect("CFG-13", configuration(accepted=True), within=0.1, after=submitted)
    pressed = await bench.intercom.press_button()
    await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
    await bench.expect("CFG-13", invite(sender=DEVICE, to=desk.number), within=0.1, after=pressed)


@scenario("CFG-14")
@pytest.mark.parametrize("order", [(3, 1, 2), (2, 3, 1)])
async def test_further_numbers_are_called_in_the_order_in_which_they_stand(
    bench: Bench, order: tuple[int, ...]
):
    """Further contacts may be short or full, and their order is the order of calling.

    The night guard would be woken before anybody asked at the desk.
    """
    stations = await bench.stations(busy(), busy(), busy(), busy())
    numbers = [stations[place].number for place in order]
    full = bench.at_server(numbers[1])
    await bench.configure(call_number=stations[0].number, further_numbers=(numbers[0], full, numbers[2]))

    reached = await bench.intercom.press_button()

    for number in numbers:  # in whatever order: a device that gives up early breaks another rule
        await bench.require(invite(sender=DEVICE, to=number), within=PROMPT, after=reached)
    dialled = _dialled(bench, reached)
    bench.measure(
        "CFG-14",
        f"contacts called in the order {', '.join(numbers)}",
        float(sum(was == wanted for was, wanted in zip(dialled[1:], numbers, strict=False))),
        "contacts",
        low=3,
        high=3,
    )


@scenario("CFG-15")
async def test_the_microphone_volume_changes_the_level_that_is_sent(bench: Bench):
    """Each doubling of the microphone volume raises the level of the tone on the wire (dBov, RFC 6464 §3).

    A visitor in a noisy street could not be made louder.
    """
    (desk,) = await bench.stations(answers())
    sent = tone(bench.microphone_tone, sender=DEVICE, receiver=PBX)
    levels = [
        await _level(bench, sent, call_number=desk.number, microphone_volume=volume) for volume in VOLUMES
    ]
    _measure_steps(bench, "CFG-15", levels)


@scenario("CFG-16")
async def test_the_speaker_volume_changes_the_level_that_is_heard(bench: Bench):
    """Each doubling of the speaker volume raises the level of the tone at the speaker (dBov).

    A visitor could not hear the guard over the street.
    """
    (desk,) = await bench.stations(answers(tone_hz=1000))
    levels = [
        await _level(bench, speaker_tone(1000), call_number=desk.number, speaker_volume=volume)
        for volume in VOLUMES
    ]
    _measure_steps(bench, "CFG-16", levels)


@scenario("CFG-17")
async def test_the_call_timeout_is_how_long_an_unanswered_call_lasts(bench: Bench):
    """An unanswered call is ended after the configured number of seconds, whichever it is.

    A visitor would wait for ever, or the guard would never get to the telephone in time.
    """
    (desk,) = await bench.stations(rings_forever())
    for timeout in (1, 2):
        await bench.configure(call_number=desk.number, call_timeout=timeout)
        pressed = await bench.intercom.press_button()
        dialled = await bench.require(CALLED_AT_ALL, within=PROMPT, after=pressed)
        given_up = request("CANCEL", sender=DEVICE)
        ended = await bench.require(given_up, within=timeout + 2 * PROMPT, after=dialled.time)
        bench.measure(
            "CFG-17",
            f"time from INVITE to CANCEL with a timeout of {timeout} s",
            ended.time - dialled.time,
            "s",
            low=timeout - TIMEOUT_TOLERANCE,
            high=timeout + TIMEOUT_TOLERANCE,
            of=(dialled, ended),
        )
        await bench.require(refusal(sender=PBX, receiver=DEVICE), within=PROMPT, after=ended.time)


@scenario("CFG-20")
@pytest.mark.parametrize("count", [1, 20])
async def test_the_list_of_permitted_callers_takes_entries_in_both_forms(bench: Bench, count: int):
    """One entry or many, short or full, are taken, and the last of them is admitted like the first.

    The one colleague too many for the list would never reach the door.
    """
    caller = bench.number(0)
    await bench.configure()
    others = [f"sip:{5000 + n}@{bench.pbx_address}" if n % 2 else str(5000 + n) for n in range(count - 1)]

    submitted = await bench.submit({"permitted_callers": [*others, caller]})

    await bench.expect("CFG-20", configuration(accepted=True), within=0.1, after=submitted)
    await bench.call_device(caller=caller)
    rung = await bench.require(invite(sender=PBX, receiver=DEVICE), within=PROMPT)
    turned_away = response((403, 403), "INVITE", sender=DEVICE)
    await bench.never("CFG-20", turned_away, during=0.3, after=rung.time)


async def _level(bench: Bench, heard: Pattern, **settings: object) -> float:
    """Place a call under these settings and return the level of a tone in it: the middle of three windows."""
    await bench.configure(**settings)
    pressed = await bench.intercom.press_button()
    up = await bench.require(answer(sender=PBX, receiver=DEVICE), within=PROMPT, after=pressed)
    windows: list[Observation] = []
    after = up.time
    for _ in range(3):
        windows.append(await bench.require(heard, within=PROMPT, after=after))
        after = windows[-1].time + 0.001
    return statistics.median(window.content.level_dbov for window in windows)


def _measure_steps(bench: Bench, requirement: str, levels: list[float]) -> None:
    for (low, quiet), (high, loud) in pairwise(zip(VOLUMES, levels, strict=True)):
        step = f"step in level from volume {low} to {high}"
        bench.measure(requirement, step, loud - quiet, "dB", low=SMALLEST_STEP - LEVEL_TOLERANCE)


def _dialled(bench: Bench, after: float) -> list[str]:
    called = bench.seen(CALLED_AT_ALL, after=after)
    users = (o.content.request_uri.partition(":")[2].partition("@")[0] for o in called)
    return list(dict.fromkeys(users))


def _literal(text: str) -> str:
    return text.replace(".", r"\.")
