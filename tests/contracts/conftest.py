"""Every way an instrument can come: what passes a contract on one must pass it on all.

With ``--bench FILE`` of a physical device its own instruments go through the contracts too. Then the button
is pressed and the supply is switched, and what needs somebody at the far end is skipped.
"""

import pytest

from intercom_hil.contracts import InputContract, OutputContract, PowerContract
from tests.contracts.rigs import INPUTS, OUTPUTS, POWER, Desk, hardware
from tests.contracts.serial_peers import PtyPeer, Rfc2217Peer, TcpPeer

LINES = {"pty": PtyPeer, "socket": TcpPeer, "rfc2217": Rfc2217Peer}


def pytest_generate_tests(metafunc):
    benches = metafunc.config.getoption("--bench", None)
    desk = Desk.of(benches[0] if benches else None)
    contract = metafunc.cls
    if "rig" not in metafunc.fixturenames:
        contract = None
    if contract and issubclass(contract, PowerContract):
        tables = desk.supplies.items()
        wired = {name: hardware(table["output"], table.get("normally_on", True)) for name, table in tables}
        _parametrize(metafunc, POWER | wired)
    elif contract and issubclass(contract, OutputContract):
        wired = {name: hardware(table) for name, table in desk.outputs.items()}
        _parametrize(metafunc, OUTPUTS | wired)
    elif contract and issubclass(contract, InputContract):
        wired = {name: hardware(table) for name, table in desk.inputs.items()}
        _parametrize(metafunc, INPUTS | wired)
    elif "console_table" in metafunc.fixturenames:
        nobody = pytest.mark.skip(reason="no bench file with a console is named")
        tables = [pytest.param(table, id=name) for name, table in desk.consoles.items()]
        metafunc.parametrize("console_table", tables or [pytest.param(None, id="none", marks=nobody)])


def _parametrize(metafunc, rigs):
    metafunc.parametrize("rig", rigs.values(), ids=rigs.keys(), indirect=True)


@pytest.fixture
async def rig(request, tmp_path):
    """An instrument and its far end, made where instruments are: in an event loop."""
    rig = request.param(tmp_path)
    yield rig
    rig.close()


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
