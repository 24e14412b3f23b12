"""Every secret of a bench file is known, and what of the bench's own traffic is not captured."""

import pytest
from pydantic import BaseModel, Field

from intercom_hil.bench.control_traffic import control_traffic
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.bench_file.secrets import learn_from, secrets_of
from intercom_hil.redaction.redaction import Redactor

CAPABILITIES = dict.fromkeys(
    ("event_log", "screen", "speaker", "srtp", "tls", "proxy", "session_timer", "video"), True
)
PHYSICAL = {
    "bench": {"name": "lab", "address": "192.0.2.9"},
    "capture": {"interface": "eth1"},
    "pbx": {"address": "192.0.2.10"},
    "stations": {"addresses": ["192.0.2.21"]},
    "device": {
        "kind": "physical",
        "address": "192.0.2.30",
        "capabilities": CAPABILITIES,
        "console": {"port": "rfc2217://192.0.2.40:4001"},
        "button": {"kind": "shelly-relay", "url": "http://192.0.2.41", "password": "planted-shelly"},
        "power": {
            "output": {
                "kind": "snmp-poe",
                "address": "192.0.2.42",
                "interface": 3,
                "community": "planted-community",
            },
        },
        "portal": {
            "url": "https://lab:planted-in-url@192.0.2.30/?token=planted-in-query",
            "account": "admin",
            "password": "planted-portal",
            "viewer": "guest",
            "viewer_password": "planted-viewer",
        },
    },
}


def test_every_secret_is_found_by_name_place_or_option():
    found = {secret for _, secret in secrets_of(BenchFile.model_validate(PHYSICAL))}
    assert {
        "planted-shelly",
        "planted-community",
        "planted-in-url",
        "planted-in-query",
        "planted-portal",
        "planted-viewer",
        "admin:planted-portal",
        "guest:planted-viewer",
    } <= found


@pytest.mark.parametrize(
    "command",
    [
        ("switch", "--token", "planted-word", "on"),
        ("switch", "--api-key=planted-word"),
        ("curl", "-u", "door:planted-word", "http://192.0.2.5/on"),
        ("curl", "http://door:planted-word@192.0.2.5/on"),
        ("curl", "http://192.0.2.5/on?password=planted-word"),
        ("env", "POWER_PASSWORD=planted-word", "switch"),
    ],
)
def test_commands_may_carry_them_too(command):
    class Table(BaseModel):
        on: tuple[str, ...]

    assert "planted-word" in {secret for _, secret in secrets_of(Table(on=command))}


def test_a_field_that_another_distribution_hides_is_secret():
    class Table(BaseModel):
        pin: str = Field(repr=False)
        place: str = "cellar"

    assert [secret for _, secret in secrets_of(Table(pin="planted-pin"))] == ["planted-pin"]


def test_a_password_too_short_to_be_kept_out_is_named():
    redactor = Redactor()
    table = {**PHYSICAL["device"]["portal"], "password": "1234"}
    learn_from(
        BenchFile.model_validate({**PHYSICAL, "device": {**PHYSICAL["device"], "portal": table}}), redactor
    )
    assert list(redactor.too_short) == ["device.portal.password"]


def test_what_the_bench_asks_is_not_captured_and_what_the_device_sends_is():
    flows = control_traffic(BenchFile.model_validate(PHYSICAL))
    text = "\n".join(flows)
    assert "host 192.0.2.10 and (port 8088 or port 5038) and not host 192.0.2.30" in text
    assert "udp and host 192.0.2.9 and port 9060" in text
    assert "src host 192.0.2.30 and src port 443" in text
    for server in ("192.0.2.40 and port 4001", "192.0.2.41 and port 80", "192.0.2.42 and port 161"):
        assert f"host {server} and not host 192.0.2.30" in text


def test_a_portal_on_a_sip_port_is_captured():
    portal = {**PHYSICAL["device"]["portal"], "url": "http://192.0.2.30:5060"}
    file = BenchFile.model_validate({**PHYSICAL, "device": {**PHYSICAL["device"], "portal": portal}})
    assert not any("src host 192.0.2.30" in flow for flow in control_traffic(file))


@pytest.mark.parametrize(
    "password", ["asterisk", "password", "REGISTER", "realm nonce", "response", "incoming"]
)
def test_a_password_that_is_a_word_of_the_protocols_changes_no_message(password):
    redactor = Redactor()
    table = {**PHYSICAL["device"]["portal"], "password": password}
    learn_from(
        BenchFile.model_validate({**PHYSICAL, "device": {**PHYSICAL["device"], "portal": table}}), redactor
    )
    text = f'REGISTER sip:x SIP/2.0\r\nAuthorization: Digest realm="asterisk", {password}'
    assert redactor.text(text) == text
    assert "no secret" in redactor.too_short["device.portal.password"]
