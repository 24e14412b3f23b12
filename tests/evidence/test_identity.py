"""What a device says of itself against what the bench file says of it."""

import pytest

from intercom_hil.bench.environment import hardware_address
from intercom_hil.run_folder.identity import confirmed, contradictions, sayings

DECLARED = {
    "make": "Acme",
    "model": "Door 2",
    "serial": "A-17",
    "firmware": "1.2",
    "hardware": "B",
    "mac": "00:11:22:AA:BB:CC",
}


def said(names=(), **device):
    return sayings({"device_says": device}, names)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (said(["Acme Door 2/1.2"]), ("make", "model", "firmware")),
        (said(["acme/v1.2-rc1"]), ("make", "firmware")),
        (said(console='boot model="Door 2" version=1.2 serial=A-17'), ("model", "serial", "firmware")),
        (said(console="FW v1.2, S/N: a-17, MAC 0011.22aa.bbcc"), ("serial", "firmware")),
        (said(mac="00:11:22:aa:bb:cc"), ("mac",)),
        (said(["PJSUA"]), ()),
        (said(), ()),
    ],
)
def test_what_is_confirmed_is_named_and_contradicts_nothing(words, fields):
    assert confirmed(DECLARED, words) == fields
    assert list(contradictions(DECLARED, words)) == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (said(["Acme/1.20"]), "firmware"),
        (said(["Acme/11.2"]), "firmware"),
        (said(console="boot version=1.3"), "firmware"),
        (said(console="Firmware: v1.2.1"), "firmware"),
        (said(console="serial no: A-18"), "serial"),
        (said(console="boot model=Door3"), "model"),
        (said(console="MAC address = 00-11-22-aa-bb-cd"), "mac"),
        (said(mac="00:11:22:aa:bb:cd"), "mac"),
    ],
)
def test_a_contradiction_is_reported_with_who_says_what(words, field):
    found = list(contradictions(DECLARED, words))
    assert len(found) == 1
    assert found[0].startswith(f"The bench file says {field} {DECLARED[field]}, and ")
    assert words[0].text in found[0]


def test_what_is_not_declared_is_not_contradicted():
    assert list(contradictions({}, said(["Acme/9.9"], console="serial=1", mac="00:11:22:aa:bb:cd"))) == []


def test_the_hardware_address_is_that_which_the_kernel_has(tmp_path):
    table = tmp_path / "arp"
    table.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.0.2.30       0x1         0x2         00:11:22:AA:BB:CC     *        eth1\n"
        "192.0.2.31       0x1         0x0         00:00:00:00:00:00     *        eth1\n"
    )
    assert hardware_address("192.0.2.30", table) == "00:11:22:aa:bb:cc"
    assert hardware_address("192.0.2.31", table) == ""
    assert hardware_address("192.0.2.3", table) == ""
    assert hardware_address("192.0.2.30", tmp_path / "none") == ""
