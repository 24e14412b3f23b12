"""However lawfully a message is spelt, it is read as the same one, and nothing about it is noted as odd.

The spellings are those of the device that is drawn at random (``fixtures/devices/spelling.py``).
"""

import importlib.util
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_hil.timeline.sip_content import sip_content
from intercom_hil.wire.sip import Message
from intercom_hil.wire.uri import Uri

_FILE = Path(__file__).parents[2] / "fixtures" / "devices" / "spelling.py"
_SPEC = importlib.util.spec_from_file_location("spelling", _FILE)
spelling = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(spelling)

DEVICE, PBX = ("192.0.2.30", 5060), ("192.0.2.10", 5060)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.30\r\ns=T\xfcr\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n"
    b"m=audio 42000 RTP/SAVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk|2^31|1:4\r\n"
)
MIXED = (
    b"--b 1\r\nContent-Type: text/plain\r\n\r\nv=0\r\n--b 1\r\ncontent-type:APPLICATION/SDP\r\n\r\n"
    + SDP
    + b"\r\n--b 1--"
)
DIGEST = (
    'Digest username="3401", realm="a, b; c=\\"d\\"", nonce="1/2==", uri="sip:192.0.2.10", algorithm=MD5, '
    'qop=auth, nc=00000001, cnonce="x", response="0123456789abcdef0123456789abcdef", opaque=""'
)
COMMON = [
    ("Via", 'SIP/2.0/UDP 192.0.2.30:5060;branch=z9hG4bKa.b!c~1;rport;x-a="b;branch=c"'),
    ("Max-Forwards", "70"),
    ("From", '"Front \\"Door\\", Tür; x=<y>" <sip:3401@192.0.2.10;x=y>;tag=a%7E!.1'),
    ("Call-ID", "f81d.(x)!~%{y}?/[z]:1@host"),
]


def message(start, *headers, body=b""):
    return start, [*COMMON, *headers, ("Content-Length", str(len(body)))], body


CORPUS = {
    "REGISTER": message(
        "REGISTER sip:192.0.2.10 SIP/2.0",
        ("To", "<sip:3401@192.0.2.10>"),
        ("CSeq", "2147483000 REGISTER"),
        ("Contact", '"A, B" <sip:door@192.0.2.30:5060;transport=UDP;ob>;q=0.5;expires=60'),
        ("Contact", '<sips:door@192.0.2.30>;expires=30;+sip.instance="<urn:uuid:0>"'),
        ("Authorization", DIGEST),
        ("Supported", "path"),
        ("Supported", "outbound"),
    ),
    "taken back": message(
        "REGISTER sip:192.0.2.10 SIP/2.0",
        ("To", "sip:3401@192.0.2.10"),
        ("CSeq", "1 REGISTER"),
        ("Contact", "*"),
        ("Expires", "0"),
    ),
    "INVITE": message(
        "INVITE sip:3410@192.0.2.10;transport=UDP SIP/2.0",
        ("Route", "<sip:192.0.2.11;lr>"),
        ("Route", "<sip:192.0.2.12:5070;lr>;x=y"),
        ("To", "Front Desk <sip:3410@192.0.2.10>"),
        ("CSeq", "7 INVITE"),
        ("Contact", "<sip:door@192.0.2.30>"),
        ("Proxy-Authorization", DIGEST),
        ("Session-Expires", "1800;refresher=uac"),
        ("Content-Type", "application/sdp"),
        body=SDP,
    ),
    "multipart": message(
        "INVITE sip:3410@192.0.2.10 SIP/2.0",
        ("To", "<sip:3410@192.0.2.10>"),
        ("CSeq", "8 INVITE"),
        ("Contact", "<sip:door@192.0.2.30>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'multipart/mixed;boundary="b 1";x=y'),
        body=MIXED,
    ),
    "200": message(
        "SIP/2.0 200 Tür auf",
        ("Via", "SIP/2.0/TCP host.test;branch=z9hG4bK2;received=192.0.2.9"),
        ("Record-Route", "<sip:192.0.2.11;lr>"),
        ("Record-Route", "<sip:192.0.2.12;lr>"),
        ("To", "<sip:3401@192.0.2.10>;tag=b"),
        ("CSeq", "9 INVITE"),
        ("Contact", "<sip:door@192.0.2.30>"),
        ("Content-Type", "application/sdp"),
        body=SDP,
    ),
}


def read(data):
    content = sip_content(data, DEVICE, PBX, "UDP", lambda host, _: host)
    assert content.kind == "sip", content
    said = content.model_dump(exclude={"raw", "raw_bytes", "headers", "deviations"})
    parsed = Message.parse(data)
    vias = [(via.transport, via.host, via.port, via.branch) for via in parsed.vias]
    routes = [
        [part for value in parsed.all(name) for part in re.sub(r"\s", "", value).lower().split(",")]
        for name in ("Route", "Record-Route")
    ]
    return said, vias, routes, content.deviations


@pytest.mark.parametrize("name", CORPUS)
@given(seed=st.integers(0, 2**32), wildness=st.sampled_from((0.3, 0.7, 1.0)))
@settings(max_examples=60, deadline=None)
def test_every_lawful_spelling_says_the_same(name, seed, wildness):
    start, headers, body = CORPUS[name]
    plain = spelling.Speller(random.Random(0), 0).message(start, headers, body)
    speller = spelling.Speller(random.Random(seed), wildness)
    spelt = speller.message(start, [*headers, *speller.noise()], body)
    said, vias, routes, deviations = read(spelt)
    assert (said, vias, routes) == read(plain)[:3]
    assert not [note for note in deviations if "SDP" not in note], spelt


@given(seed=st.integers(0, 2**32))
def test_every_spelling_of_an_address_is_equal_to_it(seed):
    speller = spelling.Speller(random.Random(seed), 1)
    for uri in ("sip:3410@Pbx.test:5070;transport=udp;lr", "sips:a@192.0.2.1?x=y", "sip:192.0.2.10"):
        assert Uri.parse(speller.uri(uri)).equivalent(Uri.parse(uri))
