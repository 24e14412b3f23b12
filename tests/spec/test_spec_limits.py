"""What a device takes as settings, and how fast it is, by what the bench file says."""

import pytest
from pydantic import ValidationError

from intercom_hil.spec.limits import Limits
from intercom_hil.spec.settings import SipSettings
from intercom_hil.spec.timing import Timing

PLAIN = SipSettings(
    server_address="192.0.2.10", auth_username="3401", auth_password="x", extension="3401", call_number="3410"
)
FULL = PLAIN.model_copy(
    update={
        "auth_username": "Z" * 64,
        "extension": "a" * 64,
        "auth_password": "x" * 128,
        "display_name": "x" * 128,
        "further_numbers": ("1",) * 100,
        "permitted_callers": ("1",) * 100,
        "call_timeout": 600,
        "polling_interval": 86_400,
        "server_port": 1,
    }
)


@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
def test_the_limits_that_nobody_declares_are_those_of_the_form(settings):
    assert Limits().excess(SipSettings.model_validate(settings.model_dump()), (5060,)) is None


@pytest.mark.parametrize(
    ("limit", "value", "beyond", "setting"),
    [
        ("call_timeout", (10, 600), {"call_timeout": 9}, "call_timeout"),
        ("call_timeout", (1, 60), {"call_timeout": 61}, "call_timeout"),
        ("polling_interval", (30, 3600), {"polling_interval": 29}, "polling_interval"),
        ("contacts", 2, {"further_numbers": ("1", "2")}, "further_numbers"),
        ("permitted_callers", 1, {"permitted_callers": ("1", "2")}, "permitted_callers"),
        ("extension_length", 4, {"extension": "12345"}, "extension"),
        ("username_length", 4, {"auth_username": "12345"}, "auth_username"),
        ("password_length", 4, {"auth_password": "12345"}, "auth_password"),
        ("display_name_length", 4, {"display_name": "12345"}, "display_name"),
        ("letters_in_extension", False, {"extension": "A1"}, "extension"),
        ("other_server_port", False, {"server_port": 5062}, "server_port"),
    ],
)
def test_what_is_beyond_a_limit_is_said_with_the_limit_and_the_setting(limit, value, beyond, setting):
    limits = Limits(**{limit: value})
    within = {"call_timeout": 30, "polling_interval": 60, "server_port": 5060}
    assert limits.excess(PLAIN.model_copy(update=within), (5060,)) is None
    for wanted in (beyond, PLAIN.model_copy(update=within | beyond)):
        excess = limits.excess(wanted, (5060,))
        assert excess is not None
        assert (excess.limit, excess.setting) == (limit, setting)
        assert f"(device.limits.{limit})" in str(excess)


def test_a_scenario_is_given_values_that_the_device_takes():
    narrow = Limits(call_timeout=(10, 15), polling_interval=(60, 7200))
    assert narrow.call_timeouts == (10, 15)
    assert narrow.lasting_call_timeout == 15
    assert (narrow.short_polling_interval, narrow.steady_polling_interval) == (60, 60)
    assert narrow.idle_polling_interval == 60
    assert narrow.nearest("call_timeout", 30) == 15
    usual = Limits()
    assert (usual.short_call_timeout, usual.call_timeouts) == (1, (1, 2))
    assert usual.lasting_call_timeout == 37
    assert (usual.short_polling_interval, usual.steady_polling_interval) == (1, 2)


@pytest.mark.parametrize(
    "wrong",
    [{"call_timeout": (10, 5)}, {"contacts": 0}, {"codecs": ()}, {"codecs": ("opus",)}, {"colour": 1}],
)
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Limits.model_validate(wrong)


def test_a_slow_device_is_watched_longer_and_its_scenarios_may_last_longer():
    usual, slow = Timing(), Timing(apply=23, registration=10, dial=4)
    assert (usual.slowness, usual.watch, usual.registered) == (1.0, 1.0, 3.0)
    assert slow.watch == 2 * usual.watch
    assert slow.slowness == 11.0
    assert slow.registered == 33


@pytest.mark.parametrize("wrong", [{"dial": 0}, {"apply": -1}, {"log": 1e9}, {"colour": 1}])
def test_times_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Timing.model_validate(wrong)
