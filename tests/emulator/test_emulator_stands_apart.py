"""Bench and emulated intercom each read the page for themselves: where they differ, it is listed here.

What one of them took from the other could be misread on both sides, and no scenario would show it.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from intercom_hil.emulator import events as of_the_device
from intercom_hil.emulator.faults import FAULTS
from intercom_hil.emulator.form_reading import RefusedError, read_settings
from intercom_hil.spec import events as of_the_bench
from intercom_hil.spec import settings as settings_of_the_bench

SMALLEST = {
    "server_address": "127.0.0.10",
    "auth_username": "3401",
    "auth_password": "dummy",
    "extension": "3401",
    "call_number": "3400",
}
PROXY = {"username": "edge", "address": "proxy.example.com", "password": "p", "port": 443}

WORDS = ("auth_username", "extension")
SECONDS = ("polling_interval", "call_timeout")
LISTS = ("further_numbers", "permitted_callers")
VOLUMES = ("microphone_volume", "speaker_volume")
WRONG_WORDS = (
    *(
        "",
        " ",
        "34 01",
        " 3401",
        "3401 ",
        "3401\n",
        "3401\0",
        "front-door",
        "front_door",
        "a.b",
        "a@b.example",
    ),
    *("sip:3401", "дверь", "d\u043er", "\uff13", "\u0663", "²", "Ⅳ", "ﬁ", "é", "\u212a", "ſ", "3401\u200b"),
    *(3401, None, True, ["3401"], {"name": "3401"}, 1.5),
)
WRONG_NUMBERS = (None, "", "ten", "5060x", 1.5, True, [], {}, "٣٤", -1, 0, float("nan"), "0x13C4", "５060")
WRONG_HOSTS = (
    *("", ".", "10.0.0", "1.2.3.4.5", "[::1]", "-door.example", "door-.example", "a..b", ".example", "a b"),
    *(
        "sip_server",
        "sip.example.com:5060",
        "sip:example.com",
        "u@example.com",
        "example.com/",
        "türe.example",
    ),
    *(
        "example.com\n",
        "example.com\r\nVia: x",
        "a" * 64,
        "a." * 127,
        "fe80::1%lo",
        "192.0.2.10/24",
        "example.com.",
    ),
    *(None, 10, ["127.0.0.10"]),
)
HOSTS = (
    "10.0.0.33",
    "::1",
    "2001:db8::10",
    "localhost",
    "sip.example.com",
    "xn--tr-eka.example",
    "1st.example",
)
ENDPOINTS = ("3400", "frontdesk3400", "sip:3400@10.0.0.33", "sip:desk3400@sip.example.com", "sip:1@a.b:1")
WRONG_ENDPOINTS = (
    *("", "3401@192.0.2.10", "sip:", "sip:@192.0.2.10", "sip:3401@", "sip:34 01@192.0.2.10", "*", "34[0-9]"),
    *(
        "sip:3401@192.0.2.10@192.0.2.11",
        "sip:1@a:0",
        "sip:1@a:65536",
        "sip:1@a:port",
        "sip:1@a:",
        "sip:1@a:000080",
    ),
    *(
        "sip:1@-a",
        "sip:1@a;transport=tcp",
        "sip:1@a?Subject=x",
        "sip:1:secret@a",
        "sips:1@a",
        "tel:3401",
        "<sip:1@a>",
    ),
    *("sip:1@a\r\nContact: <sip:9@a>", "sip:*@*", "http://a/", None, 3400, True),
)
CHOICES = {
    "transport": (("UDP", "TCP", "TLS"), ("", "SCTP", "udp", "TLS ", None, 1, ["UDP"])),
    "encryption": (
        ("", "RTP with Optional SRTP (Fallback Mode)", "SRTP-only"),
        ("SRTP", "RTP", "SRTP-only ", "none", True, 1, ["SRTP-only"]),
    ),
    "video_calls": (("Off", "Outgoing", "Incoming", "Both"), ("On", "off", "Both ", True, 3, [])),
    "allow_incoming": ((True, False), ("", "sometimes", None, 2, -1, 0.5, [], {})),
    "enabled": ((True, False), ("", "sometimes", None)),
}
ALIKE = [
    {},
    *({name: value} for name in WORDS for value in (*WRONG_WORDS, "0", "FrontDoor", "z" * 64)),
    *({"server_address": host} for host in (*HOSTS, *WRONG_HOSTS)),
    *({"server_port": port} for port in (*WRONG_NUMBERS, 1, 5060, "5060", 5060.0, 65_535, 65_536, 2**64)),
    *({name: value} for name in SECONDS for value in (*WRONG_NUMBERS, 1, 30, "30", 600)),
    *({name: value} for name in VOLUMES for value in (-1, 0, 50, 100, 101, 2**64, "loud", None, True, 0.5)),
    *({name: value} for name, both in CHOICES.items() for values in both for value in values),
    *({"call_number": value} for value in (*ENDPOINTS, *WRONG_ENDPOINTS)),
    *(
        {name: [*before, value]}
        for name in LISTS
        for value in (*ENDPOINTS, *WRONG_ENDPOINTS)
        for before in ([], ["3401"])
    ),
    *({name: value} for name in LISTS for value in ([], "3401", None, 3401, {})),
    *(
        {"display_name": name}
        for name in ("", "Front Door", 'a "b" \\', "Tür", "a\r\nb", "\x7f", "\x85", None)
    ),
    *({"auth_password": word} for word in ("p", "a b", "пароль", "x" * 128, "a\nb", "\0", None, 1234)),
    *({"ca_certificate": text} for text in (None, "-----BEGIN", 1, ["x"])),
    *({"proxy": proxy} for proxy in (None, PROXY, PROXY | {"port": 0}, PROXY | {"address": "a b"}, "x", [])),
    *({"proxy": {name: PROXY[name] for name in PROXY if name != missing}} for missing in PROXY),
]
"""Changes of a plain form that both sides take, to the same settings, or refuse, and name the same field."""

NO_LENGTH = "the page gives no length"
NO_CHARACTERS = "the page gives the proxy's username no allowed characters"
NO_MOST = "the page gives no limit"
DIFFERENT = [
    *(({name: "z" * 65}, "device", NO_LENGTH) for name in WORDS),
    *(({name: "sip:" + "z" * 65 + "@a.b"}, "device", NO_LENGTH) for name in ("call_number",)),
    ({"call_number": "z" * 65}, "device", NO_LENGTH),
    ({"further_numbers": ["z" * 65]}, "device", NO_LENGTH),
    ({"permitted_callers": ["z" * 65]}, "device", NO_LENGTH),
    ({"auth_password": "x" * 10_240}, "device", NO_LENGTH),
    ({"display_name": "x" * 10_240}, "device", NO_LENGTH),
    ({"further_numbers": ["3402"] * 101}, "device", NO_MOST),
    ({"permitted_callers": ["3402"] * 101}, "device", NO_MOST),
    ({"polling_interval": 86_401}, "device", NO_MOST),
    ({"call_timeout": 601}, "device", NO_MOST),
    (
        {"auth_password": ""},
        "device",
        "the page asks for a dummy, and does not say that none is refused",
    ),
    ({"colour": "red"}, "device", "the page says nothing of fields that it does not have"),
    ({"proxy": PROXY | {"colour": "red"}}, "device", "the page says nothing of fields that it does not have"),
    (
        {"proxy": PROXY | {"username": "edge-1@b"}},
        "device",
        "the page gives the proxy's username no characters",
    ),
    ({"proxy": PROXY | {"username": ""}}, "device", "the page gives the proxy's username no characters"),
    ({"server_address": "10.0.0.333"}, "device", "the page's own example of an IP address"),
    ({"call_number": "sip:3400@10.0.0.333"}, "device", "the page's own example of a full number"),
    ({"server_address": "010.0.0.1"}, "device", "four numbers with dots, like the page's example"),
    ({"call_number": "SIP:3400@10.0.0.33"}, "device", "RFC 3986 §3.1: a scheme is the same in either case"),
    ({"encryption": None}, "device", "the page: optional; it can be left unset"),
    ({"video_calls": None}, "device", "the page's list has three, and nothing chosen is no video"),
    ({"video_calls": ""}, "device", "the page's list has three, and nothing chosen is no video"),
    ({"server_port": " 5060 "}, "bench", "the page: a number; that with spaces is the bench's leniency"),
    ({"call_timeout": "+30"}, "bench", "the page: a number; a sign is the bench's leniency"),
    ({"polling_interval": "3_600"}, "bench", "the page: a number; a dash in it is the bench's leniency"),
    *(({"allow_incoming": word}, "bench", "a switch is on or off") for word in (1, 0, "on", "yes", "true")),
]
"""Changes that one side alone takes, which one, and by what right."""

SHARED = {
    "libsrtp": {"srtp-rollover-not-counted", "plain-under-srtp", "plays-clear-media"},
    "FFmpeg (PyAV)": {"no-key-picture", "frozen-video"},
    "OpenSSL": {"accepts-self-signed", "accepts-expired", "ignores-certificate-name", "accepts-tls-1.0"},
    "accounts of the portal": {"role-of-the-first", "viewer-may-configure", "strangers-may-configure"},
    "a tone of 440 Hz": {"sound-at-half-speed"},
}
"""What bench and emulated intercom still have in common, and faults of a device that the bench finds."""


def device_reads(form):
    """Return the settings that the emulated intercom makes of a form, or the fields that it refuses."""
    try:
        settings = read_settings(form)
    except RefusedError as refused:
        return None, {error["field"].partition(".")[0] for error in refused.errors}
    return json.loads(json.dumps(settings.as_json())), set()


def bench_reads(form):
    """Return the settings that the bench makes of a form, or the fields that it refuses."""
    try:
        settings = settings_of_the_bench.SipSettings.model_validate(form)
    except ValidationError as problem:
        return None, {str(error["loc"][0]) for error in problem.errors()}
    return settings.model_dump(mode="json"), set()


def test_the_event_tables_of_bench_and_emulated_intercom_are_alike():
    device = [(kind.requirement, kind.name, kind.screen_name) for kind in of_the_device.EVENTS]
    bench = [(kind.requirement, kind.name, kind.screen_name) for kind in of_the_bench.EVENTS.values()]
    assert device == bench
    assert len(set(device)) == 10


def test_there_are_faults_for_all_that_both_sides_share():
    assert {fault for faults in SHARED.values() for fault in faults} <= FAULTS.keys()


@pytest.mark.parametrize("change", ALIKE, ids=lambda change: ascii(change)[:60])
def test_both_make_the_same_of_a_form(change):
    form = SMALLEST | change
    assert device_reads(form) == bench_reads(form)


@pytest.mark.parametrize("field", SMALLEST)
def test_both_miss_the_same_fields(field):
    form = {name: value for name, value in SMALLEST.items() if name != field}
    assert device_reads(form) == bench_reads(form) == (None, {field})


@pytest.mark.parametrize(("change", "taker", "source"), DIFFERENT, ids=lambda given: ascii(given)[:60])
def test_where_they_differ_it_is_known_why(change, taker, source):
    form = SMALLEST | change
    taken = {"device": device_reads(form)[0], "bench": bench_reads(form)[0]}
    assert [side for side, settings in taken.items() if settings] == [taker], source


@given(st.sampled_from(WORDS), st.text(max_size=64))
def test_both_take_the_same_words(field, text):
    form = SMALLEST | {field: text}
    assert device_reads(form) == bench_reads(form)


@given(st.text("aZ09.-_:%/@ \n\u0660é", max_size=30))
def test_both_take_the_same_hosts(text):
    form = SMALLEST | {"server_address": text}
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        assert device_reads(form) == bench_reads(form)


@given(
    st.text("a9.-:@;? \n", max_size=20), st.sampled_from(["", "sip:", "sip:1@", "sip:1@a:", "sips:", "tel:"])
)
def test_both_take_the_same_endpoints(text, start):
    form = SMALLEST | {"call_number": start + text}
    if start + text != "sip:1@" + text or "." not in text:
        assert device_reads(form) == bench_reads(form)


@given(st.sampled_from(("display_name", "auth_password")), st.text(min_size=1, max_size=128))
def test_both_take_the_same_lines(field, text):
    form = SMALLEST | {field: text}
    assert device_reads(form) == bench_reads(form)
