"""TLS at the emulated intercom: whom it speaks to, whom it leaves, and how a fault bends the rule."""

import ssl

import pytest
from emulator_process import DEVICE, SERVER

from intercom_hil.pki import Pki
from intercom_hil.stations.tls_test_server import TlsOffer, TlsTestServer
from intercom_hil.timeline import Pattern, Timeline
from intercom_hil.timeline.pattern import Condition

NAME = "pbx.intercom.example"
OBSOLETE = {"oldest": ssl.TLSVersion.TLSv1, "newest": ssl.TLSVersion.TLSv1_1}
NULL = {"suites": "NULL-SHA256", "newest": ssl.TLSVersion.TLSv1_2}
DECIDED = Pattern(kind="tls", text="words or end").where(stage=Condition(one_of=("spoken", "ended")))


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("run") / "pki")


@pytest.fixture
async def meets(start, pki, tmp_path):
    """Start an intercom with options; what is returned sends it to a server and tells whether it spoke."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{SERVER} {NAME}\n")

    async def started(*options):
        intercom = await start("--trust-store", str(pki.trust_store), "--hosts", str(hosts), *options)
        await intercom.login()

        async def speaks_to(certificate, *, upload=True, by_name=False, **limits):
            timeline = Timeline()
            identity = pki.server(certificate, SERVER, NAME)
            offer = TlsOffer(identity.chain, identity.key, **limits)
            trap = TlsTestServer(SERVER, offer, append=timeline.append, name_of=lambda address, port: address)
            await trap.start()
            try:
                answer = await intercom.submit(
                    transport="TLS",
                    server_address=NAME if by_name else SERVER,
                    server_port=trap.port,
                    ca_certificate=pki.root_pem if upload else None,
                )
                assert answer.status_code == 200, answer.text
                first, *_ = await timeline.wait(DECIDED, within=5)
                assert first.content.sender == DEVICE
                return first.content.stage == "spoken"
            finally:
                await trap.close()

        return speaks_to

    return started


async def test_the_faithful_device_speaks_only_to_servers_that_prove_themselves(meets):
    speaks_to = await meets()
    assert await speaks_to("for the address")
    assert await speaks_to("for the name", by_name=True)
    assert not await speaks_to("another CA")
    assert not await speaks_to("a well-known CA")
    assert not await speaks_to("for clients only")
    assert not await speaks_to("another name", by_name=True)
    assert not await speaks_to("for the address", upload=False)
    assert await speaks_to("a well-known CA", upload=False)
    assert not await speaks_to("for the address", **OBSOLETE)
    assert not await speaks_to("for the address", **NULL)


@pytest.mark.parametrize(
    ("fault", "yes", "no"),
    [
        ("refuses-own-ca", ("a well-known CA", {"upload": False}), ("for the address", {})),
        ("accepts-other-ca", ("a well-known CA", {}), ("another CA", {})),
        ("accepts-private-ca-without-upload", ("another CA", {"upload": False}), ("another CA", {})),
        ("refuses-well-known", ("for the address", {}), ("a well-known CA", {"upload": False})),
        ("accepts-expired", ("not yet valid", {}), ("another address", {})),
        ("ignores-certificate-name", ("another name", {"by_name": True}), ("expired", {})),
        ("ignores-certificate-purpose", ("for clients only", {}), ("self-signed", {})),
        ("accepts-tls-1.0", ("for the address", OBSOLETE), ("for the address", NULL)),
        ("accepts-null-suites", ("for the address", NULL), ("for the address", OBSOLETE)),
    ],
)
async def test_a_fault_bends_its_rule_and_no_other(meets, fault, yes, no):
    speaks_to = await meets("--fault", fault)
    for (certificate, how), expected in ((yes, True), (no, False)):
        assert await speaks_to(certificate, **how) is expected, certificate


async def test_a_device_that_verifies_nothing_speaks_to_anybody(meets):
    speaks_to = await meets("--fault", "accepts-any-certificate")
    for certificate in ("self-signed", "a CA of the same name", "another address"):
        assert await speaks_to(certificate)
