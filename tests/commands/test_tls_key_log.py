"""``judge capture --keys`` with a key log of TLS: SIP over TLS is read, and opens the media agreed on."""

import base64
import shutil
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from intercom_hil.capture_file import key_log
from intercom_hil.commands.judge_capture import judge_capture
from intercom_hil.errors import BenchError
from intercom_hil.pcap.pcap import Frame
from intercom_hil.pcap.pcapng import PcapngWriter
from intercom_hil.recomputed.again import judge_from_evidence
from tests.capture.wire_story import DEVICE, PBX, Talk, key, protector, sdp, tcp_frame, udp_frame

CLIENT = (DEVICE[0], 40001)
ACK = 0x10
needs_tshark = pytest.mark.skipif(
    shutil.which(key_log.PROGRAM) is None, reason="there is no tshark here, with which TLS is opened"
)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """The PEM file of a server's key and certificate."""
    private = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(private, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return file


class Connection:
    """A TLS connection whose two sides exchange bytes in memory, put into a capture segment by segment."""

    def __init__(self, writer, identity, log, version, port):
        self._writer, self.time = writer, 1000.0
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(identity)
        serving.minimum_version = serving.maximum_version = version
        serving.keylog_filename = str(log)
        calling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        calling.check_hostname, calling.verify_mode = False, ssl.CERT_NONE
        self._ends = CLIENT, (PBX[0], port)
        self._sequence = dict.fromkeys(self._ends, 1000)
        pipes = {end: (ssl.MemoryBIO(), ssl.MemoryBIO()) for end in self._ends}
        self._pipes = pipes
        self._tls = {
            end: context.wrap_bio(*pipes[end], server_side=context is serving)
            for end, context in zip(self._ends, (calling, serving), strict=True)
        }
        for end, flags in ((self._ends[0], 0x02), (self._ends[1], 0x12), (self._ends[0], ACK)):
            self._put(end, b"", flags)
        for _ in range(4):
            for end in self._ends:
                with suppress(ssl.SSLWantReadError):
                    self._tls[end].do_handshake()
                self._carry()

    def _put(self, source, data, flags=0x18):
        destination = self._ends[source == self._ends[0]]
        frame = tcp_frame(source, destination, data, self._sequence[source], flags)
        self._writer.write(Frame(self.time, frame, len(frame)))
        self._sequence[source] += len(data) + bool(flags & 0x02)
        self.time += 0.001

    def _carry(self):
        for source, destination in (self._ends, self._ends[::-1]):
            data = self._pipes[source][1].read()
            self._pipes[destination][0].write(data)
            for start in range(0, len(data), 700):
                self._put(source, data[start : start + 700])

    def send(self, data, *, back=False):
        self._tls[self._ends[back]].write(data)
        self._carry()


def message(start, number, method, tag="", body=b""):
    kind = "Content-Type: application/sdp\r\n" if body else ""
    contact = f"Contact: <sip:3401@{CLIENT[0]}:{CLIENT[1]};transport=tls>\r\n"
    head = (
        f"{start}\r\nVia: SIP/2.0/TLS {CLIENT[0]}:{CLIENT[1]};branch=z9hG4bK{number}{method}\r\n"
        f"From: <sip:3401@{PBX[0]}>;tag=1\r\nTo: <sip:3400@{PBX[0]}>{tag}\r\nCall-ID: of-tls\r\n"
        f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\n{contact}{kind}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.fixture(params=[(ssl.TLSVersion.TLSv1_2, 5061), (ssl.TLSVersion.TLSv1_3, 15061)], ids=["1.2", "1.3"])
def capture(request, tmp_path, identity):
    """A call over TLS, cut anyhow, whose SDP has the keys of its media, and the media."""
    version, port = request.param
    writer = PcapngWriter(tmp_path / "c.pcapng", link_type=101, interface="eth0", application="another tool")
    connection = Connection(writer, identity, tmp_path / "keys", version, port)
    crypto = {end: key(fill) for end, fill in ((DEVICE, 1), (PBX, 2))}

    def described(end):
        return sdp(end, profile="RTP/SAVP", crypto=[crypto[end]])

    invite = message(f"INVITE sip:3400@{PBX[0]} SIP/2.0", 1, "INVITE", body=described(DEVICE))
    connection.send(invite[:90])
    connection.send(invite[90:])
    answer = message("SIP/2.0 200 OK", 1, "INVITE", ";tag=2", described(PBX))
    connection.send(message("SIP/2.0 100 Trying", 1, "INVITE") + answer, back=True)
    connection.send(message(f"ACK sip:3400@{PBX[0]} SIP/2.0", 1, "ACK", ";tag=2"))
    talks = [Talk(DEVICE, PBX, protect=protector(crypto[DEVICE])), Talk(PBX, DEVICE, ssrc=8)]
    talks[1].protect = protector(crypto[PBX])
    for number in range(30):
        for talk in talks:
            frame = udp_frame(talk.source, talk.destination, talk.next())
            writer.write(Frame(connection.time + number * 0.02, frame, len(frame)))
    writer.close()
    return tmp_path / "c.pcapng"


def told(capture, keys=None, **changes):
    lines = []
    judge_capture(capture, lines.append, device=[DEVICE[0]], pbx=[PBX[0]], keys=keys, **changes)
    return "\n".join(lines)


@needs_tshark
def test_a_key_log_opens_the_signalling_and_that_the_media(capture, tmp_path):
    closed = told(capture)
    assert "what is in it cannot be read" in closed
    assert "of-tls" not in closed
    text = told(capture, tmp_path / "keys", folder=tmp_path / "run")
    assert "cannot be read" not in text
    assert "Call-ID of-tls" in text
    messages = "".join(line for line in text.splitlines() if line.startswith("  +"))
    assert [messages.count(words) for words in ("INVITE from", "100 Trying", "200 OK", "ACK from")] == [1] * 4
    flows = [line for line in text.splitlines() if line.startswith("  30 audio packets")]
    assert len(flows) == 2
    assert all("30 authenticated, 0 rejected, 0 plain" in line for line in flows)
    again = []
    assert judge_from_evidence(tmp_path / "run", again.append) == 0, again


@needs_tshark
def test_a_key_log_of_other_connections_opens_nothing(capture, tmp_path):
    other = tmp_path / "other"
    other.write_text(f"# of somebody else\nCLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    assert told(capture, other) == told(capture)


@needs_tshark
def test_both_kinds_of_keys_may_stand_in_one_file(capture, tmp_path):
    more = key(7)
    srtp = f"{more.suite} {base64.b64encode(more.key + more.salt).decode()}\n"
    both = tmp_path / "both"
    both.write_text((tmp_path / "keys").read_text() + srtp)
    assert told(capture, both) == told(capture, tmp_path / "keys")


def test_without_tshark_it_is_one_message_and_no_accusation(capture, tmp_path, monkeypatch):
    if shutil.which(key_log.PROGRAM):
        told(capture, tmp_path / "keys", folder=tmp_path / "run")
    monkeypatch.setattr(key_log, "PROGRAM", "no-such-tshark")
    with pytest.raises(BenchError, match="apt install tshark"):
        told(capture, tmp_path / "keys")
    if (tmp_path / "run").exists():
        said = []
        assert judge_from_evidence(tmp_path / "run", said.append) == 0, said
        assert any("not recomputed: the wire" in line for line in said)
