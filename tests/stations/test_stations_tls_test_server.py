"""The TLS server of the bench and the certificates it presents, met by a client that knows the rules."""

import asyncio
import socket
import ssl
import typing

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.pki import CertificateKind, Pki
from intercom_hil.stations.tls_test_server import TlsOffer, TlsTestServer
from intercom_hil.timeline import Pattern, Timeline, Witness

SERVER, CLIENT, NAME = "127.0.53.40", "127.0.53.41", "pbx.intercom.example"
NAMES = {SERVER: "pbx", CLIENT: "device"}
GOOD = {"for the address", "for the name", "for address and name", "straight from the root"}
FLAWS = {
    "another CA": "unable to get local issuer certificate",
    "a CA of the same name": "certificate signature failure",
    "a well-known CA": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
    "intermediate expired": "certificate has expired",
    "intermediate missing": "unable to get local issuer certificate",
    "issued by a server": "invalid CA certificate",
    "another name": "IP address mismatch",
    "a longer name": "IP address mismatch",
    "another address": "IP address mismatch",
    "another name, as common name only": "IP address mismatch",
    "a wildcard that is too wide": "IP address mismatch",
    "for clients only": "unsuitable certificate purpose",
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("run") / "pki")


@pytest.fixture
async def trap(pki):
    """Start a trap with a certificate; it is closed at the end."""
    opened = []

    async def start(kind, then=None, **limits):
        identity = pki.server(kind, SERVER, NAME)
        other = pki.server(then, SERVER, NAME) if then else None
        timeline = Timeline()
        made = TlsTestServer(
            SERVER,
            TlsOffer(identity.chain, identity.key, **limits),
            append=timeline.append,
            name_of=lambda address, port: NAMES[address],
            then=TlsOffer(other.chain, other.key) if other else None,
        )
        await made.start()
        opened.append(made)
        return made, timeline

    yield start
    for made in opened:
        await made.close()
        await made.close()


def strict(**authorities):
    """Return a client's context as strict as RFC 5280 and RFC 8996, which not every Python is unasked."""
    context = ssl.create_default_context(**authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


async def visit(trap, context, host=SERVER, say=b"REGISTER sip:x SIP/2.0\r\nVia: x\r\n\r\n"):
    """Connect as a client that verifies, say something, and leave."""
    _, writer = await asyncio.open_connection(
        SERVER, trap.port, ssl=context, server_hostname=host, local_addr=(CLIENT, 0)
    )
    writer.write(say)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def turn_away(trap, context):
    """Connect as a client that verifies, and says in an alert why it does not go on."""
    with (
        socket.create_connection((SERVER, trap.port), timeout=5, source_address=(CLIENT, 0)) as plain,
        context.wrap_socket(plain, server_hostname=SERVER),
    ):
        pass


async def ended(timeline):
    (end,) = await timeline.wait(Pattern(kind="tls", text="end").where(stage="ended"), within=2)
    return end.content


def stages(timeline):
    return [observation.content.stage for observation in timeline]


def test_every_kind_of_certificate_is_either_good_or_has_one_flaw():
    assert GOOD | FLAWS.keys() == set(typing.get_args(CertificateKind))


@pytest.mark.parametrize("kind", sorted(GOOD))
async def test_a_good_certificate_is_accepted_and_what_is_said_is_told(trap, pki, kind):
    server, timeline = await trap(kind)
    host = SERVER if kind == "for the address" else NAME
    await visit(server, strict(cadata=pki.root_pem), host)
    end = await ended(timeline)
    assert stages(timeline) == ["offered", "agreed", "spoken", "ended"]
    offered, agreed, spoken = (observation.content for observation in list(timeline)[:3])
    assert (offered.version, offered.server_name) == ("TLS 1.3", host if host == NAME else "")
    assert (agreed.version, offered.weak_suites) == ("TLS 1.3", "")
    assert spoken.text == "REGISTER sip:x SIP/2.0"
    assert end.received == 34
    assert {o.content.sender for o in timeline} == {"device"}
    assert {o.content.receiver for o in timeline} == {"pbx"}
    assert {o.witness for o in timeline} == {Witness.STATION}


@pytest.mark.parametrize("kind", sorted(FLAWS))
async def test_a_flawed_certificate_is_refused_for_its_flaw(trap, pki, kind):
    server, timeline = await trap(kind)
    context = strict(cadata=pki.root_pem)
    with pytest.raises(ssl.SSLCertVerificationError, match=FLAWS[kind]):
        await asyncio.to_thread(turn_away, server, context)
    end = await ended(timeline)
    assert "spoken" not in stages(timeline)
    assert end.received == 0
    assert "alert" in end.text


async def test_a_server_that_comes_back_with_another_certificate(trap, pki):
    opened, timeline = await trap("for the address", then="another CA")
    context = strict(cadata=pki.root_pem)
    await visit(opened, context)
    with pytest.raises(ssl.SSLCertVerificationError):
        await visit(opened, context)
    left = Pattern(kind="tls", text="end of the first").where(stage="ended", connection=1)
    (end,) = await timeline.wait(left, within=2)
    assert end.content.received > 0
    assert "another certificate from now on" in end.content.text


async def test_a_well_known_ca_is_in_the_trust_store(trap, pki):
    server, timeline = await trap("a well-known CA")
    await visit(server, strict(cafile=pki.trust_store))
    assert (await ended(timeline)).received


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"oldest": ssl.TLSVersion.TLSv1, "newest": ssl.TLSVersion.TLSv1}, "unsupported protocol"),
        ({"suites": "NULL-SHA256", "newest": ssl.TLSVersion.TLSv1_2}, "no shared cipher"),
    ],
)
async def test_an_obsolete_server_finds_nothing_in_common_with_a_modern_client(trap, pki, limits, told):
    server, timeline = await trap("for the address", **limits)
    with pytest.raises(ssl.SSLError):
        await visit(server, strict(cadata=pki.root_pem))
    end = await ended(timeline)
    assert told in end.text
    assert stages(timeline) == ["offered", "ended"]


async def test_an_obsolete_server_takes_an_obsolete_client(trap, pki):
    server, timeline = await trap("for the address", oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1)
    context = strict(cadata=pki.root_pem)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    await visit(server, context)
    await ended(timeline)
    assert [o.content.version for o in timeline if o.content.stage == "agreed"] == ["TLS 1.0"]


@pytest.mark.parametrize(
    "said", [b"", b"REGISTER sip:x SIP/2.0\r\n\r\n", bytes(3000), b"\x16\x03\x01\x40\x00"]
)
async def test_a_client_that_speaks_no_tls_is_told_and_gone(trap, said):
    server, timeline = await trap("for the address")
    _, writer = await asyncio.open_connection(SERVER, server.port, local_addr=(CLIENT, 0))
    writer.write(said)
    writer.write_eof()
    end = await ended(timeline)
    assert end.received == 0
    assert stages(timeline) == ["ended"]
    writer.close()


async def test_closing_ends_connections_that_still_stand(trap, pki):
    server, timeline = await trap("for the address")
    context = strict(cadata=pki.root_pem)
    _, writer = await asyncio.open_connection(
        SERVER, server.port, ssl=context, server_hostname=SERVER, local_addr=(CLIENT, 0)
    )
    assert await timeline.wait(Pattern(kind="tls", text="agreed").where(stage="agreed"), within=2)
    await server.close()
    assert (await ended(timeline)).text == "ended by the bench, with the scenario"
    writer.close()


async def test_an_address_that_is_not_ours_is_an_error_that_names_it(pki):
    identity = pki.server("for the address", SERVER, NAME)
    offer = TlsOffer(identity.chain, identity.key)
    foreign = TlsTestServer("192.0.2.1", offer, append=Timeline().append, name_of=lambda a, p: a)
    with pytest.raises(BenchError, match=r"192\.0\.2\.1"):
        await foreign.start()


def test_suites_that_openssl_does_not_know_are_an_error(pki):
    identity = pki.server("for the address", SERVER, NAME)
    with pytest.raises(BenchError, match="a TLS server cannot be made"):
        TlsOffer(identity.chain, identity.key, suites="EXP-RC4-MD5").context()


def test_keys_are_for_nobody_else_to_read(pki):
    identity = pki.server("expired", SERVER, NAME)
    assert identity.key.stat().st_mode & 0o077 == 0
    assert identity.key.parent.stat().st_mode & 0o077 == 0
    assert "PRIVATE" not in identity.chain.read_text()
