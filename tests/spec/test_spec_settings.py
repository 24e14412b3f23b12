"""The settings form at its borders: what CFG-22 must refuse is refused, by name, and nothing else is."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intercom_hil.spec.settings import REDACTED, Encryption, ProxySettings, SipSettings, Transport, VideoCalls

SMALLEST = {
    "server_address": "127.0.0.10",
    "auth_username": "3401",
    "auth_password": "dummy",
    "extension": "3401",
    "call_number": "3400",
}
PROXY = {"username": "edge", "address": "proxy.example.com", "password": "p", "port": 443}


def settings(**changes):
    return SipSettings.model_validate({**SMALLEST, **changes})


def refused_fields(**changes):
    """Return the names of the fields that the form complains about."""
    with pytest.raises(ValidationError) as caught:
        settings(**changes)
    return {str(error["loc"][0]) for error in caught.value.errors()}


def test_the_smallest_form_has_the_documented_defaults():
    form = settings()
    assert (form.server_port, form.polling_interval, form.transport) == (5060, 3600, Transport.UDP)
    assert (form.encryption, form.video_calls) == (Encryption.UNSET, VideoCalls.OFF)


def test_the_choices_are_the_literal_labels():
    assert [choice.value for choice in Transport] == ["UDP", "TCP", "TLS"]
    assert [choice.value for choice in Encryption] == [
        "",
        "RTP with Optional SRTP (Fallback Mode)",
        "SRTP-only",
    ]
    assert [choice.value for choice in VideoCalls] == ["Off", "Outgoing", "Incoming", "Both"]


@pytest.mark.parametrize("field", ["auth_username", "extension"])
@pytest.mark.parametrize("good", ["3401", "frontdoor3401", "FrontDoor", "0", "z" * 64])
def test_letters_and_digits_are_taken(field, good):
    assert getattr(settings(**{field: good}), field) == good


@pytest.mark.parametrize("field", ["auth_username", "extension"])
@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ",
        "34 01",
        "3401 ",
        "3401\n",
        "3401\x00",
        "front-door",
        "front_door",
        "front.door",
        "door@example.com",
        "sip:3401",
        "дверь",
        "d\N{CYRILLIC SMALL LETTER O}\N{CYRILLIC SMALL LETTER O}r",
        "\N{FULLWIDTH DIGIT THREE}",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "\N{SUPERSCRIPT TWO}",
        "\N{ROMAN NUMERAL FOUR}",
        "\N{LATIN SMALL LIGATURE FI}",
        "é",
        "\N{KELVIN SIGN}",
        "\N{LATIN SMALL LETTER LONG S}",
        "3401\N{ZERO WIDTH SPACE}",
        "z" * 65,
        3401,
        None,
        ["3401"],
    ],
)
def test_anything_but_ascii_letters_and_digits_is_refused_by_name(field, bad):
    assert refused_fields(**{field: bad}) == {field}


@given(st.text(max_size=80))
def test_a_name_is_taken_exactly_when_it_is_ascii_letters_and_digits(text):
    allowed = 1 <= len(text) <= 64 and set(text) <= set(string.ascii_letters + string.digits)
    if allowed:
        assert settings(extension=text).extension == text
    else:
        assert refused_fields(extension=text) == {"extension"}


@pytest.mark.parametrize("port", [1, 5060, 5061, 65535, "5060"])
def test_ports_within_the_range_are_taken(port):
    assert settings(server_port=port).server_port == int(port)
    assert settings(proxy={**PROXY, "port": port}).proxy.port == int(port)


@pytest.mark.parametrize(
    "port",
    [
        0,
        -1,
        65536,
        2**31,
        5060.5,
        "sip",
        "",
        "0x13C4",
        "\N{FULLWIDTH DIGIT FIVE}060",
        None,
        float("nan"),
        float("inf"),
    ],
)
def test_ports_outside_the_range_are_refused_by_name(port):
    assert refused_fields(server_port=port) == {"server_port"}
    assert refused_fields(proxy={**PROXY, "port": port}) == {"proxy"}


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("polling_interval", 1, 86_400),
        ("call_timeout", 1, 600),
        ("microphone_volume", 0, 100),
        ("speaker_volume", 0, 100),
    ],
)
def test_numbers_are_taken_up_to_their_limits_and_no_further(field, low, high):
    assert getattr(settings(**{field: low}), field) == low
    assert getattr(settings(**{field: high}), field) == high
    assert refused_fields(**{field: low - 1}) == {field}
    assert refused_fields(**{field: high + 1}) == {field}


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "::1",
        "2001:db8::10",
        "localhost",
        "sip.example.com",
        "xn--tr-eka.example",
        "1st.example",
        "a" * 63,
    ],
)
def test_addresses_and_domain_names_are_taken(host):
    assert settings(server_address=host).server_address == host


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "10.0.0.333",
        "10.0.0",
        "010.0.0.1",
        "256.1.1.1",
        "[::1]",
        "-door.example",
        "door-.example",
        "a..b",
        ".example",
        "sip example",
        "sip_server",
        "sip.example.com:5060",
        "sip:example.com",
        "user@example.com",
        "example.com/",
        "example.com\n",
        "example.com\r\nVia: x",
        "türe.example",
        "\N{FULLWIDTH DIGIT ONE}0.0.0.1",
        "a" * 64,
        "a." * 127,
    ],
)
def test_what_is_no_host_is_refused_by_name(host):
    assert refused_fields(server_address=host) == {"server_address"}
    assert refused_fields(proxy={**PROXY, "address": host}) == {"proxy"}


@given(st.text(max_size=260))
def test_a_host_never_holds_what_could_end_a_header(text):
    try:
        host = settings(server_address=text).server_address
    except ValidationError:
        return
    assert not set(host) & set(' \t\r\n<>"@;,/?')


@pytest.mark.parametrize(
    "number",
    [
        "3400",
        "frontdesk3400",
        "sip:3400@10.0.0.33",
        "sip:frontdesk3400@sip.example.com",
        "sip:3400@10.0.0.33:1",
        "sip:3400@10.0.0.33:5060",
        "sip:3400@10.0.0.33:65535",
    ],
)
def test_call_numbers_are_taken_in_both_forms(number):
    form = settings(call_number=number, further_numbers=[number], permitted_callers=[number, number])
    assert form.call_number == number
    assert form.further_numbers == (number,)
    assert form.permitted_callers == (number, number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "34 00",
        "+4930123456",
        "3400@10.0.0.33",
        "sip:",
        "sip:3400",
        "sip:3400@",
        "sip:@10.0.0.33",
        "sip:3400@10.0.0.333",
        "sip:3400@10.0.0.33:",
        "sip:3400@10.0.0.33:0",
        "sip:3400@10.0.0.33:65536",
        "sip:3400@10.0.0.33:999999",
        "sip:3400@10.0.0.33:\N{FULLWIDTH DIGIT FIVE}060",
        "sip:34-00@10.0.0.33",
        "sip:%33400@10.0.0.33",
        "sip:3400@a@b",
        "sip:3400:secret@10.0.0.33",
        "sip:3400@10.0.0.33;transport=tcp",
        "sip:3400@10.0.0.33?Subject=x",
        "<sip:3400@10.0.0.33>",
        '"Desk" <sip:3400@10.0.0.33>',
        "sips:3400@10.0.0.33",
        "tel:3400",
        "sip:3400@10.0.0.33\r\nX: y",
        "sip:3400@10.0.0.33 ",
        "sip:3400@" + "a" * 400,
        None,
        3400,
    ],
)
def test_what_is_neither_form_is_refused_by_name(number):
    assert refused_fields(call_number=number) == {"call_number"}
    assert refused_fields(further_numbers=["3400", number]) == {"further_numbers"}
    assert refused_fields(permitted_callers=[number]) == {"permitted_callers"}


def test_the_place_of_a_bad_entry_in_a_list_is_told():
    with pytest.raises(ValidationError) as caught:
        settings(further_numbers=["3400", "night guard", "3402"])
    assert caught.value.errors()[0]["loc"] == ("further_numbers", 1)


def test_several_bad_fields_are_all_named():
    assert refused_fields(server_port=0, extension="front door", transport="SCTP") == {
        "server_port",
        "extension",
        "transport",
    }


@pytest.mark.parametrize("field", sorted(SMALLEST))
def test_a_missing_field_is_named(field):
    with pytest.raises(ValidationError) as caught:
        SipSettings.model_validate({name: value for name, value in SMALLEST.items() if name != field})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_an_unknown_field_is_refused_by_name():
    assert refused_fields(sip_port=5060) == {"sip_port"}
    assert refused_fields(proxy={**PROXY, "realm": "x"}) == {"proxy"}


@pytest.mark.parametrize(
    ("field", "value"), [("transport", "udp"), ("encryption", "SRTP"), ("video_calls", "On")]
)
def test_a_choice_outside_its_labels_is_refused_by_name(field, value):
    assert refused_fields(**{field: value}) == {field}


def test_a_form_cannot_be_changed_once_it_is_taken():
    with pytest.raises(ValidationError):
        settings().extension = "3402"
    with pytest.raises(ValidationError):
        ProxySettings.model_validate(PROXY).port = 1


def test_no_secret_is_left_when_settings_are_stored():
    form = settings(auth_password="server-secret", proxy={**PROXY, "password": "proxy-secret"})
    stored = json.dumps(form.redacted())
    assert "secret" not in stored
    assert stored.count(REDACTED) == 2
    assert form.redacted()["extension"] == "3401"
    assert form.auth_password == "server-secret"


def test_settings_survive_the_portals_json():
    form = settings(
        transport="TLS", encryption="SRTP-only", further_numbers=["3402"], display_name="Вход", proxy=PROXY
    )
    assert SipSettings.model_validate_json(form.model_dump_json()) == form


@pytest.mark.parametrize(
    "changes",
    [
        {"server_address": "fe80::1%\r\nX: y"},
        {"server_address": "fe80::1% <sip:x@y>"},
        {"display_name": "Front Door\r\nX: y"},
        {"display_name": "Front\x00Door"},
        {"auth_password": "secret\r\nX: y"},
    ],
    ids=repr,
)
def test_no_field_can_smuggle_a_line_into_a_sip_message(changes):
    assert refused_fields(**changes) == set(changes)


@pytest.mark.parametrize("field", ["server_port", "polling_interval", "call_timeout", "speaker_volume"])
def test_true_is_no_number(field):
    assert refused_fields(**{field: True}) == {field}


def test_a_short_number_is_no_longer_than_an_extension_can_be():
    assert refused_fields(call_number="z" * 65) == {"call_number"}
    assert refused_fields(call_number=f"sip:{'z' * 65}@10.0.0.33") == {"call_number"}


def test_lists_of_numbers_have_an_end():
    assert refused_fields(further_numbers=["3400"] * 10_000) == {"further_numbers"}
    assert refused_fields(permitted_callers=["3400"] * 10_000) == {"permitted_callers"}


def test_no_secret_is_left_in_a_message():
    form = settings(auth_password="server-secret", proxy={**PROXY, "password": "proxy-secret"})
    assert "secret" not in f"{form} {form!r}"
    with pytest.raises(ValidationError) as caught:
        settings(auth_password="server-secret" * 20)
    assert "server-secret" not in str(caught.value)
