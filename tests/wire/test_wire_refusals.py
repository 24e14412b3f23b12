"""What each parser refuses, in which words and with which bytes; what lies just within its bounds is read."""

import struct

import pytest

from intercom_hil.pcap import pcap, pcapng
from intercom_hil.pcap.pcap import PcapReader
from intercom_hil.wire import hep, tls
from intercom_hil.wire.error import WireError, clean, is_utf8
from intercom_hil.wire.hep import HepPacket
from intercom_hil.wire.link import Dissector, LinkError
from intercom_hil.wire.sdp import Crypto, SdpError, Session
from intercom_hil.wire.sip import Message, SipError
from intercom_hil.wire.sip_stream import MAX_BODY_BYTES, MAX_HEADER_BYTES, SipFramer
from intercom_hil.wire.tls import ClientHello
from intercom_hil.wire.uri import NameAddr, Uri, UriError


def refused(parse, *arguments):
    """The refusal's kind, its clause and its bytes."""
    with pytest.raises(WireError) as error:
        parse(*arguments)
    return type(error.value), error.value.problem, error.value.data


def test_a_refusal_shows_the_first_bytes_of_many():
    assert str(WireError("no message", b"abc")) == "no message: b'abc'"
    assert str(WireError("no message", bytes(60))) == f"no message: {bytes(60)!r}"
    assert str(WireError("no message", bytes(61))) == f"no message: {bytes(60)!r}…"
    assert str(WireError("no message")) == "no message"
    assert WireError("no message").data == b""


def test_bytes_that_are_no_utf8_become_escapes():
    text = b"T\xfcr \xc3\xbc".decode("utf-8", "surrogateescape")
    assert clean(text) == "T\\xfcr ü"
    assert (is_utf8(text), is_utf8("Tür")) == (False, True)


SCHEME, BLANK = "URI without a scheme", "URI with a space, quote or angle bracket"
USER, HOST, PORT = "URI with an empty user part", "URI without a usable host", "URI with an impossible port"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alice", SCHEME),
        ("1ab:c", SCHEME),
        (":a", SCHEME),
        ("sip:a b", BLANK),
        ("tel:<1>", BLANK),
        ('sip:"a"@b', BLANK),
        ("sip:@host", USER),
        ("sip:", HOST),
        ("sip:a@", HOST),
        ("sip:a@b:", HOST),
        ("sip:a@b:123456", HOST),
        ("sip:a@b:65536", PORT),
        ("sip:T\udcfcr", HOST),
    ],
)
def test_what_is_wrong_with_a_uri(text, problem):
    assert refused(Uri.parse, text) == (UriError, problem, text.replace("\udcfc", "\\xfc").encode())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"open <sip:a@b>', "display name with an open quote"),
        ('"name" sip:a@b', "display name without a URI in angle brackets"),
        ("<sip:a@b", "URI with an open angle bracket"),
        ("x <sip:a@b", "URI with an open angle bracket"),
        ("", "no URI"),
        ("< >", "no URI"),
        (";tag=1", "no URI"),
    ],
)
def test_what_is_wrong_with_a_name_addr(text, problem):
    assert refused(NameAddr.parse, text) == (UriError, problem, text.encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"INVITE sip:a SIP/3.0\r\n\r\n", "no SIP start line"),
        (b"INVITE SIP/2.0\r\n\r\n", "no SIP start line"),
        (b"IN(VITE sip:a SIP/2.0\r\n\r\n", "no SIP start line"),
        (b"SIP/2.0 700 High\r\n\r\n", "no SIP start line"),
        (b"SIP/2.0 099 Low\r\n\r\n", "no SIP start line"),
        (b"SIP/2.0\r\n\r\n", "no SIP start line"),
        (b"INVITE sip:a SIP/2.0", "no headers"),
        (b"INVITE sip:a SIP/2.0\r\nno header", "no headers"),
    ],
)
def test_what_is_wrong_with_a_message(data, problem):
    assert refused(Message.parse, data) == (SipError, problem, data)


@pytest.mark.parametrize("value", ["", "x INVITE", "1", "12345678901 INVITE", "-1 INVITE"])
def test_a_message_may_have_no_usable_cseq(value):
    message = Message("INVITE", "sip:a", headers=(("CSeq", value),))
    assert refused(lambda: message.cseq) == (SipError, "no usable CSeq", value.encode())
    assert refused(lambda: Message().cseq) == (SipError, "no usable CSeq", b"")


def next_of(stream):
    framer = SipFramer()
    framer.feed(stream)
    return framer.next_message()


OPTIONS = b"OPTIONS sip:a SIP/2.0\r\n"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (OPTIONS + b"Content-Type: x/y\r\n\r\n", "no Content-Length in a stream"),
        (OPTIONS + b"Content-Length: x\r\n\r\n", "impossible Content-Length in a stream"),
        (OPTIONS + f"l: {MAX_BODY_BYTES + 1}\r\n\r\n".encode(), "impossible Content-Length in a stream"),
        (b"x" * (MAX_HEADER_BYTES + 1), "no end of headers in a stream"),
        (b"x y z\r\nVia: x\r\n\r\n", "no SIP start line"),
    ],
)
def test_why_a_stream_cannot_be_cut(data, problem):
    assert refused(next_of, data) == (SipError, problem, data[:4096])


def test_a_stream_is_cut_up_to_its_bounds():
    body = bytes(MAX_BODY_BYTES)
    whole = OPTIONS + f"l: {MAX_BODY_BYTES}\r\n\r\n".encode() + body
    assert next_of(whole) == whole
    assert next_of(whole[:-1]) is None
    assert next_of(b"x" * MAX_HEADER_BYTES) is None
    assert next_of(OPTIONS + b"l: 3\r\nl: 9\r\n\r\nabc") == OPTIONS + b"l: 3\r\nl: 9\r\n\r\nabc"


def test_what_is_left_of_a_stream_is_what_was_fed_and_not_taken():
    framer = SipFramer()
    framer.feed(OPTIONS + b"\r\nabc")
    assert framer.next_message() == OPTIONS + b"\r\n"
    assert framer.rest == b"abc"
    assert framer.next_message() is None
    framer.feed(b"\r\n\r\n")
    with pytest.raises(SipError):
        framer.next_message()
    assert framer.rest == b""


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\r", b"\r\r\n\r\r\n"])
def test_the_end_of_headers_may_come_in_two_pieces(end):
    for cut in range(1, len(end)):
        framer = SipFramer()
        framer.feed(b"OPTIONS sip:a SIP/2.0" + end[:cut])
        framer.next_message()
        framer.feed(end[cut:] + OPTIONS + b"\r\n")
        assert framer.next_message() == b"OPTIONS sip:a SIP/2.0" + end, end[:cut]
        assert framer.next_message() == OPTIONS + b"\r\n"


def test_a_message_may_begin_with_any_letter_after_any_other():
    framer = SipFramer()
    framer.feed(b"XX sip:a SIP/2.0\r\rX")
    assert framer.next_message() == b"XX sip:a SIP/2.0\r\r"
    assert framer.rest == b"X"


def test_keep_alives_vanish_before_a_message_and_nowhere_else():
    framer = SipFramer()
    framer.feed(b"\r\n\0\n" + OPTIONS + b"l: 2\r\n\r\n\r\n" + b"\r\n\r\n" + OPTIONS + b"\r\n")
    assert framer.next_message() == OPTIONS + b"l: 2\r\n\r\n\r\n"
    assert framer.next_message() == OPTIONS + b"\r\n"
    assert (framer.next_message(), framer.rest) == (None, b"")


C80 = "AES_CM_128_HMAC_SHA1_80"
KEY = "A" * 40
UNUSABLE = "unusable crypto attribute"
MKI = "an unreadable master key identifier"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", UNUSABLE),
        ("1", UNUSABLE),
        (f"1 {C80}", UNUSABLE),
        (f"x {C80} inline:{KEY}", UNUSABLE),
        (f"² {C80} inline:{KEY}", UNUSABLE),
        (f"1234567890 {C80} inline:{KEY}", UNUSABLE),
        (f"1 {C80} uri:{KEY}", UNUSABLE),
        (f"1 {C80} inline:", UNUSABLE),
        (f"1 {C80} ;", UNUSABLE),
        (f"1 {C80} inline:AAAA", f"3 bytes of key where {C80} needs 30"),
        (f"1 {C80} inline:{KEY}AAAA", f"33 bytes of key where {C80} needs 30"),
        (f"1 {C80} inline:{KEY}|1:0", MKI),
        (f"1 {C80} inline:{KEY}|1:129", MKI),
        (f"1 {C80} inline:{KEY}|x:4", MKI),
        (f"1 {C80} inline:{KEY}|1:", MKI),
        ("T\udcfcr", UNUSABLE),
    ],
)
def test_what_is_wrong_with_a_crypto_attribute(value, problem):
    assert refused(Crypto.parse, value) == (SdpError, problem, clean(value).encode())


def test_a_key_that_is_no_base64_is_told_with_the_reason():
    kind, problem, data = refused(Crypto.parse, f"1 {C80} inline:{KEY[:-1]}!")
    assert (kind, data) == (SdpError, f"1 {C80} inline:{KEY[:-1]}!".encode())
    assert problem.startswith("crypto key that is no base64 (")


@pytest.mark.parametrize(
    ("body", "problem", "data"),
    [
        (b"", "SDP that does not begin with v=0", None),
        (b"o=x\r\nv=0\r\n", "SDP that does not begin with v=0", None),
        (b"v=1\r\no=x\r\n", "SDP that does not begin with v=0", None),
        (b"v=0\r\no=x\r\nm=audio x RTP/AVP 8\r\n", "unusable m= line", b"audio x RTP/AVP 8"),
        (b"v=0\r\no=x\r\nm=audio 65536 RTP/AVP 8\r\n", "unusable m= line", b"audio 65536 RTP/AVP 8"),
        (b"v=0\r\no=x\r\nm=audio 1\r\n", "unusable m= line", b"audio 1"),
        (b"v=0\r\no=x\r\nc=IN IP9 somewhere\r\n", "unusable c= line", b"IN IP9 somewhere"),
    ],
)
def test_what_is_wrong_with_a_session_description(body, problem, data):
    assert refused(Session.parse, body) == (SdpError, problem, body if data is None else data)


PACKET = bytes(HepPacket(("192.0.2.1", 5060), ("192.0.2.2", 5061), 17, b"data", 1.25))


def chunk(kind, value, vendor=0):
    return struct.pack("!HHH", vendor, kind, 6 + len(value)) + value


def packet(*chunks):
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


FAMILY, PROTOCOL, FROM, TO = (
    chunk(1, b"\2"),
    chunk(2, b"\x11"),
    chunk(3, b"\x01\2\3\4"),
    chunk(4, b"\5\6\7\x08"),
)
FROM_PORT, TO_PORT = chunk(7, b"\x13\xc4"), chunk(8, b"\x13\xc5")
SECONDS, MICROSECONDS, PAYLOAD = chunk(9, b"\0\0\0\7"), chunk(10, b"\0\7\xa1\x20"), chunk(15, b"x")
ALL = (FAMILY, PROTOCOL, FROM, TO, FROM_PORT, TO_PORT, SECONDS, MICROSECONDS, PAYLOAD)


def test_a_hep_packet_is_read_chunk_by_chunk():
    expected = HepPacket(("1.2.3.4", 5060), ("5.6.7.8", 5061), 17, b"x", 7.5)
    assert hep.parse(packet(*ALL)) == expected
    assert hep.parse(packet(*ALL) + b"behind it") == expected
    assert hep.parse(packet(*ALL) + b"behind it" * 3).payload == b"x"
    assert hep.parse(packet(*ALL, chunk(17, b"id\xfc"))).correlation_id == "id\\xfc"
    assert hep.parse(packet(*ALL[:7], PAYLOAD)).time == 7.0
    assert hep.parse(packet(*ALL, chunk(3, b"\1", vendor=1), chunk(99, b""))) == expected
    assert hep.parse(packet(*ALL, b"short")) == expected
    ip6 = bytes(range(16))
    six = packet(chunk(1, b"\x0a"), PROTOCOL, chunk(5, ip6), chunk(6, ip6), *ALL[4:])
    assert hep.parse(six).source == ("1:203:405:607:809:a0b:c0d:e0f", 5060)


def test_a_hep_packet_is_written_chunk_by_chunk():
    written = bytes(HepPacket(("1.2.3.4", 5060), ("5.6.7.8", 5061), 17, b"x", 7.5))
    assert written == packet(*ALL)
    assert bytes(HepPacket(("1.2.3.4", 5060), ("5.6.7.8", 5061), 17, b"x", 7.5, "id")) == packet(
        *ALL, chunk(17, b"id")
    )
    six = bytes(HepPacket(("::1", 5060), ("::2", 5061), 17, b"x", 7.5))
    one, two = bytes(15) + b"\1", bytes(15) + b"\2"
    assert six == packet(chunk(1, b"\x0a"), PROTOCOL, chunk(5, one), chunk(6, two), *ALL[4:])


def test_a_hep_packet_may_be_large_and_of_any_port():
    large = HepPacket(("1.2.3.4", 65_535), ("5.6.7.8", 65_534), 17, b"x" * 40_000, 7.999999)
    assert hep.parse(bytes(large)) == large
    cut = bytes(large)[:-1]
    problem = f"HEP3 packet cut short: {len(cut)} of {len(cut) + 1} bytes"
    assert refused(hep.parse, cut) == (hep.HepError, problem, cut)


def test_a_broken_stream_begins_anew_with_keep_alives():
    framer = SipFramer()
    framer.feed(b"x y z\r\n\r\n")
    with pytest.raises(SipError):
        framer.next_message()
    framer.feed(b"\r\n" + OPTIONS + b"\r\n")
    assert framer.next_message() == OPTIONS + b"\r\n"


def without(*left_out):
    return packet(*(one for one in ALL if one not in left_out))


@pytest.mark.parametrize(
    ("data", "problem", "shown"),
    [
        (b"HEP2\0\6", "no HEP3 packet", None),
        (b"HEP3\0", "no HEP3 packet", None),
        (b"HEP3\0\7", "HEP3 packet cut short: 6 of 7 bytes", None),
        (without(FROM), "HEP3 packet without addresses", None),
        (without(TO), "HEP3 packet without addresses", None),
        (without(FROM_PORT), "HEP3 packet without addresses", None),
        (without(TO_PORT), "HEP3 packet without addresses", None),
        (without(SECONDS), "HEP3 packet without time", None),
        (without(PAYLOAD), "HEP3 packet without payload", None),
        (without(PROTOCOL), "HEP3 packet without protocol", None),
        (packet(chunk(1, b"ab")), "HEP3 chunk 0x0001 of 2 bytes", chunk(1, b"ab")),
        (packet(FAMILY, chunk(9, b"abc")), "HEP3 chunk 0x0009 of 3 bytes", chunk(9, b"abc")),
        (packet(b"\0\0\0\1\0\5"), "HEP3 chunk 0x0001 overruns the packet", b"\0\0\0\1\0\5"),
        (packet(b"\0\0\0\1\0\7"), "HEP3 chunk 0x0001 overruns the packet", b"\0\0\0\1\0\7"),
    ],
)
def test_what_is_wrong_with_a_hep_packet(data, problem, shown):
    assert refused(hep.parse, data) == (hep.HepError, problem, data if shown is None else shown)


def test_a_hep_packet_may_have_nothing_but_what_is_needed():
    assert refused(hep.parse, b"HEP3\0\6") == (hep.HepError, "HEP3 packet without addresses", b"HEP3\0\6")
    with pytest.raises(ValueError, match=r"^addresses of two families: ::1, 127\.0\.0\.1$"):
        bytes(HepPacket(("::1", 1), ("127.0.0.1", 1), 17, b"", 0.0))


HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 0xF000_0001)
"""The high bits beside the link type are of other use (draft-ietf-opsawg-pcap §4)."""


def record(seconds, fraction, data, size=None):
    return struct.pack("<IIII", seconds, fraction, len(data), len(data) if size is None else size) + data


def test_a_capture_is_read_up_to_the_longest_frame():
    reader = PcapReader()
    assert (reader.link_type, reader.feed(HEADER[:23])) == (None, [])
    assert reader.feed(HEADER[23:] + record(1, 500_000, b"abc", 9)[:-1]) == []
    assert reader.link_type == 1
    longest = bytes(pcap.MAX_FRAME_BYTES)
    found = reader.feed(b"c" + record(2, 0, b"") + record(3, 250_000, longest))
    assert found == [
        pcap.Frame(1.5, b"abc", 9),
        pcap.Frame(2.0, b"", 0),
        pcap.Frame(3.25, longest, len(longest)),
    ]


def test_what_is_wrong_with_a_capture():
    assert refused(PcapReader().feed, b"x" * 30) == (pcap.PcapError, "no pcap stream", b"x" * 24)
    impossible = struct.pack("<IIII", 1, 1, pcap.MAX_FRAME_BYTES + 1, 1) + bytes(100)
    broken = HEADER + record(1, 1, b"abc") + impossible
    problem = f"pcap record of {pcap.MAX_FRAME_BYTES + 1} bytes"
    assert refused(PcapReader().feed, broken) == (pcap.PcapError, problem, impossible[:64])
    assert refused(lambda: list(pcapng.read_pcapng(b"x" * 99))) == (
        pcapng.PcapngError,
        "no pcapng file",
        b"x" * 64,
    )
    assert refused(Dissector, 147) == (LinkError, "unknown link type 147", b"")


def handshake(body, kind=1):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def tls_record(data, version=0x0301, kind=22):
    return struct.pack("!BHH", kind, version, len(data)) + data


START = b"\3\3" + bytes(32) + b"\0"
WHOLE = START + b"\0\2\xc0\x2f" + b"\1\0"
NO_RECORD, NO_HELLO = "no TLS handshake record", "the first message is no ClientHello"
SHORT = "the ClientHello is cut short"


@pytest.mark.parametrize(
    ("data", "problem", "shown"),
    [
        (b"REGISTER", NO_RECORD, None),
        (tls_record(b"\1", version=0x0401), NO_RECORD, None),
        (tls_record(b"\1", version=0x0201), NO_RECORD, None),
        (tls_record(b""), NO_RECORD, None),
        (b"\x16\3\1\x40\1", NO_RECORD, None),
        (tls_record(handshake(b"", kind=2)), NO_HELLO, None),
        (tls_record(b"\1\1\0\1"), NO_HELLO, None),
        (tls_record(handshake(WHOLE[:30])), SHORT, WHOLE[:30]),
        (
            tls_record(handshake(START + b"\0\3abc\1\0")),
            "a list of numbers of two bytes has an odd length",
            b"abc",
        ),
    ],
)
def test_what_is_wrong_with_the_opening_of_a_tls_connection(data, problem, shown):
    assert refused(ClientHello.parse, data) == (tls.TlsError, problem, data if shown is None else shown)


def test_a_tls_connection_is_waited_for_up_to_the_longest_hello():
    assert ClientHello.parse(b"") is None
    assert ClientHello.parse(b"\x16\3\1\x40\0") is None, "the longest record (RFC 8446 §5.1)"
    assert ClientHello.parse(tls_record(b"\1\1\0\0")) is None, "the longest hello"
    assert ClientHello.parse(tls_record(handshake(WHOLE)[:4])) is None
    expected = ClientHello((0x0303,), (0xC02F,))
    assert ClientHello.parse(tls_record(handshake(WHOLE))) == expected
    assert ClientHello.parse(tls_record(handshake(WHOLE)) + b"GET") == expected
    assert ClientHello.parse(tls_record(handshake(WHOLE) + b"\2\0\0\0")) == expected
    three = [tls_record(handshake(WHOLE)[at : at + 20]) for at in (0, 20, 40)]
    assert ClientHello.parse(b"".join(three)) == expected
    with pytest.raises(tls.TlsError):
        ClientHello.parse(three[0] + b"GET" + three[1])


def extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (b"\0\0\4a.bc", "a.bc"),
        (b"\0\0\3a\xfcb", "a\\xfcb"),
        (b"\1\0\1x\0\0\1y", "y"),
        (b"\1\0\1x", ""),
    ],
)
def test_the_host_that_a_client_means_to_reach(name, read):
    listed = struct.pack("!H", len(name)) + name
    extensions = extension(99, b"??") + extension(0, listed) + extension(43, b"\4\3\4\3\3")
    body = WHOLE + struct.pack("!H", len(extensions)) + extensions
    hello = ClientHello.parse(tls_record(handshake(body)))
    assert hello == ClientHello((0x0304, 0x0303), (0xC02F,), read)
