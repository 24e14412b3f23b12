"""``bench check --parts-only`` looks at everything that a run opens before its first scenario."""

import contextlib

import pytest

from intercom_hil.bench_file.model import load
from intercom_hil.bench_file.tables import DeviceTable
from intercom_hil.commands.check import interface_problem, look_at_instruments
from intercom_hil.locations import DEFAULT_BENCH
from tests.contracts.serial_peers import NumatoBoard, PtyPeer, Rfc2217Peer


@contextlib.contextmanager
def desk(console=None, line=None, **elsewhere):
    """The tables of a device whose boxes are there, but for those that are named as being elsewhere."""
    board, console = PtyPeer(NumatoBoard()).start(), (console or PtyPeer()).start()
    at = {"supply": board.url, "sensed": board.url} | elsewhere
    try:
        yield DeviceTable.model_validate(
            {
                "kind": "physical",
                "address": "192.0.2.9",
                "capabilities": load(DEFAULT_BENCH).device.capabilities.model_dump(),
                "configurator": "command",
                "command": {"run": ["true"]},
                "console": {"port": console.url, **(line or {})},
                "button": {"kind": "numato-relay", "port": board.url, "channel": 1},
                "power": {"output": {"kind": "numato-relay", "port": at["supply"], "channel": 2}},
                "inputs": {"strike": {"kind": "numato-gpio", "port": at["sensed"], "line": 5}},
            }
        )
    finally:
        board.unplug()
        console.unplug()


async def test_each_instrument_of_a_run_has_its_line():
    with desk() as device:
        found = await look_at_instruments(device)
    assert [problem for _, problem, _ in found] == [None] * len(found)
    assert {name.split()[0] for name, _, _ in found} == {"button", "supply", "input", "command", "console"}


@pytest.mark.parametrize(("box", "missing"), [("supply", "supply"), ("sensed", "input")])
async def test_a_supply_or_an_input_that_is_not_there_is_missing(tmp_path, box, missing):
    with desk(**{box: str(tmp_path / "unplugged")}) as device:
        found = await look_at_instruments(device)
    problems = {name.split()[0]: problem for name, problem, _ in found if problem is not None}
    assert list(problems) == [missing]
    assert problems[missing].remedy


async def test_the_console_is_opened_with_the_levels_of_the_bench_file():
    server = Rfc2217Peer()
    with desk(server, {"dtr": False}) as device:
        found = await look_at_instruments(device)
    assert [problem for _, problem, _ in found] == [None] * len(found)
    assert (server.port.dtr, server.port.rts) == (False, True)


def test_an_interface_that_is_not_there_is_missing():
    assert interface_problem("lo") is None
    assert interface_problem("any") is None
    missing = interface_problem("nosuch0")
    assert missing is not None
    assert missing.where == "capture.interface"
    assert "lo" in missing.remedy
