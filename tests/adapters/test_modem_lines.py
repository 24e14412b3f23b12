"""RTS, DTR and the four inputs of a cable: beside a console, and on ports that have none."""

import asyncio

import pytest
from pydantic import TypeAdapter

from intercom_hil.contracts.inputs import Edges
from intercom_hil.errors import BenchError
from intercom_hil.instruments import AnyInput, AnyOutput, SerialConsole, SharedPorts, opened
from tests.contracts.serial_peers import MuteManager, PtyPeer, Rfc2217Peer, TcpPeer
from tests.contracts.test_console_contract import Lines

OUTPUT, INPUT = TypeAdapter(AnyOutput), TypeAdapter(AnyInput)


@pytest.fixture
def server():
    server = Rfc2217Peer().start()
    yield server
    server.unplug()


def output(ports, url, line):
    table = {"kind": "serial-line", "port": url, "line": line}
    return OUTPUT.validate_python(table).make(ports, name="output")


def sensed(ports, url, line, **options):
    table = {"kind": "serial-line", "port": url, "line": line, **options}
    return INPUT.validate_python(table).make(ports, name="input")


async def test_one_cable_is_console_button_and_senses_at_once(server):
    ports, lines = SharedPorts(), Lines()
    console = SerialConsole.on(ports, server.url)
    console.listen(lines)
    rts, dtr = (output(ports, server.url, name) for name in ("rts", "dtr"))
    inputs = {name: sensed(ports, server.url, name) for name in ("cts", "dsr", "dcd", "ri")}
    edges = {name: Edges() for name in inputs}
    for name, instrument in inputs.items():
        instrument.listen(edges[name])
    async with opened(console, rts, dtr, *inputs.values()):
        server.send(b"ready\r\n")
        assert await lines.first(1) == ["ready"]
        await rts.set(True)
        assert (server.port.rts, server.port.dtr) == (True, False)
        await rts.set(False)
        await dtr.set(True)
        assert (server.port.rts, server.port.dtr) == (False, True)
        for name in inputs:
            server.sense(name, True)
            assert await edges[name].first(1) == [True]
        assert [len(edges[name].seen) for name in inputs] == [1, 1, 1, 1]
    assert server.port.driven.count(("rts", True)) == 1, "opening the console pressed the button"


async def test_an_input_can_be_turned_round(server):
    server.sense("cts", True)
    edges, strike = Edges(), sensed(SharedPorts(), server.url, "cts", active_low=True)
    strike.listen(edges)
    async with opened(strike):
        assert await strike.read() is False
        server.sense("cts", False)
        assert await edges.first(1) == [True]


@pytest.mark.parametrize("kind", [PtyPeer, TcpPeer])
async def test_a_port_without_modem_lines_is_refused(kind):
    peer = kind().start()
    for instrument in (output(SharedPorts(), peer.url, "rts"), sensed(SharedPorts(), peer.url, "cts")):
        with pytest.raises(BenchError, match=r"no modem lines|Inappropriate ioctl"):
            await instrument.open()
    peer.unplug()


async def test_a_terminal_server_that_tells_no_inputs_is_a_bench_error():
    server = Rfc2217Peer(manager=MuteManager).start()
    with pytest.raises(BenchError, match="told no state of its inputs within 1 s"):
        await sensed(SharedPorts(), server.url, "cts").open()
    server.unplug()


async def test_a_server_whose_answers_are_not_heeded_confirms_nothing(server):
    rts = output(SharedPorts(), f"{server.url}?ign_set_control", "rts")
    async with opened(rts):
        assert await rts.set(True) is False


async def test_a_server_that_goes_takes_all_with_it(server):
    ports = SharedPorts()
    rts, strike = output(ports, server.url, "rts"), sensed(ports, server.url, "cts")
    async with opened(rts, strike):
        await asyncio.to_thread(server.unplug)
        async with asyncio.timeout(2):
            assert await rts.lost == await strike.lost
