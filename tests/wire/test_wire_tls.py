"""The hello that opens a TLS connection."""

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_hil.wire.tls import EXPORT_SUITES, NULL_SUITES, ClientHello, TlsError


def hello(suites=(0xC02F,), versions=(0x0303,), name="", legacy=0x0303):
    """A ClientHello message without its record."""
    extensions = b""
    if versions != (legacy,):
        listed = b"".join(struct.pack("!H", version) for version in versions)
        extensions += struct.pack("!HHB", 43, len(listed) + 1, len(listed)) + listed
    if name:
        entry = struct.pack("!BH", 0, len(name)) + name.encode()
        extensions += struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry
    body = struct.pack("!H", legacy) + bytes(32) + b"\0"
    body += struct.pack("!H", 2 * len(suites)) + b"".join(struct.pack("!H", suite) for suite in suites)
    body += b"\1\0"
    if extensions:
        body += struct.pack("!H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def records(message, size=1 << 14):
    """The message in records of at most a size."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(struct.pack("!BHH", 22, 0x0301, len(part)) + part for part in parts)


suites = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=60).map(tuple)
names = st.from_regex(r"[a-z0-9.-]{0,60}", fullmatch=True)


@given(suites, names, st.integers(1, 300))
def test_a_hello_reads_back_however_it_is_cut_into_records(suites, name, size):
    read = ClientHello.parse(records(hello(suites, (0x0304, 0x0303), name), size))
    assert read == ClientHello((0x0304, 0x0303), suites, name)
    assert read.newest == "TLS 1.3"


@given(suites, st.data())
def test_a_hello_that_is_not_complete_is_waited_for(suites, data):
    whole = records(hello(suites), 40)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert ClientHello.parse(whole[:cut]) is None


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_hello_or_waited_for_or_one_error(data):
    for opening in (data, b"\x16\x03\x01" + data, records(b"\1" + data or b"\1")):
        try:
            read = ClientHello.parse(opening)
        except TlsError:
            continue
        assert read is None or read.newest


@pytest.mark.parametrize(
    "data",
    [
        b"REGISTER sip:a SIP/2.0\r\n",
        b"\x16\x02\x00\x00\x01\x01",
        b"\x16\x03\x01\x00\x00",
        records(b"\2\0\0\0"),
        records(b"\1\xff\xff\xff"),
        records(b"\1\0\0\x1a" + hello()[4:30]),
        b"\x80\x2e\x01\x03\x01",
    ],
    ids=["SIP", "version", "empty", "another message", "endless", "cut short", "SSL 2"],
)
def test_what_opens_no_tls_connection_is_an_error(data):
    with pytest.raises(TlsError):
        ClientHello.parse(data + bytes(60))


def test_what_a_real_client_says_is_understood():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="pbx.intercom.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    read = ClientHello.parse(outgoing.read())
    assert (read.newest, read.server_name, read.weak_suites) == ("TLS 1.3", "pbx.intercom.example", ())


def test_weak_suites_are_named_with_their_weakness():
    read = ClientHello.parse(records(hello((0xC02F, 0x003B, 0x0003))))
    assert read.weak_suites == ("0x003B (no encryption)", "0x0003 (export)")
    assert not NULL_SUITES & EXPORT_SUITES


def test_a_client_without_a_list_of_versions_offers_its_highest():
    assert ClientHello.parse(records(hello())).newest == "TLS 1.2"
    assert ClientHello.parse(records(hello(legacy=0x7F00, versions=(0x7F00,)))).newest == "unknown"
