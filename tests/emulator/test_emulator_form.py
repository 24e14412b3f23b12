"""The configuration form and the device's own name service, from inside."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.emulator.agent_names import read_hosts
from intercom_hil.emulator.faults import FAULTS, wrap_form
from intercom_hil.emulator.form import Form
from intercom_hil.emulator.form_reading import RefusedError, read_settings

RIGHT = {
    "server_address": "127.0.0.10",
    "auth_username": "3401",
    "auth_password": "secret",
    "extension": "3401",
    "call_number": "3400",
}
IN_FORCE = read_settings(RIGHT)
NOT_CHECKED = sorted(name for name in FAULTS if name.endswith("-not-checked"))


def refused_fields(form, **changes):
    try:
        form.read(RIGHT | changes, IN_FORCE)
    except RefusedError as refused:
        return [error["field"] for error in refused.errors]
    return []


def test_a_wrong_value_is_refused_by_the_name_of_its_field():
    assert refused_fields(Form(), auth_username="do or", server_port=0) == ["server_port", "auth_username"]
    assert refused_fields(Form()) == []


@given(st.text())
def test_a_username_is_taken_exactly_when_it_is_letters_and_digits(text):
    plain = text.isascii() and text.isalnum()
    assert refused_fields(Form(), auth_username=text) == ([] if plain else ["auth_username"])


@pytest.mark.parametrize("name", NOT_CHECKED)
def test_an_unchecked_field_takes_anything_and_keeps_what_it_had(name):
    field = name.removesuffix("-not-checked").replace("-", "_")
    form = wrap_form(Form(), [name])
    read = form.read(RIGHT | {field: {"no": "value"}}, IN_FORCE)
    assert getattr(read, field) == getattr(IN_FORCE, field)
    with pytest.raises(RefusedError):
        form.read(RIGHT | {"display_name": None}, IN_FORCE)


@given(st.binary(max_size=400), st.sampled_from(["ca.pem", "ca.cer", "ca.crt", "ca.txt", ""]))
def test_whatever_is_uploaded_is_no_certificate(content, filename):
    with pytest.raises(RefusedError, match="ca_certificate"):
        Form().certificate(filename, content)


def test_a_private_key_is_no_certificate_even_beside_one():
    with pytest.raises(RefusedError, match="private key"):
        Form().certificate("ca.pem", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n")


def test_hosts_are_read_as_everybody_writes_them(tmp_path: Path):
    path = tmp_path / "hosts"
    path.write_text("# names\n127.0.0.10  PBX.example pbx # the server\n\n127.0.0.11 gate.example\n")
    assert read_hosts(path) == {
        "pbx.example": "127.0.0.10",
        "pbx": "127.0.0.10",
        "gate.example": "127.0.0.11",
    }
    assert read_hosts(None) == {}


def test_pem_and_der_of_one_certificate_come_out_alike():
    roots = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not roots:
        pytest.skip("this machine has no well-known authorities")
    text = ssl.DER_cert_to_PEM_cert(roots[0])
    assert Form().certificate("ca.crt", roots[0]) == text
    assert Form().certificate("ROOT.PEM", text.encode()) == text
