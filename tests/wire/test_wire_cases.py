"""Messages as devices send them: each is read as what it means, and what is odd about it is noted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.timeline.observation import Observation, SipMessageSeen, Witness
from intercom_hil.timeline.sip_content import sip_content

CASES = Path(__file__).parent / "cases"
DEVICE, PBX = ("192.0.2.30", 5060), ("192.0.2.10", 5060)
NAMES = {DEVICE: "device", PBX: "pbx"}
G711 = (8, 0, 101)


def read(name):
    data = (CASES / f"{name}.sip").read_bytes()
    seen = sip_content(data, DEVICE, PBX, "UDP", lambda host, port: NAMES[host, port])
    assert isinstance(seen, SipMessageSeen), seen
    return seen, data


MESSAGES = [
    ("a01-plain", G711, "sendrecv", ""),
    ("a03-latin1-sdp-session-name", (8,), "sendrecv", "UTF-8"),
    ("a10-lf-only-all", G711, "sendrecv", "CRLF"),
    ("a14-content-length-too-large", G711, "sendrecv", "Content-Length"),
    ("a17-sdp-trailing-space", G711, "sendrecv", "blanks"),
    ("a19-rtpmap-space-after-colon", (98, 101), "sendrecv", "blanks"),
    ("a25-c-hold-0000", (8,), "sendonly", "hold"),
    ("a28-folded-and-compact", G711, "sendrecv", ""),
    ("a31-request-line-trailing-space", G711, "sendrecv", "start line"),
    ("a32-lowercase-version", G711, "sendrecv", "sip/2.0"),
    ("a43-multipart-boundary-then-param", G711, "sendrecv", ""),
    ("a72-leading-crlf-udp", G711, "sendrecv", "before the start line"),
    ("a75-cseq-tab", G711, "sendrecv", ""),
    ("a76-sendonly-trailing-space", G711, "sendonly", "blanks"),
]


def test_no_case_is_left_out():
    assert {path.stem for path in CASES.iterdir()} == {name for name, *_ in MESSAGES}


@pytest.mark.parametrize(("name", "payload_types", "direction", "note"), MESSAGES)
def test_a_message_is_read_as_what_it_means_and_kept_byte_for_byte(name, payload_types, direction, note):
    seen, data = read(name)
    assert (seen.method, seen.cseq, seen.from_tag) == ("INVITE", 1, "a1")
    (audio,) = seen.media
    assert (audio.media, audio.port, audio.direction) == ("audio", 42000, direction)
    assert audio.payload_types == payload_types
    assert bool(seen.deviations) == bool(note)
    assert note in "; ".join(seen.deviations)
    stored = Observation(seq=0, time=0.0, witness=Witness.WIRE, content=seen).model_dump_json()
    again = Observation.model_validate_json(stored).content
    assert again == seen
    assert (again.data, again.session) == (data, seen.session)


@given(
    st.sampled_from(sorted(CASES.glob("*.sip"))),
    st.integers(0, 700),
    st.binary(max_size=3),
    st.integers(0, 3),
)
def test_whatever_becomes_of_a_message_its_bytes_are_stored_and_read_again(path, at, instead, cut):
    data = path.read_bytes()
    data = data[:at] + instead + data[at + cut :]
    said = sip_content(data, DEVICE, PBX, "UDP", lambda host, port: NAMES[host, port])
    stored = Observation(seq=0, time=0.0, witness=Witness.WIRE, content=said).model_dump_json()
    again = Observation.model_validate_json(stored).content
    assert again == said
    assert (again.data if isinstance(again, SipMessageSeen) else bytes.fromhex(again.raw_hex)) == data


def test_a_byte_that_is_no_utf_8_does_not_cost_the_key():
    (audio,) = read("a03-latin1-sdp-session-name")[0].session.media
    assert (audio.profile, len(audio.crypto[0].key)) == ("RTP/SAVP", 16)


def test_an_rtpmap_with_a_blank_maps_and_an_address_of_zeros_is_hold():
    assert read("a19-rtpmap-space-after-colon")[0].session.media[0].encodings[98] == "PCMA/8000"
    assert read("a25-c-hold-0000")[0].media[0].held


def test_folded_and_compact_headers_say_the_same():
    seen, _ = read("a28-folded-and-compact")
    assert seen.branch == "z9hG4bKx9"
    assert [contact.uri for contact in seen.contacts] == ["sip:3401@192.0.2.30"]
    assert seen.from_display == "Door, 1; main"


@pytest.mark.parametrize("kind", ["application/sdp", "Application / SDP ;x=y", "application/\r\n\tsdp"])
def test_a_media_type_may_be_written_with_blanks(kind):
    data = (CASES / "a01-plain.sip").read_bytes().replace(b"application/sdp", kind.encode())
    seen = sip_content(data, DEVICE, PBX, "UDP", lambda host, port: NAMES[host, port])
    assert seen.session is not None
    assert seen.deviations == ()
