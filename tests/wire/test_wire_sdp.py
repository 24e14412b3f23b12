"""Session descriptions and their SRTP keys."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.sdp import SUITES, Crypto, SdpError, Session

KEY = bytes(range(30))
INLINE = base64.b64encode(KEY).decode()
OFFER = f"""v=0
o=- 1 1 IN IP4 127.0.0.30
s=pjmedia
c=IN IP4 127.0.0.30
t=0 0
a=sendonly
m=audio 42000 RTP/SAVP 8 0 101
a=rtpmap:101 telephone-event/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}|2^20|1:4 UNENCRYPTED_SRTCP
a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:nonsense
m=video 42002 RTP/AVP 97
c=IN IP4 127.0.0.31
a=rtpmap:97 H264/90000
a=recvonly
""".replace("\n", "\r\n").encode()


def test_sections_have_the_address_and_direction_that_apply_to_them():
    audio, video = Session.parse(OFFER).media
    assert (audio.media, audio.address, audio.port, audio.direction) == (
        "audio",
        "127.0.0.30",
        42000,
        "sendonly",
    )
    assert (video.media, video.address, video.port, video.direction) == (
        "video",
        "127.0.0.31",
        42002,
        "recvonly",
    )
    assert audio.payload_types == (8, 0, 101)
    assert audio.encodings == {8: "PCMA/8000", 0: "PCMU/8000", 101: "telephone-event/8000"}
    assert (audio.is_secure, video.is_secure) == (True, False)


def test_keys_are_decoded_and_unusable_crypto_lines_offer_none():
    audio = Session.parse(OFFER).media[0]
    (crypto,) = audio.crypto
    assert (crypto.tag, crypto.key, crypto.salt) == (1, KEY[:16], KEY[16:])
    assert (crypto.lifetime, crypto.mki, crypto.parameters) == ("2^20", "1:4", ("UNENCRYPTED_SRTCP",))
    assert len([name for name, _ in audio.attributes if name == "crypto"]) == 2
    assert "inline" not in repr(crypto)
    assert KEY[:16].hex() not in repr(crypto)


def test_lines_may_end_in_lf_alone():
    assert Session.parse(OFFER.replace(b"\r\n", b"\n")) == Session.parse(OFFER)


@pytest.mark.parametrize("suite", SUITES)
def test_a_crypto_line_of_every_suite_reads_back(suite):
    key, salt = SUITES[suite]
    crypto = Crypto(3, suite, bytes(range(key)), bytes(range(salt)), mki="7:1")
    assert Crypto.parse(str(crypto)) == crypto


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "x AES_CM_128_HMAC_SHA1_80 inline:" + INLINE,
        "1 AES_CM_128_HMAC_SHA1_80 uri:" + INLINE,
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + INLINE[:-1] + "!",
        "1 AES_256_CM_HMAC_SHA1_80 inline:" + INLINE,
    ],
)
def test_an_unusable_crypto_attribute_is_refused(value):
    with pytest.raises(SdpError):
        Crypto.parse(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"v=1\r\no=x\r\n",
        b"v=0\r\no=x\r\nm=audio x RTP/AVP 8\r\n",
        b"v=0\r\no=x\r\nm=audio 99999 RTP/AVP 8\r\n",
        b"v=0\r\no=x\r\nc=IN IP9 somewhere\r\n",
        b"v=0\r\no=x\r\nm=audio\r\n",
    ],
)
def test_what_is_no_session_description_is_refused(body):
    with pytest.raises(SdpError):
        Session.parse(body)


LINES = st.lists(
    st.sampled_from(OFFER.split(b"\r\n"))
    | st.binary(max_size=20)
    | st.sampled_from([b"a=rtpmap:999 x", b"m=a 1 b \xb2"]),
    max_size=12,
)


@given(st.binary(max_size=100) | LINES.map(lambda lines: b"v=0\r\no=x\r\n" + b"\r\n".join(lines)))
def test_any_bytes_are_a_session_or_an_sdp_error(body):
    try:
        session = Session.parse(body)
    except SdpError:
        return
    for media in session.media:
        assert all(0 <= payload_type <= 127 for payload_type in media.payload_types)


@given(st.text(max_size=80))
def test_any_text_is_a_crypto_or_an_sdp_error(value):
    try:
        crypto = Crypto.parse(value)
    except SdpError:
        return
    assert Crypto.parse(str(crypto)).key == crypto.key


def test_bytes_of_a_character_set_that_is_named_are_lawful():
    body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.30\r\ns=T\xfcr\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n"
    assert Session.parse(body + b"a=charset:ISO-8859-1\r\n").deviations == ()
    assert "UTF-8" in Session.parse(body).deviations[0]


def section(*lines):
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0")
    return Session.parse("".join(f"{line}\r\n" for line in (*head, *lines)).encode()).media[0]


KEYS = ("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk", "YUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk")


def test_each_of_several_crypto_lines_is_a_key():
    lines = [f"a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}" for tag, key in enumerate(KEYS, 1)]
    assert [(key.tag, key.key[:1]) for key in section(*lines).crypto] == [(1, b"A"), (2, b"a")]


def test_each_line_of_capabilities_counts():
    said = section("a=tcap:1 RTP/SAVP", "a=tcap:2 RTP/SAVPF", "a=pcfg:1 t=1|2")
    assert said.potential_profiles == ("RTP/SAVP", "RTP/SAVPF")


def test_a_key_with_a_sign_that_is_no_base64_is_unusable():
    said = section(f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEYS[0][:10]}!{KEYS[0][10:]}")
    assert said.crypto == ()
    assert "no base64" in said.unusable_crypto[0]


def test_what_follows_a_line_that_is_no_sdp_is_read():
    assert section("this is no SDP", "a=sendonly").direction == "sendonly"


@pytest.mark.parametrize("address", ["2001:DB8:0:0::00A1", "2001:db8::a1", "2001:0DB8:0000:0000::A1/64"])
def test_an_address_is_the_same_however_it_is_spelt(address):
    """RFC 5952: packets have one spelling, descriptions any."""
    body = f"v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 {address}\r\nt=0 0\r\nm=audio 4 RTP/AVP 8\r\n"
    session = Session.parse(body.encode())
    assert (session.address, session.media[0].address) == ("2001:db8::a1", "2001:db8::a1")


def one_section(*lines):
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "t=0 0")
    return Session.parse("".join(f"{line}\r\n" for line in (*head, *lines)).encode()).media[0]


FIRST_OFFER = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:4f",
    "a=rtpmap:111 opus/48000/2",
)


def test_an_offer_whose_candidates_come_later_holds_nobody():
    """RFC 8829 §5.2.1, RFC 8838: its default destination is 0.0.0.0, port 9, until there is one."""
    offer = one_section(*FIRST_OFFER)
    assert (offer.held, offer.direction, offer.candidates) == (False, "sendrecv", True)
    hold = one_section(*FIRST_OFFER[:2])
    assert (hold.held, hold.direction) == (True, "sendonly")


def test_an_address_of_another_network_is_none_of_ours():
    assert one_section("m=audio 9 PSTN -", "c=PSTN E164 +49301234").address == ""
    with pytest.raises(SdpError, match="unusable c= line"):
        one_section("m=audio 9 RTP/AVP 8", "c=IN IP4")


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ("a=fmtp:99 profile-level-id=42e01f; packetization-mode=1; ", False),
        ("i=the door, below ", False),
        ("a=fmtp:99  x", False),
        ("a= fmtp:99 x", True),
        ("a=rtpmap:8 PCMA/8000 ", True),
        ("a=sendonly ", True),
    ],
)
def test_text_that_is_free_may_end_in_blanks(line, noted):
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns= \r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4 RTP/AVP 8\r\n"
    assert bool(Session.parse(f"{head}{line}\r\n".encode()).deviations) is noted
