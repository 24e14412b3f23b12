"""A slow device in virtual time: it does what the quick one does, later, and restarts for new settings."""

import pytest

from intercom_hil.emulator.form_reading import read_settings
from intercom_hil.emulator.logic import BANNER, Logic
from intercom_hil.emulator.pace import SLOW, Pace, Slowed
from intercom_hil.emulator.vocabulary import (
    Announce,
    Apply,
    ButtonPressed,
    Configured,
    Dial,
    Ended,
    HangUp,
    OpenPortal,
    PoweredOn,
    StartTimer,
    TimerFired,
    Withdraw,
    WriteEvent,
)

SERVER = "127.0.0.10"


def form(**changes):
    base = {"server_address": SERVER, "auth_username": "a", "auth_password": "b", "extension": "1001"}
    settings = read_settings({**base, "call_number": "3400", **changes})
    return Configured(settings, {SERVER: frozenset({SERVER})})


def of_kind(outputs, *kinds):
    return [output for output in outputs if isinstance(output, kinds)]


def timer(outputs):
    """Return what lets the one timer run out that the pace has started, and check how long that takes."""
    (started,) = [o for o in of_kind(outputs, StartTimer) if o.name.startswith("pace: ")]
    assert started.seconds > 0
    return TimerFired(started.name)


def configured(pace, **changes):
    slow = Slowed(pace, Logic().step)
    slow.step(PoweredOn())
    outputs = slow.step(form(**changes))
    while of_kind(outputs, StartTimer) and any(
        o.name.startswith("pace: ") for o in outputs if isinstance(o, StartTimer)
    ):
        outputs = slow.step(timer(outputs))
    return slow


def test_new_settings_cost_a_restart_without_sip_and_portal_and_come_into_force_after_it():
    slow = Slowed(SLOW, Logic().step)
    begun = slow.step(form())
    assert of_kind(begun, Withdraw, OpenPortal) == [Withdraw(), OpenPortal(opened=False)]
    assert of_kind(begun, Apply) == []
    assert slow.step(ButtonPressed()) == []

    restarted = slow.step(timer(begun))
    assert restarted[:2] == [BANNER, OpenPortal()]
    (applied,) = of_kind(restarted, Apply)
    assert not applied.register
    (registers,) = slow.step(timer(restarted))
    assert registers.register
    assert registers.settings == applied.settings


def test_settings_that_come_during_a_restart_are_those_that_come_into_force():
    slow = Slowed(SLOW, Logic().step)
    slow.step(form(extension="1001"))
    begun = slow.step(form(extension="1002"))
    (applied,) = of_kind(slow.step(timer(begun)), Apply)
    assert applied.settings.extension == "1002"


def test_a_press_is_followed_by_a_call_after_a_while_and_its_time_out_begins_then():
    slow = configured(Pace(dial=1.5))
    pressed = slow.step(ButtonPressed())
    assert of_kind(pressed, WriteEvent) != []
    assert of_kind(pressed, Dial) == []
    later = slow.step(timer(pressed))
    assert [type(output) for output in later] == [Dial, StartTimer]


def test_a_press_before_the_call_is_placed_takes_it_back():
    slow = configured(Pace(dial=1.5))
    late = timer(slow.step(ButtonPressed()))
    assert of_kind(slow.step(ButtonPressed()), Dial, HangUp) == []
    assert slow.step(late) == []
    assert of_kind(slow.step(timer(slow.step(ButtonPressed()))), Dial) != []


def test_the_next_contact_is_called_after_a_while_too():
    slow = configured(Pace(dial=1.5), further_numbers=("3411",))
    (first,) = of_kind(slow.step(timer(slow.step(ButtonPressed()))), Dial)
    failed = slow.step(Ended(first.call, 486, "Busy Here"))
    (second,) = of_kind(slow.step(timer(failed)), Dial)
    assert "3411" in second.uri
    assert of_kind(slow.step(Ended(second.call, 486, "Busy Here")), Announce) != []


def test_a_pace_is_read_from_words():
    assert Pace.read("slow") == SLOW
    assert Pace.read("dial=1.5,restart=20") == Pace(dial=1.5, restart=20)


@pytest.mark.parametrize("text", ["", "fast", "dial", "dial=", "dial=-1", "dial=1e9", "dial=nan", "colour=1"])
def test_other_words_are_no_pace(text):
    with pytest.raises(ValueError, match=r"."):
        Pace.read(text)
