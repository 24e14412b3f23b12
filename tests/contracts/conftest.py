"""Every way a serial line can come: what passes a contract on one must pass it on all."""

import pytest

from tests.contracts.serial_peers import NumatoBoard, PtyPeer, Rfc2217Peer, TcpPeer

LINES = {"pty": PtyPeer, "socket": TcpPeer, "rfc2217": Rfc2217Peer}


@pytest.fixture(params=LINES)
def peer(request):
    """The far end of a serial line that says only what a test sends."""
    peer = LINES[request.param]().start()
    yield peer
    peer.unplug()


@pytest.fixture
def pty_peer():
    """The far end of a local line, for what does not depend on the kind of line."""
    peer = PtyPeer().start()
    yield peer
    peer.unplug()


@pytest.fixture(params=["pty", "socket"])
def board_peer(request):
    """A relay board at the far end of a serial line; ``peer.answer`` is its firmware."""
    peer = LINES[request.param](NumatoBoard()).start()
    yield peer
    peer.unplug()
