"""Secrets are kept out of the evidence by their value, in every encoding, and their marks are known again."""

import base64
import html
import json
import quopri
import re
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.redaction.fingerprint import Fingerprint
from intercom_hil.redaction.redaction import SHORTEST, Redactor
from intercom_hil.timeline import Observation, Witness
from intercom_hil.timeline.observation import ConsoleLine, MalformedSip

ENCODINGS = {
    "plain": lambda text: text.encode(),
    "URL": lambda text: quote(text, safe="").encode(),
    "URL, small letters": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text, safe="")
    ).encode(),
    "URL, as browsers write it": lambda text: quote(text, safe="!'()*").encode(),
    "form": lambda text: quote_plus(text).encode(),
    "JSON": lambda text: json.dumps(text)[1:-1].encode(),
    "JSON, not only ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].encode(),
    "XML": lambda text: escape(text, {'"': "&quot;"}).encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "Basic": lambda text: base64.b64encode(f"door:{text}".encode()),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 of more": lambda text: base64.b64encode(f"the password is {text}, they say".encode()),
    "base64, over several lines": lambda text: base64.encodebytes(f"{'-' * 50}{text}{'-' * 50}".encode()),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()), safe="").encode(),
    "base64 of Basic": lambda text: base64.b64encode(
        b"Authorization: Basic " + base64.b64encode(f"door:{text}".encode())
    ),
    "base64 of UTF-16": lambda text: base64.b64encode(f"login -p {text}".encode("utf-16-le")),
    "quoted-printable": lambda text: quopri.encodestring(f"{'-' * 50}{text}{'-' * 50}".encode()),
    "quoted-printable, all of it": lambda text: "".join(f"={byte:02X}" for byte in text.encode()).encode(),
    "encoded word": lambda text: quopri.encodestring(text.encode(), header=True),
    "URL, all of it": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "URL within a URL": lambda text: quote(quote(text, safe=""), safe="").encode(),
    "JSON, all of it": lambda text: "".join(
        f"\\u{int.from_bytes(text.encode('utf-16-be')[at : at + 2], 'big'):04x}"
        for at in range(0, len(text.encode("utf-16-be")), 2)
    ).encode(),
    "JSON within HTML": lambda text: (
        json.dumps(text)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .encode()
    ),
    "JSON within JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1].encode(),
    "JSON, with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/").encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "XML, all of it": lambda text: "".join(f"&#{ord(c)};" for c in text).encode(),
    "XML, all of it, hex": lambda text: "".join(f"&#x{ord(c):x};" for c in text).encode(),
    "Python": lambda text: repr(text)[1:-1].encode(),
    "Python, bytes": lambda text: repr(text.encode())[2:-1].encode(),
    "C": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()).encode(),
    "hex dump": lambda text: text.encode().hex(" ").encode(),
    "HEX with colons": lambda text: text.encode().hex(":").upper().encode(),
    "hex of UTF-16": lambda text: text.encode("utf-16-le").hex().encode(),
    "an array in C": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()).encode(),
    "folded": lambda text: f"{text[:4]}\r\n {text[4:]}".encode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
}
SECRETS = (
    "s3cret-0815",
    "93847561",
    'p/w with "quotes" & <marks>',
    "Passwört+äöü",
    "0f0e0d0c0b0a0908",
    "a" * 128,
)


def knows(*secrets):
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)
        redactor.learn(f"door:{secret}")
    return redactor


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("way", ENCODINGS)
def test_a_secret_is_found_in_every_encoding_and_nothing_changes_its_length(way, secret):
    raw = b"before \0\xff " + ENCODINGS[way](secret) + b" after"
    kept = knows(secret, "another-one").data(raw)
    assert ENCODINGS[way](secret) not in kept
    assert not any(form in kept.replace(b"=\n", b"").replace(b"\n", b"") for form in (secret.encode(),))
    assert len(kept) == len(raw)
    assert kept.startswith(b"before \0\xff ")
    assert kept.endswith(b" after")


@given(st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40), st.binary(max_size=60))
def test_it_is_found_wherever_it_stands(secret, before):
    redactor = knows(secret)
    if not redactor.too_short and not (secret.isascii() and secret.isdigit()):
        kept = redactor.data(before + secret.encode() + before)
        assert secret.encode() not in kept
        assert len(kept) == len(before + secret.encode() + before)


def test_what_holds_none_is_left_as_it_is():
    raw = b"REGISTER sip:192.0.2.10 SIP/2.0\r\n"
    assert knows(*SECRETS).data(raw) is raw


def test_the_mark_is_known_by_the_fingerprint_of_its_secret_alone():
    redactor = knows("s3cret-0815", "another-one")
    stored = redactor.text("password=s3cret-0815;")
    mine, other = redactor.fingerprint("s3cret-0815"), redactor.fingerprint("another-one")
    assert mine.is_in(stored)
    assert not other.is_in(stored)
    assert not Fingerprint.of("s3cret-0815").is_in(stored)  # of another run
    assert Fingerprint.model_validate_json(mine.model_dump_json()).is_in(stored)
    assert "redacted" not in redactor.text("12345678")


@pytest.mark.parametrize("secret", ["1234", "admin", "1234567"])
def test_a_secret_that_stands_everywhere_by_chance_is_not_looked_for_and_this_is_said(secret):
    redactor = Redactor()
    redactor.learn(secret, "device.portal.password")
    assert redactor.text(f"call {secret}") == f"call {secret}"
    assert "fewer than" in redactor.too_short["device.portal.password"]


def test_a_password_that_is_a_name_too_is_not_looked_for():
    redactor = Redactor()
    redactor.open_to_all(["frontdoor"])
    redactor.learn("frontdoor", "device.portal.password")
    assert redactor.text("From: <sip:frontdoor@x>") == "From: <sip:frontdoor@x>"
    assert "no secret" in redactor.too_short["device.portal.password"]
    assert redactor.fingerprint("frontdoor") is None, "who says the name gives nothing away"


def test_a_number_is_found_where_it_stands_alone():
    redactor = knows("20250815")
    assert "20250815" not in redactor.text("PIN 20250815.")
    assert redactor.text("1732738.20250815 and 120250815") == "1732738.20250815 and 120250815"


def test_a_record_keeps_its_form():
    redactor = knows("s3cret-0815")
    line = ConsoleLine(text="debug: s3cret-0815")
    kept = redactor.model(line)
    assert "s3cret-0815" not in kept.model_dump_json()
    assert len(kept.text) == len(line.text)
    bytes_seen = MalformedSip(
        source="a", destination="b", sender="c", receiver="d", problem="p", raw_hex=b"s3cret-0815".hex()
    )
    kept = redactor.model(Observation(seq=1, time=0, witness=Witness.WIRE, content=bytes_seen)).content
    assert redactor.fingerprint("s3cret-0815").is_in(bytes.fromhex(kept.raw_hex).decode())
    innocent = ConsoleLine(text="debug")
    assert redactor.model(innocent) is innocent


def test_files_of_others_are_swept_in_their_place(tmp_path):
    redactor = knows("s3cret-0815")
    file, link, kept = tmp_path / "a" / "trace.log", tmp_path / "link.log", tmp_path / "capture.pcapng"
    file.parent.mkdir()
    file.write_bytes(b"\xffauth s3cret-0815\n")
    link.symlink_to("/dev/full")
    kept.write_bytes(b"s3cret-0815")
    before = file.stat()
    with file.open("ab", buffering=0) as still_open:
        redactor.sweep(tmp_path, apart_from=[kept.name])
        still_open.write(b"more\n")
    assert file.stat().st_ino == before.st_ino
    assert b"s3cret" not in file.read_bytes()
    assert file.read_bytes().endswith(b"\nmore\n")
    assert kept.read_bytes() == b"s3cret-0815"
