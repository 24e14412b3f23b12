"""SIP messages and their framing in streams: what is read, what is refused, and that nothing else happens."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.sip import Message, SipError, Via, canonical_name, looks_like_sip, split_list
from intercom_hil.wire.sip_stream import MAX_HEADER_BYTES, SipFramer
from intercom_hil.wire.uri import Uri

INVITE = (
    b"INVITE sip:101@127.0.0.10 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.30:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKother\r\n"
    b'f: "Door, front" <sip:100@127.0.0.10>;tag=a1\r\n'
    b"t: <sip:101@127.0.0.10>\r\n"
    b"i: call-1@127.0.0.30\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Subject: folded\r\n  over\r\n\ttwo lines\r\n"
    b"c: application/sdp\r\n"
    b"l: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)


def test_a_request_is_read_with_compact_and_folded_headers():
    message = Message.parse(INVITE)
    assert (message.method, message.request_uri, message.status) == ("INVITE", "sip:101@127.0.0.10", None)
    assert message.header("call-id") == "call-1@127.0.0.30"
    assert message.header("Subject") == "folded over two lines"
    assert message.cseq == (7, "INVITE")
    assert message.branch == "z9hG4bK1"
    assert message.body == b"v=0\r\n"
    assert message.body_of_type("application/sdp") == b"v=0\r\n"


def test_a_response_is_read_and_may_have_an_empty_reason():
    ringing = Message.parse(b"SIP/2.0 180 Ringing now\r\nCSeq: 1 INVITE\r\n\r\n")
    assert (ringing.status, ringing.reason, ringing.method) == (180, "Ringing now", "")
    assert Message.parse(b"SIP/2.0 200 \r\n\r\n").reason == ""


def test_bytes_after_content_length_are_dropped_and_a_datagram_ends_a_short_body():
    assert Message.parse(INVITE + b"trailing").body == b"v=0\r\n"
    short = Message.parse(INVITE[:-2])
    assert short.body == b"v=0"
    assert "Content-Length says 5" in short.deviations[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n",
        b"INVITE sip:a SIP/3.0\r\n\r\n",
        b"SIP/2.0 99 Low\r\n\r\n",
        b"SIP/2.0 700 High\r\n\r\n",
    ],
)
def test_what_is_no_message_is_refused_with_its_bytes(data):
    with pytest.raises(SipError) as refused:
        Message.parse(data)
    assert refused.value.problem
    assert refused.value.data or not data


@pytest.mark.parametrize(
    ("data", "headers", "deviation"),
    [
        (b"INVITE  sip:a SIP/2.0\r\n\r\n", (), "blanks too many"),
        (b"INVITE <sip:a> SIP/2.0\r\n\r\n", (), "angle brackets"),
        (b"invite sip:a sip/2.0\r\n\r\n", (), "in other case than INVITE"),
        (b"INVITE sip:a SIP/2.0\r\nno colon here\r\nTo: b\r\n\r\n", (("To", "b"),), "no header"),
        (b"INVITE sip:a SIP/2.0\r\n onto nothing\r\nTo: b\r\n\r\n", (("To", "b"),), "folded"),
        (b"INVITE sip:a SIP/2.0\r\nTo: a\nFrom: b\r\n\r\n", (("To", "a"), ("From", "b")), "CRLF"),
        (b"INVITE sip:a SIP/2.0\r\r\nTo: a\r\r\n\r\r\n", (("To", "a"),), "CRLF"),
        (b"INVITE sip:a SIP/2.0\rTo: a\r\r", (("To", "a"),), "CRLF"),
        (b"INVITE sip:a SIP/2.0\r\nTo: a", (("To", "a"),), "no empty line"),
        (b"\r\n\0\r\nINVITE sip:a SIP/2.0\r\n\r\n", (), "before the start line"),
        (b"INVITE sip:a SIP/2.0\r\nl: -1\r\n\r\n", (("Content-Length", "-1"),), "no number"),
        ("INVITE sip:a SIP/2.0\r\nl: ²\r\n\r\n".encode(), (("Content-Length", "²"),), "no number"),
        (b"INVITE sip:a SIP/2.0\r\nTo: T\xfcr\r\n\r\n", (("To", "T\udcfcr"),), "UTF-8"),
    ],
)
def test_what_other_stacks_see_through_is_read_and_noted(data, headers, deviation):
    message = Message.parse(data)
    assert (message.method, message.request_uri, message.headers) == ("INVITE", "sip:a", headers)
    assert deviation in "; ".join(message.deviations)


@pytest.mark.parametrize("lengths", [(2, 5), (5, 9), (0, 5)])
def test_of_two_content_lengths_that_differ_the_one_that_fits_counts(lengths):
    fields = "".join(f"l: {length}\r\n" for length in lengths)
    message = Message.parse(f"INVITE sip:a SIP/2.0\r\n{fields}\r\nv=0\r\n".encode())
    assert message.body == b"v=0\r\n"
    assert "several different values" in message.deviations[0]


@pytest.mark.parametrize("colon", [":", ": ", ":  ", " :\t", ":\r\n ", "\t: \r\n\t\t"])
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION", "Proxy-Authorization"])
@pytest.mark.parametrize("username", ['username="a,\\"b"', 'username = "a,\\"b"', 'Username=\r\n "a,\\"b"'])
def test_credentials_read_the_same_however_they_are_spaced_and_folded(name, colon, username):
    data = f'REGISTER sip:a SIP/2.0\r\n{name}{colon}Digest realm="x", {username} ,nc=00000001\r\n\r\n'
    (found,) = Message.parse(data.encode()).credentials
    assert (found.header, found.scheme) == (canonical_name(name), "digest")
    assert found.parameters == (("realm", "x"), ("username", 'a,"b'), ("nc", "00000001"))


@pytest.mark.parametrize("zeros", ["", "0", "0" * 20])
def test_numbers_may_begin_with_zeros(zeros):
    data = (
        f"INVITE sip:a@b:{zeros}5070 SIP/2.0\r\nVia: SIP/2.0/UDP h:{zeros}5060;branch=z9hG4bK1\r\n"
        f"CSeq: {zeros}2147483647 INVITE\r\nContent-Length: {zeros}3\r\n\r\nabc"
    )
    message = Message.parse(data.encode())
    assert message.deviations == ()
    assert message.cseq == (2147483647, "INVITE")
    assert message.content_lengths == (3,)
    assert message.vias[0].port == 5060
    assert Uri.parse(message.request_uri).port == 5070
    empty = Message.parse(f"BYE sip:a SIP/2.0\r\nCSeq: 1 BYE\r\nContent-Length: {zeros}0\r\n\r\n".encode())
    assert empty.content_lengths == (0,)


def test_vias_are_read_from_one_line_or_many_with_blanks_where_they_may_be():
    message = Message.parse(
        b"SIP/2.0 200 OK\r\nv: SIP / 2.0 / tls [2001:db8::1] : 5061 ;rport; branch = z9hG4bKa,"
        b"SIP/2.0/UDP b\r\n"
        b"Via: SIP/2.0/TCP c:5080;x\r\n\r\n"
    )
    assert message.vias == [
        Via("TLS", "[2001:db8::1]", 5061, "z9hG4bKa"),
        Via("UDP", "b"),
        Via("TCP", "c", 5080),
    ]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(INVITE.split(b"\r\n"))).map(b"\n".join))
def test_whatever_is_read_can_be_written_and_read_again(data):
    try:
        message = Message.parse(data)
    except SipError:
        return
    assert Message.parse(bytes(message)).headers == message.headers
    assert message.vias is not None
    assert message.credentials is not None
    message.body_of_type("application/sdp")


@pytest.mark.parametrize(
    "headers",
    [
        b"a:b\r\n" * 200_000,
        b"Subject: x\r\n" + b" y\r\n" * 200_000,
        b"\t" * 500_000,
        b"\r" * 500_000,
        b"Via:" + b" ;" * 300_000 + b"\r\n",
        b"To:" + b'"' * 500_000,
        b"c: multipart/x;" + b" " * 400_000,
    ],
    ids=["headers", "folds", "blanks", "carriage returns", "parameters", "quotes", "type"],
)
def test_the_work_is_linear_in_the_bytes(headers):
    begun = time.process_time()
    message = Message.parse(b"INVITE sip:a SIP/2.0\r\nTo: a\r\n" + headers + b"\r\n\r\n")
    assert (message.branch, message.credentials, message.body_of_type("application/sdp")) is not None
    assert time.process_time() - begun < 5


def test_the_session_description_is_found_in_a_multipart_body():
    body = (
        b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--x\r\nContent-Type: application/sdp; charset=utf-8\r\n\r\nv=0\r\no=-\r\n--x--\r\n"
    )
    head = b'INVITE sip:a SIP/2.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
    message = Message.parse(head + body)
    assert message.body_of_type("application/sdp") == b"v=0\r\no=-"
    assert message.body_of_type("application/pidf+xml") is None


def test_lists_are_split_outside_quotes_and_brackets():
    assert split_list('"a, \\", b" <sip:a,b@c>;x=1, <sip:d>,, e') == [
        '"a, \\", b" <sip:a,b@c>;x=1',
        "<sip:d>",
        "e",
    ]


def test_a_start_line_is_recognised_and_other_protocols_are_not():
    assert looks_like_sip(INVITE)
    assert looks_like_sip(b"SIP/2.0 200 OK\r\n")
    for other in (b"GET / HTTP/1.1\r\n", b"HEP3\x00\x10", b"\x16\x03\x01", b"", b"\x80\x08" + bytes(20)):
        assert not looks_like_sip(other)


TOKEN = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{1,12}", fullmatch=True)
VALUE = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\r\n", exclude_categories=("Cc", "Zs", "Zl", "Zp", "Cs")
    ),
    max_size=30,
)


@given(
    method=st.from_regex(r"[A-Z]{2,12}", fullmatch=True),
    headers=st.lists(st.tuples(TOKEN.filter(lambda n: n.lower() != "content-length"), VALUE), max_size=8),
    body=st.binary(max_size=60),
)
def test_what_is_serialised_is_read_back_the_same(method, headers, body):
    message = Message(method, "sip:a@b", headers=(*headers, ("Content-Length", str(len(body)))), body=body)
    assert Message.parse(bytes(message)) == message


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: INVITE[:120] + tail + b"\r\n\r\n"))
def test_any_bytes_are_a_message_or_a_sip_error(data):
    try:
        message = Message.parse(data)
    except SipError:
        return
    assert Message.parse(bytes(message)) == message


@given(st.lists(st.integers(1, 40), max_size=40), st.integers(1, 3))
def test_a_stream_gives_the_same_messages_however_it_is_cut(cuts, count):
    stream = b"\r\n\r\n" + INVITE * count
    framer, messages, at = SipFramer(), [], 0
    for cut in [*cuts, len(stream)]:
        framer.feed(stream[at : at + cut])
        at += cut
        while (message := framer.next_message()) is not None:
            messages.append(message)
    assert messages == [INVITE] * count
    assert framer.rest == b""


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS sip:a SIP/2.0\r\nContent-Type: x/y\r\n\r\n",
        b"x y z\r\nVia: x\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n",
        b"x" * (MAX_HEADER_BYTES + 1),
    ],
)
def test_a_stream_that_cannot_be_cut_is_refused_and_forgotten(data):
    framer = SipFramer()
    framer.feed(data)
    with pytest.raises(SipError):
        framer.next_message()
    framer.feed(INVITE)
    assert framer.next_message() == INVITE


def test_a_message_without_body_needs_no_content_length_and_it_may_be_folded():
    framer = SipFramer()
    framer.feed(b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\nACK sip:a SIP/2.0\nl:\n 3\n\nabc")
    assert framer.next_message() == b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n"
    assert framer.next_message() == b"ACK sip:a SIP/2.0\nl:\n 3\n\nabc"


def test_framing_is_linear_in_the_bytes_however_small_the_segments():
    head = b"INVITE sip:a SIP/2.0\r\n" + b"X: y\r\n" * 9_000 + b"Content-Length: 1000000\r\n\r\n"
    stream = head + bytes(1_000_000) + b"OPTIONS sip:a SIP/2.0\r\n\r\n" * 1_000
    framer, count, begun = SipFramer(), 0, time.process_time()
    for at in range(0, len(stream), 50):
        framer.feed(stream[at : at + 50])
        while framer.next_message() is not None:
            count += 1
    assert count == 1_001
    assert time.process_time() - begun < 5


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_stream_gives_messages_or_sip_errors(chunks):
    framer = SipFramer()
    for chunk in chunks:
        framer.feed(chunk)
        try:
            while framer.next_message() is not None:
                pass
        except SipError:
            continue
