"""CFG and EVT as a person meets them in a browser: the form, the doors to it, and the list of events.

Where the bench uses no browser these do not apply: what the device does with its settings, other scenarios
find out by whatever way the bench has.
"""

import pytest

from intercom_hil.scenario import (
    DEVICE,
    FORM_LABELS,
    PBX,
    RECOMMENDED_POLLING,
    WHEN_PLAYED,
    Addresses,
    Bench,
    Capability,
    Condition,
    Role,
    Settings,
    answers,
    busy,
    configuration,
    event,
    events,
    in_form,
    invite,
    looked_for,
    looked_for_event,
    now,
    readable,
    rejection,
    request,
    scenario,
    tls_said,
    tone,
    unlisted,
    way_in,
    without_field,
    without_one_more,
)

PAGES = Capability.PORTAL_PAGES
FORM_ROWS = tuple(dict.fromkeys(field.requirement for field in FORM_LABELS.values()))
IDENTIFYING = ("auth_username", "extension", "call_number", "display_name")
"""Settings whose values are of no use in each other's field."""
WRONG = {
    "auth_username": "front door",
    "extension": "34-01",
    "server_port": 65_536,
    "call_number": "front desk",
}
"""Values that the page's rules leave no room for (CFG-04, CFG-09, CFG-12, CFG-13)."""


def _unlike(at: Addresses) -> Settings:
    return Settings(
        auth_username="frontdoor9",
        further_numbers=(at.number(1),),
        permitted_callers=(at.number(0),),
    )


@scenario(*FORM_ROWS, needs=PAGES, settings=_unlike)
async def test_the_form_has_every_setting_under_its_label(bench: Bench) -> None:
    """Each setting is in the form under the label that the manual has, and passwords cannot be read there.

    An installer with the manual in his hand would fill in the wrong field, or look for one that is not there.
    """
    await bench.configure()

    looked = await bench.look_at_form()

    for setting, field in FORM_LABELS.items():
        bench.at_end(
            field.requirement,
            without_field(setting),
            at_least=0,
            at_most=0,
            after=looked,
            provided=looked_for(setting),
        )
    values = {
        "auth_username": "frontdoor9",
        "extension": bench.extension,
        "call_number": bench.number(0),
        "display_name": bench.display_name,
    }
    for setting in IDENTIFYING:
        others = {value for name, value in values.items() if name != setting} - {values[setting], ""}
        mistaken = in_form(setting, *sorted(others))
        bench.at_end(
            FORM_LABELS[setting].requirement,
            mistaken,
            at_least=0,
            at_most=0,
            after=looked,
            provided=readable(setting),
        )
    secret = in_form("auth_password", "readable")
    bench.at_end("CFG-10", secret, at_least=0, at_most=0, after=looked, provided=readable("auth_password"))


@scenario("CFG-02", needs=PAGES)
async def test_the_administrator_changes_a_setting_in_seven_steps(bench: Bench) -> None:
    """Devices, the device, Settings > Modify, SIP Configuration, the toggle, the form, Submit: then it holds.

    The one who may change the door's settings could not, and would have to call the vendor.
    """
    _, other = await bench.stations(busy(), busy())
    await bench.configure()

    submitted = await bench.submit_on_page({"call_number": other.number})

    await bench.already_seen("CFG-02", configuration(accepted=True), after=submitted)
    pressed = await bench.intercom.press_button()
    called = invite(sender=DEVICE, to=other.number)
    await bench.expect("CFG-02", called, within=bench.timing.dial, after=pressed)


@scenario("CFG-02", needs=PAGES)
@pytest.mark.parametrize("by", ["viewer", "nobody"])
async def test_others_meet_a_closed_door_in_the_pages_and_behind_them(bench: Bench, by: Role) -> None:
    """Another role is shown no way to the form, has none at its address, and is refused the request itself.

    Whoever may look at the door's settings could send every visitor's call to himself.
    """
    _, decoy = await bench.stations(busy(), busy())
    await bench.configure()

    looked = await bench.look_for_way_in(by)
    submitted = await bench.submit_on_page({"call_number": decoy.number}, by=by)

    bench.at_end("CFG-02", way_in(by, shown=True), at_least=0, at_most=0, after=looked)
    bench.at_end("CFG-02", way_in(by, address_open=True), at_least=0, at_most=0, after=looked)
    bench.at_end("CFG-02", configuration(accepted=True), at_least=0, at_most=0, after=submitted)
    pressed = await bench.intercom.press_button()
    await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=pressed)
    bench.never_in_scenario("CFG-02", invite(sender=DEVICE, to=decoy.number))


@scenario("CFG-22", needs=(PAGES, Capability.VALIDATION))
async def test_a_wrong_value_is_refused_and_its_field_is_named(bench: Bench) -> None:
    """A wrong value is refused at its field by the device, whatever the browser's own check makes of it.

    The installer would look for a mistake that he cannot see, or believe that there is none.
    """
    desk, decoy = await bench.stations(busy(), busy())
    await bench.configure()

    for setting, value in WRONG.items():
        besides = {} if setting == "call_number" else {"call_number": decoy.number}
        submitted = await bench.submit_on_page({**besides, setting: value})
        await bench.already_seen("CFG-22", configuration(accepted=False), after=submitted)
        named = configuration(accepted=False, field=setting)
        await bench.already_seen("CFG-22", named, after=submitted)

    pressed = await bench.intercom.press_button()
    await bench.require(invite(sender=DEVICE), within=bench.timing.dial, after=pressed)
    await bench.already_seen("CFG-22", invite(sender=DEVICE, to=desk.number), after=pressed)


@scenario("CFG-01", "CFG-19", needs=PAGES)
async def test_a_toggle_is_as_it_was_left(bench: Bench) -> None:
    """SIP and Allow Incoming Calls are off in the form when they were submitted so.

    The owner would believe that nobody can listen in any more.
    """
    await bench.configure()

    submitted = await bench.submit_on_page({"enabled": False, "allow_incoming": False})

    await bench.require(configuration(accepted=True), within=bench.timing.remote, after=submitted)
    looked = await bench.look_at_form()
    for setting in ("enabled", "allow_incoming"):
        row = FORM_LABELS[setting].requirement
        on = in_form(setting, "on")
        bench.at_end(row, on, at_least=0, at_most=0, after=looked, provided=readable(setting))


@scenario("CFG-05", needs=(PAGES, Capability.VALIDATION))
async def test_the_page_warns_of_a_short_polling_interval(bench: Bench) -> None:
    """Below the recommended minimum the interval is taken, and the page says that it is short.

    A hundred doors with a short interval would wear the server down, and nobody would have been told.
    """
    interval = RECOMMENDED_POLLING - 1
    await bench.configure()
    bench.within_limits(polling_interval=interval)

    submitted = await bench.submit_on_page({"polling_interval": interval})

    taken = configuration(accepted=True)
    await bench.already_seen("CFG-05", taken, after=submitted)
    warned = taken.where(f"warning about {interval} s", message=Condition(none_of=("",)))
    await bench.already_seen("CFG-05", warned, after=submitted)


@scenario("CFG-14", needs=PAGES)
async def test_the_plus_icon_adds_a_further_number(bench: Bench) -> None:
    """Each press of the plus icon adds a field for one more number.

    The night guard could not be entered, and nobody would answer after hours.
    """
    await bench.configure()

    pressed = await bench.press_plus("further_numbers")

    bench.at_end("CFG-14", without_one_more("further_numbers"), at_least=0, at_most=0, after=pressed)


@scenario("CFG-07", needs=PAGES, settings=WHEN_PLAYED)
async def test_a_certificate_that_is_uploaded_in_the_form_is_used(bench: Bench) -> None:
    """With the bench's authority uploaded the device trusts the bench's server; the way to it is the form.

    The installer would believe that the door checks its server, or could not get it to register at all.
    """
    server = await bench.tls_server("for address and name")
    await bench.configure(**server, await_registration=False)
    await bench.require(tls_said(), within=bench.timing.registered)
    await bench.configure()

    submitted = await bench.submit_on_page(server)

    await bench.already_seen("CFG-07", configuration(accepted=True), after=submitted)
    await bench.expect("CFG-07", tls_said(), within=bench.timing.registered, after=submitted)


def _tries_one(at: Addresses) -> Settings:
    return Settings(call_timeout=at.limits.short_call_timeout)


@scenario("EVT-01", "EVT-02", "EVT-03", "EVT-04", "EVT-05", needs=PAGES, settings=_tries_one)
async def test_the_list_of_events_shows_the_screen_names_of_placed_calls(bench: Bench) -> None:
    """Each event of placed calls is in the portal's list, under its screen name, once it is logged.

    Whoever looks into the list after an incident would find nothing, or words that no manual has.
    """
    long_enough = bench.timing.answer + bench.timing.log + bench.timing.short_call
    _, other = await bench.stations(answers(hang_up_after=long_enough), busy())
    await bench.configure()
    await bench.look_at_events()

    pressed = await bench.intercom.press_button()
    ended = request("BYE", sender=PBX, receiver=DEVICE)
    await bench.require(ended, within=bench.timing.called + long_enough + bench.timing.watch, after=pressed)
    await bench.configure(call_number=other.number)
    again = await bench.intercom.press_button()
    exhausted = event(events.OUTGOING_CONTACTS_EXHAUSTED)
    await bench.happens(exhausted, within=bench.timing.called + bench.timing.log, after=again)

    await _lists(
        bench,
        pressed,
        events.OUTGOING_INITIATED,
        events.OUTGOING_ESTABLISHED,
        events.OUTGOING_FAILURE,
        events.OUTGOING_REMOTE_HANGUP,
        events.OUTGOING_CONTACTS_EXHAUSTED,
    )


def _lets_two_in(at: Addresses) -> Settings:
    return Settings(permitted_callers=(at.number(0), at.direct_caller_uri(2)))


@scenario("EVT-06", "EVT-07", "EVT-08", "EVT-09", "EVT-10", needs=PAGES, settings=_lets_two_in)
async def test_the_list_of_events_shows_the_screen_names_of_calls_to_the_device(bench: Bench) -> None:
    """Each event of calls to the device is in the portal's list, under its screen name, once it is logged.

    Nobody would learn from the list that somebody listened at the door, or tried to.
    """
    timing = bench.timing
    await bench.configure()
    begun = await bench.look_at_events()

    await bench.call_device(caller=bench.number(1), place=0)
    turned_away = await bench.require(rejection(sender=DEVICE, receiver=PBX), within=timing.taken)
    await bench.call_device(caller=bench.number(0), place=1, hang_up_after=timing.short_call)
    hung_up = request("BYE", sender=PBX, receiver=DEVICE)
    await bench.require(hung_up, within=timing.taken + timing.watch, after=turned_away)
    caller = await bench.call_device(
        caller=bench.number(2), place=2, direct=True, mute_after=timing.short_call
    )
    given_up = request("BYE", sender=DEVICE, receiver=caller.number)
    if await bench.happens(given_up, within=timing.taken + timing.media_loss) is None:
        await caller.stop()  # the RFCs leave it to the device whether it ever takes a silent caller for lost
    fourth = now()
    await bench.call_device(caller=bench.number(0), place=3)
    up = await bench.taken(PBX, after=fourth)
    await bench.require(tone(bench.microphone_tone, sender=DEVICE), within=timing.answer, after=up)
    await bench.intercom.press_button()
    ended = request("BYE", sender=DEVICE, receiver=PBX)
    await bench.require(ended, within=timing.hang_up, after=up)
    await bench.happens(event(events.INCOMING_LOCAL_HANGUP), within=timing.log, after=up)

    await _lists(
        bench,
        begun,
        events.INCOMING_REJECTED,
        events.INCOMING_RECEIVED,
        events.INCOMING_FAILURE,
        events.INCOMING_REMOTE_HANGUP,
        events.INCOMING_LOCAL_HANGUP,
    )


async def _lists(bench: Bench, since: float, *kinds: events.EventKind) -> None:
    """Look at the list, and judge each event of which the device's log has told by then."""
    await bench.look_at_events(*(kind for kind in kinds if bench.seen(event(kind), after=since)))
    for kind in kinds:
        bench.at_end(
            kind.requirement,
            unlisted(kind),
            at_least=0,
            at_most=0,
            after=since,
            provided=looked_for_event(kind),
        )
