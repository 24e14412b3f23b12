"""A time-stamping service: ``openssl ts -reply`` behind a small HTTP server, with certificates of its own."""

import subprocess
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")

_CONFIG = """
[tsa]
default_tsa = usual
[usual]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1, millisecs:500
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
_DAY = timedelta(days=1)
STAMPS, SERVES = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH


class Authority:
    """A certificate authority in a folder, and the service that it vouches for."""

    def __init__(self, folder, name="one"):
        self.folder = folder
        folder.mkdir()
        self.name = name
        self._key = self._new_key("ca")
        self._certificate = self._certify("ca", self._key, None, timedelta(days=3650))
        self.ca = folder / "ca.pem"
        self.certify("tsa", STAMPS)

    def _new_key(self, name):
        key = generate_private_key(SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{name}.key").write_bytes(pem)
        return key

    def certify(self, name, purpose, lasts=10 * _DAY):
        """Make a key and a certificate for one purpose, valid from ten days ago on."""
        self._certify(name, self._new_key(name), purpose, lasts)

    def _certify(self, name, key, purpose, lasts):
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{one} {self.name}")]) for one in (name, "ca")
        )
        begun = datetime.now(UTC) - 10 * _DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begun)
            .not_valid_after(datetime.now(UTC) + lasts)
            .add_extension(x509.BasicConstraints(ca=purpose is None, path_length=None), critical=True)
        )
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        made = builder.sign(self._key, SHA256())
        (self.folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        return made

    def reply(self, query, signer="tsa", digests="sha256, sha512"):
        """Return the reply to a query, in DER."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            place, config = Path(folder, "query.tsq"), Path(folder, "openssl.cnf")
            place.write_bytes(query)
            config.write_text(_CONFIG.format(folder=folder, digests=digests))
            return openssl(
                "ts", "-reply", "-config", config, "-section", "usual", "-queryfile", place,
                "-signer", self.folder / f"{signer}.pem", "-inkey", self.folder / f"{signer}.key",
            )  # fmt: skip

    def signed_by(self, reply, signer):
        """Return a reply whose content somebody signed who may not: ``openssl ts`` does not do that."""
        at = reply.index(_TST_INFO) + len(_TST_INFO)  # [0] { OCTET STRING { SEQUENCE
        assert reply[at] == 0xA0
        head = 2 + (reply[at + 1] & 0x7F if reply[at + 1] & 0x80 else 0)
        stated = reply[at + head :]
        size = 2 + (stated[1] & 0x7F if stated[1] & 0x80 else 0)
        length = stated[1] if size == 2 else int.from_bytes(stated[2:size], "big")
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            content = Path(folder, "content")
            content.write_bytes(stated[size : size + length])
            token = openssl(
                "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", content, "-cades",
                "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-md", "sha256",
                "-signer", self.folder / f"{signer}.pem", "-inkey", self.folder / f"{signer}.key",
            )  # fmt: skip
        body = b"\x30\x03\x02\x01\x00" + token
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def openssl(*words):
    """Run OpenSSL, and return what it prints."""
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@contextmanager
def served(answer):
    """Serve, and yield the URL: ``answer`` gets the handler of a request and its query, and replies."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def granting(authority, **named):
    """Return an answer that grants every stamp."""
    return lambda handler, query: send(handler, authority.reply(query, **named))


def send(handler, body, status=200):
    """Send one reply."""
    handler.send_response(status)
    handler.send_header("Content-Type", "application/timestamp-reply")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
