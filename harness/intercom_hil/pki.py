"""The certificates of one run: authorities and server certificates, right ones and wrong ones (RFC 5280).

They are PEM files in a folder of the run's own. Keys are made anew for each run and are removed with it.
"""

from __future__ import annotations

import ipaddress
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from intercom_hil.errors import BenchError

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
    "issued by a server",
    "another name",
    "a longer name",
    "another address",
    "another name, as common name only",
    "a wildcard that is too wide",
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
    key: RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True)
class _Made:
    """What a run begins with: the key of all servers, the bench's own authorities, and a well-known one."""

    key: RSAPrivateKey
    root: _Authority
    issuing: _Authority
    well_known: _Authority


class Pki:
    """Every authority of a run, and the server certificates they issue.

    Attributes:
        trust_store: the PEM file with the well-known authorities of this run, for an emulated device; it is
            there as soon as the first certificate is.
    """

    def __init__(self, folder: Path, trusted: tuple[Path, Path] | None = None) -> None:
        """Describe it; what `begin` has not made by then, the first user waits for.

        Args:
            folder: where the files go; for nobody else to read.
            trusted: PEM files of certificate and key of the well-known authority; None makes one.

        Raises:
            BenchError: the files of the well-known authority are not what they should be.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._key_file = folder / "server.key"
        self._another: dict[str, _Authority] = {}
        self.trust_store = folder / "well-known.pem"
        self._known = _loaded(*trusted) if trusted else None
        self._making: Future[_Made] | None = None

    def begin(self) -> None:
        """Begin to make the authorities: some 0.2 s of computing, in a thread. Idempotent.

        Where both processors are busy with starting the bench, it is best begun when that is done.
        """
        if self._making is None:
            thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pki")
            self._making = thread.submit(self._make, self._known)
            thread.shutdown(wait=False)

    @property
    def _made(self) -> _Made:
        self.begin()
        assert self._making is not None
        return self._making.result()

    def _make(self, known: _Authority | None) -> _Made:
        root = _authority("Bench Root CA")
        issuing = _authority("Bench Issuing CA", root)
        made = _Made(_new_key(), root, issuing, known or _authority("Bench Well-known CA"))
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.trust_store.write_bytes(_pem(made.well_known.certificate))
        return made

    @property
    def root_pem(self) -> str:
        """The root certificate as an administrator would upload it."""
        return _pem(self._made.root.certificate).decode()

    @property
    def other_root_pem(self) -> str:
        """A root that no server's certificate chains to but that of a well-known CA, as PEM text."""
        return _pem(self._made.well_known.certificate).decode()

    def server(self, kind: CertificateKind, address: str, name: str) -> ServerIdentity:
        """Return what a server of a kind presents.

        Args:
            kind: the kind; whatever its flaw, everything else about the certificate is right.
            address: the server's IP address.
            name: the server's domain name.
        """
        now = datetime.now(UTC)
        since, until = now - _DAY, now + 30 * _DAY
        made = self._made
        signer, between = made.issuing, [made.issuing.certificate]
        hosts = {"for the address": (address,), "for the name": (name,)}.get(kind, (address, name))
        common_name, names = name, [_general_name(host) for host in dict.fromkeys(hosts)]
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        match kind:
            case "straight from the root":
                signer, between = made.root, []
            case "another CA":
                signer, between = self._stranger("Another Root CA"), []
            case "a CA of the same name":
                signer, between = self._stranger("Bench Root CA"), []
            case "a well-known CA":
                signer, between = made.well_known, []
            case "expired":
                since, until = now - 30 * _DAY, now - _DAY
            case "not yet valid":
                since, until = now + _DAY, now + 30 * _DAY
            case "intermediate expired":
                signer = _authority("Bench Issuing CA", made.root, until=now - _DAY)
                between = [signer.certificate]
            case "intermediate missing":
                between = []
            case "issued by a server":
                signer = _authority("another-server.bench.test", made.issuing, is_ca=False)
                between = [signer.certificate, made.issuing.certificate]
            case "another name":
                common_name, names = _ELSEWHERE_NAME, [_general_name(_ELSEWHERE_NAME)]
            case "a longer name":
                common_name, names = _ELSEWHERE_NAME, [_general_name(f"{name}.{_ELSEWHERE_NAME}")]
            case "another address":
                common_name, names = _ELSEWHERE_ADDRESS, [_general_name(_ELSEWHERE_ADDRESS)]
            case "another name, as common name only":
                common_name, names = _ELSEWHERE_NAME, []
            case (
                "a wildcard that is too wide"
            ):  # for one label alone (RFC 6125 §6.4.3), if at all (RFC 5922 §7.2)
                common_name = ".".join(["*", *name.split(".")[2:]])
                names = [_general_name(common_name)]
            case "for clients only":
                usage = ExtendedKeyUsageOID.CLIENT_AUTH
            case "self-signed":
                between = []
        builder = _builder(common_name, made.key, since, until)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if kind == "self-signed":
            leaf = builder.issuer_name(_subject(common_name)).sign(made.key, SHA256())
        elif kind == "a CA of the same name":
            # as a forger would: it names the true authority's key too, and only the signature is wrong
            leaf = _signed(builder, signer, claimed=made.root)
        else:
            leaf = _signed(builder, signer)
        chain = self._folder / f"{kind.replace(' ', '-').replace(',', '')}-{address}.pem"
        chain.write_bytes(b"".join(_pem(certificate) for certificate in (leaf, *between)))
        return ServerIdentity(chain, self._key_file)

    def _stranger(self, name: str) -> _Authority:
        if name not in self._another:
            self._another[name] = _authority(name)
        return self._another[name]


def _loaded(certificate: Path, key: Path) -> _Authority:
    """Return an authority that others know already. Raises BenchError."""
    remedy = "name PEM files of a CA certificate and of its private key, unencrypted"
    file = certificate
    try:
        issuer = x509.load_pem_x509_certificate(certificate.read_bytes())
        file = key
        private = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as problem:
        raise BenchError(f"{file} cannot be used: {problem}", "device.trusted_ca", remedy) from None
    if not isinstance(private, RSAPrivateKey | EllipticCurvePrivateKey):
        raise BenchError(f"{file} is no RSA and no ECDSA key", "device.trusted_ca", remedy)
    if private.public_key() != issuer.public_key():
        raise BenchError(f"{file} is not the key of {certificate}", "device.trusted_ca", remedy)
    return _Authority(issuer, private)


def _authority(
    name: str, parent: _Authority | None = None, until: datetime | None = None, *, is_ca: bool = True
) -> _Authority:
    """Make an authority, or (not ``is_ca``) somebody with a certificate who poses as one."""
    now, key = datetime.now(UTC), _new_key()
    builder = _builder(name, key, now - 60 * _DAY, until or now + 60 * _DAY)
    length = None if parent is None or not is_ca else 0
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=length), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=not is_ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=is_ca,
            crl_sign=is_ca,
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


def _signed(
    builder: x509.CertificateBuilder, by: _Authority, claimed: _Authority | None = None
) -> x509.Certificate:
    """Return a certificate that names the key it is signed with (RFC 5280 §4.2.1.1), or another one.

    A strict client refuses a certificate without an authority key identifier.
    """
    builder = builder.add_extension(_key_identifier((claimed or by).certificate), critical=False)
    return builder.issuer_name(by.certificate.subject).sign(by.key, SHA256())


def _key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:  # one that a laboratory brought along
        key = cast("RSAPublicKey | EllipticCurvePublicKey", issuer.public_key())  # as `_loaded` has seen
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


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
