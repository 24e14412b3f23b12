"""A portal with a certificate of a private CA: believed with that CA's file, and not without."""

import ssl

import pytest

from intercom_hil.device.portal import Account, Portal
from intercom_hil.errors import BenchError
from intercom_hil.pki import Pki
from tests.device.portal_peer import PortalPeer

ADDRESS = "127.0.75.63"
ADMIN = Account("admin", "admin-secret")


class SecurePeer(PortalPeer):
    """The same portal behind TLS, each handshake in a thread of its own."""

    def __init__(self, context):
        super().__init__(ADDRESS)
        plain = self.server.get_request
        self.server.get_request = lambda: _secured(plain, context)
        self.url = self.url.replace("http:", "https:")


def _secured(accept, context):
    connection, address = accept()
    return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def portal_url(pki):
    identity = pki.server("for the address", ADDRESS, ADDRESS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.chain, identity.key)
    peer = SecurePeer(context)
    yield peer.url
    peer.close()


async def test_a_private_ca_is_believed_where_it_is_named(pki, portal_url, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text(pki.root_pem)
    portal = Portal(portal_url, ADMIN, ca=ca)
    await portal.open()
    assert portal.device == "door"
    await portal.close()


async def test_a_private_ca_is_not_believed_otherwise(portal_url):
    with pytest.raises(BenchError, match="CERTIFICATE_VERIFY_FAILED"):
        await Portal(portal_url, ADMIN).open()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_a_file_that_is_no_ca_is_named(portal_url, tmp_path, content):
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    with pytest.raises(BenchError, match="CA cannot be read") as caught:
        await Portal(portal_url, ADMIN, ca=ca).open()
    assert caught.value.where == str(ca)
