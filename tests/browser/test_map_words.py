"""How a map spells values, what it knows a portal's messages by, and a log-in that the browser asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intercom_hil.browser.form import named_in
from intercom_hil.browser.portal_map import LogIn, Setting

CALLS = {
    "server_port": "Port",
    "proxy.port": "Proxy port",
    "call_timeout": "Wait",
    "auth_username": "Account, Login",
}


@pytest.mark.parametrize(
    ("written", "value", "spelt"),
    [
        ("{value}", "5060", "5060"),
        ("{value} %", "35", "35 %"),
        ("Level {value}", "7", "Level 7"),
        ("{minutes}:{seconds}", "75", "1:15"),
        ("{minutes}:{seconds}", "3600", "60:00"),
        ("{minutes} min {seconds} s", "5", "0 min 05 s"),
        ("{minutes}:{seconds}", "soon", "soon"),
        ("{minutes}:{seconds}", "-1", "-1"),
        ("{value} %", "", ""),
    ],
)
def test_a_value_is_written_as_the_form_has_it_and_read_back(written, value, spelt):
    setting = Setting(label="x", written=written)
    assert setting.spelt(value) == spelt
    assert setting.meant(spelt) == value


@given(st.integers(0, 10**9 - 1))
def test_any_number_of_seconds_comes_back(seconds):
    setting = Setting(label="x", written="{minutes}:{seconds}")
    assert setting.meant(setting.spelt(str(seconds))) == str(seconds)


def test_values_that_are_spelt_out_come_first():
    setting = Setting(label="x", written="{value} s", values={"0": "never"})
    assert [setting.spelt(value) for value in ("0", "5")] == ["never", "5 s"]
    assert [setting.meant(text) for text in ("never", "5 s", "5")] == ["0", "5", "5"]


@pytest.mark.parametrize(
    "written", ["", "%", "{minutes}", "{minutes}{seconds}", "{hours}:{value}", "{value}{value}"]
)
def test_a_way_of_writing_that_could_not_be_read_is_refused(written):
    with pytest.raises(ValidationError, match="written"):
        Setting(label="x", written=written)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Port: must be a number", {"server_port"}),
        ("Not saved. Port must be 1 to 65535.", {"server_port"}),
        ("Not saved. Proxy port must be 1 to 65535.", {"proxy.port"}),
        ("Proxy port and port are the same.", {"proxy.port"}),
        ("WAIT IS WRONG", {"call_timeout"}),
        ("Account, Login: letters only", {"auth_username"}),
        ("Waiting for the portal failed", set()),
        ("Please log in", set()),
    ],
)
def test_a_message_names_the_field_that_it_begins_with_or_else_those_in_it(said, found):
    assert named_in([said], CALLS) == found


def test_a_log_in_needs_steps_unless_the_browser_asks():
    LogIn.model_validate({"basic": True, "done": {"text": "Welcome"}})
    with pytest.raises(ValidationError, match="give steps and needed; or basic = true"):
        LogIn.model_validate({"done": {"text": "Welcome"}})
