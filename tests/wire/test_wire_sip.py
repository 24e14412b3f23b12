"""SIP messages and their framing in streams: what is read, what is refused, and that nothing else happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.sip import Message, SipError, looks_like_sip, split_list
from intercom_hil.wire.sip_stream import MAX_HEADER_BYTES, SipFramer

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


def test_bytes_after_content_length_are_dropped_and_a_short_body_is_refused():
    assert Message.parse(INVITE + b"trailing").body == b"v=0\r\n"
    with pytest.raises(SipError, match="Content-Length says 5"):
        Message.parse(INVITE[:-1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n",
        b"INVITE sip:a SIP/3.0\r\n\r\n",
        b"INVITE  sip:a SIP/2.0\r\n\r\n",
        b"SIP/2.0 99 Low\r\n\r\n",
        b"SIP/2.0 700 High\r\n\r\n",
        b"SIP/2.0 200 OK\r\nno colon here\r\n\r\n",
        b"SIP/2.0 200 OK\r\n folded onto nothing\r\n\r\n",
        b"SIP/2.0 200 OK\r\nTo: a\nFrom: b\r\n\r\n",
        b"SIP/2.0 200 OK\r\nSubject: a\r\n b\nFrom: c\r\n\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        "SIP/2.0 200 OK\r\nContent-Length: ²\r\n\r\n".encode(),
    ],
)
def test_what_is_no_message_is_refused_with_its_bytes(data):
    with pytest.raises(SipError) as refused:
        Message.parse(data)
    assert refused.value.problem
    assert refused.value.data or not data


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
        b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n",
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
