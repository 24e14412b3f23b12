"""Devices that take less than others: what the emulated intercom refuses is what the bench expects it to."""

import json

import pytest

from intercom_hil.emulator.form_reading import read_settings
from intercom_hil.emulator.limits import Limits
from intercom_hil.spec import limits as of_the_bench
from intercom_hil.spec.settings import SipSettings

PLAIN = {
    "server_address": "127.0.0.10",
    "auth_username": "3401",
    "auth_password": "dummy",
    "extension": "3401",
    "call_number": "3400",
}
USUAL_PORTS = (5060, 5061)
CASES = (
    ({"call_timeout": [10, 60]}, {"call_timeout": 9}, {"call_timeout": 10}),
    ({"call_timeout": [10, 60]}, {"call_timeout": 61}, {"call_timeout": 60}),
    ({"polling_interval": [60, 600]}, {"polling_interval": 601}, {"polling_interval": 600}),
    ({"contacts": 2}, {"further_numbers": ["1", "2"]}, {"further_numbers": ["1"]}),
    ({"permitted_callers": 1}, {"permitted_callers": ["1", "2"]}, {"permitted_callers": ["1"]}),
    ({"permitted_callers": 0}, {"permitted_callers": ["1"]}, {"permitted_callers": []}),
    ({"extension_length": 4}, {"extension": "34011"}, {"extension": "3401"}),
    ({"username_length": 4}, {"auth_username": "34011"}, {"auth_username": "a"}),
    ({"password_length": 5}, {"auth_password": "dummy1"}, {"auth_password": "d"}),
    ({"display_name_length": 4}, {"display_name": "Front"}, {"display_name": "Door"}),
    ({"letters_in_extension": False}, {"extension": "34a"}, {"extension": "34"}),
    ({"other_server_port": False}, {"server_port": 5070}, {"server_port": 5061}),
)


@pytest.mark.parametrize(("limits", "beyond", "within"), CASES, ids=str)
def test_a_limited_device_refuses_what_the_bench_holds_beyond_its_limits(limits, beyond, within):
    device, bench = Limits.read(json.dumps(limits)), of_the_bench.Limits.model_validate(limits)
    room = {"call_timeout": 30, "polling_interval": 300}
    taken, refused = PLAIN | room | within, PLAIN | room | beyond
    assert device.excess(read_settings(taken)) is None
    assert bench.excess(SipSettings.model_validate(taken), USUAL_PORTS) is None
    (field,) = beyond
    assert device.excess(read_settings(refused))[0] == field
    assert bench.excess(SipSettings.model_validate(refused), USUAL_PORTS).setting == field


def test_every_limit_of_the_bench_file_can_be_given_to_the_device():
    limits = of_the_bench.Limits()
    read = Limits.read(limits.model_dump_json())
    assert {name: getattr(read, name) for name in of_the_bench.Limits.model_fields} == limits.model_dump()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"colour": 1}',
        '{"call_timeout": [60, 10]}',
        '{"call_timeout": 60}',
        '{"contacts": true}',
        '{"contacts": -1}',
        '{"letters_in_extension": 1}',
        '{"codecs": 1}',
    ],
)
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Limits.read(text)
