"""The certificates of one run: authorities and server certificates, right ones and wrong ones (RFC 5280).

A folder of the run's own comes in; out go PEM files in it. Keys are made anew for each run and go with it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CertificateKind = Literal[
    "for the address",
    "for the name",
    "for address and name",
    "straight from the root",
    "another CA",
    "a CA of the same name",
    "a well-known CA",
    "self-signed",
    "expired",
    "not yet valid",
    "intermediate expired",
    "intermediate missing",
    "another name",
    "another address",
    "another name, as common name only",
    "for clients only",
]
"""What a server presents: good certificates under the bench's root, and ones with exactly one flaw."""

_DAY = timedelta(days=1)
_KEY_BITS = 2048
"""RSA: what every TLS client of a SIP device knows (RFC 3261 §26.2.1)."""
_ELSEWHERE_NAME, _ELSEWHERE_ADDRESS = "elsewhere.bench.test", "192.0.2.1"


@dataclass(frozen=True)
class ServerIdentity:
    """The PEM files of what a server presents: its certificate chain, and its private key."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: RSAPrivateKey


class Pki:
    """Every authority of a run, and the server certificates they issue.

    Attributes:
        root_pem: the root certificate as an administrator would upload it.
        trust_store: the PEM file with the well-known authorities of this run, for an emulated device.
    """

    def __init__(self, folder: Path) -> None:
        """Make the authorities; takes some 0.2 s of computing.

        Args:
            folder: where the files go; for nobody else to read.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._key = _new_key()
        self._key_file = folder / "server.key"
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._root = _authority("Bench Root CA")
        self._issuing = _authority("Bench Issuing CA", self._root)
        self._well_known = _authority("Bench Well-known CA")
        self._another: dict[str, _Authority] = {}
        self.root_pem = _pem(self._root.certificate).decode()
        self.trust_store = folder / "well-known.pem"
        self.trust_store.write_bytes(_pem(self._well_known.certificate))

    def server(self, kind: CertificateKind, address: str, name: str) -> ServerIdentity:
        """Return what a server of a kind presents.

        Args:
            kind: the kind; whatever its flaw, everything else about the certificate is right.
            address: the server's IP address.
            name: the server's domain name.
        """
        now = datetime.now(UTC)
        since, until = now - _DAY, now + 30 * _DAY
        signer, between = self._issuing, [self._issuing.certificate]
        common_name, names = name, [_general_name(name if kind == "for the name" else address)]
        if kind == "for address and name":
            names = [_general_name(host) for host in dict.fromkeys((address, name))]
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        match kind:
            case "straight from the root":
                signer, between = self._root, []
            case "another CA":
                signer, between = self._stranger("Another Root CA"), []
            case "a CA of the same name":
                signer, between = self._stranger("Bench Root CA"), []
            case "a well-known CA":
                signer, between = self._well_known, []
            case "expired":
                since, until = now - 30 * _DAY, now - _DAY
            case "not yet valid":
                since, until = now + _DAY, now + 30 * _DAY
            case "intermediate expired":
                signer = _authority("Bench Issuing CA", self._root, until=now - _DAY)
                between = [signer.certificate]
            case "intermediate missing":
                between = []
            case "another name":
                common_name, names = _ELSEWHERE_NAME, [_general_name(_ELSEWHERE_NAME)]
            case "another address":
                common_name, names = _ELSEWHERE_ADDRESS, [_general_name(_ELSEWHERE_ADDRESS)]
            case "another name, as common name only":
                common_name, names = _ELSEWHERE_NAME, []
            case "for clients only":
                usage = ExtendedKeyUsageOID.CLIENT_AUTH
            case "self-signed":
                between = []
        builder = _builder(common_name, self._key, since, until)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if kind == "self-signed":
            leaf = builder.issuer_name(_subject(common_name)).sign(self._key, SHA256())
        else:
            leaf = _signed(builder, signer)
        chain = self._folder / f"{kind.replace(' ', '-').replace(',', '')}-{address}.pem"
        chain.write_bytes(b"".join(_pem(certificate) for certificate in (leaf, *between)))
        return ServerIdentity(chain, self._key_file)

    def _stranger(self, name: str) -> _Authority:
        if name not in self._another:
            self._another[name] = _authority(name)
        return self._another[name]


def _authority(name: str, parent: _Authority | None = None, until: datetime | None = None) -> _Authority:
    now, key = datetime.now(UTC), _new_key()
    builder = _builder(name, key, now - 60 * _DAY, until or now + 60 * _DAY)
    length = None if parent is None else 0
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    if parent is None:
        certificate = builder.issuer_name(_subject(name)).sign(key, SHA256())
    else:
        certificate = _signed(builder, parent)
    return _Authority(certificate, key)


def _builder(name: str, key: RSAPrivateKey, since: datetime, until: datetime) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(identifier, critical=False)
    )


def _signed(builder: x509.CertificateBuilder, by: _Authority) -> x509.Certificate:
    # No authority key identifier: a client must check signatures, and not go by names and numbers.
    return builder.issuer_name(by.certificate.subject).sign(by.key, SHA256())


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
