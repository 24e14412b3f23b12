"""A portal map as it is read: what comes along, what is refused, and by what words things are found."""

import tomllib

import pytest

from intercom_hil.browser.portal_map import NAMES, PortalMap, Target, read_map, shipped_map
from intercom_hil.browser.wanted import File, Odd, wanted
from intercom_hil.errors import BenchError
from intercom_hil.spec.settings import ProxySettings, SipSettings

MINIMAL = """
title = "Door"
[log_in]
done = { text = "Welcome" }
needed = { label = "User" }
[[log_in.steps]]
name = "enter the account"
fill = { label = "User" }
with = "{account}"
[[ways.form]]
name = "SIP"
click = { role = "link", name = "SIP" }
[form]
submit = { role = "button", name = "Save" }
[settings.extension]
label = "Number"
[answer]
taken = { text = "Saved" }
refused = { role = "alert" }
"""


def written(tmp_path, text):
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_map_that_comes_along_has_every_setting():
    assert set(read_map().settings) == set(NAMES) - {"proxy"}
    assert set(read_map().ways) == {"form", "events"}


def test_a_map_needs_little(tmp_path):
    known = read_map(written(tmp_path, MINIMAL))
    assert known.form.pages == ()
    assert known.settings["extension"].kind == "text"
    assert known.log_in.steps[0].text == "{account}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('label = "Number"', "", "settings.extension: give one of label, role"),
        ('label = "Number"', 'label = "Number"\nselector = "#n"', "it has label and selector"),
        ('label = "Number"', 'label = "Number"\nkind = "slider"', "settings.extension.kind"),
        ('label = "Number"', 'label = "Number"\nadd = { text = "+" }', "add is for the kind list"),
        ('label = "Number"', 'label = "Number"\npage = "two"', "form.pages has no 'two'"),
        ("[settings.extension]", "[settings.colour]", "'colour' is no setting"),
        ("[[ways.form]]", "[[ways.elsewhere]]", "ways.form is missing"),
        ('with = "{account}"', "", '"with" goes with fill'),
        ('click = { role = "link", name = "SIP" }', "", "give one of open, click"),
        ('taken = { text = "Saved" }', "", "answer.taken: Field required"),
        ('refused = { role = "alert" }', 'refused = { rule = "alert" }', "answer.refused[0].rule"),
        ('done = { text = "Welcome" }', 'done = { label = "A", name = "B" }', "name goes with role"),
        ("[form]", "[form", "not a TOML file"),
    ],
)
def test_a_wrong_map_is_refused_by_file_field_and_remedy(tmp_path, old, new, said):
    assert old in MINIMAL
    path = written(tmp_path, MINIMAL.replace(old, new))
    with pytest.raises(BenchError) as raised:
        read_map(path)
    assert raised.value.where == str(path)
    assert said in raised.value.what
    assert raised.value.remedy


def test_a_map_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(BenchError, match="No such file"):
        read_map(tmp_path / "nowhere.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(BenchError, match="not UTF-8"):
        read_map(binary)


def test_what_is_looked_for_is_said_in_words():
    target = Target(role="link", name="{device}", within={"role": "table"}, frame="#main")
    assert str(target.filled({"device": "Front door"})) == (
        "a link 'Front door', within a table, in the frame '#main'"
    )
    assert str(Target(label="Port", within="SIP Server")) == (
        "a field labelled 'Port', within a group 'SIP Server'"
    )


def test_all_of_a_form_can_be_in_a_dialogue_in_a_frame(tmp_path):
    text = MINIMAL.replace("[form]", '[form]\nwithin = { role = "dialog" }\nframe = "iframe"')
    known = read_map(written(tmp_path, text))
    inner = known.placed(Target(label="Port", within="Server"))
    assert (inner.frame, str(inner.within)) == ("iframe", "a group 'Server', within a dialog")


def settings(**others):
    usual = {
        "server_address": "192.0.2.10",
        "auth_username": "3401",
        "auth_password": "a-password",
        "extension": "3401",
        "call_number": "3400",
    }
    return SipSettings(**{**usual, **others}).model_dump(mode="json")


def test_a_configuration_becomes_what_is_entered():
    proxy = ProxySettings(username="gate", address="192.0.2.11", password="of-the-gate", port=5080)
    found = wanted(settings(further_numbers=("1", "2"), proxy=proxy, ca_certificate="PEM"), read_map())
    assert found.impossible == ()
    assert found.values["server_port"] == "5060"
    assert found.values["allow_incoming"] is True
    assert found.values["further_numbers"] == ["1", "2"]
    assert found.values["ca_certificate"] == File("ca.pem", b"PEM")
    assert found.values["proxy.port"] == "5080"


def test_a_proxy_that_is_not_wanted_is_emptied():
    found = wanted(settings(), read_map())
    assert {name: value for name, value in found.values.items() if name.startswith("proxy")} == {
        f"proxy.{name}": "" for name in ("username", "address", "password", "port")
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("further_numbers", "3401"),
        ("further_numbers", [""]),
        ("server_port", []),
        ("extension", {}),
        ("transport", ["UDP"]),
        ("colour", "red"),
        ("proxy", "192.0.2.11"),
    ],
)
def test_what_no_form_has_a_way_to_enter_is_impossible(field, value):
    assert wanted({**settings(), field: value}, read_map()).impossible == (field,)


def test_what_is_no_state_of_a_switch_can_still_be_sent():
    found = wanted({**settings(), "allow_incoming": 2, "encryption": True}, read_map())
    assert (found.values["allow_incoming"], found.values["encryption"]) == (Odd("2"), Odd("True"))


def test_a_setting_that_the_form_lacks_is_impossible_only_where_it_is_not_the_usual():
    known = tomllib.loads(shipped_map().read_text(encoding="utf-8"))
    del known["settings"]["video_calls"]
    without = PortalMap.model_validate(known)
    assert wanted(settings(), without).impossible == ()
    assert wanted(settings(video_calls="Both"), without).impossible == ("video_calls",)
