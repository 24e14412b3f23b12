"""What is read of a message, its headers and its session, exactly, and what is noted of its spelling."""

import struct

import pytest
from scapy.utils import RawPcapNgReader

from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter, is_pcapng, read_pcapng
from intercom_hil.wire.sdp import MOST_MEDIA, Crypto, Session
from intercom_hil.wire.sip import (
    Credentials,
    Message,
    SipError,
    Via,
    canonical_name,
    looks_like_sip,
    split_list,
)
from intercom_hil.wire.sip_body import body_of_type, media_type
from intercom_hil.wire.uri import NameAddr, Uri

BLANKS = "blanks too many in the start line (RFC 3261 §7.1)"
BEFORE = "empty lines or blanks before the start line (RFC 3261 §7.5)"
SPACED = "more than one blank after SIP/2.0 in the start line (RFC 3261 §7.2)"
VERSION = "sip/2.0 where SIP/2.0 must be sent (RFC 3261 §7.1)"
ENDS = "line ends other than CRLF (RFC 3261 §7)"
SEVERAL = "several different values of Content-Length (RFC 3261 §20.14)"
NO_NUMBER = "a Content-Length that is no number (RFC 3261 §20.14)"
FOLDED = "a folded line that goes on with nothing (RFC 3261 §7.3.1)"
UNENDED = "no empty line after the headers (RFC 3261 §7)"
UTF8 = "headers that are no UTF-8 (RFC 3261 §7)"


def no_header(text):
    return f"a line that is no header: {text!r} (RFC 3261 §7.3)"


@pytest.mark.parametrize(
    ("line", "start", "notes"),
    [
        ("INVITE sip:a SIP/2.0", ("INVITE", "sip:a", None, ""), ()),
        ("INVITE  sip:a SIP/2.0", ("INVITE", "sip:a", None, ""), (BLANKS,)),
        ("INVITE sip:a\tSIP/2.0", ("INVITE", "sip:a", None, ""), (BLANKS,)),
        ("INVITE sip:a SIP/2.0 ", ("INVITE", "sip:a", None, ""), (BLANKS,)),
        (" INVITE sip:a SIP/2.0", ("INVITE", "sip:a", None, ""), (BEFORE,)),
        (
            "INVITE sip:a b SIP/2.0",
            ("INVITE", "sip:a b", None, ""),
            ("a Request-URI with blanks in it (RFC 3261 §7.1)",),
        ),
        (
            "INVITE <sip:a> SIP/2.0",
            ("INVITE", "sip:a", None, ""),
            ("a Request-URI in angle brackets (RFC 3261 §7.1)",),
        ),
        ("INVITE <sip:a SIP/2.0", ("INVITE", "<sip:a", None, ""), ()),
        (
            "invite sip:a sip/2.0",
            ("INVITE", "sip:a", None, ""),
            ("the method invite in other case than INVITE (RFC 3261 §7.1)", VERSION),
        ),
        ("foo sip:a SIP/2.0", ("foo", "sip:a", None, ""), ()),
        ("SIP/2.0 200 OK", ("", "", 200, "OK"), ()),
        ("SIP/2.0 200  All  right ", ("", "", 200, "All  right"), ()),
        ("SIP/2.0 200", ("", "", 200, ""), ()),
        ("SIP/2.0  200 OK", ("", "", 200, "OK"), (SPACED,)),
        ("SIP/2.0\t200 OK", ("", "", 200, "OK"), (SPACED,)),
        ("sip/2.0 699 x", ("", "", 699, "x"), (VERSION,)),
        ("SIP/2.0 100 x", ("", "", 100, "x"), ()),
        ("XPING XX SIP/2.0", ("XPING", "XX", None, ""), ()),
        ("SIP/2.0 480 XeX", ("", "", 480, "XeX"), ()),
    ],
)
def test_a_start_line_is_read_and_its_spelling_noted(line, start, notes):
    message = Message.parse(f"{line}\r\nTo: x\r\n\r\n".encode())
    assert (message.method, message.request_uri, message.status, message.reason) == start
    assert message.deviations == notes
    assert looks_like_sip(f"{line}\r\n".encode())
    assert looks_like_sip(f"\r\n{line}\n".encode())
    assert not looks_like_sip(line.encode()), "it may not be over"


def test_no_more_is_searched_for_a_start_line_than_one_has():
    def long(size):
        return b"INVITE sip:" + b"a" * (size - 19) + b" SIP/2.0"

    assert len(long(2308)) == 2308
    assert looks_like_sip(long(2307) + b"\r\n")
    assert not looks_like_sip(long(2308) + b"\r\n")
    for data in (b"\x80\r\n", b"\r\n", b"INVITE sip:a HTTP/1.1\r\nVia: SIP/2.0/UDP x\r\n", b"sip/2.0\r\n"):
        assert not looks_like_sip(data)


@pytest.mark.parametrize(
    ("lines", "headers", "notes"),
    [
        ("To: a\r\n", [("To", "a")], ()),
        ("To : \t b\r\n\tc \r\n \r\n d\r\n", [("To", "b c d")], ()),
        ("t: a\r\nF: b\r\n", [("To", "a"), ("From", "b")], ()),
        ("X-Y: \r\n", [("X-Y", "")], ()),
        ("X-X: XaX\r\n XbX\r\n", [("X-X", "XaX XbX")], ()),
        ("to: a\r\n", [("to", "a")], ()),
        ("To: a:b\r\n", [("To", "a:b")], ()),
        ("To: a\nFrom: b\r\n", [("To", "a"), ("From", "b")], (ENDS,)),
        ("To: a\rFrom: b\r\n", [("To", "a"), ("From", "b")], (ENDS,)),
        ("To\r\nFrom: b\r\n", [("From", "b")], (no_header("To"),)),
        (": a\r\nFrom: b\r\n", [("From", "b")], (no_header(": a"),)),
        ("@: a\r\nFrom: b\r\n", [("From", "b")], (no_header("@: a"),)),
        (" a\r\nFrom: b\r\n", [("From", "b")], (FOLDED,)),
        ("@\r\n a\r\nFrom: b\r\n", [("From", "b")], (no_header("@"), FOLDED)),
        ("x" * 61 + "\r\nFrom: b\r\n", [("From", "b")], (no_header("x" * 60),)),
        ("From: b\r\n" + "x\r\n" * 2, [("From", "b")], (no_header("x"),)),
    ],
)
def test_headers_are_read_and_their_spelling_noted(lines, headers, notes):
    message = Message.parse(f"INVITE sip:a SIP/2.0\r\n{lines}\r\n".encode())
    assert (list(message.headers), message.deviations) == (headers, notes)


def test_what_is_missing_or_no_text_is_noted():
    assert Message.parse(b"INVITE sip:a SIP/2.0\r\nTo: a").deviations == (UNENDED,)
    assert Message.parse(b"INVITE sip:a SIP/2.0\r\nTo: \xfc\r\n\r\n").deviations == (UTF8,)
    assert Message.parse(b"INVITE sip:a SIP/2.0\n\r\n").deviations == (ENDS,)
    assert Message.parse(b"\n INVITE sip:a SIP/2.0\r\n\r\n").deviations == (BEFORE,)
    assert Message.parse(b"\r\nINVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n", stream=True).deviations == ()
    assert Message.parse(b"INVITE sip:a SIP/2.0\r\n\r\nx", stream=True).deviations == (
        "no Content-Length in a stream (RFC 3261 §20.14)",
    )


@pytest.mark.parametrize(
    ("lengths", "body", "notes"),
    [
        ([], b"123456", ()),
        (["6"], b"123456", ()),
        (["06"], b"123456", ()),
        (["5", "5"], b"12345", ()),
        (["0"], b"", ()),
        (["3", "2"], b"123", (SEVERAL,)),
        (["9"], b"123456", ("Content-Length says 9, the body has 6 bytes (RFC 3261 §18.3)",)),
        (["9", "8"], b"123456", (SEVERAL, "Content-Length says 9, the body has 6 bytes (RFC 3261 §18.3)")),
        (["9", "x"], b"123456", (SEVERAL, "Content-Length says 9, the body has 6 bytes (RFC 3261 §18.3)")),
        (["9", "6"], b"123456", (SEVERAL,)),
        (["x"], b"123456", (NO_NUMBER,)),
        (["1234567890"], b"123456", (NO_NUMBER,)),
        (["123456789"], b"123456", ("Content-Length says 123456789, the body has 6 bytes (RFC 3261 §18.3)",)),
    ],
)
def test_a_body_is_as_long_as_its_message_says_or_as_it_is(lengths, body, notes):
    fields = "".join(f"l: {length}\r\n" for length in lengths)
    message = Message.parse(f"INVITE sip:a SIP/2.0\r\n{fields}\r\n123456".encode())
    assert (message.body, message.deviations) == (body, notes)


@pytest.mark.parametrize(
    ("declared", "size", "body", "behind"),
    [
        ("application/sdp", 7, b"v=0\r\ns=-\r\n", 3),
        ("Application / SDP;x=y", 3, b"v=0\r\ns=-\r\n", 7),
        ("application/sdp", 5, b"v=0\r\nOPTIONS sip:a SIP/2.0\r\n", 0),
        ("application/sdp", 4, b"v=0\ns=-\n", 0),
        ("application/sdp", 0, b"v=0\r\n", 5),
        ("application/sdp", 0, b"\r\n\r\n", 0),
        ("", 0, b"v=0\r\n", 5),
        ("", 0, b"REGISTER sip:a SIP/2.0\r\n", 0),
        ("text/plain", 2, b"Hello", 0),
        ("multipart/mixed;boundary=b", 9, b"--b\r\n\r\nv=0\r\n--b--\r\n", 10),
        ("multipart/mixed;boundary=b", 17, b"--b\r\n\r\nv=0\r\n--b--\r\n", 0),
        ("multipart/mixed;boundary=b", 0, b"\r\n", 0),
    ],
)
def test_bytes_behind_a_body_are_dropped_and_noted_where_they_go_on_with_it(declared, size, body, behind):
    kind = f"c: {declared}\r\n" if declared else ""
    message = Message.parse(f"INVITE sip:a SIP/2.0\r\n{kind}l: {size}\r\n\r\n".encode() + body)
    assert message.body == body[:size]
    assert message.deviations == ((f"{behind} bytes behind the body (RFC 3261 §18.3)",) if behind else ())


def test_a_message_is_written_as_it_stands():
    request = Message("INVITE", "sip:a", headers=(("To", "T\udcfcr"), ("Content-Length", "1")), body=b"x")
    assert bytes(request) == b"INVITE sip:a SIP/2.0\r\nTo: T\xfcr\r\nContent-Length: 1\r\n\r\nx"
    assert bytes(Message(status=200, reason="OK")) == b"SIP/2.0 200 OK\r\n\r\n"


def test_headers_are_found_by_name_in_any_case():
    message = Message(headers=(("Via", "a"), ("Route", "x"), ("via", "b")))
    assert (message.all("VIA"), message.header("vIa"), message.all("To"), message.header("To")) == (
        ["a", "b"],
        "a",
        [],
        None,
    )
    message.all("Via").clear()
    assert message.all("Via") == ["a", "b"], "what is returned is the caller's own"
    names = {"call-id": "Call-ID", "CSEQ": "CSeq", "www-authenticate": "WWW-Authenticate", "x-y": "X-Y"}
    names |= {"mime-version": "MIME-Version", "rack": "RAck", "min-se": "Min-SE", "sip-etag": "SIP-ETag"}
    assert {name: canonical_name(name) for name in names} == names


def test_a_number_and_a_method_make_a_cseq():
    def cseq(value):
        return Message(headers=(("CSeq", value),)).cseq

    assert cseq("1234567890 INVITE") == (1234567890, "INVITE")
    assert cseq(" 7\t invite x") == (7, "INVITE")
    assert cseq("7 foo") == (7, "foo")


@pytest.mark.parametrize(
    ("value", "via"),
    [
        ("SIP/2.0/UDP a", Via("UDP", "a")),
        ("sip / 2.0\t/ tls  a : 5061 ;x;Branch = b ;branch=c", Via("TLS", "a", 5061, "b")),
        ("SIP/2.0/UDP [::1]:5", Via("UDP", "[::1]", 5)),
        ("SIP/2.0/UDP a;branch", Via("UDP", "a")),
        ("SIP/2.0/UDP XaX;branch=XbX", Via("UDP", "XaX", None, "XbX")),
        ('SIP/2.0/UDP a;x="b;branch=c";branch=d', Via("UDP", "a", None, "d")),
        ("SIP/2.0/UDP a:b", None),
        ("SIP/2.0/UDP", None),
        ("SIP/2.0 UDP a", None),
        ("SIP/2.0/UDP a:123456", None),
    ],
)
def test_a_via_names_a_transport_and_a_host(value, via):
    message = Message(headers=(("Via", value),))
    assert message.vias == ([via] if via else [])
    assert not via or message.branch == via.branch
    assert Message().branch == ""


@pytest.mark.parametrize(
    ("value", "separator", "parts"),
    [
        ("a, b ,,c", ",", ["a", "b", "c"]),
        ('"a,\\",b",c', ",", ['"a,\\",b"', "c"]),
        ("<a,b>,c", ",", ["<a,b>", "c"]),
        ('<a",b>,c', ",", ['<a",b>', "c"]),
        ('"<",a', ",", ['"<"', "a"]),
        ("a\\,b", ",", ["a\\", "b"]),
        ("a;b,c", ";", ["a", "b,c"]),
        ("", ",", []),
    ],
)
def test_a_list_is_split_where_its_separator_is_one(value, separator, parts):
    assert split_list(value, separator) == parts


@pytest.mark.parametrize(
    ("value", "scheme", "parameters"),
    [
        ("Digest a=b", "digest", (("a", "b"),)),
        ('DIGEST\t a = "b, c" ,x,D=e', "digest", (("a", "b, c"), ("d", "e"))),
        ('Digest a="b\\"c\\\\"', "digest", (("a", 'b"c\\'),)),
        ('Digest a=", b=""', "digest", (("a", ', b="'),)),
        ('Digest a="b\\\nc"', "digest", (("a", "b\nc"),)),
        ('Digest a="', "digest", (("a", '"'),)),
        ("Digest a=XbX", "digest", (("a", "XbX"),)),
        ('Digest a="b,c=d"e', "digest", (("a", '"b,c=d"e'),)),
        ("Basic QWxhZGRpbg==", "basic", (("qwxhzgrpbg", "="),)),
        ("", "", ()),
    ],
)
def test_credentials_are_taken_apart(value, scheme, parameters):
    assert Credentials.parse("Authorization", value) == Credentials("Authorization", scheme, parameters)
    message = Message(headers=(("proxy-authorization", value), ("X", "y")))
    assert message.credentials == (Credentials("Proxy-Authorization", scheme, parameters),)


SDP, TEXT = "application/sdp", "text/plain"
UNTYPED = "a body without Content-Type (RFC 3261 §20.15)"
LF = "a multipart body with line ends other than CRLF (RFC 2046 §5.1.1)"


@pytest.mark.parametrize(
    ("declared", "body", "found", "notes"),
    [
        ("application/sdp", b"v=0", b"v=0", []),
        ("Application / SDP;x=y", b"v=0", b"v=0", []),
        ("", b"v=0", b"v=0", [UNTYPED]),
        (" ;x", b"v=0", b"v=0", [UNTYPED]),
        ("", b"x", None, []),
        ("text/plain", b"v=0", None, []),
        ("multipart/mixed", b"--b\r\n\r\nv=0\r\n--b--", None, []),
        ("text/plain;boundary=b", b"--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--", None, []),
        ("multipart/mixed;boundary=b", b"--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--", b"v=0", []),
        (
            'multipart/mixed; Boundary = "b c";x',
            b"--b c\r\nc:application/sdp\r\n\r\nv=0\r\n--b c--",
            b"v=0",
            [],
        ),
        ("multipart/mixed;boundary=b", b"--b\r\nc:application/sdp\r\n\r\nv=0", b"v=0", []),
        ("multipart/mixed;boundary=b", b"--b \t\r\nc:application/sdp\r\n\r\nv=0\r\n--b--", b"v=0", []),
        ("multipart/mixed;boundary=b", b"--b--\r\n--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--", None, []),
        ("multipart/mixed;boundary=b", b"--bc\r\nc:application/sdp\r\n\r\nv=0\r\n--b--", None, []),
        ("multipart/mixed;boundary=b", b"--b\nc:application/sdp\n\nv=0\n--b--", b"v=0", [LF]),
        ("multipart/mixed;boundary=b", b"--b\r\n\r\n\x30\n\r\x00\r\n--b--", None, []),
        (
            "multipart/mixed;boundary=b",
            b"--b\r\n\r\n\n\n\r\n--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--",
            b"v=0",
            [],
        ),
        ("multipart/mixed;boundary=b", b"--b\r\nc:application/sdp\n\r\nv=0\r\n--b--", b"v=0", [LF]),
        ("multipart/mixed;boundary=b", b"--b\r\nc:application/sdp\r\n\r\nv=0\n--b--", b"v=0", [LF]),
        (
            "multipart/mixed;boundary=b",
            b"--b\r\n\r\ntext\r\n--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--",
            b"v=0",
            [],
        ),
        (
            "multipart/mixed;boundary=b",
            b"--b\r\nx\r\n--b\r\nc:application/sdp\r\n\r\nv=0\r\n--b--",
            b"v=0",
            [],
        ),
        (
            "multipart/mixed;boundary=b",
            b"--b\r\nX: y\r\nContent-Type :\r\n application/sdp\r\n\r\nv=0\r\n\r\nx\r\n--b--",
            b"v=0\r\n\r\nx",
            [],
        ),
    ],
)
def test_the_part_of_a_body_that_is_of_a_type(declared, body, found, notes):
    noted = []
    assert body_of_type(body, declared, SDP, noted) == found
    assert noted == notes
    message = Message(headers=(("Content-Type", declared),), body=body)
    noted = []
    assert message.body_of_type(SDP, noted) == message.body_of_type(SDP) == found
    assert noted == notes


def test_a_part_without_a_type_is_text():
    assert body_of_type(b"--b\r\n\r\nhello\r\n--b--", "multipart/x;boundary=b", TEXT, []) == b"hello"
    assert media_type("Text / Plain ;x") == TEXT
    assert body_of_type(b"v=0", "", TEXT, []) is None


def nested(depth):
    body, declared = b"v=0", "application/sdp"
    for level in range(depth):
        head = f"--b{level}\r\nContent-Type: {declared}\r\n\r\n".encode()
        body, declared = head + body + f"\r\n--b{level}--".encode(), f"multipart/x;boundary=b{level}"
    return body, declared


def test_bodies_inside_one_another_are_looked_into_to_a_depth():
    assert [body_of_type(*nested(depth), SDP, []) for depth in (1, 4, 5)] == [b"v=0", b"v=0", None]


def test_line_ends_are_noted_of_a_body_inside_another():
    body, declared = nested(2)
    noted = []
    inner = body.replace(b"\r\n--b0", b"\n--b0").replace(b"sdp\r\n\r\n", b"sdp\n\n")
    assert body_of_type(inner, declared, SDP, noted) == b"v=0"
    assert set(noted) == {LF}


def test_so_many_parts_are_looked_into():
    def parts(before):
        empty = b"--b\r\n\r\nx\r\n" * before
        return empty + b"--b\r\nc: application/sdp\r\n\r\nv=0\r\n--b--"

    declared = "multipart/x;boundary=b"
    assert body_of_type(parts(99), declared, SDP, []) == b"v=0"
    assert body_of_type(parts(100), declared, SDP, []) is None


HEAD = b"v=0\r\no=- 1 1 IN IP4 a\r\ns=n\r\nc=IN IP4 192.0.2.1/127\r\nt=0 0\r\n"
A80 = "AES_CM_128_HMAC_SHA1_80"
INLINE = "A" * 40
BLANK_VALUE = "blanks round the value of a line (RFC 4566 §5)"
COLON = "blanks round the colon of an a= line (RFC 4566 §5.13)"
HOLD = "hold by the address 0.0.0.0, its old form (RFC 3264 §8.4)"


def no_sdp(text):
    return f"a line that is no SDP: {text!r} (RFC 4566 §5)"


@pytest.mark.parametrize(
    ("lines", "attributes", "notes"),
    [
        (b"", (), ()),
        (b"a=x\r\na=b:c:d\r\n", (("x", ""), ("b", "c:d")), ()),
        (b"a= x\r\n", (("x", ""),), (BLANK_VALUE,)),
        (b"a=b :c\r\n", (("b", "c"),), (COLON,)),
        (b"a=mid: c\r\n", (("mid", "c"),), (COLON,)),
        (b"a=Rtpmap:8 PCMA/8000 \r\n", (("Rtpmap", "8 PCMA/8000"),), (BLANK_VALUE,)),
        (b"a=sendrecv \r\n", (("sendrecv", ""),), (BLANK_VALUE,)),
        (b"a=x-door: north  gate \r\na=tool: t 1 \r\n", (("x-door", "north  gate"), ("tool", "t 1")), ()),
        (b" a=b\r\n", (("b", ""),), ()),
        (b"junk\r\n", (), (no_sdp("junk"),)),
        (b"A=b\r\n", (), (no_sdp("A=b"),)),
        (b"y" * 61 + b"\r\n", (), (no_sdp("y" * 60),)),
        (b" \t\0\r\n\r\n", (), ()),
        (b"a=T\xfcr\r\n", (("T\\xfcr", ""),), ("bytes that are no UTF-8 (RFC 4566 §6, charset)",)),
        (b"junk\r\njunk\r\n", (), (no_sdp("junk"),)),
    ],
)
def test_the_lines_of_a_session_are_read_and_their_spelling_noted(lines, attributes, notes):
    session = Session.parse(HEAD + lines)
    assert (session.attributes, session.deviations, session.media) == (attributes, notes, ())
    assert (session.origin, session.name, session.address) == ("- 1 1 IN IP4 a", "n", "192.0.2.1")


def test_a_session_may_lack_all_but_its_version():
    session = Session.parse(b"v=0\r\n")
    assert (session.origin, session.name, session.address) == ("", "", "")
    assert session.deviations == ("no origin (RFC 4566 §5.2)",)
    assert Session.parse(b"v=0\r\no=x\r\ns= n \r\n").deviations == ()


def section(lines, head=HEAD):
    return Session.parse(head + lines).media[0]


@pytest.mark.parametrize(
    ("line", "facts", "notes"),
    [
        (b"m=audio 4000 RTP/AVP 8 0", ("audio", 4000, "RTP/AVP", ("8", "0")), ()),
        (b"m=Audio 65535/2 rtp/savp", ("audio", 65535, "RTP/SAVP", ()), ()),
        (
            b"m=audio  0 RTP/AVP 8",
            ("audio", 0, "RTP/AVP", ("8",)),
            ("blanks too many in an m= line (RFC 4566 §5.14)",),
        ),
    ],
)
def test_a_media_line_is_read(line, facts, notes):
    session = Session.parse(HEAD + line + b"\r\n")
    (media,) = session.media
    assert (media.media, media.port, media.profile, media.formats) == facts
    assert session.deviations == notes


M = b"m=audio 4000 RTP/AVP 8\r\n"


@pytest.mark.parametrize(
    ("common", "own", "address", "direction", "held"),
    [
        (b"", b"", "192.0.2.1", "sendrecv", False),
        (b"a=inactive\r\n", b"", "192.0.2.1", "inactive", False),
        (b"a=inactive\r\n", b"a=SENDONLY\r\n", "192.0.2.1", "sendonly", False),
        (b"", b"a=recvonly\r\na=sendonly\r\n", "192.0.2.1", "recvonly", False),
        (b"", b"c=in ip4 198.51.100.1\r\n", "198.51.100.1", "sendrecv", False),
        (b"", b"c=IN IP4 0.0.0.0\r\n", "0.0.0.0", "sendonly", True),
        (b"", b"c=IN IP6 ::\r\na=recvonly\r\n", "::", "inactive", True),
        (b"", b"c=IN IP4 0.0.0.0\r\na=sendonly\r\n", "0.0.0.0", "sendonly", True),
    ],
)
def test_where_a_section_is_sent_and_which_way(common, own, address, direction, held):
    session = Session.parse(HEAD + common + M + own)
    (media,) = session.media
    assert (media.address, media.direction, media.held) == (address, direction, held)
    assert session.deviations == ((HOLD,) if held else ())


def test_a_section_that_is_refused_is_not_on_hold():
    session = Session.parse(HEAD + b"m=audio 0 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n")
    assert (session.media[0].held, session.deviations) == (False, ())
    assert section(M, head=b"v=0\r\no=x\r\n").address == ""


@pytest.mark.parametrize(
    ("formats", "maps", "encodings", "payload_types"),
    [
        ("8", [], {8: "PCMA/8000"}, (8,)),
        (
            "0 3 8 9 13 18",
            [],
            {0: "PCMU/8000", 3: "GSM/8000", 8: "PCMA/8000", 9: "G722/8000", 13: "CN/8000", 18: "G729/8000"},
            (0, 3, 8, 9, 13, 18),
        ),
        ("101", ["101 telephone-event / 8000"], {101: "telephone-event/8000"}, (101,)),
        ("8", ["8\topus/48000/2"], {8: "opus/48000/2"}, (8,)),
        ("127 128 1000 ² x 0127", ["127 x/1", "128 x/1"], {127: "x/1"}, (127,)),
        ("99", ["99"], {}, (99,)),
    ],
)
def test_what_the_payload_types_are(formats, maps, encodings, payload_types):
    lines = f"m=audio 1 RTP/AVP {formats}\r\n" + "".join(f"a=RTPmap:{one}\r\n" for one in maps)
    media = section(lines.encode())
    assert (media.encodings, media.payload_types) == (encodings, payload_types)


def crypto(line):
    return f"a=crypto:{line}\r\n".encode()


GOOD, BAD = crypto(f"1 {A80} inline:{INLINE}"), crypto(f"1 {A80} inline:AAAA")
WHY = f"3 bytes of key where {A80} needs 30"


@pytest.mark.parametrize(
    ("profile", "lines", "secure", "dtls", "offers", "keys", "unusable"),
    [
        (b"RTP/AVP", b"", False, False, False, 0, ()),
        (b"RTP/SAVP", b"", True, False, True, 0, ()),
        (b"rtp/savpf", b"", True, False, True, 0, ()),
        (b"RTP/AVP", GOOD, False, False, True, 1, ()),
        (b"RTP/AVP", BAD, False, False, True, 0, (WHY,)),
        (b"RTP/AVP", BAD + GOOD + BAD, False, False, True, 1, (WHY, WHY)),
        (b"RTP/AVP", b"a=Fingerprint:x\r\n", False, True, True, 0, ()),
        (b"RTP/AVP", b"a=fingerprint:x\r\n" + GOOD, False, False, True, 1, ()),
        (b"UDP/TLS/RTP/SAVP", GOOD, True, True, True, 1, ()),
    ],
)
def test_whether_a_section_is_secured_and_how(profile, lines, secure, dtls, offers, keys, unusable):
    media = section(b"m=audio 1 " + profile + b" 8\r\n" + lines)
    assert (media.is_secure, media.is_dtls, media.offers_srtp) == (secure, dtls, offers)
    assert (len(media.crypto), media.unusable_crypto) == (keys, unusable)
    assert not media.negotiates_srtp
    common = section(b"m=audio 1 RTP/AVP 8\r\n", head=HEAD + b"a=fingerprint:x\r\n")
    assert (common.fingerprint, common.is_dtls) == (True, True)


CAPABLE = b"a=TCAP:1 RTP/SAVP rtp/savpf\r\na=acap:1 crypto : " + f"1 {A80} inline:{INLINE}".encode() + b"\r\n"


@pytest.mark.parametrize(
    ("common", "own", "profiles", "keys", "negotiates"),
    [
        (CAPABLE, b"a=pcfg:1 t=1\r\n", ("RTP/SAVP", "RTP/SAVPF"), 1, True),
        (b"", CAPABLE + b"a=PCFG:1 t=1\r\n", ("RTP/SAVP", "RTP/SAVPF"), 1, True),
        (CAPABLE, b"", (), 0, False),
        (b"a=tcap:1 RTP/AVPF\r\n", b"a=pcfg:1\r\n", ("RTP/AVPF",), 0, False),
        (b"a=tcap:1 RTP/SAVP\r\n", b"a=pcfg:1\r\n", ("RTP/SAVP",), 0, True),
        (b"a=tcap:x RTP/SAVP\r\na=acap:1\r\n", b"a=pcfg:1\r\n", (), 0, False),
        (b"a=x:1 RTP/SAVP\r\n", b"a=pcfg:1\r\n", (), 0, False),
        (b"a=acap:1 ptime:20\r\n", b"a=pcfg:1\r\n", (), 0, False),
    ],
)
def test_capabilities_count_where_a_configuration_is_offered(common, own, profiles, keys, negotiates):
    media = section(M + own, head=HEAD + common)
    assert (media.potential_profiles, len(media.potential_crypto)) == (profiles, keys)
    assert media.negotiates_srtp is negotiates


def test_an_answer_takes_a_configuration_up_or_leaves_the_section_as_it_stands():
    offer = section(M + CAPABLE + b"a=pcfg:1 t=1\r\n")
    secure = b"m=audio 1 RTP/SAVP 8\r\n"
    taken_up = [offer.as_taken_up(section(lines)) for lines in (secure + b"a=ACFG:1\r\n", secure + GOOD)]
    for media in taken_up:
        assert (media.profile, media.crypto) == ("RTP/SAVP", offer.potential_crypto)
    assert offer.as_taken_up(section(M)) is offer
    plain = section(M)
    assert plain.as_taken_up(section(secure + b"a=acfg:1\r\n")) is plain
    keyed = section(M + GOOD + CAPABLE + b"a=pcfg:1\r\n")
    assert keyed.as_taken_up(section(secure + GOOD)) is keyed
    assert keyed.as_taken_up(section(secure + b"a=acfg:1\r\n")) is not keyed


def test_so_many_sections_are_read():
    session = Session.parse(HEAD + M * (MOST_MEDIA + 1))
    assert len(session.media) == MOST_MEDIA
    assert session.deviations == (f"more than {MOST_MEDIA} media sections",)
    assert len(Session.parse(HEAD + M * MOST_MEDIA).media) == MOST_MEDIA
    assert Session.parse(HEAD + M * MOST_MEDIA).deviations == ()


@pytest.mark.parametrize(
    ("value", "written", "mki_size"),
    [
        (f"1 {A80} inline:{INLINE}", f"1 {A80} inline:{INLINE}", 0),
        (
            f"123456789 {A80.lower()} INLINE:{INLINE}|2^20|1:4 X Y=1",
            f"123456789 {A80} inline:{INLINE}|2^20|1:4 X Y=1",
            4,
        ),
        (f"1 {A80} inline:{INLINE}|1:128", f"1 {A80} inline:{INLINE}|1:128", 128),
        (f"1 {A80} inline:{INLINE}|1:1|2^31", f"1 {A80} inline:{INLINE}|2^31|1:1", 1),
        ("1 AES_128_CM_HMAC_SHA1_80 inline:" + INLINE, f"1 {A80} inline:{INLINE}", 0),
        ("1 Own_Suite inline:QUJD", "1 Own_Suite inline:QUJD", 0),
        ("1 Own_Suite inline:QUI", "1 Own_Suite inline:QUI=", 0),
    ],
)
def test_a_crypto_attribute_is_read_and_written(value, written, mki_size):
    read = Crypto.parse(value)
    assert (str(read), read.mki_size) == (written, mki_size)


def test_of_several_keys_each_counts():
    both = Crypto.parse_all(f"1 {A80} inline:{INLINE}|1:1;inline:{'B' * 40}|2:1; X")
    assert [(one.tag, one.mki) for one in both] == [(1, "1:1"), (1, "2:1")]
    assert (both[0].key, both[0].salt) == (bytes(16), bytes(14))
    assert both[1].parameters == ("X",)
    assert Crypto.parse(f"1 {A80} inline:{INLINE}|1:1;inline:{INLINE}|2:1").mki == "1:1"
    own = Crypto.parse("1 Own_Suite inline:QUJD")
    assert (own.key, own.salt) == (b"ABC", b"")


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:a@b", Uri("sip", "a", "", "b")),
        (
            "SIPS:a:p:q@b:65535;x;;y=z=1?h=v=w&&i=",
            Uri("sips", "a", "p:q", "b", 65535, (("x", None), ("y", "z=1")), (("h", "v=w"), ("i", ""))),
        ),
        ("sip:b;lr", Uri("sip", host="b", parameters=(("lr", None),))),
        ("sip:a@c@b", Uri("sip", "a@c", "", "b")),
        ("sip:b:0", Uri("sip", host="b", port=0)),
        ("tel:+1;x=y", Uri("tel", opaque="+1;x=y")),
        ("a+b-1.c:", Uri("a+b-1.c")),
    ],
)
def test_a_uri_has_these_parts(text, uri):
    assert Uri.parse(text) == uri
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    ["sip:a@b", "sips:a:p@b:5061;x;y=z?h=v&i=w", "sip:b", "tel:+1", "sip:a@b?h=v"],
)
def test_a_uri_is_written_as_it_was(text):
    assert str(Uri.parse(text)) == text


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("sips:a@b", "SIPS:a@B", True),
        ("sips:a@b", "sips:a@c", False),
        ("sip:a:p@b", "sip:a:%70@b", True),
        ("sip:a:p@b", "sip:a:q@b", False),
        ("sip:a@b;x", "sip:a@b;x=", True),
        ("sip:a@b;x", "sip:a@b;x=xxxx", False),
        ("sip:a@b;x=1", "sip:a@b;X=%31", True),
        ("sip:a@b;maddr=x", "sip:a@b", False),
        ("sip:a@b;ttl=1", "sip:a@b", False),
        ("sip:a@b;user=phone", "sip:a@b", False),
        ("sip:a@b;method=X", "sip:a@b", False),
        ("sip:a@b;y=1", "sip:a@b", True),
        ("tel:1", "tel:1", True),
        ("sip:a@b?h=V", "sip:a@b?H=v", True),
    ],
)
def test_uris_are_equal_by_their_parts(left, right, equal):
    assert Uri.parse(left).equivalent(Uri.parse(right)) is equal
    assert Uri.parse(right).equivalent(Uri.parse(left)) is equal


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<sip:a@b>;tag=1", NameAddr("sip:a@b", "", (("tag", "1"),))),
        ("Door <sip:a@b;lr>;Tag=1 ; p", NameAddr("sip:a@b", "", (("Tag", "1"),))),
        ("sip:a@b;tag = 1", NameAddr("sip:a@b", "", (("tag", "1"),))),
        ('"open <sip:a@b>', NameAddr("sip:a@b")),
        ("<sip:a@b", NameAddr("sip:a@b")),
        ("<>;tag=1", NameAddr("<>;tag=1", "", (("tag", "1"),))),
        ("a <b <c>", NameAddr("b <c")),
        (" nothing ", NameAddr("nothing")),
    ],
)
def test_what_is_no_name_addr_is_read_as_far_as_it_goes(text, read):
    assert NameAddr.read_loosely(text) == read


@pytest.mark.parametrize(
    ("text", "tag", "written"),
    [
        ('"A\\\\ \\"B\\"" <sip:a>;x;TAG=1', "1", '"A\\\\ \\"B\\"" <sip:a>;x;TAG=1'),
        ("sip:a ; tag = 1", "1", "<sip:a>;tag=1"),
        ("<sip:a>;tag", "", "<sip:a>;tag"),
        ('"A\nB\\\nC" <sip:a>', "", '"A\nB\nC" <sip:a>'),
        ("<sip:a>;; x = y", "", "<sip:a>;x=y"),
        ("A  B<sip:a>", "", '"A  B" <sip:a>'),
    ],
)
def test_a_name_addr_is_written_in_full(text, tag, written):
    read = NameAddr.parse(text)
    assert (read.tag, str(read)) == (tag, written)


def block(kind, body, order="<"):
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def options(*pairs, order="<", end=True):
    text = b"".join(
        struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in pairs
    )
    return text + bytes(4) if end else text


def section_header(order="<"):
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type=1, *pairs, order="<", end=True):
    return block(
        1, struct.pack(f"{order}HHI", link_type, 0, 0) + options(*pairs, order=order, end=end), order
    )


def enhanced(ticks, data, size, number=0, order="<"):
    body = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), size)
    return block(6, body + data + bytes(-len(data) % 4), order)


TICKS = (7 << 32) + 9


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("pairs", "time"),
    [
        ([], TICKS * 1e-6),
        ([(9, b"\x03")], TICKS * 1e-3),
        ([(9, b"\x8a")], TICKS * 2.0**-10),
        ([(2, b"eth0"), (9, b"\x09")], TICKS * 1e-9),
        ([(9, b"\x03\x03")], TICKS * 1e-6),
        ([(0, b""), (9, b"\x03")], TICKS * 1e-6),
    ],
)
def test_the_times_of_a_capture_have_the_resolution_of_its_interface(order, pairs, time):
    data = (
        section_header(order) + interface(113, *pairs, order=order) + enhanced(TICKS, b"abc", 9, order=order)
    )
    ((link_type, frame),) = read_pcapng(data)
    assert (link_type, frame.data, frame.size) == (113, b"abc", 9)
    assert frame.time == pytest.approx(time, rel=1e-12)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_interface_may_count_from_another_time_and_need_not_end_its_options(order):
    begun = struct.pack(f"{order}q", 1_000)
    for pairs, end in (([(14, begun)], True), ([(14, begun)], False), ([(1, b"x"), (14, begun)], True)):
        data = (
            section_header(order)
            + interface(1, *pairs, order=order, end=end)
            + enhanced(5, b"", 0, order=order)
        )
        ((_, frame),) = read_pcapng(data)
        assert frame.time == pytest.approx(1_000.000005)
    short = (
        section_header(order) + interface(1, (14, begun[:7]), order=order) + enhanced(5, b"", 0, order=order)
    )
    ((_, frame),) = read_pcapng(short)
    assert frame.time == pytest.approx(5e-6)


def test_packets_of_every_kind_are_read_and_those_of_no_interface_left_out():
    obsolete = struct.pack("<HHIIII", 1, 99, 0, 2_000_000, 2, 7) + b"ob\0\0"
    data = section_header() + interface(1) + interface(101)
    data += block(3, struct.pack("<I", 4) + b"simp") + block(2, obsolete) + enhanced(1, b"x", 1, number=2)
    data += (
        block(5, b"abcd") + block(6, b"abcd") + block(1, b"abcd") + enhanced(3_000_000, b"yz", 5, number=1)
    )
    assert list(read_pcapng(data)) == [
        (1, Frame(0.0, b"simp", 4)),
        (101, Frame(2.0, b"ob", 7)),
        (101, Frame(3.0, b"yz", 5)),
    ]
    again = data + section_header(">") + enhanced(1, b"x", 1, order=">")
    assert len(list(read_pcapng(again))) == 3, "each section has interfaces of its own"
    assert list(
        read_pcapng(data + section_header(">") + interface(9, order=">") + enhanced(0, b"q", 1, order=">"))
    )[3:] == [(9, Frame(0.0, b"q", 1))]


def test_a_file_that_breaks_off_ends_with_its_last_whole_block():
    whole = section_header() + interface(1) + enhanced(0, b"abc", 3)
    for cut in range(1, 36):
        assert list(read_pcapng(whole[:-cut])) == []
    assert len(list(read_pcapng(whole + enhanced(0, b"abc", 3)[:-1]))) == 1
    assert len(list(read_pcapng(whole))) == 1
    assert (is_pcapng(whole), is_pcapng(b"\n\r\r"), is_pcapng(b"")) == (True, False, False)


@pytest.mark.parametrize("length", [0, 8, 11, 13, 14, 15])
def test_a_block_has_a_possible_length(length):
    broken = struct.pack("<II", 5, length) + bytes(80)
    with pytest.raises(ValueError, match=f"^pcapng block of {length} bytes") as refused:
        list(read_pcapng(section_header() + broken))
    assert refused.value.data == broken[:64]
    assert list(read_pcapng(section_header() + block(5, b""))) == []


def test_a_capture_is_written_block_by_block(tmp_path):
    path = tmp_path / "a.pcapng"
    writer = PcapngWriter(path, link_type=113, interface="lo", application="bench", capture_filter="udp")
    time = 1_790_000_000.123456
    writer.write(Frame(time, b"abcde", 9))
    writer.flush()
    ticks = round(time * 1e6)
    begun = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options((4, b"bench")))
    described = struct.pack("<HHI", 113, 0, 262_144) + options((2, b"lo"), (11, b"\0udp"))
    assert path.read_bytes() == begun + block(1, described) + enhanced(ticks, b"abcde", 9)
    size = path.stat().st_size
    writer.write_statistics(time=time, received=7, dropped=2)
    writer.write_statistics(time=time, received=7, dropped=None)
    writer.close()
    at = struct.pack("<III", 0, ticks >> 32, ticks & 0xFFFFFFFF)
    received, dropped = (4, struct.pack("<Q", 7)), (5, struct.pack("<Q", 2))
    known = block(5, at + options(received, dropped))
    unknown = block(5, at + options(received, (1, b"The number of lost packets is not known.")))
    assert path.read_bytes()[size:] == known + unknown
    assert [data for data, _ in RawPcapNgReader(str(path))] == [b"abcde"]
    bare = PcapngWriter(path, link_type=1, interface="lo", application="x")
    bare.close()
    described = struct.pack("<HHI", 1, 0, 262_144) + options((2, b"lo"))
    assert path.read_bytes().endswith(block(1, described))


def test_a_message_without_a_start_line_is_none():
    with pytest.raises(SipError):
        Message.parse(b"\r\n\r\n")
