"""Fixtures: a peer at the server's address, and the emulated intercom as a process."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from emulator_peer import Peer
from emulator_process import SERVER, Intercom


@pytest.fixture
async def peer():
    async with Peer(SERVER) as running:
        yield running


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
async def start(state, peer):
    """Start the intercom with options; it is stopped at the end whatever happens, its server still there."""
    running = []

    async def start_with(*options):
        running.append(await Intercom.start(state, *options))
        return running[-1]

    yield start_with
    for intercom in running:
        await intercom.stop()


@pytest.fixture(scope="session")
def authority():
    """Return the PEM text of a CA certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Door CA <b>")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
