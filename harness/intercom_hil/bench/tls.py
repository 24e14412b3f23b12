"""TLS servers at the PBX's address, beside the PBX: each presents what a scenario is about.

A server is chosen by its kind of certificate, versions and suites; it gives the settings that send the device
there, and puts what it sees of the handshakes on the timeline.
"""

from __future__ import annotations

import ssl
from typing import Any, Literal

from intercom_hil.bench.emulated_device import pbx_name
from intercom_hil.bench_file.model import BenchFile
from intercom_hil.errors import Inconclusive
from intercom_hil.pki import CertificateKind, Pki, ServerIdentity
from intercom_hil.spec.settings import Settings, Transport
from intercom_hil.stations.tls_test_server import NameOf, TlsOffer, TlsTestServer
from intercom_hil.timeline import Append

TlsVersion = Literal["TLS 1.0", "TLS 1.1"]
_VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


class TlsServers:
    """The TLS servers of one scenario at a time."""

    def __init__(self, file: BenchFile, pki: Pki, *, append: Append, name_of: NameOf) -> None:
        """Prepare.

        Args:
            file: the bench.
            pki: where certificates come from.
            append: puts what the servers see on the timeline.
            name_of: who is at an address and port.
        """
        self._file, self._pki, self._name = file, pki, pbx_name(file)
        self._append, self._name_of = append, name_of
        self._open: list[TlsTestServer] = []

    def identity(self, certificate: CertificateKind) -> ServerIdentity:
        """Return what a server at the PBX's address presents."""
        address = self._file.pbx.address
        return self._pki.server(certificate, address, self._name or address)

    async def open(
        self,
        certificate: CertificateKind,
        *,
        by_name: bool | None = None,
        version: TlsVersion | None = None,
        suites: str | None = None,
        then: CertificateKind | None = None,
    ) -> Settings:
        """Start a server.

        Args:
            certificate: what it presents.
            by_name: whether the device is to reach it by its domain name, not its IP address; None: where the
                bench file gives it one, for a device need not know addresses in certificates (RFC 5922 §7.1).
            version: the only protocol version it can do; None for TLS 1.2 and 1.3.
            suites: OpenSSL's names of the only cipher suites it can do, with TLS 1.2.
            then: what it presents from the second connection on; it ends the first, once the client has
                spoken.

        Returns:
            The settings that send the device there, with the bench's root CA uploaded.

        Raises:
            Inconclusive: this bench cannot have such a server.
            BenchError: it cannot be started.
        """
        device = self._file.device
        if certificate == "a well-known CA" and device.kind != "emulated" and device.trusted_ca is None:
            raise Inconclusive(
                "no well-known CA has issued this bench a certificate; device.trusted_ca can name one"
            )
        if by_name is None:
            by_name = self._file.pbx.name is not None
            if by_name and certificate == "for the address":
                certificate = "for address and name"
        if by_name and self._name is None:
            raise Inconclusive("the PBX has no domain name; the bench file may give one in pbx.name")
        address = self._file.pbx.address
        identity = self.identity(certificate)
        limits: dict[str, Any] = {}
        if version is not None:
            limits = {"oldest": _VERSIONS[version], "newest": _VERSIONS[version]}
        elif suites is not None:
            limits = {"suites": suites, "newest": ssl.TLSVersion.TLSv1_2}
        offer = TlsOffer(identity.chain, identity.key, **limits)
        other = self.identity(then) if then else None
        trap = TlsTestServer(
            address,
            offer,
            append=self._append,
            name_of=self._name_of,
            then=TlsOffer(other.chain, other.key, **limits) if other else None,
        )
        await trap.start()
        self._open.append(trap)
        return Settings(
            server_address=self._name if by_name and self._name else address,
            server_port=trap.port,
            transport=Transport.TLS,
            ca_certificate=self._pki.root_pem,
        )

    async def close_all(self) -> None:
        """End every server and its connections. Idempotent."""
        servers, self._open = self._open, []
        for server in servers:
            await server.close()
