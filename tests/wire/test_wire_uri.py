"""URIs and name-addrs: reading, writing, and the comparison examples of RFC 3261 §19.1.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.uri import NameAddr, Uri, UriError


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_uris_that_the_rfc_calls_equal_are(left, right):
    assert Uri.parse(left).equivalent(Uri.parse(right))
    assert Uri.parse(right).equivalent(Uri.parse(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("tel:+1", "tel:+2"),
    ],
)
def test_uris_that_the_rfc_calls_different_are(left, right):
    assert not Uri.parse(left).equivalent(Uri.parse(right))


def test_a_uri_is_taken_apart():
    uri = Uri.parse("sips:al%69ce:se@x@[2001:db8::1]:5061;lr;transport=tls?X=y")
    assert (uri.user_unescaped, uri.password) == ("alice", "se@x")
    assert (uri.host, uri.port, uri.parameter("LR"), uri.parameter("none")) == (
        "[2001:db8::1]",
        5061,
        "",
        None,
    )
    assert str(uri) == "sips:al%69ce:se@x@[2001:db8::1]:5061;lr;transport=tls?X=y"


@pytest.mark.parametrize(
    "text",
    ["", "alice", "sip:", "sip:@host", "sip:a@", "sip:a@b:99999", "sip:a b@c", "sip:a@b c", "sip:<a@b>"],
)
def test_what_is_no_uri_is_refused(text):
    with pytest.raises(UriError):
        Uri.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<sip:a@b>;tag=1", NameAddr("sip:a@b", "", (("tag", "1"),))),
        (
            '"A \\"B\\" <x>" <sip:a@b;lr>;tag=1;p',
            NameAddr("sip:a@b;lr", 'A "B" <x>', (("tag", "1"), ("p", None))),
        ),
        ("Front door <sip:a@b>", NameAddr("sip:a@b", "Front door")),
        ("sip:a@b;tag=1", NameAddr("sip:a@b", "", (("tag", "1"),))),
        ("<not a uri>", NameAddr("not a uri")),
        ('sip:a@b;i="<urn:x>";q=1', NameAddr("sip:a@b", "", (("i", '"<urn:x>"'), ("q", "1")))),
        (
            '<sip:a@b>;x="c;tag=1\\";tag=2";tag=3',
            NameAddr("sip:a@b", "", (("x", '"c;tag=1\\";tag=2"'), ("tag", "3"))),
        ),
    ],
)
def test_a_name_addr_is_taken_apart(text, expected):
    assert NameAddr.parse(text) == expected
    assert NameAddr.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["", '"open <sip:a@b>', "<sip:a@b", "<>", '"name" sip:a@b', ";tag=1"])
def test_what_is_no_name_addr_is_refused(text):
    with pytest.raises(UriError):
        NameAddr.parse(text)


@given(st.text(max_size=60) | st.from_regex(r"sips?:[!-~]{0,40}", fullmatch=True))
def test_any_text_is_a_uri_that_reads_back_or_a_uri_error(text):
    try:
        uri = Uri.parse(text)
    except UriError:
        return
    assert Uri.parse(str(uri)) == uri
    assert uri.equivalent(uri)


@given(st.text(max_size=60))
def test_any_text_is_a_name_addr_or_a_uri_error(text):
    try:
        NameAddr.parse(text)
    except UriError:
        return
