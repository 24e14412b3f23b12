"""Fixtures: a peer at the server's address, and the emulated intercom as a process."""

import pytest
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
